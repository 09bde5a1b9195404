"""Arguments and results of transforms, right and wrong, against PyTorch: trees, argnums, aux, chunks, randomness, dtypes."""

from __future__ import annotations

import importlib
import warnings
from collections import OrderedDict, namedtuple
from functools import partial
from types import ModuleType
from typing import Any

import pytest

import wengert

P = namedtuple("P", "a b")

#: each line is a program; `x` and `y` are vectors, `X` a matrix, `i` whole numbers, `lin` a layer
CASES = """
F.grad(lambda p:(p['a']*p['b']).sum())({'a':x,'b':y})
F.grad(lambda p:(p.a*p.b).sum())(P(x,y))
F.grad(lambda p:(p['a']**2).sum())(OrderedDict(a=x))
F.grad(lambda p:(p[0]['k'][0]*p[1]).sum())([{'k':(x,)},y])
F.grad(lambda a,b:(a*b).sum(),argnums=(0,1))(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=1)(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=-1)(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=2)(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=(0,0))(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=[0])(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=())(x,y)
F.grad(lambda a,b:(a*b).sum(),argnums=('a',))(x,y)
F.grad(lambda a:((a*a).sum(),{'aux':a*2}),has_aux=True)(x)
F.grad(lambda a:(a*a).sum(),has_aux=True)(x)
F.grad_and_value(lambda a:((a*a).sum(),(a,3)),has_aux=True)(x)
F.grad(lambda a:a*2)(x)
F.grad(lambda a:3)(x)
F.grad(lambda a:a.sum())(i)
F.grad(lambda a:a.sum())(None)
F.grad(lambda a:(a.sum(),))(x)
F.grad(lambda a,b:(b*2).sum())(x,y)
F.grad(lambda a,b=None:(a*b).sum())(x,b=y)
F.grad(lambda a:a[:1]*2)(x)
(lambda o,f:(o,f(y)))(*F.vjp(lambda a:a*a,x))
(lambda o,f:(o,f({'s':x,'t':(y,)})))(*F.vjp(lambda a,b:{'s':a*b,'t':(b,)},x,y))
(lambda o,f:(o,f({'s':x})))(*F.vjp(lambda a,b:{'s':a*b,'t':(b,)},x,y))
(lambda o,f:(o,f(torch.ones(2))))(*F.vjp(lambda a:a*a,x))
(lambda o,f,a:(o,f(y),a))(*F.vjp(lambda a:(a*a,[a,1]),x,has_aux=True))
F.vjp(lambda a:3,x)
F.vjp(lambda a:(),x)
F.jvp(lambda a,b:a*b,(x,y),(y,x))
F.jvp(lambda d:{'o':d['a']*2},({'a':x},),({'a':y},))
F.jvp(lambda a:a,x,y)
F.jvp(lambda a:a,(x,),((y,),))
F.jvp(lambda a:a,(x,),(torch.ones(2),))
F.jvp(lambda:x,(),())
F.jvp(lambda a:3,(x,),(y,))
F.jvp(lambda a:a,(3.,),(y,))
F.jvp(lambda a:(a*2,'aux'),(x,),(y,),has_aux=True)
F.jvp(lambda a:a*2,(x,),(y,),has_aux=True)
F.jvp(lambda a:(a*0+1,torch.ones(2)),(x,),(y,),strict=True)
F.jvp(lambda a:a,(i,),(i,))
F.jvp(lambda a:a,(x,),(y.double(),))
F.jacrev(lambda a:a*a.sum())(x)
F.jacrev(lambda d:(d['a']*2,d['b'].sum()))({'a':x,'b':y})
F.jacrev(lambda a,b:{'o':a*b},argnums=(0,1))(x,y)
F.jacrev(lambda a:a*a.sum(),chunk_size=2)(x)
F.jacrev(lambda a:a*a.sum(),chunk_size=1)(x)
F.jacrev(lambda a:a*a.sum(),chunk_size=0)(x)
F.jacrev(lambda a:(a*2,a),has_aux=True)(x)
F.jacrev(lambda a:3)(x)
F.jacrev(lambda a:a.long())(x)
F.jacfwd(lambda a:a*a.sum())(x)
F.jacfwd(lambda d:(d['a']*2,d['b'].sum()))({'a':x,'b':y})
F.jacfwd(lambda a,b:{'o':a*b},argnums=(0,1))(x,y)
F.jacfwd(lambda a:(a*2,a),has_aux=True)(x)
F.jacfwd(lambda a:a*torch.randn(3),randomness='same')(x)
F.jacfwd(lambda a:a*torch.randn(3))(x)
F.hessian(lambda d:(d['a']**2*d['b']).sum())({'a':x,'b':y})
F.hessian(lambda a,b:(a**2*b).sum(),argnums=(0,1))(x,y)
F.jacrev(lambda a:a)(i)
(lambda o,f:(o,f(y)))(*F.linearize(lambda a:a**2,x))
(lambda o,f:(o,f({'a':y})))(*F.linearize(lambda d:[d['a']**2],{'a':x}))
F.linearize(lambda a:a**2,x)[1](torch.ones(2))
F.linearize(lambda a:a**2,x)[1](x,x)
F.vmap(lambda d:{'o':d['a']*d['b']},in_dims=({'a':0,'b':None},))({'a':X,'b':y})
F.vmap(lambda d,s:d['a']*s,in_dims=(0,None))({'a':X},2)
F.vmap(lambda a:[a,(a*2,)],out_dims=[0,(1,)])(X)
F.vmap(lambda a:(a,(a*2,a)),out_dims=(1,0))(X)
F.vmap(lambda a:(a,y),out_dims=(0,None))(X)
F.vmap(lambda a:(a,a),out_dims=(0,None))(X)
F.vmap(lambda a:(a,a),out_dims=(0,0,0))(X)
F.vmap(lambda a:a,out_dims='x')(X)
F.vmap(lambda a:a,out_dims=3)(X)
F.vmap(lambda a:a,in_dims=-1)(X)
F.vmap(lambda a:a,in_dims=2)(X)
F.vmap(lambda a:a,in_dims=-3)(X)
F.vmap(lambda a:a,in_dims='x')(X)
F.vmap(lambda a,b:a,in_dims=(0,))(X,X)
F.vmap(lambda a:a,in_dims=([0,0],))(X)
F.vmap(lambda a:a,in_dims=(None,))(X)
F.vmap(lambda:x)()
F.vmap(lambda a,b:a)(X,3)
F.vmap(lambda a,b:a)(X,x)
F.vmap(lambda a:a,in_dims=(1.5,))(X)
F.vmap(lambda a:a)(torch.tensor(1.))
F.vmap(lambda a:a*2)(torch.ones(0,3))
F.vmap(lambda a,b=None:a*b)(X,b=y)
F.vmap(lambda a,b=None:a*b)(X,b=X)
F.vmap(lambda a:a.sum(),chunk_size=1)(X)
F.vmap(lambda a:a.sum(),chunk_size=10)(X)
F.vmap(lambda a:a.sum(),chunk_size=0)(X)
F.vmap(lambda a:{'s':a.sum(),'t':(a,)},out_dims={'s':0,'t':(1,)},chunk_size=1)(X)
F.vmap(lambda a:a+torch.randn(3),randomness='same')(X)
F.vmap(lambda a:a*0+torch.rand(3),randomness='different')(X)
F.vmap(lambda a:a*0+torch.rand(3),randomness='different',chunk_size=1)(X)
F.vmap(lambda a:a*0+torch.rand(3),randomness='same',chunk_size=1)(X)
F.vmap(lambda a:a,randomness='x')(X)
F.vmap(lambda a:torch.nn.functional.dropout(a+1,.5),randomness='different')(X)
F.vmap(lambda a:torch.nn.functional.dropout(a+1,.5),randomness='same')(X)
F.vmap(lambda a:torch.bernoulli(torch.sigmoid(a)),randomness='different')(X)
F.vmap(lambda a:torch.randint(0,9,(2,)),randomness='same')(X)
F.vmap(lambda a:torch.rand_like(a),randomness='different')(X)
F.vmap(lambda a:torch.rand_like(a),randomness='same')(X)
F.vmap(lambda a:a.clone().normal_(),randomness='different')(X)
F.vmap(lambda a:torch.multinomial(a+1,2),randomness='different')(X)
F.vmap(F.vmap(lambda a:a*0+torch.rand(()),randomness='different'),randomness='same')(X)
F.vmap(F.vmap(lambda a:a*0+torch.rand(()),randomness='same'),randomness='different')(X)
F.vmap(partial(lambda a,b:a,b=1),in_dims=5)(X)
F.stack_module_state([])
F.functional_call(lin,{'weight':torch.ones(2,3),'bias':torch.zeros(2)},(x,))
F.functional_call(lin,{'weight':torch.ones(2,3)},(x,),strict=True)
F.functional_call(lin,{'weight':torch.ones(2,3),'bias':torch.zeros(2),'q':x},(x,),strict=True)
F.functional_call(lin,({'weight':torch.ones(2,3)},{'bias':torch.zeros(2)}),x)
F.functional_call(lin,({'weight':torch.ones(2,3)},{'weight':torch.zeros(2)}),x)
F.functional_call(lin,[1],x)
F.functionalize(lambda a:a.clone().add_(1))(x)
F.jvp(lambda a:a,(x,),(3.,))
F.jvp(lambda a:a,(x,),(None,))
F.jvp(lambda a:a,(None,),(None,))
F.jvp(lambda a:x,({},),({},))
F.jvp(lambda a:(),(x,),(y,))
F.jvp(lambda a:None,(x,),(y,))
F.jvp(lambda a:(a,torch.ones(2)),(x,),(y,),strict=True)
F.jvp(lambda a:a*0,(x,),(y,),strict=True)
F.jvp(lambda a:a,(x,),(torch.ones(3,dtype=torch.int64),))
F.jvp(lambda a:a,(x>1,),(x>1,))
F.jvp(lambda a:a.long(),(x,),(y,))
F.vjp(lambda a:a.long(),x)[0]
F.vjp(lambda a:a*1.,i)[0]
F.vjp(lambda a:None,x)
F.vjp(lambda a:(a,1),x)
F.vjp(lambda a:{},x)
F.jacrev(lambda a:())(x)
F.jacrev(lambda a:None)(x)
F.jacrev(lambda a:(a*2,a.long()))(x)
F.jacfwd(lambda a:a.long())(x)
F.jacfwd(lambda a:a*1.)(i)
F.jacfwd(lambda a:3)(x)
F.jacfwd(lambda a:())(x)
F.jacfwd(lambda a:a,argnums=3)(x)
F.jacrev(lambda a:a,argnums=[0])(x)
F.jacrev(lambda a:a)()
F.grad(lambda a:(a.sum(),None),has_aux=True)(x)
F.grad(lambda a:(a.sum(),'s'),has_aux=True)(x)
F.grad(lambda a:(a.sum(),(a,None)),has_aux=True)(x)
F.grad(lambda a:(a.sum(),()),has_aux=True)(x)
F.grad(lambda a:(a.sum(),{'k':a*2}),has_aux=True)(x)
F.grad(lambda a:[a.sum(),a],has_aux=True)(x)
F.grad(lambda a:(a.sum(),a,a),has_aux=True)(x)
F.jacrev(lambda a:(a,1),has_aux=True)(x)
F.jacfwd(lambda a:(a,1),has_aux=True)(x)
F.jacrev(lambda a:a,has_aux=True)(x)
F.jacfwd(lambda a:a,has_aux=True)(x)
F.vmap(lambda a:a,out_dims=1.5)(X)
F.vmap(lambda a:a,out_dims=[0])(X)
F.vmap(lambda a:(a,a),out_dims=[0,0])(X)
F.vmap(lambda a:(a,a),out_dims=(0,'x'))(X)
F.vmap(lambda a:x,out_dims=None)(X)
F.vmap(lambda a:3,out_dims=None)(X)
F.vmap(lambda a:(a,3),out_dims=(0,None))(X)
F.vmap(lambda a:(a,3),out_dims=(0,0))(X)
F.linearize(lambda a:a*1.,i)[0]
F.linearize(lambda a:a*1.,x)[1](x.double())
F.hessian(lambda a:a*a)(x)
F.vjp(lambda a:a*1.,x)[1](3)
F.vjp(lambda a:a*1.,x)[1](x.double())
(lambda o,f:(f(x),f(y)))(*F.vjp(lambda a:a*a,x))
(lambda o,f:(f(x,retain_graph=False),f(y)))(*F.vjp(lambda a:a*a,x))
F.grad(lambda a:(a*a).detach().sum()+a.sum())(x)
F.grad(ng)(x)
""".strip().split("\n")


