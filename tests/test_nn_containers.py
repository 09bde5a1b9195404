"""`Sequential`, `ModuleList`, `ModuleDict`, `ParameterList`, `ParameterDict`: every method, compared with PyTorch."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from nn_compare import same
from wengert import nn


def tried(fn: Any) -> Any:
    try:
        return fn()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def sequential(n: Any) -> Any:
    return n.Sequential(n.Linear(1, 1), n.ReLU(), n.Tanh())


SEQUENTIAL = [
    lambda n, s: [s[0], s[-1], s[1:], s[::2], len(s), list(s)],
    lambda n, s: s[3],
    lambda n, s: s[-4],
    lambda n, s: s["0"],
    lambda n, s: s[1.5],
    lambda n, s: s + n.Sequential(n.ReLU()),
    lambda n, s: s + 3,
    lambda n, s: s * 2,
    lambda n, s: 2 * s,
    lambda n, s: s * 0,
    lambda n, s: s * 1.0,
    lambda n, s: s.__iadd__(n.Sequential(n.ReLU())),
    lambda n, s: s.__iadd__([n.ReLU()]),
    lambda n, s: s.__imul__(2),
    lambda n, s: s.__imul__(0),
    lambda n, s: s.append(n.ReLU()),
    lambda n, s: s.append(3),
    lambda n, s: s.insert(0, n.Sigmoid()),
    lambda n, s: s.insert(-1, n.Sigmoid()),
    lambda n, s: s.insert(3, n.Sigmoid()),
    lambda n, s: s.insert(4, n.Sigmoid()),
    lambda n, s: s.insert(0, 3),
    lambda n, s: s.extend([n.ReLU(), n.ReLU()]),
    lambda n, s: s.extend(3),
    lambda n, s: [s.pop(0), s],
    lambda n, s: [s.pop(slice(0, 2)), s],
    lambda n, s: s.pop(9),
    lambda n, s: [s.__delitem__(1), s, list(s._modules)],
    lambda n, s: [s.__delitem__(slice(0, 2)), s, list(s._modules)],
    lambda n, s: [s.__setitem__(0, n.ReLU()), s],
    lambda n, s: s.__setitem__(7, n.ReLU()),
    lambda n, s: s.__setitem__(0, 3),
    lambda n, s: n.Sequential(3),
    lambda n, s: n.Sequential({"a": n.ReLU()}),
    lambda n, s: n.Sequential(OrderedDict(a=n.ReLU(), b=n.Tanh())).append(n.ReLU()),
    lambda n, s: n.Sequential(OrderedDict(a=n.ReLU(), b=n.Tanh()))[1:],
    lambda n, s: n.Sequential()(3),
    lambda n, s: s(1, 2),
    lambda n, s: [d for d in dir(s) if d.isdigit()],
]


@pytest.mark.parametrize("use", SEQUENTIAL)
def test_sequential(use: Any) -> None:
    pytest.importorskip("torch")
    same(lambda t: use(t.nn, sequential(t.nn)))


def module_list(n: Any) -> Any:
    return n.ModuleList([n.ReLU(), n.Linear(1, 1), n.ReLU()])


MODULE_LIST = [
    lambda n, m: [m[0], m[-1], m[:2], len(m), list(m), list(reversed(m))],
    lambda n, m: m[3],
    lambda n, m: m[-4],
    lambda n, m: m["0"],
    lambda n, m: m + [n.ReLU()],
    lambda n, m: m.__iadd__([n.ReLU(), n.ReLU(), n.Linear(1, 1)]),
    lambda n, m: m.extend(3),
    lambda n, m: m.append(3),
    lambda n, m: [m.append(n.Tanh()) is m, m],
    lambda n, m: [m.insert(1, n.Tanh()), m],
    lambda n, m: [m.pop(0), m],
    lambda n, m: [m.pop(slice(0, 2)), m],
    lambda n, m: m.pop(),
    lambda n, m: [m.__delitem__(slice(0, 2)), list(m._modules), m],
    lambda n, m: [m.__setitem__(-1, n.Tanh()), m],
    lambda n, m: m.__setitem__(9, n.Tanh()),
    lambda n, m: m(3),
    lambda n, m: n.ModuleList([None, n.ReLU(), n.ReLU()]),
    lambda n, m: n.ModuleList(3),
    lambda n, m: n.ModuleList(),
    lambda n, m: n.ModuleList([n.Sequential(n.ReLU()), n.Sequential(n.ReLU()), n.Sequential(n.Tanh())]),
    lambda n, m: n.ModuleList(n.ReLU() for _ in range(12)),
    lambda n, m: [d for d in dir(m) if d.isdigit()],
]


@pytest.mark.parametrize("use", MODULE_LIST)
def test_module_list(use: Any) -> None:
    pytest.importorskip("torch")
    same(lambda t: use(t.nn, module_list(t.nn)))


def module_dict(n: Any) -> Any:
    return n.ModuleDict({"b": n.ReLU(), "a": n.Linear(1, 1)})


MODULE_DICT = [
    lambda n, m: [m["b"], "a" in m, "z" in m, len(m), list(m), list(m.keys()), list(m.values())],
    lambda n, m: m["z"],
    lambda n, m: [m.pop("b"), m],
    lambda n, m: m.pop("z"),
    lambda n, m: [m.update([("c", n.Tanh())]), m],
    lambda n, m: [m.update(n.ModuleDict({"q": n.Tanh()})), m],
    lambda n, m: m.update(3),
    lambda n, m: m.update([3]),
    lambda n, m: m.update([("a",)]),
    lambda n, m: m.update([("a", 3)]),
    lambda n, m: [m.clear(), m],
    lambda n, m: m.__setitem__(3, n.ReLU()),
    lambda n, m: m.__setitem__("keys", n.ReLU()),
    lambda n, m: [m.__delitem__("a"), m],
    lambda n, m: m({}),
    lambda n, m: n.ModuleDict([("a", n.ReLU(), 3)]),
    lambda n, m: [k for k, _ in m.items()],
]


@pytest.mark.parametrize("use", MODULE_DICT)
def test_module_dict(use: Any) -> None:
    pytest.importorskip("torch")
    same(lambda t: use(t.nn, module_dict(t.nn)))


def parameter_list(t: Any) -> Any:
    return t.nn.ParameterList([t.nn.Parameter(t.ones(2)), t.ones(2, 3), 3, "x"])


PARAMETER_LIST = [
    lambda t, p: [p, list(p._parameters), len(p), list(p)],
    lambda t, p: [p[0], p[-1], p[1:3]],
    lambda t, p: p[5],
    lambda t, p: p.append(t.ones(1)),
    lambda t, p: p.extend([t.ones(1), 5]),
    lambda t, p: p.extend(t.ones(1)),
    lambda t, p: p.extend(3),
    lambda t, p: p(),
    lambda t, p: p.pop(),
    lambda t, p: p + [3],
    lambda t, p: p.__iadd__([t.ones(4)]),
    lambda t, p: [p.__setitem__(0, t.zeros(1)), p, p[0]],
    lambda t, p: p.__setitem__(77, t.ones(1)),
    lambda t, p: p.state_dict(),
    lambda t, p: t.nn.ParameterList(3),
    lambda t, p: t.nn.ParameterList(t.ones(2)),
    lambda t, p: t.nn.ParameterList(),
    lambda t, p: t.nn.ParameterList([t.nn.ParameterList([t.ones(1)]), t.nn.ReLU(), t.ones(1).half()]),
]


@pytest.mark.parametrize("use", PARAMETER_LIST)
def test_parameter_list(use: Any) -> None:
    pytest.importorskip("torch")
    same(lambda t: use(t, parameter_list(t)))


def parameter_dict(t: Any) -> Any:
    return t.nn.ParameterDict({"b": t.nn.Parameter(t.ones(2)), "a": t.ones(2, 3), "i": 3})


PARAMETER_DICT = [
    lambda t, d: [d, list(d), len(d), "a" in d, list(reversed(d)), list(d.keys()), [k for k, _ in d.items()]],
    lambda t, d: [d["a"], list(d.values())],
    lambda t, d: d["z"],
    lambda t, d: [d.pop("b"), d],
    lambda t, d: d.pop("zz"),
    lambda t, d: [d.popitem(), d],
    lambda t, d: [d.setdefault("k", t.ones(1)), d.setdefault("k", t.zeros(1)), d.setdefault("n"), d],
    lambda t, d: [d.get("q"), d.get("q", 5), d.get("i")],
    lambda t, d: d.fromkeys(["u", "v"], 3),
    lambda t, d: d.copy(),
    lambda t, d: [d.update([("c", t.ones(1))]), d],
    lambda t, d: [d.update(OrderedDict(z=t.ones(1), y=2)), d],
    lambda t, d: d.update(3),
    lambda t, d: d.update([3]),
    lambda t, d: d.update([("a",)]),
    lambda t, d: d | t.nn.ParameterDict({"o": t.ones(1)}),
    lambda t, d: d | {"o": t.ones(1)},
    lambda t, d: {"o": 1} | d,
    lambda t, d: d.__ior__(t.nn.ParameterDict({"o": t.ones(1)})),
    lambda t, d: d.__setitem__(3, t.ones(1)),
    lambda t, d: [d.__delitem__("b"), d, d.state_dict()],
    lambda t, d: d.__delitem__("bb"),
    lambda t, d: d(3),
    lambda t, d: d(),
    lambda t, d: [d.clear(), d],
    lambda t, d: t.nn.ParameterDict([("x", t.ones(1)), ("r", t.nn.ReLU())]),
]


@pytest.mark.parametrize("use", PARAMETER_DICT)
def test_parameter_dict(use: Any) -> None:
    pytest.importorskip("torch")
    same(lambda t: use(t, parameter_dict(t)))


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.nn.Parameter(),
        lambda t: t.nn.Parameter(t.ones(2), False),
        lambda t: t.nn.Parameter(3),
        lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64)),
        lambda t: t.nn.Parameter(t.ones(2, dtype=t.int64), requires_grad=False),
        lambda t: [t.nn.Parameter(t.ones(2, requires_grad=True) * 2).is_leaf, type(t.nn.Parameter()).__name__],
        lambda t: [type(x).__name__ for p in [t.nn.Parameter(t.ones(2))] for x in (p * 2, p.data, p.detach(), p[0])],
        lambda t: t.nn.Buffer(t.ones(2)),
        lambda t: [isinstance(t.nn.Buffer(t.ones(1)), t.nn.Buffer), isinstance(t.ones(1), t.nn.Buffer)],
        lambda t: [isinstance(t.ones(1), t.nn.Parameter), t.nn.Buffer(t.ones(1), persistent=False).persistent],
        lambda t: str(type(t.nn.Parameter())),
    ],
)
def test_parameters_and_buffers(use: Any) -> None:
    pytest.importorskip("torch")
    same(use)


def test_parameter_shares_memory_and_version() -> None:
    import wengert

    source = wengert.ones(2)
    p = nn.Parameter(source)
    source.add_(1)
    assert p.tolist() == [2.0, 2.0] and p._version == source._version == 1


def test_recorded_container_errors() -> None:
    assert tried(lambda: nn.Sequential(nn.ReLU())[1]) == "IndexError: index 1 is out of range"
    assert tried(lambda: nn.ModuleList(3)) == (
        "TypeError: ModuleList.extend should be called with an iterable, but got int"
    )
    assert repr(nn.ModuleList([nn.ReLU(), nn.ReLU()])) == "ModuleList(\n  (0-1): 2 x ReLU()\n)"
