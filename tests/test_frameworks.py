"""The programs of docs/howto/frameworks.md run with the real frameworks, where those are installed."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "frameworks.md"
SECTIONS = {
    "pydantic": ["pydantic"],
    "Lightning": ["lightning", "torch"],
    "Hugging Face Trainer": ["transformers", "accelerate", "torch"],
    "Gymnasium": ["gymnasium", "torch"],
}


def programs():
    parts = PAGE.read_text("utf-8").split("\n## ")[1:]
    blocks = {
        part.partition("\n")[0]: re.findall(
            r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL
        )
        for part in parts
    }
    return {title: "\n".join(found) for title, found in blocks.items()}


def test_every_section_is_run_here():
    assert [*programs()] == [*SECTIONS]


@pytest.mark.slow
@pytest.mark.parametrize("title", SECTIONS)
def test_the_program_of_a_section_runs(title, tmp_path):
    for needed in SECTIONS[title]:
        # Not `importorskip`: these packages warn, and take seconds, when they are imported.
        if importlib.util.find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    path = tmp_path / "program.py"
    path.write_text(programs()[title], "utf-8")
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, path],
        cwd=tmp_path,
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
