"""The names that a module uses in annotations, and the imports that it lacks for them."""

from __future__ import annotations

import ast
import functools
from typing import Final, NamedTuple

from sekisho.code import Cache, Libraries
from sekisho.worlds import HOST, world_named, world_names

__all__ = ["Import", "ModuleSpelling", "handed_on"]

_JAXTYPING: Final = "jaxtyping"
_OWN: Final = "sekisho"


class Import(NamedTuple):
    """An import: ``import module as alias``, or ``from module import name``."""

    module: str
    name: str = ""
    alias: str = ""


@functools.cache
def handed_on(name: str) -> tuple[str, str] | None:
    """Return the module and name that jaxtyping re-exports a name from; None if it is its own."""
    return Libraries(Cache()).handed_on(_JAXTYPING, name)


class ModuleSpelling:
    """How one module writes annotations. It records the missing imports of the names it returns.

    Attributes:
        needed: the missing imports.
        typed: the names that are imported for type checkers only, and the line.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.typed: dict[str, int] = {}
        self.needed: dict[Import, None] = {}
        # The names of modules and of their members that every definition can use: a decorator or an
        # annotation runs before the imports that stand below it.
        self._modules: dict[str, str] = {}
        self._members: dict[tuple[str, str], str] = {}
        self._origins: dict[str, tuple[str, str]] = {}
        """Of each imported name, the module and the name in it; "" for the module itself."""
        self._bound: set[str] = set()
        self._above: set[str] = set()
        """The names that are imported above all definitions."""
        self._is_below = False
        for node in tree.body:
            self._read(node)
        for name in self._bound:
            # a name that is also bound at run time can be resolved
            self.typed.pop(name, None)

    def _read(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._read_import(node)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self._bound.add(node.name)
            self._is_below = True
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            self._read_typed(node)
        else:
            self._bound.update(
                each.id
                for each in ast.walk(node)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            )

    def _read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for each in node.names:
            name = each.asname or each.name
            self._bound.add(name.partition(".")[0])
            if not self._is_below:
                self._above.add(name.partition(".")[0])
            if isinstance(node, ast.ImportFrom):
                if node.level or not node.module:
                    continue
                self._origins[name] = (node.module, each.name)
                if not self._is_below:
                    self._members.setdefault((node.module, each.name), name)
            elif each.asname or "." not in each.name:
                self._origins[name] = (each.name, "")
                if not self._is_below:
                    self._modules.setdefault(each.name, name)

    def _read_typed(self, block: ast.If) -> None:
        """Record what is imported for type checkers only."""
        for node in block.body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = (each.asname or each.name.partition(".")[0] for each in node.names)
                self.typed.update(dict.fromkeys(names, node.lineno))
        for other in block.orelse:
            self._read(other)

    def array(self, world: str) -> str:
        """Return the name for the array class of a world; "" is the class of arrays of any world."""
        if not world:
            return f"{self._sekisho()}.Array"
        record = world_named(world)
        return self._member(record.name, record.array_class, "np" if record is HOST else "")

    def dtype(self, word: str) -> str:
        """Return the name for a jaxtyping word."""
        held = self._members.get((_JAXTYPING, word))
        # if the module uses the word for something else, go through the jaxtyping module
        if held is None and word not in self._bound:
            self.needed[Import(_JAXTYPING, word)] = None
            return word
        return held or f"{self._module(_JAXTYPING, '')}.{word}"

    def abstract(self, name: str) -> str:
        """Return the name for a class of ``collections.abc``."""
        module = "collections.abc"
        for each in (module, "typing"):
            if (each, name) in self._members:
                return self._members[each, name]
        if name in self._bound:
            return f"{self._module(module, 'abc')}.{name}"
        self.needed[Import(module, name)] = None
        return name

    def can_name(self, text: str) -> bool:
        """Whether annotations can name a class as code inside a function does: it is imported above."""
        return text.partition(".")[0] in self._above

    def typed_in(self, node: ast.expr) -> tuple[str, int] | None:
        """Return a name in an annotation that is imported for type checkers only, and its line."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                return self.typed_in(ast.parse(node.value, mode="eval").body)
            except SyntaxError:
                return None
        names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        return next(((name, self.typed[name]) for name in names if name in self.typed), None)

    def world_of(self, node: ast.expr) -> str | None:
        """Return the world of an array class in an annotation; "" is any, None if it is not one."""
        if isinstance(node, ast.Name):
            origin = self._origins.get(node.id)
        elif isinstance(node, ast.Attribute):
            module, member = self._origins.get(ast.unparse(node.value), ("", ""))
            origin = (module, node.attr) if module and not member else None
        else:
            return None
        if origin == (_OWN, "Array"):
            return ""
        if origin is not None and origin[0] == _JAXTYPING:
            origin = handed_on(origin[1])
        worlds = (world_named(name) for name in world_names())
        return next((w.name for w in worlds if (w.name, w.array_class) == origin), None)

    def decorator(self, kind: str) -> str:
        """Return the name for one of sekisho's decorators."""
        return self._members.get((_OWN, kind)) or f"{self._sekisho()}.{kind}"

    def _sekisho(self) -> str:
        return self._module(_OWN, "sk")

    def _member(self, module: str, name: str, alias: str) -> str:
        held = self._members.get((module, name))
        return held or f"{self._module(module, alias)}.{name}"

    def _module(self, module: str, alias: str) -> str:
        held = self._modules.get(module)
        if held is not None:
            return held
        name = alias if alias and alias not in self._bound else module
        self.needed[Import(module, alias=name if name != module else "")] = None
        return name
