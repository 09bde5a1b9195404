"""torch.distributions: against PyTorch live (samples of a seed, densities, moments, gradients, texts), and recorded."""

# ruff: noqa: B023  (the lambdas are called on the spot)
from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import distributions as WD

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]

oracle = pytest.mark.skipif(torch is None, reason="needs PyTorch")

I2 = [[1.0, 0.3], [0.3, 2.0]]
PROBS = [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]
LOGITS = [[0.1, -1.0, 0.5], [0.3, 2.0, -0.7]]
ROOT = [[1.0, 0.0], [0.4, 0.8]]

#: name -> (the call, its parameters); every parameter is differentiated
DISTRIBUTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "bernoulli": ("D.Bernoulli(p)", {"p": [0.2, 0.5, 0.9]}),
    "bernoulli logits": ("D.Bernoulli(logits=p)", {"p": [-0.2, 1.5]}),
    "beta": ("D.Beta(a, b)", {"a": [0.5, 3.0], "b": [[2.0], [0.7]]}),
    "binomial": ("D.Binomial(5, p)", {"p": [0.2, 0.5]}),
    "binomial counts": ("D.Binomial(T([3.0, 7.0]), logits=p)", {"p": [0.2, -0.5]}),
    "categorical": ("D.Categorical(p)", {"p": PROBS}),
    "categorical logits": ("D.Categorical(logits=p)", {"p": LOGITS}),
    "cauchy": ("D.Cauchy(a, b)", {"a": [0.5, -1.0], "b": [1.0, 2.5]}),
    "chi2": ("D.Chi2(a)", {"a": [0.5, 3.0]}),
    "continuous bernoulli": ("D.ContinuousBernoulli(p)", {"p": [0.1, 0.5001, 0.7]}),
    "continuous bernoulli logits": ("D.ContinuousBernoulli(logits=p)", {"p": [-2.0, 0.7]}),
    "dirichlet": ("D.Dirichlet(a)", {"a": [[0.5, 2.0, 1.5], [0.3, 0.6, 0.2]]}),
    "exponential": ("D.Exponential(a)", {"a": [0.5, 2.0]}),
    "f": ("D.FisherSnedecor(a, b)", {"a": [1.5, 6.0, 3.0], "b": [5.0, 3.0, 1.5]}),
    "gamma": ("D.Gamma(a, b)", {"a": [0.5, 4.0], "b": [1.5, 0.7]}),
    "generalized pareto": ("D.GeneralizedPareto(a, b, c)", {"a": [0.5, 1.0], "b": [1.0, 2.0], "c": [0.2, -0.3]}),
    "geometric": ("D.Geometric(p)", {"p": [0.2, 0.9]}),
    "geometric logits": ("D.Geometric(logits=p)", {"p": [-0.2, 0.9]}),
    "gumbel": ("D.Gumbel(a, b)", {"a": [0.5, -1.0], "b": [1.0, 2.5]}),
    "half cauchy": ("D.HalfCauchy(b)", {"b": [1.0, 2.5]}),
    "half normal": ("D.HalfNormal(b)", {"b": [1.0, 2.5]}),
    "independent": ("D.Independent(D.Normal(a, b), 1)", {"a": [[0.5, -1.0], [0.1, 0.2]], "b": [1.0, 2.5]}),
    "inverse gamma": ("D.InverseGamma(a, b)", {"a": [1.5, 4.0], "b": [1.5, 0.7]}),
    "kumaraswamy": ("D.Kumaraswamy(a, b)", {"a": [1.5, 4.0], "b": [1.5, 0.7]}),
    "laplace": ("D.Laplace(a, b)", {"a": [0.5, -1.0], "b": [1.0, 2.5]}),
    "lkj": ("D.LKJCholesky(3, a)", {"a": [0.7, 2.0]}),
    "log normal": ("D.LogNormal(a, b)", {"a": [0.5, -1.0], "b": [1.0, 0.5]}),
    "logistic normal": ("D.LogisticNormal(a, b)", {"a": [[0.5, -1.0], [0.2, 0.1]], "b": [1.0, 0.5]}),
    "low rank normal": (
        "D.LowRankMultivariateNormal(a, b, c)",
        {"a": [[0.5, -1.0, 0.2], [0.0, 0.1, 0.3]], "b": [[1.0], [0.5], [-0.3]], "c": [0.5, 0.3, 0.8]},
    ),
    "mixture": (
        "D.MixtureSameFamily(D.Categorical(p), D.Normal(a, b))",
        {"p": [0.2, 0.5, 0.3], "a": [-1.0, 0.5, 2.0], "b": [0.5, 1.0, 0.3]},
    ),
    "mixture of vectors": (
        "D.MixtureSameFamily(D.Categorical(p), D.Independent(D.Normal(a, b), 1))",
        {"p": PROBS, "a": [[[-1.0, 0.5], [2.0, 0.1], [0.4, 0.3]]] * 2, "b": [0.5, 1.0]},
    ),
    "multinomial": ("D.Multinomial(4, p)", {"p": PROBS}),
    "multinomial logits": ("D.Multinomial(3, logits=p)", {"p": LOGITS}),
    "normal of vectors": ("D.MultivariateNormal(a, b)", {"a": [[0.5, -1.0], [0.3, 0.2]], "b": I2}),
    "normal by precision": ("D.MultivariateNormal(a, precision_matrix=b)", {"a": [0.5, -1.0], "b": I2}),
    "normal by factor": (
        "D.MultivariateNormal(a, scale_tril=b)",
        {"a": [0.5, -1.0], "b": [[[1.0, 0.0], [0.5, 2.0]], [[0.3, 0.0], [-0.5, 1.0]]]},
    ),
    "negative binomial": ("D.NegativeBinomial(a, p)", {"a": [2.0, 3.5], "p": [0.3, 0.6]}),
    "negative binomial logits": ("D.NegativeBinomial(3, logits=p)", {"p": [-0.3, 0.6]}),
    "normal": ("D.Normal(a, b)", {"a": [0.5, -1.0, 2.0], "b": [1.0, 2.5, 0.1]}),
    "one hot": ("D.OneHotCategorical(p)", {"p": PROBS}),
    "one hot logits": ("D.OneHotCategorical(logits=p)", {"p": LOGITS}),
    "straight through": ("D.OneHotCategoricalStraightThrough(p)", {"p": PROBS}),
    "pareto": ("D.Pareto(a, b)", {"a": [1.5, 0.5], "b": [1.5, 2.7]}),
    "poisson": ("D.Poisson(a)", {"a": [0.5, 12.0]}),
    "relaxed bernoulli": ("D.RelaxedBernoulli(t, p)", {"t": 0.7, "p": [0.3, 0.8]}),
    "relaxed bernoulli logits": (
        "D.relaxed_bernoulli.LogitRelaxedBernoulli(t, logits=p)",
        {"t": 0.7, "p": [0.3, -0.8]},
    ),
    "relaxed one hot": ("D.RelaxedOneHotCategorical(t, p)", {"t": 0.7, "p": PROBS}),
    "relaxed one hot logits": ("D.RelaxedOneHotCategorical(t, logits=p)", {"t": 0.7, "p": LOGITS}),
    "student": ("D.StudentT(a, b, c)", {"a": [0.8, 1.5, 4.0], "b": [0.0, 1.0, -1.0], "c": [1.0, 0.5, 2.0]}),
    "transformed": (
        "D.TransformedDistribution(D.Normal(a, b), [R.AffineTransform(1.0, -0.5), R.SigmoidTransform()])",
        {"a": [0.5, -1.0], "b": [1.0, 2.5]},
    ),
    "uniform": ("D.Uniform(a, b)", {"a": [0.5, -1.0], "b": [1.0, 2.5]}),
    "von mises": ("D.VonMises(a, b)", {"a": [0.5, -1.0, 0.2], "b": [1.0, 7.5, 1e-3]}),
    "weibull": ("D.Weibull(a, b)", {"a": [0.5, 1.5], "b": [1.0, 2.5]}),
    "wishart": ("D.Wishart(a, b)", {"a": [3.0, 4.5], "b": I2}),
    "wishart by factor": ("D.Wishart(a, scale_tril=b)", {"a": 3.5, "b": ROOT}),
    "wishart by precision": ("D.Wishart(a, precision_matrix=b)", {"a": 3.5, "b": I2}),
}

