"""Dropout: elements or channels set to zero at random, the others scaled. The masks are PyTorch's, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import warn
from ..core.generator import stream_of
from ..core.modes import mode
from ..core.primitive import ops
from ..core.samples import Case, T, samples
from ..core.tensor import PLAIN, Tensor, wrap
from ..kernels.random import bernoulli
from .install import public

ALPHA = 1.7580993408473766  # minus the value that selu saturates at


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")


def _kept(input: Tensor, p: float, features: bool) -> Tensor:
    """1 with probability 1 - p, else 0; one number for each channel if `features`."""
    if features:
        if input.ndim < 2:
            raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
        shape: Any = (*input.shape[:2], *(1,) * (input.ndim - 2))
    else:
        shape = None
    if input.__class__ in PLAIN:
        x = input._data
        tracer = mode().tracer
        if tracer is not None:
            x = x.meta

        def drawn() -> Any:
            noise = np.empty_like(x) if shape is None else np.empty(shape, x.dtype)
            bernoulli(noise, 1 - p, stream_of(None))
            return noise

        return wrap(drawn() if tracer is None else tracer.drawn(drawn))
    base = input.detach()  # type: ignore[attr-defined]
    like = ops.empty_like(base) if shape is None else base.new_empty(shape)
    return like.bernoulli_(1 - p)  # type: ignore[no-any-return]


def _apply(input: Any, p: float, train: bool, features: bool, alpha: bool, inplace: bool, name: str) -> Tensor:
    if not isinstance(input, Tensor):
        raise TypeError(f"{name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
    _check(p)
    if p == 0 or not train or 0 in input.shape:
        return input
    if p == 1:
        zero = ops.zeros_like(input.detach())  # type: ignore[attr-defined]
        return input.mul_(zero) if inplace else input * zero  # type: ignore[attr-defined, no-any-return, operator]
    if input.dtype.category < 2:
        raise RuntimeError(f"result type Float can't be cast to the desired output type {input.dtype.scalar_name}")
    noise = _kept(input, p, features)
    if not alpha:
        noise.div_(1 - p)  # type: ignore[attr-defined]
        return input.mul_(noise) if inplace else input * noise  # type: ignore[attr-defined, no-any-return, operator]
    a = 1.0 / np.sqrt((ALPHA * ALPHA * p + 1) * (1 - p))
    b = ((noise - 1) * float(ALPHA * a)).add_(float(ALPHA * a * p))  # type: ignore[operator]
    noise.mul_(float(a))  # type: ignore[attr-defined]
    if inplace:
        return input.mul_(noise).add_(b)  # type: ignore[attr-defined, no-any-return]
    return input * noise + b  # type: ignore[operator, no-any-return]


def _torch_forms(name: str, features: bool, alpha: bool) -> None:
    """torch.<name>(input, p, train) and torch.<name>_."""

    def form(input: Tensor, p: float, train: bool) -> Tensor:
        return _apply(input, p, train, features, alpha, False, name)

    def form_(input: Tensor, p: float, train: bool) -> Tensor:
        return _apply(input, p, train, features, alpha, True, name + "_")

    form.__name__, form_.__name__ = name, name + "_"
    public(form, name=name, method=False)
    public(form_, name=name + "_", method=False)


for _name, _features, _alpha in (
    ("dropout", False, False), ("feature_dropout", True, False), ("alpha_dropout", False, True),
    ("feature_alpha_dropout", True, True),
):  # fmt: skip
    _torch_forms(_name, _features, _alpha)


@public(method=False)
def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """(dropout(input), the bool mask of what was kept)."""
    if train is False or p == 0 or 0 in input.shape:
        return input.clone(), ops.ones_like(input.detach(), dtype=_bool())  # type: ignore[attr-defined]
    if p == 1:
        zero = ops.zeros_like(input.detach())  # type: ignore[attr-defined]
        return input * zero, zero.to(_bool())  # type: ignore[operator]
    noise = _kept(input, p, False)
    return input * noise * (1.0 / (1.0 - p)), noise.to(_bool())  # type: ignore[attr-defined, operator]


def _bool() -> Any:
    from ..core import dtypes

    return dtypes.DTYPES["bool"]


def _functional(name: str, features: bool, alpha: bool, training: bool, check: Any = None) -> Any:
    def fn(input: Tensor, p: float = 0.5, training: bool = training, inplace: bool = False) -> Tensor:
        if p < 0.0 or p > 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        if check is None:
            return _apply(input, p, training, features, alpha, inplace, name)
        return check(input, p, training, inplace)  # type: ignore[no-any-return]

    fn.__name__ = fn.__qualname__ = name
    fn.__doc__ = f"{name}: off unless `training`; `p` is the probability of being dropped."
    return public(fn, name=f"nn.functional.{name}", method=False)


def _channels(name: str, spatial: int) -> Any:
    def check(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
        n = input.ndim
        if spatial == 1:
            if n not in (2, 3):
                raise RuntimeError(
                    f"dropout1d: Expected 2D or 3D input, but received a {n}D input. Note that "
                    f"dropout1d exists to provide "
                    "channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, "
                    "and an optional batch "
                    "dimension (i.e. 2D or 3D inputs)."
                )
        elif n not in (spatial + 1, spatial + 2):
            warn(
                f"{name}: Received a {n}-D input to {name}, which is deprecated and will result in an "
                f"error in a future "
                "release. To retain the behavior and silence this warning, please use dropout instead. Note that "
                f"{name} exists to provide channel-wise dropout on inputs with {spatial} spatial dimensions, a channel "
                f"dimension, and an optional batch dimension (i.e. {spatial + 1}D or {spatial + 2}D inputs)."
            )
        if spatial == 2 and n == 3:
            warn(
                "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D "
                "dropout behavior is desired "
                "- input is interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a "
                "future release to interpret the input as one without a batch dimension, i.e. shape (C, H, W). To "
                "maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead."
            )
        batched = n == spatial + 2 if spatial != 2 else True
        if batched or n not in (spatial + 1,):
            return _apply(input, p, training, True, False, inplace, name)
        lifted = ops.unsqueeze(input, dim=0)
        y = _apply(lifted, p, training, True, False, inplace, name)
        return ops.squeeze(y, dim=(0,))  # type: ignore[no-any-return]

    return check


dropout = _functional("dropout", False, False, True)
dropout1d = _functional("dropout1d", True, False, True, _channels("dropout1d", 1))
dropout2d = _functional("dropout2d", True, False, True, _channels("dropout2d", 2))
dropout3d = _functional("dropout3d", True, False, True, _channels("dropout3d", 3))
alpha_dropout = _functional("alpha_dropout", False, True, False)
feature_alpha_dropout = _functional("feature_alpha_dropout", True, True, False)

for _name in ("dropout", "alpha_dropout"):
    samples(f"nn.functional.{_name}", Case(T(3, 4), training=False), Case(T(0, 2), training=True), complex=False,
            why_not="with training=True the values are random: see the tests of the generator")  # fmt: skip
