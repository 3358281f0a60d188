"""Compare `sekisho map` with the facts: run a package's tests, and record the world of each local.

    python benchmarks/truth.py [--with FOLDER/tests] FOLDER/PACKAGE -- -m pytest FOLDER/tests

The modules of the package are rewritten at import: after each statement that binds names, and at
the start of each function for its parameters, a call records what the name holds. So each pair of a
line and a name is compared; a name that holds different values at two lines counts twice. Lines
that the tests never run are not compared, nor names that were always None. A NumPy number is not an
array: both labels, NumPy's and none, count as right.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import json
import os
import runpy
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

NOTE = "__sekisho_note__"


# --- in the process that runs the tests


class Rewriter(ast.NodeTransformer):
    """Adds a recording call after all statements that bind a local."""

    depth = 0

    def visit_FunctionDef(self, node):
        self.depth += 1
        args = node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        notes = [note(each.lineno, each.arg) for each in every]
        node.body = self.block(node.body)
        has_docstring = ast.get_docstring(node, clean=False) is not None
        node.body[has_docstring:has_docstring] = notes
        self.depth -= 1
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast requires this name

    def block(self, body):
        found = []
        for each in body:
            found.append(self.visit(each))
            if self.depth and isinstance(each, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                if not (isinstance(each, ast.AnnAssign) and each.value is None):
                    found += [note(*name) for target in targets for name in names_in(target)]
        return found

    def generic_visit(self, node):
        for field in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, field, None), list):
                setattr(node, field, self.block(getattr(node, field)))
        for handler in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            handler.body = self.block(handler.body)
        if self.depth and isinstance(node, (ast.For, ast.AsyncFor)):
            node.body[:0] = [note(*name) for name in names_in(node.target)]
        if self.depth and isinstance(node, (ast.With, ast.AsyncWith)):
            targets = [item.optional_vars for item in node.items if item.optional_vars is not None]
            node.body[:0] = [note(*name) for target in targets for name in names_in(target)]
        return node


def names_in(target):
    for each in ast.walk(target):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.lineno, each.id


def note(line, name):
    call = ast.Call(
        ast.Name(NOTE, ast.Load()),
        [ast.Constant(line), ast.Constant(name), ast.Name(name, ast.Load())],
        [],
    )
    return ast.Expr(call)


class Finder(importlib.abc.MetaPathFinder):
    def __init__(self, roots, seen):
        self.roots, self.seen = roots, seen

    def find_spec(self, name, path, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            return None
        origin = os.path.realpath(spec.origin)
        if not any(origin.startswith(root) for root in self.roots):
            return None
        spec.loader = Loader(name, spec.origin, self.seen)
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, seen):
        super().__init__(name, path)
        self.seen = seen

    def get_code(self, fullname):
        tree = ast.parse(self.get_data(self.path))
        Rewriter().block([])
        rewriter = Rewriter()
        tree.body = rewriter.block(tree.body)
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def exec_module(self, module):
        module.__dict__[NOTE] = make_note(os.path.realpath(self.path), self.seen)
        super().exec_module(module)


def make_note(path, seen):
    mine = seen.setdefault(path, {})
    kinds = {}

    def noted(line, name, value):
        kind = type(value)
        world = kinds.get(kind)
        if world is None:
            world = kinds[kind] = world_of(kind)
        key = (line, name)
        if key in mine:
            mine[key].add(world)
        else:
            mine[key] = {world}

    return noted


def world_of(kind):
    """Return the world by the class, since a test may patch the installed libraries."""
    for base in kind.__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        if name == "numpy.ndarray":
            return "numpy"
        if name == "numpy.generic":
            return "number"
        if name == "torch.Tensor":
            return "torch"
        if name in {"jaxlib._jax.ArrayImpl", "jax.Array"}:
            return "jax"
    return "None" if kind is type(None) else "other"


def trace(out, roots, command):
    seen = {}
    sys.meta_path.insert(0, Finder([os.path.realpath(root) for root in roots], seen))
    module = command[0] == "-m"
    sys.argv = command[1:] if module else command
    sys.path.insert(0, os.getcwd())
    try:
        if module:
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        rows = [
            (path, line, name, sorted(worlds))
            for path, mine in seen.items()
            for (line, name), worlds in mine.items()
        ]
        Path(out).write_text(json.dumps(rows))


# --- in the process that compares


def compare(truth, variables):
    """Return how many claims are right, how many arrays are claimed, and which claims are wrong."""
    claimed = {}
    for each in variables:
        key = (os.path.realpath(each["file"]), each["line"], each["name"])
        claimed.setdefault(key, set()).add(each["world"])
    count = Counter()
    wrong, missed = [], []
    for path, line, name, worlds in truth:
        real = set(worlds) - {"None"}
        if not real:
            continue  # an optional value that no test passes: there is nothing to compare
        said = claimed.get((path, line, name), {"unknown"})
        said = next(iter(said)) if len(said) == 1 else " | ".join(sorted(said))
        arrays = real - {"other", "number"}
        words = set(said.split(" | "))
        claims = "unknown" not in words
        count["arrays"] += bool(arrays)
        count["claimed arrays"] += bool(arrays) and claims
        if not claims:
            if arrays:
                missed.append((path, line, name, sorted(real), said))
            continue
        names = words & {"numpy", "torch", "jax"}
        right = arrays <= names
        if names:
            count["claims of a world"] += 1
            # Values other than arrays must be labelled, too: as a container, or as none.
            right = right and ("other" not in real or words != names or bool(arrays))
            right = right and ("number" not in real or "numpy" in words or words != names)
            count["right of a world"] += right
        else:
            count["claims of none"] += 1
        count["right" if right else "wrong"] += 1
        if not right:
            wrong.append((path, line, name, sorted(real), said))
    return count, wrong, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", help="its folder")
    parser.add_argument("--with", dest="more", action="append", default=[], help="mapped as well")
    parser.add_argument("--keep", type=Path, help="where the truth is kept, and taken from")
    parser.add_argument("--show", type=int, default=0, help="how many mistakes to print")
    parser.add_argument("--json", type=Path, help="write the figures")
    parser.add_argument("command", nargs="...")
    options = parser.parse_args()
    command = [each for each in options.command if each != "--"]
    kept = options.keep
    if kept is None or not kept.exists():
        out = kept or Path(tempfile.mkdtemp()) / "truth.json"
        run = [sys.executable, __file__, "--trace", str(out), options.package, "--", *command]
        subprocess.run(run, check=False)
        kept = out
    truth = json.loads(kept.read_text())
    figures = {}
    for label, paths in (
        ("alone", [options.package]),
        ("with its tests", [options.package, *options.more]),
    ):
        target = Path(tempfile.mkdtemp()) / "map.json"
        run = [sys.executable, "-m", "sekisho", "map", *paths, "--json", str(target), "--quiet"]
        subprocess.run(run, check=True)
        variables = json.loads(target.read_text())["variables"]
        count, wrong, missed = compare(truth, variables)
        claims = count["right"] + count["wrong"]
        worlds = count["claims of a world"]
        print(
            f"{Path(options.package).name}, {label}: {len(truth):,} locals ran, {count['arrays']:,} "
            f"held arrays; {count['claimed arrays'] / max(1, count['arrays']):.1%} of these claimed; "
            f"of {worlds:,} claims of a world {count['right of a world'] / max(1, worlds):.2%} right, "
            f"of all {claims:,} claims {count['right'] / max(1, claims):.2%}"
        )
        figures[label] = {"locals": len(truth), **count}
        for name, rows in (("wrong", wrong), ("missed", missed)):
            for path, line, local, real, said in rows[: options.show]:
                print(f"  {name} {path}:{line} {local}: {'/'.join(real)}, said {said}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--trace"]:
        end = sys.argv.index("--")
        trace(sys.argv[2], sys.argv[3:end], sys.argv[end + 1 :])
    else:
        main()
