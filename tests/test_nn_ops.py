"""Operators of neural networks: values, all derivatives, batching, node names, random masks and errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert
import wengert.nn.functional as F
from sample_checks import against_torch, batched, derivatives
from wengert.core.samples import SAMPLES

#: the gradient is not that of the function, as in PyTorch: see `why_not` of the samples, or the table's own rules
CONVENTION = {"ctc_loss", "embedding", "rrelu"}
#: integers in, integers out; nothing to differentiate
DISCRETE = {"one_hot"}
#: off in their samples: they give their input back
OFF = {"dropout", "alpha_dropout"}
#: refused under vmap, as in PyTorch: a look at values, an update of running statistics
NOT_MAPPED = {"gaussian_nll_loss", "batch_norm"}

NAMES = sorted(
    name.removeprefix("nn.functional.")
    for name in SAMPLES
    if name.startswith("nn.functional.") and name not in ("nn.functional.linear", "nn.functional.bilinear")
)


def accepts(name: str) -> list[bool]:
    return [False, True] if SAMPLES["nn.functional." + name].flags.get("complex", True) else [False]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_like_pytorch(name: str) -> None:
    pytest.importorskip("torch")
    # PyTorch's embedding refuses complex gradients; its hardsigmoid's slope is a float32 number
    for is_complex in accepts(name):
        tol = 1e-9 if name == "hardsigmoid" else 1e-8
        against_torch("nn.functional." + name, is_complex, tol=tol, gradients=not (is_complex and name == "embedding"))
    against_torch("nn.functional." + name, False, "float32", 2e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in NAMES if n not in CONVENTION | DISCRETE | OFF])
def test_derivatives(name: str) -> None:
    for is_complex in accepts(name):
        derivatives("nn.functional." + name, is_complex, tol=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [n for n in NAMES if n not in DISCRETE | NOT_MAPPED])
def test_batched(name: str) -> None:
    batched("nn.functional." + name)


# ---------------------------------------------------------------- what the graph shows

NODES = """
F.mse_loss(R(3, 4), R(3, 4))
F.mse_loss(R(3, 4), R(3, 4), reduction='none')
F.l1_loss(R(3, 4), R(3, 4))
F.smooth_l1_loss(R(3, 4), R(3, 4))
F.huber_loss(R(3, 4), R(3, 4))
F.cross_entropy(R(3, 4), I(3))
F.nll_loss(R(3, 4), I(3))
F.nll_loss(R(3, 4, 2), I(3, 2))
F.binary_cross_entropy(R(3).sigmoid(), torch.ones(3))
F.binary_cross_entropy_with_logits(R(3), torch.ones(3))
F.soft_margin_loss(R(3), torch.ones(3))
F.multi_margin_loss(R(3, 4), I(3))
F.multilabel_margin_loss(R(3, 4), I(3, 4))
torch.cdist(R(3, 4), R(5, 4))
F.pdist(R(3, 4))
F.pairwise_distance(R(3, 4), R(3, 4))
F.triplet_margin_loss(R(3, 4), R(3, 4), R(3, 4))
F.cosine_similarity(R(3, 4), R(3, 4))
F.normalize(R(3, 4))
F.dropout(R(3))
F.embedding(I(3), R(5, 3))
F.embedding_bag(I(2, 3), R(5, 3))
F.relu6(R(3))
F.elu(R(3))
F.celu(R(3))
F.selu(R(3))
F.gelu(R(3))
F.silu(R(3))
F.mish(R(3))
F.glu(R(4))
F.hardshrink(R(3))
F.hardsigmoid(R(3))
F.hardswish(R(3))
F.leaky_relu(R(3))
F.logsigmoid(R(3))
F.prelu(R(3), R(1))
F.rrelu(R(3))
F.softplus(R(3))
F.softshrink(R(3))
F.threshold(R(3), 0.1, 0.2)
F.conv1d(R(2, 3, 5), R(4, 3, 2), R(4))
F.conv2d(R(3, 5, 5), R(4, 3, 2, 2), R(4))
F.conv_transpose2d(R(2, 3, 5, 5), R(3, 4, 2, 2), R(4))
F.unfold(R(2, 3, 5, 5), 2)
F.fold(R(2, 12, 16), (5, 5), 2)
F.max_pool1d(R(2, 3, 8), 2)
F.max_pool2d(R(2, 3, 8, 8), 2)
F.max_pool3d(R(2, 3, 8, 8, 8), 2)
F.avg_pool2d(R(2, 3, 8, 8), 2)
F.adaptive_avg_pool2d(R(2, 3, 8, 8), 2)
F.adaptive_avg_pool2d(R(2, 3, 8, 8), 1)
F.adaptive_max_pool2d(R(2, 3, 8, 8), 2)
F.fractional_max_pool2d(R(2, 3, 8, 8), 2, output_size=3)
F.max_unpool2d(R(2, 3, 4, 4), I(2, 3, 4, 4), 2)
F.batch_norm(R(4, 3), torch.zeros(3), torch.ones(3), R(3), R(3))
F.batch_norm(R(4, 3), torch.zeros(3), torch.ones(3), R(3), R(3), training=True)
F.layer_norm(R(4, 3), (3,), R(3), R(3))
F.group_norm(R(4, 6, 2), 2, R(6), R(6))
F.instance_norm(R(4, 6, 2))
F.pad(R(3, 4), (1, 1))
F.pad(R(1, 3, 4), (1, 1), mode='reflect')
F.pad(R(1, 3, 4, 4), (1, 1, 1, 1), mode='replicate')
F.interpolate(R(1, 3, 4), 8)
F.interpolate(R(1, 3, 4, 4), 8, mode='bilinear')
F.interpolate(R(1, 3, 4, 4), 3, mode='bicubic', antialias=True)
F.interpolate(R(1, 3, 4, 4), 8, mode='area')
F.grid_sample(R(1, 3, 4, 4), R(1, 2, 2, 2), align_corners=False)
F.affine_grid(R(1, 2, 3), (1, 3, 4, 4), align_corners=False)
F.pixel_shuffle(R(1, 4, 3, 3), 2)
F.channel_shuffle(R(1, 4, 3, 3), 2)
F.scaled_dot_product_attention(R(2, 3, 4, 5), R(2, 3, 4, 5), R(2, 3, 4, 5))
F.ctc_loss(R(5, 2, 4), I(2, 2), (5, 5), (2, 1), reduction='none')
"""


def scope(L: Any, functional: Any, grad: bool) -> dict[str, Any]:
    count = [0]

    def R(*shape: Any) -> Any:
        if shape == ((),):
            shape = ()
        count[0] += 1
        data = np.random.default_rng(count[0]).standard_normal(shape).astype("float32")
        return L.tensor(data, requires_grad=grad)

    def I(*shape: Any) -> Any:  # noqa: E743
        return L.tensor(np.ones(() if shape == ((),) else shape, "int64"))

    return {"R": R, "I": I, "F": functional, "torch": L}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("expression", [line for line in NODES.splitlines() if line])
def test_node_names(expression: str) -> None:
    torch = pytest.importorskip("torch")
    theirs = eval(expression, scope(torch, torch.nn.functional, True))
    ours = eval(expression, scope(wengert, F, True))
    assert type(ours.grad_fn).__name__ == type(theirs.grad_fn).__name__
    assert tuple(ours.stride()) == tuple(theirs.stride())


# ---------------------------------------------------------------- random masks


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize(
    "name", ["dropout", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout", "rrelu", "gumbel_softmax"]
)
def test_the_same_random_numbers(name: str, kind: str) -> None:
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).standard_normal((4, 6, 5, 3))

    def run(L: Any) -> Any:
        L.manual_seed(11)
        fn = getattr(L.nn.functional, name)
        return fn(L.tensor(data.astype(kind)), **({} if name == "gumbel_softmax" else {"training": True}))

    np.testing.assert_allclose(run(wengert).numpy(), run(torch).numpy(), rtol=1e-6, atol=1e-6)


# ---------------------------------------------------------------- indices of pooling, running statistics, in place


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("name", ["max_pool1d", "max_pool2d", "max_pool3d"])
def test_indices_of_maxima(name: str, ceil_mode: bool) -> None:
    torch = pytest.importorskip("torch")
    dims = int(name[-2])
    data = np.random.default_rng(0).integers(0, 3, (2, 3, *(7,) * dims)).astype("float32")  # with ties
    data[0, 0] = np.nan

    def run(L: Any) -> Any:
        pool = getattr(L.nn.functional, name)
        return pool(L.tensor(data), 3, stride=2, padding=1, ceil_mode=ceil_mode, return_indices=True)

    for y, z in zip(run(wengert), run(torch), strict=True):
        np.testing.assert_array_equal(y.numpy(), z.numpy())


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unpooling(dims: int) -> None:
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).standard_normal((2, 3, *(6,) * dims))

    def run(L: Any) -> Any:
        x = L.tensor(data, requires_grad=True)
        y, i = getattr(L.nn.functional, f"max_pool{dims}d")(x, 2, return_indices=True)
        z = getattr(L.nn.functional, f"max_unpool{dims}d")(y, i, 2)
        (g,) = L.autograd.grad((z * z).sum(), x)
        return z, g

    for y, z in zip(run(wengert), run(torch), strict=True):
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy())


@pytest.mark.parametrize("name", ["batch_norm", "instance_norm"])
def test_running_statistics(name: str) -> None:
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).standard_normal((4, 3, 5))

    def run(L: Any) -> Any:
        mean, var = L.zeros(3, dtype=L.float64), L.ones(3, dtype=L.float64)
        more = {"training": True} if name == "batch_norm" else {"use_input_stats": True}
        getattr(L.nn.functional, name)(L.tensor(data), mean, var, momentum=0.3, **more)
        return mean, var

    for y, z in zip(run(wengert), run(torch), strict=True):
        np.testing.assert_allclose(y.numpy(), z.numpy())


IN_PLACE = [
    "relu",
    "elu",
    "selu",
    "celu",
    "leaky_relu",
    "hardtanh",
    "relu6",
    "silu",
    "mish",
    "hardswish",
    "hardsigmoid",
]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name: str) -> None:
    data = np.random.default_rng(0).standard_normal((3, 4))

    def gradient(inplace: bool) -> Any:
        x = wengert.tensor(data, requires_grad=True)
        h = x * 2
        y = getattr(F, name)(h, inplace=inplace)
        assert (y is h) == inplace
        y.sum().backward()
        return y.detach().numpy(), x.grad.numpy()

    for a, b in zip(gradient(True), gradient(False), strict=True):
        np.testing.assert_allclose(a, b)


def test_max_norm_changes_the_rows_that_are_looked_up() -> None:
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(0).standard_normal((5, 4))

    def run(L: Any) -> Any:
        weight = L.tensor(data)
        y = L.nn.functional.embedding(L.tensor([1, 3, 1]), weight, max_norm=1.0)
        return y, weight

    for y, z in zip(run(wengert), run(torch), strict=True):
        np.testing.assert_allclose(y.numpy(), z.numpy())


def test_ctc_loss_below_log_softmax() -> None:
    """Where log_softmax comes first, the gradient is the true one, to the second order."""
    data = np.random.default_rng(0).standard_normal((6, 2, 4))
    targets = wengert.tensor([[1, 2, 2], [3, 1, 0]])

    def loss(x: Any) -> Any:
        return F.ctc_loss(F.log_softmax(x, 2), targets, (6, 5), (3, 2))

    x = wengert.tensor(data, requires_grad=True)
    assert wengert.autograd.gradcheck(loss, (x,))
    assert wengert.autograd.gradgradcheck(loss, (x,))


def test_an_impossible_sample_counts_as_nothing_if_asked() -> None:
    x = wengert.zeros(1, 1, 3, requires_grad=True)
    loss = F.ctc_loss(F.log_softmax(x, 2), wengert.tensor([[1, 2]]), (1,), (2,), reduction="sum", zero_infinity=True)
    loss.backward()
    assert loss.item() == 0
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros((1, 1, 3)))
    assert F.ctc_loss(F.log_softmax(x, 2), wengert.tensor([[1, 2]]), (1,), (2,)).item() == float("inf")


def test_rows_with_everything_masked_attend_to_nothing() -> None:
    q, k, v = (wengert.ones(1, 1, 2, 3, requires_grad=True) for _ in range(3))
    mask = wengert.tensor([[True, True], [False, False]])
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    y.sum().backward()
    np.testing.assert_array_equal(y.detach().numpy()[0, 0, 1], np.zeros(3))
    assert not np.isnan(q.grad.numpy()).any()


@pytest.mark.parametrize("size", [4, 5])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_which_pixel_is_nearest(mode: str, size: int) -> None:
    torch = pytest.importorskip("torch")
    data = np.arange(size, dtype="float32").reshape(1, 1, size)
    for out in range(1, 24):
        ours, theirs = (L.nn.functional.interpolate(L.tensor(data), out, mode=mode).numpy() for L in (wengert, torch))
        np.testing.assert_array_equal(ours, theirs)
    for factor in (0.3, 0.7, 1.1, 1.9, 2.5, 3.3):
        ours, theirs = (
            L.nn.functional.interpolate(L.tensor(data), scale_factor=factor, mode=mode).numpy()
            for L in (wengert, torch)
        )
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["native_layer_norm", "native_group_norm", "native_batch_norm", "norm_except_dim"])
def test_norms_with_their_statistics(name: str) -> None:
    pytest.importorskip("torch")
    against_torch(name, False)


TORCH_FORMS = """
torch.kl_div(R(3, 4), R(3, 4))
torch.kl_div(R(3, 4), R(3, 4), 2, log_target=True)
torch.poisson_nll_loss(R(3), R(3), True, False, 1e-8, 1)
torch.binary_cross_entropy_with_logits(R(3), R(3))
torch.margin_ranking_loss(R(3), R(3), R(3), 0.5, 1)
torch.hinge_embedding_loss(R(3), I(3), 1.0, 2)
torch.cosine_embedding_loss(R(3, 4), R(3, 4), I(3))
torch.triplet_margin_loss(R(3, 4), R(3, 4), R(3, 4), reduction=1)
torch.ctc_loss(R(5, 2, 4), I(2, 2), (5, 5), (2, 1))
torch.embedding(R(5, 3), I(2))
torch.embedding_bag(R(5, 3), I(4), torch.tensor([0, 2]))[0]
torch.embedding_bag(R(5, 3), I(4), torch.tensor([0, 2]), mode=2)[3]
torch.batch_norm(R(4, 3), R(3), R(3), None, None, True, 0.1, 1e-5, False)
torch.dropout(R(3), 0.5, False)
torch.bilinear(R(4, 3), R(4, 2), R(5, 3, 2), R(5))
torch.grid_sampler(R(2, 3, 4, 4), R(2, 2, 2, 2), 0, 0, False)
torch.convolution(R(2, 3, 5), R(4, 3, 2), R(4), [1], [0], [1], False, [0], 1)
torch.adaptive_max_pool1d(R(2, 3, 8), 2)[1]
torch.max_pool1d_with_indices(R(2, 3, 8), 2)[1]
torch.rms_norm(R(2, 3), (3,))
torch.addmv_(R(2), R(2, 3), R(3))
"""


@pytest.mark.parametrize("expression", [line for line in TORCH_FORMS.splitlines() if line])
def test_as_the_torch_namespace_has_them(expression: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = (eval(expression, scope(L, L.nn.functional, False)) for L in (wengert, torch))
    assert str(ours.dtype) == str(theirs.dtype)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5, atol=1e-6)


# ---------------------------------------------------------------- errors, warnings, dtypes

CALLS = """
F.mse_loss(R(3,4),R(3))
F.mse_loss(R(3,4),R(4))
F.mse_loss(R(3,4),R(3,4),reduction='foo')
F.mse_loss(R(3,4),I(3,4))
F.mse_loss(I(3,4),I(3,4))
F.mse_loss(R(3,4),R(3,4).double())
F.mse_loss(R(3,4),R(3,4),size_average=False)
F.mse_loss(R(3,4),R(3,4),weight=R(3))
F.mse_loss(R(3,4),R(4),weight=R(3,4))
F.l1_loss(R(3,4),R(4))
F.l1_loss(I(3,4),I(3,4))
F.l1_loss(R(3,4),R(3,4),weight=R(3))
F.smooth_l1_loss(R(3,4),R(4))
F.smooth_l1_loss(R(3,4),R(3,4),beta=-1)
F.smooth_l1_loss(R(3,4),R(3,4),beta=0)
F.huber_loss(R(3,4),R(4))
F.huber_loss(R(3,4),R(3,4),delta=0)
F.huber_loss(R(3,4),R(3,4),weight=R(4,3))
F.nll_loss(R(3,4),I(2))
F.nll_loss(R(3,4),I(3,1))
F.nll_loss(R(3,4),R(3))
F.nll_loss(R(3,4),I(3)*4)
F.nll_loss(R(3,4),I(3)*-1)
F.nll_loss(R(3,4),I(3),weight=R(3))
F.nll_loss(R(3,4),I(3),weight=R(4).double())
F.nll_loss(R(4),I(1))
F.nll_loss(R(4),I(()))
F.nll_loss(R(4),I(2))
F.nll_loss(R(()),I(()))
F.nll_loss(R(3,4,5),I(3,4))
F.nll_loss(R(3,4,5),I(3,5))
F.nll_loss(R(3,4,5,6),I(3,5))
F.nll_loss(R(3,4,5,6),I(3,5,5))
F.nll_loss(R(3,4),I(3).to(torch.int32))
F.nll_loss(R(3,4),I(3).to(torch.uint8))
F.nll_loss(R(0,4),I(0))
F.nll_loss(R(3,4),I(3)*-100)
F.cross_entropy(R(3,4),I(2))
F.cross_entropy(R(3,4),R(3,4).double())
F.cross_entropy(R(3,4),R(3,5))
F.cross_entropy(R(3,4),I(3),label_smoothing=2)
F.cross_entropy(R(3,4),R(3,4),ignore_index=1)
F.cross_entropy(R(3,4),I(3,4))
F.cross_entropy(R(()),I(()))
F.cross_entropy(R(3,4),I(3),weight=R(3))
F.cross_entropy(R(3,4),R(3,4),weight=R(3))
F.cross_entropy(I(3,4),I(3))
F.cross_entropy(R(3,4),I(3),reduction='x')
F.binary_cross_entropy(R(3).sigmoid(),R(2))
F.binary_cross_entropy(R(3),R(3))
F.binary_cross_entropy(torch.rand(3),torch.rand(3)*0+3)
F.binary_cross_entropy(torch.rand(3),I(3))
F.binary_cross_entropy(torch.rand(3),R(3).double())
F.binary_cross_entropy(torch.rand(3,4),torch.rand(3,4),weight=R(3))
F.binary_cross_entropy_with_logits(R(3),R(2))
F.binary_cross_entropy_with_logits(R(3),I(3))
F.binary_cross_entropy_with_logits(R(3),R(3),pos_weight=R(2))
F.kl_div(R(3,4),R(3,4))
F.kl_div(R(3,4),R(3,4),reduction='foo')
F.kl_div(R(3,4),R(3,4),reduction='sum')
F.poisson_nll_loss(R(3),R(3),reduction='foo')
F.gaussian_nll_loss(R(3,4),R(3,4),-R(3,4).abs())
F.gaussian_nll_loss(R(3,4),R(3,4),R(2).abs())
F.gaussian_nll_loss(R(3,4),R(3,4),R(3).abs())
F.gaussian_nll_loss(R(3,4),R(3,4),0.5)
F.gaussian_nll_loss(R(3,4),R(3,4),-0.5)
F.gaussian_nll_loss(R(3,4),R(3,4),R(3,4).abs(),reduction='x')
F.cosine_embedding_loss(R(3,4),R(3,4),R(3,1))
F.cosine_embedding_loss(R(3,4,1),R(3,4,1),R(3,1))
F.cosine_embedding_loss(R(4),R(4),R(1))
F.margin_ranking_loss(R(3),R(3),R(2))
F.margin_ranking_loss(R(3),R(3,1),R(3))
F.multi_margin_loss(R(3,4),I(2))
F.multi_margin_loss(R(3,4),I(3)*4)
F.multi_margin_loss(R(3,4),I(3),p=3)
F.multi_margin_loss(R(3,4),I(3),weight=R(3))
F.multi_margin_loss(R(4),I(()))
F.multi_margin_loss(R(3,4,5),I(3))
F.multilabel_margin_loss(R(3,4),I(3))
F.multilabel_margin_loss(R(3,4),I(3,4)*5)
F.multilabel_margin_loss(R(3,4,5),I(3,4,5))
F.multilabel_margin_loss(R(4),I(4))
F.multilabel_soft_margin_loss(R(3,4),R(3,5))
F.multilabel_soft_margin_loss(R(3,4),R(3,4),reduction='x')
F.soft_margin_loss(R(3),R(2))
F.soft_margin_loss(R(3),I(3))
F.triplet_margin_loss(R(3,4),R(3,4),R(4))
F.triplet_margin_loss(R(3,4),R(3,4),R(3,4),margin=-1)
F.triplet_margin_with_distance_loss(R(3,4),R(3,4),R(3,4),margin=-1)
F.triplet_margin_with_distance_loss(R(3,4),R(3,4),R(4))
F.triplet_margin_with_distance_loss(R(3,4),R(3,4),R(3,4),reduction='k')
F.ctc_loss(R(5,2,4).log_softmax(2),I(2,2),I(2),I(2))
F.ctc_loss(R(5,2,4).log_softmax(2),I(2,2),I(3)*5,I(2)*2)
F.ctc_loss(R(5,2,4).log_softmax(2),I(2,2),I(2)*6,I(2)*2)
F.ctc_loss(R(5,2,4).log_softmax(2),I(2,2),I(2)*5,I(2)*2,blank=4)
F.ctc_loss(R(5,2,4).log_softmax(2),I(2,2),I(2)*5,I(2)*3)
F.ctc_loss(R(5,2,4).log_softmax(2),I(3),I(2)*5,I(2)*2)
F.ctc_loss(R(5,4).log_softmax(1),I(2),I(())*5,I(())*2)
F.dropout(R(3),p=2)
F.dropout(I(3),p=0.5)
F.dropout(I(3),p=0.0)
F.dropout1d(R(3))
F.dropout1d(R(3,4,5,6))
F.dropout2d(R(3))
F.dropout2d(R(3,4,5))
F.dropout3d(R(3,4,5))
F.feature_alpha_dropout(R(3),training=True)
F.feature_alpha_dropout(R(3),p=3)
F.embedding(R(3),R(4,2))
F.embedding(I(3)*5,R(4,2))
F.embedding(I(3),R(4,2),padding_idx=5)
F.embedding(I(3),R(4,2),padding_idx=-5)
F.embedding(I(3),R(4))
F.embedding(I(3).to(torch.int16),R(4,2))
F.embedding(I(3).to(torch.int32),R(4,2))
F.one_hot(I(3))
F.one_hot(I(3),1)
F.one_hot(I(3)*-1)
F.one_hot(R(3))
F.one_hot(I(0))
F.one_hot(I(0),3)
F.one_hot(I(3),0)
F.embedding_bag(I(3),R(4,2))
F.embedding_bag(I(3),R(4,2),I(2)*0)
F.embedding_bag(I(3,2),R(4,2),I(2)*0)
F.embedding_bag(I(3,2,2),R(4,2))
F.embedding_bag(I(3,2),R(4,2),mode='x')
F.embedding_bag(I(3,2),R(4,2),mode='max',per_sample_weights=R(3,2))
F.embedding_bag(I(3,2),R(4,2),mode='sum',per_sample_weights=R(3))
F.embedding_bag(I(3,2),R(4,2),mode='max',sparse=True)
F.embedding_bag(I(3,2),R(4,2),mode='max',scale_grad_by_freq=True)
F.embedding_bag(I(3),R(4,2),torch.tensor([0,5]))
F.embedding_bag(I(3)*7,R(4,2),torch.tensor([0]))
F.embedding_bag(R(3),R(4,2),torch.tensor([0]))
F.conv2d(R(2,5,5,5),R(4,3,2,2))
F.conv2d(R(2,3),R(4,3,2,2))
F.conv1d(R(2,3),R(4,3,2))
F.conv1d(R(2),R(4,3,2))
F.conv3d(R(2,3),R(4,3,2,2,2))
F.conv2d(R(2,3,5,5),R(4,3,2))
F.conv2d(R(2,3,5,5),R(4,3,2,2),R(3))
F.conv2d(R(2,3,2,2),R(4,3,3,3))
F.conv2d(R(2,3,5,5),R(4,3,2,2),stride=0)
F.conv2d(R(2,3,5,5),R(4,3,2,2),stride=(1,1,1))
F.conv2d(R(2,3,5,5),R(4,3,2,2),padding=-1)
F.conv2d(R(2,3,5,5),R(4,3,2,2),dilation=0)
F.conv2d(R(2,3,5,5),R(4,3,2,2),groups=2)
F.conv2d(R(2,4,5,5),R(5,2,2,2),groups=2)
F.conv2d(R(2,4,5,5),R(4,2,2,2),groups=0)
F.conv2d(R(2,4,5,5),R(4,4,2,2),padding='same',stride=2)
F.conv2d(R(2,4,5,5),R(4,4,2,2),padding='foo')
F.conv2d(R(2,4,5,5),R(4,4,2,2).double())
F.conv2d(R(2,4,5,5),R(4,4,2,2),R(4).double())
F.conv2d(I(2,4,5,5),I(4,4,2,2))
F.conv2d(R(0,4,5,5),R(4,4,2,2))
F.conv2d(R(2,4,5,5),R(0,4,2,2))
F.conv_transpose2d(R(2,4,5,5),R(3,4,2,2))
F.conv_transpose2d(R(2,3,5,5),R(3,4,2,2),output_padding=1)
F.conv_transpose2d(R(2,3,5,5),R(3,4,2,2),R(3))
F.conv_transpose2d(R(3,5),R(3,4,2,2))
F.conv_tbc(R(5,2,3),R(2,3,4),R(4))
F.unfold(R(2,3,4,4),5)
F.unfold(R(3,4,4),2)
F.unfold(R(2,3,4,4),2,stride=0)
F.fold(R(2,12,15),(5,5),2)
F.fold(R(2,11,16),(5,5),2)
F.fold(R(12,16),(5,5),2)
F.max_pool2d(R(2,3,8,8),0)
F.max_pool2d(R(2,3,8,8),2,padding=2)
F.max_pool2d(R(2,3),2)
F.max_pool2d(R(2,3,1,1),2)
F.max_pool2d(R(2,3,8,8),2,stride=0)
F.max_pool2d(R(2,3,8,8),2,dilation=0)
F.max_pool1d(R(2),2)
F.max_pool1d(R(2,3,1),2)
F.max_pool3d(R(2,3,8,8),2)
F.max_pool2d(I(2,3,8,8),2)
F.avg_pool2d(R(2,3),2)
F.avg_pool2d(R(2,3,8,8),2,padding=2)
F.avg_pool2d(R(2,3,8,8),2,divisor_override=0)
F.avg_pool2d(R(2,3,8,8),0)
F.avg_pool2d(R(2,3,1,1),2)
F.avg_pool1d(R(2),2)
F.avg_pool2d(I(2,3,8,8),2)
F.adaptive_avg_pool2d(R(2,3),2)
F.adaptive_avg_pool2d(R(2,3,8,8),(2,None))
F.adaptive_avg_pool2d(R(2,3,8,8),(2,-1))
F.adaptive_avg_pool1d(R(3),2)
F.adaptive_max_pool2d(R(2,3),2)
F.adaptive_max_pool2d(R(2,3,8,8),(2,3,4))
F.fractional_max_pool2d(R(2,3,8,8),2)
F.fractional_max_pool2d(R(2,3,8,8),2,output_ratio=2)
F.fractional_max_pool2d(R(2,3,8,8),2,output_size=8)
F.max_unpool2d(R(2,3,4,4),I(2,3,4,4)+100,2)
F.max_unpool2d(R(2,3,4,4),I(2,3,4,5),2)
F.max_unpool2d(R(2,3,4,4),I(2,3,4,4).int(),2)
F.max_unpool2d(R(2,3,4,4),I(2,3,4,4),2,output_size=(2,2))
F.max_unpool2d(R(2,3,4,4),I(2,3,4,4),2)
F.lp_pool2d(R(2,3,8,8),0,2)
F.batch_norm(R(3),R(3),R(3))
F.batch_norm(R(1,3),None,None,training=True)
F.batch_norm(R(2,3),None,None)
F.batch_norm(R(2,3),R(2),R(3))
F.batch_norm(R(2,3),R(3),R(3),R(2))
F.batch_norm(R(2,3),R(3),R(3),R(3),R(4))
F.batch_norm(I(2,3),R(3),R(3))
F.batch_norm(R(2,3),R(3).double(),R(3).double())
F.batch_norm(R(2,3).half(),R(3),R(3))
F.layer_norm(R(2,3),(2,))
F.layer_norm(R(2,3),(3,),R(2))
F.layer_norm(R(2,3),(3,),R(3),R(2))
F.layer_norm(R(2,3),())
F.layer_norm(R(2,3),3)
F.group_norm(R(2,3),2)
F.group_norm(R(2,4),2,R(3))
F.group_norm(R(2,4),2,R(4),R(3))
F.group_norm(R(1,2),2)
F.group_norm(R(2),2)
F.group_norm(R(2,4),0)
F.instance_norm(R(2,3))
F.instance_norm(R(2,3,1))
F.instance_norm(R(2,3,4),use_input_stats=False)
F.rms_norm(R(2,3),(2,))
F.rms_norm(R(2,3),(3,),R(2))
F.local_response_norm(R(2,3),2)
F.normalize(R(2,3),p=3,dim=1)
F.pad(R(2,3),(1,))
F.pad(R(2,3),(1,1,1,1,1,1))
F.pad(R(2,3),(1,1),mode='foo')
F.pad(R(2,3),(1,1),mode='reflect')
F.pad(R(2),(1,1),mode='reflect')
F.pad(R(2,3,4),(4,1),mode='reflect')
F.pad(R(2,3,4),(5,1),mode='circular')
F.pad(R(2,3,4),(-2,-2))
F.pad(R(2,3,4),(-3,-2))
F.pad(R(2,3,4),(1,1),mode='replicate',value=2)
F.pad(R(2,3,4,4),(1,1),mode='reflect')
F.interpolate(R(2,3,4),8,mode='bilinear')
F.interpolate(R(2,3,4))
F.interpolate(R(2,3,4),8,scale_factor=2)
F.interpolate(R(2,3,4),(8,8))
F.interpolate(R(2,3,4),8,mode='foo')
F.interpolate(R(2,3,4),8,mode='nearest',align_corners=True)
F.interpolate(R(2,3,4,4),8,mode='nearest',antialias=True)
F.interpolate(R(2,3),8)
F.interpolate(R(2,3,4),0)
F.interpolate(R(2,3,4),scale_factor=(2,3))
F.interpolate(R(2,3,4),size=8,recompute_scale_factor=True)
F.interpolate(R(1,3,6,6),4,mode='lanczos',antialias=True)
F.interpolate(R(1,3,6,6),4,mode='lanczos')
F.grid_sample(R(2,3,4,4),R(2,2,2,2))
F.grid_sample(R(2,3,4,4),R(1,2,2,2))
F.grid_sample(R(2,3,4,4),R(2,2,2,3))
F.grid_sample(R(2,3,4),R(2,2,2))
F.grid_sample(R(2,3,4,4),R(2,2,2,2),mode='x')
F.grid_sample(R(2,3,4,4),R(2,2,2,2),padding_mode='x')
F.grid_sample(R(2,3,4,4,4),R(2,2,2,2,3),mode='bicubic',align_corners=True)
F.grid_sample(R(2,3,4,4),R(2,2,2,2).double())
F.affine_grid(R(2,2,3),(2,3,4,4))
F.affine_grid(R(2,2,3),(2,3,4))
F.affine_grid(R(2,3,3),(2,3,4,4))
F.affine_grid(R(2,2,3),(2,3,0,4))
F.affine_grid(I(2,2,3),(2,3,1,4))
F.pixel_shuffle(R(1,3,2,2),2)
F.pixel_shuffle(R(2,2),2)
F.pixel_shuffle(R(1,4,2,2),0)
F.pixel_unshuffle(R(1,3,3,3),2)
F.channel_shuffle(R(1,3,2,2),2)
F.cosine_similarity(R(2,3),R(4,3))
F.cosine_similarity(I(2,3),I(2,3))
F.pairwise_distance(R(2,3),R(2,4))
F.pdist(R(2))
F.pdist(R(2,3),p=-1)
torch.cdist(R(2,3),R(2,4))
torch.cdist(R(2),R(2))
torch.cdist(R(2,3),R(2,3),p=-1)
torch.cdist(I(2,3),I(2,3))
torch.cdist(R(2,3),R(2,3),compute_mode='k')
F.scaled_dot_product_attention(R(2,3),R(2,3),R(2,3))
F.scaled_dot_product_attention(R(3),R(2,3),R(2,3))
F.scaled_dot_product_attention(R(2,3,4),R(2,3,5),R(2,3,5))
F.scaled_dot_product_attention(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=R(3,3),is_causal=True)
F.scaled_dot_product_attention(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=I(3,3))
F.scaled_dot_product_attention(R(1,2,3,4),R(1,2,3,4),R(1,2,3,4),attn_mask=R(4,3))
F.scaled_dot_product_attention(R(1,2,3,4),R(1,2,3,4).double(),R(1,2,3,4))
F.elu(I(3))
F.gelu(I(3))
F.gelu(R(3),approximate='x')
F.silu(I(3))
F.softplus(I(3))
F.hardtanh(R(3),2,1)
F.hardtanh(I(3))
F.relu6(I(3))
F.relu(I(3))
F.leaky_relu(I(3))
F.celu(R(3),alpha=0)
F.celu(I(3))
F.selu(I(3))
F.glu(R(3))
F.glu(R(()))
F.prelu(R(3,4),R(3))
F.prelu(R(3,4),R(4).double())
F.prelu(R(3,4),R(2,2))
F.rrelu(R(3),0.5,0.2)
F.softshrink(R(3),-1)
F.hardshrink(I(3))
F.threshold(I(3),0,2)
F.logsigmoid(I(3))
F.mish(I(3))
F.hardswish(I(3))
F.hardsigmoid(I(3))
F.softmax(R(3))
F.softmin(R(3,2))
F.tanhshrink(R(3))
F.softsign(I(3))
"""


def outcome(expression: str, L: Any, functional: Any) -> Any:
    """dtype and shape, or the error; and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            y = eval(expression, scope(L, functional, False))
            result: Any = (str(y.dtype), tuple(y.shape))
        except Exception as error:
            result = f"{type(error).__name__}: {error}".split("\nException raised")[0]
    seen = [str(w.message) for w in caught if w.category is not RuntimeWarning]  # NumPy's, filtered outside this block
    return result, seen


@pytest.mark.parametrize("expression", [line for line in CALLS.splitlines() if line])
def test_results_errors_and_warnings(expression: str) -> None:
    torch = pytest.importorskip("torch")
    assert outcome(expression, wengert, F) == outcome(expression, torch, torch.nn.functional)
