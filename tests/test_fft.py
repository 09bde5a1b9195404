"""torch.fft, stft, istft and windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from sample_checks import against_torch, batched, derivatives
from wengert import fft
from wengert.core.samples import SAMPLES
from wengert.signal import windows

pytestmark = pytest.mark.filterwarnings(
    "ignore:A window was not provided", "ignore:stft with return_complex", "ignore:The length of signal is shorter"
)
NAMES = [n for n in SAMPLES if n.startswith("fft.")] + ["stft"]
WINDOWS = [n for n in SAMPLES if n.endswith("_window")]


def kinds(name: str) -> tuple[bool, ...]:
    return (False, True) if SAMPLES[name].flags.get("complex", True) else (False,)


@pytest.mark.parametrize("name", NAMES)
def test_against_torch(name: str) -> None:
    pytest.importorskip("torch")
    for is_complex in kinds(name):
        against_torch(name, is_complex, gradients=SAMPLES[name].flags.get("differentiable", True))
        against_torch(name, is_complex, dtype="float32", tol=1e-4, gradients=False)


@pytest.mark.parametrize("name", [n for n in NAMES if SAMPLES[n].flags.get("differentiable", True)])
def test_derivatives(name: str) -> None:
    for is_complex in kinds(name):
        derivatives(name, is_complex)


@pytest.mark.parametrize("name", NAMES)
def test_vmap_is_a_loop(name: str) -> None:
    batched(name)


@pytest.mark.parametrize("name", WINDOWS)
def test_windows_of_torch(name: str) -> None:
    pytest.importorskip("torch")
    against_torch(name, False, tol=1e-6, gradients=False)


def test_precision_and_node_names() -> None:
    x = wengert.randn(6, requires_grad=True)
    assert fft.fft(x).dtype is wengert.complex64
    assert fft.fft(x).grad_fn.name() == "FftR2CBackward0"
    assert fft.ifft(x).grad_fn.name() == "ConjBackward0"
    assert fft.irfft(x).grad_fn.name() == "FftC2RBackward0"
    assert fft.fftn(x).grad_fn.name() == "FftC2CBackward0"
    assert fft.rfft(wengert.arange(4)).dtype is wengert.complex64


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fft.rfft(wengert.ones(4) * 1j), "rfft expects a real input tensor, but got ComplexFloat"),
        (lambda: fft.fft(wengert.ones(4), 0), "Invalid number of data points (0) specified"),
        (lambda: fft.fft(wengert.ones(4), norm="x"), 'Invalid normalization mode: "x"'),
        (lambda: fft.fftn(wengert.ones(4, 4), dim=(0, 0)), "FFT dims must be unique"),
        (lambda: fft.fft(wengert.ones(4).half()), "Unsupported dtype Half"),
        (lambda: fft.rfftn(wengert.ones(4), dim=()), "rfftn must transform at least one axis"),
        (
            lambda: wengert.stft(wengert.ones(50), 16),
            "stft requires the return_complex parameter be given for real inputs, and will further require that "
            "return_complex=True in a future PyTorch release.",
        ),
        (
            lambda: wengert.stft(wengert.ones(2, 50), 60, return_complex=True, center=False),
            "stft(torch.FloatTensor[2, 50], n_fft=60, hop_length=15, win_length=60, window=None, normalized=0, "
            "onesided=None, return_complex=1, align_to_window=None) : expected 0 < n_fft < 50, but got n_fft=60",
        ),
        (lambda: wengert.hann_window(-1), "hann_window requires non-negative window_length, got window_length=-1"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value).split("\n")[0] == message


def test_istft_inverts_stft() -> None:
    rng = np.random.default_rng(0)
    x = wengert.tensor(rng.normal(size=(2, 48)))
    w = wengert.hann_window(16, dtype=wengert.float64)
    for more in ({}, {"normalized": True}, {"onesided": False}, {"hop_length": 5}):
        s = wengert.stft(x, 16, window=w, return_complex=True, **more)
        y = wengert.istft(s, 16, window=w, **more)
        np.testing.assert_allclose(y.numpy(), x[:, : y.shape[1]].numpy(), atol=1e-10)


@pytest.mark.parametrize(
    "more",
    [{}, {"length": 45}, {"length": 60}, {"normalized": True}, {"hop_length": 5}, {"onesided": False},
     {"onesided": False, "return_complex": True}],
)  # fmt: skip
def test_istft_against_torch(more: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    signal = np.random.default_rng(0).normal(size=(2, 50))
    window = np.hanning(18)[1:-1]
    there = {k: v for k, v in more.items() if k not in ("length", "return_complex")}
    results = []
    for m in (torch, wengert):
        x, w = m.tensor(signal, requires_grad=True), m.tensor(window, requires_grad=True)
        s = m.stft(x, 16, window=w, return_complex=True, **there)
        y = m.istft(s * 1.5, 16, window=w, **more)
        (y.abs() * m.arange(y.shape[-1])).sum().backward()
        results.append((s.detach().numpy(), y.detach().numpy(), x.grad.numpy(), w.grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(a, b, 1e-8, 1e-8)


@pytest.mark.parametrize("name", windows.__all__)
def test_signal_windows(name: str) -> None:
    torch = pytest.importorskip("torch")
    more = {"a": [0.3, 0.5, 0.2]} if name == "general_cosine" else {}
    for m in (0, 1, 2, 5, 8):
        for sym in (True, False):
            ours = getattr(windows, name)(m, sym=sym, **more).numpy()
            theirs = getattr(torch.signal.windows, name)(m, sym=sym, **more).numpy()
            np.testing.assert_allclose(ours, theirs, 2e-4, 2e-6)


def test_signal_window_errors() -> None:
    with pytest.raises(ValueError, match="Standard deviation must be positive, got: -1 instead."):
        windows.gaussian(4, std=-1)
    with pytest.raises(ValueError, match="general_cosine expects float32 or float64 dtypes, got: torch.int64"):
        windows.hann(4, dtype=wengert.int64)


def test_warnings() -> None:
    wengert.set_warn_always(True)
    try:
        with pytest.warns(UserWarning, match="A window was not provided"):
            wengert.stft(wengert.ones(50), 16, return_complex=True)
        s = wengert.stft(wengert.ones(50), 16, window=wengert.hann_window(16), return_complex=True)
        with pytest.warns(UserWarning, match="The length of signal is shorter than the length parameter"):
            wengert.istft(s, 16, window=wengert.hann_window(16), length=80)
    finally:
        wengert.set_warn_always(False)
