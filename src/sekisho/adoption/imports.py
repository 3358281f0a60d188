"""Add imports to a module where a person, or isort, would put them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.adoption.spelling import Import

__all__ = ["with_imports"]

_FUTURE, _STANDARD, _INSTALLED, _OWN = range(4)


def with_imports(module: Any, imports: Iterable[Import], package: str) -> Any:
    """Return the module with more imports, each sorted into its section.

    Args:
        module: parsed by libcst.
        imports: the missing imports.
        package: the top name of the module's package, whose imports come last.
    """
    import libcst as cst  # noqa: PLC0415 - an optional dependency
    from libcst.codemod import CodemodContext  # noqa: PLC0415 - an optional dependency
    from libcst.codemod.visitors import AddImportsVisitor  # noqa: PLC0415 - an optional dependency

    context = CodemodContext()
    by_module: dict[str, list[str]] = {}
    whole: list[tuple[str, str]] = []
    # libcst extends the `from` imports that exist. It would add new ones after all others, so each of
    # them is inserted below, in its section.
    extended = {each.module.value for each in _from_imports(module, cst)}
    for each in imports:
        if not each.name:
            whole.append((each.module, each.alias))
        elif each.module in extended:
            AddImportsVisitor.add_needed_import(context, each.module, each.name)
        else:
            by_module.setdefault(each.module, []).append(each.name)
    module = AddImportsVisitor(context).transform_module(module)
    texts = {
        name: f"import {name} as {alias}" if alias else f"import {name}" for name, alias in whole
    }
    for name, text in sorted(texts.items()):
        module = _insert(module, (_section(name, 0, package), 0, name), text, package, cst)
    for name, names in sorted(by_module.items()):
        text = f"from {name} import {', '.join(sorted(names))}"
        module = _insert(module, (_section(name, 0, package), 1, name), text, package, cst)
    return module


def _from_imports(module: Any, cst: Any) -> list[Any]:
    lines = [each for each in module.body if isinstance(each, cst.SimpleStatementLine)]
    found = [part for line in lines for part in line.body if isinstance(part, cst.ImportFrom)]
    return [each for each in found if not each.relative and isinstance(each.module, cst.Name)]


def _section(name: str, dots: int, package: str) -> int:
    top = name.partition(".")[0]
    if top == "__future__":
        return _FUTURE
    if dots or top == package:
        return _OWN
    return _STANDARD if top in sys.stdlib_module_names else _INSTALLED


def _insert(module: Any, key: tuple[int, int, str], text: str, package: str, cst: Any) -> Any:
    """Insert one import where its sort key belongs, with a blank line between two sections."""
    body = list(module.body)
    keys = [_key(each, package, cst) for each in body]
    # Use the first block of imports; if there is none, the place after the docstring.
    first = next((i for i, each in enumerate(keys) if each is not None), None)
    if first is None:
        first = end = int(bool(module.get_docstring()))
    else:
        end = next((i for i in range(first, len(keys)) if keys[i] is None), len(keys))
    smaller = [i for i in range(first, end) if (keys[i] or key) < key]
    at = smaller[-1] + 1 if smaller else first
    before = keys[at - 1] if at else None
    statement = cst.parse_statement(text)
    # It follows another section, or the docstring.
    if at and (before is None or before[0] < key[0]):
        statement = statement.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    following = body[at] if at < len(body) else None
    is_definition = isinstance(following, (cst.FunctionDef, cst.ClassDef))
    if following is not None and first == end and is_definition:
        lines = following.leading_lines  # no blank line stands at the top of a file
        missing = 2 - sum(line.comment is None for line in lines)
        blank = [cst.EmptyLine(indent=False)] * missing
        body[at] = following.with_changes(leading_lines=[*blank, *lines])
    elif following is not None and keys[at] is not None and at < end:
        is_apart = (keys[at] or key)[0] > key[0]  # the next import begins another section
        lines = following.leading_lines
        if is_apart and not any(line.comment is None for line in lines):
            body[at] = following.with_changes(leading_lines=[cst.EmptyLine(indent=False), *lines])
        elif not is_apart and not smaller:
            # It comes first in an existing section, so the blank lines before that move to it.
            statement = statement.with_changes(
                leading_lines=[line for line in lines if line.comment is None]
            )
            kept = [line for line in lines if line.comment is not None]
            body[at] = following.with_changes(leading_lines=kept)
    return module.with_changes(body=[*body[:at], statement, *body[at:]])


def _key(line: Any, package: str, cst: Any) -> tuple[int, int, str] | None:
    """Return the sort key of an import: section, `import` before `from`, name. None if it is no import."""
    part: Any = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    if isinstance(part, cst.Import):
        name = part.names[0].evaluated_name
        return _section(name, 0, package), 0, name
    if isinstance(part, cst.ImportFrom):
        name = "" if part.module is None else cst.Module([]).code_for_node(part.module)
        return _section(name, len(part.relative), package), 1, name
    return None
