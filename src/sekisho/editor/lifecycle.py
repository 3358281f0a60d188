"""What a client tells: folders, settings, buffers that open, change and close; and what it is sent for that."""

from __future__ import annotations

import functools
import uuid
from typing import TYPE_CHECKING, Any, Final

from lsprotocol import types
from pygls.capabilities import get_capability

from sekisho.editor.buffers import path_of
from sekisho.editor.protocol import Pane, diagnostics_of, result_id
from sekisho.editor.session import Options, Session
from sekisho.inference import say_missing

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

    from sekisho.editor.project import View

__all__ = ["Lifecycle"]

_WATCHED: Final = ("**/*.py", "**/*.ipynb", "**/pyproject.toml", "**/.gitignore")
_CREATED_OR_DELETED: Final = {types.FileChangeType.Created, types.FileChangeType.Deleted}


class Lifecycle:
    """The connection with one client.

    Attributes:
        session: what it has told, and what is known of it.
        is_ended: whether it has said that it goes.
    """

    def __init__(self, server: LanguageServer) -> None:
        """Wait for the client."""
        self._server = server
        self.session: Session = Session(self._show, self._log)
        self.is_ended: bool = False
        self._published: dict[str, str] = {}
        self._shown: dict[str, tuple[object, ...]] = {}
        self._refreshes = False
        self._told: set[str] = set()
        self._progress = ""

    def _has(self, capability: str) -> bool:
        return bool(get_capability(self._server.client_capabilities, capability))

    # --- the client

    def initialize(self, params: types.InitializeParams) -> None:
        """Note the folders and the settings."""
        session = self.session
        session.buffers.encoding = str(
            getattr(self._server.workspace.position_encoding, "value", None)
            or self._server.workspace.position_encoding
            or "utf-16"
        )
        self._find_folders()
        self._set_options(params.initialization_options)
        pulls = self._has("text_document.diagnostic")
        session.options = session.options._replace(pushes=not pulls)

    def shutdown(self, _params: object = None) -> None:
        """Note that the client goes."""
        self.is_ended = True

    def _find_folders(self) -> None:
        workspace = self._server.workspace
        uris = [folder.uri for folder in workspace.folders.values()]
        if not uris and workspace.root_uri:
            uris = [workspace.root_uri]
        self.session.folders = [*dict.fromkeys(map(path_of, uris))]

    def initialized(self, _params: types.InitializedParams) -> None:
        """Begin the first reading, and ask for what a client tells only when it is asked."""
        if self._has("workspace.did_change_watched_files.dynamic_registration"):
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = types.Registration(str(uuid.uuid4()), method, options)
            self._server.client_register_capability(types.RegistrationParams([registration]))
        if self._has("workspace.configuration"):
            self._ask_for_options()
        if self._has("window.work_done_progress"):
            token = str(uuid.uuid4())
            progress: Any = self._server.work_done_progress
            progress.create(token, functools.partial(self._begin, token))
        self.session.touch()

    def _begin(self, token: str, _created: object) -> None:
        if self.session.state is None:
            self._progress = token
            begin = types.WorkDoneProgressBegin("sekisho", message="reading the project")
            self._server.work_done_progress.begin(token, begin)

    def change_folders(self, _params: types.DidChangeWorkspaceFoldersParams) -> None:
        """Read the folders that there are now."""
        self._find_folders()
        self.session.touch(files=True)

    # --- settings

    def change_options(self, params: types.DidChangeConfigurationParams) -> None:
        """Take the settings, or ask for them."""
        if self._has("workspace.configuration"):
            self._ask_for_options()
            return
        given: Any = params.settings or {}
        self._set_options(given.get("sekisho", given))
        self._refresh_hints()

    def _ask_for_options(self) -> None:
        def take(found: Any) -> None:
            self._set_options(found[0] if found else None)
            self._refresh_hints()

        items = [types.ConfigurationItem(section="sekisho")]
        self._server.workspace_configuration(types.ConfigurationParams(items), take)

    def _set_options(self, given: Any) -> None:
        self.session.options, wrong = Options.read(given, self.session.options)
        for each in wrong:
            self._warn(each)

    # --- buffers

    def open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Note a file that was opened."""
        document = params.text_document
        self.session.buffers.open(document.uri, document.text, document.version)
        self.session.touch()

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Note what was typed."""
        document = params.text_document
        self.session.buffers.change(document.uri, params.content_changes, document.version)
        self.session.touch()

    def save(self, _params: object) -> None:
        """Look at the files again: a client may not tell of new ones otherwise."""
        self.session.touch(files=True)

    def close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget a buffer; its file is read from disk again."""
        self.session.buffers.close(params.text_document.uri)
        self._withdraw()
        self.session.touch(files=True)

    def open_notebook(self, params: types.DidOpenNotebookDocumentParams) -> None:
        """Note a notebook that was opened."""
        self.session.buffers.open_notebook(params.notebook_document, params.cell_text_documents)
        self.session.touch()

    def change_notebook(self, params: types.DidChangeNotebookDocumentParams) -> None:
        """Note what was done to a notebook."""
        self.session.buffers.change_notebook(params.notebook_document.uri, params.change)
        self._withdraw()
        self.session.touch()

    def close_notebook(self, params: types.DidCloseNotebookDocumentParams) -> None:
        """Forget a notebook."""
        self.session.buffers.close_notebook(params.notebook_document.uri)
        self._withdraw()
        self.session.touch(files=True)

    def change_files(self, params: types.DidChangeWatchedFilesParams) -> None:
        """Read again what has changed on disk."""
        is_listed = any(
            each.type in _CREATED_OR_DELETED or each.uri.endswith(".gitignore")
            for each in params.changes
        )
        self._refreshes = True
        self.session.touch(files=is_listed)

    # --- what the client is sent

    def pane(self, uri: str, view: View) -> Pane:
        """Return a buffer as it is typed now, over its last reading."""
        buffers = self.session.buffers
        typed = buffers.text(uri)
        return Pane(view.start, view.text, view.typed if typed is None else typed, buffers.encoding)

    def _show(self, is_first: bool) -> None:  # noqa: FBT001 - called by the session
        """Send what has changed by a reading."""
        if self._progress:
            end = types.WorkDoneProgressEnd()
            self._server.work_done_progress.end(self._progress, end)
            self._progress = ""
        state = self.session.state
        if state is None:
            return
        for reading in state.readings:
            for problem in (reading.problem, say_missing(reading.solution.program)):
                if problem:
                    self._warn(problem)
        has_changed = self._publish() if self.session.options.pushes else False
        if has_changed or is_first or self._refreshes:
            self._refreshes = False
            self._refresh()

    def _publish(self) -> bool:
        """Send the diagnostics that have changed; return whether some of several buffers have."""
        state = self.session.state
        changed = 0
        for uri, view in state.views.items() if state is not None else ():
            if state is None or uri not in self.session.buffers:
                continue
            findings, typed = state.findings_of(view), self.session.buffers.text(uri)
            # With a thousand buffers open, most are as they were: nothing of them is compared.
            if self._shown.get(uri) == (findings, view.text, typed):
                continue
            self._shown[uri] = findings, view.text, typed
            found = diagnostics_of(findings, self.pane(uri, view))
            known = result_id(found)
            if self._published.get(uri, result_id([])) != known:
                self._published[uri] = known
                self._send(uri, found, view.version)
                changed += 1
        return changed > 1

    def _send(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        params = types.PublishDiagnosticsParams(uri=uri, diagnostics=found, version=version)
        self._server.text_document_publish_diagnostics(params)

    def _withdraw(self) -> None:
        """Take back what was said of buffers that are closed."""
        self._shown = {
            uri: each for uri, each in self._shown.items() if uri in self.session.buffers
        }
        for uri in [uri for uri in self._published if uri not in self.session.buffers]:
            if self._published.pop(uri) != result_id([]):
                self._send(uri, [], None)

    def _refresh(self) -> None:
        """Let the client ask again: what it has not typed in may have changed, too."""
        pulls = not self.session.options.pushes
        if pulls and self._has("workspace.diagnostics.refresh_support"):
            self._server.workspace_diagnostic_refresh(None)
        self._refresh_hints()

    def _refresh_hints(self) -> None:
        if self._has("workspace.inlay_hint.refresh_support"):
            self._server.workspace_inlay_hint_refresh(None)

    def _warn(self, text: str) -> None:
        """Show a message, once."""
        if text not in self._told:
            self._told.add(text)
            kind = types.MessageType.Warning
            self._server.window_show_message(types.ShowMessageParams(kind, f"sekisho: {text}"))

    def _log(self, text: str) -> None:
        self._server.window_log_message(
            types.LogMessageParams(types.MessageType.Error, f"sekisho: not read: {text}")
        )
