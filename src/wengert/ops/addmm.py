"""Products added to something: `beta * input + alpha * product`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batching import padded
from ..core.dispatch import dispatch
from ..core.inplace import inplace, write_out
from ..core.primitive import Primitive, general, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from .install import public
from .matmul import (
    _C_NAMES,
    _batch_mm,
    _batch_mv,
    _bmm,
    _check_bmm,
    _check_mm,
    _check_tensors,
    _mm,
    _mv,
    _outer,
    _product_of,
    dot_arrays,
    matmul_arrays,
    ndarray,
)  # fmt: skip
from .select import common_dtype
from .shape import expand_to


def _scaled(product: Any, alpha: Any) -> Any:
    return product if alpha == 1 else product * np.asarray(alpha).astype(product.dtype)


def _addmm_kernel(x: Any, mat1: Any, mat2: Any, *, beta: Any, alpha: Any) -> Any:
    """beta * x + alpha * (mat1 @ mat2); with beta 0 even nan and inf of x do not count."""
    y = _scaled(matmul_arrays(mat1, mat2) if mat1.ndim > 2 else dot_arrays(mat1, mat2), alpha)
    if beta == 0:
        return y
    if y.__class__ is not ndarray:
        y = np.asarray(y)
    return np.add(y, _scaled(x, beta), out=y)


def _times(xp: Any, x: Any, factor: Any) -> Any:
    if factor == 1:
        return x
    return x * (factor.conjugate() if factor.__class__ is complex else factor)


def _addmm_jvp(product: str) -> dict[str, Any]:
    return dict(
        x=lambda xp, t, mat1, mat2, beta, alpha: xp.expand(
            t if beta == 1 else t * beta, size=(*mat1.shape[:-1], *mat2.shape[mat1.ndim - 1 :])
        ),
        mat1=lambda xp, t, mat2, alpha: _plain_times(getattr(xp, product)(t, mat2), alpha),
        mat2=lambda xp, t, mat1, alpha: _plain_times(getattr(xp, product)(mat1, t), alpha),
    )


def _plain_times(x: Any, factor: Any) -> Any:
    return x if factor == 1 else x * factor


def _batch_added(product: str) -> Any:
    def rule(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
        beta, alpha = params["beta"], params["alpha"]
        if dims[1] is None and dims[2] is None:
            y = _plain_times(getattr(ops, product)(vals[1], vals[2]), alpha)
            y = y if dims[0] is None else ops.unsqueeze(y, dim=0)
        else:
            y, _ = TABLE_RULES[product](prim, vals[1:], dims[1:], {})
            y = _plain_times(y, alpha)
        if beta == 0:
            n = vals[0].shape[dims[0]] if dims[0] is not None else y.shape[0]
            return ops.expand(y, size=(n, *y.shape[1:])), 0
        rank = prim.batch_rank  # type: ignore[attr-defined]
        return y + _plain_times(padded(vals[0], dims[0], rank), beta), 0

    return rule


TABLE_RULES = {"mm": _batch_mm, "bmm": _batch_mm, "mv": _batch_mv}


def _added(name: str, product: str, rank: int, **more: Any) -> Primitive:
    grad = {"mm": (_mm, _mm), "bmm": (_bmm, _bmm), "mv": (_mv, _mv)}[product]
    x_rule, y_rule = grad[0].vjp["x"], grad[1].vjp["y"]
    prim = general(
        name,
        inputs=("x", "mat1", "mat2"),
        params=("beta", "alpha"),
        kernel=_addmm_kernel,
        vjp=dict(
            x=lambda xp, g, x_shape, beta: xp.sum_to(_times(xp, g, beta), x_shape),
            mat1=lambda xp, g, mat2, alpha: _times(xp, x_rule(xp, g, mat2), alpha),
            mat2=lambda xp, g, mat1, alpha: _times(xp, y_rule(xp, g, mat1), alpha),
        ),
        jvp=_addmm_jvp(product),
        batch=_batch_added(product),
        **more,
    )
    prim.batch_rank = rank  # type: ignore[attr-defined]
    return prim


_addmm = _added("addmm", "mm", 2, takes=_product_of("addmm_impl_cpu_"))
_addmv = _added("addmv", "mv", 1, saved_names=dict(mat1="mat", mat2="vec"), takes=_product_of("addmv_impl_cpu"))
_baddbmm = _added(
    "baddbmm", "bmm", 3, saved_names=dict(mat1="batch1", mat2="batch2"), takes=_product_of("baddbmm")
)


def _check_addmm(x: Tensor, mat1: Tensor, mat2: Tensor) -> None:
    _check_tensors("addmm", input=x, mat1=mat1, mat2=mat2)
    for name, m in (("mat1", mat1), ("mat2", mat2)):
        if m.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, got {m.ndim}-D tensor")
    if mat1.shape[1] != mat2.shape[0]:
        _check_mm(mat1, mat2)
    _check_added(x, (mat1.shape[0], mat2.shape[1]))
    if mat1.dtype is not mat2.dtype:
        first, which = (x, "self") if x.dtype is not mat2.dtype or mat1.dtype is x.dtype else (mat1, "mat1")
        if mat1.dtype is not x.dtype and mat2.dtype is x.dtype:
            first, which = mat1, "mat1"
        raise RuntimeError(
            f"{which} and mat2 must have the same dtype, but got {first.dtype.scalar_name} and {mat2.dtype.scalar_name}"
        )
    if x.dtype is not mat2.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {x.dtype.scalar_name} and {mat2.dtype.scalar_name}"
        )


def _check_added(x: Tensor, shape: tuple[int, ...]) -> None:
    have = tuple(x.shape)
    lead = len(shape) - len(have)
    if lead < 0 or any(n not in (1, m) for n, m in zip(have, shape[max(lead, 0) :], strict=False)):
        expand_to(x, shape)


@public
def addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2); `input` is broadcast to (n, p). All of one dtype."""
    _check_addmm(input, mat1, mat2)
    y = _addmm(input, mat1, mat2, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "addmm")


