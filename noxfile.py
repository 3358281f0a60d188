"""The suite over versions: ``nox`` runs what can be had, ``nox -s table`` writes what came out.

Each session installs one combination of Python, NumPy and torch, runs the suite, and leaves one
line of its outcome in ``.nox/outcomes``; docs/compatibility.md is made of these lines.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["suite"]

OUTCOMES = Path(".nox") / "outcomes"
PAGE = Path("docs") / "compatibility.md"
BEGIN, END = "<!-- written by `nox -s table` -->", "<!-- end -->"

# Python, NumPy, torch (None: not installed): the oldest supported, those of development, the newest.
COMBINATIONS = [
    ("3.11", "2.0.2", "2.13.0"),
    ("3.11", "2.4.6", "2.13.0"),
    ("3.11", "2.0.2", None),
    ("3.12", "2.0.2", None),
    ("3.12", "2.5.5", None),
    ("3.12", "2.4.6", "2.13.0"),
    ("3.13", "2.1.0", None),
    ("3.13", "2.5.5", None),
    ("3.13", "2.5.5", "2.15.0"),
]


@nox.session
@nox.parametrize(("python", "numpy", "torch"), COMBINATIONS)
def suite(session: nox.Session, numpy: str, torch: str | None) -> None:
    """Run the whole suite with one combination of versions."""
    python = str(session.python)
    name = f"{python}-{numpy}-{torch or 'none'}"
    outcome: dict[str, str | None] = {"python": python, "numpy": numpy, "torch": torch}
    try:
        session.install("pip>=25.1")
        session.install(f"numpy=={numpy}", *([f"torch=={torch}"] if torch else []))
        session.install("--editable", ".", "--group", "test", f"numpy=={numpy}")
    except nox.command.CommandFailed:
        _record(name, {**outcome, "result": "cannot be installed here"})
        session.skip("this combination cannot be installed here")
    # Other versions warn of other things: what is an error in development is none here.
    output = session.run(
        *("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default"),
        *session.posargs,
        silent=True,
        success_codes=[0, 1],
    )
    text = str(output)
    session.log(text[-3000:])
    found = re.search(r"^.*\b(?:passed|failed)\b.* in .*$", text, re.MULTILINE)
    line = found.group().strip("= ") if found else "no result"
    _record(name, {**outcome, "result": re.sub(r",? ?\d+ warnings?| in .*", "", line)})
    if "failed" in line or "error" in line:
        session.error(line)


@nox.session
@nox.parametrize("torch", [None, "2.13.0"])
def wheel(session: nox.Session, torch: str | None) -> None:
    """Build the wheel, and run the tests against it in an environment that has nothing else."""
    folder = session.create_tmp()
    session.install("pip>=25.1", "build", "hatchling")
    session.run("python", "-m", "build", "--no-isolation", "--wheel", "--outdir", folder)
    (built,) = Path(folder).glob("*.whl")
    session.install(str(built), *([f"torch=={torch}"] if torch else []), "--group", "test")
    session.run("python", "-P", "-c", "import sekisho; assert 'site-packages' in sekisho.__file__")
    session.run("python", "-P", "-m", "pytest", "-q", "tests", *session.posargs)


def _record(name: str, outcome: dict[str, str | None]) -> None:
    OUTCOMES.mkdir(parents=True, exist_ok=True)
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    text = json.dumps({**outcome, "date": today})
    (OUTCOMES / f"{name}.json").write_text(text, encoding="utf-8")


@nox.session(python=False)
def table(session: nox.Session) -> None:
    """Write the table of docs/compatibility.md from the outcomes that are there."""
    rows = ["| Python | NumPy | torch | the suite | on |", "|---|---|---|---|---|"]
    for python, numpy, torch in COMBINATIONS:
        path = OUTCOMES / f"{python}-{numpy}-{torch or 'none'}.json"
        found = json.loads(path.read_text("utf-8")) if path.exists() else {}
        result, date = found.get("result", "not run yet"), found.get("date", "")
        rows.append(f"| {python} | {numpy} | {torch or '-'} | {result} | {date} |")
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    joined = "\n".join(rows)
    PAGE.write_text(f"{before}{BEGIN}\n{joined}\n{END}{after}", encoding="utf-8")
    session.log(f"wrote {PAGE}")
