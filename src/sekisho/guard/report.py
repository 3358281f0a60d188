"""Collect what the import hook reports, until the end of the run.

A contract is read at a function's first call, in the middle of another author's program. The
program's tests do not expect a warning there, and where warnings are errors it would be one. So the
hook reports everything at the end.
"""

from __future__ import annotations

import inspect
import operator
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import Unbound, slips_in
from sekisho.errors import AxisNameWarning, UnguardedWarning
from sekisho.guard.body import asks
from sekisho.utils import counted

if TYPE_CHECKING:
    from sekisho.contract import Contract

__all__ = [
    "Report",
    "called",
    "made",
    "note_refusal",
    "refused_by",
    "summary_of",
    "take_reports",
    "tell_unguarded",
    "warn_of_slips",
]


class Report(NamedTuple):
    """One warning, and its location.

    Attributes:
        name: the function's dotted name, as in a table of worlds.
        filename: the file that defines the function.
        line: its line.
        text: what is wrong.
        is_unchecked: True if something is not checked, False if an axis name looks like a slip.
    """

    name: str
    filename: str
    line: int
    text: str
    is_unchecked: bool = True

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}: {self.text}"

    def warn(self) -> None:
        """Issue the warning at the function's line."""
        category = UnguardedWarning if self.is_unchecked else AxisNameWarning
        warnings.warn_explicit(self.text, category, self.filename, self.line)


made: Final[set[str]] = set()
"""The dotted names of all functions that import hooks have guarded."""
called: Final[set[str]] = set()
"""The dotted names of those that were called, so that their contracts were read."""
_waiting: Final[list[Report]] = []


def take_reports() -> list[Report]:
    """Return the reports that were not returned before, without duplicates."""
    found, _waiting[:] = list(dict.fromkeys(_waiting)), ()
    return found


def summary_of(guarded: int, were_called: int, unchecked: int) -> str:
    """Return one line about a run."""
    functions, annotations = counted(guarded, "function"), counted(unchecked, "annotation")
    return f"{functions} guarded, {were_called} called, {annotations} not checked"


_REFUSED_BY: Final = "__sekisho_refused_by__"


def note_refusal(error: Any, contract: Contract, function: Any) -> None:
    """Mark an error with the guard that raised it: the innermost of several."""
    violation = error.args[0] if error.args else None
    if getattr(violation, "function", None) == contract.function and not hasattr(
        error, _REFUSED_BY
    ):
        qualname = getattr(function, "__qualname__", contract.function)
        setattr(error, _REFUSED_BY, f"{getattr(function, '__module__', '')}.{qualname}")


def refused_by(error: BaseException | None) -> str | None:
    """Return the dotted name of the import hook's guard that an error, or a cause, comes from."""
    while error is not None:
        name: str | None = getattr(error, _REFUSED_BY, None)
        if name in made:
            return name
        error = error.__cause__ or error.__context__
    return None


def tell_unguarded(function: Any, problems: list[str], home: str = "") -> None:
    """Keep, for the report at the end, what the import hook leaves unchecked."""
    for each in problems:
        _waiting.append(_report(function, f"not checked: {each}", is_unchecked=True, home=home))


def warn_of_slips(function: Any, contract: Contract) -> None:
    """Warn of axis names that look like a slip; for the import hook, at the end of the run."""
    for slip in slips_in(contract):
        if isinstance(slip, Unbound) and asks(function):
            continue  # the body may say what the axis is
        text = f"{contract.function}(): {slip.text}\n  hint: {slip.hint}"
        report = _report(function, text, is_unchecked=False)
        if contract.options.lenient:
            _waiting.append(report)
            continue
        # Use the module's registry, so that a function which is made again and again warns once.
        innermost = inspect.unwrap(function)
        registry = getattr(innermost, "__globals__", {}).setdefault("__warningregistry__", {})
        module = function.__module__ or "<unknown>"  # Python shows no warning of a module None
        place = (report.filename, report.line)
        warnings.warn_explicit(text, AxisNameWarning, *place, module=module, registry=registry)


def _report(function: Any, text: str, *, is_unchecked: bool, home: str = "") -> Report:
    home = home or function.__module__
    filename, line = _place_of(function, home)
    name = f"{home}.{getattr(function, '__qualname__', '?')}"
    return Report(name, filename, line, text, is_unchecked)


def _place_of(function: Any, home: str) -> tuple[str, int]:
    """Return the file and the line of a function, or of its class if the function is generated."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None and not code.co_filename.startswith("<"):
        return code.co_filename, code.co_firstlineno
    # A generated method has no file, so look for its class.
    module = sys.modules.get(home)
    path = (
        function.__qualname__
        if isinstance(function, type)
        else function.__qualname__[: -len(function.__name__) - 1]
    )
    try:
        kind = operator.attrgetter(path)(module)
        return inspect.getsourcefile(kind) or "<unknown>", inspect.getsourcelines(kind)[1]
    except (AttributeError, OSError, TypeError):  # a class in a function, or without a file
        file = getattr(module, "__file__", None) or "<unknown>"
        return file, getattr(function, "__firstlineno__", 1)
