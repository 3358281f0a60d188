"""Start tracing in each process of a traced program. Run by path, without importing sekisho."""

import atexit
import importlib.util
import json
import os
import sys
from typing import Any


def _load(name: str, place: str = "") -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), place or f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"_sekisho_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _start() -> None:
    settings = os.environ.get("SEKISHO_TRACING")
    if not settings:
        return
    told = json.loads(settings)
    describer = _load("describing").Describer()
    lines = _load("lines", os.path.join(os.pardir, "utils", "lines.py"))
    journal = _load("journal").Journal(told["folder"], describer, lines.LineFile)
    tracer = _load("tracing").Tracer(tuple(told["roots"]), journal, told["compilers"])

    def begin_anew() -> None:
        tracer.forget()
        journal.begin_anew()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=begin_anew)
    atexit.register(lambda: journal.end(tracer.functions))
    tracer.install()


_start()
