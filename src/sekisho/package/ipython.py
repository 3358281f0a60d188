"""The IPython extension: guard functions that a cell defines and annotates with arrays."""

from __future__ import annotations

import ast
import contextlib
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import install, read_setting
from sekisho.guard import check_local, take_reports
from sekisho.package.hook import class_decorator_for, decorator_for
from sekisho.package.inject import GUARD, GUARD_CLASS, inject
from sekisho.package.table import Table
from sekisho.utils import CHECK_LOCAL

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load", "unload"]

_NAMES: Final[dict[str, Callable[..., Any]]] = {
    GUARD: decorator_for,
    GUARD_CLASS: class_decorator_for,
    CHECK_LOCAL: check_local,
}


class _Cells(ast.NodeTransformer):
    """An AST transformer that decorates each cell before it is compiled."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module):
            inject(node, "__main__", Table(()))
        return node


def load(shell: Any) -> None:
    """Guard all cells that run from now on, and add the magic ``%sekisho``."""
    unload(shell)  # loading twice must not decorate twice
    shell.user_ns_hidden.update(_NAMES)
    shell.user_ns.update(_NAMES)
    shell.ast_transformers.append(_Cells())
    shell.events.register("post_run_cell", _report)
    shell.register_magic_function(_set_mode, "line", "sekisho")


def unload(shell: Any) -> None:
    """Stop guarding cells. Functions that are guarded already stay guarded."""
    shell.ast_transformers[:] = [
        each for each in shell.ast_transformers if not isinstance(each, _Cells)
    ]
    with contextlib.suppress(ValueError):  # the extension was not loaded
        shell.events.unregister("post_run_cell", _report)


def _report(_result: Any) -> None:
    """Warn about everything that a cell's functions leave unchecked."""
    for report in take_reports():
        report.warn()


def _set_mode(line: str) -> None:
    """Set the mode of this session: ``%sekisho strict`` or ``%sekisho strict to_torch=warn``."""
    install(read_setting(line, f"%sekisho {line}"))
