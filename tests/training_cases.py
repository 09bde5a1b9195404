"""Small trainings, one for every layer, loss and optimizer of torch.nn and torch.optim and for their main options.

A case's name begins with the class that it is about. It is written for any `torch`: `trained(torch, name)` says what
that implementation makes of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 5

# name -> what gives, for a `torch`, the model and the function of no arguments that computes the loss
CASES: dict[str, Callable[[Any], tuple[Any, Callable[[], Any]]]] = {}
# name -> the optimizer's class and options; SGD with momentum where none stands here
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {}


def fit(torch: Any, model: Any, *inputs: Any) -> tuple[Any, Callable[[], Any]]:
    """The model is to give random targets for the inputs: all its floating outputs count."""
    targets: list[Any] = []

    def loss() -> Any:
        outputs = floating(torch, model(*inputs))
        if not targets:
            targets.extend(torch.randn(out.shape, dtype=out.dtype) for out in outputs)
        return sum(((out - target) ** 2).mean() for out, target in zip(outputs, targets))

    return model, loss


def floating(torch: Any, out: Any) -> list[Any]:
    if isinstance(out, torch.Tensor):
        return [out] if out.dtype.is_floating_point else []
    return [tensor for part in out if part is not None for tensor in floating(torch, part)]


def case(name: str, build: Callable[[Any], Any], *shapes: tuple[int, ...]) -> None:
    """`build(torch.nn)` gives the model, which takes normal random inputs of the shapes."""
    assert name not in CASES, name
    CASES[name] = lambda torch: fit(torch, build(torch.nn), *(torch.randn(shape) for shape in shapes))


def program(name: str) -> Callable[[Callable[[Any, Any], Any]], None]:
    """The function, called with torch and torch.nn, gives the model and the function that computes the loss."""

    def take(build: Callable[[Any, Any], Any]) -> None:
        assert name not in CASES, name
        CASES[name] = lambda torch: build(torch, torch.nn)

    return take


# --------------------------------------------------------------------------------------- linear layers and containers

case("Linear", lambda nn: nn.Linear(4, 3), (5, 4))
case("Linear bias=False", lambda nn: nn.Linear(4, 3, bias=False), (2, 5, 4))
case("Identity", lambda nn: nn.Sequential(nn.Identity(), nn.Linear(4, 3)), (5, 4))
case("Sequential", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2)), (8, 4))
case("LazyLinear", lambda nn: nn.Sequential(nn.LazyLinear(6), nn.ReLU(), nn.LazyLinear(2)), (5, 4))
case("Bilinear", lambda nn: nn.Bilinear(3, 4, 2), (5, 3), (5, 4))
case("Bilinear bias=False", lambda nn: nn.Bilinear(3, 4, 2, bias=False), (5, 3), (5, 4))
case("Flatten", lambda nn: nn.Sequential(nn.Conv1d(2, 3, 2), nn.Flatten(), nn.Linear(12, 2)), (4, 2, 5))
case("Unflatten", lambda nn: nn.Sequential(nn.Linear(4, 12), nn.Unflatten(1, (3, 4)), nn.Conv1d(3, 2, 2)), (4, 4))
case("DataParallel", lambda nn: nn.DataParallel(nn.Linear(4, 3)), (5, 4))


@program("ModuleList")
def _(torch, nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])

        def forward(self, x):
            for layer in self.layers:
                x = x + layer(x).relu()
            return x

    return fit(torch, Net(), torch.randn(5, 4))


@program("ModuleDict")
def _(torch, nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = nn.ModuleDict({"in": nn.Linear(4, 6), "out": nn.Linear(6, 2)})

        def forward(self, x):
            return self.parts["out"](self.parts["in"](x).sigmoid())

    return fit(torch, Net(), torch.randn(5, 4))


@program("ParameterList")
def _(torch, nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.factors = nn.ParameterList([nn.Parameter(torch.randn(4, 4) * 0.5) for _ in range(3)])

        def forward(self, x):
            for factor in self.factors:
                x = torch.tanh(x @ factor)
            return x

    return fit(torch, Net(), torch.randn(5, 4))


@program("ParameterDict")
def _(torch, nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.of = nn.ParameterDict({"w": nn.Parameter(torch.randn(4, 3)), "b": nn.Parameter(torch.zeros(3))})

        def forward(self, x):
            return x @ self.of["w"] + self.of["b"]

    return fit(torch, Net(), torch.randn(5, 4))


# ------------------------------------------------------------------------------------------------------- convolutions

INPUTS = {1: (3, 4, 9), 2: (2, 4, 7, 6), 3: (2, 4, 5, 4, 5)}

for dims, shape in INPUTS.items():
    for name, options in {
        "": {},
        " stride=2, padding=1": {"stride": 2, "padding": 1},
        " dilation=2, bias=False": {"dilation": 2, "bias": False, "padding": 2},
        " groups=2": {"groups": 2},
        " padding=same, reflect": {"padding": "same", "padding_mode": "reflect"},
        " padding_mode=circular": {"padding": 1, "padding_mode": "circular"},
    }.items():
        if not (dims == 3 and "dilation" in name):  # too large a window for the small input
            case(f"Conv{dims}d{name}", lambda nn, d=dims, o=options: getattr(nn, f"Conv{d}d")(4, 6, 3, **o), shape)
    for name, options in {
        "": {},
        " stride=2, output_padding=1": {"stride": 2, "padding": 1, "output_padding": 1},
        " groups=2, bias=False": {"groups": 2, "bias": False, "dilation": 2},
    }.items():
        case(f"ConvTranspose{dims}d{name}",
             lambda nn, d=dims, o=options: getattr(nn, f"ConvTranspose{d}d")(4, 6, 3, **o), shape)
    case(f"LazyConv{dims}d", lambda nn, d=dims: getattr(nn, f"LazyConv{d}d")(3, 2), shape)
    case(f"LazyConvTranspose{dims}d", lambda nn, d=dims: getattr(nn, f"LazyConvTranspose{d}d")(3, 2), shape)


def convolved(dims: int, *layers: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A convolution from 4 channels to 6, then the layers."""

    def build(nn: Any) -> Any:
        return nn.Sequential(getattr(nn, f"Conv{dims}d")(4, 6, 2), *(layer(nn) for layer in layers))

    return build


