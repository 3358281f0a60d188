"""Import a package of 1,000 annotated functions: as it is, with our hook, with jaxtyping's hook."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES, FUNCTIONS, ROUNDS = 20, 50, 3

HEAD = "import torch\nfrom jaxtyping import Float\nfrom torch import Tensor\n"
FUNCTION = """

def f{number}(
    x: Float[Tensor, "b c h w"], mask: Float[Tensor, "b h w"], n: int = 3
) -> Float[Tensor, "b c"]:
    return (x * mask[:, None]).mean((-1, -2)) * n
"""
PREPARE = {
    "unguarded": "",
    "sekisho, boundaries": "import sekisho; sekisho.install_import_hook('package')",
    "sekisho, torch": (
        "import sekisho; sekisho.install_import_hook('package', worlds={'package': 'torch'})"
    ),
    "jaxtyping + beartype": "jaxtyping.install_import_hook('package', 'beartype.beartype')",
}
PROGRAM = """
import importlib, sys, time, beartype, jaxtyping, torch
sys.path.insert(0, {folder!r})
{prepare}
start = time.perf_counter()
for number in range({modules}):
    importlib.import_module(f"package.m{{number}}")
print(time.perf_counter() - start)
"""


def seconds(folder, prepare):
    program = PROGRAM.format(folder=folder, prepare=prepare, modules=MODULES)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def measure_all():
    """Return our hook's seconds for 1,000 functions, divided by those of jaxtyping's hook."""
    taken = {name: [] for name in PREPARE}
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "package"
        package.mkdir()
        for module in range(MODULES):
            functions = "".join(FUNCTION.format(number=n) for n in range(FUNCTIONS))
            (package / f"m{module}.py").write_text(HEAD + functions, encoding="utf-8")
        for _ in range(ROUNDS):
            for name, prepare in PREPARE.items():
                taken[name].append(seconds(folder, prepare))
    print("\nimporting a package of 1,000 functions")
    theirs = statistics.median(taken["jaxtyping + beartype"])
    for name, each in taken.items():
        median = statistics.median(each)
        print(
            f"  {name:22} {median * 1e3:8,.0f} ms   {median / theirs:6.2f} x jaxtyping + beartype"
        )
    return statistics.median(taken["sekisho, torch"]) / theirs
