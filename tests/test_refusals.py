"""What is refused: dtypes that PyTorch's kernels do not take, and shapes, in its words; beyond the samples of the op table."""
from __future__ import annotations

import warnings
from typing import Any

import pytest

import wengert
import wengert.nn.functional as F

KINDS = (
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex128",
    "complex64",
)  # fmt: skip

#: t(shape): ones of the dtype at hand; i(shape): zeros of int64
OF_DTYPES = """
F.silu(t(3))
F.mish(t(3))
F.elu(t(3))
F.selu(t(3))
F.celu(t(3))
F.gelu(t(3))
F.glu(t(4))
F.logsigmoid(t(3))
F.hardsigmoid(t(3))
F.hardswish(t(3))
F.hardtanh(t(3))
F.hardtanh(t(3), 0, 3)
F.relu6(t(3))
F.hardshrink(t(3))
F.softshrink(t(3))
F.softshrink(t(3), -1)
F.softplus(t(3))
F.threshold(t(3), 1, 2)
F.leaky_relu(t(3))
F.rrelu(t(3))
F.rrelu(t(3), training=True)
F.prelu(t(3), t(1))
F.mse_loss(t(3), t(3))
F.huber_loss(t(3), t(3))
F.smooth_l1_loss(t(3), t(3))
F.soft_margin_loss(t(3), t(3))
F.kl_div(t(3), torch.ones(3), reduction='sum')
F.kl_div(torch.ones(3), t(3), reduction='sum')
F.binary_cross_entropy(t(3), t(3))
F.binary_cross_entropy_with_logits(t(3), t(3))
F.poisson_nll_loss(t(3), t(3), full=True)
F.gaussian_nll_loss(t(3), t(3), t(3))
F.nll_loss(t(4, 3), i(4))
F.nll_loss(t(4, 3, 2), i(4, 2))
F.multi_margin_loss(t(4, 3), i(4))
F.multilabel_margin_loss(t(4, 3), i(4, 3))
F.multilabel_soft_margin_loss(t(4, 3), t(4, 3))
F.hinge_embedding_loss(t(4, 3), t(4, 3), 1.5, reduction='none')
F.margin_ranking_loss(t(4, 3), t(4, 3), t(4, 3), reduction='sum')
F.ctc_loss(t(6, 2, 4), i(2, 3) + 1, (6, 5), (2, 1))
F.avg_pool1d(t(2, 3, 7), 2)
F.avg_pool2d(t(2, 3, 7, 7), 2)
F.avg_pool3d(t(2, 3, 7, 7, 7), 2)
F.adaptive_avg_pool1d(t(2, 3, 7), 2)
F.adaptive_avg_pool2d(t(2, 3, 7, 7), 2)
F.adaptive_avg_pool3d(t(2, 3, 7, 7, 7), 2)
F.adaptive_max_pool2d(t(2, 3, 7, 7), 2)
F.adaptive_max_pool3d(t(2, 3, 7, 7, 7), 2)
F.max_pool1d(t(2, 3, 7), 2)
F.max_pool1d(t(2, 3, 7), 2, return_indices=True)[0]
F.max_pool2d(t(2, 3, 7, 7), 2)
F.max_pool3d(t(2, 3, 7, 7, 7), 2)
F.fractional_max_pool2d(t(2, 7, 7), 2, output_size=3)
F.max_unpool2d(t(1, 1, 2, 2), i(1, 1, 2, 2), 2)
F.lp_pool2d(t(2, 3, 7, 7), 2.0, 2)
F.local_response_norm(t(2, 3, 7, 7), 2)
F.fold(t(2, 12, 12), (5, 4), 2)
F.unfold(t(2, 3, 5, 4), 2)
F.grid_sample(t(2, 3, 4, 5), t(2, 3, 2, 2), align_corners=False)
F.grid_sample(t(2, 3, 4, 5, 3), t(2, 3, 2, 2, 3), align_corners=False)
F.interpolate(t(1, 2, 6), 4)
F.interpolate(t(1, 2, 6, 5), 4, mode='bilinear')
F.interpolate(t(1, 2, 6, 5), 4, mode='bicubic', antialias=True)
F.interpolate(t(1, 2, 6, 5, 5), 4, mode='trilinear')
F.pad(t(2, 3, 4), (1, 1), mode='reflect')
F.pad(t(2, 3, 4, 4), (1, 1, 1, 1), mode='replicate')
F.batch_norm(t(4, 3), t(3), t(3))
F.layer_norm(t(4, 3), (3,))
F.group_norm(t(2, 4, 3), 2)
F.rms_norm(t(4, 3), (3,))
F.instance_norm(t(2, 3, 4))
torch.native_group_norm(t(2, 4, 3), None, None, 2, 4, 3, 2, 0.1)[0]
torch.native_layer_norm(t(4, 3), (3,), None, None, 0.1)[0]
F.pdist(t(4, 3))
torch.cdist(t(4, 3), t(2, 3))
torch.cdist(t(40, 3), t(2, 3))
torch.cdist(t(40, 3), t(2, 3), 1.0)
F.conv1d(t(1, 2, 5), t(2, 2, 2))
F.conv2d(t(1, 2, 5, 5), t(2, 2, 2, 2), dilation=2)
F.conv3d(t(1, 2, 5, 5, 5), t(2, 2, 2, 2, 2))
F.conv_transpose2d(t(1, 2, 5, 5), t(2, 2, 2, 2))
F.conv_transpose3d(t(1, 2, 5, 5, 5), t(2, 2, 2, 2, 2))
F.bilinear(t(4, 3), t(4, 2), t(5, 3, 2))
F.embedding_bag(i(2, 3), t(5, 4))
F.scaled_dot_product_attention(t(2, 2, 3, 4), t(2, 2, 5, 4), t(2, 2, 5, 4))
torch.mm(t(2, 3), t(3, 2))
torch.mm(t(0, 3), t(3, 2))
torch.bmm(t(1, 2, 3), t(1, 3, 2))
torch.mv(t(2, 3), t(3))
torch.dot(t(3), t(3))
torch.vdot(t(3), t(3))
torch.baddbmm(t(2), t(1, 2, 2), t(1, 2, 2))
torch.addbmm(t(2), t(1, 2, 2), t(1, 2, 2))
torch.einsum('ij,jk->ik', t(2, 3), t(3, 4))
torch.einsum('ij,jk->ik', t(1, 1), t(1, 1))
torch.tensordot(t(2, 3), t(3, 4), 1)
torch.tensordot(t(2), t(2), 1)
torch.inner(t(2, 3), t(4, 3))
torch.linalg.cross(t(2, 3), t(2, 3))
torch.histc(t(3), 3, -1, 1)
torch.histc(t(3), 3)
torch.histogram(t(3), 3)[0]
torch.histogram(t(3), 3, range=(-1.0, 1.0))[0]
torch.histogramdd(t(3, 2), [3, 3], range=[0.0, 1, 0, 1])[0]
torch.cummax(t(3), 0)[0]
torch.cummax(t(), 0)[0]
torch.kthvalue(t(3), 1)[0]
torch.kthvalue(t(), 1)[0]
torch.mode(t())[0]
torch.polygamma(1, t(3))
t(3).clamp_(0.5)
t(3).clamp_min_(2)
t(3).clamp_(max=True)
torch.addr(t(3), t(2), t(3), beta=0.5)
torch.addr(t(3), t(2), t(3), alpha=True)
torch.linalg.matrix_norm(t(3, 3), 'nuc')
torch.linalg.matrix_norm(t(3, 3), 1)
"""

