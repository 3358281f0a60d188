"""The programs that are open in an editor, read: files from disk, and open buffers over them."""

from __future__ import annotations

import ast
import json
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.code import SourceFile, find_files, read_file
from sekisho.editor.memory import MemoryCache
from sekisho.editor.positions import Lines
from sekisho.findings import (
    Finding,
    Settings,
    check,
    read_baseline,
    read_settings,
    without_known,
)
from sekisho.inference import Earlier, Function, Solution, resume, solve, survey
from sekisho.utils import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sekisho.editor.buffers import File, Piece

__all__ = ["Programs", "Reading", "View"]

_Content = tuple[int, int] | bytes
"""A file on disk, by its stamp, or what a buffer holds in its place."""

_FEW: Final = 10
"""Most files that change at once when a person works; a checkout changes more."""


class Reading:
    """A program as it was read once. Readings share what they know, so one thread asks them all.

    Attributes:
        solution: what was found out.
        settings: what the project wants to be told.
        problem: why its settings could not be read; "" if they could.
    """

    def __init__(self, solution: Solution, settings: Settings, problem: str, folder: str) -> None:
        """Take what was read; the rest is found out when it is asked for."""
        self.solution = solution
        self.settings = settings
        self.problem: str = problem
        self._start = f"{Path(folder).as_posix()}/"
        self.keys: dict[str, str] = {file.path: key for key, file in solution.program.files.items()}
        self._functions: dict[str, list[Function]] = {}
        self._trees: dict[str, ast.Module] = {}
        self._findings: dict[str, list[Finding]] = {}

    def take(self, before: Reading) -> None:
        """Take what is found of files that neither have changed since nor see a change."""
        old, new = before.solution, self.solution
        if new.sites is not old.sites or new.facts is not old.facts or self.settings.baseline:
            return
        same = {path for path in self.keys if self.file(path) is before.file(path)}
        self._trees = {path: each for path, each in before._trees.items() if path in same}
        functions = before._functions.items()
        self._functions = {path: each for path, each in functions if path in same}
        if self.settings == before.settings:
            found = before._findings.items()
            self._findings = {path: each for path, each in found if path in same}

    def file(self, path: str) -> SourceFile:
        """Return a file as it was read."""
        return self.solution.program.files[self.keys[path]]

    def shown(self, text: str) -> str:
        """Return a text in which the paths of files begin in the folder of the program."""
        return text.replace(self._start, "")

    def functions(self, path: str) -> list[Function]:
        """Return the functions of a file, and the top of its module."""
        if path not in self._functions:
            self._functions[path] = [*survey(self.solution, {self.keys[path]})]
        return self._functions[path]

    def tree(self, path: str) -> ast.Module:
        """Return the syntax tree of a file."""
        if path not in self._trees:
            try:
                self._trees[path] = parse(self.file(path).text)
            except ValueError:  # cells that parse one by one only
                self._trees[path] = ast.Module([], [])
        return self._trees[path]

    def findings(self, paths: Iterable[str]) -> dict[str, list[Finding]]:
        """Return what is found in some files."""
        new = {path for path in paths if path not in self._findings}
        if new:
            found = check(self.solution, self.settings, {self.keys[path] for path in new})
            by_path: dict[str, list[Finding]] = {path: [] for path in new}
            for each in self._without_known(found):
                by_path[each.path].append(
                    each._replace(
                        message=self.shown(each.message), reason=tuple(map(self.shown, each.reason))
                    )
                )
            self._findings.update(by_path)
        return {path: self._findings[path] for path in paths}

    def _without_known(self, findings: list[Finding]) -> Iterable[Finding]:
        baseline = self.settings.baseline
        if baseline is None:
            return findings
        try:
            return without_known(findings, read_baseline(baseline), self.settings)
        except ValueError as error:
            self.problem = self.problem or str(error)
            return findings


class View(NamedTuple):
    """A buffer as it was read.

    Attributes:
        reading: the program that it is in.
        path: its file there.
        start: its first line there, from 1; of a cell, behind the cells before it.
        text: the text that was read: the last one that parses.
        typed: the text that was typed when it was read.
        version: the editor's number of `typed`.
    """

    reading: Reading
    path: str
    start: int
    text: str
    typed: str
    version: int

    @property
    def end(self) -> int:
        """The last line in the file."""
        return self.start + len(Lines(self.text).texts) - 1


