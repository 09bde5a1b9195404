"""What autocast does to a call: which functions compute in lower precision, which in float32, and the casts.

`Casting` is what a Mode holds while autocast is on; the functions named here are armed (see `core.intercept`) when it is
entered for the first time. The lists are those of PyTorch's autocast for CPUs, found by asking it function by function.
"""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from collections.abc import Callable
from typing import Any

from ..core.dtypes import DTYPES, dtype
from ..core.graph import LEAF
from ..core.intercept import arm, named_functions
from ..core.levels import Batched
from ..core.modes import Mode, set_mode
from ..core.promotion import promote_types
from ..core.tensor import Tensor

FLOAT32, FLOAT64 = DTYPES["float32"], DTYPES["float64"]

LOWER = """
conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d bmm mm linalg.matmul matmul addmm addbmm
baddbmm linalg.vecdot linalg.multi_dot prelu nn.functional.linear nn.functional.scaled_dot_product_attention
nn.functional.conv1d nn.functional.conv2d nn.functional.conv3d nn.functional.conv_tbc nn.functional.conv_transpose1d
nn.functional.conv_transpose2d nn.functional.conv_transpose3d nn.functional.prelu
Tensor.mm Tensor.bmm Tensor.matmul Tensor.__matmul__ Tensor.__rmatmul__ Tensor.addmm Tensor.addbmm Tensor.baddbmm
Tensor.prelu nn.functional.affine_grid affine_grid_generator
""".split()

TO_FLOAT32 = """
avg_pool3d binary_cross_entropy grid_sampler grid_sampler_2d grid_sampler_3d polar prod quantile nanquantile stft cdist
trace view_as_complex cholesky cholesky_inverse cholesky_solve inverse lu_solve orgqr ormqr pinverse max_pool3d
max_unpool2d max_unpool3d adaptive_avg_pool3d ctc_loss binary_cross_entropy_with_logits
nll_loss huber_loss smooth_l1_loss l1_loss kl_div multilabel_margin_loss multi_margin_loss
fft.fft fft.ifft fft.fft2 fft.ifft2 fft.fftn fft.ifftn fft.rfft fft.irfft fft.rfft2 fft.irfft2 fft.rfftn fft.irfftn
fft.hfft fft.ihfft linalg.cond linalg.cholesky linalg.cholesky_ex linalg.svdvals linalg.eigvals linalg.eigvalsh linalg.inv
linalg.inv_ex linalg.householder_product linalg.tensorinv linalg.tensorsolve linalg.eig linalg.eigh linalg.lstsq
linalg.svd linalg.qr linalg.solve geqrf _lu_with_info lu qr svd triangular_solve
nn.functional.avg_pool3d nn.functional.binary_cross_entropy nn.functional.grid_sample nn.functional.max_pool3d
nn.functional.max_pool3d_with_indices nn.functional.max_unpool2d nn.functional.max_unpool3d
nn.functional.adaptive_avg_pool3d nn.functional.adaptive_max_pool3d nn.functional.adaptive_max_pool3d_with_indices
nn.functional.fractional_max_pool2d nn.functional.fractional_max_pool2d_with_indices nn.functional.fractional_max_pool3d
nn.functional.fractional_max_pool3d_with_indices nn.functional.ctc_loss
nn.functional.binary_cross_entropy_with_logits nn.functional.nll_loss nn.functional.cross_entropy nn.functional.huber_loss
nn.functional.smooth_l1_loss nn.functional.l1_loss nn.functional.kl_div nn.functional.multilabel_margin_loss
nn.functional.multi_margin_loss nn.functional.cosine_embedding_loss nn.functional.hinge_embedding_loss
nn.functional.margin_ranking_loss nn.functional.poisson_nll_loss nn.functional.soft_margin_loss
nn.functional.triplet_margin_loss nn.functional.lp_pool3d
Tensor.prod Tensor.quantile Tensor.nanquantile Tensor.stft Tensor.trace Tensor.cholesky Tensor.cholesky_inverse
Tensor.cholesky_solve Tensor.inverse Tensor.lu_solve Tensor.orgqr Tensor.ormqr Tensor.pinverse Tensor.geqrf Tensor.lu
Tensor.qr Tensor.svd Tensor.triangular_solve
""".split()

PROMOTE = ["stack", "cat", "concat", "concatenate", "index_copy", "Tensor.index_copy"]

