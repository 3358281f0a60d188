"""Hints are correct: each printed hint is parsed here, followed, and the call repeated.

The repeated call passes, with the values that were passed, unless the hint itself says what is
lost. A hint without a call is advice, and is in the list of advices with its reason. New hints are
tested automatically: all hints that the table of values causes are checked.
"""

from __future__ import annotations

import ast
import re
from typing import Any

import jaxtyping
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import sekisho as sk

try:
    import torch
except ImportError:
    torch = None

HELPERS = {name: getattr(sk, name) for name in sk.__all__ if callable(getattr(sk, name))}

LOSSES = (
    "which rounds",
    "scale and round first",
    "round first",
    "one field at a time",
    "which counts their units",
    "which drops it",
)
"""The words with which a hint says that values change."""

ADVICES = (
    "it holds NaN or infinity, which \\w+ cannot: replace them first",
    "some values are outside of what \\w+ holds: scale or clip them first",
    "some values are too small for \\w+: scale them first",
    "some values are neither 0 nor 1: compare first, as in x > 0",
    "it has an imaginary part, which \\w+ has not: take x.real or abs\\(x\\) first",
    "turn the text into numbers, such as class indices",
    "read the bytes as numbers, with numpy.frombuffer",
    "fill them first, as in x.filled\\(...\\), or pass x.data and ~x.mask",
    "fill it first, as in x.to_tensor\\(...\\)",
    "take its tensors one by one, as in x.unbind\\(\\)\\[...\\]",
    "run the module once first",
    "make it with layout=torch.jagged, which has sizes",
    "convert outside of the traced function(, or call this by jax.pure_callback)?",
    "convert outside of the transform",
    "convert outside of it",
    "the function returned nothing: is a 'return' missing\\?",
    "it was not awaited: await x",
    "\\[each async for each in x\\]",
    "if it may be missing, let its annotation say so: \\.\\.\\. \\| None",
    "it yields batches, so take each: for batch in x",
    "take one of its items, as in x\\[.+\\]",
    "unpack it: \\w+\\(\\*items\\)",
    "it is being traced: leave it a number, with static_argnames='x'",
    "it is being traced: leave it a number, with static_argnums",
    "it is being traced: make it static data of its class, or an argument of its own with static_argnames",
    "the first array decides, and it is NumPy's: pass it by to_jax\\(\\.\\.\\.\\)",
    "it holds Python objects, which are not all numbers that \\w+ holds",
    "it holds arrays: join those of one shape, as in numpy.stack\\(list\\(x\\)\\)",
    "read it first: x\\[\\.\\.\\.\\]",
)
"""Hints without a call that certainly helps: the reader has to decide, or do, something."""


