"""Follow the README from its first line to its last, like a user who has just cloned the project.

``python tests/follow.py [--without "make test"]`` copies the working tree, as far as git tracks it,
to an empty folder. There it follows the README in order, with only PATH and HOME set: it runs each
command after ``$``; installs the library into a new environment, as the text says; runs the
snippets as one program, and each session by doctest; puts the settings into a project whose test
crosses, and checks that the test fails; runs what the pictures show; and opens each link. This is
slow: it installs everything twice.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")

CROSSES = """\
import torch
import sekisho as sk

@sk.torch_world
def norm(x: torch.Tensor) -> float:
    return float(x.norm())

def test_norm():
    norm(torch.ones(3).numpy())
"""


def run(command: list[str], folder: Path, *, fails: bool = False) -> str:
    """Run a command in a minimal environment, and print it; exit if its status is unexpected."""
    sys.stdout.write(f"$ {shlex.join(command)}\n")
    sys.stdout.flush()
    around = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        command, cwd=folder, env=around, capture_output=True, text=True, check=False
    )
    if bool(done.returncode) is not fails:
        raise SystemExit(f"{done.stdout}{done.stderr}\nexit status {done.returncode}")
    return done.stdout


def clone(folder: Path) -> None:
    """Copy the files that git tracks, and new ones that it does not ignore."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def program(snippets: list[str]) -> str:
    """Return the snippets as one program; sessions are compared with what they print."""
    lines = ["import doctest"]
    for snippet in snippets:
        if snippet.startswith(">>> "):
            lines += [
                "runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)",
                f"session = doctest.DocTestParser().get_doctest({snippet!r}, globals(), 'README', None, 0)",
                "assert runner.run(session, clear_globs=False).failed == 0",
            ]
        else:
            lines.append(snippet)
    return "\n".join(lines) + "\n"


def pictures(project: Path) -> str:
    """Return the program that runs what the pictures show, and checks that it works."""
    lines = [
        f"import sys; sys.path.insert(0, {str(project / 'docs')!r})",
        "import pictures",
        "for name, text in pictures.pictures().items():",
        "    assert len(text.splitlines()) > 15, (name, text)",
    ]
    return "\n".join(lines)


def follow(readme: str, without: set[str]) -> None:
    """Run all steps."""
    with tempfile.TemporaryDirectory() as temporary:
        project, empty = Path(temporary, "sekisho"), Path(temporary, "empty")
        clone(project)
        empty.mkdir()
        for target in LINK.findall(readme):
            assert (project / target).exists(), f"the link {target} leads nowhere"
        blocks = BLOCK.findall(readme)
        for words, text in blocks:
            for line in text.splitlines() if words == "console" else ():
                command = line.partition("#")[0].removeprefix("$").strip()
                if command not in without:
                    run(shlex.split(command), project)
        assert '`pip install ".[torch]"`' in readme
        python = str(empty / "venv" / "bin" / "python")
        run([sys.executable, "-m", "venv", "venv"], empty)
        run([python, "-m", "pip", "install", "-q", f"{project}[torch]", "pytest"], empty)
        (empty / "readme.py").write_text(
            program([text for kind, text in blocks if kind == "python"])
        )
        run([python, "readme.py"], empty)
        settings = "".join(text for kind, text in blocks if kind == "toml")
        (empty / "pyproject.toml").write_text(settings)
        (empty / "test_crossing.py").write_text(CROSSES)
        refused = run([python, "-m", "pytest", "-q", "test_crossing.py"], empty, fails=True)
        assert "norm() argument 'x'" in refused, refused
        run([python, "-m", "pip", "install", "-q", f"{project}[tools,fuzz]"], empty)
        run([python, "-c", pictures(project)], empty)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without", action="append", default=[], help="a command to leave out")
    follow((ROOT / "README.md").read_text("utf-8"), set(parser.parse_args().without))
    sys.stdout.write("the README can be followed\n")
