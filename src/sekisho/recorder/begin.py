"""Start recording in each process of a recorded program. Run by path, at the start of the process.

It waits until an array library is imported, and imports nothing else before.
"""

import contextlib
import importlib.util
import os


def _start() -> None:
    settings = os.environ.get("SEKISHO_RECORDING")
    if not settings:
        return
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "arrival.py")  # noqa: PTH100, PTH118, PTH120 - pathlib is slow
    spec = importlib.util.spec_from_file_location("_sekisho_arrival", path)
    assert spec is not None
    assert spec.loader is not None
    arrival = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(arrival)

    def begin(_name: str) -> None:
        waiting.remove()
        # A recorder that fails must not stop the program.
        with contextlib.suppress(Exception):
            from sekisho.recorder.program import begin_as_told  # noqa: PLC0415 - only when needed

            begin_as_told()

    names = settings.partition(os.pathsep)[0].split(",")
    waiting = arrival.Arrivals(names, begin)
    waiting.install()


_start()