class Parsed:
    """A parsed hint: the calls that it offers, the options, and what it says is lost."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.calls: list[str] = []
        self.options: dict[str, Any] = {}
        for piece in re.split(r", which is |, or |, which ", text):
            option = re.fullmatch(r"(?:the option |@\w+\()?(\w+)=([\w']+)\)?", piece)
            if option:
                self.options[option[1]] = ast.literal_eval(option[2])
                continue
            for start in [0, *(each.end() for each in re.finditer(": ", piece))]:
                try:
                    tree = ast.parse(piece[start:], mode="eval")
                except SyntaxError:
                    continue
                names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
                # `f(...)` leaves something to the reader; `x[...]` is literal.
                calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
                if "x" in names and not any(
                    isinstance(each, ast.Constant) and each.value is Ellipsis
                    for call in calls
                    for each in call.args
                ):
                    self.calls.append(piece[start:])
                    break
        self.is_advice = any(re.fullmatch(each, text) for each in ADVICES)
        self.loses = [each for each in LOSSES if each in text]

    def follow(self, x: Any) -> list[Any]:
        names = {"x": x, "numpy": np, "torch": torch, **HELPERS}
        if torch is None:
            del names["torch"]
        return [eval(call, dict(names)) for call in self.calls]


def plain_values(x: Any) -> np.ndarray:
    """Return all values in sorted order: helpers may have moved axes."""
    if torch is not None and isinstance(x, torch.Tensor):
        if x.device.type == "meta":
            return np.zeros(0)
        x = x.detach().resolve_conj().resolve_neg()
        x = x.to_dense() if x.layout is not torch.strided else x
        x = x.dequantize() if x.is_quantized else x
        if str(x.dtype) in {"torch.bfloat16", "torch.complex32"} or "float8" in str(x.dtype):
            x = x.to(torch.complex64 if x.is_complex() else torch.float32)
        x = x.as_subclass(torch.Tensor).flatten().numpy()
    x = list(x) if isinstance(x, (bytes, memoryview)) else x
    values = np.asarray(x.to_numpy() if hasattr(x, "to_numpy") else x).ravel()
    if values.dtype.kind == "O":
        values = np.array(values.tolist())
    if values.dtype.kind in "OmM":
        values = values.astype("int64" if values.dtype.kind in "mM" else "float64")
    return np.sort(values)


def same(a: np.ndarray, b: np.ndarray, *, rounded: bool) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        return a.tolist() == b.tolist()
    # sort by parts, rounded, since rounding may change the order
    if a.dtype.kind == "c" or b.dtype.kind == "c":
        parts = [(np.sort(a.real), np.sort(b.real)), (np.sort(a.imag), np.sort(b.imag))]
        return all(same(*each, rounded=rounded) for each in parts)
    if rounded:
        return bool(np.allclose(a.astype(float), b.astype(float), rtol=0.01, equal_nan=True))
    with np.errstate(all="ignore"):
        return all(
            p == q or (p != p and q != q)  # noqa: PLR0124 - NaN
            for p, q in zip(a.tolist(), b.tolist(), strict=True)
        )


def compare(hint: str, x: Any, fixed: Any) -> None:
    """Assert that following a hint gives the values that were passed, except for what it says."""
    if hint in {"list(x)", "tuple(x)"}:
        assert all(a is b for a, b in zip(x, fixed, strict=True))
    elif "scale and round first" in hint:
        before, after = np.rint(plain_values(x) * 255), plain_values(fixed)
        if "repeat" in hint or "drops it" in hint:
            assert set(after.tolist()) <= set(before.tolist())
        else:
            assert np.allclose(after, before)
    elif "round first" in hint:
        return
    elif "drops it" in hint or "repeat" in hint:  # the same colours, once or three times
        colours, found = np.unique(plain_values(x)), np.unique(plain_values(fixed))
        colours = np.unique(colours.astype(found.dtype)) if "rounds" in hint else colours
        assert set(found.tolist()) <= set(colours.tolist())
        assert "drops it" in hint or len(found) == len(colours)
    elif ".convert(" in hint:  # the same colours, once or three times; a full alpha may go
        before, after = (set(plain_values(each).tolist()) for each in (x, fixed))
        assert after <= before | {255}
        assert before <= after | {255}
    elif "one field" not in hint:
        rounded = "which rounds" in hint
        assert same(plain_values(x), plain_values(fixed), rounded=rounded), hint


def hold(hint: str, x: Any, again: Any) -> str:
    """Follow one hint to its end; return its kind."""
    parsed = Parsed(hint)
    if not parsed.calls and not parsed.options:
        assert parsed.is_advice, f"neither a call nor a known advice: {hint}"
        return "advice"
    if parsed.is_advice:
        return "advice"
    for fixed in parsed.follow(x):
        again(fixed, {})
        compare(hint, x, fixed)
    for name, value in parsed.options.items():
        again(x, {name: value})
    return "call"


# --- the values, and what they are passed to ----------------------------------------------------


class Pillow:
    """Like PIL's images, as far as it matters here."""

    def __init__(self, pixels, mode):
        self.pixels, self.mode = np.asarray(pixels), mode

    @property
    def __array_interface__(self):
        return self.pixels.__array_interface__

    def convert(self, mode):
        p = self.pixels
        if mode == "RGB":
            made = np.repeat(p[..., None], 3, -1) if p.ndim == 2 else p[..., :3]
        elif mode == "RGBA":
            rgb = self.convert("RGB").pixels
            made = np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, "u1")], -1)
        else:
            made = p if p.ndim == 2 else p[..., :3].mean(-1).astype("u1")
        return Pillow(np.ascontiguousarray(made), mode)


class Frame:
    """Like pandas' data frames."""

    def __init__(self, columns):
        self.columns = columns

    def to_numpy(self, dtype=None):
        made = np.stack([np.asarray(each, dtype) for each in self.columns], -1)
        return made if dtype is None else made.astype(dtype)


