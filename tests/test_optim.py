"""The Optimizer class: groups, errors, hooks, state dicts, copies - and some recorded numbers."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert
import wengert.optim
import wengert.optim.optimizer
from wengert.optim import update

OPTIMIZERS = [
    "ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "NAdam", "RAdam", "RMSprop",
    "Rprop", "SGD",
]  # fmt: skip


def leaf(*values: float, lib: Any = wengert) -> Any:
    return lib.tensor(list(values), requires_grad=True)


def with_grad(*values: float, lib: Any = wengert) -> Any:
    p = leaf(*values, lib=lib)
    p.grad = lib.tensor([1.0] * len(values))
    return p


def outcome(f: Callable[[Any], Any], lib: Any) -> tuple[Any, ...]:
    """What ``f`` does with a library: the error it raises, or the text of its result; and its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result: Any = repr(f(lib))
        except Exception as error:
            result = (type(error).__name__, str(error))
    return result, [(w.category.__name__, str(w.message)) for w in caught]


GROUPS: dict[str, Callable[[Any], Any]] = {
    "empty": lambda t: t.optim.SGD([]),
    "a tensor": lambda t: t.optim.SGD(leaf(1.0, lib=t)),
    "not a tensor": lambda t: t.optim.SGD([1]),
    "a string": lambda t: t.optim.SGD("ab"),
    "a number": lambda t: t.optim.SGD(5),
    "some names": lambda t: t.optim.SGD([("a", leaf(1.0, lib=t)), leaf(2.0, lib=t)]),
    "names": lambda t: t.optim.SGD([("a", leaf(1.0, lib=t)), ("b", leaf(2.0, lib=t))]),
    "names in one group": lambda t: t.optim.SGD([{"params": leaf(1.0, lib=t)}, {"params": [("a", leaf(2.0, lib=t))]}]),
    "no names in one group": lambda t: t.optim.SGD(
        [{"params": [("a", leaf(2.0, lib=t))]}, {"params": leaf(1.0, lib=t)}]
    ),
    "a set": lambda t: t.optim.SGD([{"params": {leaf(1.0, lib=t)}}]),
    "not a leaf": lambda t: t.optim.SGD([leaf(1.0, lib=t) * 2]),
    "twice in a group": lambda t: t.optim.SGD([leaf(1.0, lib=t)] * 2),
    "in two groups": lambda t: (lambda p: t.optim.SGD([{"params": [p]}, {"params": [p]}]))(leaf(1.0, lib=t)),
    "not a dict": lambda t: t.optim.SGD([leaf(1.0, lib=t)]).add_param_group([leaf(1.0, lib=t)]),
    "two groups": lambda t: t.optim.SGD([{"params": [leaf(1.0, lib=t)]}, {"params": [leaf(1.0, lib=t)], "lr": 0.5}]),
    "no params": lambda t: t.optim.SGD([{"x": leaf(1.0, lib=t)}]),
    "base": lambda t: t.optim.Optimizer([leaf(1.0, lib=t)], {}).step(),
    "other groups": lambda t: t.optim.SGD([leaf(1.0, lib=t)]).load_state_dict({"state": {}, "param_groups": []}),
    "other sizes": lambda t: t.optim.SGD([leaf(1.0, lib=t)]).load_state_dict(
        {"state": {}, "param_groups": [{"params": [0, 1]}]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_groups_are_checked_as_in_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(GROUPS[name], wengert), outcome(GROUPS[name], torch)
    assert ours == theirs


OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *[(o, {"lr": -1}) for o in OPTIMIZERS],
    *[(o, {"weight_decay": -1}) for o in OPTIMIZERS if o not in ("LBFGS", "Rprop")],
    *[(o, {"eps": -1}) for o in ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "Adadelta", "Adagrad")],
    *[(o, {"betas": b}) for o in ("Adam", "AdamW", "NAdam", "RAdam", "Adamax") for b in ((1.0, 0.9), (0.9, 1))],
    *[(o, {"fused": True, "foreach": True}) for o in ("SGD", "Adam", "AdamW", "Adagrad")],
    *[(o, {"fused": True, "differentiable": True}) for o in ("SGD", "Adam", "AdamW", "Adagrad")],
    ("SGD", {"momentum": -1}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"lr": "a"}),
    ("NAdam", {"momentum_decay": -1}),
    ("RMSprop", {"momentum": -1}),
    ("RMSprop", {"alpha": -1}),
    ("Rprop", {"etas": (2, 3)}),
    ("Adadelta", {"rho": 2}),
    ("Adagrad", {"lr_decay": -2}),
    ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adafactor", {"beta2_decay": 2}),
    ("Adafactor", {"eps": (-1, 1)}),
    ("Adafactor", {"eps": (None, -1)}),
    ("Adafactor", {"d": 0.5}),
    ("Muon", {"lr": -1}),
    ("Muon", {"momentum": -1}),
    ("Muon", {"weight_decay": -1}),
    ("Muon", {"adjust_lr_fn": "x"}),
    ("Muon", {}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_options_are_checked_as_in_pytorch(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")

    def make(t: Any) -> Any:
        return getattr(t.optim, name)([leaf(1.0, 2.0, lib=t)], **options)

    ours, theirs = outcome(make, wengert), outcome(make, torch)
    assert ours == theirs


@pytest.mark.parametrize("options", [{"lr": (0.1,)}, {"lr": (0.1, 0.2)}, {"lr": (0.1,), "foreach": True}])
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_tensors_as_options(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")

    def make(t: Any) -> Any:
        lr = options["lr"]
        return getattr(t.optim, name)(
            [leaf(1.0, lib=t)], **{**options, "lr": t.tensor(lr[0] if len(lr) == 1 else list(lr))}
        )

    assert outcome(make, wengert) == outcome(make, torch)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_same_signature_defaults_and_text(name: str) -> None:
    torch = pytest.importorskip("torch")
    import inspect

    ours, theirs = getattr(wengert.optim, name), getattr(torch.optim, name)
    sa, sb = inspect.signature(ours), inspect.signature(theirs)
    assert [(p.name, p.default, p.kind) for p in sa.parameters.values()] == [
        (p.name, p.default, p.kind) for p in sb.parameters.values()
    ]
    a, b = ours([leaf(1.0)]), theirs([leaf(1.0, lib=torch)])
    assert a.defaults == b.defaults
    assert list(a.defaults) == list(b.defaults)
    assert repr(a) == repr(b)
    assert list(a.param_groups[0]) == list(b.param_groups[0])


@pytest.mark.parametrize("name", ["Adam", "NAdam", "RAdam", "Adamax", "RMSprop", "Rprop", "ASGD", "Adadelta"])
def test_capturable_needs_an_accelerator(name: str) -> None:
    torch = pytest.importorskip("torch")

    def step(t: Any) -> Any:
        return getattr(t.optim, name)([with_grad(1.0, lib=t)], capturable=True).step()

    assert outcome(step, wengert) == outcome(step, torch)


def test_sparse_adam_says_what_to_use() -> None:
    with pytest.raises(NotImplementedError, match=r"SparseAdam.*Adam instead"):
        wengert.optim.SparseAdam([leaf(1.0)])


# ---- state dicts


def trained(lib: Any, name: str = "Adam", steps: int = 3, **options: Any) -> tuple[list[Any], Any]:
    ps = [leaf(1.0, 2.0, lib=lib), leaf(3.0, lib=lib)]
    o = getattr(lib.optim, name)(ps, **options)
    for i in range(steps):
        for p in ps:
            p.grad = p.detach() * (i + 1)
        o.step()
    return ps, o


def plain(value: Any) -> Any:
    """A state dict with its tensors as lists."""
    if hasattr(value, "detach"):
        return np.round(np.asarray(value.detach().numpy(), np.float64), 5).tolist(), str(value.dtype)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", [o for o in OPTIMIZERS if o != "LBFGS"])
def test_state_dict_has_pytorchs_form(name: str) -> None:
    torch = pytest.importorskip("torch")
    assert plain(trained(wengert, name)[1].state_dict()) == plain(trained(torch, name)[1].state_dict())


@pytest.mark.parametrize("name", [o for o in OPTIMIZERS if o != "LBFGS"])
def test_a_loaded_optimizer_goes_on_where_the_other_was(name: str) -> None:
    ps, o = trained(wengert, name)
    saved = copy.deepcopy(o.state_dict())
    qs = [wengert.tensor(p.detach().numpy().copy(), requires_grad=True) for p in ps]
    other = getattr(wengert.optim, name)(qs, lr=0.5)
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == o.param_groups[0]["lr"]
    for _ in range(3):
        for p in (*ps, *qs):
            p.grad = p.detach() * 0.5
        o.step()
        other.step()
    for p, q in zip(ps, qs):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_state_dict_holds_the_live_tensors() -> None:
    ps, o = trained(wengert)
    live = o.state_dict()["state"][0]["exp_avg"]
    before = live.numpy().copy()
    ps[0].grad = wengert.tensor([5.0, 5.0])
    ps[1].grad = wengert.tensor([5.0])
    o.step()
    assert live is o.state[ps[0]]["exp_avg"]
    assert not np.array_equal(before, live.numpy())


def test_state_dict_hooks() -> None:
    ps, o = trained(wengert)
    seen = []
    o.register_state_dict_pre_hook(lambda opt: seen.append("pre"))
    handle = o.register_state_dict_post_hook(lambda opt, d: {**d, "extra": 1})
    o.register_load_state_dict_pre_hook(lambda opt, d: seen.append("load pre"))
    o.register_load_state_dict_post_hook(lambda opt: seen.append("load post"))
    d = o.state_dict()
    assert d["extra"] == 1
    o.load_state_dict(d)
    assert seen == ["pre", "load pre", "load post"]
    handle.remove()
    assert "extra" not in o.state_dict()


def test_step_hooks_and_their_order() -> None:
    p = with_grad(1.0)
    o = wengert.optim.SGD([p])
    seen: list[str] = []
    handles = [
        wengert.optim.optimizer.register_optimizer_step_pre_hook(lambda *a: seen.append("global pre")),
        wengert.optim.optimizer.register_optimizer_step_post_hook(lambda *a: seen.append("global post")),
    ]
    o.register_step_pre_hook(lambda opt, args, kwargs: seen.append("pre"))
    o.register_step_post_hook(lambda opt, args, kwargs: seen.append("post"))
    o.step()
    for handle in handles:
        handle.remove()
    assert seen == ["global pre", "pre", "post", "global post"]
    o.register_step_pre_hook(lambda opt, args, kwargs: ((opt,), {"closure": lambda: 7}))
    assert o.step() == 7
    o.register_step_pre_hook(lambda *a: 3)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got 3."):
        o.step()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_are_independent(duplicate: Callable[[Any], Any]) -> None:
    ps, o = trained(wengert)
    other = duplicate(o)
    q = other.param_groups[0]["params"][0]
    assert q is not ps[0]
    before = q.detach().numpy().copy()
    for p in ps:
        p.grad = p.detach() * 1
    o.step()
    np.testing.assert_array_equal(q.detach().numpy(), before)
    for q in other.param_groups[0]["params"]:
        q.grad = wengert.tensor(np.ones(q.shape, np.float32))
    other.step()
    assert other.state[q]["step"].item() == 4


# ---- the step


def test_closure_runs_with_gradients_and_its_value_is_returned() -> None:
    p = leaf(3.0)
    o = wengert.optim.SGD([p], lr=0.1)

    def closure() -> Any:
        o.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with wengert.no_grad():
        assert o.step(closure).item() == 9.0
    np.testing.assert_allclose(p.detach().numpy(), [2.4], rtol=1e-6)


def test_zero_grad() -> None:
    p, q = with_grad(1.0), leaf(2.0)
    o = wengert.optim.SGD([p, q])
    o.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    assert q.grad is None
    o.zero_grad()
    assert p.grad is None


def test_parameters_without_gradient_stay_and_have_no_state() -> None:
    p, q = with_grad(1.0), leaf(2.0)
    o = wengert.optim.Adam([p, q])
    o.step()
    assert q.tolist() == [2.0]
    assert q not in o.state
    plain_sgd = wengert.optim.SGD([p])
    plain_sgd.step()
    assert not plain_sgd.state


def test_the_step_counts_as_a_change_in_place() -> None:
    for n in (1, 3):
        ps = [with_grad(1.0, 2.0) for _ in range(n)]
        o = wengert.optim.Adam(ps)
        o.step()
        o.step()
        assert all(p._version == 2 for p in ps)
    p = with_grad(1.0)
    y = p * p
    wengert.optim.SGD([p]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_packs_follow_what_the_user_does_to_the_states() -> None:
    """States replaced, cleared or edited between steps, parameters swapped: as if every parameter stood alone."""

    def scenario(small: int) -> list[Any]:
        old, update.SMALL = update.SMALL, small
        try:
            ps = [leaf(1.0, 2.0), leaf(3.0), leaf(4.0, 5.0, 6.0)]
            o = wengert.optim.Adam(ps, lr=0.1)
            results = []

            def step(skip: int = -1) -> None:
                for i, p in enumerate(ps):
                    p.grad = None if i == skip else p.detach() * 0.5
                o.step()
                results.append([p.detach().numpy().copy() for p in ps])

            step()
            step()
            o.state[ps[0]]["exp_avg"] = wengert.tensor([1.0, -1.0])
            step()
            o.state[ps[1]]["exp_avg_sq"].zero_()
            step()
            o.state[ps[2]]["step"].fill_(50.0)
            step()
            step()
            o.state.clear()
            step()
            step(skip=1)
            step()
            ps[0].data = wengert.tensor([7.0, 8.0])
            step()
            o.param_groups[0]["amsgrad"] = True
            for p in ps:
                o.state[p]["max_exp_avg_sq"] = p.detach() * 0
            step()
            o.add_param_group({"params": [leaf(9.0)], "lr": 0.5})
            step()
            return results
        finally:
            update.SMALL = old

    for packed, single in zip(scenario(8192), scenario(0)):
        for a, b in zip(packed, single):
            np.testing.assert_array_equal(a, b)


def test_unusual_parameters_are_left_to_the_operations() -> None:
    torch = pytest.importorskip("torch")

    def expanded(t: Any) -> Any:
        p = t.tensor([1.0]).expand(3).requires_grad_()
        p.grad = t.ones(3)
        return t.optim.SGD([p]).step()

    def inference(t: Any) -> Any:
        with t.inference_mode():
            p = t.ones(2)
        p.grad = t.ones(2)
        return t.optim.SGD([p]).step()

    for case in (expanded, inference):
        ours, theirs = outcome(case, wengert), outcome(case, torch)
        assert ours[0][0] == theirs[0][0] == "RuntimeError"
        assert ours[0][1].startswith(theirs[0][1].partition(". ")[0])


def test_shared_memory_and_duplicates_are_updated_one_after_the_other() -> None:
    torch = pytest.importorskip("torch")
    results = []
    for t in (wengert, torch):
        base = t.tensor([1.0, 2.0, 3.0])
        p, q = base[:2].detach().requires_grad_(), base[1:].detach().requires_grad_()
        o = t.optim.SGD([p, q], lr=0.1, weight_decay=0.5)
        for _ in range(3):
            p.grad, q.grad = t.tensor([1.0, 1.0]), t.tensor([1.0, 1.0])
            o.step()
        results.append(base.numpy().copy())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            r = with_grad(1.0, lib=t)
            o = t.optim.Adam([r, r, with_grad(2.0, lib=t)], lr=0.1)
        o.step()
        o.step()
        results.append(r.detach().numpy().copy())
    np.testing.assert_allclose(results[0], results[2], rtol=1e-6)
    np.testing.assert_allclose(results[1], results[3], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("Adam", {"weight_decay": 0.1}),
        ("AdamW", {}),
        ("RAdam", {}),
        ("Adadelta", {}),
        ("Adagrad", {}),
        ("ASGD", {}),
    ],
)
def test_differentiable(name: str, options: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    results = []
    for t in (wengert, torch):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        a = t.tensor([2.0, 3.0], requires_grad=True)
        tensor_lr = name in ("SGD", "Adam", "AdamW", "RAdam")
        lr = t.tensor(0.1, requires_grad=True) if tensor_lr else 0.1
        p = x.clone()
        o = getattr(t.optim, name)([p], lr=lr, differentiable=True, **options)
        for _ in range(2):
            p.grad = p.clone() * a
            o.step()
        grads = t.autograd.grad((p * p).sum(), [x, a, lr] if tensor_lr else [x, a])
        results.append([p.detach().numpy(), *[g.numpy() for g in grads]])
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop", "Adagrad", "Rprop", "Adamax", "ASGD", "Adadelta"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(name: str, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    results = []
    for t in (wengert, torch):
        p = t.tensor([1.0, -2.0, 0.5], dtype=getattr(t, dtype), requires_grad=True)
        o = getattr(t.optim, name)([p], lr=0.1)
        for i in range(3):
            p.grad = t.tensor([0.5 * (i + 1), -1.0, 0.25], dtype=getattr(t, dtype))
            o.step()
        results.append(p.detach().float().numpy())
    np.testing.assert_allclose(*results, rtol=2e-2)


# Recorded from PyTorch 2.13: two parameters, three steps with gradient p + step.
RECORDED: dict[str, tuple[list[float], list[float]]] = {
    "ASGD": ([0.43898207, -1.7479504], [0.074493289]),
    "Adadelta": ([0.99879283, -1.9994754], [0.49873385]),
    "Adafactor": ([0.50026256, -1.7875007], [0.36450002]),
    "Adagrad": ([0.73203307, -1.865381], [0.2217792]),
    "Adam": ([0.70661956, -1.7433428], [0.2149249]),
    "AdamW": ([0.70390904, -1.7378244], [0.21371195]),
    "Adamax": ([0.75259095, -1.7871161], [0.26718715]),
    "NAdam": ([0.70354277, -1.8448627], [0.19408888]),
    "RAdam": ([0.55806947, -1.5892406], [0.20018446]),
    "RMSprop": ([-1.385882, -1.4508165], [-1.9569547]),
    "Rprop": ([0.63599998, -1.78], [0.13599999]),
    "SGD": ([0.43899998, -1.7479999], [0.074499965]),
}


def recorded(lib: Any, name: str) -> tuple[list[float], list[float]]:
    ps = [leaf(1.0, -2.0, lib=lib), leaf(0.5, lib=lib)]
    o = getattr(lib.optim, name)(ps, lr=0.1)
    for i in range(3):
        for p in ps:
            p.grad = p.detach() + i
        o.step()
    return tuple(p.detach().tolist() for p in ps)  # type: ignore[return-value]


@pytest.mark.parametrize("name", [o for o in OPTIMIZERS if o != "LBFGS"])
def test_recorded_numbers(name: str) -> None:
    for ours, theirs in zip(recorded(wengert, name), RECORDED[name]):
        np.testing.assert_allclose(ours, theirs, rtol=3e-6)
