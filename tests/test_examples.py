from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_digits_example_does_its_job():
    for needed in ("torch", "sklearn", "matplotlib", "rich"):
        pytest.importorskip(needed)
    picture = ROOT / "examples" / "output" / "digits.png"
    picture.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "examples/digits.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    accuracy = next(line for line in lines if line.startswith("accuracy"))
    assert 95 <= float(accuracy.split()[1].rstrip("%")) <= 100
    uploads = next(line for line in lines if " to_torch " in line)
    assert "numpy -> torch" in uploads or "numpy cpu -> torch cuda:0" in uploads
    assert any(line.startswith("total ") for line in lines)
    assert (
        "ShapeError: DigitNet.forward() argument 'images': expected Float32[Tensor, \"b 1 8 8\"],"
        in (done.stdout)
    )
    assert "hint: the batch axis is missing: add_batch_dim(images)" in done.stdout
    assert picture.stat().st_size > 10_000
