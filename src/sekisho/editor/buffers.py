"""What an editor has open: files and the cells of notebooks, as they are typed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pygls.uris import to_fs_path, urlparse

from sekisho.editor.positions import Lines, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lsprotocol import types

__all__ = ["Buffers", "File", "Piece", "path_of"]


class Piece(NamedTuple):
    """A text that is open: a file, or a cell.

    Attributes:
        uri: by which the editor knows it.
        text: what is typed in it.
        version: the editor's number of that text.
        cell: the number of the cell, from 1; 0 for a file.
    """

    uri: str
    text: str
    version: int
    cell: int = 0


class File(NamedTuple):
    """A file or a notebook that is open.

    Attributes:
        path: where it is, or would be: a buffer that has never been saved has a path of its own.
        pieces: the file itself; of a notebook, its cells of code.
        is_notebook: whether it is one.
    """

    path: str
    pieces: tuple[Piece, ...]
    is_notebook: bool = False


class _Notebook(NamedTuple):
    path: str
    cells: list[types.NotebookCell]


class Buffers:
    """All that is open. Only the thread of the protocol uses it; others get what `files` returns."""

    encoding: str

    def __init__(self) -> None:
        """Begin with nothing."""
        self.encoding = "utf-16"
        self._texts: dict[str, tuple[str, int]] = {}
        self._notebooks: dict[str, _Notebook] = {}
        self._cells: set[str] = set()

    def __contains__(self, uri: str) -> bool:
        return uri in self._texts

    def text(self, uri: str) -> str | None:
        """Return what is typed in a buffer; None if it is not open."""
        found = self._texts.get(uri)
        return None if found is None else found[0]

    def open(self, uri: str, text: str, version: int) -> None:
        """Note that a file was opened."""
        self._texts[uri] = text, version

    def close(self, uri: str) -> None:
        """Note that a file was closed."""
        self._texts.pop(uri, None)

    def change(
        self, uri: str, changes: Iterable[types.TextDocumentContentChangeEvent], version: int
    ) -> None:
        """Apply what was typed. A range beyond the end is clamped to it."""
        text = self._texts.get(uri, ("", 0))[0]
        for change in changes:
            place = getattr(change, "range", None)
            if place is None:
                text = change.text
                continue
            lines = Lines(text, self.encoding)
            start = lines.offset(Place(place.start.line, place.start.character))
            end = lines.offset(Place(place.end.line, place.end.character))
            start, end = min(start, end), max(start, end)
            text = text[:start] + change.text + text[end:]
        self._texts[uri] = text, version

    # --- notebooks

    def open_notebook(
        self, notebook: types.NotebookDocument, texts: Iterable[types.TextDocumentItem]
    ) -> None:
        """Note that a notebook was opened, with the texts of its cells."""
        path = path_of(notebook.uri)
        path = path if path.endswith(".ipynb") else f"{path}.ipynb"
        self._notebooks[notebook.uri] = _Notebook(path, [*notebook.cells])
        self._open_cells(texts)

    def _open_cells(self, texts: Iterable[types.TextDocumentItem]) -> None:
        for each in texts:
            self.open(each.uri, each.text, each.version)
            self._cells.add(each.uri)

    def change_notebook(self, uri: str, change: types.NotebookDocumentChangeEvent) -> None:
        """Apply what was done to the cells of a notebook: added, removed, moved, typed in."""
        notebook = self._notebooks.get(uri)
        if notebook is None or change.cells is None:
            return
        structure = change.cells.structure
        if structure is not None:
            array = structure.array
            end = array.start + array.delete_count
            notebook.cells[array.start : end] = array.cells or []
            # A cell that moves is closed and opened in one message.
            self._close_cells(each.uri for each in structure.did_close or ())
            self._open_cells(structure.did_open or ())
        for content in change.cells.text_content or ():
            self.change(content.document.uri, content.changes, content.document.version)

    def close_notebook(self, uri: str) -> None:
        """Note that a notebook was closed, and its cells with it."""
        notebook = self._notebooks.pop(uri, None)
        self._close_cells(each.document for each in (notebook.cells if notebook else ()))

    def _close_cells(self, uris: Iterable[str]) -> None:
        for uri in uris:
            self.close(uri)
            self._cells.discard(uri)

    # --- what is read of it

    def files(self) -> Sequence[File]:
        """Return all that is open, as it is now."""
        found = [
            File(path_of(uri), (Piece(uri, text, version),))
            for uri, (text, version) in self._texts.items()
            if uri not in self._cells
        ]
        for notebook in self._notebooks.values():
            pieces = tuple(
                Piece(cell.document, *self._texts.get(cell.document, ("", 0)), number)
                for number, cell in enumerate(notebook.cells, 1)
                if cell.kind == 2  # noqa: PLR2004 - the protocol's number of code
            )
            found.append(File(notebook.path, pieces, is_notebook=True))
        return found


def path_of(uri: str) -> str:
    """Return the path of a buffer; of one that is no file, a path that no file has."""
    path = to_fs_path(uri)
    if path is not None:
        return os.path.normpath(path)
    scheme, _, name, *_ = urlparse(uri)
    return str(Path(Path.cwd().anchor, f"{scheme or 'unknown'}:", Path(name).name or "untitled"))
