"""In-place operations on tensors that a transformed function did not make itself: refused by `grad`, `vjp` and `jvp`.

A plain tensor does not know whether it was made inside the running transform. That it was there before is seen from
outside: then a variable of the code that called the transform holds it. What only containers and objects hold is let
through.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import CellType, CodeType, FrameType
from typing import TYPE_CHECKING, Any
from weakref import ref

from .errors import PACKAGE_DIR, line_of, noted, place, user_frame
from .graph import LEAF, Version
from .intercept import Interceptor
from .modes import stack
from .tensor import Tensor

if TYPE_CHECKING:
    from .levels import Level

#: the code of the functions that enter a level and call the user's function; the transforms put theirs here
ENTRIES: set[CodeType] = set()

#: in-place operations of which PyTorch has forms for tensors and numbers, and those that take a number as a tensor
BOTH_FORMS = frozenset(("fill_", "pow_", "masked_fill_", "lerp_", "eq_", "ne_", "lt_", "le_", "gt_", "ge_"))
TENSOR_FORM = frozenset(
    ("add_", "sub_", "mul_", "div_", "remainder_", "fmod_", "bitwise_and_", "bitwise_or_", "bitwise_xor_", "copysign_")
)


def refuse_captured(t: Tensor) -> None:
    """Raise if the innermost transform is a grad, vjp or jvp and `t`, about to be written, was made outside it."""
    name = captured(t)
    if name is None:
        return
    raise noted(
        RuntimeError(
            "During a grad (vjp, jvp, grad, etc) transform, the function provided attempted to call in-place operation "
            f"(aten::{operation()}) that would mutate a captured Tensor. This is not supported; please rewrite the function "
            "being transformed to explicitly accept the mutated Tensor(s) as inputs."
        ),
        f"The tensor, of shape {list(t.shape)}, is {name}. It is changed at {place(user_frame())}",
        "Pass it to the transformed function as an argument, or write an operation that is not in place.",
    )


def captured(t: Tensor) -> str | None:
    """What holds `t` outside the innermost transform, if that is a grad, vjp or jvp that did not make it; else None."""
    levels = stack.get()
    if not levels:
        return None
    level = levels[-1]
    if level.kind not in ("grad", "jvp") or level.writing or t._level == level.number:
        return None
    whole = t if t._view is None else t._view.base
    if whole._level == level.number:
        return None
    known = level.own.get(id(whole))
    if known is not None and known() is whole:
        return None
    name = holder(whole, level)
    if name is None:
        level.own[id(whole)] = ref(whole)
    return name


def refuse_inside(sentence: str) -> None:
    """Raise with `sentence` if the user's code runs inside a transform and itself calls what asks here."""
    levels = stack.get()
    if not levels or levels[-1].kind == "dual":
        return
    frame = sys._getframe(2)
    if frame.f_code is Interceptor.__call__.__code__:  # it and the armed function stand between
        frame = frame.f_back.f_back  # type: ignore[union-attr, assignment]
    if not frame.f_code.co_filename.startswith(PACKAGE_DIR):
        level = levels[-1]
        notes = () if level.origin is None else (f"The transform was called at {line_of(*level.origin)}",)
        raise noted(RuntimeError(sentence), *notes)


REQUIRES_GRAD = (
    "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) inside of a "
    "function being transformed by a functorch transform. This is unsupported, please attempt to use the functorch transforms "
    "(e.g. grad, vjp, jacrev, jacfwd, hessian) or call requires_grad_() outside of a function being transformed instead."
)
BACKWARD = (
    "backward() called inside a functorch transform. This is not supported, please use functorch.grad or functorch.vjp instead "
    "or call backward() outside of functorch transforms."
)


class Outside:
    """What was there before a transform's function was called: its arguments, and the tensors that variables hold.

    All keys are `id`s of objects that live as long as this does."""

    __slots__ = ("given", "held")

    def __init__(self) -> None:
        self.given: dict[int, Tensor] = {}
        #: by the tensor, its memory and its counter: the tensor, the variable, the code and the line that it belongs to
        self.held: dict[int, tuple[Tensor, str, CodeType, int]] = {}

    def hold(self, t: Tensor, name: str, code: CodeType, line: int) -> None:
        entry = t, name, code, line
        for key in (t, t._data, t._ver):
            if key is not t._ver or isinstance(key, Version):
                self.held.setdefault(id(key), entry)


def entry_of(level: Level) -> tuple[FrameType | None, list[CodeType]]:
    """The frame that entered the level, and the code that runs inside it."""
    inner: list[CodeType] = []
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and not (frame.f_code in ENTRIES and frame.f_locals.get("level") is level):
        inner.append(frame.f_code)
        frame = frame.f_back
    return frame, inner


