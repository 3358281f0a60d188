from __future__ import annotations

import textwrap

import pytest
from editor_client import applied

from sekisho.editor.calling import Call, call_at

CODE = """
    import numpy as np


    def load(n):
        grid = np.linspace(0, 1, n)
        return grid


    def use(values):
        total = values.sum()
        scaled = values / total
        if n := len(scaled):
            scaled = [scaled, n]
        return scaled


    class Holder:
        def __init__(self):
            self.data = load(3)

        def mean(self):
            return self.data.mean(0)


    use(load(4))
"""


def kinds(actions):
    return [(each["kind"], each["title"]) for each in actions]


def edited(text, action):
    (change,) = action["edit"]["documentChanges"]
    return applied(text, change["edits"])


# --- hover


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [
        (4, 6, "`grid`: **numpy**\n\n- line 5: `np.linspace`"),
        (5, 12, "`grid`: **numpy**\n\n- line 5: `np.linspace`"),
        (8, 9, "`values`: **numpy**\n\n- numpy as called at main.py:25"),
        (
            13,
            12,
            "`scaled`: **list[other | numpy] | numpy**\n\n- line 13 (list[other | numpy])\n- line 11 (numpy)",
        ),
        (21, 22, "`self.data`: **numpy**\n\n- assigned at main.py:19"),
        (
            24,
            5,
            "```python\ndef load(n)\n```\n\n**numpy**: (n) -> numpy",
        ),
    ],
)
def test_a_hover_says_the_world_and_how_it_is_known(write, editor, line, column, expected):
    write(CODE)
    client = editor()
    assert client.hover(client.read(), line, column) == expected


@pytest.mark.parametrize(("line", "column"), [(0, 2), (1, 0), (9, 3), (500, 3)])
def test_a_hover_where_nothing_is_known_is_none(write, editor, line, column):
    write(CODE)
    client = editor()
    assert client.hover(client.read(), line, column) is None


@pytest.mark.parametrize("place", [(4, 5), (9, 5), (10, 5), (13, 5), (15, 9), (16, 9)])
def test_a_hover_has_nothing_to_say_where_no_array_is(write, editor, place):
    write(
        """
        import numpy as np
        from typing import Any


        def plain(x: int, *rest: Any) -> list[int]:
            return [x, *rest]


        def cross() -> None:
            names = {"a": 1}
            rows = [each for each in names]
            print(plain(1, *rows))


        class Box:
            def __init__(self, n):
                self.n = n
                self.array = np.ones(n)
        """
    )
    client = editor()
    uri = client.read()
    assert client.hover(uri, *place) is None
    assert client.ask("signatureHelp", uri, 10, 20) is None


def test_a_parameter_is_not_what_the_module_calls_so(write, editor):
    write(
        """
        import numpy as np
        import pytest


        @pytest.fixture
        def grid(tmp_path):
            return np.ones(3)


        def test_grid(grid, tmp_path):
            assert grid.shape
            assert grid(3)
        """
    )
    client = editor()
    uri = client.read()
    assert client.hover(uri, 10, 12).startswith("`grid`: **numpy**")
    assert client.ask("signatureHelp", uri, 11, 16) is None
    assert client.hover(uri, 5, 5).startswith("```python\ndef grid(tmp_path)")


def test_a_crossing_is_told_once(write, editor):
    pytest.importorskip("torch")
    text = "import torch\n\n\ndef both(x: torch.Tensor):\n    return x.numpy(), x.numpy()\n"
    write(text)
    client = editor()
    told = client.hover(client.read(), 4, 14)
    assert told.count("crosses: PyTorch → NumPy by torch.Tensor.numpy") == 1


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("rows = [np.ones(2) for _ in range(3)]", []),
        ("one, two = np.ones(2), np.ones(3)", []),
        ("table = {'a': np.ones(2)}", []),
        ("table = {'a': x}", [": dict[numpy]"]),
        ("rows = [x, x]", [": list[numpy]"]),
        ("rows = [1, x]", [": list[other | numpy]"]),
    ],
)
def test_a_hint_is_left_out_where_the_line_names_the_library(write, editor, line, shown):
    write(f"import numpy as np\n\n\ndef give(x: np.ndarray):\n    {line}\n    print(x)\n")
    client = editor()
    assert [label for _, _, label in client.hints(client.read())] == shown


def test_a_class_is_shown_as_what_is_called(write, editor):
    text = "import numpy as np\n\n\nclass Box:\n    def __init__(self, x, n=1) -> None:\n"
    write(f"{text}        self.x = x\n\n\nBox(np.ones(3))\n")
    client = editor()
    assert client.hover(client.read(), 8, 1) == (
        "```python\nclass Box(x, n=1)\n```\n\n**numpy**: (x: numpy, n) -> no array\n\n"
        "ready for `@numpy_world`"
    )


