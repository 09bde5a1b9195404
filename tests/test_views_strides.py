"""Strides, views and in-place changes through them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import wengert
from side_by_side import lines_of, shown

SETUP = """
x = torch.arange(6.0).reshape(2, 3).requires_grad_()
y = x * 2
v = x.detach()
z = torch.tensor(5)
s = torch.tensor(5.0)
q = torch.arange(6.0)
w = q.clone().requires_grad_() * 1
a = torch.arange(24.0).reshape(2, 3, 4).requires_grad_()
b = a * 1
c = torch.complex(q, q + 1).requires_grad_()
bf = torch.ones(2, dtype=torch.bfloat16)
"""

# One expression a line; each is evaluated with PyTorch and with this package, and must show the same.
TABLE = r"""
torch.from_numpy(np.zeros(3)[1:]).storage_offset()
torch.zeros_like(x.t()).stride()
torch.zeros_like(x[:,::2]).stride()
torch.empty_like(torch.ones(2,1,3).expand(2,4,3)).stride()
torch.empty_like(torch.ones(2,3,4).permute(2,0,1)[::2]).stride()
x.detach()._is_view()
x.detach()._base
x.detach().grad_fn
y.detach()
x.data._is_view()
y.clone(memory_format=torch.contiguous_format).stride()
y.t().clone().stride()
y.t().contiguous().stride()
y.t().contiguous().grad_fn
y.contiguous() is y
y.t().is_contiguous()
torch.ones(1,3).t().is_contiguous()
torch.ones(0,3).t().is_contiguous()
torch.ones(3,1).t().stride()
torch.ones(4).view(4,1).stride()
torch.ones(4).view(1,4).stride()
torch.ones(4).view(1,4,1,1).stride()
torch.ones(4).unsqueeze(0).stride()
torch.ones(4).unsqueeze(1).stride()
torch.ones(4,3).unsqueeze(1).stride()
torch.ones(4,3).t().unsqueeze(1).stride()
torch.ones(4,3).t().unsqueeze(0).stride()
torch.ones(4,3).t().unsqueeze(-1).stride()
torch.ones(()).unsqueeze(0).stride()
torch.ones(3).expand(2,3).stride()
torch.ones(3,1).expand(2,3,1).stride()
torch.ones(3,1).expand(2,3,4).stride()
torch.ones(1,1).expand(1,1,1).stride()
torch.ones(3).expand(1,3).stride()
y.untyped_storage()
y.storage()
y.untyped_storage().nbytes()
y[1].storage_offset()
torch.ones(1).view(()).stride()
y.as_strided((2,),(1,)).grad_fn
y.as_strided((2,),(1,),10)
y.as_strided((20,),(1,))
y.as_strided((2,),(-1,))
y.as_strided((2,),(1,1))
b.permute((2,0,1)).stride()
b.unfold(2,2,1).shape
b.unfold(2,2,1).grad_fn
b.unfold(2,5,1)
b.unfold(2,2,0)
b.unfold(2,-1,1)
z.unfold(0,1,1)
b.unfold(2,2,1).stride()
b.diagonal().grad_fn
b.diagonal().shape
b.diagonal(1,1,2).stride()
b.diagonal(10,1,2).shape
b.diagonal(0,1,1)
z.diagonal()
q.diagonal()
y.as_strided((2,2),(1,1)).grad_fn
y.as_strided((2,2),(1,1))
y.t().as_strided((2,2),(1,1),1)
torch.gradient(y.detach())
torch.view_as_real(c).stride()
torch.view_as_complex(torch.ones(3,2)).stride()
torch.transpose_copy(y,0,1).grad_fn
torch.t_copy(y).stride()
torch.unsqueeze_copy(y,0).grad_fn
torch.squeeze_copy(y,0).grad_fn
torch.diagonal_copy(y).grad_fn
torch.as_strided_copy(y,(2,),(1,)).grad_fn
torch.unfold_copy(y,1,2,1).grad_fn
v.clone().resize_(3)
v.clone().resize_(3,2)
v.clone().resize_(2,2).stride()
v.clone().resize_(3,3).shape
y.resize_(3)
v.clone().resize_as_(q)
v.clone().set_(q)
v.clone().set_(q,2,(2,),(1,))
v.clone().set_().shape
v.clone().squeeze_(0).shape
v.clone().unsqueeze_(0).shape
v.clone().t_().shape
v.clone().transpose_(0,1).stride()
v.clone().swapaxes_(0,1).shape
(y*1).t_().grad_fn
(y*1).unsqueeze_(0).grad_fn
(y*1).transpose_(0,1).grad_fn
(y*1).squeeze_().grad_fn
y.view(6).unsqueeze_(0).grad_fn
torch.as_strided_scatter(y,torch.zeros(2),(2,),(1,)).grad_fn
torch.as_strided_scatter(y,torch.zeros(2),(2,),(1,))
torch.diagonal_scatter(y,torch.zeros(2)).grad_fn
torch.diagonal_scatter(y,torch.zeros(3))
y.T.stride()
torch.empty_permuted((2,3),(1,0)).stride()
torch.empty_strided((2,3),(1,2)).stride()
torch.empty_strided((2,3),(1,))
torch.ones(2,3,4,5).contiguous(memory_format=torch.channels_last).stride()
torch.ones(2,3,4,5).to(memory_format=torch.channels_last).stride()
torch.ones(2,3,4,5).contiguous(memory_format=torch.channels_last).is_contiguous(memory_format=torch.channels_last)
torch.ones(2,3).contiguous(memory_format=torch.channels_last)
torch.zeros_like(torch.ones(2,3,4,5),memory_format=torch.channels_last).stride()
torch.ones(3).expand(2,3).clone().stride()
torch.ones(3,2).t().expand(4,2,3).clone().stride()
torch.ones(3,2).t().expand(4,2,3).double().stride()
torch.flip(x.detach().t(),(0,)).stride()
torch.roll(x.detach().t(),1,0).stride()
torch.rot90(x.detach().t()).stride()
x.detach().t().tril().stride()
x.detach().t().repeat(1,2).stride()
torch.tile(x.detach().t(),(1,2)).stride()
torch.meshgrid(w,q,indexing='xy')[0].stride()
torch.ones(2,2).fill_diagonal_(3)
copy.deepcopy([v,v.view(6)])[1]._base
pickle.loads(pickle.dumps(v[:,1:])).stride()
copy.deepcopy(v[:,1:]).stride()
copy.deepcopy(v[:,1:]).storage_offset()
x.detach().requires_grad
(y*1).fill_diagonal_(5.).grad_fn
v.fill_diagonal_(5.)
torch.zeros(7,3).fill_diagonal_(1,wrap=True)
torch.zeros(3,7).fill_diagonal_(1,wrap=True)
torch.zeros(3).fill_diagonal_(1)
torch.zeros(2,2,2).fill_diagonal_(1)
torch.zeros(2,3,2).fill_diagonal_(1)
torch.zeros(4,3).fill_diagonal_(torch.tensor(2.))
y.unsafe_split(2)[0]._is_view()
torch.clone(v,memory_format=torch.preserve_format).stride()
torch.squeeze_copy(v)
"""


@pytest.mark.parametrize("expression", lines_of(TABLE))
def test_as_pytorch(expression: str) -> None:
    pytest.importorskip("torch")
    assert shown("wengert", SETUP, expression) == shown("torch", SETUP, expression)


def test_views_are_windows() -> None:
    x = wengert.zeros(2, 3)
    views = [x.view(6), x.t(), x[1], x.expand(2, 2, 3), x.unsqueeze(0), x.diagonal(), x.unfold(1, 2, 1), x.detach()]
    for view in views:
        before = view.sum().item()
        x.add_(1)
        assert view.sum().item() > before
        assert view.untyped_storage() is x.untyped_storage()


def test_a_view_of_a_number_is_writable() -> None:
    x = wengert.zeros(3)
    x[0].add_(2)
    x.unbind()[1].fill_(3)
    x.select(0, 2).copy_(wengert.tensor(4.0))
    assert x.tolist() == [2, 3, 4]


def test_overlapping_stale_views_add_up() -> None:
    """A view whose base was changed is replayed; elements seen twice get both gradients."""
    for make in (lambda x: x.expand(2, 3), lambda x: x.unfold(0, 2, 1), lambda x: x.as_strided((2, 2), (1, 1))):
        w = wengert.ones(3, requires_grad=True)
        x = w * 1
        view = make(x)
        x.mul_(3)
        view.sum().backward()
        v = wengert.ones(3, requires_grad=True)
        make(v * 3).sum().backward()
        assert w.grad is not None and v.grad is not None
        assert w.grad.tolist() == v.grad.tolist()


def test_aliases_of_a_tensor_that_was_turned_in_place() -> None:
    w = wengert.arange(6.0).reshape(2, 3).requires_grad_()
    x = w * 1
    row = x[0]
    x.t_()
    x.mul_(2)
    assert row.tolist() == [0, 2, 4]
    row.sum().backward()
    assert w.grad is not None
    assert w.grad.tolist() == [[2, 2, 2], [0, 0, 0]]


@pytest.mark.parametrize(
    ("shape", "size", "stride", "offset"),
    [((3, 4), (2, 3), (4, 1), 0), ((6,), (3, 2), (1, 1), 1), ((5,), (2, 2), (2, 2), 0)],
)
def test_as_strided_scatter_gradients(shape: Any, size: Any, stride: Any, offset: int) -> None:
    """Against finite differences, with windows that write some places twice too."""
    rng = np.random.default_rng(0)
    x, y, weight = rng.standard_normal(shape), rng.standard_normal(size), rng.standard_normal(shape)

    def value(x: Any, y: Any) -> Any:
        return (wengert.as_strided_scatter(x, y, size, stride, offset) * wengert.tensor(weight)).sum()

    leaves = [wengert.tensor(x, requires_grad=True), wengert.tensor(y, requires_grad=True)]
    value(*leaves).backward()
    for which, data in enumerate((x, y)):
        for at in np.ndindex(data.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [x.copy(), y.copy()]
                moved[which][at] += step
                ends.append(value(*map(wengert.tensor, moved)).item())
            assert abs((ends[0] - ends[1]) / 2e-6 - leaves[which].grad[at].item()) < 1e-6


def step(rng: random.Random, shape: tuple[int, ...]) -> tuple[str, Any]:
    """A random operation that a tensor of this shape can take."""
    n = len(shape)
    steps: list[tuple[str, Any]] = [
        ("unsqueeze", (rng.randint(-n - 1, n),)), ("expand", (2,) + (-1,) * n), ("mul", (2,)), ("detach", ()),
        ("clone", ()), ("contiguous", ()), ("add_", (1.5,)), ("mul_", (2.0,)), ("exp_", ()), ("double", ()),
        ("unsqueeze_", (0,)), ("squeeze_", ()),
    ]  # fmt: skip
    if n:
        d, order = rng.randrange(n), list(range(n))
        rng.shuffle(order)
        steps += [
            ("transpose", (rng.randrange(n), d)), ("select", (d, 0)), ("narrow", (d, 0, max(1, shape[d] // 2))),
            ("permute", tuple(order)), ("squeeze", (d,)), ("squeeze", ()), ("flatten", ()), ("reshape", (-1,)),
            ("chunk", (2, d)), ("unbind", (d,)), ("split", (1, d)), ("view", (-1,)), ("movedim", (0, n - 1)),
            ("flip", (0,)), ("transpose_", (0, n - 1)),
        ]  # fmt: skip
    if n >= 2:
        steps += [("diagonal", (rng.randint(-1, 1),)), ("tril", ()), ("adjoint", ())]
    return rng.choice(steps)


def described(t: Any) -> Any:
    long = [i for i, n in enumerate(t.shape) if n != 1]
    strides = [t.stride(i) for i in long] if t.numel() else []
    name = type(t.grad_fn).__name__
    offset = t.storage_offset() if t.numel() else 0
    return tuple(t.shape), strides, offset, t.requires_grad, t._is_view(), t._version, name


@pytest.mark.parametrize("seed", range(60))
def test_random_programs_of_views_and_changes(seed: int) -> None:
    """Strides, flags, versions, node names, values, errors and gradients as PyTorch's."""
    torch = pytest.importorskip("torch")
    rng = random.Random(seed)
    base = np.arange(12.0).reshape(2, 3, 2) / 7 + 0.3
    leaves = [m.tensor(base, requires_grad=True) for m in (torch, wengert)]
    made = [[leaf * 1] for leaf in leaves]
    for _ in range(rng.randint(2, 6)):
        at = rng.randrange(len(made[0]))
        name, args = step(rng, tuple(made[0][at].shape))
        results, errors = [], []
        for known in made:
            try:
                result = getattr(known[at], name)(*args)
                results.append(result[-1] if isinstance(result, tuple) else result)
            except RuntimeError as error:
                errors.append(str(error).splitlines()[0])
        if errors:
            if "or another view of its base" in errors[0]:
                return  # PyTorch refuses what is replayed here
            assert len(set(errors)) == 1
            assert len(errors) == 2
            return
        try:
            expected = [described(t) for t in (*made[0], results[0])][-1]
        except RuntimeError:
            return
        assert expected == described(results[1])
        np.testing.assert_allclose(results[1].detach().numpy(), results[0].detach().numpy(), rtol=1e-14)
        for known, result in zip(made, results, strict=True):
            known.append(result)
    gradients = []
    for leaf, known in zip(leaves, made, strict=True):
        try:
            total = sum((t.double() * (j + 1)).sin().sum() for j, t in enumerate(known))
            total.backward()
            gradients.append(leaf.grad.numpy())
        except RuntimeError as error:
            if "or another view of its base" in str(error):
                return
            gradients.append(np.full(base.shape, np.inf))
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-10, atol=1e-10)