# -------------------------------------------------------------------------------------------- pooling, padding, shapes

for dims, shape in INPUTS.items():
    for name in ("MaxPool", "AvgPool"):
        case(f"{name}{dims}d", convolved(dims, lambda nn, n=f"{name}{dims}d": getattr(nn, n)(2)), shape)
    case(f"MaxPool{dims}d stride=1, dilation=2",
         convolved(dims, lambda nn, d=dims: getattr(nn, f"MaxPool{d}d")(2, stride=1, padding=1, dilation=2)), shape)
    case(f"AvgPool{dims}d padding=1, ceil_mode",
         convolved(dims, lambda nn, d=dims: getattr(nn, f"AvgPool{d}d")(
             3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)), shape)
    case(f"LPPool{dims}d", convolved(dims, lambda nn, d=dims: getattr(nn, f"LPPool{d}d")(2, 2)), shape)
    for name in ("AdaptiveAvgPool", "AdaptiveMaxPool"):
        case(f"{name}{dims}d", convolved(dims, lambda nn, n=f"{name}{dims}d": getattr(nn, n)(3)), shape)
    for name in ("ReflectionPad", "ReplicationPad", "ZeroPad", "CircularPad"):
        case(f"{name}{dims}d", convolved(dims, lambda nn, n=f"{name}{dims}d": getattr(nn, n)(1)), shape)
    case(f"ConstantPad{dims}d", convolved(dims, lambda nn, d=dims: getattr(nn, f"ConstantPad{d}d")(1, 0.5)), shape)

    if dims > 1:
        case(f"FractionalMaxPool{dims}d",
             convolved(dims, lambda nn, d=dims: getattr(nn, f"FractionalMaxPool{d}d")(2, output_size=2)), (2, 4, *[6] * dims))

    @program(f"MaxUnpool{dims}d")
    def _(torch, nn, d=dims, shape=shape):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = getattr(nn, f"Conv{d}d")(4, 6, 2)
                self.pool = getattr(nn, f"MaxPool{d}d")(2, return_indices=True)
                self.unpool = getattr(nn, f"MaxUnpool{d}d")(2)

            def forward(self, x):
                x = self.conv(x)
                return self.unpool(*self.pool(x), output_size=x.shape)

        return fit(torch, Net(), torch.randn(shape))


