"""Measure which mistakes the tests notice: ``nox -s mutants``, or ``python tests/mutants.py``.

A mutant is the library with one small mistake. The operators that make them are mutmut's, applied to a
random sample of places, the same number for each package. Each mutant meets the tests that run the
changed statement, in a copy of the project: your files stay as they are. The outcome is written to
docs/mutants.md. tests/mutants.toml names the mutants that change nothing, each with the reason.

A test file is collected and run in a process that is forked after torch, JAX and pytest are imported, so a
mutant takes seconds. mutmut's own runner does not fit: it replaces each function by a trampoline, which
shifts the frames that strict mode reads, and it leaves out decorated functions.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import hashlib
import importlib
import json
import os
import platform
import re
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
import warnings
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import coverage
import pytest

import mutants_report
from mutations import ROOT, SOURCE, Mutant, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

KEPT = ROOT / ".mutants"
NAMED = ROOT / "tests" / "mutants.toml"
PACKAGES = ("contract", "guard", "validation", "hints", "monitor", "context", "worlds", "helpers")

# The other tests check packages that are not sampled or pages, only start processes, or take
# minutes.
TESTS = ("tests/test_*.py", "tests/pytorch/test_*.py")
LEFT_OUT = re.compile(
    "test_(site|docs|examples|pictures|package|layers|program|pytest_plugin"
    "|compile|distributed|engines|workers|cuda|cuda_programs)"
)

SECONDS = 300
"""Seconds that the tests of one mutant may take together, given what they take without the
mutant."""

OVERHEAD = 1.0
"""The cost of a test file before its first test, in seconds."""


class _Chosen:
    """A plugin that runs only the named tests of a file, and remembers the ones that failed."""

    def __init__(self, names: Iterable[str]) -> None:
        self.order = {name: at for at, name in enumerate(names)}
        self.failed: str | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.nodeid in self.order]
        items.sort(key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.failed is None:
            self.failed = report.nodeid


_SHARED = "shared"
"""The context of code that several tests of a file share: see `_Mapping.pytest_fixture_setup`."""


class _Mapping:
    """A plugin that tells coverage the names of the tests, and remembers how long each took."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = defaultdict(float)
        self.dropped: set[str] = set()
        self.running = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.running = item.nodeid
        self.measured.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self.measured.switch_context("")

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Attribute the code of a module's fixture to all of its tests, not to the first one."""
        self.measured.switch_context(_SHARED if fixturedef.scope != "function" else self.running)
        try:
            return (yield)
        finally:
            self.measured.switch_context(self.running)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.dropped.add(report.nodeid)


def _pytest(file: str, plugin: object, *options: str) -> int:
    # Hypothesis is imported already, so pytest cannot rewrite its asserts, and would warn.
    quiet = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
    fixed = ("-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *quiet)
    return int(pytest.main([*fixed, *options, file], plugins=[plugin]))


def _run(file: str, names: list[str]) -> str | None:
    """Run the named tests of a file; return the one that failed, if one did."""
    chosen = _Chosen(names)
    code = _pytest(file, chosen, "-x")
    return chosen.failed or (None if code == pytest.ExitCode.OK else f"{file} as a whole")


def _measure(file: str) -> dict[str, Any]:
    """Run a test file; return its tests, their seconds, and the lines that each runs."""
    measured = coverage.Coverage(
        data_file=None, source=[str(Path.cwd() / SOURCE)], config_file=False
    )
    measured.start()
    mapping = _Mapping(measured)
    _pytest(file, mapping)
    measured.stop()
    tests = [name for name in mapping.seconds if name not in mapping.dropped]
    numbers = {_SHARED: -1} | {name: at for at, name in enumerate(tests)}
    data, lines = measured.get_data(), {}
    for path in data.measured_files():
        ran = data.contexts_by_lineno(path).items()
        lines[Path(path).relative_to(Path.cwd() / SOURCE).as_posix()] = {
            line: [numbers[name] for name in names if name in numbers] for line, names in ran
        }
    return {"tests": [[name, mapping.seconds[name]] for name in tests], "lines": lines}


def _in_a_fork(work: Callable[[], Any], seconds: float) -> Any:
    """Return what `work` returns in a process of its own.

    Raises:
        TimeoutError: It took longer than `seconds`.
        ChildProcessError: It ended without a result.
    """
    answer = Path.cwd() / ".answer"
    answer.unlink(missing_ok=True)
    pid = os.fork()
    if not pid:
        try:
            os.setsid()
            with Path(".output").open("wb") as output:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
            sys.path.insert(0, str(Path.cwd() / "src"))
            answer.write_text(json.dumps(work()), "utf-8")
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)  # skip the parent's cleanup
    deadline, ended = time.monotonic() + seconds, False
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # the process, and all that the tests have started
    if not ended:
        os.waitpid(pid, 0)
        raise TimeoutError
    if not answer.exists():
        raise ChildProcessError(Path(".output").read_text("utf-8", "replace")[-2000:])
    return json.loads(answer.read_text("utf-8"))


