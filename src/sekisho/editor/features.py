"""Answer a client: diagnostics, actions, hovers, hints, signatures, symbols, highlights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lsprotocol import types
from pygls.uris import from_fs_path

from sekisho.editor.actions import actions_at
from sekisho.editor.buffers import path_of
from sekisho.editor.calling import Call, call_at
from sekisho.editor.describing import Signature, describe, is_notable, signature_of
from sekisho.editor.hints import hints_in, symbols_in
from sekisho.editor.looking import Name, callee, crossings_in, function_at, function_named
from sekisho.editor.protocol import (
    Pane,
    action_of,
    closed_pane,
    diagnostics_of,
    inlay_of,
    place_of,
    result_id,
    symbol_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sekisho.editor.lifecycle import Lifecycle
    from sekisho.editor.project import Reading, View
    from sekisho.editor.session import State

__all__ = ["Features"]

_Found = TypeVar("_Found")


class Features:
    """Answers a client's requests from the last reading of the project."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        """Answer from what a client has sent so far."""
        self._lifecycle = lifecycle
        self._session = lifecycle.session

    async def _about(
        self, uri: str, find: Callable[[View, Pane], _Found], *, waits: bool = False
    ) -> _Found | None:
        """Return what `find` returns for a buffer as it is now, or as it was when it last parsed.

        Args:
            uri: the buffer.
            find: called in the thread that reads, with the last reading and the text as it is now.
            waits: whether to wait while the project is read for the first time, which takes seconds.
        """
        if self._session.state is None and not waits:
            return None
        state = await self._session.fresh()
        view = None if state is None else state.views.get(uri)
        if view is None:
            return None
        pane = self._lifecycle.pane(uri, view)
        return await self._session.ask(lambda: find(view, pane))

    # --- diagnostics

    async def diagnostic(
        self, params: types.DocumentDiagnosticParams
    ) -> types.DocumentDiagnosticReport:
        """Return the diagnostics of a file, as it is now if it is open."""
        uri = params.text_document.uri
        state = await self._session.fresh()
        found: list[types.Diagnostic] = []
        if state is not None and uri in state.views:
            view = state.views[uri]
            found = diagnostics_of(state.findings_of(view), self._lifecycle.pane(uri, view))
        elif state is not None:
            found = await self._session.ask(lambda: self._of_closed(state, path_of(uri)))
        known = result_id(found)
        if known == params.previous_result_id:
            return types.RelatedUnchangedDocumentDiagnosticReport(result_id=known)
        return types.RelatedFullDocumentDiagnosticReport(items=found, result_id=known)

    def _of_closed(self, state: State, path: str) -> list[types.Diagnostic]:
        """Return the diagnostics of a file that is not open."""
        path = Path(path).as_posix()
        for reading in state.readings:
            if path in reading.keys and not reading.file(path).cells:
                pane = closed_pane(reading, path, self._session.buffers.encoding)
                return diagnostics_of(reading.findings([path])[path], pane)
        return []

    async def workspace_diagnostic(
        self, params: types.WorkspaceDiagnosticParams
    ) -> types.WorkspaceDiagnosticReport:
        """Return the diagnostics of all files of the workspace, of open files as they are now."""
        before = {each.uri: each.value for each in params.previous_result_ids}
        encoding = self._session.buffers.encoding
        state = await self._session.fresh()
        if state is None:
            return types.WorkspaceDiagnosticReport([])
        found = await self._session.ask(
            lambda: [(each, each.findings(each.keys)) for each in state.readings]
        )
        panes: dict[str, tuple[Reading, str, Pane, int | None]] = {}
        for uri, view in state.views.items():
            panes[uri] = view.reading, view.path, self._lifecycle.pane(uri, view), view.version
        by_reading = {id(reading): by_path for reading, by_path in found}
        seen = {(id(reading), path) for reading, path, *_ in panes.values()}
        for reading, by_path in found:
            for path, findings in by_path.items():
                uri = from_fs_path(path) or path
                # Most files have no findings, and had none before: the client need not hear of them.
                is_listed = bool(findings) or uri in before
                if (id(reading), path) not in seen and is_listed and not reading.file(path).cells:
                    panes[uri] = reading, path, closed_pane(reading, path, encoding), None
        items: list[types.WorkspaceDocumentDiagnosticReport] = []
        for uri, (reading, path, pane, version) in panes.items():
            diagnostics = diagnostics_of(by_reading[id(reading)][path], pane)
            known = result_id(diagnostics)
            items.append(
                types.WorkspaceUnchangedDocumentDiagnosticReport(
                    uri=uri, result_id=known, version=version
                )
                if before.get(uri) == known
                else types.WorkspaceFullDocumentDiagnosticReport(
                    uri=uri, items=diagnostics, version=version, result_id=known
                )
            )
        return types.WorkspaceDiagnosticReport(items)

    # --- actions

    async def code_action(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Return the fixes, comments and declarations that lines can have."""
        uri, wanted = params.text_document.uri, params.context.only

        def find(view: View, pane: Pane) -> list[types.CodeAction]:
            if not pane.is_read:
                return []
            return [
                action_of(
                    each,
                    view,
                    uri,
                    view.version,
                    diagnostics_of([each.finding] if each.finding else [], pane),
                )
                for each in actions_at(view, params.range.start.line, params.range.end.line)
                if wanted is None or any(_is_kind(each.kind, kind) for kind in wanted)
            ]

        return await self._about(uri, find) or []

    # --- information

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Return the world, dtype and axes of the name at a position, as Markdown."""

        def find(view: View, pane: Pane) -> types.Hover | None:
            place = pane.place(params.position)
            found = None if place is None else describe(view.reading, view.path, *place)
            if found is None:
                return None
            name = found.name
            return types.Hover(
                types.MarkupContent(types.MarkupKind.Markdown, found.text),
                pane.range(name.line, name.start, name.end),
            )

        return await self._about(params.text_document.uri, find)

    async def inlay_hint(self, params: types.InlayHintParams) -> list[types.InlayHint]:
        """Return the worlds of variables, and the crossings, of some lines."""
        options = self._session.options
        first, last = place_of(params.range.start), place_of(params.range.end)

        def find(view: View, pane: Pane) -> list[types.InlayHint]:
            hints = hints_in(view.reading, view.path, options.hints, crossings=options.crossings)
            found = [inlay_of(each, pane) for each in hints if view.start <= each.line <= view.end]
            return [
                each
                for each in found
                if each is not None and first <= place_of(each.position) <= last
            ]

        return await self._about(params.text_document.uri, find, waits=True) or []

    async def signature_help(self, params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        """Return the signature of the project's function whose call is being typed."""
        return await self._about(
            params.text_document.uri, lambda view, pane: _signature(view, pane, params.position)
        )

    async def document_symbol(
        self, params: types.DocumentSymbolParams
    ) -> list[types.DocumentSymbol]:
        """Return the functions and classes of a buffer, each with its world."""

        def find(view: View, pane: Pane) -> list[types.DocumentSymbol]:
            found = [
                symbol_of(each, pane)
                for each in symbols_in(view.reading, view.path)
                if view.start <= each.first <= view.end
            ]
            return [each for each in found if each is not None]

        return await self._about(params.text_document.uri, find, waits=True) or []

    async def document_highlight(
        self, params: types.DocumentHighlightParams
    ) -> list[types.DocumentHighlight] | None:
        """Return the crossings of a function, if the place is on one of them."""
        return await self._about(
            params.text_document.uri, lambda view, pane: _highlights(view, pane, params.position)
        )


def _signature(view: View, pane: Pane, position: types.Position) -> types.SignatureHelp | None:
    line, character = pane.offset(position)
    text = "\n".join([*pane.typed.texts[:line], pane.typed.at(line)[:character]])
    call = call_at(text, len(text))
    if call is None:
        return None
    near = pane.line_near(position)
    name = Name(call.name, near, 0, 0, 10**6, view.reading.tree(view.path))
    function = function_named(view.reading, callee(view.reading, view.path, name))
    signature = None if function is None else signature_of(view.reading, function.unit.name)
    if function is None or signature is None or not is_notable(function):
        return None
    active = _active(signature, call)
    parameters = [types.ParameterInformation(each) for each in signature.parameters]
    shown = types.SignatureInformation(
        signature.label, parameters=parameters, active_parameter=active
    )
    return types.SignatureHelp([shown], active_signature=0, active_parameter=active)


def _highlights(
    view: View, pane: Pane, position: types.Position
) -> list[types.DocumentHighlight] | None:
    place = pane.place(position)
    function = None if place is None else function_at(view.reading, view.path, place[0])
    if place is None or function is None:
        return None
    crossings = [
        each
        for each in crossings_in(view.reading, view.path)
        if function_at(view.reading, view.path, each.line) == function
    ]
    if not any(each.line == place[0] for each in crossings):
        return None
    found: list[types.DocumentHighlight] = []
    for each in crossings:
        start = pane.from_bytes(each.line, each.column)
        shown = pane.range(each.line, start, len(pane.text(each.line)))
        if shown is not None and view.start <= each.line <= view.end:
            found.append(types.DocumentHighlight(shown, types.DocumentHighlightKind.Text))
    return found or None


def _is_kind(kind: str, wanted: str) -> bool:
    """Return whether a client wants an action: ``refactor`` includes ``refactor.extract``."""
    return kind == wanted or kind.startswith(f"{wanted}.")


def _active(signature: Signature, call: Call) -> int | None:
    """Return which parameter is being typed; None if no parameter takes the argument."""
    names: Sequence[str] = signature.names
    if call.keyword:
        if call.keyword in names:
            return names.index(call.keyword)
        return next((at for at, name in enumerate(names) if name.startswith("**")), None)
    positional = [at for at, name in enumerate(names) if name not in {"*", "/"}]
    starred = next((at for at, name in enumerate(names) if name.startswith("*")), None)
    if starred is not None:
        positional = [at for at in positional if at < starred]
    if call.arguments < len(positional):
        return positional[call.arguments]
    is_run = starred is not None and names[starred] != "*" and not names[starred].startswith("**")
    return starred if is_run else None
