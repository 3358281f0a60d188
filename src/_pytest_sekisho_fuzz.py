"""The tests of ``--sekisho-fuzz``: one for each guarded function of a package."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fuzz_items"]


class FuzzItem(pytest.Item):
    """A test of one guarded function."""

    function: Any
    demands: dict[str, Any]

    def runtest(self) -> None:
        """Fuzz it; skip it if no input for it is known."""
        if "skip" in self.demands:
            pytest.skip(str(self.demands["skip"]))
        testing = importlib.import_module("sekisho.testing")
        errors = importlib.import_module("sekisho.errors")
        try:
            testing.fuzz(self.function, **self.demands)
        except errors.DeclarationError as error:
            pytest.skip(str(error))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, and the lines that show it."""
        if excinfo.errisinstance(AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, int | None, str]:
        """Where the function is."""
        code: Any = inspect.unwrap(self.function).__code__
        return code.co_filename, code.co_firstlineno - 1, self.name


def fuzz_items(session: pytest.Session, package: str) -> Iterator[pytest.Item]:
    """A test for each guarded function of a package.

    Raises:
        pytest.UsageError: if there is no such package, if it has no guarded function, or if Hypothesis is
            not installed.
    """
    try:
        from sekisho.fuzzing import find_guards, read_table, settings_for  # noqa: PLC0415 - as said

        found = list(find_guards(package))
    except ImportError as error:
        name = Path(package).name.removesuffix(".py")
        hint = f"\n  hint: the name by which it is imported: {name!r}" if name != package else ""
        raise pytest.UsageError(f"--sekisho-fuzz={package}: {error}{hint}") from None
    if not found:  # otherwise a run that called nothing would pass
        raise pytest.UsageError(
            f"--sekisho-fuzz={package}: no function of {package} has a guard, so there is nothing to call.\n"
            f"  hint: decorate its functions, or let 'sekisho adopt {package} -- -m pytest' write contracts"
        )
    try:
        table = read_table(session.config.rootpath)
        settings = [settings_for(each.name, table) for each in found]
    except TypeError as error:
        raise pytest.UsageError(f"--sekisho-fuzz={package}: {error}") from None
    parent: Any = pytest.Dir.from_parent(session, path=session.path)
    for guard, demands in zip(found, settings, strict=True):
        kind: Any = FuzzItem
        item: FuzzItem = kind.from_parent(parent, name=f"fuzz[{guard.name}]")
        item.function = guard.function
        item.demands = {**demands, "given": guard.given}
        yield item
