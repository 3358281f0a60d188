"""An edit that is undone is answered as before it, and not by what another state has added."""

from __future__ import annotations

import pytest

pytest.importorskip("pygls")
pytest.importorskip("torch")  # what is known of its classes is read from it

from sekisho.editor.buffers import File, Piece
from sekisho.editor.describing import describe
from sekisho.editor.project import Programs

LIBRARY = """
import numpy as np
import torch

class C:
    def fetch(self) -> {array}:
        return unknown()
"""
MIDDLE = "def f(x):\n    y = x.fetch()\n    return y\n"
MAIN = "import m, lib\n\ndef go():\n    return m.f({value})\n"
ARRAYS = {"numpy": "np.ndarray", "torch": "torch.Tensor"}


@pytest.fixture
def hover(tmp_path, read_cache):
    for name in ("lib.py", "m.py", "main.py"):
        (tmp_path / name).write_text("", "utf-8")

    def hover(programs, world, value):
        texts = {
            "lib.py": LIBRARY.format(array=ARRAYS[world]),
            "m.py": MIDDLE,
            "main.py": MAIN.format(value=value),
        }
        files = [
            File(str(tmp_path / name), (Piece((tmp_path / name).as_uri(), text, 1),))
            for name, text in texts.items()
        ]
        views, _ = programs.read([str(tmp_path)], files)
        view = views[(tmp_path / "m.py").as_uri()]
        found = describe(view.reading, view.path, 2, 4)
        return found and found.text.splitlines()[0]

    return hover


@pytest.mark.parametrize("first", ARRAYS)
def test_what_one_state_adds_is_not_found_by_another(hover, first):
    (second,) = ARRAYS.keys() - {first}
    programs = Programs()
    for world, value in [(first, 3), (second, 3), (second, "lib.C()"), (first, "lib.C()")]:
        answer = hover(programs, world, value)
        assert answer == (None if value == 3 else f"`y`: **{world}**")
