"""Compare engines for `sekisho check`: today's inference, a type checker, and both together.

    python benchmarks/engines.py --checker PYREFLY --stubs FOLDER [--packages FOLDER] [--write]

PYREFLY is the program of Pyrefly 1.4. The first FOLDER holds pyrefly-torch-stubs and
pyrefly-numpy-stubs, which need not be installed beside torch. It measures the planted mistakes (tests/planted/raising), the repaired programs, and each
package in the second FOLDER. --write puts the tables into docs/engines.md. --sample N writes N
findings of each package into benchmarks/judged.json, to be judged by hand: useful, noise or false.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from collisions import collides, names_arrays
from judging import SOURCES, judged_table, sample
from operands import OPERANDS, PROBE, is_known, probed
from shadow import annotate

from sekisho.__main__ import main as sekisho_main

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "planted"))

from plants import read_plants  # noqa: E402 - it is in tests/

PAGE = ROOT / "docs" / "engines.md"
STYLE = {"SK101", "SK102", "SK103", "SK104", "SK105", "SK106", "SK110"}
"""The codes about code that runs; the others say that it fails where the libraries meet."""


class Found(NamedTuple):
    """A finding of any engine: `raises` if it says that the libraries collide."""

    path: str
    line: int
    end: int
    name: str
    message: str
    raises: bool


class Engine(NamedTuple):
    """A combination of tools that produces findings.

    Attributes:
        title: the title in the tables.
        check: whether `sekisho check` runs.
        checker: whether Pyrefly runs.
        stubs: whether Pyrefly reads its own stubs; otherwise the libraries' own types.
        shadow: whether Pyrefly also reads what `sekisho map` has inferred.
    """

    title: str
    check: bool = False
    checker: bool = False
    stubs: bool = False
    shadow: bool = False


ENGINES = (
    Engine("check", check=True),
    Engine("Pyrefly", checker=True),
    Engine("Pyrefly, its stubs", checker=True, stubs=True),
    Engine("check + Pyrefly", check=True, checker=True),
    Engine("check + Pyrefly, its stubs", check=True, checker=True, stubs=True),
    Engine("Pyrefly on annotated copy", checker=True, shadow=True),
    Engine("Pyrefly on annotated copy, its stubs", checker=True, stubs=True, shadow=True),
    Engine("check + annotated copy", check=True, checker=True, shadow=True),
    Engine("check + annotated copy, its stubs", check=True, checker=True, stubs=True, shadow=True),
)


class Runner:
    """Runs the programs of the engines on files."""

    def __init__(self, options, cache):
        self.options = options
        self.warm = False
        self.environment = {**os.environ, "SEKISHO_CACHE_DIR": str(cache)}

    def _sekisho(self, *words):
        """Run a command: in its own process if it is timed, otherwise in this process, kept warm."""
        if not self.warm:
            command = [sys.executable, "-m", "sekisho", *map(str, words)]
            done = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, check=False
            )
            assert done.returncode in {0, 1}, done.stderr
            return done.stdout
        os.environ.update(self.environment)
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            sekisho_main([*map(str, words)])
        return shown.getvalue()

    def check(self, path):
        found = json.loads(self._sekisho("check", path, "--format", "json"))["findings"]
        return [
            Found(x["file"], x["line"], x["line"], x["code"], x["message"], x["code"] not in STYLE)
            for x in found
        ]

    def checker(self, paths, *, stubs):
        """Run Pyrefly on files, or on one package, beside which it finds the package's own modules."""
        folders = [*[self.options.stubs] * stubs, sysconfig.get_path("purelib")]
        command = [self.options.checker, "check", *map(str, paths), "--preset", "default"]
        command += ["--search-path", str(Path(paths[0]).parent)]
        command += ["--output-format", "json", "--python-interpreter-path", sys.executable]
        for each in folders:
            command += ["--site-package-path", each]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout)["errors"]
        return [
            Found(
                *(x["path"], x["line"], x["stop_line"], x["name"]),
                *(x["description"], collides(x["name"], x["description"])),
            )
            for x in found
        ]

    def map(self, path):
        """Return what `sekisho map` has inferred."""
        with tempfile.TemporaryDirectory() as name:
            facts = Path(name) / "map.json"
            self._sekisho("map", path, "--json", facts, "--quiet")
            return json.loads(facts.read_text("utf-8"))

    def shadow(self, path, target):
        """Write the annotated copy of a file or a folder."""
        known = self.map(path)
        functions, variables = defaultdict(list), defaultdict(list)
        for each in known["functions"]:
            functions[each["file"]].append(each)
        for each in known["variables"]:
            variables[each["file"]].append(each)
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            text = file.read_text("utf-8")
            copy = target if path.is_file() else target / file.relative_to(path)
            copy.parent.mkdir(parents=True, exist_ok=True)
            annotated = annotate(text, functions[str(file)], variables[str(file)])
            ast.parse(annotated)
            copy.write_text(annotated, "utf-8")


