"""Short-time Fourier transforms and the windows they use."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.dispatch import dispatch
from ..core.dtypes import get_default_dtype
from ..core.errors import warn, warn_once
from ..core.levels import unwrap_all
from ..core.primitive import TABLE, ops
from ..core.samples import Case, T, samples
from ..core.tensor import Tensor
from .fft import BY_N, BY_ROOT, NONE, _c2c, _c2r, _r2c, resized
from .install import FUNCTIONS, public
from .lines import tensor_type

# ---------------------------------------------------------------- short-time Fourier transform


def _described(x: Tensor, brackets: str = "[]") -> str:
    """A tensor as PyTorch names it in these errors: torch.DoubleTensor[2, 50]."""
    sizes = "[" + ", ".join(map(str, x.shape)) + "]"
    return tensor_type(x.dtype) + (sizes if brackets == "[]" else "{" + sizes + "}")


def _optional(value: Any) -> str:
    return "None" if value is None else str(int(value))


def _padded_window(window: Tensor | None, win_length: int, n_fft: int, like: Tensor) -> Tensor | None:
    """The window in the middle of n_fft zeros; None for one of ones that fills them."""
    if window is None:
        if win_length == n_fft:
            return None
        kind = like.dtype.to_real() if like.dtype.is_complex else like.dtype
        window = ops.ones((win_length,), dtype=kind)
    if win_length == n_fft:
        return window
    left = (n_fft - win_length) // 2
    parts = [
        ops.zeros((left,), dtype=window.dtype),
        window,
        ops.zeros((n_fft - win_length - left,), dtype=window.dtype),
    ]
    return FUNCTIONS["cat"](parts)


def _extended(x: Tensor, pad: int, mode: str) -> Tensor:
    """`pad` values more at both ends of the last dimension."""
    lead = tuple(x.shape[:-1])
    lifted = ops.reshape(x, (1,) * (3 - x.ndim) + tuple(x.shape)) if x.ndim < 3 else x
    y = FUNCTIONS["nn.functional.pad"](lifted, (pad, pad), mode)
    return y if x.ndim >= 3 else ops.reshape(y, (*lead, y.shape[-1]))  # type: ignore[no-any-return]


_turned_inplace = TABLE["transpose"].renamed("TransposeBackward1")
_squeezed_inplace = TABLE["transpose"].renamed("SqueezeBackward4")


@public
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True,
    pad_mode: str = "reflect", normalized: bool = False, onesided: bool | None = None,
    return_complex: bool | None = None, align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """Spectra of windows of n_fft samples every `hop_length`: (..., frequencies, frames), complex if `return_complex`.

    input: (L,) or (batch, L). center: pad both ends by n_fft // 2."""
    if align_to_window is not None and center:
        raise RuntimeError("stft align_to_window should only be set when center = false.")
    x = input
    if center:
        x = _extended(x, n_fft // 2, pad_mode)
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if return_complex is None:
        return_complex = x.dtype.is_complex or (window is not None and window.dtype.is_complex)
        if not return_complex:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs, and will further require that "
                "return_complex=True in a future PyTorch release."
            )

    def refuse(why: str) -> None:
        shown = "None" if window is None else _described(window, "{}")
        raise RuntimeError(
            f"stft({_described(x)}, n_fft={n_fft}, hop_length={hop}, win_length={width}, window={shown}, "
            f"normalized={int(normalized)}, onesided={_optional(onesided)}, return_complex={int(return_complex)}, "
            f"align_to_window={_optional(align_to_window)}) : {why}"
        )

    if x.dtype.category < 2:
        refuse("expected a tensor of floating point or complex values")
    if x.ndim not in (1, 2):
        refuse("expected a 1D or 2D tensor")
    length = x.shape[-1]
    if not 0 < n_fft <= length:
        refuse(f"expected 0 < n_fft < {length}, but got n_fft={n_fft}")
    if hop <= 0:
        refuse(f"expected hop_length > 0, but got hop_length={hop}")
    if not 0 < width <= n_fft:
        refuse(f"expected 0 < win_length <= n_fft, but got win_length={width}")
    if window is not None and (window.ndim != 1 or window.shape[0] != width):
        refuse(
            f"expected a 1D window tensor of size equal to win_length={width}, but got window with size {list(window.shape)}"
        )
    if window is None:
        warn_once(
            "A window was not provided. A rectangular window will be applied,which is known to cause spectral leakage. "
            "Other "
            "windows such as torch.hann_window or torch.hamming_window are recommended to reduce spectral leakage.To "
            "suppress this warning and use a rectangular window, explicitly set "
            "`window=torch.ones(n_fft, device=<device>)`."
        )
    if not return_complex:
        warn_once(
            "stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex "
            "tensors "
            "for all inputs, and return_complex=False will raise an error.\nWrite torch.view_as_real(torch.stft(..., "
            "return_complex=True))."
        )
    if x.dtype.itemsize < 4:
        raise RuntimeError(f"MKL FFT doesn't support tensors of type: {x.dtype.scalar_name}")
    frames = x.unfold(-1, n_fft, hop)  # type: ignore[attr-defined]
    used = _padded_window(window, width, n_fft, x)
    if used is not None:
        frames = frames * used
    last = (frames.ndim - 1,)
    scale = BY_ROOT if normalized else NONE
    if frames.dtype.is_complex:
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        y = _c2c(frames, dim=last, scale=scale, forward=True)
    else:
        y = _r2c(frames, dim=last, scale=scale, onesided=True if onesided is None else bool(onesided))
    single = input.ndim == 1  # PyTorch turns a batch of one, in place, and takes it out again
    y = dispatch(
        TABLE["transpose"], (y,), {"dim0": y.ndim - 2, "dim1": y.ndim - 1}, _squeezed_inplace if single else _turned_inplace
    )
    return y if return_complex else FUNCTIONS["view_as_real"](y)


