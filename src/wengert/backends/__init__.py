"""torch.backends: switches that programs set, and questions that they ask. What is set here is only remembered."""

from __future__ import annotations

from ..core.missing import missing

__all__ = ["cpu", "cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp", "opt_einsum"]

__getattr__ = missing(__name__, lazy=__all__)
