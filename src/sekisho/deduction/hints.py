"""Write a form as an annotation, as a person would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sekisho.deduction.forms import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.deduction.forms import Form, Items, Slot

__all__ = ["LeftOut", "Spelling", "spell"]

_PLAIN: Final = ("bool", "int", "float", "complex", "str", "bytes")
_FLOATING: Final = frozenset({"Float", "Inexact", "Real", "Num"})
_WIDER: Final = {"bool": "int", "int": "float", "float": "complex"}


class Spelling(Protocol):
    """The names that a module uses in annotations."""

    def array(self, world: str) -> str:
        """Return the array class of a world; "" is the class of arrays of any world."""
        ...

    def dtype(self, word: str) -> str:
        """Return the name for a jaxtyping word."""
        ...

    def abstract(self, name: str) -> str:
        """Return the name for a class of ``collections.abc``."""
        ...

    def can_name(self, text: str) -> bool:
        """Whether annotations can name a class as code inside a function does."""
        ...


class LeftOut(Exception):  # noqa: N818 - it is not an error
    """Raised if no annotation is written; its only argument says why."""


class _Hint(NamedTuple):
    axes: Mapping[Slot, str]
    words: Mapping[Slot, str]
    spelling: Spelling
    any_world: bool

    def of(self, form: Form) -> str:
        """Write a form.

        Raises:
            LeftOut: if no annotation covers all that came.
        """
        if form.mixed:
            raise LeftOut(form.mixed)
        parts = [self.array(form.slot)] if form.slot is not None else []
        parts += [self.items(form.items)] if form.items is not None else []
        parts += self.classes(form)
        if not parts:
            raise LeftOut("always None")
        return " | ".join([*parts, "None"] if form.is_optional else parts)

    def classes(self, form: Form) -> list[str]:
        """Write the classes of other values."""
        written = sorted(name for module, name in form.classes if module == WRITTEN)
        if unknown := [name for name in written if not self.spelling.can_name(name)]:
            raise LeftOut(f"{', '.join(unknown)} beside arrays")
        return [*written, *_classes(form, self.words)]

    def array(self, slot: Slot) -> str:
        """Write a place of arrays; for several worlds, a union."""
        axes = self.axes[slot]
        # a leading space keeps linters from reading a single name as a forward reference (F821)
        quoted = f'" {axes}"' if axes.isidentifier() else f'"{axes}"'
        word = self.spelling.dtype(self.words[slot])
        worlds = [""] if self.any_world else sorted(slot.worlds)
        return " | ".join(f"{word}[{self.spelling.array(world)}, {quoted}]" for world in worlds)

    def items(self, items: Items) -> str:
        """Write a container."""
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


def _classes(form: Form, words: Mapping[Slot, str]) -> list[str]:
    names = {name for module, name in form.classes if module == "builtins"}
    if "int" in names and form.slot is not None and words[form.slot] in _FLOATING:
        names.add("float")  # where arrays of floats may come, a number is a float, too
    other = sorted(
        f"{module}.{name}" for module, name in form.classes if module not in {"builtins", WRITTEN}
    )
    unknown = [*other, *sorted(names.difference(_PLAIN))]
    if unknown:
        beside = "beside arrays" if form.holds_arrays else ""
        raise LeftOut(f"{', '.join(unknown)} {beside}".strip())
    # type checkers accept an int for a float, so the wider class is enough
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
        words: the dtype words.
        spelling: the names that the module uses.
        any_world: whether the arrays may be of any world, which each call decides.

    Raises:
        LeftOut: if no annotation covers all that came.
    """
    return _Hint(axes, words, spelling, any_world).of(form)
