"""The names of one generated function: those taken, its globals, and its bound axes."""

from __future__ import annotations

import unicodedata
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from sekisho.contract import argument_key, growth_key, kind_of

if TYPE_CHECKING:
    from sekisho.contract import Contract
    from sekisho.worlds import Library

__all__ = ["Global", "GlobalKind", "Scope"]

GlobalKind: TypeAlias = Literal[
    "array_type",
    "array_type_of",
    "as_called",
    "bind",
    "builtin",
    "class",
    "default",
    "device",
    "dtype",
    "dtypes",
    "first_array",
    "foreign",
    "function",
    "hand_back",
    "module_device",
    "monitor",
    "plain",
    "shared",
    "validate",
]


_SUFFIXES: Final = {"growth": "_grows", "structure": "_memo", "dtype": "_dtype"}
"""What marks a local that holds no size."""


class Global(NamedTuple):
    """A global of the generated function: its kind, and which one of that kind it is."""

    kind: GlobalKind
    what: Any = None


def _identifier_of(text: str) -> str:
    # Python's compiler normalises identifiers, so the globals need the normalised name.
    text = unicodedata.normalize("NFKC", text)
    name = "".join(each if f"_{each}".isidentifier() else "_" for each in text)
    return name if name.isidentifier() else f"_{name}"


class Scope:
    """The names of one generated function.

    Attributes:
        contract: the contract that it checks.
        worlds: the worlds that it checks for where no annotation names one.
        globs: its globals, by name.
        dtypes: of the dtypes that an array may have, the globals for all and for the likeliest.
        axes: the local that holds each bound axis.
        certain: the axes that are bound on every path so far; the local of any other may hold None.
        growing: variadic axes that may grow by broadcasting, and the markers that say so.
        array_type: the local that holds the array class of the call's world (`same_world`).
        device: the local that holds where tensors must be (``device="module"``).
        context: the locals that every out-of-line call gets beside the value.
        shape: the local for the shape that is being checked.
        dtype: the local for the dtype that is being checked.
    """

    def __init__(self, contract: Contract, name: str, worlds: tuple[Library, ...]) -> None:
        self.contract = contract
        self.worlds: tuple[Library, ...] = worlds
        self.globs: dict[str, Global] = {}
        self.dtypes: dict[Any, tuple[str, list[str]]] = {}
        self._named: dict[tuple[str, Any], str] = {}
        self.taken: set[str] = {name, *(each.name for each in contract.parameters)}
        # An axis `{size}` is the value of the argument `size`.
        self.axes: dict[str, str] = {
            argument_key(each.name): each.name for each in contract.parameters
        }
        self.certain: set[str] = set(self.axes)
        every = (*contract.parameters, *contract.outcomes)
        axes = [axis for each in every for axis in each.axes]
        growing = {axis.key for axis in axes if axis.variadic and axis.broadcastable}
        self.growing: set[str | None] = growing | {growth_key(key) for key in growing if key}
        self.array_type: str = (
            self.fresh("array_type") if contract.options.kind == "same_world" else ""
        )
        self.device: str = self.fresh("device") if contract.options.device == "module" else ""
        self.context: list[str] = [name for name in (self.array_type, self.device) if name]
        self.shape: str = self.fresh("shape")
        self.dtype: str = self.fresh("dtype")

    def fresh(self, base: str) -> str:
        """Return a name that is not taken yet, and take it.

        `base` may be made of the name of a class, which may be any text.
        """
        if not (base.isascii() and base.isidentifier()):
            base = _identifier_of(base)
        while base in self.taken or iskeyword(base):
            base += "_"
        self.taken.add(base)
        return base

    def hold(self, key: str) -> None:
        """Let a local hold what is bound under a key: ``batch`` for ``*batch``."""
        if key not in self.axes:
            base = key.strip("#*<>@") or "axes"
            self.axes[key] = self.fresh(base + _SUFFIXES.get(kind_of(key), ""))

    def name_global(self, base: str, kind: GlobalKind, what: Any = None) -> str:
        """Return the name of a global. Further calls for the same global return the same name."""
        # By identity: a class may not be hashable, and neither is the default in a validation.
        key = (kind, id(what) if kind in {"class", "validate"} else what)
        name = self._named.get(key)
        if name is None:
            name = self._named[key] = self.fresh(base)
            self.globs[name] = Global(kind, what)
        return name

    def default(self, parameter: str) -> str:
        """Return the global for a parameter's default."""
        return self.name_global(f"_default_{parameter}", "default", parameter)

    def builtin(self, name: str) -> str:
        """Return the name of a builtin, or of a global for it if a parameter hides it."""
        return self.name_global(f"_{name}", "builtin", name) if name in self.taken else name

    def array_class(self, world: Library) -> str:
        """Return the global for a world's array class."""
        return self.name_global(f"_{world.array_class}", "array_type", world)