def _digest(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(paths):
        total.update(path.read_bytes())
    return total.hexdigest()


_SLOW_TO_IMPORT = (
    "torch",
    "jax",
    "hypothesis",
    "jaxtyping",
    "beartype",
    "IPython",
    "sybil",
    "libcst",
)


def _import_ahead() -> None:
    """Import modules that take long and do not import sekisho, so that each fork has them."""
    for name in _SLOW_TO_IMPORT:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # JAX warns of forks, but nothing of JAX runs here.
    warnings.filterwarnings("ignore", message=r"os\.fork\(\)", category=RuntimeWarning)


def _enter_copy(folder: str) -> None:
    """Copy the project into a folder of this process, and work there from now on."""
    copy = Path(tempfile.mkdtemp(dir=folder)) / "project"
    unwanted = (".git", ".venv*", ".nox", ".mutants", ".*_cache", "__pycache__", "site", "build")
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*unwanted))
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy / "src")  # for the processes that tests start
    os.environ["SEKISHO_CACHE_DIR"] = str(copy / ".cache")


def _map(file: str) -> tuple[str, dict[str, Any]]:
    return file, _in_a_fork(lambda: _measure(file), 1200)


_sound: dict[str, bool] = {}


def _passes_alone(file: str, test: str) -> bool:
    """Return whether a test passes alone without a mutant; if not, it says nothing about mutants."""
    if test not in _sound:
        _sound[test] = _in_a_fork(lambda: _run(file, [test]), 300) is None
    return _sound[test]


def _try(
    mutant: Mutant, plan: list[tuple[str, list[str], float]], number: int
) -> tuple[str, str, float]:
    """Run the tests of a mutant; return the outcome, the test that decided, and the seconds."""
    if not plan:
        return "not covered", "", 0.0
    began = time.monotonic()
    path = SOURCE / mutant.file
    original, stamp = path.read_bytes(), path.stat().st_mtime
    outcome = ("survived", "")
    for file, names, expected in plan:
        path.write_text(mutant.text, "utf-8")
        # Python recognises a change by size and seconds, so each mutant gets its own time.
        os.utime(path, (number, number))
        try:
            failed = _in_a_fork(lambda file=file, names=names: _run(file, names), 30 + 6 * expected)
        except TimeoutError:
            outcome = ("timed out", file)
        except ChildProcessError:
            outcome = ("killed", f"{file} (the process ended)")
        else:
            outcome = ("killed", failed) if failed else outcome
        path.write_bytes(original)
        os.utime(path, (stamp, stamp))
        if outcome[0] == "killed" and "::" in outcome[1] and not _passes_alone(file, outcome[1]):
            outcome = ("survived", "")
        if outcome[0] != "survived":
            break
    return *outcome, time.monotonic() - began


def _tests_of(mutant: Mutant, known: dict[str, Any], *, of_file: bool) -> list[list[Any]]:
    """Return the tests that run the changed statement, or all if some run anything in its file."""
    lines, first, last = known["lines"].get(mutant.file, {}), *mutant.lines
    ran = [lines[str(line)] for line in range(first, last + 1) if str(line) in lines]
    numbers = set().union(*ran)
    if of_file:
        # A test of one function alone does not run its file, as far as coverage sees.
        is_run = any(at >= 0 for each in lines.values() for at in each)
        numbers = set(range(len(known["tests"]))) if is_run else set()
    elif ran and (not numbers or -1 in numbers):  # during collection, or in a shared fixture
        numbers = set(range(len(known["tests"])))
    return sorted((known["tests"][at] for at in numbers), key=lambda test: test[1])


def _plan(mutant: Mutant, maps: dict[str, dict[str, Any]]) -> list[tuple[str, list[str], float]]:
    """Choose the tests that run the changed statement: first files with many of them in little time."""
    tests = {file: _tests_of(mutant, known, of_file=False) for file, known in maps.items()}
    if not any(tests.values()):
        # Coverage does not see functions marked as `not_counted`, since their code names no file.
        tests = {file: _tests_of(mutant, known, of_file=True) for file, known in maps.items()}
    plan = [
        (file, [name for name, _ in each], sum(took for _, took in each))
        for file, each in tests.items()
        if each
    ]
    plan.sort(key=lambda each: -len(each[1]) / (OVERHEAD + each[2]))
    left, affordable = float(SECONDS), []
    for file, names, seconds in plan:
        left -= OVERHEAD + seconds
        if affordable and left < 0:
            break
        affordable.append((file, names, seconds))
    return affordable


