"""Sequences of unequal length: padded, packed, and back."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Iterable
from typing import Any, NamedTuple

from ...core.tensor import Tensor
from .._functional.base import T

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class PackedSequence_(NamedTuple):
    """The fields of a packed batch."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(PackedSequence_):
    """A batch sorted by length, stored time step by time step without padding.

    `data` (all elements, *); `batch_sizes`: how many sequences reach each step; `sorted_indices`: the permutation that
    sorted the batch, and `unsorted_indices` its inverse (None where the batch was sorted already).
    """

    __slots__ = ()

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if batch_sizes is None:
            # the old form: one pair
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in "
                "nn.utils.rnn. https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def pin_memory(self) -> PackedSequence:
        """The same with pinned memory."""
        return self._mapped(lambda t: t.pin_memory(), lambda t: t.pin_memory())

    def _mapped(self, on_data: Any, on_indices: Any) -> PackedSequence:
        return type(self)(
            on_data(self.data),
            self.batch_sizes,
            None if self.sorted_indices is None else on_indices(self.sorted_indices),
            None if self.unsorted_indices is None else on_indices(self.unsorted_indices),
        )

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """`data.to(...)`, and the indices to the same device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        return self._mapped(lambda t: data, lambda t: t.to(data.device))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to a GPU."""
        return self._mapped(lambda t: t.cuda(*args, **kwargs), lambda t: t.cuda(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to the CPU."""
        return self.to(device="cpu")

    def double(self) -> PackedSequence:
        """Cast to float64."""
        return self._cast("double")

    def float(self) -> PackedSequence:
        """Cast to float32."""
        return self._cast("float")

    def half(self) -> PackedSequence:
        """Cast to float16."""
        return self._cast("half")

    def long(self) -> PackedSequence:
        """Cast to int64."""
        return self._cast("long")

    def int(self) -> PackedSequence:
        """Cast to int32."""
        return self._cast("int")

    def short(self) -> PackedSequence:
        """Cast to int16."""
        return self._cast("short")

    def char(self) -> PackedSequence:
        """Cast to int8."""
        return self._cast("char")

    def byte(self) -> PackedSequence:
        """Cast to uint8."""
        return self._cast("byte")

    def _cast(self, name: str) -> PackedSequence:
        return self._mapped(lambda t: getattr(t, name)(), lambda t: t)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU."""
        return self.data.device.type == "cuda"

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation: Any) -> Any:
    """The inverse permutation; None for None."""
    if permutation is None:
        return None
    return T.empty_like(permutation).scatter_(0, permutation, T.arange(permutation.numel(), device=permutation.device))


_NOT_SORTED = (
    "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
    "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not "
    "need ONNX exportability."
)


def pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch (time, batch, *) with the given lengths.

    Errors: RuntimeError for lengths that do not fit the batch, are not positive, or (with `enforce_sorted`) not
    decreasing.
    """
    if not isinstance(input, Tensor):
        raise TypeError(
            "_pack_padded_sequence(): argument 'input' (position 1) must be Tensor, not " + type(input).__name__
        )
    if not isinstance(lengths, Tensor):
        lengths = T.as_tensor(lengths, dtype=_long())
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = T.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    steps = input.transpose(0, 1) if batch_first else input
    sizes = [int(n) for n in lengths.tolist()]
    if len(sizes) != steps.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={steps.shape[1]})"
        )
    if any(n <= 0 for n in sizes):
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in zip(sizes, sizes[1:])):
        raise RuntimeError(_NOT_SORTED)
    counts = [sum(n > t for n in sizes) for t in range(sizes[0])]
    data = T.cat([steps[t, :count] for t, count in enumerate(counts)], 0)
    return PackedSequence(data, T.tensor(counts, dtype=_long()), sorted_indices, None)


def _long() -> Any:
    from ...core.dtypes import int64

    return int64


def pad_packed_sequence(
    sequence: Any, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Any, Any]:
    """(the padded batch, the lengths): the inverse of `pack_padded_sequence`.

    Errors: ValueError when `total_length` is shorter than the longest sequence.
    """
    counts = [int(n) for n in sequence.batch_sizes.tolist()]
    longest = len(counts)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    data = sequence.data
    batch, trailing = counts[0], tuple(data.shape[1:])
    parts = []
    for step, count in zip(data.split(counts, 0), counts):
        if count < batch:
            step = T.cat([step, step.new_full((batch - count, *trailing), padding_value)], 0)
        parts.append(step)
    padded = T.stack(parts, 0)
    if longest > len(counts):
        filler = data.new_full((longest - len(counts), batch, *trailing), padding_value)
        padded = T.cat([padded, filler], 0)
    lengths = T.tensor([sum(count > i for count in counts) for i in range(batch)], dtype=_long())
    if batch_first:
        padded = padded.transpose(0, 1)
    order = sequence.unsorted_indices
    if order is not None:
        return padded.index_select(0 if batch_first else 1, order), lengths[order]
    return padded, lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Any:
    """Stack tensors (length, *) of unequal length into (longest, batch, *), padded on one side."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    sequences = list(sequences.unbind(0)) if isinstance(sequences, Tensor) else list(sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    longest = max(s.size(0) for s in sequences)
    rest = sequences[0].shape[1:]
    rows = []
    for s in sequences:
        if s.shape[1:] != rest:  # as PyTorch, which copies each into its place: it may broadcast
            s = s.new_empty((s.size(0), *rest)).copy_(s)
        missing = longest - s.size(0)
        if missing:
            filler = s.new_full((missing, *s.shape[1:]), padding_value)
            s = T.cat([s, filler] if padding_side == "right" else [filler, s], 0)
        rows.append(s)
    return T.stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Any]:
    """The list of sequences that were padded."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [row[: int(n)] for row, n in zip(padded_sequences, lengths)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of tensors (length, *)."""
    lengths = T.as_tensor([s.size(0) for s in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Any]:
    """The list of tensors that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
