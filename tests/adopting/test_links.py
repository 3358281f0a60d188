"""adopt writes through links in a package, or lists them with the reason."""

from __future__ import annotations

import os
import subprocess

import pytest

from sekisho.adoption import Snapshot

pytest.importorskip("libcst")

ONE = "def one(x):\n    return x\n"
PROGRAM = """
    import sys

    import numpy as np
    from pkg.{module} import one
    from pkg.own import two

    for n in (2, 3, 4):
        one(np.ones((n, n + 3)))
        two(np.ones((n, n + 3)))
    """


@pytest.fixture
def package(write, tmp_path):
    """Make a package with a link to a file at `place`; return that file."""

    def package(place, module="linked", *, folder=False, mark=""):
        real = write(place, ONE)
        write("project/pkg/__init__.py", "")
        write("project/pkg/own.py", ONE.replace("one", "two"))
        write("project/program.py", PROGRAM.format(module=module))
        if mark:
            write(f"project/{mark}", "")
        link = tmp_path / "project" / "pkg" / module.replace(".", "/")
        target = real.parent if folder else real
        link = link.parent if folder else link.with_suffix(".py")
        link.symlink_to(os.path.relpath(target, link.parent))
        return real

    return package


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


@pytest.mark.parametrize("mark", ["", "pyproject.toml"])
@pytest.mark.parametrize("place", ["project/m3.py", "project/lib/m3.py", "project/pkg/m3.py"])
def test_a_linked_file_of_the_project_is_written_through_the_link(
    package, project, adopt, place, mark
):
    real = package(place, mark=mark)
    status, out, err = adopt("pkg", "--write", "--", "program.py")
    assert status == 0, err
    assert "@sk.same_world\ndef one(x" in real.read_text("utf-8")
    assert (project / "pkg" / "linked.py").is_symlink()
    assert "@sk.same_world\ndef two(x" in (project / "pkg" / "own.py").read_text("utf-8")
    assert f"+++ {real.relative_to(project)}\n" in out
    assert "2 functions, 0 annotations" in err


def test_a_linked_folder_of_the_project_is_written_through_the_link(package, project, adopt):
    real = package("project/lib/m3.py", "sub.m3", folder=True)
    (project / "lib" / "__init__.py").touch()
    for number in range(100):
        (project / "lib" / f"n{number}.py").touch()
    assert Snapshot(str(project / "pkg")).roots == (str(project / "pkg"), str(project / "lib"))
    status, _, err = adopt("pkg", "--write", "--", "program.py")
    assert status == 0, err
    assert "@sk.same_world\ndef one(x" in real.read_text("utf-8")
    assert (project / "pkg" / "sub").is_symlink()


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("mark", ["", "pyproject.toml"])
def test_a_link_out_of_the_project_is_listed(package, project, adopt, folder, mark):
    module = "sub.m3" if folder else "linked"
    real = package("elsewhere/m3.py", module, folder=folder, mark=mark)
    status, _, err = adopt("pkg", "--write", "--", "program.py")
    assert status == 0, err
    assert real.read_text("utf-8") == ONE
    link = project / "pkg" / f"{module.replace('.', '/')}.py"
    shown = os.path.relpath(link)
    assert f"not read: {shown}: it is a link out of the project, to {real}\n" in err
    assert "@sk.same_world\ndef two(x" in (project / "pkg" / "own.py").read_text("utf-8")


def test_a_package_of_links_out_of_the_project_says_so(package, project, adopt, write):
    real = package("elsewhere/m3.py")
    write("project/program.py", "import numpy as np\nfrom pkg.linked import one\none(np.ones(3))\n")
    status, _, err = adopt("pkg", "--", "program.py")
    assert status == 2
    assert "the command called no function of pkg (status 0)\n" in err
    assert f"linked.py: it is a link out of the project, to {real}\n" in err


def test_the_table_names_the_module_that_is_imported(package, project, adopt):
    package("project/m3.py")
    status, out, _ = adopt("pkg", "--worlds", "--", "program.py")
    assert status == 0
    assert '"pkg.linked.one" = "same"\n' in out
    assert 'packages = ["pkg"]\n' in out


def test_a_linked_file_that_is_edited_during_the_run_is_not_read(package, project, adopt, write):
    real = package("project/m3.py")
    edit = "\nopen('pkg/linked.py', 'a').write('# edited\\n')\n"
    path = project / "program.py"
    path.write_text(path.read_text("utf-8") + edit, "utf-8")
    status, _, err = adopt("pkg", "--", "program.py")
    assert status == 0
    assert f"not read: {real.relative_to(project)}: it was changed while the command ran\n" in err


def test_a_linked_file_that_git_does_not_know_asks_for_force(package, project, adopt):
    real = package("project/m3.py", mark="pyproject.toml")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(project)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "pkg", "program.py"], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    status, _, err = adopt("pkg", "--write", "--", "program.py", forced=False)
    assert status == 2
    assert "?? m3.py\n" in err
    assert real.read_text("utf-8") == ONE
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "two"], check=True)
    assert adopt("pkg", "--write", "--", "program.py", forced=False)[0] == 0


def test_circles_of_links_and_links_to_nothing_are_passed_by(write, tmp_path):
    write("pkg/__init__.py", "")
    for name, target in {"up": "..", "self": "self", "none.py": "nowhere", "here": "."}.items():
        (tmp_path / "pkg" / name).symlink_to(target)
    write("beside.py", ONE)
    snapshot = Snapshot(str(tmp_path / "pkg"))
    assert (snapshot.links, snapshot.skipped) == ({}, ())
    assert snapshot.roots == (str(tmp_path / "pkg"),)
