"""Every optimizer against PyTorch, step by step: the same parameters, the same states, whatever the options."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
import wengert.optim

torch = pytest.importorskip("torch")

SHAPES = [(3, 4), (4,), (), (2, 3, 2), (9000,), (70000,)]
STEPS = 6

CASES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.1, "betas": (0.3, 0.6), "eps": 1e-3, "weight_decay": 0.1}),
    ("Adam", {"amsgrad": True, "maximize": True}),
    ("Adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True, "weight_decay": 0.3}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "maximize": True}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True, "momentum_decay": 0.1}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"weight_decay": 0.1, "maximize": True, "betas": (0.9, 0.8)}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adamax", {}),
    ("Adamax", {"weight_decay": 0.1, "maximize": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
    ("Adadelta", {}),
    ("Adadelta", {"rho": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "weight_decay": 0.1}),
    ("RMSprop", {"centered": True, "maximize": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Rprop", {}),
    ("Rprop", {"etas": (0.3, 2.0), "step_sizes": (1e-3, 0.02), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"t0": 2, "lambd": 0.1, "weight_decay": 0.1, "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"weight_decay": 0.1, "d": 2.0, "eps": (1e-4, 1e-2), "maximize": True}),
]


def ident(case: tuple[str, dict[str, Any]]) -> str:
    return case[0] + "".join(f"-{k}={v}" for k, v in case[1].items())


def numpy(t: Any) -> np.ndarray:
    return t.detach().numpy()


def start(dtype: str, shapes: list[tuple[int, ...]] = SHAPES) -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(0)
    arrays = [random(rng, s, dtype) for s in shapes]
    ours = [wengert.tensor(a.copy(), requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a.copy(), requires_grad=True) for a in arrays]
    return ours, theirs


def random(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    a = rng.standard_normal(shape)
    if "complex" in dtype:
        a = a + 1j * rng.standard_normal(shape)
    return np.asarray(a, dtype)


def set_grads(rng: np.random.Generator, ours: list[Any], theirs: list[Any], dtype: str) -> None:
    for a, b in zip(ours, theirs):
        g = random(rng, tuple(b.shape), dtype)
        a.grad, b.grad = wengert.tensor(g.copy()), torch.tensor(g.copy())


def compare(ours: list[Any], theirs: list[Any], a: Any, b: Any, rtol: float) -> None:
    for p, q in zip(ours, theirs):
        np.testing.assert_allclose(numpy(p), numpy(q), rtol=rtol, atol=rtol)
        mine, other = a.state[p], b.state[q]
        assert list(mine) == list(other)
        for name in mine:
            assert str(mine[name].dtype) == str(other[name].dtype), name
            assert tuple(mine[name].shape) == tuple(other[name].shape), name
            np.testing.assert_allclose(numpy(mine[name]), numpy(other[name]), rtol=rtol, atol=rtol, err_msg=name)


def run(case: tuple[str, dict[str, Any]], dtype: str, rtol: float) -> None:
    name, options = case
    ours, theirs = start(dtype)
    a = getattr(wengert.optim, name)(ours, **options)
    b = getattr(torch.optim, name)(theirs, **options)
    rng = np.random.default_rng(1)
    for step in range(STEPS):
        set_grads(rng, ours, theirs, dtype)
        if step == 3:  # one parameter sits a step out
            ours[1].grad = theirs[1].grad = None
        a.step()
        b.step()
        compare(ours, theirs, a, b, rtol)
    assert repr(a) == repr(b)


@pytest.mark.parametrize("case", CASES, ids=ident)
def test_float32(case: tuple[str, dict[str, Any]]) -> None:
    # RMSprop: few digits are left of a difference of nearly equal means, or of a sum of large steps
    run(case, "float32", 1e-4 if case[0] == "RMSprop" else 3e-6)


@pytest.mark.parametrize("case", CASES, ids=ident)
def test_float64(case: tuple[str, dict[str, Any]]) -> None:
    # the counters are float32, in both
    run(case, "float64", 1e-6 if case[0] in ("NAdam", "ASGD") else 1e-12)


@pytest.mark.parametrize(
    "case", [c for c in CASES if c[0] not in ("Adafactor", "Adamax") or not c[1]][::2], ids=ident
)
def test_complex64(case: tuple[str, dict[str, Any]]) -> None:
    if case[0] == "Adafactor":
        pytest.skip("refuses complex parameters")
    run(case, "complex64", 1e-5)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop"])
@pytest.mark.parametrize("flag", ["foreach", "fused"])
def test_implementation_flags_change_no_numbers(name: str, flag: str) -> None:
    if (name, flag) == ("RMSprop", "fused"):
        pytest.skip("has no fused form")
    options = {flag: True} | ({"momentum": 0.9} if name == "SGD" else {})
    run((name, options), "float32", 3e-6)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
@pytest.mark.parametrize("options", [{}, {"nesterov": False, "adjust_lr_fn": "match_rms_adamw", "weight_decay": 0.0}])
def test_muon(shape: tuple[int, int], options: dict[str, Any]) -> None:
    ours, theirs = start("float32", [shape])
    a, b = wengert.optim.Muon(ours, lr=0.1, **options), torch.optim.Muon(theirs, lr=0.1, **options)
    rng = np.random.default_rng(1)
    for _ in range(4):
        set_grads(rng, ours, theirs, "float32")
        a.step()
        b.step()
        np.testing.assert_allclose(numpy(ours[0]), numpy(theirs[0]), atol=4e-3)  # bfloat16 inside
        np.testing.assert_allclose(
            numpy(a.state[ours[0]]["momentum_buffer"]), numpy(b.state[theirs[0]]["momentum_buffer"]), 1e-5, 1e-6
        )


def test_parameters_that_are_not_contiguous() -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6) / 10
    p = wengert.tensor(base.T.copy()).t().requires_grad_()
    q = torch.tensor(base.T.copy()).t().requires_grad_()
    a, b = wengert.optim.Adam([p]), torch.optim.Adam([q])
    for _ in range(3):
        p.grad, q.grad = wengert.tensor(base), torch.tensor(base)
        a.step()
        b.step()
    np.testing.assert_allclose(numpy(p), numpy(q), rtol=1e-6)


def test_tensor_learning_rate_follows_the_tensor() -> None:
    ours, theirs = start("float32", [(3,), (2, 2)])
    la, lb = wengert.tensor(0.1), torch.tensor(0.1)
    a, b = wengert.optim.Adam(ours, lr=la), torch.optim.Adam(theirs, lr=lb)
    rng = np.random.default_rng(1)
    for i in range(4):
        set_grads(rng, ours, theirs, "float32")
        la.fill_(0.1 / (i + 1))
        lb.fill_(0.1 / (i + 1))
        a.step()
        b.step()
        compare(ours, theirs, a, b, 3e-6)


def rosenbrock(w: Any, x: Any, y: Any) -> Any:
    return ((1 - x) ** 2).sum() + (100 * (y - x**2) ** 2).sum()


@pytest.mark.parametrize("search", [None, "strong_wolfe"])
@pytest.mark.parametrize("options", [{}, {"history_size": 3, "max_iter": 7, "lr": 0.5}, {"max_eval": 6, "lr": 100.0}])
def test_lbfgs(search: str | None, options: dict[str, Any]) -> None:
    results = []
    for lib in (wengert, torch):
        x = lib.tensor([-1.5, 0.5], dtype=lib.float64, requires_grad=True)
        y = lib.tensor([2.0, -1.0], dtype=lib.float64, requires_grad=True)
        if search is None:
            options = {**options, "lr": 1e-3}
        optimizer = lib.optim.LBFGS([x, y], line_search_fn=search, **options)
        losses = []
        for _ in range(3):

            def closure(optimizer: Any = optimizer, x: Any = x, y: Any = y, lib: Any = lib) -> Any:
                optimizer.zero_grad()
                loss = rosenbrock(lib, x, y)
                loss.backward()
                return loss

            losses.append(optimizer.step(closure).item())
        state = optimizer.state[x]
        results.append((losses, numpy(x), numpy(y), state["func_evals"], state["n_iter"], list(state)))
    ours, theirs = results
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-6)
    np.testing.assert_allclose(ours[2], theirs[2], rtol=1e-6)
    assert ours[3:] == theirs[3:]
