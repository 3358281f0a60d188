"""What each Python process of a program under observation runs first: its folder is put on ``PYTHONPATH``.

The process is to be what it would be without it: the folder leaves the path again, and the
``sitecustomize`` that would have run runs. What observes it, the environment names; nothing of it is
to import a library before the program does.
"""

import contextlib
import importlib
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes its time


def _start() -> None:
    for path in os.environ.get("SEKISHO_STARTUP", "").split(os.pathsep):
        # Whatever goes wrong in an observer, the program goes on.
        with contextlib.suppress(Exception):
            spec = importlib.util.spec_from_file_location("_sekisho_start", path)
            assert spec is not None
            assert spec.loader is not None
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _run_the_other() -> None:
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]  # noqa: PTH100 - as above
    this = sys.modules.pop("sitecustomize")
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sitecustomize")
    sys.modules.setdefault("sitecustomize", this)


_start()
_run_the_other()
