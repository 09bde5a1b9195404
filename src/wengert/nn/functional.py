"""`wengert.nn.functional`: the functions behind the layers.

Gathered here, written elsewhere: operations come from `ops`, composites from `_functional`. A function that PyTorch has
and this package lacks raises NotImplementedError when it is called.
"""

from __future__ import annotations

from typing import Any

from ..core.intercept import announce
from ..core.missing import missing
from ..core.tensor import Tensor
from ..ops.install import FUNCTIONS as _FUNCTIONS
from . import reduction as _Reduction
from ._functional import attention as _attention
from ._functional import loss as _loss
from ._functional.attention import canonical_mask as _canonical_mask

#: every function that PyTorch's module has
_NAMES = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool1d_with_indices
adaptive_max_pool2d adaptive_max_pool2d_with_indices adaptive_max_pool3d adaptive_max_pool3d_with_indices affine_grid
alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear binary_cross_entropy
binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d conv_tbc conv_transpose1d
conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity cross_entropy ctc_loss dropout dropout1d
dropout2d dropout3d elu elu_ embedding embedding_bag feature_alpha_dropout fold fractional_max_pool2d
fractional_max_pool2d_with_indices fractional_max_pool3d fractional_max_pool3d_with_indices gaussian_nll_loss gelu glu
grid_sample group_norm grouped_mm gumbel_softmax hardshrink hardsigmoid hardswish hardtanh hardtanh_
hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss layer_norm leaky_relu leaky_relu_ linear
linear_cross_entropy local_response_norm log_softmax logsigmoid lp_pool1d lp_pool2d lp_pool3d margin_ranking_loss
max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices max_unpool1d
max_unpool2d max_unpool3d mish mse_loss multi_head_attention_forward multi_margin_loss multilabel_margin_loss
multilabel_soft_margin_loss native_channel_shuffle nll_loss normalize one_hot pad pairwise_distance pdist
pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu relu6 relu_ rms_norm rrelu rrelu_
scaled_dot_product_attention scaled_grouped_mm scaled_mm selu selu_ sigmoid silu smooth_l1_loss soft_margin_loss
softmax softmin softplus softshrink softsign tanh tanhshrink threshold threshold_ triplet_margin_loss
triplet_margin_with_distance_loss unfold upsample upsample_bilinear upsample_nearest
""".split()

_FAMILIES = (_attention, _loss)


def _lacking(name: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"torch.nn.functional.{name} is not implemented")

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "Not implemented: raises NotImplementedError."
    return function


def _gather(name: str) -> Any:
    """The operation that bears the whole name; else our own composite; else the one under `torch`; else a refusal."""
    whole = _FUNCTIONS.get("nn.functional." + name)
    if whole is not None:
        return whole
    for family in _FAMILIES:
        found = getattr(family, name, None)
        if getattr(found, "__module__", None) == family.__name__:
            return found
    return _FUNCTIONS.get(name) or _lacking(name)


for _name in _NAMES:
    globals()[_name] = _gather(_name)
del _name
announce(lambda: [(f"torch.nn.functional.{name}", globals()[name]) for name in _NAMES])

__getattr__ = missing(__name__)

__all__ = [  # noqa: PLE0604
    *_NAMES,
    "Tensor",
    "_Reduction",
    "_canonical_mask",
]
