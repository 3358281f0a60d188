"""The checkers that static.py compares: the form in which each reads a page, and how it is run."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple


class Peer(NamedTuple):
    """A checker.

    Attributes:
        title: the title in the table.
        run: returns its findings' lines, and lines with what it says of an array.
        needs: the annotations that it needs.
        form: writes the page in the form that it reads.
        shown: returns which library and which axes it knows, by place and name; None if `run` says it.
    """

    title: str
    run: Any
    needs: str
    form: Any = str
    shown: Any = None


def marked(text):
    """Return the first and last line of each statement that raises."""
    statements = [x for x in ast.walk(ast.parse(text)) if isinstance(x, ast.stmt)]
    found = []
    for line, shown in enumerate(text.splitlines(), 1):
        if "# raises: " in shown:
            around = [x for x in statements if x.lineno <= line <= x.end_lineno]
            smallest = min(around, key=lambda x: x.end_lineno - x.lineno)
            found.append((smallest.lineno, smallest.end_lineno))
    return found


# --- forms of the page


def revealing(text, names):
    """Return the page with `reveal_type` for each name, in front of its mistake."""
    lines = text.splitlines()
    for place, (first, _) in enumerate(marked(text)):
        indent = " " * (len(lines[first - 1]) - len(lines[first - 1].lstrip()))
        calls = [f"{indent}reveal_type({x.name})\n" for x in names if x.place == place]
        lines[first - 1] = "".join(calls) + lines[first - 1]
    return "\n".join(lines) + "\n"


def bare(text):
    """Return the page without annotations."""
    lines = text.splitlines()
    spans = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.arg) and node.annotation:
            start = node.col_offset + len(node.arg)
            spans.append((node.annotation.end_lineno, start, node.annotation.end_col_offset))
        elif isinstance(node, ast.FunctionDef) and node.returns:
            line, end = node.returns.end_lineno, node.returns.end_col_offset
            spans.append((line, lines[line - 1].rindex(" ->", 0, end), end))
    for line, start, end in sorted(spans, reverse=True):
        lines[line - 1] = lines[line - 1][:start] + lines[line - 1][end:]
    return "\n".join(lines) + "\n"


def for_pyrefly(text):
    """Declare each function's axes: without it Pyrefly reads no shape of jaxtyping's."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            hints = [*(x.annotation for x in node.args.args), node.returns]
            axes = re.findall(r"'([^']*)'", " ".join(ast.unparse(x) for x in hints if x))
            names = sorted({x for x in " ".join(axes).split() if x.isidentifier()})
            indent = " " * node.col_offset
            if names:
                declared = f'{indent}@static_jaxtyping("{" ".join(names)}")\n'
                lines[node.lineno - 1] = declared + lines[node.lineno - 1]
    return "from shape_extensions import static_jaxtyping\n" + "\n".join(lines) + "\n"


def for_torchshapeflow(text):
    """Write jaxtyping's annotations in the form that torchshapeflow reads."""

    def spelled(found):
        axes = ", ".join(x if x.isdigit() else repr(x) for x in found[2].split())
        return f"Annotated[{found[1]}, Shape({axes})]"

    imports = "from typing import Annotated; from torchshapeflow import Shape"
    text = text.replace("from jaxtyping import Float", imports)
    return re.sub(r'Float\[([\w.]+), "([^"]*)"\]', spelled, text)


# --- the checkers


