"""Run by path at the start of each process of a recorded program: waits for a library with arrays.

Until one is imported, nothing else is.
"""

import contextlib
import importlib.util
import os


def _start() -> None:
    settings = os.environ.get("SEKISHO_RECORDING")
    if not settings:
        return
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrival.py")  # noqa: PTH100, PTH118, PTH120 - pathlib takes its time
    spec = importlib.util.spec_from_file_location("_sekisho_arrival", path)
    assert spec is not None
    assert spec.loader is not None
    arrival = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(arrival)

    def begin(_name: str) -> None:
        waiting.remove()
        # Whatever goes wrong in a recorder, the program goes on.
        with contextlib.suppress(Exception):
            from sekisho.recorder.program import begin_as_told  # noqa: PLC0415 - now, not at the start

            begin_as_told()

    names = settings.partition(os.pathsep)[0].split(",")
    waiting = arrival.Arrivals(names, begin)
    waiting.install()


_start()