TOLERANCE = {"float32": (1e-4, 2e-5), "float64": (1e-8, 1e-10)}
MOMENTS = ("mean", "mode", "variance", "stddev")
LAZY = ("logits", "probs", "covariance_matrix", "precision_matrix", "scale_tril", "_natural_params", "concentration1")


def world(module: Any) -> dict[str, Any]:
    D = module.distributions
    return {
        "torch": module, "D": D, "T": module.tensor, "C": D.constraints, "R": D.transforms, "U": D.utils,
        "KL": D.kl, "N": D.Normal, "I2": module.eye(2),
    }  # fmt: skip


def build(module: Any, name: str, dtype: str, requires_grad: bool = False) -> tuple[Any, list[Any]]:
    call, parameters = DISTRIBUTIONS[name]
    names = world(module)
    made = {
        k: module.tensor(v, dtype=getattr(module, dtype), requires_grad=requires_grad) for k, v in parameters.items()
    }
    return eval(call, names | made), list(made.values())


def numbers(x: Any) -> Any:
    """Tensors as arrays; inside tuples too."""
    if isinstance(x, tuple) and not hasattr(x, "numel"):
        return tuple(numbers(part) for part in x)
    return x.detach().numpy() if hasattr(x, "detach") else x


def attempt(fn: Any) -> tuple[str, Any]:
    try:
        return "value", fn()
    except Exception as error:
        return type(error).__name__, str(error)


def same(ours: Any, theirs: Any, dtype: str, what: str) -> None:
    rtol, atol = TOLERANCE[dtype]
    if isinstance(theirs, tuple) and not hasattr(theirs, "numel"):
        assert len(ours) == len(theirs), what
        for a, b in zip(ours, theirs):
            same(a, b, dtype, what)
        return
    if not hasattr(theirs, "detach"):
        assert ours == theirs, what
        return
    assert str(ours.dtype) == str(theirs.dtype), what
    assert tuple(ours.shape) == tuple(theirs.shape), what
    assert ours.requires_grad == theirs.requires_grad, what
    np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=rtol, atol=atol, err_msg=what)


def both(ours: Any, theirs: Any, dtype: str, what: str) -> Any:
    """The value of `ours`, after both gave the same, or raised the same."""
    (kind, a), (kind_t, b) = attempt(ours), attempt(theirs)
    assert kind == kind_t, f"{what}: {kind} {a} instead of {kind_t} {b}"
    if kind == "value":
        same(a, b, dtype, what)
        return a, b
    assert a.replace("wengert.", "torch.").splitlines()[:1] == b.splitlines()[:1], what
    return None


@oracle
@pytest.mark.filterwarnings("ignore:Singular sample detected")
@pytest.mark.parametrize(
    ("name", "dtype"),
    # PyTorch's GeneralizedPareto compares its concentration with a float32 zero, and raises for float64
    [(n, t) for n in DISTRIBUTIONS for t in ("float32", "float64") if (n, t) != ("generalized pareto", "float64")],
)
def test_values(name: str, dtype: str) -> None:
    ours, _ = build(wengert, name, dtype)
    theirs, _ = build(torch, name, dtype)
    assert repr(ours) == repr(theirs)
    assert repr(ours.support) == repr(theirs.support)
    assert ours.has_rsample == theirs.has_rsample and ours.has_enumerate_support == theirs.has_enumerate_support
    assert (ours.batch_shape, ours.event_shape) == (tuple(theirs.batch_shape), tuple(theirs.event_shape))
    for attribute in (*MOMENTS, *LAZY):
        both(lambda: getattr(ours, attribute), lambda: getattr(theirs, attribute), dtype, attribute)
    for shape in ((), (2,), (2, 3)):
        for method in ("sample", "rsample"):
            wengert.manual_seed(7)
            torch.manual_seed(7)
            drawn = both(
                lambda: getattr(ours, method)(shape), lambda: getattr(theirs, method)(shape), dtype, method
            )
            assert method == "rsample" or drawn is not None
            if drawn is not None and not drawn[1].is_floating_point():
                assert numbers(drawn[0]).tolist() == numbers(drawn[1]).tolist()
    torch.manual_seed(8)
    x = theirs.sample((3,))
    same_x = wengert.tensor(x.numpy())
    for method in ("log_prob", "cdf", "log_cdf", "log_survival_function"):
        if hasattr(theirs, method):
            both(lambda: getattr(ours, method)(same_x), lambda: getattr(theirs, method)(x), dtype, method)
    u = np.linspace(0.05, 0.95, max(1, math.prod(theirs.batch_shape)), dtype=dtype).reshape(theirs.batch_shape)
    both(lambda: ours.icdf(wengert.tensor(u)), lambda: theirs.icdf(torch.tensor(u)), dtype, "icdf")
    for method in ("entropy", "perplexity"):
        both(getattr(ours, method), getattr(theirs, method), dtype, method)
    for expand in (False, True):
        both(
            lambda: ours.enumerate_support(expand), lambda: theirs.enumerate_support(expand), dtype, "enumerate_support"
        )
    wide = (2, *theirs.batch_shape)
    ours, theirs = ours.expand(wide), theirs.expand(wide)
    assert repr(ours) == repr(theirs)
    assert ours.batch_shape == tuple(theirs.batch_shape)
    both(lambda: ours.mean, lambda: theirs.mean, dtype, "mean of expanded")
    wengert.manual_seed(9)
    torch.manual_seed(9)
    drawn = both(lambda: ours.sample((2,)), lambda: theirs.sample((2,)), dtype, "sample of expanded")
    both(
        lambda: ours.log_prob(wengert.tensor(drawn[1].numpy())), lambda: theirs.log_prob(drawn[1]), dtype,
        "log_prob of expanded",
    )


