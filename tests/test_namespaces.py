"""The small namespaces: what programs ask and set, and clear errors for what is not here."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert
from wengert import nn
from wengert.testing import assert_close, make_tensor

MODULES = (
    "accelerator amp amp.autocast_mode amp.grad_scaler backends backends.cpu backends.cuda backends.cudnn backends.mkl "
    "backends.mkldnn backends.mps backends.openmp backends.opt_einsum compiler cpu cuda cuda.amp cuda.memory cuda.nvtx "
    "cuda.random distributed hub jit mps mtia multiprocessing onnx overrides profiler serialization settings storage testing "
    "types utils.checkpoint utils.hooks utils.serialization xpu"
).split()


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_there(name: str) -> None:
    module = importlib.import_module(f"wengert.{name}")
    assert module.__doc__
    for public in module.__all__:
        assert hasattr(module, public), public


@pytest.mark.parametrize("name", [m for m in MODULES if m not in ("settings", "compiler", "cpu")])
def test_names_are_pytorchs(torch: Any, name: str) -> None:
    ours = importlib.import_module(f"wengert.{name}")
    theirs = importlib.import_module(f"torch.{name}")
    extra = {"overrides": {"DisableTorchFunctionSubclass", "has_torch_function_unary", "has_torch_function_variadic"},
             "serialization": {"load_file", "save_file"}}.get(name, set())  # fmt: skip
    assert [n for n in ours.__all__ if not hasattr(theirs, n) and n not in extra] == []


def test_importing_stays_light(python: Callable[..., Any]) -> None:
    code = (
        "import sys, wengert; lazy = ('serialization', 'amp', 'cuda', 'backends', 'testing', 'jit', 'hub');"
        "print([n for n in lazy if 'wengert.' + n in sys.modules])"
    )
    assert python("-c", code).stdout.strip() == "[]"


def test_names_of_the_package() -> None:
    from wengert import load, save

    assert save is wengert.serialization.save and load is wengert.serialization.load
    assert wengert.vmap is wengert.func.vmap
    assert wengert.autocast is wengert.amp.autocast and wengert.GradScaler is wengert.amp.GradScaler
    with pytest.raises(AttributeError, match="module 'torch' has no attribute 'no_such_name'"):
        wengert.no_such_name  # noqa: B018


# ---------------------------------------------------------------- devices


def test_no_cuda() -> None:
    cuda = wengert.cuda
    assert not cuda.is_available() and cuda.device_count() == 0 and not cuda.is_initialized()
    assert cuda.empty_cache() is None and cuda.manual_seed_all(1) is None and cuda.memory_allocated() == 0
    for function in (cuda.current_device, cuda.synchronize, cuda.get_device_name, cuda.init, cuda.get_rng_state):
        with pytest.raises(AssertionError, match="^Torch not compiled with CUDA enabled$"):
            function()
    with pytest.raises(RuntimeError, match="torch.cuda.Stream requires CUDA support"):
        cuda.Stream()
    with pytest.raises(TypeError, match=r"type torch\.cuda\.FloatTensor not available\. Torch not compiled with CUDA"):
        cuda.FloatTensor(2)
    with pytest.raises(RuntimeError, match="PyTorch was compiled without CUDA support"), cuda.device(0):
        pass
    with cuda.device(None), cuda.stream(None):
        pass
    device = wengert.device("cuda" if cuda.is_available() else "mps" if wengert.backends.mps.is_available() else "cpu")
    assert device.type == "cpu"
    assert not wengert.xpu.is_available() and not wengert.mps.is_available() and not wengert.accelerator.is_available()
    assert wengert.distributed.is_available() and not wengert.distributed.is_initialized()
    assert wengert.cpu.is_available() and wengert.cpu.current_device() == "cpu"


def test_backends() -> None:
    cudnn = wengert.backends.cudnn
    before = cudnn.benchmark
    cudnn.benchmark = True
    cudnn.deterministic = True
    with cudnn.flags(enabled=False, benchmark=False):
        assert not cudnn.enabled and not cudnn.benchmark
    assert cudnn.enabled and cudnn.benchmark
    cudnn.benchmark, cudnn.deterministic = before, False
    assert not cudnn.is_available() and cudnn.version() is None
    wengert.backends.cuda.matmul.allow_tf32 = True
    with pytest.raises(AttributeError, match="Unknown attribute foo"):
        wengert.backends.cuda.matmul.foo = 1
    assert not wengert.backends.mkldnn.is_available() and not wengert.backends.openmp.is_available()


# ---------------------------------------------------------------- settings


def test_settings() -> None:
    threads = wengert.get_num_threads()
    wengert.set_num_threads(threads)
    assert wengert.get_num_threads() == threads >= 1
    for wrong, message in ((0, "set_num_threads expects a positive integer"), ("a", "expects an int, but got str")):
        with pytest.raises(RuntimeError, match=message):
            wengert.set_num_threads(wrong)
    try:
        wengert.use_deterministic_algorithms(True)
        assert wengert.are_deterministic_algorithms_enabled() and wengert.get_deterministic_debug_mode() == 2
        wengert.set_deterministic_debug_mode("warn")
        assert wengert.is_deterministic_algorithms_warn_only_enabled() and wengert.get_deterministic_debug_mode() == 1
        with pytest.raises(RuntimeError, match="expected one of `default`, `warn`, `error`, but got foo"):
            wengert.set_deterministic_debug_mode("foo")
        with pytest.raises(TypeError, match=r"argument 'mode' \(position 1\) must be bool, not str"):
            wengert.use_deterministic_algorithms("x")
    finally:
        wengert.set_deterministic_debug_mode(0)
    assert wengert.get_float32_matmul_precision() == "highest"
    wengert.set_float32_matmul_precision("high")
    with pytest.warns(UserWarning, match="foo is not one of 'highest', 'high', or 'medium'"):
        wengert.set_float32_matmul_precision("foo")
    assert wengert.get_float32_matmul_precision() == "high"
    wengert.set_float32_matmul_precision("highest")


# ---------------------------------------------------------------- compiled code


@pytest.mark.filterwarnings("ignore:torch.compile. JAX is not installed")
def test_compile() -> None:
    model = nn.Linear(2, 2)
    made = wengert.compile(model, mode="max-autotune")
    assert made._orig_mod is model and list(made.state_dict()) == ["_orig_mod.weight", "_orig_mod.bias"]
    assert repr(made) == "OptimizedModule(\n  (_orig_mod): Linear(in_features=2, out_features=2, bias=True)\n)"

    @wengert.compile
    def f(x: Any) -> Any:
        return x + 1

    @wengert.compiler.disable
    def g(x: Any) -> Any:
        return x + 1

    assert f(1) == g(1) == 2 and not wengert.compiler.is_compiling()
    with pytest.raises(RuntimeError, match="Unrecognized mode=foo, should be one of: default, lite, reduce-overhead"):
        wengert.compile(f, mode="foo")
    with pytest.raises(RuntimeError, match="Either mode or options can be specified"):
        wengert.compile(f, mode="default", options={})
    with pytest.raises(AssertionError, match="A callable function is expected, but <class 'int'> is provided"):
        wengert.compile(3)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_jit_returns_what_it_gets(tmp_path: Any) -> None:
    jit = wengert.jit
    model = nn.ReLU()
    assert jit.script(model) is model and jit.trace(model, wengert.ones(1)) is model
    with pytest.warns(DeprecationWarning, match="`torch.jit.script` is deprecated"):
        jit.script(model)

    @jit.script
    def f(x: Any) -> Any:
        return x * 2

    @jit.ignore
    def a(x: Any) -> Any:
        return x

    @jit.ignore(drop=True)
    def b(x: Any) -> Any:
        return x

    assert f(2) == 4 and a(1) == b(1) == 1
    assert jit.export(f) is f and jit.unused(f) is f and jit.annotate(int, 3) == 3
    assert not jit.is_scripting() and not jit.is_tracing()
    assert jit.isinstance([1], list[int]) and not jit.isinstance(["a"], list[int])
    assert jit.wait(jit.fork(f, 3)) == 6
    assert isinstance(model, jit.ScriptModule) is False and issubclass(jit.ScriptModule, nn.Module)
    with pytest.raises(ValueError, match="The provided filename nope does not exist"):
        jit.load("nope")
    with pytest.raises(NotImplementedError):
        jit.save(model, tmp_path / "x")


def test_clear_refusals() -> None:
    for call in (
        lambda: wengert.onnx.export(nn.ReLU(), (wengert.ones(1),), "x.onnx"),
        lambda: wengert.hub.load("pytorch/vision", "resnet18"),
        lambda: wengert.hub.load_state_dict_from_url("https://example.com/no/such.pth"),
        lambda: wengert.profiler.profile(profile_memory=True),
    ):
        with pytest.raises(NotImplementedError, match="torch"):
            call()
    with wengert.profiler.record_function("name"):
        pass


def test_hub_from_a_directory(tmp_path: Any) -> None:
    (tmp_path / "hubconf.py").write_text("dependencies = ['numpy']\ndef model(n=1):\n    return n + 1\n")
    assert wengert.hub.load(tmp_path, "model", 4, source="local") == 5
    with pytest.raises(RuntimeError, match="Cannot find callable other in hubconf"):
        wengert.hub.load(tmp_path, "other", source="local")
    with pytest.raises(ValueError, match='Unknown source: "foo". Allowed values: "github" | "local".'):
        wengert.hub.load(tmp_path, "model", source="foo")
    wengert.save({"a": wengert.ones(1)}, tmp_path / "x.pth")
    found = wengert.hub.load_state_dict_from_url("https://example.com/x.pth", model_dir=str(tmp_path))
    assert found["a"].tolist() == [1.0]


# ---------------------------------------------------------------- mixed precision


def test_autocast() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with wengert.autocast("cpu", enabled=False), wengert.autocast("cuda", enabled=False):
            assert not wengert.is_autocast_enabled()
    with pytest.warns(UserWarning, match="CUDA is not available or torch_xla is imported. Disabling autocast."):
        context = wengert.autocast("cuda", dtype=wengert.float16)
    with context:
        assert (wengert.ones(2, 2) @ wengert.ones(2, 2)).dtype is wengert.float32
    with pytest.raises(RuntimeError, match="Expected one of cpu, cuda, ipu"):
        wengert.autocast("foo")
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not supported"):
        wengert.autocast("cpu", dtype=wengert.float64)
    assert wengert.get_autocast_dtype("cpu") is wengert.bfloat16


def scaled_training(package: Any) -> list[Any]:
    seen: list[Any] = []
    scaler = package.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    p = package.nn.Parameter(package.ones(2))
    optimizer = package.optim.SGD([p], lr=0.1)

    def attempt(call: Callable[[], Any]) -> None:
        try:
            seen.append(call())
        except Exception as error:
            seen.append(f"{type(error).__name__}: {error}")

    attempt(lambda: scaler.step(optimizer))
    attempt(scaler.update)
    for factor in (1.0, 1.0, float("inf"), 1.0, 1.0, float("nan"), 1.0):
        optimizer.zero_grad()
        scaler.scale((p * p * factor).sum()).backward()
        scaler.step(optimizer)
        attempt(lambda: scaler.step(optimizer))
        attempt(lambda: scaler.unscale_(optimizer))
        scaler.update()
        seen += [scaler.get_scale(), p.tolist(), scaler._get_growth_tracker()]
    attempt(lambda: scaler.unscale_(optimizer))
    attempt(lambda: scaler.unscale_(optimizer))
    attempt(lambda: scaler.step(optimizer, closure=1))
    optimizer.zero_grad()
    scaler.update()
    attempt(lambda: scaler.step(optimizer))
    seen.append(scaler.state_dict())
    scaler.load_state_dict({**scaler.state_dict(), "scale": 3.0})
    seen.append(scaler.get_scale())
    attempt(lambda: scaler.load_state_dict({}))
    attempt(lambda: package.amp.GradScaler("cpu", growth_factor=0.5))
    return seen


def test_grad_scaler(torch: Any) -> None:
    assert scaled_training(wengert) == scaled_training(torch)


def test_grad_scaler_switched_off() -> None:
    with pytest.warns(UserWarning, match="torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling."):
        scaler = wengert.amp.GradScaler()
    p = nn.Parameter(wengert.ones(1))
    optimizer = wengert.optim.SGD([p], lr=1.0)
    scaler.scale((p * 0.5).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [0.5] and scaler.get_scale() == 1.0 and scaler.state_dict() == {}


# ---------------------------------------------------------------- testing

PAIRS: list[Callable[[Any], tuple[Any, Any, dict[str, Any]]]] = [
    lambda t: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.1]), {}),
    lambda t: (t.tensor([1.0, 2.0, 3.0]), t.tensor([1.0, 2.1, 9.0]), {}),
    lambda t: (t.tensor(1.0), t.tensor(2.0), {}),
    lambda t: (t.tensor([1, 2]), t.tensor([1, 3]), {}),
    lambda t: (t.tensor([1, 2]), t.tensor([1.0, 2]), {}),
    lambda t: (t.tensor([1.0, 2]), t.tensor([1.0, 2, 3]), {}),
    lambda t: (1.0, 1.5, {}),
    lambda t: (1, 2, {}),
    lambda t: (1, 2.0, {}),
    lambda t: ([1.0, 2.0], [1.0, 3.0], {}),
    lambda t: ([1.0], [1.0, 2.0], {}),
    lambda t: ({"a": 1.0}, {"b": 1.0}, {}),
    lambda t: ({"a": [t.tensor([1.0])]}, {"a": [t.tensor([2.0])]}, {}),
    lambda t: ("a", "a", {}),
    lambda t: (None, None, {}),
    lambda t: (None, 1, {}),
    lambda t: (t.tensor([float("nan")]), t.tensor([float("nan")]), {}),
    lambda t: (t.tensor([float("nan")]), t.tensor([float("nan")]), {"equal_nan": True}),
    lambda t: (t.tensor([1.0]), t.tensor([1.0]), {"rtol": 1}),
    lambda t: (t.tensor([1.0]), t.tensor([2.0]), {"rtol": 0, "atol": 0}),
    lambda t: (t.tensor([1.0]), t.tensor([2.0]), {"msg": "hi"}),
    lambda t: (t.tensor([1.0]), t.tensor([2.0]), {"msg": lambda m: "X " + m}),
    lambda t: (t.tensor([True]), t.tensor([False]), {}),
    lambda t: (t.tensor([1 + 1j]), t.tensor([1 + 2j]), {}),
    lambda t: (True, False, {}),
    lambda t: (t.tensor([1.0]), t.tensor([1.0], dtype=t.float64), {"check_dtype": False}),
    lambda t: (t.tensor([[1.0]]).expand(2, 1), t.tensor([[1.0], [1.0]]), {"check_stride": True}),
    lambda t: (np.ones(2), np.zeros(2), {}),
    lambda t: (t.ones(2, requires_grad=True), t.ones(2), {}),
    lambda t: (t.empty(0), t.empty(0), {}),
    lambda t: (t.tensor([1.0]), t.tensor([0.0]), {}),
    lambda t: (t.tensor([1.0, 2.5, float("inf")]), t.tensor([1.0, 2.0, float("inf")]), {}),
    lambda t: (t.ones(2, 3).half(), t.ones(2, 3).half() * 1.01, {}),
    lambda t: (t.ones(2, 3).bfloat16(), t.ones(2, 3).bfloat16() * 1.1, {}),
]


def outcome(package: Any, pair: Callable[[Any], Any]) -> str:
    actual, expected, options = pair(package)
    try:
        package.testing.assert_close(actual, expected, **options)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "close"


@pytest.mark.parametrize("pair", PAIRS, ids=[str(i) for i in range(len(PAIRS))])
def test_assert_close(torch: Any, pair: Callable[[Any], Any]) -> None:
    assert outcome(wengert, pair) == outcome(torch, pair)


def test_assert_close_alone() -> None:
    assert_close(wengert.ones(3), wengert.ones(3) + 1e-7)
    with pytest.raises(AssertionError, match=r"Mismatched elements: 1 / 2 \(50\.0%\)"):
        assert_close(wengert.tensor([1.0, 2.0]), wengert.tensor([1.0, 3.0]))
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type <class 'torch.Tensor'> and"):
        assert_close(wengert.ones(1), 1.0)
    with pytest.warns(FutureWarning, match="assert_allclose"):
        wengert.testing.assert_allclose(wengert.ones(1), [1])


MADE: list[Callable[[Any], Any]] = [
    lambda t: ((3,), {"dtype": t.float32}),
    lambda t: (((2, 3),), {"dtype": t.float64, "low": -1, "high": 1}),
    lambda t: ((3,), {"dtype": t.int64}),
    lambda t: ((5,), {"dtype": t.uint8}),
    lambda t: ((5,), {"dtype": t.bool}),
    lambda t: ((2,), {"dtype": t.complex64}),
    lambda t: ((2, 2), {"dtype": t.float16}),
    lambda t: (([4],), {"dtype": t.float32, "noncontiguous": True}),
    lambda t: ((20,), {"dtype": t.int8, "exclude_zero": True}),
    lambda t: ((), {"dtype": t.float32}),
    lambda t: ((3,), {"dtype": t.int32, "low": 2.5, "high": 7}),
    lambda t: ((1, 3, 2, 2), {"dtype": t.float32, "memory_format": t.channels_last}),
    lambda t: ((3,), {"dtype": t.int32, "requires_grad": True}),
    lambda t: ((3,), {"dtype": t.float32, "low": 3, "high": 1}),
    lambda t: ((3,), {"dtype": t.float32, "low": float("nan"), "high": 1}),
    lambda t: ((3,), {"dtype": t.float32, "low": float("-inf")}),
    lambda t: ((3,), {"dtype": t.int16, "low": -1e9}),
]


def made(package: Any, case: Callable[[Any], Any]) -> Any:
    args, options = case(package)
    package.manual_seed(3)
    try:
        x = package.testing.make_tensor(*args, device="cpu", **options)
    except ValueError as error:
        return str(error)
    return x.tolist(), str(x.dtype), x.stride(), x.requires_grad


@pytest.mark.parametrize("case", MADE, ids=[str(i) for i in range(len(MADE))])
def test_make_tensor(torch: Any, case: Callable[[Any], Any]) -> None:
    assert made(wengert, case) == made(torch, case)


def test_make_tensor_alone() -> None:
    x = make_tensor(100, dtype=wengert.float32, device="cpu", requires_grad=True)
    assert x.requires_grad and x.is_leaf and -9 <= x.min().item() and x.max().item() < 9


# ---------------------------------------------------------------- overrides, hooks, tensorboard


class Overriding:
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return "mine", func.__name__, types


def test_overrides() -> None:
    overrides = wengert.overrides
    assert overrides.is_tensor_like(wengert.ones(1)) and overrides.is_tensor_like(Overriding())
    assert not overrides.is_tensor_like(3)
    assert overrides.has_torch_function((Overriding(),)) and not overrides.has_torch_function((wengert.ones(1), 2))

    @overrides.wrap_torch_function(lambda x: (x,))
    def double(x: Any) -> Any:
        return x * 2

    assert double(2) == 4 and double(Overriding()) == ("mine", "double", (Overriding,))


def test_hooks() -> None:
    from wengert.utils.hooks import RemovableHandle, unserializable_hook, warn_if_has_hooks

    x = wengert.ones(1, requires_grad=True)
    handle = x.register_hook(unserializable_hook(lambda g: None))
    assert isinstance(handle, RemovableHandle)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_has_hooks(x)
    x.register_hook(lambda g: None)
    with pytest.warns(UserWarning, match="on tensor will not be serialized"):
        warn_if_has_hooks(x)


def test_tensorboard(tmp_path: Any) -> None:
    if importlib.util.find_spec("tensorboard") is None:
        with pytest.raises(ModuleNotFoundError, match="No module named 'tensorboard'"):
            importlib.import_module("wengert.utils.tensorboard")
        return
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from wengert.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", wengert.tensor(float(step)), step)
        writer.add_histogram("weights", wengert.arange(10.0), 0)
        writer.add_text("note", "text", 0)
        with pytest.raises(NotImplementedError, match=r"SummaryWriter\.add_graph"):
            writer.add_graph(None)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [e.value for e in events.Scalars("loss")] == [0.0, 1.0, 2.0]
    assert events.Histograms("weights")[0].histogram_value.num == 10


def test_multiprocessing() -> None:
    assert wengert.multiprocessing.cpu_count() >= 1
    assert wengert.multiprocessing.get_sharing_strategy() in wengert.multiprocessing.get_all_sharing_strategies()
