"""The suite over versions: ``nox`` runs what can be had, ``nox -s table`` writes what came out.

Each session installs one combination of Python, NumPy, torch and JAX, and runs tests/versions.py, which
leaves a line of the outcome in tests/versions.json; docs/compatibility.md is made of these lines.
"""

from __future__ import annotations

import json
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["suite"]

RECORD = Path("tests") / "versions.json"
PAGE = Path("docs") / "compatibility.md"
BEGIN, END = "<!-- written by `nox -s table` -->", "<!-- end -->"

# Python, NumPy, torch, JAX (None: not installed): each minor release of torch from the oldest
# supported on, with a Python and a NumPy of its time; NumPy and Python where there is no torch; and
# JAX likewise.
COMBINATIONS = [
    ("3.11", "2.0.2", "2.6.0", None),
    ("3.12", "2.2.6", "2.7.1", None),
    ("3.13", "2.3.5", "2.8.0", None),
    ("3.11", "2.4.6", "2.9.1", None),
    ("3.12", "2.4.6", "2.10.0", None),
    ("3.12", "2.5.2", "2.11.0", None),
    ("3.13", "2.5.2", "2.12.1", None),
    ("3.11", "2.4.6", "2.13.0", None),
    ("3.11", "2.4.6", "2.14.1", None),
    ("3.13", "2.5.5", "2.15.0", None),
    ("3.11", "2.0.2", None, None),
    ("3.12", "2.5.5", None, None),
    ("3.13", "2.1.0", None, None),
    ("3.11", "2.4.6", None, "0.4.35"),
    ("3.11", "2.4.6", None, "0.5.3"),
    ("3.11", "2.4.6", None, "0.6.2"),
    ("3.11", "2.4.6", None, "0.7.2"),
    ("3.11", "2.4.6", None, "0.8.3"),
    ("3.11", "2.4.6", None, "0.9.2"),
    ("3.11", "2.4.6", None, "0.10.2"),
    ("3.13", "2.5.5", None, "0.11.2"),
    ("3.13", "2.5.5", None, "0.12.0.1"),
]


@nox.session
@nox.parametrize(("python", "numpy", "torch", "jax"), COMBINATIONS)
def suite(session: nox.Session, numpy: str, torch: str | None, jax: str | None) -> None:
    """Run the suite, or what is named after ``--``, with one combination of versions."""
    try:
        session.install("pip>=25.1")
        named = {"numpy": numpy, "torch": torch, "jax": jax}
        session.install(*(f"{name}=={version}" for name, version in named.items() if version))
        session.install("--editable", ".", "--group", "test", f"numpy=={numpy}")
    except nox.command.CommandFailed:
        session.skip("this combination cannot be installed here")
    session.run("python", "tests/versions.py", *session.posargs)


OLDEST = ("numpy==2.0.0", "jaxtyping==0.3.0", "beartype==0.19.0", "array-api-compat==1.9")
"""What pyproject.toml allows, at its oldest."""


@nox.session
@nox.parametrize(
    ("torch", "dependencies"),
    [(None, OLDEST), ("2.6.0", OLDEST), (None, ()), ("2.13.0", ())],
    ids=["oldest", "oldest, torch", "newest", "newest, torch"],
)
def wheel(session: nox.Session, torch: str | None, dependencies: tuple[str, ...]) -> None:
    """Build the wheel, and run the tests against it in an environment that has nothing else."""
    # Not `create_tmp`: the tests' own folders would be in it, and so inside of this project.
    folder = str(Path(session.virtualenv.location) / "wheels")
    session.install("pip>=25.1", "build", "hatchling")
    session.run("python", "-m", "build", "--no-isolation", "--wheel", "--outdir", folder)
    (built,) = Path(folder).glob("*.whl")
    wanted = [*dependencies, *([f"torch=={torch}"] if torch else [])]
    session.install(str(built), *wanted, "--group", "test")
    session.run("python", "-P", "-c", "import sekisho; assert 'site-packages' in sekisho.__file__")
    session.run("sekisho", "--version")
    session.run("python", "-P", "-m", "pytest", "-q", "-W", "default", "tests", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Measure which mistakes the tests notice, and write docs/mutants.md (see tests/mutants.py)."""
    pinned = ("--constraint", "constraints.txt")
    session.install("pip>=25.1")
    session.install(*pinned, "torch")  # first, so that nothing else asks for a newer build
    session.install(*pinned, "--editable", ".[torch,jax]", "--group", "test", "--group", "mutants")
    session.run("python", "tests/mutants.py", *session.posargs)


@nox.session(python=False)
def readme(session: nox.Session) -> None:
    """Follow the README from its first line to its last, in an environment that has nothing else."""
    session.run("python", "tests/follow.py", *session.posargs, external=True)


def _numbers(version: str | None) -> list[int]:
    return [int(part) for part in (version or "0").split(".")]


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Write the table of docs/compatibility.md from what tests/versions.py has kept."""
    rows = [
        "| torch | JAX | Python | NumPy | on | passed | failed | skipped | of | date |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    record = json.loads(RECORD.read_text("utf-8"))
    record.sort(key=lambda each: [_numbers(each[name]) for name in ("jax", "torch")])
    selections = list(dict.fromkeys(each["tests"] for each in record))
    for each in record:
        failed = each["failed"] + each["error"]
        cells = (
            *(each["torch"] or "-", each["jax"] or "-", each["python"], each["numpy"]),
            each["device"] or "the host",
            *(each["passed"], failed, each["skipped"]),
            *(f"({selections.index(each['tests']) + 1})", each["date"]),
        )
        rows.append(f"| {' | '.join(map(str, cells))} |")
    named = (f"({at}) `{tests}`" for at, tests in enumerate(selections, start=1))
    rows += ["", f"What was run: {'; '.join(named)}."]
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    joined = "\n".join(rows)
    PAGE.write_text(f"{before}{BEGIN}\n{joined}\n{END}{after}", encoding="utf-8")
    session.log(f"wrote {PAGE}")
