"""Room for what a kernel needs only while it runs: the next call gets the same memory again.

Fresh memory of a megabyte costs the system about as much as writing it ten times over, for it comes page by page.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

Array = Any

#: what is larger than this is made anew each time
_MOST = 1 << 22
_held = threading.local()


def room_for(shape: tuple[int, ...], dtype: Any, name: str = "") -> Array:
    """An array of any content. Each thread, and each `name`, has memory of its own: it must not outlive the kernel."""
    size = math.prod(shape) * dtype.itemsize
    if size > _MOST:
        return np.empty(shape, dtype)
    held = _held.__dict__.get(name)
    if held is None or held.size < size:
        held = _held.__dict__[name] = np.empty(size, np.uint8)
    return held[:size].view(dtype).reshape(shape)