def _overlap_add(frames: Tensor, length: int, hop: int) -> Tensor:
    """Frames (..., count, n) added into a signal (..., length), one every `hop`."""
    lead = tuple(frames.shape[:-2])
    return ops.unfold_backward(frames, shape=(*lead, length), dim=len(lead), size=frames.shape[-1], step=hop)


@public
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, normalized: bool = False,
    onesided: bool | None = None, length: int | None = None,
    return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal whose `stft` is `input` (..., frequencies, frames): the least-squares overlap-add."""
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if not input.dtype.is_complex:
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with return_complex=True."
        )

    def refuse(why: str) -> None:
        shown = "None" if window is None else _described(window, "{}")
        raise RuntimeError(
            f"istft({_described(input)}, n_fft={n_fft}, hop_length={hop}, win_length={width}, window={shown}, "
            f"center={int(center)}, normalized={int(normalized)}, onesided={_optional(onesided)}, "
            f"length={_optional(length)}, return_complex={int(return_complex)}) {why}"
        )

    if input.numel() == 0:  # type: ignore[attr-defined]
        refuse(": input tensor cannot be empty.")
    if input.ndim not in (2, 3):
        refuse(f": expected a tensor with 3 or 4 dimensions (including real/imag), but got {input.ndim + 1}")
    one = (not (window is not None and window.dtype.is_complex)) if onesided is None else bool(onesided)
    count = input.shape[-2]
    if one and count != n_fft // 2 + 1:
        refuse(
            ": expected the frequency dimension (3rd to the last) of the input tensor to match n_fft / 2 + 1 when "
            f"onesided=True, but got {count}"
        )
    if not one and count != n_fft:
        refuse(
            ": expected the frequency dimension (3rd to the last) of the input tensor to match n_fft when "
            f"onesided=False, but got {count}"
        )
    if not 0 < hop <= width:
        refuse(": expected 0 < hop_length <= win_length")
    if not 0 < width <= n_fft:
        refuse(": expected 0 < win_length <= n_fft")
    if window is not None and (window.ndim != 1 or window.shape[0] != width):
        refuse(f": Invalid window shape. window has to be 1D and length of `win_length`={width}")
    if return_complex and one:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if not return_complex and window is not None and window.dtype.is_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    used = _padded_window(window, width, n_fft, input)
    frames = input.transpose(-1, -2)  # type: ignore[attr-defined]
    last = (frames.ndim - 1,)
    scale = BY_ROOT if normalized else BY_N
    if return_complex:
        y = _c2c(frames, dim=last, scale=scale, forward=False)
    else:
        if not one:
            frames = ops.slice_view(frames, last[0], 0, n_fft // 2 + 1)
        y = _c2r(frames, dim=last, scale=scale, size=n_fft)
    total = n_fft + hop * (frames.shape[-2] - 1)
    if used is None:
        kind = y.dtype.to_real() if y.dtype.is_complex else y.dtype
        used = ops.ones((n_fft,), dtype=kind)
    y = _overlap_add(y * used, total, hop)
    squares = (used * used).expand(frames.shape[-2], n_fft)  # type: ignore[attr-defined]
    envelope = _overlap_add(squares, total, hop)
    start = n_fft // 2 if center else 0
    if length is not None:
        end = start + length
    else:
        end = total - n_fft // 2 if center else total
    y = ops.slice_view(y, y.ndim - 1, start, min(end, total))
    envelope = ops.slice_view(envelope, 0, start, min(end, total))
    if bool((np.abs(unwrap_all(envelope)._data) <= 1e-11).any()):
        refuse("window overlap add min: 1")
    y = y / envelope
    if end <= total:
        return y
    warn(
        "The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. "
        "Please "
        "check your center and hop_length settings."
    )
    return resized(y, y.ndim - 1, end - start)


# ---------------------------------------------------------------- windows of torch.*


_C_NAMES = {
    "int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
}  # fmt: skip


def _window(name: str, shape: Any, what: str) -> None:
    """torch.<name>_window(window_length, periodic=True, ...)"""

    def window(
        window_length: int, periodic: bool = True, *more: Any, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False, **named: Any,
    ) -> Tensor:  # fmt: skip
        kind = get_default_dtype() if dtype is None else dtype
        if window_length < 0:
            raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length={window_length}")
        if kind.category < 2:
            c_name = _C_NAMES.get(kind.name, kind.name)
            raise RuntimeError(
                f"{name}_window expects floating point dtypes, got: TensorOptions(dtype={c_name}, device=cpu, "
                "layout=Strided "
                "(default), requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))"
            )
        if window_length == 0:
            y = np.zeros(0)
        elif window_length == 1:
            y = np.ones(1)
        else:
            n = window_length + bool(periodic)
            # in the precision of the result, as PyTorch computes it: a zero at the end shows the rounding
            work = kind.np if kind.name in ("float32", "float64") else np.dtype(np.float32)
            y = np.asarray(shape(np.arange(window_length, dtype=work), n - 1, *more, **named))
        t = ops.tensor(y.astype(kind.np), dtype=kind, device=device)
        return t.requires_grad_() if requires_grad else t

    window.__name__ = window.__qualname__ = name + "_window"
    window.__doc__ = f"{what} of `window_length` values; periodic: without the last one of a symmetric window."
    public(window, name=name + "_window", method=False)


def _hamming(k: Any, n: int, alpha: float = 0.54, beta: float = 0.46) -> Any:
    return np.cos(k * (2 * math.pi / n)) * -beta + alpha


def _kaiser(k: Any, n: int, beta: float = 12.0) -> Any:
    from scipy.special import i0

    r = k * (2 / n) - 1
    return i0(np.sqrt(np.maximum(1 - r * r, 0)) * beta) / i0(beta)


_window("hann", lambda k, n: _hamming(k, n, 0.5, 0.5), "A Hann window")
_window("hamming", _hamming, "A Hamming window alpha - beta cos")
_window(
    "blackman", lambda k, n: np.cos(k * (math.pi / n) * 4) * 0.08 - np.cos(k * (math.pi / n) * 2) * 0.5 + 0.42,
    "A Blackman window",
)  # fmt: skip
_window("bartlett", lambda k, n: np.where(k <= n / 2, k * (2 / n), k * (-2 / n) + 2), "A Bartlett (triangular) window")
_window("kaiser", _kaiser, "A Kaiser window of shape `beta`")

samples(
    "stft", Case(T(20), 8, return_complex=True), Case(T(2, 20), 8, 3, 6, T(6, low=0.2, high=1.0), return_complex=True),
    Case(T(20), 8, center=False, normalized=True, onesided=False, return_complex=True),
    Case(T(20), 8, pad_mode="constant", return_complex=False), complex=False,
)  # fmt: skip
samples("hann_window", Case(5), Case(6, False), Case(1), Case(0), differentiable=False, atol=1e-6)
samples("hamming_window", Case(5), Case(6, False), Case(6, True, 0.6, 0.4), differentiable=False, atol=1e-6)
samples("blackman_window", Case(5), Case(6, False), differentiable=False, atol=1e-6)
samples("bartlett_window", Case(5), Case(6, False), differentiable=False, atol=1e-6)
samples("kaiser_window", Case(5), Case(6, False), Case(6, True, 8.0), differentiable=False, atol=1e-6)
