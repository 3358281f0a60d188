"""What is said of a place: in Markdown for a hover, in short for a hint, as a signature."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.editor.looking import (
    Crossing,
    Name,
    Seen,
    attribute,
    callee,
    crossings_in,
    definition,
    function_named,
    name_at,
    variable,
)
from sekisho.inference import arrays_in, is_open, is_unknown, label, worlds_of
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.editor.project import Reading
    from sekisho.inference import Function, Value, Variable

__all__ = [
    "Described",
    "Signature",
    "axes_of",
    "crossing_text",
    "describe",
    "is_notable",
    "signature_of",
]

_SILENT: Final = frozenset({"none", "unknown"})
_NO_ARRAY: Final = re.compile(r"\bnone\b")
_MOST: Final = 4
"""Places that are named, of many."""


class Described(NamedTuple):
    """What is said of a name, and where it stands.

    Attributes:
        name: the name.
        text: Markdown.
    """

    name: Name
    text: str


class Signature(NamedTuple):
    """A function as it is written.

    Attributes:
        name: its own.
        parameters: each with its annotation and default, as they are written; without ``self``.
        names: those of the parameters; with ``*`` and ``**``.
        returns: the annotation of the result; "" if there is none.
    """

    name: str
    parameters: list[str]
    names: list[str]
    returns: str

    @property
    def label(self) -> str:
        """All of it, in one line."""
        return self.without_result + (f" -> {self.returns}" if self.returns else "")

    @property
    def without_result(self) -> str:
        """Its name and its parameters."""
        return f"{self.name}({', '.join(self.parameters)})"


def describe(reading: Reading, path: str, line: int, character: int) -> Described | None:
    """Return what is known of the name at a place; None if nothing is."""
    name = name_at(reading, path, line, character)
    if name is None:
        return None
    parts = [*_function_parts(reading, path, name)]
    if not parts:
        parts = [*_value_parts(reading, path, name)]
    parts += dict.fromkeys(
        f"crosses: {crossing_text(each)}"
        for each in crossings_in(reading, path)
        if each.line == line and each.operation.rpartition(".")[2].rstrip("()") in _words(name)
    )
    return Described(name, "\n\n".join(parts)) if parts else None


def _words(name: Name) -> set[str]:
    return {name.text.rpartition(".")[2]}


def crossing_text(crossing: Crossing) -> str:
    """Return a crossing in words: ``NumPy → PyTorch by torch.from_numpy``."""
    source, target = (world_named(each).label for each in (crossing.source, crossing.target))
    declared = ", declared" if crossing.is_allowed else ""
    return f"{source} → {target} by {crossing.operation}{declared}"


def shown_label(value: Value) -> str:
    """Return what a value may hold. Beside other code, the label of no array would be taken for None."""
    return _NO_ARRAY.sub("other", label(value))


def axes_of(value: Value) -> str:
    """Return the axes of an array, as its annotation says; "" if none does."""
    return value[3] if value[0] == "array" else ""


# --- a value


def _value_parts(reading: Reading, path: str, name: Name) -> Iterator[str]:
    if "." in name.text:
        found = attribute(reading, path, name)
        if found is not None and arrays_in(found[0]):
            yield _headline(name.text, found[0])
            yield _steps(f"assigned at {reading.shown(place)}" for place in found[1][:_MOST])
        return
    seen = variable(reading, path, name)
    if seen is None or not arrays_in(seen.value):
        return
    yield _headline(name.text, seen.value)
    steps = [step for each in seen.bindings[:_MOST] for step in _reasons(reading, seen, each)]
    if steps:
        yield _steps(iter(steps))


def _headline(name: str, value: Value) -> str:
    axes = axes_of(value)
    shown = f"`{name}`: **{shown_label(value)}**" + (f', axes `"{axes}"`' if axes else "")
    return (
        f"{shown}, or something else: not all that it is bound to is known"
        if is_open(value)
        else shown
    )


def _steps(steps: Iterator[str]) -> str:
    return "\n".join(f"- {step}" for step in steps)


def _reasons(reading: Reading, seen: Seen, binding: Variable) -> Iterator[str]:
    """Yield how it is known what a binding holds."""
    function = seen.function
    parameter = next(
        (
            each
            for each in _arguments(definition(reading, function))
            if (each.lineno, each.col_offset, each.arg)
            == (binding.line, binding.column, binding.name)
        ),
        None,
    )
    if parameter is None:
        where = function.file.place(binding.line).rpartition(":")[2]
        held = f" ({shown_label(binding.value)})" if len(seen.bindings) > 1 else ""
        yield f"line {where}{held}" + (f": `{binding.how}`" if binding.how else "")
        return
    text = function.file.text
    if function.unit.declared not in {"", "boundary", "same_world"}:
        yield f"`@{function.unit.declared}` takes it as one of its world"
    if parameter.annotation is not None:
        yield f"annotated as `{ast.get_source_segment(text, parameter.annotation)}`"
    yield from _called(reading, function, binding.name)


def _called(reading: Reading, function: Function, name: str) -> Iterator[str]:
    """Yield the calls that pass arrays as a parameter."""
    sites = reading.solution.sites.get(f"p {function.unit.name}.{name}", ())
    files = reading.solution.program.files
    told = [
        f"{shown_label(value)} as called at {reading.shown(files[key].place(line))}"
        for key, line, value in sorted(sites, key=lambda site: site[:2])
        if arrays_in(value)
    ]
    yield from told[:_MOST]
    if len(told) > _MOST:
        yield f"and {len(told) - _MOST} more calls"


def _arguments(node: Any) -> list[ast.arg]:
    if node is None:
        return []
    args = node.args
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    return [each for each in every if each is not None]


# --- a function


def _function_parts(reading: Reading, path: str, name: Name) -> Iterator[str]:
    function = function_named(reading, identifier := callee(reading, path, name))
    signature = signature_of(reading, identifier)
    if function is None or signature is None:
        return
    parameters = _shown_parameters(function)
    if not is_notable(function):
        return
    decorator = f"@{function.unit.declared}\n" if function.unit.declared else ""
    is_class = name.text.rpartition(".")[2] == signature.name and function.name.endswith("__init__")
    head = f"class {signature.without_result}" if is_class else f"def {signature.label}"
    yield f"```python\n{decorator}{head}\n```"
    taken = ", ".join(
        f"{each}: {shown_label(value)}" if _says(value) else each for each, value in parameters
    )
    given = shown_label(function.returns) if _says(function.returns) else "no array"
    yield f"**{function.world}**: ({taken}) -> {given}"
    if function.ready_for:
        yield f"ready for `@{function.ready_for}`"
    steps = [
        f"line {each.line}: {crossing_text(each)}"
        for each in crossings_in(reading, function.file.path)
        if function.line <= each.line <= function.unit.end
    ]
    if steps:
        yield "It crosses:\n\n" + _steps(iter(steps[:_MOST]))
    several = [each for each, value in parameters if len(worlds_of(value)) > 1]
    for each in several:
        yield f"`{each}`:\n\n" + _steps(_called(reading, function, each))


def _says(value: Value) -> bool:
    """Whether a label tells something of a value: the arrays in it, or that it may be one."""
    return bool(arrays_in(value)) or is_unknown(value)


def is_notable(function: Function) -> bool:
    """Whether a function has to do with arrays: the server of a type checker says the rest."""
    values = [function.returns, *(value for _, value in _shown_parameters(function))]
    is_silent = function.world in _SILENT and not function.ready_for
    return not is_silent or any(map(arrays_in, values))


def _shown_parameters(function: Function) -> list[tuple[str, Value]]:
    first = 1 if function.unit.owner and "staticmethod" not in function.unit.traits else 0
    return [*function.parameters[first:]]


def signature_of(reading: Reading, identifier: str) -> Signature | None:
    """Return a function of the project as it is written: annotations keep their text."""
    function = function_named(reading, identifier) if identifier else None
    node = definition(reading, function) if function is not None else None
    if function is None or node is None:
        return None
    text = function.file.text
    parameters: list[str] = []
    names: list[str] = []
    marks = {id(node.args.vararg): "*", id(node.args.kwarg): "**"}
    defaults = _defaults(node.args)
    is_method = bool(function.unit.owner) and "staticmethod" not in function.unit.traits
    first_keyword = node.args.kwonlyargs[0] if node.args.kwonlyargs else None
    last_positional = node.args.posonlyargs[-1] if node.args.posonlyargs else None
    for each in _arguments(node)[int(is_method) :]:
        if each is first_keyword and node.args.vararg is None:
            parameters.append("*")
            names.append("*")
        shown = f"{marks.get(id(each), '')}{each.arg}"
        names.append(shown)
        if each.annotation is not None:
            shown = f"{shown}: {_written(text, each.annotation)}"
        if id(each) in defaults:
            sign = " = " if each.annotation is not None else "="
            shown = f"{shown}{sign}{_written(text, defaults[id(each)])}"
        parameters.append(shown)
        if each is last_positional:
            parameters.append("/")
            names.append("/")
    returns = _written(text, node.returns) if node.returns is not None else ""
    own = node.name
    if own == "__init__" and function.unit.owner:
        own = function.unit.owner.rpartition(":")[2].rpartition(".")[2]
    return Signature(own, parameters, names, returns)


def _defaults(args: ast.arguments) -> dict[int, ast.expr]:
    plain = [*args.posonlyargs, *args.args]
    behind = plain[len(plain) - len(args.defaults) :]
    pairs = [*zip(behind, args.defaults, strict=True)]
    pairs += [
        (each, default)
        for each, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)
        if default is not None
    ]
    return {id(each): default for each, default in pairs}


def _written(text: str, node: ast.expr) -> str:
    return " ".join((ast.get_source_segment(text, node) or ast.unparse(node)).split())
