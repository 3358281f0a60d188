"""What of a program is read again, and that findings are those of `check` whatever is opened, saved and closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sekisho.editor import project
from sekisho.editor.buffers import File, Piece
from sekisho.editor.project import Programs

HELPING = "# Not jax.\nimport numpy as np\n\n\ndef give():\n    return np.ones(3)\n"
MAIN = "from helping import give\n\n\ndef take():\n    x_jax = give()\n    return x_jax\n"


@pytest.fixture
def programs(write, tmp_path, editor_cache, monkeypatch):
    """Programs of one folder, and how often all of it was solved."""
    monkeypatch.setenv("SEKISHO_CACHE_DIR", str(editor_cache))
    write(HELPING, "helping.py")
    write(MAIN)

    class Counted(Programs):
        solved = 0

        def _solve(self, *given):
            self.solved += 1
            return super()._solve(*given)

        def findings(self, **texts):
            """The findings of main.py, with these buffers open."""
            files = [
                File(str(tmp_path / f"{name}.py"), (Piece(f"file:///{name}", text, 1),))
                for name, text in texts.items()
            ]
            _, (reading, *_) = self.read([str(tmp_path)], files)
            path = Path(tmp_path, "main.py").as_posix()
            return [each.code for each in reading.findings([path])[path]]

    return Counted()


def test_to_open_save_and_close_a_file_solves_nothing(programs, tmp_path):
    assert programs.findings() == ["SK102"]
    assert programs.findings(main=MAIN) == ["SK102"]
    (tmp_path / "main.py").write_text(MAIN)
    assert programs.findings(main=MAIN) == ["SK102"]
    assert programs.findings(main=MAIN, helping=HELPING) == ["SK102"]
    assert programs.findings() == ["SK102"]
    assert programs.solved == 1


def test_an_edit_that_tells_nothing_new_solves_nothing_in_a_buffer_or_on_disk(programs, tmp_path):
    programs.findings()
    typed = MAIN.replace("    return", "    print()\n    return")
    assert programs.findings(main=typed) == ["SK102"]
    assert programs.findings(main=typed.replace("x_jax", "x_np")) == []
    (tmp_path / "main.py").write_text(typed)
    assert programs.findings() == ["SK102"]
    assert programs.solved == 1


def test_what_is_told_to_other_files_is_solved(programs, tmp_path):
    assert programs.findings(main=MAIN) == ["SK102"]
    number = HELPING.replace("np.ones(3)", "3")
    assert programs.findings(main=MAIN, helping=number) == []
    assert programs.findings(main=MAIN) == ["SK102"]
    (tmp_path / "helping.py").write_text(number)
    assert programs.findings(main=MAIN) == []
    assert programs.solved == 4


def test_only_what_sees_an_edit_is_checked_again(programs, monkeypatch):
    calls = "from main import take\n\n\ndef use(x):\n    return x\n\n\nuse(take())\n"
    first = programs.findings(main=MAIN, helping=HELPING, calls=calls)
    checked = []
    check = project.check
    monkeypatch.setattr(project, "check", lambda *given: checked.append(given[2]) or check(*given))

    def again(**texts):
        checked.clear()
        files = {"main": MAIN, "helping": HELPING, "calls": calls, **texts}
        assert programs.findings(**files) == first
        return [key for keys in checked for key in keys]

    assert again() == []
    assert again(helping=HELPING.replace("    return", "    print()\n    return")) == []
    assert again(main=f"{MAIN}# remark\n") == ["main"]
    assert again(calls=calls.replace("    return", "    print()\n    return")) == ["main"]
