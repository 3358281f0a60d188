"""Contracts from calls: what is deduced from recorded calls, without running anything."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sekisho.contract import match_shape, parse_axes
from sekisho.deduction import (
    LeftOut,
    Said,
    claim_table,
    deduce,
    dtype_word,
    spell,
    word_takes,
)
from sekisho.tracer import Call, Observed


class Plain:
    """A module in which everything has its usual name."""

    def array(self, world):
        return {"": "sk.Array", "numpy": "np.ndarray"}.get(world, "Tensor")

    def dtype(self, word):
        return word

    def abstract(self, name):
        return name


def array(*shape, dtype="float32", world="numpy"):
    return ("array", world, dtype, shape, "cpu")


def items(kind, *each):
    return ("items", kind, each)


NONE = ("none",)


def integer(value):
    return ("int", value)


def text(name):
    return ("object", "builtins", name)


def annotations(parameters, *calls, kind="return", uses=3, libraries=frozenset({"numpy"}), **said):
    """Return the annotation of each place, for calls as tuples: the arguments, and the result.

    The calls come from three callers, unless `uses` is smaller.
    """
    observed = Observed("f.py", "f", 1, tuple(parameters.split()))
    observed.callers = {f"caller {i}" for i in range(uses)}
    for *arguments, result in calls:
        observed.calls[Call(kind, tuple(arguments), result)] += 1
    said.setdefault("arrays", frozenset(parameters.split()))
    found = deduce(observed, Said(libraries=libraries, **said))
    spelled = {}
    for name, form in found.forms.items():
        if name in found.left_out:
            spelled[name] = f"left out: {found.left_out[name].seen}"
            continue
        try:
            spelled[name] = spell(
                form, found.axes, found.words, Plain(), any_world=found.kind == "same_world"
            )
        except LeftOut as why:
            spelled[name] = f"left out: {why}"
    return spelled


def axes(parameters, *calls, **said):
    """Return only the axis strings."""
    return {
        name: hint.split('"')[1].strip() if '"' in hint else hint
        for name, hint in annotations(parameters, *calls, **said).items()
    }


SIZES = [(2, 3, 5), (4, 7, 6), (8, 9, 11), (1, 2, 13)]


# --- axes that are one


def test_axes_that_are_always_equal_have_one_name():
    calls = [(array(n, m), array(m, k), array(n, k)) for n, m, k in SIZES]
    assert axes("a b", *calls) == {"a": "b d", "b": "d n", "return": "b n"}


def test_one_call_tells_kinds_of_dtypes_and_nothing_else():
    assert axes("a b", (array(2, 3), array(3, 4), array(2, 4))) == {
        "a": "...",
        "b": "...",
        "return": "left out: it may have no axes",
    }


def test_calls_that_differ_in_nothing_but_values_are_one_call():
    calls = [(array(2, 3), integer(k), array(2, 3)) for k in range(9)]
    assert axes("a k", *calls)["a"] == "..."


def test_what_is_always_of_one_likely_size_is_not_taken_for_one_axis():
    calls = [(array(n, 2), array(2, n + 1), NONE) for n, *_ in SIZES]
    found = axes("a b", *calls)
    assert not set(found["a"].split()) & set(found["b"].split())


def test_what_is_always_of_one_unlikely_size_is_one_axis():
    calls = [(array(n, 64), array(64), NONE) for n, *_ in SIZES]
    assert axes("a b", *calls) == {"a": "b d", "b": "d", "return": "left out: always None"}


def test_unless_something_else_has_that_size_too():
    calls = [(array(n, 64, 64), array(64), NONE) for n, *_ in SIZES]
    found = axes("a b", *calls)
    assert found["b"] not in found["a"].split()


def test_what_never_changes_is_one_at_the_same_place_of_arrays_that_are_alike():
    calls = [(array(n, 2, k), array(n, 2, k)) for n, _, k in SIZES]
    found = axes("a", *calls)
    assert found["a"] == found["return"]


def test_an_array_alone_is_no_square_since_tests_like_squares():
    assert axes("a", *[(array(n, n), NONE) for n, *_ in SIZES])["a"] == "b d"
    said = {"ranked": frozenset("ab")}
    squares = axes("a b", *[(array(n, n), array(n), NONE) for n, *_ in SIZES], **said)
    assert squares["a"].split() == [squares["b"]] * 2


# --- numbers


def test_the_last_axis_is_a_number_where_the_code_writes_it_out():
    calls = [(array(n, m, 3), array(n, m, 4)) for n, m, _ in SIZES]
    assert axes("image", *calls) == {"image": "h w c", "return": "h w _"}
    written = frozenset({3, 4})
    assert axes("image", *calls, literals=written) == {"image": "h w 3", "return": "h w 4"}


def test_a_size_of_1_is_a_number_where_the_code_requires_it_alone():
    calls = [(array(1, m, 1), array(1, m)) for _, m, _ in SIZES]
    assert axes("x", *calls, literals=frozenset({1})) == {"x": "b t d", "return": "_ t"}
    assert axes("x", *calls, sizes={("x", -1): 1})["x"] == "b t 1"


def test_what_the_tests_happened_to_use_is_no_number():
    calls = [(array(n, 64), NONE) for n, *_ in SIZES]
    assert axes("x", *calls)["x"] == "b d"
    batches = [(array(2, n), NONE) for n, *_ in SIZES]
    assert axes("x", *batches)["x"] == "b d"


def test_a_size_that_the_code_compares_with_is_a_number():
    calls = [(array(n, 9), NONE) for n, *_ in SIZES]
    assert axes("x", *calls, sizes={("x", 1): 9})["x"] == "b 9"


# --- runs of axes


def test_where_the_rank_differs_a_run_of_axes_stands_first():
    shapes = [(3,), (2, 5), (4, 2, 7)]
    calls = [(array(*s, 3), array(*s), array(*s, 8)) for s in shapes]
    found = axes("a b", *calls)
    assert found["a"].startswith("*#batch")
    assert found["b"] == "*#batch"
    assert found["return"] == "left out: it may have no axes"


def test_a_function_of_elements_is_of_any_shape():
    shapes = [(3,), (2, 5), (4, 2, 7), (6, 2)]
    assert axes("x", *[(array(*s), array(*s)) for s in shapes]) == {
        "x": "*batch",
        "return": "*batch",
    }


def test_the_run_stands_last_where_the_first_axis_is_what_arrays_share():
    calls = [(array(*s), array(s[0]), NONE) for s in [(3,), (2, 5), (4, 2, 7)]]
    found = axes("x y", *calls)
    assert found["x"] == f"{found['y']} ..."


def test_arrays_without_axes():
    assert annotations("x", *[(array(), array())] * 3)["x"] == 'Real[np.ndarray, "..."]'
    said = {"ranked": frozenset({"x"})}
    assert annotations("x", *[(array(), array())] * 3, **said)["x"] == 'Real[np.ndarray, ""]'


# --- broadcasting


def test_an_axis_that_is_sometimes_one_broadcasts():
    calls = [
        (array(n, m), array(*s), array(n, m))
        for (n, m, _), s in zip(SIZES, [(2, 3), (1, 7), (8, 1), (1, 2)], strict=True)
    ]
    assert axes("x mask", *calls, (array(5, 6), array(5, 6), array(5, 6)))["mask"] == "#b #d"


# --- what is computed


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (lambda n, k: n + 1, "n+1"),
        (lambda n, k: n - 2, "n-2"),
        (lambda n, k: 2 * n, "2*n"),
        (lambda n, k: n // 2, "n//2"),
        (lambda n, k: n + k, "n+{k}"),
        (lambda n, k: n * k, "n*{k}"),
        (lambda n, k: n + 2 * k, "n+2*{k}"),
        (lambda n, k: n - k + 1, "n-{k}+1"),
        (lambda n, k: k, "{k}"),
    ],
)
def test_a_size_that_is_computed(size, expected):
    pairs = [(20, 3), (31, 4), (44, 2), (57, 9), (63, 5), (78, 11)]
    calls = [(array(n), integer(k), array(size(n, k))) for n, k in pairs]
    assert axes("x k", *calls)["return"] == expected


def test_an_argument_that_may_be_none_is_no_size():
    pairs = [(20, 3), (31, 4), (44, 2), (57, 9), (63, 5), (78, 11)]
    calls = [(array(n), integer(k), array(k)) for n, k in pairs]
    assert axes("x k", *calls, optional=frozenset({"k"}))["return"] == "_"


@pytest.mark.parametrize("other", [0, 1])
def test_of_two_numbers_that_were_always_equal_none_is_the_size(other):
    """Tests pass one number as the height and as the width."""
    pairs = [(20, 3), (31, 4), (44, 2), (57, 9), (63, 5), (78, 11)]
    calls = [(array(n), integer(k), integer(k + other), array(k, k)) for n, k in pairs]
    assert axes("x h w", *calls)["return"] == ("{h} {h}" if other else "_ _")


def test_few_calls_compute_nothing():
    calls = [(array(n), array(n + 1)) for n in (3, 5)]
    assert axes("x", *calls)["return"] == "_"


def test_the_simpler_reading_wins():
    calls = [(array(n), array(n + 1), array(n + 1)) for n in (3, 5, 8, 13, 21)]
    assert axes("x y", *calls)["return"] == axes("x y", *calls)["y"]


# --- names


def test_the_code_names_axes_first():
    calls = [(array(n, m), array(n)) for n, m, _ in SIZES]
    named = {("x", (), 0): "tokens", ("x", (), 1): "width"}
    assert axes("x", *calls, names=named) == {"x": "tokens width", "return": "tokens"}


def test_an_argument_names_the_axis_that_it_is():
    calls = [(array(n, m), integer(n), array(n)) for n, m, _ in SIZES]
    assert axes("x batch_size", *calls)["x"] == "batch_size d"


@pytest.mark.parametrize(
    ("name", "world", "rank", "expected"),
    [
        ("x", "torch", 4, "b c h w"),
        ("x", "torch", 3, "b t d"),
        ("image", "numpy", 3, "h w c"),
        ("image", "torch", 3, "c h w"),
        ("images", "numpy", 4, "b h w c"),
        ("weight", "torch", 4, "o i kh kw"),
        ("x", "torch", 1, "n"),
    ],
)
def test_names_that_people_use(name, world, rank, expected):
    calls = [(array(*range(k, k + rank), world=world), NONE) for k in (5, 15, 25)]
    assert axes(name, *calls)[name] == expected


# --- dtypes, worlds, containers


@pytest.mark.parametrize(
    ("dtypes", "word"),
    [
        ({"float32"}, "Float32"),
        ({"float32", "float64"}, "Float"),
        ({"bfloat16", "float16"}, "Float"),
        ({"int8", "int64"}, "Int"),
        ({"uint8", "int64"}, "Integer"),
        ({"float32", "int64"}, "Real"),
        ({"float32", "complex64"}, "Inexact"),
        ({"complex64", "int8"}, "Num"),
        ({"bool"}, "Bool"),
        ({"bool", "int8"}, "Shaped"),
        ({"datetime64"}, "Shaped"),
    ],
)
def test_the_narrowest_word_that_takes_all(dtypes, word):
    assert dtype_word(dtypes) == word
    assert all(word_takes(word, dtype) for dtype in dtypes)


def test_no_word_takes_what_the_words_of_jaxtyping_refuse():
    jaxtyping = pytest.importorskip("jaxtyping")
    np = pytest.importorskip("numpy")
    words = ["Bool", "Int8", "Int", "UInt", "Integer", "Float32", "Float", "Complex64"]
    for word in [*words, "Complex", "Inexact", "Real", "Num", "Shaped"]:
        for dtype in ["bool", "int8", "int64", "uint8", "float32", "float64", "complex64"]:
            oracle = isinstance(np.zeros(1, dtype), getattr(jaxtyping, word)[np.ndarray, "n"])
            assert word_takes(word, dtype) == oracle, (word, dtype)


def test_none_among_arrays_is_an_option():
    calls = [(array(2, 3), NONE), (NONE, NONE)]
    assert annotations("x", *calls)["x"] == 'Real[np.ndarray, "..."] | None'


def test_several_worlds_in_one_call_are_a_union():
    calls = [(array(n), array(n, world="torch"), NONE) for n, *_ in SIZES]
    calls += [(array(n, world="torch"), array(n, world="torch"), NONE) for n, *_ in SIZES]
    found = annotations("x y", *calls)
    assert found["x"] == 'Real[np.ndarray, " n"] | Real[Tensor, " n"]'
    assert found["y"] == 'Float[Tensor, " n"]'


def test_a_number_beside_arrays():
    calls = [(array(2, 3, world="torch"), NONE), (integer(3), NONE), (text("float"), NONE)]
    assert annotations("x", *calls)["x"] == 'Float[Tensor, "..."] | float'


def test_containers():
    image = [array(n, m) for n, m, _ in SIZES]
    calls = [
        (
            items("list", each, each),
            items("tuple", each, array(*each[3][:1])),
            ("dict", "dict", (("a", each),)),
            NONE,
        )
        for each in image
    ]
    assert annotations("x y z", *calls) == {
        "x": 'Sequence[Real[np.ndarray, "b d"]]',
        "y": "left out: a tuple, of which the code does not say how long it is",
        "z": 'Mapping[str, Real[np.ndarray, "b d"]]',
        "return": "left out: always None",
    }
    said = {"containers": {"x": "list", "z": "dict"}}
    assert annotations("x y z", *calls, **said) == {
        "x": 'list[Real[np.ndarray, "b d"]]',
        "y": "left out: a tuple, of which the code does not say how long it is",
        "z": 'dict[str, Real[np.ndarray, "b d"]]',
        "return": "left out: always None",
    }


def test_axes_that_differ_within_a_list_have_no_name():
    calls = [(items("list", array(n, 7), array(n + 1, 7)), NONE) for n, *_ in SIZES]
    assert axes("x", *calls)["x"] == "_ d"


def test_what_has_no_common_word_is_left_out_and_says_why():
    strange = ("object", "shop.graph", "Graph")
    calls = [(array(2, world="torch"), NONE), (strange, NONE)]
    assert annotations("x", *calls)["x"] == "left out: shop.graph.Graph beside arrays"


# --- decorators


def kind(*calls, world="", **said):
    observed = Observed("f.py", "f", 1, ("x", "y"))
    observed.calls = Counter(Call("return", given[:-1], given[-1]) for given in calls)
    return deduce(observed, Said(**said), world=world).kind


A, T, ONE = array(2), array(2, world="torch"), integer(1)
NUMPY, TORCH = frozenset({"numpy"}), frozenset({"torch"})


def test_the_decorator_is_what_came():
    assert kind((A, ONE, A), libraries=NUMPY) == "numpy_world"
    assert kind((T, T, T), libraries=TORCH) == "torch_world"
    assert kind((A, A, A), (T, T, T)) == "same_world"
    assert kind((A, T, T)) == "boundary"
    assert kind((A, ONE, T)) == "boundary"
    assert kind((ONE, ONE, A), (ONE, ONE, T)) == "boundary"
    assert kind((ONE, ONE, ONE)) == ""
    assert kind((T, T, T), world="boundary") == "boundary"


def test_code_that_means_something_else_in_another_library_is_not_for_any():
    assert kind((A, ONE, A)) == "same_world"
    assert kind((A, ONE, A), differs=True) == ""
    assert kind((A, ONE, A), differs=True, libraries=NUMPY) == "numpy_world"
    assert kind((A, A, A), (T, T, T), differs=True) == "same_world"  # both came


def test_one_library_is_claimed_only_where_the_code_uses_no_other():
    assert kind((A, ONE, A)) == "same_world"
    assert kind((ONE, ONE, A)) == ""
    assert kind((T, T, T), libraries=TORCH | NUMPY) == ""
    assert kind((T, T, T), libraries=TORCH | NUMPY, world="torch") == "torch_world"
    assert kind((T, T, T), libraries=NUMPY) == ""
    assert kind((T, T, T), libraries=TORCH, any_library={"x"}) == ""
    assert kind((T, T, T), libraries=TORCH, open={"x": 3}) == "torch_world"


def test_calls_that_raised_tell_nothing():
    observed = Observed("f.py", "f", 1, ("x",))
    observed.calls[Call("raise", (array(2, 3),), None)] = 5
    observed.calls[Call("return", (array(4),), NONE)] = 1
    found = deduce(observed, Said())
    assert found.calls == 1
    assert {slot.ranks.copy().pop() for slot in found.axes} == {1}


# --- evidence


def test_the_table_of_evidence_is_the_one_in_the_reference():
    page = Path(__file__).parents[2] / "docs" / "adopting.md"
    assert claim_table() in page.read_text("utf-8")


@pytest.mark.parametrize("uses", [1, 2, 3])
def test_a_rank_needs_three_uses_or_the_code(uses):
    calls = [(array(n, m), array(n)) for n, m, _ in SIZES]
    expected = "..." if uses < 3 else "b d"
    assert axes("x", *calls, uses=uses)["x"] == expected
    assert axes("x", *calls, uses=uses, ranked=frozenset({"x"}))["x"] == "b d"


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (lambda n, m: ((n, m), (n, m)), {"x": "*shape", "return": "*shape"}),
        (lambda n, m: ((n, m), (n,)), {"x": "...", "return": "left out: it may have no axes"}),
        (lambda n, m: ((n, 3), (n, 4)), {"x": "*shape 3", "return": "*shape 4"}),
        (lambda n, m: ((n, m, 3), (n, 4)), {"x": "... 3", "return": "... 4"}),
    ],
)
def test_of_one_use_what_holds_for_every_rank_stays(shapes, expected):
    calls = [tuple(array(*shape) for shape in shapes(n, m)) for n, m, _ in SIZES]
    assert axes("x", *calls, uses=1, literals=frozenset({3, 4})) == expected


def test_of_one_use_the_first_axis_stays_where_arrays_of_other_ranks_share_it():
    calls = [(array(n, m), array(n), array(n, m, 7)) for n, m, _ in SIZES]
    assert axes("x y", *calls, uses=1) == dict.fromkeys(("x", "y", "return"), "b ...")


@pytest.mark.parametrize("uses", [2, 3])
def test_a_square_of_two_arrays_needs_three_uses(uses):
    calls = [(array(n, n), array(n), array(n, n)) for n, *_ in SIZES]
    ranked = frozenset({"x", "y"})
    found = axes("x y", *calls, uses=uses, ranked=ranked)
    assert found["x"] == found["return"]
    assert len({*found["x"].split()}) == (1 if uses == 3 else 2)


@pytest.mark.parametrize(
    ("argument", "result", "expected"),
    [
        (lambda n: (n, n), lambda n: (n, n), ("b d", "b d")),
        (lambda n: (n, n), lambda n: (n,), ("b d", "b")),
        (lambda n: (2, n, n), lambda n: (2, n, n), ("b t d", "b t d")),
        (lambda n: (n, n, n), lambda n: (n, n, n), ("b t d", "b t d")),
        (lambda n: (n, 3), lambda n: (n, n), ("b d", "b b")),
    ],
    ids=["as it came", "less", "an image", "a cube", "a square of a vector"],
)
def test_an_argument_is_no_square_because_its_result_is_one(argument, result, expected):
    """Tests like square images, however many sizes and tests there are."""
    calls = [(array(*argument(n)), array(*result(n))) for n in (5, 6, 7, 8)]
    found = axes("x", *calls, uses=9, ranked=frozenset("x"))
    assert (found["x"], found["return"]) == expected


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("sizes", [2, 3])
def test_arguments_that_all_were_squares_are_alike_and_perhaps_no_squares(count, sizes):
    """Tests of ``a @ b`` take squares, since these fit whichever way round they are."""
    names = ["x", "y", "z"][:count]
    calls = [(*[array(n, n)] * count, array(n, n)) for n in (3, 5, 7)[:sizes]]
    found = axes(" ".join(names), *calls, uses=3, ranked=frozenset(names))
    assert {*found.values()} == ({"b d"} if sizes == 2 else {"b b"})
    assert "b b" not in axes(" ".join(names), *calls, uses=2, ranked=frozenset(names)).values()
    calls = [(array(n, n), array(n, n), array(n), array(n)) for n in (3, 5)]
    found = axes("x y z", *calls, uses=3, ranked=frozenset("xyz"))
    assert found == {"x": "b b", "y": "b b", "z": "b", "return": "b"}  # a vector says more


def test_squares_come_in_batches_unless_the_code_says_their_rank():
    calls = [(array(n, n), array(n), array(n)) for n, *_ in SIZES]
    expected = {"x": "... b b", "y": "b", "return": "... b"}
    assert axes("x y", *calls) == expected
    assert axes("x y", *calls, ranked=frozenset({"x", "y"})) == {
        name: text.removeprefix("... ") for name, text in expected.items()
    }


def test_of_several_ranks_the_smallest_is_no_contract_unless_its_axes_are_shared():
    shapes = [(2, 3), (4, 3, 5), (6, 7, 2, 9)]
    assert axes("x", *[(array(*s), array(4)) for s in shapes])["x"] == "..."
    assert axes("x y", *[(array(*s), array(s[-1]), NONE) for s in shapes])["x"] == "... t d"


def test_floats_are_real_or_complex_where_the_package_was_called_with_both():
    calls = [(array(n), array(n, dtype="complex64")) for n, *_ in SIZES]
    found = annotations("x", *calls, kinds=frozenset({"Float", "Complex"}))
    assert found == {"x": 'Num[np.ndarray, " n"]', "return": 'Inexact[np.ndarray, " n"]'}


@pytest.mark.parametrize(
    ("world", "dtypes", "kinds", "words"),
    [
        ("numpy", ("float32", "float32"), (), ("Real", "Real")),
        ("numpy", ("float32", "float32"), ("Float", "Complex"), ("Num", "Num")),
        ("numpy", ("int64", "float32"), (), ("Int", "Float")),
        ("torch", ("float32", "float32"), (), ("Float", "Float")),
        ("torch", ("float32", "float32"), ("Float", "Complex"), ("Inexact", "Inexact")),
    ],
)
def test_what_takes_floats_of_numpy_takes_integers_too(world, dtypes, kinds, words):
    given, result = dtypes
    calls = [
        (array(n, dtype=given, world=world), array(n, dtype=result, world=world)) for n, *_ in SIZES
    ]
    found = annotations("x", *calls, kinds=frozenset(kinds), libraries=frozenset({world}))
    assert tuple([found[name].partition("[")[0] for name in ("x", "return")]) == words


@pytest.mark.parametrize(
    ("dtype", "uses", "word"),
    [
        ("float32", 1, "Real"),
        ("float64", 3, "Real"),
        ("complex64", 1, "Complex"),
        ("int64", 1, "Shaped"),
        ("int64", 2, "Shaped"),
        ("int64", 3, "Int"),
        ("uint8", 1, "Shaped"),
        ("bool", 1, "Shaped"),
        ("bool", 3, "Bool"),
    ],
)
def test_a_dtype_has_its_kind_and_a_width_only_where_the_code_says_so(dtype, uses, word):
    calls = [(array(n, dtype=dtype), array(n, dtype=dtype)) for n, *_ in SIZES]
    assert annotations("x", *calls, uses=uses)["x"].startswith(f"{word}[")
    said = {"dtypes": {"x": dtype, "return": "int8"}}
    found = annotations("x", *calls, uses=uses, **said)
    assert found["x"].startswith(f"{dtype_word({dtype})}[")
    assert found["return"].startswith(f"{word}[")


def test_what_the_code_leaves_open_is_left_out():
    calls = [(array(n), array(n)) for n, *_ in SIZES]
    assert annotations("x", *calls, open={"x": 7})["x"] == "left out: line 7 leaves open what it is"
    found = annotations("x", *calls, gives=frozenset({"any", "tuple 2"}))
    assert found["return"] == "left out: no tuple of 2 was returned, as the code may"
    found = annotations("x", *calls, gives=frozenset({"any", "none"}), optional=frozenset({"x"}))
    assert found == dict.fromkeys(("x", "return"), 'Real[np.ndarray, " n"] | None')


@pytest.mark.parametrize("cls", ["int", "float", "complex", "bool", "str", "bytes"])
@pytest.mark.parametrize("uses", [1, 9])
def test_a_number_or_a_string_is_claimed_by_the_code_alone(cls, uses):
    """Libraries have number classes of their own, and a string in tests may elsewhere be a list."""
    calls = [(array(n), integer(n) if cls == "int" else text(cls), NONE) for n, *_ in SIZES]
    assert annotations("x k", *calls, uses=uses)["k"] == f"left out: {cls}"
    assert annotations("x k", *calls, uses=uses, classes={"k": cls})["k"] == cls


@pytest.mark.parametrize(
    ("gives", "came", "is_left"),
    [
        ({"any"}, items("list", array(3)), True),
        ({"list"}, items("list", array(3)), False),
        ({"list", "any"}, items("list", array(3)), True),
        ({"tuple 2"}, items("tuple", array(3), array(3)), False),
        ({"any"}, items("tuple", array(3), array(3)), True),
        ({"dict"}, ("dict", "dict", (("a", array(3)),)), False),
        ({"any"}, ("dict", "dict", (("a", array(3)),)), True),
        ({"plain"}, text("float"), False),
        ({"any"}, text("float"), True),
        ({"any"}, array(3, world="torch"), False),
    ],
)
def test_the_class_of_a_result_is_what_the_code_writes_out(gives, came, is_left):
    calls = [(array(n, world="torch"), came) for n, *_ in SIZES]
    found = annotations("x", *calls, gives=frozenset(gives))["return"]
    assert found.startswith("left out: the code does not say") == is_left


@pytest.mark.parametrize("said", ["arrays", "handed", "parts", ""])
def test_an_argument_that_is_handed_on_only_may_be_none(said):
    calls = [(array(n, world="torch"), NONE) for n, *_ in SIZES]
    more = {"arrays": frozenset(), **({said: frozenset({"x"})} if said else {})}
    found = annotations("x", *calls, uses=2, libraries=frozenset({"torch"}), **more)["x"]
    assert found.startswith("left out: it is handed on only, as None might be") == (not said)
    more = {"arrays": frozenset()}
    found = annotations("x", *calls, uses=3, libraries=frozenset({"torch"}), **more)["x"]
    assert found == 'Float[Tensor, " n"]'


@pytest.mark.parametrize("said", ["iterated", "containers", ""])
def test_a_container_that_is_handed_on_only_may_be_anything(said):
    calls = [(items("list", array(n)), NONE) for n, *_ in SIZES]
    what = {"x": "list"} if said == "containers" else frozenset({"x"})
    more = {"arrays": frozenset(), **({said: what} if said else {})}
    assert annotations("x", *calls, **more)["x"].startswith("left out") == (not said)


@pytest.mark.parametrize(("optional", "result"), [((), "*shape"), (("y",), "...")])
def test_a_result_may_follow_an_argument_that_was_never_passed(optional, result):
    calls = [(array(n, m, world="torch"), NONE, array(n, m, world="torch")) for n, m, _ in SIZES]
    assert axes("x y", *calls, uses=1, optional=frozenset(optional))["return"] == result


@pytest.mark.parametrize("beside", [integer(3), text("float"), items("list", array(3))])
def test_what_came_as_an_array_and_as_something_else_may_be_anything(beside):
    calls = [(array(n), NONE) for n, *_ in SIZES] + [(beside, NONE)]
    assert annotations("x", *calls)["x"] == "left out: what came beside arrays was made one"
    calls = [(NONE if each is NONE else each, NONE) for each, _ in calls[:-1]] + [(NONE, NONE)]
    assert annotations("x", *calls)["x"] == 'Real[np.ndarray, " n"] | None'


@pytest.mark.parametrize(("world", "is_left"), [("numpy", True), ("torch", False)])
def test_what_is_handed_on_only_may_be_a_list_where_the_library_takes_lists(world, is_left):
    calls = [(array(n, world=world), NONE) for n, *_ in SIZES]
    libraries = frozenset({world})
    found = annotations("x", *calls, arrays=frozenset(), libraries=libraries)["x"]
    assert (found == "left out: the code would work with a number or a list, too") == is_left


@pytest.mark.parametrize(("world", "is_left"), [("numpy", True), ("torch", False)])
@pytest.mark.parametrize("uses", [1, 2])
def test_what_is_combined_may_be_a_list_where_the_library_takes_lists(uses, world, is_left):
    calls = [(array(n, world=world), NONE) for n, *_ in SIZES]
    more = {"libraries": frozenset({world}), "combined": frozenset({"x"})}
    found = annotations("x", *calls, arrays=frozenset(), uses=uses, **more)["x"]
    assert found.startswith("left out") == is_left


def test_the_length_of_a_tuple_without_arrays_is_not_known():
    calls = [(array(n), items("tuple", text("float"))) for n, *_ in SIZES]
    assert annotations("x", *calls)["return"] == "tuple[float, ...]"


def test_a_result_of_several_ranks_claims_no_axis_that_has_no_name():
    shapes = [(2,), (3, 4), (5, 6, 7)]
    calls = [tuple(array(*s, *end, world="torch") for end in [(), (7, 8)]) for s in shapes]
    assert axes("x", *calls)["return"] == "..."


def test_what_is_made_of_no_array_has_a_rank_only_if_its_axes_are_the_arguments():
    calls = [(integer(n), array(n, 3)) for n, *_ in SIZES]
    said = {"literals": frozenset({3})}
    assert axes("n", *calls, uses=1, **said)["return"] == "{n} 3"
    calls = [(integer(1), array(n, m)) for n, m, _ in SIZES]
    assert axes("n", *calls, uses=1)["return"] == "left out: it may have no axes"


# --- what holds for all


NAMES = st.sampled_from("abcde")
SIGNATURES = st.lists(st.lists(NAMES, min_size=1, max_size=4, unique=True), min_size=2, max_size=4)


@given(SIGNATURES, st.data())
def test_the_partition_of_the_axes_is_that_of_whoever_made_the_calls(signature, data):
    """Sizes that were drawn independently tell axes apart; axes of one name are found to be one."""
    names = sorted({name for each in signature for name in each})
    rows = data.draw(
        st.lists(
            st.lists(st.integers(5, 90), min_size=len(names), max_size=len(names), unique=True),
            min_size=6,
            max_size=6,
        )
    )
    assume(all(len({row[i] for row in rows}) == len(rows) for i in range(len(names))))
    calls = []
    for row in rows:
        sizes = dict(zip(names, row, strict=True))
        calls.append((*(array(*map(sizes.get, each)) for each in signature), NONE))
    parameters = [f"p{i}" for i in range(len(signature))]
    found = axes(" ".join(parameters), *calls)
    planted = [name for each in signature for name in each]
    ours = [word for each in parameters for word in found[each].split()]
    for i, one in enumerate(planted):
        for j, other in enumerate(planted[:i]):
            assert (one == other) == (ours[i] == ours[j])


SHAPES = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(st.lists(st.tuples(SHAPES, SHAPES, SHAPES), min_size=1, max_size=12))
def test_every_call_keeps_the_contract_that_is_made_of_it(shapes):
    calls = [tuple(array(*each) for each in call) for call in shapes]
    found = annotations("x y", *calls)
    for call in shapes:
        bound = {}
        for name, shape in zip(("x", "y", "return"), call, strict=True):
            if found[name].startswith("left out"):
                continue
            tree = ast.parse(found[name], mode="eval").body
            words = parse_axes(tree.slice.elts[1].value)
            assert match_shape(words, shape, bound) is None, (found, call)


FUNCTIONS = {
    "element by element": lambda shape: ([shape], shape),
    "sum of the last axis": lambda shape: ([shape], shape[:-1]),
    "sum that keeps the axis": lambda shape: ([shape], (*shape[:-1], 1)),
    "one more axis": lambda shape: ([shape], (1, *shape)),
    "outer product": lambda shape: ([shape], shape * 2),
    "matrix product": lambda s: ([s, (*s[:-2], s[-1], s[-2])], (*s[:-2], s[-2], s[-2])),
    "sum of two": lambda shape: ([shape, shape], shape),
}
BROADCAST = [((3, 4), (4,)), ((2, 1), (1, 5)), ((4,), (2, 4)), ((1,), (7, 8))]
SAME_RANK = st.integers(2, 4).flatmap(
    lambda rank: st.lists(
        st.lists(st.integers(1, 6), min_size=rank, max_size=rank).map(tuple), min_size=1, max_size=6
    )
)


@given(
    st.sampled_from(sorted(FUNCTIONS)),
    SAME_RANK,
    st.lists(st.integers(1, 9), min_size=2, max_size=5),
)
def test_what_one_use_shows_refuses_no_other_use_of_the_same_function(name, traced, used):
    """Batches of 1, one size, one rank, squares: no other shape that the function takes is rejected."""
    function = FUNCTIONS[name]
    calls = []
    for shape in traced:
        given, result = function(shape)
        calls.append((*(array(*each) for each in given), array(*result)))
    parameters = ("x", "y")[: len(calls[0]) - 1]
    found = annotations(" ".join(parameters), *calls, uses=1)
    wanted = [function(tuple(used))]
    if name == "sum of two":
        wanted += [(list(pair), np.broadcast_shapes(*pair)) for pair in BROADCAST]
    for given, result in wanted:
        bound = {}
        for place, shape in zip((*parameters, "return"), (*given, result), strict=True):
            if not found[place].startswith("left out"):
                tree = ast.parse(found[place], mode="eval").body
                words = parse_axes(tree.slice.elts[1].value)
                assert match_shape(words, tuple(shape), bound) is None, (found, given, result)


# --- what the docstring says

PAIRS = [(2, 3), (4, 7), (8, 9)]


def shaped(**words):
    """Describe places, ``x="n m"``; the items of a result by ``result_0="n"``."""
    found = {}
    for name, each in words.items():
        place = ("return", (f"[{name[7:]}]",)) if name[:7] == "result_" else (name.strip("_"), ())
        found[place] = tuple(tuple(part.split()) for part in each.split(" or "))
    return found


def test_axes_have_the_names_of_the_docstring():
    calls = [(array(n, m), array(n)) for n, m in PAIRS]
    told = shaped(x="n_samples n_features", return_="n_samples")
    assert axes("x", *calls, described=told) == {"x": "n_samples n_features", "return": "n_samples"}


def test_a_rank_of_the_docstring_needs_no_other_evidence():
    calls = [(array(n, m), array(n)) for n, m in PAIRS]
    assert axes("x", *calls, uses=1)["x"] == "..."
    assert axes("x", *calls, uses=1, described=shaped(x="n m", return_="n")) == {
        "x": "n m",
        "return": "n",
    }


@pytest.mark.parametrize("told", ["... m", "n ...", "... n m", "n ... m"])
def test_axes_that_the_docstring_leaves_open_stay_open(told):
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    found = axes("x", *calls, described=shaped(x=told, return_=told))
    assert found == {"x": told, "return": told}


def test_a_result_that_may_have_no_axes_is_left_out():
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    found = axes("x", *calls, described=shaped(x="...", return_="..."))
    assert found == {"x": "...", "return": "left out: it may have no axes"}


def test_a_result_that_is_not_described_has_the_open_axes_of_its_argument():
    calls = [(array(n, m), array(n)) for n, m in PAIRS]
    assert axes("x", *calls, described=shaped(x="... m"))["return"] == "... b"


def test_the_last_axes_stay_apart_from_ranks_that_differ():
    calls = [(array(n, n), array(n)) for n, _ in PAIRS]
    calls += [(array(5, n, n), array(5, n)) for n, _ in PAIRS]
    assert axes("x", *calls, described=shaped(x="... k k")) == {
        "x": "*batch k k",
        "return": "*batch k",
    }


@pytest.mark.parametrize("told", [{}, {"x": "... k k"}, {"y": "... m m"}])
def test_batches_of_two_arguments_may_broadcast(told):
    batches = [(6,), (3,), (4, 2), (5, 3)]
    calls = [
        (array(*batch, n, n), array(*batch, m, m), array(*batch, n, m))
        for batch in batches
        for n, m in [(5, 7), (8, 9)]
    ]
    found = axes("x y", *calls, described=shaped(**told))
    starts = {name: each.split()[0] for name, each in found.items()}
    assert starts == {"x": "*#batch", "y": "*#batch", "return": "*batch"}


def test_batches_of_two_arguments_that_are_joined_do_not_broadcast():
    calls = [(array(*s, 3), array(*s, 4), NONE) for s in [(3,), (2, 5), (4, 2, 7)]]
    found = axes("x y", *calls)
    assert (found["x"], found["y"]) == ("*#batch d", "*#batch n")
    found = axes("x y", *calls, tied=frozenset({frozenset("xy")}))
    assert (found["x"], found["y"]) == ("*batch d", "*batch n")


def test_a_size_that_the_code_requires_of_the_last_axis_is_written_at_any_rank():
    shapes = [(2, 4), (7, 4), (5, 3, 4), (4,)]
    calls = [(array(*shape), array(*shape[:-1])) for shape in shapes]
    found = axes("x", *calls, sizes={("x", -1): 4}, batched={("x", ()): (0, 1)})
    assert found["x"] == "... 4"
    found = axes("x", *calls[:2], sizes={("x", -1): 4}, batched={("x", ()): (0, 1)})
    assert found["x"] == "... 4"


def test_two_words_are_two_axes_however_equal_they_were():
    calls = [(array(5, n, n), array(n, n)) for n, _ in PAIRS]
    told = shaped(x="k n m", return_="n m")
    assert axes("x", *calls, described=told) == {"x": "k n m", "return": "n m"}


def test_one_word_is_one_axis_after_one_call():
    call = array(3, 4), array(4, 4), array(3, 4)
    told = shaped(x="n d", y="d d", return_="n d")
    assert axes("x y", call, uses=1, described=told) == {"x": "n d", "y": "d d", "return": "n d"}


@pytest.mark.parametrize(
    "told", ["n", "n m k", "n n", "2 m", "... n n", "a b c ...", "... n ...", ""]
)
def test_a_shape_that_does_not_fit_is_ignored(told):
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    without = axes("x", *calls)
    assert axes("x", *calls, described=shaped(x=told)) == without


def test_a_number_of_the_docstring_is_required_as_one_in_the_code_is():
    calls = [(array(n, 3), array(n)) for n, _ in PAIRS]
    assert axes("x", *calls, described=shaped(x="n 3", return_="n"))["x"] == "n 3"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("n m or m", "... m"),
        ("n m or k n m", "... n m"),
        ("n m or ... n m", "... n m"),
        ("n m or b k", "..."),
        ("n m or n", "..."),
        ("n m or m or 5", "..."),
    ],
)
def test_several_shapes_have_their_last_axes_in_common(told, expected):
    calls = [(array(n, m), array(n)) for n, m in PAIRS]
    assert axes("x", *calls, described=shaped(x=told))["x"] == expected


def test_words_that_are_no_names_name_nothing():
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    assert axes("x", *calls, described=shaped(x="lambda n+1", return_="_ 2*n"))["x"] == "b d"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("number", "left out: its docstring says that it may be a number"),
        ("other", "left out: its docstring says that it may be something else"),
        ("list", None),
    ],
)
def test_what_may_be_more_than_an_array_is_left_out(other, why):
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    others = {(name, ()): frozenset({other}) for name in ("x", "return")}
    found = annotations("x", *calls, described_others=others)
    for each in ("x", "return"):
        if why is not None:
            assert found[each] == why
    unused = annotations("x", *calls, described_others=others, arrays=frozenset({}))
    assert unused["x"].startswith("left out: ")


def test_a_result_that_the_code_gives_as_a_number_is_left_out_unless_one_came():
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    gives = frozenset({"any", "plain"})
    found = annotations("x", *calls, gives=gives)
    assert found["return"] == "left out: no number was returned, as the code may"
    found = annotations("x", *calls, (array(2, 2), text("float")), gives=frozenset({"plain"}))
    assert found["return"].endswith("| float")


def test_a_number_that_came_is_no_reason_to_leave_it_out():
    calls = [(array(n, m), array(n, m)) for n, m in PAIRS]
    calls += [(array(2, 2), text("float"))]
    others = {("return", ()): frozenset({"number"})}
    assert annotations("x", *calls, described_others=others)["return"].endswith("| float")


@pytest.mark.parametrize(("dtype", "number"), [("float64", "float"), ("int64", "int")])
def test_a_float_may_come_where_arrays_of_floats_and_an_integer_came(dtype, number):
    def tensor(*shape):
        return array(*shape, dtype=dtype, world="torch")

    calls = [(tensor(n, m), tensor(n, m)) for n, m in PAIRS]
    found = annotations("x", *calls, (integer(2), tensor(3, 3)), libraries=frozenset({"torch"}))
    assert found["x"].endswith(f"| {number}")


# --- what broadcasts


def test_the_axes_of_arguments_that_the_code_combines_by_broadcasting_may_be_one():
    calls = [(array(n, m), array(n, m), array(n)) for n, m, _ in SIZES]
    assert axes("x y", *calls) == {"x": "b d", "y": "b d", "return": "b"}
    loose = frozenset({frozenset("xy")})
    assert axes("x y", *calls, loose=loose) == {"x": "#b #d", "y": "#b #d", "return": "b"}
    found = axes("x y", *calls, loose=loose, tails={"x": 1, "y": 1})
    assert found == {"x": "#b d", "y": "#b d", "return": "b"}


@pytest.mark.parametrize(
    ("ends", "tails", "result", "expected"),
    [
        ({"x": 0, "y": 0, "return": 0}, {}, (3,), ("*#shape", "*#shape", "*shape")),
        (
            {"x": 1, "y": 1, "return": 1},
            {"x": 1, "y": 1},
            (3,),
            ("*#batch d", "*#batch d", "*batch d"),
        ),
        ({"x": 1, "y": 1}, {"x": 1, "y": 1}, (7,), ("*#batch d", "*#batch d", "*batch _")),
        ({"x": 2, "y": 1, "return": 0}, {"x": 2, "y": 1}, None, ("... t d", "... d", "... b t")),
    ],
)
def test_arrays_that_broadcast_have_one_run_of_axes(ends, tails, result, expected):
    calls = [(array(n, m, 3), array(n, m, 3), array(n, m, *(result or ()))) for n, m, _ in SIZES]
    loose = frozenset({frozenset("xy")})
    found = axes("x y", *calls, free=frozenset("xy"), loose=loose, together=(ends,), tails=tails)
    assert tuple(found.values()) == expected


def test_an_argument_that_is_compared_with_another_has_its_run_of_axes():
    calls = [(array(n, m), array(n, m), array(n, m)) for n, m, _ in SIZES]
    ends = {"x": 0, "y": 0, "return": 0}
    found = axes("x y", *calls, free=frozenset("xy"), together=(ends,))
    assert found == {"x": "*shape", "y": "*shape", "return": "*shape"}


def test_a_run_that_nothing_else_has_is_left_open():
    calls = [(array(n, 3), array(3)) for n, *_ in SIZES]
    calls += [(array(2, n, 3), array(2, 3)) for n, *_ in SIZES]
    found = axes("x", *calls, sizes={("x", -1): 3}, gives=frozenset({"list"}))
    assert found["x"] == "... t 3"
    assert found["return"].startswith("left out")


@pytest.mark.parametrize("uses", [1, 9])
@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_integers_that_the_code_calculates_with_may_be_floats(uses, dtype):
    calls = [(array(n, dtype=dtype), array(n, dtype=dtype)) for n, *_ in SIZES]
    found = annotations("x", *calls, uses=uses, numbers=frozenset("x"))
    assert {each.partition("[")[0] for each in found.values()} == {"Real"}


def test_floats_of_pytorch_may_be_integers_where_nothing_needs_floats():
    calls = [(array(n, world="torch"), array(n, world="torch")) for n, *_ in SIZES]
    words = {"libraries": frozenset({"torch"})}
    assert annotations("x", *calls, **words)["x"].startswith("Float")
    found = annotations("x", *calls, **words, whole=frozenset("x"))
    assert {each.partition("[")[0] for each in found.values()} == {"Real"}


@pytest.mark.parametrize(
    ("world", "word"), [("numpy", "Float"), ("torch", "Float"), ("cupy", "Float"), ("jax", "Real")]
)
def test_what_is_divided_in_place_needs_floats_where_the_array_is_written_into(world, word):
    calls = [(array(n, world=world), array(n, world=world)) for n, *_ in SIZES]
    words = {"libraries": frozenset({world}), "whole": frozenset("x")}
    assert annotations("x", *calls, **words)["x"].startswith("Real")
    found = annotations("x", *calls, **words, divided=frozenset("x"))
    assert {each.partition("[")[0] for each in found.values()} == {word}


def test_where_an_argument_of_numpys_may_be_a_number_the_result_may_be_one():
    calls = [(array(n), array(n)) for n, *_ in SIZES]
    calls += [(array(n, m), array(n, m)) for n, m, _ in SIZES]
    handed_on = annotations("x", *calls, arrays=frozenset())
    assert handed_on["x"] == "left out: the code would work with a number or a list, too"
    assert handed_on["return"] == "left out: it may have no axes"
    assert axes("x", *calls)["return"] == "*batch"


@pytest.mark.parametrize("world", ["torch", "jax"])
@pytest.mark.parametrize("is_used", [True, False])
@pytest.mark.parametrize("arrays", ["", "x", "xy"])
def test_where_every_argument_may_be_a_number_the_result_may_be_one(arrays, is_used, world):
    calls = [tuple([array(n, 2, world=world)] * 3) for n, *_ in SIZES]
    used = frozenset({world} if is_used else ())
    found = annotations("x y", *calls, arrays=frozenset(arrays), libraries=used, uses=1)
    is_left = found["return"] == "left out: it may be a number"
    assert is_left == (not arrays and not is_used)
    calls = [(*given[:2], NONE) for given in calls]
    found = annotations("x y", *calls, arrays=frozenset(arrays), libraries=used, uses=1)
    assert found["return"] != "left out: it may be a number"


def test_a_result_that_one_return_reshapes_is_left_open():
    calls = [(array(n, m), items("tuple", array(n, m), array(n, m))) for n, m, _ in SIZES]
    assert annotations("x", *calls)["return"] != "left out: it may have no axes"
    found = annotations("x", *calls, varied=frozenset({"return[1]"}))
    assert found["return"] == "left out: it may have no axes"
