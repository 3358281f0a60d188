"""``make bench``: every contender on every workload, side by side; then results, table and chart.

A contender has a process of its own. They take turns, round by round, so that a slow moment of the
machine hits them all; what counts are ratios of medians.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import others
from chart import base_of, draw, write_table
from workloads import WORKLOADS

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
ROUNDS = 15
PACKAGES = (
    *("numpy", "torch", "jaxtyping", "beartype", "dltype", "bearshape", "safecheck"),
    *("tensor-shape-assert", "typeguard", "einops", "autoray", "plum-dispatch", "monai"),
    *("skorch", "scitex", "array-api-compat"),
)


class Worker:
    """The process of one contender."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(HERE / "worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def ask(self, **request):
        """Have a request answered; a process that died answers so."""
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            return {"error": f"the process ended with {self.process.wait()}"}

    def close(self):
        self.process.kill()
        self.process.wait()


def race(workload, workers):
    """One workload: every contender that it has, a turn each in every round."""
    title, make = WORKLOADS[workload]
    runners, rows = {}, {}
    for name in make():
        worker = workers.setdefault(name, Worker())
        reply = worker.ask(prepare=workload, contender=name)
        if "error" in reply:
            rows[name] = {"error": reply["error"]}
            if worker.process.poll() is not None:
                workers.pop(name)
        else:
            runners[name] = worker
    seconds = {name: [] for name in runners}
    for round_ in range(ROUNDS):
        names = list(runners)
        turn = round_ % max(len(names), 1)
        for name in names[turn:] + names[:turn]:
            seconds[name].append(runners[name].ask(time=True)["seconds"])
    for name, taken in seconds.items():
        low, median, high = statistics.quantiles(taken, n=4)
        rows[name] = {"median": median, "spread": (high - low) / median}
    print(f"{title}: " + ", ".join(_short(name, row, rows) for name, row in rows.items()))
    return {"title": title, "contenders": rows}


def _short(name, row, rows):
    if "error" in row:
        return f"{name}: {row['error']}"
    return f"{name} {row['median'] / rows[base_of(rows)]['median']:.2f}"


def machine():
    """What the numbers were taken on."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "cannot be installed"
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "versions": versions,
    }


def main():
    workers = {}
    try:
        races = {workload: race(workload, workers) for workload in WORKLOADS}
    finally:
        for worker in workers.values():
            worker.close()
    results = {"machine": machine(), "races": races, "others": others.measure_all()}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_table(results)
    draw(results)


if __name__ == "__main__":
    main()
