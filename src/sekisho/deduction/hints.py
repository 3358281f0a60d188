"""A form as an annotation: what a person would write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.deduction.forms import Form, Items, Slot

__all__ = ["LeftOut", "Spelling", "spell"]

_PLAIN: Final = ("bool", "int", "float", "complex", "str", "bytes")
_WIDER: Final = {"bool": "int", "int": "float", "float": "complex"}


class Spelling(Protocol):
    """How a module calls what annotations are made of."""

    def array(self, world: str) -> str:
        """The array class of a world; "" is that of any."""
        ...

    def dtype(self, word: str) -> str:
        """A word of jaxtyping's."""
        ...

    def abstract(self, name: str) -> str:
        """A class of ``collections.abc``."""
        ...


class LeftOut(Exception):  # noqa: N818 - it is no error
    """Why nothing is written: its only argument."""


class _Hint(NamedTuple):
    axes: Mapping[Slot, str]
    words: Mapping[Slot, str]
    spelling: Spelling
    any_world: bool

    def of(self, form: Form) -> str:
        """Spell a form.

        Raises:
            LeftOut: if what came has no common word.
        """
        if form.mixed:
            raise LeftOut(form.mixed)
        parts = [self.array(form.slot)] if form.slot is not None else []
        parts += [self.items(form.items)] if form.items is not None else []
        parts += _classes(form)
        if not parts:
            raise LeftOut("always None")
        return " | ".join([*parts, "None"] if form.is_optional else parts)

    def array(self, slot: Slot) -> str:
        """Spell a place of arrays; of several worlds, one after the other."""
        axes = self.axes[slot]
        quoted = f'" {axes}"' if axes.isidentifier() else f'"{axes}"'
        word = self.spelling.dtype(self.words[slot])
        worlds = [""] if self.any_world else sorted(slot.worlds)
        return " | ".join(f"{word}[{self.spelling.array(world)}, {quoted}]" for world in worlds)

    def items(self, items: Items) -> str:
        """Spell a container."""
        each = [self.of(form) for form in items.each]
        if items.kind == "dict":
            return f"dict[str, {each[0]}]"
        if items.kind == "Mapping":
            return f"{self.spelling.abstract(items.kind)}[str, {each[0]}]"
        if items.kind == "Sequence":
            return f"{self.spelling.abstract(items.kind)}[{each[0]}]"
        if items.kind == "tuple" and not items.is_fixed:
            return f"tuple[{each[0]}, ...]"
        return f"{items.kind}[{', '.join(each)}]"


def _classes(form: Form) -> list[str]:
    names = {name for module, name in form.classes if module == "builtins"}
    other = sorted(f"{module}.{name}" for module, name in form.classes if module != "builtins")
    unknown = [*other, *sorted(names.difference(_PLAIN))]
    if unknown:
        beside = "beside arrays" if form.holds_arrays else ""
        raise LeftOut(f"{', '.join(unknown)} {beside}".strip())
    return [name for name in _PLAIN if name in names and _WIDER.get(name) not in names]


def spell(
    form: Form,
    axes: Mapping[Slot, str],
    words: Mapping[Slot, str],
    spelling: Spelling,
    *,
    any_world: bool = False,
) -> str:
    """Write a form as an annotation.

    Args:
        form: what came.
        axes: the axis strings.
        words: the words for dtypes.
        spelling: how the module calls things.
        any_world: whether arrays are of the world of the call, whichever it is.

    Raises:
        LeftOut: if what came has no common word.
    """
    return _Hint(axes, words, spelling, any_world).of(form)
