"""Find code at the top of a module that works with arrays, where no contract can be written."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, NamedTuple

from sekisho.inference import arrays_in, events, survey
from sekisho.utils import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.inference import Function, Solution

__all__ = ["Block", "top_level_blocks"]

_DEFINING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_DOING = (ast.For, ast.While, ast.With, ast.If, ast.Try, ast.Expr, ast.AugAssign)


class Block(NamedTuple):
    """Consecutive statements at the top of a module.

    Attributes:
        path: the real path of the file.
        first: the first line.
        last: the last line.
        worlds: the worlds of the arrays in them.
    """

    path: str
    first: int
    last: int
    worlds: tuple[str, ...]

    def __str__(self) -> str:
        lines = (
            f"line {self.first}" if self.first == self.last else f"lines {self.first}-{self.last}"
        )
        return (
            f"{lines} at the top of the module work with arrays ({', '.join(self.worlds)}): contracts are "
            "written at functions, so move these lines into one, such as main()"
        )


def top_level_blocks(solution: Solution) -> Iterator[Block]:
    """Yield the blocks of a program that work with arrays outside of functions.

    A block that only defines constants, as ``MEAN = np.array([0.5])``, does not count.
    """
    for each in survey(solution):
        if not each.unit.line:
            yield from _blocks_of(each)


def _blocks_of(module: Function) -> Iterator[Block]:
    touched = {
        variable.line: arrays_in(variable.value)
        for variable in module.variables
        if arrays_in(variable.value)
    }
    crossed = {line for line, *_ in events.events_of(module.notes, events.CROSS)}
    run: list[ast.stmt] = []
    # None ends the last run of statements
    for node in [*parse(module.file.text).body, None]:
        if node is not None and not isinstance(node, _DEFINING) and not _is_docstring(node):
            run.append(node)
            continue
        if run:
            first, last = run[0].lineno, run[-1].end_lineno or run[-1].lineno
            lines = range(first, last + 1)
            worlds = {w for line, several in touched.items() if line in lines for w in several}
            does = any(isinstance(each, _DOING) for each in run)
            if does and (worlds or crossed & {*lines}):
                found = tuple(sorted(worlds)) or ("crossing",)
                yield Block(os.path.realpath(module.file.path), first, last, found)
        run = []


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
