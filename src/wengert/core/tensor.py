"""`Tensor`: an array, its place in the graph and the counter of its changes.

The slots that every tensor has are set at creation, in straight-line code (`wrap`, and inlined in `fast`):

    _data   the array: `numpy.ndarray` for a CPU tensor; a Tensor one level down for the values of transforms
    _fn     None: needs no gradient · `LEAF` · `VIEW`: ask `_view` · a `Node` · a `Port` (one of several outputs)
    _ver    how often it was changed in place: an int, or the `Version` that it shares with its aliases
    _view   None, or the `ViewInfo` of a view

All others are rare and cost nothing while they are not set. Operators and methods are installed by `ops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import devices, printing
from .dtypes import FROM_NUMPY, TorchNamed, dtype
from .graph import LEAF, VIEW, InferenceVersion, Node, Port, Version
from .modes import LIVE, mode
from .size import Size, new_tuple

ndarray = np.ndarray
CORE = __name__.rpartition(".")[0] + "."

#: The classes whose instances the fast paths take.
PLAIN: set[type] = set()


class TensorMeta(TorchNamed):
    """Prints as PyTorch's class does; subclasses print under their own module."""

    def __repr__(cls) -> str:
        return "<class 'torch.Tensor'>" if cls.__module__.startswith(CORE) else type.__repr__(cls)


if TYPE_CHECKING:  # the operators and methods that `ops` installs; docs/stubs.py writes them down
    from ._methods import Methods
else:
    Methods = object