case("PixelShuffle", lambda nn: nn.Sequential(nn.Conv2d(4, 8, 2), nn.PixelShuffle(2)), INPUTS[2])
case("PixelUnshuffle", lambda nn: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(16, 2, 2)), (2, 4, 6, 6))
case("ChannelShuffle", lambda nn: nn.Sequential(nn.Conv2d(4, 6, 2), nn.ChannelShuffle(3), nn.Conv2d(6, 2, 2, groups=2)),
     INPUTS[2])
case("Unfold", lambda nn: nn.Sequential(nn.Conv2d(4, 2, 2), nn.Unfold(2, padding=1), nn.Conv1d(8, 2, 3)), INPUTS[2])
case("Fold", lambda nn: nn.Sequential(nn.Conv1d(4, 8, 2), nn.Fold((3, 5), 2)), (3, 4, 9))
for mode, dims in {"nearest": 1, "nearest-exact": 2, "linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.items():
    case(f"Upsample mode={mode}", convolved(dims, lambda nn, m=mode: nn.Upsample(scale_factor=2, mode=m)), INPUTS[dims])
case("Upsample align_corners", convolved(2, lambda nn: nn.Upsample((9, 8), mode="bilinear", align_corners=True)), INPUTS[2])
case("UpsamplingBilinear2d", convolved(2, lambda nn: nn.UpsamplingBilinear2d(scale_factor=2)), INPUTS[2])
case("UpsamplingNearest2d", convolved(2, lambda nn: nn.UpsamplingNearest2d(scale_factor=2)), INPUTS[2])

# ------------------------------------------------------------------------------------------------------ normalization

for dims, shape in INPUTS.items():
    case(f"BatchNorm{dims}d", convolved(dims, lambda nn, d=dims: getattr(nn, f"BatchNorm{d}d")(6)), shape)
    case(f"LazyBatchNorm{dims}d", convolved(dims, lambda nn, d=dims: getattr(nn, f"LazyBatchNorm{d}d")()), shape)
    case(f"InstanceNorm{dims}d", convolved(dims, lambda nn, d=dims: getattr(nn, f"InstanceNorm{d}d")(6)), shape)
    case(f"InstanceNorm{dims}d affine, tracking",
         convolved(dims, lambda nn, d=dims: getattr(nn, f"InstanceNorm{d}d")(6, affine=True, track_running_stats=True)),
         shape)
    case(f"LazyInstanceNorm{dims}d",
         convolved(dims, lambda nn, d=dims: getattr(nn, f"LazyInstanceNorm{d}d")(affine=True)), shape)
    case(f"Dropout{dims}d", convolved(dims, lambda nn, d=dims: getattr(nn, f"Dropout{d}d")(0.3)), shape)
case("BatchNorm1d of rows", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, momentum=0.3)), (8, 4))
case("BatchNorm1d cumulative average", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6, momentum=None)), (8, 4))
case("BatchNorm2d affine=False", convolved(2, lambda nn: nn.BatchNorm2d(6, affine=False)), INPUTS[2])
case("BatchNorm2d no statistics", convolved(2, lambda nn: nn.BatchNorm2d(6, track_running_stats=False)), INPUTS[2])
case("BatchNorm2d eval", convolved(2, lambda nn: nn.BatchNorm2d(6).eval()), INPUTS[2])
case("SyncBatchNorm", convolved(2, lambda nn: nn.SyncBatchNorm(6)), INPUTS[2])
case("LayerNorm", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6)), (5, 4))
case("LayerNorm of two dims", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.LayerNorm((3, 6), bias=False)), (5, 3, 4))
case("LayerNorm elementwise_affine=False",
     lambda nn: nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6, elementwise_affine=False)), (5, 4))