@public(name="addmm_", function=False)
def addmm_(self: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addmm` in place."""
    _check_addmm(self, mat1, mat2)
    return inplace(_addmm, self, (mat1, mat2), {"beta": beta, "alpha": alpha})


def _check_addmv(x: Tensor, mat: Tensor, vec: Tensor) -> None:
    _check_tensors("addmv", input=x, mat=mat, vec=vec)
    if x.ndim > 1 or mat.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {x.ndim}, {mat.ndim}, {vec.ndim}")
    size = x.shape[0] if x.ndim else mat.shape[0]
    if mat.shape[1] != vec.shape[0] or size not in (1, mat.shape[0]):
        raise RuntimeError(
            f"size mismatch, got input ({size}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({vec.shape[0]})"
        )
    if not x.dtype is mat.dtype is vec.dtype:
        names = ", ".join(t.dtype.scalar_name for t in (x, mat))
        raise RuntimeError(
            f"addmv input tensors must have the same dtype, but got {names}, and {vec.dtype.scalar_name}"
        )


@public
def addmv(
    input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (mat @ vec)."""
    _check_addmv(input, mat, vec)
    y = _addmv(input, mat, vec, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "addmv")


@public(name="addmv_", function=False)
def addmv_(self: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addmv` in place."""
    _check_addmv(self, mat, vec)
    return inplace(_addmv, self, (mat, vec), {"beta": beta, "alpha": alpha})


def _check_baddbmm(x: Tensor, batch1: Tensor, batch2: Tensor) -> None:
    _check_tensors("baddbmm", input=x, batch1=batch1, batch2=batch2)
    if not x.dtype is batch1.dtype is batch2.dtype:
        raise RuntimeError(
            f"Input dtypes must be the same, got: input {_C_NAMES[x.dtype.name]}, batch1: "
            f"{_C_NAMES[batch1.dtype.name]}, batch2: {_C_NAMES[batch2.dtype.name]}"
        )
    size, last = batch1.size, batch2.size  # type: ignore[attr-defined]
    _check_added(x, (size(0), size(1), last(2)))
    if batch1.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if batch2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    _check_bmm(batch1, batch2)


@public
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * bmm(batch1, batch2)."""
    _check_baddbmm(input, batch1, batch2)
    y = _baddbmm(input, batch1, batch2, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "baddbmm")


@public(name="baddbmm_", function=False)
def baddbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`baddbmm` in place."""
    _check_baddbmm(self, batch1, batch2)
    size = [batch1.shape[0], batch1.shape[1], batch2.shape[2]]
    if list(self.shape) != size:
        raise RuntimeError(
            f"Bad in-place call: input tensor size {list(self.shape)} and output tensor size {size} should match"
        )
    return inplace(_baddbmm, self, (batch1, batch2), {"beta": beta, "alpha": alpha})


def _check_addbmm(x: Tensor, batch1: Tensor, batch2: Tensor) -> None:
    _check_tensors("addbmm", input=x, batch1=batch1, batch2=batch2)
    _check_added(x, (batch1.size(1), batch2.size(2)))  # type: ignore[attr-defined]
    if batch1.ndim != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if batch2.ndim != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if batch1.shape[0] != batch2.shape[0]:
        raise RuntimeError(
            f"batch1 and batch2 must have same number of batches, got {batch1.shape[0]} and {batch2.shape[0]}"
        )
    if batch1.shape[2] != batch2.shape[1]:
        raise RuntimeError(
            f"Incompatible matrix sizes for bmm ({batch1.shape[1]}x{batch1.shape[2]} and "
            f"{batch2.shape[1]}x{batch2.shape[2]})"
        )


@public
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * (the sum over b of batch1[b] @ batch2[b])."""
    _check_addbmm(input, batch1, batch2)
    b, n, m = batch1.shape
    first = ops.reshape(ops.permute(batch1, dims=(1, 0, 2)), (n, b * m))
    second = ops.reshape(batch2, (b * m, batch2.shape[2]))
    _check_addmm(input, first, second)
    y = dispatch(_addmm, (input, first, second), {"beta": beta, "alpha": alpha}, _addbmm_node)
    return y if out is None else write_out(out, y, "addbmm")  # type: ignore[no-any-return]


_addbmm_node = _addmm.renamed("AddbmmBackward0")


@public(name="addbmm_", function=False)
def addbmm_(self: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addbmm` in place."""
    _check_addbmm(self, batch1, batch2)
    b, n, m = batch1.shape
    first = ops.reshape(ops.permute(batch1, dims=(1, 0, 2)), (n, b * m))
    second = ops.reshape(batch2, (b * m, batch2.shape[2]))
    _check_addmm(self, first, second)
    return inplace(_addmm, self, (first, second), {"beta": beta, "alpha": alpha})


def _addr_jvp_x(xp: Any, t: Any, vec1: Any, vec2: Any, beta: Any) -> Any:
    return xp.expand(_plain_times(t, beta), size=(vec1.shape[0], vec2.shape[0]))


def _addr_kernel(x: Any, vec1: Any, vec2: Any, *, beta: Any, alpha: Any) -> Any:
    y = _scaled(np.multiply.outer(vec1, vec2), alpha)
    return y if beta == 0 else np.add(y, _scaled(x, beta), out=y)


def _batch_addr(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    y = _outer.batch(_outer, vals[1:], dims[1:], {})[0] if dims[1:] != (None, None) else ops.outer(*vals[1:])
    y = _plain_times(y, params["alpha"])
    return y + _plain_times(padded(vals[0], dims[0], 2), params["beta"]), 0


_addr = general(
    "addr",
    inputs=("x", "vec1", "vec2"),
    params=("beta", "alpha"),
    kernel=_addr_kernel,
    promote="keep",
    vjp=dict(
        x=lambda xp, g, x_shape, beta: xp.sum_to(_times(xp, g, beta), x_shape),
        vec1=lambda xp, g, vec2, alpha: _times(xp, xp.mv(g, xp.conj(vec2)), alpha),
        vec2=lambda xp, g, vec1, alpha: _times(xp, xp.mv(xp.transpose(g, dim0=0, dim1=1), xp.conj(vec1)), alpha),
    ),
    jvp=dict(
        x=_addr_jvp_x,
        vec1=lambda xp, t, vec2, alpha: _plain_times(xp.outer(t, vec2), alpha),
        vec2=lambda xp, t, vec1, alpha: _plain_times(xp.outer(vec1, t), alpha),
    ),
    batch=_batch_addr,
)


def _check_addr(x: Tensor, vec1: Tensor, vec2: Tensor, beta: Any, alpha: Any) -> None:
    _check_tensors("addr", input=x, vec1=vec1, vec2=vec2)
    for name, v in (("vec1", vec1), ("vec2", vec2)):
        if v.ndim != 1:
            raise RuntimeError(f"addr: Expected 1-D argument {name}, but got {v.ndim}-D")
    _check_added(x, (vec1.shape[0], vec2.shape[0]))
    kind = common_dtype(x, vec1, vec2)
    for name, v in (("beta", beta), ("alpha", alpha)):
        if isinstance(v, bool) and kind.category != 0:
            raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
        if isinstance(v, (float, complex)) and kind.category < 2:
            raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
        if isinstance(v, complex) and kind.category == 2:
            raise RuntimeError(f"value cannot be converted to type {_C_NAMES[kind.name]} without overflow")


@public
def addr(
    input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1, out: Tensor | None = None
) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2)."""
    _check_addr(input, vec1, vec2, beta, alpha)
    y = _addr(input, vec1, vec2, beta=beta, alpha=alpha)
    return y if out is None else write_out(out, y, "addr")


@public(name="addr_", function=False)
def addr_(self: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """`addr` in place."""
    _check_addr(self, vec1, vec2, beta, alpha)
    return inplace(_addr, self, (vec1, vec2), {"beta": beta, "alpha": alpha})


# ---------------------------------------------------------------- samples

samples(
    "addmm",
    Case(T(2, 4), T(2, 3), T(3, 4)), Case(T(4), T(2, 3), T(3, 4), beta=0.5, alpha=2.0),
    Case(T(), T(2, 3), T(3, 4)), Case(T(2, 1), T(2, 3), T(3, 4), beta=0),
)  # fmt: skip
samples("addmv", Case(T(2), T(2, 3), T(3)), Case(T(), T(2, 3), T(3), beta=0.5, alpha=2.0))
samples("baddbmm", Case(T(2, 3, 5), T(2, 3, 4), T(2, 4, 5)), Case(T(5), T(2, 3, 4), T(2, 4, 5), beta=0.5, alpha=2.0))
samples("addbmm", Case(T(3, 5), T(2, 3, 4), T(2, 4, 5)), Case(T(5), T(2, 3, 4), T(2, 4, 5), beta=0.5, alpha=2.0))
samples("addr", Case(T(2, 3), T(2), T(3)), Case(T(3), T(2), T(3), beta=0.5, alpha=2.0))
