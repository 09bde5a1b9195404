"""Convolutions in 1, 2 and 3 dimensions, transposed ones, and sliding windows as columns (unfold, fold)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..core.batching import front, stretched
from ..core.primitive import Primitive, general, linear, multilinear, ops
from ..core.promotion import check_cast, promote_types
from ..core.samples import Case, T, samples
from ..core.takes import BOOL, COMPLEX, INTEGERS, LONG, REAL, Takes
from ..core.tensor import Tensor
from ..kernels import convolution as kernel
from .install import public
from .lines import tensor_type
from .matmul import _C_NAMES
from .shape import squeeze

GEOMETRY = ("stride", "padding", "dilation", "groups")

# ---------------------------------------------------------------- vmap: the mapped dimension becomes samples or groups


def _merge(x: Any, axis: int) -> Any:
    """The leading dimension joined in front of dimension `axis`, counted without it."""
    order = [*range(1, axis + 1), 0, *range(axis + 1, x.ndim)]
    x = ops.permute(x, dims=tuple(order)) if axis else x
    shape = tuple(x.shape)
    return ops.reshape(x, (*shape[:axis], shape[axis] * shape[axis + 1], *shape[axis + 2 :]))


def _split(y: Any, axis: int, n: int) -> Any:
    """The inverse: `n` slots split off dimension `axis`, then in front."""
    shape = tuple(y.shape)
    y = ops.reshape(y, (*shape[:axis], n, shape[axis] // n, *shape[axis + 1 :]))
    return ops.permute(y, dims=(axis, *(i for i in range(y.ndim) if i != axis)))


def _batch(sample_axes: tuple[int, int | None], out_axis: int) -> Any:
    """The rule of one of the three transposes. Without mapped weights the slots are more samples; else more groups.

    `sample_axes`: for each input the dimension that samples go to (None: a weight); `out_axis`: where the channels of
    the result are.
    """

    def rule(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
        n = next(v.shape[d] for v, d in zip(vals, dims, strict=True) if d is not None)
        if sample_axes[1] is None and dims[1] is None:
            y = prim(_merge(front(vals[0], dims[0]), 0), vals[1], **params)
            return _split(y, 0, n), 0
        x, y = (stretched(v, d, n) for v, d in zip(vals, dims, strict=True))
        first = _merge(x, 1)
        second = _merge(y, 0 if sample_axes[1] is None else 1)
        out = prim(first, second, **{**params, "groups": params["groups"] * n})
        return _split(out, out_axis, n), 0

    return rule


_forward = multilinear(
    "conv_forward",
    inputs=("x", "w"),
    params=GEOMETRY,
    kernel=kernel.conv_forward,
    promote=None,
    vjp=dict(
        x=lambda xp, g, x_shape, w, stride, padding, dilation, groups: xp.conv_input_back(
            g, xp.conj(w), size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        w=lambda xp, g, x, w_shape, stride, padding, dilation, groups: xp.conv_weight_back(
            xp.conj(x), g, kernel=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    ),
    batch=_batch((0, None), 1),
    node="ConvolutionBackward0",
)
_input_back = multilinear(
    "conv_input_back",
    inputs=("x", "w"),
    params=("size", *GEOMETRY),
    kernel=kernel.conv_input_back,
    promote=None,
    vjp=dict(
        x=lambda xp, g, w, stride, padding, dilation, groups: xp.conv_forward(
            g, xp.conj(w), stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        w=lambda xp, g, x, w_shape, stride, padding, dilation, groups: xp.conv_weight_back(
            g, xp.conj(x), kernel=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    ),
    batch=_batch((0, None), 1),
    node="ConvolutionBackward0",
)
_weight_back = multilinear(
    "conv_weight_back",
    inputs=("x", "y"),
    params=("kernel", *GEOMETRY),
    kernel=kernel.conv_weight_back,
    promote=None,
    vjp=dict(
        x=lambda xp, g, x_shape, y, stride, padding, dilation, groups: xp.conv_input_back(
            xp.conj(y), g, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        y=lambda xp, g, x, stride, padding, dilation, groups: xp.conv_forward(
            xp.conj(x), g, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    ),
    batch=_batch((0, 0), 0),
    node="ConvolutionBackwardBackward0",
)

# ---------------------------------------------------------------- with a bias: what users call


def _conv_kernel(
    x: Any,
    w: Any,
    b: Any,
    *,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    given = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if transposed:
        y = kernel.conv_input_back(x, w, size=transposed_size(x, w, stride, padding, dilation, output_padding), **given)
    else:
        y = kernel.conv_forward(x, w, **given)
    if b is not None:
        y += b.reshape(-1, *(1,) * (x.ndim - 2))
    return y


def transposed_size(x: Any, w: Any, stride: Any, padding: Any, dilation: Any, output_padding: Any) -> tuple[int, ...]:
    """The spatial size of a transposed convolution's result."""
    return tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + o + 1
        for n, k, s, p, d, o in zip(x.shape[2:], w.shape[2:], stride, padding, dilation, output_padding, strict=True)
    )


