"""Measure contenders in turns, round by round, so that a slow moment affects all of them."""

from __future__ import annotations

import statistics
import timeit

ROUNDS = 15


def measure(functions, *arguments, calls=5000):
    """Return the seconds of a call: the median over rounds in which each contender has a turn."""
    seconds = {name: [] for name in functions}
    timers = {
        name: timeit.Timer("f(*a)", globals={"f": function, "a": arguments})
        for name, function in functions.items()
    }
    for round_ in range(ROUNDS):
        names = list(timers)
        for name in names[round_ % len(names) :] + names[: round_ % len(names)]:
            number = max(calls // 10, 1) if "beartype" in name else calls
            seconds[name].append(timers[name].timeit(number) / number)
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def report(title, seconds, unit="by hand"):
    """Print one ratio for each contender."""
    print(f"\n{title}")
    for name, taken in seconds.items():
        print(f"  {name:22} {taken * 1e9:12,.0f} ns   {taken / seconds[unit]:6.2f} x {unit}")
