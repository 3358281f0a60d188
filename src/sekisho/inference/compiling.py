"""Note which functions of the project a library compiles from source: ``script(f)`` and ``@script``."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference.members import find_method
from sekisho.inference.value_types import PLAIN, Value
from sekisho.inference.values import atoms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.inference.frame import Frame, Located
    from sekisho.worlds import CompilerUse

__all__ = ["FACTS", "note_compiled", "note_decorated"]

FACTS: Final[dict[CompilerUse, str]] = {"compiled": "j ", "called": "k "}
"""The start of the fact that says that a compiler reads a function, or calls it as it is."""


def note_compiled(frame: Frame, callee: Value, given: Iterable[Value], node: Located) -> None:
    """Note what a call of a library's compiler is given."""
    if not frame.knowledge.compiles:
        return
    for function in atoms(callee):
        use = frame.knowledge.compiles.get(function[1]) if function[0] == "function" else None
        if use is not None:
            for name in (name for value in given for name in _functions(frame, value)):
                frame.give(f"{FACTS[use]}{name}", PLAIN, node.lineno)


def note_decorated(
    frame: Frame, node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
) -> None:
    """Note a definition that has a library's compiler as a decorator."""
    name = frame.knowledge.names_of_units.get(id(node))
    if name is None or not frame.knowledge.compiles:
        return
    value: Value = ("class", name) if isinstance(node, ast.ClassDef) else ("function", name)
    for each in node.decorator_list:
        # of ``@ignore(drop=True)``, the function
        callee = frame.evaluate(frame, each.func if isinstance(each, ast.Call) else each)
        note_compiled(frame, callee, [value], node)


def _functions(frame: Frame, value: Value) -> Iterator[str]:
    """Yield the project's functions that are compiled with a value."""
    program = frame.program
    for atom in atoms(value):
        match atom:
            case ("function", name) | ("bound", name, _) if program.is_own(name):
                yield name
            case ("class", name) if program.is_own(name):
                entry = program.entry(name)
                members = entry[2] if entry is not None and entry[0] == "class" else {}
                yield from (f"{name}.{each}" for each in members if members[each][0] == "def")
            case ("instance", _, ("tuple", parts)):  # modules that a chain of them calls
                for part in parts:
                    yield from _functions(frame, part)
            case ("instance", cls, _) if program.is_own(cls):
                methods = find_method(frame, cls, "forward", is_exact=True)
                yield from (name for name, _ in methods if program.is_own(name))
            case _:
                pass
