"""``python -m sekisho map``: the table, the data, the page."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.usefixtures("torch")

CODE = '''\
import numpy as np
import torch


class Scaler:
    def fit(self, x: np.ndarray):
        self.mean = x.mean(0)
        return self

    def apply(self, x):
        return (x - self.mean) / 2


def upload(rows: np.ndarray) -> torch.Tensor:
    """Rows < tensors."""
    return torch.from_numpy(rows).float()


def plain(n: int) -> int:
    return n + 1


scaler = Scaler().fit(np.ones((2, 3)))
scaled = scaler.apply(np.ones((2, 3)))
tensor = upload(scaled)
'''

TABLE = """\
main.py: boundary
       class Scaler                              numpy
    6  Scaler.fit                                numpy      (x: numpy) -> none
   10  Scaler.apply                              numpy      (x: numpy) -> numpy   ready for @numpy_world
   14  upload                                    boundary   (rows: numpy) -> torch   ready for @boundary

4 functions in 1 file, 25 lines: 2 numpy, 1 boundary, 1 none
3 are ready for a decorator: 1 for @boundary, 2 for @numpy_world
"""


def test_the_table(project, run_map):
    project.write(CODE)
    status, out, error = run_map("main.py")
    assert (status, error) == (0, "")
    assert out == TABLE.replace("-> none\n", "-> none   ready for @numpy_world\n", 1)


def test_json(project, run_map):
    project.write(CODE)
    run_map("main.py", "--json", "map.json", "--quiet")
    found = json.loads((project.folder / "map.json").read_text())
    assert set(found) == {"modules", "classes", "functions", "variables", "skipped"}
    assert found["modules"] == [{"file": "main.py", "world": "boundary"}]
    assert found["classes"] == [{"file": "main.py", "name": "Scaler", "world": "numpy"}]
    assert found["functions"][2] == {
        "file": "main.py",
        "line": 14,
        "name": "upload",
        "world": "boundary",
        "parameters": {"rows": "numpy"},
        "returns": "torch",
        "declared": None,
        "ready_for": "boundary",
    }
    assert {"file": "main.py", "line": 25, "name": "tensor", "world": "torch"} in found["variables"]


def test_the_page_is_the_source_tinted_and_needs_nothing_else(project, run_map, read_page):
    project.write(CODE)
    run_map(".", "--html", "map.html", "--quiet")
    page = (project.folder / "map.html").read_text()
    assert not re.search(r"(src|href)=['\"](?!data:|#)", page)
    assert "@import" not in page
    reader = read_page(page)
    assert reader.text == CODE, "the source, and all of it"
    marked = {(line, name): title for line, _, name, title in reader.marked}
    assert marked[15 + 1, "rows"] == "numpy"
    assert marked[25, "scaled"] == "numpy"
    assert marked[25, "tensor"] == "torch"
    assert (1, "np") not in marked
    assert reader.notes == {16: "← NumPy → PyTorch: torch.from_numpy"}


def test_worlds_are_told_apart_without_colour(project, run_map):
    project.write(CODE)
    run_map(".", "--html", "map.html", "--quiet")
    page = (project.folder / "map.html").read_text()
    styles = re.findall(r"\.(w\d)\{[^}]*border-bottom-style:(\w+)", page)
    assert len({style for _, style in styles}) == 4
    assert page.count("title='numpy'") > 5, "and by a title"


def test_no_folder_for_the_page(project, run_map):
    project.write(CODE)
    status, _, error = run_map(".", "--html", "no/map.html")
    assert status == 2
    assert "there is no folder for 'no/map.html'" in error


def test_nothing_at_a_path(project, run_map):
    status, _, error = run_map("nowhere.py")
    assert status == 2
    assert "there is nothing at nowhere.py" in error


@pytest.mark.parametrize(("size", "scheme"), [("1200,900", "light"), ("390,844", "dark")])
def test_the_page_opens_in_a_browser_without_a_word_in_its_console(
    project, run_map, look, size, scheme
):
    project.write(CODE + "# a line that is wider than a phone " * 9)
    run_map("main.py", "--html", "map.html", "--quiet")
    page = project.folder / "map.html"
    # Append a script to the page that tests how the page looks.
    asks = (
        "<script>const style = getComputedStyle(document.body);"
        "document.title = [style.backgroundColor, document.documentElement.scrollWidth"
        " <= innerWidth, document.querySelectorAll('u.w1').length].join(' | ')</script></body>"
    )
    page.write_text(page.read_text("utf-8").replace("</body>", asks), "utf-8")
    prefers = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    shown = look(page.as_uri(), f"--window-size={size}", prefers)
    paper = "rgb(20, 23, 27)" if scheme == "dark" else "rgb(255, 255, 255)"
    assert f"<title>{paper} | true | 2</title>" in shown


def test_only_chooses_the_functions_that_are_printed(project, run_map):
    project.write(CODE)
    status, out, _ = run_map("main.py", "--only", "boundary, none")
    assert status == 0
    assert out == (
        "main.py: boundary\n"  # class Scaler is of NumPy
        "   14  upload                                    boundary   (rows: numpy) -> torch   ready for @boundary\n"
        "   19  plain                                     none       (n: none) -> none\n"
        "\n"
        "4 functions in 1 file, 25 lines: 2 numpy, 1 boundary, 1 none\n"
        "3 are ready for a decorator: 1 for @boundary, 2 for @numpy_world\n"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--only", "numpi"], "--only has no 'numpi'. Did you mean 'numpy'?"),
        (["--only", "numpy,mixd"], "--only has no 'mixd'. Did you mean 'mixed'?"),
        (["--only", "boundry"], "--only has no 'boundry'. Did you mean 'boundary'?"),
        (
            ["--only", ""],
            "--only has no ''. Expected any of numpy, torch, jax, cupy, boundary, mixed, none, unknown",
        ),
        (
            ["--only", "torch", "-q"],
            "--only and --summary choose what is printed: they do not go with --quiet",
        ),
        (
            ["--summary", "--quiet"],
            "--only and --summary choose what is printed: they do not go with --quiet",
        ),
    ],
)
def test_wrong_words_for_what_is_printed(project, run_map, arguments, text):
    status, out, error = run_map(".", *arguments)
    assert (status, out, error) == (2, "", f"sekisho map: error: {text}\n")


FILES = """\
file      numpy  boundary  none
main.py       2         1     1
other.py      1
"""


def test_several_files_have_a_summary(project, run_map):
    project.write(CODE)
    project.write("import numpy as np\ndef f(x: np.ndarray): return x\n", "other.py")
    _, out, _ = run_map(".")
    assert f"\n\n{FILES}\n5 functions in 2 files" in out
    _, out, _ = run_map(".", "--summary")
    assert out.startswith(f"{FILES}\n5 functions in 2 files")
    _, out, _ = run_map(".", "--only", "boundary", "--summary")
    assert out.startswith("file     numpy  boundary  none\nmain.py      2         1     1\n\n")


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_the_table_fits_a_terminal_and_nothing_is_cut(project, run_map, monkeypatch, columns):
    project.write(CODE)
    _, whole, _ = run_map("main.py")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, out, _ = run_map("main.py")
    assert max(map(len, out.splitlines())) <= columns
    assert out.split() == whole.split()
