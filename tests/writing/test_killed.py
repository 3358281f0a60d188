"""After a kill, all files are old or all are new, or `restore` puts the old ones back."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
]
pytest.importorskip("libcst")

# One process imports everything and forks the commands, so no attempt pays for Python's start.
KILLS = """
import contextlib, io, os, random, signal, sys, time
from pathlib import Path
from sekisho.__main__ import main
from sekisho.writing import find_journal

paths = [Path("shop", f"m{number}.py") for number in range(10)]
old = [path.read_bytes() for path in paths]
arguments, kills = sys.argv[2:], int(sys.argv[1])


def run(words):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return main(words)


def write():
    pid = os.fork()
    if not pid:
        os.setsid()
        os._exit(run(arguments))
    return pid


def put_back():
    for path, data in zip(paths, old):
        path.write_bytes(data)


for _ in range(2):  # the second time from the cache
    start = time.monotonic()
    assert os.waitpid(write(), 0)[1] == 0
    whole = time.monotonic() - start
    new = [path.read_bytes() for path in paths]
    assert all(a != b for a, b in zip(old, new))
    put_back()
seen = dict.fromkeys(["old", "new", "journal"], 0)
moment = random.Random(33)
for _ in range(kills):
    pid = write()
    time.sleep(moment.uniform(whole / 2, whole * 1.1))  # what comes before is reading
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    journal = find_journal(["shop"])
    if journal is not None:
        seen["journal"] += 1
        assert run(["restore", "shop"]) == 0
    found = [path.read_bytes() for path in paths]
    assert found in (old, new), found
    seen["old" if found == old else "new"] += 1
    left = {path.name for path in Path("shop").iterdir()} - {path.name for path in paths}
    assert left <= {"__init__.py", "__pycache__"}, left
    put_back()
print(seen)
"""
LIE = "import torch\n\n\ndef f(n):\n    w_np = torch.ones(n)\n    return w_np\n"


def kill(folder, kills, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLS, str(kills), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shop(tmp_path, read_cache):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("", "utf-8")
    return tmp_path


def test_check_fix_at_fifty_random_moments(torch, shop):
    for number in range(10):
        (shop / "shop" / f"m{number}.py").write_text(LIE, "utf-8")
    assert kill(shop, 50, "check", "shop", "--fix", "--force")


def test_adopt_at_fifty_random_moments(shop):
    """Most of them are in the second run, while the files wait for confirmation."""
    for number in range(10):
        (shop / "shop" / f"m{number}.py").write_text("def one(x):\n    return x\n", "utf-8")
    names = ", ".join(f"m{number}" for number in range(10))
    (shop / "program.py").write_text(
        f"import numpy as np\nfrom shop import {names}\n"
        f"for n in (2, 3, 4):\n    for m in ({names}):\n        m.one(np.ones((n, n + 3)))\n",
        "utf-8",
    )
    said = kill(shop, 50, "adopt", "shop", "--write", "--force", "--", "program.py")
    assert "'journal': 0" not in said, "none was killed while it wrote"
