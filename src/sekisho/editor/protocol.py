"""What was found out, in the words of the Language Server Protocol."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.uris import from_fs_path

from sekisho.code import digest
from sekisho.editor.hints import HINTS, Hint, Symbol
from sekisho.editor.positions import Edit, Lines, Place, Shift
from sekisho.findings import CODES, Finding, find_page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.editor.actions import Action
    from sekisho.editor.project import Reading, View

__all__ = ["SOURCE", "Pane", "action_of", "closed_pane", "diagnostics_of", "result_id"]

SOURCE: Final = "sekisho"
_NAME: Final = re.compile(r"(?:async\s+def|def|class)\s+\w+|@?[\w.]+")
_ERROR: Final = types.DiagnosticSeverity.Error
_WARNING: Final = types.DiagnosticSeverity.Warning
_HINTS: Final = HINTS


class Pane:
    """A buffer as it is typed now, over the lines of its last reading.

    All lines of the reading are those of its file, from 1; all positions are the protocol's, in the buffer.
    """

    def __init__(self, start: int, read: str, typed: str, encoding: str) -> None:
        """Compare the two texts.

        Args:
            start: the first line of the buffer in its file, from 1.
            read: the text that was read.
            typed: the text as it is now.
            encoding: what the client counts columns in.
        """
        self._start = start
        self.read: Lines = Lines(read, encoding)
        self.typed: Lines = Lines(typed, encoding)
        self._shift = Shift(self.read.texts, self.typed.texts)

    @property
    def is_read(self) -> bool:
        """Whether what is typed is what was read."""
        return self._shift.is_same

    def place(self, position: types.Position) -> tuple[int, int] | None:
        """Return a line of the file, and a character in it; None where the text was not read yet."""
        line = self._shift.earlier(min(position.line, len(self.typed.texts) - 1))
        if line is None:
            return None
        return line + self._start, self.read.characters(line, position.character)

    def line_near(self, position: types.Position) -> int:
        """Return the line of the file that is nearest to a position."""
        return self._shift.near(min(position.line, len(self.typed.texts) - 1)) + self._start

    def offset(self, position: types.Position) -> tuple[int, int]:
        """Return a line of the buffer, and a character in it; beyond the end it is the end."""
        line = min(position.line, len(self.typed.texts) - 1)
        return line, self.typed.characters(line, position.character)

    def position(self, line: int, character: int) -> types.Position | None:
        """Return where a character of a line of the file is now; None if the line has changed."""
        before = line - self._start
        after = self._shift.later(before)
        if after is None or not 0 <= before < len(self.read.texts):
            return None
        return types.Position(after, self.read.units(before, character))

    def range(self, line: int, start: int, end: int) -> types.Range | None:
        """Return the range of some characters of a line of the file."""
        first, last = self.position(line, start), self.position(line, end)
        return None if first is None or last is None else types.Range(first, last)

    def lines(self, line: int, last: int) -> types.Range | None:
        """Return the range of whole lines of the file."""
        first = self.position(line, 0)
        end = self.position(last, len(self.read.at(last - self._start)))
        return None if first is None or end is None else types.Range(first, end)

    def from_bytes(self, line: int, column: int) -> int:
        """Return how many characters a column of `ast` is."""
        return self.read.from_bytes(line - self._start, column)

    def text(self, line: int) -> str:
        """Return a line of the file."""
        return self.read.at(line - self._start)


def closed_pane(reading: Reading, path: str, encoding: str) -> Pane:
    """Return the pane of a file that is not open."""
    text = reading.file(path).text
    return Pane(1, text, text, encoding)


def diagnostics_of(findings: Iterable[Finding], pane: Pane) -> list[types.Diagnostic]:
    """Return findings as diagnostics; those on lines that have changed since are left out."""
    found: list[types.Diagnostic] = []
    for each in findings:
        start = each.column - 1
        text = pane.text(each.line)
        match = _NAME.match(text, start)
        end = match.end() if match else max(len(text.rstrip()), start)
        place = pane.range(each.line, start, end)
        if place is not None:
            found.append(_diagnostic(each, place))
    return found


def _diagnostic(finding: Finding, place: types.Range) -> types.Diagnostic:
    rule = CODES[finding.code]
    page = find_page()
    uri = None if page is None else from_fs_path(str(page))
    link = f"{uri}#{rule.code.lower()}-{rule.name}"
    lines = [f"{finding.message} [{rule.name}]", *finding.reason]
    if finding.help:
        lines.append(f"help: {finding.help}")
    return types.Diagnostic(
        range=place,
        message="\n".join(lines),
        severity=_ERROR if rule.is_error else _WARNING,
        code=rule.code,
        code_description=None if uri is None else types.CodeDescription(link),
        source=SOURCE,
    )


def result_id(diagnostics: Iterable[types.Diagnostic]) -> str:
    """Return what diagnostics are known by, so that those that have not changed are not sent again."""
    return digest(repr([*diagnostics]))


def action_of(
    action: Action, view: View, uri: str, version: int, diagnostics: Iterable[types.Diagnostic]
) -> types.CodeAction:
    """Return a code action that writes into one buffer."""
    lines = Lines(view.text)
    edits = [types.TextEdit(_lines_of(edit, lines), edit.text) for edit in action.edits]
    document = types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version)
    return types.CodeAction(
        title=action.title,
        kind=action.kind,
        diagnostics=[*diagnostics],
        is_preferred=action.is_preferred or None,
        edit=types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, edits)]),
    )


def _lines_of(edit: Edit, lines: Lines) -> types.Range:
    return types.Range(_line_start(edit.start, lines), _line_start(edit.end, lines))


def _line_start(line: int, lines: Lines) -> types.Position:
    """Return the start of a line; behind the last one, the end of the text."""
    if line < len(lines.texts):
        return types.Position(line, 0)
    last = len(lines.texts) - 1
    return types.Position(last, lines.units(last, len(lines.at(last))))


def inlay_of(hint: Hint, pane: Pane) -> types.InlayHint | None:
    """Return an inlay hint; None if its line has changed."""
    position = pane.position(hint.line, hint.character)
    if position is None:
        return None
    return types.InlayHint(
        position=position,
        label=hint.text,
        kind=None if hint.is_crossing else types.InlayHintKind.Type,
        tooltip=hint.tooltip or None,
        padding_left=hint.is_crossing or None,
    )


def symbol_of(
    symbol: Symbol, pane: Pane, *, is_method: bool = False
) -> types.DocumentSymbol | None:
    """Return a document symbol, with its world as its detail; None if its lines have changed."""
    whole = pane.lines(symbol.first, symbol.last)
    start = pane.text(symbol.line).find(symbol.name)
    name = pane.range(symbol.line, start, start + len(symbol.name))
    if whole is None or name is None:
        return None
    kind = types.SymbolKind.Method if is_method else types.SymbolKind.Function
    inside = [symbol_of(each, pane, is_method=symbol.is_class) for each in symbol.inside]
    return types.DocumentSymbol(
        name=symbol.name,
        kind=types.SymbolKind.Class if symbol.is_class else kind,
        range=whole,
        selection_range=name,
        detail=symbol.world or None,
        children=[each for each in inside if each is not None],
    )


def place_of(position: types.Position) -> Place:
    """Return a position of the protocol as ours."""
    return Place(position.line, position.character)
