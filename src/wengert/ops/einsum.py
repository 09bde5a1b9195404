"""Einstein summation: parsed here, done by products of batches of matrices."""

from __future__ import annotations

import math
from typing import Any

from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from .install import FUNCTIONS, public

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DOTS = "..."


def _labels(text: str, where: str, offset: int) -> list[str]:
    """The subscripts of one operand (or of the output); "..." is one of them."""
    found: list[str] = []
    i = 0
    while i < len(text):
        c = text[i]
        if c == " ":
            i += 1
        elif c == ".":
            if _DOTS in found:
                raise RuntimeError(f"einsum(): found '.' for {where} for which an ellipsis was already found")
            if text[i : i + 3] != _DOTS:
                extra = " (...)" if where == "output" else ""
                raise RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis{extra}")
            found.append(_DOTS)
            i += 3
        elif c in _LETTERS:
            found.append(c)
            i += 1
        else:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {offset + i} in the equation string, "
                f"subscripts must be in "
                "[a-zA-Z]"
            )
    return found


def _from_lists(args: tuple[Any, ...]) -> tuple[str, list[Tensor]]:
    """The form einsum(op1, [0, 1], op2, [1, 2], [0, 2]) as an equation."""

    def text(numbers: Any) -> str:
        parts = []
        for n in numbers:
            if n is Ellipsis:
                parts.append(_DOTS)
            elif 0 <= n < 52:
                parts.append(_LETTERS[n])
            else:
                raise ValueError(f"einsum(): subscript {n} is not within the valid range [0, 52)")
        return "".join(parts)

    operands, subscripts = list(args[0::2]), list(args[1::2])
    equation = ",".join(text(s) for s in subscripts[: len(args) // 2])
    if len(args) % 2:
        equation += "->" + text(operands.pop())
    return equation, operands


@public(method=False)
def einsum(*args: Any) -> Tensor:
    """einsum("ij,jk->ik", x, y): sums of products over named dimensions.

    Repeated letters of one operand take its diagonal, letters missing in the output are summed, "..." stands for any
    further dimensions, which broadcast.
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one operand and its "
            "subscripts list"
        )
    if isinstance(args[0], Tensor):
        equation, operands = _from_lists(args)
    else:
        equation, operands = args[0], list(args[1:])
        if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
            operands = list(operands[0])
    arrow = equation.find("->")
    left = equation if arrow < 0 else equation[:arrow]
    given, at = [], 0
    for i, part in enumerate(left.split(",")):
        given.append(_labels(part, f"operand {i}", at))
        at += len(part) + 1
    if len(operands) < len(given):
        raise RuntimeError("einsum(): fewer operands were provided than specified in the equation")
    if len(operands) > len(given):
        raise RuntimeError("einsum(): more operands were provided than specified in the equation")
    dots = 0
    for i, (labels, x) in enumerate(zip(given, operands, strict=True)):
        named = len(labels) - (_DOTS in labels)
        if _DOTS in labels:
            if named > x.ndim:
                raise RuntimeError(
                    f"einsum(): the number of subscripts in the equation ({named}) is more than the "
                    f"number of dimensions "
                    f"({x.ndim}) for operand {i}"
                )
            dots = max(dots, x.ndim - named)
        elif named != x.ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({named}) does not match the number of dimensions "
                f"({x.ndim}) for operand {i} and no ellipsis was given"
            )
    out = _output(None if arrow < 0 else equation[arrow + 2 :], given, arrow + 2)
    # every label, those of the output first; an ellipsis is `dots` labels of its own
    extra = [f".{k}" for k in range(dots)]
    out = [m for c in out for m in (extra if c == _DOTS else [c])]
    rest: list[str] = []
    expanded = []
    for labels, x in zip(given, operands, strict=True):
        named = len(labels) - (_DOTS in labels)
        mine = extra[dots - (x.ndim - named) :] if _DOTS in labels else []
        expanded.append([m for c in labels for m in (mine if c == _DOTS else [c])])
        rest += [m for m in expanded[-1] if m not in out and m not in rest]
    order = out + rest
    sizes: dict[str, int] = {}
    aligned = []
    for i, (labels, x) in enumerate(zip(expanded, operands, strict=True)):
        aligned.append(_aligned(x, labels, order, sizes, i))
    return _contracted(aligned, len(out), len(order))


def _output(text: str | None, given: list[list[str]], offset: int) -> list[str]:
    """The output's labels: as written, else the dots and the letters that occur once, in alphabetical order."""
    if text is None:
        letters = [c for labels in given for c in labels if c != _DOTS]
        once = sorted((c for c in set(letters) if letters.count(c) == 1), key=lambda c: _LETTERS.index(c))
        return ([_DOTS] if any(_DOTS in labels for labels in given) else []) + once
    out = _labels(text, "output", offset)
    for c in out:
        if c != _DOTS:
            if out.count(c) > 1:
                raise RuntimeError(f"einsum(): output subscript {c} appears more than once in the output")
            if not any(c in labels for labels in given):
                raise RuntimeError(
                    f"einsum(): output subscript {c} does not appear in the equation for any input operand"
                )
    return out


def _aligned(x: Tensor, labels: list[str], order: list[str], sizes: dict[str, int], operand: int) -> Tensor:
    """x with one dimension for each label of `order`, size 1 where it has none."""
    labels = list(labels)
    for c in dict.fromkeys(labels):
        while labels.count(c) > 1:
            first = labels.index(c)
            second = labels.index(c, first + 1)
            if x.shape[first] != x.shape[second]:
                raise RuntimeError(
                    f"einsum(): subscript {c} is repeated for operand {operand} but the sizes don't match, "
                    f"{x.shape[second]} != {x.shape[first]}"
                )
            x = FUNCTIONS["diagonal"](x, 0, first, second)
            labels = [m for i, m in enumerate(labels) if i not in (first, second)] + [c]
    for c, n in zip(labels, x.shape, strict=True):
        known = sizes.get(c, 1)
        if n != 1 and known != 1 and n != known:
            if c.startswith("."):
                raise RuntimeError(
                    f"einsum(): operands do not broadcast with remapped shapes [original->remapped]: "
                    f"size {n} against {known}"
                )
            raise RuntimeError(
                f"einsum(): subscript {c} has size {n} for operand {operand} which does not broadcast "
                f"with previously seen "
                f"size {known}"
            )
        sizes[c] = max(n, known) if n != 0 and known != 0 else 0
    for c in order:
        if c not in labels:
            x = ops.unsqueeze(x, dim=x.ndim)
            labels.append(c)
    places = tuple(labels.index(c) for c in order)
    return FUNCTIONS["permute"](x, places)  # type: ignore[no-any-return]


def _contracted(xs: list[Tensor], kept: int, total: int) -> Tensor:
    """The product of all, summed over the dimensions from `kept` on, from left to right."""
    result = xs[0]
    if len(xs) == 1:
        if total > kept:
            result = FUNCTIONS["sum"](result, tuple(range(kept, total)))
        return result
    for i, y in enumerate(xs[1:], 1):
        later = xs[i + 1 :]
        done = [d for d in range(kept, total) if all(z.shape[d] == 1 for z in later)]
        result = _pair(result, y, done)
    shape = tuple(result.shape)
    return result if total == kept else ops.reshape(result, shape[:kept])  # type: ignore[no-any-return]


def _pair(x: Tensor, y: Tensor, done: list[int]) -> Tensor:
    """x * y summed over `done` (kept with size 1), as one batched product of matrices."""
    both, only_x, only_y, summed = [], [], [], []
    for d in range(x.ndim):
        n, m = x.shape[d], y.shape[d]
        if d in done:
            if n != 1 and m != 1:
                summed.append(d)
            elif n != 1:
                x = ops.sum(x, dim=(d,), keepdim=True)
            elif m != 1:
                y = ops.sum(y, dim=(d,), keepdim=True)
        elif n != 1 and m != 1:
            both.append(d)
        elif n != 1:
            only_x.append(d)
        elif m != 1:
            only_y.append(d)
    if not summed:
        return x * y  # type: ignore[operator, no-any-return]
    ones = [d for d in range(x.ndim) if d not in (*both, *only_x, *only_y, *summed)]
    a, b = tuple(x.shape), tuple(y.shape)

    def flat(t: Tensor, *groups: list[int]) -> Tensor:
        shape = tuple(t.shape)
        used = [d for g in groups for d in g]
        t = FUNCTIONS["permute"](t, (*used, *(d for d in range(t.ndim) if d not in used)))
        return ops.reshape(t, tuple(math.prod(shape[d] for d in g) for g in groups))  # type: ignore[no-any-return]

    z = FUNCTIONS["bmm"](flat(x, both, only_x, summed), flat(y, both, summed, only_y))
    z = ops.reshape(
        z, (*(a[d] for d in both), *(a[d] for d in only_x), *(b[d] for d in only_y), *(1 for _ in (*summed, *ones)))
    )
    places = [*both, *only_x, *only_y, *summed, *ones]
    return FUNCTIONS["permute"](z, tuple(places.index(d) for d in range(len(places))))  # type: ignore[no-any-return]


samples(
    "einsum",
    Case("ij,jk->ik", T(2, 3), T(3, 4)),
    Case("bij,bjk->bik", T(2, 2, 3), T(2, 3, 2)),
    Case("ii->i", T(3, 3)),
    Case("ij->ji", T(2, 3)),
    Case("i,j->ij", T(2), T(3)),
    Case("...ij,...jk->...ik", T(2, 2, 3), T(3, 2)),
    Case("ij,j", T(2, 3), T(3)),
    Case("ijk->", T(2, 3, 2)),
    Case("bn,anm,bm->ba", T(2, 3), T(4, 3, 2), T(2, 2)),
    Case("ij,ij->i", T(2, 3), T(2, 3)),
)
