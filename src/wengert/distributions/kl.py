"""Kullback-Leibler divergences: the registry, and which of its entries holds for a pair of distributions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from ..core.missing import missing
from ..core.tensor import Tensor
from .distribution import Distribution

__all__ = ["kl_divergence", "register_kl"]

_lacking = missing(__name__)
#: (class of p, class of q) -> formula
_KL_REGISTRY: dict[tuple[type, type], Callable[..., Any]] = {}
#: what was found for the classes asked for; emptied whenever an entry is added
_KL_MEMOIZE: dict[tuple[type, type], Callable[..., Any]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Decorator: the function (p, q) -> KL(p || q) for these classes and their subclasses.

    Errors: TypeError for what is no class.
    """
    for given in (type_p, type_q):
        if not isinstance(given, type):
            raise TypeError("issubclass() arg 1 must be a class")

    def decorator(fun: Any) -> Any:
        _KL_REGISTRY[type_p, type_q] = fun
        _KL_MEMOIZE.clear()
        return fun

    return decorator


def _dispatch_kl(type_p: type, type_q: type) -> Any:
    """The most special entry, or NotImplemented. The class of p decides before that of q; where it would be another
    one the other way round, a warning says so."""
    matches = [pair for pair in _KL_REGISTRY if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])]
    if not matches:
        return NotImplemented
    order_p, order_q = type_p.__mro__, type_q.__mro__
    by_p = min(matches, key=lambda pair: (order_p.index(pair[0]), order_q.index(pair[1])))
    by_q = min(matches, key=lambda pair: (order_q.index(pair[1]), order_p.index(pair[0])))
    chosen = _KL_REGISTRY[by_p]
    if chosen is not _KL_REGISTRY[by_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
            f"register_kl({by_p[0].__name__}, {by_q[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return chosen


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q), the mean of log p - log q under p, of shape `batch_shape`.

    Errors: NotImplementedError where no formula is registered for the pair.
    """
    pair = type(p), type(q)
    fun = _KL_MEMOIZE.get(pair)
    if fun is None:
        fun = _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    if fun is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {p.__class__.__name__} and q type {q.__class__.__name__}"
        )
    return fun(p, q)  # type: ignore[no-any-return]


def __getattr__(name: str) -> Any:
    """The formulas under their names, `_kl_normal_normal`: they are written in `kl_same` and `kl_cross`."""
    for fun in _KL_REGISTRY.values():
        if fun.__name__ == name:
            return fun
    return _lacking(name)
