"""Type promotion, against recorded tables (need no PyTorch) and against PyTorch itself, pair by pair."""
from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert
from wengert.core import promotion
from wengert.core.dtypes import DTYPES, dtype, float16, float32, float64, int64, set_default_dtype

BY_ABBR = {d.abbr: d for d in DTYPES.values()}
SCALARS: dict[str, Any] = {"True": True, "1": 1, "1.5": 1.5, "1j": 1j}
HELD = [d for d in DTYPES.values() if d.name != "complex32"]  # those that have arrays

# What promote_types gives ("-": the error).
PROMOTE = """
         b8    u8    i8   i16   i32   i64   u16   u32   u64   f16  bf16   f32   f64   c32   c64  c128
b8       b8    u8    i8   i16   i32   i64     -     -     -   f16  bf16   f32   f64   c32   c64  c128
u8       u8    u8   i16   i16   i32   i64     -     -     -   f16  bf16   f32   f64   c32   c64  c128
i8       i8   i16    i8   i16   i32   i64     -     -     -   f16  bf16   f32   f64   c32   c64  c128
i16     i16   i16   i16   i16   i32   i64     -     -     -   f16  bf16   f32   f64   c32   c64  c128
i32     i32   i32   i32   i32   i32   i64     -     -     -   f16  bf16   f32   f64   c32   c64  c128
i64     i64   i64   i64   i64   i64   i64     -     -     -   f16  bf16   f32   f64   c32   c64  c128
u16       -     -     -     -     -     -   u16     -     -   f16  bf16   f32   f64     -     -     -
u32       -     -     -     -     -     -     -   u32     -   f16  bf16   f32   f64     -     -     -
u64       -     -     -     -     -     -     -     -   u64   f16  bf16   f32   f64     -     -     -
f16     f16   f16   f16   f16   f16   f16   f16   f16   f16   f16   f32   f32   f64   c32   c64  c128
bf16   bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16   f32  bf16   f32   f64   c64   c64  c128
f32     f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f64   c64   c64  c128
f64     f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64  c128  c128  c128
c32     c32   c32   c32   c32   c32   c32     -     -     -   c32   c64   c64  c128   c32   c64  c128
c64     c64   c64   c64   c64   c64   c64     -     -     -   c64   c64   c64  c128   c64   c64  c128
c128   c128  c128  c128  c128  c128  c128     -     -     -  c128  c128  c128  c128  c128  c128  c128
"""

# A tensor with dimensions (rows) with a 0-d tensor or a Python scalar (columns); the default dtype is float32.
DIM = """
         b8    u8    i8   i16   i32   i64   u16   u32   u64   f16  bf16   f32   f64   c64  c128  True     1   1.5    1j
b8       b8    u8    i8   i16   i32   i64     -     -     -   f16  bf16   f32   f64   c64  c128    b8   i64   f32   c64
u8       u8    u8    u8    u8    u8    u8    u8    u8    u8   f16  bf16   f32   f64   c64  c128    u8    u8   f32   c64
i8       i8    i8    i8    i8    i8    i8    i8    i8    i8   f16  bf16   f32   f64   c64  c128    i8    i8   f32   c64
i16     i16   i16   i16   i16   i16   i16   i16   i16   i16   f16  bf16   f32   f64   c64  c128   i16   i16   f32   c64
i32     i32   i32   i32   i32   i32   i32   i32   i32   i32   f16  bf16   f32   f64   c64  c128   i32   i32   f32   c64
i64     i64   i64   i64   i64   i64   i64   i64   i64   i64   f16  bf16   f32   f64   c64  c128   i64   i64   f32   c64
u16     u16   u16   u16   u16   u16   u16   u16   u16   u16   f16  bf16   f32   f64   c64  c128   u16   u16   f32   c64
u32     u32   u32   u32   u32   u32   u32   u32   u32   u32   f16  bf16   f32   f64   c64  c128   u32   u32   f32   c64
u64     u64   u64   u64   u64   u64   u64   u64   u64   u64   f16  bf16   f32   f64   c64  c128   u64   u64   f32   c64
f16     f16   f16   f16   f16   f16   f16   f16   f16   f16   f16   f16   f16   f16   c32   c32   f16   f16   f16   c32
bf16   bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16  bf16   c64   c64  bf16  bf16  bf16   c64
f32     f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   f32   c64   c64   f32   f32   f32   c64
f64     f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64   f64  c128  c128   f64   f64   f64  c128
c64     c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64   c64
c128   c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128  c128
"""

# A 0-d tensor with a Python scalar.
ZERO = """
       True     1   1.5    1j
b8       b8   i64   f32   c64
u8       u8    u8   f32   c64
i8       i8    i8   f32   c64
i16     i16   i16   f32   c64
i32     i32   i32   f32   c64
i64     i64   i64   f32   c64
u16     u16   u16   f32   c64
u32     u32   u32   f32   c64
u64     u64   u64   f32   c64
f16     f16   f16   f16   c32
bf16   bf16  bf16  bf16   c64
f32     f32   f32   f32   c64
f64     f64   f64   f64  c128
c64     c64   c64   c64   c64
c128   c128  c128  c128  c128
"""

