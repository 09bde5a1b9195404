"""The general path of every operation: levels, subclasses, promotion, the kernel, views, recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels import numpy as kernels
from . import primitive, promotion
from .dtypes import FLOATING, FROM_NUMPY, bfloat16, dtype, float16
from .graph import LEAF, VIEW, Edge, Port, next_seq
from .modes import GRAD, NO_GRAD, Mode, mode
from .primitive import Primitive
from .saved import SavedInput, SavedOutput, SavedPacked
from .takes import complex_gradient
from .tensor import PLAIN, Tensor, as_array, new, wrap
from .views import ViewInfo, wrap_view

ndarray = np.ndarray
F16, BF16, F32, F64 = float16.np, bfloat16.np, np.dtype(np.float32), np.dtype(np.float64)
HALVES = frozenset((F16, BF16))
PLAIN_MODES = (GRAD, NO_GRAD)


#: how values of transforms and instances of subclasses are dispatched; `levels`, which builds on this module, sets it
process: Any = None


def edge_of(t: Tensor) -> Edge:
    """Where the gradient of `t` goes: None, its node (or port), or the leaf itself."""
    fn = t._fn
    if fn is LEAF:
        return t
    if fn is VIEW:
        return t._view.edge(t)
    return fn


def dispatch(prim: Primitive, args: Sequence[Any], params: dict[str, Any], node_class: Any = None) -> Any:
    """Run `prim` on Tensors (or Python numbers, or None for an optional input)."""
    datas: list[Any] = []
    for a in args:
        if a.__class__ in PLAIN:
            datas.append(a._data)
        elif isinstance(a, Tensor):
            return process(prim, args, params, node_class)
        else:
            datas.append(a)
    m = mode()
    if m is not GRAD and m is not NO_GRAD:
        if m.tracer is not None:
            return m.tracer.process(prim, args, datas, params, m, node_class)
        if m.keeper is not None:
            return m.keeper.process(prim, args, datas, params, m, node_class)
    return run_plain(prim, args, datas, params, m, node_class)


primitive.dispatch = dispatch


def run_plain(
    prim: Primitive, args: Sequence[Any], datas: list[Any], params: dict[str, Any], m: Mode, node_class: Any = None
) -> Any:
    """`dispatch` below all levels: `datas` are arrays and numbers."""
    if prim.takes is not None and prim.promote is None:
        prim.takes(*[d for d in datas if d.__class__ is ndarray])
    if prim.promote is not None:
        y = run_promoted(prim, datas, params)
    elif prim.half == "upcast":
        for d in datas:
            if d.__class__ is ndarray and d.dtype.itemsize == 2 and d.dtype in HALVES:
                y = run_upcast(prim, datas, params, None)
                break
        else:
            y = run_kernel(prim, datas, params)
    else:
        y = run_kernel(prim, datas, params)
    if prim.n_outputs == 1:
        if y.__class__ is not ndarray:
            y = as_array(y)
        if prim.is_view:
            out = wrap_view(args[0], y, prim, params, m)
        else:
            out = wrap(y)
        outs: tuple[Tensor, ...] = (out,)
    elif prim.is_view:
        outs = tuple(
            wrap_view(args[0], as_array(part), prim, params, m, nr, len(y)) for nr, part in enumerate(y)
        )
    else:
        outs = tuple(wrap(as_array(part)) for part in y)
    if m.grad and prim.takes_gradient:
        record(prim, outs, args, datas, params, m, node_class)
    if m.inference:
        for o in outs:
            if not (prim.is_view and not args[0].is_inference()):
                o._inference = True  # type: ignore[attr-defined]
    return outs[0] if prim.n_outputs == 1 else outs


def run_promoted(prim: Primitive, datas: list[Any], params: dict[str, Any]) -> Any:
    """Bring `datas` to one dtype (in place in the list) and run the kernel."""
    common = None
    for d in datas:
        if d.__class__ is ndarray:
            if common is None:
                common = d.dtype
            elif d.dtype is not common:
                common = None
                break
        elif d is not None and d.__class__ is not float and d.__class__ is not int:
            common = None
            break
    if common is None or not (common is F32 or common is F64):
        numeric = [d for d in datas if d is not None]
        common = promotion.result_dtype(numeric, prim.promote == "float").np
    if prim.takes is not None:
        prim.takes.check(common)
    for i, d in enumerate(datas):
        if d.__class__ is ndarray:
            if d.dtype is not common and d.dtype != common:
                datas[i] = kernels.to_dtype(d, common)
        elif d is not None:
            datas[i] = scalar_array(d, common)
    if common in (F16, BF16) and prim.half == "upcast":
        return run_upcast(prim, datas, params, common)
    return run_kernel(prim, datas, params)


def scalar_array(value: Any, kind: Any) -> Any:
    """A Python number as a 0-d array; integers beyond the dtype wrap as in C."""
    try:
        return np.array(value, kind)
    except OverflowError:
        if kind.kind in "iu":
            return np.array(value % 2**64, np.uint64).astype(kind)
        return np.array(float(value), kind)


def run_kernel(prim: Primitive, datas: list[Any], params: dict[str, Any]) -> Any:
    try:
        return prim.kernel(*datas, **params)
    except ValueError as error:
        if prim.kind == "elementwise":
            check_broadcast([d.shape for d in datas if d.__class__ is ndarray])
        raise error
    except TypeError as error:
        arrays = [d for d in datas if d.__class__ is ndarray]
        if prim.kind == "elementwise" and arrays and "not supported for the input types" in str(error):
            kind = FROM_NUMPY[arrays[0].dtype].scalar_name
            raise RuntimeError(f'"{prim.name}_cpu" not implemented for \'{kind}\'') from None
        raise


def run_upcast(prim: Primitive, datas: list[Any], params: dict[str, Any], kind: Any) -> Any:
    """Half precision computes in float32 and rounds its results."""
    if kind is None:
        kind = next(d.dtype for d in datas if d.__class__ is ndarray and d.dtype in (F16, BF16))
    up = [d.astype(F32) if d.__class__ is ndarray and d.dtype in (F16, BF16) else d for d in datas]
    y = run_kernel(prim, up, params)
    if prim.n_outputs == 1:
        y = as_array(y)
        return y.astype(kind) if y.dtype == F32 else y
    return tuple(as_array(p).astype(kind) if as_array(p).dtype == F32 else as_array(p) for p in y)


def check_broadcast(shapes: Sequence[tuple[int, ...]]) -> None:
    """PyTorch's error when shapes do not broadcast."""
    result: list[int] = []
    for shape in shapes:
        n = max(len(result), len(shape))
        grown = [1] * (n - len(result)) + result
        for i in range(1, len(shape) + 1):
            a, b = grown[-i], shape[-i]
            if a != b and a != 1 and b != 1:
                raise RuntimeError(
                    f"The size of tensor a ({a}) must match the size of tensor b ({b}) at non-singleton dimension {n - i}"
                )
            grown[-i] = b if a == 1 else a
        result = grown


