"""What tests of a function ask of a library: its compiler, and mistakes that raise no error."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

__all__ = ["Tested"]


class Tested:
    """The part of a `Library` that `sekisho.testing.fuzz` uses.

    Attributes:
        compiles_calls: whether plain calls compile code, so that the first takes much longer.
    """

    compiles_calls: bool = False

    def compiled(
        self,
        function: Callable[..., Any],  # noqa: ARG002 - most libraries have no compiler
        options: Mapping[str, Any],  # noqa: ARG002
    ) -> Callable[..., Any] | None:
        """Return a function as the library's compiler makes it; None if it has no compiler."""
        return None

    def compiled_code(
        self,
        function: str,  # noqa: ARG002
        arguments: str,  # noqa: ARG002
        arrays: Sequence[str],  # noqa: ARG002
        options: Mapping[str, Any],  # noqa: ARG002
    ) -> str:
        """Return the code of a compiled call.

        Args:
            function: the code of the function.
            arguments: the code of its arguments, with commas between.
            arrays: the names in them that are arrays.
            options: of the compiler.
        """
        return ""

    @contextmanager
    def watching_overflow(self) -> Generator[tuple[Callable[[Any], Any], list[str]]]:
        """Watch operations on small integers in a block, where the library allows it.

        Yields:
            A function that prepares an array for the block, and a list that gets one line for each
            operation whose result does not fit its dtype.
        """
        yield _same, []

    def cuts_gradient(
        self,
        function: Callable[..., Any],  # noqa: ARG002 - most libraries have no such graph
        args: tuple[Any, ...],  # noqa: ARG002
        kwargs: Mapping[str, Any],  # noqa: ARG002
    ) -> bool:
        """Return whether a result depends smoothly on the arguments but carries no gradient."""
        return False


def _same(value: Any) -> Any:
    return value
