"""Tensor text, against a recorded table (needs no PyTorch) and against PyTorch itself on random tensors."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from wengert.core import dtypes, printing

nan, inf = np.nan, np.inf


def a(data: Any, kind: str = "float32") -> np.ndarray[Any, Any]:
    return np.asarray(data, dtypes.DTYPES[kind].np)


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    yield
    printing.set_printoptions(profile="default")
    dtypes.set_default_dtype(dtypes.float32)


# ------------------------------------------------------------------------------------------------ the recorded table

# name: (the array, print options, flags of tensor_str and the default dtype, PyTorch's text)
CASES: dict[str, tuple[Callable[[], Any], dict[str, Any], dict[str, Any], str]] = {
    "floats": (lambda: a([0.5, -1.25, 3]), {}, {}, "tensor([ 0.5000, -1.2500,  3.0000])"),
    "whole floats": (lambda: a([1, 2, 3]), {}, {}, "tensor([1., 2., 3.])"),
    "whole floats of many widths": (lambda: a([1, -20, 300]), {}, {}, "tensor([  1., -20., 300.])"),
    "one number": (lambda: a(3.14159), {}, {}, "tensor(3.1416)"),
    "one whole number": (lambda: a(3), {}, {}, "tensor(3.)"),
    "one int": (lambda: a(7, "int64"), {}, {}, "tensor(7)"),
    "one bool": (lambda: a(True, "bool"), {}, {}, "tensor(True)"),
    "bools": (lambda: a([True, False], "bool"), {}, {}, "tensor([ True, False])"),
    "matrix": (
        lambda: a([[1, 2.5], [-3, 4]]), {}, {}, (
            "tensor([[ 1.0000,  2.5000],\n"
            "        [-3.0000,  4.0000]])"
        ),
    ),
    "three dimensions": (
        lambda: np.arange(12.0, dtype=np.float32).reshape(2, 3, 2), {}, {}, (
            "tensor([[[ 0.,  1.],\n"
            "         [ 2.,  3.],\n"
            "         [ 4.,  5.]],\n"
            "\n"
            "        [[ 6.,  7.],\n"
            "         [ 8.,  9.],\n"
            "         [10., 11.]]])"
        ),
    ),
    "four dimensions": (
        lambda: np.arange(8).reshape(2, 2, 1, 2), {}, {}, (
            "tensor([[[[0, 1]],\n"
            "\n"
            "         [[2, 3]]],\n"
            "\n"
            "\n"
            "        [[[4, 5]],\n"
            "\n"
            "         [[6, 7]]]])"
        ),
    ),
    "nan sticks out": (lambda: a([1, nan, 2]), {}, {}, "tensor([1., nan, 2.])"),
    "nan and inf among fractions": (
        lambda: a([0.5, nan, inf, -inf]), {}, {},
        "tensor([0.5000,    nan,    inf,   -inf])",
    ),
    "only nan and inf": (lambda: a([nan, -inf]), {}, {}, "tensor([nan, -inf])"),
    "negative zero": (lambda: a([-0.0, 1.0]), {}, {}, "tensor([-0., 1.])"),
    "negative zero, fractions": (lambda: a([-0.0, 0.5]), {}, {}, "tensor([-0.0000, 0.5000])"),
    "zeros": (
        lambda: np.zeros((2, 2), np.float32), {}, {}, (
            "tensor([[0., 0.],\n"
            "        [0., 0.]])"
        ),
    ),
    "tiny numbers": (lambda: a([0.00009, 0.5]), {}, {}, "tensor([9.0000e-05, 5.0000e-01])"),
    "not yet tiny": (lambda: a([0.0001, 0.05]), {}, {}, "tensor([1.0000e-04, 5.0000e-02])"),
    "ratio above a thousand": (lambda: a([0.1, 100.5]), {}, {}, "tensor([1.0000e-01, 1.0050e+02])"),
    "ratio of a thousand": (
        lambda: a([1.5, 1500.0], "float64"), {}, {"default": "float64"},
        "tensor([   1.5000, 1500.0000])",
    ),
    "whole, ratio above a thousand": (lambda: a([1, 1001]), {}, {}, "tensor([1.0000e+00, 1.0010e+03])"),
    "whole and huge": (lambda: a([123456789]), {}, {}, "tensor([1.2346e+08])"),
    "whole, not quite huge": (lambda: a([100000000]), {}, {}, "tensor([100000000.])"),
    "extremes of float64": (
        lambda: a([1e308, 5e-324], "float64"), {}, {},
        "tensor([1.0000e+308, 4.9407e-324], dtype=torch.float64)",
    ),
    "rounding up to a wider number": (lambda: a([9.99995, 0.99995]), {}, {}, "tensor([10.0000,  0.9999])"),
    "scientific forced": (lambda: a([1.5, 0]), {"sci_mode": True}, {}, "tensor([1.5000e+00, 0.0000e+00])"),
    "scientific forced, nothing to write": (lambda: a([0, nan]), {"sci_mode": True}, {}, "tensor([0., nan])"),
    "scientific forbidden": (
        lambda: a([1e-6, 1e10]), {"sci_mode": False}, {},
        "tensor([          0.0000, 10000000000.0000])",
    ),
    "precision": (lambda: a([3.14159265, 2]), {"precision": 7}, {}, "tensor([3.1415927, 2.0000000])"),
    "precision zero": (lambda: a([3.5, 2.25]), {"precision": 0}, {}, "tensor([4, 2])"),
    "float64": (lambda: a([1.5], "float64"), {}, {}, "tensor([1.5000], dtype=torch.float64)"),
    "float64 as default": (lambda: a([1.5], "float64"), {}, {"default": "float64"}, "tensor([1.5000])"),
    "float32 when float64 is default": (
        lambda: a([1.5]), {}, {"default": "float64"},
        "tensor([1.5000], dtype=torch.float32)",
    ),
    "half": (lambda: a([1.1, 65504], "float16"), {}, {}, "tensor([1.0996e+00, 6.5504e+04], dtype=torch.float16)"),
    "bfloat16": (lambda: a([1.1, 2], "bfloat16"), {}, {}, "tensor([1.1016, 2.0000], dtype=torch.bfloat16)"),
    "bfloat16 as default": (lambda: a([1.1, 2], "bfloat16"), {}, {"default": "bfloat16"}, "tensor([1.1016, 2.0000])"),
    "uint8": (lambda: a([0, 255], "uint8"), {}, {}, "tensor([  0, 255], dtype=torch.uint8)"),
    "int32": (lambda: a([-1, 100], "int32"), {}, {}, "tensor([ -1, 100], dtype=torch.int32)"),
    "uint64": (lambda: a([2**64 - 1], "uint64"), {}, {}, "tensor([18446744073709551615], dtype=torch.uint64)"),
    "int64 limits": (
        lambda: a([-(2**63), 2**63 - 1], "int64"), {}, {},
        "tensor([-9223372036854775808,  9223372036854775807])",
    ),
    "complex": (lambda: a([1 + 2j, -1.5 - 0.25j], "complex64"), {}, {}, "tensor([ 1.0000+2.0000j, -1.5000-0.2500j])"),
    "complex, whole": (lambda: a([1 + 20j, -100 - 3j], "complex64"), {}, {}, "tensor([   1.+20.j, -100.-3.j])"),
    "complex, each part its notation": (
        lambda: a([1e-7 + 2j, 1 - 3j], "complex64"), {}, {},
        "tensor([1.0000e-07+2.j, 1.0000e+00-3.j])",
    ),
    "complex, not finite": (
        lambda: a([complex(nan, inf), complex(-inf, -0.0), 0.5j], "complex64"), {}, {},
        "tensor([nan+infj, -inf-0.0000j, 0.+0.5000j])",
    ),
    "complex128": (lambda: a(1j, "complex128"), {}, {}, "tensor(0.+1.j, dtype=torch.complex128)"),
    "complex128 when float64 is default": (lambda: a(1j, "complex128"), {}, {"default": "float64"}, "tensor(0.+1.j)"),
    "empty": (lambda: a([]), {}, {}, "tensor([])"),
    "empty, two dimensions": (lambda: a([]).reshape(0, 3), {}, {}, "tensor([], size=(0, 3))"),
    "empty int64": (lambda: a([], "int64"), {}, {}, "tensor([], dtype=torch.int64)"),
    "empty, everything to say": (
        lambda: a([], "float64").reshape(2, 0), {}, {"requires_grad": True},
        "tensor([], size=(2, 0), dtype=torch.float64, requires_grad=True)",
    ),
    "wraps": (
        lambda: np.arange(30.0, dtype=np.float32), {}, {}, (
            "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
            "        14., 15., 16., 17., 18., 19., 20., 21., 22., 23., 24., 25., 26., 27.,\n"
            "        28., 29.])"
        ),
    ),
    "wraps by linewidth": (
        lambda: np.arange(10.0, dtype=np.float32), {"linewidth": 30}, {}, (
            "tensor([0., 1., 2., 3., 4.,\n"
            "        5., 6., 7., 8., 9.])"
        ),
    ),
    "linewidth too small for one": (
        lambda: a([1.5, 2.5]), {"linewidth": 3}, {}, (
            "tensor([1.5000,\n"
            "        2.5000])"
        ),
    ),
    "wraps inside a matrix": (
        lambda: np.arange(24).reshape(2, 12), {"linewidth": 40}, {}, (
            "tensor([[ 0,  1,  2,  3,  4,  5,  6,  7,\n"
            "          8,  9, 10, 11],\n"
            "        [12, 13, 14, 15, 16, 17, 18, 19,\n"
            "         20, 21, 22, 23]])"
        ),
    ),
    "wraps complex": (
        lambda: np.arange(8) * a(1.5 + 1j, "complex64"), {"linewidth": 50}, {}, (
            "tensor([ 0.0000+0.j,  1.5000+1.j,  3.0000+2.j,\n"
            "         4.5000+3.j,  6.0000+4.j,  7.5000+5.j,\n"
            "         9.0000+6.j, 10.5000+7.j],\n"
            "       dtype=torch.complex128)"
        ),
    ),
    "summarised": (lambda: np.arange(1001), {}, {}, "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    "at the threshold": (lambda: np.arange(10), {"threshold": 10}, {}, "tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])"),
    "summarised matrix": (
        lambda: np.arange(40.0, dtype=np.float32).reshape(4, 10), {"threshold": 20, "edgeitems": 2}, {}, (
            "tensor([[ 0.,  1.,  ...,  8.,  9.],\n"
            "        [10., 11.,  ..., 18., 19.],\n"
            "        [20., 21.,  ..., 28., 29.],\n"
            "        [30., 31.,  ..., 38., 39.]])"
        ),
    ),
    "summarised, tall and thin": (
        lambda: np.arange(2000.0, dtype=np.float32).reshape(1000, 2), {}, {}, (
            "tensor([[0.0000e+00, 1.0000e+00],\n"
            "        [2.0000e+00, 3.0000e+00],\n"
            "        [4.0000e+00, 5.0000e+00],\n"
            "        ...,\n"
            "        [1.9940e+03, 1.9950e+03],\n"
            "        [1.9960e+03, 1.9970e+03],\n"
            "        [1.9980e+03, 1.9990e+03]])"
        ),
    ),
    "summarised, three dimensions": (
        lambda: np.arange(64).reshape(4, 4, 4), {"threshold": 5, "edgeitems": 1}, {}, (
            "tensor([[[ 0,  ...,  3],\n"
            "         ...,\n"
            "         [12,  ..., 15]],\n"
            "\n"
            "        ...,\n"
            "\n"
            "        [[48,  ..., 51],\n"
            "         ...,\n"
            "         [60,  ..., 63]]])"
        ),
    ),
    "hidden elements do not count": (
        lambda: a([1, 2, 3, 4e9, 5.5, 6, 7, 8]), {"threshold": 5, "edgeitems": 2}, {},
        "tensor([1., 2.,  ..., 7., 8.])",
    ),
    "edge longer than the tensor": (
        lambda: np.arange(5), {"threshold": 2, "edgeitems": 3}, {},
        "tensor([0, 1, 2, 3, 4])",
    ),
    "no edge": (
        lambda: np.arange(9).reshape(3, 3), {"threshold": 2, "edgeitems": 0}, {},
        "tensor([...], size=(3, 3))",
    ),
    "no edge, not summarised": (lambda: np.arange(3), {"edgeitems": 0}, {}, "tensor([0, 1, 2], size=(3,))"),
    "short profile": (lambda: a([3.14159]), {"profile": "short"}, {}, "tensor([3.14])"),
    "requires_grad": (lambda: a([1.5]), {}, {"requires_grad": True}, "tensor([1.5000], requires_grad=True)"),
    "grad_fn": (
        lambda: a([1.5]), {}, {"requires_grad": True, "grad_fn_name": "CloneBackward0"},
        "tensor([1.5000], grad_fn=<CloneBackward0>)",
    ),
    "suffix on its own line": (
        lambda: np.arange(15.0, dtype=np.float32), {}, {"requires_grad": True}, (
            "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
            "        14.], requires_grad=True)"
        ),
    ),
    "suffixes wrap one by one": (
        lambda: np.ones((1, 2)), {"linewidth": 40}, {"requires_grad": True, "grad_fn_name": "CloneBackward0"}, (
            "tensor([[1., 1.]], dtype=torch.float64,\n"
            "       grad_fn=<CloneBackward0>)"
        ),
    ),
    "suffix after a matrix": (
        lambda: np.ones((2, 2), np.float16), {}, {"requires_grad": True}, (
            "tensor([[1., 1.],\n"
            "        [1., 1.]], dtype=torch.float16, requires_grad=True)"
        ),
    ),
    "contents given": (
        lambda: a([1.5], "float64"), {}, {"tensor_contents": "[...]"},
        "tensor([...], dtype=torch.float64)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_recorded(name: str) -> None:
    make, options, flags, expected = CASES[name]
    flags = dict(flags)
    dtypes.set_default_dtype(dtypes.DTYPES[flags.pop("default", "float32")])
    printing.set_printoptions(**options)
    assert printing.tensor_str(make(), **flags) == expected


def test_full_profile_shows_everything() -> None:
    printing.set_printoptions(profile="full")
    text = printing.tensor_str(np.arange(5000))
    assert "..." not in text and "4999])" in text


# ------------------------------------------------------------------------------------------------ without data, wrapped


def meta(*shape: int, kind: str = "float32", **flags: Any) -> str:
    return printing.tensor_str(None, dtypes.DTYPES[kind], shape=shape, device="meta", **flags)


def test_meta() -> None:
    assert meta(2, 3) == "tensor(..., device='meta', size=(2, 3))"
    assert meta(kind="int64") == "tensor(..., device='meta', size=(), dtype=torch.int64)"
    assert meta(0, 2, requires_grad=True) == "tensor(..., device='meta', size=(0, 2), requires_grad=True)"
    with pytest.raises(TypeError):
        printing.tensor_str(None, dtypes.float32)


def test_subclass_and_parameter() -> None:
    ones = np.ones((2, 2), np.float32)
    sub = printing.tensor_str(ones, prefix="Sub(", requires_grad=True)
    assert sub == "Sub([[1., 1.],\n     [1., 1.]], requires_grad=True)"
    assert printing.parameter_str("tensor([1.])") == "Parameter containing:\ntensor([1.])"
    assert printing.parameter_str("Sub([1.])", plain=False) == "Parameter(Sub([1.]))"


def test_extra_suffixes_come_last() -> None:
    extra = ("tangent=tensor([0., 0.], grad_fn=<AddBackward0>)",)
    text = printing.tensor_str(a([2, 2]), grad_fn_name="CloneBackward0", extra_suffixes=extra)
    assert text == (
        "tensor([2., 2.], grad_fn=<CloneBackward0>,\n       tangent=tensor([0., 0.], grad_fn=<AddBackward0>))"
    )


def test_wrappers() -> None:
    inner = printing.wrapper_str("BatchedTensor", 1, printing.tensor_str(np.ones((2, 1), np.float32)), bdim=0)
    assert printing.wrapper_str("GradTrackingTensor", 2, inner) == (
        "GradTrackingTensor(lvl=2, value=\n"
        "    BatchedTensor(lvl=1, bdim=0, value=\n"
        "        tensor([[1.],\n"
        "                [1.]])\n"
        "    )\n"
        ")"
    )


# ------------------------------------------------------------------------------------------------ options, scalars


def test_options() -> None:
    defaults = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
    assert printing.get_printoptions() == defaults
    printing.set_printoptions(profile="short", sci_mode=True)
    assert printing.get_printoptions() == {**defaults, "precision": 2, "edgeitems": 2, "sci_mode": True}
    printing.set_printoptions(linewidth=60)
    assert printing.get_printoptions()["sci_mode"] is None, "sci_mode is reset by every call"
    with pytest.raises(ZeroDivisionError), printing.printoptions(precision=1, profile="default"):
        assert printing.tensor_str(a(0.25)) == "tensor(0.2)"
        raise ZeroDivisionError
    assert printing.get_printoptions() == {**defaults, "precision": 2, "edgeitems": 2, "linewidth": 60}


def test_scalars() -> None:
    for kind, value in (("float32", 1.5), ("bfloat16", 1.5), ("float16", 1.5), ("int8", 3), ("bool", True)):
        got = printing.item(a([[value]], kind))
        assert got == value and type(got) is type(value)
    assert printing.item(a(1j, "complex64")) == 1j
    with pytest.raises(RuntimeError, match="^a Tensor with 2 elements cannot be converted to Scalar$"):
        printing.item(np.ones(2))


def test_format() -> None:
    assert printing.format_scalar(a(3.14159), ".2f") == "3.14"
    assert printing.format_scalar(a(1.1), "") == "1.100000023841858"
    assert printing.format_scalar(a(1.1, "bfloat16"), "") == "1.1015625"
    assert printing.format_scalar(np.array(3), "5d") == "    3"
    assert printing.format_scalar(np.array(True), "") == "True"
    with pytest.raises(ValueError, match="Unknown format code 'd' for object of type 'float'"):
        printing.format_scalar(a(1.5), "d")


# ------------------------------------------------------------------------------------------------ against PyTorch


def oracle(array: np.ndarray[Any, Any], options: dict[str, Any], flags: dict[str, Any]) -> str:
    """What PyTorch prints. Leaves its settings as they were."""
    torch = pytest.importorskip("torch")
    flags = dict(flags)
    if array.dtype == dtypes.bfloat16.np:
        t = torch.from_numpy(array.astype(np.float32)).to(torch.bfloat16)
    else:
        t = torch.from_numpy(array)
    if flags.pop("requires_grad", False):
        t.requires_grad_()
    if flags.pop("grad_fn_name", None) is not None:
        t = t.clone()  # unlike t * 1, this keeps every nan and inf
    torch.set_default_dtype(getattr(torch, flags.pop("default", "float32")))
    torch.set_printoptions(**options)
    try:
        return t.__repr__(**flags)
    finally:
        torch.set_default_dtype(torch.float32)
        torch.set_printoptions(profile="default")


@pytest.mark.parametrize("name", CASES)
def test_record_is_true(name: str) -> None:
    make, options, flags, expected = CASES[name]
    assert oracle(make(), options, flags) == expected


# Values near every boundary of the notations, besides ordinary ones.
SPECIAL = [
    *(0.0, -0.0, 1.0, -3.0, 2.5, nan, inf, -inf, 0.1, 0.5, 1e-4, 0.0001, 9.999e-5, 1e-5, 999.99999, 1000.0, 1001.0),
    *(1000.5, 1e5, 99999999.0, 1e8, 100000008.0, 1e9, 0.99995, 9.99995, 2.0**53, 1e15 + 0.5, 1e30, 5e-324, 1e308),
]
KINDS = [name for name in dtypes.DTYPES if name != "complex32"]
FAMILIES = ("normal", "whole", "wide", "special", "one special", "zero")


def draw_values(rng: np.random.Generator, family: str, n: int) -> np.ndarray[Any, Any]:
    if family == "normal":
        return rng.standard_normal(n)
    if family == "whole":
        return rng.integers(-50, 50, n).astype(float)
    if family == "wide":
        return rng.standard_normal(n) * 10.0 ** rng.integers(-10, 10, n)
    if family == "special":
        return rng.choice(SPECIAL, n)
    return np.full(n, rng.choice(SPECIAL) if family == "one special" else 0.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # values out of a dtype's range are cast on purpose
def test_like_pytorch() -> None:
    """Random shapes, dtypes, values and options print as PyTorch prints them."""
    pytest.importorskip("torch")
    hypothesis = pytest.importorskip("hypothesis")
    st = hypothesis.strategies

    @hypothesis.settings(max_examples=300)
    @hypothesis.given(
        shape=st.lists(st.sampled_from([0, 1, 2, 3, 4, 6, 7, 13]), max_size=4)
        | st.lists(st.sampled_from([1, 3, 200, 1001]), max_size=2),
        kind=st.sampled_from(KINDS),
        families=st.tuples(st.sampled_from(FAMILIES), st.sampled_from(FAMILIES)),
        seed=st.integers(0, 2**32 - 1),
        options=st.fixed_dictionaries(
            {},
            optional={
                "precision": st.sampled_from([0, 1, 2, 8]),
                "threshold": st.sampled_from([0, 1, 5, 20, 100, inf]),
                "edgeitems": st.integers(0, 4),
                "linewidth": st.sampled_from([1, 10, 25, 40, 79, 81, 120]),
                "profile": st.sampled_from(["default", "short", "full"]),
                "sci_mode": st.sampled_from([None, True, False]),
            },
        ),
        default=st.sampled_from(["float32", "float32", "float64", "float16", "bfloat16"]),
        grad=st.sampled_from([None, "leaf", "CloneBackward0"]),
    )
    def check(
        shape: list[int], kind: str, families: tuple[str, str], seed: int, options: dict[str, Any], default: str,
        grad: str | None,
    ) -> None:
        n = int(np.prod(shape, dtype=int))
        hypothesis.assume(n <= 5000)
        rng = np.random.default_rng(seed)
        values = draw_values(rng, families[0], n)
        d = dtypes.DTYPES[kind]
        if d.is_complex:
            values = values + 1j * draw_values(rng, families[1], n)
        array = values.reshape(shape).astype(d.np)
        flags: dict[str, Any] = {}
        if grad is not None and (d.is_floating_point or d.is_complex):
            flags = {"requires_grad": True} | ({} if grad == "leaf" else {"grad_fn_name": grad})
        expected = oracle(array, options, {**flags, "default": default})
        printing.set_printoptions(profile="default")
        printing.set_printoptions(**options)
        dtypes.set_default_dtype(dtypes.DTYPES[default])
        assert printing.tensor_str(array, **flags) == expected

    check()


def test_strides_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    base = rng.standard_normal((40, 60)).astype(np.float32)
    for view in (base.T, base[::2, ::-3], np.broadcast_to(base[0], (50, 60))):
        assert printing.tensor_str(view) == printing.tensor_str(np.ascontiguousarray(view))


def test_suffixes_wrap_at_every_linewidth() -> None:
    pytest.importorskip("torch")
    array = np.ones((3, 2), np.float64)
    for linewidth in range(10, 90):
        flags = {"requires_grad": True, "grad_fn_name": "CloneBackward0"}
        printing.set_printoptions(linewidth=linewidth)
        assert printing.tensor_str(array, **flags) == oracle(array, {"linewidth": linewidth}, flags)
