"""Decide what to write at one function, and what to leave out, with the reason."""

from __future__ import annotations

import ast
import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from sekisho.adoption.comparing import contradictions
from sekisho.adoption.refining import refined
from sekisho.adoption.rewriting import Edit
from sekisho.deduction import LeftOut, spell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sekisho.adoption.definitions import Definition
    from sekisho.adoption.spelling import ModuleSpelling
    from sekisho.deduction import Deduced, Form, Weaker

__all__ = ["Choice", "Part", "Settings", "Unkept", "choose"]

Part = Literal["annotation", "decorator", "mutates", "declaration", "everything"]
"""A part of a contract: one annotation, the decorator, an argument that `mutates` of the decorator has
to name, annotations that a decorator refuses, or all of it."""


class Unkept(NamedTuple):
    """A part of a written contract that a run has not kept, so that it is not written again.

    Attributes:
        path: the real path of the file.
        function: the qualified name of the function.
        part: which part of its contract.
        name: the parameter, or ``return``, of an annotation; the parameter that a call has changed.
    """

    path: str
    function: str
    part: Part
    name: str = ""

    @property
    def place(self) -> str:
        """What reports call the part."""
        return self.name if self.part == "annotation" else f"{self.part} {self.name}".strip()


_NUMBERS: Final = frozenset({"int", "float", "complex"})

_OWN: Final = frozenset({"boundary", "same_world"})


class Settings(NamedTuple):
    """The user's settings.

    Attributes:
        select: patterns of qualified names; empty for all.
        min_calls: functions with fewer calls are left as they are.
        arrays_only: whether to annotate only arrays and containers of arrays.
        width: maximum length of a line.
        keep_annotations: whether plain annotations stay as they are.
    """

    select: tuple[str, ...] = ()
    min_calls: int = 1
    arrays_only: bool = False
    width: int = 100
    keep_annotations: bool = False


class Choice(NamedTuple):
    """One function, and what to write at it.

    Attributes:
        definition: the function.
        deduced: its deduced contract; None if none was deduced.
        edit: what to write; None if nothing.
        left_out: pairs of a parameter, ``return`` or "", and why nothing is written there.
        contradicted: existing annotations that calls of the runs contradict.
        lost_writes: why the decorator must not convert; empty if it may.
        weaker: the claims that had too little evidence.
    """

    definition: Definition
    deduced: Deduced | None
    edit: Edit | None
    left_out: tuple[tuple[str, str], ...]
    contradicted: tuple[str, ...]
    lost_writes: tuple[str, ...] = ()
    weaker: tuple[Weaker, ...] = ()


def choose(
    path: str,
    definition: Definition,
    deduced: Deduced,
    spelling: ModuleSpelling,
    settings: Settings,
    dropped: Collection[Unkept],
    refused: Mapping[int, str],
) -> Choice:
    """Decide what to write at a function.

    Args:
        path: the real path of its file.
        definition: the function.
        deduced: its deduced contract.
        spelling: the names that its module uses in annotations.
        settings: the user's settings.
        dropped: what not to write.
        refused: by line, why nothing can be written.
    """
    contradicted = tuple(contradictions(deduced.observed, definition, spelling))
    unkept = [each for each in dropped if each[:2] == (path, definition.name)]
    parts = {each.part for each in unkept}
    is_out = {each.name for each in unkept if each.part == "annotation"}
    reason = "" if _is_test(path) else _reason(definition, deduced, settings, refused)
    if "declaration" in parts:
        reason = "a decorator refuses what it is annotated with"
    elif "everything" in parts:
        reason = "written, and not kept when it was run again, time after time"
    if reason is not None:
        left = (("", reason),) if reason else ()
        return Choice(definition, deduced, None, left, contradicted)
    if not deduced.kind:
        unclear = tuple([each for each in deduced.weaker if each.claim == "world"])
        return Choice(definition, deduced, None, (), contradicted, weaker=unclear)
    annotations, left_out, unsure = _annotations(definition, deduced, spelling, settings, is_out)
    # the decorator failed in a run: a boundary demands the least
    kind = "boundary" if "decorator" in parts else deduced.kind
    has_one = any(each in _OWN or each.endswith("_world") for each in definition.decorators)
    why_bare = _why_bare(definition, deduced, spelling, contradicted)
    left_out += [("", f"no decorator: {why_bare}")] if why_bare and not has_one else []
    decorator = "" if has_one or why_bare else spelling.decorator(kind)
    converts = bool(decorator) and kind != "boundary"
    writes = {
        name: f"line {lines[0]} writes into '{name}'" for name, lines in definition.writes.items()
    }
    seen = sorted(each.name for each in unkept if each.part == "mutates")
    writes |= {name: f"a call of it has changed '{name}'" for name in seen}
    lost_writes = tuple(_lost_writes(writes, deduced)) if converts else ()
    decorator += _options(writes, deduced, rejects=bool(lost_writes)) if decorator else ""
    is_kept = settings.keep_annotations or bool(why_bare)
    exact = {} if is_kept else _refined(definition, deduced, spelling, is_out)
    is_empty = not (annotations or decorator or exact)
    edit = None if is_empty else Edit(definition.line, annotations, decorator, exact)
    wanted = {name for name, _ in _wanted(definition, deduced, settings)} | {""}
    weaker = tuple([each for each in unsure if each.place.replace("yield", "return") in wanted])
    return Choice(definition, deduced, edit, tuple(left_out), contradicted, lost_writes, weaker)


