"""The pictures of the README: a border, drawn from a log; what the commands print; and the editor.

``python docs/pictures.py`` makes them anew in docs/images; tests/test_pictures.py holds that they are
what is printed now, but for seconds. Each is one SVG that loads nothing, light or dark as the reader's
machine is.
"""

from __future__ import annotations

import importlib
import keyword
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import numpy as np
import torch  # noqa: TC002 - the guards read it
from jaxtyping import Float32, UInt8  # noqa: TC002 - likewise

import sekisho as sk

IMAGES = Path(__file__).parent / "images"
ROOT = Path(__file__).parent.parent

STYLE = """\
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #24292f }
.page { fill: #f6f8fa; stroke: #d0d7de } .prompt { font-weight: bold } .title { font-size: 17px }
.numpy { fill: #4c78a8; stroke: #4c78a8 } .torch { fill: #d4502f; stroke: #d4502f } .small { font-size: 11px }
text.numpy, text.torch { stroke: none } .gate { stroke: #57606a; stroke-width: 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .page { fill: #161b22; stroke: #30363d }
  .numpy { fill: #79a8d8; stroke: #79a8d8 } .torch { fill: #ff8f6b; stroke: #ff8f6b } .gate { stroke: #9da7b3 }
}
"""


def svg(width: int, height: int, title: str, parts: list[str], style: str = STYLE) -> str:
    """A picture of a size in pixels."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">'
    )
    page = f'<rect class="page" x="1" y="1" width="{width - 2}" height="{height - 2}" rx="8"/>'
    return "\n".join([head, f"<style>\n{style}</style>", page, *parts, "</svg>", ""])


# --- what is printed -------------------------------------------------------------------------------

COLUMN, LINE, MARGIN = 7.8, 18, 16

SCORES = """\
import numpy as np
import torch


def load(count):
    rng = np.random.default_rng(0)
    return rng.random((count, 8, 8), dtype=np.float32)


def score(scans):
    batch_np = torch.from_numpy(scans)[:, None]
    return torch.conv2d(batch_np, torch.ones(1, 1, 3, 3)).amax((1, 2, 3))


def rank(scores):
    return np.argsort(scores.numpy())[::-1]
"""
GUARDED = """\
import numpy as np
from jaxtyping import Float32

import sekisho as sk


@sk.numpy_world
def normalise(images: Float32[np.ndarray, "n h w"]) -> Float32[np.ndarray, "n h w"]:
    return (images - images.mean()) / images.max()
"""
TEST = """\
from scores import load, rank, score


def test_rank():
    for count in (4, 7):
        assert rank(score(load(count))).shape == (count,)
"""


class Printed(NamedTuple):
    """A command, as it is typed, and what it is run on."""

    command: str
    files: dict[str, str]

    def run(self, folder: Path) -> str:
        """What the command prints; its own lines alone."""
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        words = self.command.replace("pytest --", "python -m pytest --").split()
        quiet = ["-q", "-p", "no:cacheprovider"] if "pytest" in words else []
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "110"}
        environment.pop("CI", None)  # pytest sums up at length where it is set
        done = subprocess.run(  # noqa: S603 - its own commands
            [sys.executable, *words[1:], *quiet],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        return _own_lines(done.stdout + done.stderr)


def _own_lines(printed: str) -> str:
    """Without what pytest prints of itself."""
    noise = re.compile(r"^(\.|F|\.F|=+ .*|FAILED .*|\d+ (passed|failed).*)( +\[100%\])?$")
    return "\n".join(line for line in printed.splitlines() if not noise.match(line)).strip("\n")


COMMANDS = {
    "crossings": Printed(
        "python -m sekisho crossings -m pytest", {"scores.py": SCORES, "test_scores.py": TEST}
    ),
    "map": Printed("python -m sekisho map scores.py", {"scores.py": SCORES}),
    "check": Printed("python -m sekisho check scores.py", {"scores.py": SCORES}),
    "adopt": Printed(
        "python -m sekisho adopt scores.py -- -m pytest",
        {"scores.py": SCORES, "test_scores.py": TEST},
    ),
    "fuzz": Printed("pytest --sekisho-fuzz=guarded", {"guarded.py": GUARDED}),
}


def terminal(command: str, printed: str) -> str:
    """A command and what it printed."""
    lines = [f"$ {command}", "", *printed.splitlines()]
    width = max(map(len, lines))
    parts = []
    for number, line in enumerate(lines):
        if line.strip():
            y = MARGIN + LINE * number + 12
            kind = ' class="prompt"' if number == 0 else ""
            if re.match(r"[+-](?![+-])", line):
                kind = ' class="numpy"' if line[0] == "+" else ' class="torch"'
            parts.append(
                f'<text{kind} x="{MARGIN}" y="{y}" xml:space="preserve" '
                f'textLength="{len(line) * COLUMN:.0f}" lengthAdjust="spacingAndGlyphs">{escape(line)}</text>'
            )
    size = (int(width * COLUMN) + 2 * MARGIN, LINE * len(lines) + 2 * MARGIN)
    return svg(*size, f"what {command} prints", parts)


# --- the border ------------------------------------------------------------------------------------


@sk.numpy_world
def preprocess(image: UInt8[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "3 h w"]:
    """NumPy's side."""
    return np.ascontiguousarray(sk.channels_first(image), dtype=np.float32) / np.float32(255)


