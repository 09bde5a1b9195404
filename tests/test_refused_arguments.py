"""Arguments that PyTorch refuses are refused, and sequences are padded into the shape of the first."""

from __future__ import annotations

import pytest

import wengert
from wengert.nn.utils.rnn import pad_sequence


@pytest.mark.parametrize("name", ["zeros", "ones", "empty"])
def test_named_dimensions_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected keyword argument 'names'"):
        getattr(wengert, name)(2, names=("a",))
    with pytest.raises(TypeError, match=r"full\(\) got an unexpected keyword argument 'names'"):
        wengert.full((2,), 1.0, names=("a",))  # type: ignore[call-arg]


def test_pad_sequence_takes_the_shape_of_the_first() -> None:
    with pytest.raises(RuntimeError, match=r"output with shape \[3, 1\] doesn't match the broadcast shape \[3, 2\]"):
        pad_sequence([wengert.ones(2, 1), wengert.ones(3, 2)])
    x = wengert.ones(3, 1, requires_grad=True)
    padded = pad_sequence([wengert.zeros(2, 2), x])
    assert padded.shape == (3, 2, 2)
    padded.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [[2.0]] * 3