def _annotations(
    definition: Definition,
    deduced: Deduced,
    spelling: ModuleSpelling,
    settings: Settings,
    is_out: set[str],
) -> tuple[dict[str, str], list[tuple[str, str]], list[Weaker]]:
    """Return the annotations to write, the places left out with reasons, and what is uncertain."""
    annotations: dict[str, str] = {}
    left_out: list[tuple[str, str]] = []
    unsure = [*deduced.weaker]
    for name, form in _wanted(definition, deduced, settings):
        if name in is_out:
            left_out.append((name, "written, and not kept when it was run again"))
        elif name in deduced.left_out:
            unsure.append(deduced.left_out[name])
        else:
            try:
                annotations[name] = _spelled(name, form, definition, deduced, spelling)
            except LeftOut as why:
                left_out += [(name, str(why))] if form.holds_arrays else []
    return annotations, left_out, unsure


def _spelled(
    name: str, form: Form, definition: Definition, deduced: Deduced, spelling: ModuleSpelling
) -> str:
    """Return the annotation of a place.

    Raises:
        LeftOut: if no annotation covers all that came.
    """
    if name == "return" and form.is_none and not definition.is_generator:
        return "None"
    any_world = deduced.kind == "same_world"
    text = spell(form, deduced.axes, deduced.words, spelling, any_world=any_world)
    is_yielded = name == "return" and definition.is_generator
    return f"{spelling.abstract('Iterator')}[{text}]" if is_yielded else text


def _refined(
    definition: Definition, deduced: Deduced, spelling: ModuleSpelling, is_out: set[str]
) -> dict[str, str]:
    """Return the plain annotations that can be made more exact."""
    found: dict[str, str] = {}
    for name, node in definition.annotations.items():
        form = deduced.forms.get(name)
        is_left = name in deduced.left_out or name in is_out
        if form is None or is_left or (name == "return" and definition.is_generator):
            continue
        text = refined(node, form, deduced.axes, deduced.words, spelling)
        if text:
            found[name] = text
    return found


def _why_bare(
    definition: Definition,
    deduced: Deduced,
    spelling: ModuleSpelling,
    contradicted: tuple[str, ...],
) -> str:
    """Why a guard would refuse calls that were seen, or might come, or could not be made; "" if none."""
    if contradicted:
        return "what it is annotated with does not hold"
    for node in definition.annotations.values():
        typed = spelling.typed_in(node)
        if typed is not None:
            return f"'{typed[0]}' is imported for type checkers only, in line {typed[1]}"
    return _doubtful_number(definition, deduced)


def _doubtful_number(definition: Definition, deduced: Deduced) -> str:
    """Why a result that is annotated as a number may be an array; "" if it may not.

    What computes with single numbers often computes with arrays too, and then gives one.
    """
    node = definition.annotations.get("return")
    number = node.id if isinstance(node, ast.Name) and node.id in _NUMBERS else ""
    given = [slot for slot in deduced.axes if slot.name not in {"return", "yield"}]
    if (
        not number
        or "any" not in definition.body.gives
        or any({*each.ranks} - {0} for each in given)
    ):
        return ""
    return (
        f"its result is annotated as '{number}', and only single numbers came: it may give arrays"
    )


def _lost_writes(writes: Mapping[str, str], deduced: Deduced) -> Iterator[str]:
    """Yield writes into array arguments, which a guard that converts would lose."""
    for name, why in writes.items():
        if name in deduced.forms and deduced.forms[name].holds_arrays:
            yield f"nothing is converted, since {why}: a write into a converted copy would be lost"


def _options(writes: Mapping[str, str], deduced: Deduced, *, rejects: bool) -> str:
    """Return the options of a decorator: what is written into is declared, for strict mode."""
    holding = {name for name, form in deduced.forms.items() if form.holds_arrays}
    written = [name for name in writes if name in holding and name != "out"]
    options = ['on_foreign="refuse"'] if rejects else []
    if written:
        names = ", ".join(f'"{name}"' for name in written)
        options.append(f"mutates={names}" if len(written) == 1 else f"mutates=({names})")
    return f"({', '.join(options)})" if options else ""


def _is_test(path: str) -> bool:
    """Return whether a file holds tests: they are evidence, but get no contracts of their own."""
    file = Path(path)
    is_named_so = file.stem.startswith("test_") or file.stem.endswith("_test")
    return is_named_so or file.stem == "conftest" or file.parent.name in {"tests", "test"}


def _reason(
    definition: Definition, deduced: Deduced, settings: Settings, refused: Mapping[int, str]
) -> str | None:
    """Return why nothing is written at a function; "" if it is out of scope, None if it is in scope."""
    if settings.select and not any(
        fnmatch.fnmatchcase(definition.name, pattern) for pattern in settings.select
    ):
        return ""
    if not deduced.has_arrays:
        return "" if deduced.calls or not deduced.observed.calls else "each of its calls raised"
    if definition.why_not:
        return definition.why_not
    if deduced.calls < settings.min_calls:
        return f"{deduced.calls} calls, fewer than {settings.min_calls}"
    return refused.get(definition.line)


def _wanted(
    definition: Definition, deduced: Deduced, settings: Settings
) -> Iterator[tuple[str, Form]]:
    """Yield the places without an annotation, and what came to them."""
    for name, form in deduced.forms.items():
        if name in definition.annotations or (settings.arrays_only and not form.holds_arrays):
            continue
        if name == "yield":
            if not definition.is_async and "return" not in definition.annotations:
                yield "return", form
        elif name != "return" or not definition.is_generator:
            yield name, form