class Runner:
    """Runs the checkers on a file."""

    def __init__(self, options, folder):
        self.options, self.folder = options, folder

    def _run(self, program, *words):
        command = [Path(self.options.programs) / program, *map(str, words)]
        cache = {"SEKISHO_CACHE_DIR": str(self.folder / "cache")}
        environment = {**os.environ, **cache, "NO_COLOR": "1"}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        return done.stdout

    def sekisho(self, path):
        shown = self._run(sys.executable, "-m", "sekisho", "check", path, "--format", "json")
        return [x["line"] for x in json.loads(shown)["findings"]], []

    def map(self, path, names):
        """Return the libraries that `map` knows, by place and name."""
        facts = self.folder / "map.json"
        self._run(sys.executable, "-m", "sekisho", "map", path, "--json", facts, "--quiet")
        known = json.loads(facts.read_text("utf-8"))
        spans = marked(path.read_text("utf-8"))
        worlds = {}
        for each in names:
            line = spans[each.place][1]
            function = max(
                (x for x in known["functions"] if x["line"] <= line), key=lambda x: x["line"]
            )
            inside = [x for x in known["variables"] if function["line"] <= x["line"] <= line]
            said = function["parameters"] | {x["name"]: x["world"] for x in inside}
            worlds[each.place, each.name] = said.get(each.name, "")
        return worlds, {}

    def mypy(self, path):
        # A body without annotations is checked only on request.
        words = ("--check-untyped-defs", "--no-incremental", "--python-executable", sys.executable)
        return _split(re.findall(r":(\d+): (\w+): (.*)", self._run("mypy", *words, path)))

    def basedpyright(self, path):
        settings = {"typeCheckingMode": "standard", "include": [path.name]}
        (self.folder / "pyrightconfig.json").write_text(json.dumps(settings))
        words = ("--outputjson", "--pythonpath", sys.executable)
        found = json.loads(self._run("basedpyright", *words))["generalDiagnostics"]
        return _split((x["range"]["start"]["line"] + 1, x["severity"], x["message"]) for x in found)

    def ty(self, path):
        words = ("--python", sys.prefix, "--output-format", "concise")
        return _split(
            re.findall(r":(\d+):\d+: (\w+)\S* (.*)", self._run("ty", "check", *words, path))
        )

    def pyrefly(self, path, *stubs):
        words = ["--preset", "default", "--output-format", "json"]
        words += ["--python-interpreter-path", sys.executable]
        for each in (*stubs, sysconfig.get_path("purelib")):
            words += ["--site-package-path", each]
        found = json.loads(self._run("pyrefly", "check", path, *words))["errors"]
        return _split(
            (x["line"], "note" if x["name"] == "reveal-type" else "error", x["description"])
            for x in found
        )

    def pyrefly_stubs(self, path):
        return self.pyrefly(path, self.options.stubs)

    def torchtyc(self, path):
        # Its lines count from 0, as an editor's do.
        return [x["line"] + 1 for x in self._torchtyc(path)], []

    def torchtyc_hints(self, path, names):
        """Return the axes that its findings name, and those of `trace`; all arrays are tensors to it."""
        spans, axes = marked(path.read_text("utf-8")), {}
        for each in self._torchtyc(path):
            for place, (first, last) in enumerate(spans):
                if first <= each["line"] + 1 <= last:
                    for name, shape in re.findall(r"(\w+) is \(([^)]*)\)", each["hint"] or ""):
                        axes[place, name] = split_axes(shape)
        for place, title in enumerate(self.options.functions):
            words = ("trace", f"{path}::{title}", "--python", sys.executable)
            for name, shape in re.findall(
                r"^  (\w+) +: \((.*)\)", self._run("torchtyc", *words), re.MULTILINE
            ):
                axes[place, name] = split_axes(shape)
        return {}, axes

    def _torchtyc(self, path):
        words = ("--format", "json", "--python", sys.executable)
        return json.loads(self._run("torchtyc", "check", *words, path))["diagnostics"]

    def torchshapeflow(self, path):
        return [x["line"] for x in self._torchshapeflow(path)["diagnostics"]], []

    def torchshapeflow_hovers(self, path, names):
        """Return the axes that it shows in an editor; it knows tensors alone."""
        spans, axes = marked(path.read_text("utf-8")), {}
        for each in self._torchshapeflow(path)["hovers"]:
            place = next((at for at, (_, last) in enumerate(spans) if each["line"] <= last), None)
            axes[place, each["name"]] = split_axes(each["shape"].strip("[]"))
        return {}, axes

    def _torchshapeflow(self, path):
        return json.loads(self._run("tsf", "check", "--json", path))["files"][0]


def _split(rows):
    """Return the lines of findings, and what was revealed by line."""
    rows = [(int(line), severity, text) for line, severity, text in rows]
    lines = [line for line, severity, _ in rows if severity == "error"]
    return lines, [
        (line, text) for line, severity, text in rows if severity not in {"error", "warning"}
    ]


def split_axes(shape):
    return [x.strip() for x in shape.split(",") if x.strip()]


HINTS = "jaxtyping's annotations"
PEERS = (
    Peer("**sekisho check**, `map`", Runner.sekisho, f"nothing; reads {HINTS}", shown=Runner.map),
    Peer("Pyrefly", Runner.pyrefly, "nothing; reads each type"),
    Peer("Pyrefly, its stubs", Runner.pyrefly_stubs, "the same"),
    Peer(
        "Pyrefly, its stubs, axes declared",
        Runner.pyrefly_stubs,
        f"{HINTS}, and `@static_jaxtyping` on each function",
        for_pyrefly,
    ),
    Peer("ty", Runner.ty, "types"),
    Peer("mypy", Runner.mypy, "types"),
    Peer("basedpyright", Runner.basedpyright, "types"),
    Peer("torchtyc", Runner.torchtyc, f"{HINTS}; it imports and runs", shown=Runner.torchtyc_hints),
    Peer(
        "torchshapeflow",
        Runner.torchshapeflow,
        "its own `Annotated[torch.Tensor, Shape(...)]`",
        for_torchshapeflow,
        Runner.torchshapeflow_hovers,
    ),
)
