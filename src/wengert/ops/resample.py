"""Interpolation and padding: linear maps along single dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import front
from ..core.dispatch import dispatch
from ..core.dtypes import uint8
from ..core.errors import warn
from ..core.primitive import Primitive, general, linear, ops
from ..core.samples import Case, T, samples
from ..core.takes import COMPLEX, FLOATS, INTEGERS, REAL, Takes
from ..core.tensor import Tensor
from ..kernels import resample as kernel
from .install import public

# ---------------------------------------------------------------- the primitive


def _batch_resample(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    return prim(front(vals[0], dims[0]), **params), 0


resample = linear(
    "resample",
    params=("dims", "tables"),
    kernel=kernel.resample,
    vjp=dict(x=lambda xp, g, dims, tables: xp.resample(g, dims=dims, tables=tuple(t.T for t in tables))),
    batch=_batch_resample,
)
_resample_bytes = general("resample_bytes", params=("tables",), kernel=kernel.resample_bytes, batch=_batch_resample)
_nodes: dict[str, Any] = {}


def resampled(x: Tensor, tables: tuple[kernel.Table, ...], node: str, takes: Takes | None = None) -> Tensor:
    """`tables` along the last dimensions of x, recorded under PyTorch's name `node`; `takes`: the dtypes."""
    if takes is not None:
        takes(x)
    made = _nodes.get(node)
    if made is None:
        made = _nodes[node] = resample.renamed(node)
    return dispatch(resample, (x,), {"dims": tuple(range(-len(tables), 0)), "tables": tables}, made)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- padding


def _constant_kernel(x: Any, *, pad: tuple[int, ...], value: Any) -> Any:
    before, after = _sides(pad, x.ndim)
    shape = tuple(n + b + a for n, b, a in zip(x.shape, before, after, strict=True))
    out = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    to = tuple(slice(max(b, 0), n - max(a, 0)) for n, b, a in zip(shape, before, after, strict=True))
    of = tuple(slice(max(-b, 0), n - max(-a, 0)) for n, b, a in zip(x.shape, before, after, strict=True))
    out[to] = x[of]
    return out


