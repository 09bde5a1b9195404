"""Views: what a view remembers of its base, and in-place operations as functional writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .graph import LEAF, VIEW, Edge, InferenceVersion, Port, RestridedVersion, next_seq
from .modes import LIVE, Mode
from .tensor import Tensor, is_inference, new, share_version

if TYPE_CHECKING:
    from .primitive import Primitive

#: how a view came about, which decides what may be done to it in place
PLAIN_VIEW, NO_GRAD_VIEW, MULTI_VIEW, INFERENCE_VIEW, FUNCTION_VIEW, OF_NO_GRAD_VIEW = range(6)


class ViewInfo:
    """`base` and the `chain` of view operations that lead from it; `fn` was the view's producer at version `seen`."""

    __slots__ = ("base", "chain", "creation", "fn", "seen")

    def __init__(self, base: Tensor, chain: tuple[Any, ...], creation: int, seen: int) -> None:
        self.base = base
        self.chain = chain
        self.creation = creation
        self.fn: Any = None
        self.seen = seen

    def edge(self, view: Tensor) -> Edge:
        """The view's edge now: replayed from the base if the base was changed since."""
        n = view._ver.n
        if self.seen != n:
            if view._ver.__class__ is RestridedVersion:
                self.chain = strides_between(self.base, view)
            self.refresh(n)
        return self.fn

    def refresh(self, n: int) -> None:
        from .dispatch import edge_of

        base_edge = edge_of(self.base)
        if base_edge is None and (self.fn is None or self.creation == PLAIN_VIEW):
            self.fn = None
        else:
            if self.creation != PLAIN_VIEW:
                raise RuntimeError(refusal(self, indirect=True))
            self.fn = replay_node(base_edge, self.base, self.chain)
        self.seen = n

    def made_by(self, view: Tensor, fn: Any) -> None:
        """The view was recorded as an output of `fn`."""
        self.fn = fn
        self.seen = view._ver.n

    def requires_grad(self, view: Tensor) -> bool:
        """As the base does: also when the base began to after the view was made."""
        return self.fn is not None or self.base.requires_grad


def wrap_view(
    x: Tensor, data: Any, prim: Primitive, params: dict[str, Any], m: Mode, nr: int | None = None, count: int = 1
) -> Tensor:
    """A tensor over `data`, the result of the view operation `prim` on `x` (output `nr` of several)."""
    t: Tensor = new(Tensor)
    t._data = data
    version = t._ver = share_version(x)
    of_inference = version.__class__ is InferenceVersion
    seen = 0 if of_inference else version.n
    parent = x._view
    step = (prim, params) if nr is None else (prim, params, nr)
    if m.inference or of_inference:
        creation = INFERENCE_VIEW
    elif not m.grad:
        creation = NO_GRAD_VIEW
    elif nr is not None:
        creation = MULTI_VIEW
    else:
        creation = PLAIN_VIEW
    if parent is None:
        info = ViewInfo(x, (step,), creation, seen)
    else:
        info = ViewInfo(parent.base, (*parent.chain, step), inherited(creation, parent.creation), seen)
    t._view = info
    t._fn = None if of_inference else VIEW
    return t


def strides_between(base: Tensor, view: Tensor) -> tuple[Any, ...]:
    """The one step that shows `view` in the memory of `base`, whatever chain of views once led to it."""
    from ..kernels.shapes import geometry
    from .primitive import TABLE

    a, b = base._data, view._data
    if base._level or a.dtype != b.dtype:
        raise NotImplementedError("a view of another dtype whose base was turned into another view of itself in place")
    size, stride, offset = geometry(b)
    params = {"size": size, "stride": stride, "storage_offset": offset, "source": geometry(a)}
    return ((TABLE["as_strided"], params),)


def inherited(creation: int, parent: int) -> int:
    """How a view of a view came about."""
    if creation == PLAIN_VIEW:
        return OF_NO_GRAD_VIEW if parent == NO_GRAD_VIEW else parent
    return creation


def apply_chain(xp: Any, x: Any, chain: tuple[Any, ...]) -> Any:
    """Replay view operations on `x` (an array with the kernels, or a Tensor with `ops`)."""
    for step in chain:
        x = getattr(xp, step[0].name)(x, **step[1])
        if len(step) == 3:
            x = x[step[2]]
    return x


def replay_node(base_edge: Edge, base: Tensor, chain: tuple[Any, ...]) -> Any:
    """The producer of a view whose base moved on."""
    from .primitive import TABLE

    prim = TABLE["replay"]
    node = new(prim.Node)
    node.edge_tuple = (base_edge,)
    node.params = {"chain": chain}
    node.plan = prim.plan((True,))
    node.saved = {"x_shape": base._data.shape}
    node.fits = None
    node.hooks = None
    node.seq = next_seq()
    return node


