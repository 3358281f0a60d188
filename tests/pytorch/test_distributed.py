"""Two processes over gloo on the loopback: data parallel, sharded parameters, sharded tensors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RANKS = Path(__file__).parent / "ranks.py"


@pytest.mark.parametrize("name", ["ddp", "fsdp", "dtensor"])
def test_in_two_processes(torch, name, tmp_path):
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this build of torch has no gloo")
    if name == "fsdp" and torch.__version__.startswith(("2.6.", "2.7.")):
        pytest.skip("this torch shards on no host: its streams there record no event")
    ranks = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(RANKS), name, str(rank), str(tmp_path / "store")],
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        errors = [rank.communicate(timeout=150)[1] for rank in ranks]
    finally:
        for rank in ranks:
            rank.kill()
    assert [rank.returncode for rank in ranks] == [0, 0], "\n".join(errors)
