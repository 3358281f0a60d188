"""The server: pygls speaks the protocol, over standard input and output, and our handlers answer."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
from importlib import metadata
from typing import Any, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from sekisho.editor.features import Features
from sekisho.editor.lifecycle import Lifecycle
from sekisho.editor.rpc import PROTOCOL

__all__ = ["serve"]

_BUFFERS: Final = (
    types.TEXT_DOCUMENT_DID_OPEN,
    types.TEXT_DOCUMENT_DID_CHANGE,
    types.TEXT_DOCUMENT_DID_CLOSE,
    types.NOTEBOOK_DOCUMENT_DID_OPEN,
    types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    types.NOTEBOOK_DOCUMENT_DID_CLOSE,
)
_CODE_ACTIONS = types.CodeActionOptions(
    code_action_kinds=[types.CodeActionKind.QuickFix, types.CodeActionKind.Refactor]
)
_SIGNATURES = types.SignatureHelpOptions(trigger_characters=["(", ","])
_DIAGNOSTICS = types.DiagnosticOptions(
    identifier="sekisho", inter_file_dependencies=True, workspace_diagnostics=True
)
_NOTEBOOKS = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithCells(cells=[types.NotebookCellLanguage(language="python")])
    ]
)


def make_server() -> tuple[LanguageServer, Lifecycle]:
    """Make a server that has not started yet."""
    server = LanguageServer(
        "sekisho",
        _version(),
        types.TextDocumentSyncKind.Incremental,
        _NOTEBOOKS,
        protocol_cls=PROTOCOL,
    )
    manager: Any = server.protocol.fm
    for method in _BUFFERS:
        # pygls's own copy of a buffer splits lines at form feeds, and moves a position that is beyond
        # the end of a line before a handler sees it. `Buffers` has the texts instead.
        del manager.builtin_features[method]
    lifecycle = Lifecycle(server)
    features = Features(lifecycle)
    handlers: dict[str, tuple[Any, Any]] = {
        types.INITIALIZE: (lifecycle.initialize, None),
        types.INITIALIZED: (lifecycle.initialized, None),
        types.SHUTDOWN: (lifecycle.shutdown, None),
        types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: (lifecycle.change_folders, None),
        types.WORKSPACE_DID_CHANGE_CONFIGURATION: (lifecycle.change_options, None),
        types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (lifecycle.change_files, None),
        types.TEXT_DOCUMENT_DID_OPEN: (lifecycle.open, None),
        types.TEXT_DOCUMENT_DID_CHANGE: (lifecycle.change, None),
        types.TEXT_DOCUMENT_DID_SAVE: (lifecycle.save, None),
        types.TEXT_DOCUMENT_DID_CLOSE: (lifecycle.close, None),
        types.NOTEBOOK_DOCUMENT_DID_OPEN: (lifecycle.open_notebook, None),
        types.NOTEBOOK_DOCUMENT_DID_CHANGE: (lifecycle.change_notebook, None),
        types.NOTEBOOK_DOCUMENT_DID_SAVE: (lifecycle.save, None),
        types.NOTEBOOK_DOCUMENT_DID_CLOSE: (lifecycle.close_notebook, None),
        types.TEXT_DOCUMENT_DIAGNOSTIC: (features.diagnostic, _DIAGNOSTICS),
        types.WORKSPACE_DIAGNOSTIC: (features.workspace_diagnostic, None),
        types.TEXT_DOCUMENT_CODE_ACTION: (features.code_action, _CODE_ACTIONS),
        types.TEXT_DOCUMENT_HOVER: (features.hover, None),
        types.TEXT_DOCUMENT_INLAY_HINT: (features.inlay_hint, None),
        types.TEXT_DOCUMENT_SIGNATURE_HELP: (features.signature_help, _SIGNATURES),
        types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (features.document_symbol, None),
        types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (features.document_highlight, None),
    }
    for method, (handler, options) in handlers.items():
        # pygls sets attributes on a handler, which a bound method does not take.
        server.feature(method, options)(functools.partial(handler))
    return server, lifecycle


def _version() -> str:
    try:
        return metadata.version("sekisho")
    except metadata.PackageNotFoundError:  # a checkout that is not installed
        return ""


def serve() -> bool:
    """Speak the protocol over standard input and output; return whether the client has ended it."""
    server, lifecycle = make_server()
    # It warns of each request that is cancelled too late; editors write what comes here into a log.
    logging.getLogger("pygls").setLevel(logging.ERROR)
    # What anything prints would stand between two messages; and pygls closes what it writes to.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with output, contextlib.redirect_stdout(sys.stderr):
        server.start_io(stdout=output)
    return lifecycle.is_ended
