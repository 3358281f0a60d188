"""The log of crossings: a table, records, a flowchart, a page, and the command that prints it."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho import Crossing, CrossingLog


def crossing(function="load", place="argument 'x'", **changes):
    values = {
        "function": function,
        "place": place,
        "source": "numpy",
        "target": "torch",
        "dtype": "float32",
        "shape": (250,),
        "source_device": "cpu",
        "target_device": "cpu",
        "nbytes": 1000,
        "copied": None,
        "seconds": 0.001,
        "filename": "a.py",
        "line": 1,
        "home": "torch",
    }
    return Crossing(**{**values, **changes})


LOG = CrossingLog(
    [
        crossing(),
        crossing(copied="it is read-only"),
        crossing(copied="it has a negative stride"),
        crossing("to_numpy", source="torch", target="numpy", source_device="cuda:0", home=None),
        crossing("plot", "the result", source="torch", target="numpy", home="torch"),
    ]
)


def test_the_table_has_a_row_for_what_is_alike_at_a_line_and_totals():
    rule = "-" * 124 + "\n"
    assert str(LOG) == (
        "crossings  in        by            from -> to                           count  bytes    ms  how\n"
        + rule
        + "a.py:1     load      argument 'x'  numpy -> torch (float32)                 1   1 kB  1.00  shared\n"
        "a.py:1     load      argument 'x'  numpy -> torch (float32)                 1   1 kB  1.00  "
        "copied: it is read-only\n"
        "a.py:1     load      argument 'x'  numpy -> torch (float32)                 1   1 kB  1.00  "
        "copied: it has a negative stride\n"
        "a.py:1     to_numpy  argument 'x'  torch cuda:0 -> numpy cpu (float32)      1   1 kB  1.00  shared\n"
        "a.py:1     plot      the result    torch -> numpy (float32)                 1   1 kB  1.00  shared\n"
        + rule
        + "total                                                                       5   5 kB  5.00"
    )


def test_a_terminal_gets_a_table_of_rich():
    pytest.importorskip("rich")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    hinted = crossing(
        "[bold]",
        "torch.tensor",
        copied="torch.tensor always copies",
        source_dtype="float32",
        seconds=1,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "160")
        CrossingLog([*LOG, hinted]).print(terminal, top=3)
    text = terminal.getvalue()
    assert "┏" in text
    assert "[bold]" in text
    assert "hint: torch.from_numpy shares the memory" in " ".join(text.split())
    assert "3 more lines" in text
    plain = io.StringIO()
    CrossingLog(LOG).print(plain)
    assert plain.getvalue() == f"{LOG}\n"


def test_what_a_log_has_beyond_an_earlier_state_of_itself():
    log = CrossingLog([crossing(), crossing(line=2)], keep=10)
    later = CrossingLog([crossing(line=3), *log, crossing(line=2), crossing(line=2)])
    beyond = later.since(log)
    assert [(row.line, row.count) for row in beyond.rows] == [(2, 2), (3, 1)]
    assert [each.line for each in beyond] == [3, 2, 2]


def test_what_is_alike_in_several_processes_is_shown_as_one_row():
    log = CrossingLog(
        [
            crossing(process="DataLoader worker 0"),
            crossing(process="DataLoader worker 1"),
            crossing(line=2, process="DataLoader worker 1"),
        ]
    )
    assert [(row.line, row.count, row.process) for row in log.merged().rows] == [
        (1, 2, "2 processes"),
        (2, 1, "DataLoader worker 1"),
    ]
    assert len(log.rows) == 3
    assert "2   2 kB  2.00  shared, in 2 processes" in str(log)
    assert log.to_html().count("in 2 processes") == 1
    assert len(log.to_annotations()) == 2


def test_a_log_is_bounded():
    log = CrossingLog((crossing(seconds=1.0) for _ in range(100)), keep=3)
    assert (len(log), len([*log]), len(log.rows), log.rows[0].seconds) == (100, 3, 1, 100.0)


def test_a_program_without_tensors_is_told_what_was_looked_at():
    code = (
        "import numpy as np, sekisho as sk\n"
        "with sk.record_crossings(everywhere=True) as log:\n    np.ones(3).sum()\n"
        "print(log)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == (
        "Nothing crossed. Looked at: 1 process, in which no library with arrays beside NumPy "
        "was imported.\n"
    )


def test_records_are_plain_dicts():
    records = LOG.to_records()
    assert len(records) == 5
    assert records[1]["copied"] == "it is read-only"
    assert all(type(record) is dict for record in records)


def test_logs_add_up():
    assert len(LOG + LOG) == 10
    assert (LOG + CrossingLog()).nbytes == LOG.nbytes


def test_the_flowchart_has_functions_in_their_world_and_labelled_arrows():
    assert (
        LOG.to_mermaid()
        == """\