class _State(NamedTuple):
    """What a program was read of: the contents of files, and settings."""

    contents: dict[Path, _Content]
    settings: Settings
    problem: str


class Programs:
    """All programs of a session: one for each folder of the workspace, one for each folder of files outside.

    One thread reads, and hands on what it has read. The caches are shared.
    """

    def __init__(self) -> None:
        """Read nothing yet."""
        self._cache = MemoryCache()
        self._listed: dict[str, dict[str, Path]] = {}
        self._passed_by: set[tuple[str, str]] = set()
        self._good: dict[str, tuple[str, str]] = {}
        self._last: dict[str, tuple[_State, Reading]] = {}
        self._earlier: dict[str, Earlier] = {}

    def list_again(self) -> None:
        """Look again which files there are, at the next reading."""
        self._listed.clear()
        self._passed_by.clear()

    def flush(self) -> None:
        """Write the cache to disk."""
        self._cache.flush()

    def read(
        self, folders: Sequence[str], files: Sequence[File]
    ) -> tuple[dict[str, View], list[Reading]]:
        """Read all programs.

        Args:
            folders: those of the workspace.
            files: what is open.

        Returns:
            The view of each buffer that could be read, by its URI, and all readings.
        """
        open_now = {piece.uri for file in files for piece in file.pieces}
        self._good = {uri: good for uri, good in self._good.items() if uri in open_now}
        by_program: dict[str, list[File]] = {folder: [] for folder in folders}
        for file in files:
            by_program.setdefault(self._program_of(file.path, folders), []).append(file)
        views: dict[str, View] = {}
        readings: list[Reading] = []
        self._last = {folder: last for folder, last in self._last.items() if folder in by_program}
        self._earlier = {
            folder: each for folder, each in self._earlier.items() if folder in by_program
        }
        for folder, inside in by_program.items():
            reading = self._read(folder, inside, is_workspace=folder in folders)
            readings.append(reading)
            for file in inside:
                views.update(self._views(reading, file, folder))
        return views, readings

    def _program_of(self, path: str, folders: Sequence[str]) -> str:
        """Return the folder of the program that a file is in: of the workspace, or else its own."""
        real = os.path.realpath(path)
        around = [each for each in folders if _is_below(path, each) or _is_below(real, each)]
        if around:
            folder = max(around, key=len)
            is_new = not Path(path).exists()
            if is_new or real in self._files_of(folder) or self._is_listed_now(folder, real):
                return folder
        # Outside of the workspace, or what `check` passes by: what git ignores, an environment.
        return f"{Path(path).parent}{os.sep}."

    def _is_listed_now(self, folder: str, path: str) -> bool:
        """Whether a file has come since the files were listed; it is asked of each once."""
        if (folder, path) in self._passed_by:
            return False
        self._passed_by.add((folder, path))
        del self._listed[folder]
        return path in self._files_of(folder)

    def _files_of(self, folder: str) -> dict[str, Path]:
        """Return the files of a folder by their real paths."""
        if folder not in self._listed:
            try:
                found = {os.path.realpath(path): path for path in find_files([folder])}
            except FileNotFoundError:  # the folder was removed
                found = {}
            self._listed[folder] = found
        return self._listed[folder]

    def _read(self, folder: str, files: Sequence[File], *, is_workspace: bool) -> Reading:
        listed = self._files_of(folder) if is_workspace else {}
        stamps = {path: _stamp(path) for path in listed.values()}
        contents: dict[Path, _Content] = {
            path: stamp for path, stamp in stamps.items() if stamp is not None
        }
        for file in files:
            path = listed.get(os.path.realpath(file.path), Path(file.path))
            data = self._data(file)
            if data is not None:
                contents[path] = data
        settings, problem = _settings(folder)
        # What nothing has changed of since is not read again: another program's buffer was typed in.
        state = _State(contents, settings, problem)
        last = self._last.get(folder)
        if last is not None and last[0] == state:
            return last[1]
        earlier = self._earlier.setdefault(folder, Earlier())
        new = None if last is None else _changed(last[0].contents, contents)
        solution = None
        if last is not None and new is not None:
            solution = resume(last[1].solution, earlier, self._cache, new)
        reading = Reading(solution or self._solve(contents, earlier), settings, problem, folder)
        if last is not None and solution is not None:
            reading.take(last[1])
        self._last[folder] = state, reading
        return reading

    def _solve(self, contents: Mapping[Path, _Content], earlier: Earlier) -> Solution:
        self._cache.next_reading()
        texts = {str(path): each for path, each in contents.items() if isinstance(each, bytes)}
        try:
            return solve(contents, self._cache, texts=texts, earlier=earlier)
        except FileNotFoundError:  # one was removed just now
            left = [path for path in contents if path.is_file() or str(path) in texts]
            return solve(left, self._cache, texts=texts, earlier=earlier)

    def _data(self, file: File) -> bytes | None:
        """Return what a file would hold, of what parses; None if nothing of it does."""
        if not file.is_notebook:
            (piece,) = file.pieces
            good = self._good_text(piece)
            return None if good is None else _encoded(good)
        cells = [
            {"cell_type": "markdown", "source": ""}
            for _ in range(max((piece.cell for piece in file.pieces), default=0))
        ]
        for piece in file.pieces:
            source = self._good_text(piece)
            cells[piece.cell - 1] = {"cell_type": "code", "source": source or ""}
        return json.dumps({"cells": cells}).encode()

    def _good_text(self, piece: Piece) -> str | None:
        """Return the last text of a buffer that parses."""
        typed, good = self._good.get(piece.uri, (None, None))
        if typed != piece.text:
            good = piece.text if _parses(piece) else good
            if good is not None:
                self._good[piece.uri] = piece.text, good
        return good

    def _views(self, reading: Reading, file: File, folder: str) -> dict[str, View]:
        path = self._listed.get(folder, {}).get(os.path.realpath(file.path), Path(file.path))
        shown = path.as_posix()
        if shown not in reading.keys:
            return {}
        starts = dict(reading.file(shown).cells) if file.is_notebook else {0: 1}
        return {
            piece.uri: View(
                reading, shown, starts[piece.cell], self._good[piece.uri][1], *piece[1:3]
            )
            for piece in file.pieces
            if piece.cell in starts and piece.uri in self._good
        }


