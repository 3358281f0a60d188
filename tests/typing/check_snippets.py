"""Check the snippets of the README and the docs with four type checkers; `make lint` runs this.

``python tests/typing/check_snippets.py`` writes the snippets of each page as one module, at their
own lines. It checks that mypy, basedpyright, ty and Pyrefly find exactly what is listed here, with
the settings of docs/howto/types.md.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
# The Japanese pages have the same snippets: tests/test_docs.py checks it.
PAGES = [
    each
    for each in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    # The libraries of the other page are installed for its own tests alone.
    if each.parent.name != "ja" and each.name != "frameworks.md"
]
EVERY = {"mypy", "basedpyright", "ty", "pyrefly"}

MYPY = """\
[mypy]
strict = true
python_version = 3.11
warn_return_any = false
untyped_calls_exclude = torch, jax

[mypy-pandas.*,scipy.*,sklearn.*,onnxruntime.*]
ignore_missing_imports = true
"""
PYRIGHT = {
    "pythonVersion": "3.11",
    "typeCheckingMode": "standard",
    "useLibraryCodeForTypes": False,
    "reportMissingModuleSource": False,
    "reportPossiblyUnboundVariable": False,  # `try: ... except E as error: message = str(error)`
}

PYREFLY = """\
preset = "default"
python-version = "3.11"

[errors]
unbound-name = false  # `try: ... except E as error: message = str(error)`
"""

# The lines that show a crossing by mode alone, or an error: each checker reports each.
REFUSED: dict[str, list[str]] = {
    "README.md": [
        "scores = score(image, mask)  # two arrays: converted, without copying them",
        "score(image, mask.T)",
    ],
    "docs/crossings.md": ["assert norm(weights) == 5.0", "preprocess(torch.zeros(8, 8))"],
    "docs/howto/both-worlds.md": [
        "distance(torch.ones(3), np.ones(3, np.float32))",
        "assert isinstance(distance(torch.ones(3), np.ones(3, np.float32)), torch.Tensor)",
    ],
    "docs/howto/images.md": ["result = shown(blur(batched(scaled(image))))"],
    "docs/howto/model.md": [
        "assert histogram(block.project.weight).sum() == block.project.weight.numel()"
    ],
    "docs/howto/tables.md": [
        "fit(features(train), y)",
        "net = fit(x, y)  # arrays come: they cross here, their memory shared",
    ],
    "docs/howto/third-party.md": ["assert total(Picture()) == 0"],
    "docs/howto/training.md": ["text = report(sk.stack(losses).cpu())"],
    "docs/index.md": [
        "scores = score(image, mask)  # two arrays: converted, without copying them",
        "score(image, mask.T)",
    ],
    "docs/strict.md": ["peek(np.zeros(3))"],
    "docs/tutorial.md": [
        "sk.add_batch_dim([1, 2, 3])",
        "assert isinstance(preprocess(torch.zeros(4, 6, 3, dtype=torch.uint8)), np.ndarray)",
        "return x / np.linalg.norm(x)",
    ],
}

# Other findings, and their checkers, which are not mistakes of the page.
FOUND: dict[tuple[str, str], set[str]] = {
    # For torch's annotations a list is not a `Dataset`; its loader accepts it.
    (
        "docs/howto/pipeline.md",
        "loader = torch.utils.data.DataLoader([sample, flip(sample)] * 4, batch_size=4, collate_fn=collate)",
    ): EVERY,
    # Third-party code without annotations.
    ("docs/howto/third-party.md", "def resize(image, size):  # in somebody's package"): {"mypy"},
    (
        "docs/howto/third-party.md",
        "assert checked(np.zeros((4, 4, 3)), (2, 3)).shape == (2, 3, 3)",
    ): {"mypy"},
    ("docs/howto/third-party.md", "checked(np.zeros(4), (2, 3))"): {"mypy"},
    # Pyrefly reads a package without stubs from its source, in which the name is not written.
    ("docs/howto/both-worlds.md", "from scipy.ndimage import gaussian_filter1d"): {"pyrefly"},
    # The names of a registered world do not exist before it is registered.
    ("docs/worlds.md", "@sk.grid_world"): {"mypy"},
    # The same function again, after its fix.
    ("docs/howto/tests.md", "@sk.numpy_world"): {"mypy"},
    (
        "docs/howto/tests.md",
        'def peaks(x: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n"]:',
    ): {"basedpyright"},
}


def module(page: str) -> str:
    """Return a page's snippets, each line at its own number; of a session, the input."""
    lines: list[str] = []
    inside, is_session = False, False
    for line in page.splitlines():
        if not inside:
            inside = line.strip() == "```python"
            is_session = False
            lines.append("")
        elif line.strip() == "```":
            inside = False
            lines.append("")
        else:
            is_session = is_session or line.startswith(">>>")
            typed = re.match(r"(?:>>>|\.\.\.)(?: (.*)|)$", line) if is_session else None
            lines.append((typed[1] or "") if typed else "" if is_session else line)
    return "\n".join(lines) + "\n"


