"""Find what torch.jit compiles from source: it reads annotations, and does not know jaxtyping's.

The tracer sees what was compiled while the program ran. This module reads the calls of
``torch.jit.script`` that did not run, and follows the functions that are called from there.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.inference import called_by
from sekisho.utils import parse
from sekisho.worlds import world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.inference import Solution

__all__ = ["compiled_in", "say_compiled"]

_SCRIPTS: Final = frozenset({"script", "script_if_tracing"})


def say_compiled() -> str:
    """Say why a function that a library compiles is left as it is."""
    functions = (world_named(name).supplement.compiler for name in world_names())
    modules = [each.rpartition(".")[0] for each in functions if each]
    return f"{' or '.join(modules)} compiles its source, and does not know the annotations of jaxtyping"


def compiled_in(solution: Solution) -> set[str]:
    """Return the names of the units that the code of a program passes to torch.jit, and of what they call."""
    texts = {each.text for each in solution.program.files.values() if "jit" in each.text}
    scripted = {name for text in texts for name in _scripted(parse(text))}
    # What is compiled of a module is its ``forward``, and what this calls.
    starts = {start for name in scripted for start in (name, f"{name}.forward")}
    calls = called_by(solution)
    found: set[str] = set()
    new = {name for name in calls if name.partition(":")[2] in starts}
    while new:
        found |= new
        new = {called for name in new for called in calls.get(name, ())} - found
    return found


def _scripted(tree: ast.Module) -> Iterator[str]:
    """Yield the functions and classes that a module compiles: ``f`` of ``torch.jit.script(f)``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="jit") | ast.Name(id="jit"), attr=name),
                args=[
                    (
                        ast.Name() | ast.Attribute() | ast.Call(func=ast.Name() | ast.Attribute())
                    ) as value,
                    *_,
                ],
            ) if name in _SCRIPTS:
                named = value.func if isinstance(value, ast.Call) else value
                yield named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
            case _:
                pass