def show(value: Any) -> Any:
    """Types, shapes, dtypes and rounded values, without what tells the two libraries apart."""
    if hasattr(value, "detach"):
        flat = value.detach().reshape(-1)
        return tuple(value.shape), str(value.dtype), [round(float(v), 4) for v in flat.tolist()]
    if isinstance(value, dict):
        return type(value).__name__, {k: show(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [show(v) for v in value]
    return repr(value)


def outcome(torch: ModuleType, program: str) -> Any:
    torch.manual_seed(0)
    names = {
        "torch": torch, "F": importlib.import_module(f"{torch.__name__}.func"), "P": P, "OrderedDict": OrderedDict,
        "partial": partial, "x": torch.tensor([1.0, 2.0, 3.0]), "y": torch.tensor([0.5, 1.0, 2.0]),
        "X": torch.arange(6.0).reshape(2, 3), "i": torch.tensor([0, 1]), "lin": torch.nn.Linear(3, 2),
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return show(eval(program, names))
        except Exception as error:
            return type(error).__name__, str(error)


@pytest.mark.parametrize("program", CASES)
def test_as_pytorch(program: str) -> None:
    torch = pytest.importorskip("torch")
    assert outcome(wengert, program) == outcome(torch, program)


def test_vectorised_ensembles() -> None:
    models = [wengert.nn.Linear(3, 2) for _ in range(2)]
    params, buffers = wengert.func.stack_module_state(models)
    x = wengert.ones(3)
    call = wengert.func.vmap(lambda p, b: wengert.func.functional_call(models[0], (p, b), (x,)))
    assert call(params, buffers).tolist() == [pytest.approx(m(x).tolist()) for m in models]
