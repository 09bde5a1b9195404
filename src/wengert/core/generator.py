"""`Generator`, the default generator, and the functions that seed it and save its state."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..kernels.mersenne import MersenneTwister
from . import devices
from .modes import mode
from .tensor import Tensor, wrap

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
    "stream_of",
]

#: the seed of a new generator
DEFAULT_SEED = 67280421310721
_making = threading.Lock()


def random_seed() -> int:
    """A seed of 64 bits from the operating system."""
    return int.from_bytes(os.urandom(8), "little")


class Generator:
    """A stream of random numbers: `Generator(device='cpu')`, seeded with a constant until `manual_seed` or `seed`.

    The numbers, and the bytes of `get_state`, are those of PyTorch's CPU generator.
    """

    __slots__ = ("__weakref__", "_stream")
    __module__ = "torch._C"

    _stream: MersenneTwister | int  # a seed, until the first number is asked for

    def __init__(self, device: Any = None) -> None:
        kind = devices.CPU if device is None else devices.device(device)
        if kind.type != "cpu":
            if kind.type == "cuda":
                raise RuntimeError("Cannot get CUDA generator without ATen_cuda library.")
            raise RuntimeError(f"{kind.type.upper()} device type not an accelerator.")
        self._stream = DEFAULT_SEED
        tracer = mode().tracer
        if tracer is not None:
            tracer.made_generator(self)

    @property
    def device(self) -> devices.device:
        """Always the CPU."""
        return devices.CPU

    def manual_seed(self, seed: int, /) -> Generator:
        """Start again from `seed`, an integer from -2**63 to 2**64 - 1; negative ones count from 2**64 downwards."""
        value = seed
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise RuntimeError(f"manual_seed expected a long, but got {type(value).__name__}")
        value = int(value)
        if not -(1 << 63) <= value < 1 << 64:
            raise ValueError("Overflow when unpacking long long")
        self._restart(value & 0xFFFFFFFFFFFFFFFF)
        return self

    def _restart(self, seed: int) -> None:
        tracer = mode().tracer
        if tracer is not None:
            tracer.on_host(self, lambda: self._restart(seed))
            return
        if isinstance(self._stream, int):
            self._stream = seed
        else:
            with self._stream.lock:
                self._stream.manual_seed(seed)

    def seed(self) -> int:
        """Start again from a random seed, which is returned."""
        if mode().tracer is not None:
            mode().tracer.refuse_seeding()
        value = random_seed()
        self._restart(value)
        return value

    def initial_seed(self) -> int:
        """The seed it last started from."""
        return self._stream if isinstance(self._stream, int) else self._stream.seed

    def get_state(self) -> Tensor:
        """The state, a uint8 tensor of 5056 elements that PyTorch's generators take too."""
        tracer = mode().tracer
        if tracer is not None:
            return tracer.state_of(self)  # type: ignore[no-any-return]
        stream = stream_of(self)
        with stream.lock:
            return wrap(stream.get_state())

    def set_state(self, new_state: Tensor, /) -> None:
        """Go on from a state of `get_state`. Raises TypeError or RuntimeError where it is none."""
        if not isinstance(new_state, Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        if new_state.dtype.name != "uint8":
            raise TypeError("RNG state must be a torch.ByteTensor")
        tracer = mode().tracer
        if tracer is not None:
            tracer.restore(self, new_state)
            return
        stream = stream_of(self)
        with stream.lock:
            stream.set_state(new_state._data)

    def clone_state(self) -> Generator:
        """An independent generator with the same state."""
        if mode().tracer is not None:
            mode().tracer.refuse_seeding()
        new = Generator()
        new._stream = self._stream if isinstance(self._stream, int) else self._stream.clone()
        return new

    def graphsafe_get_state(self) -> Generator:
        """Only for generators of accelerators."""
        raise NotImplementedError("graphsafe_get_state is not supported in this Generator")

    def graphsafe_set_state(self, state: Generator, /) -> None:
        """Only for generators of accelerators."""
        raise NotImplementedError("graphsafe_set_state is not supported in this Generator")

    def get_offset(self) -> int:
        """Only for generators of accelerators."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset: int, /) -> None:
        """Only for generators of accelerators."""
        raise RuntimeError("CPU Generator does not use offset")

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_state, (self.get_state()._data.tobytes(),)


def _from_state(state: bytes) -> Generator:
    """What pickling and copying rebuild a generator with."""
    generator = Generator()
    stream_of(generator).set_state(np.frombuffer(state, np.uint8))
    return generator


#: The generator that is used where none is named. Its first seed is random.
default_generator = Generator()
default_generator._stream = random_seed()


def stream_of(generator: Generator | None) -> MersenneTwister:
    """The numbers behind a generator (None: the default one), for the samplers of `kernels.random`."""
    stream = default_generator._stream if generator is None else generator._stream
    if stream.__class__ is int:
        if generator is None:
            generator = default_generator
        with _making:  # NumPy's random module is loaded here, not when the package is
            stream = generator._stream
            if isinstance(stream, int):
                stream = generator._stream = MersenneTwister(stream)
    return stream  # type: ignore[return-value]


def manual_seed(seed: Any) -> Generator:
    """Seed the default generator (anything that `int` takes), and return it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator with a random number, and return that."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator last started from."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator: uint8, 5056 elements."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state of `get_rng_state`."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """A context manager at whose end the default generator is where it was at its beginning.

    `devices` and `device_type` name accelerators to do the same for, of which there are none here.
    """
    if not enabled or device_type == "meta":
        yield
        return
    if devices is not None and list(devices):
        raise AssertionError("Torch not compiled with CUDA enabled")
    state = get_rng_state()
    try:
        yield
    finally:
        set_rng_state(state)