#: function -> how it is treated; filled when autocast is entered for the first time
_policies: dict[Callable[..., Any], str] = {}


def prepare() -> None:
    """Arm the functions of the lists."""
    if _policies:
        return
    from .. import nn  # noqa: F401  (the functions of its layers are among those announced)

    wanted = {f"torch.{name}": how for how, names in (("lower", LOWER), ("float32", TO_FLOAT32), ("promote", PROMOTE))
              for name in names}  # fmt: skip
    wanted.update({"torch._VF.rnn": "rnn", "torch.nn.functional.pad": "pad", "torch.nn.functional.mse_loss": "mse"})
    found: dict[Callable[..., Any], str] = {}
    for name, fn in named_functions():
        if name in wanted:
            found.setdefault(fn, wanted[name])
    arm(found)
    _policies.update(found)


class Casting:
    """Autocast being on: to which dtype, and the leaves that were cast already (None: each call casts anew)."""

    __slots__ = ("bare", "cache", "dtype")

    def __init__(self, target: dtype, cache: dict[Any, Any] | None) -> None:
        self.dtype = target
        self.cache = cache
        self.bare: tuple[Mode, Mode] | None = None  # a mode with this in it, and the same without

    def call(self, fn: Any, original: Any, args: tuple[Any, ...], kwargs: dict[str, Any], m: Mode) -> Any:
        """`original(*args, **kwargs)` with what the policy of `fn` makes of its arguments."""
        policy = _policies.get(fn)
        if policy is None or kwargs.get("out") is not None:
            return original(*args, **kwargs)
        tensors = [a for a in _flat((*args, *kwargs.values())) if isinstance(a, Tensor)]
        if _exempt(policy, args, kwargs) or any(isinstance(t, Batched) for t in tensors):
            return original(*args, **kwargs)
        if policy in ("float32", "pad", "mse"):
            target = FLOAT32
        elif policy == "promote":
            kinds = [t.dtype for t in tensors if _eligible(t)]
            target = self.dtype
            for kind in kinds:
                target = promote_types(target, kind)
        else:
            target = self.dtype
        args = tuple([self.cast(a, target) for a in args])
        kwargs = {k: self.cast(v, target) for k, v in kwargs.items()}
        bare = self.bare
        if bare is None or bare[0] is not m:  # (a Mode never changes)
            bare = self.bare = m, m.replace(autocast=None)
        set_mode(bare[1])
        try:
            return original(*args, **kwargs)
        finally:
            set_mode(m)

    def afresh(self) -> Casting:
        """The same with a cache of its own."""
        return Casting(self.dtype, None if self.cache is None else {})

    def cast(self, value: Any, target: dtype) -> Any:
        """Floating tensors other than float64, also inside lists and tuples, as `target`; all else unchanged."""
        if isinstance(value, Tensor):
            return self.cast_tensor(value, target) if _eligible(value) and value.dtype is not target else value
        if value.__class__ is list or value.__class__ is tuple:
            return value.__class__([self.cast(v, target) for v in value])
        return value

    def cast_tensor(self, t: Tensor, target: dtype) -> Tensor:
        """One cast; a float32 leaf that requires grad is cast once until the outermost autocast ends."""
        if self.cache is None or t._fn is not LEAF or t._view is not None or t.dtype is not FLOAT32 or t._level:
            return t.to(target)
        if target is FLOAT32:
            return t.to(target)
        known = self.cache.get((id(t), target))
        if known is None:
            known = self.cache[id(t), target] = t, t.to(target)  # (holding `t` keeps its id)
        return known[1]


def _exempt(policy: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """What is left to the operations that a function consists of."""
    if policy == "rnn":  # cells other than the LSTM are composites, with states in float32
        return bool(args[0] != "LSTM")
    if policy == "pad":
        named = dict(zip(("input", "pad", "mode"), args, strict=False), **kwargs)
        kind = named.get("mode", "constant")
        return not (kind == "replicate" or (kind == "reflect" and len(named["pad"]) <= 4))
    return policy == "mse" and (kwargs.get("weight") is not None or len(args) > 5)


def _eligible(t: Tensor) -> bool:
    kind = t.dtype
    return kind.is_floating_point and kind is not FLOAT64


def _flat(values: tuple[Any, ...]) -> Any:
    for v in values:
        if v.__class__ is list or v.__class__ is tuple:
            yield from _flat(tuple(v))
        else:
            yield v
