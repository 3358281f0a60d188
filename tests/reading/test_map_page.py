"""The page of ``sekisho map --html``: each name is tinted where it stands, and calls lead to functions."""

from __future__ import annotations

import json
import unicodedata

import pytest

pytestmark = pytest.mark.usefixtures("torch")

IMPORTS = "import numpy as np\nimport torch\n"


@pytest.fixture
def page(project, run_map, read_page):
    """The page of a file, read."""

    def make(text, name="main.py"):
        path = project.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        status, _, error = run_map(name, "--html", "map.html", "--quiet")
        assert (status, error) == (0, "")
        return read_page((project.folder / "map.html").read_text("utf-8"))

    return make


def tinted(reader, line, name):
    """The worlds of a name on a line, from left to right."""
    return [title for at, _, text, title in sorted(reader.marked) if (at, text) == (line, name)]


@pytest.mark.parametrize(
    ("code", "name", "worlds"),
    [
        ("x = np.ones(3); x = torch.Tensor(x); y = x", "x", ["numpy", "torch", "numpy", "torch"]),
        ("x = np.ones(3); x, y = torch.ones(3), x", "x", ["numpy", "torch", "numpy"]),
        (
            "x = np.ones(3); x = torch.Tensor(x) if x.any() else x",
            "x",
            ["numpy", "numpy | torch", "numpy", "numpy", "numpy"],
        ),
        (
            "x = np.ones(3); y = [x.add(1) for x in [torch.ones(3)]]",
            "x",
            ["numpy", "torch", "torch"],
        ),
        ("x = torch.ones(3); f = lambda x: x.n; y = x", "x", ["torch", "torch"]),
        ("x = np.ones(3); xs = [x]; xx = torch.ones(3); n = x + xs[0]", "x", ["numpy"] * 3),
        ("x = np.ones(3); y = torch.ones(3); y.x = x; print(y.x, x)", "x", ["numpy"] * 3),
        ("x = np.ones(3); y = dict(x=torch.ones(3), z=x)", "x", ["numpy", "numpy"]),
        ("x = np.ones(3); y = 'x'; x += 1  # x", "x", ["numpy", "numpy"]),
        ("if (x := torch.ones(3)).any(): y = x", "x", ["torch", "torch"]),
    ],
)
def test_a_name_is_tinted_by_what_it_holds_at_its_place(page, code, name, worlds):
    reader = page(f"{IMPORTS}{code}\n")
    assert tinted(reader, 3, name) == worlds


def test_the_argument_of_a_conversion_is_not_tinted_as_its_result(page):
    reader = page(f"{IMPORTS}def f(x: np.ndarray):\n    x = torch.Tensor(x)\n    return x\n")
    assert tinted(reader, 4, "x") == ["torch", "numpy"]
    assert tinted(reader, 5, "x") == ["torch"]


def test_a_name_is_tinted_by_what_a_test_has_told_of_it(page):
    code = (
        "def f(x: np.ndarray | torch.Tensor):\n"
        "    if isinstance(x, torch.Tensor):\n"
        "        return x\n"
        "    return x\n"
    )
    reader = page(IMPORTS + code)
    assert [tinted(reader, line, "x")[-1] for line in (3, 4, 5, 6)] == [
        "numpy | torch",
        "numpy | torch",
        "torch",
        "numpy",
    ]


@pytest.mark.parametrize(
    "before", ["é = ", "'門\U0001d4b3'; ", "'\u202e\u00a0'; ", "'a\\u0301'; ", "e\u0301 = "]
)
def test_columns_are_characters_where_the_parser_counts_bytes(page, before):
    reader = page(f"{IMPORTS}{before}0; x = np.ones(3); y = x\n")
    assert [text for _, _, text, _ in sorted(reader.marked)] == ["x", "y", "x"]


@pytest.mark.parametrize("name", ["é", "e\u0301", "\ufb01", "\U0001d4b3", "門"])
def test_names_are_tinted_however_they_are_written(page, name):
    reader = page(f"{IMPORTS}{name} = np.ones(3); y = {name}\n")
    assert [text for _, _, text, _ in sorted(reader.marked)] == [name, "y", name]
    assert unicodedata.normalize("NFKC", name).isidentifier()


@pytest.mark.parametrize(
    ("encoding", "head"),
    [
        ("latin-1", "# coding: latin-1\n"),
        ("utf-8-sig", ""),
        ("shift_jis", "# coding: shift_jis\n"),
        ("utf-8", "\r\n"),
        ("utf-8", "x = 1\r# a\f\x0b\x1c\n"),
        ("utf-8", "\n\n"),
    ],
)
def test_files_of_any_encoding_and_with_any_line_ends(page, encoding, head):
    letter = "門" if encoding == "shift_jis" else "é"
    text = f"{head}{IMPORTS}{letter} = np.ones(3); y = torch.Tensor({letter})\n"
    reader = page(text.encode(encoding))
    assert [(text, title) for _, _, text, title in sorted(reader.marked)] == [
        (letter, "numpy"),
        ("y", "torch"),
        (letter, "numpy"),
    ]
    assert reader.text.count("\n") == text.replace("\r\n", "\n").replace("\r", "\n").count("\n")


def test_what_comes_from_source_is_escaped(page):
    comment = '# </pre><script>alert("1")</script>'
    reader = page(f"{IMPORTS}x = np.ones(3)  {comment}\n", "<script>alert(1)&'.py")
    assert comment in reader.text  # and so it is text


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\x07", "\x1b", "\u200b"])
def test_characters_that_would_not_be_seen_are_shown(page, character):
    reader = page(f"{IMPORTS}x = np.ones(3)  # a{character}b\n")
    assert character not in reader.text
    assert f"a{character.encode('unicode_escape').decode()}b" in reader.text