class Column:
    """Like columns of polars and xarray: `to_numpy` takes no dtype."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def to_numpy(self):
        return self.values.copy()


class Stored:
    """Like arrays of h5py and zarr: the data are in a file."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.shape, self.dtype = self.values.shape, self.values.dtype

    def __getitem__(self, index):
        return self.values[index]

    def to_numpy(self):  # used by this module's own comparison
        return self.values


Pillow.__module__, Frame.__module__ = "PIL.Image", "pandas.core.frame"
Column.__module__, Stored.__module__ = "polars.series.series", "h5py._hl.dataset"

RNG = np.random.default_rng(0)


def arrays():
    image = RNG.random((4, 5, 3))
    yield image
    yield image.astype("f4")
    yield np.rint(image * 255)
    yield (image * 255).astype("u1")
    yield from (np.array([300.0, -1.0]), np.array([np.nan, 1.0]), np.array([1.5, 2.0]))
    yield from (np.array([0.0, 1.0, 2.0]), np.array([1e300, 1.0]), np.array([1e-30, 1.0]))
    yield from (np.array([1, 2, 3]), np.array([2**40, -1]), np.array([2**60 + 1]), np.array([True]))
    yield from (np.array([2**63], "u8"), np.array([1 + 0j, 2]), np.array([1 + 2j]))
    yield from (np.zeros((2, 3, 4, 5)), np.zeros((2, 4, 5, 3), "f4"), np.zeros((1, 4, 5, 3)))
    yield from (np.zeros((0, 3)), np.array(3.0), np.zeros((2, 1, 2)), np.arange(6.0).reshape(2, 3))
    yield from (np.array([0.1], "g"), np.array(["a"]), np.array([b"a"]), np.array([1, 2.5], "O"))
    yield from (np.array([None]), np.zeros(2, "M8[s]"), np.array(["NaT"], "m8[s]"))
    yield from (np.zeros(2, [("a", "f4"), ("b", "i4")]), np.ma.masked_array([1.0, 2], [0, 1]))
    yield from (np.matrix([[1.0, 2.0]]), np.ones(3).view(type("Units", (np.ndarray,), {})))
    yield from (np.float32(1.5), np.int64(3), np.bool_(True), np.arange(3.0)[::-1])
    yield from (
        np.ones((3, 1)),
        np.ones((4, 5), "u1"),
        np.ones((4, 5, 4), "f4"),
        np.ones((4, 5, 1)),
    )
    yield from (np.array([1, 2], "O"), np.array([2**60 + 1], "O"), np.zeros((2, 4, 4, 5)))
    ragged = np.empty(2, "O")
    ragged[:] = [np.ones(1), np.ones(2)]
    yield ragged


def others():
    yield from ([1.0, 2.0], [0.1, 0.2], [1, 2, 3], [[1, 2], [3, 4]], [], [[1], [1, 2]], ["a"], 1.5)
    yield from ([True, False], (1, 2), range(3), 3, True, 1j, None, "text", b"\0\1\2\3", {1: 2})
    yield from ([np.zeros(2), np.ones(2)], [np.zeros(2), np.ones(3)], memoryview(b"abcd"))
    yield from (Frame([[1.0, 2.0], [0.1, 0.2]]), Frame([[1, 2], [2**60 + 1, 3]]), Frame([["a"]]))
    yield from (Column([1.0, 2.0]), Column([0.1, 0.2]), Column([[1, 2], [3, 4]]), Column(["a"]))
    yield from (
        Stored(np.ones(3, "f4")),
        Stored(np.ones((2, 3))),
        Stored(np.ones((1, 4, 5, 3), "f4")),
    )
    yield from ([np.ones((2, 3), "f4"), np.ones(2, int)], {"a": np.ones(2, "f4")}, (np.ones(2), 1))
    grey = RNG.integers(0, 255, (4, 5), dtype="u1")
    alpha = np.concatenate([np.repeat(grey[..., None], 3, -1), np.full((4, 5, 1), 255, "u1")], -1)
    yield from (Pillow(grey, "L"), Pillow(alpha[..., :3].copy(), "RGB"), Pillow(alpha, "RGBA"))
    half = alpha.copy()
    half[..., 3] = 100
    yield Pillow(half, "RGBA")


