"""Primitives: one operation, one place. What a kind lets you leave out is derived here.

A rule's parameter names are its save list. After `xp` (and `g` or `t`) a rule may name

    an input            its value                    `x_shape`, `x_dtype`   what it looked like (no data is kept)
    `out` (`out0` ...)  an output                    a parameter of the op  `dim`, `keepdim`, ...
    `needs`             which inputs want a gradient (only for a joint rule)

and `xp` is where it computes: the kernels on arrays, or `ops` on Tensors under the same names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ..kernels import numpy as kernels
from .graph import BACKWARD_TWICE, FREED, Edge, Node
from .saved import SavedInput, SavedOutput, SavedPacked
from .takes import Takes

#: Tensor-level namespace of the rules: every primitive under its name, and the composites registered with `composite`.
ops = SimpleNamespace()

#: name -> Primitive, the op table
TABLE: dict[str, Primitive] = {}

#: runs a primitive; the module `dispatch`, which builds on this one, sets it
dispatch: Any = None

Rule = Callable[..., Any]


def rule_names(rule: Rule, skip: int) -> tuple[str, ...]:
    """The parameter names of a rule after the first `skip`."""
    code = getattr(rule, "__code__", None)
    if code is not None:
        return tuple(code.co_varnames[skip : code.co_argcount])
    return tuple(inspect.signature(rule).parameters)[skip:]


class Plan:
    """What to keep and which rules to run, for one set of inputs that want a gradient."""

    __slots__ = ("described", "inputs", "joint", "others", "rules", "saves_out", "shapes")

    def __init__(self, prim: Primitive, wanted: tuple[bool, ...]) -> None:
        names: list[str] = []
        self.rules: list[tuple[int, Rule, tuple[str, ...]]] = []
        self.joint: tuple[str, ...] | None = None
        if callable(prim.vjp):
            self.joint = prim.wants["joint"]
            names += self.joint
        else:
            for i, want in enumerate(wanted):
                if want:
                    name = prim.inputs[i]
                    self.rules.append((i, prim.vjp[name], prim.wants[name]))
                    names += prim.wants[name]
        seen = dict.fromkeys(names)
        self.inputs = tuple((n, prim.inputs.index(n)) for n in seen if n in prim.inputs)
        self.others = tuple(n for n in seen if n not in prim.inputs and n not in prim.params and n != "needs")
        self.saves_out = tuple(n for n in self.others if n.startswith("out") and (n[3:].isdigit() or n == "out"))
        self.others = tuple(n for n in self.others if n not in self.saves_out)
        of_inputs = [n for n in self.others if n.endswith("_shape") and n[:-6] in prim.inputs]
        self.shapes = tuple((n, prim.inputs.index(n[:-6])) for n in of_inputs)
        self.described = tuple(n for n in self.others if n not in of_inputs)


class Primitive:
    """One operation: kernel, derivative, batching, samples. Calling it dispatches.

    `kind` is one of elementwise, linear, multilinear, view, reduction, general. `vjp` maps input names to rules
    `(xp, g, ...)`, or is one joint rule `(xp, g, needs, ...)` that gives a tuple. `jvp` likewise with tangents.
    `promote` says how inputs are brought to one dtype: None, "keep", "float" (integers become the default dtype),
    "compare" (as keep, the result is bool). `variadic`: any number of tensors, the rule is joint.
    `takes`: the dtypes it takes, if not all. `real_gradient`: PyTorch's name of an operation that takes complex numbers,
    but not as something to differentiate.
    """

    def __init__(
        self,
        name: str,
        *,
        kind: str,
        inputs: Sequence[str] = ("x",),
        params: Sequence[str] = (),
        kernel: str | Callable[..., Any] | None = None,
        vjp: Mapping[str, Rule] | Rule | None = None,
        jvp: Mapping[str, Rule] | Rule | None = None,
        batch: Callable[..., Any] | None = None,
        promote: str | None = None,
        fits: bool = False,
        variadic: bool = False,
        n_outputs: int | None = 1,
        nondifferentiable_outputs: Sequence[int] = (),
        node: str | None = None,
        saved_names: Mapping[str, str] | None = None,
        samples: Sequence[Any] = (),
        half: str = "upcast",
        differentiable: bool = True,
        takes: Takes | None = None,
        real_gradient: str | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.inputs = tuple(inputs)
        self.params = tuple(params)
        if kernel is None or isinstance(kernel, str):
            found: Callable[..., Any] = getattr(kernels, kernel or name)
        else:
            found = kernel
        self.kernel = found
        if getattr(kernels, name, None) is None:
            setattr(kernels, name, found)
        self.vjp: Any = vjp if vjp is not None else {}
        if callable(self.vjp):
            self.wants = {"joint": rule_names(self.vjp, 2)}
        else:
            self.wants = {n: rule_names(r, 2) for n, r in self.vjp.items()}
        self.ever_kept = frozenset(n for names in self.wants.values() for n in names)
        self.jvp = jvp
        self.batch = batch
        self.promote = promote
        self.fits = fits
        self.variadic = variadic
        self.n_outputs = n_outputs
        self.nondifferentiable_outputs = frozenset(nondifferentiable_outputs)
        self.saved_names = dict(saved_names or {})
        self.samples = samples
        self.half = half
        self.takes = takes
        self.real_gradient = real_gradient
        self.is_view = kind == "view"
        self.line: Any = None  # the straight-line function, where there is one (it falls back on dispatch)
        self.keeps: Any = None  # what its rules name: "x" or "out"; for two inputs (x, y) for each of them
        self.on_level: Any = None  # its node on the tape of a transform, made on first use
        self.plans: dict[tuple[bool, ...], Plan] = {}
        self.takes_gradient = differentiable and bool(self.vjp)
        self.differentiable_inputs = tuple(
            differentiable and (callable(self.vjp) or n in self.vjp) for n in self.inputs
        )
        base = OpNode if n_outputs == 1 else MultiOutputNode
        self.Node: type[OpNode] = type(base)(
            node or node_name(name), (base,), {"__slots__": (), "prim": self, "__module__": "torch.autograd"}
        )
        TABLE[name] = self
        setattr(ops, name, self)

    def __call__(self, *args: Any, **params: Any) -> Any:
        return dispatch(self, args, params)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def plan(self, wanted: tuple[bool, ...]) -> Plan:
        """The plan for this set of wanted gradients, made once."""
        found = self.plans.get(wanted)
        if found is None:
            found = self.plans[wanted] = Plan(self, wanted)
        return found

    def renamed(self, node: str) -> type[OpNode]:
        """A node class of this primitive under another of PyTorch's names (`SumBackward1`)."""
        base = OpNode if self.n_outputs == 1 else MultiOutputNode
        return type(base)(node, (base,), {"__slots__": (), "prim": self, "__module__": "torch.autograd"})


