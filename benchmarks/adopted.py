"""Compare `sekisho adopt` with authors: strip their annotations, run their tests, compare results.

    python benchmarks/adopted.py FOLDER/PACKAGE -- -m pytest FOLDER/tests

The package is copied, each annotation of a function that names a jaxtyping array is removed, and
the tests run with the functions traced. Recall is the share of the pairs of axes that the author
named equal in one function and that are equal here. Precision is the share of the pairs named equal
here that are equal for the author. Axes that the author left open (``_``, ``...``) form no pairs;
where the author wrote ``*batch`` and the tests have only one rank, each of its axes is compared
with its counterpart. Pairs that are left out here count against the recall.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from sekisho.adoption import Settings, deduce_all, make_plan, read_solution, values_seen
from sekisho.code import Cache
from sekisho.inference import solve
from sekisho.tracer import environment_for, read_journals

WORDS = (
    "Shaped|Bool|U?Int\\d*|Integer|Float\\d*|BFloat16|Complex\\d*|Inexact|Real|Num|Key|PRNGKeyArray"
)
CLASSES = {"Tensor", "ndarray", "Array", "ArrayLike"}
"""An array of some library; a class of the package's own is not one that a guard could be for."""

ARRAY = re.compile(rf"\b({WORDS})\[")


class Stripper(ast.NodeTransformer):
    """Removes annotations with arrays, and remembers them."""

    def __init__(self):
        self.path = []
        self.found = {}

    def visit_ClassDef(self, node):
        self.path.append(node.name)
        self.generic_visit(node)
        self.path.pop()
        return node

    def visit_FunctionDef(self, node):
        name = ".".join([*self.path, node.name])
        self.path += [node.name, "<locals>"]
        self.generic_visit(node)
        del self.path[-2:]
        args = node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        here = {}
        for each in every:
            if each is not None and each.annotation is not None:
                text = text_of(each.annotation)
                if ARRAY.search(text):
                    here[each.arg] = text
                    each.annotation = None
        if node.returns is not None and ARRAY.search(text_of(node.returns)):
            here["return"] = text_of(node.returns)
            node.returns = None
        if here:
            self.found[name] = here
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - ast requires this name


def text_of(annotation):
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return ast.unparse(annotation)


def strip(folder):
    found = {}
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        stripper = Stripper()
        stripper.visit(tree)
        if stripper.found:
            path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n", "utf-8")
            for name, here in stripper.found.items():
                found[os.path.realpath(path), name] = here
    return found


