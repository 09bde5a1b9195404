"""Making tensors: from data, from shapes and values, like others, over the memory of others."""

from __future__ import annotations

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
torch.tensor([[1,2],[3]])
torch.tensor([1,[2]])
torch.tensor([[1],2])
torch.tensor([])
torch.tensor([[],[]])
torch.tensor([True,2])
torch.tensor([True,2.5])
torch.tensor([1,2.5,1j])
torch.tensor([True,False])
torch.tensor('a')
torch.tensor(['a'])
torch.tensor(None)
torch.tensor([None])
torch.tensor(2**63)
torch.tensor(2**64)
torch.tensor(-2**63-1)
torch.tensor([2**63])
torch.tensor(300,dtype=torch.uint8)
torch.tensor([300],dtype=torch.uint8)
torch.tensor(-1,dtype=torch.uint8)
torch.tensor([-1],dtype=torch.uint8)
torch.tensor(1.5,dtype=torch.int)
torch.tensor(1e40)
torch.tensor(1e40,dtype=torch.float16)
torch.tensor(float('nan'),dtype=torch.int64)
torch.tensor(1j,dtype=torch.float32)
torch.tensor([1+0j],dtype=torch.float32)
torch.tensor(np.float32(2))
torch.tensor(np.float64(2))
torch.tensor([np.float32(2),1])
torch.tensor([np.float64(2),1])
torch.tensor([np.int32(2),1])
torch.tensor([np.int32(2)])
torch.tensor(np.int32(2))
torch.tensor(np.bool_(True))
torch.tensor(np.arange(3,dtype=np.int32))
torch.tensor([np.arange(3),np.arange(3)])
torch.tensor(np.array(['a']))
torch.tensor(np.array([1,'a'],dtype=object))
torch.tensor(torch.ones(2))
torch.tensor(x)
torch.tensor([torch.ones(2),torch.ones(2)])
torch.tensor([torch.tensor(1.),torch.tensor(2)])
torch.tensor([torch.tensor(1.,dtype=torch.float64),2])
torch.tensor([torch.tensor(1,dtype=torch.int32),torch.tensor(2.,dtype=torch.float64)])
torch.tensor([x[0,0],x[0,1]])
torch.tensor([torch.ones(2),1])
torch.tensor([torch.tensor([1.])])
torch.tensor([torch.tensor(1.)],dtype=torch.int)
torch.tensor(range(3))
torch.tensor({1,2})
torch.tensor({})
torch.tensor((x for x in [1]))
torch.tensor([1,2],requires_grad=True)
torch.tensor([1.,2],requires_grad=True)
torch.tensor(1,device='cuda')
torch.tensor(1,dtype='float')
torch.tensor(1,dtype=float)
torch.tensor(1,2)
torch.tensor(data=1)
torch.tensor([np.array(1.5)])
torch.tensor([(1,2),[3,4]])
torch.tensor([range(2)])
torch.tensor(b'ab')
torch.tensor([b'ab'])
torch.tensor([1,2],pin_memory=True)
torch.tensor(np.float16(1))
torch.tensor(np.zeros(2)[::-1])
torch.tensor(np.zeros(2,dtype='>f8'))
torch.tensor(np.zeros(2,dtype=np.uint16))
torch.tensor(memoryview(b'abc'))
torch.tensor(bytearray(b'abc'))
torch.as_tensor(x) is x
torch.as_tensor(x,dtype=torch.float64)
torch.as_tensor([1,2])
torch.asarray(x) is x
torch.frombuffer(bytearray(b'abcd'),dtype=torch.int16)
torch.frombuffer(b'abcd',dtype=torch.int16)
torch.frombuffer(bytearray(b'abcd'),dtype=torch.int64)
torch.frombuffer(bytearray(b'abcde'),dtype=torch.int16)
torch.frombuffer(bytearray(b''),dtype=torch.int16)
torch.frombuffer(bytearray(b'abcde'),dtype=torch.int16,offset=1,count=1)
torch.frombuffer(bytearray(b'abcde'),dtype=torch.int16,offset=6)
torch.frombuffer(bytearray(b'abcde'),dtype=torch.int16,count=0)
torch.ones((2,3),2)
torch.zeros(2,3)
torch.zeros((2,3))
torch.zeros([2,3],dtype=torch.int)
torch.zeros(size=(2,))
torch.zeros()
torch.zeros(())
torch.zeros(-1)
torch.zeros(2.5)
torch.zeros('a')
torch.zeros(2,(3,))
torch.zeros(torch.tensor(2))
torch.zeros(True)
torch.zeros(2,requires_grad=True,dtype=torch.int)
torch.full((2,),1)
torch.full((2,),1.5)
torch.full((2,),True)
torch.full((2,),1j)
torch.full((2,),torch.tensor(2.))
torch.full(2,3)
torch.full((2,),300,dtype=torch.uint8)
torch.full((2,),x[0,0])
torch.arange(5)
torch.arange(5.)
torch.arange(1,5,2)
torch.arange(1,5.5)
torch.arange(5,1)
torch.arange(1,5,-1)
torch.arange(1,5,0)
torch.arange(0,1,0.1)
torch.arange(5,dtype=torch.float)
torch.arange(end=3)
torch.arange(start=1,end=3)
torch.arange(torch.tensor(3))
torch.arange(float('inf'))
torch.arange(float('nan'))
torch.arange(True)
torch.arange(2,dtype=torch.bool)
torch.arange(3,dtype=torch.bool)
torch.linspace(0,1,5)
torch.linspace(0,10,steps=4,dtype=torch.int)
torch.linspace(0,1,1)
torch.linspace(0,1,0)
torch.linspace(0,1,-1)
torch.linspace(0,1j,3)
torch.linspace(torch.tensor(0),torch.tensor(1),3)
torch.linspace(1,2,3,dtype=torch.float16)
torch.logspace(0,2,3)
torch.logspace(0,2,3,base=2)
torch.eye(2)
torch.eye(2,3)
torch.eye(-1)
torch.eye(2,-1)
torch.eye(2,dtype=torch.bool)
torch.zeros_like(x)
torch.zeros_like(x,requires_grad=True)
torch.ones_like(z)
torch.full_like(z,2.5)
torch.full_like(z,2)
x.new_zeros(2,3)
x.new_zeros((2,3))
x.new_ones(2)
x.new_full((2,),3)
z.new_full((2,),3.5)
x.new_empty(2).shape
x.new_tensor([1,2])
z.new_tensor([1.5,2])
x.new_tensor(x)
bool(torch.tensor([]))
bool(torch.tensor([1.]))
int(torch.tensor([2.5]))
complex(z)
range(10)[torch.tensor(2.)]
torch.tensor(True).__index__()
torch.tensor([2]).__index__()
torch.tensor([2,3]).__index__()
torch.ones(3) in x
np.array(torch.ones(2,dtype=torch.bfloat16))
torch.ones(2).detach_()
f'{torch.ones(1):.2f}'
f'{torch.tensor(1.5,requires_grad=True):.2f}'
f'{torch.tensor(1.5,requires_grad=True)}'
str(torch.nn.Parameter(torch.ones(2)))
torch.ones(()).flatten().shape
torch.broadcast_tensors(y,torch.ones(4))
b.narrow(1,torch.tensor(1),2).shape
b.tensor_split(torch.tensor([1,3]),dim=2)[1].shape
y.repeat_interleave(torch.tensor([1,2,0]),dim=1)
y.repeat_interleave(torch.tensor([1,2,0]),dim=1).grad_fn
y.repeat_interleave(torch.tensor([1,2]),dim=1)
y.repeat_interleave(torch.tensor([1,-2,1]),dim=1)
torch.repeat_interleave(torch.tensor([1,2]))
y.repeat_interleave(torch.tensor([1,2,3]),dim=1,output_size=6).shape
y.repeat_interleave(torch.tensor([1,2,3]),dim=1,output_size=5).shape
torch.gradient(q,spacing=(torch.arange(6.)**2,))
torch.view_as_complex(q)
torch.view_as_complex(torch.ones(3,3))
torch.view_as_complex(torch.ones(3))
torch.view_as_complex(z)
torch.view_as_complex(torch.ones(3,4)[:,1:3])
torch.view_as_complex(torch.ones(2,2,dtype=torch.int))
torch.complex(q,q).dtype
torch.complex(q,q.double())
torch.complex(q,z).grad_fn
torch.complex(q.int(),q.int())
torch.complex(y,y).grad_fn
torch.polar(y,y).grad_fn
torch.polar(q,q)
torch.select_scatter(y,torch.zeros(3),0,1).grad_fn
torch.slice_scatter(y,torch.zeros(1,3),0,1).grad_fn
torch.scalar_tensor(2)
torch.Tensor([1,2])
torch.Tensor(v) is v
torch.Tensor(torch.Size([2,3])).shape
torch.Tensor(q.double())
torch.tril(torch.ones(3,3,dtype=torch.bool))
torch.ones(3).tril_()
torch.ones(3,3).tril_(-1)
torch.block_diag(torch.ones(2,dtype=torch.int),torch.ones(1)).dtype
torch.gradient(torch.arange(6))[0]
torch.gradient(torch.arange(4.).reshape(2,2),spacing=(1.,2.))
torch.gradient(torch.arange(4.).reshape(2,2),spacing=(1.,))
torch.gradient(torch.arange(4.).reshape(2,2),dim=(0,0))
torch.gradient(torch.tensor(1.))
torch.gradient(torch.arange(4.)**2,edge_order=2)[0]
torch.gradient(torch.arange(4.)**2,spacing=(torch.tensor([0.,1.,3.,4.]),),edge_order=2)[0]
torch.zeros(2,dtype=np.float32)
torch.tensor(1,dtype=np.float32)
np.zeros(3)[torch.tensor(1)]
np.zeros(3)[torch.tensor([1,2])]
np.int64(torch.tensor(3))
np.float32(torch.tensor(3.))
int(np.int64(3)*torch.tensor(2))
max(torch.tensor([1.,2.]))
min(torch.tensor(1.),torch.tensor(2.))
round(torch.tensor(1.5))
math.sqrt(torch.tensor(4.))
math.floor(torch.tensor(1.5))
bool(torch.tensor(float('nan')))
torch.tensor(3)+True
range(torch.tensor(3))
"abc"[torch.tensor(1)]
"a"*torch.tensor(2)
hex(torch.tensor(255))
torch.tensor(7).__index__()
divmod(torch.tensor(7),2)
complex(torch.tensor(1+2j))
float(torch.tensor(1+2j))
int(torch.tensor(1+0j))
int(torch.tensor(float('inf')))
int(torch.tensor(True))
torch.tensor(1.)//0.3
torch.frombuffer(np.arange(3),dtype=torch.int64)
torch.asarray([1,2])
torch.asarray(np.arange(3.))
torch.asarray(np.arange(3.),dtype=torch.float32)
torch.asarray(bytearray(b'abcd'),dtype=torch.int16)
torch.asarray([1],copy=False)
torch.asarray(3.)
torch.asarray(x,requires_grad=False).requires_grad
v.new(2,3).shape
v.new([1,2])
v.new()
torch.Tensor.new(v,2).shape
torch.asarray(v) is v
"""


@pytest.mark.parametrize("expression", lines_of(TABLE))
def test_as_pytorch(expression: str) -> None:
    pytest.importorskip("torch")
    assert shown("wengert", SETUP, expression) == shown("torch", SETUP, expression)


def test_memory_is_shared_with_numpy() -> None:
    array = np.arange(4.0)
    t = wengert.from_numpy(array)
    array[0] = 7
    t[1] = 8
    assert t.tolist() == [7, 8, 2, 3]
    assert array.tolist() == [7, 8, 2, 3]
    assert wengert.as_tensor(array).data_ptr() == t.data_ptr()
    assert wengert.tensor(array).data_ptr() != t.data_ptr()


def test_a_window_of_an_array_is_a_storage_of_its_own() -> None:
    t = wengert.from_numpy(np.arange(6.0)[2:])
    assert t.storage_offset() == 0
    assert t[1:].storage_offset() == 1
    assert t.untyped_storage().nbytes() == 32


def test_copying_a_tensor_warns() -> None:
    t = wengert.ones(2, requires_grad=True)
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        copy = wengert.tensor(t)
    assert not copy.requires_grad
    assert copy.is_leaf


def test_default_dtype() -> None:
    before = wengert.get_default_dtype()
    try:
        wengert.set_default_dtype(wengert.float64)
        assert wengert.tensor(1.0).dtype is wengert.float64
        assert wengert.zeros(2).dtype is wengert.float64
        assert wengert.tensor(1j).dtype is wengert.complex128
        assert wengert.arange(3).dtype is wengert.int64
    finally:
        wengert.set_default_dtype(before)


def test_new_tensors_in_inference_mode() -> None:
    with wengert.inference_mode():
        assert wengert.ones(2).is_inference()
        assert wengert.tensor(1.0).is_inference()
    assert not wengert.ones(2).is_inference()


def test_bad_arguments_change_nothing() -> None:
    out = wengert.zeros(2, dtype=wengert.int64)
    with pytest.raises(RuntimeError, match="can't be cast"):
        wengert.cat([wengert.ones(2)], out=out)
    assert out.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like"])
def test_like_in_vmap(name: str) -> None:
    def f(x: wengert.Tensor) -> wengert.Tensor:
        y = getattr(wengert, name)(x)
        y.copy_(x)  # each example has one of its own to write into
        return y

    x = wengert.arange(6.0).reshape(2, 3)
    assert wengert.func.vmap(f)(x).tolist() == x.tolist()


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "float64", "complex64", "uint8", "int32", "int64"])
def test_sequences_to_the_last_bit(kind: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    for _ in range(40):
        low, high = np.sort(rng.uniform(0, 9, 2)).tolist()
        n, step = int(rng.integers(0, 130)), float(rng.uniform(1, 2) if "int" in kind else rng.uniform(0.02, 1))
        made = []
        for m in (torch, wengert):
            options = {"dtype": getattr(m, kind)}
            parts = [m.linspace(low, high, n, **options)]
            if kind != "complex64":
                parts += [m.arange(low, high, step, **options), m.logspace(low / 4, high / 4, n % 20, **options)]
            made.append([p.tolist() for p in parts])
        assert made[0] == made[1]
