"""Ready-made parametrizations: weight norm, spectral norm, orthogonality."""

from __future__ import annotations

# Tensor gets its methods when the operations are installed, where mypy does not see them.
# mypy: disable-error-code="attr-defined, no-any-return"
from enum import Enum, auto
from typing import Any

from ...core import modes
from ...core.tensor import Tensor
from .. import functional as F
from .._functional.base import T
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..module import Module
from . import parametrize

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _norm_except_dim(v: Any, dim: int) -> Any:
    """The 2-norm over all dims but one, which stays; over all for -1."""
    if dim == -1:
        return T.norm(v)
    dims = [d for d in range(v.dim()) if d != dim % v.dim()]
    return (v * v).sum(dims, keepdim=True).sqrt() if dims else v.abs()


class _WeightNorm(Module):
    """`v * (g / |v|)`: the length `g` and the direction `v` are trained apart."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / _norm_except_dim(weight_v, self.dim))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        return _norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Train length and direction of `module.<name>` apart; `dim` None means one length for the whole tensor."""

    def from_old(self: Any, state_dict: Any, prefix: str, *_: Any) -> None:
        """A state dict of the hook-based weight norm: weight_g and weight_v."""
        old_g, old_v = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if old_g in state_dict and old_v in state_dict:
            state_dict[f"{prefix}parametrizations.{name}.original0"] = state_dict.pop(old_g)
            state_dict[f"{prefix}parametrizations.{name}.original1"] = state_dict.pop(old_v)

    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module._register_load_state_dict_pre_hook(from_old, with_module=True)
    return module


class _SpectralNorm(Module):
    """The weight divided by its largest singular value, which a power iteration follows during training."""

    def __init__(self, weight: Any, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        ndim = weight.ndim
        if dim >= ndim or dim < -ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            rows, cols = matrix.size()
            u = matrix.new_empty(rows).normal_(0, 1)
            v = matrix.new_empty(cols).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight: Any) -> Any:
        if self.dim != 0:
            others = [d for d in range(weight.dim()) if d != self.dim]
            weight = weight.permute(self.dim, *others)
        return weight.flatten(1)

    def _power_method(self, matrix: Any, n: int) -> None:
        with modes.no_grad():
            for _ in range(n):
                u = F.normalize(matrix.mv(self._v), dim=0, eps=self.eps)
                self._u.copy_(u)
                v = F.normalize(matrix.t().mv(self._u), dim=0, eps=self.eps)
                self._v.copy_(v)

    def forward(self, weight: Any) -> Any:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix.detach(), self.n_power_iterations)
        # Copies: the next iteration changes the buffers in place, and backward needs these values.
        u = self._u.clone()
        v = self._v.clone()
        return weight / T.vdot(u, matrix.mv(v))

    def right_inverse(self, value: Any) -> Any:
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    """Divide `module.<name>` by its largest singular value; `dim` is the output dim (1 for transposed convolutions)."""
    weight = module._parameters.get(name, module._buffers.get(name))
    if weight is None:
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if dim is None:
        dim = 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0
    norm = _SpectralNorm(weight, n_power_iterations, dim, eps)
    parametrize.register_parametrization(module, name, norm)
    return module


class _OrthMaps(Enum):
    matrix_exp = auto()
    cayley = auto()
    householder = auto()


def _eye_like(a: Any, rows: int, cols: int) -> Any:
    return T.eye(rows, cols, dtype=a.dtype, device=a.device)


def _make_orthogonal(a: Any) -> Any:
    """A nearby matrix with orthonormal columns: Q of the QR decomposition, its signs fixed."""
    q, r = T.need("linalg.qr")(a)
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthogonal(q: Any, eps: float | None = None) -> bool:
    n, k = q.size(-2), q.size(-1)
    if eps is None:
        eps = 10.0 * n * _eps(q)
    return bool(T.allclose(q.mH @ q, _eye_like(q, k, k), atol=eps))


def _eps(q: Any) -> float:
    from ...core.dtypes import finfo

    return float(finfo(q.dtype).eps)


class _Orthogonal(Module):
    """A matrix with orthonormal columns (or rows, if it is wide), from an unconstrained one."""

    base: Any

    def __init__(self, weight: Any, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Any) -> Any:
        n, k = x.size(-2), x.size(-1)
        wide = n < k
        if wide:
            x = x.mT
            n, k = k, n
        if self.orthogonal_map == _OrthMaps.householder:
            a = x.tril(-1)
            tau = 2.0 / (1.0 + (a * a).sum(-2))
            q = T.need("linalg.householder_product")(a, tau)
            q = q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        else:
            a = x.tril()
            if n != k:
                a = T.cat([a, a.new_zeros((*a.shape[:-2], n, n - k))], -1)
            a = a - a.mH  # skew-symmetric
            if self.orthogonal_map == _OrthMaps.matrix_exp:
                q = T.need("linalg.matrix_exp")(a)
            else:
                identity = _eye_like(a, n, n)
                q = T.need("linalg.solve")(identity - 0.5 * a, identity + 0.5 * a)
            if n != k:
                q = q[..., :k]
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, q: Any) -> Any:
        with modes.no_grad():
            if q.shape != self.shape:
                raise ValueError(
                    f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
                )
            q_init = q
            n, k = q.size(-2), q.size(-1)
            wide = n < k
            if wide:
                q = q.mT
                n, k = k, n
            if not hasattr(self, "base"):
                if self.orthogonal_map != _OrthMaps.householder:
                    raise NotImplementedError(
                        "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                        "use_trivialization=False."
                    )
                a, tau = T.geqrf(q)
                a = a.clone()
                diagonal = a.diagonal(dim1=-2, dim2=-1)
                diagonal.sign_()
                diagonal[tau == 0.0] *= -1
                return a.mT if wide else a
            if n == k:
                q = _make_orthogonal(q) if not _is_orthogonal(q) else q.clone()
            else:
                # Complete the columns to a square orthogonal matrix.
                extra = q.new_empty((*q.shape[:-2], n, n - k)).normal_()
                q = _make_orthogonal(T.cat([q, extra], -1))
            self.base = q
            negative = T.zeros_like(q_init)
            negative.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return negative


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    """Keep `module.<name>` (a matrix or a batch of them) orthogonal.

    `orthogonal_map`: 'matrix_exp' (default for square matrices), 'cayley' or 'householder' (default otherwise);
    `use_trivialization`: work around the present weight.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1) or weight.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    known = getattr(_OrthMaps, orthogonal_map, None)
    if known is None:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    parametrize.register_parametrization(
        module, name, _Orthogonal(weight, known, use_trivialization=use_trivialization), unsafe=True
    )
    return module