def base_with_an_offset(m: Any, w: Any) -> Any:
    base = m.zeros(8)[2:].detach()
    base.add_(w[2:])
    view = base.as_strided((2,), (1,), 3)
    view.mul_(2.0)
    return (base * m.arange(6.0)).sum() + view.sum()


def base_of_other_layout(m: Any, w: Any) -> Any:
    base = w.view(2, 4).t() * 1
    view = base.as_strided((3,), (2,))
    view.mul_(2.0)
    base.mul_(3.0)
    return (base * m.arange(8.0).view(4, 2)).sum() + (view * view).sum()


def window_beyond_the_view(m: Any, w: Any) -> Any:
    base = w.view(2, 4) * 1
    view = base.t()[1:].as_strided((2, 2), (1, 2), 1).t()
    view.mul_(3.0)
    base.add_(1.0)
    return (base * m.arange(8.0).view(2, 4)).sum() + (view * view).sum()


def turned_base(m: Any, w: Any) -> Any:
    base = w.view(2, 4) * 1
    row = base[0]
    base.t_()
    row.mul_(2.0)
    base.mul_(w.view(2, 4).t())
    return (base * m.arange(8.0).view(4, 2)).sum() + (row * row).sum()


@pytest.mark.parametrize(
    "program", [base_with_an_offset, base_of_other_layout, window_beyond_the_view, turned_base]
)
def test_writes_through_strides(program: Any) -> None:
    """First and second order, where the memory of a base is seen through strides."""
    torch = pytest.importorskip("torch")
    results = []
    for m in (torch, wengert):
        w = (m.arange(8.0, dtype=m.float64) / 4).requires_grad_()
        value = program(m, w)
        (first,) = m.autograd.grad(value, w, create_graph=True)
        (second,) = m.autograd.grad((first * first).sum() + (first * w).sum(), w)
        results.append([value.tolist(), *first.tolist(), *second.tolist()])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12)
