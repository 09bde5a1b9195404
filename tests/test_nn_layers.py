"""Every layer: printed form, forward, gradients and errors, compared with PyTorch on the same weights and inputs."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import wengert
from nn_compare import outcome, same
from wengert import nn


def data(t: Any, *shape: int, seed: int = 0, grad: bool = True, low: float = -2.0, high: float = 2.0) -> Any:
    """The same float32 numbers for both."""
    values = np.random.default_rng(seed).uniform(low, high, shape).astype(np.float32)
    x = t.tensor(values.tolist())
    return x.requires_grad_() if grad else x


def run(t: Any, module: Any, *inputs: Any, **kwargs: Any) -> Any:
    """Outputs, gradients of all inputs and parameters, and buffers afterwards."""
    out = module(*inputs, **kwargs)
    outs = [o for o in flat(out) if o is not None and o.is_floating_point()]
    grads = None
    if any(o.requires_grad for o in outs):
        total = sum((o * data(t, *o.shape, seed=9, grad=False)).sum() for o in outs)
        total.backward()
        grads = [x.grad for x in inputs if hasattr(x, "grad")]
    named = {n: p.grad for n, p in module.named_parameters()} if hasattr(module, "named_parameters") else {}
    buffers = dict(module.named_buffers()) if hasattr(module, "named_buffers") else {}
    return [[detached(o) for o in flat(out)], grads, named, buffers]


def detached(o: Any) -> Any:
    return o if o is None else o.detach()


def flat(out: Any) -> list[Any]:
    if isinstance(out, (tuple, list)):
        return [x for o in out for x in flat(o)]
    return [out]


# name -> (module, the inputs' shapes or functions of t)
X = (3, 4)
IMG = (2, 4, 5, 6)
FORWARD: dict[str, Any] = {
    "Identity": (lambda n: n.Identity(5, a=3), [X]),
    "Linear": (lambda n: n.Linear(4, 3), [X]),
    "Linear 1d": (lambda n: n.Linear(4, 3), [(4,)]),
    "Linear 3d": (lambda n: n.Linear(4, 3, bias=False), [(2, 3, 4)]),
    "Bilinear": (lambda n: n.Bilinear(4, 2, 3), [X, (3, 2)]),
    "Flatten": (lambda n: n.Flatten(), [IMG]),
    "Flatten part": (lambda n: n.Flatten(0, 1), [IMG]),
    "Unflatten": (lambda n: n.Unflatten(1, (2, 2)), [IMG]),
    "ReLU": (lambda n: n.ReLU(), [X]),
    "ReLU6": (lambda n: n.ReLU6(), [(9, 9)]),
    "ELU": (lambda n: n.ELU(0.7), [X]),
    "SELU": (lambda n: n.SELU(), [X]),
    "CELU": (lambda n: n.CELU(0.7), [X]),
    "GELU": (lambda n: n.GELU(), [X]),
    "GELU tanh": (lambda n: n.GELU("tanh"), [X]),
    "GLU": (lambda n: n.GLU(), [X]),
    "Hardshrink": (lambda n: n.Hardshrink(), [X]),
    "Hardsigmoid": (lambda n: n.Hardsigmoid(), [X]),
    "Hardswish": (lambda n: n.Hardswish(), [X]),
    "Hardtanh": (lambda n: n.Hardtanh(-0.5, 0.7), [X]),
    "LeakyReLU": (lambda n: n.LeakyReLU(0.2), [X]),
    "LogSigmoid": (lambda n: n.LogSigmoid(), [X]),
    "LogSoftmax": (lambda n: n.LogSoftmax(1), [X]),
    "Mish": (lambda n: n.Mish(), [X]),
    "PReLU": (lambda n: n.PReLU(), [X]),
    "PReLU channels": (lambda n: n.PReLU(4), [X]),
    "RReLU eval": (lambda n: n.RReLU().eval(), [X]),
    "Sigmoid": (lambda n: n.Sigmoid(), [X]),
    "SiLU": (lambda n: n.SiLU(), [X]),
    "Softmax": (lambda n: n.Softmax(1), [X]),
    "Softmax2d": (lambda n: n.Softmax2d(), [IMG]),
    "Softmin": (lambda n: n.Softmin(0), [X]),
    "Softplus": (lambda n: n.Softplus(2.0, 1.5), [X]),
    "Softshrink": (lambda n: n.Softshrink(), [X]),
    "Softsign": (lambda n: n.Softsign(), [X]),
    "Tanh": (lambda n: n.Tanh(), [X]),
    "Tanhshrink": (lambda n: n.Tanhshrink(), [X]),
    "Threshold": (lambda n: n.Threshold(0.1, 20), [X]),
    "Dropout": (lambda n: n.Dropout(0.3), [(20, 30)]),
    "Dropout eval": (lambda n: n.Dropout().eval(), [X]),
    "Dropout all": (lambda n: n.Dropout(1.0), [X]),
    "Dropout1d": (lambda n: n.Dropout1d(), [(2, 4, 3)]),
    "Dropout1d unbatched": (lambda n: n.Dropout1d(), [(4, 3)]),
    "Dropout2d": (lambda n: n.Dropout2d(), [IMG]),
    "Dropout3d": (lambda n: n.Dropout3d(), [(2, 4, 2, 2, 2)]),
    "AlphaDropout": (lambda n: n.AlphaDropout(), [(20, 3)]),
    "FeatureAlphaDropout": (lambda n: n.FeatureAlphaDropout(), [IMG]),
    "MSELoss": (lambda n: n.MSELoss(), [X, X]),
    "MSELoss sum": (lambda n: n.MSELoss(reduction="sum"), [X, X]),
    "MSELoss none": (lambda n: n.MSELoss(reduction="none"), [X, X]),
    "MSELoss broadcast": (lambda n: n.MSELoss(), [X, (4,)]),
    "L1Loss": (lambda n: n.L1Loss(), [X, X]),
    "SmoothL1Loss": (lambda n: n.SmoothL1Loss(beta=0.5), [X, X]),
    "HuberLoss": (lambda n: n.HuberLoss(delta=0.5), [X, X]),
    "CrossEntropyLoss": (lambda n: n.CrossEntropyLoss(), [X, lambda t: t.tensor([0, 3, 1])]),
    "CrossEntropyLoss smooth": (
        lambda n: n.CrossEntropyLoss(ignore_index=3, label_smoothing=0.2),
        [X, lambda t: t.tensor([0, 3, 1])],
    ),
    "CrossEntropyLoss probabilities": (
        lambda n: n.CrossEntropyLoss(reduction="sum"),
        [X, lambda t: data(t, 3, 4, seed=1, low=0.0, high=1.0)],
    ),
    "CrossEntropyLoss images": (
        lambda n: n.CrossEntropyLoss(reduction="none"),
        [IMG, lambda t: (data(t, 2, 5, 6, grad=False, low=0.0, high=3.99)).long()],
    ),
    "LinearCrossEntropyLoss": (lambda n: n.LinearCrossEntropyLoss(4, 5), [X, lambda t: t.tensor([0, 3, 1])]),
    "LinearCrossEntropyLoss dims": (
        lambda n: n.LinearCrossEntropyLoss(4, 5, out_features=(2,), bias=True),
        [X, lambda t: t.tensor([[0, 3], [1, 2], [4, 4]])],
    ),
    "NLLLoss": (lambda n: n.NLLLoss(), [X, lambda t: t.tensor([0, 3, 1])]),
    "BCELoss": (
        lambda n: n.BCELoss(),
        [lambda t: data(t, 3, 4, low=0.1, high=0.9), lambda t: data(t, 3, 4, seed=1, low=0.0, high=1.0, grad=False)],
    ),
    "BCEWithLogitsLoss": (
        lambda n: n.BCEWithLogitsLoss(),
        [X, lambda t: data(t, 3, 4, seed=1, low=0.0, high=1.0, grad=False)],
    ),
    "KLDivLoss": (
        lambda n: n.KLDivLoss(reduction="batchmean"),
        [X, lambda t: data(t, 3, 4, seed=1, low=0.1, high=1.0)],
    ),
    "PoissonNLLLoss": (
        lambda n: n.PoissonNLLLoss(full=True),
        [X, lambda t: data(t, 3, 4, seed=1, low=1.1, high=5.0)],
    ),
    "GaussianNLLLoss": (
        lambda n: n.GaussianNLLLoss(),
        [X, X, lambda t: data(t, 3, 4, seed=1, low=0.5, high=2.0)],
    ),
    "HingeEmbeddingLoss": (
        lambda n: n.HingeEmbeddingLoss(),
        [X, lambda t: data(t, 3, 4, seed=1, grad=False).sign()],
    ),
    "MarginRankingLoss": (
        lambda n: n.MarginRankingLoss(0.1),
        [X, lambda t: data(t, 3, 4, seed=2), lambda t: data(t, 3, 4, seed=1, grad=False).sign()],
    ),
    "CosineEmbeddingLoss": (
        lambda n: n.CosineEmbeddingLoss(0.1),
        [X, lambda t: data(t, 3, 4, seed=2), lambda t: t.tensor([1.0, -1.0, 1.0])],
    ),
    "SoftMarginLoss": (
        lambda n: n.SoftMarginLoss(),
        [X, lambda t: data(t, 3, 4, seed=1, grad=False).sign()],
    ),
    "MultiLabelSoftMarginLoss": (
        lambda n: n.MultiLabelSoftMarginLoss(),
        [X, lambda t: data(t, 3, 4, seed=1, low=0.0, high=1.0, grad=False)],
    ),
    "MultiMarginLoss": (lambda n: n.MultiMarginLoss(p=2), [X, lambda t: t.tensor([0, 3, 1])]),
    "MultiLabelMarginLoss": (
        lambda n: n.MultiLabelMarginLoss(),
        [X, lambda t: t.tensor([[0, 2, -1, 0], [3, -1, 0, 0], [1, 2, 3, -1]])],
    ),
    "TripletMarginLoss": (
        lambda n: n.TripletMarginLoss(swap=True),
        [X, lambda t: data(t, 3, 4, seed=1), lambda t: data(t, 3, 4, seed=2)],
    ),
    "TripletMarginWithDistanceLoss": (
        lambda n: n.TripletMarginWithDistanceLoss(margin=2.0),
        [X, lambda t: data(t, 3, 4, seed=1), lambda t: data(t, 3, 4, seed=2)],
    ),
    "CTCLoss": (
        lambda n: n.CTCLoss(),
        [
            lambda t: data(t, 6, 2, 4).log_softmax(2).detach().requires_grad_(),
            lambda t: t.tensor([[1, 2, 2], [3, 1, 0]]),
            lambda t: t.tensor([6, 5]),
            lambda t: t.tensor([3, 2]),
        ],
    ),
    "CosineSimilarity": (lambda n: n.CosineSimilarity(), [X, lambda t: data(t, 3, 4, seed=1)]),
    "PairwiseDistance": (lambda n: n.PairwiseDistance(), [X, lambda t: data(t, 3, 4, seed=1)]),
    "PairwiseDistance keepdim": (
        lambda n: n.PairwiseDistance(p=1, keepdim=True),
        [X, lambda t: data(t, 3, 4, seed=1)],
    ),
    "LayerNorm": (lambda n: n.LayerNorm(4), [X]),
    "LayerNorm 2d": (lambda n: n.LayerNorm((5, 6), elementwise_affine=False), [IMG]),
    "RMSNorm": (lambda n: n.RMSNorm(4), [X]),
    "GroupNorm": (lambda n: n.GroupNorm(2, 4), [IMG]),
    "BatchNorm1d": (lambda n: n.BatchNorm1d(4), [X]),
    "BatchNorm1d 3d": (lambda n: n.BatchNorm1d(4, momentum=None), [(2, 4, 3)]),
    "BatchNorm2d": (lambda n: n.BatchNorm2d(4), [IMG]),
    "BatchNorm2d eval": (lambda n: n.BatchNorm2d(4).eval(), [IMG]),
    "BatchNorm3d": (lambda n: n.BatchNorm3d(4, affine=False), [(2, 4, 2, 2, 2)]),
    "InstanceNorm1d": (lambda n: n.InstanceNorm1d(4, affine=True), [(2, 4, 3)]),
    "InstanceNorm2d": (lambda n: n.InstanceNorm2d(4, track_running_stats=True), [IMG]),
    "InstanceNorm2d unbatched": (lambda n: n.InstanceNorm2d(4), [(4, 5, 6)]),
    "LocalResponseNorm": (lambda n: n.LocalResponseNorm(3), [IMG]),
    "CrossMapLRN2d": (lambda n: n.CrossMapLRN2d(3), [IMG]),
    "CrossMapLRN2d even": (lambda n: n.CrossMapLRN2d(4, alpha=0.1, beta=0.6, k=2), [(2, 7, 2, 2)]),
    "CrossMapLRN2d wide": (lambda n: n.CrossMapLRN2d(9), [IMG]),
    "Embedding": (lambda n: n.Embedding(5, 3, padding_idx=2), [lambda t: t.tensor([[0, 2], [4, 0]])]),
    "EmbeddingBag": (lambda n: n.EmbeddingBag(5, 3, mode="sum"), [lambda t: t.tensor([[0, 2], [4, 0]])]),
    "Conv1d": (lambda n: n.Conv1d(4, 6, 3, padding=1), [(2, 4, 7)]),
    "Conv2d": (lambda n: n.Conv2d(4, 6, 3, stride=2, groups=2), [IMG]),
    "Conv2d same": (lambda n: n.Conv2d(4, 2, (3, 2), padding="same", dilation=2), [IMG]),
    "Conv2d circular": (lambda n: n.Conv2d(4, 2, 3, padding=1, padding_mode="circular"), [IMG]),
    "Conv3d": (lambda n: n.Conv3d(2, 3, 2), [(1, 2, 3, 4, 3)]),
    "ConvTranspose1d": (lambda n: n.ConvTranspose1d(4, 2, 3, stride=2), [(2, 4, 5)]),
    "ConvTranspose2d": (lambda n: n.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1), [IMG]),
    "MaxPool1d": (lambda n: n.MaxPool1d(2), [(2, 4, 6)]),
    "MaxPool2d": (lambda n: n.MaxPool2d(2, return_indices=True), [IMG]),
    "MaxPool3d": (lambda n: n.MaxPool3d(2), [(1, 2, 4, 4, 4)]),
    "AvgPool1d": (lambda n: n.AvgPool1d(2, padding=1), [(2, 4, 6)]),
    "AvgPool2d": (lambda n: n.AvgPool2d((2, 3), stride=1), [IMG]),
    "AvgPool3d": (lambda n: n.AvgPool3d(2), [(1, 2, 4, 4, 4)]),
    "LPPool2d": (lambda n: n.LPPool2d(2, 2), [IMG]),
    "AdaptiveAvgPool2d": (lambda n: n.AdaptiveAvgPool2d((2, None)), [IMG]),
    "AdaptiveMaxPool2d": (lambda n: n.AdaptiveMaxPool2d(2), [IMG]),
    "ConstantPad1d": (lambda n: n.ConstantPad1d(2, 3.0), [X]),
    "ZeroPad2d": (lambda n: n.ZeroPad2d((1, 2, 0, 1)), [IMG]),
    "ReflectionPad2d": (lambda n: n.ReflectionPad2d(2), [IMG]),
    "ReplicationPad2d": (lambda n: n.ReplicationPad2d((1, 2, 0, 1)), [IMG]),
    "CircularPad2d": (lambda n: n.CircularPad2d((1, 2, 0, 1)), [IMG]),
    "PixelShuffle": (lambda n: n.PixelShuffle(2), [IMG]),
    "PixelUnshuffle": (lambda n: n.PixelUnshuffle(2), [(1, 2, 4, 6)]),
    "ChannelShuffle": (lambda n: n.ChannelShuffle(2), [IMG]),
    "Upsample nearest": (lambda n: n.Upsample(scale_factor=2), [IMG]),
    "Upsample bilinear": (lambda n: n.Upsample(size=(7, 3), mode="bilinear"), [IMG]),
    "Unfold": (lambda n: n.Unfold(2, stride=2), [IMG]),
    "Fold": (lambda n: n.Fold((4, 4), 2), [(1, 8, 9)]),
    "RNN": (lambda n: n.RNN(4, 3, 2, nonlinearity="relu", bidirectional=True), [(5, 2, 4), (4, 2, 3)]),
    "RNN unbatched": (lambda n: n.RNN(4, 3), [(5, 4)]),
    "LSTM": (lambda n: n.LSTM(4, 3, 2, batch_first=True), [(2, 5, 4)]),
    "LSTM projected": (lambda n: n.LSTM(4, 3, proj_size=2, bidirectional=True), [(5, 2, 4)]),
    "GRU": (lambda n: n.GRU(4, 3, 2), [(5, 2, 4), (2, 2, 3)]),
    "RNNCell": (lambda n: n.RNNCell(4, 3), [X]),
    "RNNCell unbatched": (lambda n: n.RNNCell(4, 3, nonlinearity="relu"), [(4,), (3,)]),
    "LSTMCell": (lambda n: n.LSTMCell(4, 3), [X]),
    "GRUCell": (lambda n: n.GRUCell(4, 3), [X, (3, 3)]),
    "TransformerEncoderLayer": (lambda n: n.TransformerEncoderLayer(4, 2, 8, dropout=0.0), [(3, 2, 4)]),
    "TransformerEncoderLayer first": (
        lambda n: n.TransformerEncoderLayer(4, 2, 8, 0.0, "gelu", batch_first=True, norm_first=True),
        [(3, 2, 4)],
    ),
    "TransformerDecoderLayer": (lambda n: n.TransformerDecoderLayer(4, 2, 8, dropout=0.0), [(3, 2, 4), (5, 2, 4)]),
    "Transformer": (lambda n: n.Transformer(4, 2, 1, 2, 8, dropout=0.0), [(3, 2, 4), (5, 2, 4)]),
    "AdaptiveLogSoftmaxWithLoss": (
        lambda n: n.AdaptiveLogSoftmaxWithLoss(8, 10, [2, 5], div_value=2.0),
        [(5, 8), lambda t: t.tensor([0, 3, 1, 9, 4])],
    ),
    "Sequential": (lambda n: n.Sequential(n.Linear(4, 8), n.Tanh(), n.Linear(8, 1), n.Sigmoid()), [X]),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward_and_gradients(name: str) -> None:
    pytest.importorskip("torch")
    make, inputs = FORWARD[name]

    def both(t: Any) -> Any:
        module = make(t.nn)
        given = [i(t) if callable(i) else data(t, *i, seed=n) for n, i in enumerate(inputs)]
        return run(t, module, *given)

    here = outcome(both, wengert)
    if here.get("error", ("",))[0] == "NotImplementedError":
        pytest.skip(here["error"][1])
    same(both, rtol=2e-5, atol=2e-6)


# ------------------------------------------------------------------------------------------------- constructors

PRINTED = """
Linear(2,3) | Linear(2,3,bias=False) | Bilinear(1,2,3) | Identity(1) | Flatten() | Unflatten(1,(2,3)) | ReLU()
ReLU(True) | ReLU6() | ReLU6(True) | ELU() | ELU(2,True) | SELU(True) | CELU(2.,True) | GELU() | GELU('tanh') | GLU()
Hardshrink() | Hardsigmoid(True) | Hardswish(True) | Hardtanh() | Hardtanh(-2,2,True) | Hardtanh(1,0)
Hardtanh(min_value=3,max_value=4) | LeakyReLU() | LeakyReLU(.2,True) | LogSigmoid() | LogSoftmax() | LogSoftmax(1)
Mish() | Mish(True) | PReLU(3) | RReLU() | RReLU(.1,.2,True) | Sigmoid() | SiLU(True) | Softmax() | Softmax(1)
Softmax2d() | Softmin(1) | Softplus() | Softplus(2,3.) | Softshrink() | Softsign() | Tanh() | Tanhshrink()
Threshold(1,2) | Threshold(1,2,True) | Dropout() | Dropout(.1,True) | Dropout(2) | Dropout('a') | AlphaDropout(.2)
FeatureAlphaDropout() | MSELoss() | MSELoss(reduction='foo') | MSELoss(size_average=False) | MSELoss(reduce=False)
MSELoss(True) | CrossEntropyLoss() | NLLLoss2d() | TripletMarginLoss(margin=-1) | MultiMarginLoss(p=3)
TripletMarginWithDistanceLoss(margin=0) | TripletMarginWithDistanceLoss() | LayerNorm(3) | LayerNorm((2,3),1e-3,False)
LayerNorm(3,bias=False) | RMSNorm(3) | RMSNorm(2,None,False) | GroupNorm(2,4) | GroupNorm(3,4)
GroupNorm(2,4,affine=False) | GroupNorm(2,4,bias=False) | BatchNorm1d(3) | BatchNorm2d(3,affine=False)
BatchNorm3d(3,track_running_stats=False,momentum=None) | BatchNorm1d(3,bias=False) | InstanceNorm1d(3)
InstanceNorm2d(3,affine=True,track_running_stats=True) | SyncBatchNorm(3) | LocalResponseNorm(2) | CrossMapLRN2d(2)
Embedding(3,4) | Embedding(3,4,padding_idx=-1) | Embedding(3,4,padding_idx=5)
Embedding(3,4,max_norm=2.,norm_type=1,scale_grad_by_freq=True,sparse=True) | EmbeddingBag(3,4)
EmbeddingBag(3,4,2.,1,True,'sum',padding_idx=1) | EmbeddingBag(3,4,padding_idx=5) | CosineSimilarity()
PairwiseDistance() | PixelShuffle(2) | PixelUnshuffle(3) | ChannelShuffle(2) | Upsample(2) | Upsample(scale_factor=2)
Upsample((2,3),mode='bilinear',align_corners=True) | Upsample(scale_factor=(2.,3)) | UpsamplingNearest2d(2)
UpsamplingBilinear2d(scale_factor=2) | Fold(2,3) | Unfold((2,3),1,2,3) | AdaptiveLogSoftmaxWithLoss(8,10,[2,5],2.)
AdaptiveLogSoftmaxWithLoss(4,10,[5,2]) | AdaptiveLogSoftmaxWithLoss(4,10,[]) | Conv1d(2,4,3) | Conv2d(2,4,3)
Conv2d(2,4,(3,1),2,1,2,2,False,'reflect') | Conv2d(2,4,3,padding='same') | Conv2d(2,4,3,2,padding='same')
Conv2d(2,4,3,padding='foo') | Conv2d(2,4,3,padding_mode='x') | Conv2d(3,4,3,groups=2) | Conv2d(4,3,3,groups=2)
Conv2d(4,3,3,groups=0) | Conv3d(1,2,3,padding='valid') | ConvTranspose1d(1,2,3) | Conv2d(0,4,2)
ConvTranspose2d(2,4,3,2,1,1,2,False,2) | ConvTranspose2d(1,2,3,padding_mode='reflect') | MaxPool1d(2)
MaxPool2d((2,3),1,1,1,True,True) | AvgPool1d(2) | AvgPool2d(2,3,1) | AvgPool3d(2) | LPPool1d(2,3) | LPPool2d(2,3,1,True)
AdaptiveAvgPool2d((None,2)) | AdaptiveMaxPool3d((1,2,3),True) | MaxUnpool1d(2) | MaxUnpool2d(2,3,1)
FractionalMaxPool2d(2,output_size=3) | FractionalMaxPool2d(2) | FractionalMaxPool2d(2,1,1)
FractionalMaxPool2d(2,output_ratio=2) | FractionalMaxPool3d(2,output_ratio=.5) | ConstantPad1d(2,3.)
ConstantPad2d((1,2,3,4),0) | ReflectionPad3d(1) | ReplicationPad2d(2) | ZeroPad2d(1) | CircularPad3d((1,1,1,1,1,1))
RNN(2,3) | RNN(2,3,2,'relu') | RNN(2,3,nonlinearity='foo') | LSTM(2,3,2,False,True,.1,True,2) | LSTM(2,3,proj_size=3)
LSTM(2,3,proj_size=-1) | GRU(2,3,proj_size=1) | GRU(2,3,dropout=.2) | GRU(2,3,dropout=2) | GRU(2,3.) | GRU(2,0)
GRU(2,3,0) | RNN(2,3,hidden_size=3) | RNNCell(2,3,False,'relu') | LSTMCell(2,3,False) | GRUCell(2,3)
RNNBase('RNN_TANH',2,3) | RNNBase('foo',2,3) | MultiheadAttention(4,2) | MultiheadAttention(4,3)
MultiheadAttention(0,3) | MultiheadAttention(4,2,kdim=3,bias=False) | TransformerEncoderLayer(4,2,8)
TransformerDecoderLayer(4,2,8,activation='gelu') | TransformerEncoderLayer(4,2,activation='foo')
TransformerEncoder(nn.TransformerEncoderLayer(4,2,8),2) | TransformerDecoder(nn.TransformerDecoderLayer(4,2,8),2)
TransformerEncoder(nn.TransformerEncoderLayer(4,2,8,batch_first=True),2,nn.LayerNorm(4)) | Transformer(4,2,1,1,8)
TransformerEncoder(nn.TransformerEncoderLayer(6,3,8,batch_first=True),1) | LazyConv2d(3,2) | LazyConvTranspose1d(3,2)
LazyInstanceNorm2d() | LazyBatchNorm1d() | LazyLinear(3) | Linear(2,3,foo=1) | Linear(2) | Linear(-1,3) | Linear(0,3)
Unflatten(1,3) | Unflatten(1,('a',2)) | Unflatten(1,[2,3]) | Bilinear(0,3,4) | Linear(2,3,dtype=torch.float64).weight
CrossEntropyLoss(torch.ones(2)).state_dict() | Embedding(2,3,_weight=torch.ones(3,3)) | Conv2d(2,4,3,groups=2).weight
Embedding.from_pretrained(torch.ones(2,3)).weight | Embedding.from_pretrained(torch.ones(3))
Transformer.generate_square_subsequent_mask(3) | DataParallel(nn.ReLU()) | LinearCrossEntropyLoss(3,4)
LinearCrossEntropyLoss(3,4,out_features=(2,),bias=True) | LinearCrossEntropyOptions()
"""


@pytest.mark.parametrize("source", [s.strip() for line in PRINTED.split("\n") for s in line.split(" | ") if s.strip()])
def test_constructor_and_printed_form(source: str) -> None:
    pytest.importorskip("torch")
    same(lambda t: eval("nn." + source, {"nn": t.nn, "torch": t}), first_line=True)


# ------------------------------------------------------------------------------------------------------- lazies


@pytest.mark.parametrize(
    "use",
    [
        lambda t: run(t, t.nn.LazyLinear(3), data(t, 2, 4)),
        lambda t: run(
            t, t.nn.Sequential(t.nn.LazyLinear(3), t.nn.ReLU(), t.nn.LazyLinear(2, bias=False)), data(t, 2, 4)
        ),
        lambda t: [list(t.nn.LazyLinear(3).state_dict()), t.nn.LazyLinear(3)],
        lambda t: [type(p).__name__ for p in t.nn.LazyLinear(3).parameters()],
        lambda t: str(t.nn.LazyLinear(3).double().weight.dtype),
        lambda t: t.nn.Linear(5, 3).load_state_dict(t.nn.LazyLinear(3).state_dict()),
        lambda t: t.nn.LazyLinear(3).share_memory(),
        lambda t: t.nn.LazyLinear(3).weight.shape,
        lambda t: t.nn.LazyLinear(3).has_uninitialized_params(),
        lambda t: str(t.nn.LazyLinear(3).to(t.float64).bias.dtype),
        lambda t: repr(copy.deepcopy(t.nn.LazyLinear(3)).weight),
        lambda t: repr(pickle.loads(pickle.dumps(t.nn.LazyLinear(3))).weight),
    ],
)
def test_lazy_modules(use: Any) -> None:
    pytest.importorskip("torch")
    same(use, first_line=True)


@pytest.mark.parametrize("use", [lambda u: u + 1, lambda u: 2 * u, lambda u: u.detach(), lambda u: u.exp()])
def test_uninitialized_parameters_refuse_operations(use: Any) -> None:
    with pytest.raises(ValueError, match="^Attempted to use an uninitialized parameter in "):
        use(nn.UninitializedParameter())


def test_lazy_linear_becomes_linear() -> None:
    layer = nn.LazyLinear(3)
    twin = nn.LazyLinear(3)
    layer(wengert.ones(2, 5))
    assert type(layer) is nn.Linear and layer.weight.shape == (3, 5) and not layer._forward_pre_hooks
    twin.load_state_dict(layer.state_dict())
    assert twin.weight.equal(layer.weight)
    assert type(twin) is nn.LazyLinear
    twin(wengert.ones(1, 5))
    assert repr(twin) == "Linear(in_features=5, out_features=3, bias=True)"


# --------------------------------------------------------------------------------------------- attention, errors


def attend(t: Any, *args: Any, embed: int = 4, make: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    m = t.nn.MultiheadAttention(embed, 2, **(make or {}))
    return run(t, m, *args, **kwargs)


ATTENTION = {
    "self": lambda t, q: attend(t, q, q, q),
    "no weights": lambda t, q: attend(t, q, q, q, need_weights=False),
    "per head": lambda t, q: attend(t, q, q, q, average_attn_weights=False),
    "cross": lambda t, q: attend(t, q, data(t, 2, 5, 4, seed=3), data(t, 2, 5, 4, seed=4)),
    "batch first": lambda t, q: attend(t, q, q, q, make={"batch_first": True}),
    "unbatched": lambda t, q: attend(t, data(t, 3, 4), data(t, 3, 4), data(t, 3, 4)),
    "kdim": lambda t, q: attend(
        t,
        q,
        data(t, 2, 5, 3, seed=3),
        data(t, 2, 5, 2, seed=4),
        make={"kdim": 3, "vdim": 2, "add_bias_kv": True, "add_zero_attn": True},
    ),
    "bool mask": lambda t, q: attend(t, q, q, q, attn_mask=t.ones(3, 3).bool().triu(1)),
    "float mask": lambda t, q: attend(t, q, q, q, attn_mask=data(t, 3, 3, grad=False)),
    "padding": lambda t, q: attend(t, q, q, q, key_padding_mask=t.tensor([[False, False, True]] * 5)),
    "causal": lambda t, q: attend(
        t, q, q, q, is_causal=True, attn_mask=t.ones(3, 3).bool().triu(1), need_weights=False
    ),
    "both masks": lambda t, q: attend(
        t, q, q, q, attn_mask=t.ones(3, 3), key_padding_mask=t.tensor([[False, False, True]] * 5)
    ),
    "mask shape": lambda t, q: attend(t, q, q, q, attn_mask=t.ones(2, 2)),
    "mask shape 3d": lambda t, q: attend(t, q, q, q, attn_mask=t.ones(5, 3, 3)),
    "mask 1d": lambda t, q: attend(t, q, q, q, attn_mask=t.ones(3)),
    "mask int": lambda t, q: attend(t, q, q, q, attn_mask=t.ones(3, 3).int()),
    "padding shape": lambda t, q: attend(t, q, q, q, key_padding_mask=t.ones(3, 5).bool()),
    "padding 1d": lambda t, q: attend(t, q, q, q, key_padding_mask=t.ones(3)),
    "causal without mask": lambda t, q: attend(t, q, q, q, is_causal=True),
    "embed": lambda t, q: attend(t, t.ones(3, 5, 3), q, q),
    "key shape": lambda t, q: attend(t, q, t.ones(3, 5, 3), q),
    "dims": lambda t, q: attend(t, t.ones(3), q, q),
    "dims mixed": lambda t, q: attend(t, t.ones(3, 4), q, q),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_multihead_attention(name: str) -> None:
    pytest.importorskip("torch")
    same(lambda t: ATTENTION[name](t, data(t, 3, 5, 4)), first_line=True, rtol=2e-5, atol=2e-6)


def test_transformer_masks() -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        mask = t.nn.Transformer.generate_square_subsequent_mask(3)
        encoder = t.nn.TransformerEncoder(t.nn.TransformerEncoderLayer(4, 2, 8, 0.0), 2, t.nn.LayerNorm(4))
        padding = t.tensor([[False, False, True]] * 2)
        x = data(t, 3, 2, 4)
        return [
            run(t, encoder, x, mask=mask),
            encoder(x, src_key_padding_mask=padding.float() * -1e9).detach(),
            [a.equal(b) for a, b in zip(encoder.layers[0].parameters(), encoder.layers[1].parameters())],
        ]

    if outcome(use, wengert).get("error", ("",))[0] == "NotImplementedError":
        pytest.skip("layer_norm")
    same(use, rtol=2e-5, atol=5e-6)


RNN_ERRORS = {
    "hx dims": lambda t, m: m(t.ones(4, 2), t.ones(1, 1, 3)),
    "hx dims batched": lambda t, m: m(t.ones(4, 5, 2), t.ones(1, 3)),
    "hx size": lambda t, m: m(t.ones(4, 5, 2), t.ones(1, 4, 3)),
    "input size": lambda t, m: m(t.ones(4, 5, 3)),
    "1d": lambda t, m: m(t.ones(2)),
    "4d": lambda t, m: m(t.ones(4, 5, 2, 2)),
    "no steps": lambda t, m: m(t.ones(0, 5, 2)),
    "dtype": lambda t, m: m(t.ones(4, 5, 2).double()),
    "no batch": lambda t, m: m(t.ones(4, 0, 2)),
}


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("name", RNN_ERRORS)
def test_recurrent_errors(kind: str, name: str) -> None:
    pytest.importorskip("torch")
    if kind == "LSTM" and name.startswith("hx"):
        pytest.skip("its state is a pair")
    same(lambda t: RNN_ERRORS[name](t, getattr(t.nn, kind)(2, 3)), first_line=True)


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.nn.LSTM(2, 3)(t.ones(4, 2), (t.ones(1, 1, 3), t.ones(1, 1, 3))),
        lambda t: t.nn.LSTM(2, 3)(t.ones(4, 5, 2), (t.ones(1, 5, 3), t.ones(1, 4, 3))),
        lambda t: t.nn.RNNCell(2, 3)(t.ones(4, 2, 2)),
        lambda t: t.nn.RNNCell(2, 3)(t.ones(4, 3)),
        lambda t: t.nn.GRUCell(2, 3)(t.ones(4, 2), t.ones(3, 3)),
        lambda t: t.nn.GRUCell(2, 3)(t.ones(4, 2), t.ones(4, 2)),
        lambda t: t.nn.GRUCell(2, 3)(t.ones(2), t.ones(1, 3)),
        lambda t: t.nn.GRUCell(2, 3)(t.ones(4, 2), t.ones(3)),
        lambda t: t.nn.LSTMCell(2, 3)(t.ones(4, 2), (t.ones(1, 4, 3),) * 2),
        lambda t: t.nn.RNNCell(2, 3, nonlinearity="foo")(t.ones(4, 2)),
    ],
)
def test_recurrent_state_errors(use: Any) -> None:
    pytest.importorskip("torch")
    same(use, first_line=True)


def test_linear_errors() -> None:
    pytest.importorskip("torch")
    for bad in ((3,), (2, 3, 4), ()):
        same(lambda t: t.nn.Linear(2, 3)(t.ones(bad)), first_line=True)  # noqa: B023
    same(lambda t: t.nn.Linear(2, 3)(3), first_line=True)
    same(lambda t: t.nn.Linear(2, 3)(), first_line=True)
    same(lambda t: t.nn.Linear(2, 3)(t.ones(2, dtype=t.float64)), first_line=True)


LOSS_CALLS = {
    "ctc sum": lambda t, f, lp, tg: f.ctc_loss(lp, tg, t.tensor([6, 5]), t.tensor([3, 2]), reduction="sum"),
    "ctc joined": lambda t, f, lp, tg: f.ctc_loss(lp, t.tensor([1, 2, 2, 3, 1]), (6, 5), [3, 2], reduction="none"),
    "ctc blank": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (6, 5), (3, 2), blank=3),
    "ctc empty target": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (6, 5), (0, 2), reduction="none"),
    "ctc unbatched": lambda t, f, lp, tg: f.ctc_loss(lp[:, 0], tg[0], t.tensor(6), t.tensor(3)),
    "ctc infinite": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (2, 5), (3, 2), reduction="none"),
    "ctc zero": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (2, 5), (3, 2), reduction="none", zero_infinity=True),
    "ctc long": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (7, 5), (3, 2)),
    "ctc targets": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (6, 5), (4, 2)),
    "ctc lengths": lambda t, f, lp, tg: f.ctc_loss(lp, tg, t.tensor([6]), t.tensor([3, 2])),
    "ctc float lengths": lambda t, f, lp, tg: f.ctc_loss(lp, tg, t.tensor([6.0, 5.0]), t.tensor([3, 2])),
    "ctc blank range": lambda t, f, lp, tg: f.ctc_loss(lp, tg, (6, 5), (3, 2), blank=5),
    "margin range": lambda t, f, lp, tg: f.multi_margin_loss(lp[0], t.tensor([0, 4])),
    "margin size": lambda t, f, lp, tg: f.multi_margin_loss(lp[0], t.tensor([0, 1, 2])),
    "margin weight": lambda t, f, lp, tg: f.multi_margin_loss(lp[0], t.tensor([0, 1]), weight=t.ones(2)),
    "margin weight dims": lambda t, f, lp, tg: f.multi_margin_loss(lp[0], t.tensor([0, 1]), weight=t.ones(3, 1)),
    "margin dtype": lambda t, f, lp, tg: f.multi_margin_loss(lp[0], t.tensor([0.0, 1.0])),
    "margin vector": lambda t, f, lp, tg: f.multi_margin_loss(
        lp[0, 0], t.tensor(1), weight=t.tensor([1.0, 2.0, 3.0, 4.0])
    ),
    "margin 3d": lambda t, f, lp, tg: f.multi_margin_loss(lp, t.tensor([0])),
    "multilabel size": lambda t, f, lp, tg: f.multilabel_margin_loss(lp[0], t.tensor([0, 1])),
    "multilabel range": lambda t, f, lp, tg: f.multilabel_margin_loss(lp[0, 0], t.tensor([0, 4, 1, 2])),
    "multilabel none": lambda t, f, lp, tg: f.multilabel_margin_loss(lp[0, 0], t.tensor([-1, 2, 1, 0])),
    "ranking dims": lambda t, f, lp, tg: f.margin_ranking_loss(lp, lp, lp[0]),
    "cosine dims": lambda t, f, lp, tg: f.cosine_embedding_loss(lp[0], lp[0], t.ones(2, 2)),
    "triplet dims": lambda t, f, lp, tg: f.triplet_margin_loss(lp, lp, lp[0]),
    "triplet margin": lambda t, f, lp, tg: f.triplet_margin_loss(lp, lp, lp, margin=-1),
    "hinge reduction": lambda t, f, lp, tg: f.hinge_embedding_loss(lp, lp, reduction="foo"),
    "pdist": lambda t, f, lp, tg: f.pdist(lp[:, 0]),
    "pdist dims": lambda t, f, lp, tg: f.pdist(lp[0, 0]),
    "pdist dtype": lambda t, f, lp, tg: f.pdist(tg),
    "pdist p": lambda t, f, lp, tg: f.pdist(lp[0], -1),
    "cosine of integers": lambda t, f, lp, tg: f.cosine_similarity(tg, tg),
    "cosine of zeros": lambda t, f, lp, tg: f.cosine_similarity(lp[0] * 0, lp[1]),
    "linear cross entropy dims": lambda t, f, lp, tg: f.linear_cross_entropy(lp, t.ones(3, 4), t.tensor([0, 1])),
}


@pytest.mark.parametrize("name", LOSS_CALLS)
def test_loss_functions(name: str) -> None:
    pytest.importorskip("torch")

    def use(t: Any) -> Any:
        lp = data(t, 6, 2, 4).log_softmax(2).detach().requires_grad_()
        loss = LOSS_CALLS[name](t, t.nn.functional, lp, t.tensor([[1, 2, 2], [3, 1, 0]]))
        if name != "ctc infinite":
            loss.sum().backward()
        return [loss.detach(), lp.grad]

    same(use, first_line=True, rtol=2e-5, atol=2e-6)


def test_training_runs_like_pytorch() -> None:
    pytest.importorskip("torch")

    def train(t: Any) -> Any:
        model = t.nn.Sequential(t.nn.Linear(2, 16), t.nn.Tanh(), t.nn.Linear(16, 1))
        loss_fn = t.nn.MSELoss()
        x, y = data(t, 32, 2, grad=False), data(t, 32, 1, seed=1, grad=False)
        losses = []
        for _ in range(20):
            loss = loss_fn(model(x), y)
            model.zero_grad()
            loss.backward()
            with t.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
            losses.append(loss.item())
        return [losses, model.state_dict()]

    same(train, rtol=1e-4, atol=1e-6)


def test_recorded_training() -> None:
    wengert.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    out = model(wengert.tensor([[1.0, -1.0]]))
    out.sum().backward()
    np.testing.assert_allclose(out.detach().tolist(), RECORDED_OUT, rtol=1e-5)
    np.testing.assert_allclose(model[0].bias.grad.tolist(), RECORDED_GRAD, rtol=1e-4)


RECORDED_OUT = [[0.46679926]]
RECORDED_GRAD = [-0.39351943, -0.32597849, -0.13468251, 0.01156262]


CALLS = {
    "LazyConv2d": lambda t, x: run(t, t.nn.LazyConv2d(4, 3), x),
    "LazyConvTranspose2d": lambda t, x: run(t, t.nn.LazyConvTranspose2d(4, 3), x),
    "LazyBatchNorm2d": lambda t, x: run(t, t.nn.LazyBatchNorm2d(), x),
    "LazyInstanceNorm2d": lambda t, x: run(t, t.nn.LazyInstanceNorm2d(affine=True), x),
    "LazyConv2d of a vector": lambda t, x: t.nn.LazyConv2d(4, 3)(t.ones(2)),
    "SyncBatchNorm": lambda t, x: run(t, t.nn.SyncBatchNorm(3), x),
    "convert_sync_batchnorm": lambda t, x: t.nn.SyncBatchNorm.convert_sync_batchnorm(
        t.nn.Sequential(t.nn.BatchNorm2d(3))
    ),
    "BatchNorm2d of a matrix": lambda t, x: t.nn.BatchNorm2d(3)(t.ones(2, 3)),
    "BatchNorm1d of one": lambda t, x: t.nn.BatchNorm1d(3)(t.ones(1, 3)),
    "BatchNorm3d of 4d": lambda t, x: t.nn.BatchNorm3d(3)(x),
    "InstanceNorm2d channels": lambda t, x: run(t, t.nn.InstanceNorm2d(4), x),
    "InstanceNorm2d channels, affine": lambda t, x: t.nn.InstanceNorm2d(4, affine=True)(x),
    "CircularPad2d of a vector": lambda t, x: t.nn.CircularPad2d(1)(t.ones(2)),
    "Softmax2d of a vector": lambda t, x: t.nn.Softmax2d()(t.ones(2)),
    "CrossMapLRN2d of a matrix": lambda t, x: t.nn.CrossMapLRN2d(2)(t.ones(2, 2)),
    "output_size": lambda t, x: run(t, t.nn.ConvTranspose2d(3, 2, 3, stride=2), x, output_size=(12, 11)),
    "output_size too large": lambda t, x: t.nn.ConvTranspose2d(3, 2, 3, stride=2)(x, output_size=(20, 20)),
    "output_size with all dims": lambda t, x: t.nn.ConvTranspose2d(3, 2, 3, stride=2)(x, output_size=(2, 2, 12, 12)),
    "output_size too short": lambda t, x: t.nn.ConvTranspose2d(3, 2, 3, stride=2)(x, output_size=(12,)),
    "MaxUnpool2d": lambda t, x: t.nn.MaxUnpool2d(2)(*t.nn.MaxPool2d(2, return_indices=True)(x[..., :4, :4])).detach(),
    "FractionalMaxPool2d": lambda t, x: t.nn.FractionalMaxPool2d(2, output_size=2)(x).detach(),
    "RReLU": lambda t, x: t.nn.RReLU()(x).detach(),
    "max_norm": lambda t, x: run(t, t.nn.Embedding(5, 2, max_norm=1.0), t.tensor([1, 2])),
    "EmbeddingBag with offsets": lambda t, x: run(t, t.nn.EmbeddingBag(5, 2), t.tensor([1, 2, 4]), t.tensor([0, 2])),
    "predict": lambda t, x: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2]).predict(data(t, 3, 4)),
    "log_prob": lambda t, x: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2]).log_prob(data(t, 3, 4)).detach(),
    "adaptive range": lambda t, x: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(t.ones(2, 4), t.tensor([0, 5])),
    "adaptive sizes": lambda t, x: t.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(t.ones(3, 4), t.tensor([0, 1])),
    "half": lambda t, x: str(t.nn.Linear(2, 2).half()(t.ones(1, 2).half()).dtype),
    "complex": lambda t, x: str(t.nn.Linear(2, 2).to(t.complex64)(t.ones(1, 2, dtype=t.complex64)).dtype),
}


@pytest.mark.parametrize("name", CALLS)
def test_calls_of_layers(name: str) -> None:
    pytest.importorskip("torch")
    same(lambda t: CALLS[name](t, data(t, 2, 3, 5, 5)), first_line=True, rtol=5e-5, atol=5e-6)
