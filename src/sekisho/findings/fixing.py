"""What ``--fix`` does: names that lie are renamed, decorators added, and all else stays as it was."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sekisho.findings.finding import Finding, Fix

__all__ = ["difference", "fixed"]


def fixed(text: str, findings: Iterable[Finding]) -> str:
    """A module with what is certain mended; comments and spaces stay.

    Raises:
        ImportError: if libcst is not installed.
    """
    fixes = [each.fix for each in findings if each.fix is not None]
    if not fixes:
        return text
    return _rewrite(text, list(dict.fromkeys(fixes)))


def difference(path: str, before: str, after: str) -> str:
    """A unified diff."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), path, path
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _rewrite(text: str, fixes: Sequence[Fix]) -> str:
    import libcst as cst  # noqa: PLC0415 - an extra, and only this needs it
    from libcst.metadata import MetadataWrapper, PositionProvider  # noqa: PLC0415 - likewise

    class Rewriter(cst.CSTTransformer):
        METADATA_DEPENDENCIES = (PositionProvider,)

        def __init__(self) -> None:
            super().__init__()
            self.names: list[dict[str, str]] = []
            self.decorates = False

        def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
            line = self._line(node)
            here = {fix.old: fix.new for fix in fixes if fix.kind == "rename" and fix.line == line}
            self.names.append(here)

        def leave_FunctionDef(
            self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
        ) -> cst.FunctionDef:
            self.names.pop()
            line = self._line(original_node)
            new = next(
                (fix.new for fix in fixes if fix.kind == "decorate" and fix.line == line), None
            )
            if new is None:
                return updated_node
            self.decorates = True
            decorator = cst.Decorator(cst.parse_expression(f"sekisho.{new}"))
            if updated_node.decorators:
                return updated_node.with_changes(decorators=[decorator, *updated_node.decorators])
            return updated_node.with_changes(
                decorators=[decorator],
                lines_after_decorators=(),
            )

        def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
            _ = original_node
            new = self.names[-1].get(updated_node.value) if self.names else None
            return updated_node if new is None else updated_node.with_changes(value=new)

        def leave_Attribute(
            self, original_node: cst.Attribute, updated_node: cst.Attribute
        ) -> cst.Attribute:
            return updated_node.with_changes(attr=original_node.attr)  # no name of the function's

        def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
            return updated_node.with_changes(keyword=original_node.keyword)

        def _line(self, node: cst.FunctionDef) -> int:
            """As `ast` counts: the line of ``def``, behind the decorators."""
            position: Any = self.get_metadata(PositionProvider, node.name)
            return int(position.start.line)

    wrapper = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=False)
    rewriter = Rewriter()
    module = wrapper.visit(rewriter)
    if rewriter.decorates and not _imports_sekisho(module, cst):
        module = _with_import(module, cst)
    return module.code


def _imports_sekisho(module: Any, cst: Any) -> bool:
    for line in module.body:
        for each in getattr(line, "body", ()) if isinstance(line, cst.SimpleStatementLine) else ():
            if isinstance(each, cst.Import):
                for alias in each.names:
                    if alias.evaluated_name == "sekisho" and alias.asname is None:
                        return True
    return False


def _with_import(module: Any, cst: Any) -> Any:
    """``import sekisho`` behind the docstring, ``from __future__`` and the first block of imports."""
    place = 0
    for index, line in enumerate(module.body):
        statements = line.body if isinstance(line, cst.SimpleStatementLine) else ()
        if any(isinstance(each, (cst.Import, cst.ImportFrom)) for each in statements):
            place = index + 1
        elif place or not (statements and isinstance(statements[0], cst.Expr)):
            break
        else:
            place = index + 1
    statement = cst.parse_statement("import sekisho\n")
    return module.with_changes(body=[*module.body[:place], statement, *module.body[place:]])
