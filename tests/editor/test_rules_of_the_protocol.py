"""What holds for every request, whatever it asks for."""

from __future__ import annotations

import os

import pytest
from editor_client import span

TEXT = """\
import numpy as np


def give(n: int):
    ones_jax = np.ones(n)
    return ones_jax


give(3)
"""
PLACE = {"line": 4, "character": 6}
METHODS = (
    "textDocument/hover",
    "textDocument/signatureHelp",
    "textDocument/documentHighlight",
    "textDocument/inlayHint",
    "textDocument/codeAction",
    "textDocument/documentSymbol",
    "textDocument/diagnostic",
    "workspace/diagnostic",
)
WITH_PLACES = METHODS[:5]
REFUSED = -32600
INVALID = -32602
EARLY = -32002
UNKNOWN = -32601
CANCELLED = -32800


def asked(method, uri, start=PLACE, end=PLACE):
    """The parameters of a request."""
    if method == "workspace/diagnostic":
        return {"previousResultIds": []}
    found = {"textDocument": {"uri": uri}}
    if method.endswith(("/hover", "/signatureHelp", "/documentHighlight")):
        found["position"] = start
    elif method.endswith(("/inlayHint", "/codeAction")):
        found["range"] = {"start": start, "end": end}
    if method.endswith("/codeAction"):
        found["context"] = {"diagnostics": []}
    return found


def works(client, uri):
    """Whether the server still answers as it should."""
    return [each["code"] for each in client.pull(uri)["items"]] == ["SK102"]


def test_these_are_all_requests_that_the_server_answers(write, editor):
    from sekisho.editor.server import make_server

    server, _ = make_server()
    named = {each for each in server.protocol.fm.features if not each.startswith("notebook")}
    notified = ("didOpen", "didChange", "didSave", "didClose", "Folders", "Configuration", "Files")
    lifecycle = {"initialize", "initialized", "shutdown"}
    assert {each for each in named - lifecycle if not each.endswith(notified)} == set(METHODS)


@pytest.mark.parametrize("method", WITH_PLACES)
@pytest.mark.parametrize(
    ("line", "character"),
    [(-1, 0), (4, -1), (-5, -5), (2**31 - 1, 2**31 - 1), (2**31, 0), (4, 2**40), (2**70, 2**70)],
)
def test_a_place_that_cannot_be_is_the_nearest_one_that_can(editor, method, line, character):
    client = editor()
    uri = client.open("main.py", TEXT)
    place = {"line": line, "character": character}
    for start, end in ((place, place), (PLACE, place), (place, PLACE)):
        number = client.start_request(method, **asked(method, uri, start, end))
        assert client.refusal(number) is None
    assert works(client, uri)


@pytest.mark.parametrize("line", [-1, 2**31, 2**70])
def test_an_edit_at_a_place_that_cannot_be_is_made_at_the_nearest_one(editor, line):
    client = editor()
    uri = client.open("main.py", "x = 1\n")
    client.change(uri, (line, -3, line, 2**40, TEXT if line < 0 else ""), TEXT)
    client.change(uri, (line, 0, line, 0, "# remark\n"))
    assert works(client, uri)
    first = client.pull(uri)["items"][0]["range"]["start"]["line"]
    assert first == (5 if line < 0 else 4)


@pytest.mark.parametrize("method", METHODS)
def test_a_request_about_a_file_that_is_not_there_is_answered(editor, method):
    client = editor()
    for uri in (client.uri("none.py"), "untitled:none", "http://example.org/x.py", "", "a b"):
        number = client.start_request(method, **asked(method, uri))
        assert client.refusal(number) is None


@pytest.mark.parametrize("method", METHODS)
def test_a_request_that_cannot_be_read_is_refused(editor, method):
    client = editor()
    uri = client.open("main.py", TEXT)
    wrong = {"textDocument": 3, "position": "here", "range": [], "previousResultIds": 3}
    assert client.refusal(client.start_request(method, **wrong)) == INVALID
    assert client.refusal(client.start_request(method)) == INVALID
    assert works(client, uri)


