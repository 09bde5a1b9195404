"""`TorchVersion`: a version that is a string, and compares as versions do."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

__all__ = ["TorchVersion"]

#: release, pre-release, post-release, development release, local part (PEP 440)
_FORM = re.compile(
    r"v?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_n>\d*))?"
    r"(?:-(?P<post_only>\d+)|[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?",
    re.IGNORECASE,
)
_RANKS = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}


def _key(version: Any) -> tuple[Any, ...]:
    """What versions are ordered by. Raises ValueError for what is no version."""
    text = ".".join(map(str, version)) if isinstance(version, (tuple, list)) else str(version)
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"Invalid version: {text!r}")
    release = [int(n) for n in found["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    post = found["post_only"] or (found["post_n"] or 0 if found["post"] else -1)
    dev = int(found["dev_n"] or 0) if found["dev"] else math.inf
    pre: tuple[float, int] = (math.inf, 0)
    if found["pre"]:
        pre = _RANKS[found["pre"].lower()], int(found["pre_n"] or 0)
    elif found["dev"] and int(post) < 0:
        pre = (-1, 0)  # a development release comes before the pre-releases
    local = re.split(r"[-_.]", found["local"].lower()) if found["local"] else []
    return release, pre, int(post), dev, [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in local]


def _comparison(compare: Callable[[Any, Any], bool], as_text: Callable[[str, Any], bool]) -> Any:
    def method(self: TorchVersion, other: Any) -> bool:
        try:
            return compare(_key(self), _key(other))
        except ValueError:
            return as_text(self, other)

    return method


class TorchVersion(str):
    """A string that compares as a version with strings and tuples: `torch.__version__ >= (2, 2)`, `... >= "2.2"`."""

    __slots__ = ()
    __eq__ = _comparison(operator.eq, str.__eq__)
    __lt__ = _comparison(operator.lt, str.__lt__)
    __le__ = _comparison(operator.le, str.__le__)
    __gt__ = _comparison(operator.gt, str.__gt__)
    __ge__ = _comparison(operator.ge, str.__ge__)
    __ne__ = str.__ne__  # as text, as PyTorch's is
    __hash__ = str.__hash__
