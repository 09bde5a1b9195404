"""`detect_anomaly` and `set_detect_anomaly`."""

from __future__ import annotations

from ..core.errors import warn
from ..core.modes import Mode, mode, set_mode


class detect_anomaly:
    """Context in which a backward that fails, or makes nan (`check_nan`), names the forward line that is to blame."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for "
             "debugging.")  # fmt: skip

    def __enter__(self) -> None:
        self._previous = mode()
        set_mode(self._previous.replace(anomaly=True, check_nan=self.check_nan))

    def __exit__(self, *exc: object) -> None:
        set_mode(mode().replace(anomaly=self._previous.anomaly, check_nan=self._previous.check_nan))


class set_detect_anomaly:
    """Switch anomaly detection: as a function call at once, as a context manager until its end."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._previous = now()
        set_mode(self._previous.replace(anomaly=mode, check_nan=check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        set_mode(mode().replace(anomaly=self._previous.anomaly, check_nan=self._previous.check_nan))


def now() -> Mode:
    """The current mode (`mode` is an argument above)."""
    return mode()


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return mode().anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection looks for nan."""
    return mode().check_nan
