"""What each Python process of a recorded program runs first: its folder is put on ``PYTHONPATH``.

The process is to be what it would be without it: the folder leaves the path again, the
``sitecustomize`` that would have run runs, and until a library with tensors is imported nothing else
is.
"""

import contextlib
import importlib
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes its time


def _start() -> None:
    settings = os.environ.get("SEKISHO_RECORDING")
    if not settings:
        return
    path = os.path.join(os.path.dirname(_HERE), "arrival.py")  # noqa: PTH118, PTH120 - likewise
    spec = importlib.util.spec_from_file_location("_sekisho_arrival", path)
    assert spec is not None
    assert spec.loader is not None
    arrival = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(arrival)

    def begin(_name: str) -> None:
        waiting.remove()
        # Whatever goes wrong in a recorder, the program goes on.
        with contextlib.suppress(Exception):
            from sekisho.recorder import begin_as_told  # noqa: PLC0415 - now, not at the start

            begin_as_told()

    names = settings.partition(os.pathsep)[0].split(",")
    waiting = arrival.Arrivals(names, begin)
    waiting.install()


def _run_the_other() -> None:
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]  # noqa: PTH100 - as above
    this = sys.modules.pop("sitecustomize")
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sitecustomize")
    sys.modules.setdefault("sitecustomize", this)


_start()
_run_the_other()
