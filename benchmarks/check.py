"""``make bench-check``: the targets, each with its ratio in the last ``make bench``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from chart import CAREFUL, ratio

RESULTS = Path(__file__).parent / "results.json"
PEERS = ("jaxtyping + beartype", "jaxtyping + typeguard 2", "dltype", "bearshape", "safecheck")
PEERS += ("tensor-shape-assert",)
CAREFUL_TARGETS = (
    ("a numpy", "two arrays and a return", 1.0),
    ("a torch", "two tensors and a return", 0.95),
    *((f"b {world}", "one, no return", 1.15) for world in ("numpy", "torch")),
    *((f"c {world}", "eight, six annotated", 1.0) for world in ("numpy", "torch")),
    *((f"c open {world}", "eight, six not annotated", 1.0) for world in ("numpy", "torch")),
    ("e to torch", "a converting call", 1.3),
    ("e to numpy", "a converting call", 1.3),
)
HELPERS = (
    "add_batch_dim",
    "transpose2d",
    "expand_dims",
    "permute_dims",
    "moveaxis",
    "stack",
    "concat",
)


def fastest_peer(results, world):
    """Return the time of the fastest peer that checks shapes, as a ratio."""
    found = [ratio(results, f"a {world}", peer, "sekisho") for peer in PEERS]
    return min((each for each in found if each is not None), default=None)


def targets(results):
    """Yield each target: its name, the measured number, the limit, and whether it is a lower limit."""
    other = results["others"]
    for world in ("numpy", "torch"):
        yield f"a {world}: inline asserts", ratio(results, f"a {world}"), 0.9, False
        yield (
            f"a {world}: times as fast as the fastest peer",
            fastest_peer(results, world),
            20,
            True,
        )
    for workload, title, limit in CAREFUL_TARGETS:
        yield f"{workload}: {title}, by careful", ratio(results, workload, by=CAREFUL), limit, False
    for world in ("numpy", "torch"):
        found = ratio(results, f"a {world}", "sekisho same_world", CAREFUL)
        yield f"a {world}: same_world, by careful", found, 1.0, False
    yield "d: harder axes", ratio(results, "d"), 1.2, False
    for workload in ("f 10", "f 1,000", "f 100,000", "f dict", "f tuple", "f args", "g"):
        yield f"{workload}: a loop by hand", ratio(results, workload), 1.5, False
    for name in HELPERS:
        yield f"h {name}: raw, arrays", ratio(results, f"h {name} numpy"), 1.3, False
        yield f"h {name}: raw, tensors", ratio(results, f"h {name} torch"), 1.1, False
    for peer in ("einops", "autoray", "array-api-compat"):
        found = ratio(results, "h add_batch_dim numpy", peer, "sekisho")
        yield f"h: times as fast as {peer}", found, 3, True
    yield "i: decoration and first call, by jaxtyping + beartype", ratio(results, "i"), 0.8, False
    yield "j: import, with NumPy's", other["import"], 1.1, False
    yield "k: kB a function", other["memory"]["called"] / 1000, 8, False
    microseconds = 1e6 * results["races"]["l"]["contenders"]["sekisho"]["median"]
    yield "l: microseconds an error", microseconds, 100, False
    yield "m: a training step, eager", other["training"]["eager"], 1.02, False
    yield "m: a training step, compiled", other["training"]["compiled"], 1.01, False
    yield "n: mode off is the very same function", 1.0 if other["mode off"] else 9.9, 1.0, False
    yield "o: 8 threads", ratio(results, "o"), 1.0, False
    yield "strict mode: a training step watched", other["strict"]["training"], 1.5, False
    recording = other["recording"]
    yield "recording: a training step of milliseconds", recording["training"], 1.1, False
    yield "recording: operations of a microsecond", recording["small"], 2.0, False
    yield "recording: the same, guards about", recording["small guarded"], 3.0, False
    yield "import hook, by jaxtyping's", other["hook"], 0.2, False


def main():
    if not RESULTS.exists():
        sys.exit("there are no results yet: make bench")
    results = json.loads(RESULTS.read_text("utf-8"))
    missed = 0
    for name, found, limit, is_lower in targets(results):
        if found is None:
            print(f"  ?     {name:52} did not run")
            continue
        holds = found >= limit if is_lower else found <= limit
        missed += not holds
        word = "at least" if is_lower else "at most"
        print(f"  {'holds' if holds else 'MISSED':6} {name:52} {found:8.2f}  ({word} {limit})")
    print(f"\n{missed} missed")


if __name__ == "__main__":
    main()
