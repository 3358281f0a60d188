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
spec = importlib.util.spec_from_file_location("editor_client", Path(__file__).with_name("client.py"))
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


@pytest.fixture
def editor(connect):
    """Start a server and initialize it."""

    def start(*folders, **more):
        client = connect()
        client.initialize(*folders, **more)
        return client

    return start