def _without_bias(
    xp: Any,
    x: Any,
    w: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    transposed: bool,
    output_padding: Any,
    groups: int,
) -> Any:
    given = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if transposed:
        size = transposed_size(x, w, stride, padding, dilation, output_padding)
        return xp.conv_input_back(x, w, size=size, **given)
    return xp.conv_forward(x, w, **given)


def _conv_x(
    xp: Any, g: Any, x_shape: Any, w: Any, stride: Any, padding: Any, dilation: Any, transposed: Any, groups: Any
) -> Any:
    given = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if transposed:
        return xp.conv_forward(g, xp.conj(w), **given)
    return xp.conv_input_back(g, xp.conj(w), size=x_shape[2:], **given)


def _conv_w(
    xp: Any, g: Any, x: Any, w_shape: Any, stride: Any, padding: Any, dilation: Any, transposed: Any, groups: Any
) -> Any:
    given = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    if transposed:
        return xp.conv_weight_back(g, xp.conj(x), kernel=w_shape[2:], **given)
    return xp.conv_weight_back(xp.conj(x), g, kernel=w_shape[2:], **given)


def _conv_tangent_b(xp: Any, t: Any, out: Any) -> Any:
    return xp.expand(xp.reshape(t, (-1, *(1,) * (out.ndim - 2))), size=tuple(out.shape))