def test_a_call_leads_to_the_definition_of_its_function(page):
    code = (
        "def upload(x: np.ndarray): return torch.from_numpy(x)\n"
        "class Net:\n"
        "    def __init__(self, x): self.x = upload(x)\n"
        "    def run(self): return self.step(self.x)\n"
        "    def step(self, x): return x\n"
        "net = Net(np.ones(3)); net.run(); print(net.x)\n"
        "upload(upload(np.ones(3)).numpy()); len([])\n"
    )
    reader = page(IMPORTS + code)
    leads = [(line, name, reader.anchors[href[1:]]) for line, _, name, href in sorted(reader.links)]
    assert leads == [
        (5, "upload", (3, "upload")),
        (6, "step", (7, "step")),
        (8, "Net", (5, "__init__")),
        (8, "run", (6, "run")),
        (9, "upload", (3, "upload")),
        (9, "upload", (3, "upload")),
    ]


def test_a_call_leads_into_another_file(project, run_map, read_page):
    project.write(f"{IMPORTS}def upload(x): return torch.from_numpy(x)\n", "lib.py")
    project.write("import numpy as np\nimport lib\ny = lib.upload(np.ones(3))\n")
    run_map(".", "--html", "map.html", "--quiet")
    page = (project.folder / "map.html").read_text("utf-8")
    assert "<a href='#f0L3' title='lib.upload'>upload</a>" in page
    assert "def <b id='f0L3'>upload</b>" in page


def test_the_index_counts_functions_by_file_and_world(project, run_map, read_page):
    project.write(f"{IMPORTS}def up(x: np.ndarray): return torch.from_numpy(x)\n", "pkg/up.py")
    project.write(
        "import numpy as np\ndef a(x: np.ndarray): return x\ndef b(x: np.ndarray): return x\n"
        "def c(x): return x\n",
        "pkg/plain.py",
    )
    project.write("", "empty.py")
    run_map(".", "--html", "map.html", "--quiet")
    reader = read_page((project.folder / "map.html").read_text("utf-8"))
    assert reader.rows == [
        ["file", "numpy", "boundary", "unknown", "crossings"],
        ["empty.py", "", "", "", ""],
        ["pkg/plain.py", "2", "", "1", ""],
        ["pkg/up.py", "", "1", "", "1"],
    ]


def test_files_are_folded_unless_there_is_one(project, run_map):
    project.write("x = 1\n")
    run_map(".", "--html", "one.html", "--quiet")
    project.write("x = 1\n", "other.py")
    run_map(".", "--html", "two.html", "--quiet")
    one, two = ((project.folder / name).read_text("utf-8") for name in ("one.html", "two.html"))
    assert (one.count("<details id="), one.count(" open>")) == (1, 1)
    assert (two.count("<details id="), two.count(" open>")) == (2, 0)


ASKS = """<script>
onload = () => {
  const seen = () => [...document.querySelectorAll('details')].filter(e => !e.hidden).length;
  const type = (id, text) => { document.querySelector(id).value = text;
    document.querySelector('form').dispatchEvent(new Event('input')); };
  const said = [seen()];
  type('#path', 'M1'); said.push(seen());
  type('#path', ''); type('#world', 'torch'); said.push(seen());
  type('#world', '');
  said.push(document.querySelectorAll('details[open]').length);
  location.hash = document.querySelector('pre a').hash;
  setTimeout(() => {
    said.push(document.querySelector('details[open] summary').textContent.trim());
    const reached = document.querySelectorAll('input,select,summary,tbody a,pre[tabindex]');
    said.push([...reached].every(each => each.tabIndex === 0));
    document.title = JSON.stringify(said);
  }, 100);
}
</script></body>"""


def test_the_filter_hides_files_and_a_link_opens_one(project, run_map, look):
    for index in range(12):
        project.write("import numpy as np\ndef f(x: np.ndarray): return x\n", f"m{index}.py")
    project.write("import torch\ndef g(x: torch.Tensor): return x\n", "m12.py")
    project.write("import m12, torch\nm12.g(torch.ones(3))\n", "a.py")
    run_map(".", "--html", "map.html", "--quiet")
    page = project.folder / "map.html"
    page.write_text(page.read_text("utf-8").replace("</body>", ASKS), "utf-8")
    shown = look(page.as_uri(), "--virtual-time-budget=2000")
    title = shown.partition("<title>")[2].partition("</title>")[0]
    assert json.loads(title) == [14, 4, 1, 0, "m12.py torch", True]


@pytest.mark.slow
def test_a_page_of_550_files_opens_in_two_seconds(project, run_map, look):
    body = "\n".join(
        f"def f{index}(x: np.ndarray):\n    y = torch.from_numpy(x)\n    return y.mean(0), f0(x)\n"
        + f"    # {'a comment ' * 4}\n" * 40
        for index in range(6)
    )
    for index in range(550):
        project.write(IMPORTS + body, f"m{index}.py")
    run_map(".", "--html", "map.html", "--quiet")
    page = project.folder / "map.html"
    asks = (
        "<script>onload = () => { document.body.offsetHeight;"
        " document.title = performance.now() }</script></body>"
    )
    page.write_text(page.read_text("utf-8").replace("</body>", asks), "utf-8")
    shown = look(page.as_uri())
    assert float(shown.partition("<title>")[2].partition("<")[0]) < 2000
