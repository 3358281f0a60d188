"""Find, decode and parse the files of a project without running them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.errors import first_line
from sekisho.utils import ask_git, decode, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Skipped", "SourceFile", "find_files", "read_file"]

_IGNORED: Final = frozenset({"__pycache__", "node_modules", "site-packages", "build", "dist"})
_LARGEST: Final = 8_000_000
"""Maximum size in bytes of a file that is read: larger files are generated."""

_MAGIC: Final = re.compile(r"^(\s*)[%!?].*$|^(\s*)\S*\?\??\s*$", re.MULTILINE)
"""A line of a notebook in IPython's own syntax."""

_TRANSPARENT: Final = frozenset({"%%time", "%%timeit", "%%capture", "%%prun"})
"""Cell magics whose other lines are Python."""


class Skipped(NamedTuple):
    """A file or cell that could not be read, and why."""

    path: str
    why: str


class SourceFile(NamedTuple):
    """A file as text.

    Attributes:
        path: its path, as the caller spelled it.
        module: the name by which it is imported.
        root: the folder that has to be on ``sys.path`` for that import.
        is_package: whether it is an ``__init__`` file.
        text: its text; of a notebook, the code of its cells joined.
        cells: of a notebook, the number of each cell and its first line in `text`.
        skipped: the cells that could not be read.
        data: the bytes of the file; empty for a notebook.
        encoding: the declared encoding; ``utf-8-sig`` if the file begins with a byte order mark.
    """

    path: str
    module: str
    root: str
    is_package: bool
    text: str
    cells: tuple[tuple[int, int], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    data: bytes = b""
    encoding: str = "utf-8"

    def decode(self) -> str:
        """Return the text with the file's own line ends, for code that edits the file.

        Raises:
            ValueError: if encoding the text would give other bytes, as UTF-7 and similar encodings
                may.
        """
        text = self.data.decode(self.encoding)
        if text.encode(self.encoding) != self.data:
            raise ValueError(f"its encoding, {self.encoding}, has several ways to write it")
        return text

    def place(self, line: int) -> str:
        """Return ``path:line``; for a notebook ``path:cell 3:line``."""
        cell, start = max(
            ((cell, start) for cell, start in self.cells if start <= line), default=(0, 1)
        )
        where = f":cell {cell}" if self.cells else ""
        return f"{self.path}{where}:{line - start + 1}"


def find_files(
    paths: Iterable[str | Path], texts: Mapping[str, bytes] | None = None
) -> Iterator[Path]:
    """Find Python files and notebooks below some paths, each once even if several links lead to it.

    A file that is named is read whatever its name is. In folders, these are skipped: hidden ones,
    virtual environments, caches, build outputs and all that git ignores.

    Args:
        paths: files and folders.
        texts: texts by path, of files that need not exist: see `read_file`.

    Raises:
        FileNotFoundError: if a path does not exist.
    """
    seen: set[str] = set()
    for each in paths:
        path = Path(each)
        if path.is_dir():
            found: Iterable[Path] = _walk(path, seen, _ignored_by_git(path))
        elif path.exists() or str(each) in (texts or ()):
            found = [path]
        else:
            raise FileNotFoundError(str(path))
        for file in found:
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path, seen: set[str], ignored: frozenset[Path]) -> Iterator[Path]:
    # the separator keeps folders apart from files in `seen`
    real = os.path.realpath(folder) + os.sep
    if real in seen:  # a cycle of links, or a second link to the same folder
        return
    seen.add(real)
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = folder / entry.name
        if ignored and path.absolute() in ignored:
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:
            continue
        if is_folder:
            hidden = entry.name.startswith(".") or entry.name in _IGNORED
            if not hidden and not (path / "pyvenv.cfg").exists():
                yield from _walk(path, seen, ignored)
        elif entry.name.endswith((".py", ".ipynb")) and path.is_file():
            yield path


def _ignored_by_git(folder: Path) -> frozenset[Path]:
    """Return the absolute paths that git ignores below a folder; none without git."""
    words = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    listed = ask_git(str(folder), *words)
    names = (listed or "").split("\0")
    return frozenset(folder.absolute() / name for name in names if name)


def read_file(path: Path, data: bytes | None = None) -> SourceFile | Skipped:
    """Read a file with its declared encoding, as Python does; a notebook cell by cell.

    Args:
        path: the path of the file.
        data: bytes to use instead of the file's, such as an editor's unsaved text.
    """
    shown = path.as_posix()
    try:
        if data is None:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)  # a device reports no size and may never end
        if len(data) > _LARGEST:
            return Skipped(shown, f"it is larger than {_LARGEST // 1_000_000} MB")
        if path.suffix == ".ipynb":
            return _read_notebook(path, data)
        text, encoding = decode(data)
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError, ValueError) as error:
        return Skipped(shown, first_line(error))
    module, root = _module_of(path)
    return SourceFile(
        shown,
        module,
        root,
        path.name == "__init__.py",
        _unix(text),
        data=data,
        encoding=encoding,
    )


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _module_of(path: Path) -> tuple[str, str]:
    """By which name a file is imported, and from which folder: that above its outermost package."""
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - links stay as they are named
    parts = [] if path.name == "__init__.py" else [path.name.partition(".")[0]]
    # Not pathlib, whose paths take longer to make than the question takes: it is asked of each file.
    while os.path.exists(f"{folder}/__init__.py"):  # noqa: PTH110
        above, name = os.path.split(folder)
        if above == folder:
            break
        parts.insert(0, name)
        folder = above
    return ".".join(parts) or Path(folder).name, folder


def _read_notebook(path: Path, data: bytes) -> SourceFile | Skipped:
    shown = path.as_posix()
    try:
        notebook: Any = json.loads(data)
        sources = [
            "".join(cell["source"]) if cell["cell_type"] == "code" else None
            for cell in notebook["cells"]
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Skipped(shown, f"it is no notebook: {first_line(error)}")
    lines: list[str] = []
    cells: list[tuple[int, int]] = []
    skipped: list[Skipped] = []
    for number, source in enumerate(sources, 1):
        code = _python_of(source) if source else ""
        if not code.strip():
            continue
        # each cell alone, so that one bad cell does not hide the others
        problem = _problem(code)
        if problem:
            skipped.append(Skipped(f"{shown}:cell {number}", problem))
            continue
        cells.append((number, len(lines) + 1))
        lines += code.split("\n")
    module, root = _module_of(path)
    return SourceFile(
        shown,
        module,
        root,
        is_package=False,
        text="\n".join(lines),
        cells=tuple(cells),
        skipped=tuple(skipped),
    )


def _python_of(cell: str) -> str:
    """Return the Python code of a cell with its lines kept; "" if the cell is in another language."""
    cell = _unix(cell)
    first = cell.lstrip().partition("\n")[0]
    if first.startswith("%%") and first.split()[0] not in _TRANSPARENT:
        return ""
    # keep a line for each magic, so that line numbers stay right
    return _MAGIC.sub(lambda match: f"{match[1] or match[2] or ''}pass", cell)


def _problem(code: str) -> str:
    try:
        parse(code)
    except ValueError as error:
        return str(error)
    return ""