@oracle
@pytest.mark.filterwarnings("ignore:Singular sample detected")
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_gradients(name: str) -> None:
    """The gradients of rsample, log_prob, entropy and the moments in all parameters."""
    results = []
    dtype = "float32" if name == "generalized pareto" else "float64"
    # PyTorch changes a mask that the backward pass of its corrected samples needs, and raises
    options = {"max_try_correction": 0} if "wishart" in name else {}
    torch.manual_seed(8)
    x = build(torch, name, dtype)[0].sample((3,)).numpy()
    for module in (wengert, torch):
        found: dict[str, Any] = {}
        for what in ("rsample", "log_prob", "entropy", "mean", "variance"):
            d, parameters = build(module, name, dtype, requires_grad=True)
            module.manual_seed(5)
            asked = {
                "rsample": lambda d=d: d.rsample((3,), **options), "log_prob": lambda d=d, m=module: d.log_prob(m.tensor(x)),
                "entropy": d.entropy,
            }.get(what, lambda d=d, what=what: getattr(d, what))  # fmt: skip
            kind, y = attempt(asked)
            if kind != "value" or not y.requires_grad:
                found[what] = kind
                continue
            weights = module.arange(1, 1 + y.numel(), dtype=y.dtype).reshape(y.shape).sin()
            grads = module.autograd.grad((y * weights).sum(), parameters, allow_unused=True)
            found[what] = [None if g is None else g.numpy() for g in grads]
        results.append(found)
    ours, theirs = results
    for what, grads in theirs.items():
        if isinstance(grads, str):
            assert ours[what] == grads, what
            continue
        for a, b in zip(ours[what], grads):
            assert (a is None) == (b is None), what
            if b is not None:
                rtol = 1e-6 if dtype == "float64" else 1e-4
                np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol / 100, err_msg=what)


# ---------------------------------------------------------------- KL divergences

PAIRS = {
    "Bernoulli": ("D.Bernoulli(T([0.3, 0.7, 0.0]))", "D.Bernoulli(logits=T([0.4, -0.6, 0.1]))"),
    "Beta": ("D.Beta(T([0.8, 2.0]), T([1.5, 0.7]))", "D.Beta(T([1.8, 0.6]), T([0.5, 2.7]))"),
    "Binomial": ("D.Binomial(5, T([0.3, 0.7]))", "D.Binomial(T([5, 3]), T([0.4, 0.2]))"),
    "Categorical": ("D.Categorical(T([0.3, 0.7, 0.0]))", "D.Categorical(T([0.0, 0.7, 0.3]))"),
    "Cauchy": ("D.Cauchy(T([0.3, 0.7]), 1.5)", "D.Cauchy(T([1.3, 0.7]), 0.5)"),
    "ContinuousBernoulli": ("D.ContinuousBernoulli(T([0.3, 0.7]))", "D.ContinuousBernoulli(T([0.5, 0.2]))"),
    "Dirichlet": ("D.Dirichlet(T([[0.3, 0.7], [1.0, 2.0]]))", "D.Dirichlet(T([1.3, 2.7]))"),
    "Exponential": ("D.Exponential(T([0.3, 0.7]))", "D.Exponential(T([1.3, 0.2]))"),
    "ExponentialFamily": ("D.Poisson(T([0.3, 0.7]))", "D.Poisson(T([0.9, 0.6]))"),
    "Gamma": ("D.Gamma(T([0.3, 1.7]), T([1.0, 2.0]))", "D.Gamma(T([2.3, 0.7]), T([0.5, 1.0]))"),
    "Geometric": ("D.Geometric(T([0.3, 0.7]))", "D.Geometric(T([0.6, 0.1]))"),
    "Gumbel": ("D.Gumbel(T([0.3, 0.7]), T([1.0, 2.0]))", "D.Gumbel(T([-0.3, 0.5]), T([0.5, 1.0]))"),
    "HalfNormal": ("D.HalfNormal(T([0.3, 0.7]))", "D.HalfNormal(T([1.3, 0.5]))"),
    "Independent": ("D.Independent(N(T([0.3, 0.7]), 1.0), 1)", "D.Independent(N(T([0.5, 0.1]), T([1.0, 2.0])), 1)"),
    "Laplace": ("D.Laplace(T([0.3, 0.7]), T([1.0, 2.0]))", "D.Laplace(T([0.8, -0.7]), T([2.0, 0.5]))"),
    "LowRankMultivariateNormal": (
        "D.LowRankMultivariateNormal(T([0.3, 0.7]), T([[1.0], [2.0]]), T([0.5, 0.6]))",
        "D.LowRankMultivariateNormal(T([[0.0, 0.2], [0.1, 1.0]]), T([[0.3], [-1.0]]), T([1.5, 0.2]))",
    ),
    "MultivariateNormal": (
        "D.MultivariateNormal(T([0.3, 0.7]), T([[1.0, 0.2], [0.2, 0.5]]))",
        "D.MultivariateNormal(T([[0.3, 0.7], [0.0, 0.1]]), scale_tril=T([[1.5, 0.0], [0.2, 0.7]]))",
    ),
    "Normal": ("N(T([0.3, 0.7]), T([1.0, 2.0]))", "N(T([0.8, -0.7]), T([2.0, 0.5]))"),
    "OneHotCategorical": ("D.OneHotCategorical(T([0.3, 0.7]))", "D.OneHotCategorical(logits=T([0.3, 0.0]))"),
    "Pareto": ("D.Pareto(T([0.3, 0.7]), T([0.9, 2.5]))", "D.Pareto(T([0.1, 0.8]), T([1.0, 2.0]))"),
    "Poisson": ("D.Poisson(T([0.3, 0.7]))", "D.Poisson(T([1.3, 0.2]))"),
    "TransformedDistribution": ("D.LogNormal(T([0.3, 0.7]), 1.0)", "D.LogNormal(T([0.0, 0.1]), T([2.0, 0.7]))"),
    "Uniform": ("D.Uniform(T([0.1, 0.7]), T([0.4, 2.0]))", "D.Uniform(T([0.3, 0.2]), T([1.0, 3.0]))"),
}


@oracle
def test_kl_registry() -> None:
    ours = {(p.__name__, q.__name__): f.__name__ for (p, q), f in WD.kl._KL_REGISTRY.items()}
    theirs = {
        (p.__name__, q.__name__): f.__name__
        for (p, q), f in torch.distributions.kl._KL_REGISTRY.items()
        if p.__module__.startswith("torch.") and q.__module__.startswith("torch.")
    }
    assert {pair: name for pair, name in ours.items() if pair in theirs} == theirs


@oracle
@pytest.mark.parametrize("p", PAIRS)
def test_kl_divergence(p: str) -> None:
    """Every pair: a number, or PyTorch's error."""
    mine, yours = world(wengert), world(torch)
    for q in PAIRS:
        expression = f"D.kl_divergence({PAIRS[p][0]}, {PAIRS[q][1]})"
        both(lambda e=expression: eval(e, mine), lambda e=expression: eval(e, yours), "float32", expression)


# ---------------------------------------------------------------- texts, shapes and small values

#: run in both worlds before the expressions
PRELUDE = """
class Sub(N): pass
class Own(N):
    def __init__(self, a): N.__init__(self, a, 1.0)
class Positive(D.Distribution):
    arg_constraints = {"a": C.positive}
    def __init__(self, a): self.a = a; super().__init__()
class Bare(D.Distribution):
    def __init__(self, a): self.a = a; super().__init__()
class Depends(D.Distribution):
    arg_constraints = {"a": C.dependent}
    def __init__(self, a): self.a = a; super().__init__()
class Map(R.Transform):
    def __init__(self, a): super().__init__(); self.a = a
class Plain(R.Transform): pass
class A1(N): pass
class A2(N): pass
D.register_kl(A1, N)(lambda p, q: "first")
D.register_kl(N, A2)(lambda p, q: "second")
b = D.Distribution(torch.Size([2]), torch.Size([3]), validate_args=False)
E = D.ExponentialFamily(validate_args=False)
TD, LR, M, Cat, Wi = D.TransformedDistribution, D.LowRankMultivariateNormal, D.MixtureSameFamily, D.Categorical, D.Wishart
t, sb, sm, cc = R.ExpTransform(), R.StickBreakingTransform(), R.SoftmaxTransform(), R.CorrCholeskyTransform()
rt = R.ReshapeTransform((2, 3), (6,))
def cached(c, x):
    y = c(x)
    return c.inv(y) is x, c(x) is y, c._cached_x_y[0] is x
def seeded(fn):
    torch.manual_seed(0)
    return fn()
def default_off(fn):
    D.Distribution.set_default_validate_args(False)
    try: return fn()
    finally: D.Distribution.set_default_validate_args(True)
"""