def rebase(t: Tensor, fn: Any, source_edge: Edge, direct: bool = False) -> None:
    """After an in-place operation on `t` whose new value is made by `fn`: the graph follows.

    `direct`: for a view, the write takes the gradient straight to `source_edge` (a copy into the view)."""
    info = t._view
    if info is None or t._fn is LEAF:
        t._fn = fn
        return
    from .dispatch import edge_of
    from .primitive import TABLE

    base = info.base
    prim = TABLE["write"]
    node = new(prim.Node if direct else prim.InplaceNode)  # type: ignore[attr-defined]
    base_edge = edge_of(base) if base._fn is not None else None
    value_edge = source_edge if direct else fn
    node.edge_tuple = (base_edge, value_edge)
    node.params = {"chain": info.chain}
    node.plan = prim.plan((base_edge is not None, value_edge is not None))
    node.saved = {}
    node.fits = None
    node.hooks = None
    node.seq = next_seq()
    if base._view is None:
        base._fn = node
    info.seen = -1


def check_overlap(t: Tensor) -> None:
    """Refuse to write into memory that several elements share (an expanded tensor)."""
    a = t._data
    if t._level:
        return  # the tensor below is checked when it is written
    if 0 in a.strides and any(s == 0 and n > 1 for s, n in zip(a.strides, a.shape, strict=True)) and a.size > 1:
        raise RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )


def check_inplace(t: Tensor, m: Mode, others: Sequence[Any] = ()) -> None:
    """PyTorch's refusals of an in-place operation on `t` (with operands `others`), before anything is touched."""
    check_history(t, m, others)
    check_overlap(t)


def check_history(t: Tensor, m: Mode, others: Sequence[Any] = ()) -> None:
    """The refusals that the graph and the running transforms ask for."""
    if LIVE:
        from .captured import refuse_captured

        refuse_captured(t)
    if m.anomaly:
        from .anomaly import note_change

        note_change(t)
    if is_inference(t) and not m.inference:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a "
            "normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if not m.grad:
        return
    fn = t._fn
    info = t._view
    if fn is LEAF:
        what = "leaf" if info is None else "view of a leaf"
        raise refused(t, f"a {what} Variable that requires grad is being used in an in-place operation.")
    if fn is not VIEW:
        return
    if info.creation != PLAIN_VIEW and (
        info.requires_grad(t) or any(isinstance(o, Tensor) and o.requires_grad for o in others)
    ):
        raise RuntimeError(refusal(info, indirect=False))
    base = info.base._fn
    if base is LEAF or (base is None and info.requires_grad(t)):  # (a leaf may itself be a view)
        raise refused(t, "a view of a leaf Variable that requires grad is being used in an in-place operation.")


def refused(t: Tensor, sentence: str) -> RuntimeError:
    """The error for a leaf that is to be changed in place, with what to write instead."""
    from .errors import noted

    return noted(
        RuntimeError(sentence),
        f"The leaf, of shape {list(t.shape)}, would lose its gradient. To change it outside the graph write the operation "
        "inside `with torch.no_grad():`; to compute with a changed value write one that is not in place.",
    )


def refusal(info: ViewInfo, indirect: bool) -> str:
    """Why a view may not be changed in place, or (`indirect`) why its history is unknown after its base was changed."""
    kind = info.creation
    in_graph = "its base or another view of its base has been" if indirect else "is being"
    if kind in (NO_GRAD_VIEW, INFERENCE_VIEW, OF_NO_GRAD_VIEW):
        where, block = ("inference", "inference_mode") if kind == INFERENCE_VIEW else ("no_grad", "no_grad")
        what = "A view was created in"
        if kind == OF_NO_GRAD_VIEW:
            what = f"Output 0 of {producer_name(info)} is a view of a view which was created in"
        when = "in normal mode" if kind == INFERENCE_VIEW else "with grad mode enabled"
        return (
            f"{what} {where} mode and {in_graph} modified inplace {when}. Given that this use case is ambiguous and "
            "error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both "
            f"inside the {block} block (if you don't want the inplace to be tracked) or both outside (if you want the "
            "inplace to be tracked)."
        )
    nr = info.fn.nr if info.fn.__class__ is Port else 0
    start = f"Output {nr} of {producer_name(info)} is a view and {in_graph} modified inplace. "
    if info.fn is None:
        start = f"A view was created in no_grad mode and {in_graph} modified inplace with grad mode enabled. "
    if kind == MULTI_VIEW:
        return start + (
            "This view is the output of a function that returns multiple views. Such functions do not allow the output "
            "views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        )
    return start + (
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
        "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
        "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function."
    )


def producer_name(info: ViewInfo) -> str:
    """What made the view, as PyTorch's messages call it."""
    from .saved import short_name

    node = info.fn.node if info.fn.__class__ is Port else info.fn
    if node is not None:
        return short_name(node)
    step = info.chain[-1][0]
    return step.Node.__name__.rstrip("0123456789").removesuffix("Backward")


__all__ = ["VIEW", "ViewInfo", "apply_chain", "check_inplace", "rebase", "replay_node", "wrap_view"]
