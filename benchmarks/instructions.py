"""Count instructions of a call with callgrind: unlike seconds, they are reproducible.

All workloads are counted in one process: a client request of valgrind, made by a few lines of C,
says where counting starts and ends.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from guards import GUARDS

CONTENDERS = ("by hand", "careful by hand", "sekisho", "sekisho same_world")
WORKLOADS = [name for name in GUARDS if name[0] in "abcde"]
WARM_UP, CALLS = 300, 1000

CLIENT = """\
#include <valgrind/callgrind.h>
void start(void) { CALLGRIND_ZERO_STATS; CALLGRIND_TOGGLE_COLLECT; }
void stop(const char *name) { CALLGRIND_TOGGLE_COLLECT; CALLGRIND_DUMP_STATS_AT(name); }
"""


def count_all(library):
    """Call every contender of every workload, under valgrind, which writes a file for each."""
    import ctypes

    client = ctypes.CDLL(library)
    for workload in WORKLOADS:
        contenders = GUARDS[workload][1]()
        for name in filter(contenders.__contains__, CONTENDERS):
            call = contenders[name]()
            for _ in range(WARM_UP):
                call()
            client.start()
            for _ in range(CALLS):
                call()
            client.stop(json.dumps([workload, name]).encode())


def measure_all():
    """Return the instructions of a call, by workload and contender; None if valgrind is missing."""
    compiler = shutil.which("cc")
    if shutil.which("valgrind") is None or compiler is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, library = folder / "client.c", folder / "client.so"
        source.write_text(CLIENT, "utf-8")
        compile_ = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source)]
        if subprocess.run(compile_, check=False, capture_output=True).returncode:
            return None  # valgrind's headers are missing
        subprocess.run(
            [
                *("valgrind", "--tool=callgrind", "--collect-atstart=no"),
                *(f"--callgrind-out-file={folder / 'out'}", sys.executable, "-W", "ignore"),
                *(__file__, str(library)),
            ],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
        )
        counts = {}
        for file in folder.glob("out*"):
            text = file.read_text("utf-8", errors="replace")
            found = re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE)
            if found:
                workload, contender = json.loads(found[1])
                total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
                counts.setdefault(workload, {})[contender] = int(total[1]) / CALLS
    return counts


if __name__ == "__main__":
    count_all(sys.argv[1])
