from __future__ import annotations

import pytest
from editor_client import span

NOTEBOOK = "file:///somewhere/work.ipynb"
CELLS = (
    "import numpy as np\n%matplotlib inline\nones = np.ones(3)",
    "# a text",
    "def use(x):\n    y_jax = x + 1\n    return y_jax\n\n\nuse(ones)",
)


def uri(number):
    return f"vscode-notebook-cell:/somewhere/work.ipynb#{number}"


def cell(number):
    return {"kind": 1 if number == 1 else 2, "document": uri(number)}


def document(number, text, version=1):
    return {"uri": uri(number), "languageId": "python", "version": version, "text": text}


@pytest.fixture
def notebook(connect):
    client = connect()
    result = client.initialize(capabilities={"notebookDocument": {"synchronization": {}}})
    assert result["notebookDocumentSync"]["notebookSelector"]
    client.notify(
        "notebookDocument/didOpen",
        notebookDocument={
            "uri": NOTEBOOK,
            "notebookType": "jupyter-notebook",
            "version": 1,
            "cells": [cell(number) for number in range(3)],
        },
        cellTextDocuments=[document(number, text) for number, text in enumerate(CELLS)],
    )
    return client


def change(client, **cells):
    client.notify(
        "notebookDocument/didChange",
        notebookDocument={"uri": NOTEBOOK, "version": 2},
        change={"cells": cells},
    )


def codes(found):
    return [(each["code"], each["range"]["start"]["line"]) for each in found]


def test_cells_are_one_module_and_diagnostics_stand_in_their_cell(notebook):
    client = notebook
    assert codes(client.diagnostics(uri(2))) == [("SK102", 1)]
    assert "`x`: **numpy**" in client.hover(uri(2), 0, 8)
    assert "`ones`: **numpy**" in client.hover(uri(2), 5, 4)
    assert client.hints(uri(2)) == [(0, 9, ": numpy"), (1, 9, ": numpy")]
    assert client.hints(uri(0)) == []
    (symbol,) = client.request("textDocument/documentSymbol", textDocument={"uri": uri(2)})
    assert symbol["range"] == span(0, 0, 2, 16)
    rename, ignore = client.actions(uri(2), 1)
    assert (rename["title"], ignore["title"]) == (
        "Rename y_jax to y_np",
        "Ignore SK102 (misleading-name) on this line",
    )
    (edit,) = rename["edit"]["documentChanges"]
    assert edit["textDocument"]["uri"] == uri(2)
    assert edit["edits"] == [
        {"range": span(1, 0, 3, 0), "newText": "    y_np = x + 1\n    return y_np\n"}
    ]


def test_typing_in_a_cell_counts_in_the_cells_below(notebook):
    client = notebook
    client.diagnostics(uri(2))
    content = {
        "document": {"uri": uri(0), "version": 2},
        "changes": [{"range": span(2, 7, 2, 17), "text": "1"}],
    }
    change(client, textContent=[content])
    assert client.diagnostics(uri(2)) == []
    content["changes"] = [{"range": span(2, 7, 2, 8), "text": "np.ones("}]
    change(client, textContent=[content])
    assert client.pull(uri(2))["items"] == []  # the last cell that parses holds 1
    content["changes"] = [{"range": span(2, 15, 2, 15), "text": "2)"}]
    change(client, textContent=[content])
    assert codes(client.pull(uri(2))["items"]) == [("SK102", 1)]


def test_cells_are_added_moved_and_removed(notebook):
    client = notebook
    client.diagnostics(uri(2))
    array = {"start": 0, "deleteCount": 0, "cells": [{"kind": 2, "document": uri(3)}]}
    change(client, structure={"array": array, "didOpen": [document(3, "z = 1\n")]})
    assert codes(client.pull(uri(2))["items"]) == [("SK102", 1)]
    change(
        client,
        structure={
            "array": {"start": 1, "deleteCount": 1, "cells": []},
            "didClose": [{"uri": uri(0)}],
        },
    )
    assert client.diagnostics(uri(2), lambda found: not found) == []
    client.notify(
        "notebookDocument/didClose",
        notebookDocument={"uri": NOTEBOOK},
        cellTextDocuments=[{"uri": uri(number)} for number in (1, 2, 3)],
    )
    assert client.pull(uri(2))["items"] == []
    assert client.stop() == 0
    assert client.errors == ""
