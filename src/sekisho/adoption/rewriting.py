"""Write annotations, decorators and imports into a file, and leave all else as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.adoption.imports import with_imports
from sekisho.code import parse_concrete

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sekisho.adoption.spelling import Import

__all__ = ["Edit", "rewrite"]

_INDENT: Final = "    "
_SINGLE: Final = frozenset({"posonly_ind", "star_arg", "star_kwarg"})
"""The parts of a parameter list that are single parameters."""


class Edit(NamedTuple):
    """What to write at one function.

    Attributes:
        line: the line of its ``def``.
        annotations: new annotations, by parameter and ``return``.
        decorator: the decorator without the ``@``; "" for none.
        refined: replacements for existing annotations, by parameter and ``return``.
    """

    line: int
    annotations: Mapping[str, str]
    decorator: str
    refined: Mapping[str, str] = {}


def rewrite(
    text: str, edits: Sequence[Edit], imports: Iterable[Import], package: str, width: int
) -> tuple[str, frozenset[int]]:
    """Write edits into a file, and keep its line ends.

    Args:
        text: the file.
        edits: at most one for each function.
        imports: the imports that the edits need.
        package: the top name of the file's package.
        width: maximum length of a line. A longer header is split, with one parameter for each line.

    Returns:
        The new text, and the lines of the edits whose function was not found.

    Raises:
        ImportError: if libcst is not installed.
        ValueError: if libcst cannot parse the file, or would change more than the edits do.
    """
    from libcst.metadata import MetadataWrapper  # noqa: PLC0415 - an optional dependency

    if not edits:
        return text, frozenset()
    parsed = parse_concrete(text)
    missed = {edit.line: edit for edit in edits}
    wrapper = MetadataWrapper(parsed, unsafe_skip_copy=True)
    module = wrapper.visit(_make_writer(missed, width))
    written: str = with_imports(module, imports, package).code
    return written, frozenset(missed)


def _make_writer(edits: dict[int, Edit], width: int) -> Any:
    """Return a transformer that applies edits at functions, and removes each from `edits`."""
    import libcst as cst  # noqa: PLC0415 - an optional dependency
    from libcst.metadata import PositionProvider  # noqa: PLC0415 - an optional dependency

    class Writer(cst.CSTTransformer):
        METADATA_DEPENDENCIES = (PositionProvider,)
        depth = 0

        def visit_IndentedBlock(self, node: cst.IndentedBlock) -> None:
            _ = node
            self.depth += 1

        def leave_IndentedBlock(
            self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock
        ) -> cst.BaseSuite:
            _ = original_node
            self.depth -= 1
            return updated_node

        def leave_FunctionDef(
            self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
        ) -> cst.FunctionDef:
            # The position of ``def``, not of the name: a backslash may come between them.
            position: Any = self.get_metadata(PositionProvider, original_node)
            # edits that remain at the end were not found
            edit = edits.pop(position.start.line, None)
            if edit is None:
                return updated_node
            changed = _annotate(updated_node, edit, cst)
            if edit.decorator:
                decorator = cst.Decorator(cst.parse_expression(edit.decorator))
                changed = changed.with_changes(
                    decorators=[*changed.decorators, decorator],
                    **({} if changed.decorators else {"lines_after_decorators": ()}),
                )
            broken: cst.FunctionDef = _broken(
                original_node, changed, width - len(_INDENT) * self.depth, cst
            )
            return broken

    return Writer()


def _annotate(node: Any, edit: Edit, cst: Any) -> Any:
    """Return the function with new annotations, and with existing ones replaced."""

    def refined(annotation: Any, name: str) -> Any:
        return annotation.with_changes(annotation=cst.parse_expression(edit.refined[name]))

    def annotated(parameter: Any) -> Any:
        name = parameter.name.value
        if name in edit.refined and parameter.annotation is not None:
            return parameter.with_changes(annotation=refined(parameter.annotation, name))
        text = edit.annotations.get(name)
        if text is None or parameter.annotation is not None:
            return parameter
        changes: dict[str, Any] = {"annotation": cst.Annotation(cst.parse_expression(text))}
        if parameter.default is not None:
            space = cst.SimpleWhitespace(" ")
            changes["equal"] = cst.AssignEqual(space, space)
        return parameter.with_changes(**changes)

    parameters = node.params
    changes: dict[str, Any] = {
        kind: [annotated(each) for each in getattr(parameters, kind)]
        for kind in ("posonly_params", "params", "kwonly_params")
    }
    for kind in ("star_arg", "star_kwarg"):
        star = getattr(parameters, kind)
        if isinstance(star, cst.Param):
            changes[kind] = annotated(star)
    returns = edit.annotations.get("return")
    more = {}
    if returns is not None and node.returns is None:
        more["returns"] = cst.Annotation(cst.parse_expression(returns))
    if "return" in edit.refined and node.returns is not None:
        more["returns"] = refined(node.returns, "return")
    return node.with_changes(params=parameters.with_changes(**changes), **more)


def _header(node: Any, cst: Any) -> str:
    """Return the text from ``def`` to the colon."""
    bare = node.with_changes(
        decorators=(),
        leading_lines=(),
        lines_after_decorators=(),
        body=cst.SimpleStatementSuite(()),
    )
    header: str = cst.Module([]).code_for_node(bare)
    return header.rstrip().removesuffix("pass").rstrip()  # which libcst writes for an empty body


def _broken(before: Any, after: Any, width: int, cst: Any) -> Any:
    """Split a header that has become too long for one line, with one parameter for each line."""
    old, new = _header(before, cst), _header(after, cst)
    # keep the author's own line breaks
    if "\n" in old or (len(new) <= width) or (len(old) > width and len(new) == len(old)):
        return after
    end = cst.TrailingWhitespace(newline=cst.Newline())
    inner = cst.ParenthesizedWhitespace(
        first_line=end, indent=True, last_line=cst.SimpleWhitespace(_INDENT)
    )
    outer = cst.ParenthesizedWhitespace(
        first_line=end, indent=True, last_line=cst.SimpleWhitespace("")
    )
    parameters = after.params
    rows: list[tuple[str, int, Any]] = []
    for kind in (
        "posonly_params",
        "posonly_ind",
        "params",
        "star_arg",
        "kwonly_params",
        "star_kwarg",
    ):
        held: Any = getattr(parameters, kind)
        several: Any = [held] if kind in _SINGLE else held
        rows += [(kind, i, each) for i, each in enumerate(several) if hasattr(each, "comma")]
    if not rows:
        return after
    changes: dict[str, Any] = {
        kind: list(getattr(parameters, kind))
        for kind in ("posonly_params", "params", "kwonly_params")
    }
    for number, (kind, index, each) in enumerate(rows):
        space = outer if number == len(rows) - 1 else inner
        row = each.with_changes(comma=cst.Comma(whitespace_after=space))
        if kind in _SINGLE:
            changes[kind] = row
        else:
            changes[kind][index] = row
    return after.with_changes(
        params=parameters.with_changes(**changes), whitespace_before_params=inner
    )