def node_name(name: str) -> str:
    """log_softmax -> LogSoftmaxBackward0"""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Backward0"


class OpNode(Node):
    """A node of the general path."""

    __slots__ = ("edge_tuple", "fits", "params", "plan", "saved")

    edge_tuple: tuple[Edge, ...]
    params: dict[str, Any]
    plan: Plan
    saved: Any
    fits: Any

    @property
    def edges(self) -> tuple[Edge, ...]:
        return self.edge_tuple

    def shown_edges(self) -> Iterable[tuple[int, Edge]]:
        """The inputs that can have a gradient at all."""
        if self.prim.variadic:
            return enumerate(self.edge_tuple)
        may = self.prim.differentiable_inputs
        return [(i, e) for i, (e, can) in enumerate(zip(self.edge_tuple, may, strict=True)) if can]

    def environment(self, raw: bool) -> dict[str, Any]:
        """Name -> value for the rules."""
        saved = self.saved
        if saved is FREED:
            raise RuntimeError(BACKWARD_TWICE)
        env = dict(self.params)
        if raw:
            for name, value in saved.items():
                env[name] = value.array(self) if value.__class__ in SAVED else value
        else:
            for name, value in saved.items():
                env[name] = value.unpack(self) if value.__class__ in SAVED else value
        return env

    def propagate(self, gs: Any, raw: bool, xp: Any) -> tuple[Any, ...]:
        env = self.environment(raw)
        plan = self.plan
        edges = self.edge_tuple
        if plan.joint is not None:
            env["needs"] = tuple(e is not None for e in edges)
            out = list(self.prim.vjp(xp, gs, *[env[n] for n in plan.joint]))
        else:
            out = [None] * len(edges)
            for i, rule, names in plan.rules:
                out[i] = rule(xp, gs, *[env[n] for n in names])
        fits = self.fits
        if fits is not None:
            for i, fit in enumerate(fits):
                if fit is not None and out[i] is not None:
                    out[i] = xp.fit(out[i], fit[0], fit[1])
        return tuple(out)

    def release(self) -> None:
        plan = self.plan
        if plan.inputs or plan.saves_out:  # shapes alone are kept: such a node may run again
            self.saved = FREED

    def saved_values(self) -> Iterator[tuple[str, Any]]:
        names = self.prim.saved_names
        for name in self.tensors_kept():
            value = FREED if self.saved is FREED else self.saved[name]
            yield names.get(name, PYTORCH_NAMES.get(name, name)), value
        for name in self.prim.inputs:  # what other inputs' gradients would have needed
            if name in self.prim.ever_kept and name not in self.plan_inputs():
                yield names.get(name, PYTORCH_NAMES.get(name, name)), None
        for name, value in self.params.items():
            yield names.get(name, name), value
        for name, i in self.plan.shapes:
            if self.saved is not FREED:
                yield f"{PYTORCH_NAMES.get(self.prim.inputs[i], self.prim.inputs[i])}_sym_sizes", tuple(self.saved[name])

    def tensors_kept(self) -> tuple[str, ...]:
        return (*self.plan_inputs(), *self.plan.saves_out)

    def plan_inputs(self) -> tuple[str, ...]:
        return tuple([n for n, _ in self.plan.inputs])

    def kept_value(self, key: Any) -> Any:
        return FREED if self.saved is FREED else self.saved.get(self.own_name(key))

    def keep_packed(self, key: Any, packed: Any) -> None:
        self.saved[self.own_name(key)] = packed

    def own_name(self, key: str) -> str:
        """Our name of what PyTorch calls `key`."""
        names = self.prim.saved_names
        return next((n for n in self.tensors_kept() if names.get(n, PYTORCH_NAMES.get(n, n)) == key), key)


