"""torch.hub: models from a directory with a `hubconf.py`. Nothing is downloaded."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir"]

_dir: str | None = None


def get_dir() -> str:
    """Where PyTorch keeps what it downloads: set_dir, $TORCH_HOME/hub, $XDG_CACHE_HOME/torch/hub, ~/.cache/torch/hub."""
    if _dir is not None:
        return _dir
    cache = os.environ.get("XDG_CACHE_HOME", os.path.join("~", ".cache"))
    home = os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))
    return os.path.join(home, "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Set what `get_dir` returns."""
    global _dir
    _dir = os.path.expanduser(os.fspath(d))


def _hubconf(repo_or_dir: Any, source: str, what: str) -> ModuleType:
    source = source.lower()
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "github":
        raise NotImplementedError(f"torch.hub.{what} from the network; fetch {repo_or_dir} and pass source='local'")
    from importlib.util import module_from_spec, spec_from_file_location

    directory = os.fspath(repo_or_dir)
    path = os.path.join(directory, "hubconf.py")
    spec = spec_from_file_location("hubconf", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.path.insert(0, directory)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(directory)
    needs = getattr(module, "dependencies", None)
    if needs:
        from importlib.util import find_spec

        lacking = [name for name in needs if name != "torch" and find_spec(name) is None]
        if lacking:
            raise RuntimeError(f"Missing dependencies: {', '.join(lacking)}")
    return module


def _entry(module: ModuleType, model: str) -> Any:
    if not isinstance(model, str):
        raise ValueError("Invalid input: model should be a string of function name")
    found = getattr(module, model, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return found


def load(
    repo_or_dir: Any, model: str, *args: Any, source: str = "github", trust_repo: Any = "check",
    force_reload: bool = False, verbose: bool = True, skip_validation: bool = False, **kwargs: Any,
) -> Any:  # fmt: skip
    """Call the function `model` of a directory's hubconf.py (source="local"). It runs the code that stands there.

    Raises NotImplementedError for source="github", RuntimeError if there is no such function.
    """
    return _entry(_hubconf(repo_or_dir, source, "load"), model)(*args, **kwargs)


def list(github: Any, force_reload: bool = False, skip_validation: bool = False, trust_repo: Any = "check",
         verbose: bool = True) -> NoReturn:  # fmt: skip
    """Not supported: it asks the network."""
    raise NotImplementedError("torch.hub.list from the network")


def help(github: Any, model: str, force_reload: bool = False, skip_validation: bool = False,
         trust_repo: Any = "check") -> NoReturn:  # fmt: skip
    """Not supported: it asks the network."""
    raise NotImplementedError("torch.hub.help from the network")


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> NoReturn:
    """Not supported: nothing is downloaded."""
    raise NotImplementedError(f"torch.hub.download_url_to_file; fetch {url} yourself")


def load_state_dict_from_url(
    url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True, check_hash: bool = False,
    file_name: str | None = None, weights_only: bool = False,
) -> Any:  # fmt: skip
    """The state dict of a file that is there already, under the last part of `url` (or `file_name`) in `model_dir`.

    Raises NotImplementedError if it is not: nothing is downloaded.
    """
    from urllib.parse import urlparse

    from .serialization import load as load_file

    directory = model_dir if model_dir is not None else os.path.join(get_dir(), "checkpoints")
    path = os.path.join(directory, file_name or os.path.basename(urlparse(url).path))
    if not os.path.exists(path):
        raise NotImplementedError(f"torch.hub.load_state_dict_from_url: fetch {url} yourself and put it at {path}")
    return load_file(path, map_location=map_location, weights_only=weights_only)
