"""The programs in raising/: each raises on its marked line, and runs after its repair.

The mark is ``# plant: KIND``. A comment ``# instead: CODE`` is under a line that the repaired
program replaces by CODE. ``# needs: MODULE`` names an optional library. Devices are written as in
real code: `on_meta` and `on_host` turn the program into one that needs no GPU.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

RAISING = Path(__file__).parent / "raising"
_MARK = re.compile(r"# plant: (.+)")
_INSTEAD = re.compile(r" *# instead: (.+)")
_NEEDS = re.compile(r"^# needs: (\w+)$", re.MULTILINE)


class Plant(NamedTuple):
    """A program with a mistake.

    Attributes:
        name: the name of its file.
        kind: the kind of mistake: what is passed where the other library's value is needed.
        line: the line that raises.
        needs: a library that it imports beside NumPy and torch; "" if none.
        text: the text of the program.
    """

    name: str
    kind: str
    line: int
    needs: str
    text: str

    @property
    def bad(self) -> str:
        """Return the program without its marks, so that no checker can use them."""
        return _program(self.text, repaired=False)

    @property
    def good(self) -> str:
        """Return the repaired program, with the same number of lines."""
        return _program(self.text, repaired=True)


def _program(text: str, *, repaired: bool) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        found = _INSTEAD.fullmatch(line)
        if found and repaired:
            above = lines[-1]
            lines[-1] = above[: len(above) - len(above.lstrip())] + found[1]
        lines.append("" if found else _MARK.sub("", line).rstrip())
    return "\n".join(lines)


def on_meta(text: str) -> str:
    """Use a device that every machine has instead of the GPU: it also rejects NumPy."""
    return text.replace('"cuda"', '"meta"')


def on_host(text: str) -> str:
    return text.replace('"cuda"', '"cpu"')


def read_plants() -> list[Plant]:
    return [_read(path) for path in sorted(RAISING.glob("*.py"))]


def _read(path: Path) -> Plant:
    text = path.read_text("utf-8")
    ((line, kind),) = [
        (number, found[1])
        for number, each in enumerate(text.split("\n"), start=1)
        if (found := _MARK.search(each))
    ]
    needs = _NEEDS.search(text)
    return Plant(path.stem, kind, line, needs[1] if needs else "", text)
