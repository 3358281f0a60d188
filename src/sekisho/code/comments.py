"""Types in comments (PEP 484), as the annotations that they stand for."""

from __future__ import annotations

import ast
import re
from typing import Final

from sekisho.utils import parse, quiet

__all__ = ["parse_typed"]

_MAY_HAVE: Final = re.compile(r"#\s*type:\s*(?!ignore)")


def parse_typed(text: str) -> ast.Module:
    """Parse a module; what its comments say of types stands in its annotations.

    Raises:
        ValueError: if it is no Python.
    """
    if not _MAY_HAVE.search(text):
        return parse(text)
    try:
        with quiet():
            tree = ast.parse(text, type_comments=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parse(text)  # such a comment stands where none is allowed; or it says what is wrong
    _Annotate().visit(tree)  # which gives back the module itself
    return tree


class _Annotate(ast.NodeTransformer):
    """Puts types from comments into the tree, where nothing is annotated."""

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        said = _expression(node.type_comment, node)
        target = node.targets[0]
        if (
            said is None
            or len(node.targets) > 1
            or not isinstance(target, (ast.Name, ast.Attribute))
        ):
            return node
        annotated = ast.AnnAssign(target, said, node.value, int(isinstance(target, ast.Name)))
        ast.copy_location(annotated, node)
        return annotated

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        _annotate(node)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self.generic_visit(node)
        _annotate(node)
        return node


def _annotate(node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    args = node.args
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    written = [each for each in every if each is not None]
    for each in written:
        each.annotation = each.annotation or _expression(each.type_comment, each)
    if node.type_comment is None or node.returns is not None:
        return
    try:
        said = ast.parse(node.type_comment, mode="func_type")
    except (SyntaxError, ValueError):
        return
    assert isinstance(said, ast.FunctionType)
    node.returns = _placed(said.returns, node)
    if len(said.argtypes) < len(written):  # a method's `self` is left out; "..." says nothing
        written = written[len(written) - len(said.argtypes) :]
    for each, annotation in zip(written, said.argtypes, strict=False):
        is_said = not isinstance(annotation, ast.Constant) or annotation.value is not ...
        each.annotation = each.annotation or (_placed(annotation, node) if is_said else None)


def _expression(comment: str | None, place: ast.stmt | ast.arg) -> ast.expr | None:
    if comment is None:
        return None
    try:
        return _placed(ast.parse(comment, mode="eval").body, place)
    except (SyntaxError, ValueError):
        return None


def _placed(annotation: ast.expr, node: ast.stmt | ast.arg) -> ast.expr:
    """An annotation at the place of what it is of: in a comment, it has none that one could point to."""
    for each in ast.walk(annotation):
        ast.copy_location(each, node)
    return annotation