def look_outside(frame: FrameType | None) -> Outside:
    """All that the code outside the transform entered at `frame` holds. Without a frame no user's function runs in it."""
    found = Outside()
    if frame is None:
        return found
    transformed = frame.f_locals.get("func")
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_DIR):
        for x in given(frame):
            found.given[id(x)] = x
        frame = frame.f_back
    for code, name, value in variables_of(transformed):
        if isinstance(value, Tensor):
            found.hold(value, name, code, code.co_firstlineno)
    seen: set[int] = set()
    while frame is not None:
        if not frame.f_code.co_filename.startswith(PACKAGE_DIR):
            for variables in (frame.f_locals, frame.f_globals):
                if id(variables) in seen:
                    continue
                if variables is frame.f_globals:
                    seen.add(id(variables))
                for name, value in list(variables.items()):
                    if isinstance(value, Tensor):
                        found.hold(value, name, frame.f_code, frame.f_lineno)
        frame = frame.f_back
    return found


def holder(t: Tensor, level: Level) -> str | None:
    """Which variable outside the transform holds `t`; None if none does, or if the transform was given it."""
    outside = level.outside
    if outside is None:
        outside = level.outside = look_outside(entry_of(level)[0])
    if id(t) in outside.given:
        return None
    entry = outside.held.get(id(t)) or outside.held.get(id(t._data)) or outside.held.get(id(t._ver))
    if t._fn is LEAF and outside.given:
        return "a leaf that requires grad"
    if entry is None:
        return None
    frame, inner = entry_of(level)
    if frame is None:
        return None
    _, name, code, line = entry
    if assigned(name, inner):
        return None
    return f"the variable {name!r} of {line_of(code, line)}"


def variables_of(func: Any) -> Iterator[tuple[CodeType, str, Any]]:
    """(code, name, value) of what a function takes from outside, and of what the functions among it take."""
    todo, seen = [func], set()
    while todo:
        f = todo.pop()
        f = getattr(f, "func", f)  # a partial
        f = getattr(f, "__func__", f)  # a method
        code = getattr(f, "__code__", None)
        if code is None or id(f) in seen:
            continue
        seen.add(id(f))
        found = list(zip(code.co_freevars, f.__closure__ or (), strict=True))
        values = [(name, cell.cell_contents) for name, cell in found if cell != EMPTY]
        if not code.co_filename.startswith(PACKAGE_DIR):
            values += [(name, f.__globals__[name]) for name in code.co_names if name in f.__globals__]
        for name, value in values:
            yield code, name, value
            if not isinstance(value, Tensor):
                todo.append(value)


EMPTY = CellType()


def given(frame: FrameType) -> Iterator[Any]:
    """The tensors among the arguments of a transform."""
    todo = [frame.f_locals.get(name) for name in ("args", "kwargs", "primals", "leaves")]
    while todo:
        value = todo.pop()
        if isinstance(value, Tensor):
            yield value if value._view is None else value._view.base
            yield value
        elif isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, (tuple, list)):
            todo += value


def assigned(name: str, codes: list[CodeType]) -> bool:
    """Whether one of the functions inside may have put something new into the outer variable `name`."""
    import dis

    return any(
        i.opname in ("STORE_GLOBAL", "STORE_DEREF") and i.argval == name
        for code in codes
        if name in code.co_freevars or name in code.co_names
        for i in dis.get_instructions(code)
    )


def operation() -> str:
    """The in-place operation that is running, under PyTorch's name with the form it would take."""
    frame: FrameType | None = sys._getframe(2)
    name, other = "copy_", None
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE_DIR):
        variables = frame.f_locals
        prim = variables.get("prim")
        called = frame.f_code.co_name
        if called.endswith("_") and not called.startswith("__") and hasattr(Tensor, called):
            name = called
        elif prim is not None or "title" in variables:
            name = (variables["title"] if prim is None else prim.name) + "_"
        elif called == "setitem" and "_interceptor" not in variables:  # what stands before an armed function bears its name
            name = "copy_" if variables.get("gathered") is None else "index_put_"
        for operand in ("other", "value", "src", "exponent", "weight", "others"):
            if operand in variables:
                other = variables[operand]
        frame = frame.f_back
    if isinstance(other, (tuple, list)):
        other = other[0] if other else None
    if name in TENSOR_FORM:
        return name + ".Tensor"
    if name == "scatter_":
        return name + (".src" if isinstance(other, Tensor) else ".value")
    if name in BOTH_FORMS:
        return name + (".Tensor" if isinstance(other, Tensor) else ".Scalar")
    return name
