"""Check contracts that `sekisho adopt` wrote against tests that it has not seen.

    python benchmarks/held_out.py FOLDER/PACKAGE [--seed N ...] -- FOLDER/tests ...

The package is copied with all files beside it. ``adopt --write`` runs with a random third of the
tests. Then all tests run under the guards, as a user's calls would. Each test that passed before
and fails now is counted, with the claim that rejected it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

FLAGS = ["-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:sekisho", "-p", "no:randomly"]
CLAIMS = (
    ("rank", r"(has|have) \d+ (axis|axes), not"),
    ("size", r"axis -?\d+ of .* is \d+, (not|but)|axis '.*' is"),
    ("dtype", r"dtype|expected \w+\[.*got (float|int|uint|bool|complex|bfloat)"),
    ("none", r"got None"),
    ("world", r"world|PyTorch only|NumPy only|cannot be converted"),
)


def claim_of(text):
    return next((name for name, pattern in CLAIMS if re.search(pattern, text)), "class")


class Trial:
    """A copy of a package and of the files beside it, in which tests and ``adopt`` run."""

    def __init__(self, options):
        top = (options.top or options.package.parent).resolve()
        self.package = options.package.resolve().relative_to(top)
        self.work = Path(tempfile.mkdtemp()) / "copy"
        unread = shutil.ignore_patterns(".git", "__pycache__")
        shutil.copytree(top, self.work, ignore=unread, symlinks=True)
        places = [self.work / self.package.parent, self.work, os.environ.get("PYTHONPATH", "")]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
        self.interpreter = options.python

    def python(self, *words, **more):
        return subprocess.run(
            [self.interpreter, "-W", "ignore", *words],
            cwd=self.work,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    def passed(self, names, **more):
        (self.work / "names.txt").write_text("\n".join(names))
        found = self.python("-m", "pytest", *FLAGS, "-rA", "--tb=no", "@names.txt", **more)
        return set(re.findall(r"^PASSED (\S+.*?)\s*$", found.stdout, re.MULTILINE)), found


def tests_of(options, places):
    """Return the tests that pass for the unchanged package."""
    trial = Trial(options)
    listed = trial.python("-m", "pytest", *FLAGS, "--collect-only", *places).stdout
    tests = [line for line in listed.splitlines() if "::" in line and not line.startswith("ERROR")]
    if not tests:
        sys.exit(f"pytest collects no tests:\n{listed[-2000:]}")
    if options.most:
        tests = random.Random(99).sample(tests, min(options.most, len(tests)))  # noqa: S311 - a choice of tests
    before, _ = trial.passed(tests)
    shutil.rmtree(trial.work.parent)
    return sorted(before)


def hold(options, tests, seed):
    """Adopt with a third of the tests, and run all of them."""
    trial = Trial(options)
    seen = random.Random(seed).sample(tests, max(1, len(tests) // 3))  # noqa: S311 - a choice of tests
    (trial.work / "names.txt").write_text("\n".join(seen))
    adopt = ["-m", "sekisho", "adopt", str(trial.package), "--write", "--force", "--"]
    done = trial.python(*adopt, options.python, "-m", "pytest", *FLAGS, "@names.txt")
    said = done.stderr.splitlines()
    print(next((x for x in reversed(said) if x.startswith("sekisho:")), done.stderr[-2000:]))
    print(next((x for x in said if re.match(r"\d+ functions", x)), "nothing written"))
    print(sum("taken out" in line for line in said), "taken out while writing", flush=True)
    refusals = trial.work / "refusals"
    after, found = trial.passed(tests, SEKISHO_REFUSALS=str(refusals), SEKISHO_MODE=options.mode)
    lines = refusals.read_text("utf-8").splitlines() if refusals.exists() else []
    rows = {(row["function"], row["place"]): row["text"] for row in map(json.loads, lines)}
    kinds = Counter(claim_of(text) for text in rows.values())
    kept = after & {*tests}
    print(
        f"{trial.package}, seed {seed}: {len(seen)} of {len(tests)} tests traced; of all, "
        f"{len(kept)} pass under the guards ({len(kept) / len(tests):.4f}); "
        f"contracts broken: {dict(kinds)}"
    )
    if options.show:
        print("\n".join(f"    {f}, {p}: {text[:260]}" for (f, p), text in rows.items()))
        lost = sorted({*tests} - after)
        print("\n".join(f"    fails: {name}" for name in lost[:12]))
        if lost and not rows:
            print(found.stdout[-1500:], found.stderr[-1500:])
    if options.keep:
        shutil.copytree(trial.work, options.keep / f"{trial.package.name}-{seed}", symlinks=True)
    shutil.rmtree(trial.work.parent)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", type=Path, help="its folder")
    parser.add_argument("--python", default=sys.executable, help="that has the package's libraries")
    parser.add_argument("--top", type=Path, help="what is copied; else what the package stands in")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the choice of tests")
    parser.add_argument("--most", type=int, default=0, help="take so many tests only; 0 for all")
    parser.add_argument("--show", action="store_true", help="print what was refused")
    parser.add_argument("--mode", default="convert", help="the mode of the guards afterwards")
    parser.add_argument("--keep", type=Path, help="where the adopted copies are kept")
    arguments = sys.argv[1:]
    at = arguments.index("--")
    options = parser.parse_args(arguments[:at])
    tests = tests_of(options, arguments[at + 1 :])
    for seed in options.seed:
        hold(options, tests, seed)


if __name__ == "__main__":
    main()
