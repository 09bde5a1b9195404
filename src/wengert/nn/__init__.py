"""Neural network modules: `wengert.nn`."""

from __future__ import annotations

from ..core.missing import missing as _missing
from . import attention, functional, init, modules, parallel, parameter, utils
from . import reduction as _reduction
from .activation import *
from .adaptive import *
from .batchnorm import *
from .container import *
from .conv import *
from .distance import *
from .dropout import *
from .flatten import *
from .fold import *
from .instancenorm import *
from .linear import *
from .loss import *
from .module import Module
from .multihead import *
from .normalization import *
from .padding import *
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from .pooling import *
from .rnn import *
from .sparse import *
from .transformer import *
from .upsampling import *

__all__ = [name for name in dir() if not name.startswith("_") and name != "annotations"]

__getattr__ = _missing(__name__, lazy=("common_types", "grad"))