case("RMSNorm", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.RMSNorm(6), nn.Linear(6, 2)), (5, 4))
case("RMSNorm eps", lambda nn: nn.Sequential(nn.Linear(4, 6), nn.RMSNorm(6, eps=0.01, elementwise_affine=False)), (5, 4))
case("GroupNorm", convolved(2, lambda nn: nn.GroupNorm(3, 6)), INPUTS[2])
case("GroupNorm affine=False", convolved(1, lambda nn: nn.GroupNorm(2, 6, affine=False)), INPUTS[1])
case("LocalResponseNorm", convolved(2, lambda nn: nn.LocalResponseNorm(3, alpha=0.1)), INPUTS[2])
case("CrossMapLRN2d", convolved(2, lambda nn: nn.CrossMapLRN2d(3, alpha=0.1)), INPUTS[2])

# ------------------------------------------------------------------------------------------- activations and dropout

for name, options in {
    "ReLU": {}, "ReLU inplace": {"inplace": True}, "ReLU6": {}, "LeakyReLU": {}, "LeakyReLU 0.2": {"negative_slope": 0.2},
    "ELU": {}, "ELU alpha=2": {"alpha": 2.0}, "SELU": {}, "CELU": {"alpha": 0.5}, "GELU": {},
    "GELU tanh": {"approximate": "tanh"}, "SiLU": {}, "Mish": {}, "Sigmoid": {}, "LogSigmoid": {}, "Hardsigmoid": {},
    "Hardswish": {}, "Hardtanh": {"min_val": -0.5, "max_val": 0.7}, "Hardshrink": {}, "Softshrink": {}, "Tanh": {},
    "Tanhshrink": {}, "Softplus": {}, "Softplus beta=2": {"beta": 2, "threshold": 1}, "Softsign": {},
    "Threshold": {"threshold": 0.1, "value": -0.2}, "PReLU": {}, "PReLU of channels": {"num_parameters": 6, "init": 0.1},
    "RReLU": {}, "GLU": {}, "Softmax": {"dim": 1}, "Softmin": {"dim": 1}, "LogSoftmax": {"dim": -1},
    "Dropout": {"p": 0.4}, "AlphaDropout": {"p": 0.3}, "FeatureAlphaDropout": {"p": 0.3},
}.items():
    width = 3 if name == "GLU" else 6
    case(name, lambda nn, n=name, o=options, w=width: nn.Sequential(
        nn.Linear(4, 6), getattr(nn, n.split()[0])(**o), nn.Linear(w, 2)), (7, 4))
case("Softmax2d", convolved(2, lambda nn: nn.Softmax2d()), INPUTS[2])

# --------------------------------------------------------------------------------------------------------- embeddings

WORDS = [[1, 4, 4, 0], [7, 2, 1, 1], [3, 3, 9, 5]]


for name, options in {
    "Embedding": {}, "Embedding padding_idx": {"padding_idx": 1}, "Embedding max_norm": {"max_norm": 1.0},
    "Embedding scale_grad_by_freq": {"scale_grad_by_freq": True}, "EmbeddingBag": {}, "EmbeddingBag sum": {"mode": "sum"},
    "EmbeddingBag max": {"mode": "max"}, "EmbeddingBag padding_idx": {"mode": "mean", "padding_idx": 4},
    "EmbeddingBag max_norm": {"mode": "sum", "max_norm": 1.0},
}.items():
    @program(name)
    def _(torch, nn, name=name, options=options):
        embedding = getattr(nn, name.split()[0])(10, 4, **options)
        return fit(torch, nn.Sequential(embedding, nn.Linear(4, 2)), torch.tensor(WORDS))


