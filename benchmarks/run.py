"""``make bench``: every contender on every workload, side by side; then results, table and chart.

Each contender has its own process. They take turns, round by round, so that a slow moment of the
machine affects all of them. The results are ratios of medians.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import claims
import imports
import instructions
import others
import recording
import strict
import training
from chart import base_of, draw, write_table
from workloads import WORKLOADS

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
ROUNDS = 11
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
        """Send a request and return the answer; if the process died, the answer says so."""
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
    """Run one workload: each of its contenders has a turn in every round."""
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
    """Return the machine on which the numbers were taken."""
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


def race_all():
    """Run every workload."""
    workers = {}
    try:
        return {workload: race(workload, workers) for workload in WORKLOADS}
    finally:
        for worker in workers.values():
            worker.close()


PARTS = {
    "races": race_all,
    "import": others.import_ratio,
    "memory": others.memory,
    "mode off": others.mode_off,
    "strict": strict.measure_all,
    "recording": recording.measure_all,
    "hook": imports.measure_all,
    "training": training.measure_all,
}
COARSE = "hook"  # from here on seconds are measured, which another process does not disturb


def timed(measure):
    """Return the result of a function, and the seconds that it takes."""
    start = time.perf_counter()
    return measure(), round(time.perf_counter() - start, 1)


def main():
    last = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    expected = last.get("seconds", {})
    known = [expected[name] for name in PARTS if name in expected]
    print(f"{len(PARTS)} parts, about {sum(known) / 60:.0f} minutes by the last run", flush=True)
    found, seconds = {}, {}
    counting = None
    for name, measure in PARTS.items():
        about = f"about {expected[name]:.0f} s" if name in expected else "not timed yet"
        print(f"\n--- {name}: {about}", flush=True)
        if name == COARSE:  # on another core: it is slow, and does not measure time
            counting = ThreadPoolExecutor(1).submit(timed, instructions.measure_all)
        found[name], seconds[name] = timed(measure)
        print(f"--- {name}: took {seconds[name]:.0f} s", flush=True)
    print(
        f"\n--- instructions: about {expected.get('instructions', 140):.0f} s, beside the last two"
    )
    found["instructions"], seconds["instructions"] = counting.result()
    races = found.pop("races")
    results = {"machine": machine(), "races": races, "others": found, "seconds": seconds}
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_table(results)
    draw(results)
    claims.fill_all()


if __name__ == "__main__":
    main()