class Tensor(Methods, metaclass=TensorMeta):
    """An n-dimensional array of one dtype that remembers how it was made.

    >>> import wengert as torch
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_accumulator",
        "_bdim",
        "_data",
        "_fn",
        "_grad",
        "_hooks",
        "_lv",
        "_retains",
        "_shared",
        "_tangent",
        "_ver",
        "_view",
    )

    _data: Any
    _fn: Any
    _grad: Tensor | None
    _ver: Any
    _view: Any

    #: 0 for ordinary tensors; the values of transforms carry their level here.
    _level = 0
    #: whether the value lives in a buffer of a compiled program (see `xla.state`); looking at it brings it back
    _resident = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return construct(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found = getattr(cls.__torch_function__, "__func__", None)
        if found is not Tensor.__torch_function__.__func__:  # type: ignore[attr-defined]
            from .intercept import arm_everything

            arm_everything()

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The plain operation; its results become instances of `cls`. Subclasses may define their own."""
        from .intercept import default_torch_function

        return default_torch_function(cls, func, types, args, kwargs)

    # ---- what it is

    @property
    def shape(self) -> Size:
        """The extent of each dimension."""
        return new_tuple(Size, self._data.shape)

    @property
    def ndim(self) -> int:
        """How many dimensions it has."""
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def dtype(self) -> dtype:
        """The type of its elements."""
        return FROM_NUMPY[self._data.dtype]

    @property
    def device(self) -> devices.device:
        """Where its memory is."""
        return devices.CPU

    @property
    def layout(self) -> devices.layout:
        """Always `strided`."""
        return devices.strided

    # ---- its place in the graph

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are to be computed for it."""
        fn = self._fn
        if fn is None:
            return False
        if fn is VIEW:
            return self._view.requires_grad(self)  # type: ignore[no-any-return]
        return True

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if value.__class__ is not bool:
            raise RuntimeError("requires_grad must be a bool")
        if value and not self.is_leaf:
            raise RuntimeError("you can only change requires_grad flags of leaf variables.")
        set_requires_grad(self, value)

    @requires_grad.deleter
    def requires_grad(self) -> None:
        raise RuntimeError("requires_grad must be a bool")

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set `requires_grad` in place. Errors: no bool; not a floating or complex tensor; switching off a non-leaf."""
        if requires_grad.__class__ is not bool and not isinstance(requires_grad, np.bool_):
            raise TypeError("requires_grad_(): argument 'requires_grad' (position 1) must be bool, not "
                            f"{type(requires_grad).__name__}")  # fmt: skip
        if LIVE:
            from .captured import REQUIRES_GRAD, refuse_inside

            refuse_inside(REQUIRES_GRAD)
        if requires_grad and self.dtype.category < 2:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        set_requires_grad(self, requires_grad)
        return self

    @property
    def grad_fn(self) -> Node | None:
        """The node that made it; None for a leaf."""
        fn = self._fn
        if fn is None or fn is LEAF:
            return None
        if fn is VIEW:
            fn = self._view.edge(self)
        if isinstance(fn, Tensor) or fn is None:
            return None
        node, nr = (fn.node, fn.nr) if fn.__class__ is Port else (fn, 0)
        node.describe_output(nr, self._data.shape, self._data.dtype)
        return node  # type: ignore[no-any-return]

    @property
    def output_nr(self) -> int:
        """Which output of `grad_fn` it is."""
        fn = self._fn
        if fn is VIEW:
            view = self._view
            fn = view.edge(self) if view.creation == 0 else view.fn  # asking one of several outputs never refuses
        return fn.nr if fn.__class__ is Port else 0  # type: ignore[no-any-return]

    @property
    def is_leaf(self) -> bool:
        """True if the user made it (or it needs no gradient): gradients of leaves are accumulated in `grad`."""
        fn = self._fn
        if fn is None or fn is LEAF:
            return True
        return fn is VIEW and self._view.edge(self) is None

    @property
    def _version(self) -> int:
        version = self._ver
        if is_inference(self):
            raise RuntimeError("Inference tensors do not track version counter.")
        return version if version.__class__ is int else version.n  # type: ignore[no-any-return]

    @property
    def _base(self) -> Tensor | None:
        view = self._view
        return None if view is None else view.base

    def _is_view(self) -> bool:
        return self._view is not None

    @property
    def _inference(self) -> bool:
        return self._ver.__class__ is InferenceVersion

    @_inference.setter
    def _inference(self, value: bool) -> None:
        if value:
            mark_inference(self)

    def is_inference(self) -> bool:
        """Whether it was made under `inference_mode`."""
        return is_inference(self)

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient of a leaf (or of a tensor with `retain_grad`); None before the first backward."""
        try:
            grad = self._grad
        except AttributeError:
            grad = None
        if grad is None and not (self._fn is None or self._fn is LEAF) and self._lacks_grad():
            warn_grad_of_non_leaf()
        return grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        set_grad(self, value)

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def _lacks_grad(self) -> bool:
        """A tensor with a history that keeps no gradient (of a view whose history is refused nothing is said)."""
        try:
            return not self.is_leaf and not self.retains_grad
        except RuntimeError:
            return False

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad()` made this non-leaf keep its gradient."""
        try:
            return bool(self._retains)
        except AttributeError:
            return False

    @property
    def data(self) -> Tensor:
        """The same memory outside the graph, with a version counter of its own."""
        if self._level:
            return self.detach()  # type: ignore[attr-defined, no-any-return]
        return self._rewrap(wrap(self._data))

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._fn is not None and not (value.dtype.is_floating_point or value.dtype.is_complex):
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._data = value._data

    @data.deleter
    def data(self) -> None:
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    def _rewrap(self, out: Tensor) -> Tensor:
        """`out` as an instance of the user's subclass that this tensor is of."""
        cls = self.__class__
        if cls not in PLAIN and not self._level:
            out.__class__ = cls
        return out

    # ---- printing

    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        return tensor_repr(self, tensor_contents)


def _fixed(name: str) -> Any:
    """The setter of an attribute that only the library sets."""

    def refuse(self: Tensor, value: Any) -> None:
        raise AttributeError(f"attribute '{name}' of 'torch._C.TensorBase' objects is not writable")

    return refuse


for _name in (
    "_base", "_version", "device", "dtype", "grad_fn", "is_leaf", "layout", "ndim", "output_nr", "retains_grad", "shape",
):  # fmt: skip
    setattr(Tensor, _name, Tensor.__dict__[_name].setter(_fixed(_name)))

new = object.__new__
PLAIN.add(Tensor)


def wrap(data: Any) -> Tensor:
    """A tensor of its own over `data`, outside the graph."""
    t: Tensor = new(Tensor)
    t._data = data
    t._fn = None
    t._ver = 0
    t._view = None
    return t


def construct(cls: type, *args: Any, **kwargs: Any) -> Tensor:
    """`Tensor(...)`, the legacy constructor: sizes, a sequence or a tensor. `ops.create` replaces this."""
    raise NotImplementedError("the legacy constructor is installed by wengert.ops")


def as_array(x: Any) -> Any:
    """0-d results as arrays: NumPy gives scalars."""
    return x if x.__class__ is ndarray else np.asarray(x)


# ---------------------------------------------------------------- versions