flowchart LR
    subgraph numpy [NumPy]
        numpy_values([values])
    end
    subgraph torch [PyTorch]
        torch_values([values])
        f0["load"]
        f2["plot"]
    end
    f1{{"to_numpy"}}
    numpy_values -- "x: 3 x, 3,000 bytes, shared and copied" --> f0
    torch_values --> f1
    f1 -- "x: 1 x, 1,000 bytes, shared" --> numpy_values
    f2 -- "the result: 1 x, 1,000 bytes, shared" --> numpy_values
"""
    )


def test_an_empty_log_says_so_and_what_was_looked_at():
    assert str(CrossingLog()) == (
        "Nothing crossed. Looked at: the guards and helpers of sekisho in this thread; "
        "record_crossings(everywhere=True) looks at the whole program."
    )
    assert CrossingLog().to_mermaid().startswith("flowchart LR\n")


SCRIPT = """\
import sys
import numpy as np, torch
import sekisho as sk

@sk.torch_world
def double(x: torch.Tensor):
    return x * 2

double(np.ones(3))
print(sys.argv[1:])
if "fail" in sys.argv:
    sys.exit(3)
"""


@pytest.mark.parametrize("arguments", [[], ["--flag", "fail"]])
def test_the_command_runs_a_script_and_prints_its_table(arguments, tmp_path, torch):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "sekisho", "crossings", str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == (3 if arguments else 0), done.stderr
    assert done.stdout == f"{arguments}\n"
    lines = done.stderr.splitlines()
    assert lines[1].startswith("crossings ")
    assert re.search(
        r"script.py:9 +double +argument 'x' +numpy -> torch .float64. +1 +24 B +\S+ +\S+%  shared, declared$",
        lines[3],
    )
    assert lines[5].startswith("total")


def test_the_command_says_what_is_wrong():
    command = [sys.executable, "-m", "sekisho", "crossings", "missing.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "there is no script 'missing.py'" in done.stderr


def test_quick_and_slow_crossings_log_the_same(torch):
    def f(x): ...

    f.__annotations__ = {"x": Float[np.ndarray, "n m"]}
    quick, slow = sk.numpy_world(f), sk.numpy_world(copy=None, on_foreign="convert")(f)
    with sk.record_crossings() as log:
        quick(torch.zeros(2, 3))
        slow([torch.zeros(2, 3)][0])
        sk.numpy_world(f)(torch.zeros(3, 2).T)
    first, second, _ = (each._replace(seconds=0, line=0) for each in log)
    assert first == second
    assert first.home == "numpy"


# --- the page -------------------------------------------------------------------------------------


@pytest.fixture
def log(tmp_path):
    source = tmp_path / "<train>.py"
    source.write_text("import torch\n\nx = 1 < 2\nt = torch.from_numpy(a)\n" + "y = 1\n" * 20)
    here = {"filename": str(source), "line": 4, "home": None, "declared": False}
    log = CrossingLog(
        [
            crossing("<lambda>", "torch.from_numpy", nbytes=3_000_000, **here),
            crossing("train", "torch.from_numpy", nbytes=1_000_000, **here),
            crossing(
                "train",
                "torch.Tensor.numpy",
                source="torch",
                target="numpy",
                source_device="cuda:0",
                nbytes=10,
                **here,
            ),
            crossing("train", "torch.Tensor.item", source="torch", target="python", **here),
            crossing("fit & see", "jax.device_put", target="jax", nbytes=1_000_000, **here),
        ]
    )
    log.add_row(log.rows[0])
    return log


class Tags(HTMLParser):
    """Checks that tags are closed, in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))


