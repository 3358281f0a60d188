"""Libraries that are not installed where sekisho runs: read in the project's environment, or named."""

from __future__ import annotations

import importlib.util
import json
import sys

import pytest

from sekisho.code import find_environments
from sekisho.inference import missing_libraries, solve

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is the library that is missing here"
)

CODE = """\
import cupy
import numpy as np


def f(x: np.ndarray):
    y = cupy.ones(3)
    return x.get() + y.permute(1)
"""
SAID = (
    f"sekisho: cupy is imported, but not installed in {sys.executable}: its arrays are unknown, "
    "and mistakes with them are not found. Run sekisho in the environment of the project, or set "
    "VIRTUAL_ENV to it\n"
)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)


def make_environment(folder, layout="lib/python3.11/site-packages"):
    package = folder / layout / "cupy"
    package.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("")
    (package / "__init__.py").write_text(
        "class ndarray:\n    def get(self): ...\n    def __add__(self, other) -> ndarray: ...\n"
        "def ones(n) -> ndarray: ...\n"
    )
    return folder


def missing(project):
    return missing_libraries(project.solve().program)


def test_check_names_the_library_and_says_what_to_do(project, run_check):
    project.write("import cupy\n")
    assert run_check(project.folder) == (0, "no findings in 1 file\n", SAID)


def test_map_says_the_same(project, run_map):
    project.write(CODE)
    assert run_map(project.folder, "--quiet") == (0, "", SAID)


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_data_stays_valid(form, project, run_check):
    project.write(CODE)
    _, out, err = run_check(project.folder, "--format", form)
    assert json.loads(out)
    assert err == SAID


IMPORTS = {
    "import cupy": True,
    "import os, cupy": True,
    "import cupy.linalg as la": True,
    "from cupy import ones": True,
    "from cupy.linalg import norm": True,
    "def f():\n    import cupy": True,
    "if 1:\n    import cupy": True,
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cupy": True,
    "try:\n    import cupy\nexcept ImportError:\n    cupy = None": False,
    "import numpy  # cupy": False,
    "'''\nimport cupy\n'''": False,
    "import cupyx": False,
    "from .cupy import ones": False,
    "x = 'cupy'": False,
    "import cupy as": False,
}


@pytest.mark.parametrize("text", IMPORTS)
def test_only_what_the_code_cannot_run_without_is_missing(text, project):
    project.write(text)
    assert missing(project) == ["cupy"] * IMPORTS[text]


def test_several_are_named_together(project, run_check, monkeypatch):
    monkeypatch.setattr("sekisho.inference.missing.missing_libraries", lambda _: ["jax", "cupy"])
    project.write("")
    _, _, err = run_check(project.folder)
    assert err.startswith("sekisho: jax and cupy are imported, but not installed in ")
    assert ": their arrays are unknown, and" in err


@pytest.mark.parametrize("layout", ["lib/python3.11/site-packages", "Lib/site-packages"])
@pytest.mark.parametrize("name", [".venv", "venv"])
def test_it_is_read_in_the_environment_of_the_project(name, layout, project, run_check):
    make_environment(project.folder / name, layout)
    project.write(CODE, "src/main.py")
    for path in (project.folder, project.folder / "src", project.folder / "src" / "main.py"):
        status, out, err = run_check(path, "--select", "SK107")
        assert (status, err) == (1, "")
        assert "x is a NumPy array, and has no .get: " in out


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_it_is_read_in_the_environment_that_is_active(
    variable, project, tmp_path_factory, monkeypatch
):
    monkeypatch.setenv(variable, str(make_environment(tmp_path_factory.mktemp("env"))))
    project.write(CODE)
    assert missing(project) == []


def test_an_environment_without_it_is_named(project, run_check):
    folder = project.folder / ".venv" / "lib" / "python3.11" / "site-packages"
    folder.mkdir(parents=True)
    (project.folder / ".venv" / "pyvenv.cfg").write_text("")
    project.write("import cupy\n")
    _, _, err = run_check(project.folder)
    assert f"not installed in {sys.executable} or {project.folder / '.venv'}: its" in err


def test_after_it_is_installed_it_is_read(project):
    project.write(CODE)
    assert missing(project) == ["cupy"]
    make_environment(project.folder / ".venv")
    assert missing(project) == []
    assert project.worlds()["y"] == "cupy"


def test_this_environment_is_not_searched_twice(monkeypatch, tmp_path):
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert find_environments([tmp_path]) == []


def test_what_is_no_environment_is_passed_by(monkeypatch, project):
    monkeypatch.setenv("VIRTUAL_ENV", str(project.folder / "gone"))
    project.write("import cupy\n")
    assert missing(project) == ["cupy"]
    assert solve([]).program.libraries.environments == ()
