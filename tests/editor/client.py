"""An editor's side of the Language Server Protocol, spoken by hand: what is sent is what editors send."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

SECONDS = 60


class Client:
    """A server in a process of its own, and the messages that it has sent."""

    def __init__(self, folder, cache, *, command=None, source=None):
        environment = {**os.environ, "SEKISHO_CACHE_DIR": str(cache)}
        if source is not None:
            environment["PYTHONPATH"] = str(source)
        command = command or [sys.executable, "-m", "sekisho", "server"]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.folder = Path(folder)
        self.notifications = []
        self.requests = []
        self.configuration = None
        self._ids = itertools.count(1)
        self._answers = {}
        self._news = queue.Queue()
        self._versions = {}
        threading.Thread(target=self._read, daemon=True).start()
        self._errors = []
        threading.Thread(target=self._read_errors, daemon=True).start()

    # --- messages

    def _read_errors(self):
        self._errors += self.process.stderr.readlines()

    @property
    def errors(self):
        return b"".join(self._errors).decode()

    def _read(self):
        stream = self.process.stdout
        while True:
            length = 0
            while True:
                line = stream.readline()
                if not line:
                    self._news.put(None)
                    return
                if not line.strip():
                    break
                name, _, value = line.partition(b":")
                if name == b"Content-Length":
                    length = int(value)
            self._news.put(json.loads(stream.read(length)))

    def send(self, message):
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def notify(self, method, **params):
        self.send({"method": method, "params": params})

    def start_request(self, method, **params):
        number = next(self._ids)
        self.send({"id": number, "method": method, "params": params})
        return number

    def finish(self, number, seconds=SECONDS):
        """What the server answers."""
        self._take(lambda: number in self._answers, seconds)
        answer = self._answers.pop(number)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def refusal(self, number, seconds=SECONDS):
        """The code of the error that the server answers; None if it answers something else."""
        self._take(lambda: number in self._answers, seconds)
        return self._answers.pop(number).get("error", {}).get("code")

    def request(self, method, **params):
        return self.finish(self.start_request(method, **params))

    def wait_for(self, method, accepts=lambda params: True, seconds=SECONDS):
        """The parameters of the next notification that is accepted; those before it are dropped."""
        found = []

        def is_there():
            while self.notifications:
                each = self.notifications.pop(0)
                if each["method"] == method and accepts(each.get("params")):
                    found.append(each.get("params"))
                    return True
            return False

        self._take(is_there, seconds)
        return found[0]

    def _take(self, is_done, seconds):
        end = time.monotonic() + seconds
        while not is_done():
            try:
                message = self._news.get(timeout=max(end - time.monotonic(), 0))
            except queue.Empty:
                raise AssertionError(f"nothing came in {seconds} s\n{self.errors}") from None
            if message is None:
                raise AssertionError(f"the server has ended\n{self.errors}")
            self._file(message)

    def _file(self, message):
        if "method" not in message:
            self._answers[message["id"]] = message
        elif "id" not in message:
            self.notifications.append(message)
        else:
            self.requests.append(message)
            is_configuration = message["method"] == "workspace/configuration"
            self.send(
                {"id": message["id"], "result": self.configuration if is_configuration else None}
            )

    # --- an editor

    def initialize(self, *folders, capabilities=None, options=None):
        folders = folders or (self.folder,)
        result = self.request(
            "initialize",
            processId=os.getpid(),
            rootUri=None,
            capabilities=capabilities or {},
            initializationOptions=options,
            workspaceFolders=[
                {"uri": Path(each).as_uri(), "name": Path(each).name} for each in folders
            ],
        )
        self.notify("initialized")
        return result["capabilities"]

    def use(self, folder):
        """Let a folder be the workspace."""
        self.folder = Path(folder)
        self.notifications.clear()
        self._change_folders(added=[self.folder], removed=[])

    def leave(self):
        """Close all files, and the workspace."""
        if self.process.poll() is None:
            for uri in [*self._versions]:
                self.close(uri)
            self._change_folders(added=[], removed=[self.folder])

    def _change_folders(self, **lists):
        event = {
            name: [{"uri": each.as_uri(), "name": each.name} for each in folders]
            for name, folders in lists.items()
        }
        self.notify("workspace/didChangeWorkspaceFolders", event=event)

    def uri(self, name):
        return name if ":" in str(name) else (self.folder / name).as_uri()

    def open(self, name, text=None):
        uri = self.uri(name)
        if text is None:
            text = (self.folder / name).read_text("utf-8")
        self._versions[uri] = 1
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", textDocument=item)
        return uri

    def change(self, uri, *changes):
        """Each change is a text, or a range and its text."""
        self._versions[uri] += 1
        self.notify(
            "textDocument/didChange",
            textDocument={"uri": uri, "version": self._versions[uri]},
            contentChanges=[
                {"text": each}
                if isinstance(each, str)
                else {"range": span(*each[:4]), "text": each[4]}
                for each in changes
            ],
        )
        return self._versions[uri]

    def save(self, uri):
        self.notify("textDocument/didSave", textDocument={"uri": uri})

    def close(self, uri):
        self._versions.pop(uri, None)
        self.notify("textDocument/didClose", textDocument={"uri": uri})

    def diagnostics(self, uri, accepts=lambda found: True):
        """The next diagnostics that the server sends of a file, if they are accepted."""
        return self.wait_for(
            "textDocument/publishDiagnostics",
            lambda params: params["uri"] == uri and accepts(params["diagnostics"]),
        )["diagnostics"]

    def ask(self, method, uri, line, column, **more):
        return self.request(
            f"textDocument/{method}",
            textDocument={"uri": uri},
            position={"line": line, "character": column},
            **more,
        )

    def pull(self, uri, **more):
        return self.request("textDocument/diagnostic", textDocument={"uri": uri}, **more)

    def hover(self, uri, line, column):
        found = self.ask("hover", uri, line, column)
        return found and found["contents"]["value"]

    def hints(self, uri, last=10_000):
        found = self.request(
            "textDocument/inlayHint", textDocument={"uri": uri}, range=span(0, 0, last, 0)
        )
        return [(*place(each["position"]), each["label"]) for each in found]

    def actions(self, uri, line, last=None, **context):
        return self.request(
            "textDocument/codeAction",
            textDocument={"uri": uri},
            range=span(line, 0, line if last is None else last, 0),
            context={"diagnostics": [], **context},
        )

    def read(self, name="main.py"):
        """Open a file, and wait until it is read."""
        uri = self.open(name)
        self.pull(uri)
        return uri

    def stop(self):
        self.request("shutdown")
        self.notify("exit")
        return self.process.wait(SECONDS)

    def kill(self):
        """End the server: as a client does that goes away, so that its coverage is written."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()


def span(line, column, last, end):
    return {
        "start": {"line": line, "character": column},
        "end": {"line": last, "character": end},
    }


def place(position):
    return position["line"], position["character"]


def applied(text, edits):
    """A text with the edits of the protocol, in characters of ASCII."""
    lines = text.splitlines(keepends=True)
    starts = [0, *itertools.accumulate(map(len, lines))]

    def offset(position):
        return min(starts[min(position["line"], len(lines))] + position["character"], len(text))

    for each in sorted(edits, key=lambda each: offset(each["range"]["start"]), reverse=True):
        start, end = offset(each["range"]["start"]), offset(each["range"]["end"])
        text = text[:start] + each["newText"] + text[end:]
    return text
