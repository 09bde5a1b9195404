"""Functions of shape: views, joining and splitting, arranging elements."""

from __future__ import annotations

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
np.stack([v])
x.view(6).detach_()
x.view(6).unbind()[0].detach_()
y.T.grad_fn
torch.ones(3).T
torch.ones(2,3,4).T.shape
torch.ones(2,3,4).mT.shape
torch.ones(3).mT
torch.ones(()).T
torch.ones(()).mT
torch.ones(()).H
torch.ones(2,3,4).H
y.H.grad_fn
y.mH.grad_fn
y.mT.grad_fn
y.adjoint().grad_fn
torch.ones(2,2,dtype=torch.complex64).H
(y*1j).H.grad_fn
(y*1j).mH.grad_fn
torch.cat([y,y]).grad_fn
torch.stack([y,y]).grad_fn
y.split(1)[0].grad_fn
y.split([1,1])[0].grad_fn
y.chunk(2)[0].grad_fn
y.unbind()[0].grad_fn
torch.tensor_split(y,2)[0].grad_fn
y.hsplit(3)[0].grad_fn
torch.cat([])
torch.stack([])
torch.cat([y,torch.ones(0)]).shape
torch.cat([y,torch.ones(0,1)]).shape
torch.cat([y,torch.ones(2,2)]).shape
torch.cat([y,torch.ones(2)]).shape
torch.cat([torch.ones(()),torch.ones(())]).shape
torch.cat([y,1])
torch.cat(y)
torch.cat((y,y),dim=2)
torch.cat((y,y),axis=1).shape
torch.cat([torch.ones(2),torch.ones(2,dtype=torch.int)]).dtype
torch.cat([torch.ones(2,dtype=torch.int),torch.ones(())]).dtype
torch.stack([y,torch.ones(2)]).shape
torch.stack([y,y],dim=3)
torch.stack([y,torch.ones(2,3,dtype=torch.float64)]).dtype
y.split(0)
y.split(-1)
y.split([1,2])
y.split([1,2,-1],dim=1)
torch.ones(()).split(1)
y.split(2.5)
torch.ones(0).split(0)
torch.ones(0,2).split(3)
y.chunk(0)
torch.ones(()).chunk(1)
torch.ones(()).unbind()
y.chunk(5)
y.unbind(2)
y.to(torch.float64).grad_fn
y.to(copy=True).grad_fn
y.double().grad_fn
y.clone().grad_fn
y.is_set_to(y.view(2,3))
y.unflatten(1,(3,1)).grad_fn
y.unflatten(1,(2,-1))
y.unflatten(1,(5,2))
y.unflatten(1,())
y.unflatten(1,(-1,-1))
y.view(-1,4)
y.view(5)
y.t().view(6)
y.view(2.5)
y.view()
y.view('a')
torch.ones(2,3).view(())
y.view(torch.int32)
y.view(torch.float64)
torch.ones(2,4).view(torch.float64).shape
torch.ones(2,4).view(torch.int16).shape
torch.ones(4,2).t().view(torch.float64)
torch.ones(()).view(torch.int16)
torch.ones(2,4).t().view(torch.int16)
(y*1j).view(torch.float32).grad_fn
y.view(torch.int32).grad_fn
y.view(torch.float32) is y
y.view(torch.float32).grad_fn
y.view(2,3).grad_fn
y.reshape(2,3) is y
y.reshape(2,3).grad_fn
y.t().reshape(6).grad_fn
y.t().reshape(6).grad_fn.next_functions
y.flatten().grad_fn
y.flatten(1) is y
y.ravel().grad_fn
y.view(6).ravel() is y
y.t().ravel().grad_fn
y[0].ravel().grad_fn
y.view(6).reshape(6).grad_fn
y.squeeze().grad_fn
y.squeeze(0).grad_fn
y.squeeze((0,1)).grad_fn
y.squeeze(()).grad_fn
z.squeeze(0)
z.squeeze(1)
b.unsqueeze(5)
b.transpose(0,3)
z.transpose(0,-1).shape
y.t().grad_fn
y[0].t().grad_fn
b.permute(0,1)
b.permute(0,1,1)
b.permute(0,1,3)
b.movedim(0,2).grad_fn
b.movedim((0,1),(2,0)).shape
b.movedim((0,1),(2,))
b.movedim((0,0),(2,1))
b.movedim((0,1),(1,1))
b.swapaxes(0,1).grad_fn
y.expand(4,2,3).grad_fn
y.expand(4,3)
y.expand(3)
y.expand(-1,2,3)
y.expand(2,-1).shape
y.expand_as(b[:,0]).shape
torch.broadcast_to(y,(4,2,3)).grad_fn
torch.broadcast_tensors(y,z)
torch.broadcast_shapes((2,1),(3,))
torch.broadcast_shapes((2,1),(3,),4)
torch.broadcast_shapes((2,),(3,))
torch.broadcast_shapes((-1,),(3,))
y.view_as(q).grad_fn
y.reshape_as(q).grad_fn
y.flatten(1,0)
y.flatten(0,5)
b.flatten(1).shape
b.flatten(end_dim=1).shape
b.unflatten(-1,(2,2)).grad_fn
b.narrow(1,0,2).grad_fn
b.narrow(1,2,2)
b.narrow(1,-1,1).shape
b.narrow(1,4,1)
b.narrow(1,0,-1)
torch.narrow(z,0,0,1)
b.tensor_split(3,dim=2)[0].shape
b.tensor_split((1,3),dim=2)[1].shape
b.tensor_split(0)
z.tensor_split(1)
b.hsplit(3)[0].shape
b.vsplit(2)[0].shape
b.dsplit(2)[0].shape
b.dsplit([1,2])[1].shape
y.dsplit(1)
q.vsplit(2)
z.hsplit(1)
b.hsplit(2)
q.hsplit(2)[0].grad_fn
q.diag().grad_fn
y.diag().grad_fn
b.diag()
q.diag(1)
y.diag(1)
y.diag(-1)
q.diag_embed().shape
y.diag_embed().grad_fn
y.diag_embed(1,0,2).shape
y.diag_embed(0,1,1)
y.diagflat().shape
y.diagflat(-1).grad_fn
b.roll(1).grad_fn
b.roll((1,2),(0,2))[0,0]
b.roll(1,0)[0,0]
b.roll((1,2),0)
b.roll((1,2))
b.roll(())
b.rot90()[0,0]
b.rot90(1,(1,2))[0]
b.rot90(2,(1,2)).grad_fn
b.rot90(3,(1,2)).grad_fn
b.rot90(4,(1,2)).grad_fn
b.rot90(1,(1,1))
b.rot90(1,(1,))
b.flip(0).grad_fn
b.flip(0,1)[0,0]
b.flip((0,1))[0,0]
b.flip(0,0)
b.flip(3)
b.fliplr().grad_fn
b.flipud()[0,0]
q.fliplr()
z.flipud()
q.tile(2).grad_fn
q.tile((2,2)).shape
y.tile(2).shape
y.repeat(2,1).grad_fn
y.repeat(2)
y.repeat(2,2,2).shape
y.repeat(2,0).shape
y.repeat(2,-1)
y.repeat_interleave(2).shape
y.repeat_interleave(2).grad_fn
y.repeat_interleave(2,dim=1)
y.repeat_interleave(-1)
y.repeat_interleave(1.5)
torch.hstack([y,y]).shape
torch.hstack([q,q]).shape
torch.hstack([z,z])
torch.vstack([q,q]).shape
torch.dstack([q,q]).shape
torch.column_stack([q,q]).shape
torch.column_stack([z,y])
torch.row_stack([q,q]).shape
torch.hstack([])
torch.vstack([])
torch.hstack([y,y]).grad_fn
torch.atleast_1d(z).shape
torch.atleast_2d(q).shape
torch.atleast_2d(z,q)
torch.atleast_3d(q).shape
torch.atleast_3d(y).shape
torch.atleast_3d(z).grad_fn
torch.block_diag(y,z,q).shape
torch.block_diag(y,z).grad_fn
torch.block_diag(b)
torch.block_diag()
y.tril().grad_fn
y.tril(1)
y.triu(1)
q.tril()
y.triu(-1).grad_fn
torch.meshgrid(q[:2],q[:3])
torch.meshgrid(q[:2],q[:3],indexing='xy')[0].shape
torch.meshgrid(q,indexing='a')
torch.cartesian_prod(q[:2],q[:3])
torch.cartesian_prod(q[:2])
torch.cartesian_prod(y,q)
torch.combinations(q[:3])
torch.combinations(q[:3],3)
torch.combinations(q[:3],2,True)
torch.combinations(y)
torch.combinations(q,-1)
torch.combinations(q,0)
torch.gradient(q)
torch.gradient(b,dim=1)[0].shape
torch.gradient(q,spacing=2.)
torch.gradient(q[:1])
torch.gradient(q,edge_order=2)
torch.gradient(q,edge_order=3)
c.real.grad_fn
torch.view_as_real(c).grad_fn
torch.view_as_real(q)
torch.view_as_complex(torch.ones(2,3).t())
y.sum_to_size(1,3)
y.sum_to_size(3).grad_fn
y.sum_to_size(2,2)
y.expand_copy((2,2,3)).grad_fn
torch.view_copy(y,(6,)).grad_fn
torch.permute_copy(y,(1,0)).grad_fn
torch.unbind_copy(y)[0].grad_fn
torch.split_copy(y,1)[0].grad_fn
torch.select_copy(y,0,0).grad_fn
torch.slice_copy(y,0,0,1).grad_fn
torch.alias_copy(y).grad_fn
torch.view_as_real_copy(c).grad_fn
torch.narrow_copy(y,1,0,2).grad_fn
torch.tril_indices(3,3)
torch.triu_indices(2,3,1)
torch.flatten(z).shape
torch.adjoint(y).grad_fn
torch.swapdims(b,0,1).shape
torch.clone(y).grad_fn
w.diag().grad_fn
w.diagflat().grad_fn
w.tile(2).grad_fn
w.tile((2,2)).grad_fn
torch.meshgrid(w,q,indexing='ij')[0].grad_fn
torch.meshgrid(w,q,indexing='xy')[0].grad_fn
torch.cartesian_prod(w,q).grad_fn
torch.combinations(w).grad_fn
torch.gradient(w)[0].grad_fn
torch.vstack([w,w]).grad_fn
torch.vstack([w,w]).grad_fn.next_functions
torch.hstack([w[0],w[1]]).grad_fn.next_functions
torch.dstack([w,w]).grad_fn.next_functions
torch.column_stack([w,w]).grad_fn.next_functions
torch.atleast_1d(w[0]).grad_fn
torch.atleast_2d(w).grad_fn
torch.atleast_3d(w).grad_fn
torch.atleast_3d(y).grad_fn
torch.atleast_1d(w) is w
y.tensor_split(2,1)[0].grad_fn
y.repeat_interleave(2).grad_fn.next_functions[0][0].next_functions
y.repeat_interleave(2,0).grad_fn
y.sum_to_size(3).grad_fn.next_functions
[s for s in dir(torch.cat([y,y]).grad_fn) if s.startswith('_saved')]
[s for s in dir(torch.stack([y,y]).grad_fn) if s.startswith('_saved')]
y.view(6).grad_fn._saved_self_sym_sizes
y.split([1,1])[0].grad_fn._saved_split_sizes
np.transpose(v).shape
np.reshape(v,(3,2)).shape
np.squeeze(v).shape
np.vstack([v,v]).shape
v.unsafe_split(2)[0]
y.unsafe_split(2)[0].grad_fn
y.unsafe_chunk(2)[0].grad_fn
y.to_dense().grad_fn
torch.unsafe_chunk(v,2)[1]
"""

# The names of the arguments.
NAMED = r"""
y.view(size=(6,))
y.view(dtype=torch.int32).dtype
y.view(size=(4,))
y.reshape(shape=(3,2))
y.expand(size=(2,2,3)).shape
y.permute(dims=(1,0)).shape
y.repeat(repeats=(2,1)).shape
y.swapaxes(axis0=0,axis1=1).shape
torch.swapaxes(y,axis0=0,axis1=1).shape
torch.swapdims(y,dim0=0,dim1=1).shape
y.transpose(dim0=0,dim1=1).shape
y.unsqueeze(dim=0).shape
y.squeeze(dim=0).shape
torch.permute(y,dims=(1,0)).shape
torch.permute(input=y,dims=(1,0)).shape
torch.reshape(input=y,shape=(6,)).shape
torch.flatten(input=y,start_dim=0,end_dim=1).shape
torch.cat(tensors=[y,y],dim=0).shape
torch.stack(tensors=[y,y],dim=0).shape
torch.split(tensor=y,split_size_or_sections=1,dim=0)[0].shape
y.split(split_size=1,dim=1)[0].shape
torch.chunk(input=y,chunks=2,dim=1)[0].shape
torch.unbind(input=y,dim=1)[0].shape
y.tensor_split(sections=2)[0].shape
y.tensor_split(indices=(1,),dim=1)[0].shape
torch.movedim(input=b,source=0,destination=1).shape
torch.broadcast_to(input=y,size=(2,2,3)).shape
torch.roll(input=y,shifts=1,dims=0)
torch.flip(input=y,dims=(0,))
torch.rot90(input=y,k=1,dims=(0,1))
torch.tile(input=y,dims=(2,))
torch.diagonal(input=y,offset=0,dim1=0,dim2=1)
torch.diag_embed(input=y,offset=0,dim1=-2,dim2=-1).shape
torch.tril(input=y,diagonal=1)
torch.hsplit(input=y,sections=3)[0].shape
torch.hsplit(y,indices=(1,))[0].shape
torch.unflatten(input=y,dim=1,sizes=(3,1)).shape
y.unfold(dimension=1,size=2,step=1).shape
torch.as_strided(input=y,size=(2,),stride=(1,),storage_offset=1)
torch.combinations(input=y[0],r=2,with_replacement=False).shape
torch.meshgrid(y[0],y[1],indexing='ij')[0].shape
torch.repeat_interleave(input=y,repeats=2,dim=0).shape
y.repeat_interleave(repeats=2,dim=1).shape
torch.atleast_2d(y[0,0]).shape
torch.block_diag(y,y).shape
torch.arange(start=0,end=4,step=2)
torch.arange(0,4,step=2)
torch.arange(1,end=3)
torch.linspace(start=0,end=1,steps=3)
torch.logspace(start=0,end=1,steps=3,base=10)
torch.eye(n=2,m=3).shape
torch.full(size=(2,),fill_value=1)
torch.full_like(input=y,fill_value=2).shape
torch.zeros_like(input=y).shape
torch.clone(input=y).shape
torch.tril_indices(row=2,col=2,offset=0)
torch.complex(real=y,imag=y).shape
torch.polar(abs=y,angle=y).shape
torch.view_as_real(input=torch.complex(y,y)).shape
torch.numel(input=y)
torch.gradient(input=y[0],spacing=1.)
torch.narrow(input=y,dim=0,start=0,length=1)
y.narrow(dim=1,start=1,length=1)
y.new_zeros(size=(2,))
y.new_full(size=(2,),fill_value=3)
y.type(dtype=torch.int)
y.to(device='cpu',dtype=torch.int)
y.view_as(other=y).shape
y.expand_as(other=y).shape
y.is_contiguous(memory_format=torch.contiguous_format)
y.contiguous(memory_format=torch.contiguous_format).shape
y.detach().requires_grad_(requires_grad=True).requires_grad
y.resize_(6,memory_format=torch.contiguous_format).shape
y.set_(source=torch.ones(2))
y.size(dim=0)
y.stride(dim=0)
torch.from_numpy(np.ones(2))
torch.scalar_tensor(s=1)
torch.dstack(tensors=(y,y)).shape
"""


@pytest.mark.parametrize("expression", lines_of(NAMED))
def test_names_of_arguments(expression: str) -> None:
    pytest.importorskip("torch")
    setup = "y = torch.arange(6.0).reshape(2, 3); b = torch.arange(24.0).reshape(2, 3, 4)"
    assert shown("wengert", setup, expression) == shown("torch", setup, expression)


@pytest.mark.parametrize("expression", lines_of(TABLE))
def test_as_pytorch(expression: str) -> None:
    pytest.importorskip("torch")
    assert shown("wengert", SETUP, expression) == shown("torch", SETUP, expression)


def test_split_views_cannot_be_changed_in_place() -> None:
    x = wengert.ones(4, requires_grad=True) * 1
    for parts in (x.split(2), x.chunk(2), x.unbind(0)):
        with pytest.raises(RuntimeError, match="is a view and is being modified inplace"):
            parts[0].add_(1)
    copies = x.unsafe_split(2)
    copies[0].add_(1)


def test_gradients_of_parts_that_nobody_used() -> None:
    x = wengert.arange(6.0).reshape(3, 2).requires_grad_()
    x.unbind(0)[1].sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0, 0], [1, 1], [0, 0]]
    x.grad = None
    x.split([1, 2])[1].sum().backward()
    assert x.grad.tolist() == [[0, 0], [1, 1], [1, 1]]


def test_cat_of_different_dtypes_gives_each_its_own_gradient() -> None:
    x = wengert.ones(2, dtype=wengert.float32, requires_grad=True)
    y = wengert.ones(1, dtype=wengert.float64, requires_grad=True)
    z = wengert.cat([x, y])
    assert z.dtype is wengert.float64
    z.sum().backward()
    assert x.grad is not None and x.grad.dtype is wengert.float32
    assert y.grad is not None and y.grad.dtype is wengert.float64


@pytest.mark.parametrize("inner", [False, True])
def test_unused_and_constant_parts_of_a_stack(inner: bool) -> None:
    x = wengert.ones(2, requires_grad=True)
    y = wengert.stack([x, wengert.zeros(2), x * 2], dim=int(inner))
    assert type(y.grad_fn).__name__ == "StackBackward0"
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3, 3]


def test_polar_is_differentiable_at_zero() -> None:
    r = wengert.zeros(1, requires_grad=True)
    wengert.polar(r, wengert.zeros(1)).real.sum().backward()
    assert r.grad is not None
    assert r.grad.item() == 0  # PyTorch takes the slope of abs there
