"""save and load: round trips, files that PyTorch wrote or reads, files that are damaged or malicious."""

from __future__ import annotations

import io
import os
import pickle
import threading
import warnings
import zipfile
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import nn, serialization
from wengert.serialization import load, save

DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128", "uint8", "int8", "int16", "int32",
          "int64", "uint16", "uint32", "uint64", "bool")  # fmt: skip


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


def saved(obj: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    save(obj, file, **options)
    file.seek(0)
    return file


def again(obj: Any, **options: Any) -> Any:
    return load(saved(obj), **options)


def saved_by(torch: Any, obj: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return file


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", DTYPES)
def test_every_dtype(name: str, legacy: bool) -> None:
    x = wengert.tensor([0, 1, 1, 0, 1]).to(getattr(wengert, name))
    y = load(saved(x, _use_new_zipfile_serialization=not legacy))
    assert y.dtype is x.dtype
    assert y.tolist() == x.tolist()


def test_plain_values() -> None:
    values = [None, True, False, 0, -1, 255, 256, -(1 << 31), 1 << 40, -(1 << 100), 1.5, float("inf"), "text é", "", b"by\xff",
              (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], [1, [2]], {}, {"a": {"b": 1}}, {1, 2}, bytearray(b"x"), 1 + 2j,
              OrderedDict(a=1), Counter("aab"), wengert.Size([1, 2]), wengert.device("cpu"), wengert.float32, wengert.bool,
              wengert.bfloat16, wengert.strided, "x" * 300]  # fmt: skip
    back = again(values)
    assert back == values
    assert [type(v) for v in back] == [type(v) for v in values]


def test_shared_memory_strides_and_gradients() -> None:
    x = wengert.arange(12.0).reshape(3, 4)
    back = again({"x": x, "t": x.t(), "column": x[:, 1], "wide": wengert.ones(1).expand(5), "empty": wengert.empty(0, 3),
                  "scalar": wengert.tensor(3), "leaf": wengert.ones(2, requires_grad=True)})  # fmt: skip
    back["x"].fill_(7)
    assert back["t"].stride() == (1, 4) and back["t"].tolist() == [[7.0] * 3] * 4
    assert back["column"].storage_offset() == 1 and back["column"].tolist() == [7.0] * 3
    assert back["wide"].stride() == (0,)
    assert back["empty"].shape == (0, 3) and back["scalar"].shape == ()
    assert back["leaf"].requires_grad and back["leaf"].is_leaf


def test_loaded_tensors_can_be_changed_and_trained() -> None:
    p = again(nn.Parameter(wengert.ones(3)))
    assert type(p) is nn.Parameter
    (p * p).sum().backward()
    assert p.grad.tolist() == [2.0] * 3
    x = again(wengert.zeros(2))
    x.add_(1)
    assert x.tolist() == [1.0, 1.0]


def test_attributes_and_subclasses() -> None:
    p, t = nn.Parameter(wengert.ones(1)), wengert.ones(1)
    p.note, t.note = 1, "two"
    back = again([p, t])
    assert back[0].note == 1 and type(back[0]) is nn.Parameter
    assert back[1].note == "two"
    special = wengert.ones(2).as_subclass(Special)
    with serialization.safe_globals([Special]):
        assert type(again(special)) is Special
    with pytest.raises(pickle.UnpicklingError, match=r"Special was not an allowed global"):
        again(special)


class Special(wengert.Tensor):
    pass


def test_hooks_are_not_written() -> None:
    x = wengert.ones(1, requires_grad=True)
    x.register_hook(lambda g: None)
    with pytest.warns(UserWarning, match="backward hook .* on tensor will not be serialized"):
        saved(x)


def test_storages() -> None:
    x = wengert.arange(3.0)
    back = again({"bytes": x.untyped_storage(), "n": 1})
    assert back["bytes"]._untyped_storage.tolist() == x.untyped_storage().tolist()


def test_one_memory_of_two_types_is_refused() -> None:
    x = wengert.ones(2)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data as diff"):
        saved([x, x.view(wengert.int32)])


def test_state_dict_of_module_and_optimiser() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    optimizer = wengert.optim.Adam(model.parameters(), lr=0.1)
    model(wengert.randn(4, 2)).sum().backward()
    optimizer.step()
    back = again({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3})
    other = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU())
    assert str(other.load_state_dict(back["model"])) == "<All keys matched successfully>"
    other_optimizer = wengert.optim.Adam(other.parameters(), lr=0.5)
    other_optimizer.load_state_dict(back["optimizer"])
    assert other_optimizer.param_groups[0]["lr"] == 0.1
    assert other_optimizer.state[other[0].weight]["exp_avg"].tolist() == optimizer.state[model[0].weight]["exp_avg"].tolist()


def test_whole_module_needs_permission() -> None:
    model = nn.Linear(2, 2)
    with pytest.raises(pickle.UnpicklingError) as caught:
        again(model)
    assert "GLOBAL torch.nn.modules.linear.Linear was not an allowed global by default" in str(caught.value)
    back = again(model, weights_only=False)
    assert type(back) is nn.Linear and back.weight.tolist() == model.weight.tolist()
    with serialization.safe_globals([nn.Linear, set]):
        assert type(again(model)) is nn.Linear
    assert nn.Linear not in serialization.get_safe_globals()


# ---------------------------------------------------------------- paths


def test_path_is_replaced_at_once(tmp_path: Any) -> None:
    path = tmp_path / "model.pt"
    save({"a": wengert.ones(2)}, path)
    assert zipfile.ZipFile(path).namelist()[0] == "model/data.pkl"
    os.chmod(path, 0o640)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save({"a": lambda: 1}, path)
    assert load(path)["a"].tolist() == [1.0, 1.0]
    save({"a": wengert.zeros(2)}, str(path))
    assert load(path)["a"].tolist() == [0.0, 0.0]
    assert os.stat(path).st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["model.pt"]


def test_link_stays_a_link(tmp_path: Any) -> None:
    (tmp_path / "real.pt").write_bytes(b"")
    (tmp_path / "link.pt").symlink_to(tmp_path / "real.pt")
    save(wengert.ones(1), tmp_path / "link.pt")
    assert (tmp_path / "link.pt").is_symlink()
    assert load(tmp_path / "real.pt").tolist() == [1.0]


def test_files_that_only_write() -> None:
    class Sink:
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def write(self, data: Any) -> int:
            self.parts.append(bytes(data))
            return len(data)

    sink = Sink()
    save(wengert.ones(3), sink)
    assert load(io.BytesIO(b"".join(sink.parts))).tolist() == [1.0] * 3


def test_archives_are_sound_and_aligned(tmp_path: Any) -> None:
    path = tmp_path / "x.pt"
    save({"a": wengert.ones(3), "b": wengert.ones(5, dtype=wengert.float64)}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("x/byteorder") in (b"little", b"big")
    from wengert.serialization.archive import ArchiveReader

    with open(path, "rb") as file:
        reader = ArchiveReader(file)
        assert reader.offset("data/0") % 64 == 0 and reader.offset("data/1") % 64 == 0


def test_large_numbers_of_records() -> None:
    from wengert.serialization.archive import ArchiveReader, ArchiveWriter

    file = io.BytesIO()
    writer = ArchiveWriter(file)
    writer.write_record("version", b"3\n")
    for i in range(70_000):
        writer.write_record(f"data/{i}", b"")
    writer.close()
    assert ArchiveReader(file).has("data/69999")


def test_mmap(tmp_path: Any) -> None:
    path = tmp_path / "x.pt"
    save({"a": wengert.arange(1000.0), "e": wengert.empty(0)}, path)
    back = load(path, mmap=True)
    os.unlink(path)
    assert back["a"].sum().item() == 499500
    back["a"][0] = 5
    assert back["a"][0].item() == 5 and back["e"].shape == (0,)
    save({"a": wengert.arange(4.0)}, path)
    changed = load(path, mmap=True)["a"]
    changed.zero_()
    assert load(path)["a"].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        load(saved(1), mmap=True)
    save(1, path, _use_new_zipfile_serialization=False)
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        load(path, mmap=True)


def test_byte_order() -> None:
    x = wengert.tensor([1.5, 2.5])
    z = wengert.tensor([1 + 2j])
    archive = zipfile.ZipFile(saved([x, z]))
    foreign = io.BytesIO()
    with zipfile.ZipFile(foreign, "w") as out:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith("byteorder"):
                data = b"big" if data == b"little" else b"little"
            if "/data/" in name:
                data = np.frombuffer(data, "<u4").byteswap().tobytes()
            out.writestr(name, data)
    foreign.seek(0)
    back = load(foreign)
    assert back[0].tolist() == [1.5, 2.5] and back[1].tolist() == [1 + 2j]


# ---------------------------------------------------------------- map_location


def tagged(tag: str) -> io.BytesIO:
    """A file whose storages were on another device."""
    archive = zipfile.ZipFile(saved({"a": wengert.ones(3)}))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in archive.namelist():
            data = archive.read(name)
            if name.endswith("data.pkl"):
                data = data.replace(b"X\3\0\0\0cpu", b"X" + len(tag).to_bytes(4, "little") + tag.encode())
            file.writestr(name, data)
    out.seek(0)
    return out


@pytest.mark.parametrize(
    "place", ["cpu", wengert.device("cpu"), {"cuda:0": "cpu"}, lambda storage, tag: storage, b"cpu"],
    ids=["string", "device", "dict", "function", "bytes"],
)
def test_map_location(place: Any) -> None:
    assert load(tagged("cuda:0"), map_location=place)["a"].tolist() == [1.0] * 3


def test_devices_that_are_not_here() -> None:
    with pytest.raises(RuntimeError, match=r"Attempting to deserialize object on a CUDA device but torch\.cuda\.is_avail"):
        load(tagged("cuda:0"))
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device"):
        load(saved(wengert.ones(1)), map_location="cuda")
    with pytest.raises(RuntimeError, match=r"don't know how to restore data location of .* \(tagged with xla\)"):
        load(tagged("xla"))
    asked = []
    load(tagged("cuda:1"), map_location=lambda storage, tag: asked.append(tag) or storage)
    assert asked == ["cuda:1"]


# ---------------------------------------------------------------- damaged files


@pytest.mark.parametrize("legacy", [False, True])
def test_truncated_anywhere(legacy: bool) -> None:
    whole = saved({"a": wengert.ones(100), "b": [1, 2]}, _use_new_zipfile_serialization=not legacy).getvalue()
    for end in range(0, len(whole) - 1, 29):
        for weights_only in (True, False):
            with pytest.raises((RuntimeError, EOFError, pickle.UnpicklingError, KeyError)):
                load(io.BytesIO(whole[:end]), weights_only=weights_only)


def test_errors_of_files() -> None:
    with pytest.raises(RuntimeError, match="PytorchStreamReader failed reading zip archive: failed finding central dir"):
        load(io.BytesIO(saved(1).getvalue()[:-30]))
    with pytest.raises(EOFError):
        load(io.BytesIO())
    with pytest.raises(FileNotFoundError):
        load("no such file.pt")
    with pytest.raises(RuntimeError, match=r"Parent directory no/such does not exist\."):
        save(1, "no/such/file.pt")
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ValueError, match="I/O operation on closed file"):
        load(closed)
    with pytest.raises(ValueError, match="I/O operation on closed file"):
        save(1, closed)
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like object with a 'write'"):
        save(1, 5)
    with pytest.raises(AttributeError, match="You can only torch.load from a file that is seekable"):
        load(5)
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module is specified"):
        load(saved(1), weights_only=True, pickle_module=pickle)


P = b"\x80\2"


def with_pickle(pickled: bytes, storage: bytes = b"\0" * 12) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a/data.pkl", pickled)
        file.writestr("a/version", "3\n")
        file.writestr("a/byteorder", "little")
        file.writestr("a/data/0", storage)
    out.seek(0)
    return out


def tensor_pickle(offset: int, size: int, stride: int, count: int = 3) -> bytes:
    def number(n: int) -> bytes:
        return b"J" + n.to_bytes(4, "little", signed=True)

    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpu" + number(count) + b"tQ"
    return (b"\x80\2ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset) + b"(" + number(size) + b"t("
            + number(stride) + b"t\x89}tR.")  # fmt: skip


@pytest.mark.parametrize("geometry", [(1, 3, 1), (0, 4, 1), (0, 2, 3), (0, -3, 1), (0, 3, -1), (-1, 3, 1), (0, 2, 1 << 30),
                                      (1 << 30, 1, 1), (0, 3, 1, 9), (0, 3, 1, 2), (0, 3, 1, -3)])  # fmt: skip
@pytest.mark.parametrize("weights_only", [True, False])
def test_no_window_outside_a_storage(geometry: tuple[int, ...], weights_only: bool) -> None:
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        load(with_pickle(tensor_pickle(*geometry)), weights_only=weights_only)


@pytest.mark.parametrize("state", [(0, (4,), (1,)), (-1, (1,), (1,)), (0, (2,), (-1,)), (2, (3,), (0,))])
def test_no_window_outside_a_storage_by_state(state: Any) -> None:
    storage = b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000X\3\0\0\0cpuK\3tQ"
    offset, size, stride = (b"J" + n.to_bytes(4, "little", signed=True) for n in (state[0], *state[1], *state[2]))
    built = P + b"ctorch\nTensor\n)\x81(" + storage + offset + b"(" + size + b"t(" + stride + b"ttb."
    if state == (2, (3,), (0,)):
        assert load(with_pickle(built)).tolist() == [0.0] * 3
        return
    with pytest.raises(RuntimeError):
        load(with_pickle(built))


def test_the_window_itself() -> None:
    assert load(with_pickle(tensor_pickle(0, 3, 1))).tolist() == [0.0] * 3
    assert load(with_pickle(tensor_pickle(2, 5, 0))).tolist() == [0.0] * 5


# ---------------------------------------------------------------- malicious files

RAN: list[str] = []


class Evil:
    def __reduce__(self) -> Any:
        return RAN.append, ("ran",)


class EvilState:
    def __setstate__(self, state: Any) -> None:
        RAN.append("state")

    def __getstate__(self) -> Any:
        return 1



REFUSED = [
    (P + b"cos\nsystem\nX\2\0\0\0id\x85R.", "Trying to load unsupported GLOBAL os.system whose module os is blocked."),
    (P + b"cposix\nsystem\n.", "Trying to load unsupported GLOBAL posix.system whose module posix is blocked."),
    (P + b"c__builtin__\neval\nX\1\0\0\x001\x85R.", "GLOBAL eval was not an allowed global by default"),
    (P + b"cbuiltins\ngetattr\n.", "GLOBAL getattr was not an allowed global by default"),
    (P + b"ctorch.nn.modules.linear\nLinear\n)\x81.", "GLOBAL torch.nn.modules.linear.Linear was not an allowed"),
    (P + b"ctorch.serialization\nload\n.", "GLOBAL torch.serialization.load was not an allowed"),
    (P + b"cwengert.serialization\nload\n.", "GLOBAL wengert.serialization.load was not an allowed"),
    (P + b"(X\2\0\0\0idios\nsystem\n.", "Unsupported operand 105"),
    (P + b"\x8c\2os\x8c\6system\x93.", "Unsupported operand 140"),
    (P + b"\x82\1.", "Unsupported operand 130"),
    (P + b"K\1)R.", "Trying to call reduce for unrecognized function 1"),
    (P + b"ctorch\nTensor\n}X\1\0\0\0aK\1sb.", "Can only build Tensor, Parameter, OrderedDict or types allowlisted via"),
    (P + b"]}b.", "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got"),
    (P + b"ctorch.nn.parameter\nParameter\nX\1\0\0\0aK\1s.", "Can only SETITEM for dict, collections.OrderedDict"),
    (P + b"K\1K\2a.", "Can only append to lists, but got <class 'int'>"),
    (P + b"K\1(K\2e.", "Can only extend lists, but got <class 'int'>"),
    (P + b"X\1\0\0\0aQ.", "persistent_load id must be tuple or int, but got <class 'str'>"),
    (P + b"X\6\0\0\0module\x85Q.", "Only persistent_load of storage is allowed, but got <class 'str'>"),
    (P + b"ctorch\nSize\n)\x81.", "Can only create new object for nn.Parameter or classes allowlisted"),
]


@pytest.mark.parametrize(("pickled", "message"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_refused(pickled: bytes, message: str) -> None:
    with pytest.raises(pickle.UnpicklingError) as caught:
        load(with_pickle(pickled))
    assert message in str(caught.value)
    assert str(caught.value).startswith("Weights only load failed. ")


@pytest.mark.parametrize(("pickled", "message"), REFUSED, ids=[str(i) for i in range(len(REFUSED))])
def test_refused_in_the_same_words(torch: Any, pickled: bytes, message: str) -> None:
    if b"wengert" in pickled or b"Size" in pickled:
        pytest.skip("PyTorch reads no such name, or takes more classes")
    texts = []
    for function in (torch.load, load):
        with pytest.raises(pickle.UnpicklingError) as caught:
            function(with_pickle(pickled))
        texts.append(str(caught.value).replace("wengert.core.tensor.", "torch._C._")
                         .replace("wengert.nn.", "torch.nn."))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_runs(legacy: bool) -> None:
    RAN.clear()
    for evil in (Evil(), EvilState()):
        with pytest.raises(pickle.UnpicklingError):
            load(saved({"a": evil}, _use_new_zipfile_serialization=not legacy))
    assert RAN == []
    load(saved(EvilState()), weights_only=False)
    assert RAN == ["state"]


def test_safe_globals() -> None:
    assert serialization.get_safe_globals() == []
    state = saved(EvilState())
    with serialization.safe_globals([EvilState]):
        assert type(load(state)) is EvilState
        seen: list[Any] = []
        thread = threading.Thread(target=lambda: seen.extend(serialization.get_safe_globals()))
        thread.start()
        thread.join()
        assert seen == []
    state.seek(0)
    serialization.add_safe_globals([(EvilState, f"{__name__}.EvilState")])
    try:
        assert type(load(state)) is EvilState
    finally:
        serialization.clear_safe_globals()
    state.seek(0)
    assert serialization.get_unsafe_globals_in_checkpoint(state) == [f"{__name__}.EvilState"]


def test_not_torch_tensors_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    with pytest.warns(UserWarning, match="TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD detected"):
        load(saved(nn.ReLU()))
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    with pytest.raises(RuntimeError, match="Only one of `TORCH_FORCE_WEIGHTS_ONLY_LOAD` or"):
        load(saved(1))
    monkeypatch.delenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    with pytest.raises(pickle.UnpicklingError):
        load(saved(nn.ReLU()), weights_only=False)


# ---------------------------------------------------------------- PyTorch's files


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_both_ways(torch: Any, name: str, legacy: bool) -> None:
    if legacy and name in ("uint16", "uint32", "uint64"):
        pytest.skip("PyTorch's old format has no such storages")
    x = wengert.tensor([0, 1, 1]).to(getattr(wengert, name))
    y = torch.tensor([0, 1, 1]).to(getattr(torch, name))
    options = {"_use_new_zipfile_serialization": not legacy}
    theirs = torch.load(saved(x, **options), weights_only=True)
    assert theirs.dtype == y.dtype and theirs.tolist() == y.tolist()
    ours = load(saved_by(torch, y, **options))
    assert ours.dtype is x.dtype and ours.tolist() == x.tolist()


def test_geometry_both_ways(torch: Any) -> None:
    for first, write, read in ((wengert, saved, torch.load), (torch, lambda o: saved_by(torch, o), load)):
        x = first.arange(12.0).reshape(3, 4)
        p = first.nn.Parameter(first.ones(2))
        p.note = "n"
        back = read(write(OrderedDict(x=x, t=x.t(), c=x[:, 1], p=p, s=first.Size([1]), d=first.device("cpu"), f=first.float16)))
        assert back["x"].data_ptr() == back["t"].data_ptr()
        assert back["t"].stride() == (1, 4) and back["c"].storage_offset() == 1
        assert back["p"].note == "n" and back["p"].requires_grad and type(back["p"]).__name__ == "Parameter"
        assert repr(back["f"]) == "torch.float16" and str(back["d"]) == "cpu" and repr(back["s"]) == "torch.Size([1])"


def test_lazily_conjugated(torch: Any) -> None:
    x = torch.tensor([1 + 2j])
    assert load(saved_by(torch, x.conj())).tolist() == [1 - 2j]
    assert load(saved_by(torch, x.conj().imag)).tolist() == [-2.0]


MODULES = [
    "Linear(2, 3)", "Conv2d(1, 2, 3, padding='same')", "BatchNorm2d(3)", "LSTM(2, 3)", "GRU(2, 3, 2, bidirectional=True)",
    "MultiheadAttention(4, 2)", "TransformerEncoderLayer(4, 2, 8)", "TransformerDecoderLayer(4, 2, 8, activation='gelu')",
    "Embedding(3, 4)", "Sequential(nn.ReLU(), nn.Linear(2, 2))", "ModuleList([nn.GELU()])", "ModuleDict({'a': nn.Tanh()})",
    "Dropout()", "MaxPool2d(2)", "LayerNorm(3)", "CrossEntropyLoss()", "PixelShuffle(2)", "Upsample(2)", "LSTMCell(2, 2)",
    "ParameterList([nn.Parameter(torch.ones(2))])",
]  # fmt: skip


@pytest.mark.parametrize("text", MODULES)
def test_whole_modules_both_ways(torch: Any, text: str) -> None:
    theirs = eval("nn." + text, {"nn": torch.nn, "torch": torch})
    ours = eval("nn." + text, {"nn": nn, "torch": wengert})
    there = torch.load(saved(ours), weights_only=False)
    here = load(saved_by(torch, theirs), weights_only=False)
    for back, kind, source in ((there, type(theirs), ours), (here, type(ours), theirs)):
        assert type(back) is kind
        assert repr(back) == repr(source)
        before, after = source.state_dict(), back.state_dict()
        assert list(before) == list(after)
        assert all(before[k].tolist() == after[k].tolist() for k in before)


def test_recurrent_module_works_there_and_here(torch: Any) -> None:
    theirs = torch.nn.LSTM(2, 3)
    ours = load(saved_by(torch, theirs), weights_only=False)
    x = torch.randn(4, 1, 2)
    expected = theirs(x)[0]
    np.testing.assert_allclose(ours(wengert.tensor(x.numpy()))[0].detach().numpy(), expected.detach().numpy(), atol=1e-6)
    assert torch.equal(torch.load(saved(ours), weights_only=False)(x)[0], expected)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "NAdam", "Rprop"])
def test_optimisers_both_ways(torch: Any, name: str) -> None:
    for first, second, write, read in ((wengert, torch, saved, torch.load),
                                       (torch, wengert, lambda o: saved_by(torch, o), load)):  # fmt: skip
        p = first.nn.Parameter(first.ones(2, 2))
        optimizer = getattr(first.optim, name)([p], lr=0.1)
        p.grad = first.ones(2, 2)
        optimizer.step()
        q = second.nn.Parameter(second.tensor(p.tolist()))
        other = getattr(second.optim, name)([q], lr=0.7)
        other.load_state_dict(read(write(optimizer.state_dict())))
        for o, param, package in ((optimizer, p, first), (other, q, second)):
            param.grad = package.full((2, 2), 0.5)
            o.step()
        np.testing.assert_allclose(np.array(q.tolist()), np.array(p.tolist()), rtol=1e-6)
        assert type(read(write(optimizer), weights_only=False)).__name__ == name


def test_functions_by_their_public_names(torch: Any) -> None:
    f = {"relu": nn.functional.relu, "gelu": nn.functional.gelu, "tanh": wengert.tanh}
    assert torch.load(saved(f), weights_only=False)["relu"] is torch.nn.functional.relu
    theirs = {"relu": torch.nn.functional.relu, "gelu": torch.nn.functional.gelu, "tanh": torch.tanh}
    assert load(saved_by(torch, theirs), weights_only=False) == f


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_protocols_both_ways(torch: Any, protocol: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.load(saved([wengert.ones(1), nn.ReLU()], pickle_protocol=protocol), weights_only=False)[0].item() == 1
        file = saved_by(torch, [torch.ones(1), torch.nn.ReLU()], pickle_protocol=protocol)
        assert load(file, weights_only=False)[0].item() == 1


def test_legacy_views_and_errors(torch: Any) -> None:
    x = torch.arange(4.0)
    file = saved_by(torch, {"a": x[1:], "b": x}, _use_new_zipfile_serialization=False)
    back = load(file)
    back["b"].fill_(9)
    assert back["a"].tolist() == [9.0] * 3
    with pytest.raises(RuntimeError, match=r"unexpected EOF, expected 4 more bytes\. The file might be corrupted\."):
        load(io.BytesIO(file.getvalue()[:-4]))
    with pytest.raises(RuntimeError, match=r"Invalid magic number; corrupt file\?"):
        load(io.BytesIO(pickle.dumps(5, 2)))


def test_old_files_one_after_the_other(torch: Any, tmp_path: Any) -> None:
    with open(tmp_path / "x.pt", "wb") as file:
        save([wengert.ones(2)], file, _use_new_zipfile_serialization=False)
        torch.save({"b": torch.zeros(1)}, file, _use_new_zipfile_serialization=False)
        save(3, file, _use_new_zipfile_serialization=False)
    for weights_only in (True, False):
        with open(tmp_path / "x.pt", "rb") as file:
            assert load(file, weights_only=weights_only)[0].tolist() == [1.0, 1.0]
            assert load(file, weights_only=weights_only)["b"].tolist() == [0.0]
            assert load(file, weights_only=weights_only) == 3
            with pytest.raises(EOFError):
                load(file)
    with open(tmp_path / "x.pt", "rb") as file:
        assert torch.load(file)[0].tolist() == [1.0, 1.0]


# ---------------------------------------------------------------- safetensors


def test_safetensors(tmp_path: Any) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "x.safetensors"
    tensors = {"a": wengert.arange(6.0).reshape(2, 3), "h": wengert.ones(2, dtype=wengert.bfloat16)}
    wengert.save_file(tensors, path, metadata={"k": "v"})
    for back in (wengert.load_file(path), load(path)):
        assert back["a"].tolist() == tensors["a"].tolist() and back["h"].dtype is wengert.bfloat16
        back["a"].add_(1)
    with pytest.raises(RuntimeError, match="Some tensors share memory"):
        wengert.save_file({"a": tensors["a"], "b": tensors["a"].view(-1)}, path)
    with pytest.raises(ValueError, match="non contiguous tensor: `a`"):
        wengert.save_file({"a": tensors["a"].t()}, path)


def test_without_safetensors(tmp_path: Any) -> None:
    try:
        import safetensors  # noqa: F401
    except ImportError:
        with pytest.raises(RuntimeError, match="Attempting to load a safetensors file but safetensors is not installed"):
            load(tmp_path / "x.safetensors")
        with pytest.raises(ImportError):
            wengert.save_file({}, tmp_path / "x.safetensors")
    else:
        pytest.skip("safetensors is installed")