def arrays_in(text):
    """Return the dtype word and axes of each array in an annotation; None if it names no array."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            word = (
                node.value.attr
                if isinstance(node.value, ast.Attribute)
                else getattr(node.value, "id", "")
            )
            first, last = node.slice.elts[0], node.slice.elts[-1]
            kind = ast.unparse(first).rpartition(".")[2]
            if re.fullmatch(WORDS, word) and isinstance(last, ast.Constant):
                found.append((word if kind in CLASSES else "", str(last.value).split()))
    return found


def the_array(text):
    """Return the array of an annotation that is an array, or an array or None; otherwise None."""
    found = arrays_in(text)
    is_plain = not re.search(r"\b(tuple|list|dict|Sequence|Callable|PyTree|Iterator)\[", text)
    return found[0] if found and len(found) == 1 and found[0][0] and is_plain else None


def positions(axes, rank, after):
    """Return each axis by its position, counted from the right so that both sides can be compared.

    Args:
        axes: the words.
        rank: the number of axes on the other side; None if it is open.
        after: the number of axes after the other side's run; None if it has none.
    """
    star = star_of(axes)
    if star is None and after is None:
        return {("right", i - len(axes)): axis for i, axis in enumerate(axes)}
    if star is None:
        # With a certain rank, the other side's run covers that many of these axes.
        before = len(axes) - after
        found = {("right", i - after): axis for i, axis in enumerate(axes[before:])}
        run = tuple(axes[:before])
        return {**found, "run": run if not any(map(is_open, run)) else "_"}
    mine = len(axes) - star - 1
    name = axes[star]
    found = {("right", i - mine): axis for i, axis in enumerate(axes[star + 1 :])}
    if rank is not None:
        for i in range(rank - mine - star):
            found["right", -mine - 1 - i] = "_" if is_open(name) else f"{name}@{i}"
        for i, axis in enumerate(axes[:star]):
            found["right", i - rank] = axis
        return found
    for i, axis in enumerate(axes[:star]):
        found["left", i] = axis
    if mine >= after:  # the other side's run covers some of these axes
        run = (name, *axes[star + 1 : len(axes) - after])
        found["run"] = "_" if any(map(is_open, run)) else run
    else:  # this run covers some of the other side's axes
        for i in range(after - mine):
            found["right", -mine - 1 - i] = "_" if is_open(name) else f"{name}@{i}"
        found["run"] = "_" if is_open(name) else (name, after - mine)
    return found


def placed(author, ours):
    """Return the axes of two annotations of one place, by positions that both have."""

    def rank_and_after(axes):
        star = star_of(axes)
        return (len(axes), None) if star is None else (None, len(axes) - star - 1)

    if (
        star_of(author) is None and star_of(ours) is not None
    ):  # weaker: each axis of the run by itself
        return positions(author, None, None), positions(ours, len(author), None)
    if star_of(author) is not None and star_of(ours) is None:  # each axis of the author's run
        return positions(author, len(ours), None), positions(ours, None, None)
    return positions(author, *rank_and_after(author)), positions(ours, *rank_and_after(author))


def star_of(axes):
    return next((i for i, axis in enumerate(axes) if "*" in axis or axis == "..."), None)


def same(a, b):
    a, b = without_marks(a), without_marks(b)
    return a == b and not is_open(a)


def without_marks(axis):
    """Return an axis, or a run of them, without ``#``: that it broadcasts makes it no other axis."""
    if isinstance(axis, tuple):
        return tuple(without_marks(each) for each in axis)
    return axis.replace("#", "") if isinstance(axis, str) else axis


def is_open(axis):
    return isinstance(axis, str) and (axis == "..." or axis.startswith(("_", "*_")))


def compare(author, choice, ours, count, mistakes):
    both = {}
    for place, text in author.items():
        theirs = the_array(text)
        form = choice.deduced.forms.get(place)
        if theirs is None or form is None or not form.holds_arrays:
            count["no single array" if theirs is None else "no array came"] += 1
            continue
        count["places"] += 1
        held = the_array(ours[place]) if place in ours else None
        if held is None:
            count["left out"] += 1
            both[place] = (placed(theirs[1], theirs[1])[0], {})
            continue
        count[f"dtype {dtype_relation(held[0], theirs[0])}"] += 1
        relation = rank_relation(held[1], theirs[1])
        count[f"ranks {relation}"] += 1
        mine, found = placed(theirs[1], theirs[1] if relation == "wrong" else held[1])
        both[place] = mine, {} if relation == "wrong" else found
    flat_author = {(p, k): t for p, (a, _) in both.items() for k, t in a.items()}
    flat_ours = {(p, k): t for p, (_, o) in both.items() for k, t in o.items()}
    for x, y in itertools.combinations(sorted(flat_author, key=str), 2):
        wanted = same(flat_author[x], flat_author[y])
        got = x in flat_ours and y in flat_ours and same(flat_ours[x], flat_ours[y])
        known = not is_open(flat_author[x]) and not is_open(flat_author[y])
        count["pairs of the author"] += wanted
        count["found"] += wanted and got
        count["pairs here"] += got and known
        count["right"] += wanted and got
        if wanted != got and known:
            name = choice.definition.name
            mistakes.append(("missed" if wanted else "wrong", name, x, y, author, ours))


def rank_relation(ours, author):
    """Whether our number of axes is the author's; "weaker" where we leave it open and he does not."""
    least = len(ours) - 1
    if star_of(author) is not None:
        return "right"
    if star_of(ours) is not None:
        return "weaker" if len(author) >= least else "wrong"
    return "right" if len(ours) == len(author) else "wrong"