def tags_of(text):
    parser = Tags()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser.seen


def test_the_page_asks_for_nothing_and_is_well_formed(log):
    text = log.to_html()
    assert not re.search(r"https?:|src=|@import|<script|url\(", text)
    names = {tag for tag, _ in tags_of(text)}
    assert {"svg", "path", "table", "details", "pre"} <= names
    assert not names & {"lambda", "train"}
    assert "&lt;lambda&gt;" in text
    assert "fit &amp; see" in text
    assert "x = 1 &lt; 2" in text


def test_arrows_are_as_wide_as_their_bytes(log):
    paths = [attributes for tag, attributes in tags_of(log.to_html()) if tag == "path"]
    tall = [float(re.search(r" v([\d.]+) ", path["d"])[1]) for path in paths]
    # Half of the crossings go in, half go out. The lambda's row appears twice.
    assert tall[: len(tall) // 2] == tall[len(tall) // 2 :]
    by_lambda, by_train, back, by_fit = tall[: len(tall) // 2]
    assert by_lambda == pytest.approx(6 * by_train, rel=1e-2)
    assert by_fit == by_train
    assert 0 < back < by_train


def test_the_lines_of_the_source_have_their_crossings_beside_them(log):
    text = log.to_html()
    lines = re.findall(r"<span class='at'><i>(\d+)</i>(.*?)</span>", text)
    assert [number for number, _ in lines] == ["4"]
    assert lines[0][1].startswith(
        "t = torch.from_numpy(a)<b>← numpy -&gt; torch (float32), 2 x, 6 MB</b>"
    )
    numbers = re.findall(r"<i>(\d+)</i>", text)
    assert numbers == ["1", "2", "3", "4", "5", "6", "7"]


def test_a_notebook_shows_the_tables(log):
    text = log._repr_html_()
    assert [tag for tag, _ in tags_of(text)].count("table") == 2
    assert "Nothing crossed. Looked at" in CrossingLog()._repr_html_()
    tags_of(CrossingLog().to_html())
    assert repr(log) == "<CrossingLog of 6 crossings at 5 lines>"


def test_an_annotation_is_a_line_with_its_place(log):
    lines = log.to_annotations(log.rows[:1])
    assert len(lines) == 4  # Python's own numbers do not count, unless they make the run fail
    assert lines[0].startswith("::error file=")
    assert ",line=4,title=numpy -> torch (float32)::torch.from_numpy in <lambda>: " in lines[0]
    assert all(line.startswith("::notice ") for line in lines[1:])
    copying = {"copied": "torch.tensor always copies", "source_dtype": "float32"}
    hinted = CrossingLog([crossing(place="torch.tensor", **copying)])
    (line,) = hinted.to_annotations()
    assert "%0Ahint: torch.from_numpy shares the memory" in line
    assert "\n" not in line


@pytest.mark.parametrize(("size", "scheme"), [("1200,900", "light"), ("390,844", "dark")])
def test_the_page_opens_in_a_browser_without_a_word_in_its_console(
    log, look, tmp_path, size, scheme
):
    page = tmp_path / "page.html"
    # Append a script to the page that tests how the page looks.
    asks = (
        "<script>const style = getComputedStyle(document.documentElement);"
        "document.title = [style.backgroundColor, document.documentElement.scrollWidth"
        " <= innerWidth, document.querySelectorAll('path').length].join(' | ')</script></body>"
    )
    page.write_text(log.to_html().replace("</body>", asks), "utf-8")
    prefers = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    shown = look(page.as_uri(), f"--window-size={size}", prefers)
    paper = "rgb(20, 23, 27)" if scheme == "dark" else "rgb(255, 255, 255)"
    assert f"<title>{paper} | true | 8</title>" in shown
