"""Indexing of tensors: values, graph, gradients of both orders, batching, in place; recorded, and against PyTorch."""

from __future__ import annotations

import gc
import math
import warnings
import weakref
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import wengert
import wengert.func
from wengert.kernels import numpy as kernels

# ---------------------------------------------------------------- one namespace of tensors for both libraries


def namespace(L: ModuleType) -> dict[str, Any]:
    """What the expressions below name: `x`, `y`, ... are leaves, `c` is x * 1, the others are indices and masks."""

    def leaf(values: Any) -> Any:
        return L.tensor(values, dtype=L.float64, requires_grad=True)

    values = np.arange(12.0).reshape(3, 4) / 7 + 0.1
    env = {
        "torch": L, "T": L.tensor, "np": np, "x": leaf(values.tolist()), "y": leaf((2 * values).tolist()),
        "r1": leaf([1.0, 2, 3, 4]), "v": leaf(3.0), "s22": leaf([[1.5, 2.0], [3.0, 0.5]]), "d3": leaf([1.0, 2.0, 3]),
        "s24": leaf([[1.5, 2.0, 3, 4], [3.0, 0.5, -1, 2]]), "i": L.tensor([0, 2]), "rep": L.tensor([1, 1, 0]),
        "ii": L.tensor([[0, 1], [2, 0]]), "m": L.tensor((values > 0.5).tolist()),
    }  # fmt: skip
    env["c"] = env["x"] * 1
    return env


LEAVES = ("x", "y", "r1", "v", "s22", "s24", "d3")


def graph(t: Any) -> Any:
    """The names of the node and of its producers."""
    if t.grad_fn is None:
        return None
    return type(t.grad_fn).__name__, [None if n is None else type(n).__name__ for n, _ in t.grad_fn.next_functions]


def array(t: Any) -> Any:
    return None if t is None else np.array(t.tolist())


def gradients(L: ModuleType, y: Any, inputs: list[Any], second: bool) -> list[Any]:
    """Of a weighted sum of y; with `second`, of a function of these gradients too."""
    weights = (np.arange(y.numel()) + 1.0).reshape(tuple(y.shape))
    w = L.tensor(weights.tolist(), dtype=y.dtype).reshape(tuple(y.shape))
    scalar = ((y * y if second else y) * w).sum()
    first = L.autograd.grad(scalar, inputs, allow_unused=True, create_graph=second)
    result = [array(g) for g in first]
    used = [g for g in first if g is not None and g.requires_grad]
    if second and used:
        total = sum((g * g).sum() for g in used)
        result += [array(g) for g in L.autograd.grad(total, inputs, allow_unused=True)]
    return result


def outcome(L: ModuleType, program: str, second: bool, in_place: bool = False) -> Any:
    """[(shape, values, dtype, graph) of each result, gradients], or (error, first line)."""
    env = namespace(L)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if in_place:
                exec(program, env)
                result = env["c"]
            else:
                result = eval(program, env)
            outs = result if isinstance(result, tuple) else (result,)
            described = [(tuple(o.shape), array(o), str(o.dtype), graph(o)) for o in outs]
            if outs[0].grad_fn is not None:
                described.append(gradients(L, outs[0], [env[n] for n in LEAVES], second))  # type: ignore[arg-type]
            return described
        except Exception as error:
            return type(error).__name__, (str(error).splitlines() or [""])[0]


def alike(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, equal_nan=True)
    if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
        return len(a) == len(b) and all(alike(p, q) for p, q in zip(a, b, strict=True))
    return bool(a == b)