EXPRESSIONS = r"""
N(0.0, -1.0)
N(T([float("nan"), 1.0]), T([-1.0, 1.0]))
N("a", 1.0)
N(T(1), T(1))
N(1, 1)
N(T(1), 1.0)
N(True, 1.0)
N([1.0], 1.0)
N(T([1.0, 2.0]), T([1.0, 2.0, 3.0]))
N(0.0, 1.0).log_prob(1.0)
N(T([0.0, 1.0]), 1.0).log_prob(T([1.0, 2.0, 3.0]))
D.Exponential(1.0).log_prob(T(-1.0))
D.Dirichlet(T([1.0, 2.0])).log_prob(T([1.0, 2.0, 3.0]))
D.Dirichlet(T([1.0, 2.0])).log_prob(T(1.0))
D.Bernoulli(0.5).log_prob(T([0.5, 1.0]))
N(0.0, 1.0, validate_args=False).log_prob(2.0)
D.Gamma(1.0, 2.0).log_prob(1.5)
[c() for c in [D.Bernoulli]]
D.Categorical()
D.Geometric()
D.ContinuousBernoulli()
D.OneHotCategorical()
D.Multinomial()
D.Binomial()
D.NegativeBinomial(3)
D.RelaxedBernoulli(T(1.0))
D.RelaxedOneHotCategorical(T(1.0))
D.Bernoulli(T([0.5]), T([0.5]))
D.Categorical(T([0.5]), T([0.5]))
D.Geometric(T([0.5]), T([0.5]))
D.Binomial(1, T([0.5]), T([0.5]))
D.Multinomial(1, T([0.5]), T([0.5]))
D.Bernoulli(T([-0.5, 0.5]))
D.Bernoulli(logits=T([float("nan"), 0.5]))
D.Bernoulli(1), D.Bernoulli(logits=0.5), D.Bernoulli(T(0.5)), D.Bernoulli(T([1, 1]))
D.Categorical(T([-0.5, 0.5]))
D.Categorical(logits=T([float("nan"), 0.5]))
D.Categorical(T(0.5))
D.Categorical(logits=T(0.5))
D.Categorical(T([1, 1]))
D.Categorical(0.5)
D.Geometric(T([-0.5, 0.5]))
D.Geometric(T([0.0, 0.5]))
D.Geometric(T([0.0, 0.5]), validate_args=False)
D.Geometric(T([1.0, 0.5])).log_prob(T([0.0, 2.0]))
D.ContinuousBernoulli(T([-0.5, 0.5]))
D.ContinuousBernoulli(T(-1.0), validate_args=True)
D.ContinuousBernoulli(T(-1.0), validate_args=False)
D.ContinuousBernoulli(1)
D.ContinuousBernoulli(T([1, 1]))
D.OneHotCategorical(T([-1.0, 1.0]), validate_args=False)
D.Multinomial(T([1.0, 2.0]), probs=T([0.5, 0.5]))
D.Multinomial(3, probs=T([0.5, 0.5])).log_prob(T([1.0, 1.0]))
D.Multinomial(3, probs=T([0.5, 0.5])).log_prob(T([1.0, 3.0]))
D.Multinomial(-1, probs=T([0.5, 0.5]))
D.NegativeBinomial(3, T([-0.5, 0.5]))
D.NegativeBinomial(0, T([0.5, 0.5])).log_prob(T([0.0, 1.0]))
D.RelaxedBernoulli(T(1.0), T([-0.5, 0.5]))
D.RelaxedBernoulli(T(1.0), 0.5)
D.RelaxedOneHotCategorical(T(1.0), T([-0.5, 0.5]))
D.Uniform(1.0, 1.0)
D.Uniform(T([1.0, 2.0]), T([0.0, 3.0]))
D.Uniform(T([1.0, 2.0]), T([0.0, 3.0]), validate_args=False)
D.Uniform(0.0, 1.0).log_prob(T(1.0))
D.Uniform(0.0, 1.0).log_prob(T(1.5))
D.Uniform(0.0, T([1.0, 2.0])).arg_constraints
D.Dirichlet(T(1.0))
D.Dirichlet(1.0)
D.Dirichlet(T([-1.0, 1.0]))
D.MultivariateNormal(T(1.0), I2)
D.MultivariateNormal(T([1.0, 2.0]))
D.MultivariateNormal(T([1.0, 2.0]), I2, I2)
D.MultivariateNormal(T([1.0, 2.0]), T([1.0, 2.0]))
D.MultivariateNormal(T([1.0, 2.0]), precision_matrix=T([1.0, 2.0]))
D.MultivariateNormal(T([1.0, 2.0]), scale_tril=T([1.0, 2.0]))
D.MultivariateNormal(T([1.0, 2.0]), -I2)
D.MultivariateNormal(T([1.0, 2.0]), scale_tril=-I2)
D.MultivariateNormal(T([1.0, 2.0, 3.0]), I2)
D.MultivariateNormal(T([1.0, 2.0]), T([[1.0, 2.0], [0.0, 1.0]]))
LR(T(1.0), I2, T([1.0, 1.0]))
LR(T([1.0, 1.0]), T([1.0, 1.0]), T([1.0, 1.0]))
LR(T([1.0, 1.0]), torch.ones(3, 1), T([1.0, 1.0]))
LR(T([1.0, 1.0]), torch.ones(2, 1), T([1.0, 1.0, 1.0]))
LR(torch.ones(3, 2), torch.ones(2, 2, 1), T([1.0, 1.0]))
LR(T([1.0, 1.0]), torch.ones(2, 1), T([1.0, -1.0]))
Wi(T(3.0))
Wi(T(3.0), I2, I2)
Wi(T(3.0), T([1.0, 2.0]))
Wi(T(1.0), I2)
Wi(T(0.5), I2)
Wi(T(1.5), I2)
Wi(3, I2)
Wi(T([3.0, 4.0]), I2)
Wi(T(3.0), -I2)
Wi(T(3.0), I2).arg_constraints
seeded(lambda: Wi(T([3.0, 4.0]), I2).sample((2,)))
seeded(lambda: Wi(T([3.0, 4.0]), I2).rsample((2,), max_try_correction=0))
D.LKJCholesky(1)
D.LKJCholesky(2, -1.0)
D.LKJCholesky(3)
D.LKJCholesky(2).log_prob(I2 * 2)
D.Independent(N(0.0, 1.0), 1)
D.Independent(N(T([0.0]), 1.0), -1)
D.Independent(N(T([0.0]), 1.0), 1)
D.Independent(D.Bernoulli(T([0.5])), 1).enumerate_support()
D.Independent(D.Bernoulli(T([0.5])), 0).enumerate_support()
D.Independent(D.Bernoulli(T([0.5])), 1).rsample()
M(N(0.0, 1.0), N(0.0, 1.0))
M(Cat(T([0.5, 0.5])), 1)
M(Cat(T([0.5, 0.5])), N(T([1.0, 2.0, 3.0]), 1.0))
M(Cat(torch.ones(3, 2)), N(torch.ones(4, 2), 1.0))
M(Cat(T([0.5, 0.5])), N(T([1.0, 2.0]), 1.0))
M(Cat(T([0.5, 0.5])), N(1.0, 1.0))
M(Cat(torch.ones(1, 2)), N(torch.ones(3, 4, 2), 1.0)).mean
M(Cat(torch.ones(3, 1, 2)), N(torch.ones(5, 3, 4, 2), 1.0)).mean.shape
M(Cat(T([0.5, 0.5])), D.Independent(N(torch.zeros(2, 2), 1.0), 1)).cdf(T([0.0, 0.0]))
TD(N(0.0, 1.0), 1)
TD(N(0.0, 1.0), [1])
TD(N(0.0, 1.0), [sb])
TD(N(0.0, 1.0), [t]), TD(N(0.0, 1.0), t), TD(N(0.0, 1.0), [])
TD(N(T([0.0, 1.0]), 1.0), [sb]).event_shape
TD(N(0.0, 1.0), t).mean
TD(N(0.0, 1.0), t).entropy()
TD(D.Bernoulli(0.5), t).rsample()
TD(N(0.0, 1.0), []).support, TD(N(0.0, 1.0), [t]).support, TD(N(T([0.0, 1.0]), 1.0), [sb]).support
TD(D.Independent(N(T([0.0, 1.0]), 1.0), 1), [t]).support
TD(N(0.0, 1.0), [R.SoftplusTransform(), R.SigmoidTransform()]).log_prob(T(0.7))
TD(N(T([0.0]), 1.0), [R.AffineTransform(T([1.0, 2.0]), T([[1.0], [2.0]]))]).batch_shape
Own(0.0).expand((2,))
Sub(0.0, 1.0).expand((2,))
N(0.0, 1.0).expand(2)
N(0.0, 1.0).expand([2, 3])
N(T([0.0, 1.0]), 1.0).expand((3,))
D.Distribution()
D.Distribution(validate_args=False)
b.expand((2,))
b.arg_constraints
b.support
b.mean
b.mode
b.variance
b.stddev
b.batch_shape, b.event_shape, b._validate_args, b._extended_shape((4,)), b._extended_shape()
b.sample()
b.rsample()
b.sample_n(2)
b.log_prob(T(1.0))
b.cdf(T(1.0))
b.icdf(T(1.0))
b.enumerate_support()
b.entropy()
b.perplexity()
D.Distribution.set_default_validate_args(2)
default_off(lambda: N(0.0, -1.0))
Positive(T(2.0)), Positive(T([1.0, 2.0])), Depends(T(2.0))
Positive(T(-2.0))
Positive(T(1.0))._validate_sample(T(1.0))
Bare(T(2.0)).batch_shape
Depends(T(2.0)).mode
D.kl_divergence(N(0.0, 1.0), D.Poisson(1.0))
D.kl_divergence(D.VonMises(0.0, 1.0), N(0.0, 1.0))
D.register_kl(1, N)
D.kl_divergence(D.Independent(N(torch.zeros(2), 1.0), 1), D.Independent(N(torch.zeros(2), 1.0), 0))
D.kl_divergence(TD(N(0.0, 1.0), [t]), TD(N(0.0, 1.0), [R.SigmoidTransform()]))
D.kl_divergence(TD(N(0.0, 1.0), [t]), TD(N(T([0.0, 1.0]), 1.0), [R.ExpTransform()]))
D.kl_divergence(TD(D.Independent(N(T([1.0]), 1.0), 1), [t]), TD(N(T([0.0]), 1.0), [t]))
D.kl_divergence(D.Binomial(3, T(0.5)), D.Binomial(4, T(0.5)))
D.kl_divergence(D.Binomial(4, T(0.5)), D.Binomial(3, T(0.5)))
D.kl_divergence(D.MultivariateNormal(torch.zeros(2), I2), D.MultivariateNormal(torch.zeros(3), torch.eye(3)))
D.kl_divergence(LR(torch.zeros(2), I2, T([1.0, 1.0])), LR(torch.zeros(3), torch.eye(3), torch.ones(3)))
D.kl_divergence(D.MultivariateNormal(torch.zeros(2), I2), LR(torch.zeros(3), torch.eye(3), torch.ones(3)))
D.kl_divergence(LR(torch.zeros(2), I2, T([1.0, 1.0])), D.MultivariateNormal(torch.zeros(3), torch.eye(3)))
D.kl_divergence(D.Chi2(T(2.0)), D.Chi2(T(3.0)))
KL._kl_expfamily_expfamily(D.Gamma(T(2.0), T(1.0)), D.Gamma(T(3.0), T(2.0)))
KL._kl_expfamily_expfamily(D.Dirichlet(T([2.0, 3.0])), D.Dirichlet(T([1.0, 1.5])))
KL._kl_expfamily_expfamily(D.Bernoulli(T(0.3)), D.Bernoulli(T(0.4)))
KL._kl_expfamily_expfamily(N(T(0.3), 1.0), N(T(0.4), 1.0))
KL._kl_expfamily_expfamily(Wi(T(3.0), I2), Wi(T(4.0), I2 * 2))
D.kl_divergence(A1(0.0, 1.0), A2(0.0, 1.0)), D.kl_divergence(A1(0.0, 1.0), A1(0.0, 1.0))
D.Poisson(1.0).entropy()
E.entropy()
E._natural_params
E._log_normalizer()
E._mean_carrier_measure
D.ExponentialFamily.entropy(D.Gamma(T(2.0), T(3.0)))
D.ExponentialFamily.entropy(D.Dirichlet(T([2.0, 3.0])))
D.ExponentialFamily.entropy(D.ContinuousBernoulli(T([0.2, 0.5])))
D.biject_to.register(int, lambda c: c)
D.biject_to(C.dependent)
D.transform_to(C.boolean)
D.biject_to(C.lower_cholesky)
D.biject_to(1)
[D.biject_to(c) for c in (C.real, C.positive, C.nonnegative, C.less_than(3.0), C.unit_interval, C.interval(-1.0, 2.0))]
[D.biject_to(c) for c in (C.simplex, C.corr_cholesky, C.independent(C.positive, 1), C.stack([C.real, C.positive], -1))]
[D.transform_to(c) for c in (C.real_vector, C.simplex, C.lower_cholesky, C.positive_definite, C.cat([C.positive], -1))]
[p.scale for p in D.biject_to(C.less_than(3.0)).parts[1:]], D.biject_to(C.interval(-1.0, 2.0)).parts[1].scale
D.biject_to(C.stack([C.real, C.positive], -1))(T([0.5, 0.5]))
R.Transform(2)
R.Transform()._call(1)
R.Transform()._inverse(1)
R.Transform().log_abs_det_jacobian(1, 1)
R.Transform().sign
R.Transform().event_dim
R.Transform(), R.Transform().with_cache(1)
hash(t)
Map(1).with_cache(1)
Map(1).with_cache(0), Plain().with_cache(1)._cache_size
R.IndependentTransform(t, 1)(T(1.0))
R.IndependentTransform(t, 1).forward_shape(()), R.IndependentTransform(t, -1)
R.IndependentTransform(t, 1).log_abs_det_jacobian(T(1.0), T(1.0))
R.ReshapeTransform((2,), (3,))
rt.forward_shape((2,))
rt.forward_shape((4, 2, 2))
rt.inverse_shape(())
rt.inverse_shape((5,))
rt.forward_shape((4, 2, 3)), rt(torch.zeros(4, 2, 3)).shape, rt.inv(torch.zeros(4, 6)).shape
rt.log_abs_det_jacobian(torch.zeros(4, 2, 3), torch.zeros(4, 6)).shape
rt.event_dim
cc.forward_shape(())
cc.forward_shape((2,))
cc.inverse_shape((2,))
cc.inverse_shape((2, 3))
cc(T([1.0, 2.0]))
cc.forward_shape((5, 6)), cc.inverse_shape((5, 4, 4)), sb.forward_shape((3,)), sb.inverse_shape((3,))
sb.forward_shape(())
sb.inverse_shape(())
sm.forward_shape(())
R.AffineTransform(T([1.0, 2.0]), 1.0).forward_shape((3,))
R.AffineTransform(T([1.0, 2.0]), 1.0).forward_shape((3, 1)), R.PowerTransform(T([1.0, 2.0])).inverse_shape((3, 1))
R.CatTransform([1])
R.CatTransform([t], lengths=[1, 2])
R.CatTransform([t, t])(torch.zeros(3))
R.CatTransform([t, t], dim=1)(torch.zeros(2))
R.CatTransform([sb, t]).event_dim, R.CatTransform([sb, t], dim=-1, lengths=[2, 1]).length
R.StackTransform([1])
R.StackTransform([t, t], dim=0)(torch.zeros(3))
R.ComposeTransform([t.with_cache(), t]).with_cache(1), R.ComposeTransform([t], cache_size=1).parts[0]._cache_size
R.ComposeTransform([rt, t]).domain, R.ComposeTransform([rt, t, rt.inv]).codomain, R.ComposeTransform([t, rt]).domain
R.ComposeTransform([R.SigmoidTransform(), R.AffineTransform(1.0, 2.0)]).inv(T(1.5))
R.ComposeTransform([t, R.AffineTransform(T([1.0]), T([-2.0]))]).sign, R.ComposeTransform([t, R.AbsTransform()]).bijective
R.ComposeTransform([t, sb]).inv.inv, R.ComposeTransform([t, sb]).inv, R.identity_transform, R.ComposeTransform([1])
[R.AffineTransform(1.0, 2.0) == x for x in (R.AffineTransform(1.0, 2.0), R.AffineTransform(T(1.0), T(2.0)), t, 1)]
R.PowerTransform(T(2.0)) == R.PowerTransform(T([2.0, 2.0])), t == R.ExpTransform(), t != R.ExpTransform(), t == 1
R.ComposeTransform([t]) == R.ComposeTransform([R.ExpTransform()]), t.inv == R.ExpTransform().inv, sb == sm
R.IndependentTransform(t, 1) == R.IndependentTransform(t, 1), R.CatTransform([t]) == R.CatTransform([t])
R.CumulativeDistributionTransform(N(0.0, 1.0)).inv(T(0.3)), R.CumulativeDistributionTransform(N(0.0, 1.0)).with_cache(1)
t.inv.log_abs_det_jacobian(T(1.0), T(2.0)), t.inv.domain, t.inv.codomain, t.inv.bijective, t.inv.sign, t.inv.event_dim
sb.inv.forward_shape((3,)), sb.inv.inverse_shape((3,)), t.inv.with_cache(1), t.inv.with_cache(1).inv._cache_size
cached(R.ExpTransform(cache_size=1), T(1.0))
__import__("pickle").loads(__import__("pickle").dumps(t)) == t
C.cat([1])
C.cat([C.real], lengths=[1, 2])
C.stack([1])
C.independent(1, 1)
C.MixtureSameFamilyConstraint(1)
C.independent(C.real, 1).check(T(1.0))
C.Constraint().check(1)
repr(C.Constraint()), C.dependent, C.dependent(event_dim=1).event_dim
C.dependent.event_dim
C.dependent.is_discrete
C.dependent.check(1)
C.cat([C.real, C.simplex], 0).event_dim, C.stack([C.real, C.boolean], 0).is_discrete, C.stack([C.real], -1).event_dim
C.cat([C.real], 0).check(torch.zeros(3, 3)), C.stack([C.real, C.real], 0).check(torch.zeros(3, 3))
C.cat([C.real], 1).check(torch.zeros(3))
C.MixtureSameFamilyConstraint(C.real_vector).check(T(1.0))
C.is_dependent(C.real), C.is_dependent(C.dependent), C.is_dependent(D.Uniform.support), D.Uniform.support.event_dim
[(d.support.event_dim, d.support.is_discrete) for d in (D.Binomial, D.Multinomial, D.Pareto, D.Categorical, D.Uniform)]
D.Independent.support.event_dim
C.positive_definite.check(torch.zeros(2, 3)), C.square.check(torch.zeros(4, 2, 2)), C.symmetric.check(torch.zeros(4, 2, 3))
C.positive_semidefinite.check(torch.ones(2, 2)), C.positive_definite.check(I2), C.corr_cholesky.check(I2)
C.lower_cholesky.check(-I2), C.lower_triangular.check(torch.ones(3, 2, 2)), C.lower_triangular
[C.boolean, C.one_hot, C.nonnegative_integer, C.integer_interval(0, 4), C._IntegerLessThan(3), C.multinomial(4)]
[C.half_open_interval(0, 2), C.greater_than_eq(2), C.simplex, C.cat([C.real]), C.MixtureSameFamilyConstraint(C.real)]
[c.check(T([0.0, 0.5, 1.0, 2.0])) for c in (C.boolean, C.integer_interval(0, 1), C.positive_integer, C.unit_interval)]
[c.check(T([0.0, 0.5, 1.0, 2.0])) for c in (C.half_open_interval(0, 2), C.less_than(1.0), C.simplex, C.one_hot)]
U.broadcast_all(1, T([1.0, 2.0]), True)
U.broadcast_all(1, T([1, 2])), U.broadcast_all(1, 2)
U.broadcast_all("a")
U.logits_to_probs(T([1.0, 2.0])), U.logits_to_probs(T([1.0, 2.0]), True), U.probs_to_logits(T([0.3, 0.7]))
U.probs_to_logits(T([0.3, 1.0]), True), U.clamp_probs(T([0.0, 0.5, 1.0], dtype=torch.float64))
[U.tril_matrix_to_vec(torch.arange(9.0).reshape(3, 3), k) for k in (-3, -2, -1, 0, 1, 2)]
U.tril_matrix_to_vec(torch.zeros(3, 3), 5)
U.vec_to_tril_matrix(T([1.0, 2.0, 3.0])), U.vec_to_tril_matrix(T([1.0, 2.0, 3.0]), -1)
U.vec_to_tril_matrix(torch.arange(8.0), 1), U.vec_to_tril_matrix(torch.ones(2, 6), 0).shape
U.vec_to_tril_matrix(T([1.0, 2.0, 3.0]), -2)
U.vec_to_tril_matrix(T([1.0, 2.0]))
U._sum_rightmost(torch.ones(2, 3), 1), U._sum_rightmost(torch.ones(2, 3), 0).shape
isinstance(D.Bernoulli.probs, property), type(D.Bernoulli.__dict__.get("probs") or U.lazy_property(len)).__name__
Cat(T([[0.5, 0.5]])).enumerate_support().shape, Cat(T([0.5, 0.5])).mean
Cat(T([0.5, 0.5])).log_prob(T(2))
Cat(T([0.5, 0.5])).log_prob(T(1.5))
D.OneHotCategorical(T([0.5, 0.5])).log_prob(T([0.5, 0.5]))
D.Binomial(T([2.0, 3.0]), T(0.5)).enumerate_support()
D.Binomial(T([2.0, 3.0]), T(0.5)).entropy()
D.Binomial(2, T(0.5)).entropy()
D.VonMises(0.0, 1.0), D.Weibull(1.0, 2.0), D.Pareto(1.0, 2.0), D.StudentT(1.0), D.FisherSnedecor(1.0, 2.0)
D.VonMises(T(0.0), 0.0)
D.Gumbel(1.0, 2.0), D.Kumaraswamy(1.0, 2.0), D.HalfNormal(1.0), D.InverseGamma(1.0, 2.0), D.LogNormal(0.0, 1.0)
D.GeneralizedPareto(1.0, 2.0, 0.1), D.LogisticNormal(0.0, 1.0).event_shape, D.GeneralizedPareto(0.0, 1.0, -0.5).support
D.Poisson(T([0.0, -1.0]))
D.Beta(-1.0, 2.0)
D.Beta(1.0, T([2.0, 3.0])), D.Beta(1, 2).concentration1, D.Beta(-1.0, 1.0, validate_args=False)
D.Dirichlet(T([[0.5, 0.7], [2.0, 3.0]])).mode
D.StudentT(T([1.0, 2.0, 3.0])).variance
D.HalfNormal(-1.0)
D.HalfCauchy(-1.0)
D.LogNormal(0.0, -1.0)
D.Gumbel(0.0, -1.0)
D.Weibull(-1.0, 1.0)
D.Weibull(1.0, -1.0)
D.Pareto(-1.0, 1.0)
D.Pareto(1.0, -1.0)
D.InverseGamma(-1.0, 1.0)
D.Kumaraswamy(-1.0, 1.0)
D.StudentT(-1.0)
D.StudentT(1.0, 0.0, -1.0)
D.FisherSnedecor(-1.0, 1.0)
D.Chi2(-1.0)
D.LogisticNormal(T([0.0]), T([-1.0]))
[seeded(lambda: N(T([0.0, 1.0]), 1.0).sample_n(2))]
N(T([0.0, 1.0]), 1.0).sample(3)
N(T([0.0, 1.0]), 1.0).sample([3]).shape, N(T([0.0, 1.0]), 1.0).rsample(torch.Size([2, 1])).shape
[d.cdf(T(0.3)) for d in (D.Gumbel(0.1, 2.0), D.HalfCauchy(1.0), D.Kumaraswamy(2.0, 3.0), D.Weibull(1.0, 2.0))]
[d.icdf(T(0.3)) for d in (D.Gumbel(0.1, 2.0), D.HalfCauchy(1.0), D.Kumaraswamy(2.0, 3.0), D.Weibull(1.0, 2.0))]
D.Exponential(1.0).cdf(T(-1.0))
D.Uniform(0.0, 1.0).cdf(T(1.5))
D.Weibull(1.0, 2.0).cdf(T(float("nan")))
D.HalfNormal(1.0).cdf(T(-1.0))
D.RelaxedBernoulli(T(1.0), T(0.3)).cdf(T(0.5))
D.InverseGamma(1.0, 1.0).icdf(T(0.5))
""".strip().splitlines()


