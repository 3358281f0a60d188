"""Run a foreign package's own suite, and list what `broadcasting` or `mutations` reports, to be judged.

python benchmarks/alarms.py (broadcasting | mutations) CHECKOUT PACKAGE [pytest's arguments]
python benchmarks/alarms.py table

With SECONDS in the environment a run of ``mutations`` stops after as many. Run it where the package can be imported from CHECKOUT. ``broadcasting`` records the whole suite,
``mutations`` guards the package at its import and runs in strict mode. New alarms are added to
alarms.json; the verdict is written there by hand: "real" for a mistake, or what its author would
want to know, and "meant".
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ALARMS = Path(__file__).parent / "alarms.json"
PLUGIN = """
import json, os, time
from sekisho import MutationWarning
found, end = [], time.monotonic() + float(os.environ.get("SECONDS", "inf"))
def pytest_runtest_teardown(item):
    if time.monotonic() > end:
        item.session.shouldstop = "SECONDS are over"
def pytest_warning_recorded(warning_message, nodeid):
    if issubclass(warning_message.category, MutationWarning):
        found.append([warning_message.filename, warning_message.lineno, str(warning_message.message)])
def pytest_sessionfinish():
    with open(os.environ["ALARMS"], "w") as file:
        json.dump(found, file)
"""
MODE = "strict violations=warn mutations=warn to_numpy=allow to_torch=allow"


def run(command, checkout, *paths, **environment):
    """Run Python in a checkout; return the last line that it prints."""
    path = os.pathsep.join([*map(str, paths), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *command],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout.splitlines() or done.stderr.splitlines() or [""])[-1]


def expanded(checkout, folder, arguments):
    """Return the operations that expand both operands: file, line and text of each."""
    file = folder / "log.json"
    options = ("--broadcasting", "-q", "--keep", "0", "--json", str(file))
    print(run(["sekisho", "crossings", *options, "-m", *arguments], checkout, checkout))
    for row in json.loads(file.read_text("utf-8"))["broadcasts"]:
        text = f"{row['operation']}: {row['one']} and {row['other']} give {row['shape']}"
        yield row["file"], row["line"], text


def mutated(checkout, folder, package, arguments):
    """Return the arguments that were changed in place: file, line and text of each."""
    (folder / "alarms_plugin.py").write_text(PLUGIN, "utf-8")
    file = folder / "found.json"
    options = (
        "-p",
        "alarms_plugin",
        "-o",
        f"sekisho_mode={MODE}",
        "-o",
        f"sekisho_packages={package}",
    )
    print(run([*arguments, *options], checkout, checkout, folder, ALARMS=str(file)))
    if file.exists():  # not if pytest has found no test
        yield from json.loads(file.read_text("utf-8"))


def collect(what, checkout, package, *arguments):
    """Run a suite, and add what is new to the list."""
    checkout = Path(checkout).resolve()
    known = json.loads(ALARMS.read_text("utf-8")) if ALARMS.exists() else []
    pytest = ("pytest", "-q", "-p", "no:cacheprovider", *arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = (
            expanded(checkout, folder, pytest)
            if what == "broadcasting"
            else mutated(checkout, folder, package, pytest)
        )
        for file, line, text in found:
            path = Path(file)
            short = path.relative_to(checkout) if path.is_relative_to(checkout) else path.name
            row = {"package": package, "what": what, "file": str(short), "line": line}
            if not any(row.items() <= each.items() for each in known):
                known.append({**row, "text": text, "verdict": "", "why": ""})
                print(f"{short}:{line}: {text}\n")
    ALARMS.write_text(json.dumps(known, indent=1) + "\n", "utf-8")


def table():
    """Print how many alarms each package has, and how many are real."""
    known = json.loads(ALARMS.read_text("utf-8"))
    print("| package | option | alarms | real | meant |\n|---|---|---|---|---|")
    for key in dict.fromkeys((each["package"], each["what"]) for each in known):
        rows = [each for each in known if (each["package"], each["what"]) == key]
        count = Counter(each["verdict"] for each in rows)
        print(f"| {key[0]} | `{key[1]}` | {len(rows)} | {count['real']} | {count['meant']} |")


if __name__ == "__main__":
    table() if sys.argv[1:] == ["table"] else collect(*sys.argv[1:])
