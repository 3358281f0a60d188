"""The same guarded functions, unchanged, as stages of Ray Data and on Dask workers."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits_on_engines.py"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_the_example_runs_on_the_engine(torch, engine):
    for module in (engine, "sklearn", *(["distributed"] if engine == "dask" else [])):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed (the extra `distributed`)")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(EXAMPLE), engine],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "1797 digits" in done.stdout
    # The logs of all workers together: each batch crosses once on entry and once on exit.
    assert re.search(r"predict +argument 'x' +numpy -> torch .float32. +3 ", done.stdout)
    assert re.search(r"predict +the result +torch -> numpy .int64. +3 ", done.stdout)
