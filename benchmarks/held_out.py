"""Hold contracts that `sekisho adopt` wrote against tests that it has not seen.

    python benchmarks/held_out.py FOLDER/PACKAGE [--python PYTHON] -- FOLDER/tests/test_a.py ...

The package is copied with all that stands beside it. Every other test file is run by ``adopt --write``,
which must end green; then all files run under the guards, and each contract that refuses a value
is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FLAGS = ["-q", "-p", "no:cacheprovider", "-p", "no:sekisho"]


def outcome(done):
    found = re.findall(r"(\d+) (passed|failed|error)", done.stdout)
    return {word: int(number) for number, word in found}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", type=Path, help="its folder")
    parser.add_argument("--python", default=sys.executable, help="that has the package's libraries")
    parser.add_argument("--top", type=Path, help="what is copied; else what the package stands in")
    parser.add_argument("--show", action="store_true", help="print what was refused")
    arguments = sys.argv[1:]
    at = arguments.index("--")
    options = parser.parse_args(arguments[:at])
    files = sorted(arguments[at + 1 :])
    seen, unseen = files[::2], files[1::2]
    top = options.top or options.package.parent
    work = Path(tempfile.mkdtemp()) / "copy"
    shutil.copytree(top, work, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    package = options.package.resolve().relative_to(top.resolve())

    def pytest(names, **environment):
        command = [options.python, "-m", "pytest", *FLAGS, *names]
        path = os.pathsep.join([str(work / package.parent), str(work)])
        return subprocess.run(
            command,
            cwd=work,
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    before = {name: outcome(pytest(names)) for name, names in (("seen", seen), ("unseen", unseen))}
    path = os.pathsep.join([str(work / package.parent), str(work)])
    adopt = [options.python, "-m", "sekisho", "adopt", str(package), "--write", "--force", "--"]
    done = subprocess.run(
        [*adopt, options.python, "-m", "pytest", *FLAGS, *seen],
        cwd=work,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stderr.splitlines()
    print(
        next((line for line in reversed(said) if line.startswith("sekisho:")), done.stderr[-2000:])
    )
    wrote = next((line for line in said if re.match(r"\d+ functions", line)), None)
    print(wrote or f"nothing written\n{done.stdout[-6000:]}", flush=True)
    print(sum("taken out" in line for line in said), "taken out while writing")
    refusals = work / "refusals"
    after = {}
    for name, names in (("seen", seen), ("unseen", unseen)):
        refusals.unlink(missing_ok=True)
        guarded = pytest(names, SEKISHO_MODE="strict", SEKISHO_REFUSALS=str(refusals))
        after[name] = outcome(guarded)
        lines = refusals.read_text("utf-8").splitlines() if refusals.exists() else []
        rows = [json.loads(line) for line in lines]
        places = {(row["function"], row["place"]): row["text"] for row in rows}
        print(
            f"{name}: {before[name]} before, {after[name]} under the guards, {len(places)} contracts broken"
        )
        if options.show:
            for (function, place), text in places.items():
                print(f"    {function}, {place}: {text[:200]}")


if __name__ == "__main__":
    main()
