"""torch.utils.tensorboard: a `SummaryWriter` on the tensorboard package, which must be installed.

Scalars, histograms, texts and images are written; graphs, videos and what else PyTorch's writer takes is refused by name.
"""

from __future__ import annotations

import os
import time
from importlib import import_module
from typing import Any

import numpy as np

from ..core.tensor import Tensor

__all__ = ["SummaryWriter"]

import_module("tensorboard")  # ModuleNotFoundError here, as in PyTorch, not at the first value


def _proto(name: str) -> Any:
    return import_module(f"tensorboard.compat.proto.{name}_pb2")


def _array(value: Any) -> np.ndarray[Any, Any]:
    return value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)  # type: ignore[attr-defined]


class SummaryWriter:
    """Writes event files into `log_dir` (default: runs/DATE_HOST + comment). A context manager."""

    def __init__(
        self, log_dir: str | os.PathLike[str] | None = None, comment: str = "", purge_step: int | None = None,
        max_queue: int = 10, flush_secs: int = 120, filename_suffix: str = "",
    ) -> None:  # fmt: skip
        if not log_dir:
            import socket

            log_dir = os.path.join("runs", time.strftime("%b%d_%H-%M-%S") + "_" + socket.gethostname() + comment)
        self.log_dir = os.fspath(log_dir)
        self._options = (max_queue, flush_secs, filename_suffix)
        self._writer: Any = None
        if purge_step is not None:
            event = _proto("event")
            start = event.Event(step=purge_step, file_version="brain.Event:2")
            self._add(start, None, purge_step)
            log = event.SessionLog(status=event.SessionLog.START)
            self._add(event.Event(session_log=log), None, purge_step)

    def _add(self, event: Any, walltime: float | None, step: int | None) -> None:
        if self._writer is None:
            module = import_module("tensorboard.summary.writer.event_file_writer")
            max_queue, flush_secs, suffix = self._options
            self._writer = module.EventFileWriter(self.log_dir, max_queue, flush_secs, suffix)
        event.wall_time = time.time() if walltime is None else walltime
        if step is not None:
            event.step = int(step)
        self._writer.add_event(event)

    def _value(self, step: int | None, walltime: float | None, **value: Any) -> None:
        summary = _proto("summary").Summary
        self._add(_proto("event").Event(summary=summary(value=[summary.Value(**value)])), walltime, step)

    def get_logdir(self) -> str:
        """Where the files are."""
        return self.log_dir

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: int | None = None, walltime: float | None = None,
        new_style: bool = False, double_precision: bool = False,
    ) -> None:  # fmt: skip
        """One number. Raises AssertionError for anything of more than one element."""
        value = _array(scalar_value)
        if value.size != 1:
            raise AssertionError("scalar should be 0D")
        self._value(global_step, walltime, tag=tag, simple_value=float(value.reshape(())))

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: dict[str, Any], global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Several numbers, each in a directory of its own below the log directory."""
        for tag, value in tag_scalar_dict.items():
            place = os.path.join(self.log_dir, main_tag.replace("/", "_") + "_" + tag)
            with SummaryWriter(place) as writer:
                writer.add_scalar(main_tag, value, global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A text."""
        summary = _proto("summary")
        plugin = summary.SummaryMetadata.PluginData(plugin_name="text", content=b"")
        tensor = _proto("tensor").TensorProto(
            dtype="DT_STRING", string_val=[text_string.encode()],
            tensor_shape=_proto("tensor_shape").TensorShapeProto(
                dim=[_proto("tensor_shape").TensorShapeProto.Dim(size=1)]
            ),
        )  # fmt: skip
        self._value(
            global_step, walltime, tag=tag + "/text_summary", metadata=summary.SummaryMetadata(plugin_data=plugin),
            tensor=tensor,
        )  # fmt: skip

    def add_histogram(
        self, tag: str, values: Any, global_step: int | None = None, bins: Any = "auto", walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:  # fmt: skip
        """How values are distributed. Raises ValueError for none."""
        flat = _array(values).astype(np.float64).reshape(-1)
        if flat.size == 0:
            raise ValueError("The input has no element.")
        counts, limits = np.histogram(flat, bins="auto" if bins == "tensorflow" else bins)
        histogram = _proto("summary").HistogramProto(
            min=flat.min(), max=flat.max(), num=flat.size, sum=flat.sum(), sum_squares=float(flat @ flat),
            bucket_limit=limits[1:].tolist(), bucket=counts.tolist(),
        )  # fmt: skip
        self._value(global_step, walltime, tag=tag, histo=histogram)

    def add_image(
        self, tag: str, img_tensor: Any, global_step: int | None = None, walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:  # fmt: skip
        """An image: floats from 0 to 1 or uint8, its dimensions as `dataformats` names them. Needs Pillow."""
        import io

        image = _array(img_tensor)
        image = image[..., None] if "C" not in dataformats else image
        letters = dataformats if "C" in dataformats else dataformats + "C"
        image = image.transpose([letters.index(letter) for letter in "HWC"])
        if image.dtype != np.uint8:
            image = (image * 255).clip(0, 255).astype(np.uint8)
        height, width, channels = image.shape
        file = io.BytesIO()
        picture = image[..., 0] if channels == 1 else image
        import_module("PIL.Image").fromarray(picture).save(file, format="PNG")
        made = _proto("summary").Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=file.getvalue()
        )
        self._value(global_step, walltime, tag=tag, image=made)

    def flush(self) -> None:
        """Write what waits."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("add_"):
            raise NotImplementedError(f"SummaryWriter.{name}")
        raise AttributeError(f"'SummaryWriter' object has no attribute {name!r}")
