"""How many uses of a function its calls come from, with what the code says of who calls it."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING

from sekisho.adoption.returns import own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sekisho.tracer import Observed

__all__ = ["count_uses", "mentions_of"]


def mentions_of(tree: ast.Module, path: str, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    """Each private name that code mentions, and where, as the tracer calls functions.

    Args:
        tree: the module.
        path: its real path.
        names: the qualified names of its functions, by first line.
    """
    functions = [each for each in ast.walk(tree) if isinstance(each, _FUNCTION)]
    homes: list[tuple[ast.AST, str]] = [(tree, "<module>")]
    homes += [(each, names.get(_first_line(each), "")) for each in functions]
    for home, where in homes:
        for each in own_nodes(home):
            name = each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
            if _is_private(name):
                yield name, f"{path}:{where}"


def count_uses(
    seen: Iterable[Observed], mentions: Iterable[tuple[str, str]]
) -> dict[tuple[str, int], int]:
    """How many uses the calls of each function come from.

    What calls a private function is known: where the code mentions it in functions alone that were seen to
    call it, it is used as often as these are. A public one has the uses that were seen.
    """
    every = [*seen]
    by_name = {_where(each): each for each in every}
    places: dict[str, set[str]] = defaultdict(set)
    for name, where in mentions:
        places[name].add(where)

    def users(each: Observed, within: frozenset[str]) -> set[str]:
        name = each.name.rpartition(".")[2]
        if not (_is_private(name) and places[name] <= each.callers):
            return each.callers
        found: set[str] = set()
        for caller in each.callers:
            inner = by_name.get(caller)
            is_known = inner is not None and caller not in within
            found |= users(inner, within | {caller}) if inner and is_known else {caller}
        return found

    return {
        each.key: max(each.uses, len(users(each, frozenset({_where(each)})))) for each in every
    }


def _where(each: Observed) -> str:
    return f"{each.path}:{each.name}"


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name.strip("_") != ""