def _maps(pool: ProcessPoolExecutor) -> dict[str, dict[str, Any]]:
    """Return which test runs which line, measured again for files that have changed."""
    files = [path for pattern in TESTS for path in sorted(ROOT.glob(pattern))]
    files = [path for path in files if not LEFT_OUT.fullmatch(path.stem)]
    shared = _digest(
        [*(ROOT / "src").rglob("*.py"), ROOT / "conftest.py", ROOT / "tests/conftest.py"]
    )
    kept = KEPT / "maps.json"
    maps = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    states = {path.relative_to(ROOT).as_posix(): shared + _digest([path]) for path in files}
    stale = [file for file, state in states.items() if maps.get(file, {}).get("state") != state]
    for done in as_completed([pool.submit(_map, file) for file in stale]):
        file, measured = done.result()
        print(f"measured {file}: {len(measured['tests'])} tests", flush=True)
        maps[file] = {"state": states[file], **measured}
        kept.write_text(json.dumps(maps), "utf-8")
    return {file: maps[file] for file in states}


def _equivalent() -> dict[tuple[Any, ...], str]:
    """Read the list of mutants that change nothing, with the reasons."""
    listed = tomllib.loads(NAMED.read_text("utf-8")).get("equivalent", [])
    named = ("file", "function", "before", "after", "nth")
    return {tuple(({"nth": 1} | each)[name] for name in named): each["why"] for each in listed}


def _outcomes(
    pool: ProcessPoolExecutor, mutants: list[Mutant], maps: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Try each mutant; yield its outcome."""
    reasons = _equivalent()
    begun = {
        pool.submit(_try, mutant, _plan(mutant, maps), number): mutant
        for number, mutant in enumerate(mutants, start=1)
        if mutant.key not in reasons
    }
    for mutant in mutants:
        if mutant.key in reasons:
            yield {"outcome": "equivalent", "by": "", "why": reasons[mutant.key], **mutant.told}
    for at, done in enumerate(as_completed(begun), start=1):
        mutant, (outcome, by, seconds) = begun[done], done.result()
        where = f"{mutant.file}:{mutant.lines[1]} {mutant.function}"
        print(f"{at}/{len(begun)} {outcome} ({seconds:.1f} s) {where}: {by}", flush=True)
        if outcome in {"survived", "not covered"}:
            print(f"    {mutant.before}\n    {mutant.after}   [{mutant.nth}]", flush=True)
        yield {"outcome": outcome, "by": by, "why": "", **mutant.told}


def main() -> None:
    """Draw mutants, try each, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("packages", nargs="*", metavar="package", help="default: all")
    parser.add_argument("--count", type=int, default=40, help="mutants for each package (40)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws others (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at once")
    parser.add_argument("--again", action="store_true", help="only what nobody noticed last time")
    chosen = parser.parse_args()
    KEPT.mkdir(exist_ok=True)
    last = KEPT / "results.json"
    mutants, sizes = sample(chosen.count, chosen.seed, chosen.packages or PACKAGES)
    if chosen.again:
        known = json.loads(last.read_text("utf-8"))
        open_ones = {each["id"] for each in known if each["outcome"] in {"survived", "not covered"}}
        mutants = [mutant for mutant in mutants if mutant.told["id"] in open_ones]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        _import_ahead()
        with ProcessPoolExecutor(
            chosen.jobs, mp_context=get_context("fork"), initializer=_enter_copy, initargs=(folder,)
        ) as pool:
            maps = _maps(pool)
            results = list(_outcomes(pool, mutants, maps))
    results.sort(key=lambda each: (PACKAGES.index(each["package"]), each["file"], each["line"]))
    minutes = (time.monotonic() - began) / 60
    date = dt.datetime.now(tz=dt.UTC).date().isoformat()
    how = f"Seed {chosen.seed}, {date}, Python {platform.python_version()}, {minutes:.0f} minutes."
    text = mutants_report.table(results, sizes, how)
    print(text)
    if not chosen.again:
        last.write_text(json.dumps(results, indent=1), "utf-8")
        if not chosen.packages:
            mutants_report.write(text)


if __name__ == "__main__":
    main()
