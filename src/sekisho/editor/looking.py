"""What is at a place of a program that was read: a name and what it may hold, a function, a crossing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.editor.flow import reaching
from sekisho.editor.positions import Lines
from sekisho.inference import UNKNOWN, Function, Value, Variable, events, join_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.editor.project import Reading

__all__ = [
    "Crossing",
    "Name",
    "Seen",
    "attribute",
    "callee",
    "crossings_in",
    "definition",
    "function_at",
    "function_named",
    "name_at",
    "variable",
]

_DEFS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Name(NamedTuple):
    """A name that is written somewhere.

    Attributes:
        text: itself, dotted if it is of an attribute.
        line: from 1, in the file.
        start: its first character, from 0; of an attribute, the first one of its last part.
        end: behind its last character.
        column: of the whole, as `ast` counts.
        node: what it is in the syntax tree.
    """

    text: str
    line: int
    start: int
    end: int
    column: int
    node: ast.AST


class Seen(NamedTuple):
    """What a name may hold at a place.

    Attributes:
        value: all that it may hold.
        bindings: where it was bound, the nearest first.
        function: in which function.
    """

    value: Value
    bindings: list[Variable]
    function: Function


class Crossing(NamedTuple):
    """A call by which an array changes its library.

    Attributes:
        line: from 1.
        column: as `ast` counts.
        operation: what is called.
        source: the world that it comes from.
        target: the world that it goes to.
        is_allowed: whether a block declares it.
    """

    line: int
    column: int
    operation: str
    source: str
    target: str
    is_allowed: bool


def name_at(reading: Reading, path: str, line: int, character: int) -> Name | None:
    """Return the name at a place.

    Args:
        reading: the program.
        path: the file.
        line: from 1.
        character: from 0; the place behind a name is its, too.
    """
    lines = Lines(reading.file(path).text)
    column = lines.to_bytes(line - 1, character)
    for node in ast.walk(reading.tree(path)):
        found = _name_of(node, line, column, lines)
        if found is not None:
            return found
    return None


def _name_of(node: Any, line: int, column: int, lines: Lines) -> Name | None:
    """Return the name that a node is, if it stands at a place."""
    first: int = getattr(node, "lineno", 0)
    if not first or not first <= line <= node.end_lineno:
        return None
    if isinstance(node, ast.Name):
        at, start, end, text = first, node.col_offset, node.end_col_offset or 0, node.id
    elif isinstance(node, ast.arg):
        start = node.col_offset
        at, end, text = first, start + len(node.arg.encode()), node.arg
    elif isinstance(node, ast.Attribute):
        dotted = _dotted(node)
        end = node.end_col_offset or 0
        at, start, text = node.end_lineno or first, end - len(node.attr.encode()), dotted
    elif isinstance(node, (*_DEFS, ast.ClassDef)):
        at, text = first, node.name
        written = lines.at(first - 1)
        index = written.find(node.name, lines.from_bytes(first - 1, node.col_offset) + 4)
        start = lines.to_bytes(first - 1, index)
        end = start + len(node.name.encode())
    else:
        return None
    if at != line or not start <= column <= end:
        return None
    here = at - 1
    column = start if isinstance(node, (*_DEFS, ast.ClassDef)) else node.col_offset
    return Name(text, at, lines.from_bytes(here, start), lines.from_bytes(here, end), column, node)


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c``; of what begins with something else than a name, ``?.c``."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{_dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def function_at(reading: Reading, path: str, line: int) -> Function | None:
    """Return the innermost function around a line, or the top of the module."""
    functions = reading.functions(path)
    around = [each for each in functions if not each.line or each.line <= line <= each.unit.end]
    return max(around, key=lambda each: each.line, default=None)


def function_named(reading: Reading, identifier: str) -> Function | None:
    """Return a function of the project by ``module:qualified name``."""
    key = identifier.partition(":")[0]
    file = reading.solution.program.files.get(key)
    functions = [] if file is None else reading.functions(file.path)
    return next((each for each in functions if each.unit.name == identifier), None)


def definition(reading: Reading, function: Function) -> Any:
    """Return the syntax tree of a function; None if it cannot be found."""
    nodes = ast.walk(reading.tree(function.file.path))
    return next(
        (each for each in nodes if isinstance(each, _DEFS) and each.lineno == function.line), None
    )


def variable(reading: Reading, path: str, name: Name) -> Seen | None:
    """Return what a plain name may hold at its place; None if nothing binds it."""
    function = function_at(reading, path, name.line)
    line, column = name.line, name.column
    while function is not None:
        if any(each.name == name.text for each in function.variables):
            body = _body(reading, function)
            bindings = reaching(body, function, name.text, line, column)
            if not bindings:  # bound behind the place: by an earlier call, or a loop
                bindings = [each for each in function.variables if each.name == name.text]
            return Seen(join_all(each.value for each in bindings), bindings, function)
        if not function.line:
            return None
        outer = function.unit.outer or f"{function.unit.key}:"
        function = function_named(reading, outer)
        line, column = 10**9, 0  # when it is called, all of the outer one may have run
    return None


def _body(reading: Reading, function: Function) -> list[ast.stmt]:
    if not function.line:
        return reading.tree(function.file.path).body
    node = definition(reading, function)
    return [] if node is None else node.body


def attribute(reading: Reading, path: str, name: Name) -> tuple[Value, list[str]] | None:
    """Return what an attribute holds, and where it is assigned; None if nothing is known of it."""
    start, _, last = name.text.rpartition(".")
    classes = _classes_of(reading, path, name, start)
    for each in classes:
        fact = f"a {each}.{last}"
        value = reading.solution.facts.get(fact)
        if value is not None:
            return value, sorted(_givers(reading, fact))
    return None


def _givers(reading: Reading, fact: str) -> Iterator[str]:
    files = reading.solution.program.files
    for unit, outcome in reading.solution.outcomes.items():
        given = outcome.given.get(fact)
        if given is not None:
            yield files[unit.partition(":")[0]].place(given[1])


def _classes_of(reading: Reading, path: str, name: Name, start: str) -> tuple[str, ...]:
    """Return the classes, with their bases, of the object that an attribute is asked of."""
    function = function_at(reading, path, name.line)
    if not start.isidentifier() or function is None:
        return ()
    seen = variable(reading, path, name._replace(text=start))
    match seen.value if seen is not None else UNKNOWN:
        case ("instance", owner, _) | ("class", owner):
            return reading.solution.program.mro(owner)
        case _:
            return ()


def callee(reading: Reading, path: str, name: Name) -> str:
    """Return the function of the project that a name stands for; "" if it stands for none."""
    program = reading.solution.program
    if isinstance(name.node, _DEFS):
        function = function_at(reading, path, name.line)
        is_it = function is not None and function.line == name.node.lineno
        return function.unit.name if function is not None and is_it else ""
    start, _, last = name.text.rpartition(".")
    for each in _classes_of(reading, path, name, start):
        if function_named(reading, f"{each}.{last}") is not None:
            return f"{each}.{last}"
    around = function_at(reading, path, name.line)
    while around is not None and around.line:  # functions in functions
        inner = f"{around.unit.name}.<locals>.{name.text}"
        if function_named(reading, inner) is not None:
            return inner
        if any(each.name == name.text.partition(".")[0] for each in around.variables):
            return ""  # a variable or a parameter, as of a fixture: not what the module calls so
        around = function_named(reading, around.unit.outer) if around.unit.outer else None
    match program.dotted(reading.keys[path], name.text):
        case ("class", cls):
            member = program.member(cls, "__init__") or program.member(cls, "forward")
            named = f"{member[0]}.__init__" if member else ""
        case ("function", identifier):
            named = identifier
        case _:
            named = ""
    return named if named and program.is_own(named) else ""


def crossings_in(reading: Reading, path: str) -> list[Crossing]:
    """Return the crossings of a file, in order."""
    found: dict[Crossing, None] = {}
    for function in reading.functions(path):
        for kind in (events.CROSS, events.ALLOWED):
            for line, column, _, (operation, source, target, _) in events.events_of(
                function.notes, kind
            ):
                is_allowed = kind is events.ALLOWED
                found[Crossing(line, column, operation, source, target, is_allowed)] = None
    return sorted(found)
