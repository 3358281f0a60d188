"""Axes and expressions as data: what each word says, what is wrong with it, and what it matches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sekisho.contract.axes import (
    Axis,
    Mismatch,
    _broadcast,
    match_shape,
    parse_axes,
    variadic_index,
)
from sekisho.contract.expressions import parse_expression
from sekisho.contract.free import FREE
from sekisho.contract.keys import kind_of

WORDS = {
    "...": {"variadic": True},
    "a": {"name": "a"},
    "größe": {"name": "größe"},
    "*": {"name": "", "variadic": True},
    "#*": {"name": "", "variadic": True, "broadcastable": True},
    "*a": {"name": "a", "variadic": True},
    "*#a": {"name": "a", "variadic": True, "broadcastable": True},
    "#a": {"name": "a", "broadcastable": True},
    "?a": {"name": "a", "treepath": True},
    "*?a": {"name": "a", "variadic": True, "treepath": True},
    "_": {},
    "_a": {},
    "*_a": {"variadic": True},
    "_=a": {},
    "a=_": {},
    "3": {"size": 3},
    "0": {"size": 0},
    "+3": {"size": 3},
    "#3": {"size": 3, "broadcastable": True},
    "rows=3": {"size": 3},
    "=3": {"size": 3},
    "#rows=b": {"name": "b", "broadcastable": True},
    "rows=#b": {"name": "b", "broadcastable": True},
}


@pytest.mark.parametrize("word", WORDS)
def test_each_word_is_one_axis(word):
    assert parse_axes(word) == (Axis(word, **WORDS[word]),)
    assert parse_axes(f"3 {word} 4") == (Axis("3", 3), Axis(word, **WORDS[word]), Axis("4", 4))


KEYS = {"a": "a", "#a": "a", "*a": "*a", "*#a": "*a", "*": "*", "?a": None, "_a": None, "3": None}
KEYS |= {"...": None, "a+1": None, "*?a": None}


@pytest.mark.parametrize("word", KEYS)
def test_an_axis_is_bound_under_its_name(word):
    (axis,) = parse_axes(word)
    assert axis.key == KEYS[word]


FUNCTIONS = "abs, int, max, min, pow, round, sum"
PLAIN = f"an axis may use names, integers, + - * / // % ** and {FUNCTIONS} only"
BRACED = (
    "in braces an axis may use arguments, attributes, [indices], integers, + - * / // % ** and "
    f"{FUNCTIONS}, len only"
)
ONLY_NAMED = "only a named axis can be variadic, anonymous or of a PyTree"
ANY_SIZE = "\n  hint: '_' is an axis of any size"
WRONG = {
    "...a": "'...' stands on its own, not as in '...a'",
    "a...": "'...' stands on its own, not as in 'a...'",
    "a,b": "axes are separated by spaces, not commas as in 'a,b'",
    "##a": "'#' stands twice in '##a'",
    "*#*a": "'*' stands twice in '*#*a'",
    "__a": "'_' stands twice in '__a'",
    "??a": "'?' stands twice in '??a'",
    "#_": "'#_': an anonymous axis cannot be broadcastable",
    "_#a": "'_#a': an anonymous axis cannot be broadcastable",
    "#": "'#' has no name",
    "*#": "'*#' has no name",
    "?": f"'?' has no name{ANY_SIZE}",
    "rows=": "'rows=' has no name",
    "*3": f"'*3': {ONLY_NAMED}",
    "_3": f"'_3': {ONLY_NAMED}",
    "?3": f"'?3': {ONLY_NAMED}",
    "*a+1": f"'*a+1': {ONLY_NAMED}",
    "#*{x}": f"'#*{{x}}': {ONLY_NAMED}",
    "-1": f"'-1' is no size{ANY_SIZE}",
    "#-1": f"'#-1' is no size{ANY_SIZE}",
    ":": f"':' is no axis{ANY_SIZE}",
    "[n]": "'[n]' is no axis\n  hint: a shape has no brackets here: 'n'",
    "[n": "'[n' is no axis\n  hint: a shape has no brackets here: 'n'",
    "n]": "'n]' is no axis\n  hint: a shape has no brackets here: 'n'",
    "[]": "'[]' is no axis\n  hint: a shape has no brackets here: ''",
    "x[0]": f"'x[0]': {PLAIN}",
    "a#b": "'a#b': '#' stands in front of an axis",
    "a==3": f"'a==3': {PLAIN}",
    "a.b": f"'a.b': {PLAIN}",
    "a+'x'": f"'a+'x'': {PLAIN}",
    "len(a)": f"'len(a)': {PLAIN}",
    "f(a)": f"'f(a)': {PLAIN}",
    "max(a,*b)": f"'max(a,*b)': {PLAIN}",
    "~a": f"'~a': {PLAIN}",
    "a@b": f"'a@b': {PLAIN}",
    "1.5": f"'1.5': {PLAIN}",
    "{1.5}": f"'{{1.5}}': {BRACED}",
    "{a()}": f"'{{a()}}': {BRACED}",
    "{a if b else c}": f"'{{a if b else c}}': {BRACED}",
    "a+": "'a+' is no axis and no expression",
    "{}": "'{}' is no axis and no expression",
    "{ }": "'{ }' is no axis and no expression",
    "{a}{b}": "'{a}{b}' is no axis and no expression",
    "n{a}": "'n{a}' is no axis and no expression",
    "{a}n+1": "'{a}n+1' is no axis and no expression",
    "{a!r}": "'{a!r}' is no axis and no expression",
    "*a *b": "only one axis may be variadic ('*name' or '...')",
    "... 3 *b": "only one axis may be variadic ('*name' or '...')",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_word_that_is_no_axis_is_refused_with_its_reason(text):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_axes(text)
    assert str(caught.value) == WRONG[text]


# --- matching --------------------------------------------------------------------------------------


def _no(text, *rest):
    return Mismatch(text, *rest)


MATCHES: list[tuple[str, tuple[int, ...], dict[str, Any], Mismatch | None, dict[str, Any]]] = [
    ("a 3", (1, 3), {}, None, {"a": 1}),
    ("a 3", (1, 2), {}, _no("axis 1 of {it} is 2, not 3"), {}),
    ("a 3", (1,), {}, _no("{it} has 1 axis, not 2"), {}),
    ("a", (1, 2), {}, _no("{it} has 2 axes, not 1"), {}),
    ("", (), {}, None, {}),
    ("", (1,), {}, _no("{it} has 1 axis, not 0"), {}),
    ("a a", (2, 3), {}, _no("axis 1 of {it} is 3", "a", 2), {}),
    ("b a", (5, 3), {"a": 2}, _no("axis 1 of {it} is 3", "a", 2), {"a": 2}),
    ("#a b", (1, 2), {}, None, {"b": 2}),
    ("#a a", (1, 2), {}, None, {"a": 2}),
    ("a #a", (2, 1), {}, None, {"a": 2}),
    ("a #a", (2, 3), {}, _no("axis 1 of {it} is 3", "a", 2), {}),
    ("#3", (1,), {}, None, {}),
    ("#3", (2,), {}, _no("axis 0 of {it} is 2, not 3"), {}),
    ("_ ?a", (9, 8), {}, None, {"a": 8}),
    ("... a", (), {}, _no("{it} has 0 axes, not at least 1"), {}),
    ("... a", (1,), {}, None, {"a": 1}),
    ("a ... b", (1,), {}, _no("{it} has 1 axis, not at least 2"), {}),
    ("a ... b", (1, 2), {}, None, {"a": 1, "b": 2}),
    ("a *s 3 b", (1, 7, 8, 3, 4), {}, None, {"a": 1, "b": 4, "*s": (7, 8)}),
    ("a *s 3 b", (1, 7, 8, 2, 4), {}, _no("axis 3 of {it} is 2, not 3"), {}),
    ("*s", (), {}, None, {"*s": ()}),
    ("*#s", (2,), {}, None, {"*s": (2,), "#*s": 1}),
    ("*_s", (2, 3), {}, None, {}),
    ("*s", (2, 4), {"*s": (2, 3)}, _no("axes *s of {it} are {shape}", "*s", (2, 3), (2, 4)), {}),
    ("*s n", (3, 9), {"*s": (2, 3)}, _no("axes *s of {it} are {shape}", "*s", (2, 3), (3,)), {}),
    ("*#s", (1, 3), {"*s": (2, 3)}, None, {"*s": (2, 3)}),
    ("*#s", (3,), {"*s": (2, 3)}, None, {"*s": (2, 3)}),
    (
        *("*#s", (4, 2, 3), {"*s": (2, 3)}),
        *(_no("axes *s of {it} are {shape}", "*s", (2, 3), (4, 2, 3)), {}),
    ),
    ("*#s", (2, 3), {"*s": (2, 1), "#*s": 1}, None, {"*s": (2, 3), "#*s": 1}),
    ("*#s", (7, 1, 1), {"*s": (2, 3), "#*s": 1}, None, {"*s": (7, 2, 3), "#*s": 1}),
    ("*s", (2, 3), {"*s": (2, 1), "#*s": 1}, None, {"*s": (2, 3)}),
    (
        *("*s", (3,), {"*s": (2, 3), "#*s": 1}),
        *(_no("axes *s of {it} are {shape}", "*s", (2, 3), (3,)), {}),
    ),
    ("a+1", (3,), {"a": 2}, None, {"a": 2}),
    ("#a+1", (1,), {"a": 2}, None, {"a": 2}),
    ("a/2", (2,), {"a": 4}, None, {"a": 4}),
    ("n+m", (4,), {"n": 1, "m": 2}, _no("axis 0 of {it} is 4, not n+m = 3 (n=1, m=2)"), {}),
    ("m n+m", (2, 4), {"n": 1}, _no("axis 1 of {it} is 4, not n+m = 3 (n=1, m=2)"), {}),
    ("n+m", (4,), {"n": 1}, _no("axis 0 of {it} is 'n+m', but nothing has bound 'm'"), {}),
    (
        *("3 n//m", (3, 4), {"n": 1, "m": 0}),
        _no("axis 1 of {it} is 'n//m', which fails here: integer division or modulo by zero"),
        {},
    ),
    ("n", (4,), {"n": FREE}, None, {"n": FREE}),
    ("n+1", (4,), {"n": FREE}, None, {"n": FREE}),
    ("*s", (4,), {"*s": FREE}, None, {"*s": FREE}),
]


@pytest.mark.parametrize(("axes", "shape", "bound", "mismatch", "after"), MATCHES)
def test_a_shape_binds_names_or_is_refused_with_the_first_axis_that_does_not_fit(
    axes, shape, bound, mismatch, after
):
    before = dict(bound)
    found = match_shape(parse_axes(axes), shape, trial := dict(bound))
    assert found == mismatch
    # What does not fit binds nothing.
    expected = before if mismatch else after
    assert list(trial) == list(expected)
    assert all(trial[key] is expected[key] or trial[key] == expected[key] for key in trial)


@pytest.mark.parametrize(
    ("a", "b", "together"),
    [
        ((2, 3), (3,), (2, 3)),
        ((1, 3), (2, 1), (2, 3)),
        ((4, 1, 3), (2, 1), (4, 2, 3)),
        ((), (2,), (2,)),
        ((1,), (0,), (0,)),
        ((2,), (3,), None),
        ((0,), (2,), None),
        ((2, 3), (4, 2, 1), (4, 2, 3)),
    ],
)
def test_shapes_broadcast_as_numpys(a, b, together):
    assert _broadcast(a, b) == _broadcast(b, a) == together
    if together is not None:
        assert np.broadcast_shapes(a, b) == together


@pytest.mark.parametrize(
    ("text", "at"), [("", None), ("a b", None), ("*a b", 0), ("a ... b", 1), ("a b *c", 2)]
)
def test_the_position_of_the_variadic_axis(text, at):
    assert variadic_index(parse_axes(text)) == at


# --- expressions -----------------------------------------------------------------------------------

HOLDER = SimpleNamespace(y=3, rows=(1, 2, 7), named={"k": 4})
EXPRESSIONS: dict[str, tuple[tuple[str, ...], Any, dict[str, Any]]] = {
    "a+1": (("a",), 3, {"a": 2}),
    "a-b": (("a", "b"), -3, {"a": 2, "b": 5}),
    "a*b": (("a", "b"), 10, {"a": 2, "b": 5}),
    "b/a": (("b", "a"), 2.5, {"b": 5, "a": 2}),
    "b//a": (("b", "a"), 2, {"b": 5, "a": 2}),
    "b%a": (("b", "a"), 1, {"b": 5, "a": 2}),
    "a**b": (("a", "b"), 32, {"a": 2, "b": 5}),
    "-a+b": (("a", "b"), 3, {"a": 2, "b": 5}),
    "+a": (("a",), 2, {"a": 2}),
    "max(a,b,1)": (("a", "b"), 5, {"a": 2, "b": 5}),
    "min(a,b)": (("a", "b"), 2, {"a": 2, "b": 5}),
    "abs(a-b)": (("a", "b"), 3, {"a": 2, "b": 5}),
    "int(b/a)": (("b", "a"), 2, {"b": 5, "a": 2}),
    "round(b/a)": (("b", "a"), 2, {"b": 5, "a": 2}),
    "pow(a,b)": (("a", "b"), 32, {"a": 2, "b": 5}),
    "b+a+b": (("b", "a"), 12, {"b": 5, "a": 2}),
    "{x.y}": (("{x}",), 3, {"{x.y}": 3}),
    "{ x.y }+a": (("{x}", "a"), 5, {"{ x.y }": 3, "a": 2}),
    "{x.rows[0]}": (("{x}",), 1, {"{x.rows[0]}": 1}),
    "{x.rows[-1]}": (("{x}",), 7, {"{x.rows[-1]}": 7}),
    "{len(x.rows)}": (("{x}",), 3, {"{len(x.rows)}": 3}),
    "{len(x.rows[1:])}": (("{x}",), 2, {"{len(x.rows[1:])}": 2}),
    "{sum(x.rows[:2])}": (("{x}",), 3, {"{sum(x.rows[:2])}": 3}),
    "{x.rows[::2][1]}": (("{x}",), 7, {"{x.rows[::2][1]}": 7}),
    "{x.rows[n]}": (("{x}", "{n}"), 2, {"{x.rows[n]}": 2}),
    "{x.named['k']}": (("{x}",), 4, {"{x.named['k']}": 4}),
    "{n}*{x.y}+a": (("{n}", "{x}", "a"), 5, {"{n}": 1, "{x.y}": 3, "a": 2}),
    "{f}": (("{f}",), 2.5, {"{f}": 2.5}),
    "{g}": (("{g}",), 2, {"{g}": 2}),
}
BOUND: dict[str, Any] = {"a": 2, "b": 5, "{x}": HOLDER, "{n}": 1, "{f}": 2.5, "{g}": np.int64(2)}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_computed_from_what_it_names(text):
    names, value, values = EXPRESSIONS[text]
    expression = parse_expression(text)
    assert (expression.text, expression.names) == (text, names)
    assert expression.evaluate(BOUND) == value
    found = expression.values(BOUND)
    assert found == values
    assert list(found) == list(values)  # in the order of the text


FAILING = {
    "{x.z}": "{x.z} raises AttributeError: 'types.SimpleNamespace' object has no attribute 'z'",
    "{x.rows[5]}": "{x.rows[5]} raises IndexError: tuple index out of range",
    "{x.rows}": "{x.rows} is a tuple, not an integer",
    "{missing}": "{missing} is None, not an integer",
    "{s}": "{s} is a str, not an integer",
}


@pytest.mark.parametrize("text", FAILING)
def test_braces_that_give_no_number_say_what_they_give(text):
    with pytest.raises((TypeError, ValueError)) as caught:
        parse_expression(text).evaluate({**BOUND, "{s}": "text"})
    assert str(caught.value) == FAILING[text]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("n", "size"),
        ("*batch", "several"),
        ("#*batch", "growth"),
        ("{size}", "argument"),
        ("<T>", "structure"),
        ("@D", "dtype"),
    ],
)
def test_a_key_says_by_its_first_letter_what_is_bound(key, kind):
    assert kind_of(key) == kind


# --- a size that no value has bound ----------------------------------------------------------------


def test_a_size_that_is_free_fits_all_and_stays_free():
    assert FREE == 3
    assert (FREE != 3) is False
    assert FREE == (1, 2)
    for computed in (FREE + 1, 1 + FREE, FREE - 1, 1 - FREE, FREE * 2, 2 * FREE, -FREE, +FREE):
        assert computed is FREE
    assert (len(FREE), list(FREE), repr(FREE)) == (0, [], "free")
    with pytest.raises(TypeError, match="unhashable"):
        hash(FREE)
