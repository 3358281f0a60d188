"""Read a folder of journals as the calls of functions."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from sekisho.tracer.journal import MARK
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sekisho.tracer.describing import Described

__all__ = ["Call", "Observed", "Place", "Travel", "read_journals", "what_is_missing"]


class Call(NamedTuple):
    """Calls with equal descriptions.

    Attributes:
        kind: how they ended: ``return``, ``yield`` or ``raise``.
        given: the description of each argument, in the order of the parameters.
        result: the description of what was returned or yielded; None for ``raise``.
    """

    kind: str
    given: tuple[Described, ...]
    result: Described | None


class Observed:
    """A function with all its observed calls, in every process and run.

    Attributes:
        path: the real path of its file.
        name: its qualified name.
        line: its first line, including decorators.
        parameters: names of its parameters, without ``self``.
        calls: each distinct call with its count, which is a minimum if a process was killed.
        callers: the functions that have called it, by file and name.
        tests: the tests that have called it.
        is_compiled: whether a library has compiled its source.
    """

    def __init__(self, path: str, name: str, line: int, parameters: tuple[str, ...]) -> None:
        self.path: str = path
        self.name: str = name
        self.line: int = line
        self.parameters: tuple[str, ...] = parameters
        self.calls: Counter[Call] = Counter()
        self.callers: set[str] = set()
        self.tests: set[str] = set()
        self.is_compiled: bool = False

    @property
    def key(self) -> tuple[str, int]:
        """The path and line that identify the function."""
        return self.path, self.line

    @property
    def uses(self) -> int:
        """How many functions call it, tests among them.

        A loop in one of them is one use, and so are tests that all come by one of them: it passes what
        it passes, whichever test runs.
        """
        return len(self.callers)


class Place(NamedTuple):
    """A parameter or the result of a function, with the position of an array inside it."""

    function: tuple[str, int]
    name: str
    path: tuple[int, ...]


Travel = tuple[Place, Place]
"""Two places where the same array was seen, one after the other."""


def read_journals(folder: Path) -> tuple[list[Observed], Counter[Travel]]:
    """Read what all processes have written.

    Returns:
        The functions, sorted by file and line, and how often arrays went from one place to another.
    """
    functions: dict[tuple[str, int], Observed] = {}
    travels: Counter[Travel] = Counter()
    for path in sorted(folder.glob("*.calls")):
        _read(path, functions, travels)
    return [functions[key] for key in sorted(functions)], travels


def what_is_missing(folder: Path) -> str:
    """Return why a folder does not have all observed calls; "" if it has."""
    mark = folder / MARK
    if not mark.exists():
        return "the folder that calls were noted in was removed while the command ran"
    unwritten = mark.read_bytes() != b"\0"
    said = [{word for line in _lines_of(path) for word in line} for path in folder.glob("*.calls")]
    lost = sum("lost" in words for words in said)
    # A forked child of multiprocessing ends with os._exit, so it cannot write "ended". A process
    # with an empty file has called nothing.
    silent = sum(words.isdisjoint({"lost", "ended", "forked"}) for words in said if words)
    missing = [
        "a process could not write into the folder that calls are noted in" * unwritten,
        f"{_processes(lost)} could not note all calls" * bool(lost),
        f"{_processes(silent)} ended without a word: killed, by os._exit, or unable to write"
        * bool(silent),
    ]
    return "; ".join(filter(None, missing))


def _processes(count: int) -> str:
    return f"{count} process{'es' * (count != 1)}"


def _read(path: Path, functions: dict[tuple[str, int], Observed], travels: Counter[Travel]) -> None:
    here: dict[int, Observed] = {}
    calls: dict[int, tuple[Observed, Call]] = {}
    counts: dict[int, int] = {}
    for line in _lines_of(path):
        if "function" in line:
            parameters = tuple(line["parameters"])
            found = Observed(line["path"], line["name"], line["line"], parameters)
            here[line["function"]] = functions.setdefault(found.key, found)
        elif "count" in line:
            counts[line["call"]] = line["count"]
        elif "call" in line and line["of"] in here:
            call = Call(line["kind"], _frozen(line["given"]), _frozen(line["result"]))
            calls[line["call"]] = (here[line["of"]], call)
        elif "caller" in line and line["to"] in here:
            observed = here[line["to"]]
            observed.callers.add(line["caller"])
            observed.tests |= {line["test"]} - {""}
        elif "compiled" in line and line["compiled"] in here:
            here[line["compiled"]].is_compiled = True
        elif "from" in line and {line["from"][0], line["to"][0]} <= here.keys():
            before, after = (
                Place(here[number].key, name, tuple(where))
                for number, name, where in (line["from"], line["to"])
            )
            travels[before, after] += 1
    # A call without a count was seen once, or its process was killed before the count was written.
    for number, (observed, call) in calls.items():
        observed.calls[call] += counts.get(number, 1)


def _lines_of(path: Path) -> Iterator[dict[str, Any]]:
    for text in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):  # a line cut off when the process was killed
            yield json.loads(text)


def _frozen(said: Any) -> Any:
    return tuple([_frozen(each) for each in said]) if class_of(said) is list else said
