"""60 mistakes of 30 kinds in realistic programs: each raises, and `check` finds no fewer than it did.

How `check` does beside a type checker: docs/engines.md.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("torch")

FOUND = 0
"""So many of the 60 marked lines `check` finds. Raise it when `check` finds more."""


def _load():
    path = Path(__file__).parent.parent / "planted" / "plants.py"
    spec = importlib.util.spec_from_file_location("plants", path)
    module = sys.modules.setdefault(spec.name, importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


plants = _load()
PLANTS = plants.read_plants()
each_plant = pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)


def run(path, text):
    """Run a program; get the line of it that raised, or None."""
    path.write_text(text, "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those that torch and NumPy give on the way
        try:
            runpy.run_path(str(path), run_name="__main__")
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            return [frame.lineno for frame in frames if frame.filename == str(path)][-1]
    return None


def test_there_are_two_of_each_kind():
    kinds = Counter(plant.kind for plant in PLANTS)
    assert len(PLANTS) == 60
    assert set(kinds.values()) == {2}
    assert sum(kind.startswith("array") for kind in kinds) == 15


@each_plant
def test_a_mistake_raises_on_its_line(plant, tmp_path):
    if plant.needs:
        pytest.importorskip(plant.needs)
    assert run(tmp_path / "main.py", plants.on_meta(plant.bad)) == plant.line


@each_plant
def test_a_repaired_program_runs(plant, tmp_path):
    if plant.needs:
        pytest.importorskip(plant.needs)
    assert run(tmp_path / "main.py", plants.on_host(plant.good)) is None


def _lines(project, text_of):
    """The lines that `check` names, for each program."""
    for plant in PLANTS:
        project.write(text_of(plant), f"{plant.name}.py")
    found = {plant.name: set() for plant in PLANTS}
    for each in project.findings():
        found[Path(each.path).stem].add(each.line)
    return found


def test_check_finds_the_mistakes(project):
    found = _lines(project, lambda plant: plant.bad)
    missed = [
        f"{plant.name}: {plant.kind}" for plant in PLANTS if plant.line not in found[plant.name]
    ]
    assert len(PLANTS) - len(missed) >= FOUND, "\n".join(missed)
