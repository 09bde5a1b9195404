"""Classes and contexts that override public functions: `__torch_function__`, duck types, TorchFunctionMode."""

import functools

import torch
import torch.nn.functional as F
from torch.overrides import (
    TorchFunctionMode, get_overridable_functions, handle_torch_function, has_torch_function, has_torch_function_unary,
    is_tensor_like, is_tensor_method_or_property, resolve_name, wrap_torch_function,
)

HANDLED = {}


def implements(*torch_functions):
    def decorator(func):
        for t in torch_functions:
            functools.update_wrapper(func, t) if False else None
            HANDLED[t] = func
        return func

    return decorator


class ScalarTensor:
    """n by n, one value on the diagonal."""

    def __init__(self, n, value):
        self._n, self._value = n, value

    def __repr__(self):
        return f"ScalarTensor(N={self._n}, value={self._value})"

    def tensor(self):
        return self._value * torch.eye(self._n)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func not in HANDLED or not all(issubclass(t, (torch.Tensor, ScalarTensor)) for t in types):
            return NotImplemented
        return HANDLED[func](*args, **(kwargs or {}))


@implements(torch.mean)
def mean(input):
    return float(input._value) / input._n


@implements(torch.add, torch.Tensor.add)
def add(input, other):
    if isinstance(input, ScalarTensor) and isinstance(other, ScalarTensor):
        return ScalarTensor(input._n, input._value + other._value)
    return torch.add(*[x.tensor() if isinstance(x, ScalarTensor) else x for x in (input, other)])


@implements(torch.nn.functional.linear, torch.mm)
def product(a, b, bias=None):
    return torch.mm(*[x.tensor() if isinstance(x, ScalarTensor) else x for x in (a, b)])


d = ScalarTensor(2, 3.0)
print(torch.mean(d), torch.add(d, d), torch.add(d, torch.ones(2, 2)), torch.ones(2, 2) + d)
print(F.linear(torch.ones(1, 2), d), torch.mm(d, torch.ones(2, 1)))
attempt(torch.mul, d, 3)
attempt(torch.Tensor.__add__, torch.ones(2, 2), d)
print(is_tensor_like(d), is_tensor_like(3), has_torch_function((d,)), has_torch_function_unary(torch.ones(1)))


class MetadataTensor(torch.Tensor):
    @staticmethod
    def __new__(cls, data, note=None):
        self = torch.as_tensor(data).as_subclass(cls)
        self.note = note
        return self

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        out = super().__torch_function__(func, types, args, kwargs or {})
        notes = [a.note for a in args if isinstance(a, cls) and getattr(a, "note", None)]
        if isinstance(out, cls) and notes:
            out.note = "+".join(notes)
        return out


m = MetadataTensor([1.0, 2.0], "volts")
n = MetadataTensor([3.0, 4.0], "amps")
p = torch.mul(m, n)
print(p, p.note, type(p).__name__, (p + 1).note, p.sum().note, type(p.shape).__name__)
print(torch.stack([m, n]), type(torch.stack([m, n])).__name__, F.softmax(m, 0).note, type(m.tolist()).__name__)
w = torch.ones(2, requires_grad=True)
loss = (m * w).sum()
loss.backward()
print(type(loss).__name__, w.grad, loss.grad_fn)


class LoggingTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        print("call", resolve_name(func), func.__name__, [t.__name__ for t in types], len(args))
        return super().__torch_function__(func, types, args, kwargs or {})


x = torch.arange(4.0).reshape(2, 2).as_subclass(LoggingTensor)
y = x + torch.ones(2, 2)
y = 2 * y - 1
y = y @ x.T
print(y.shape, type(y).__name__, type(y[0]).__name__)
z = torch.cat([torch.ones(1, 2), y]).relu_()
print(float(z.sum()) > 0, z.dtype, len(z))
lin = torch.nn.Linear(2, 1)
out = lin(x)
print(type(out).__name__)


class Sub(LoggingTensor):
    pass


print(type(x + torch.ones(2, 2).as_subclass(Sub)).__name__)


class Other(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


attempt(torch.add, torch.ones(2).as_subclass(Other), 1)


class Record(TorchFunctionMode):
    def __init__(self, prefix):
        super().__init__()
        self.prefix, self.names = prefix, []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


class DoubleOnes(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.ones:
            kwargs = {**(kwargs or {}), "dtype": torch.float64}
        return func(*args, **(kwargs or {}))


with Record("outer") as outer:
    with DoubleOnes():
        a = torch.ones(2)
        b = torch.sin(a) + a
    c = F.relu(b).sum()
print(a.dtype, b.dtype, outer.names)
print(torch.ones(1).dtype)
with Record("x") as r:
    t = torch.zeros(3)
    t.add_(1)
    t[0] = 5.0
    t.numel(), t.requires_grad, t.T if t.dim() == 2 else None
    print(r.names)


class Broken(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise ValueError(f"no {func.__name__} here")


with Broken():
    attempt(torch.ones, 2)
    attempt(lambda: t + 1) if False else None


@wrap_torch_function(lambda a, b=None: (a, b))
def mine(a, b=None):
    return "plain"


@implements(mine)
def mine_of_scalar(a, b=None):
    return f"scalar {a}"


def other_api(a):
    if has_torch_function((a,)):
        return handle_torch_function(other_api, (a,), a)
    return "plain"


print(mine(torch.ones(1)), mine(d), other_api(1))
attempt(other_api, d)
print(is_tensor_method_or_property(torch.Tensor.add), is_tensor_method_or_property(torch.add))
table = get_overridable_functions()
print(torch.add in table[torch], torch.Tensor.add in table[torch.Tensor], F.linear in table[torch.nn.functional])


class Gettable(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.Tensor.sum:
            return "summed"
        if func == torch.Tensor.shape.__get__:
            return "shaped"
        return super().__torch_function__(func, types, args, kwargs or {})


g = torch.ones(3).as_subclass(Gettable)
print(g.sum(), g.shape, g.size(), torch.sum(g), g.mean())
with torch._C.DisableTorchFunctionSubclass():
    print(g.sum(), type(g + 1).__name__)
