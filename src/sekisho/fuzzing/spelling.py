"""Spell a call as lines of code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sekisho.fuzzing.codes import UNKNOWN, code_of
from sekisho.fuzzing.recipes import ArrayRecipe, Leaf
from sekisho.worlds import world_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.fuzzing.recipes import CallRecipe, Recipe
    from sekisho.worlds import Library

__all__ = ["Spelling"]


class Spelling:
    """The lines that make the arguments of a call and call a function.

    Attributes:
        lines: the lines so far.
        imports: the lines that import what they use.
        arrays: the recipe of each name that is an array.
    """

    def __init__(self, function: str, taken: set[str]) -> None:
        self.function = function
        self.arguments: str = ""
        self.taken: set[str] = {function.partition(".")[0], *taken}
        self.lines: list[str] = []
        self.imports: set[str] = set()
        self.arrays: dict[str, ArrayRecipe] = {}

    def add_call(self, recipe: CallRecipe) -> None:
        """Add the lines of a call."""
        given = [self.expression(each, name) for name, each in recipe.positional]
        given += [f"{name}={self.expression(each, name)}" for name, each in recipe.named]
        self.arguments = ", ".join(given)
        self.lines.append(f"{self.function}({self.arguments})")

    def add_again(self, world: str) -> None:
        """Add a second call with the same values laid out plainly, or converted to a world."""
        for name, array in self.arrays.items():
            plain = world_named(array.world).plain.format(name)
            self.lines.append(f"{name} = {f'sekisho.to_{world}({name})' if world else plain}")
        self.lines.append(f"{self.function}({self.arguments})")

    def add_compiled(self, world: Library, options: Mapping[str, Any]) -> None:
        """Add a second call, compiled."""
        names = list(self.arrays)
        self.lines.append(world.compiled_code(self.function, self.arguments, names, options))
        self.imports.add(f"import {world.name}")

    def add_instance(self, name: str, instance: Any) -> None:
        """Add the line that makes the instance of a method."""
        self.lines.append(f"{name} = {self.value(instance, name)}")

    def value(self, value: Any, name: str) -> str:
        """Return what stands for a value; a comment line says what is left to fill in."""
        code = code_of(value)
        self.imports |= code.imports
        if code.text == UNKNOWN:
            self.lines.append(f"# {name}: {type(value).__name__}, as your program makes it")
        return code.text

    def expression(self, recipe: Recipe, name: str) -> str:
        """Return what stands for a recipe, after the lines that it needs."""
        if isinstance(recipe, ArrayRecipe):
            own = self.fresh(name)
            self.lines.extend(recipe.spell(own))
            self.arrays[own] = recipe
            return own
        if isinstance(recipe, Leaf):
            return recipe.code or self.value(recipe.value, name)
        parts = [
            self.expression(part, f"{name}_{number}") for number, part in enumerate(recipe.parts)
        ]
        self.imports |= recipe.imports
        if recipe.setup:
            own = self.fresh(f"make_{name}")
            self.lines.extend(recipe.setup.format(*parts, name=own).splitlines())
            return f"{own}()"
        return recipe.words.format(*parts)

    def fresh(self, name: str) -> str:
        """Return a name that is not taken."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def code(self) -> str:
        """Return all lines, the imports first."""
        body = "\n".join(self.lines)
        libraries = sorted({each.world for each in self.arrays.values()} | {"numpy", "sekisho"})
        plain = {f"import {each}" for each in libraries if f"{each}." in body}
        words = [word for word in ("inf", "nan") if re.search(rf"\b{word}\b", body)]
        imports = [f"from math import {', '.join(words)}"] if words else []
        others = self.imports - plain
        imports += [*sorted(plain), *sorted(others, key=lambda line: (line[0] != "i", line))]
        return "\n".join([*imports, "", *self.lines] if imports else self.lines)
