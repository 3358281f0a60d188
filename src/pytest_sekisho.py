"""The pytest plugin: a mode for the run, markers, fixtures, and a report of what crossed.

A module of its own, outside of the package: pytest imports every plugin that is installed, and this
one must cost nothing where it is not configured. It imports sekisho, and so NumPy, when it has to.
"""

from __future__ import annotations

import argparse
import importlib
import io
import re
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from _pytest_sekisho_settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator

    from sekisho import CrossingLog

__all__ = ["crossings", "sekisho_strict"]

_TOP: Final = 40
"""How many lines a report has of each kind, those that took the longest."""


_SETTINGS: Final = pytest.StashKey[Settings]()


def _scope(text: str) -> str:
    if text not in {"guards", "everywhere"}:
        raise argparse.ArgumentTypeError(
            f"expected guards or everywhere, got {text!r}; paths stand before it, or after =guards"
        )
    return text


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the line of the ini file."""
    group = parser.getgroup("sekisho")
    modes = "mode of the run: convert, warn, strict or off; 'strict to_torch=warn' sets a level"
    group.addoption("--sekisho-mode", metavar="MODE", help=modes)
    group.addoption(
        "--sekisho-report",
        nargs="?",
        type=_scope,
        const="guards",
        metavar="SCOPE",
        help="print, by line, what crossed: at guards, or, with =everywhere, in the whole run",
    )
    parser.addini("sekisho_mode", modes, default="")
    packages = "packages to guard as they are imported; worlds are in [tool.sekisho.worlds.world]"
    group.addoption("--sekisho-packages", metavar="NAMES", help=packages)
    fuzz = "also test each guarded function of a package with inputs that its contract accepts"
    group.addoption("--sekisho-fuzz", metavar="PACKAGE", action="append", default=[], help=fuzz)
    parser.addini("sekisho_packages", packages, type="args")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Guard packages, and set the mode, before any conftest.py is read."""
    _begin(early_config)


def _begin(config: pytest.Config) -> None:
    settings = config.stash[_SETTINGS] = Settings(config)
    if (settings.mode, settings.report) != (None, None) or settings.options:
        settings.start()
    settings.guard_packages()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; and begin now, if a conftest.py has brought this plugin."""
    if _SETTINGS not in config.stash:
        _begin(config)
    config.addinivalue_line(
        "markers",
        "sekisho_mode(name, *, to_numpy, to_torch, violations, ...): run the test in this mode of sekisho",
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the process as it was."""
    if _SETTINGS in config.stash:
        config.stash[_SETTINGS].stop()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which mode the run is in, what is guarded, and who said so."""
    settings = config.stash[_SETTINGS]
    lines: list[str] = []
    if settings.mode is not None:
        from_file = settings.section.get("mode", "")
        source = _source(settings.from_line, settings.from_ini or from_file)
        lines.append(f"sekisho: mode {settings.mode} ({source})")
    for name, word in settings.options.items():
        lines.append(f"sekisho: {name} {word} (from [tool.sekisho])")
    if settings.hook is not None:
        line = config.getoption("sekisho_packages")
        source = _source(line, " ".join(settings.packages))
        lines.append(f"sekisho: guards {', '.join(settings.hook.packages)} ({source})")
    return lines


def _source(line: str | None, ini: str) -> str:
    """Who said it: the command line wins, and says over what."""
    if line is None:
        return "from the ini file"
    over = f", over {ini} in the ini file" if ini not in {"", line} else ""
    return f"from the command line{over}"


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose among them
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the tests of ``--sekisho-fuzz``, and refuse a marker that names no mode."""
    packages: list[str] = config.getoption("sekisho_fuzz") or []
    before = len(items)
    for package in packages:
        items += importlib.import_module("_pytest_sekisho_fuzz").fuzz_items(session, package)
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if hasattr(reporter, "_numcollected"):  # what it says of a run counts them, too
        reporter._numcollected += len(items) - before  # noqa: SLF001 - nothing public adds to it
    registered = {re.split(r"[:(]", each)[0].strip() for each in config.getini("markers")}
    for item in items:
        for marker in item.iter_markers():
            if marker.name == "sekisho_mode":
                _check_marker(item, marker)
            elif marker.name.startswith("sekisho") and marker.name not in registered:
                raise pytest.UsageError(
                    f"{item.nodeid}: there is no marker {marker.name!r}.\n"
                    "  hint: @pytest.mark.sekisho_mode('strict')"
                )