def _is_below(path: str, folder: str) -> bool:
    return Path(path).is_relative_to(folder)


def _changed(
    before: Mapping[Path, _Content], after: Mapping[Path, _Content]
) -> dict[str, bytes] | None:
    """Return what files hold that were saved, opened or typed in; None if more has happened."""
    if before.keys() != after.keys():
        return None
    changed = [path for path, each in after.items() if each != before[path]]
    try:
        return (
            {
                str(path): each if isinstance(each := after[path], bytes) else path.read_bytes()
                for path in changed
            }
            if len(changed) <= _FEW
            else None
        )
    except OSError:
        return None


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file does; None if there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _parses(piece: Piece) -> bool:
    if piece.cell:
        data = json.dumps({"cells": [{"cell_type": "code", "source": piece.text}]}).encode()
        file = read_file(Path("cell.ipynb"), data)
        return isinstance(file, SourceFile) and not file.skipped
    try:
        parse(piece.text)
    except ValueError:
        return False
    return True


def _encoded(text: str) -> bytes:
    """Return the bytes of a text by the encoding that it declares, as it would be saved."""
    data = text.encode("utf-8", "surrogatepass")
    file = read_file(Path("buffer.py"), data)
    if isinstance(file, SourceFile) and file.encoding not in {"utf-8", "utf-8-sig"}:
        try:
            return text.encode(file.encoding)
        except UnicodeEncodeError:
            return data
    return data


def _settings(folder: str) -> tuple[Settings, str]:
    """Return the settings of a folder's project; those of none, and why, if they cannot be read."""
    try:
        return read_settings([folder]), ""
    except ValueError as error:
        place = Path(folder)
        return read_settings([place.anchor])._replace(folder=place), str(error)
