"""sekisho accepts what `jaxtyped(typechecker=beartype)` accepts, and nothing else.

The tests generate signatures of up to four annotations over array categories, axis strings of the
whole grammar, unions, containers and scalars; and values that mostly fit them. Two cases are left
out, since sekisho differs on purpose (docs/contract.md lists it): defaults, and lists of several
items, of which beartype checks only one.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import inspect
import itertools
import operator
import types
import typing
import warnings
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any, get_args, get_origin

import beartype
import jaxtyping
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jaxtyping import jaxtyped

import sekisho as sk
from sekisho.contract.options import _ALLOWED

torch: Any
try:
    import torch
except ImportError:
    torch = None

DTYPES = ["bool", "int8", "uint8", "int64", "float16", "float32", "float64", "complex64"]
CATEGORIES = [
    *("Bool", "UInt8", "Int8", "Int64", "Float16", "Float32", "Float64", "Complex64"),
    *("UInt", "Int", "Integer", "Float", "Complex", "Inexact", "Real", "Num", "Shaped"),
]
SIZES = {"a": 1, "b": 2, "c": 3, "s": (2, 1), "t": ()}

# Each axis, and the size that fits when every name has its size of SIZES.
AXES: list[tuple[str, int]] = [
    *((str(n), n) for n in range(4)),
    *((name, SIZES[name]) for name in "abcabc"),
    *((f"#{name}", SIZES[name]) for name in "abc"),
    *((f"#{name}", 1) for name in "bc3"),
    *(("_", 2), ("_a", 3), ("rows=2", 2), ("b=3", 3)),
]
SYMBOLIC = [("a+1", 2), ("2*b", 4), ("b*c-1", 5), ("max(a,b)", 2), ("c//2", 1), ("#b+c", 1)]
VARIADIC: list[tuple[str, tuple[int, ...]]] = [
    *(("...", (2,)), ("*s", (2, 1)), ("*s", (2, 1)), ("*t", ()), ("*_", ()), ("*_s", (3, 3))),
    *(("*#s", (2, 1)), ("#*s", (1,)), ("*#t", (3,)), ("*#s", (2, 3))),
]


@st.composite
def axes(draw: Any, *, symbolic: bool) -> tuple[str, tuple[int, ...]]:
    """Draw an axis string, and a shape that fits it."""
    words = draw(st.lists(st.sampled_from(AXES + (SYMBOLIC if symbolic else [])), max_size=3))
    parts = [(word, (size,)) for word, size in words]
    if draw(st.integers(0, 2)) == 0:
        parts.insert(draw(st.integers(0, len(parts))), draw(st.sampled_from(VARIADIC)))
    return " ".join(word for word, _ in parts), sum((shape for _, shape in parts), ())


@st.composite
def arrays(draw: Any, library: Any, array_type: Any, *, symbolic: bool) -> tuple[Any, Any]:
    """Draw an array annotation, and a value that mostly fits it."""
    category = draw(st.sampled_from(["Shaped", "Float"] * 40 + CATEGORIES))
    string, shape = draw(axes(symbolic=symbolic))
    if draw(st.integers(0, 9)) == 0:
        shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    # wrong in one size, so the error must name the axis
    elif shape and draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(shape) - 1))
        shape = (*shape[:at], shape[at] + 1, *shape[at + 1 :])
    dtype = draw(st.sampled_from(["float32"] * 90 + DTYPES))
    value = library.zeros(shape, dtype=getattr(library, dtype))
    if draw(st.integers(0, 30)) == 0:
        value = draw(st.sampled_from([None, 1, 2.0, "text", [1]]))
    return getattr(jaxtyping, category)[array_type, string], value


@st.composite
def pairs(draw: Any, library: Any, array_type: Any, *, symbolic: bool) -> tuple[Any, Any]:
    """Draw an annotation of any kind, and a value that mostly fits it."""

    def array() -> tuple[Any, Any]:
        return draw(arrays(library, array_type, symbolic=symbolic))

    hint, value = array()
    kind = draw(
        st.sampled_from(["array"] * 6 + ["optional", "union", "list", "tuple", "dict", "int"])
    )
    if kind == "optional":
        return hint | None, draw(st.sampled_from([value, None]))
    if kind == "union":
        other, other_value = array()
        return hint | other, value if draw(st.booleans()) else other_value
    if kind == "list":
        return list[hint], draw(st.sampled_from([[value], [], value]))
    if kind == "tuple":
        other, other_value = array()
        if draw(st.booleans()):
            return tuple[hint, other], draw(
                st.sampled_from([(value, other_value), (value,), value])
            )
        third = draw(st.sampled_from([1, None, "a"]))
        return tuple[hint, other | None, int | None], (
            value,
            draw(st.sampled_from([other_value, None])),
            third,
        )
    if kind == "dict":
        return dict[str, hint], draw(st.sampled_from([{"k": value}, {}, {1: value}]))
    if kind == "int":
        return draw(st.sampled_from([int, str, int | None])), draw(st.sampled_from([1, None, "a"]))
    return hint, value


def verdict(function: Any, arguments: Any) -> bool | None:
    try:
        function(*arguments)
    except (sk.BoundaryError, jaxtyping.TypeCheckError):
        return False
    except (jaxtyping.AnnotationError, sk.DeclarationError):
        return None
    return True


def compare(library: Any, array_type: Any, data: Any) -> None:
    # If the first argument binds all names, the others may be symbolic.
    symbolic = data.draw(st.booleans())
    first = jaxtyping.Shaped[array_type, "a b c" if symbolic else "..."]
    drawn = [data.draw(pairs(library, array_type, symbolic=symbolic)) for _ in range(3)]
    hints = [first, *(hint for hint, _ in drawn)]
    arguments = [library.zeros((1, 2, 3)), *(value for _, value in drawn)]

    def plain(w, x, y, result):
        return result

    def starred(w, x, result, *y):
        return result

    function: Any = plain
    if data.draw(st.booleans()):
        function = starred
        y = arguments.pop(2)
        arguments += [y] * data.draw(st.integers(0, 2))
    function.__annotations__ = dict(zip(("w", "x", "y", "return"), hints, strict=True))
    expected = verdict(jaxtyped(typechecker=beartype.beartype)(function), arguments)
    guarded = sk.boundary(function)
    event(f"verdict: {expected}")
    if expected is not None:
        assert verdict(guarded, arguments) == expected


@pytest.mark.slow
@settings(max_examples=1100)
@given(st.data())
def test_the_verdict_on_arrays_is_jaxtypings(data):
    compare(np, np.ndarray, data)


@pytest.mark.slow
@pytest.mark.skipif(torch is None, reason="torch is not installed")
@settings(max_examples=1100)
@given(st.data())
def test_the_verdict_on_tensors_is_jaxtypings(data):
    compare(torch, torch.Tensor, data)


# --- every decorator, option, mode and flavour ----------------------------------------------------
#
# The same question for each combination: what jaxtyping says of the values as they are after the
# crossings and casts that the options allow, no more and no less. And the guard's inline questions
# must not change an answer: a guard that hands everything to the slow path behaves the same.

OPTION_VALUES: dict[str, tuple[Any, ...]] = {
    **_ALLOWED,
    "device": (None, "cpu", "module"),
    "mutates": ((), "x", ("w", "y")),
    "typechecker": ("beartype", None, beartype.beartype),
}
FLAVOURS = ["function", "method", "coroutine", "generator", "async generator", "dataclass"]
MODES = ["convert", "warn", "strict", "off"]
DECORATORS = {
    "numpy": ["boundary", "numpy_world", "same_world"],
    "torch": ["boundary", "torch_world", "same_world"],
}


def options_of(decorator: str) -> list[str]:
    """Return the options of a decorator, from its signature, so that new options are included."""
    parameters = inspect.signature(getattr(sk, decorator)).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]


def test_every_option_has_values_to_be_tried():
    named = {name for names in DECORATORS.values() for each in names for name in options_of(each)}
    assert named == set(OPTION_VALUES)


@dataclasses.dataclass(frozen=True)
class Combination:
    """One way in which a function is guarded and called."""

    library: str
    decorator: str
    flavour: str
    mode: str
    options: dict[str, Any]

    def option(self, name: str) -> Any:
        return self.options.get(name, OPTION_VALUES[name][0])

    @property
    def is_open(self) -> bool:
        """Return whether values of the other library may cross."""
        if self.option("on_foreign") is not None:
            return self.option("on_foreign") == "convert"
        return self.decorator != "boundary" and self.mode in {"convert", "warn"}

    @property
    def facts(self) -> list[str]:
        chosen = [f"{name}={value}" for name, value in self.options.items()]
        return [self.decorator, self.flavour, f"mode {self.mode}", *chosen]


@st.composite
def combinations(draw: Any, library: str) -> Combination:
    decorator = draw(st.sampled_from(DECORATORS[library]))
    flavour = draw(st.sampled_from(FLAVOURS))
    options: dict[str, Any] = {}
    for name in options_of(decorator):
        values = OPTION_VALUES[name]
        value = draw(st.sampled_from([values[0], *values]))
        if name == "returns" and "generator" in flavour:
            value = "world"  # the only value allowed there
        if value == "module":
            flavour = "method"  # a method has a module to inspect
        if value is not values[0]:
            options[name] = value
    return Combination(library, decorator, flavour, draw(st.sampled_from(MODES)), options)


class Refused(Exception):  # noqa: N818 - an outcome, no error
    """The expected answer is no."""


class Unknown(Exception):  # noqa: N818 - an outcome, not an error
    """The expected answer is unknown; the fast path and the slow path are still compared."""


def may_cast(source: str, target: str, casting: str) -> bool:
    """Return NumPy's rule, without the safe casts that lose integers."""
    if casting in {"no", "equiv"}:
        return source == target
    loses = source in {"int64", "uint64"} and target.startswith(("float", "complex"))
    return np.can_cast(source, target, casting) and not (casting == "safe" and loses)


