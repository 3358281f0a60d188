"""The programs in raising/: each raises on the line of its mark, and runs once it is repaired.

The mark is ``# plant: KIND``. A comment ``# instead: CODE`` stands under a line that the repaired program
replaces by CODE. ``# needs: MODULE`` names a library that not everybody has. Devices are written as in real
code: `on_meta` and `on_host` make a program of it that needs no GPU.
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
        name: of its file.
        kind: of the mistake: what is given where the other library's is needed.
        line: that raises.
        needs: a library beside NumPy and torch that it imports; "" if none.
        text: of the program.
    """

    name: str
    kind: str
    line: int
    needs: str
    text: str

    @property
    def bad(self) -> str:
        """The program without its marks, so that no reader profits from them."""
        return _program(self.text, repaired=False)

    @property
    def good(self) -> str:
        """The repaired program, with the same number of lines."""
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
    """Let a device that every machine has stand in for the GPU: it refuses NumPy likewise."""
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
