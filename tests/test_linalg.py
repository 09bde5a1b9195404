"""torch.linalg and the matrix functions of torch: values, errors, derivatives of both modes and second order, vmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from sample_checks import against_torch, batched, derivatives
from wengert import func, linalg
from wengert.core.samples import SAMPLES

f64 = wengert.float64
pytestmark = pytest.mark.filterwarnings("ignore:.*is deprecated", "ignore:Converting a tensor with requires_grad")


def rand(*shape: int, seed: int = 0, is_complex: bool = False, **more: Any) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape) + (1j * rng.normal(size=shape) if is_complex else 0)
    return wengert.tensor(x, **more)


# ---------------------------------------------------------------- every operation from its samples


def hermitian(m: Any, ts: Any) -> Any:
    """Only one triangle is read: perturbations must stay Hermitian."""
    return [0.5 * (t + t.mH) for t in ts]


def lower(i: int) -> Any:
    return lambda m, ts: [m.tril(t) if j == i else t for j, t in enumerate(ts)]


def weights(m: Any, v: Any) -> Any:
    return m.arange(1, v.shape[-1] + 1, dtype=v.dtype) / 3


def of_svd(m: Any, y: Any) -> Any:
    """What does not depend on the signs and phases of singular vectors."""
    u, s, vh = y
    k = s.shape[-1]
    u, vh, w = u[..., :, :k], vh[..., :k, :], weights(m, s)
    return s, (u * w) @ u.mH, vh.mH @ (w[:, None] * vh), (u * w) @ vh


def of_eigh(m: Any, y: Any) -> Any:
    values, v = y
    return values, (v * weights(m, values)) @ v.mH


def of_eig(m: Any, y: Any) -> Any:
    values, v = y
    return values, v * v.conj(), (v * weights(m, v.real)) @ m.linalg.inv(v)


POST = {
    "linalg.svd": of_svd, "linalg.eigh": of_eigh, "linalg.eig": of_eig,
    "svd": lambda m, y: of_svd(m, (y[0], y[1], y[2].mH)),
    "linalg.lstsq": lambda m, y: tuple(y)[:2],  # rank and singular values are constants
}  # fmt: skip
#: PyTorch's own backward fails here ("modified by an inplace operation"), or has no such derivative
NO_GRADIENT_THERE = {"linalg.cond", "vander", "linalg.ldl_solve", "linalg.vector_norm"}
OLD = (
    "inverse det slogdet logdet triangular_solve lu lu_solve lu_unpack cholesky cholesky_solve cholesky_inverse svd "
    "pinverse qr geqrf orgqr ormqr matrix_exp matrix_power vander"
).split()
NAMES = [n for n in SAMPLES if n.startswith("linalg.") and n != "linalg.cross"] + OLD


def how(name: str) -> dict[str, Any]:
    flags = SAMPLES[name].flags
    pre = hermitian if flags.get("hermitian") else lower(flags["triangular"]) if "triangular" in flags else None
    return {"post": POST.get(name), "pre": pre}


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_against_torch(name: str, is_complex: bool) -> None:
    pytest.importorskip("torch")
    gradients = SAMPLES[name].flags.get("differentiable", True) and name not in NO_GRADIENT_THERE
    against_torch(name, is_complex, gradients=gradients, **how(name))
    against_torch(name, is_complex, dtype="float32", tol=2e-3, gradients=False, **how(name))


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("name", [n for n in NAMES if SAMPLES[n].flags.get("differentiable", True)])
def test_derivatives(name: str, is_complex: bool) -> None:
    derivatives(name, is_complex, **how(name))


@pytest.mark.parametrize("name", NAMES)
def test_vmap_is_a_loop(name: str) -> None:
    batched(name, **how(name))


# ---------------------------------------------------------------- errors


SINGULAR = [[1.0, 0.0], [0.0, 0.0]]
ERRORS = [
    (lambda: linalg.inv(wengert.tensor(SINGULAR)), linalg.LinAlgError,
     "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is "
     "singular."),
    (lambda: linalg.inv(wengert.tensor([[[1.0]], [[0.0]]])), linalg.LinAlgError,
     "linalg.inv: (Batch element 1): The diagonal element 1 is zero, the inversion could not be completed because the "
     "input matrix is singular."),
    (lambda: linalg.cholesky(wengert.tensor(SINGULAR)), linalg.LinAlgError,
     "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the "
     "leading minor of order 2 is not positive-definite)."),
    (lambda: linalg.solve(wengert.tensor(SINGULAR), wengert.ones(2)), linalg.LinAlgError,
     "torch.linalg.solve: The solver failed because the input matrix is singular."),
    (lambda: linalg.det(wengert.ones(2, 3)), RuntimeError,
     "linalg.det: A must be batches of square matrices, but they are 2 by 3 matrices"),
    (lambda: linalg.inv(wengert.ones(2)), RuntimeError,
     "linalg.inv: The input tensor A must have at least 2 dimensions."),
    (lambda: linalg.inv(wengert.eye(2, dtype=wengert.int64)), RuntimeError,
     "linalg.inv: Expected a floating point or complex tensor as input. Got Long"),
    (lambda: linalg.eigh(wengert.eye(2), UPLO="x"), RuntimeError,
     "Expected UPLO argument to be 'L' or 'U', but got x"),
    (lambda: linalg.lu(wengert.eye(2), pivot=False), RuntimeError,
     "linalg.lu_factor: LU without pivoting is not implemented on the CPU"),
    (lambda: linalg.qr(wengert.eye(2), mode="x"), RuntimeError,
     "qr received unrecognized mode 'x' but expected one of 'reduced' (default), 'r', or 'complete'"),
    (lambda: linalg.eig(wengert.full((2, 2), float("nan"))), RuntimeError,
     "torch.linalg.eig: input tensor should not contain infs or NaNs."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), ERRORS)
def test_errors(call: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).split("\n")[0] == message


def test_errors_of_gradients() -> None:
    a = rand(3, 3, is_complex=True, requires_grad=True)
    h = (a + a.mH).detach().requires_grad_()
    for loss, message in (
        (
            lambda: linalg.svd(a, full_matrices=False).U.sum().abs(),
            "svd_backward: The singular vectors in the complex",
        ),
        (lambda: linalg.eigh(h).eigenvectors.sum().abs(), "linalg_eigh_backward: The eigenvectors in the complex case"),
        (lambda: linalg.eig(a).eigenvectors.sum().abs(), "linalg_eig_backward: The eigenvectors in the complex case"),
    ):
        with pytest.raises(RuntimeError, match=message):
            loss().backward()
    r = rand(4, 3, requires_grad=True)
    with pytest.raises(RuntimeError, match="The derivative of linalg.qr depends on Q"):
        linalg.qr(r, mode="r").R.sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable when mode='complete' and nrows > ncols"):
        linalg.qr(r, mode="complete").R.sum().backward()
    with pytest.raises(NotImplementedError, match="the derivative for 'geqrf' is not implemented"):
        wengert.geqrf(r).a.sum().backward()


# ---------------------------------------------------------------- what samples do not show


def test_node_names_and_named_results() -> None:
    a = rand(3, 3, requires_grad=True)
    p = (a @ a.mT + wengert.eye(3)).detach().requires_grad_()
    assert linalg.inv(a).grad_fn.name() == "LinalgInvExBackward0"
    assert linalg.solve(a, a).grad_fn.name() == "LinalgSolveExBackward0"
    assert linalg.det(a).grad_fn.name() == "LinalgDetBackward0"
    assert linalg.svd(a).U.grad_fn.name() == "LinalgSvdBackward0"
    assert linalg.eigh(p).eigenvalues.grad_fn.name() == "LinalgEighBackward0"
    assert wengert.cholesky(p).grad_fn.name() == "CholeskyBackward0"
    assert linalg.cholesky(p).grad_fn.name() == "LinalgCholeskyExBackward0"
    assert type(linalg.slogdet(a)).__name__ == "linalg_slogdet"
    assert type(wengert.slogdet(a)).__name__ == "slogdet"
    assert linalg.lu_factor(a).pivots.dtype is wengert.int32


def test_determinant_of_a_singular_matrix_has_all_derivatives() -> None:
    """PyTorch 2.13 gives a zero gradient here; the matrix of cofactors is what it is."""
    a = wengert.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=f64, requires_grad=True)
    (g,) = wengert.autograd.grad(linalg.det(a), a, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), [[4, -2], [-2, 1]], atol=1e-12)
    h = func.hessian(linalg.det)(a.detach()).numpy().reshape(4, 4)
    np.testing.assert_allclose(h, [[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]], atol=1e-12)
    z = wengert.zeros(3, 3, dtype=f64)
    third = func.jacfwd(func.jacrev(func.jacrev(linalg.det)))(z).numpy()  # the Levi-Civita symbols, paired
    assert third[0, 0, 1, 1, 2, 2] == 1 and third[0, 1, 1, 0, 2, 2] == -1
    batch = wengert.stack([wengert.eye(2, dtype=f64), a.detach()]).requires_grad_()
    linalg.det(batch).sum().backward()
    np.testing.assert_allclose(batch.grad.numpy(), [[[1, 0], [0, 1]], [[4, -2], [-2, 1]]], atol=1e-12)


def test_many_small_matrices_go_column_by_column() -> None:
    a, b = rand(50, 3, 3), rand(50, 3, 2, seed=1)
    x = linalg.solve(a, b)
    np.testing.assert_allclose((a @ x).numpy(), b.numpy(), atol=1e-9)
    p, lower_, upper = linalg.lu(a)
    np.testing.assert_allclose((p @ lower_ @ upper).numpy(), a.numpy(), atol=1e-12)
    one = linalg.lu_factor(a[7])
    many = linalg.lu_factor(a)
    np.testing.assert_allclose(many.LU[7].numpy(), one.LU.numpy(), atol=1e-12)
    assert many.pivots[7].tolist() == one.pivots.tolist()
    lu, pivots = many
    for left in (True, False):
        for adjoint in (True, False):
            right = b if left else b.mT
            y = linalg.lu_solve(lu, pivots, right, left=left, adjoint=adjoint)
            m = a.mT if adjoint else a
            np.testing.assert_allclose((m @ y if left else y @ m).numpy(), right.numpy(), atol=1e-9)
    upper_only = linalg.solve_triangular(a, b, upper=True)
    np.testing.assert_allclose((a.triu() @ upper_only).numpy(), b.numpy(), atol=1e-6)


def test_many_tiny_matrices_keep_no_factors() -> None:
    """The other way to solve and to take determinants gives what the factors give, to the second order, singular or not."""
    a = rand(40, 3, 3)
    a[3] = wengert.outer(rand(3), rand(3, seed=1))
    a[5] = 0
    few = [5, 3, 0]
    for f in (linalg.det, lambda m: linalg.slogdet(m)[1], lambda m: linalg.solve(m, wengert.ones(3, 3, dtype=f64)).sum((1, 2))):
        x = a if f is linalg.det else a[6:]
        pick = few if f is linalg.det else [2, 0]
        many, some = x.clone().requires_grad_(), x[pick].requires_grad_()
        results = []
        for leaf in (many, some):
            y = f(leaf)
            (g,) = wengert.autograd.grad(y.sum(), leaf, create_graph=True)
            (h,) = wengert.autograd.grad((g * g).sum(), leaf)
            results.append([v.detach().numpy() for v in (y, g, h)])
        for one, other in zip(*results, strict=True):
            np.testing.assert_allclose(one[pick], other, 1e-7, 1e-9)
    with pytest.raises(linalg.LinAlgError, match="Batch element 3"):
        linalg.solve(a, wengert.ones(40, 3, dtype=f64))
    out = func.vmap(linalg.solve, in_dims=(0, None))(a[6:], wengert.ones(3, dtype=f64))
    np.testing.assert_allclose((a[6:] @ out.unsqueeze(-1)).numpy(), 1, atol=1e-9)


def test_forward_mode_of_cholesky_is_symmetric_in_its_input() -> None:
    """Only the symmetric part of a tangent counts, as only the symmetric part of a gradient comes out."""
    p = rand(3, 3)
    p = p @ p.mT + wengert.eye(3, dtype=f64)
    t = rand(3, 3, seed=1)
    g = rand(3, 3, seed=2)
    _, dl = func.jvp(linalg.cholesky, (p,), (t,))
    _, pull = func.vjp(linalg.cholesky, p)
    assert abs(float((g * dl).sum() - (pull(g)[0] * t).sum())) < 1e-10
    np.testing.assert_allclose(func.jacfwd(linalg.cholesky)(p).numpy(), func.jacrev(linalg.cholesky)(p).numpy(), atol=1e-12)
    hessian = func.jacfwd(func.jacrev(lambda m: linalg.cholesky(m).diagonal().log().sum()))(p)  # forward over reverse
    other = func.jacrev(func.jacrev(lambda m: linalg.cholesky(m).diagonal().log().sum()))(p)
    np.testing.assert_allclose(hessian.numpy(), other.numpy(), atol=1e-10)


def test_full_svd_passes_gradients_of_the_null_space() -> None:
    """The projector on the columns of U beyond the rank depends on A; PyTorch leaves that out."""
    a = rand(4, 2, requires_grad=True)
    w = rand(4, 4, seed=3)

    def loss(m: Any) -> Any:
        u2 = linalg.svd(m).U[:, 2:]
        return (w * (u2 @ u2.mT)).sum()

    (g,) = wengert.autograd.grad(loss(a), a)
    t = rand(4, 2, seed=4)
    numeric = (loss(a + 1e-6 * t) - loss(a - 1e-6 * t)) / 2e-6
    assert abs(float((g * t).sum() - numeric)) < 1e-7


def test_solving_uses_the_factors_again_and_refuses_broken_ones() -> None:
    a, b = rand(3, 3, requires_grad=True), rand(3, 2, seed=1, requires_grad=True)
    x = linalg.solve(a, b)
    x.sum().backward()
    inverse = linalg.inv(a.detach())
    np.testing.assert_allclose(b.grad.numpy(), (inverse.mT @ wengert.ones(3, 2, dtype=f64)).numpy(), atol=1e-10)
    x = linalg.solve(a, b)
    x.detach().add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x.sum().backward()


def test_layout_and_out() -> None:
    a = rand(3, 3)
    assert linalg.inv(a).stride() == (1, 3)
    assert linalg.pinv(a).stride() == (3, 1)
    out = wengert.empty(3, 3, dtype=f64)
    assert linalg.inv(a, out=out) is out
    np.testing.assert_allclose(out.numpy(), np.linalg.inv(a.numpy()))
    q, r = wengert.empty(0, dtype=f64), wengert.empty(0, dtype=f64)
    linalg.qr(a, out=(q, r))
    np.testing.assert_allclose((q @ r).numpy(), a.numpy(), atol=1e-12)


def test_low_rank() -> None:
    wengert.manual_seed(0)
    a = (rand(12, 3) @ rand(3, 9, seed=1)).requires_grad_()
    for x in (a, a.mT):
        u, s, v = wengert.svd_lowrank(x, q=3)
        np.testing.assert_allclose(((u * s) @ v.mT).detach().numpy(), x.detach().numpy(), atol=1e-10)
    wengert.svd_lowrank(a, q=3)[1].sum().backward()
    expected = wengert.autograd.grad(linalg.svdvals(a)[:3].sum(), a)[0]
    np.testing.assert_allclose(a.grad.numpy(), expected.numpy(), atol=1e-8)
    s = wengert.pca_lowrank(a.detach(), q=3)[1]
    np.testing.assert_allclose(s.numpy(), linalg.svdvals(a.detach() - a.detach().mean(0))[:3].numpy(), atol=1e-10)


def test_removed_functions_say_so() -> None:
    with pytest.raises(RuntimeError, match="This function was deprecated since version 1.9 and is now removed"):
        wengert.symeig(wengert.eye(2))
