"""`nn.init` and the initial weights of the layers: for one seed they are PyTorch's, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from nn_compare import same
from wengert import nn

FILLS = {
    "uniform": lambda i, x: i.uniform_(x, -1.0, 2.0),
    "normal": lambda i, x: i.normal_(x, 1.0, 0.5),
    "trunc_normal": lambda i, x: i.trunc_normal_(x),
    "trunc_normal_shifted": lambda i, x: i.trunc_normal_(x, mean=1.0, std=0.5, a=0.0, b=3.0),
    "trunc_normal_tail": lambda i, x: i.trunc_normal_(x, a=2.0, b=3.0),
    "trunc_normal_narrow": lambda i, x: i.trunc_normal_(x, std=2.0, a=-0.1, b=0.1),
    "constant": lambda i, x: i.constant_(x, 0.3),
    "ones": lambda i, x: i.ones_(x),
    "zeros": lambda i, x: i.zeros_(x),
    "xavier_uniform": lambda i, x: i.xavier_uniform_(x, gain=1.5),
    "xavier_normal": lambda i, x: i.xavier_normal_(x),
    "kaiming_uniform": lambda i, x: i.kaiming_uniform_(x, a=0.3, mode="fan_out"),
    "kaiming_normal": lambda i, x: i.kaiming_normal_(x, nonlinearity="relu"),
}


def bits(x: Any) -> Any:
    return np.asarray(x.detach().double().tolist())


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("shape", [(3, 4), (20, 30), (4, 2, 3, 3)], ids=str)
def test_fills_to_the_bit(name: str, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, wengert):
        t.manual_seed(3)
        x = t.nn.Parameter(t.empty(shape))
        assert FILLS[name](t.nn.init, x) is x
        found.append((bits(x), bits(t.rand(3))))  # and the generator stands where PyTorch's does
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (2, 3, 2)], ids=str)
def test_orthogonal(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, wengert):
        t.manual_seed(3)
        found.append((bits(t.nn.init.orthogonal_(t.empty(shape), gain=2)), bits(t.rand(2))))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=2e-4, atol=1e-5)  # QR rounds as its LAPACK does
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize(
    "fill",
    [
        lambda t: t.nn.init.eye_(t.empty(3, 5)),
        lambda t: t.nn.init.eye_(t.empty(5, 3)),
        lambda t: t.nn.init.dirac_(t.empty(4, 2, 3)),
        lambda t: t.nn.init.dirac_(t.empty(4, 2, 3, 3), groups=2),
        lambda t: t.nn.init.dirac_(t.empty(2, 3, 1, 3, 2)),
        lambda t: t.nn.init.sparse_(t.empty(5, 4), 0.4),
        lambda t: t.nn.init.kaiming_normal_(t.empty(2, 2), generator=t.Generator().manual_seed(5)),
    ],
)
def test_patterns(fill: Any) -> None:
    pytest.importorskip("torch")
    same(fill, rtol=0, atol=0)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: [t.nn.init.calculate_gain(n) for n in ("linear", "conv1d", "sigmoid", "tanh", "relu", "selu")],
        lambda t: [t.nn.init.calculate_gain("leaky_relu", a) for a in (None, 0.2, 2)],
        lambda t: t.nn.init.calculate_gain("foo"),
        lambda t: t.nn.init.calculate_gain("leaky_relu", True),
        lambda t: t.nn.init.calculate_gain("leaky_relu", "a"),
        lambda t: t.nn.init.eye_(t.empty(2)),
        lambda t: t.nn.init.dirac_(t.empty(2)),
        lambda t: t.nn.init.dirac_(t.empty(3, 2, 3), 2),
        lambda t: t.nn.init.xavier_uniform_(t.empty(2)),
        lambda t: t.nn.init.kaiming_uniform_(t.empty(2, 2), mode="foo"),
        lambda t: t.nn.init.kaiming_uniform_(t.empty(0, 2)),
        lambda t: t.nn.init.orthogonal_(t.empty(2)),
        lambda t: t.nn.init.orthogonal_(t.empty(0, 2)),
        lambda t: t.nn.init.sparse_(t.empty(2), 0.1),
        lambda t: t.nn.init.trunc_normal_(t.empty(2), mean=10.0),
        lambda t: t.nn.init.uniform_(t.empty(2), 3, 1),
        lambda t: t.nn.init.normal_(t.empty(2), 0, -1),
        lambda t: t.nn.init.uniform(t.empty(2)),
        lambda t: t.nn.init.kaiming_normal(t.empty(2, 2)),
    ],
)
def test_like_pytorch(call: Any) -> None:
    pytest.importorskip("torch")
    same(call, first_line=True)


LAYERS = {
    "Linear": lambda n: n.Linear(3, 4),
    "Linear without bias": lambda n: n.Linear(3, 4, bias=False),
    "Linear float64": lambda n: n.Linear(30, 40),
    "Bilinear": lambda n: n.Bilinear(2, 3, 4),
    "Conv1d": lambda n: n.Conv1d(2, 4, 3),
    "Conv2d": lambda n: n.Conv2d(4, 6, (3, 2), groups=2),
    "Conv3d": lambda n: n.Conv3d(2, 3, 2, bias=False),
    "ConvTranspose1d": lambda n: n.ConvTranspose1d(2, 4, 3),
    "ConvTranspose2d": lambda n: n.ConvTranspose2d(4, 6, 3, groups=2),
    "ConvTranspose3d": lambda n: n.ConvTranspose3d(2, 3, 2),
    "RNN": lambda n: n.RNN(2, 3, 2),
    "LSTM": lambda n: n.LSTM(2, 4, 2, bidirectional=True, proj_size=2),
    "GRU": lambda n: n.GRU(2, 3, bias=False),
    "RNNCell": lambda n: n.RNNCell(2, 3),
    "LSTMCell": lambda n: n.LSTMCell(2, 3),
    "GRUCell": lambda n: n.GRUCell(2, 3, bias=False),
    "Embedding": lambda n: n.Embedding(5, 3),
    "Embedding padded": lambda n: n.Embedding(5, 3, padding_idx=-2),
    "EmbeddingBag": lambda n: n.EmbeddingBag(5, 3, padding_idx=1),
    "PReLU": lambda n: n.PReLU(3),
    "BatchNorm2d": lambda n: n.BatchNorm2d(3),
    "InstanceNorm1d": lambda n: n.InstanceNorm1d(3, affine=True, track_running_stats=True),
    "GroupNorm": lambda n: n.GroupNorm(2, 4),
    "LayerNorm": lambda n: n.LayerNorm((2, 3)),
    "RMSNorm": lambda n: n.RMSNorm(3),
    "MultiheadAttention": lambda n: n.MultiheadAttention(4, 2),
    "MultiheadAttention kdim": lambda n: n.MultiheadAttention(4, 2, kdim=3, vdim=2, add_bias_kv=True),
    "TransformerEncoderLayer": lambda n: n.TransformerEncoderLayer(4, 2, 8),
    "TransformerDecoderLayer": lambda n: n.TransformerDecoderLayer(4, 2, 8, bias=False),
    "Transformer": lambda n: n.Transformer(4, 2, 2, 1, 8),
    "AdaptiveLogSoftmaxWithLoss": lambda n: n.AdaptiveLogSoftmaxWithLoss(8, 10, [2, 5], div_value=2.0, head_bias=True),
    "Sequential": lambda n: n.Sequential(n.Linear(2, 8), n.ReLU(), n.Linear(8, 1)),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_initial_state_to_the_bit(name: str) -> None:
    torch = pytest.importorskip("torch")
    found = []
    for t in (torch, wengert):
        t.manual_seed(11)
        module = LAYERS[name](t.nn)
        found.append((repr(module), module.state_dict(), bits(t.rand(2))))
    (repr_a, a, rest_a), (repr_b, b, rest_b) = found
    assert repr_a == repr_b
    assert list(a) == list(b)
    assert dict(a._metadata) == dict(b._metadata)
    for key in a:
        assert str(a[key].dtype) == str(b[key].dtype)
        np.testing.assert_array_equal(bits(a[key]), bits(b[key]), err_msg=key)
    np.testing.assert_array_equal(rest_a, rest_b)


def test_recorded_linear() -> None:
    wengert.manual_seed(0)
    layer = nn.Linear(2, 3)
    np.testing.assert_allclose(
        bits(layer.weight),
        [
            [-0.005293981172144413, 0.37932288646698],
            [-0.5819807648658752, -0.5203874707221985],
            [-0.27234524488449097, 0.1896158903837204],
        ],
        rtol=1e-7,
    )
    np.testing.assert_allclose(
        bits(layer.bias), [-0.014010033570230007, 0.5606575012207031, -0.06275151669979095], rtol=1e-7
    )


def test_recorded_trunc_normal() -> None:
    wengert.manual_seed(0)
    np.testing.assert_allclose(
        bits(nn.init.trunc_normal_(wengert.empty(5))),
        [1.5409960746765137, -0.293428897857666, 0.8380263447761536, 0.5684312582015991, -1.0845223665237427],
        rtol=1e-6,
    )