def record(
    prim: Primitive,
    outs: tuple[Tensor, ...],
    args: Sequence[Any],
    datas: Sequence[Any],
    params: dict[str, Any],
    m: Mode,
    node_class: Any = None,
) -> None:
    """Put one node on the tape, if an input wants a gradient and an output can have one."""
    for a in args:
        if isinstance(a, Tensor) and a._fn is not None:
            break
    else:
        return
    edges: list[Edge] = []
    any_wanted = False
    may = prim.differentiable_inputs
    variadic = prim.variadic
    for i, a in enumerate(args):
        e = None
        if (variadic or may[i]) and isinstance(a, Tensor):
            fn = a._fn
            if fn is not None:
                e = a if fn is LEAF else a._view.edge(a) if fn is VIEW else fn
                if e is not None:
                    any_wanted = True
        edges.append(e)
    if not any_wanted or m.inference:
        return
    if prim.real_gradient is not None and outs[0].dtype.is_complex:
        raise complex_gradient(prim.real_gradient)
    node = make_node(prim, outs, args, datas, params, tuple(edges), m, node_class)
    if prim.n_outputs == 1:
        out = outs[0]
        if inexact(out._data):
            set_fn(out, node)
        return
    node.count = len(outs)  # type: ignore[attr-defined]
    for nr, out in enumerate(outs):
        if inexact(out._data) and nr not in prim.nondifferentiable_outputs:
            set_fn(out, Port(node, nr))