@program("EmbeddingBag offsets and weights")
def _(torch, nn):
    return fit(torch, nn.EmbeddingBag(10, 4, mode="sum", include_last_offset=True), torch.tensor(sum(WORDS, [])),
               torch.tensor([0, 3, 3, 12]), torch.rand(12))


# ---------------------------------------------------------------------------------------------------------- recurrent

for cell in ("RNN", "LSTM", "GRU"):
    for name, options in {
        "": {}, " two layers": {"num_layers": 2}, " bidirectional": {"bidirectional": True, "num_layers": 2},
        " batch_first, bias=False": {"batch_first": True, "bias": False}, " dropout": {"num_layers": 2, "dropout": 0.3},
        **({" nonlinearity=relu": {"nonlinearity": "relu"}} if cell == "RNN" else {}),
        **({" proj_size": {"proj_size": 2}} if cell == "LSTM" else {}),
    }.items():
        case(f"{cell}{name}", lambda nn, c=cell, o=options: getattr(nn, c)(3, 5, **o), (6, 4, 3))
    case(f"{cell}Cell", lambda nn, c=cell: getattr(nn, f"{c}Cell")(3, 5), (4, 3))

    @program(f"{cell} packed")
    def _(torch, nn, cell=cell):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.rnn = getattr(nn, cell)(3, 5)

            def forward(self, x):
                packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 6, 1, 4]), enforce_sorted=False)
                out, state = self.rnn(packed)
                return nn.utils.rnn.pad_packed_sequence(out)[0], state

        return fit(torch, Net(), torch.randn(6, 4, 3))


# ---------------------------------------------------------------------------------------------------------- attention


for name, options in {
    "": {}, " batch_first": {"batch_first": True}, " bias=False": {"bias": False}, " kdim, vdim": {"kdim": 6, "vdim": 4},
    " add_bias_kv, add_zero_attn": {"add_bias_kv": True, "add_zero_attn": True}, " dropout": {"dropout": 0.2},
}.items():
    key, value = ((5, 3, options.get("kdim", 8)), (5, 3, options.get("vdim", 8)))
    query = (5, 2, 8) if "batch_first" in name else (4, 3, 8)
    case(f"MultiheadAttention{name}", lambda nn, o=options: nn.MultiheadAttention(8, 2, **o), query, key, value)


@program("MultiheadAttention masks, need_weights=False")
def _(torch, nn):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2)

        def forward(self, x):
            causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
            padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
            return self.attention(x, x, x, attn_mask=causal, key_padding_mask=padding, need_weights=False)[0]

    return fit(torch, Net(), torch.randn(5, 2, 8))


for name, options in {
    "": {}, " norm_first, gelu": {"norm_first": True, "activation": "gelu"},
    " batch_first, bias=False": {"batch_first": True, "bias": False},
}.items():
    for part in ("Encoder", "Decoder"):
        case(f"Transformer{part}Layer{name}",
             lambda nn, p=part, o=options: getattr(nn, f"Transformer{p}Layer")(8, 2, dim_feedforward=12, **o),
             *([(4, 3, 8)] * (1 if part == "Encoder" else 2)))
case("TransformerEncoder", lambda nn: nn.TransformerEncoder(
    nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), 2, norm=nn.LayerNorm(8)), (3, 4, 8))
case("TransformerDecoder", lambda nn: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 12), 2), (4, 3, 8), (5, 3, 8))
case("Transformer", lambda nn: nn.Transformer(8, 2, 1, 1, 12, batch_first=True), (3, 5, 8), (3, 4, 8))