def tensors():
    t = torch.from_numpy
    for array in arrays():
        if type(array) is np.ndarray and array.dtype.kind in "biufc" and array.dtype.char != "g":
            yield t(array.copy())
    yield from (
        torch.ones(3, requires_grad=True),
        torch.zeros(3).bfloat16(),
        torch.eye(3).to_sparse(),
    )
    yield from (torch.ones(3).to(torch.complex32), torch.ones(3).to(torch.float8_e5m2))
    yield torch.quantize_per_tensor(torch.ones(3), 1.0, 0, torch.qint8)
    yield from (torch.ones(2, 3, requires_grad=True).double(), torch.ones(2, device="meta"))
    yield torch.ones(3).as_subclass(type("Mine", (torch.Tensor,), {}))
    yield torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    yield from ([torch.ones(2), torch.zeros(2)], torch.ones([1] * 65), torch.ones(2) + 0.1)
    yield torch.nested.nested_tensor([torch.ones(1), torch.ones(2)])
    yield torch.tensor([1 + 2j]).conj()


DTYPES = ["Float32", "Float64", "Float", "UInt8", "Int32", "Int64", "Bool", "Complex64", "Float16"]
AXES = ["...", "n", "h w", "h w 3", "3 h w", "b 3 h w", ""]
ONES = ["1 n", "n 1", "b c h w"]


def plain_annotations(array_type):
    """Return annotations of Python's own values: numbers, lists and tuples."""
    yield from (bool, int, float, complex, float | None, list[float], list[int] | None)
    yield from (tuple[float, ...], tuple[int, int], tuple[int, int, int] | None)
    yield from (list[array_type], tuple[array_type, array_type], tuple[array_type, ...] | None)


def provoke(world: str, values: Any) -> dict[str, int]:
    """Pass all values to all annotations, and check every hint."""
    kinds: dict[str, int] = {"call": 0, "advice": 0}
    array_type = np.ndarray if world == "numpy" else torch.Tensor
    decorate = sk.numpy_world if world == "numpy" else sk.torch_world
    cases = [(array_type, {}), (array_type, {"copy": False})]
    annotations = [array_type] + [
        getattr(jaxtyping, dtype)[array_type, axes] for dtype in DTYPES for axes in AXES
    ]
    annotations += [jaxtyping.Float[array_type, axes] for axes in ONES]
    annotations += plain_annotations(array_type)
    for annotation in annotations:
        for mode in ("convert", "strict"):
            for _, told in cases if annotation is array_type else cases[:1]:

                def again(value, more, annotation=annotation, told=told, mode=mode):
                    def f(x):
                        return None

                    f.__annotations__ = {"x": annotation}
                    with sk.mode(mode):
                        decorate(**{**told, **more})(f)(value)

                for value in values:
                    try:
                        again(value, {})
                    except sk.BoundaryError as error:
                        hint = error.violation.hint
                        # A hint for an item is about the item alone.
                        if hint is not None and " at " not in error.violation.place:
                            kinds[hold(hint, value, again)] += 1
    return kinds


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_hint_of_a_guard_in_numpy_is_followed():
    values = [*arrays(), *others(), *(tensors() if torch is not None else ())]
    kinds = provoke("numpy", values)
    assert kinds["call"] > 1000
    assert kinds["advice"] > 100


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_hint_of_a_guard_in_torch_is_followed(torch):
    kinds = provoke("torch", [*arrays(), *others(), *tensors()])
    assert kinds["call"] > 1000
    assert kinds["advice"] > 100


def helpers():
    yield from ((sk.add_batch_dim, "x"), (sk.remove_batch_dim, "x"), (sk.transpose2d, "x"))
    yield from ((sk.add_channel_dim, "x"), (sk.channels_first, "x"), (sk.channels_last, "x"))
    yield from ((sk.to_numpy, "x"), (sk.to_torch, "x"))


@pytest.mark.filterwarnings("ignore")
def test_every_hint_of_a_helper_is_followed():
    found = 0
    for helper, _ in helpers():
        if torch is None and helper is sk.to_torch:
            continue
        for value in [*arrays(), *others(), *(tensors() if torch is not None else ())]:

            def again(fixed, more, helper=helper):
                helper(fixed, **more)

            try:
                again(value, {})
            except sk.BoundaryError as error:
                if error.violation.hint is not None:
                    found += hold(error.violation.hint, value, again) == "call"
    assert found > 30


