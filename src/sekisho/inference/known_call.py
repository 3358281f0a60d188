"""One call of a function whose signatures are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ast

    from sekisho.code import DefEntry
    from sekisho.inference.frame import Frame
    from sekisho.inference.overloads import Arguments
    from sekisho.inference.value_types import Value

__all__ = ["KnownCall"]


class KnownCall(NamedTuple):
    """A call of a function that has an entry in a table.

    Attributes:
        frame: where it is called.
        name: the function, as ``module:name``.
        entry: its entry, with its signatures.
        arguments: what it is passed.
        node: how the call is written.
        self_value: the object, if it is called as a method.
    """

    frame: Frame
    name: str
    entry: DefEntry
    arguments: Arguments
    node: ast.Call
    self_value: Value | None

    @property
    def library(self) -> str:
        """The package that defines the function."""
        return self.name.partition(":")[0].partition(".")[0]
