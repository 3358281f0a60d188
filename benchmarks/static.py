"""Compare `sekisho check` with other programs that find mistakes without running the code.

    python benchmarks/static.py --stubs FOLDER [--programs FOLDER] [--write]

All read one page of code, page.py, with twelve mistakes. First this program proves that each marked line
raises. --stubs is a folder with pyrefly-torch-stubs, pyrefly-numpy-stubs and pyrefly-shape-extensions,
which the other checkers must not see. --programs has the checkers; otherwise they are beside the Python that
runs this. --write puts the table into docs/comparison.md. How to install them: docs/comparison.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import page as running
import torch
from engines import put, timed
from operands import WORLDS
from static_peers import PEERS, Runner, bare, marked, revealing, split_axes

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "comparison.md"
TEXT = (HERE / "page.py").read_text("utf-8")
LIBRARIES = {"numpy": WORLDS["array"], "torch": WORLDS["tensor"]}
ROWS = [[1.0, 2.0], [3.0, 4.0]]
CALLS = {
    "Head.forward": lambda page: page.Head(4, 2)(torch.ones(8, 4)),
    "attend": lambda page: page.attend(torch.ones(4, 3), torch.ones(4, 3)),
    "blend": lambda page: page.blend(torch.ones(4, 5), torch.ones(4, 5, 3)),
    "whiten": lambda page: page.whiten(np.ones((4, 3)), np.ones((3, 2))),
    "error": lambda page: page.error(torch.ones(4, 3), np.ones((4, 3), np.float32)),
    "threshold": lambda page: page.threshold(torch.ones(4, 5)),
    "normalise": lambda page: page.normalise(np.ones((4, 3))),
    "collate": lambda page: page.collate(ROWS),
    "report": lambda page: page.report(ROWS),
    "predict": lambda page: page.predict(ROWS),
    "distances": lambda page: page.distances(5),
    "histogram": lambda page: page.histogram(),
}
"""A call of each function that has a mistake."""

REPAIRS = {
    "self.project(columns)": "self.project(columns.T)",
    "query @ key": "query @ key.T",
    "gray + turned": "gray + turned.T",
    "weight @ centred": "centred @ weight",
    "mse_loss(difference, target)": "mse_loss(difference, torch.from_numpy(target))",
    "mask.astype(torch.float32)": "mask.float()",
    "keepdim=True": "keepdims=True",
    "torch.stack([first, second])": "np.stack([first, second])",
    "np.round(loss, 3)": "np.round(loss.detach().numpy(), 3)",
    "features.unsqueeze(0)": "features[None]",
    "torch.ones(4, 2)": "torch.ones(4, 3)",
    "np.ones((4, 5))": "np.ones((3, 5))",
}
"""What stands on the page, and what repairs it."""
ABSENT = (
    "| Dimspector | not measured | | | | | | there is its source alone, at its commit of December 2025; "
    "the Rust packages that it is built from could not be fetched on 27 November 2026 |"
)


class Name(NamedTuple):
    """A name that holds an array where a mistake is.

    Attributes:
        place: the number of the mistake on the page, from 0.
        name: the name.
        world: the library of its value.
        shape: the shape of its value.
    """

    place: int
    name: str
    world: str
    shape: tuple[int, ...]


# --- what is true


def prove():
    """Run each function, and return the names that hold arrays where it raises.

    Raises:
        AssertionError: if a function raises nowhere or elsewhere, or a marked line is not reached.
    """
    names, reached, places = [], set(), [last for _, last in marked(TEXT)]
    for title, call in CALLS.items():
        try:
            call(running)
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            own = [x for x in frames(error) if x[0].f_code.co_filename == running.__file__]
        else:
            raise AssertionError(f"{title} does not raise")
        frame, line = own[-1]
        assert line in places, f"{title} raises in line {line}"
        reached.add(line)
        for name, value in frame.f_locals.items():
            for world, kind in (("numpy", np.ndarray), ("torch", torch.Tensor)):
                if isinstance(value, kind):
                    names.append(Name(places.index(line), name, world, tuple(value.shape)))
    assert reached == set(places), f"no call reaches lines {set(places) - reached}"
    return sorted(names, key=lambda x: x.place)


def repaired():
    """Return the page without its mistakes, having run each of its functions."""
    text = TEXT
    for wrong, right in REPAIRS.items():
        assert text.count(wrong) == 1, wrong
        text = text.replace(wrong, right)
    page = ModuleType("repaired")
    exec(text, vars(page))
    for call in CALLS.values():
        call(page)
    return text


def frames(error):
    trace = error.__traceback__
    while trace:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def found(lines, text):
    """Return the places of mistakes on whose statement a finding is, and the number of others."""
    spans = marked(text)
    hit = {at for at, (first, last) in enumerate(spans) for x in lines if first <= x <= last}
    return hit, sum(not any(first <= x <= last for first, last in spans) for x in set(lines))


def told(notes, text, names):
    """Return the libraries and axes in the answers to `reveal_type`, by place and name."""
    calls = [at for at, line in enumerate(text.splitlines(), 1) if "reveal_type(" in line]
    worlds, axes = {}, {}
    for line, answer in notes:
        if line in calls:
            each = names[calls.index(line)]
            said = [world for world, pattern in LIBRARIES.items() if re.search(pattern, answer)]
            if len(said) == 1:
                worlds[each.place, each.name] = said[0]
            shape = re.search(r"\[\[([^]]*)\]", answer)
            if shape:
                axes[each.place, each.name] = split_axes(shape[1])
    return worlds, axes


def is_shape(axes, each, sizes):
    """Return whether axes, as numbers and names, are those of an array; names keep their sizes."""
    if len(axes) != len(each.shape):
        return False
    for axis, size in zip(axes, each.shape, strict=True):
        known = int(axis) if axis.isdigit() else sizes.setdefault((each.place, axis), size)
        if axis in {"int", "Any", "?"} or axis.startswith("@") or known != size:
            return False
    return True


def measure(runner, peers, names):
    """Return the rows of the table."""
    kinds = (
        f"mistakes, of {len(CALLS)}",
        *("without annotations", "on the repaired page"),
        *(f"libraries, of {len(names)}", f"shapes, of {len(names)}"),
        *("seconds", "what it needs in your code"),
    )
    rows = [f"| | {' | '.join(kinds)} |", "|---" * (len(kinds) + 1) + "|"]
    for peer in peers:
        texts = {"page": TEXT, "bare": bare(TEXT), "revealing": revealing(TEXT, names)}
        texts["repaired"] = repaired()
        results, seconds = {}, 0.0
        for title, text in texts.items():
            path = runner.folder / f"{title}.py"
            path.write_text(peer.form(text), "utf-8")
            (results[title], notes), used = timed(peer.run, runner, path)
            seconds = used if title == "page" else seconds
        hit, _ = found(results["page"], peer.form(TEXT))
        wrong = len(set(results["repaired"]))
        missed = [title for at, title in enumerate(CALLS) if at not in hit]
        print(f"{peer.title} does not find {', '.join(missed)}", flush=True)
        without, _ = found(results["bare"], peer.form(texts["bare"]))
        if peer.shown:
            worlds, axes = peer.shown(runner, runner.folder / "page.py", names)
        else:
            worlds, axes = told(notes, peer.form(texts["revealing"]), names)
        known = sum(worlds.get((x.place, x.name)) == x.world for x in names)
        sizes = {}
        shapes = sum(is_shape(axes.get((x.place, x.name), ["?"]), x, sizes) for x in names)
        rows.append(
            f"| {peer.title} | {len(hit)} | {len(without)} | {wrong} | {known} | {shapes} "
            f"| {seconds:.1f} | {peer.needs} |"
        )
    return [*rows, ABSENT]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--stubs", required=True, help="a folder with Pyrefly's stubs")
    beside = str(Path(sys.executable).parent)
    parser.add_argument("--programs", default=beside, help="the folder of the checkers")
    parser.add_argument("--write", action="store_true", help="the table into docs/comparison.md")
    options = parser.parse_args(namespace=argparse.Namespace(functions=list(CALLS)))
    names = prove()
    with tempfile.TemporaryDirectory(prefix="static") as name:
        rows = measure(Runner(options, Path(name)), PEERS, names)
    print("\n".join(rows))
    if options.write:
        PAGE.write_text(
            put(PAGE.read_text("utf-8"), "static", rows, "benchmarks/static.py"), "utf-8"
        )


if __name__ == "__main__":
    main()