def _sides(pad: tuple[int, ...], ndim: int) -> tuple[list[int], list[int]]:
    """What to add before and after each dimension; `pad` starts from the last."""
    before, after = [0] * ndim, [0] * ndim
    for i in range(len(pad) // 2):
        before[ndim - 1 - i], after[ndim - 1 - i] = pad[2 * i], pad[2 * i + 1]
    return before, after


def _batch_pad(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    return prim(front(vals[0], dims[0]), **params), 0


_constant = general(
    "constant_pad_nd",
    params=("pad", "value"),
    kernel=_constant_kernel,
    vjp=dict(x=lambda xp, g, pad: xp.constant_pad_nd(g, pad=tuple(-p for p in pad), value=0)),
    jvp=dict(x=lambda xp, t, pad: xp.constant_pad_nd(t, pad=pad, value=0)),
    batch=_batch_pad,
    half="native",
)


@public(method=False)
def constant_pad_nd(input: Tensor, pad: Any, value: Any = 0) -> Tensor:
    """`value` around input: pad = (before last, after last, before the last but one, ...); negative ones crop."""
    sides = tuple(int(p) for p in pad)
    if len(sides) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(sides)}")
    if len(sides) > 2 * input.ndim:
        raise RuntimeError(
            f"Length of pad should be no more than twice the number of dimensions of the input. Pad "
            f"length is {len(sides)} "
            f"while the input has {input.ndim} dimensions."
        )
    before, after = _sides(sides, input.ndim)
    for i, (n, b, a) in enumerate(zip(input.shape, before, after, strict=True)):
        if n + b + a < 0 or (b < 0 and n + b < 0) or (a < 0 and n + min(b, 0) + a < 0):
            if n + b + a < 0:
                raise RuntimeError("narrow(): length must be non-negative.")
            raise RuntimeError(
                f"The input size {n}, plus negative padding {b} and {a} resulted in a negative output size, which is "
                f"invalid. Check dimension {i} of your input."
            )
    return _constant(input, pad=sides, value=value)  # type: ignore[no-any-return]


ops.constant_pad_nd = lambda x, pad, value: _constant(x, pad=tuple(pad), value=value)


_pad_takes = {
    (mode, d): Takes(f"{word}_pad{d}d", REAL | INTEGERS | COMPLEX)
    for mode, word in (("reflect", "reflection"), ("replicate", "replication"))
    for d in (1, 2, 3)
}


@public(name="nn.functional.pad", method=False)
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """More elements around the last dimensions: "constant", "reflect", "replicate" or "circular".

    pad = (before last, after last, before the last but one, ...).
    """
    sides = tuple(int(p) for p in pad)
    if len(sides) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    n = input.ndim
    if len(sides) > 2 * n:
        raise RuntimeError(
            "Padding length should be less than or equal to two times the input dimension but got padding length "
            f"{len(sides)} and input of dimension {n}"
        )
    if mode == "constant":
        return constant_pad_nd(input, sides, 0.0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    spatial = len(sides) // 2
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if not (1 <= spatial <= 3 and n in (spatial + 1, spatial + 2)):
        raise NotImplementedError(
            f"Padding size {len(sides)} is not supported for {n}D input tensor.\nSupported "
            f"combinations for non-constant "
            "padding:\n  - 2D or 3D input: padding size = 2 (pads last dimension)\n  - 3D or 4D "
            "input: padding size = 4 "
            "(pads last 2 dimensions)\n  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)"
        )
    tables = []
    for i in range(spatial):
        before, after = sides[2 * i], sides[2 * i + 1]
        size = input.shape[n - 1 - i]
        if mode == "reflect" and (before >= size or after >= size):
            raise RuntimeError(
                f"Argument #{4 + 2 * i}: Padding size should be less than the corresponding input dimension, but got: "
                f"padding ({before}, {after}) at dimension {n - 1 - i} of input {list(input.shape)}"
            )
        if mode == "circular" and (before > size or after > size):
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if size + before + after < 1:
            raise RuntimeError(f"input (W: {size}) is too small. Calculated output W: {size + before + after}")
        tables.append(kernel.padding_copies(size, before, after, mode))
    if mode == "circular":
        return resampled(input, tuple(reversed(tables)), "CopySlices")
    word = "Reflection" if mode == "reflect" else "Replication"
    return resampled(input, tuple(reversed(tables)), f"{word}Pad{spatial}DBackward0", _pad_takes[mode, spatial])


# ---------------------------------------------------------------- interpolation

_MODES = "nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact"
_RANK = {"linear": 3, "bilinear": 4, "bicubic": 4, "lanczos": 4, "trilinear": 5}
_NODE = {
    ("nearest", 1): "UpsampleNearest1D", ("nearest", 2): "UpsampleNearest2D", ("nearest", 3): "UpsampleNearest3D",
    ("nearest-exact", 1): "UpsampleNearestExact1D", ("nearest-exact", 2): "UpsampleNearestExact2D",
    ("nearest-exact", 3): "UpsampleNearestExact3D", ("linear", 1): "UpsampleLinear1D",
    ("bilinear", 2): "UpsampleBilinear2D", ("bicubic", 2): "UpsampleBicubic2D", ("trilinear", 3): "UpsampleTrilinear3D",
    ("bilinear-aa", 2): "UpsampleBilinear2DAa", ("bicubic-aa", 2): "UpsampleBicubic2DAa",
    ("lanczos-aa", 2): "UpsampleLanczos2DAa",
}  # fmt: skip

_BYTE = frozenset((uint8,))
_by_nearest = Takes("compute_indices_weights_nearest", REAL | _BYTE)
_by_nearest_2d = Takes("upsample_nearest2d_channels_last", REAL | _BYTE)
_by_lines = Takes("compute_indices_weights_linear", REAL)
_upsample_takes = {
    **{("nearest", d): (_by_nearest, _by_nearest_2d)[d == 2] for d in (1, 2, 3)},
    **{("nearest-exact", d): (_by_nearest, _by_nearest_2d)[d == 2] for d in (1, 2, 3)},
    ("linear", 1): _by_lines, ("trilinear", 3): _by_lines,
    ("bilinear", 2): Takes("upsample_bilinear2d_channels_last", REAL | _BYTE),
    ("bicubic", 2): Takes("compute_indices_weights_cubic", REAL | _BYTE),
}  # fmt: skip
_antialias_takes = Takes("compute_index_ranges_weights", FLOATS | _BYTE)


def _sizes(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[tuple[int, ...], tuple[float | None, ...]]:
    """The output's spatial size, and the scale factors that positions are computed with (None: from the sizes)."""
    dims = input.ndim - 2
    spatial = tuple(input.shape[2:])
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if isinstance(size, (list, tuple)):
            if len(size) != dims:
                raise ValueError(
                    "Input and output must have the same number of spatial dimensions, but got input with spatial "
                    f"dimensions of {list(spatial)} and output size of {size}. Please provide input "
                    f"tensor in (N, C, d1, "
                    "d2, ...,dK) format and output size in (o1, o2, ...,oK) format."
                )
            if not all(isinstance(s, int) or hasattr(s, "__index__") for s in size):
                raise TypeError(
                    f"expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, "
                    f"int, int], but got size "
                    f"with types {[type(x) for x in size]}"
                )
            out = tuple(int(s) for s in size)
        else:
            out = (int(size),) * dims
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return out, (None,) * dims
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if isinstance(scale_factor, (list, tuple)):
        if len(scale_factor) != dims:
            raise ValueError(
                "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial "
                f"dimensions of {list(spatial)} and scale_factor of shape {scale_factor}. Please "
                f"provide input tensor in "
                "(N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format."
            )
        factors = tuple(float(s) for s in scale_factor)
    else:
        factors = (float(scale_factor),) * dims
    out = tuple(math.floor(float(n) * f) for n, f in zip(spatial, factors, strict=True))
    return out, (None,) * dims if recompute else factors


@public(name="nn.functional.interpolate", method=False)
def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Resize the spatial dimensions of (N, C, *): to `size`, or by `scale_factor`. Differentiable."""
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | "
                "bilinear | bicubic | trilinear"
            )
    elif align_corners is None:
        align_corners = False
    dims = input.ndim - 2
    if dims < 0:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the "
            f"modes: {_MODES} (got {mode})"
        )
    out, factors = _sizes(input, size, scale_factor, recompute_scale_factor)
    if antialias and not (mode in ("bilinear", "bicubic", "lanczos") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    wanted = _RANK.get(mode)
    if not 1 <= dims <= 3 or (wanted is None and mode not in ("nearest", "area", "nearest-exact")):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.ndim}D) for the "
            f"modes: {_MODES} (got {mode})"
        )
    if wanted is not None and wanted != input.ndim:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs {wanted}D input")
    if mode == "area":
        from .install import FUNCTIONS

        return FUNCTIONS[f"nn.functional.adaptive_avg_pool{dims}d"](input, out)  # type: ignore[no-any-return]
    return _upsample(input, out, factors, mode, bool(align_corners), antialias)


def _upsample(
    input: Tensor,
    out: tuple[int, ...],
    factors: tuple[float | None, ...],
    mode: str,
    align_corners: bool,
    antialias: bool,
) -> Tensor:
    spatial = tuple(input.shape[2:])
    if any(n <= 0 for n in spatial) or any(n <= 0 for n in out):
        names = ("D", "H", "W")[3 - len(out) :]
        shown = [", ".join(f"{k}: {n}" for k, n in zip(names, sizes, strict=True)) for sizes in (spatial, out)]
        raise RuntimeError(
            f"Input and output sizes should be greater than 0, but got input ({shown[0]}) and output ({shown[1]})"
        )
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    tables = []
    for n, m, f in zip(spatial, out, factors, strict=True):
        if antialias:
            kind = {"bilinear": "linear", "bicubic": "cubic", "lanczos": "lanczos"}[mode]
            tables.append(kernel.antialiased(n, m, align_corners, f, kind))
        elif mode.startswith("nearest"):
            tables.append(kernel.nearest(n, m, f, mode == "nearest-exact"))
        elif mode == "bicubic":
            tables.append(kernel.cubic(n, m, align_corners, f))
        else:
            tables.append(kernel.linear(n, m, align_corners, f))
    (_antialias_takes if antialias else _upsample_takes[mode, len(out)])(input)
    if input.dtype.name == "uint8" and not mode.startswith("nearest"):
        return _resample_bytes(input, tables=tuple(tables))  # type: ignore[no-any-return]
    node = _NODE[mode + ("-aa" if antialias else ""), len(out)] + "Backward0"
    return resampled(input, tuple(tables), node)


@public(name="nn.functional.upsample", method=False)
def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate` under its old name (deprecated)."""
    warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode, align_corners)


@public(name="nn.functional.upsample_nearest", method=False)
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate(mode="nearest")` (deprecated)."""
    warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="nearest")


@public(name="nn.functional.upsample_bilinear", method=False)
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate(mode="bilinear", align_corners=True)` (deprecated)."""
    warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


# ---------------------------------------------------------------- samples

samples(
    "nn.functional.pad",
    Case(T(2, 3), (1, 2)),
    Case(T(2, 3, 4), (1, 0, 2, 1), value=0.5),
    Case(T(3, 4), (-1, 1)),
    Case(T(2, 3, 4), (2, 1), mode="reflect"),
    Case(T(2, 3, 4, 4), (2, 1, 1, 0), mode="replicate"),
    Case(T(2, 3, 4), (2, 1), mode="circular"),
    Case(T(1, 2, 3, 4, 3), (1, 1, 2, 1, 0, 1), mode="reflect"),
    Case(T(2, 3, 4), (1, 1, 0, 2), mode="circular"),
)
samples(
    "nn.functional.interpolate",
    Case(T(2, 3, 4), 7),
    Case(T(1, 2, 4, 5), scale_factor=1.7),
    Case(T(1, 2, 2, 3, 2), (3, 2, 4)),
    Case(T(1, 2, 5, 4), (3, 7), mode="nearest-exact"),
    Case(T(2, 3, 4), 7, mode="linear"),
    Case(T(1, 2, 4, 5), (3, 8), mode="bilinear", align_corners=True),
    Case(T(1, 2, 4, 5), scale_factor=(1.3, 2.0), mode="bilinear"),
    Case(T(1, 2, 4, 5), (6, 3), mode="bicubic"),
    Case(T(1, 1, 2, 3, 2), (3, 4, 3), mode="trilinear"),
    Case(T(1, 2, 6, 5), (3, 4), mode="bilinear", antialias=True),
    Case(T(1, 2, 6, 5), (4, 7), mode="bicubic", antialias=True),
    Case(T(1, 2, 6, 5), (4, 3), mode="area"),
    complex=False,
)