@program("Transformer masks")
def _(torch, nn):
    model = nn.Transformer(8, 2, 1, 1, 12, dropout=0.0)
    source, target = torch.randn(5, 2, 8), torch.randn(4, 2, 8)
    goal = torch.randn(4, 2, 8)
    padding = torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    causal = nn.Transformer.generate_square_subsequent_mask(4)

    def loss():
        out = model(source, target, tgt_mask=causal, src_key_padding_mask=padding, memory_key_padding_mask=padding,
                    tgt_is_causal=True)
        return ((out - goal) ** 2).mean()

    return model, loss


# ------------------------------------------------------------------------------------------------------------- losses


def judged(name: str, make: Callable[[Any], Any], goal: Callable[[Any], tuple[Any, ...]]) -> None:
    """A small net whose six rows of four outputs are judged by the loss against `goal(torch)`."""

    def build(torch: Any) -> tuple[Any, Callable[[], Any]]:
        nn = torch.nn
        loss = make(torch)
        model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))
        x, goals = torch.randn(6, 3), goal(torch)
        return model, lambda: loss(model(x), *goals).mean()

    assert name not in CASES, name
    CASES[name] = build


CLASSES = [0, 3, 1, 1, 2, 3]


def classes(torch: Any) -> tuple[Any, ...]:
    return (torch.tensor(CLASSES),)


def values(torch: Any) -> tuple[Any, ...]:
    return (torch.randn(6, 4),)


def shares(torch: Any) -> tuple[Any, ...]:
    return (torch.rand(6, 4),)


def bits(torch: Any) -> tuple[Any, ...]:
    return (torch.randint(2, (6, 4)).float(),)


def signs(torch: Any) -> tuple[Any, ...]:
    return (torch.randint(2, (6, 4)) * 2.0 - 1,)


for name, goal, options in (
    ("MSELoss", values, {}), ("MSELoss sum", values, {"reduction": "sum"}), ("L1Loss", values, {}),
    ("SmoothL1Loss", values, {"beta": 0.5}), ("HuberLoss", values, {"delta": 0.7}),
    ("CrossEntropyLoss", classes, {}), ("CrossEntropyLoss of shares", shares, {}),
    ("CrossEntropyLoss smoothing", classes, {"label_smoothing": 0.1, "ignore_index": 1}),
    ("PoissonNLLLoss", shares, {}), ("PoissonNLLLoss full", shares, {"full": True}),
    ("BCEWithLogitsLoss", shares, {}), ("HingeEmbeddingLoss", signs, {}), ("SoftMarginLoss", signs, {}),
    ("MultiLabelSoftMarginLoss", bits, {}), ("MultiMarginLoss", classes, {}), ("MultiMarginLoss p=2", classes, {"p": 2}),
):
    judged(name, lambda torch, n=name, o=options: getattr(torch.nn, n.split()[0])(**o), goal)
judged("CrossEntropyLoss weight", lambda torch: torch.nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 0.5, 1.5])), classes)
judged("BCEWithLogitsLoss pos_weight", lambda torch: torch.nn.BCEWithLogitsLoss(pos_weight=torch.rand(4)), shares)
judged("MultiLabelMarginLoss", lambda torch: torch.nn.MultiLabelMarginLoss(),
       lambda torch: (torch.tensor([[0, 2, -1, 1], [1, -1, 0, 0], [3, 2, 1, 0], [2, -1, 0, 0], [0, 1, -1, 1], [3, -1, 0, 0]]),))
judged("GaussianNLLLoss", lambda torch: torch.nn.GaussianNLLLoss(full=True),
       lambda torch: (torch.randn(6, 4), torch.rand(6, 4)))
judged("MarginRankingLoss", lambda torch: torch.nn.MarginRankingLoss(0.2),
       lambda torch: (torch.randn(6, 4), *signs(torch)))
judged("CosineEmbeddingLoss", lambda torch: torch.nn.CosineEmbeddingLoss(0.1),
       lambda torch: (torch.randn(6, 4), signs(torch)[0][:, 0]))