def test_the_hint_of_two_worlds_that_are_joined_is_followed(torch):
    arrays = [torch.ones(2), np.ones(2, "f4")]
    for join in (sk.concat, sk.stack):
        with pytest.raises(sk.WorldError) as caught:
            join(arrays)
        hint = caught.value.violation.hint
        assert join(eval(hint, {"arrays": arrays, **HELPERS})).numel() == 4
        with pytest.raises(sk.BoundaryError) as caught:
            join({*arrays[:1]})
        assert caught.value.violation.hint == "list(arrays)"


def test_the_hint_of_a_result_is_followed(torch):
    def make(returned):
        @sk.numpy_world
        def f() -> jaxtyping.Float32[np.ndarray, "1 n"]:
            return returned

        return f

    result = torch.ones(3, dtype=torch.float64, requires_grad=True)
    with pytest.raises(sk.WorldError) as caught:
        make(result)()
    hint = caught.value.violation.hint
    assert hint == "add_batch_dim(to_numpy(result.detach()).astype('float32'))"
    names = {"result": result, "numpy": np, **HELPERS}
    assert make(eval(hint, names))().shape == (1, 3)


NAMES = ["bool", "uint8", "int8", "int16", "int32", "int64", "uint64", "float16", "float32"]
NAMES += ["float64", "complex64", "complex128"]


@settings(max_examples=600)
@given(st.data())
def test_a_cast_that_is_hinted_keeps_every_value_or_says_what_is_lost(data):
    source = data.draw(st.sampled_from([*NAMES, "longdouble", "clongdouble"]))
    target = data.draw(st.sampled_from(NAMES))
    x = data.draw(npst.arrays(source, npst.array_shapes(max_dims=2, max_side=4)))
    word = {"u": "UInt", "i": "Int"}.get(target[0], target[:1].upper())
    word = word + target[4:] if word == "UInt" else word + target[1 + 2 * (word == "Int") :]
    annotation = getattr(jaxtyping, word)[np.ndarray, "..."]

    def again(value, more):
        def f(x):
            return None

        f.__annotations__ = {"x": annotation}
        sk.numpy_world(f)(value)

    try:
        again(x, {})
    except sk.DTypeError as error:
        if error.violation.hint is not None:
            with np.errstate(all="ignore"):
                hold(error.violation.hint, x, again)
    else:
        assert source == target


RANGE = "some values are outside of what complex64 holds: scale or clip them first"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (complex(3e278, -np.inf), RANGE),
        (complex(np.nan, 1e300), RANGE),
        (complex(np.nan, 1.1), "x.astype('complex64'), which rounds"),
        (complex(1.1, np.inf), "x.astype('complex64'), which rounds"),
        (complex(1, np.inf), "x.astype('complex64')"),
        (complex(1, 1e-60), "some values are too small for complex64: scale them first"),
    ],
)
def test_what_a_complex_number_loses_is_asked_of_each_part(value, hint):
    @sk.numpy_world
    def f(x: jaxtyping.Complex64[np.ndarray, "..."]): ...

    with pytest.raises(sk.DTypeError) as caught:
        f(np.array([value, 1]))
    assert caught.value.violation.hint == hint


@pytest.mark.skipif(
    np.finfo(np.longdouble).maxexp == np.finfo(np.float64).maxexp, reason="longdouble is float64"
)
@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("1e4000", "some values are outside of what float64 holds: scale or clip them first"),
        ("1e-4000", "some values are too small for float64: scale them first"),
        ("0.1", "x.astype('float64'), which rounds"),
        ("0.5", "x.astype('float64')"),
    ],
)
def test_what_a_longdouble_loses_is_asked_in_its_own_digits(value, hint):
    @sk.numpy_world
    def f(x: jaxtyping.Float64[np.ndarray, "..."]): ...

    with pytest.raises(sk.DTypeError) as caught:
        f(np.array([np.longdouble(value), np.nan]))
    assert caught.value.violation.hint == hint


def test_no_hint_is_written_anywhere_but_where_this_test_meets_it():
    """Every text of a call in the library's source has occurred here, or is advice."""
    from sekisho.worlds import dtypes
    from sekisho.worlds.torch import kinds

    for _, hint in dtypes._NO_DTYPE.values():
        parsed = Parsed(hint.format("x"))
        assert parsed.calls or parsed.is_advice, hint
    for hint in kinds._SUBCLASS_CALLS.values():
        parsed = Parsed(hint.format("x"))
        assert parsed.calls or parsed.is_advice, hint
