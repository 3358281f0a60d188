"""Log what guards refuse to a file, for `sekisho adopt`, which runs a program under new guards."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
from typing import Any, Final

from sekisho.errors import Violation

__all__ = ["REFUSALS", "write_declaration", "write_refusal"]

REFUSALS: Final = "SEKISHO_REFUSALS"
"""The environment variable that names the file. It gets a line of JSON for each value that a guard
refuses, and for each function that cannot be guarded."""


def write_refusal(error: Exception, function: Any) -> None:
    """Log a refused value. Of several guards that it passes, only the innermost logs it."""
    violation = error.args[0] if error.args else None
    if isinstance(violation, Violation) and not hasattr(error, REFUSALS):
        setattr(error, REFUSALS, True)
        _write(function, violation.place, str(violation), type(error).__name__)


def write_declaration(error: Exception, function: Any) -> None:
    """Log the error of a function that cannot be guarded as it is annotated."""
    # After a NameError the annotations are read again later.
    if REFUSALS in os.environ and not isinstance(error, NameError):
        _write(function, "declaration", str(error))


def _write(function: Any, place: str, text: str, error: str = "") -> None:
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return
    row = {
        "file": code.co_filename,
        "function": code.co_qualname,
        "place": place,
        "text": text.replace("\n", " "),
        "error": error,
    }
    with contextlib.suppress(OSError), open(os.environ[REFUSALS], "a", encoding="utf-8") as file:  # noqa: PTH123 - saves the import of pathlib
        file.write(json.dumps(row) + "\n")
