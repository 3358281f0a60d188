from __future__ import annotations

import textwrap

import pytest

from sekisho.editor.flow import reaching
from sekisho.editor.looking import definition
from sekisho.editor.project import Programs

CASES = {
    "the last one": ("x = 1\nx = 2\nUSE", [2]),
    "its own right side": ("x = 1\nx = USE", [1]),
    "a branch": ("x = 1\nif c:\n    x = 2\nUSE", [3, 1]),
    "both branches": ("x = 1\nif c:\n    x = 2\nelse:\n    x = 3\nUSE", [5, 3]),
    "the same branch": ("x = 1\nif c:\n    x = 2\n    USE", [3]),
    "the other branch": ("x = 1\nif c:\n    x = 2\nelse:\n    USE", [1]),
    "a chain": ("if c:\n    x = 1\nelif n:\n    x = 2\nelse:\n    x = 3\nUSE", [6, 4, 2]),
    "a later turn": ("x = 1\nfor i in n:\n    USE\n    x = 2", [1, 4]),
    "bound in each turn": ("x = 1\nfor i in n:\n    x = 3\n    USE\n    x = 2", [3]),
    "behind a loop": ("x = 1\nfor i in n:\n    x = 2\nUSE", [3, 1]),
    "a target": ("for x in n:\n    USE", [1]),
    "an exception": ("try:\n    x = 1\nexcept E:\n    USE\nUSE2", [2]),
    "a with": ("with n as x:\n    USE", [1]),
    "a parameter": ("USE", [0]),
    "a case": ("match c:\n    case 1:\n        x = 1\n    case 2:\n        USE", [0]),
    "a line of several": ("x = 1; x = 2; USE; x = 3", [1]),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bindings_that_a_place_may_see(tmp_path, name, monkeypatch):
    monkeypatch.setenv("SEKISHO_CACHE_DIR", str(tmp_path / "cache"))
    body, expected = CASES[name]
    parameter = "x, " if 0 in expected else ""
    text = f"def f({parameter}c, n, E=ValueError):\n{textwrap.indent(body, '    ')}\n"
    text = text.replace("USE2", "c").replace("USE", "x")
    (tmp_path / "main.py").write_text(text)
    _, (reading,) = Programs().read([str(tmp_path)], [])
    path = (tmp_path / "main.py").as_posix()
    function = reading.functions(path)[1]
    lines = body.split("\n")
    line = next(number for number, each in enumerate(lines) if "USE" in each)
    column = lines[line].index("USE") + 4
    found = reaching(definition(reading, function).body, function, "x", line + 2, column)
    assert [each.line - 1 for each in found] == expected
    if name == "a line of several":
        assert found[0].column == 11
