"""What the import hook's guards have to report, kept until the end of the run.

A contract is read at a function's first call, somewhere in the middle of a program of somebody else's.
A warning there would be one that its tests do not expect, and an error where warnings are errors. So
the hook reports at the end, all together.
"""

from __future__ import annotations

import inspect
import operator
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import slips_in
from sekisho.errors import AxisNameWarning, UnguardedWarning

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
    """One warning, and where it belongs.

    Attributes:
        name: the function's dotted name, by which a table of worlds knows it.
        filename: the file that defines it.
        line: the line there.
        text: what is wrong.
        is_unchecked: whether something is not checked; otherwise an axis name looks like a slip.
    """

    name: str
    filename: str
    line: int
    text: str
    is_unchecked: bool = True

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}: {self.text}"

    def warn(self) -> None:
        """Warn at the function's line."""
        category = UnguardedWarning if self.is_unchecked else AxisNameWarning
        warnings.warn_explicit(self.text, category, self.filename, self.line)


made: Final[set[str]] = set()
"""The dotted names of all functions that import hooks have guarded."""
called: Final[set[str]] = set()
"""Those that were called, so that their contracts were read."""
_waiting: Final[list[Report]] = []


def take_reports() -> list[Report]:
    """What has not been reported yet, once each."""
    found, _waiting[:] = list(dict.fromkeys(_waiting)), ()
    return found


def summary_of(guarded: int, were_called: int, unchecked: int) -> str:
    """One line about a run."""
    return f"{guarded} functions guarded, {were_called} called, {unchecked} annotations not checked"


_REFUSED_BY: Final = "__sekisho_refused_by__"


def note_refusal(error: Any, contract: Contract, function: Any) -> None:
    """Have an error know the guard that it comes from; of several, the innermost."""
    violation = error.args[0] if error.args else None
    if getattr(violation, "function", None) == contract.function and not hasattr(
        error, _REFUSED_BY
    ):
        qualname = getattr(function, "__qualname__", contract.function)
        setattr(error, _REFUSED_BY, f"{getattr(function, '__module__', '')}.{qualname}")


def refused_by(error: BaseException | None) -> str | None:
    """The dotted name of the hook's guard that an error comes from, or one that it was raised from."""
    while error is not None:
        name: str | None = getattr(error, _REFUSED_BY, None)
        if name in made:
            return name
        error = error.__cause__ or error.__context__
    return None


def tell_unguarded(function: Any, problems: list[str], home: str = "") -> None:
    """Have it reported what the import hook leaves unchecked."""
    for each in problems:
        _waiting.append(_report(function, f"not checked: {each}", is_unchecked=True, home=home))


def warn_of_slips(function: Any, contract: Contract) -> None:
    """Warn of axis names that look like a slip, at the line of the function; the hook's at the end."""
    for slip in slips_in(contract):
        text = f"{contract.function}(): {slip.text}\n  hint: {slip.hint}"
        report = _report(function, text, is_unchecked=False)
        if contract.options.lenient:
            _waiting.append(report)
            continue
        # The module's own registry, so that a function which is made again and again is shown once.
        innermost = inspect.unwrap(function)
        registry = getattr(innermost, "__globals__", {}).setdefault("__warningregistry__", {})
        module = function.__module__ or "<unknown>"  # Python says nothing at all of a module None
        place = (report.filename, report.line)
        warnings.warn_explicit(text, AxisNameWarning, *place, module=module, registry=registry)


def _report(function: Any, text: str, *, is_unchecked: bool, home: str = "") -> Report:
    home = home or function.__module__
    filename, line = _place_of(function, home)
    name = f"{home}.{getattr(function, '__qualname__', '?')}"
    return Report(name, filename, line, text, is_unchecked)


def _place_of(function: Any, home: str) -> tuple[str, int]:
    """The file and the line of a function; of one that was generated, those of its class."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None and not code.co_filename.startswith("<"):
        return code.co_filename, code.co_firstlineno
    module = sys.modules.get(home)
    path = (
        function.__qualname__
        if isinstance(function, type)
        else function.__qualname__[: -len(function.__name__) - 1]
    )
    try:
        kind = operator.attrgetter(path)(module)
        return inspect.getsourcefile(kind) or "<unknown>", inspect.getsourcelines(kind)[1]
    except (AttributeError, OSError, TypeError):  # in a function, or in no file
        file = getattr(module, "__file__", None) or "<unknown>"
        return file, getattr(function, "__firstlineno__", 1)
