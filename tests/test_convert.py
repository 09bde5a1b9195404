"""Dtypes, numbers, lists, NumPy arrays, copies and pickles."""

from __future__ import annotations

import copy
import pickle

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
torch.as_tensor(np.arange(3)).numpy().base is None
torch.from_numpy([1])
torch.from_numpy(np.zeros(2)[::-1])
torch.from_numpy(np.array(['a']))
x.numel()
x.size()
x.size(0)
x.size(-1)
x.size(5)
x.size(dim=1)
x.dim()
x.ndimension()
x.nelement()
len(x)
len(z)
bool(x)
int(x)
float(x)
float(z)
z.__index__()
[1,2,3,4,5,6][z]
x.item()
z.item()
torch.tensor([]).item()
z.tolist()
x.tolist()
list(iter(x))
iter(z)
list(iter(z))
5 in z
1 in x
'a' in x
x.numpy()
y.numpy()
x.numpy(force=True)
v.numpy()
torch.ones(2,dtype=torch.bfloat16).numpy()
np.asarray(x)
np.asarray(v)
np.asarray(v,dtype=np.int32)
v*np.ones(3)
np.ones(3)*v
np.ones(3)+x
x+np.ones(3)
np.float64(2)*v
np.float64(2)*x
v*np.float64(2)
np.sin(v)
np.sin(x)
np.add(v,1)
np.add(x,1)
np.concatenate([v,v])
np.ones(3)@v.t()
np.ones((2,3))==v
v.__array_priority__
v.__array__()
v.__array__(np.float64)
x.__array__()
x.detach_()
x.foo
reversed(x)
divmod(x,2)
round(y)
y.to(torch.float64)
y.to(torch.float32) is y
y.to('cpu') is y
y.to('cuda')
y.cuda()
y.to('cpu',torch.float64).dtype
y.to(z).dtype
y.to(dtype=torch.int)
y.to(1)
y.to()
y.to(None)
y.type()
y.type(torch.float64)
y.type('torch.DoubleTensor').dtype
y.type(torch.DoubleTensor).dtype
y.type(torch.float32) is y
y.type_as(z)
y.float() is y
y.to(torch.complex64).real
(y*1j).to(torch.float32)
(y*1j).float()
y.element_size()
y.nbytes
y.itemsize
y.is_set_to(y)
y.is_set_to(y.clone())
bf[0].item()
bf.tolist()
torch.tensor(2,dtype=torch.uint8).item()
copy.deepcopy(y)
copy.deepcopy(x)
copy.copy(y) is y
copy.copy(x)
copy.copy(x) is x
pickle.loads(pickle.dumps(x))
pickle.loads(pickle.dumps(y))
f'{z}', f'{z:5d}', f'{x}'
f'{x:.2f}'
y.is_cuda, y.is_meta, y.is_sparse, y.is_quantized, y.is_mkldnn, y.is_xpu, y.is_mps, y.is_ipu, y.is_nested, y.is_sparse_csr, y.is_vulkan, y.is_maia, y.is_xla
y.get_device()
y.is_coalesced()
y.dense_dim(), y.sparse_dim()
y.is_nonzero()
torch.is_nonzero(z)
y.names
y.imag
y.real is y
y.device, y.layout
b.t()
b.moveaxis(0,1).shape
torch.FloatTensor([1,2]).dtype
torch.LongTensor(2,3).dtype
torch.LongTensor([1,2])
isinstance(q,torch.FloatTensor)
isinstance(q,torch.LongTensor)
torch.is_tensor(y)
torch.numel(y)
torch.t(y).shape
torch.get_default_dtype()
v==np.ones((2,3))
v<np.ones((2,3))
np.ones((2,3))<v
np.ones((2,3))<=v
v+np.ones((2,3))
np.ones((2,3))+v
v-np.ones((2,3))
np.float32(2)-v
v-np.float32(2)
v**np.float64(2)
np.float64(2)**v
np.int64(2)*v.int()
v.int()*np.float64(2.5)
torch.add(v,np.float64(2))
v@np.ones(3)
np.ones(2)@v
v/np.ones((2,3))
v//np.ones((2,3))
v&np.ones(3)
v.to(np.float32)
np.array([v[0],v[1]])
np.array([v[0,0],v[0,1]])
list(v[0].numpy())
np.dot(v,v.t())
np.matmul(v,v.t())
np.where(v>0,v,0)
np.allclose(v,v)
np.testing.assert_allclose(v,v)
np.isnan(v)
np.exp(v)
np.sqrt(v,)
np.clip(v,0,1)
np.linalg.norm(v)
np.round(v)
np.abs(v)
np.argmax(v)
np.add.reduce(v)
np.multiply(v,v)
np.asarray(y)
sum([v,v])
abs(-v)
[*v]
dict(zip(v,v))
a,b=v
v in [v]
str(v.shape), f"{v.shape}"
pickle.loads(pickle.dumps(v.bfloat16()))
pickle.loads(pickle.dumps(torch.nn.Parameter(v)))
pickle.loads(pickle.dumps(v.shape))
pickle.loads(pickle.dumps(torch.float32))
copy.deepcopy(torch.nn.Parameter(v))
copy.copy(torch.nn.Parameter(v))
v.data
x.data.requires_grad
torch.from_numpy(np.arange(3)).dtype
torch.from_dlpack(np.arange(3))
np.from_dlpack(v)
x.__dlpack__()
torch.tensor([[1,2],[3,4]]).tolist()
torch.tensor([[True]]).tolist()
torch.ones(0,2).tolist()
torch.ones(2,0).tolist()
torch.tensor([1+2j]).tolist()
torch.tensor(2.5,dtype=torch.float16).tolist()
torch.tensor([1.1]).tolist()
torch.tensor(1.1).item()
v.apply_(lambda t: t+1)
x.apply_(lambda t:t)
y.apply_(lambda t:t)
v.clone().map_(v,lambda a,b:a+b)
v.clone().map2_(v,v,lambda a,b,c:a+b+c)
v.as_subclass(torch.nn.Parameter)
v.is_distributed()
v.__nonzero__()
v.to_dense() is v
v.name
del v[0]
v.is_sparse
torch.typename(v)
torch.typename(3)
torch.numel(v)
torch.get_device(v)
torch.is_distributed(v)
torch.is_neg(v)
torch.Storage
torch.FloatStorage
torch.UntypedStorage(4).nbytes()
"""  # noqa: E501


@pytest.mark.parametrize("expression", lines_of(TABLE))
def test_as_pytorch(expression: str) -> None:
    pytest.importorskip("torch")
    assert shown("wengert", SETUP, expression) == shown("torch", SETUP, expression)


def test_numpy_shares_memory() -> None:
    t = wengert.zeros(3)
    array = t.numpy()
    array[1] = 5
    assert t.tolist() == [0, 5, 0]
    t.add_(1)
    assert array.tolist() == [1, 6, 1]
    assert np.asarray(t).base is not None


def test_detach_shares_memory_and_counter() -> None:
    x = wengert.ones(2, requires_grad=True) * 1
    y = x * x
    d = x.detach()
    d.zero_()
    assert x.tolist() == [0, 0]
    assert x._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_cast_gradients_come_back_in_the_dtype_of_the_input() -> None:
    x = wengert.ones(3, dtype=wengert.float32, requires_grad=True)
    x.double().mul(2).half().sum().backward()
    assert x.grad is not None
    assert x.grad.dtype is wengert.float32
    assert x.grad.tolist() == [2, 2, 2]
    z = wengert.ones(2, requires_grad=True)
    (z.to(wengert.complex64) * (1 + 2j)).real.sum().backward()
    assert z.grad is not None
    assert z.grad.tolist() == [1, 1]


def test_integers_have_no_gradient() -> None:
    x = wengert.ones(3, requires_grad=True)
    assert not x.long().requires_grad
    assert not x.bool().requires_grad


def test_copies_keep_what_is_shared() -> None:
    x = wengert.arange(6.0)
    pair = [x, x.view(2, 3).t()]
    for twin in (copy.deepcopy(pair), pickle.loads(pickle.dumps(pair))):
        assert twin[1].tolist() == pair[1].tolist()
        assert twin[1].stride() == (1, 3)
        twin[0][1] = 100
        assert twin[1][1, 0].item() == 100
    assert x[1].item() == 1


def test_deepcopy_takes_the_gradient_along() -> None:
    x = wengert.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    twin = copy.deepcopy(x)
    assert twin.requires_grad
    assert twin.grad is not None
    assert twin.grad.tolist() == [3, 3]
    assert twin.grad is not x.grad


def test_copies_of_other_dtypes() -> None:
    for kind in (wengert.bfloat16, wengert.float16, wengert.bool, wengert.complex64, wengert.uint8):
        x = wengert.arange(4).to(kind)
        assert pickle.loads(pickle.dumps(x)).tolist() == x.tolist()
        assert copy.deepcopy(x[1:]).tolist() == x[1:].tolist()


def test_storage() -> None:
    x = wengert.arange(6, dtype=wengert.int16)
    storage = x.untyped_storage()
    assert storage is x[2:].untyped_storage()
    assert len(storage) == 12
    storage[0] = 9
    assert x[0].item() == 9
    assert x.clone().untyped_storage() != storage
    assert wengert.ones(3).expand(2, 3).untyped_storage().nbytes() == 12


def test_numbers_inside_transforms() -> None:
    def f(x: wengert.Tensor) -> wengert.Tensor:
        return x * x if float(x.detach()) > 0 else x

    assert wengert.func.grad(f)(wengert.tensor(3.0)).item() == 6
    with pytest.raises(RuntimeError, match="vmap"):
        wengert.func.vmap(f)(wengert.ones(2))