@pytest.mark.parametrize("method", METHODS)
def test_a_request_that_is_cancelled_is_answered_once(editor, method):
    client = editor()
    uri = client.open("main.py", TEXT)
    number = client.start_request(method, **asked(method, uri))
    client.notify("$/cancelRequest", id=number)
    client.notify("$/cancelRequest", id=number)
    client.notify("$/cancelRequest", id="none")
    assert client.refusal(number) in {CANCELLED, None}
    assert works(client, uri)


def test_a_request_that_waits_is_cancelled(write, connect):
    write(TEXT)
    client = connect()
    client.initialize()
    number = client.start_request("textDocument/diagnostic", **asked("/x", client.uri("main.py")))
    client.notify("$/cancelRequest", id=number)
    assert client.refusal(number) == CANCELLED


def test_what_comes_too_early_or_too_late_is_refused(write, connect):
    write(TEXT)
    client = connect()
    uri = client.uri("main.py")
    early = [client.start_request(each, **asked(each, uri)) for each in (*METHODS, "shutdown")]
    client.open("main.py")  # is not noted, either
    assert {client.refusal(each) for each in early} == {EARLY}
    client.initialize()
    again = client.start_request("initialize", processId=os.getpid(), rootUri=None, capabilities={})
    assert client.refusal(again) == REFUSED
    assert works(client, client.open("main.py"))
    client.request("shutdown")
    late = [client.start_request(each, **asked(each, uri)) for each in (*METHODS, "shutdown")]
    client.notify("textDocument/didClose", textDocument={"uri": uri})
    assert {client.refusal(each) for each in late} == {REFUSED}
    client.notify("exit")
    assert client.process.wait(30) == 0
    assert "Traceback" not in client.errors


def test_an_exit_without_a_shutdown_ends_with_1(connect):
    client = connect()
    client.notify("exit")
    assert client.process.wait(30) == 1


def test_unknown_methods_are_refused_and_unknown_notifications_are_passed_by(editor):
    client = editor()
    uri = client.open("main.py", TEXT)
    for method in ("textDocument/definition", "$/made/up", "sekisho", ""):
        number = client.start_request(method, **asked("/hover", uri))
        assert client.refusal(number) == UNKNOWN
        client.notify(method)
    assert works(client, uri)


@pytest.mark.parametrize("method", ["didOpen", "didChange", "didSave", "didClose"])
def test_a_notification_that_cannot_be_read_is_passed_by(editor, method):
    client = editor()
    uri = client.open("main.py", TEXT)
    client.notify(f"textDocument/{method}", textDocument=3)
    assert works(client, uri)


def test_a_number_of_a_request_may_be_a_text(editor):
    client = editor()
    uri = client.open("main.py", TEXT)
    client.send({"id": "one", "method": METHODS[0], "params": asked(METHODS[0], uri)})
    assert "ones_jax" in client.finish("one")["contents"]["value"]


def test_versions_that_go_back_change_the_text_as_it_comes(editor):
    client = editor()
    uri = client.open("main.py", "x = 1\n")
    for version, text in ((9, "y = 2\n"), (3, TEXT), (3, f"\n{TEXT}"), (-4, f"\n\n{TEXT}")):
        client.notify(
            "textDocument/didChange",
            textDocument={"uri": uri, "version": version},
            contentChanges=[{"text": text}],
        )
    assert client.pull(uri)["items"][0]["range"] == span(6, 4, 6, 12)


@pytest.mark.parametrize("method", METHODS)
def test_a_client_that_dies_while_it_waits_ends_the_server(write, connect, method):
    write(TEXT)
    client = connect()
    client.initialize()
    uri = client.open("main.py")
    client.start_request(method, **asked(method, uri))
    client.process.stdin.close()
    assert client.process.wait(30) == 1
    assert "Traceback" not in client.errors
