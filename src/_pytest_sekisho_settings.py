"""What the pytest plugin is configured to do: by its options, its ini file and ``[tool.sekisho]``.

It imports sekisho, and so NumPy, only where one of them says something.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sekisho import CrossingLog
    from sekisho.package.hook import Hook

__all__ = ["Settings", "read_section"]

_VARIABLE: Final = "SEKISHO_MODE"


class Settings:
    """What this run is configured to do, and what it has seen."""

    def __init__(self, config: pytest.Config) -> None:
        # config.getoption is for after the conftests. One of them may have brought this plugin.
        self.known: Any = config.known_args_namespace
        if not hasattr(self.known, "sekisho_mode"):
            self.known = config.option
        self.from_line: str | None = self.known.sekisho_mode
        self.from_ini: str = config.getini("sekisho_mode")
        self.section: dict[str, Any] = read_section(config)
        ini: list[str] = config.getini("sekisho_packages")
        self.packages: list[str] = ini or self.section.get("packages", [])
        self.mode = self.from_line or self.from_ini or self.section.get("mode") or None
        self.options: dict[str, str] = self._options_of_section() if self.section else {}
        if "SEKISHO_REFUSALS" in os.environ:  # `adopt` holds contracts in a mode of its own
            self.mode, self.options = None, {}
        self.report: str | None = self.known.sekisho_report
        self.log: CrossingLog | None = None
        self.recording: AbstractContextManager[CrossingLog] | None = None
        self.hook: Hook | None = None
        self.missed: list[str] = []
        self.unmatched: list[str] = []
        self.reports: list[tuple[Any, ...]] = []
        self.made: set[str] = set()
        self.called: set[str] = set()
        self.before: tuple[str | None, Any] | None = None
        self.refused: list[dict[str, Any]] = []

    def _options_of_section(self) -> dict[str, str]:
        """Return the options of ``[tool.sekisho]`` that the mode and the environment do not set."""
        modes = importlib.import_module("sekisho.context.modes")
        said = f"{self.mode or ''} {os.environ.get(_VARIABLE, '')}"
        names = [name for name in modes.OPTIONS if f"{name}=" not in said]
        return {name: self.section[name] for name in names if name in self.section}

    def start(self) -> None:
        """Import sekisho, and set its mode for this process and, by the environment, its workers.

        Raises:
            pytest.UsageError: for an unknown mode or level.
        """
        modes = importlib.import_module("sekisho.context.modes")
        if self.mode is not None or self.options:
            setting = modes.process_setting()
            if self.mode is not None:
                try:
                    setting = modes.read_setting(self.mode, f"sekisho_mode = {self.mode}")
                except ValueError as error:
                    raise pytest.UsageError(str(error)) from None
            process = modes.process_setting()
            absent = [name for name in modes.OPTIONS if f"{name}=" not in (self.mode or "")]
            options = {name: self.options.get(name, getattr(process, name)) for name in absent}
            setting = setting._replace(**options)
            self.before = (os.environ.get(_VARIABLE), modes.process_setting())
            modes.install(setting)
        if self.report == "guards":
            self.log = importlib.import_module("sekisho").CrossingLog()
        elif self.report == "everywhere" and "PYTEST_XDIST_WORKER" not in os.environ:
            # Workers record themselves, as all processes do that are started now.
            recording = importlib.import_module("sekisho").record_crossings(everywhere=True)
            self.log = recording.__enter__()
            self.recording = recording

    def guard_packages(self) -> None:
        """Install the import hook, before any conftest.py may import what it is to guard.

        Raises:
            pytest.UsageError: for packages or a table that cannot be guarded.
        """
        line: str | None = self.known.sekisho_packages
        packages = self.packages if line is None else line.replace(",", " ").split()
        if packages:
            sekisho = importlib.import_module("sekisho")
            try:
                worlds = self.section.get("worlds", {})
                if line is not None:
                    # The table is of the packages in the ini file; these may be fewer.
                    is_inside = importlib.import_module("sekisho.package.table").is_inside
                    worlds = {k: v for k, v in worlds.items() if is_inside(k, packages)}
                self.hook = sekisho.install_import_hook(packages, worlds=worlds)
            except sekisho.DeclarationError as error:
                raise pytest.UsageError(str(error)) from None

    def stop(self) -> None:
        """Leave the process as it was."""
        if self.recording is not None:
            self.recording.__exit__(None, None, None)
        if self.hook is not None:
            self.hook.uninstall(reports=False)  # the summary has
        if self.before is not None:
            variable, setting = self.before
            importlib.import_module("sekisho.context.modes").install(setting)
            os.environ.pop(_VARIABLE)
            if variable is not None:
                os.environ[_VARIABLE] = variable


def read_section(config: pytest.Config) -> dict[str, Any]:
    """The section [tool.sekisho]: of the file that ``-c`` names if it has one, else of the project.

    Raises:
        pytest.UsageError: if it is not of its form.
    """
    path = config.inipath
    named = [path] if path is not None and path.suffix == ".toml" else []
    for each in (*named, config.rootpath / "pyproject.toml"):
        if not _may_mention_us(each):
            continue  # so that nothing of sekisho is imported where it is not configured
        errors = importlib.import_module("sekisho.errors")
        try:
            read = importlib.import_module("sekisho.package.project").read_project
            _, section = read(each)
        except errors.DeclarationError as error:
            raise pytest.UsageError(str(error)) from None
        if section:
            return dict(section)
    return {}


def _may_mention_us(path: Path) -> bool:
    """Whether the one reader of such files has to look: TOML has many ways to write ``[tool.sekisho]``."""
    try:
        return b"sekisho" in path.read_bytes()
    except OSError:
        return False
