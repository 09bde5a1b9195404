"""Neural network modules: `wengert.nn`."""

from __future__ import annotations

from ..core.missing import missing as _missing
from . import attention as attention
from . import functional as functional
from . import init as init
from . import modules as modules
from . import parallel as parallel
from . import parameter as parameter
from . import reduction as _reduction
from . import utils as utils
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
from .module import Module as Module
from .multihead import *
from .normalization import *
from .padding import *
from .parallel import DataParallel as DataParallel
from .parameter import Buffer as Buffer
from .parameter import Parameter as Parameter
from .parameter import UninitializedBuffer as UninitializedBuffer
from .parameter import UninitializedParameter as UninitializedParameter
from .pooling import *
from .rnn import *
from .sparse import *
from .transformer import *
from .upsampling import *

__all__ = [name for name in dir() if not name.startswith("_") and name != "annotations"]

__getattr__ = _missing(__name__, lazy=("common_types", "grad"))
