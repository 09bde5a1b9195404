"""dtype, finfo, iinfo, Size, device, layout and memory_format: recorded facts, and PyTorch itself beside them."""
from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from wengert.core import devices, dtypes
from wengert.core.devices import device
from wengert.core.dtypes import ALIASES, DTYPES, FROM_NUMPY, finfo, iinfo
from wengert.core.size import Size, size_of


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    yield
    dtypes.set_default_dtype(dtypes.float32)
    devices.set_default_device(None)


def outcome(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What came of a call, as text: the result, or the error's class and sentence."""
    try:
        return repr(function(*args, **kwargs))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


# ------------------------------------------------------------------------------------------------ dtype


def test_singletons() -> None:
    assert len(DTYPES) == 16
    for name, d in DTYPES.items():
        assert repr(d) == str(d) == f"torch.{name}" and getattr(dtypes, name) is d
        assert copy.copy(d) is d and copy.deepcopy(d) is d
        assert all(pickle.loads(pickle.dumps(d, protocol)) is d for protocol in range(6))
    for alias, d in ALIASES.items():
        assert getattr(dtypes, alias) is d
    assert repr(dtypes.dtype) == "<class 'torch.dtype'>" and repr(finfo) == "<class 'torch.finfo'>"


def test_dtype_is_closed() -> None:
    with pytest.raises(TypeError, match=r"^cannot create 'torch.dtype' instances$"):
        dtypes.dtype("float32")
    with pytest.raises(TypeError, match=r"^type 'torch.dtype' is not an acceptable base type$"):
        type("mine", (dtypes.dtype,), {})
    with pytest.raises(AttributeError, match=r"^attribute 'itemsize' of 'torch.dtype' objects is not writable$"):
        dtypes.float32.itemsize = 8
    with pytest.raises(AttributeError, match=r"^'torch.dtype' object has no attribute 'x'$"):
        dtypes.float32.x = 8  # type: ignore[attr-defined]
    with pytest.raises(NotImplementedError, match=r"torch\.complex32"):
        dtypes.to_numpy(dtypes.complex32)


def test_numpy_both_ways() -> None:
    for d in DTYPES.values():
        if d is not dtypes.complex32:
            array = np.zeros(2, d.np)
            assert dtypes.from_numpy(array.dtype) is d and FROM_NUMPY[array.dtype] is d and d.itemsize == array.itemsize
    assert dtypes.from_numpy(np.dtype("q")) is dtypes.from_numpy(np.dtype("l"))
    with pytest.raises(ValueError, match="byte order different from the native byte order"):
        dtypes.from_numpy(np.dtype("f4").newbyteorder("S"))
    with pytest.raises(TypeError, match=r"^can't convert np.ndarray of type numpy.str_. The only supported"):
        dtypes.from_numpy(np.dtype("U3"))


def test_attributes_recorded() -> None:
    assert (dtypes.bool.is_signed, dtypes.uint8.is_signed, dtypes.int8.is_signed) == (False, False, True)
    assert dtypes.complex64.is_complex and not dtypes.complex64.is_floating_point
    assert dtypes.bfloat16.to_complex() is dtypes.complex64 and dtypes.complex128.to_real() is dtypes.float64
    assert dtypes.float16.to_complex() is dtypes.complex32 and dtypes.int32.to_real() is dtypes.int32
    with pytest.raises(RuntimeError, match=r"^Unknown Complex ScalarType for Long$"):
        dtypes.int64.to_complex()


@pytest.mark.parametrize("name", DTYPES)
def test_attributes_like_pytorch(name: str) -> None:
    theirs, ours = getattr(pytest.importorskip("torch"), name), DTYPES[name]
    for attribute in ("itemsize", "is_floating_point", "is_complex", "is_signed", "abbr"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    for method in ("to_real", "to_complex"):
        assert outcome(getattr(ours, method)) == outcome(getattr(theirs, method))


def test_default_dtype() -> None:
    dtypes.set_default_dtype(dtypes.float64)
    seen: list[dtypes.dtype] = []
    thread = threading.Thread(target=lambda: seen.append(dtypes.get_default_dtype()))
    thread.start()
    thread.join()
    assert seen == [dtypes.float64], "the default is the process's, not the thread's"
    assert dtypes.get_default_complex_dtype() is dtypes.complex128
    for wrong in (dtypes.int32, dtypes.complex64, dtypes.bool):
        with pytest.raises(TypeError, match=r"^only floating-point types are supported as the default type$"):
            dtypes.set_default_dtype(wrong)
    for alien in (np.float32, "float32", None):
        with pytest.raises(TypeError, match=r"^invalid dtype object: only floating-point types are supported"):
            dtypes.set_default_dtype(alien)  # type: ignore[arg-type]
    assert dtypes.get_default_dtype() is dtypes.float64
    dtypes.set_default_dtype(dtypes.bfloat16)
    with pytest.raises(RuntimeError, match=r"^invalid default scalar type for complex$"):
        dtypes.get_default_complex_dtype()


# ------------------------------------------------------------------------------------------------ finfo, iinfo

RECORDED = {
    "float16": "finfo(resolution=0.001, min=-65504, max=65504, eps=0.000976562, smallest_normal=6.10352e-05, "
    "tiny=6.10352e-05, dtype=float16)",
    "bfloat16": "finfo(resolution=0.01, min=-3.38953e+38, max=3.38953e+38, eps=0.0078125, "
    "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=bfloat16)",
    "complex64": "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
    "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)",
    "uint8": "iinfo(min=0, max=255, dtype=uint8)",
    "int64": "iinfo(min=-9.22337e+18, max=9.22337e+18, dtype=int64)",
}


def test_info_recorded() -> None:
    for name, text in RECORDED.items():
        assert repr((finfo if text.startswith("f") else iinfo)(DTYPES[name])) == text
    assert finfo() == finfo(dtypes.float32) == finfo(dtypes.complex64) != finfo(dtypes.float64)
    assert (iinfo(dtypes.int64).min, iinfo(dtypes.uint64).max) == (-(2**63), 2**64 - 1)
    with pytest.raises(TypeError, match="unhashable type"):
        hash(finfo())
    with pytest.raises(AttributeError):
        finfo().eps = 1.0


@pytest.mark.parametrize("name", DTYPES)
def test_info_like_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    for ours, theirs in ((finfo, torch.finfo), (iinfo, torch.iinfo)):
        assert outcome(ours, DTYPES[name]) == outcome(theirs, getattr(torch, name))
    if name == "bool":  # has neither
        return
    ours, theirs = (finfo, torch.finfo) if DTYPES[name].category >= dtypes.FLOATING else (iinfo, torch.iinfo)
    mine, other = ours(DTYPES[name]), theirs(getattr(torch, name))
    for attribute in ("bits", "dtype", "eps", "max", "min", "resolution", "smallest_normal", "tiny"):
        assert getattr(mine, attribute, "absent") == getattr(other, attribute, "absent")


def test_info_errors_like_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for ours, theirs in ((finfo, torch.finfo), (iinfo, torch.iinfo)):
        for args, kwargs in (((1,), {}), (("float32",), {}), ((None,), {}), ((), {"dtype": 1}), ((), {})):
            assert outcome(ours, *args, **kwargs) == outcome(theirs, *args, **kwargs)


# ------------------------------------------------------------------------------------------------ Size

SIZE = Size([2, 3, 4])
SIZE_CASES: list[Callable[[Any], Any]] = [
    lambda S: S(),
    lambda S: S((2, 3)),
    lambda S: S(2, 3),
    lambda S: S(n for n in (1, 2)),
    lambda S: S(range(3)),
    lambda S: S([True]),
    lambda S: S([2, "a"]),
    lambda S: S([2.0]),
    lambda S: S([np.int64(3), np.int32(1)]),
    lambda S: S([np.float64(3)]),
    lambda S: S(5),
    lambda S: S(None),
    lambda S: S([2, 3, 4])[1:],
    lambda S: S([2, 3, 4])[::2],
    lambda S: S([2, 3, 4])[-1],
    lambda S: S([2, 3, 4]) + (1,),
    lambda S: (1,) + S([2, 3, 4]),
    lambda S: S([1]) + S([2]) * 2,
    lambda S: 2 * S([2, 3]),
    lambda S: S([2]) + [1],
    lambda S: S([2]) + 1,
    lambda S: S([2]) * "a",
    lambda S: S([2, 3, 4]).numel(),
    lambda S: S([]).numel(),
    lambda S: (S([2]) == (2,), hash(S([2])) == hash((2,)), str(S([2])), f"{S([2])}"),
    lambda S: pickle.loads(pickle.dumps(S([2, 3]))),
    lambda S: copy.deepcopy(S([2, 3])),
    lambda S: S,
    lambda S: type("mine", (S,), {}),
]


@pytest.mark.parametrize("case", SIZE_CASES)
def test_size_like_pytorch(case: Callable[[Any], Any]) -> None:
    torch = pytest.importorskip("torch")
    assert outcome(case, Size) == outcome(case, torch.Size)


def test_size_recorded() -> None:
    assert repr(SIZE) == "torch.Size([2, 3, 4])" and SIZE.numel() == 24 and SIZE == (2, 3, 4)
    assert all(type(s) is Size for s in (SIZE[1:], SIZE + (1,), (1,) + SIZE, SIZE * 2, 2 * SIZE, size_of((1, 2))))
    assert type(SIZE[0]) is int and type(pickle.loads(pickle.dumps(SIZE))) is Size
    with pytest.raises(TypeError, match=r"^torch.Size\(\) takes an iterable of 'int' \(item 1 is 'str'\)$"):
        Size([2, "a"])  # type: ignore[list-item]


# ------------------------------------------------------------------------------------------------ device

DEVICE_ARGUMENTS: list[tuple[Any, ...]] = [
    *(("cpu",), ("cpu:0",), ("cuda",), ("cuda:1",), ("meta",), ("mps",), ("xla",), ("privateuseone:3",)),
    *(("cuda", 1), ("cpu", 0), ("cpu", None), ("cpu", -1), ("cuda", True), ("cpu", "0"), ("cpu", 1.0)),
    *((0,), (-1,), (True,), (None,), (1.5,), (), ("cpu", 0, 1), ("cuda:1", 1), ("cuda:99999999999999",)),
    *(("cuda:",), ("cuda:01",), ("cuda:-1",), ("cuda:a",), ("foo",), ("",), ("cpu:0:1",), ("CPU",), (" cpu",)),
]


@pytest.mark.parametrize("args", DEVICE_ARGUMENTS)
def test_device_like_pytorch(args: tuple[Any, ...]) -> None:
    torch = pytest.importorskip("torch")
    assert outcome(device, *args) == outcome(torch.device, *args)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"type": "cuda", "index": 2},
        {"device": "cuda"},
        {"type": "cuda"},
        {"foo": 1},
        {"index": 0},
        {"type": "cuda:0", "index": 2},
    ],
)
def test_device_keywords_like_pytorch(kwargs: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    assert outcome(device, **kwargs) == outcome(torch.device, **kwargs)


def test_device_recorded() -> None:
    one = device("cuda:1")
    assert (repr(one), str(one), one.type, one.index) == ("device(type='cuda', index=1)", "cuda:1", "cuda", 1)
    assert one == device("cuda", 1) == device(one) and hash(one) == hash(device("cuda", 1))
    assert one != device("cuda") and one != "cuda:1" and device("cpu") != device("cpu:0")
    assert repr(device("cpu")) == "device(type='cpu')" and device("cpu").index is None
    assert pickle.loads(pickle.dumps(one)) is one and copy.deepcopy(one) is one and copy.copy(one) is one
    assert repr(device) == "<class 'torch.device'>"
    with pytest.raises(TypeError, match=r"^comparison not implemented$"):
        one < device("cpu")  # noqa: B015
    with pytest.raises(AttributeError, match=r"^attribute 'type' of 'torch.device' objects is not writable$"):
        one.type = "cpu"


def test_default_device() -> None:
    cpu, meta = device("cpu"), device("meta")
    assert devices.get_default_device() is cpu
    with meta as entered:
        assert entered is meta and devices.get_default_device() is meta
        with cpu:
            assert devices.get_default_device() is cpu
        with meta:
            pass
        assert devices.get_default_device() is meta
        seen: list[device] = []
        thread = threading.Thread(target=lambda: seen.append(devices.get_default_device()))
        thread.start()
        thread.join()
        assert seen == [cpu], "each thread has its own default device"
    assert devices.get_default_device() is cpu
    devices.set_default_device("meta")
    assert devices.get_default_device() is meta
    with pytest.raises(RuntimeError, match=r"^Expected one of cpu, cuda, "):
        devices.set_default_device("foo")
    assert devices.get_default_device() is meta
    devices.set_default_device(None)
    assert devices.get_default_device() is cpu


# ------------------------------------------------------------------------------------------------ plain names


@pytest.mark.parametrize("kind", ["layout", "memory_format"])
def test_names(kind: str) -> None:
    named = devices.LAYOUTS if kind == "layout" else devices.MEMORY_FORMATS
    for name, one in named.items():
        assert repr(one) == str(one) == f"torch.{name}" and getattr(devices, name) is one
        assert pickle.loads(pickle.dumps(one)) is one and copy.deepcopy(one) is one
    assert repr(type(one)) == f"<class 'torch.{kind}'>"
    with pytest.raises(TypeError, match=f"^cannot create 'torch.{kind}' instances$"):
        type(one)()


def test_names_like_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for kind, named in ((torch.layout, devices.LAYOUTS), (torch.memory_format, devices.MEMORY_FORMATS)):
        theirs = {name for name in dir(torch) if isinstance(getattr(torch, name), kind)}
        assert theirs - {"legacy_contiguous_format"} == set(named)
        assert all(repr(getattr(torch, name)) == repr(named[name]) for name in named)