judged("TripletMarginLoss", lambda torch: torch.nn.TripletMarginLoss(swap=True),
       lambda torch: (torch.randn(6, 4), torch.randn(6, 4)))
judged("TripletMarginWithDistanceLoss", lambda torch: torch.nn.TripletMarginWithDistanceLoss(
    distance_function=torch.nn.PairwiseDistance(p=1.0)), lambda torch: (torch.randn(6, 4), torch.randn(6, 4)))
judged("CosineSimilarity", lambda torch: torch.nn.CosineSimilarity(), values)
judged("PairwiseDistance", lambda torch: torch.nn.PairwiseDistance(), values)


def composed(name: str, before: Callable[[Any, Any], Any], goal: Callable[[Any], tuple[Any, ...]], **options: Any) -> None:
    """The loss takes `before(torch, outputs)`, as it must for probabilities or their logarithms."""
    judged(name, lambda torch: lambda out, *goals: getattr(torch.nn, name.split()[0])(**options)(before(torch, out), *goals),
           goal)


composed("BCELoss", lambda torch, out: out.sigmoid(), shares)
composed("NLLLoss", lambda torch, out: out.log_softmax(1), classes, ignore_index=1)
composed("KLDivLoss", lambda torch, out: out.log_softmax(1), shares, reduction="batchmean")
composed("CTCLoss", lambda torch, out: out.log_softmax(1).unsqueeze(1),
         lambda torch: (torch.tensor([[1, 3, 3]]), torch.tensor([6]), torch.tensor([3])))


@program("NLLLoss2d")
def _(torch, nn):
    model, x, goal = nn.Conv2d(2, 3, 2), torch.randn(2, 2, 4, 4), torch.randint(3, (2, 3, 3))
    loss = nn.NLLLoss()
    return model, lambda: loss(model(x).log_softmax(1), goal)


for name, options in {"": {}, " bias, smoothing": {"bias": True, "label_smoothing": 0.1}}.items():
    @program(f"LinearCrossEntropyLoss{name}")
    def _(torch, nn, options=options):
        net = nn.Sequential(nn.Linear(3, 5), nn.Tanh())
        head, x, goal = nn.LinearCrossEntropyLoss(5, 4, **options), torch.randn(6, 3), torch.tensor(CLASSES)
        return nn.ModuleList([net, head]), lambda: head(net(x), goal)


@program("AdaptiveLogSoftmaxWithLoss")
def _(torch, nn):
    model, x, goal = nn.AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0), torch.randn(9, 8), torch.arange(9)
    return model, lambda: model(x, goal).loss


# --------------------------------------------------------------------------------------------------- reparametrization

for name in ("weight_norm", "spectral_norm", "orthogonal"):
    case(f"Linear {name}", lambda nn, n=name: nn.Sequential(
        getattr(nn.utils.parametrizations, n)(nn.Linear(4, 4)), nn.Tanh(), nn.Linear(4, 2)), (6, 4))

# --------------------------------------------------------------------------------------------------------- optimizers