EXPRESSIONS = r"""
x[[T(0),T(1)]]
x[[T([0,1]),T([1,2])]]
x[[T([0,1]),T([1,2])],]
x[[T(0),1],]
x[[True,T(True),False]]
x[[T(True),True],0]
x[T(0):T(2)]
x[T([0]):T(2)]
x[T([0,1]):]
x[T(0.):]
x[T(True):]
x[T(1):,T(1):T(3)]
x[np.int64(1):]
x[np.array(1):]
x[np.array([1]):]
x[np.array(1)]
x[np.array(1.5)]
x[np.array([1.5])]
x[np.array([[True,False,True,False]]*3)]
x[..., np.array([[True]*4]*3)]
x[np.array([[True]*4]*3),0]
x[np.array(True)]
x[np.array([1],dtype=np.int8)]
x[np.array([1],dtype=np.uint8)]
x[np.array(['a'])]
x[T([1],dtype=torch.int8)]
x[T([1],dtype=torch.int32)]
x[T([1,0,1],dtype=torch.uint8)]
x[T([1,0],dtype=torch.uint8)]
x[T(1,dtype=torch.uint8)]
x[T(0,dtype=torch.int16)]
x[T(1.)]
x[x>1]
x[x]
x[x[0]>.2]
x[:,x[0]>.2]
x[(0,1)]
x[((0,1),)]
x[[0,None]]
x[[[0,1],[0,1]]]
x[['a']]
x['a']
x[{}]
x[torch]
x[0,0,0]
x[T([[0,1]]),T([[1],[2]])]
x[T([0,1]),T([0,1,2])]
x[T([],dtype=torch.long)]
x[[]]
x[2**70]
x[[2**70]]
x[0,...,0,...]
x[...,...,0]
x[T(5)]
x[:,T(7)]
x[True,None,0]
x[T(True),T([0,1])]
x[0][...][None,:,None]
x[0]
x[-1]
x[1:3]
x[:,1]
x[:,-2]
x[::2]
x[-2:]
x[None]
x[...]
x[:,:]
x[:,1:3]
x[:,:,None]
x[0,1]
x[i]
x[rep]
x[:,i]
x[m]
x[i,i]
x[True]
x[False]
x[1,i]
x[i,1]
x[i,None,i]
x[None,i]
x[[0,0,1]]
x[[True,False,True]]
x[range(2)]
x[np.array([0,1])]
x[np.array([True,False,True])]
x[np.array([[1,0],[0,1]])]
x[T(1)]
x[T(1):]
x[ii]
x[ii,ii]
x[i][0]
x[5]
x[T([7])]
x[1.]
x[T([1.])]
x.select(0,1)
x.select(-1,-1)
x.select(0,5)
x.select(3,5)
torch.select(x,1,2)
x.narrow(0,1,2)
x.narrow(0,1,3)
x.narrow(1,T(1),2)
x.narrow(1,-3,2)
torch.narrow_copy(x,0,1,2)
x.gather(0,ii)
x.gather(1,ii)
x.gather(1,rep)
torch.gather(x,-1,ii)
x.scatter(0,ii,y)
x.scatter(0,i[None],s22[:1])
x.scatter(0,T([[0,1],[2,0]]),s22)
x.scatter(0,ii,5.)
x.scatter(0,ii,s22,reduce='add')
x.scatter(0,ii,5.,reduce='add')
x.scatter(0,ii,s22.detach(),reduce='multiply')
x.scatter_add(0,ii,s22)
x.scatter_add(0,T([[0,0],[0,1]]),s22)
x.scatter_add(0,ii,y)
x.scatter_reduce(0,ii,s22,'sum')
x.scatter_reduce(0,ii,s22,'prod')
x.scatter_reduce(0,ii,s22,'mean')
x.scatter_reduce(0,ii,s22,'amax')
x.scatter_reduce(0,ii,s22,'amin')
x.scatter_reduce(0,T([[0,0],[0,1]]),s22,'sum',include_self=False)
x.scatter_reduce(0,T([[0,0],[0,1]]),s22,'prod',include_self=False)
x.scatter_reduce(0,T([[0,0],[0,1]]),s22,'mean',include_self=False)
x.scatter_reduce(0,T([[0,0],[0,1]]),s22,'amax',include_self=False)
x.scatter_reduce(0,T([[0,0],[0,1]]),s22,'amin',include_self=False)
x.scatter_reduce(0,T([[0,0],[0,1]]),s22*0,'prod')
x.scatter_reduce(0,T([[0,0],[0,1]]),s22*0+x[0,0].detach(),'amax')
(x*0).scatter_reduce(0,T([[0,0],[0,1]]),s22,'prod')
x.scatter_reduce(0,ii,y,'prod')
x.scatter_reduce(0,ii,y,'sum')
x.index_select(0,i)
x.index_select(1,rep)
x.index_select(0,T(1))
x.index_add(0,i,s24)
x.index_add(0,rep[:2],s24)
x.index_add(0,i,s24,alpha=2)
x.index_copy(0,i,s24)
x[0].index_copy(0,T(1),v)
x.index_fill(0,i,2.)
x.index_fill(0,rep,v)
x.index_fill(0,i,v)
x.index_reduce(0,i,s24,'prod')
x.index_reduce(0,rep[:2],s24,'prod')
x.index_reduce(0,rep[:2],s24,'prod',include_self=False)
x.index_reduce(0,rep[:2],s24,'mean')
x.index_reduce(0,rep[:2],s24,'mean',include_self=False)
x.index_reduce(0,rep[:2],s24,'amax')
x.index_reduce(0,rep[:2],s24,'amin',include_self=False)
x.index_put((i,),r1)
x.index_put((rep,),r1,accumulate=True)
x.index_put((m,),v)
x.index_put((m,),v,accumulate=True)
x.index_put((m,),v.float())
x.index_put((i,i),v)
x.index_put((i,),r1.float())
x.masked_fill(m,2.)
x.masked_fill(m,v)
x.masked_fill(m,v.float())
x[0].masked_fill(m,v)
x.masked_fill(m[0],2)
x.masked_scatter(m,y)
x[0].masked_scatter(m,y)
x.masked_scatter(m[0],y[0])
x.masked_select(m)
x[0].masked_select(m)
x.masked_select(m[0])
x.take(i)
x.take(rep)
x.take(ii-5)
x.put(i,r1[:2])
x.put(rep,d3,accumulate=True)
torch.take_along_dim(x,ii[:,:1],0)
torch.take_along_dim(x,T([[0,1,2,0]]),0)
torch.take_along_dim(x,T([[1],[-1],[0]]),1)
torch.take_along_dim(x,i)
x.nonzero()
x.nonzero(as_tuple=True)
torch.argwhere(x)
torch.where(x>1)
torch.nonzero_static(x,size=2)
x.select_scatter(r1,0,1)
x.slice_scatter(s24,0,1)
x.slice_scatter(s24,0,0,3,2)
x[0].gather(0,T(1))
v.gather(0,T([0,0]))
v[None]
v[...]
v[True]
v[0]
v.index_select(0,T(0))
v.index_add(0,T(0),v)
v.masked_fill(T(True),2.)
v.masked_select(T(True))
v.take(T([0,0]))
v.scatter(0,T(0),v)
v.scatter_add(0,T([0,0]),r1[:2])
"""