def dtype_of(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")


def is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def arrived(value: Any, hint: Any, how: Combination, *, is_result: bool = False) -> Any:
    """Return a value as a body sees it after valid conversions: in its world, and of its dtype."""
    origin, inside = get_origin(hint), get_args(hint)
    if isinstance(value, list) and origin is list:
        return [arrived(each, inside[0], how, is_result=is_result) for each in value]
    if isinstance(value, tuple) and origin is tuple and len(value) == len(inside):
        each = zip(value, inside, strict=True)
        return tuple(arrived(item, hint, how, is_result=is_result) for item, hint in each)
    if isinstance(value, dict) and origin is dict:
        return {k: arrived(each, inside[1], how, is_result=is_result) for k, each in value.items()}
    arrays = [each for each in (inside or (hint,)) if hasattr(each, "dim_str")]
    if not is_array(value) or not arrays:
        return value
    crossed = converted(value, how, is_result=is_result)
    wanted = [each.dtypes[0] for each in arrays if isinstance(each.dtypes, tuple)]
    of_one = [each for each in arrays if isinstance(each.dtypes, tuple) and len(each.dtypes) == 1]
    if len(arrays) > 1 and of_one and how.option("casting") not in {"no", "equiv"}:
        raise Unknown  # the cast depends on the alternative, and this on the axes bound so far
    return cast_to(wanted[0], crossed, how) if of_one else crossed


def converted(value: Any, how: Combination, *, is_result: bool) -> Any:
    home = np.ndarray if how.library == "numpy" else torch.Tensor
    if isinstance(value, home):
        return value
    if is_result or not how.is_open:
        raise Refused
    if home is not np.ndarray:
        return torch.from_numpy(value)
    if value.requires_grad and not how.option("detach"):
        raise Refused
    return value.detach().numpy()


def cast_to(wanted: str, value: Any, how: Combination) -> Any:
    found = dtype_of(value)
    if wanted == found or not may_cast(found, wanted, how.option("casting")):
        return value
    if how.option("copy") is False:
        raise Refused
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an unsafe cast drops imaginary parts
        if isinstance(value, np.ndarray):
            return value.astype(wanted)
        return value.to(getattr(torch, wanted))


def expected_verdict(
    how: Combination, hints: list[Any], arguments: list[Any], result: Any
) -> tuple[bool | None, list[Any]]:
    """Return jaxtyping's verdict, and the arguments as the body should see them."""
    if how.mode == "off":
        return True, arguments
    try:
        seen = [arrived(v, h, how) for v, h in zip(arguments, hints, strict=False)]
        if how.flavour != "dataclass":
            result = arrived(result, hints[-1], how, is_result=True)
    except Refused:
        return False, []

    def plain(w: Any, x: Any, y: Any) -> Any:
        return result

    if how.flavour == "dataclass":
        hints = [*hints[:-1], Any]
    if how.option("typechecker") is None:
        hints = [each if mentions_array(each) else Any for each in hints]
    plain.__annotations__ = dict(zip(("w", "x", "y", "return"), hints, strict=True))
    return verdict(jaxtyped(typechecker=beartype.beartype)(plain), seen), seen


def mentions_array(hint: Any) -> bool:
    return hasattr(hint, "dim_str") or any(mentions_array(each) for each in get_args(hint))


def guarded_as(how: Combination, hints: list[Any], seen: list[Any], result: Any) -> Any:
    """Return the function of this flavour under its decorator, called with the three arguments."""
    decorate = getattr(sk, how.decorator)(**how.options)
    names = ("w", "x", "y", "return")
    if how.flavour == "dataclass":
        made = dataclasses.make_dataclass("Record", list(zip(names[:3], hints, strict=False)))
        record = decorate(made)

        def build(*arguments: Any) -> None:
            held = record(*arguments)
            seen[:] = [held.w, held.x, held.y]

        return build
    function = _FLAVOURS[how.flavour](seen, result)
    outcome = hints[-1]
    if "generator" in how.flavour:
        outcome = (AsyncIterator if how.flavour[0] == "a" else Iterator)[hints[-1]]
    function.__annotations__ = dict(zip(names, [*hints[:-1], outcome], strict=True))
    if how.flavour == "method":
        owner = torch.nn.Linear(1, 1) if torch is not None else object
        kind = type("Owner", (type(owner),) if torch is not None else (), {"f": decorate(function)})
        return kind(1, 1).f if torch is not None else kind().f
    return functools.partial(_run, decorate(function), how.flavour)


def _plain(seen: list[Any], result: Any) -> Any:
    def f(w: Any, x: Any, y: Any) -> Any:
        seen[:] = [w, x, y]
        return result

    return f


def _method(seen: list[Any], result: Any) -> Any:
    def f(self: Any, w: Any, x: Any, y: Any) -> Any:
        seen[:] = [w, x, y]
        return result

    return f


def _coroutine(seen: list[Any], result: Any) -> Any:
    async def f(w: Any, x: Any, y: Any) -> Any:
        seen[:] = [w, x, y]
        return result

    return f


def _generator(seen: list[Any], result: Any) -> Any:
    def f(w: Any, x: Any, y: Any) -> Any:
        seen[:] = [w, x, y]
        yield result

    return f


def _async_generator(seen: list[Any], result: Any) -> Any:
    async def f(w: Any, x: Any, y: Any) -> Any:
        seen[:] = [w, x, y]
        yield result

    return f


_FLAVOURS = {
    "function": _plain,
    "method": _method,
    "coroutine": _coroutine,
    "generator": _generator,
    "async generator": _async_generator,
}


def _run(function: Any, flavour: str, *arguments: Any) -> Any:
    if flavour == "generator":
        return next(iter(function(*arguments)))
    if flavour == "function":
        return function(*arguments)
    running = function(*arguments)
    step = running.asend(None) if flavour == "async generator" else running
    try:
        step.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits for nothing")


def outcome_of(how: Combination, hints: list[Any], arguments: list[Any], result: Any) -> Any:
    """Return whether a call is rejected, with which message; what its body saw, what it returned."""
    seen: list[Any] = []
    with warnings.catch_warnings(), sk.mode(how.mode):
        # warnings of crossings, and of parts dropped by an unsafe cast
        warnings.simplefilter("ignore")
        call = _made(how, hints, seen, result)
        try:
            given = call(*arguments)
        except sk.BoundaryError as error:
            return False, str(error), [], None
    return True, "", seen, given


def _made(how: Combination, hints: list[Any], seen: list[Any], result: Any) -> Any:
    with sk.mode("convert"):  # a decorator does nothing in mode "off"
        return guarded_as(how, hints, seen, result)


@contextlib.contextmanager
def everything_out_of_line() -> Any:
    """Make guards that check nothing inline, and have no fast path for conversions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sekisho.guard.text.cases_of", lambda *_: None)
        patch.setattr("sekisho.guard.text.items_of", lambda *_: None)
        patch.setattr("sekisho.guard.globals.make_quick_lane", lambda *a: a[-1])
        yield


def same(one: Any, other: Any) -> bool:
    if is_array(one) and is_array(other):
        return (
            type(one) is type(other) and one.tolist() == other.tolist() and one.dtype == other.dtype
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        pairs = itertools.zip_longest(one, other)
        return type(one) is type(other) and all(same(a, b) for a, b in pairs)
    return bool(one == other)


COVERED: Counter[str] = Counter()


def compare_combination(library: str, data: Any) -> None:
    how = data.draw(combinations(library))
    home = {"numpy": np, "torch": torch}[library]
    array_type = np.ndarray if library == "numpy" else torch.Tensor
    libraries = [home] * 3 + ([np, torch] if torch is not None else [])
    drawn = [
        data.draw(pairs(data.draw(st.sampled_from(libraries)), array_type, symbolic=False))
        for _ in range(3)
    ]
    # The first argument usually binds names, which later ones must match.
    first = data.draw(st.sampled_from(["a b c", "a b c", "..."]))
    hints = [jaxtyping.Shaped[array_type, first], *(hint for hint, _ in drawn)]
    arguments = [home.zeros((1, 2, 3)), *(value for _, value in drawn[:2])]
    result = drawn[2][1]
    if torch is not None and data.draw(st.integers(0, 5)) == 0:
        arguments[1] = with_grad(arguments[1])
    before = copy.deepcopy(arguments)
    try:
        wanted, body_sees = expected_verdict(how, hints, arguments, result)
    except Unknown:
        wanted, body_sees = None, None
    else:
        if wanted is None:
            return  # the annotations are not a contract
    given_hints = [as_declared(each, how) for each in hints]
    passes, words, seen, given = outcome_of(how, given_hints, arguments, result)
    assert wanted is None or passes == wanted, (how, words)
    COVERED.update(
        itertools.starmap("{} & {}".format, itertools.combinations(sorted(how.facts), 2))
    )
    COVERED.update(how.facts)
    assert same(before, arguments), "an argument was changed"
    with everything_out_of_line():
        slow = outcome_of(how, given_hints, arguments, result)
    assert (passes, words) == slow[:2]
    assert same(seen, slow[2])
    assert same(given, slow[3])
    if passes and body_sees is not None:
        assert same(seen, body_sees)


def with_grad(value: Any) -> Any:
    is_float = torch is not None and isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.detach().requires_grad_() if is_float else value


def as_declared(hint: Any, how: Combination) -> Any:
    """Return the annotation as this decorator reads it: of either world under `same_world`."""
    if how.decorator != "same_world":
        return hint
    if hasattr(hint, "dim_str"):
        return getattr(jaxtyping, hint.dtype.__name__)[sk.Array, hint.dim_str]
    inside = tuple(as_declared(each, how) for each in get_args(hint))
    if not inside:
        return hint
    origin = get_origin(hint)
    return functools.reduce(operator.or_, inside) if origin in UNIONS else origin[inside]


UNIONS = {types.UnionType, typing.Union}


@pytest.mark.slow
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_every_combination_of_options_has_the_same_verdict(library, record_property):
    if library == "torch" and torch is None:
        pytest.skip("torch is not installed")

    @settings(max_examples=1000)
    @given(st.data())
    def check(data: Any) -> None:
        compare_combination(library, data)

    check()
    known = {fact for decorator in DECORATORS[library] for fact in all_facts(decorator)}
    missing = sorted(fact for fact in known if not COVERED[fact])
    assert not missing, missing
    pairs_seen = sum(" & " in fact for fact in COVERED)
    record_property(
        "combinations", f"{library}: {len(known)} facts, {pairs_seen} pairs of them seen"
    )


def all_facts(decorator: str) -> Iterator[str]:
    yield decorator
    yield from FLAVOURS
    yield from (f"mode {each}" for each in MODES)
    for name in options_of(decorator):
        yield from (f"{name}={value}" for value in OPTION_VALUES[name][1:])