# --- the planted mistakes


def statement(text, line):
    """Return the lines of the smallest statement around a line."""
    spans = [
        (node.end_lineno - node.lineno, node.lineno, node.end_lineno)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.stmt) and node.lineno <= line <= node.end_lineno
    ]
    return min(spans)[1:]


def run_plants(runner, folder):
    """Return for each engine the mistakes found, and its findings in the repaired programs."""
    plants = read_plants()
    sources = defaultdict(list)
    for state in ("bad", "good"):
        for plant in plants:
            path = folder / state / f"{plant.name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(getattr(plant, state), "utf-8")
            copy = folder / "shadow" / state / path.name
            runner.shadow(path, copy)
            sources[state, "check"] += runner.check(path)
        for kind, where in (("plain", folder / state), ("shadow", folder / "shadow" / state)):
            paths = sorted(where.glob("*.py"))
            for stubs in (False, True):
                sources[state, kind, stubs] = runner.checker(paths, stubs=stubs)
    return plants, sources


def operands_table(runner, folder):
    """Return for how many arrays at the planted mistakes each engine knows the library."""
    plants = [plant for plant in read_plants() if plant.name in OPERANDS]
    known = defaultdict(set)
    for plant in plants:
        path = folder / "named" / f"{plant.name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(probed(plant, PROBE + " = {}"), "utf-8")
        for each in runner.map(path)["variables"]:
            if each["name"] == PROBE and is_known(plant, each["world"]):
                known["map"].add(plant.name)
        path = folder / "revealed" / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(probed(plant, "reveal_type({})"), "utf-8")
        runner.shadow(path, folder / "revealed in the copy" / path.name)
    by_name = {plant.name: plant for plant in plants}
    for where, title in (("revealed", "Pyrefly"), ("revealed in the copy", "annotated copy")):
        paths = sorted((folder / where).glob("*.py"))
        for stubs, more in ((False, ""), (True, ", its stubs")):
            for each in runner.checker(paths, stubs=stubs):
                name = Path(each.path).stem
                if each.name == "reveal-type" and is_known(by_name[name], each.message):
                    known[title + more].add(name)
    known["map, or Pyrefly, its stubs"] = known["map"] | known["Pyrefly, its stubs"]
    rows = [f"| what says it | known, of {len(plants)} |", "|---|---|"]
    rows += [f"| {title} | {len(names)} |" for title, names in known.items()]
    print("nobody knows", sorted(by_name.keys() - set().union(*known.values())))
    return rows


def of_engine(sources, state, engine):
    found = list(sources[state, "check"]) if engine.check else []
    if engine.checker:
        found += sources[state, "shadow" if engine.shadow else "plain", engine.stubs]
    return found


def plants_table(plants, sources):
    rows = [
        "| engine | found | of these as a collision | on repaired programs | of these as a collision |"
    ]
    rows.append("|---|---|---|---|---|")
    missed = {}
    for engine in ENGINES:
        on_line = hits(plants, of_engine(sources, "bad", engine))
        good = of_engine(sources, "good", engine)
        missed[engine.title] = [x for x in plants if not on_line.get(x.name)]
        lines = {(x.path, x.line) for x in good}
        false = {(x.path, x.line) for x in good if x.raises}
        rows.append(
            f"| {engine.title} | {len(on_line)} | {sum(on_line.values())} "
            f"| {len(lines)} | {len(false)} |"
        )
    return rows, missed


def hits(plants, found):
    """Return the names of the mistakes found, and whether a finding says that the libraries collide."""
    by_name = defaultdict(list)
    for each in found:
        by_name[Path(each.path).stem].append(each)
    on_line = {}
    for plant in plants:
        first, last = statement(plant.bad, plant.line)
        mine = [x for x in by_name[plant.name] if x.line <= last and x.end >= first]
        if mine:
            on_line[plant.name] = any(x.raises for x in mine)
    return on_line


def kinds_table(plants, sources):
    """Return which engines find the two mistakes of each kind as a collision."""
    shown = [ENGINES[at] for at in (0, 1, 2, 6, 8)]
    rows = [f"| kind | {' | '.join(x.title for x in shown)} |", "|---" * (len(shown) + 1) + "|"]
    found = [hits(plants, of_engine(sources, "bad", engine)) for engine in shown]
    for kind in sorted({plant.kind for plant in plants}):
        mine = [plant.name for plant in plants if plant.kind == kind]
        counts = (str(sum(each.get(name, False) for name in mine)) for each in found)
        rows.append(f"| {kind} | {' | '.join(counts)} |")
    return rows


# --- packages


def edit(folder):
    """Put a statement into the body of a function, in the largest file."""
    path = max(folder.rglob("*.py"), key=lambda each: each.stat().st_size)
    mark = f"        edited = {time.time()}\n        return "
    path.write_text(path.read_text("utf-8").replace("        return ", mark, 1), "utf-8")


