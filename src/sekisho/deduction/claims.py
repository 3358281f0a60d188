"""Widen what came to a place as far as its evidence requires, by the table of `evidence`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.deduction.dtypes import dtype_kind, dtype_word
from sekisho.deduction.evidence import CLAIMS, Weaker
from sekisho.deduction.forms import RESULTS, WRITTEN, Form, Items
from sekisho.worlds import HOST, world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sekisho.deduction.forms import Slot
    from sekisho.deduction.said import Said

__all__ = ["left_out", "widened", "words_of"]

_ABSTRACT: Final = {"list": "Sequence", "tuple": "Sequence", "dict": "Mapping"}
_NUMBERS: Final = frozenset({("builtins", name) for name in ("int", "float", "complex", "bool")})
"""Classes beside which libraries have scalar classes of their own, which a guard tells apart."""

_FLOATS: Final = frozenset({"Float", "Complex"})
_ALWAYS: Final = frozenset({*_FLOATS, "Inexact", "Real", "Num", "Shaped"})
"""Dtype kinds that one use is enough for: code that computes with floats seldom takes other
dtypes."""

_OF_ANY: Final = frozenset({"Real", "Num"})
"""Words that accept both integers and floats."""

_INTEGERS: Final = frozenset({"Int", "UInt", "Integer"})

_WITH_INTEGERS: Final = {"Float": "Real", "Inexact": "Num"}
"""Wider words for functions that accept integers wherever they accept floats: those of NumPy, and in
other libraries code that uses no function which may refuse integers."""


def words_of(slots: Iterable[Slot], said: Said, uses: int) -> tuple[dict[Slot, str], list[Weaker]]:
    """Return the dtype word of each place, and the claims that are weaker than what came."""
    every = [*slots]
    given = [slot for slot in every if slot.name not in RESULTS]
    kinds = {dtype_kind(slot.dtypes) for slot in given}
    wide = {slot for slot in given if HOST.name in slot.worlds or slot.name in said.whole}
    wide -= {slot for slot in wide if slot.name in said.divided and _is_written_in_place(slot)}
    widest = {dtype_kind(slot.dtypes) for slot in wide}
    # Code that calculates with integers mostly does so with floats as well.
    numbers = {slot for slot in given if slot.name in said.numbers and not slot.path}
    calculated = {dtype_kind(slot.dtypes) for slot in numbers}
    words: dict[Slot, str] = {}
    weaker: list[Weaker] = []
    for slot in every:
        exact, kind = dtype_word(slot.dtypes), dtype_kind(slot.dtypes)
        is_result = slot.name in RESULTS
        is_made = is_result and kind not in kinds
        takes_integers = kind in widest if is_result else slot in wide
        is_number = kind in calculated if is_result else slot in numbers
        claim = "dtype"
        if kind in _FLOATS and said.kinds >= _FLOATS:
            kind, claim = "Inexact", "floats"
        if kind in _OF_ANY and not is_number:
            kind, claim = "Shaped", "kind"  # code that takes several kinds takes all of them
        elif kind in _INTEGERS and is_number:
            kind, claim = "Real", "kind"
        elif takes_integers and kind in _WITH_INTEGERS:
            kind, claim = _WITH_INTEGERS[kind], "real"
        if not slot.path and {said.dtypes.get(slot.name)} == slot.dtypes:
            words[slot] = exact
        elif kind in _ALWAYS or is_made or CLAIMS["kind"].holds(uses=uses):
            words[slot] = kind
        else:
            words[slot] = "Shaped"
        if words[slot] != exact:
            claim = claim if words[slot] == kind else "kind"
            weaker.append(Weaker(slot.name, claim, ", ".join(sorted(slot.dtypes))))
    return words, weaker


def _is_written_in_place(slot: Slot) -> bool:
    """Whether ``x /= 2`` writes into what came to a place, whichever library's it was."""
    mutable = {name for name in world_names() if world_named(name).is_mutable}
    return not slot.path and slot.worlds <= mutable


def left_out(name: str, form: Form, said: Said, uses: int) -> Weaker | None:
    """Return why a place gets no annotation at all; None if it gets one."""
    return next(_reasons(name, form, said, uses), None)


def _reasons(name: str, form: Form, said: Said, uses: int) -> Iterator[Weaker]:
    if name in said.open and form.holds_arrays:
        yield Weaker(name, "array", f"line {said.open[name]} leaves open what it is")
    if name in said.iterated and form.slot is not None:
        yield Weaker(name, "array", "it is iterated over, as a list would be")
    if name not in RESULTS and (why := _may_be_more(name, form, said, uses)):
        yield Weaker(name, "array", why)
    if name == "return" and "any" in said.gives and (form.items or _has_number(form)):
        yield Weaker(name, "result", "the code does not say of which class it is")
    if why := _described_as_more(name, form, said):
        yield Weaker(name, "result" if name in RESULTS else "array", why)
    if name == "return" and (missing := [*_never_given(form, said)]):
        yield Weaker(name, "result", f"no {' or '.join(missing)} was returned, as the code may")
    if name in RESULTS or form.holds_arrays or form.is_none:
        return
    if name in said.open or name not in said.classes:
        came = ", ".join(sorted(each for _, each in form.classes))
        yield Weaker(name, "class", came or "a container")