#: o(shape), d(shape): ones of float32, of float64
OF_SHAPES = """
F.avg_pool2d(o(2, 3, 6, 5, 7), 2)
F.avg_pool2d(o(2, 0, 6, 5), 2)
F.avg_pool2d(o(0, 6, 5), 2)
F.avg_pool3d(o(5, 6), 2)
F.avg_pool3d(o(2, 0, 6, 5, 4), 2)
F.avg_pool3d(o(2, 2, 2, 2), 9, ceil_mode=True)
F.max_pool2d(o(2, 0, 6, 5), 2)
F.max_pool3d(o(2, 0, 6, 5, 4), 2)
F.adaptive_avg_pool2d(o(5, 6), (2, None))
F.adaptive_avg_pool2d(o(5, 6, 7), (2, 2, 2))
F.adaptive_avg_pool2d(o(5, 6, 7), (2,))
F.adaptive_max_pool2d(o(5, 6, 7), (2,))
F.adaptive_max_pool2d(o(2, 3, 6, 5), (-2, 2))
F.fractional_max_pool2d(o(6, 7), 2, output_size=3)
F.fractional_max_pool2d(o(2, 0, 7), 2, output_size=3)
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=3, _random_samples=o(1, 2))
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=3, _random_samples=o(2, 2, 2) / 2)
F.fractional_max_pool2d(o(2, 2, 6, 7), 2, output_size=3, _random_samples=o(1, 2, 2))
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=3, _random_samples=o(1, 2, 3))
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=3, _random_samples=o(1, 2, 2).double())
F.fractional_max_pool2d(o(0, 7, 8, 8), 2, output_size=(2, 2))
F.fractional_max_pool3d(o(2, 5, 6, 6), 2, output_size=9)
F.fractional_max_pool3d(o(2, 5, 6, 6), (2, 2), output_size=2)
F.unfold(o(5, 6), 2)
F.unfold(o(2, 0, 3, 4), 2)
F.unfold(o(1, 2, 5, 4), 100)
F.unfold(o(1, 2, 3, 4), (2, 2, 2))
F.fold(o(1, 12, 0), (5, 4), 2)
F.bilinear(o(4, 3), o(4, 2), o(5, 3, 2, 7))
F.bilinear(o(4, 3), o(4, 2), o(5, 3))
F.bilinear(o(4, 3), o(4, 2), o(5, 3, 2).double())
F.bilinear(o(), o(), o(5, 3, 2))
F.conv1d(o(2, 3, 6), o(4, 3, 2, 7))
F.conv2d(o(2, 3, 6, 6), o(5, 6))
F.ctc_loss(o(6), i(2, 2) + 1, (6, 5), (2, 1))
F.ctc_loss(o(6, 2, 4), i() + 1, (6, 5), (2, 1))
F.ctc_loss(o(6, 2, 4), i(2, 2) + 1, (6, 5), (2, -1))
F.ctc_loss(o(6, 2, 4), i(2, 2) + 1, torch.tensor([[6, 5]]), torch.tensor([2, 1]))
F.ctc_loss(o(6, 0, 4), i(0, 2) + 1, (), ())
F.ctc_loss(o(6, 4), i(3) + 1, torch.tensor(6), torch.tensor(2))
F.embedding_bag(i(2, 3), o(5, 4), per_sample_weights=o(2, 3).double(), mode='sum')
F.lp_pool1d(o(2, 3, 6) * -2, float('inf'), 2)
F.lp_pool3d(o(1, 4, 4, 4), -float('inf'), 2)
torch.native_group_norm(o(2, 4, 3), o(4), o(4), 2, 4, 3, 0, 0.1)
torch.native_group_norm(o(24), o(4), o(4), 2, 4, 3, 2, 0.1)[0]
torch.native_group_norm(o(2, 4, 3), None, None, 2, 100, 3, 2, 0.1)
torch.norm_except_dim(o(3, 4), 2, -3)
torch.dist(o(3, 7), o(3))
torch.cdist(o(2, 3), o(2, 3).double())
torch.baddbmm(o(2, 3, 5), o(5, 6), o(2, 4, 5))
torch.baddbmm(o(6), o(2, 3, 4), o(2, 3, 6))
o(6).baddbmm_(o(2, 3, 4), o(2, 4, 6))
torch.addbmm(o(3, 5), o(2, 3, 4), o(5, 6))
torch.chain_matmul(o(2, 3), o(4, 4))
torch.chain_matmul(o(2), o(2, 4), o(4, 2))
torch.chain_matmul(o(2, 3), o(3, 4).double())
torch.linalg.tensorinv(o(4, 4), 3)
torch.linalg.matrix_norm(o(3, 3), dim=1)
torch.matmul(o(2, 3).requires_grad_(), o(3, 4, 7))
torch.narrow_copy(o(2, 3), 2, 0, 1)
torch.histogramdd(o(6), [3])
torch.histogramdd(o(6, 2), [3, 3, 3])
torch.histogramdd(o(6, 2), [3, 3], range=[0.0, 1, 0])
torch.histogramdd(o(6, 2), [3, 3], range=[1.0, 0, 0, 1])
torch.histogramdd(o(6, 2), [o(2), 3])
torch.histogramdd(o(6, 2), (o(2),))
torch.histogramdd(o(6, 2), 3, weight=o(2))
torch.histogram(o(6), 3, range=(2.0, 1.0))
o(5, 6).copy_(o(3, 4))
o(3, 1, 4).copy_(o(2, 4))
torch.addr(o(3), o(2), o(3), beta=1j)
torch.baddbmm(o(2, 3, 5), o(2, 3, 4).double(), o(2, 7, 5))
torch.baddbmm(o(2, 3, 5).int(), o(2, 3, 4), o(2, 4, 5))
F.max_pool2d(o(1, 6, 6), 2, stride=(1, 2, 3))
F.avg_pool2d(o(1, 6, 6), 2, stride=(1, 2, 3))
F.max_pool2d(o(1, 6, 6), 2, padding=(1, 2, 3))
F.avg_pool3d(o(1, 6, 6, 6), 2, stride=(1, 2))
F.max_pool2d(o(1, 6, 6), -3)
F.max_pool2d(o(1, 6, 6), -1)
F.max_pool2d(o(1, 6, 6), 2, padding=-1)
F.max_pool2d(o(1, 6, 6), 0)
F.max_pool2d(o(1, 6, 6), 2, padding=2)
F.max_pool2d(o(1, 6, 6), 2, dilation=0)
F.max_pool2d(o(1, 6, 6), 2, stride=-1)
F.avg_pool2d(o(1, 6, 6), -1)
F.avg_pool3d(o(1, 6, 6, 6), -1)
F.avg_pool1d(o(1, 6, 6), -1)
torch.ones(6).view(-4, 5)
torch.ones(6).reshape(2, -4)
torch.cholesky_solve(o(3, 2).int(), o(3, 3))
F.conv2d(o(2, 3, 6, 6), d(4, 3, 2, 2), d(4))
F.conv2d(d(2, 3, 6, 6), o(4, 3, 2, 2), o(4))
F.conv_transpose2d(o(2, 3, 6, 6), d(3, 3, 2, 2), d(3))
torch.linalg.multi_dot([o(3), o(4, 4), o(4)])
F.binary_cross_entropy_with_logits(o(3, 4), o(3, 4), o(5))
F.adaptive_max_pool2d(o(2, 3, 5, 7), (-3, -4))
torch.as_strided(o(6), (-2,), (1,))
torch.as_strided_copy(o(6), (-2,), (1,))
torch.as_strided_scatter(o(6), o(2), (2,), (1,), -1)
torch.as_strided_scatter(o(6), o(2), (-2,), (1,))
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=0)
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=-3)
F.adaptive_avg_pool2d(o(5, 6), 1)
F.adaptive_avg_pool2d(o(5), 1)
F.adaptive_avg_pool3d(o(5, 6), 1)
F.adaptive_avg_pool3d(o(1, 2, 4, 4, 7, 2), 1)
torch.stack([o(2), o(2, 7)], -1)
torch.stack([o(2), o()], -1)
torch.stack([o(2), o(3)], 5)
torch.isin(o(3).bool(), o(3).long())
torch.isin(o(3), o(3).bool())
F.margin_ranking_loss(o(3), o(3), o(3).bool())
F.margin_ranking_loss(o(3).bool(), o(3).bool(), o(3).bool())
torch.unique(torch.tensor(1), dim=0)
torch.unique(torch.ones(0).long(), dim=0)
torch.unique(torch.ones(4, 0).long(), dim=0)
torch.unique(torch.ones(4, 0).long(), dim=1)
torch.unique_consecutive(torch.ones(4, 0).long(), dim=1)
torch.unique_consecutive(torch.ones(4, 0).long(), dim=0)
torch.unique_consecutive(o(3).cfloat(), dim=0)
torch.unique(o(3).cfloat(), dim=0)
torch.trapezoid(o(3, 4), torch.tensor(1.))
torch.trapezoid(o(3, 4), o(3, 1))
torch.cumulative_trapezoid(o(4), torch.tensor(1.))
torch.linalg.cross(o(2, 3), o(2, 3).int())
torch.fill(o(3), o(1))
torch.isin(o(3).cfloat(), o(3))
torch.isin(o(3).bool(), True)
torch.fft.fftfreq(-3)
torch.fft.rfftfreq(-4)
torch.triangular_solve(o(3, 2).int(), o(3, 3))
torch.dist(o(3), o(3).bool())
F.bilinear(o(4, 3), o(4, 2), o(5, 3, 2), o(5).int())
F.huber_loss(o(3).int(), o(3))
F.avg_pool1d(o(3, 7), 3, stride=-100)
F.max_pool3d(o(3, 7, 7, 7), 3, stride=-1)
F.adaptive_avg_pool2d(o(2, 3, 5, 7), (0, 0))
F.adaptive_avg_pool2d(o(2, 3, 5, 7), (0, 2))
F.multi_margin_loss(o(4, 3), i(4), weight=o(3).double())
torch.addbmm(o(3, 5).int(), o(2, 3, 4), o(2, 4, 5))
F.soft_margin_loss(o(), o(3, 4))
F.soft_margin_loss(o(3).int(), o(3))
F.soft_margin_loss(o(3).bool(), o(3))
F.soft_margin_loss(o(3), o(3).double())
F.soft_margin_loss(o(3), o(3).bool())
torch.split_copy(o(5), -1)
torch.split_copy(o(5), 0)
torch.split_copy(o(), 1)
torch.unsafe_split(o(5), -1)
torch.unsafe_split(o(5), 0)
torch.slice_copy(o(5), 0, 0, 3, 0)
torch.linalg.lstsq(o(3, 4, 2), o(2, 4, 1))
F.scaled_dot_product_attention(o(3, 2, 3, 4), o(2, 2, 5, 4), o(2, 2, 5, 4))
F.scaled_dot_product_attention(o(2, 2, 3, 4), o(2, 2, 5, 5), o(2, 2, 5, 5))
F.scaled_dot_product_attention(o(2, 2, 3, 4), o(2, 2, 5, 4), o(2, 2, 5, 4), o(5))
F.scaled_dot_product_attention(o(2, 1, 3, 4), o(2, 2, 5, 4), o(2, 2, 5, 4))
torch.stft(o(), 8, return_complex=True)
torch.stft(o(20), -100, return_complex=True)
torch.stft(o(20), -1, return_complex=True)
torch.stft(o(20), 8, pad_mode='constant', return_complex=True)
torch.stft(o(2, 20), 8, pad_mode='circular', return_complex=True)
torch.stft(o(20), 8, pad_mode='nonsense', return_complex=True)
F.conv1d(d(2, 3, 6), d(4, 3, 0))
F.conv3d(d(2, 3, 6, 6, 6), d(4, 3, 2, 2, 0))
F.conv_transpose1d(d(2, 3, 4), d(3, 2, 0))
F.conv_transpose2d(d(2, 3, 4, 4), d(3, 2, 3, 0))
F.conv_transpose3d(d(2, 3, 4, 4, 4), d(3, 2, 3, 3, 0))
F.conv_transpose2d(d(2, 3, 4, 4), d(3, 2, 3, 3), padding=100)
F.conv_transpose3d(d(2, 3, 4, 4, 4), d(3, 2, 3, 3, 3), padding=100)
F.conv_transpose1d(d(2, 3, 4), d(3, 2, 3), padding=100)
F.conv1d(o(2, 3, 0), o(4, 3, 1), padding=1)
F.conv_transpose1d(o(2, 3, 0), o(3, 2, 3))
F.conv_transpose2d(o(2, 3, 4, 0), o(3, 2, 3, 3))
F.conv2d(d(2, 3, 6, 6), o(4, 3, 2, 2))
F.conv2d(o(2, 3, 6, 6), d(4, 3, 2, 2))
F.conv3d(d(2, 3, 6, 6, 6), o(4, 3, 2, 2, 2))
F.conv2d(d(2, 3, 6, 6), o(4, 3, 2, 2), dilation=2)
F.conv_transpose2d(d(2, 3, 6, 6), o(3, 3, 2, 2))
F.conv_transpose3d(d(2, 3, 6, 6, 6), o(3, 3, 2, 2, 2))
F.conv2d(d(2, 3, 6, 6), d(4, 3, 2, 2), o(4))
F.conv2d(o(2, 3, 6, 6), o(4, 3, 2, 2), d(4))
F.conv3d(d(2, 3, 6, 6, 6), d(4, 3, 2, 2, 2), o(4))
F.conv_transpose2d(d(2, 3, 6, 6), d(3, 3, 2, 2), o(3))
F.conv_transpose2d(o(2, 3, 6, 6), o(3, 3, 2, 2), d(3))
F.conv_transpose3d(d(2, 3, 6, 6, 6), d(3, 3, 2, 2, 2), o(3))
F.conv_transpose2d(d(2, 3, 6, 6), d(3, 3, 2, 2), o(3).cfloat())
"""

