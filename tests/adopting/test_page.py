"""docs/howto/adopt.md works as written: every command prints what the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("libcst")

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "adopt.md"


def blocks(kind):
    return re.findall(
        rf"^```{kind}[^\n]*\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )


@pytest.mark.slow
def test_the_five_commands_do_what_the_page_says(tmp_path, torch):
    script, check = blocks("py")
    (tmp_path / "moons.py").write_text(script, "utf-8")
    assert torch is not None

    def run(command):
        command = re.sub(r"\bpython\b", sys.executable, command)
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done

    commands = [block.partition("\n") for block in blocks("console")]
    assert len(commands) == 5
    (diff,), (sure,) = blocks("diff"), blocks("text")[:1]
    printed = {}
    for command, _, expected in commands:
        done = run(command.removeprefix("$ "))
        printed[command] = done
        if expected:
            assert done.stdout == expected
    adopted = printed["$ python -m sekisho adopt moons.py -- moons.py"]
    assert diff in adopted.stdout
    assert adopted.stderr == sure
    (tmp_path / "check.py").write_text(check, "utf-8")
    run("python check.py")
