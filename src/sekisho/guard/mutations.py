"""Refuse changes of arguments in strict mode, unless ``mutates=`` names the parameter.

The lines in the message are those of the function's source that write into the argument by name.
Two conventions count as declared: a parameter called ``out`` (NumPy's) or ``buffer``, and the first
array of a function whose name ends in an underscore (PyTorch's).
"""

from __future__ import annotations

import ast
import inspect
import linecache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.context import current_untraced, note_violation
from sekisho.contract import ANYTHING, UNANNOTATED, array_specs
from sekisho.errors import MutationError, MutationWarning, Violation, hide_in_pytest
from sekisho.monitor import note_refusal
from sekisho.utils import statement_of, warn_at_line, written_parameters
from sekisho.validation import Observed, Place, observe
from sekisho.worlds import find_world, flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType

    from sekisho.contract import Contract, Parameter

__all__ = ["Arguments", "Unchanged", "arguments_of"]

__tracebackhide__ = hide_in_pytest


class Arguments(NamedTuple):
    """Which arguments of a function may not change.

    Attributes:
        contract: the function's contract.
        function: the function.
        positional: the parameters that positional arguments fill, in order.
        by_name: the parameters that hold arrays and may not change, by name.
        declared: the names of those that may.
    """

    contract: Contract
    function: Callable[..., Any]
    positional: tuple[Parameter, ...]
    by_name: dict[str, Parameter]
    declared: frozenset[str]

    def observed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Observed]:
        """Return what may not change in a call."""
        found: list[Observed] = []
        changing = self._changing(args, kwargs)
        for place, value in self._places(args, kwargs):
            # A default that was not passed is the function's own, such as a cache.
            if value is place.parameter.default:
                continue
            spec = place.parameter.spec
            if spec not in _UNREAD or find_world(value) is not None:
                found += observe(place, value, changing)
        return found

    def _changing(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the arrays that may change: others may share their memory."""
        named = zip((each.name for each in self.positional), args, strict=False)
        values = [value for name, value in (*named, *kwargs.items()) if name in self.declared]
        return [each for each in flatten(values) if find_world(each) is not None]

    def _places(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[Place, Any]]:
        several = self.positional[-1:] if self.has_several else ()
        for index, value in enumerate(args):
            fixed = len(self.positional) - len(several)
            each = self.positional[index] if index < fixed else next(iter(several), None)
            if each is not None and each.name in self.by_name:
                path = f"[{index - fixed}]" if index >= fixed else ""
                yield Place(self.contract, each, path=path), value
        others = next((p for p in self.by_name.values() if p.kind is _VAR_KEYWORD), None)
        for name, value in kwargs.items():
            each = self.by_name.get(name, others)
            if each is not None and name not in self.declared:
                yield (
                    Place(self.contract, each, path=f"[{name!r}]" if each is others else ""),
                    value,
                )

    @property
    def has_several(self) -> bool:
        """Whether the last positional parameter takes several arguments."""
        return bool(self.positional) and self.positional[-1].kind is _VAR_POSITIONAL


_UNREAD: Final = (UNANNOTATED, ANYTHING)
"""Annotations that say nothing: an array there is compared, a container or an object is not."""

_TO_BE_WRITTEN: Final = ("out", "buffer")
"""Names of parameters that say what they are for: memory that the function may use."""

_VAR_POSITIONAL: Final = inspect.Parameter.VAR_POSITIONAL
_VAR_KEYWORD: Final = inspect.Parameter.VAR_KEYWORD
_BY_POSITION: Final = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    _VAR_POSITIONAL,
)


def arguments_of(contract: Contract, function: Callable[..., Any]) -> Arguments | None:
    """Return the arguments of a function that may not change; None if there are none.

    With ``copy=True`` the guard gives the function copies of its own, and it may write into them.
    """
    holding = [each for each in contract.parameters if _holds_arrays(each)]
    if contract.options.copy is True:
        return None
    declared = {*_TO_BE_WRITTEN, *contract.options.mutates}
    if contract.function.endswith("_") and not contract.function.endswith("__"):
        annotated = [each for each in holding if each.spec not in _UNREAD]
        first = annotated or [each for each in holding if each.name not in {"self", "cls"}]
        declared |= {each.name for each in first[:1]}
    kept = {each.name: each for each in holding if each.name not in declared}
    positional = tuple(each for each in contract.parameters if each.kind in _BY_POSITION)
    return Arguments(contract, function, positional, kept, frozenset(declared)) if kept else None


def _holds_arrays(parameter: Parameter) -> bool:
    spec = parameter.spec
    return spec in _UNREAD or bool(array_specs(spec))


class Unchanged:
    """A ``with`` block around a body, or around a step of one, that compares the arguments.

    It can be entered again: between two steps of a generator, its caller may change them.
    """

    __slots__ = ("_arguments", "_before", "_call")

    def __init__(self, arguments: Arguments, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._arguments = arguments
        self._call = args, kwargs

    def __enter__(self) -> None:
        self._before = self._arguments.observed(*self._call)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        before, self._before = self._before, []
        # A coroutine or a generator returns by raising one of these.
        if error is not None and not isinstance(error, (StopIteration, StopAsyncIteration)):
            return
        for each in before:
            what = each.changed()
            if what is not None:
                self._refuse(each.place, what)
                return

    def _refuse(self, place: Place, what: str) -> None:
        arguments = self._arguments
        name, title = place.parameter.name, arguments.contract.function
        code = getattr(inspect.unwrap(arguments.function), "__code__", None)
        where: tuple[str, int] = (code.co_filename, code.co_firstlineno) if code else ("?", 1)
        lines = _writing_lines(code, name) if code else []
        if code and not lines:
            lines = [f"{title}() is at {Path(code.co_filename).name}:{code.co_firstlineno}"]
        violation = Violation(
            title,
            place.place,
            "no change in place",
            what,
            "\n  ".join(lines) or None,
            hint=f"work on a copy, or declare it: mutates={name!r}",
        )
        setting = current_untraced()
        if setting.mutations == "warn":
            warn_at_line(*where, str(violation), MutationWarning)
            return
        if setting.violations == "warn":
            note_violation(title, place.parameter.place, where, lambda: MutationError(violation))
            return
        raise note_refusal(MutationError(violation))


def _writing_lines(code: CodeType, name: str) -> list[str]:
    """Return the source lines that write into a parameter, each with its file."""
    try:
        node = statement_of(code)
    except (OSError, TypeError, SyntaxError, ValueError):  # no source, or another one
        return []
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return []
    file, found = Path(code.co_filename).name, written_parameters(node, {name})
    return [
        f"{file}:{line}: {linecache.getline(code.co_filename, line).strip()}"
        for line in found.get(name, ())
    ]