# Two Python scalars.
SCALAR = """
       True     1   1.5    1j
True     b8   i64   f32   c64
1       i64   i64   f32   c64
1.5     f32   f32   f32   c64
1j      c64   c64   c64   c64
"""


def entries(table: str) -> list[tuple[str, str, str]]:
    """(row, column, entry) of a table."""
    first, *rows = table.strip("\n").split("\n")
    columns = first.split()
    return [(row.split()[0], c, entry) for row in rows for c, entry in zip(columns, row.split()[1:])]


def operand(text: str, shape: tuple[int, ...] = ()) -> Any:
    return SCALARS[text] if text in SCALARS else np.zeros(shape, BY_ABBR[text].np)


@pytest.fixture(autouse=True)
def restore() -> Iterator[None]:
    yield
    set_default_dtype(float32)


def abbr_or_dash(function: Any, *args: Any) -> str:
    try:
        return function(*args).abbr
    except RuntimeError as error:
        assert str(error).startswith("Promotion for uint16, uint32, uint64 types is not supported")
        return "-"


def test_promote_types_recorded() -> None:
    for a, b, expected in entries(PROMOTE):
        assert abbr_or_dash(promotion.promote_types, BY_ABBR[a], BY_ABBR[b]) == expected, (a, b)


@pytest.mark.parametrize(("table", "shape"), [(DIM, (2,)), (ZERO, ()), (SCALAR, ())])
def test_result_dtype_recorded(table: str, shape: tuple[int, ...]) -> None:
    for a, b, expected in entries(table):
        x, y = operand(a, shape), operand(b)
        assert abbr_or_dash(promotion.result_dtype, (x, y)) == expected, (a, b)
        assert abbr_or_dash(promotion.result_dtype, (y, x)) == expected, (b, a)


def test_same_rank_promotes_as_promote_types() -> None:
    for (x, y), shape in itertools.product(itertools.product(HELD, HELD), ((2,), ())):
        arrays = np.zeros(shape, x.np), np.zeros(shape, y.np)
        assert abbr_or_dash(promotion.result_dtype, arrays) == abbr_or_dash(promotion.promote_types, x, y)


def test_int_to_float() -> None:
    ints, floats = np.zeros(2, np.int32), np.zeros(2, np.float16)
    for default in (float32, float64, float16):
        set_default_dtype(default)
        assert promotion.result_dtype((ints,), int_to_float=True) is default
        assert promotion.result_dtype((ints, True), int_to_float=True) is default
        assert promotion.result_dtype((floats, 3), int_to_float=True) is float16
        assert promotion.result_dtype((ints, 1.5)) is default
    set_default_dtype(float64)
    assert promotion.result_dtype((ints, 1j)) is DTYPES["complex128"]
    assert promotion.result_dtype((np.zeros(2, np.float32), 1j)) is DTYPES["complex64"]


def test_three_operands() -> None:
    dim, zero = np.zeros(2, np.int8), np.array(1, np.int64)
    assert promotion.result_dtype((dim, zero, 1)) is DTYPES["int8"]
    assert promotion.result_dtype((dim, zero, 1.5)) is float32
    assert promotion.result_dtype((zero, 1.5, np.array(1, np.float64))) is float64
    assert promotion.result_dtype((dim, np.zeros(1, np.float16), np.array(1, np.float64))) is float16


def test_numpy_scalars_count_as_python_scalars() -> None:
    longs = np.zeros(2, np.int64)
    for value in (np.float64(1), np.float32(1), DTYPES["bfloat16"].np.type(1)):
        assert promotion.result_dtype((longs, value)) is float32
    assert promotion.result_dtype((np.zeros(2, np.uint8), np.int64(1))) is DTYPES["uint8"]
    assert promotion.result_dtype((longs, np.bool_(True))) is int64
    assert promotion.result_dtype((longs, np.complex128(1))) is DTYPES["complex64"]


def test_scalars() -> None:
    assert promotion.scalar_dtype(2**63) is DTYPES["uint64"]
    for too_big in (2**64, -(2**63) - 1):
        with pytest.raises(OverflowError, match="^int too big to convert$"):
            promotion.scalar_dtype(too_big)
    with pytest.raises(TypeError):
        promotion.scalar_dtype("1")
    with pytest.raises(ValueError):
        promotion.result_dtype(())