ASSIGNMENTS = r"""
c[0]=5.
c[0]=v
c[0]=r1
c[0]=s24
c[0]=s22
c[0,0]=v
c[0,0]=2
c[0,0]=r1[:1]
c[0:2]=s24
c[0:2]=r1
c[:,0]=d3
c[...]=y
c[:]=y
c[()]=y
c[None]=y
c[True]=y
c[False]=y
c[i]=2.
c[i]=v
c[i]=r1
c[i]=s24
c[i]=s24[None]
c[i]=s22
c[i]=r1.float()
c[rep]=s24[:1]
c[m]=2.
c[m]=v
c[m]=v.float()
c[m]=y[m]
c[0,i]=2.
c[:,i]=2.
c[None,i]=2.
c[i,i]=r1[:2]
c[0][1]=3.
c[0][1]=v
c[1:][0]=r1
c[[0,1]]=r1
c[0]=[1,2]
c[0]='a'
c[0]=np.float64(2)
c[0]=1j
c[7]=1
c[0]=True
c.select(0,1).fill_(2.)
c.select(0,1).mul_(v)
c[0]*=2
c[i]*=2
c[0]+=r1
c[m]+=v
c[0]=c[1]
c[0]=c[1]*c[2]
c[i]=c[i]*2
c.index_put_((i,),r1)
c.index_put_((rep,),r1,accumulate=True)
c.index_put_((m,),v)
c.scatter_(0,ii,s22)
c.scatter_(0,ii,2.)
c.scatter_(0,ii,2.,reduce='add')
c.scatter_(0,ii,s22,reduce='multiply')
c.scatter_add_(0,ii,s22)
c.scatter_reduce_(0,ii,s22,'prod')
c.scatter_reduce_(0,ii,s22,'amax')
c.index_add_(0,i,s24)
c.index_add_(0,i,s24,alpha=2)
c.index_copy_(0,i,s24)
c.index_fill_(0,i,2.)
c.index_fill_(0,i,v)
c.index_reduce_(0,i,s24,'amax')
c.index_reduce_(0,i,s24,'prod')
c.masked_fill_(m,2.)
c.masked_fill_(m,v)
c.masked_fill_(m[0],v)
c.masked_scatter_(m,y)
c.put_(i,r1[:2])
c.put_(rep,d3,accumulate=True)
c[0].masked_fill_(m[0],v)
c[0].index_fill_(0,i,2.)
c[0].index_put_((i,),v)
c[:,1].scatter_add_(0,i,r1[:2])
c.t()[0]=d3
c.t()[i]=d3
x[0]=5.
x[i]=5.
x[0].fill_(2.)
x.index_fill_(0,i,2.)
c=x*1; c[0]=c[0]*2; c[1]=c[0]+c[1]
c=torch.zeros(3,4,dtype=x.dtype); c[0]=r1; c[1]=r1*v
c=torch.zeros(3,4,dtype=x.dtype); c[i]=s24; c[0,0]=v; c.masked_fill_(m,v)
b=x*1; c=b*b; b[0]=1
b=x*1; c=b[0]; b[0]=2.
b=x*1; c=b[0]; b[i]=2.
b=x*1; c=b[1:]; c[0]=r1; c=b*1
b=x*1; k=i*1; c=b[k]; k[0]=1
b=x*1; k=m.clone(); c=b[k]; k[0]=True
c=torch.zeros(3,4,dtype=x.dtype); c[1]=2; c[:,1]=d3.detach(); c[1:,None,2]=7.; c[...,0]=1
c=torch.zeros(3,4); c[1]=1e300
c=torch.zeros(3,4); c[1]=float('nan')
c=torch.zeros(3,4); c[1:]=c[:-1]
c=torch.zeros(3,4); c[:]=c
c=torch.zeros(3,4); c[1,2,3]=1
c=torch.zeros(3,4); c[::-1]=1
c=torch.zeros(3,4); c[5]=1
c=torch.zeros(3,4); c[-1]=1
c=torch.zeros(3,4); c[0,-5]=1
c=torch.zeros(3,4); c[i]=2.
c=torch.zeros(3,4); c[i]=c[:2]+1
c=torch.zeros(3,4); c[T([5])]=1
c=torch.zeros(3,4); c[m]=1
c=torch.zeros(3,4,dtype=torch.long); c[m]=1.5; c[0]=2.7; c[1,1]=2**40
c=torch.zeros(3,4,dtype=torch.bool); c[0]=2; c[1,1]=True
c=torch.zeros(3,4,dtype=torch.uint8); c[0]=300
c=torch.zeros(3,4,dtype=torch.uint8); c[0]=-1
c=torch.zeros(3,4,dtype=torch.half); c[0]=1.1; c[1]=70000
c=torch.zeros(1,4).expand(3,4); c[0]=1
c=torch.zeros(1,4).expand(3,4); c[:]=1
c=torch.zeros(3,4)[1:]; c[0]=1; c[:,1]=2
c=torch.zeros(()); c[...]=1
c=torch.zeros(()); c[()]=1
c=torch.zeros(()); c[None]=1
c=torch.zeros(()); c[0]=1
c=torch.zeros(()); c[:]=1
c=torch.zeros(3,4); c[T(1)]=1; c[T(True)]=c+1
c=torch.zeros(3,4); c[0,T(2)]=1; c[1][T(2)]=5
c=torch.zeros(3,4); c[np.int64(1)]=1; c[0:np.int64(2),0]=4
with torch.no_grad(): x[0]=5; c=x*1
with torch.no_grad(): x[i]=5; c=x*1
with torch.no_grad(): x[0][1]=5; c=x*1
c=x*1; v0=c._version; c[0]=1; c[1,1]=2; c[i]=1; assert c._version-v0==3
c=torch.zeros(3,4); v0=c._version; c[0]=1; c[1,1]=2; c[i]=1; c[m]=0; c[1:]=c[:1]+1; assert c._version-v0==5
c=torch.zeros(3,4); c[i]=c[:2]
c=torch.zeros(3,4); c[i]=c[:1]
c=torch.zeros(3,4); c[i,i]=c[0,:2]
c=torch.zeros(3,4); c.index_put_((i,),c[:2],True)
c=torch.zeros(3,4); c.index_add_(0,i,c[:2])
c=torch.zeros(3,4); c.index_copy_(0,i,c[:2])
c=torch.zeros(3,4); c.scatter_(0,ii,c)
c=torch.zeros(3,4); c.scatter_add_(0,ii,c)
c=torch.zeros(3,4); c.scatter_reduce_(0,ii,c,'sum')
c=torch.zeros(3,4); c.index_reduce_(0,i,c[:2],'prod')
c=torch.zeros(3,4); c.masked_scatter_(m,c)
c=torch.zeros(3,4); c.put_(i,c[0,:2])
c=torch.zeros(3,4,dtype=torch.bool); c.masked_fill_(c,True)
c=torch.zeros(3,4,dtype=torch.bool); c[c]=True
c=torch.zeros(3,4,dtype=torch.long); c.scatter_(0,c,1)
c=torch.zeros(3,dtype=torch.long); c[c]=1
c=torch.zeros(3,dtype=torch.long); c.index_fill_(0,c,1)
c=torch.zeros(3,dtype=torch.long); c.index_add_(0,c,c+1)
c=torch.zeros(3,4); c[:,::2]=c[:,1::2]
c=torch.zeros(3,4); c[0]=c[0]
c=torch.zeros(3,4); c[:,0]=c[:,0]
c=torch.zeros(3,4); c[:2]=c[1:]
c=torch.zeros(3,4); c[0]=c[:,0][:1]
c=torch.zeros(4,4); c[:]=c.t()
c=torch.zeros(3,4); c.masked_fill_(m,c[0,0])
c=torch.zeros(3,4); c[:,:2].index_add_(0,i,c[:2,2:])
c=torch.zeros(3,4); c[:2].index_add_(0,i*0,c[2:].expand(2,4))
c=torch.zeros(1,4).expand(3,4); c[i]=1.
c=torch.zeros(1,4).expand(3,4); c.index_add_(0,i,s24.detach().float())
c=torch.zeros(1,4).expand(3,4); c.scatter_(0,ii,1.)
c=torch.zeros(1,4).expand(3,4); c.masked_fill_(m,1.)
c=torch.zeros(1,4).expand(3,4); c.index_fill_(0,i,1.)
c=torch.zeros(1,4).expand(3,4); c.put_(i,r1[:2].detach().float())
c=torch.zeros(1,4).expand(3,4); c.masked_scatter_(m,y.detach().float())
c=torch.zeros(1,4).expand(3,4); c.index_copy_(0,i,s24.detach().float())
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("program", lines(EXPRESSIONS))
def test_expressions_live(program: str) -> None:
    torch = pytest.importorskip("torch")
    for second in (False, True):
        ours, theirs = outcome(wengert, program, second), outcome(torch, program, second)
        assert alike(ours, theirs), (ours, theirs)


def without_names(result: Any) -> Any:
    """In-place operations on views are recorded as one node here and there, but not with the same producers."""
    if isinstance(result, list) and isinstance(result[0], tuple):
        head = [(*r[:3], r[3] and r[3][0]) for r in result if isinstance(r, tuple)]
        return head + [r for r in result if not isinstance(r, tuple)]
    return result[0], result[1][:80]


@pytest.mark.parametrize("program", lines(ASSIGNMENTS))
def test_assignments_live(program: str) -> None:
    torch = pytest.importorskip("torch")
    for second in (False, True):
        ours, theirs = outcome(wengert, program, second, True), outcome(torch, program, second, True)
        assert alike(without_names(ours), without_names(theirs)), (ours, theirs)


# ---------------------------------------------------------------- transforms


def mapped(L: ModuleType) -> dict[str, Any]:
    """Capital letters: five examples; small letters: one for all."""
    r = np.random.default_rng(0)

    def normal(*shape: int) -> Any:
        return L.tensor(r.standard_normal(shape).tolist(), dtype=L.float64)

    def whole(*shape: int) -> Any:
        return L.tensor(r.integers(0, 3, shape).tolist())

    def distinct() -> Any:
        return r.permutation(3)[:2]

    return {
        "X": normal(5, 3, 4), "V": normal(5, 4), "S": normal(5), "W": normal(5, 2, 4), "x": normal(3, 4),
        "v": normal(4), "w": normal(2, 4), "s": normal(), "I": whole(5, 2), "J": whole(5, 2, 4), "i": whole(2),
        "j": whole(2, 4), "M": L.tensor((r.random((5, 3, 4)) > 0.5).tolist()), "n": L.tensor([True, False, True, True]),
        "N": L.tensor((r.random((5, 4)) > 0.5).tolist()), "m": L.tensor((r.random((3, 4)) > 0.5).tolist()),
        "U": L.tensor(np.stack([distinct() for _ in range(5)]).tolist()), "u": L.tensor(distinct().tolist()),
        "Q": L.tensor(np.stack([np.stack([distinct() for _ in range(4)], 1) for _ in range(5)]).tolist()),
    }  # fmt: skip


def written(a: Any, index: Any, value: Any) -> Any:
    a[index] = value
    return a


# name,name: function of these -- what PyTorch itself cannot do, or does wrong
TRANSFORMED = r"""
X: lambda a: a[0]
X: lambda a: a[:,1]
X: lambda a: a[1:,None,::2]
X: lambda a: a[...,-1]
X: lambda a: a[...]
V: lambda a: a[2]
X,i: lambda a,b: a[b]
X,i: lambda a,b: a[:,b]
X,i: lambda a,b: a[b,b]
X,i: lambda a,b: a[b,None,b]
X,m: lambda a,b: a[b]
X,n: lambda a,b: a[:,b]
X,I: lambda a,b: a[b]
X,I: lambda a,b: a[:,b]
X,I: lambda a,b: a[b,b]
X,I,i: lambda a,b,c: a[b,c]
X,I: lambda a,b: a[b,None,b]
X,J: lambda a,b: a[b]
x,I: lambda a,b: a[b]
x,I: lambda a,b: a[:,b]
x,I,i: lambda a,b,c: a[c,b]
x,J: lambda a,b: a[:,b]
X: lambda a: a.select(0,1)
X: lambda a: a.narrow(1,1,2)
X,j: lambda a,b: a.gather(0,b)
X,J: lambda a,b: a.gather(0,b)
x,J: lambda a,b: a.gather(-2,b)
X,J,W: lambda a,b,c: a.scatter_add(0,b,c)
x,J,W: lambda a,b,c: a.scatter_add(0,b,c)
X,j,w: lambda a,b,c: a.scatter_add(0,b,c)
X,Q,W: lambda a,b,c: a.scatter(0,b,c)
X,j: lambda a,b: a.scatter(0,b,2.)
x,J: lambda a,b: a.scatter(0,b,2.)
X,J,W: lambda a,b,c: a.scatter_reduce(0,b,c,'prod') -- vmap of grad, jvp, jvp of grad
X,J,W: lambda a,b,c: a.scatter_reduce(0,b,c,'amax',include_self=False)
X,i: lambda a,b: a.index_select(0,b)
X,I: lambda a,b: a.index_select(0,b)
x,I: lambda a,b: a.index_select(0,b)
X,i,W: lambda a,b,c: a.index_add(0,b,c)
X,I,W: lambda a,b,c: a.index_add(0,b,c,alpha=2)
x,i,W: lambda a,b,c: a.index_add(0,b,c)
X,u,W: lambda a,b,c: a.index_copy(0,b,c)
X,U,w: lambda a,b,c: a.index_copy(0,b,c)
X,i: lambda a,b: a.index_fill(0,b,3.)
X,I: lambda a,b: a.index_fill(0,b,3.)
X,i,s: lambda a,b,c: a.index_fill(0,b,c)
X,i,S: lambda a,b,c: a.index_fill(0,b,c)
X,i,W: lambda a,b,c: a.index_reduce(0,b,c,'prod') -- vmap of grad, jvp, jvp of grad
X,M: lambda a,b: a.masked_fill(b,2.)
X,m: lambda a,b: a.masked_fill(b,2.)
x,M: lambda a,b: a.masked_fill(b,2.)
V,M: lambda a,b: a.masked_fill(b,2.)
X,N: lambda a,b: a.masked_fill(b,2.)
X,M,s: lambda a,b,c: a.masked_fill(b,c)
X,M,S: lambda a,b,c: a.masked_fill(b,c)
X,i: lambda a,b: a.take(b)
X,I: lambda a,b: a.take(b)
x,I: lambda a,b: a.take(b)
X,i,V: lambda a,b,c: a.index_put((b,),c)
X,I,V: lambda a,b,c: a.index_put((b,),c,accumulate=True)
X,I,v: lambda a,b,c: a.index_put((b,),c,accumulate=True)
x,I,v: lambda a,b,c: a.index_put((b,),c,accumulate=True)
X,I,S: lambda a,b,c: a.index_put((b,b),c,accumulate=True)
X,i,S: lambda a,b,c: a.index_put((b,),c,accumulate=True)
X,m,S: lambda a,b,c: a.index_put((b,),c)
X,V: lambda a,c: a.select_scatter(c,0,1)
X,w: lambda a,c: a.slice_scatter(c,0,1)
X,I: lambda a,b: torch.take_along_dim(a,b[:,None],0)
X,V: lambda a,c: written(a.clone(),0,c)
X,v: lambda a,c: written(a.clone(),(slice(None),1),1.)
X,I,V: lambda a,b,c: written(a.clone(),b,c)
X,i,V: lambda a,b,c: written(a.clone(),b,c)
X,i,W: lambda a,b,c: a.clone().index_add_(0,b,c)
X,M: lambda a,b: a.clone().masked_fill_(b,1.)
X,J,W: lambda a,b,c: a.clone().scatter_add_(0,b,c)
X,i,V: lambda a,b,c: a.put(b,c[:2])
X,I,V: lambda a,b,c: a.put(b,c[:2],accumulate=True)
x,i,V: lambda a,b,c: a.put(b-5,c[:2],accumulate=True)
X,m,X: lambda a,b,c: a.masked_scatter(b,c)
V,m,X: lambda a,b,c: a.masked_scatter(b,c)
X,I,s: lambda a,b,c: a.index_fill(1,b,c) -- vmap of grad
X,I,S: lambda a,b,c: a.index_fill(1,b,c) -- vmap of grad
V,i,S: lambda a,b,c: a.index_fill(0,b-1,c) -- vmap of grad, jvp of grad
"""


def transformed(L: ModuleType, names: list[str], source: str, kind: str) -> Any:
    data = mapped(L)
    f = eval(source, {"torch": L, "written": written})
    args = [data[n] for n in names]
    dims = tuple(0 if n.isupper() else None for n in names)
    real = tuple(k for k, a in enumerate(args) if a.dtype == L.float64)

    def loss(*a: Any) -> Any:
        return (f(*a) ** 2).sum()

    if kind == "vmap":
        result = L.func.vmap(f, in_dims=dims)(*args)
    elif kind == "vmap of the last dimension":
        moved = [a if d is None else a.movedim(0, -1) for a, d in zip(args, dims, strict=True)]
        result = L.func.vmap(f, in_dims=tuple(None if d is None else -1 for d in dims), out_dims=-1)(*moved)
    elif kind == "vmap of grad":
        result = L.func.vmap(L.func.grad(loss, argnums=real), in_dims=dims)(*args)
    else:
        args = [a if d is None else a[0] for a, d in zip(args, dims, strict=True)]
        primals = tuple(args[k] for k in real)

        def of_real(g: Any) -> Any:
            def call(*q: Any) -> Any:
                full = list(args)
                for k, a in zip(real, q, strict=True):
                    full[k] = a
                return g(*full)

            return call

        g = of_real(f if kind == "jvp" else L.func.grad(loss, argnums=real))
        out, tangent = L.func.jvp(g, primals, tuple(p * 0.3 + 1 for p in primals))
        result = (out, tangent) if kind == "jvp" else (*out, *tangent)
    return [array(t) for t in (result if isinstance(result, tuple) else (result,))]


KINDS = ("vmap", "vmap of the last dimension", "vmap of grad", "jvp", "jvp of grad")


@pytest.mark.parametrize("case", lines(TRANSFORMED))
def test_transforms_live(case: str) -> None:
    torch = pytest.importorskip("torch")
    case, _, cannot = case.partition(" -- ")
    names, source = case.split(":", 1)
    for kind in KINDS:
        if kind in cannot.split(", "):
            continue
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*aten::|.*in beta")
            theirs = transformed(torch, names.split(","), source.strip(), kind)
            ours = transformed(wengert, names.split(","), source.strip(), kind)
        assert alike(ours, theirs), kind


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_tangents_of_scatter_reduce(reduce: str, include_self: bool) -> None:
    """PyTorch's forward mode gives zeros for "prod"; these are the differences."""
    data = mapped(wengert)
    x, w, j = data["x"], data["w"], data["j"]

    def f(a: Any, b: Any) -> Any:
        return a.scatter_reduce(0, j, b, reduce, include_self=include_self)

    dx, dw, h = x * 0.3 + 1, w * 0.5 - 1, 1e-6
    _, tangent = wengert.func.jvp(f, (x, w), (dx, dw))
    difference = (f(x + h * dx, w + h * dw) - f(x - h * dx, w - h * dw)) / (2 * h)
    assert np.allclose(array(tangent), array(difference), atol=1e-7)


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda a, b: a[b], "vmap: We do not support batching operators that can support dynamic shape."),
        (lambda a, b: a.masked_select(b), "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask)"),
        (lambda a, b: b.nonzero(), "vmap: We do not support batching operators that can output dynamic shape."),
    ],
)
def test_no_result_of_a_size_for_each_example(f: Any, text: str) -> None:
    data = mapped(wengert)
    with pytest.raises(RuntimeError) as caught:
        wengert.func.vmap(f)(data["X"], data["M"])
    assert str(caught.value).startswith(text)


