"""wengert: PyTorch's autograd, whole, in Python that can be read, on NumPy.

>>> import wengert as torch
>>> x = torch.tensor(2.0, requires_grad=True)
>>> y = x**2 + 3*x + 1
>>> y.backward()
>>> y, x.grad
(tensor(11., grad_fn=<AddBackward0>), tensor(7.))
"""

from __future__ import annotations

import warnings as _warnings
from typing import TYPE_CHECKING as _TYPE_CHECKING

# PyTorch gives no floating-point warnings; NumPy's would be credited to our lines.
_warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"wengert\.")

from . import ops as _ops  # noqa: E402
from ._version import __version__ as _wengert_version  # noqa: E402
from .core import devices as _devices  # noqa: E402
from .core import dtypes as _dtypes  # noqa: E402
from .core.devices import device, layout, memory_format  # noqa: E402
from .core.dtypes import (  # noqa: E402
    dtype,
    finfo,
    get_default_dtype,
    iinfo,
    set_default_dtype,
)
from .core.errors import is_warn_always_enabled, set_warn_always  # noqa: E402
from .core.generator import (  # noqa: E402
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from .core.missing import missing as _missing  # noqa: E402
from .core.modes import (  # noqa: E402
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .core.printing import set_printoptions  # noqa: E402
from .core.promotion import can_cast, promote_types  # noqa: E402
from .core.size import Size  # noqa: E402
from .core.tensor import Tensor  # noqa: E402
from .torch_version import TorchVersion as _TorchVersion  # noqa: E402

globals().update(_dtypes.DTYPES)
globals().update(_dtypes.ALIASES)
globals().update({name: value for name, value in vars(_devices).items() if isinstance(value, (layout, memory_format))})
globals().update({name: fn for name, fn in _ops.FUNCTIONS.items() if "." not in name})

from . import autograd  # noqa: E402
from .autograd.anomaly_mode import is_anomaly_check_nan_enabled, is_anomaly_enabled  # noqa: E402

get_default_device = _devices.get_default_device
set_default_device = _devices.set_default_device

#: the PyTorch version whose behaviour this is, then our own
__version__ = _TorchVersion(f"2.13.0+wengert{_wengert_version}")

from math import e, inf, nan, pi  # noqa: E402

newaxis = None

#: submodules that are imported when they are first used
_LAZY = (
    "_C", "_dynamo", "_tensor", "_utils", "accelerator", "amp", "backends", "compat", "compiler", "cpu", "cuda",
    "distributed", "distributions", "fft", "func", "functional", "hub", "jit", "linalg", "mps", "mtia",
    "multiprocessing", "nn", "onnx", "optim", "overrides", "profiler", "random", "return_types", "serialization",
    "signal", "special", "storage", "testing", "torch_version", "types", "utils", "version", "xpu",
)  # fmt: skip
#: names that submodules hold, fetched when they are first used
_ELSEWHERE = {
    "DisableTorchFunctionSubclass": "overrides",
    "GradScaler": "amp",
    "OutOfMemoryError": "cuda",
    "autocast": "amp",
    "compile": "compiler",
    "load": "serialization",
    "load_file": "serialization",
    "save": "serialization",
    "save_file": "serialization",
    "thread_safe_generator": "random",
    "vmap": "func",
    **dict.fromkeys(
        (
            "autocast_decrement_nesting", "autocast_increment_nesting", "clear_autocast_cache", "get_autocast_cpu_dtype",
            "get_autocast_dtype", "get_autocast_gpu_dtype", "is_autocast_cache_enabled", "is_autocast_cpu_enabled",
            "is_autocast_enabled", "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
            "set_autocast_dtype", "set_autocast_enabled",
        ),
        "amp.autocast_mode",
    ),
    **dict.fromkeys(
        (
            "are_deterministic_algorithms_enabled", "get_deterministic_debug_mode", "get_float32_matmul_precision",
            "get_num_interop_threads", "get_num_threads", "is_deterministic_algorithms_warn_only_enabled",
            "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal",
            "set_num_interop_threads", "set_num_threads", "use_deterministic_algorithms",
        ),
        "settings",
    ),
}  # fmt: skip
if _TYPE_CHECKING:  # what the loops above and `__getattr__` bring, for those who read and do not run
    from . import (
        accelerator,
        amp,
        backends,
        compiler,
        cpu,
        cuda,
        distributed,
        fft,
        func,
        hub,
        jit,
        linalg,
        mps,
        multiprocessing,
        nn,
        onnx,
        optim,
        overrides,
        profiler,
        serialization,
        special,
        storage,
        testing,
        types,
        utils,
        xpu,
    )  # fmt: skip
    from ._functions import *
    from .amp import GradScaler, autocast
    from .amp.autocast_mode import get_autocast_dtype, is_autocast_enabled, set_autocast_dtype
    from .compiler import compile
    from .func import vmap
    from .serialization import load, load_file, save, save_file
    from .settings import *
else:
    __getattr__ = _missing(__name__, lazy=_LAZY, elsewhere=_ELSEWHERE)

#: what PyTorch's `from torch import *` leaves out
_NOT_STARRED = {
    "BFloat16Storage", "BFloat16Tensor", "ComplexDoubleStorage", "ComplexFloatStorage", "HalfStorage", "HalfTensor",
    "Storage", "autograd", "broadcast_shapes", "copy", "digamma_", "eig", "erfinv_", "from_dlpack", "lgamma_", "lstsq",
    "lu", "matrix_rank", "pca_lowrank", "set_default_dtype", "set_grad_enabled", "solve", "svd_lowrank", "symeig",
    "to_dlpack", "unique",
}  # fmt: skip
_STARRED = (
    {name for name in _ops.FUNCTIONS if "." not in name}
    | {*_dtypes.DTYPES, *_dtypes.ALIASES, *_ELSEWHERE}
    | {"is_anomaly_check_nan_enabled", "is_anomaly_enabled", "is_warn_always_enabled", "set_warn_always"}
) - {"load_file", "save_file"}
__all__ = [  # noqa: PLE0604
    *sorted(name for name in _STARRED - _NOT_STARRED if not name.startswith("_")),
    "Generator",
    "Size",
    "Tensor",
    "can_cast",
    "default_generator",
    "device",
    "dtype",
    "e",
    "enable_grad",
    "finfo",
    "get_default_device",
    "get_default_dtype",
    "get_rng_state",
    "iinfo",
    "inf",
    "inference_mode",
    "initial_seed",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "layout",
    "manual_seed",
    "memory_format",
    "nan",
    "newaxis",
    "no_grad",
    "pi",
    "promote_types",
    "seed",
    "set_default_device",
    "set_printoptions",
    "set_rng_state",
]

from .core.intercept import arm_for_importer as _arm_for_importer  # noqa: E402

_arm_for_importer()