def mypy(folder: Path, names: list[str]) -> set[tuple[str, int, str]]:
    """Return file, line and text of all that mypy reports."""
    (folder / "mypy.ini").write_text(MYPY)
    printed = ""
    for name in names:  # one by one: each is a program of its own
        printed += run(folder, "mypy", "--config-file", "mypy.ini", name)
    return parsed(printed, r"(\S+\.py):(\d+): error: (.*)")


def basedpyright(folder: Path, names: list[str]) -> set[tuple[str, int, str]]:
    """Return the same for basedpyright."""
    (folder / "pyrightconfig.json").write_text(json.dumps(PYRIGHT))
    found = json.loads(run(folder, "basedpyright", "--outputjson", "--pythonpath", sys.executable))
    assert found["summary"]["filesAnalyzed"] == len(names)
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1, each["message"])
        for each in found["generalDiagnostics"]
        if each["severity"] == "error"
    }


def ty(folder: Path, _: list[str]) -> set[tuple[str, int, str]]:
    """Return the same for ty."""
    printed = run(folder, "ty", "check", "--python", sys.prefix, "--output-format", "concise", ".")
    return parsed(printed, r"(\S+\.py):(\d+):\d+: error\S* (.*)")


def pyrefly(folder: Path, names: list[str]) -> set[tuple[str, int, str]]:
    """Return the same for Pyrefly."""
    (folder / "pyrefly.toml").write_text(PYREFLY)
    options = ("--output-format", "json", "--python-interpreter-path", sys.executable)
    found = json.loads(run(folder, "pyrefly", "check", *options, *names))
    return {
        (Path(each["path"]).name, each["line"], each["description"])
        for each in found["errors"]
        if each["severity"] == "error"
    }


def run(folder: Path, command: str, *arguments: str) -> str:
    """Return the output of a checker."""
    program = Path(sys.executable).with_name(command)
    done = subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1}:
        raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def parsed(printed: str, pattern: str) -> set[tuple[str, int, str]]:
    """Return file, line and text of each finding."""
    return {(file, int(line), text) for file, line, text in re.findall(pattern, printed)}


def main() -> int:
    """Print findings that are not listed, and listed ones that are not found."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder, pages = Path(temporary), dict[str, str]()
        for path in PAGES:
            title = path.relative_to(ROOT).as_posix()
            name = re.sub(r"\W", "_", title.removesuffix(".md")) + ".py"
            text = module(path.read_text("utf-8"))
            if text.strip():
                (folder / name).write_text(text, "utf-8")
                pages[name] = title
        refused = {(page, line): EVERY for page, lines in REFUSED.items() for line in lines}
        listed = {(*place, each) for place, who in (refused | FOUND).items() for each in who}
        found: set[tuple[str, str, str]] = set()
        for check in (mypy, basedpyright, ty, pyrefly):
            for name, number, text in sorted(check(folder, list(pages))):
                line = (folder / name).read_text("utf-8").splitlines()[number - 1].strip()
                key = (pages[name], line, check.__name__)
                found.add(key)
                if key not in listed:
                    wrong.append(f"{pages[name]}:{number}: {check.__name__}: {line}\n    {text}")
        for page, line, checker in sorted(listed - found):
            wrong.append(f"{page}: {checker} finds nothing in: {line}")
    sys.stdout.writelines(f"{each}\n" for each in wrong)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