# ---------------------------------------------------------------- recorded: (expression, node, value, gradient of x)

RECORDED: list[tuple[str, str, Any, Any]] = [
    # fmt: off
    ('x[1]', 'SelectBackward0', [4, 5, 6, 7],
     [[0, 0, 0, 0], [1, 2, 3, 4], [0, 0, 0, 0]]),
    ('x[-1, 1]', 'SelectBackward0', 9,
     [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]),
    ('x[1:, ::2]', 'SliceBackward0', [[4, 6], [8, 10]],
     [[0, 0, 0, 0], [1, 0, 2, 0], [3, 0, 4, 0]]),
    ('x[:, None, 3]', 'SelectBackward0', [[3], [7], [11]],
     [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3]]),
    ('x[...]', 'AliasBackward0', [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]],
     [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]),
    ('x[rep]', 'IndexBackward0', [[4, 5, 6, 7], [4, 5, 6, 7], [0, 1, 2, 3]],
     [[9, 10, 11, 12], [6, 8, 10, 12], [0, 0, 0, 0]]),
    ('x[:, rep]', 'IndexBackward0', [[1, 1, 0], [5, 5, 4], [9, 9, 8]],
     [[3, 3, 0, 0], [6, 9, 0, 0], [9, 15, 0, 0]]),
    ('x[ii, ii]', 'IndexBackward0', [[0, 5], [10, 0]],
     [[5, 0, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0]]),
    ('x[m]', 'IndexBackward0', [3, 4, 5, 6, 7, 8, 9, 10, 11],
     [[0, 0, 0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]),
    ('x[True]', 'IndexBackward0', [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]],
     [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]),
    ('x[[0, 2], 1]', 'IndexBackward0', [1, 9],
     [[0, 1, 0, 0], [0, 0, 0, 0], [0, 2, 0, 0]]),
    ('x.select(1, 2)', 'SelectBackward0', [2, 6, 10],
     [[0, 0, 1, 0], [0, 0, 2, 0], [0, 0, 3, 0]]),
    ('x.narrow(1, 1, 2)', 'SliceBackward0', [[1, 2], [5, 6], [9, 10]],
     [[0, 1, 2, 0], [0, 3, 4, 0], [0, 5, 6, 0]]),
    ('x.gather(0, ii)', 'GatherBackward0', [[0, 5], [8, 1]],
     [[1, 4, 0, 0], [0, 2, 0, 0], [3, 0, 0, 0]]),
    ('x.index_select(1, rep)', 'IndexSelectBackward0', [[1, 1, 0], [5, 5, 4], [9, 9, 8]],
     [[3, 3, 0, 0], [6, 9, 0, 0], [9, 15, 0, 0]]),
    ('x.take(ii)', 'TakeBackward0', [[0, 1], [2, 0]],
     [[5, 2, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
    ('x.masked_select(m)', 'MaskedSelectBackward0', [3, 4, 5, 6, 7, 8, 9, 10, 11],
     [[0, 0, 0, 1], [2, 3, 4, 5], [6, 7, 8, 9]]),
    ('x.masked_fill(m, 1.5)', 'MaskedFillBackward0', [[0, 1, 2, 1.5], [1.5, 1.5, 1.5, 1.5], [1.5, 1.5, 1.5, 1.5]],
     [[1, 2, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
    ('x.scatter(0, ii, 5.0)', 'ScatterBackward1', [[5, 5, 2, 3], [4, 5, 6, 7], [5, 9, 10, 11]],
     [[0, 0, 3, 4], [5, 0, 7, 8], [0, 10, 11, 12]]),
    ('x.scatter_add(0, ii, x[:2, :2])', 'ScatterAddBackward0', [[0, 6, 2, 3], [4, 6, 6, 7], [12, 9, 10, 11]],
     [[2, 8, 3, 4], [14, 8, 7, 8], [9, 10, 11, 12]]),
    ("x.scatter_reduce(0, ii, x[:2, :2], reduce='amax')", 'ScatterReduceBackward0', [[0, 5, 2, 3], [4, 5, 6, 7],
      [8, 9, 10, 11]],
     [[1, 0, 3, 4], [5, 8, 7, 8], [9, 10, 11, 12]]),
    ('x.index_add(0, rep, x)', 'IndexAddBackward0', [[8, 10, 12, 14], [8, 11, 14, 17], [8, 9, 10, 11]],
     [[6, 8, 10, 12], [10, 12, 14, 16], [10, 12, 14, 16]]),
    ('x.index_copy(0, i, x[:2])', 'IndexCopyBackward0', [[0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7]],
     [[1, 2, 3, 4], [14, 16, 18, 20], [0, 0, 0, 0]]),
    ('x.index_fill(1, i, 2.0)', 'IndexFillBackward0', [[2, 1, 2, 3], [2, 5, 2, 7], [2, 9, 2, 11]],
     [[0, 2, 0, 4], [0, 6, 0, 8], [0, 10, 0, 12]]),
    ('x.index_put((rep,), x, accumulate=True)', 'IndexPutBackward0', [[8, 10, 12, 14], [8, 11, 14, 17], [8, 9, 10, 11]],
     [[6, 8, 10, 12], [10, 12, 14, 16], [10, 12, 14, 16]]),
    ('x.put(i, x[0, 2:])', 'PutBackward0', [[2, 1, 3, 3], [4, 5, 6, 7], [8, 9, 10, 11]],
     [[0, 2, 1, 7], [5, 6, 7, 8], [9, 10, 11, 12]]),
    ('x.masked_scatter(m, x)', 'MaskedScatterBackward0', [[0, 1, 2, 0], [1, 2, 3, 4], [5, 6, 7, 8]],
     [[5, 7, 9, 7], [8, 9, 10, 11], [12, 0, 0, 0]]),
    ('x.select_scatter(x[0], 0, 1)', 'SelectScatterBackward0', [[0, 1, 2, 3], [0, 1, 2, 3], [8, 9, 10, 11]],
     [[6, 8, 10, 12], [0, 0, 0, 0], [9, 10, 11, 12]]),
    ('x.slice_scatter(x[:2], 0, 1)', 'SliceScatterBackward0', [[0, 1, 2, 3], [0, 1, 2, 3], [4, 5, 6, 7]],
     [[6, 8, 10, 12], [9, 10, 11, 12], [0, 0, 0, 0]]),
    ('c[0] = 5.0', 'CopySlices', [[5, 5, 5, 5], [4, 5, 6, 7], [8, 9, 10, 11]],
     [[0, 0, 0, 0], [5, 6, 7, 8], [9, 10, 11, 12]]),
    ('c[:, 1] = x[:, 0]', 'CopySlices', [[0, 0, 2, 3], [4, 4, 6, 7], [8, 8, 10, 11]],
     [[3, 0, 3, 4], [11, 0, 7, 8], [19, 0, 11, 12]]),
    ('c[rep] = x', 'IndexPutBackward0', [[8, 9, 10, 11], [4, 5, 6, 7], [8, 9, 10, 11]],
     [[5, 6, 7, 8], [5, 6, 7, 8], [10, 12, 14, 16]]),
    ('c[m] = 0.0', 'IndexPutBackward0', [[0, 1, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]],
     [[1, 2, 3, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
    ('c[1:, 2:] = x[0, 0]', 'CopySlices', [[0, 1, 2, 3], [4, 5, 0, 0], [8, 9, 0, 0]],
     [[39, 2, 3, 4], [5, 6, 0, 0], [9, 10, 0, 0]]),
    ('c[0][1] = 3.0', 'CopySlices', [[0, 3, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]],
     [[1, 0, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]),
    # fmt: on
]


@pytest.mark.parametrize(("program", "node", "value", "gradient"), RECORDED)
def test_recorded(program: str, node: str, value: Any, gradient: Any) -> None:
    env = namespace(wengert)
    x = env["x"] = wengert.arange(12.0).reshape(3, 4).requires_grad_()
    env["c"] = x * 1
    if "=" in program.replace("reduce=", "").replace("accumulate=", ""):
        exec(program, env)
        result = env["c"]
    else:
        result = eval(program, env)
    assert type(result.grad_fn).__name__ == node
    assert result.tolist() == value
    weights = wengert.arange(float(math.prod(result.shape))).reshape(tuple(result.shape)) + 1
    (result * weights).sum().backward()
    assert x.grad.tolist() == gradient


# ---------------------------------------------------------------- what the design promises


def test_views_share_memory_and_version() -> None:
    x = wengert.zeros(3, 4)
    row, cell, same = x[1], x[1, 2], x[...]
    row[0] = 5
    cell.fill_(7)
    assert x[1].tolist() == [5, 0, 7, 0]
    assert same.tolist() == x.tolist()
    assert x._version == row._version == cell._version == same._version == 2
    assert row._base is x and x[1:][0]._base is x
    copy = x[wengert.tensor([0, 1])]
    copy.fill_(1)
    assert x._version == 2 and copy._base is None
    x[0] = 1
    x[wengert.tensor([0])] = 2
    x[x > 100] = 0
    x[False] = 9
    assert x._version == 5


def test_assignments_refuse_first() -> None:
    x = wengert.zeros(3, 4)
    for index, value in ((7, 1.0), ((0, 9), 1.0), (0, wengert.ones(3)), (wengert.tensor([0, 9]), 1.0), (0, 1j)):
        with pytest.raises((IndexError, RuntimeError)):
            x[index] = value
    assert x._version == 0 and not x.any()
    leaf = wengert.zeros(3, requires_grad=True)
    for index in (0, slice(1), wengert.tensor([1])):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            leaf[index] = 1.0
    with wengert.no_grad():
        leaf[0] = 1.0
    assert leaf.tolist() == [1, 0, 0] and leaf.grad_fn is None


def test_changed_indices_are_noticed() -> None:
    x = wengert.ones(3, requires_grad=True)
    i = wengert.tensor([0, 1])
    y = x[i]
    i[0] = 2
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_backward_twice() -> None:
    x = wengert.ones(3, requires_grad=True)
    y = x[wengert.tensor([0, 0])].sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4, 0, 0]
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        y.backward()


def test_a_loop_over_rows_fills_one_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gradients of n rows go into one array of zeros, not into n."""
    made = []
    zeros = kernels.Scattered.zeros
    monkeypatch.setattr(kernels.Scattered, "zeros", lambda self: made.append(1) or zeros(self))
    x = wengert.ones(50, 3, requires_grad=True)
    one, two = wengert.tensor([1]), wengert.tensor([[0, 1, 2]])
    total = sum((x[k] * k).sum() + x[k, 0] + x[k : k + 1, 1:].sum() for k in range(50))
    total = total + sum((x[one] * 2).sum() + x.gather(0, two).sum() + x.index_select(0, one).sum() for _ in range(9))
    total.backward()
    assert len(made) == 101  # one for x, one for each row and slice that was indexed further
    rows = np.arange(50)[:, None] + np.array([1.0, 1, 1])
    rows[1] += 9 * 3
    rows[[0, 1, 2], [0, 1, 2]] += 9
    assert np.allclose(array(x.grad), rows)


def test_graphs_are_freed_without_the_collector() -> None:
    gc.disable()
    try:
        x = wengert.ones(3, 4, requires_grad=True)
        i = wengert.tensor([0, 1])
        c = x * 1
        c[0] = x[1] * 2
        c[i] = x[i] * 2
        c.masked_fill_(c > 9, 0.0)
        y = (c.gather(0, i[None]) + c[:1, 1:3].sum()).sum()
        seen = [weakref.ref(t) for t in (c, y, c.grad_fn)]
        del c, y
        assert [r() for r in seen] == [None] * 3
    finally:
        gc.enable()


def test_anomaly_detection_sees_deferred_gradients() -> None:
    with wengert.autograd.detect_anomaly(check_nan=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = wengert.ones(3, requires_grad=True)
        (x[0] + x[wengert.tensor([1, 1])].sum()).backward()
        assert x.grad.tolist() == [1, 2, 0]


def test_half_precision_adds_in_its_own_dtype() -> None:
    for dtype in (wengert.float16, wengert.bfloat16):
        x = wengert.ones(3, 2, dtype=dtype, requires_grad=True)
        x[wengert.tensor([0, 0, 2])].sum().backward()
        assert x.grad.dtype is dtype and x.grad.tolist() == [[2, 2], [0, 0], [1, 1]]