def _described_as_more(name: str, form: Form, said: Said) -> str:
    """Return what the docstring says may come beside arrays and never did; "" if there is nothing."""
    others = said.described_others.get((name, ()), frozenset[str]())
    if form.slot is None:
        return ""
    if "number" in others and not _has_number(form):
        return "its docstring says that it may be a number"
    if "other" in others and not form.classes:
        return "its docstring says that it may be something else"
    # Code that uses it as nothing but an array says more than the word array-like.
    is_loose = name in said.arrays or form.items is not None
    return "its docstring says that it may be a list" if "list" in others and not is_loose else ""


def _has_number(form: Form) -> bool:
    return not _NUMBERS.isdisjoint(form.classes)


def _may_be_more(name: str, form: Form, said: Said, uses: int) -> str:
    """Return why an argument that was an array may be something else, too; "" if it may not."""
    if form.slot is None:
        is_used = name in said.iterated or name in said.containers or name in said.arrays
        return "it is handed on only" if form.holds_arrays and not is_used else ""
    is_of_host = HOST.name in form.slot.worlds
    if is_of_host and (
        form.items is not None or any(module != WRITTEN for module, _ in form.classes)
    ):
        return "what came beside arrays was made one"
    if name in said.arrays or name in said.handed:
        return ""
    if is_of_host:  # its functions, and its operators, also accept lists and numbers
        return "the code would work with a number or a list, too"
    is_seen = name in said.parts or name in said.combined or CLAIMS["array"].holds(uses=uses)
    return "" if is_seen else "it is handed on only, as None might be"


def _never_given(form: Form, said: Said) -> Iterator[str]:
    """Yield what a ``return`` may give that never came; None beside other values is just an option."""
    for kind in sorted(said.gives):
        word, _, length = kind.partition(" ")
        if word == "tuple" and not _may_be_tuple_of(form, int(length)):
            yield f"tuple of {length}"
        elif word in {"list", "dict"} and not _may_be_a(word, form):
            yield word
        elif word == "any" and form.is_none:
            yield "value"
        elif word == "plain" and form.holds_arrays and not form.classes:
            yield "number"


def _may_be_a(word: str, form: Form) -> bool:
    is_alone = form.items is not None and form.items.kind == word
    return is_alone or bool(form.mixed) or ("builtins", word) in form.classes


def _may_be_tuple_of(form: Form, length: int) -> bool:
    items = form.items
    if items is None:
        return bool(form.mixed) or ("builtins", "tuple") in form.classes
    # The tracer does not record the length of a tuple that held no array.
    is_exact = items.is_fixed and any(each.holds_arrays for each in items.each)
    return items.kind == "tuple" and (not is_exact or len(items.each) == length)


def widened(name: str, form: Form, said: Said) -> tuple[Form, list[Weaker]]:
    """Return the form of a place, widened by what the code says may come, too."""
    weaker: list[Weaker] = []
    is_result = name in RESULTS
    start = "yield none" if name == "yield" else "none"
    may_be_none = start in said.gives if is_result else name in said.optional
    if may_be_none and not form.is_optional and not form.is_none:
        form = form._replace(is_optional=True)
        weaker += [] if is_result else [Weaker(name, "none", "it was always passed")]
    items = form.items
    if items is None:
        return form, weaker
    if is_result:
        start = f"{start} "
        places = {each.removeprefix(start) for each in said.gives if each.startswith(start)}
        return form._replace(items=_with_none(items, places)), weaker
    if said.containers.get(name) == items.kind:
        return form, weaker
    if items.is_fixed and len(items.each) > 1:
        return form._replace(mixed="a tuple, of which the code does not say how long it is"), weaker
    wide = Items(_ABSTRACT[items.kind], items.each[:1], is_fixed=False)
    weaker.append(Weaker(name, "container", f"a {items.kind}"))
    return form._replace(items=wide), weaker


def _with_none(items: Items, places: Collection[str]) -> Items:
    """The same items, with None where the code says that it may be."""
    is_alike = bool(places) and not items.is_fixed
    each = [
        form._replace(is_optional=True)
        if (is_alike or f"[{i}]" in places) and not form.is_none
        else form
        for i, form in enumerate(items.each)
    ]
    return items._replace(each=tuple(each))