#: z(shape): complex128 that wants a gradient
OF_DERIVATIVES = """
F.silu(z(3))
F.soft_margin_loss(z(3), z(3).detach())
F.embedding(i(2), z(5, 3))
F.bilinear(z(4, 3), z(4, 2), z(5, 3, 2))
torch.nan_to_num(z(3))
torch.cummax(z(), 0)
torch.kthvalue(z(), 1)
torch.mode(z())
torch.select_copy(z(3, 4), 0, 1)
torch.slice_copy(z(3, 4), 0, 1)
torch.select_scatter(z(3, 4), z(4), 0, 1)
torch.slice_scatter(z(3, 4), z(2, 4), 0, 1)
torch.scatter_reduce(z(3, 4), 0, i(2, 4), z(2, 4), 'sum')
torch.index_reduce(z(3, 4), 0, i(2), z(2, 4), 'prod')
"""

#: w(shape): ones that want a gradient
OF_CONSTANTS = """
F.soft_margin_loss(o(3), w(3))
F.nll_loss(o(3, 2), i(3), weight=w(2))
F.nll_loss(o(3, 2, 2), i(3, 2), weight=w(2))
F.cross_entropy(o(3, 2), i(3), weight=w(2))
F.multi_margin_loss(o(3, 2), i(3), weight=w(2))
F.binary_cross_entropy(o(3), o(3), weight=w(3))
F.binary_cross_entropy_with_logits(o(3), o(3), weight=w(3))
F.binary_cross_entropy_with_logits(o(3), o(3), pos_weight=w(3))
F.batch_norm(o(3, 2), w(2), o(2))
F.batch_norm(o(3, 2), o(2), w(2), training=True)
F.fractional_max_pool2d(o(2, 6, 7), 2, output_size=3, _random_samples=w(1, 2, 2))
torch.no_grad()(F.nll_loss)(o(3, 2), i(3), weight=w(2))
"""