def _check_marker(item: pytest.Item, marker: pytest.Mark) -> None:
    arguments = [*map(repr, marker.args), *(f"{k}={v!r}" for k, v in marker.kwargs.items())]
    source = f"{item.nodeid}: sekisho_mode({', '.join(arguments)})"
    levels = "expected one mode, and levels as to_numpy=... and to_torch=..."
    modes = importlib.import_module("sekisho.context.modes")
    known = [each in modes.OPTIONS or modes.is_direction(each) for each in marker.kwargs]
    if len(marker.args) == 1 and len(words := str(marker.args[0]).split()) > 1:
        parts = [
            repr(words[0]),
            *(f"{k}={v!r}" for k, _, v in (w.partition("=") for w in words[1:])),
        ]
        raise pytest.UsageError(f"{source}: {levels}\n  hint: sekisho_mode({', '.join(parts)})")
    if len(marker.args) != 1 or not all(known):
        raise pytest.UsageError(f"{source}: {levels}")
    try:
        modes.make_setting(source, *marker.args, **marker.kwargs)
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Run a test, its fixtures included, in the mode of its nearest marker, and log it."""
    settings = item.config.stash[_SETTINGS]
    marker = item.get_closest_marker("sekisho_mode")
    is_logged = settings.log is not None and settings.recording is None
    if marker is None and not is_logged:
        return (yield)
    sekisho = importlib.import_module("sekisho")
    with ExitStack() as stack:
        if marker is not None:
            stack.enter_context(sekisho.mode(*marker.args, **marker.kwargs))
        log = stack.enter_context(sekisho.record_crossings())
        outcome = yield
    if settings.log is not None and is_logged:
        for row in log.rows:
            settings.log.add_row(row)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, Any]:
    """Keep which guard of the import hook has failed a test."""
    report = yield
    if report.failed and call.excinfo and item.config.stash[_SETTINGS].hook is not None:
        from sekisho.guard import refused_by  # noqa: PLC0415 - as said

        name = refused_by(call.excinfo.value)
        if name is not None:
            report.user_properties.append((_REFUSED, name))  # which xdist sends along
    return report


_REFUSED: Final = "sekisho_refused"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the process that prints: take it in."""
    _refused.extend(str(name) for key, name in report.user_properties if key == _REFUSED)


_refused: Final[list[str]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, Any, Any]:
    """Fail a test in which code under test caught the refusal of a crossing, and went on."""
    outcome = yield
    _fail_if_caught()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    """Likewise for what its fixtures do; a test that has failed fails for its own reason."""
    outcome = yield
    _fail_if_caught()
    return outcome


def _fail_if_caught() -> None:
    strict = sys.modules.get("sekisho.monitor.state")
    if strict is not None and strict.caught:
        messages = dict.fromkeys(strict.caught)
        strict.caught.clear()
        text = "\n".join(["a crossing was refused, and the function went on:", *messages])
        pytest.fail(text, pytrace=False)


@pytest.fixture
def sekisho_strict() -> Generator[None]:
    """Run this test in strict mode: nothing crosses that is not declared to."""
    with importlib.import_module("sekisho").mode("strict"):
        yield


@pytest.fixture
def crossings() -> Generator[CrossingLog]:
    """The log of what crosses in this test."""
    with importlib.import_module("sekisho").record_crossings() as log:
        yield log