@sk.boundary
def upload(image: Float32[np.ndarray, "c h w"]) -> Float32[torch.Tensor, "1 c h w"]:
    """The way in."""
    return sk.add_batch_dim(sk.to_torch(image))


@sk.torch_world
def forward(batch: Float32[torch.Tensor, "b c h w"]) -> Float32[torch.Tensor, "b h w"]:
    """PyTorch's side."""
    return batch.mean(1).softmax(-1)


@sk.numpy_world
def brightest(scores: Float32[np.ndarray, "b h w"]) -> int:
    """NumPy's side again: its argument crosses."""
    return int(scores.argmax())


def border() -> str:
    """The two worlds, and what crossed between them in a run of these four functions."""
    image = np.zeros((32, 64, 3), np.uint8)
    with sk.record_crossings() as log:
        scores: Any = forward(upload(preprocess(image)))
        brightest(scores)
    width, middle, top = 760, 380, 96
    parts = [
        '<text class="title numpy" x="40" y="44">NumPy</text>',
        f'<text class="title" x="{middle}" y="36" text-anchor="middle">関所</text>',
        f'<text class="small" x="{middle}" y="54" text-anchor="middle">sekisho</text>',
        f'<text class="title torch" x="{width - 40}" y="44" text-anchor="end">PyTorch</text>',
    ]
    stays = {"numpy": "preprocess()", "torch": "forward()"}
    bottom = top + 62 * len(log)
    for number, crossing in enumerate(log):
        y = top + 62 * number
        inward = crossing.target == "torch"
        x0, x1 = (210, width - 222) if inward else (width - 210, 222)
        head = x1 + (12 if inward else -12)
        how = "memory shared" if crossing.copied is None else f"copied: {crossing.copied}"
        how = f"{crossing.nbytes:,} bytes, {how}"
        size = ", ".join(map(str, crossing.shape))
        what = f"{crossing.function}()  {crossing.dtype}[{size}]"
        parts += [
            f'<line class="{crossing.target}" x1="{x0}" y1="{y}" x2="{x1}" y2="{y}" stroke-width="2"/>',
            f'<polygon class="{crossing.target}" points="{x1},{y - 6} {head},{y} {x1},{y + 6}"/>',
            f'<text x="{middle}" y="{y - 9}" text-anchor="middle">{what}</text>',
            f'<text class="small" x="{middle}" y="{y + 17}" text-anchor="middle">{how}</text>',
            f'<text class="numpy" x="40" y="{y + 4}">{stays["numpy"] if inward else "brightest()"}</text>',
            f'<text class="torch" x="{width - 40}" y="{y + 4}" text-anchor="end">{stays["torch"]}</text>',
        ]
    for x in (middle - 140, middle + 140):
        parts.insert(
            0,
            f'<line class="gate" x1="{x}" y1="64" x2="{x}" y2="{bottom - 28}" stroke-dasharray="2 5"/>',
        )
    return svg(width, bottom - 8, "what crosses between NumPy and PyTorch", parts)


# --- the editor ------------------------------------------------------------------------------------

TYPED = """\
import numpy as np
import torch
from jaxtyping import Float


def load(count: int) -> Float[np.ndarray, "n h w"]:
    rng = np.random.default_rng(0)
    return rng.random((count, 64, 64))


def score(count: int, net: torch.nn.Conv2d):
    scans = load(count)
    batch_np = torch.from_numpy(scans)
    scores = net(batch_np[:, None])
    return scores.amax((1, 2, 3)), scans.unsqueeze(1)
"""
POINTED = (14, 37)
"""The line and the column that the pointer is over, from 0."""

EDITOR_STYLE = f"""\
{STYLE}\
.number {{ fill: #8c959f }} .word {{ fill: #8250df }} .hint {{ fill: #57606a; font-size: 12px }}
.error {{ fill: #cf222e }} .warning {{ fill: #9a6700 }} .under {{ fill: none; stroke-width: 1.2 }}
.under.error {{ stroke: #cf222e }} .under.warning {{ stroke: #bf8700 }} .badge {{ fill: #eaeef2 }}
.card {{ fill: #ffffff; stroke: #d0d7de }}
@media (prefers-color-scheme: dark) {{
  .number {{ fill: #6e7681 }} .word {{ fill: #d2a8ff }} .hint {{ fill: #9da7b3 }} .badge {{ fill: #272e37 }}
  .error {{ fill: #ff7b72 }} .warning {{ fill: #e3b341 }} .card {{ fill: #1f2630; stroke: #444c56 }}
  .under.error {{ stroke: #ff7b72 }} .under.warning {{ stroke: #e3b341 }} .under {{ fill: none }}
}}
"""


