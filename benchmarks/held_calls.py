"""Check contracts from each third of a package's tests against all calls; nothing is written.

    python benchmarks/held_calls.py FOLDER/PACKAGE [--sample N] -- FOLDER/tests ...

The tests are dealt into three parts, and each part runs once, traced. From each part, contracts are
deduced, as ``adopt`` would write them, and checked against the calls of all parts. ``held_out.py``
runs the tests under the guards instead, and takes four runs for each third.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from held_out import FLAGS

from sekisho.adoption import Settings, deduce_all, make_plan, read_solution, values_seen
from sekisho.adoption.comparing import contradictions
from sekisho.adoption.definitions import find_definitions
from sekisho.adoption.spelling import ModuleSpelling
from sekisho.code import Cache
from sekisho.inference import solve
from sekisho.tracer import environment_for, read_journals
from sekisho.utils import parse

PARTS = 3


def trace(options, places, folder):
    """Run the tests in three parts; return a folder of journals for each."""
    top = (options.top or options.package.parent).resolve()
    paths = [options.package.resolve().parent, top, os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    # Tests are named from the root directory, which pytest may find above the one that it runs in.
    pytest = [options.python, "-W", "ignore", "-m", "pytest", *FLAGS, f"--rootdir={top}"]

    def run(*words, **more):
        return subprocess.run(
            [*pytest, *words],
            cwd=top,
            env={**environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )

    listed = run("--collect-only", *places).stdout.splitlines()
    tests = [line for line in listed if "::" in line and not line.startswith("ERROR")]
    if options.most:
        tests = random.Random(99).sample(tests, min(options.most, len(tests)))  # noqa: S311 - a choice of tests
    random.Random(0).shuffle(tests)  # noqa: S311 - a choice of tests
    for part in range(PARTS):
        journals = folder / str(part)
        journals.mkdir()
        names = folder / "names.txt"
        names.write_text("\n".join(sorted(tests[part::PARTS])))
        done = run(
            "--tb=no", f"@{names}", **environment_for(journals, [str(options.package.resolve())])
        )
        if done.returncode not in {0, 1}:  # 1: some tests fail, as they may have before
            sys.exit(f"part {part}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return len(tests)


def written(root, observed, travels):
    """Return what would be written: the functions with their contracts, by name and path."""
    solution = solve((root,), Cache(), values_seen(observed))
    reading = read_solution(solution, {(each.path, each.name) for each in observed})
    for file in make_plan(deduce_all(observed, travels, reading), Settings()).files:
        tree = parse(file.after.decode())
        spelling = ModuleSpelling(tree)
        definitions = {each.name: each for each in find_definitions(tree, reading.telling)}
        for choice in file.choices:
            definition = definitions.get(choice.definition.name)
            if choice.edit is None or definition is None:
                continue
            new = {**choice.edit.annotations, **choice.edit.refined}
            kept = {name: node for name, node in definition.annotations.items() if name in new}
            yield file.path, definition._replace(annotations=kept), spelling, new


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", type=Path, help="its folder")
    parser.add_argument("--python", default=sys.executable, help="that has the package's libraries")
    parser.add_argument("--top", type=Path, help="where the tests run; else beside the package")
    parser.add_argument("--most", type=int, default=0, help="take so many tests only; 0 for all")
    parser.add_argument("--sample", type=int, default=0, help="print so many annotations")
    arguments = sys.argv[1:]
    at = arguments.index("--")
    options = parser.parse_args(arguments[:at])
    folder = Path(tempfile.mkdtemp())
    tests = trace(options, arguments[at + 1 :], folder)
    parts = [read_journals(folder / str(part)) for part in range(PARTS)]
    counts, broken, every = Counter(), {}, []
    for number, (seen, travels) in enumerate(parts):
        for path, definition, spelling, new in written(
            os.path.realpath(options.package), seen, travels
        ):
            every += [f"{path}: {definition.name}: {name}: {text}" for name, text in new.items()]
            counts["functions"] += 1
            for observed in (each for others, _ in parts for each in others):
                if (observed.path, observed.name) != (path, definition.name):
                    continue
                counts["calls"] += sum(observed.calls.values())
                for line in contradictions(observed, definition, spelling):
                    broken[number, definition.name, line.partition(":")[0]] = line
                    bad = re.search(r"\((\d+) of \d+ calls\)$", line)
                    counts["refused"] += int(bad[1]) if bad else 0
    print(
        f"{options.package.name}: {tests} tests, {PARTS} parts; {counts['functions']} functions, "
        f"{len(every)} annotations; {counts['refused']} of {counts['calls']} calls refused, "
        f"by {len(broken)} contracts"
    )
    for (number, name, _), line in broken.items():
        print(f"    part {number}: {name}: {line}")
    print("\n".join(random.Random(34).sample(every, min(options.sample, len(every)))))  # noqa: S311 - a choice


if __name__ == "__main__":
    main()