# --- the report; under pytest-xdist each worker sends its log to the one that prints ---------------


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """See what the import hook has missed. In a worker of pytest-xdist: hand all over."""
    settings = session.config.stash[_SETTINGS]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if settings.hook is not None:
        settings.missed += settings.hook.missed()
        settings.unmatched += settings.hook.unmatched()
        from sekisho.guard import called, made, take_reports  # noqa: PLC0415 - as said

        settings.reports += map(tuple, take_reports())
        settings.made |= made
        settings.called |= called
    log = settings.log
    counted = sys.modules.get("sekisho.context.violations")
    if counted is not None and settings.recording is None:
        settings.refused += [row._asdict() for row in counted.violations()]
    if output is not None:
        output["sekisho_refused"] = settings.refused
        output["sekisho_missed"] = settings.missed
        output["sekisho_unmatched"] = settings.unmatched
        output["sekisho_guards"] = [
            settings.reports,
            sorted(settings.made),
            sorted(settings.called),
        ]
    if log is not None and output is not None:
        output["sekisho"] = [row._asdict() for row in log.rows]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the process that started the workers: take a worker's log in."""
    settings = node.config.stash[_SETTINGS]
    settings.missed += getattr(node, "workeroutput", {}).get("sekisho_missed", ())
    if settings.recording is None:  # which sees the workers itself
        settings.refused += getattr(node, "workeroutput", {}).get("sekisho_refused", ())
    settings.unmatched += getattr(node, "workeroutput", {}).get("sekisho_unmatched", ())
    reports, made, called = getattr(node, "workeroutput", {}).get("sekisho_guards", ((), (), ()))
    settings.reports += map(tuple, reports)
    settings.made |= {*made}
    settings.called |= {*called}
    if settings.log is not None:
        sekisho = importlib.import_module("sekisho")
        for row in getattr(node, "workeroutput", {}).get("sekisho", ()):
            settings.log.add_row(sekisho.Row(**row))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print what crossed in the whole run, by line; and what was to be guarded and is not."""
    settings = config.stash[_SETTINGS]
    for text in dict.fromkeys(settings.missed):
        terminalreporter.write_line(f"sekisho: {text}", red=True)
    if settings.made:
        _write_guards(terminalreporter, settings)
    for pattern in dict.fromkeys(settings.unmatched):
        text = f"sekisho: worlds[{pattern!r}]: nothing in the package is so called"
        terminalreporter.write_line(text, red=True)
    log = settings.log
    if settings.refused:
        _write_refused(terminalreporter, settings)
    if log is not None:
        terminalreporter.section("crossings")
        terminalreporter.write_line(_table(log).rstrip())


def _write_refused(terminalreporter: Any, settings: Settings) -> None:
    """Print the values that contracts refused and that passed, of this process and its workers."""
    table = importlib.import_module("sekisho.log.table")
    book = importlib.import_module("sekisho.log")
    log = book.CrossingLog()
    for row in settings.refused:
        log.add_violations(book.ViolationRow(**row))
    terminalreporter.section("violations")
    terminalreporter.write_line(
        "\n".join([f"{table.VIOLATIONS}:", *table.lines_of(log.violations)])
    )


def _write_guards(terminalreporter: Any, settings: Settings) -> None:
    """Print what is not checked, one line about the run, and lines for the table of worlds."""
    from sekisho.guard import Report, summary_of  # noqa: PLC0415 - as said

    reports = [Report(*each) for each in dict.fromkeys(settings.reports)]
    for report in reports:
        terminalreporter.write_line(f"sekisho: {report}", red=True)
    unchecked = sum(each.is_unchecked for each in reports)
    summary = summary_of(len(settings.made), len(settings.called), unchecked)
    terminalreporter.write_line(f"sekisho: {summary}")
    if _refused:
        terminalreporter.write_line("sekisho: these have failed a test; to leave them unguarded:")
        terminalreporter.write_line("[tool.sekisho.worlds]")
        for name in sorted({*_refused}):
            terminalreporter.write_line(f'"{name}" = "unguarded"')


def _table(log: CrossingLog) -> str:
    text = io.StringIO()
    log.print(text, top=_TOP)
    return text.getvalue()