def dtype_relation(ours, author):
    if ours == author:
        return "equal"
    order = {
        "Float": ["Float16", "Float32", "Float64", "BFloat16"],
        "Int": ["Int8", "Int16", "Int32", "Int64"],
        "UInt": ["UInt8", "UInt16", "UInt32", "UInt64"],
        "Complex": ["Complex64", "Complex128"],
    }
    order["Integer"] = ["Int", "UInt", *order["Int"], *order["UInt"]]
    order["Inexact"] = ["Float", "Complex", *order["Float"], *order["Complex"]]
    order["Real"] = [*order["Integer"], "Integer", "Float", *order["Float"]]
    order["Num"] = [*order["Real"], *order["Inexact"], "Real", "Inexact"]
    if author == "Shaped" or ours in order.get(author, ()):
        return "narrower"
    return "wider" if ours == "Shaped" or author in order.get(ours, ()) else "another"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", type=Path, help="its folder")
    parser.add_argument("--python", default=sys.executable, help="that has the package's libraries")
    parser.add_argument("--at-least", type=int, default=5, help="different calls")
    parser.add_argument("--show", type=int, default=0, help="how many mistakes to print")
    parser.add_argument("--keep", type=Path, help="where the run is kept, and taken from")
    arguments = sys.argv[1:]
    at = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:at])
    work = options.keep or Path(tempfile.mkdtemp())
    copy = work / options.package.name
    if not (work / "authors.json").exists():
        work.mkdir(parents=True, exist_ok=True)
        for each in options.package.parent.iterdir():  # the tests beside it
            if not each.name.startswith("."):
                target = work / each.name
                if each.is_dir():
                    shutil.copytree(
                        each,
                        target,
                        dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("__pycache__"),
                    )
                else:
                    shutil.copy(each, target)
        authors = strip(copy)
        (work / "journals").mkdir()
        environment = environment_for(work / "journals", [os.path.realpath(copy)])
        command = [options.python, *arguments[at + 1 :]]
        subprocess.run(command, cwd=work, env={**os.environ, **environment}, check=False)
        rows = [[path, name, here] for (path, name), here in authors.items()]
        (work / "authors.json").write_text(json.dumps(rows))
    authors = {
        (path, name): here for path, name, here in json.loads((work / "authors.json").read_text())
    }
    observed, travels = read_journals(work / "journals")
    # As in the command: what inference reads is part of the evidence.
    solution = solve((os.path.realpath(copy),), Cache(), values_seen(observed))
    reading = read_solution(solution, {(each.path, each.name) for each in observed})
    decided = make_plan(deduce_all(observed, travels, reading), Settings())
    seen = {}
    for file in decided.files:
        for choice in file.choices:
            ours = dict(choice.edit.annotations) if choice.edit is not None else {}
            seen[file.path, choice.definition.name] = (choice, ours)
    everything = Counter(), Counter()
    mistakes = []
    for key, author in authors.items():
        choice, ours = seen.get(key, (None, {}))
        if choice is None or choice.definition.why_not:
            continue
        for count, at_least in zip(everything, (options.at_least, 1), strict=True):
            if choice.deduced.different >= at_least:
                count["functions"] += 1
                compare(author, choice, ours, count, mistakes if count is everything[0] else [])
    for kind, name, x, y, author, ours in mistakes[: options.show]:
        print(f"{kind} {name}: {x[0]}{x[1]} ~ {y[0]}{y[1]}")
        for place, text in author.items():
            print(f"    {place}: {text}   here {ours.get(place)}")
    for count, at_least in zip(everything, (options.at_least, 1), strict=True):
        precision = count["right"] / max(1, count["pairs here"])
        recall = count["found"] / max(1, count["pairs of the author"])
        print(
            f"{options.package.name}, {at_least} or more different calls: {count['functions']} of "
            f"{len(authors)} functions, precision {precision:.3f} of {count['pairs here']}, "
            f"recall {recall:.3f} of {count['pairs of the author']}"
        )
        print("   ", dict(count))


if __name__ == "__main__":
    main()