def outcome(expression: str, L: Any, functional: Any, kind: str) -> Any:
    """(dtype, shape) of what an expression gives, or its error."""

    def of(name: str) -> Any:
        return lambda *shape: L.ones(shape).to(getattr(L, name))

    names = {"torch": L, "F": functional, "t": of(kind), "o": of("float32"), "d": of("float64"),
             "i": lambda *s: L.zeros(s, dtype=L.int64),
             "z": lambda *s: L.ones(s, dtype=L.complex128).requires_grad_(),
             "w": lambda *s: L.ones(s).requires_grad_()}  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = eval(expression, names)
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0].strip()
    return (str(y.dtype), tuple(y.shape)) if hasattr(y, "dtype") else type(y).__name__


def compared(expression: str, kind: str = "float32") -> list[str]:
    torch = pytest.importorskip("torch")
    ours, theirs = outcome(expression, wengert, F, kind), outcome(expression, torch, torch.nn.functional, kind)
    return [] if ours == theirs else [f"{kind}: {ours}, PyTorch {theirs}"]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("expression", lines(OF_DTYPES))
def test_dtypes(expression: str) -> None:
    assert not [found for kind in KINDS for found in compared(expression, kind)]


@pytest.mark.parametrize("expression", lines(OF_SHAPES))
def test_shapes(expression: str) -> None:
    assert not compared(expression)


