"""From a list of samples to a batch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ....core.dtypes import float64
from ....core.modes import is_grad_enabled
from ....core.tensor import PLAIN, Tensor, wrap
from ....ops.install import FUNCTIONS

default_collate_err_msg_format = (
    "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"
)


def _textual(dtype: Any) -> bool:
    return dtype.kind in "SUO"


def default_convert(data: Any) -> Any:
    """NumPy arrays within ``data`` as tensors; everything else as it is, containers rebuilt."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _textual(data.dtype) else FUNCTIONS["as_tensor"](data)
    if isinstance(data, Mapping):
        return _like(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(value) for value in data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _like(data, [default_convert(value) for value in data])
    return data


def _like(original: Any, parts: Any) -> Any:
    """``parts`` (a dict or a list) in a container of the kind of ``original``, or as they are if it takes no such."""
    try:
        if isinstance(original, MutableMapping):
            # A copy keeps what a subclass carries besides its items.
            clone = copy.copy(original)
            clone.update(parts)
            return clone
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)  # type: ignore[arg-type]
            for i, part in enumerate(parts):
                clone[i] = part
            return clone
        return type(original)(parts)
    except TypeError:
        return parts


CollateMap = dict[Any, Callable[..., Any]]


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """``batch`` by ``collate_fn_map`` (type, or tuple of types, to function), mappings and sequences by element.

    Raises TypeError for what cannot be collated and RuntimeError for sequences of unequal lengths.
    """
    elem = batch[0]
    kind = type(elem)
    if collate_fn_map is not None:
        fn = collate_fn_map.get(kind)
        if fn is not None:
            return fn(batch, collate_fn_map=collate_fn_map)
        for types, fn in collate_fn_map.items():
            if isinstance(elem, types):
                return fn(batch, collate_fn_map=collate_fn_map)
    if isinstance(elem, Mapping):
        columns = {key: collate([d[key] for d in batch], collate_fn_map=collate_fn_map) for key in elem}
        return _like(elem, columns)
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        return kind(*(collate(samples, collate_fn_map=collate_fn_map) for samples in zip(*batch)))
    if isinstance(elem, Sequence):
        size = len(elem)
        if any(len(other) != size for other in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        parts = [collate(samples, collate_fn_map=collate_fn_map) for samples in zip(*batch)]
        return parts if isinstance(elem, tuple) else _like(elem, parts)
    raise TypeError(default_collate_err_msg_format.format(kind))


def collate_tensor_fn(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Stack along a new first dimension."""
    first = batch[0]
    if first.__class__ in PLAIN and first._data.__class__ is np.ndarray:
        shape, dtype = first._data.shape, first._data.dtype
        recording = is_grad_enabled()
        arrays = []
        for t in batch:
            array = t._data
            if (
                t.__class__ not in PLAIN
                or array.__class__ is not np.ndarray
                or array.shape != shape
                or array.dtype != dtype
                or (recording and t._fn is not None and t.requires_grad)
            ):
                break
            arrays.append(array)
        else:
            # Faster than np.stack, which treats every array in Python.
            return wrap(np.concatenate(arrays).reshape(-1, *shape) if shape and 0 not in shape else np.array(arrays))
    return FUNCTIONS["stack"](list(batch), 0)  # type: ignore[no-any-return]


def collate_numpy_array_fn(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """Arrays as tensors, then stacked. Raises TypeError for text and objects."""
    if _textual(batch[0].dtype):
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([FUNCTIONS["as_tensor"](b) for b in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """A vector of the scalars, in their dtype."""
    return FUNCTIONS["as_tensor"](np.asarray(batch))


def collate_float_fn(batch: Sequence[float], *, collate_fn_map: CollateMap | None = None) -> Any:
    """A float64 vector."""
    return FUNCTIONS["tensor"](list(batch), dtype=float64)


def collate_int_fn(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Any:
    """A vector of integers or truth values."""
    return FUNCTIONS["tensor"](list(batch))


def collate_str_fn(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Text stays a list."""
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: Sequence[Any]) -> Any:
    """Tensors, arrays and numbers stacked along a new first dimension; text in a list; containers by element."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
