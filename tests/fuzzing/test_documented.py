"""The documentation's guarded functions are fuzzed: they do what they declare."""

import contextlib
import importlib
import re
import sys
import types
from pathlib import Path

import pytest

import sekisho as sk
from sekisho.guard import options_of
from sekisho.testing import fuzz

ROOT = Path(__file__).parents[2]
# worlds.md adds a world, and adopt.md has a test of its own.
PAGES = sorted(
    path
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if path.name not in {"worlds.md", "adopt.md"}
)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Functions that a page shows to fail, each with the failure.
SHOWN = {
    name: {"allow": (sk.BoundaryError,)}
    for name in ("norm", "turned", "loss", "peek", "to_unit", "shifted")
}
MAY = {
    **SHOWN,
    "fast": {"allow": (sk.BoundaryError, NotImplementedError)},  # complex numbers have no order
    "peaks": {"allow": (ValueError,)},
    # Not expressible in annotations: an index, a count, a percentage, a list that is not empty.
    "step": {"allow": (TypeError,)},  # NumPy has no bfloat16
    "first": {"allow": (IndexError,)},
    "batches": {"allow": (ValueError,)},
    "augment": {"allow": (ValueError,)},
    "histogram": {"allow": (ValueError,)},
    "percentile": {"allow": (ValueError, IndexError)},
    "both": {"allow": (ValueError,)},  # two shapes that are not related by annotations
    "collate": {"allow": (sk.BoundaryError, ValueError)},
    "blur": {"allow": (RuntimeError,)},  # torch cannot pool an empty image
    "add": {"allow": (sk.BoundaryError, RuntimeError)},  # two axes that have to be one
    "accuracy": {"allow": (ValueError,)},  # NumPy has no argmax of an empty row
    "squared_error": {"allow": (RuntimeError,)},  # torch has no mean of integers
    "center": {"mutates": ("x",), "allow": (TypeError,)},  # a change by accident
    "report": {"allow": (sk.BoundaryError,)},
    # Examples of writes into arguments.
    "fill": {"mutates": ("out",), "allow": (sk.BoundaryError, sk.LostWriteWarning)},
    "add_prediction": {
        "mutates": ("batch",),
        "allow": (KeyError, sk.LostWriteWarning),
    },
}
"""What documented functions may do."""


def guards_of(path):
    """Yield the guarded functions of a page; its blocks are run until one fails."""
    name = f"fuzzed_{path.stem}"
    module = sys.modules[name] = types.ModuleType(name)
    try:
        for block in BLOCK.findall(path.read_text("utf-8")):
            try:
                exec(compile(block, str(path), "exec"), vars(module))
            except Exception:
                continue  # a block may show an error, or need something that is not installed
    finally:
        del sys.modules[name]
    return [each for each in vars(module).values() if options_of(each) is not None]


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_guards_keeps_what_it_declares(path, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    for guard in guards_of(path):
        fuzz_documented(guard)


# Any integer may be their index or class: too large for memory, or out of bounds.
UNTRIED = {"look_up", "fit"}


def fuzz_documented(guard):
    if guard.__name__ in UNTRIED:
        return
    with contextlib.suppress(sk.DeclarationError):  # no input can be made
        fuzz(guard, seed=0, **MAY.get(guard.__name__, {}))


@pytest.mark.slow
def test_what_the_example_guards_keeps_what_it_declares(monkeypatch):
    for library in ("torch", "sklearn"):
        pytest.importorskip(library)
    monkeypatch.syspath_prepend(ROOT / "examples")
    module = importlib.import_module("digits")
    guards = [each for each in vars(module).values() if options_of(each) is not None]
    assert len(guards) > 3
    for guard in guards:
        fuzz_documented(guard)
