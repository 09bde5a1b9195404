"""Scaled dot product attention: softmax(q k^T * scale + mask) v."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batching import batch_along_dim, padded
from ..core.dispatch import check_broadcast
from ..core.primitive import Primitive, composite, general, kernel_helper, ops
from ..core.samples import Case, T, samples
from ..core.takes import REAL, Takes
from ..core.tensor import Tensor
from ..kernels import numpy as kernels
from .install import FUNCTIONS, public
from .matmul import _C_NAMES

# ---------------------------------------------------------------- softmax that gives 0 where everything is masked


def _safe_softmax_kernel(x: Any, *, dim: int) -> Any:
    top = np.maximum.reduce(x, axis=dim, keepdims=True) if x.shape[dim] else np.zeros((), x.dtype)
    top = np.where(np.isneginf(top), 0, top)
    e = np.exp(x - top)
    total = np.add.reduce(e, axis=dim, keepdims=True)
    return np.divide(e, np.where(total == 0, 1, total), out=e)


def _softmax_rule(xp: Any, g: Any, out: Any, dim: int) -> Any:
    return xp.softmax_back(g, out, dim=dim)


_safe_softmax = general(
    "safe_softmax", params=("dim",), kernel=_safe_softmax_kernel, vjp=dict(x=_softmax_rule), jvp=dict(x=_softmax_rule),
    batch=batch_along_dim, takes=Takes("softmax_lastdim_kernel_impl", REAL),
)  # fmt: skip

# ---------------------------------------------------------------- the primitive


def _scores(xp: Any, q: Any, k: Any, mask: Any, scale: float, is_causal: bool) -> Any:
    n = k.ndim
    s = xp.matmul(q * scale, xp.transpose(k, dim0=n - 2, dim1=n - 1))
    if is_causal:
        s = xp.causal_mask(s)
    return s if mask is None else s + mask


def _causal_kernel(x: Any) -> Any:
    """-inf above the diagonal that starts at the top left."""
    rows, columns = x.shape[-2:]
    return np.where(np.tri(rows, columns, dtype=bool), x, -np.inf).astype(x.dtype, copy=False)


def _below_kernel(x: Any) -> Any:
    return np.tril(x)


def _batch_last(prim: Primitive, vals: Any, dims: Any, params: Any) -> tuple[Any, int]:
    from ..core.batching import front

    return prim(front(vals[0], dims[0]), **params), 0


general(
    "causal_mask",
    kernel=_causal_kernel,
    vjp=dict(x=lambda xp, g: xp.keep_below(g)),
    jvp=dict(x=lambda xp, t: xp.keep_below(t)),
    batch=_batch_last,
)
general(
    "keep_below",
    kernel=_below_kernel,
    vjp=dict(x=lambda xp, g: xp.keep_below(g)),
    jvp=dict(x=lambda xp, t: xp.keep_below(t)),
    batch=_batch_last,
)


def _kernel(q: Any, k: Any, v: Any, mask: Any, *, scale: float, is_causal: bool) -> Any:
    weights = _safe_softmax_kernel(_scores(kernels, q, k, mask, scale, is_causal), dim=-1)
    return np.matmul(weights, v), weights


@kernel_helper
def attention_weights(q: Any, k: Any, mask: Any, weights: Any, *, scale: float, is_causal: bool) -> Any:
    """The weights that the forward pass saved."""
    return weights


@composite
def attention_weights(  # type: ignore[no-redef]  # noqa: F811
    q: Tensor, k: Tensor, mask: Any, weights: Tensor, *, scale: float, is_causal: bool
) -> Tensor:
    """The weights as a function of q and k."""
    s = _scores(ops, q, k, mask, scale, is_causal)
    return ops.safe_softmax(s, dim=s.ndim - 1)  # type: ignore[no-any-return]


def _rule(
    xp: Any, gs: Any, needs: Any, q: Any, k: Any, v: Any, mask: Any, out1: Any, scale: float, is_causal: bool
) -> Any:
    g = gs[0]
    if g is None:
        return None, None, None, None
    w = xp.attention_weights(q, k, mask, out1, scale=scale, is_causal=is_causal)
    n = w.ndim
    gq = gk = gv = gm = None
    if needs[2]:
        gv = xp.sum_to(xp.matmul(xp.transpose(w, dim0=n - 2, dim1=n - 1), g), tuple(v.shape))
    if needs[0] or needs[1] or needs[3]:
        gw = xp.matmul(g, xp.transpose(v, dim0=v.ndim - 2, dim1=v.ndim - 1)) * w
        s = gw - w * xp.sum(gw, dim=(n - 1,), keepdim=True)
        if needs[0]:
            gq = xp.sum_to(xp.matmul(s, k) * scale, tuple(q.shape))
        if needs[1]:
            gk = xp.sum_to(xp.matmul(xp.transpose(s, dim0=n - 2, dim1=n - 1), q) * scale, tuple(k.shape))
        if needs[3]:
            gm = xp.sum_to(s, tuple(mask.shape))
    return gq, gk, gv, gm


def _tangent(xp: Any, ts: Any, q: Any, k: Any, v: Any, mask: Any, out1: Any, scale: float, is_causal: bool) -> Any:
    tq, tk, tv, tm = ts
    w = xp.attention_weights(q, k, mask, out1, scale=scale, is_causal=is_causal)
    n = w.ndim
    total = None
    if tv is not None:
        total = xp.matmul(w, tv)
    t = tm
    if tq is not None:
        piece = xp.matmul(tq * scale, xp.transpose(k, dim0=n - 2, dim1=n - 1))
        t = piece if t is None else t + piece
    if tk is not None:
        piece = xp.matmul(q * scale, xp.transpose(tk, dim0=n - 2, dim1=n - 1))
        t = piece if t is None else t + piece
    if t is not None:
        weighted = w * t
        piece = xp.matmul(weighted - w * xp.sum(weighted, dim=(n - 1,), keepdim=True), v)
        total = piece if total is None else total + piece
    return total, None


def _batch(prim: Primitive, vals: Any, dims: Any, params: Any) -> Any:
    """One more leading dimension, broadcast."""
    n = max(v.ndim - (d is not None) for v, d in zip(vals, dims, strict=True) if v is not None)
    filled = [v if v is None else padded(v, d, n) for v, d in zip(vals, dims, strict=True)]
    mapped = any(d is not None for d in dims[:2]) or dims[3] is not None
    out, weights = prim(*filled, **params)
    if not mapped:
        weights = ops.expand(weights, size=(out.shape[0], *weights.shape))
    return (out, weights), (0, 0)


_attention = general(
    "scaled_dot_product_attention",
    inputs=("q", "k", "v", "mask"),
    params=("scale", "is_causal"),
    kernel=_kernel,
    n_outputs=2,
    nondifferentiable_outputs=(1,),
    vjp=_rule,
    jvp=_tangent,
    batch=_batch,
    node="ScaledDotProductFlashAttentionForCpuBackward0",
    saved_names=dict(q="query", k="key", v="value", mask="attn_mask", out0="output"),
)

# ---------------------------------------------------------------- the function


def _check(query: Tensor, key: Tensor, value: Tensor, mask: Any) -> None:
    if query.ndim < 2 or key.ndim < 2 or value.ndim < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.ndim} key.dim: {key.ndim} and value.dim: {value.ndim} instead."
        )
    if not query.dtype is key.dtype is value.dtype:
        names = [_C_NAMES.get(x.dtype.name, x.dtype.name) for x in (query, key, value)]
        raise RuntimeError(
            f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: "
            f"{names[1]} and value.dtype: {names[2]} instead."
        )
    if mask is not None:
        kind = mask.dtype
        if kind.category != 0 and kind is not query.dtype and kind.name != "float32":
            raise RuntimeError(
                "Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: "
                f"{_C_NAMES.get(kind.name, kind.name)} and  query.dtype: {_C_NAMES.get(query.dtype.name)} instead."
            )
        if query.ndim < mask.ndim and mask.ndim > 4:
            raise RuntimeError("attn_mask has too many dimensions")


@public(name="nn.functional.scaled_dot_product_attention", method=False)
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
    is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False,
) -> Tensor:  # fmt: skip
    """softmax(query @ key^T * scale + mask) @ value: (*, L, E), (*, S, E), (*, S, V) -> (*, L, V).

    `attn_mask`: bool (True takes part) or added; `is_causal`: row i sees the columns up to i; `scale`: 1 / sqrt(E);
    `enable_gqa`: fewer heads of key and value, each shared by several of query. Rows with everything masked give 0.
    """
    _check(query, key, value, attn_mask)
    mask = attn_mask
    if mask is not None and mask.dtype.category == 0:
        zero = ops.zeros_like(mask, dtype=query.dtype)
        mask = FUNCTIONS["where"](mask, zero, float("-inf"))
    if scale is None:
        size = query.shape[-1]
        scale = 1 / math.sqrt(size) if size else 1.0
    if enable_gqa:
        key, value = (_shared(x, query.shape[-3]) for x in (key, value))
    if mask is not None:
        rows = tuple(query.shape[:-1])
        check_broadcast([(*rows, key.shape[-2]), tuple(mask.shape)])
    masked_gradient = mask is not None and mask.requires_grad
    fits = query.ndim == 4 and key.ndim == 4 and value.ndim == 4 and query.shape[-1] == value.shape[-1]
    fits = fits and query.dtype.is_floating_point and query.shape[:2] == key.shape[:2] == value.shape[:2]
    fits = fits and query.shape[-1] == key.shape[-1] and key.shape[-2] == value.shape[-2]
    if fits and mask is not None and mask.ndim < 2:
        mask.size(-2)  # refused: rows are needed
    if dropout_p == 0.0 and not masked_gradient and fits and (mask is None or mask.ndim in (2, 4)):
        y: Tensor = _attention(query, key, value, mask, scale=float(scale), is_causal=bool(is_causal))[0]
        return y
    if is_causal and attn_mask is not None:
        raise RuntimeError(
            "_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    root = math.sqrt(scale)
    q = query * root  # type: ignore[operator]
    s = ops.matmul(q, FUNCTIONS["transpose"](key, -2, -1) * root)
    if is_causal:
        s = ops.causal_mask(s)
    if mask is not None:
        s = s + mask
    w = ops.safe_softmax(s, dim=s.ndim - 1)
    if dropout_p > 0.0:
        w = FUNCTIONS["dropout"](w, dropout_p, True)
    return ops.matmul(w, value)  # type: ignore[no-any-return]


def _shared(x: Tensor, heads: int) -> Tensor:
    """Each head repeated, so that there are `heads`."""
    have = x.shape[-3]
    if heads % have:
        raise RuntimeError(
            "Number of heads in key and value must divide the number of heads in query when enable_gqa is set"
        )
    if heads == have:
        return x
    lifted = ops.unsqueeze(x, dim=x.ndim - 2)
    shape = tuple(lifted.shape)
    lifted = ops.expand(lifted, size=(*shape[:-3], heads // have, *shape[-2:]))
    return ops.reshape(lifted, (*x.shape[:-3], heads, *x.shape[-2:]))  # type: ignore[no-any-return]


_Q = T(2, 2, 3, 4)
samples(
    "nn.functional.scaled_dot_product_attention",
    Case(_Q, T(2, 2, 5, 4), T(2, 2, 5, 4)),
    Case(_Q, T(2, 2, 3, 4), T(2, 2, 3, 4), is_causal=True),
    Case(_Q, T(2, 2, 5, 4), T(2, 2, 5, 4), attn_mask=T(3, 5)),
    Case(_Q, T(2, 2, 5, 4), T(2, 2, 5, 4), attn_mask=T(2, 1, 3, 5, grad=False)),
    Case(T(3, 4), T(5, 4), T(5, 2), scale=0.3),
    Case(T(2, 4, 3, 4), T(2, 2, 5, 4), T(2, 2, 5, 4), enable_gqa=True),
    Case(T(2, 3, 4), T(2, 5, 4), T(2, 5, 3), is_causal=True),
    complex=False,
)