def test_a_hover_shows_the_contract_as_it_is_written_and_its_axes(write, editor):
    pytest.importorskip("torch")
    write(
        """
        import sekisho
        import torch
        from jaxtyping import Float
        from torch import Tensor


        @sekisho.torch_world
        def scale(x: Float[Tensor, "batch  features"], *, by=2.0) -> Float[Tensor, "batch features"]:
            return x * by


        def cross(x: Tensor):
            return x.numpy()
        """
    )
    client = editor()
    uri = client.read()
    assert client.hover(uri, 7, 6) == (
        "```python\n@torch_world\n"
        'def scale(x: Float[Tensor, "batch features"], *, by=2.0) -> Float[Tensor, "batch features"]'
        "\n```\n\n**torch**: (x: torch, by) -> torch"
    )
    assert client.hover(uri, 8, 11) == (
        '`x`: **torch**, axes `"batch features"`\n\n'
        "- `@torch_world` takes it as one of its world\n"
        '- annotated as `Float[Tensor, "batch  features"]`'
    )
    assert "It crosses:\n\n- line 13: PyTorch → NumPy by torch.Tensor.numpy" in client.hover(
        uri, 11, 5
    )
    assert "crosses: PyTorch → NumPy by torch.Tensor.numpy" in client.hover(uri, 12, 14)


# --- inlay hints


def test_hints_say_worlds_that_a_line_does_not(write, editor):
    write(CODE)
    client = editor()
    hints = client.hints(client.read())
    assert hints[:3] == [(8, 14, ": numpy"), (9, 9, ": numpy"), (10, 10, ": numpy")]
    assert hints[3:] == [(12, 14, ": list[other | numpy]")]


@pytest.mark.parametrize(
    ("options", "lines"),
    [({"inlayHints": "off"}, []), ({"inlayHints": "all"}, [4, 8, 9, 10, 12])],
)
def test_a_setting_shows_all_hints_or_none(write, editor, options, lines, tmp_path):
    write(CODE)
    client = editor(tmp_path, options=options)
    assert [each[0] for each in client.hints(client.read())] == lines


def test_settings_of_the_client_are_asked_for_and_wrong_ones_are_said(write, connect):
    write(CODE)
    client = connect()
    client.configuration = [{"inlayHints": "none", "crossings": 1}]
    client.initialize(capabilities={"workspace": {"configuration": True}})
    assert client.wait_for("window/showMessage")["message"] == (
        "sekisho: sekisho.inlayHints: expected one of off, notable, all, got 'none'"
    )
    assert client.wait_for("window/showMessage")["message"] == (
        "sekisho: sekisho.crossings: expected true or false, got 1"
    )
    client.configuration = [{"inlayHints": "off"}]
    client.notify("workspace/didChangeConfiguration", settings=None)
    uri = client.read()
    assert client.hints(uri) == []


def test_hints_show_crossings_and_axes(write, editor):
    pytest.importorskip("torch")
    write(
        """
        import torch
        from jaxtyping import Float
        from torch import Tensor


        def give() -> Float[Tensor, "b c"]: ...


        def use():
            x = give()
            y: Tensor = give()
            return torch.from_numpy((x + y).numpy())
        """
    )
    client = editor()
    assert client.hints(client.read()) == [
        (9, 5, ': torch "b c"'),
        (11, 44, "← NumPy → PyTorch, PyTorch → NumPy"),
    ]


# --- code actions


def test_actions_mend_a_name_or_ignore_it(write, editor):
    text = "import numpy as np\n\n\ndef give():\n    ones_jax = np.ones(3)\n    return ones_jax\n"
    write(text)
    client = editor()
    uri = client.read()
    rename, ignore = client.actions(uri, 4)
    assert kinds([rename, ignore]) == [
        ("quickfix", "Rename ones_jax to ones_np"),
        ("quickfix", "Ignore SK102 (misleading-name) on this line"),
    ]
    assert rename["isPreferred"]
    assert [each["code"] for each in rename["diagnostics"]] == ["SK102"]
    assert edited(text, rename) == text.replace("ones_jax", "ones_np")
    assert edited(text, ignore) == text.replace("(3)", "(3)  # sekisho: ignore[SK102]")
    client.change(uri, edited(text, ignore))
    assert client.diagnostics(uri, lambda found: not found) == []
    assert client.actions(uri, 4) == []


def test_an_action_is_of_the_kind_that_is_asked_for(write, editor):
    write("import numpy as np\n\n\ndef give(x: np.ndarray):\n    y_jax = x + 1\n    return y_jax\n")
    client = editor()
    uri = client.read()
    every = [("quickfix", "Rename y_jax to y_np")]
    every += [("quickfix", "Ignore SK102 (misleading-name) on this line")]
    declare = [("refactor", "Declare give as @sekisho.numpy_world")]
    assert kinds(client.actions(uri, 3, 4)) == every + declare
    assert kinds(client.actions(uri, 3, 4, only=["refactor"])) == declare
    assert kinds(client.actions(uri, 3, 4, only=["quickfix"])) == every
    assert client.actions(uri, 3, 4, only=["source.organizeImports"]) == []