def _batch_convolution(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    (x, w, b), (dx, dw, db) = vals, dims
    transposed = params["transposed"]
    base = TABLE_OF[transposed]
    given = {name: params[name] for name in GEOMETRY}
    rank = w.ndim - (dw is not None)
    if transposed:
        shapes = [tuple(n for i, n in enumerate(v.shape) if i != d) for v, d in ((x, dx), (w, dw))]
        given["size"] = transposed_size(
            _Shape(shapes[0]), _Shape(shapes[1]), params["stride"], params["padding"], params["dilation"],
            params["output_padding"],
        )  # fmt: skip
    if dx is None and dw is None:
        y = ops.unsqueeze(base(x, w, **given), dim=0)
    else:
        y, _ = base.batch(base, (x, w), (dx, dw), given)
    if b is None:
        return y, 0
    ones = (1,) * (rank - 2)
    if db is None:
        return y + ops.reshape(b, (-1, *ones)), 0
    b = front(b, db)
    return y + ops.reshape(b, (b.shape[0], 1, b.shape[1], *ones)), 0


class _Shape:
    """Something with a shape."""

    __slots__ = ("shape",)

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape


TABLE_OF = {False: _forward, True: _input_back}
_rule = "stride, padding, dilation, transposed, output_padding, groups"
_convolution = general(
    "convolution",
    inputs=("x", "w", "b"),
    params=("stride", "padding", "dilation", "transposed", "output_padding", "groups"),
    kernel=_conv_kernel,
    vjp=dict(
        x=_conv_x,
        w=_conv_w,
        b=lambda xp, g: xp.sum(g, dim=(0, *range(2, g.ndim)), keepdim=False),
    ),
    jvp=dict(
        x=lambda xp, t, w, stride, padding, dilation, transposed, output_padding, groups: _without_bias(
            xp, t, w, stride, padding, dilation, transposed, output_padding, groups
        ),
        w=lambda xp, t, x, stride, padding, dilation, transposed, output_padding, groups: _without_bias(
            xp, x, t, stride, padding, dilation, transposed, output_padding, groups
        ),
        b=_conv_tangent_b,
    ),
    batch=_batch_convolution,
    saved_names=dict(x="input", w="weight"),
)

# ---------------------------------------------------------------- arguments


def spread_arg(value: Any, dims: int, name: str) -> tuple[int, ...]:
    """One int, or a sequence of one or `dims` ints, as a tuple of `dims`."""
    if isinstance(value, (tuple, list)):
        values = tuple(int(v) for v in value)
        if len(values) == 1:
            return values * dims
        if len(values) != dims:
            raise RuntimeError(
                f"expected {name} to be a single integer value or a list of {dims} values to match the convolution "
                f"dimensions, but got {name}={list(values)}"
            )
        return values
    return (int(value),) * dims


def _check(
    name: str,
    dims: int,
    x: Any,
    w: Any,
    b: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    output_padding: Any,
    groups: int,
    transposed: bool,
) -> None:
    if any(n <= 0 for n in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(n < 0 for n in padding):
        raise RuntimeError("negative padding is not supported")
    if any(n <= 0 for n in dilation):
        raise RuntimeError("non-positive dilation is not supported")
    if any(n < 0 for n in output_padding):
        raise RuntimeError("negative output_padding is not supported")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    xs, ws = list(x.shape), list(w.shape)
    if ws[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got "
            f"weight of size {ws} "
            "instead"
        )
    if ws[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but "
            f"got weight of size "
            f"[{ws}] instead"
        )
    channels, out = (ws[0], ws[1] * groups) if transposed else (ws[1] * groups, ws[0])
    if xs[1] != channels:
        which = "transposed=1" if transposed else f"groups={groups}"
        raise RuntimeError(
            f"Given {which}, weight of size {ws}, expected input{xs} to have {channels} channels, but got {xs[1]} "
            "channels instead"
        )
    if b is not None and (b.ndim != 1 or b.shape[0] != out):
        which = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {which}weight of size {ws}, expected bias to be 1-dimensional with {out} elements, but got bias of "
            f"size {list(b.shape)} instead"
        )
    if b is not None and b.dtype is not x.dtype:
        if not transposed:
            a, c = _C_NAMES[x.dtype.name], _C_NAMES[b.dtype.name]
            raise RuntimeError(f"Input type ({a}) and bias type ({c}) should be the same")
        if x.dtype.name == "float32" and w.dtype is x.dtype:
            raise RuntimeError(
                f"Input type ({tensor_type(x.dtype)}) and bias type ({tensor_type(b.dtype)}) should be the same or input "
                "should be a MKLDNN tensor and bias is a dense tensor"
            )
    if x.dtype is not w.dtype and x.dtype.name == "float32":
        raise RuntimeError(
            f"Input type (torch.{x.dtype.scalar_name}Tensor) and weight type "
            f"(torch.{w.dtype.scalar_name}Tensor) should "
            "be the same or input should be a MKLDNN tensor and weight is a dense tensor"
        )
    if transposed:
        for o, s, d in zip(output_padding, stride, dilation, strict=True):
            if o >= s and o >= d:
                names = ("depth", "height", "width")[3 - dims :]
                parts = " ".join(
                    f"{what}_{n}: {v}"
                    for what, values in (("output_padding", output_padding), ("stride", stride), ("dilation", dilation))
                    for n, v in zip(names, values, strict=True)
                )
                raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {parts}")
        out_size = [
            (n - 1) * s - 2 * p + d * (k - 1) + o + 1
            for n, s, p, d, k, o in zip(xs[2:], stride, padding, dilation, ws[2:], output_padding, strict=True)
        ]
        _check_sizes(xs, ws, dims, transposed=True)
        if min(out_size) < 1:
            one = [1] * (dims == 1)
            sizes = [" x ".join(map(str, [*one, *size])) for size in (xs[2:], out_size)]
            raise RuntimeError(
                f"Given input size per channel: ({sizes[0]}). Calculated output size per channel: ({sizes[1]}). Output size "
                "is too small"
            )
        return
    full = [n + 2 * p for n, p in zip(xs[2:], padding, strict=True)]
    reach = [d * (k - 1) + 1 for k, d in zip(ws[2:], dilation, strict=True)]
    if any(n < r for n, r in zip(full, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, full))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
        )
    _check_sizes(xs, ws, dims, transposed=False)