def bump(t: Tensor) -> None:
    """Count one change in place, for all aliases."""
    version = t._ver
    if version.__class__ is int:
        t._ver = version + 1
    elif version.__class__ is not InferenceVersion:
        version.n += 1


def version_of(t: Tensor) -> int:
    """How often its memory was changed; 0 for an inference tensor, which does not count."""
    version = t._ver
    if version.__class__ is int:
        return version  # type: ignore[no-any-return]
    return version.n if version.__class__ is not InferenceVersion else 0  # type: ignore[no-any-return]


def share_version(t: Tensor) -> Version:
    """The counter object of `t`, for a new alias to share."""
    version = t._ver
    if version.__class__ is int:
        version = t._ver = Version(version)
    return version  # type: ignore[no-any-return]


def is_inference(t: Tensor) -> bool:
    """Whether it was made under `inference_mode`."""
    return t._ver.__class__ is InferenceVersion


def mark_inference(t: Tensor) -> None:
    """Make a new tensor an inference tensor; its views become such by sharing its counter."""
    if t._ver.__class__ is not InferenceVersion:
        t._ver = InferenceVersion()


# ---------------------------------------------------------------- the graph attributes


def set_requires_grad(t: Tensor, value: bool) -> None:
    """Make a leaf require grad, or no longer."""
    fn = t._fn
    leaf = fn is None or fn is LEAF or t.is_leaf
    if not leaf:
        if not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in "
                "a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        return
    if value:
        if is_inference(t) and not mode().inference:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            )
        kind = t.dtype
        if not (kind.is_floating_point or kind.is_complex):
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if fn is not LEAF:
            t._fn = LEAF
            if not hasattr(t, "_grad"):
                t._grad = None
    elif fn is LEAF:
        t._fn = None if t._view is None else VIEW


def set_grad(t: Tensor, value: Tensor | None) -> None:
    """`t.grad = value`, with PyTorch's checks."""
    if value is None:
        t._grad = None
        return
    if not isinstance(value, Tensor):
        raise TypeError(
            f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
        )
    if value is t:
        raise RuntimeError("can't assign Variable as its own grad")
    if value.dtype is not t.dtype:
        raise RuntimeError(
            f"attempting to assign a gradient with dtype '{C_NAMES.get(value.dtype.name, value.dtype.name)}' to a tensor "
            f"with grad_dtype '{scalar_name(t)}'. The gradient must match the tensor's grad_dtype (defaults to the "
            "tensor's dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any "
            "dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream "
            "systems that assume they match."
        )
    if value.device != t.device:
        raise RuntimeError(
            f"attempting to assign a gradient with device type '{value.device}' to a tensor with device type "
            f"'{t.device}'. Please ensure that the gradient and the tensor are on the same device"
        )
    if value.shape != t.shape:
        raise RuntimeError(
            f"attempting to assign a gradient of size '{list(value.shape)}' to a tensor of size '{list(t.shape)}'. "
            "Please ensure that the gradient and the tensor are the same size"
        )
    t._grad = value


#: how C++ calls the dtypes in that message
C_NAMES = {
    "float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>", "int64": "long", "int32": "int",
    "int16": "short int", "int8": "signed char", "uint8": "unsigned char",
}  # fmt: skip


def scalar_name(t: Tensor) -> str:
    """'Float', 'Long', ... as error messages name dtypes."""
    return t.dtype.scalar_name


def warn_grad_of_non_leaf() -> None:
    from .errors import warn

    warn(
        "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be "
        "populated during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf "
        "Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure "
        "you access the leaf Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information.",
    )


def tensor_repr(t: Tensor, tensor_contents: str | None = None, extra_suffixes: tuple[str, ...] = ()) -> str:
    """PyTorch's text of a tensor."""
    data = t._data
    try:
        node = t.grad_fn
        name = None if node is None else type(node).__name__
    except RuntimeError:  # a view whose history cannot be told
        name = "Invalid"
    cls = type(t)
    plain = cls is Tensor or cls.__module__ == "wengert.nn.parameter"
    text = printing.tensor_str(
        data,
        t.dtype,
        requires_grad=t.requires_grad,
        grad_fn_name=name,
        tensor_contents=tensor_contents,
        prefix="tensor(" if plain else f"{cls.__name__}(",
        extra_suffixes=extra_suffixes,
    )
    is_parameter = not plain and (cls in PLAIN or getattr(t, "_is_param", False))
    return printing.parameter_str(text, plain=False) if is_parameter else text