class Answers(NamedTuple):
    """What `sekisho server` tells an editor of a file."""

    diagnostics: list[dict[str, Any]]
    hints: list[tuple[int, int, str]]
    hover: str


def ask_server(text: str) -> Answers:
    """Start the server as an editor does, open a file, and ask."""
    sys.path.insert(0, str(ROOT / "tests" / "editor"))
    client_of = importlib.import_module("client").Client
    with tempfile.TemporaryDirectory() as folder:
        client = client_of(folder, Path(folder, "cache"), source=ROOT / "src")
        client.initialize(capabilities={"textDocument": {"diagnostic": {}}})
        uri = client.open("scores.py", text)
        found = client.pull(uri)["items"]
        answers = Answers(found, client.hints(uri), client.hover(uri, *POINTED))
        client.stop()
        client.kill()
    return answers


def editor() -> str:
    """A file as an editor shows it, with all that the server has answered."""
    answers = ask_server(TYPED)
    parts: list[str] = []
    width, x0 = 0.0, MARGIN + 4 * COLUMN
    lines = TYPED.splitlines()
    for number, line in enumerate(lines):
        y = MARGIN + LINE * number + 12
        inside = sorted(hint[1:] for hint in answers.hints if hint[0] == number)
        places = [(*each, len(each[1]) + 1) for each in inside]
        parts.append(written(f"{number + 1:>2}", MARGIN, y, "number"))

        def across(column: int, places: Any = places) -> float:
            """Where a column is, behind the hints in front of it."""
            return x0 + COLUMN * (column + sum(wide for at, _, wide in places if at < column))

        for match in re.finditer(r"\S+?(?=\W|$)|\S", line):
            kind = "word" if keyword.iskeyword(match[0]) else ""
            parts.append(written(match[0], across(match.start()), y, kind))
        end = across(len(line))
        for at, label, _ in places:
            x = across(at) + COLUMN / 2
            size = f'width="{len(label) * COLUMN:.0f}" height="{LINE - 3}"'
            parts.append(f'<rect class="badge" x="{x - 2:.0f}" y="{y - 12}" {size} rx="3"/>')
            parts.append(written(label, x, y, "hint", COLUMN * 0.94))
            end = max(end, x + len(label) * COLUMN)
        for each in answers.diagnostics:
            start, stop = each["range"]["start"], each["range"]["end"]
            if start["line"] == number:
                kind = "error" if each["severity"] == 1 else "warning"
                parts.append(wave(across(start["character"]), across(stop["character"]), y, kind))
                message = f"■ {each['message'].splitlines()[0]}"
                parts.append(written(message, end + 2 * COLUMN, y, kind))
                end += (2 + len(message)) * COLUMN
        width = max(width, end)
    bottom = MARGIN + LINE * len(lines)
    parts += card(answers.hover, x0 + COLUMN * POINTED[1], bottom + 2)
    size = (int(width) + MARGIN, bottom + LINE * (len(answers.hover.splitlines()) + 1) + MARGIN)
    return svg(*size, "what an editor shows with sekisho server", parts, EDITOR_STYLE)


def written(text: str, x: float, y: float, kind: str, column: float = COLUMN) -> str:
    """A text in columns of one width."""
    name = f' class="{kind}"' if kind else ""
    return (
        f'<text{name} x="{x:.1f}" y="{y:.0f}" xml:space="preserve" textLength="{len(text) * column:.1f}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )


def wave(start: float, end: float, y: float, kind: str) -> str:
    """The line under what a diagnostic is about."""
    steps = "".join(f" l 2 {-2 if step % 2 else 2}" for step in range(int((end - start) / 2)))
    return f'<path class="under {kind}" d="M {start:.1f} {y + 3:.1f}{steps}"/>'


def card(text: str, x: float, y: float) -> list[str]:
    """What is shown while the pointer is over a name: Markdown, of which only the signs go."""
    lines = [re.sub(r"[`*]", "", line) for line in text.splitlines()]
    size = f'width="{(max(map(len, lines)) + 2) * COLUMN:.0f}" height="{LINE * len(lines) + 10}"'
    parts = [f'<rect class="card" x="{x:.0f}" y="{y:.0f}" {size} rx="5"/>']
    for number, line in enumerate(lines):
        if line:
            kind = "" if number else "prompt"
            parts.append(written(line, x + COLUMN, y + LINE * number + 17, kind))
    return parts


def pictures() -> dict[str, str]:
    """Each picture, by its name."""
    made = {"border": border()}
    for name, each in COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            made[name] = terminal(each.command, each.run(Path(folder)))
    return made


if __name__ == "__main__":
    for name, text in {**pictures(), "editor": editor()}.items():
        (IMAGES / f"{name}.svg").write_text(text, encoding="utf-8")