def _check_sizes(xs: list[int], ws: list[int], dims: int, transposed: bool) -> None:
    """No extent of the input or of the kernel may be 0 (but for the batch and the channels)."""
    one = [1] * (dims == 1)  # in one dimension PyTorch computes in two
    if 0 in xs[2:] and 0 not in xs[:2]:
        shape = [*xs[:2], *one, *xs[2:]]
        raise RuntimeError(f"Only zero batch or zero channel inputs are supported, but got input shape: {shape}")
    if 0 in ws[2:]:
        k = [*one, *ws[2:]]
        if dims < 3:
            raise RuntimeError(f"kernel size should be greater than zero, but got kernel_height: {k[0]} kernel_width: {k[1]}")
        if transposed:
            raise RuntimeError(
                "non-empty 5D (n_output_plane x n_input_plane x kernel_depth x kernel_height x kernel_width) tensor expected "
                f"for weight, but got: {ws}"
            )
        raise RuntimeError(f"kernel size should be greater than zero, but got: {' x '.join(map(str, k))} (TxHxW)")


_MOST = REAL | COMPLEX | LONG
_dilated_takes = Takes("slow_conv_dilated<>", _MOST)
_tbc_takes = Takes("addmm_impl_cpu_", _MOST | INTEGERS)
_plain_takes = (Takes("slow_conv2d_cpu", _MOST | INTEGERS), Takes("compute_columns3d", _MOST | INTEGERS))
_transposed_takes = (Takes("slow_conv_transpose2d_out_cpu", _MOST), Takes("slow_conv_transpose3d_out_cpu", _MOST))


def _takes_of(name: str, dims: int, dilation: tuple[int, ...], transposed: bool) -> Takes:
    """The dtypes of the kernel that PyTorch would choose."""
    if transposed:
        return _transposed_takes[dims == 3]
    if any(d != 1 for d in dilation):
        return _dilated_takes
    return _tbc_takes if name == "conv_tbc" else _plain_takes[dims == 3]


