"""Transforms nested in any order, against derivatives known from mathematics (and PyTorch where it is installed)."""

from __future__ import annotations

import importlib
import itertools
import math

import pytest

import wengert as torch
from wengert.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

X = [0.3, 0.8, 1.4]


def functions(torch):
    """Ten scalar functions of a scalar, smooth on [0.2, 1.5]."""
    return {
        "polynomial": lambda x: x**3 - 2 * x * x + x,
        "sin of square": lambda x: torch.sin(x * x),
        "exp of sin": lambda x: torch.exp(torch.sin(x)),
        "quotient": lambda x: x / (1 + x * x),
        "log": lambda x: torch.log(x) * x,
        "tanh": lambda x: torch.tanh(2 * x) + torch.sigmoid(x),
        "power": lambda x: x**1.5 + x**x,
        "through a vector": lambda x: (torch.stack([x, x * x, torch.cos(x)]) ** 2).sum(),
        "through a matrix": lambda x: torch.trace(
            torch.matmul(torch.stack([x, x * x, 1 / x, x]).view(2, 2), torch.stack([x, x, x**2, x]).view(2, 2))
        ),
        "in place": in_place(torch),
    }


def in_place(torch):
    def f(x):
        y = torch.zeros(3, dtype=x.dtype) + x
        y[1] = x * x
        y[2].mul_(x)
        return (y * y).sum()

    return f


def transform(torch, name: str, f):
    """grad, jvp or vmap as scalar -> scalar (vmap: over a batch of two equal points, the first result)."""
    F = importlib.import_module(f"{torch.__name__}.func")
    if name == "grad":
        return F.grad(f)
    if name == "jvp":
        return lambda x: F.jvp(f, (x,), (torch.ones_like(x),))[1]
    return lambda x: F.vmap(f)(torch.stack([x, x]))[0]


