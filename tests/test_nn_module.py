"""`nn.Module`: registration, attributes, state dicts, hooks, conversions and printing, compared with PyTorch."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import OrderedDict
from typing import Any

import pytest

import wengert
from nn_compare import same
from wengert import nn

CASES: list[Any] = []


def case(fn: Any) -> Any:
    CASES.append(pytest.param(fn, id=fn.__name__))
    return fn


def tried(fn: Any) -> Any:
    """The value of `fn()`, or the text of its error."""
    try:
        return fn()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def net(t: Any) -> Any:
    return t.nn.Sequential(t.nn.Linear(2, 3), t.nn.Tanh(), t.nn.Linear(3, 1))


# ------------------------------------------------------------------------------------------------- registration


@case
def register_errors(t: Any) -> Any:
    m = t.nn.Module()
    calls = [
        lambda: m.register_buffer(3, None),
        lambda: m.register_buffer("a.b", None),
        lambda: m.register_buffer("", None),
        lambda: m.register_buffer("training", None),
        lambda: m.register_buffer("x", 3),
        lambda: m.register_parameter(3, None),
        lambda: m.register_parameter("a.b", None),
        lambda: m.register_parameter("", None),
        lambda: m.register_parameter("forward", None),
        lambda: m.register_parameter("x", 3),
        lambda: m.register_parameter("x", t.ones(2)),
        lambda: m.add_module(3, None),
        lambda: m.add_module("a.b", None),
        lambda: m.add_module("", None),
        lambda: m.add_module("training", None),
        lambda: m.register_module("x", 3),
        lambda: m(),
        lambda: m.foo,
        lambda: t.nn.Module(3),
        lambda: t.nn.Module(a=3),
        lambda: delattr(m, "foo"),
    ]
    return [tried(call) for call in calls]


@case
def before_init(t: Any) -> Any:
    def make(body: Any) -> Any:
        class A(t.nn.Module):
            def __init__(self) -> None:
                body(self)

        return A

    p = t.nn.Parameter(t.ones(1))
    return [
        tried(make(lambda s: setattr(s, "w", p))),
        tried(make(lambda s: setattr(s, "w", t.nn.ReLU()))),
        tried(make(lambda s: setattr(s, "w", t.nn.Buffer(t.ones(1))))),
        tried(make(lambda s: s.register_parameter("w", None))),
        tried(make(lambda s: s.register_buffer("w", None))),
        tried(lambda: make(lambda s: setattr(s, "w", 3))().w),
        tried(lambda: make(lambda s: setattr(s, "w", 3))().v),
        tried(lambda: make(lambda s: setattr(s, "w", 3))()(1)),
    ]


@case
def assignment_moves_names(t: Any) -> Any:
    m = t.nn.Module()
    log = []

    def tables() -> None:
        log.append([list(m._parameters), list(m._buffers), list(m._modules), sorted(m._non_persistent_buffers_set)])

    p = t.nn.Parameter(t.ones(2))
    m.a = 3
    m.a = p
    tables()
    log.append(tried(lambda: setattr(m, "a", t.ones(2))))
    log.append(tried(lambda: setattr(m, "a", 3)))
    m.a = None
    tables()
    m.register_buffer("b", t.ones(2), persistent=False)
    tables()
    log.append(tried(lambda: setattr(m, "b", 3)))
    m.b = t.zeros(3)
    tables()
    m.b = p
    tables()
    m.l = t.nn.Linear(1, 1)
    log.append(tried(lambda: setattr(m, "l", 3)))
    m.l = None
    tables()
    m.l = p
    tables()
    m.c = t.nn.Buffer(t.ones(1), persistent=False)
    tables()
    m.a = t.nn.ReLU()
    tables()
    del m.b, m.l, m.c
    tables()
    return log


@case
def non_leaf_parameter(t: Any) -> Any:
    p = t.nn.Parameter(t.ones(2))
    m = t.nn.Module()
    m.p = p
    return [tried(lambda: m.register_parameter("q", p * 2)), isinstance(p * 2, t.nn.Parameter), isinstance(p, t.Tensor)]


@case
def lookups(t: Any) -> Any:
    m = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.ReLU(), t.nn.BatchNorm1d(3))
    names = ["0.zz", "9", "0.weight", "zz.a", "0.weight.a", "", "0", "2.running_mean"]
    gets = [m.get_parameter, m.get_buffer, m.get_submodule]
    return [tried(lambda: get(name)) for name in names for get in gets]  # noqa: B023


@case
def set_submodule(t: Any) -> Any:
    m = net(t)
    return [
        tried(lambda: m.set_submodule("0", t.nn.ReLU())),
        tried(lambda: m.set_submodule("", t.nn.ReLU())),
        tried(lambda: m.set_submodule("0", 3)),
        tried(lambda: m.set_submodule("x.y", t.nn.ReLU())),
        tried(lambda: m.set_submodule("zz", t.nn.ReLU())),
        tried(lambda: m.set_submodule("yy", t.nn.ReLU(), strict=True)),
        tried(lambda: m.set_submodule("2.weight", t.nn.ReLU())),
        m,
    ]


@case
def walks(t: Any) -> Any:
    inner = t.nn.Linear(1, 1)
    m = t.nn.Sequential(inner, t.nn.Sequential(inner, t.nn.BatchNorm1d(1)), inner)
    m.register_parameter("none", None)
    return [
        [n for n, _ in m.named_parameters()],
        [n for n, _ in m.named_parameters("p", recurse=False)],
        [n for n, _ in m.named_parameters(remove_duplicate=False)],
        [n for n, _ in m.named_buffers("p")],
        [n for n, _ in m.named_modules(prefix="p")],
        [n for n, _ in m.named_modules(remove_duplicate=False)],
        [n for n, _ in m.named_children()],
        len(list(m.modules())),
        len(list(m.modules(False))),
        len(list(m.children())),
        len(list(m.buffers())),
        [type(x).__name__ for x in m.modules()],
    ]


@case
def apply_train_requires_grad(t: Any) -> Any:
    m = net(t)
    seen: list[str] = []
    m.apply(lambda x: seen.append(type(x).__name__))
    m.eval()
    modes = [x.training for x in m.modules()]
    m.train()
    modes += [x.training for x in m.modules()]
    m.requires_grad_(False)
    return [seen, modes, [p.requires_grad for p in m.parameters()], tried(lambda: m.train(3)), m.train(False) is m]


@case
def zero_grad(t: Any) -> Any:
    m = net(t)
    m(t.ones(1, 2)).sum().backward()
    before = [p.grad.clone() for p in m.parameters()]
    m.zero_grad(set_to_none=False)
    zeros = [p.grad.clone() for p in m.parameters()]
    m.zero_grad()
    return [before, zeros, [p.grad for p in m.parameters()]]


# -------------------------------------------------------------------------------------------------- conversions


@case
def conversions(t: Any) -> Any:
    m = net(t)
    m.register_buffer("count", t.tensor(3))
    p = m[0].weight
    m(t.ones(1, 2)).sum().backward()
    out = []
    for change in (m.double, m.half, m.bfloat16, m.float, m.cpu):
        change()
        out.append([str(m[0].weight.dtype), str(m.count.dtype), m[0].weight is p, str(p.grad.dtype)])
    m.to(t.float64)
    out.append(str(p.dtype))
    m.to("cpu", t.float32, True)
    out.append(str(p.dtype))
    m.to(t.ones(1, dtype=t.float64))
    out.append(str(p.dtype))
    m.to(dtype=t.float32)
    out.append(str(p.dtype))
    m.type(t.float64)
    out.append([str(p.dtype), str(m.count.dtype)])
    return out


@case
def to_errors(t: Any) -> Any:
    m = t.nn.Linear(1, 1)
    calls = [
        lambda: m.to(t.int32),
        lambda: m.to("foo"),
        lambda: m.to(t.float32, "cpu"),
        lambda: m.to("cpu", "cpu"),
        lambda: m.to([1]),
        lambda: m.to(foo=1),
        lambda: m.to(dtype="x"),
        lambda: m.to(t.float32, True, True),
        lambda: m.to(copy=True),
        lambda: m.to(t.ones(1), t.float64),
        lambda: m.to(),
        lambda: m.to(None),
        lambda: m.to_empty(),
        lambda: m.to_empty(device="cpu").weight.shape,
    ]
    return [tried(call) for call in calls]


# -------------------------------------------------------------------------------------------------- state dicts


class Extra:
    """Adds an extra state to a module class."""

    def get_extra_state(self) -> Any:
        return {"a": 1}

    def set_extra_state(self, state: Any) -> None:
        self.got = state


@case
def state_dict_form(t: Any) -> Any:
    m = t.nn.Sequential(t.nn.Linear(1, 2), t.nn.BatchNorm1d(2))
    m.register_buffer("gone", t.ones(1), persistent=False)
    sd = m.state_dict()
    kept = m.state_dict(keep_vars=True, prefix="p.")
    given: dict[str, Any] = {}
    return [
        type(sd).__name__, sd, sd._metadata, list(kept), kept["p.0.weight"] is m[0].weight,
        m.state_dict(destination=given) is given, hasattr(given, "_metadata"), list(m.state_dict({}, "q.")),
    ]  # fmt: skip


@case
def load_mismatches(t: Any) -> Any:
    m = t.nn.Sequential(t.nn.Linear(2, 3), t.nn.BatchNorm1d(3))
    bad = {"0.weight": t.ones(3, 3), "0.bias": t.ones(4), "foo": t.ones(2), "0.bar.x": 3, "0.weight.k": 2, "1.zz": 1}
    good = {"0.weight": t.ones(3, 2), "foo": t.ones(2)}
    return [
        tried(lambda: m.load_state_dict({})),
        tried(lambda: m.load_state_dict(bad)),
        tried(lambda: m.load_state_dict(bad, strict=False)),
        tried(lambda: m.load_state_dict(good, strict=False)),
        m[0].weight,
        tried(lambda: m.load_state_dict(3)),
        tried(lambda: m.load_state_dict({"0.weight": 3}, strict=False)),
        tried(lambda: m.load_state_dict({"0.weight": [3]}, strict=False)),
        tried(lambda: m.load_state_dict(m.state_dict())),
        tried(lambda: repr(m.load_state_dict(m.state_dict()))),
    ]


@case
def load_extra_state(t: Any) -> Any:
    E = type("E", (Extra, t.nn.Module), {})
    e = E()
    e.q = t.nn.Parameter(t.zeros(()))
    e.register_parameter("p", None)
    out = [e.state_dict(), tried(lambda: e.load_state_dict({"q": t.ones(()), "p": t.ones(1)}))]
    out.append(tried(lambda: e.load_state_dict({"q": t.ones(()), "_extra_state": 5})))
    out.append(e.got)
    out.append(tried(lambda: t.nn.Module().load_state_dict({"_extra_state": 5})))
    out.append(tried(lambda: t.nn.Module().get_extra_state()))
    return out


@case
def load_old_scalars(t: Any) -> Any:
    m = t.nn.Module()
    m.q = t.nn.Parameter(t.zeros(()))
    m.load_state_dict({"q": t.ones(1)})
    return m.q


@case
def load_assign(t: Any) -> Any:
    m = t.nn.Linear(2, 2)
    m.bias.requires_grad_(False)
    old = m.weight
    given = {"weight": t.zeros(2, 2, dtype=t.float64), "bias": t.nn.Parameter(t.ones(2))}
    m.load_state_dict(given, assign=True)
    return [m.weight is old, m.weight, m.bias, m.bias is given["bias"]]


@case
def state_dict_hooks(t: Any) -> Any:
    log: list[Any] = []
    m = t.nn.Sequential(t.nn.Linear(1, 1))
    m.register_state_dict_pre_hook(lambda mod, prefix, kv: log.append(("pre", prefix, kv)))
    m[0].register_state_dict_post_hook(lambda mod, sd, prefix, md: log.append(("post", list(sd), prefix, md)))
    m._register_state_dict_hook(lambda mod, sd, prefix, md: {"r": 1})
    out = m.state_dict()
    m[0].register_state_dict_post_hook(lambda mod, sd, prefix, md: 3)
    return [out, log, tried(m.state_dict)]


@case
def load_hooks(t: Any) -> Any:
    log: list[Any] = []
    m = t.nn.Sequential(t.nn.Linear(1, 1))
    m[0].register_load_state_dict_pre_hook(lambda *a: log.append(("pre", type(a[0]).__name__, *a[1:])))
    m._register_load_state_dict_pre_hook(lambda *a: log.append(("own", *a)))
    handle = m.register_load_state_dict_post_hook(lambda mod, keys: log.append(("post", list(keys.missing_keys))))
    out = [tried(lambda: m.load_state_dict({"0.weight": t.ones(1, 1)}, strict=False)), log]
    handle.remove()
    handle = m.register_load_state_dict_post_hook(lambda mod, keys: keys.missing_keys.clear())
    out.append(tried(lambda: m.load_state_dict({"0.weight": t.ones(1, 1)})))
    handle.remove()
    m.register_load_state_dict_post_hook(lambda mod, keys: 3)
    out.append(tried(lambda: m.load_state_dict({"0.weight": t.ones(1, 1)}, strict=False)))
    return out


# ------------------------------------------------------------------------------------------------ forward hooks


def scaled(t: Any) -> Any:
    class Scaled(t.nn.Module):
        def forward(self, x: Any, k: int = 2) -> Any:
            if k == 0:
                raise ValueError("bad")
            return x * k

    return Scaled()


@case
def forward_hooks(t: Any) -> Any:
    log: list[Any] = []
    m = scaled(t)
    x = t.ones(2, requires_grad=True)
    m.register_forward_pre_hook(lambda m, a: log.append(("pre", a)))
    m.register_forward_pre_hook(lambda m, a, k: (a, {"k": 5}), with_kwargs=True)
    m.register_forward_pre_hook(lambda m, a: a[0] + 1, prepend=True)
    m.register_forward_hook(lambda m, a, o: log.append(("post", a, o)))
    handle = m.register_forward_hook(lambda m, a, k, o: o * k["k"], with_kwargs=True, prepend=True)
    first = m(x)
    handle.remove()
    with m.register_forward_hook(lambda m, a, o: o + 100):
        second = m(x)
    return [first, second, m(x), log]


@case
def forward_hook_errors(t: Any) -> Any:
    m = scaled(t)
    m.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
    return m(t.ones(1))


@case
def always_call(t: Any) -> Any:
    log: list[Any] = []
    m = scaled(t)
    m.register_forward_hook(lambda m, a, o: log.append(("always", o)), always_call=True)
    m.register_forward_hook(lambda m, a, o: log.append("skipped"))
    m.register_forward_hook(lambda m, a, o: 1 / 0, always_call=True)
    m.register_forward_hook(lambda m, a, k, o: log.append(("kwargs", k, o)), always_call=True, with_kwargs=True)
    return [tried(lambda: m(t.ones(1), k=0)), log, tried(lambda: m(t.ones(1))), log]


@case
def global_hooks(t: Any) -> Any:
    M = t.nn.modules.module
    log: list[Any] = []
    handles = [
        M.register_module_forward_pre_hook(lambda m, a: log.append(("pre", type(m).__name__))),
        M.register_module_forward_hook(lambda m, a, o: log.append(("post", type(m).__name__))),
        M.register_module_forward_hook(lambda m, a, k, o: log.append(("kw", k)), with_kwargs=True),
        M.register_module_parameter_registration_hook(lambda m, n, p: log.append(("param", n))),
        M.register_module_buffer_registration_hook(lambda m, n, p: log.append(("buffer", n))),
        M.register_module_module_registration_hook(lambda m, n, p: log.append(("module", n))),
    ]
    try:
        t.nn.Sequential(t.nn.Tanh(), scaled(t))(t.ones(1))
        t.nn.BatchNorm1d(1)
    finally:
        for handle in handles:
            handle.remove()
    scaled(t)(t.ones(1))
    return log


# ----------------------------------------------------------------------------------------------- backward hooks


@case
def full_backward_hooks(t: Any) -> Any:
    log: list[Any] = []
    m = t.nn.Linear(2, 1)
    m.register_full_backward_hook(lambda m, gi, go: log.append(("full", gi, go)))
    m.register_full_backward_pre_hook(lambda m, go: log.append(("pre", go)))
    x = t.ones(3, 2, requires_grad=True)
    y = m(x)
    log.append(type(y.grad_fn).__name__)
    y.sum().backward()
    with t.no_grad():
        m(x)
    return [log, x.grad, m.weight.grad]


@case
def full_backward_hook_without_input_grad(t: Any) -> Any:
    log: list[Any] = []
    m = t.nn.Linear(2, 1)
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    m(t.ones(3, 2)).sum().backward()
    return log


@case
def full_backward_hook_changes(t: Any) -> Any:
    m = t.nn.Linear(2, 1)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    m.register_full_backward_pre_hook(lambda m, go: (go[0] * 3,))
    x = t.ones(1, 2, requires_grad=True)
    m(x).sum().backward()
    return [x.grad, m.weight.grad]


@case
def full_backward_hook_errors(t: Any) -> Any:
    def run(add: str, result: Any, grad: bool = True) -> Any:
        m = t.nn.Linear(1, 1)
        getattr(m, add)(lambda *a: result)
        return tried(lambda: m(t.ones(1, 1, requires_grad=grad)).sum().backward())

    return [
        run("register_full_backward_hook", (1, 2, 3)),
        run("register_full_backward_hook", 3),
        run("register_full_backward_hook", (1,), False),
        run("register_full_backward_pre_hook", (1, 2)),
    ]


@case
def full_backward_hooks_on_tuples(t: Any) -> Any:
    class Two(t.nn.Module):
        def forward(self, a: Any, b: Any, c: Any = None) -> Any:
            return {"u": a * 2} if c == "d" else (a * 2, b * 3, 5)

    log: list[Any] = []
    m = Two()
    m.register_full_backward_hook(lambda m, gi, go: log.append((gi, go)))
    a = t.ones(1, requires_grad=True)
    out = m(a, a * 2)
    (out[0] + out[1]).sum().backward()
    out = m(3, a, c=2)
    out[1].sum().backward()
    m(a, a, c="d")
    return log


@case
def regular_backward_hooks(t: Any) -> Any:
    log: list[Any] = []
    m = t.nn.Tanh()
    m.register_backward_hook(lambda m, gi, go: log.append((gi, go)))
    m(t.ones(1, 2, requires_grad=True)).sum().backward()
    other = t.nn.Linear(1, 1)
    other.register_full_backward_hook(print)
    return [
        log,
        tried(lambda: m.register_full_backward_hook(print)),
        tried(lambda: other.register_backward_hook(print)),
    ]


# ------------------------------------------------------------------------------------------------------- others


@case
def printing(t: Any) -> Any:
    class Own(t.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = t.nn.Linear(1, 1)
            self.b = t.nn.Sequential(t.nn.ReLU(), t.nn.Sequential())
            self.c = None
            self.d = t.nn.ModuleList([t.nn.ReLU() for _ in range(3)])

        def extra_repr(self) -> str:
            return "x=1\ny=2"

    return [Own(), t.nn.Module(), t.nn.Sequential(t.nn.Sequential(t.nn.Sequential(t.nn.ReLU())))]


@case
def call_super_init(t: Any) -> Any:
    log: list[Any] = []

    class Mixin:
        def __init__(self, z: int = 0) -> None:
            log.append(z)

    class A(t.nn.Module, Mixin):
        call_super_init = True

        def __init__(self) -> None:
            super().__init__(z=7)

    class B(t.nn.Module, Mixin):
        def __init__(self) -> None:
            super().__init__(z=7)

    A()
    return [log, tried(B)]


@case
def attribute_error_in_property(t: Any) -> Any:
    class A(t.nn.Module):
        @property
        def foo(self) -> Any:
            return self.bar

    return A().foo


@pytest.mark.parametrize("fn", CASES)
def test_like_pytorch(fn: Any) -> None:
    pytest.importorskip("torch")
    same(fn)


# ------------------------------------------------------------------------------- what needs no PyTorch at hand


def test_recorded_repr() -> None:
    model = nn.Sequential(OrderedDict(a=nn.Linear(2, 3), b=nn.Sequential(nn.ReLU(inplace=True), nn.Dropout(0.1))))
    assert repr(model) == (
        "Sequential(\n"
        "  (a): Linear(in_features=2, out_features=3, bias=True)\n"
        "  (b): Sequential(\n"
        "    (0): ReLU(inplace=True)\n"
        "    (1): Dropout(p=0.1, inplace=False)\n"
        "  )\n"
        ")"
    )


def test_recorded_load_error() -> None:
    with pytest.raises(RuntimeError) as error:
        nn.Linear(2, 2).load_state_dict({"weight": wengert.ones(3, 2), "x": wengert.ones(1)})
    assert str(error.value) == (
        "Error(s) in loading state_dict for Linear:\n"
        '\tMissing key(s) in state_dict: "bias". \n'
        '\tUnexpected key(s) in state_dict: "x". \n'
        "\tsize mismatch for weight: copying a param with shape torch.Size([3, 2]) from checkpoint, the shape in "
        "current model is torch.Size([2, 2])."
    )


def test_deepcopy_and_pickle() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    model[0].weight.note = "kept by pickle"
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(twin) == repr(model)
        for (name, a), (name2, b) in zip(model.state_dict().items(), twin.state_dict().items()):
            assert name == name2 and a.equal(b) and a.data_ptr() != b.data_ptr()
        assert isinstance(twin[0].weight, nn.Parameter) and twin[0].weight.requires_grad
    assert pickle.loads(pickle.dumps(model))[0].weight.note == "kept by pickle"


def test_shared_parameter_stays_shared_in_a_copy() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    twin = copy.deepcopy(model)
    assert twin[0].weight is twin[1].weight


def test_no_reference_cycles() -> None:
    gc.disable()
    try:
        model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        model.register_forward_hook(lambda m, a, o: None)
        model[0].register_full_backward_hook(lambda m, gi, go: None)
        model(wengert.ones(4, 2, requires_grad=True)).sum().backward()
        alive = [weakref.ref(m) for m in model.modules()] + [weakref.ref(p) for p in model.parameters()]
        del model
        assert [r() for r in alive] == [None] * len(alive)
    finally:
        gc.enable()


def test_failed_call_leaves_hooks_in_place() -> None:
    model = nn.Linear(2, 1)
    seen = []
    model.register_forward_hook(lambda m, a, o: seen.append(1))
    with pytest.raises(RuntimeError):
        model(wengert.ones(1, 5))
    model(wengert.ones(1, 2))
    assert seen == [1]


def test_key_error_of_forward_is_not_mistaken() -> None:
    class A(nn.Module):
        def forward(self, x: Any) -> Any:
            return {}["missing"]

    with pytest.raises(KeyError, match="missing"):
        A()(1)


def test_errors_name_the_layer() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ModuleDict({"a": nn.Linear(5, 2)}))
    model.forward = lambda x: model[1]["a"](model[0](x))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match=r"^mat1 and mat2 shapes cannot be multiplied \(2x4 and 5x2\)") as error:
        model(wengert.ones(2, 3))
    assert error.value.__notes__ == ["  in the layer '1.a': Linear(in_features=5, out_features=2, bias=True)"]
    inner = nn.Sequential(nn.ReLU(), nn.Linear(5, 2))
    with pytest.raises(RuntimeError) as error:
        nn.Sequential(nn.Linear(3, 4), inner)(wengert.ones(2, 3))
    assert error.value.__notes__ == ["  in the layer '1.1': Linear(in_features=5, out_features=2, bias=True)"]