@pytest.mark.parametrize("expression", lines(OF_DERIVATIVES + OF_CONSTANTS))
def test_derivatives(expression: str) -> None:
    assert not compared(expression)


def test_a_refusal_changes_nothing() -> None:
    x = wengert.ones(3, dtype=wengert.complex128)
    for refused in (lambda: F.silu(x.requires_grad_(), inplace=True), lambda: F.elu_(x.detach())):
        with pytest.raises((RuntimeError, NotImplementedError)):
            refused()
    assert (x == 1).all() and x._version == 0


def test_refusals_hold_under_transforms() -> None:
    x = wengert.ones(2, 3, dtype=wengert.int64)
    with pytest.raises(NotImplementedError, match='"elu_cpu" not implemented for \'Long\''):
        wengert.func.vmap(F.elu)(x)
    with pytest.raises(RuntimeError, match="silu does not support automatic differentiation"):
        wengert.func.grad(lambda z: F.silu(z).real.sum())(wengert.ones(3, dtype=wengert.complex64))


def test_labels_of_ctc_loss_may_be_mapped() -> None:
    wengert.manual_seed(0)
    scores = wengert.randn(2, 6, 2, 4).log_softmax(-1)
    labels = wengert.tensor([[[1, 2], [3, 1]], [[2, 2], [1, 3]]])

    def loss(s: Any, t: Any) -> Any:
        return F.ctc_loss(s, t, (6, 5), (2, 1))

    both = [(wengert.func.grad(loss)(s, t), loss(s, t)) for s, t in zip(scores, labels, strict=True)]
    for mapped, k in ((wengert.func.vmap(wengert.func.grad(loss)), 0), (wengert.func.vmap(loss), 1)):
        assert wengert.allclose(mapped(scores, labels), wengert.stack([b[k] for b in both]))