for name, options in (
    ("SGD", {"lr": 0.1}), ("SGD momentum", {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01}),
    ("SGD nesterov", {"lr": 0.1, "momentum": 0.9, "nesterov": True}), ("SGD maximize", {"lr": 0.01, "maximize": True}),
    ("Adam", {"lr": 0.02}), ("Adam amsgrad", {"lr": 0.02, "amsgrad": True, "weight_decay": 0.1, "betas": (0.8, 0.95)}),
    ("Adam foreach", {"lr": 0.02, "foreach": True}), ("AdamW", {"lr": 0.02}),
    ("AdamW amsgrad, maximize", {"lr": 0.02, "amsgrad": True, "maximize": True}), ("NAdam", {"lr": 0.02}),
    ("NAdam decoupled", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}), ("RAdam", {"lr": 0.02}),
    ("RAdam betas", {"lr": 0.02, "betas": (0.5, 0.6), "weight_decay": 0.1}), ("Adamax", {"lr": 0.02}),
    ("Adamax weight_decay", {"lr": 0.02, "weight_decay": 0.1, "eps": 1e-4}), ("Adagrad", {"lr": 0.05}),
    ("Adagrad lr_decay", {"lr": 0.05, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.1}),
    ("Adadelta", {}), ("Adadelta rho", {"lr": 2.0, "rho": 0.5, "weight_decay": 0.1}), ("RMSprop", {"lr": 0.01}),
    ("RMSprop centered", {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.1}), ("Rprop", {"lr": 0.01}),
    ("Rprop etas", {"lr": 0.01, "etas": (0.3, 1.5), "step_sizes": (1e-4, 0.05)}), ("ASGD", {"lr": 0.1}),
    ("ASGD t0", {"lr": 0.1, "t0": 2, "lambd": 0.01, "alpha": 0.5, "weight_decay": 0.1}), ("Adafactor", {"lr": 0.05}),
    ("Adafactor weight_decay", {"lr": 0.05, "weight_decay": 0.1, "d": 2.0, "beta2_decay": -0.5}),
    ("LBFGS", {"lr": 0.1, "max_iter": 4}), ("LBFGS strong_wolfe", {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
    ("LBFGS history", {"lr": 0.1, "max_iter": 6, "history_size": 2}), ("Muon", {"lr": 0.02}),
    ("Muon match_rms_adamw", {"lr": 0.02, "nesterov": False, "adjust_lr_fn": "match_rms_adamw"}),
):
    @program(f"optim.{name}")
    def _(torch, nn, name=name):
        bias = not name.startswith("Muon")  # which takes matrices only
        dtype = torch.float64 if name.startswith("LBFGS") else torch.float32  # which magnifies rounding
        model = nn.Sequential(nn.Linear(4, 8, bias=bias), nn.Tanh(), nn.Linear(8, 6, bias=bias), nn.Tanh(),
                              nn.Linear(6, 2, bias=bias)).to(dtype)
        return fit(torch, model, torch.randn(12, 4, dtype=dtype))

    OPTIMIZERS[f"optim.{name}"] = (name.split()[0], options)


# -------------------------------------------------------------------------------------------------------- the training


def checksum(model: Any) -> str:
    """Of the names and every bit of the parameters, but for those that a parametrization computed (and so rounded)."""
    total = 0
    for name, tensor in model.named_parameters():
        if "parametrizations" in name:
            continue
        array = np.ascontiguousarray(tensor.detach().numpy())
        total = zlib.crc32(array.tobytes(), zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), total))
    return f"{total:08x}"


def size(model: Any) -> float:
    """The root of the sum of squares of the parameters and buffers."""
    arrays = [tensor.detach().numpy().astype(np.float64).ravel() for tensor in model.state_dict().values()]
    return float(np.linalg.norm(np.concatenate([np.zeros(1), *arrays])))


def trained(torch: Any, name: str, steps: int = STEPS, wrap: Callable[[Any], Any] = lambda step: step) -> dict[str, Any]:
    """The initial weights' checksum, the losses of a few steps, and the size of what the weights have become.

    `wrap` may turn the function that makes one step into another that does (compile it)."""
    torch.manual_seed(0)
    model, compute = CASES[name](torch)
    if name.startswith("Lazy"):
        compute()
    kind, options = OPTIMIZERS.get(name, ("SGD", {"lr": 0.05, "momentum": 0.9}))
    optimizer = getattr(torch.optim, kind)(model.parameters(), **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = compute()
        loss.backward()
        return loss

    start = checksum(model)
    step = wrap(lambda: optimizer.step(closure))
    losses = [float(f"{step().item():.8g}") for _ in range(steps)]
    return {"start": start, "losses": losses, "end": float(f"{size(model):.8g}")}
