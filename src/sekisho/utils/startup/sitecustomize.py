"""Run the observers of a program at the start of each of its Python processes.

The folder of this file is put on ``PYTHONPATH``, and ``SEKISHO_STARTUP`` lists the files to run.
Otherwise the process must not change: the folder is removed from the path again, and the
``sitecustomize`` that would have run without it runs. An observer must not import a library before
the program does.
"""

import contextlib
import importlib
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is slow


def _start() -> None:
    for path in os.environ.get("SEKISHO_STARTUP", "").split(os.pathsep):
        # An observer that fails must not stop the program.
        with contextlib.suppress(Exception):
            spec = importlib.util.spec_from_file_location("_sekisho_start", path)
            assert spec is not None
            assert spec.loader is not None
            spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _run_the_other() -> None:
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != _HERE]  # noqa: PTH100 - pathlib is slow to import
    this = sys.modules.pop("sitecustomize")
    with contextlib.suppress(ModuleNotFoundError):
        importlib.import_module("sitecustomize")
    sys.modules.setdefault("sitecustomize", this)


_start()
_run_the_other()