@pytest.mark.parametrize(
    ("head", "name", "imports"),
    [
        ("", "sekisho.numpy_world", "import sekisho\n"),
        ("import sekisho as sk\n", "sk.numpy_world", ""),
        ("from sekisho import numpy_world\n", "numpy_world", ""),
    ],
)
def test_a_declaration_is_written_with_its_import(write, editor, head, name, imports):
    pytest.importorskip("libcst")
    body = textwrap.dedent(
        """
        class Box:
            @staticmethod
            def double(x: np.ndarray) -> np.ndarray:
                return x * 2
        """
    )
    text = f"import numpy as np\n{head}\n{body}"
    write(text)
    client = editor()
    (action,) = client.actions(client.read(), text[: text.index("def double")].count("\n"))
    assert action["title"] == f"Declare Box.double as @{name}"
    expected = text.replace("    def double", f"    @{name}\n    def double")
    expected = expected.replace("import numpy as np\n", f"import numpy as np\n{imports}")
    assert edited(text, action) == expected


def test_nothing_is_offered_while_a_buffer_does_not_parse(write, editor):
    write("import numpy as np\n\n\ndef give():\n    ones_jax = np.ones(3)\n    return ones_jax\n")
    client = editor()
    uri = client.read()
    assert client.actions(uri, 4)
    client.change(uri, (2, 0, 2, 0, "def ("))
    assert client.actions(uri, 4) == []


# --- signatures


SIGNATURES = """
    import numpy as np
    from jaxtyping import Float


    def scale(
        x: Float[np.ndarray, "batch features"], by: float = 2.0, *others, axis: int = 0, **more
    ) -> Float[np.ndarray, "batch features"]:
        return x * by


    class Net:
        def __init__(self, width: np.ndarray, /):
            self.width = width

        def run(self, x: np.ndarray, *, y=1):
            return x


    def call(net: Net):
        pass
"""
LABEL = (
    'scale(x: Float[np.ndarray, "batch features"], by: float = 2.0, *others, axis: int = 0, **more)'
    ' -> Float[np.ndarray, "batch features"]'
)


@pytest.mark.parametrize(
    ("typed", "label", "active"),
    [
        ("scale(", LABEL, 0),
        ("scale(x, ", LABEL, 1),
        ("scale([1, 2], (3, 4), 5", LABEL, 2),
        ("scale(x, axis=", LABEL, 3),
        ("scale(x, other=", LABEL, 4),
        ("print(scale(len(x), 'a, b', ", LABEL, 2),
        ("y = [scale(x,\n        ", LABEL, 1),
        ("Net(", "Net(width: np.ndarray, /)", 0),
        ("net.run(x, y=", "run(x: np.ndarray, *, y=1)", 2),
        ("net.run(x, ", "run(x: np.ndarray, *, y=1)", None),
    ],
)
def test_a_signature_keeps_the_text_of_annotations(write, editor, typed, label, active):
    write(SIGNATURES)
    client = editor()
    uri = client.read()
    client.change(uri, (19, 4, 19, 8, typed))
    lines = typed.split("\n")
    column = len(lines[-1]) + (4 if len(lines) == 1 else 0)
    found = client.ask("signatureHelp", uri, 19 + len(lines) - 1, column)
    (signature,) = found["signatures"]
    assert (signature["label"], found.get("activeParameter")) == (label, active)
    assert all(each["label"] in label for each in signature["parameters"])


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("f(a, b=", Call("f", 1, "b")),
        ("a.b.c(", Call("a.b.c", 0, "")),
        ("f(x)(", None),
        ("f()\n(", None),
        ("def f(a, ", None),
        ("class A(", None),
        ("f(g(1), [h(2), (", Call("f", 1, "")),
        ("f(", Call("f", 0, "")),
        ("f(lambda: 1, '(', # (\n", Call("f", 2, "")),
        ("x = 1", None),
        ("", None),
        ("f('unfinished", Call("f", 0, "")),
        ("if (", None),
        ("f)", None),
    ],
)
def test_a_call_is_found_in_what_does_not_parse(text, call):
    assert call_at(text, len(text)) == call


# --- symbols, highlights


def test_symbols_have_their_worlds(write, editor):
    write(CODE)
    client = editor()
    found = client.request("textDocument/documentSymbol", textDocument={"uri": client.read()})
    assert [(each["name"], each["kind"], each.get("detail")) for each in found] == [
        ("load", 12, "numpy"),
        ("use", 12, "numpy"),
        ("Holder", 5, "numpy"),
    ]
    inside = found[2]["children"]
    assert [(each["name"], each["kind"]) for each in inside] == [("__init__", 6), ("mean", 6)]
    assert found[0]["range"]["start"]["line"] == 3
    assert found[0]["selectionRange"]["start"]["character"] == 4


def test_highlights_are_the_crossings_of_the_function(write, editor):
    pytest.importorskip("torch")
    write(
        """
        import torch


        def one(x: torch.Tensor):
            y = x.numpy()
            z = 1
            return torch.from_numpy(y), z


        def other(x: torch.Tensor):
            return x.numpy()
        """
    )
    client = editor()
    uri = client.read()
    found = client.ask("documentHighlight", uri, 4, 10)
    assert [each["range"]["start"]["line"] for each in found] == [4, 6]
    assert client.ask("documentHighlight", uri, 5, 4) is None
