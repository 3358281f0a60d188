"""Read type comments (PEP 484) as annotations."""

from __future__ import annotations

import ast
import re
from typing import Final

from sekisho.utils import parse, quiet

__all__ = ["parse_typed"]

_TYPE_COMMENT: Final = re.compile(r"#\s*type:\s*(?!ignore)")


def parse_typed(text: str) -> ast.Module:
    """Parse a module, and turn its type comments into annotations.

    Raises:
        ValueError: if it is not valid Python.
    """
    if not _TYPE_COMMENT.search(text):
        return parse(text)
    try:
        with quiet():
            tree = ast.parse(text, type_comments=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return parse(text)  # a type comment is misplaced, or `parse` says what is wrong
    _Annotate().visit(tree)  # in place
    return tree


class _Annotate(ast.NodeTransformer):
    """Puts type comments into the tree as annotations, unless there is one already."""

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        self.generic_visit(node)
        annotation = _expression(node.type_comment, node)
        target = node.targets[0]
        if (
            annotation is None
            or len(node.targets) > 1
            or not isinstance(target, (ast.Name, ast.Attribute))
        ):
            return node
        annotated = ast.AnnAssign(target, annotation, node.value, int(isinstance(target, ast.Name)))
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
    """Annotate a function by the comments of its parameters, and by the one of its signature."""
    args = node.args
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    parameters = [each for each in every if each is not None]
    for each in parameters:
        each.annotation = each.annotation or _expression(each.type_comment, each)
    if node.type_comment is None or node.returns is not None:
        return
    try:
        signature = ast.parse(node.type_comment, mode="func_type")
    except (SyntaxError, ValueError):
        return
    assert isinstance(signature, ast.FunctionType)
    node.returns = _placed(signature.returns, node)
    if len(signature.argtypes) < len(parameters):  # a method's `self` may be left out
        parameters = parameters[len(parameters) - len(signature.argtypes) :]
    for each, annotation in zip(parameters, signature.argtypes, strict=False):
        # "..." leaves the parameters to comments of their own.
        is_type = not isinstance(annotation, ast.Constant) or annotation.value is not ...
        each.annotation = each.annotation or (_placed(annotation, node) if is_type else None)


def _expression(comment: str | None, place: ast.stmt | ast.arg) -> ast.expr | None:
    if comment is None:
        return None
    try:
        return _placed(ast.parse(comment, mode="eval").body, place)
    except (SyntaxError, ValueError):
        return None


def _placed(annotation: ast.expr, node: ast.stmt | ast.arg) -> ast.expr:
    """Give an annotation the line and column of a node, since in a comment it has none."""
    for each in ast.walk(annotation):
        ast.copy_location(each, node)
    return annotation
