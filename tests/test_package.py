"""The wheel and the sdist: how they are built, what they contain, that the wheel works alone."""

from __future__ import annotations

import email
import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import sekisho as sk

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder with both; hatchling is installed, so nothing is downloaded."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the wheel, unpacked in an empty folder."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed, *arguments):
    # -P excludes the working directory; PYTHONPATH puts the wheel before the checkout.
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment, cwd=installed
    ).stdout


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = f"sekisho-{sk.__version__}.dist-info"
    source = ROOT / "src"
    modules = {path.relative_to(source).as_posix() for path in source.glob("sekisho/**/*.py")}
    meta = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    assert names == modules | meta | {
        "sekisho/py.typed",
        "sekisho/findings/check.md",
        "pytest_sekisho.py",
        "_pytest_sekisho_fuzz.py",
        "_pytest_sekisho_settings.py",
        "hypothesis_sekisho.py",
        f"{info}/licenses/LICENSE",
    }
    assert wheel.stat().st_size < 950_000


def test_the_metadata_is_complete(installed):
    (path,) = installed.glob("*.dist-info/METADATA")
    metadata = email.message_from_string(path.read_text("utf-8"))
    assert metadata["Name"] == "sekisho"
    assert metadata["Version"] == sk.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "Declare which array library a function works in" in metadata.get_payload()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    addresses = {line.partition(",")[0] for line in metadata.get_all("Project-URL", [])}
    assert addresses == set(project["urls"])  # none, while the project has no address
    assert "Typing :: Typed" in metadata.get_all("Classifier")
    needed = {
        re.split(r"[^\w-]", line)[0]
        for line in metadata.get_all("Requires-Dist")
        if "extra ==" not in line
    }
    assert needed == {"numpy", "jaxtyping", "beartype", "array-api-compat"}


def test_versions_agree():
    assert f"version: {sk.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(sk.__version__)})\]", changelog, re.MULTILINE)


def test_the_sdist_can_be_tested_and_holds_nothing_private(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml",
        "conftest.py",
        "README.md",
        "README.ja.md",
        "CHANGELOG.md",
        "LICENSE",
    }
    needed |= {
        "src/sekisho/__init__.py",
        "tests/conftest.py",
        "docs/index.md",
        "examples/digits.py",
    }
    assert needed <= names
    assert not [name for name in names if re.match(r"\.(venv|nox|git/)|site/|build/|dist/", name)]


def test_the_wheel_works_alone(installed):
    program = """
import sys, numpy as np, sekisho as sk
from jaxtyping import Float
assert "torch" not in sys.modules

@sk.numpy_world
def halve(x: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return x / 2

print(sk.__file__)
try:
    halve(np.ones((1, 3)))
except sk.ShapeError as error:
    print(error)
"""
    where, *message = run(installed, "-c", program).splitlines()
    assert Path(where).is_relative_to(installed)
    assert message[-1].startswith("  hint: there is a batch axis of size 1 too many")


def test_the_wheel_works_with_torch(torch, installed):
    program = """
import torch, sekisho as sk
print(sk.__file__)
print(sk.add_batch_dim(torch.zeros(3)).shape, sk.to_numpy(torch.zeros(3)).dtype)
"""
    where, shown = run(installed, "-c", program).splitlines()
    assert Path(where).is_relative_to(installed)
    assert shown == "torch.Size([1, 3]) float32"


def test_the_wheel_brings_the_pytest_plugin_and_the_command(installed, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(crossings): assert len(crossings) == 0\n")
    shown = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path))
    assert "1 passed" in shown
    assert "crossings" in run(installed, "-m", "sekisho", "--help")


def test_every_public_name_has_a_type(installed):
    if importlib.util.find_spec("basedpyright") is None:
        pytest.skip("basedpyright is not installed")
    shown = run(installed, "-m", "basedpyright", "--verifytypes", "sekisho", "--ignoreexternal")
    assert "Type completeness score: 100%" in shown
