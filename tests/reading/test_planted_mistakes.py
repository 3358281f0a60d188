"""60 mistakes of 30 kinds in realistic programs: each raises, and `check` finds as many as before.

docs/engines.md compares `check` with a type checker on them.
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

from sekisho.findings import check, read_settings
from sekisho.inference import solve

pytest.importorskip("torch")

FOUND = 57
"""The number of the 60 marked lines on which `check` reports an error, those included whose library is
not installed, which it cannot see. Raise it when it finds more."""

CROSSINGS = {"SK101", "SK103", "SK105", "SK106"}
"""The codes of style: they report that two libraries meet, not that the code fails."""


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
    """Run a program; return the line that raised, or None."""
    path.write_text(text, "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # warnings of torch and NumPy
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


def _lines(project, text):
    """Return the lines on which `check` reports an error, in a program of one file."""
    path = project.write(text)
    found = check(solve([path]), read_settings([path]))
    return {each.line for each in found if each.code not in CROSSINGS}


def test_check_finds_the_mistakes(project):
    missed = [
        f"{plant.name}: {plant.kind}"
        for plant in PLANTS
        if not plant.needs or importlib.util.find_spec(plant.needs)
        if plant.line not in _lines(project, plant.bad)
    ]
    assert len(PLANTS) - len(missed) >= FOUND, "\n".join(missed)


def test_check_is_silent_on_the_repaired_programs(project):
    wrong = {plant.name: found for plant in PLANTS if (found := _lines(project, plant.good))}
    assert not wrong
