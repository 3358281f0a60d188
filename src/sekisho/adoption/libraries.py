"""Find the array libraries that code uses."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sekisho.adoption.names import root_name
from sekisho.adoption.requirements import unconditional_nodes
from sekisho.adoption.spelling import handed_on
from sekisho.worlds import HOST, world_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Libraries", "differs_between_libraries"]

_ON_THE_HOST: Final = frozenset({"scipy", "sklearn", "skimage", "cv2", "pandas", "numba", "PIL"})
"""Packages whose functions take and return NumPy arrays."""

_OF_ANY: Final = frozenset({"jaxtyping"})
"""Packages that have the name of a library as a prefix but support all of them."""


_OF_NO_ARRAYS: Final = frozenset({"pi", "e", "inf", "nan", "newaxis", "prod", "ceil", "floor"})
"""Attributes of libraries that code uses with arrays of any library."""


_DIFFERENT: Final = frozenset(
    {"max", "min", "median", "mode", "sort", "transpose", "repeat", "split", "std", "var"}
)
"""Methods that return something else, or take other arguments, in another library."""

_ALWAYS: Final = frozenset({"sort", "std", "var"})
"""Those that differ without an argument, too: PyTorch divides by one less."""


def differs_between_libraries(node: ast.AST) -> bool:
    """Whether code means something else for another library's arrays: ``x.max(axis=0)``, ``x.size``."""
    called: set[int] = set()
    for each in ast.walk(node):
        match each:
            case ast.Call(func=ast.Attribute(attr=name) as function):
                called.add(id(function))
                if name in _DIFFERENT and (each.args or each.keywords or name in _ALWAYS):
                    return True
            case ast.Attribute(attr="size") if id(each) not in called:
                return True
            case _:
                pass
    return False


class Libraries:
    """The array libraries that a module uses.

    Args:
        tree: the module.
        telling: the attributes that only arrays of one world have, and that world.

    Attributes:
        imported: the names imported from array libraries anywhere in the module, and their worlds.
    """

    def __init__(self, tree: ast.Module, telling: Mapping[str, str]) -> None:
        self._telling = telling
        self._functions = {
            node.name: node
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        self.imported: dict[str, str] = {}
        self._modules: set[str] = set()
        for name, module in _imports(tree):
            self._modules.add(name)
            world = _world_of(module.partition(".")[0])
            if world:
                self.imported[name] = world

    def used_by(self, node: ast.AST) -> frozenset[str]:
        """Return the worlds used by some code, or by functions of the module that it calls."""
        found: set[str] = set()
        self._collect(node, found, set())
        return frozenset(found)

    def passed_in(self, node: ast.AST) -> frozenset[str]:
        """Return names that are passed directly to libraries that do not turn lists into arrays."""
        return frozenset(
            argument.id
            for call in unconditional_nodes(node)
            if isinstance(call, ast.Call)
            and self.imported.get(root_name(call.func), HOST.name) != HOST.name
            for argument in call.args
            if isinstance(argument, ast.Name)
        )

    def _collect(self, node: ast.AST, found: set[str], seen: set[str]) -> None:
        aside = {
            id(each.value)
            for each in ast.walk(node)
            if isinstance(each, ast.Attribute) and each.attr in _OF_NO_ARRAYS
        }
        for each in ast.walk(node):
            if id(each) in aside:
                continue
            if isinstance(each, ast.Attribute) and each.attr in self._telling:
                # ``scipy.linalg.svd`` is not a method of a tensor.
                if root_name(each) not in self._modules:
                    found.add(self._telling[each.attr])
            elif isinstance(each, ast.Name) and each.id in self.imported:
                found.add(self.imported[each.id])
            elif isinstance(each, ast.Name) and each.id not in seen:
                seen.add(each.id)
                if each.id in self._functions:
                    self._collect(self._functions[each.id], found, seen)


def _world_of(package: str) -> str:
    """Return the world that a package's functions work in; "" if unknown."""
    if package in _ON_THE_HOST:
        return HOST.name
    if package in _OF_ANY:
        return ""
    # Extensions of a library start with its name: torchvision, jaxlib.
    return next((name for name in world_names() if package.startswith(name)), "")


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.asname or each.name.partition(".")[0], each.name
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            for each in node.names:
                # jaxtyping re-exports ``Array`` from JAX.
                other = handed_on(each.name) if node.module == "jaxtyping" else None
                yield each.asname or each.name, other[0] if other else node.module