NESTINGS = list(itertools.product(("grad", "jvp", "vmap"), repeat=3))
NAMES = list(functions(torch))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("nesting", NESTINGS, ids="-".join)
def test_nestings_agree_with_the_derivative_by_the_tape(nesting, name: str) -> None:
    f = functions(torch)[name]
    g = f
    for t in reversed(nesting):
        g = transform(torch, t, g)
    order = sum(t != "vmap" for t in nesting)
    for value in X:
        x = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        expected = f(x)
        for _ in range(order):
            (expected,) = torch.autograd.grad(expected, x, create_graph=True)
        got = g(torch.tensor(value, dtype=torch.float64))
        assert got.item() == pytest.approx(expected.item(), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("nesting", NESTINGS[::4], ids="-".join)
def test_nestings_agree_with_pytorch(nesting) -> None:
    theirs = pytest.importorskip("torch")
    for name in NAMES:
        results = []
        for library in (torch, theirs):
            g = functions(library)[name]
            for t in reversed(nesting):
                g = transform(library, t, g)
            try:
                results.append(g(library.tensor(0.8, dtype=library.float64)).item())
            except RuntimeError as error:  # what PyTorch refuses, wengert may give
                results.append(error)
        if not isinstance(results[1], Exception):
            assert results[0] == pytest.approx(results[1], rel=1e-9), name


def test_perturbations_are_not_confused() -> None:
    x = torch.tensor(2.0)
    assert grad(lambda x: x * grad(lambda y: x + y)(torch.tensor(1.0)))(x).item() == 1.0
    assert grad(lambda x: x * jvp(lambda y: x * y, (torch.tensor(1.0),), (torch.tensor(1.0),))[1])(x).item() == 4.0
    inner = lambda x: jvp(lambda y: y * x, (x,), (torch.ones(()),))[1]
    assert jvp(lambda x: x * inner(x), (x,), (torch.ones(()),))[1].item() == 4.0
    assert vmap(lambda x: grad(lambda y: x * y)(x))(torch.tensor([1.0, 2.0])).tolist() == [1.0, 2.0]
    d = grad(lambda x: grad(lambda y: y * y * x)(x))  # 2 x x -> 4 x
    assert d(torch.tensor(3.0)).item() == 12.0


def test_a_function_may_be_transformed_many_times() -> None:
    f = torch.sin
    for _ in range(8):
        f = grad(f)
    assert f(torch.tensor(0.5, dtype=torch.float64)).item() == pytest.approx(math.sin(0.5))


def test_a_value_that_escaped_is_refused() -> None:
    kept = []

    def f(x):
        kept.append(x)
        return x * x

    grad(f)(torch.tensor(1.0))
    vmap(f)(torch.ones(2))
    for leaked in kept:
        with pytest.raises(RuntimeError, match="escaped"):
            leaked + 1


def test_grad_mode_and_transforms() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    with torch.no_grad():
        assert grad(lambda t: t * t)(x).item() == 6.0
    y = grad(lambda t: t * t * t)(x)
    y.backward()
    assert x.grad.item() == 18.0
    assert grad(lambda t: t * t.detach())(x).item() == 3.0

    def partly(t):
        with torch.no_grad():
            factor = t * 2
        return t * factor

    assert grad(partly)(x).item() == 6.0


def test_ensembles_and_per_sample_gradients() -> None:
    torch.manual_seed(0)
    models = [torch.nn.Linear(3, 2) for _ in range(4)]
    params, _ = stack_module_state(models)
    x, y = torch.randn(5, 3), torch.randn(5, 2)
    out = vmap(lambda p: functional_call(models[0], p, (x,)))(params)
    for i, m in enumerate(models):
        assert torch.allclose(out[i], m(x), atol=1e-6)
    p = {k: v.detach() for k, v in models[0].named_parameters()}

    def loss(p, x, y):
        return ((functional_call(models[0], p, (x,)) - y) ** 2).sum()

    per_sample = vmap(grad(loss), in_dims=(None, 0, 0))(p, x, y)
    for i in range(5):
        one = grad(loss)(p, x[i], y[i])
        for k in p:
            assert torch.allclose(per_sample[k][i], one[k], atol=1e-5)


def test_jacobians_of_jacobians() -> None:
    x = torch.tensor([0.5, 1.5, -1.0], dtype=torch.float64)
    f = lambda x: torch.stack([x[0] * x[1] ** 2, torch.sin(x[2]) * x[0]])
    reference = jacrev(jacrev(f))(x)
    for outer, inner in itertools.product((jacrev, jacfwd), repeat=2):
        assert torch.allclose(outer(inner(f))(x), reference)
    assert torch.allclose(jacfwd(jacrev(jacfwd(f)))(x), jacrev(jacrev(jacrev(f)))(x))
    g = lambda x: (f(x) ** 2).sum()
    assert torch.allclose(hessian(g)(x), torch.autograd.functional.hessian(g, x))
    assert torch.allclose(jacrev(f, chunk_size=1)(x), jacfwd(f)(x))


def test_batched_gradients_of_autograd() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x**2
    (rows,) = torch.autograd.grad(y, x, torch.eye(3), is_grads_batched=True)
    assert torch.equal(rows, torch.diag(2 * x.detach()))
    z = torch.nn.functional.softmax(x, 0)
    (rows,) = torch.autograd.grad(z, x, torch.eye(3), is_grads_batched=True)
    assert torch.allclose(rows, torch.autograd.functional.jacobian(lambda t: torch.softmax(t, 0), x.detach()))


def test_vjp_may_be_called_again_and_under_another_transform() -> None:
    x = torch.tensor([1.0, 2.0])
    out, pull = vjp(lambda x: x**3, x)
    assert pull(torch.ones(2))[0].tolist() == [3.0, 12.0]
    assert pull(torch.tensor([2.0, 0.0]))[0].tolist() == [6.0, 0.0]
    assert vmap(lambda v: pull(v)[0])(torch.eye(2)).tolist() == [[3.0, 0.0], [0.0, 12.0]]


class Cube(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * g

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return 3 * x**2 * t


class CubeByHand(Cube):
    generate_vmap_rule = False

    @staticmethod
    def vmap(info, in_dims, x):
        return CubeByHand.apply(x), in_dims[0]


@pytest.mark.parametrize("op", [Cube, CubeByHand])
def test_custom_functions_under_transforms(op) -> None:
    x = torch.tensor([1.0, 2.0, -1.0])
    f = lambda x: op.apply(x).sum()
    assert grad(f)(x).tolist() == [3.0, 12.0, 3.0]
    assert jvp(op.apply, (x,), (torch.ones(3),))[1].tolist() == [3.0, 12.0, 3.0]
    assert vmap(op.apply)(x).tolist() == [1.0, 8.0, -1.0]
    assert vmap(grad(op.apply))(x).tolist() == [3.0, 12.0, 3.0]
    assert torch.equal(hessian(f)(x), torch.diag(6 * x))
    assert torch.equal(jacrev(op.apply)(x), torch.diag(3 * x**2))
    z = x.clone().requires_grad_()
    vmap(op.apply)(z).sum().backward()
    assert z.grad.tolist() == [3.0, 12.0, 3.0]


def test_what_vmap_refuses() -> None:
    x = torch.ones(3)
    with pytest.raises(RuntimeError, match=r"vmap: It looks like you're calling .item\(\) on a Tensor"):
        vmap(lambda x: x.item())(x)
    with pytest.raises(RuntimeError, match="data-dependent control flow"):
        vmap(lambda x: x if x > 0 else -x)(x)
    with pytest.raises(RuntimeError, match="inplace arithmetic"):
        vmap(lambda a, b: a.mul_(b), in_dims=(None, 0))(torch.ones(2), torch.ones(3, 2))
    with pytest.raises(RuntimeError, match="randomness error mode"):
        vmap(lambda x: x + torch.rand(()))(x)
    torch.manual_seed(0)
    same = vmap(lambda x: x + torch.rand(()), randomness="same")(x)
    assert same[0] == same[1]
    different = vmap(lambda x: x + torch.rand(()), randomness="different")(x)
    assert different[0] != different[1]


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("function", ["index_reduce", "scatter_reduce"])
def test_forward_mode_of_reductions_into_places(function, reduce, include_self):
    torch.manual_seed(3)
    points = torch.randn(3, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    tangents = torch.randn(3, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    index = torch.tensor([0, 2, 2, 0, 2])
    if function == "scatter_reduce":
        index = index[:, None].expand(5, 4)

    def f(x, source):
        return getattr(torch, function)(x, 0, index, source, reduce, include_self=include_self)

    for both in (True, False):
        ts = tangents if both else (torch.zeros_like(points[0]), tangents[1])
        at = [[p + h * t for p, t in zip(points, ts, strict=True)] for h in (1e-6, -1e-6)]
        expected = (f(*at[0]) - f(*at[1])) / 2e-6
        found = jvp(f, points, ts)[1] if both else jvp(lambda s: f(points[0], s), points[1:], ts[1:])[1]
        assert torch.allclose(found, expected, atol=1e-8)


def test_no_primitive_falls_back():
    """Every one has forward and batching rules, of its own or of its kind; those without a derivative refuse."""
    from wengert.core.batching import rule_for
    from wengert.core.primitive import TABLE

    assert [name for name, op in TABLE.items() if op.batch is None and rule_for(op) is None] == []
    twice = {name for name, op in TABLE.items() if op.takes_gradient and op.kind == "general" and op.jvp is None}
    assert twice == {  # their rule raises PyTorch's error
        "geqrf", "histogram", "histogramdd", "linalg_ldl_factor_ex", "scatter_reduced", "scatter_value_reduced", "unique2",
        "unique_consecutive",
    }  # fmt: skip
