"""The names in an expression: the first and the last one of ``np.linalg.solve``."""

from __future__ import annotations

import ast

__all__ = ["last_name", "root_name"]


def last_name(node: ast.expr) -> str:
    """Return the last name of an expression; "" if it is none.

    Examples:
        >>> last_name(ast.parse("np.linalg.solve", mode="eval").body)
        'solve'
    """
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def root_name(node: ast.expr) -> str:
    """Return the first name of an expression; "" if it begins with something else.

    Examples:
        >>> root_name(ast.parse("np.linalg.solve", mode="eval").body)
        'np'
    """
    while isinstance(node, ast.Attribute):
        node = node.value
    return getattr(node, "id", "")