def timed(call, *arguments, **options):
    """Return the CPU seconds of all child processes, which other work on the machine hardly affects."""
    start = os.times()
    found = call(*arguments, **options)
    end = os.times()
    used = (each - before for each, before in zip(end[2:4], start[2:4], strict=True))
    return found, sum(used)


def run_package(runner, package, folder):
    """Return the findings of each source, and CPU seconds cold and after an edit."""
    copy = folder / package.name
    shutil.copytree(package, copy)
    shadow = folder / "shadow" / package.name
    rows, seconds = {}, {}
    _, cold_map = timed(runner.shadow, copy, shadow)
    for name, call in (
        ("check", lambda: runner.check(copy)),
        ("plain", lambda: runner.checker([copy], stubs=False)),
        ("plain, stubs", lambda: runner.checker([copy], stubs=True)),
        ("shadow", lambda: runner.checker([shadow], stubs=False)),
        ("shadow, stubs", lambda: runner.checker([shadow], stubs=True)),
    ):
        if name == "check":  # exclude what `map` has cached
            shutil.rmtree(runner.environment["SEKISHO_CACHE_DIR"])
        rows[name], seconds[name] = timed(call)
    edit(copy)
    again = {
        "check": timed(runner.check, copy)[1],
        "plain": timed(runner.checker, [copy], stubs=False)[1],
        "plain, stubs": timed(runner.checker, [copy], stubs=True)[1],
    }
    edit(copy)
    _, again["map"] = timed(runner.shadow, copy, shadow)
    again["shadow"] = timed(runner.checker, [shadow], stubs=False)[1]
    again["shadow, stubs"] = timed(runner.checker, [shadow], stubs=True)[1]
    seconds["map"] = cold_map
    moved = {
        name: [
            x._replace(path=x.path.partition(f"{folder.name}/")[2].removeprefix("shadow/"))
            for x in found
        ]
        for name, found in rows.items()
    }
    return moved, seconds, again


def packages_table(results):
    rows = [
        "| package | lines | engine | findings | that name an array | collisions | cold, s | after an edit, s |"
    ]
    rows.append("|---|---|---|---|---|---|---|---|")
    for name, (lines, found, cold, again) in results.items():
        for source, title in SOURCES.items():
            mine = found[source]
            arrays = len(mine) if source == "check" else sum(names_arrays(x.message) for x in mine)
            collisions = len({(x.path, x.line) for x in mine if x.raises})
            # The annotated copy has to be made first.
            more = "map" if source.startswith("shadow") else None
            rows.append(
                f"| {name} | {lines:,} | {title} | {len(mine)} | {arrays} | {collisions} "
                f"| {cold[source] + cold.get(more, 0):.1f} | {again[source] + again.get(more, 0):.1f} |"
            )
    return rows


# --- the page


def put(page, mark, rows, program="benchmarks/engines.py"):
    begin, end = f"<!-- {mark}: written by {program} -->", f"<!-- end of {mark} -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n" + "\n".join(rows) + f"\n{end}{rest.split(end)[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checker", required=True, help="Pyrefly's program")
    parser.add_argument("--stubs", required=True, help="a folder with its stubs")
    parser.add_argument("--packages", type=Path, help="a folder of packages")
    parser.add_argument("--sample", type=int, default=0, help="of findings to be judged")
    parser.add_argument("--write", action="store_true", help="the tables into docs/engines.md")
    options = parser.parse_args()
    tables = {"judged": judged_table()}
    with tempfile.TemporaryDirectory(prefix="engines") as name:
        folder = Path(name)
        runner = Runner(options, folder / "cache")
        runner.warm = True
        plants, sources = run_plants(runner, folder / "plants")
        tables["operands"] = operands_table(runner, folder / "operands")
        runner.warm = False
        tables["planted"], missed = plants_table(plants, sources)
        tables["kinds"] = kinds_table(plants, sources)
        for title, rows in missed.items():
            print(f"{title} does not find {len(rows)}: {', '.join(x.name for x in rows)}")
        results = {}
        for package in sorted(options.packages.iterdir()) if options.packages else ():
            lines = sum(x.read_bytes().count(b"\n") for x in package.rglob("*.py"))
            shutil.rmtree(folder / "cache", ignore_errors=True)
            results[package.name] = (lines, *run_package(runner, package, folder))
            print(package.name, flush=True)
        if results:
            tables["packages"] = packages_table(results)
        if options.sample:
            sample(results, options.sample)
            tables["judged"] = judged_table()
    for mark, rows in tables.items():
        print("\n".join(["", mark, *rows]))
    if options.write:
        page = PAGE.read_text("utf-8")
        for mark, rows in tables.items():
            page = put(page, mark, rows)
        PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