def test_errors() -> None:
    with pytest.raises((RuntimeError, TypeError)) as error:
        promotion.promote_types(DTYPES["uint16"], int64)
    assert str(error.value) == (
        "Promotion for uint16, uint32, uint64 types is not supported, attempted to promote UInt16 and Long"
    )
    with pytest.raises(TypeError) as error:
        promotion.promote_types(float32, "x")  # type: ignore[arg-type]
    assert str(error.value) == "promote_types(): argument 'type2' (position 2) must be torch.dtype, not str"
    with pytest.raises(TypeError) as error:
        promotion.can_cast(1, float32)  # type: ignore[arg-type]
    assert str(error.value) == "can_cast(): argument 'from_' (position 1) must be torch.dtype, not int"
    promotion.check_cast(int64, float32)
    with pytest.raises(RuntimeError, match="^result type Float can't be cast to the desired output type Long$"):
        promotion.check_cast(float32, int64)


def test_categories_only_go_up() -> None:
    order = ["bool", "int8", "float16", "complex64"]
    for (i, a), (j, b) in itertools.product(enumerate(order), enumerate(order)):
        assert promotion.can_cast(DTYPES[a], DTYPES[b]) is (i <= j)
    assert promotion.can_cast(float64, float16) and promotion.can_cast(int64, DTYPES["uint8"])


# ------------------------------------------------------------------------------------------------ against PyTorch

# Pairs of everything: every dtype with dimensions and without, and every scalar.
OPERANDS = [*itertools.product(HELD, ((2,), ())), *((value, None) for value in (*SCALARS.values(), 2**63))]


@pytest.mark.parametrize("default", ["float32", "float64", "float16", "bfloat16"])
def test_result_dtype_like_pytorch(default: str) -> None:
    torch = pytest.importorskip("torch")

    def both(what: Any, shape: Any) -> tuple[Any, Any]:
        if shape is None:
            return what, what
        return np.zeros(shape, what.np), torch.zeros(shape, dtype=getattr(torch, what.name))

    torch.set_default_dtype(getattr(torch, default))
    set_default_dtype(DTYPES[default])
    try:
        for first, second in itertools.product(OPERANDS, OPERANDS):
            (x, tx), (y, ty) = both(*first), both(*second)
            assert outcome(promotion.result_dtype, (x, y)) == outcome(torch.result_type, tx, ty), (first, second)
    finally:
        torch.set_default_dtype(torch.float32)


def test_pairs_of_dtypes_like_pytorch() -> None:
    torch = pytest.importorskip("torch")
    for x, y in itertools.product(DTYPES.values(), DTYPES.values()):
        tx, ty = getattr(torch, x.name), getattr(torch, y.name)
        assert outcome(promotion.promote_types, x, y) == outcome(torch.promote_types, tx, ty)
        assert promotion.can_cast(x, y) is torch.can_cast(tx, ty)


def test_in_place_cast_like_pytorch() -> None:
    torch = pytest.importorskip("torch")
    plain: list[dtype] = [DTYPES[name] for name in ("bool", "uint8", "int64", "float16", "float32", "complex64")]
    for x, y in itertools.product(plain, plain):
        left, right = (torch.ones(2, dtype=getattr(torch, d.name)) for d in (x, y))
        result = promotion.promote_types(x, y)
        if result.name != "complex32":
            assert outcome(promotion.check_cast, result, x, result=False) == outcome(left.mul_, right, result=False)


def outcome(function: Any, *args: Any, result: bool = True) -> str:
    """What came of a call, as text: the result, or the error's sentence."""
    try:
        value = function(*args)
    except RuntimeError as error:
        return str(error)
    return str(value) if result else "done"


@pytest.mark.parametrize(
    "expression",
    [
        "x + 2**63", "x + 2**64", "y + 2**63", "x + 300", "x - 300", "300 - x", "x * -1", "x // 300", "x % 300", "x & -1",
        "x << 300", "x ** 300", "x != -1", "x == 257", "x < 300", "z + 200", "z < 300", "y == 2**40", "x.lt(300)",
        "x.clone().add_(300)", "x.clone().eq_(257)", "torch.rsub(x, 300)", "torch.add(x, 1, alpha=300)",
        "torch.add(x, x, alpha=-2)", "torch.sub(x, x, alpha=2)", "torch.clamp(x, max=300)", "torch.clamp(x, -1, 30)",
        "torch.clamp_min(x, -1)", "x.clone().clamp_(-1)", "torch.where(x > 5, x, 300)", "torch.where(x > 5, x, -1)",
        "torch.addcmul(x, x, x, value=300)", "torch.addcmul(x, x, x, value=-1)", "torch.isin(x, 257)", "torch.isin(x, 1.0)",
        "torch.remainder(x, -1)", "torch.fmod(x, -1)",
    ],
)  # fmt: skip
def test_numbers_beyond_the_dtype(expression: str) -> None:
    """They wrap where they are operands, and are refused where they are parameters."""
    torch = pytest.importorskip("torch")

    def outcome(L: Any) -> Any:
        names = {"torch": L, "x": L.tensor([1, 7], dtype=L.uint8), "y": L.tensor([1, 7]), "z": L.tensor([1], dtype=L.int8)}
        try:
            found = eval(expression, names)
        except Exception as error:
            return type(error).__name__, str(error).split("\n")[0]
        return str(found.dtype), found.tolist()

    assert outcome(wengert) == outcome(torch)