def shown(names: dict[str, Any], expression: str) -> str:
    """The repr of a value, or the error; and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "(divide by zero|invalid value) encountered", RuntimeWarning)
        kind, value = attempt(lambda: repr(eval(expression, names)))
    text = value if kind == "value" else f"{kind}: {value}"
    said = [(w.category.__name__, str(w.message)) for w in caught]
    return (text + (f" {said}" if said else "")).replace("wengert.", "torch.").replace("test_distributions.", "")


@oracle
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_shown(expression: str) -> None:
    texts = []
    for module in (wengert, torch):
        names = world(module) | {"__name__": "__main__"}
        exec(PRELUDE, names)
        texts.append(shown(names, expression))
    assert texts[0] == texts[1]


TRANSFORMS = [
    "R.AbsTransform()", "R.AffineTransform(1.0, -2.0)", "R.AffineTransform(T([1.0, 2.0]), T([2.0, 3.0]), event_dim=1)",
    "R.ExpTransform()", "R.PowerTransform(T([2.0, -1.5]))", "R.SigmoidTransform()", "R.TanhTransform()",
    "R.SoftplusTransform()", "R.SoftmaxTransform()", "R.StickBreakingTransform()", "R.CorrCholeskyTransform()",
    "R.IndependentTransform(R.ExpTransform(), 1)", "R.ReshapeTransform((2,), (2, 1))", "R.LowerCholeskyTransform()",
    "R.PositiveDefiniteTransform()", "R.CatTransform([R.ExpTransform(), R.AffineTransform(1.0, 2.0)], -1)",
    "R.StackTransform([R.ExpTransform(), R.AffineTransform(1.0, 2.0)], -1)",
    "R.CatTransform([R.StickBreakingTransform(), R.IndependentTransform(R.ExpTransform(), 1)], 0, [2, 1])",
    "R.ComposeTransform([R.AffineTransform(1.0, 2.0), R.StickBreakingTransform(), R.AffineTransform(1.0, 2.0)])",
    "R.CumulativeDistributionTransform(N(T([0.1, -0.2]), 1.0))",
]  # fmt: skip


@oracle
@pytest.mark.parametrize("call", TRANSFORMS)
def test_transforms(call: str) -> None:
    """The map, its inverse, the volume change, and the gradients of these."""
    shape = (3, 2, 2) if "Cholesky" in call or "Definite" in call else (3, 2)
    shape = (4, 6) if "Corr" in call else shape
    if "StickBreakingTransform(), R.Ind" in call:
        shape = (3, 2)
    values = np.random.default_rng(0).uniform(0.2, 0.9, shape)
    results = []
    for module in (wengert, torch):
        t = eval(call, world(module))
        x = module.tensor(values, requires_grad=True)
        found = []
        for ask in (lambda: t(x), lambda: t.inv(t(x).detach()), lambda: t.log_abs_det_jacobian(x, t(x)),
                    lambda: t.domain.check(x), lambda: t.codomain.check(t(x)), lambda: t.sign):  # fmt: skip
            kind, y = attempt(ask)
            found.append((kind, numbers(y)))
            if kind == "value" and getattr(y, "requires_grad", False):
                found.append(("gradient", numbers(module.autograd.grad((y * y.detach().cos()).sum(), x)[0])))
        results.append(found)
    for (kind, a), (kind_t, b) in zip(*results, strict=True):
        assert kind == kind_t
        if isinstance(b, str):
            assert a == b
        else:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@oracle
@pytest.mark.parametrize("body", [
    "N(x, 1.0).log_prob(x)", "N(x, 1.0, validate_args=False).sample()", "D.Gamma(x, 1.0).log_prob(x)",
    "D.Bernoulli(x).log_prob(T(1.0))", "D.Categorical(T([0.5, 0.7]) * x).log_prob(T(1))", "D.Bernoulli(x).sample()",
    "D.MultivariateNormal(torch.ones(2) * x, I2).log_prob(torch.ones(2))", "D.LogNormal(x, 1.0).log_prob(T(1.0))",
    "D.kl_divergence(N(x, 1.0), N(0.0, 1.0))", "D.Uniform(x - 1, 1.0).rsample((2,))", "D.Poisson(x).log_prob(T(2.0))",
    "D.Beta(x, x).entropy()", "D.StudentT(x).log_prob(x)", "D.Categorical(T([0.5, 0.5]) * x).sample((3,))",
])  # fmt: skip
def test_vmap(body: str) -> None:
    found = []
    for module in (wengert, torch):
        names = world(module)
        module.manual_seed(3)
        x = module.tensor([0.2, 0.4, 0.9])
        found.append(numbers(module.func.vmap(eval(f"lambda x: {body}", names), randomness="different")(x)))
    np.testing.assert_allclose(*found, rtol=1e-5)


# ---------------------------------------------------------------- without PyTorch


def close(x: Any, expected: Any, tolerance: float = 1e-4) -> None:
    np.testing.assert_allclose(x.detach().numpy(), expected, rtol=tolerance, atol=tolerance)


def test_names() -> None:
    assert set(WD.__all__) <= set(dir(WD))
    assert wengert.distributions is WD


#: the first numbers of sample((2,)) with seed 0, as PyTorch draws them
RECORDED = {
    "beta": [0.00124833, 0.746027, 0.447423, 0.782425],
    "binomial": [2.0, 3.0, 1.0, 2.0],
    "categorical": [2.0, 0.0, 2.0, 2.0],
    "cauchy": [11.0977, 0.911918, 0.371701, 8.83268],
    "dirichlet": [0.000398476, 0.318808, 0.680794, 0.0352485],
    "exponential": [7.01665, 0.615192, 1.23009, 1.26756],
    "gamma": [0.000526239, 2.82177, 0.0482373, 7.88121],
    "geometric": [3.0, 0.0, 10.0, 0.0],
    "gumbel": [0.855729, 2.33258, -0.385835, -2.76358],
    "laplace": [0.492485, 0.922068, -1.23186, -4.32894],
    "lkj": [1.0, 0.0, 0.0, -0.191323],
    "log normal": [7.69827, 0.317679, 0.1866, 0.488809],
    "multinomial": [1.0, 2.0, 1.0, 4.0],
    "negative binomial": [2.0, 4.0, 0.0, 1.0],
    "normal": [2.041, -1.73357, 1.78212, 1.06843],
    "normal of vectors": [2.041, -0.943228, -1.87879, 0.331951],
    "one hot": [0.0, 0.0, 1.0, 1.0],
    "poisson": [2.0, 18.0, 1.0, 10.0],
    "relaxed one hot": [0.0615037, 0.919868, 0.0186281, 0.232765],
    "student": [1.86816, 0.892023, -7.94529, 0.456269],
    "uniform": [0.748128, 1.68878, 0.544239, -0.537893],
    "von mises": [-2.44842, -0.292529, -1.2422, -2.13745],
    "weibull": [1.75416, 1.6297, 0.307522, 2.17616],
    "wishart by factor": [1.63716, -0.258194, -0.258194, 1.45158],
}


@pytest.mark.filterwarnings("ignore:Singular sample detected")
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_samples(name: str) -> None:
    d, _ = build(wengert, name, "float32")
    wengert.manual_seed(0)
    close(d.sample((2,)).flatten()[:4].float(), RECORDED[name], 1e-5)


def test_recorded_densities() -> None:
    x = wengert.tensor(0.3)
    close(WD.Normal(0.0, 1.0).log_prob(x), -0.9639385)
    close(WD.Gamma(2.0, 3.0).log_prob(x), 0.0932518)
    close(WD.Beta(2.0, 3.0).entropy(), -0.2349066)
    close(WD.kl_divergence(WD.Normal(0.0, 1.0), WD.Normal(1.0, 2.0)), math.log(2.0) + 2 / 8 - 0.5)
    close(WD.MultivariateNormal(wengert.zeros(2), wengert.tensor(I2)).log_prob(wengert.ones(2)), -2.7897)


def test_log_prob_integrates_to_one() -> None:
    x = wengert.linspace(-30.0, 30.0, 60001, dtype=wengert.float64)
    for d in (WD.Normal(0.3, 1.2), WD.Laplace(0.1, 0.7), WD.Gumbel(0.0, 1.0), WD.StudentT(5.0)):
        assert abs(float(wengert.trapezoid(d.log_prob(x).exp(), x)) - 1) < 1e-4


def test_cdf_inverts_icdf() -> None:
    u = wengert.linspace(0.05, 0.95, 7, dtype=wengert.float64)
    a = wengert.tensor(0.7, dtype=wengert.float64)
    for d in (
        WD.Normal(a, 1.2), WD.Cauchy(a, 1.0), WD.Laplace(a, 1.0), WD.Exponential(a), WD.Gumbel(a, 2.0), WD.Uniform(-a, a),
        WD.HalfNormal(a), WD.HalfCauchy(a), WD.LogNormal(a, 1.0), WD.Weibull(a, 2.0), WD.Pareto(a, 2.0),
        WD.Kumaraswamy(a, 2.0), WD.ContinuousBernoulli(a), WD.GeneralizedPareto(a, a, 0.3), WD.GeneralizedPareto(a, a, 0.0),
    ):  # fmt: skip
        close(d.cdf(d.icdf(u)), u.numpy(), 1e-6)


def test_reparametrised_gradient() -> None:
    """E[x**2] under Normal(loc, scale) grows by 2 loc and 2 scale."""
    loc = wengert.tensor(0.5, requires_grad=True)
    scale = wengert.tensor(1.5, requires_grad=True)
    wengert.manual_seed(0)
    x = WD.Normal(loc, scale).rsample((20000,))
    grads = wengert.autograd.grad((x**2).mean(), (loc, scale))
    assert abs(float(grads[0]) - 1.0) < 0.1 and abs(float(grads[1]) - 3.0) < 0.1


def test_bijections_reach_the_constraint() -> None:
    C = WD.constraints
    wengert.manual_seed(0)
    x = wengert.randn(5, 6)
    for c in (C.real, C.positive, C.greater_than(2.0), C.less_than(-1.0), C.unit_interval, C.interval(-2.0, 3.0),
              C.simplex, C.corr_cholesky, C.independent(C.positive, 1)):  # fmt: skip
        t = WD.biject_to(c)
        y = t(x)
        assert bool(c.check(y).all()), c
        close(t.inv(y), x.numpy(), 1e-2)


@pytest.mark.filterwarnings("ignore:Singular sample detected")
def test_corrected_wishart_samples_have_a_gradient() -> None:
    root = wengert.eye(2, requires_grad=True)
    wengert.manual_seed(0)
    WD.Wishart(3.0, scale_tril=root).rsample((4,)).sum().backward()
    assert bool(root.grad.isfinite().all()) and float(root.grad.abs().sum()) > 0


def test_lazy_property_is_kept() -> None:
    d = WD.Bernoulli(wengert.tensor([0.3], requires_grad=True))
    with wengert.no_grad():
        logits = d.logits
    assert d.logits is logits and logits.requires_grad
    assert repr(d) == "Bernoulli(probs: tensor([0.3000], requires_grad=True), logits: " + f"{logits})"


def test_expand_keeps_the_choice_about_checks() -> None:
    assert WD.Normal(0.0, 1.0, validate_args=False).expand((2,))._validate_args is False
    with pytest.raises(ValueError, match="Expected parameter scale"):
        WD.Normal(0.0, -1.0)