class MultiOutputNode(OpNode):
    """A node with several outputs: `gs` is a tuple with None where no gradient arrived."""

    __slots__ = ("count",)
    n_outputs = 2  # 'several': `count` says how many


#: how PyTorch calls what we call x, y, out
PYTORCH_NAMES = {"x": "self", "y": "other", "out": "result"}
SAVED = frozenset((SavedInput, SavedOutput, SavedPacked))


# ---------------------------------------------------------------- the kinds


def partial_to_vjp(d: Rule) -> Rule:
    """The vjp of an elementwise op from its partial derivative: g times its conjugate."""
    names = rule_names(d, 1)
    call = ", ".join(names)
    scope: dict[str, Any] = {"d": d, "__name__": __name__}  # NumPy's warnings are credited to a module
    # one line of source, so that the rule keeps the partial's parameter names (they are the save list)
    exec(f"def vjp(xp, g{', ' + call if call else ''}):\n    return g * xp.conj(d(xp{', ' + call if call else ''}))", scope)
    rule: Rule = scope["vjp"]
    return rule


def elementwise(
    name: str,
    *,
    d: Mapping[str, Rule] | None = None,
    vjp: Mapping[str, Rule] | None = None,
    inputs: Sequence[str] | None = None,
    promote: str | None = "float",
    **more: Any,
) -> Primitive:
    """One output element per (broadcast) input element. Write the partials `d`, or `vjp` where g * conj(d) is not the
    stable form. Derived: jvp, batching, un-broadcasting, promotion, in-place and `out=` forms."""
    rules: dict[str, Rule] = {}
    for key, partial in (d or {}).items():
        rules[key] = partial_to_vjp(partial)
    rules.update(vjp or {})
    names = tuple(inputs) if inputs is not None else tuple(rules) or ("x",)
    prim = Primitive(name, kind="elementwise", inputs=names, vjp=rules, promote=promote, fits=True, **more)
    prim.partials = dict(d or {})  # type: ignore[attr-defined]
    return prim


def linear(name: str, *, vjp: Any, **more: Any) -> Primitive:
    """Linear in all tensor inputs together: you write the transpose, the jvp is the op itself on the tangents."""
    return Primitive(name, kind="linear", vjp=vjp, **more)


def multilinear(name: str, *, vjp: Any, promote: str | None = "keep", **more: Any) -> Primitive:
    """Linear in each tensor input: the jvp is the product rule."""
    return Primitive(name, kind="multilinear", vjp=vjp, promote=promote, **more)


def view(name: str, *, vjp: Any, **more: Any) -> Primitive:
    """The result shares memory with `x`: aliasing, the shared version counter and in-place through it are derived."""
    return Primitive(name, kind="view", vjp=vjp, half="native", **more)


def reduction(name: str, *, vjp: Any, promote: str | None = "keep", **more: Any) -> Primitive:
    """Reduces `dim`; batching is derived by shifting `dim`."""
    return Primitive(name, kind="reduction", vjp=vjp, promote=promote, **more)


def general(name: str, *, vjp: Any = None, **more: Any) -> Primitive:
    """Anything else: vjp and jvp by hand (a missing jvp is derived from the vjp)."""
    return Primitive(name, kind="general", vjp=vjp, **more)


def composite(fn: Any) -> Any:
    """Make a function over ops available to rules as `xp.<name>`."""
    setattr(ops, fn.__name__, fn)
    return fn


def kernel_helper(fn: Any) -> Any:
    """Make an array function available to rules as `xp.<name>` on arrays (its Tensor twin is a `composite`)."""
    setattr(kernels, fn.__name__, fn)
    return fn