def _convolve(
    name: str,
    dims: int,
    input: Tensor,
    weight: Tensor,
    bias: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
    transposed: bool = False,
    output_padding: Any = 0,
) -> Tensor:
    for position, (argument, x) in enumerate((("input", input), ("weight", weight)), 1):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}() received an invalid combination of arguments - argument '{argument}' (position "
                            f"{position}) must be Tensor, not {type(x).__name__}")  # fmt: skip
    n = input.ndim
    if n not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input.shape)}"
        )
    if weight.ndim != dims + 2:
        k = weight.ndim - 2
        if k < 1:
            raise RuntimeError("weight should have at least three dimensions")
        given = [stride] * dims if isinstance(stride, int) else list(stride)
        if len(given) == 1:
            shape = list(input.shape) if n == dims + 2 else [1, *input.shape]
            raise RuntimeError(
                f"Expected {k + 2}-dimensional input for {k + 2}-dimensional weight {list(weight.shape)}, but got "
                f"{len(shape)}-dimensional input of size {shape} instead"
            )
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {k} values to match the "
            f"convolution dimensions, "
            f"but got stride={given}"
        )
    steps, spacing = spread_arg(stride, dims, "stride"), spread_arg(dilation, dims, "dilation")
    x = input if n == dims + 2 else ops.unsqueeze(input, dim=0)
    if isinstance(padding, str):
        if padding == "same":
            if any(s != 1 for s in steps):
                raise RuntimeError("padding='same' is not supported for strided convolutions")
            total = [d * (k - 1) for d, k in zip(spacing, weight.shape[2:], strict=True)]
            pads = tuple(t // 2 for t in total)
            extra = tuple(t - 2 * p for t, p in zip(total, pads, strict=True))
            if any(extra):  # one more on the far side
                x = ops.constant_pad_nd(x, tuple(m for e in reversed(extra) for m in (0, e)), 0)
        elif padding == "valid":
            pads = (0,) * dims
        else:
            raise RuntimeError(f"Invalid padding string: '{padding}'")
    else:
        pads = spread_arg(padding, dims, "padding")
    added = spread_arg(output_padding, dims, "output_padding")
    _check(name, dims, x, weight, bias, steps, pads, spacing, added, groups, transposed)
    if 0 not in x.shape:
        _takes_of(name, dims, spacing, transposed)(x)
    if weight.dtype is not x.dtype:
        raise RuntimeError(f"expected scalar type {x.dtype.scalar_name} but found {weight.dtype.scalar_name}")
    if bias is not None and bias.dtype is not x.dtype:  # of a transposed one it is added afterwards
        if dims == 3:
            raise RuntimeError(f"expected scalar type {x.dtype.scalar_name} but found {bias.dtype.scalar_name}")
        check_cast(promote_types(x.dtype, bias.dtype), x.dtype)
        bias = bias.to(x.dtype)
    y = _convolution(
        x, weight, bias, stride=steps, padding=pads, dilation=spacing, transposed=transposed, output_padding=added,
        groups=groups,
    )  # fmt: skip
    return y if n == dims + 2 else squeeze(y, 0)  # type: ignore[no-any-return]


def _make(dims: int) -> None:
    """conv<dims>d and conv_transpose<dims>d, in torch and in nn.functional."""

    def conv(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:  # fmt: skip
        return _convolve(f"conv{dims}d", dims, input, weight, bias, stride, padding, dilation, groups)

    def conv_transpose(
        input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, dilation: Any = 1,
    ) -> Tensor:  # fmt: skip
        return _convolve(
            f"conv_transpose{dims}d", dims, input, weight, bias, stride, padding, dilation, groups, True, output_padding
        )

    conv.__doc__ = f"Cross-correlation over {dims} dimensions: (N, C, *), weight (O, C / groups, *kernel) -> (N, O, *)."
    conv_transpose.__doc__ = f"The transpose of conv{dims}d: (N, C, *), weight (C, O / groups, *kernel) -> (N, O, *)."
    for fn, name in ((conv, f"conv{dims}d"), (conv_transpose, f"conv_transpose{dims}d")):
        fn.__name__ = fn.__qualname__ = name
        public(fn, name=name, method=False)
        public(fn, name=f"nn.functional.{name}", method=False)


for _dims in (1, 2, 3):
    _make(_dims)


@public(method=False)
def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: Sequence[int],
    dilation: Sequence[int], transposed: bool, output_padding: Sequence[int], groups: int,
) -> Tensor:  # fmt: skip
    """Any convolution, with its dimensions taken from the weight."""
    dims = weight.ndim - 2
    return _convolve(
        "convolution", dims, input, weight, bias, stride, padding, dilation, groups, transposed, output_padding
    )


ops.convolution = _convolution


@public(name="nn.functional.conv_tbc", method=False)
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """A 1-d convolution of (time, batch, channels) with weight (width, in, out)."""
    x = ops.permute(input, dims=(1, 2, 0))
    w = ops.permute(weight, dims=(2, 1, 0))
    return ops.permute(_convolve("conv_tbc", 1, x, w, bias, 1, pad, 1, 1), dims=(2, 0, 1))  # type: ignore[no-any-return]


public(conv_tbc, name="conv_tbc", method=False)

# ---------------------------------------------------------------- sliding windows as columns


def _batch_columns(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    x = front(vals[0], dims[0])
    n = x.shape[0]
    if x.ndim == (4 if prim.name == "im2col" else 3):  # a slot has no samples: slots are
        return prim(x, **params), 0
    return _split(prim(_merge(x, 0), **params), 0, n), 0


linear(
    "im2col",
    params=("kernel_size", "dilation", "padding", "stride"),
    kernel=kernel.im2col,
    vjp=dict(
        x=lambda xp, g, x_shape, kernel_size, dilation, padding, stride: xp.col2im(
            g, output_size=x_shape[-2:], kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride
        )
    ),
    batch=_batch_columns,
    node="Im2ColBackward0",
    takes=Takes("im2col_out_cpu", REAL | BOOL | COMPLEX),
)
linear(
    "col2im",
    params=("output_size", "kernel_size", "dilation", "padding", "stride"),
    kernel=kernel.col2im,
    vjp=dict(
        x=lambda xp, g, kernel_size, dilation, padding, stride: xp.im2col(
            g, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride
        )
    ),
    batch=_batch_columns,
    node="Col2ImBackward0",
    takes=Takes("col2im_out_cpu", REAL | BOOL | COMPLEX),
)


def _pairs(**given: Any) -> dict[str, tuple[int, int]]:
    pairs: dict[str, Any] = {}
    for name, v in given.items():
        pairs[name] = (v, v) if isinstance(v, int) else tuple(int(i) for i in v)
        if len(pairs[name]) != 2:
            raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(pairs[name])}")
    return pairs


def _check_windows(p: dict[str, tuple[int, int]]) -> None:
    for name, what in (("kernel_size", "kernel size"), ("dilation", "dilation"), ("stride", "stride")):
        if any(v <= 0 for v in p[name]):
            short = name.split("_")[0]
            raise RuntimeError(
                f"{what} should be greater than zero, but got {short}_height: {p[name][0]} {short}_width: {p[name][1]}"
            )
    if any(v < 0 for v in p["padding"]):
        raise RuntimeError(
            f"padding should be non-negative, but got pad_height: {p['padding'][0]} pad_width: {p['padding'][1]}"
        )


@public(name="nn.functional.unfold", method=False)
def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Sliding windows of (N, C, H, W) as columns (N, C * kernel size, number of windows); without N too."""
    p = _pairs(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    _check_windows(p)
    if input.ndim < 3:
        input.size(2)  # type: ignore[attr-defined]
    if input.ndim not in (3, 4) or 0 in input.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, "
            f"but got: {list(input.shape)}"
        )
    size = tuple(input.shape[-2:])
    out = kernel.out_size(size, p["kernel_size"], p["stride"], p["padding"], p["dilation"])
    if min(out) < 1:
        raise RuntimeError(
            f"Given input with spatial size {size}, kernel_size={p['kernel_size']}, dilation={p['dilation']}, "
            f"padding={p['padding']}, calculated shape of the array of sliding blocks as {out}, but its components must be "
            "at least one."
        )
    return ops.im2col(input, **p)  # type: ignore[no-any-return]


@public(name="nn.functional.fold", method=False)
def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The transpose of `unfold`: columns added up into (N, C, *output_size)."""
    p = _pairs(output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    _check_windows(p)
    if input.ndim not in (2, 3) or 0 in input.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for "
            f"input, but got: {list(input.shape)}"
        )
    rows, columns = input.shape[-2:]
    if rows % math.prod(p["kernel_size"]):
        raise RuntimeError(
            "Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got "
            f"input.size(1)={rows} and kernel_size={p['kernel_size']}."
        )
    out = kernel.out_size(p["output_size"], p["kernel_size"], p["stride"], p["padding"], p["dilation"])
    if columns != math.prod(out):
        raise RuntimeError(
            f"Given output_size={p['output_size']}, kernel_size={p['kernel_size']}, dilation={p['dilation']}, "
            f"padding={p['padding']}, stride={p['stride']}, expected size of input's dimension 2 to "
            f"match the calculated "
            f"number of sliding blocks {out[0]} * {out[1]} = {math.prod(out)}, but got input.size(2)={columns}."
        )
    return ops.col2im(input, **p)  # type: ignore[no-any-return]


# ---------------------------------------------------------------- samples

samples(
    "nn.functional.conv1d",
    Case(T(2, 3, 6), T(4, 3, 2), T(4)),
    Case(T(2, 4, 7), T(6, 2, 3), T(6), stride=2, padding=1, dilation=2, groups=2),
    Case(T(3, 6), T(4, 3, 2)),
    Case(T(2, 3, 6), T(3, 3, 3), padding="same"),
    Case(T(2, 3, 6), T(3, 3, 4), padding="same"),
)
samples(
    "nn.functional.conv2d",
    Case(T(2, 3, 5, 4), T(4, 3, 2, 3), T(4)),
    Case(T(2, 4, 6, 5), T(4, 2, 3, 2), T(4), stride=(2, 1), padding=(1, 0), groups=2),
    Case(T(2, 3, 5, 5), T(6, 1, 3, 3), T(6), groups=3, padding=1),
    Case(T(3, 5, 4), T(2, 3, 2, 2)),
    Case(T(1, 2, 5, 5), T(2, 2, 2, 2), dilation=2),
    Case(T(2, 3, 4, 4), T(5, 3, 1, 1), T(5)),
    Case(T(1, 2, 4, 5), T(2, 2, 2, 3), padding="same"),
    Case(T(1, 2, 4, 5), T(2, 2, 2, 3), padding="valid"),
)
samples(
    "nn.functional.conv3d",
    Case(T(1, 2, 4, 3, 3), T(3, 2, 2, 2, 2), T(3)),
    Case(T(1, 2, 4, 3, 3), T(2, 1, 2, 1, 2), stride=2, padding=1, groups=2),
)
samples(
    "nn.functional.conv_transpose1d",
    Case(T(2, 3, 4), T(3, 2, 3), T(2)),
    Case(T(1, 4, 4), T(4, 2, 3), T(4), stride=2, padding=1, output_padding=1, groups=2, dilation=2),
)
samples(
    "nn.functional.conv_transpose2d",
    Case(T(2, 3, 3, 4), T(3, 2, 2, 3), T(2)),
    Case(T(1, 2, 3, 3), T(2, 2, 3, 2), T(2), stride=2, padding=1, output_padding=1),
    Case(T(2, 3, 3), T(2, 2, 2, 2)),
)
samples("nn.functional.conv_transpose3d", Case(T(1, 2, 2, 3, 2), T(2, 2, 2, 2, 2), T(2)))
samples(
    "nn.functional.unfold",
    Case(T(2, 3, 5, 4), 2),
    Case(T(1, 2, 5, 6), (2, 3), dilation=2, padding=1, stride=2),
    Case(T(2, 4, 4), 2),
)
samples(
    "nn.functional.fold",
    Case(T(2, 12, 12), (5, 4), 2),
    Case(T(1, 8, 9), (5, 5), (2, 2), padding=1, stride=2, dilation=1),
    Case(T(8, 9), (4, 4), 2),
)
