"""The JAX kernels give what the NumPy kernels give: see `kernel_compare`."""
from __future__ import annotations

from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

import wengert  # noqa: E402
from kernel_compare import complaints_of, kernel_names, ours, watching  # noqa: E402
from wengert.core.generator import stream_of  # noqa: E402
from wengert.core.samples import SAMPLES  # noqa: E402
from wengert.kernels import jax as kernels  # noqa: E402

pytestmark = pytest.mark.usefixtures("wide_types")


def check(name: str, kinds: tuple[str, ...], special: bool = False) -> None:
    complaints = complaints_of(name, kinds, special)
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples(name: str) -> None:
    check(name, ("float64",))


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_samples_of_other_dtypes(name: str) -> None:
    check(name, ("float32", "complex128", "int64", "uint8", "bool"))


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_special_numbers(name: str) -> None:
    """nan, infinities, zeros and ones."""
    check(name, ("float64",), special=True)


def test_every_kernel_is_there() -> None:
    assert [n for n in kernel_names() if not hasattr(kernels, n)] == []


def test_missing_kernel_is_named() -> None:
    with pytest.raises(NotImplementedError, match="compile has no kernel for nonsense"):
        kernels.nonsense  # noqa: B018
    assert not hasattr(kernels, "nonsense")


# ---------------------------------------------------------------- what no sample reaches

_P = np.array([[0.2, 0.5, 0.9], [0.4, 0.3, 0.3]])
_DRAWS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bernoulli": ((_P,), {}),
    "bernoulli_p": ((_P,), {"p": 0.3}),
    "bernoulli_as": ((_P,), {"dtype": wengert.int64}),
    "normal_mean": ((_P,), {"std": 2.0}),
    "normal_std": ((_P,), {"mean": 1.0}),
    "normal_both": ((_P, _P[0]), {}),
    "multinomial": ((_P,), {"count": 2, "replacement": False}),
    "poisson": ((9 * _P,), {}),
    "binomial": ((np.full((2, 3), 9.0), _P), {}),
    "standard_gamma": ((_P,), {}),
    "_sample_dirichlet": ((_P,), {}),
}


@pytest.mark.parametrize("name", sorted(_DRAWS))
def test_draws(name: str) -> None:
    """A compiled program draws what the uncompiled one draws, in its order, and other numbers each time."""
    arrays, params = _DRAWS[name]
    params = {**params, "generator": None}

    def twice(xp: Any, *xs: Any) -> list[Any]:
        return [getattr(xp, name)(*xs, **params) for _ in range(2)]

    program = jax.jit(lambda *xs: twice(kernels, *xs))
    wengert.manual_seed(3)
    want = [*twice(ours, *arrays), *twice(ours, *arrays)]
    wengert.manual_seed(3)
    got = [*program(*arrays), *program(*arrays)]
    for a, b in zip(got, want, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert name in kernels.ON_HOST


def test_noise_of_rrelu() -> None:
    params = {"lower": 0.1, "upper": 0.3, "stream": stream_of(None)}
    x = _P - 0.4
    wengert.manual_seed(3)
    want = ours.rrelu_noise(x, **params)  # type: ignore[attr-defined]
    wengert.manual_seed(3)
    np.testing.assert_array_equal(jax.jit(lambda x: kernels.rrelu_noise(x, **params))(x), want)


_KINDS = ("bool", "uint8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64", "complex64", "complex128")


@pytest.mark.parametrize("have", _KINDS)
def test_bytes_as_another_type(have: str) -> None:
    a = getattr(wengert, have).np
    for name in _KINDS:
        b = getattr(wengert, name).np
        high = 2 if "b" in (a.kind, b.kind) else 200
        x = np.random.default_rng(0).integers(0, high, (2, 16 * a.itemsize)).astype(np.uint8).view(a)
        want = ours.view_dtype(x, dtype=b)
        got = np.asarray(jax.jit(lambda x, b=b: kernels.view_dtype(x, dtype=b))(jnp.asarray(x)))
        assert (got.dtype, got.shape, got.tobytes()) == (want.dtype, want.shape, want.tobytes()), name


def test_shapes_that_depend_on_values_are_refused() -> None:
    x = jnp.arange(3)
    for name, args in (("bincount", {"weights": None, "minlength": 0}), ("unique2", {"dim": None})):
        with pytest.raises(kernels.DataDependent, match=f"what {name} gives depends on values") as caught:
            getattr(kernels, name)(x, **args)
        assert caught.value.name == name


def test_on_host() -> None:
    """SciPy in the middle of a compiled program."""
    x = np.linspace(0.1, 3, 5)
    program = jax.jit(lambda x: kernels.special_bessel_y0(x * 2) + 1)
    np.testing.assert_allclose(program(x), ours.special_bessel_y0(x * 2) + 1, 1e-14)  # type: ignore[attr-defined]
    assert "special_bessel_y0" in kernels.ON_HOST


def test_long_recurrence() -> None:
    """Few long rows go by doubling, many short ones one by one."""
    rng = np.random.default_rng(1)
    for shape in ((200,), (3, 300), (70, 100)):
        a, b = rng.uniform(-1, 1, (2, *shape))
        last = len(shape) - 1
        for reverse in (False, True):
            want = ours.recur(a, b, dim=last, reverse=reverse)  # type: ignore[attr-defined]
            got = jax.jit(lambda a, b, n=last, r=reverse: kernels.recur(a, b, dim=n, reverse=r))(a, b)
            np.testing.assert_allclose(got, want, 1e-12, 1e-12)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "tanh", "relu"])
def test_recurrent_layers(kind: str) -> None:
    """Padded and packed batches, both directions, forwards and backwards."""
    complaints: list[str] = []
    cell, more = (wengert.nn.RNN, {"nonlinearity": kind}) if kind.islower() else (getattr(wengert.nn, kind), {})
    whole = wengert.randn(4, 2, 3, dtype=wengert.float64, requires_grad=True)
    steps = wengert.randn(4, 3, 3, dtype=wengert.float64, requires_grad=True)
    packed = wengert.nn.utils.rnn.pack_padded_sequence(steps, [4, 3, 2])
    with watching(complaints):
        for x, both in ((whole, False), (packed, True)):
            net = cell(3, 4, bias=not both, bidirectional=both, **more).double()
            out, last = net(x)
            out = out if x is whole else out.data
            last = last[0] + last[1].sin() if kind == "LSTM" else last
            if both:
                (out.sin().sum() + last.sin().sum()).backward()
            else:
                out.sin().sum().backward(retain_graph=True)
                last.sin().sum().backward()
    assert not complaints, "\n".join(complaints)
