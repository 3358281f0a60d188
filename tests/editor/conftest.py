from __future__ import annotations

import importlib.util
import os
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("pygls")
pytest.importorskip("lsprotocol")

SOURCE = Path(__file__).parents[2] / "src"
spec = importlib.util.spec_from_file_location(
    "editor_client", Path(__file__).with_name("client.py")
)
client_module = importlib.util.module_from_spec(spec)
sys.modules["editor_client"] = client_module
spec.loader.exec_module(client_module)


@pytest.fixture(scope="session")
def editor_cache(tmp_path_factory):
    """What the libraries say is read once for all servers of these tests."""
    return os.environ.get("SEKISHO_TEST_CACHE") or tmp_path_factory.mktemp("editor_cache")


@pytest.fixture
def write(tmp_path):
    def write_(text, name="main.py", folder=None):
        path = (folder or tmp_path) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), "utf-8")
        return path

    return write_


@pytest.fixture
def connect(tmp_path, editor_cache):
    clients = []

    def connect_(folder=None):
        client = client_module.Client(folder or tmp_path, editor_cache, source=SOURCE)
        clients.append(client)
        return client

    yield connect_
    for each in clients:
        each.kill()


@pytest.fixture(scope="session")
def servers(tmp_path_factory, editor_cache):
    """One server for all tests that need no other: to import the protocol takes seconds."""
    alive = []

    def server():
        if not alive or alive[0].process.poll() is not None:
            folder = tmp_path_factory.mktemp("served")
            alive[:] = [client_module.Client(folder, editor_cache, source=SOURCE)]
            alive[0].initialize(capabilities={"workspace": {"workspaceFolders": True}})
        return alive[0]

    yield server
    for each in alive:
        each.kill()


@pytest.fixture
def editor(connect, servers, tmp_path):
    """A client of a server whose workspace is the test's folder; of its own if it wants something else."""
    shared = []

    def start(*folders, **more):
        if not folders and not more:
            client = servers()
            client.use(tmp_path)
            shared.append(client)
            return client
        client = connect()
        client.initialize(*folders, **more)
        return client

    yield start
    for each in shared:
        each.leave()
