"""One contender in its own process: it reads what to time on its input, and answers on its output."""

from __future__ import annotations

import json
import sys
import timeit
import warnings

TURN = 0.01  # seconds that a contender's turn should take


def answer(request, calls):
    """Prepare a workload, or time a round of it."""
    if "prepare" in request:
        from workloads import WORKLOADS

        _, make = WORKLOADS[request["prepare"]]
        call = make()[request["contender"]]()
        call()
        once = min(timeit.repeat(call, number=1, repeat=3))
        calls[:] = [timeit.Timer(call), max(1, min(20_000, int(TURN / max(once, 1e-8))))]
        return {"calls": calls[1]}
    timer, number = calls
    return {"seconds": timer.timeit(number) / number}


def main():
    warnings.simplefilter("ignore")
    output, sys.stdout = sys.stdout, sys.stderr  # the output of peers is not an answer
    calls = []
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), calls)
        except Exception as error:  # noqa: BLE001 - a peer may raise anything; the row then says so
            reply = {"error": f"{type(error).__name__}: {str(error).splitlines()[0][:90]}"}
        output.write(json.dumps(reply) + "\n")
        output.flush()


if __name__ == "__main__":
    main()
