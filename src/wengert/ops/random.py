"""Making random tensors: rand, randn, randint, randperm, and those like another tensor.

With the same seed and the same calls in the same order these give the numbers that PyTorch gives on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import devices, dtypes
from ..core.dispatch import PLAIN_MODES
from ..core.generator import Generator, stream_of
from ..core.levels import stack
from ..core.meta import MetaTensor, new_meta
from ..core.modes import mode
from ..core.tensor import Tensor, bump, set_requires_grad, wrap
from ..core.views import check_overlap
from ..kernels import random as samplers
from . import random_arguments as arguments
from .create import chosen_dtype, finish
from .install import public
from .random_bounds import FLOATS, check_continuous, not_implemented, random_between
from .random_levels import hide, refuse_out, running, spread

Array = Any
Fill = Callable[[Array], None]

# ---------------------------------------------------------------- new tensors


def make(
    name: str, shape: tuple[int, ...], fill: Fill, dtype: Any, options: dict[str, Any], each: bool = False
) -> Tensor:
    """A tensor of `shape` that `fill` writes: a new one of `dtype`, or `options["out"]`.

    `each`: where the slots of a vmap differ, `fill` is called for every one of them.
    """
    out = options.get("out")
    if options or devices.get_default_device() is not devices.CPU:
        if arguments.check_place(name, options):
            return new_meta(shape, dtype.np, options.get("requires_grad", False))
    refuse_out(out)
    if out is not None:
        return _make_out(name, shape, fill, out, options)
    levels = running() if stack.get() else None
    front = spread(levels) if levels else ()
    tracer = mode().tracer

    def drawn() -> Array:
        data = np.empty(front + shape, dtype.np)
        if each and front:
            for part in data.reshape(-1, *shape):
                fill(part)
        else:
            fill(data)
        return data

    data = drawn() if tracer is None else tracer.drawn(drawn)
    t = finish(data, name, devices.CPU, options.get("requires_grad", False))
    return hide(t, levels) if levels else t


def _make_out(name: str, shape: tuple[int, ...], fill: Fill, out: Tensor, options: dict[str, Any]) -> Tensor:
    dtype = options.get("dtype")
    if dtype is not None and chosen_dtype(dtype, name) is not out.dtype:
        raise RuntimeError(
            f"dtype {chosen_dtype(dtype, name).scalar_name} does not match dtype of out parameter "
            f"({out.dtype.scalar_name})"
        )
    if mode().grad and out.requires_grad:
        raise RuntimeError(
            f"aten::{name}(): functions with out=... arguments don't support automatic differentiation, but one of "
            "the arguments requires grad."
        )
    check_overlap(out)
    data = out._data if out._data.shape == shape else np.empty(shape, out._data.dtype)
    fill(data)
    out._data = data
    bump(out)
    if options.get("requires_grad"):
        set_requires_grad(out, True)
    return out


def read_options(name: str, args: tuple[Any, ...], named: dict[str, Any], expected: tuple[str, ...]) -> dict[str, Any]:
    """The keyword options generator, out, dtype, layout, device, pin_memory and requires_grad, checked."""
    if named and not (named.keys() <= OPTIONS and arguments.options_fit(named)):
        arguments.refuse(name, args, named, expected)
    return named


def kind_of(name: str, options: dict[str, Any], otherwise: Any = None) -> Any:
    """The dtype asked for; else `otherwise`, else the default dtype."""
    given = options.get("dtype")
    if given is None:
        return otherwise or dtypes.get_default_dtype()
    return chosen_dtype(given, name)


OPTIONS = {"generator", "out", "dtype", "layout", "device", "pin_memory", "requires_grad"}
LIKE_OPTIONS = (OPTIONS - {"out"}) | {"memory_format"}


def sized(name: str, args: tuple[Any, ...], named: dict[str, Any], expected: tuple[str, ...]) -> tuple[int, ...]:
    """The size of rand and randn: f(2, 3), f((2, 3)) or f(size=(2, 3)); `size` is removed from `named`."""
    if not args:
        if "size" not in named:
            arguments.refuse(name, args, named, expected)
        return arguments.shape_of(name, named.pop("size"))
    first = args[0]
    if "size" in named:
        arguments.refuse(name, args, named, expected)
    if first.__class__ is int or arguments.is_integer(first):
        return arguments.shape_of(name, args)
    if len(args) > 1:
        arguments.refuse(name, args, named, expected)
    return arguments.shape_of(name, first, " (position 1)")


_SIZED = arguments.signatures("tuple of ints size", "Tensor out = None, ")


def plain_shape(size: tuple[Any, ...]) -> tuple[int, ...] | None:
    """The shape of a call without options, sizes given as integers, in the ordinary state of things; else None."""
    if stack.get() or not size or mode() not in PLAIN_MODES or devices.get_default_device() is not devices.CPU:
        return None
    if len(size) == 1 and size[0].__class__ is tuple:
        size = size[0]
    for n in size:
        if n.__class__ is not int or n < 0:
            return None
    return size


def standard_uniform(generator: Generator | None) -> Fill:
    def fill(data: Array) -> None:
        check_continuous("check_uniform_bounds", data)
        samplers.uniform(data, 0.0, 1.0, stream_of(generator))

    return fill


def standard_normal(generator: Generator | None, mean: float = 0.0, std: float = 1.0) -> Fill:
    def fill(data: Array) -> None:
        if data.size:
            check_continuous("normal_kernel_cpu", data)
            samplers.normal(data, mean, std, stream_of(generator))

    return fill


@public(method=False)
def rand(*size: Any, **options: Any) -> Tensor:
    """Uniform on [0, 1): rand(*size, *, generator=None, out=None, dtype=None, layout=None, device=None,
    pin_memory=False, requires_grad=False). Floating and complex dtypes."""
    if not options and (shape := plain_shape(size)) is not None:
        kind = dtypes.get_default_dtype().np
        return wrap(samplers.new_uniform(shape, kind, stream_of(None)))
    shape = sized("rand", size, options, _SIZED)
    read_options("rand", size, options, _SIZED)
    return make("rand", shape, standard_uniform(options.get("generator")), kind_of("rand", options), options)


@public(method=False)
def randn(*size: Any, **options: Any) -> Tensor:
    """Standard normal: randn(*size, *, generator=None, out=None, dtype=None, layout=None, device=None,
    pin_memory=False, requires_grad=False). Floating and complex dtypes; complex ones have variance 1 in all."""
    if not options and (shape := plain_shape(size)) is not None:
        kind = dtypes.get_default_dtype().np
        return wrap(samplers.new_normal(shape, kind, stream_of(None)))
    shape = sized("randn", size, options, _SIZED)
    read_options("randn", size, options, _SIZED)
    return make("randn", shape, standard_normal(options.get("generator")), kind_of("randn", options), options)


_RANDINT = (
    *arguments.signatures("int high, tuple of ints size", "Tensor out = None, "),
    *arguments.signatures("int low, int high, tuple of ints size", "Tensor out = None, "),
)


@public(method=False)
def randint(*args: Any, **options: Any) -> Tensor:
    """Uniform integers in [low, high): randint(low=0, high, size, *, generator=None, out=None, dtype=torch.int64,
    layout=None, device=None, pin_memory=False, requires_grad=False). Any real dtype or bool."""
    given: dict[str, Any] = {key: options.pop(key) for key in ("low", "high", "size") if key in options}
    names = ("low", "high", "size") if len(args) + len(given) == 3 else ("high", "size")
    bound: dict[str, Any] = dict(zip(names, args, strict=False))
    if len(args) + len(given) not in (2, 3) or bound.keys() & given.keys() or {**bound, **given}.keys() != set(names):
        arguments.refuse("randint", args, {**given, **options}, _RANDINT)
    bound.update(given)
    for at, name in enumerate(names[:-1]):
        if not arguments.is_integer(bound[name]):
            if len(names) == 3:
                arguments.refuse("randint", args, {**given, **options}, _RANDINT)
            where = arguments.where(given, name, at + 1)
            raise TypeError(f"randint(): argument '{name}'{where} must be int, not {arguments.type_name(bound[name])}")
    if len(names) == 3 and not isinstance(bound["size"], (tuple, list)):
        arguments.refuse("randint", args, {**given, **options}, _RANDINT)
    low, high = arguments.integer(bound.get("low", 0)), arguments.integer(bound["high"])
    shape = arguments.shape_of("randint", bound["size"], arguments.where(given, "size", len(names)))
    read_options("randint", args, options, _RANDINT)
    fill = random_between(low, high, options.get("generator"))
    return make("randint", shape, fill, kind_of("randint", options, dtypes.int64), options)


_RANDPERM = arguments.signatures("int n", "Tensor out = None, ")
_PERMUTED = frozenset("uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64".split())


@public(method=False)
def randperm(*args: Any, **options: Any) -> Tensor:
    """A random permutation of 0, ..., n - 1: randperm(n, *, generator=None, out=None, dtype=torch.int64, layout=None,
    device=None, pin_memory=False, requires_grad=False). Any real dtype that holds n."""
    given = {"n": options.pop("n")} if "n" in options else {}
    if len(args) + len(given) != 1:
        arguments.refuse("randperm", args, {**given, **options}, _RANDPERM)
    n = args[0] if args else given["n"]
    if not arguments.is_integer(n):
        where = arguments.where(given, "n", 1)
        raise TypeError(f"randperm(): argument 'n'{where} must be int, not {arguments.type_name(n)}")
    read_options("randperm", args, options, _RANDPERM)
    out, generator = options.get("out"), options.get("generator")
    kind = kind_of("randperm", options, dtypes.int64 if out is None else out.dtype)
    (n,) = arguments.shape_of("randperm", (n,))
    if kind.np in FLOATS and n > (1 << FLOATS[kind.np][0]) + 1:
        digits = FLOATS[kind.np][0]
        most = f"2^{digits}+1" if digits > 16 else (1 << digits) + 1
        raise RuntimeError(f"n cannot be greater than {most} for {kind.scalar_name} type.")
    if kind.np.kind in "iu" and n - 1 > np.iinfo(kind.np).max:
        raise RuntimeError(f"value cannot be converted to type {kind.name}_t without overflow")

    def fill(data: Array) -> None:
        if kind.name not in _PERMUTED:
            raise not_implemented("randperm", data)
        samplers.permutation(data, stream_of(generator))

    return make("randperm", (n,), fill, kind, options, each=True)


# ---------------------------------------------------------------- like another tensor

_LIKE = arguments.signatures("Tensor input", "torch.memory_format memory_format = None, ")
_RANDINT_LIKE = tuple(
    line
    for positional in ("Tensor input, int low, int high", "Tensor input, Tensor high", "Tensor input, int high")
    for line in arguments.signatures(positional, "torch.memory_format memory_format = None, ")
)


def make_like(name: str, input: Tensor, fill: Fill, options: dict[str, Any]) -> Tensor:
    """A tensor of the shape and dtype of `input` (and, where it is dense, of its strides) that `fill` writes."""
    meta = arguments.check_place(name, options)
    kind = kind_of(name, options, input.dtype)
    if meta or (input.__class__ is MetaTensor and options.get("device") is None):
        return new_meta(input.shape, kind.np, options.get("requires_grad", False))
    format = options.get("memory_format") or devices.preserve_format
    shape = tuple(input.shape)
    levels = running() if stack.get() else []
    front = spread(levels)
    base = input._data
    tracer = mode().tracer
    base = getattr(base, "meta", base) if tracer is not None else base
    if not (front or base.__class__ is not np.ndarray) and format not in (devices.contiguous_format, devices.preserve_format):
        dims = 4 if format is devices.channels_last else 5
        if len(shape) != dims:
            raise RuntimeError(f"required rank {dims} tensor to use {format.name} format")

    def drawn() -> Array:
        if front or base.__class__ is not np.ndarray or format is devices.contiguous_format:
            data = np.empty(front + shape, kind.np)
        elif format is devices.preserve_format:
            data = samplers.empty_like(base, kind.np)
        else:
            data = np.moveaxis(np.empty((shape[0], *shape[2:], shape[1]), kind.np), -1, 1)
        fill(data)
        return data

    data = drawn() if tracer is None else tracer.drawn(drawn)
    return hide(finish(data, name, devices.CPU, options.get("requires_grad", False)), levels)


def read_like(name: str, args: tuple[Any, ...], options: dict[str, Any], expected: tuple[str, ...] = _LIKE) -> Tensor:
    """The first argument of the functions rand_like ..., after a check of the options."""
    if "input" in options and not args:
        args = (options.pop("input"),)
    if len(args) != 1 or not (options.keys() <= LIKE_OPTIONS and arguments.options_fit(options)):
        arguments.refuse(name, args, options, expected)
    return arguments.the_tensor(name, args[0])


@public(method=False)
def rand_like(*args: Any, **options: Any) -> Tensor:
    """Uniform on [0, 1), of the shape of `input`: rand_like(input, *, generator=None, dtype=None, layout=None,
    device=None, pin_memory=False, requires_grad=False, memory_format=torch.preserve_format)."""
    input = read_like("rand_like", args, options)
    return make_like("rand_like", input, standard_uniform(options.get("generator")), options)


@public(method=False)
def randn_like(*args: Any, **options: Any) -> Tensor:
    """Standard normal, of the shape of `input`: randn_like(input, *, generator=None, dtype=None, layout=None,
    device=None, pin_memory=False, requires_grad=False, memory_format=torch.preserve_format)."""
    input = read_like("randn_like", args, options)
    return make_like("randn_like", input, standard_normal(options.get("generator")), options)


@public(method=False)
def randint_like(*args: Any, **options: Any) -> Tensor:
    """Uniform integers in [low, high), of the shape of `input`: randint_like(input, low=0, high, *, generator=None,
    dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False,
    memory_format=torch.preserve_format)."""
    given: dict[str, Any] = {key: options.pop(key) for key in ("input", "low", "high") if key in options}
    names = ("input", "low", "high") if len(args) + len(given) == 3 else ("input", "high")
    bound: dict[str, Any] = {**dict(zip(names, args, strict=False)), **given}
    ok = len(args) + len(given) == len(names) and bound.keys() == set(names) and isinstance(bound["input"], Tensor)
    ok = ok and all(arguments.is_integer(bound[name]) for name in names[1:])
    if not (ok and options.keys() <= LIKE_OPTIONS and arguments.options_fit(options)):
        arguments.refuse("randint_like", args, {**given, **options}, _RANDINT_LIKE)
    low, high = arguments.integer(bound.get("low", 0)), arguments.integer(bound["high"])
    fill = random_between(low, high, options.get("generator"))
    return make_like("randint_like", bound["input"], fill, options)
