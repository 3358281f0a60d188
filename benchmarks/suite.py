"""Measure what the import hook costs a package's own suite: runs with and without it, in turns.

python benchmarks/suite.py CHECKOUT PACKAGE [pytest's arguments]

Run it where the package can be imported from CHECKOUT. Each pair of runs gives one ratio of CPU
seconds, which other programs affect less than wall time. Every second pair begins with the other
run.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

PAIRS = 6


def seconds(checkout, arguments):
    """Return the CPU seconds of the suite, and its last line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *arguments,
        ],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent, done.stdout.splitlines()[-1]


def main(checkout, package, *arguments):
    """Print the ratio of each pair, and their median."""
    ratios = []
    hooked = [*arguments, "-o", f"sekisho_packages={package}"]
    seconds(checkout, hooked)  # fills the cache of the hook
    for number in range(PAIRS):
        both = [(arguments, "unguarded"), (hooked, "guarded")]
        taken = {}
        for words, name in both[:: 1 if number % 2 else -1]:
            taken[name], last = seconds(checkout, words)
            print(f"{name:10} {taken[name]:6.2f} s   {last}", flush=True)
        ratios.append(taken["guarded"] / taken["unguarded"])
    shown = ", ".join(f"{each:.3f}" for each in sorted(ratios))
    print(f"guarded by unguarded: {statistics.median(ratios):.3f}, the median of {shown}")


if __name__ == "__main__":
    main(*sys.argv[1:])