def set_fn(out: Tensor, fn: Any) -> None:
    """Give an output its producer."""
    if out._view is None:
        out._fn = fn
    else:
        out._view.made_by(out, fn)


def make_node(
    prim: Primitive,
    outs: tuple[Tensor, ...],
    args: Sequence[Any],
    datas: Sequence[Any],
    params: dict[str, Any],
    edges: tuple[Edge, ...],
    m: Mode,
    node_class: Any = None,
) -> Any:
    """The node with what its plan keeps."""
    node = new(node_class or prim.Node)
    node.edge_tuple = edges
    node.params = params
    node.hooks = None
    wanted = tuple([e is not None for e in edges]) if not prim.variadic else ()
    plan = node.plan = prim.plan(wanted)
    saved: dict[str, Any] = {}
    hooks = m.saved_hooks
    for name, i in plan.inputs:
        a = args[i]
        if isinstance(a, Tensor):
            if hooks:
                saved[name] = SavedPacked(a, edges[i], -1, hooks[-1], None)
                continue
            kept = saved[name] = new(SavedInput)
            kept.tensor = a
            version = a._ver
            kept.version = version if version.__class__ is int else version.n
            kept.edge = edges[i]
        else:
            saved[name] = SavedInput(wrap(datas[i]), None) if datas[i].__class__ is ndarray else a
    for name in plan.saves_out:
        nr = int(name[3:] or 0)
        saved[name] = SavedOutput(outs[nr], nr) if not hooks else SavedPacked(outs[nr], None, nr, hooks[-1], node)
    for name, i in plan.shapes:
        a = args[i]
        saved[name] = tuple(a._data.shape) if isinstance(a, Tensor) else ()
    for name in plan.described:
        saved[name] = describe(prim, name, args)
    node.saved = saved
    if prim.fits or getattr(outs[0]._data.dtype, "kind", "") == "V":  # bfloat16 arrays and Python numbers make float32
        node.fits = fits_of(outs[0]._data, args, edges)
    else:
        node.fits = None
    node.seq = next_seq()
    if m.anomaly:
        from .anomaly import note_origin

        note_origin(node)
    return node


def describe(prim: Primitive, name: str, args: Sequence[Any]) -> Any:
    """`x_dtype`, and for variadic ops `shapes`, `dtypes`."""
    if name == "shapes":
        return tuple(a._data.shape for a in args)
    if name == "dtypes":
        return tuple(a.dtype for a in args)
    if name.endswith("_dtype"):
        a = args[prim.inputs.index(name[:-6])]
        return a.dtype if isinstance(a, Tensor) else None
    raise LookupError(f"the rule of {prim.name} names {name!r}, which is no input, output or parameter")


def fits_of(y: Any, args: Sequence[Any], edges: Sequence[Edge]) -> Any:
    """(shape, dtype) that each gradient must be brought to; None where it has them already."""
    fits = []
    # one operand of another dtype makes raw rules compute in that of NumPy's promotion
    kind, shape = y.dtype, y.shape
    odd = False
    for a in args:
        if isinstance(a, Tensor) and a._data.dtype != kind:
            odd = True
    mixed = odd or kind.kind == "V"
    for a, e in zip(args, edges, strict=True):
        fit = None
        if e is not None:
            x = a._data
            if mixed or x.shape != shape:
                fit = (tuple(x.shape), x.dtype)
                odd = True
        fits.append(fit)
    return tuple(fits) if odd else None


def inexact(data: Any) -> bool:
    """Whether data of this dtype (an array, or a tensor one level down) takes part in differentiation."""
    kind = data.dtype
    return kind.kind in "fcV" if kind.__class__ is not dtype else kind.category >= FLOATING


__all__ = ["ViewInfo", "dispatch", "edge_of", "record", "run_plain"]
