"""After ``adopt --write``, ordinary use still works: contracts are as wide as their evidence.

Each case is a function, the calls that are traced, and calls that are not: another batch, rank,
dtype or library, or an argument that was never left at its default. The cases run for each library
and for several kinds of poor tests: one call, a loop in one function, two callers that pass the
same sizes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import NamedTuple

import pytest

pytest.importorskip("libcst")
pytest.importorskip("torch")


class Case(NamedTuple):
    """A function ``f``, its arguments in the run and later; ``{n}`` is a size of the run."""

    name: str
    body: str
    traced: str
    used: tuple[str, ...]


BOTH = [
    Case("batch_of_one", "def f(x):\n    return L.{exp}(x)", "f(ones(1, {n}))", ("f(ones(3, 4))",)),
    Case(
        "batch_of_one_is_kept",
        "def f(x):\n    return x - x.mean(1)[:, None]",
        "f(ones(1, {n}))",
        ("f(ones(3, 4))", "f(ones(2, 1))"),
    ),
    Case(
        "length_of_one",
        "def f(x):\n    return L.{exp}(x).sum(1)[:, None]",
        "f(ones({n}, 1, 3))",
        ("f(ones(2, 4, 3))", "f(ones(2, 4))"),
    ),
    Case(
        "one_size",
        "def f(x):\n    return L.{exp}(x)",
        "f(ones({n}, 64))",
        ("f(ones(3, 32))", "f(ones(32, 32))"),
    ),
    Case(
        "rank",
        "def f(x, k=2):\n    return L.{exp}(x) * k",
        "f(ones({n}, 5))",
        ("f(ones(4))", "f(ones(2, 3, 4))", "f(ones(2), k=0.5)"),
    ),
    Case(
        "last_axis",
        "def f(x):\n    return L.{exp}(x).sum(-1)",
        "f(ones({n}, 3))",
        ("f(ones(4))", "f(ones(2, 3, 4))", "f(ones(2, 4))"),
    ),
    Case(
        "broadcasting",
        "def f(x, y):\n    return L.{exp}(x) + y",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3), ones(3))", "f(ones(3), ones(2, 3))", "f(ones(2, 1), ones(1, 3))"),
    ),
    Case(
        "broadcasting_alike",
        "def f(x, y):\n    return L.{exp}(x) - y",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(1, 3), ones(4, 3))", "f(ones(4, 3), ones(4, 1))", "f(ones(3), ones(2, 4, 3))"),
    ),
    Case(
        "broadcasting_behind",
        "def f(w, x):\n    return w[..., None] * L.{exp}(x)",
        "f(ones({n}), ones({n}, 3))",
        ("f(ones(1), ones(4, 3))", "f(ones(2, 5), ones(2, 5, 3))", "f(ones(), ones(4, 3))"),
    ),
    Case(
        "broadcasting_in_front_of_the_last_axis",
        "def f(a, b):\n    d = L.{exp}(a) - b\n    return L.sqrt((d * d).sum(-1))",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(3), ones(4, 3))", "f(ones(1, 3), ones(4, 3))", "f(ones(2, 4, 3), ones(4, 3))"),
    ),
    Case(
        "broadcasting_by_a_choice",
        "def f(c, a, b):\n    return L.where(c, L.{exp}(a), b - a)",
        "f(ones({n}, 3) > 0, ones({n}, 3), ones({n}, 3))",
        ("f(ones(4, 3) > 0, ones(3), ones(4, 1))",),
    ),
    Case(
        "broadcasting_with_an_array_of_certain_axes",
        "def f(x, y):\n    n, d = x.shape\n    return L.{exp}(x) - y / n",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(4, 3), ones(1, 3))", "f(ones(4, 3), ones(3))", "f(ones(4, 3), ones(4, 1))"),
    ),
    Case(
        "broadcasting_in_another_function",
        "def g(x, y):\n    return L.{exp}(x) - y\n\ndef f(x, y):\n    return g(x, y)",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(1, 3), ones(4, 3))", "f(ones(4, 3), ones(3))"),
    ),
    Case(
        "whole_numbers",
        "def f(x):\n    return x[..., :1] * 2 - L.{exp}(x)[..., :1]",
        "f(ones({n}, 3))",
        ("f(whole(2, 3))", "f(whole(2, 4, 3))"),
    ),
    Case(
        "numbers_beside_integers",
        "def f(x, y):\n    return L.{exp}(x) * (x - y)",
        "f(whole({n}, 3), whole({n}, 3))",
        ("f(ones(2, 3), whole(2, 3))", "f(ones(2, 3), ones(2, 3))"),
    ),
    Case(
        "numbers_instead_of_arrays",
        "def f(x, y):\n    return 1 / (1 + (x - y) ** 2)",
        "f(ones({n}, 3), ones({n}, 3))",
        (
            "f(0.5, ones(2, 3))",
            "f(ones(2, 3), 2)",
            "f(0.5, 2)",
            "f(ones(2, 3).mean(), ones(3))",
            "f(wide(2, 3)[0, 0], 1)",
        ),
    ),
    Case(
        "a_number_that_another_function_combines",
        "def g(y):\n    return -y / 2\n\ndef f(x):\n    return g(x)",
        "f(ones({n}, 3))",
        ("f(0.5)", "f(ones(2, 3)[0, 0])"),
    ),
    Case(
        "a_number_of_the_world_that_it_is_combined_in",
        "def f(x, y):\n    return L.{exp}(y) * x",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(0.5, ones(2, 3))", "f(ones(2, 3).max(), ones(2, 3))"),
    ),
    Case(
        "a_flag_of_numpys",
        "def f(x, twice=False):\n    return L.{exp}(x) * (2 if twice else 1)",
        "f(ones({n}, 3), True)",
        ("f(ones(2, 3), np.bool_(True))", "f(ones(2, 3), 1)"),
    ),
    Case(
        "width",
        "def f(x):\n    return L.{exp}(x) + 1",
        "f(ones({n}, 3))",
        ("f(wide(2, 3))",),
    ),
    Case(
        "integers",
        "def f(x):\n    return L.stack([x, x])",
        "f(whole({n}, 3))",
        ("f(ones(2, 3))", "f(ones(2, 3) > 0)"),
    ),
    Case(
        "never_none",
        "def f(x, mask=None):\n    y = L.{exp}(x)\n    return y if mask is None else y * mask",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3))", "f(ones(2, 3), None)", "f(ones(2, 3), mask=ones(3))"),
    ),
    Case(
        "asked_for_none",
        "def f(x, y):\n    if y is None:\n        return L.{exp}(x)\n    return L.{exp}(x) + y",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3), None)",),
    ),
    Case(
        "flag",
        "def f(x, both=False):\n    y = L.{exp}(x)\n    if both:\n        return y, x\n    return y",
        "f(ones({n}, 3))",
        ("f(ones(2, 3), True)", "f(ones(2, 3), both=True)"),
    ),
    Case(
        "annotated_as_a_number",
        "def f(x, k: float = 2.0) -> float:\n    return L.{exp}(L.{make}(x)) * k",
        "f(ones())",
        ("f(ones(2, 3))", "f(2.0)"),
    ),
    Case(
        "none_in_a_tuple",
        "def f(x, w=None):\n    return L.{exp}(x), w",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3))",),
    ),
    Case(
        "none_in_a_tuple_by_a_branch",
        "def f(x, both=True):\n    y = L.{exp}(x)\n    return y, y if both else None",
        "f(ones({n}, 3))",
        ("f(ones(2, 3), False)",),
    ),
    Case(
        "none_in_a_tuple_by_a_name",
        "def f(x, both=True):\n    y = None\n    if both:\n        y = L.{exp}(x)\n    return L.{exp}(x), y",
        "f(ones({n}, 3))",
        ("f(ones(2, 3), False)",),
    ),
    Case(
        "none_in_a_tuple_by_a_loop",
        "def f(xs):\n    last, n = None, 0\n    for x in xs:\n        last, n = L.{exp}(x), n + 1\n"
        "    return last, n",
        "f([ones({n}, 3)])",
        ("f([])",),
    ),
    Case(
        "none_by_a_name",
        "def f(x, both=True):\n    y = None\n    if both:\n        y = L.{exp}(x)\n    return y",
        "f(ones({n}, 3))",
        ("f(ones(2, 3), False)",),
    ),
    Case(
        "none_in_a_dict",
        "def f(x, w=None):\n    return {'y': L.{exp}(x), 'w': w}",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3))",),
    ),
    Case(
        "none_in_a_list",
        "def f(x, w=None):\n    if w is not None:\n        w = L.{exp}(w)\n    return [L.{exp}(x), w]",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3))",),
    ),
    Case(
        "none_in_what_is_yielded",
        "def f(x, w=None):\n    yield L.{exp}(x), w",
        "[*f(ones({n}, 3), ones({n}, 3))]",
        ("[*f(ones(2, 3))]",),
    ),
    Case(
        "none_yielded",
        "def f(x, w=None):\n    yield w",
        "[*f(ones({n}, 3), ones({n}, 3))]",
        ("[*f(ones(2, 3))]",),
    ),
    Case(
        "sometimes_nothing",
        "def f(x, stop=False):\n    if not stop:\n        return L.{exp}(x)",
        "f(ones({n}, 3))",
        ("f(ones(2, 3), True)",),
    ),
    Case(
        "a_list",
        "def f(xs):\n    return L.stack([L.{exp}(each) for each in xs])",
        "f([ones({n}, 3)] * 2)",
        ("f((ones(2, 3), ones(2, 3)))", "f([ones(2)] * 3)"),
    ),
    Case(
        "a_pair",
        "def f(xs):\n    return L.stack([L.{exp}(each) for each in xs])",
        "f((ones({n}, 3), ones({n}, 3)))",
        ("f([ones(2, 3)] * 3)",),
    ),
    Case(
        "a_number_or_an_array",
        "def f(x, scale=2.0, k=1):\n    return L.{exp}(x) * scale * k",
        "f(ones({n}, 3), 3.0, 2)",
        ("f(ones(2, 3), ones(3), 2)", "f(ones(2, 3), 2, ones(3))", "f(ones(2, 3), 2, 1.5)"),
    ),
    Case(
        "anything",
        "def f(x):\n    return L.{exp}(L.{make}(x))",
        "f(ones({n}, 3))",
        ("f([1.0, 2.0])", "f(3.0)"),
    ),
    Case(
        "a_word",
        "def f(x, w):\n    return L.{exp}(x) if isinstance(w, str) else L.{exp}(x) * w",
        "f(ones({n}, 3), ones({n}, 3))",
        ("f(ones(2, 3), 'none')",),
    ),
    Case(
        "items",
        "def f(x):\n    for each in x:\n        yield L.{exp}(each)",
        "list(f(ones({n}, 3)))",
        ("list(f(ones(2, 3, 4)))", "list(f([ones(2), ones(3)]))[1:]"),
    ),
    Case(
        "recursion",
        "def f(x, depth=2):\n    return L.{exp}(x) if depth == 0 else f(x[None], depth - 1)",
        "f(ones({n}, 3))",
        ("f(ones(2), 4)",),
    ),
    Case(
        "empty",
        "def f(x):\n    return L.{exp}(x)",
        "f(ones(0, 3))",
        ("f(ones(2, 4))", "f(ones(2))"),
    ),
    Case(
        "state",
        "class f:\n    def __init__(self, x):\n        self.x = L.{exp}(x)\n\n"
        "    @property\n    def first(self):\n        return self.x[0]",
        "f(ones({n}, 3)).first",
        ("f(ones(2, 3, 4)).first", "f(ones(2)).first"),
    ),
    Case(
        "neutral",
        "def f(x):\n    return x + x",
        "f(ones({n}, 3))",
        ("f(other(2, 3)) + other(2, 3)", "f(ones(2))"),
    ),
    Case(
        "asked_which",
        "def f(x):\n    if torch.is_tensor(x):\n        return torch.exp(x)\n    return np.exp(x)",
        "f(ones({n}, 3))",
        ("f(other(2, 3)) + other(2, 3)", "f(ones(2))"),
    ),
    Case(
        "asked_by_class",
        "def f(x):\n    return np.exp(x) if isinstance(x, np.ndarray) else torch.exp(x)",
        "f(ones({n}, 3))",
        ("f(other(2, 3)) + other(2, 3)",),
    ),
]
NUMPYS = [
    Case(
        "a_list_instead_of_an_array",
        "def f(m, x):\n    return L.{exp}(m) @ x - len(x)",
        "f(ones(3, {n}), ones({n}))",
        ("f(ones(3, 2), [1.0, 2.0])", "f(ones(3, 2), (1, 2))"),
    ),
    Case(
        "a_list_that_is_combined",
        "def f(x, y):\n    return x - L.{exp}(y)",
        "f(ones({n}), ones({n}))",
        ("f([1.0, 2.0], ones(2))", "f(ones(2), [1.0, 2.0])", "f([1.0, 2.0], 3)"),
    ),
]
"""Lists, which NumPy combines with arrays and other libraries do not."""
POOL = "torch.nn.functional.avg_pool2d"
TORCHS = [
    Case(
        "integers_that_are_divided",
        f"def f(x, high=255):\n    x = x / float(high)\n    return {POOL}(x, 2)",
        "f(ones(1, 1, 4, {n}))",
        ("f(whole(2, 3, 4, 4))", "f(whole(2, 3, 4, 4).to(torch.uint8))"),
    ),
    Case(
        "integers_that_a_function_divides",
        f"def divided(y):\n    return y / 255\n\ndef f(x):\n    x = divided(x)\n    return {POOL}(x, 2)",
        "f(ones(1, 1, 4, {n}))",
        ("f(whole(2, 3, 4, 4))", "f(whole(2, 3, 4, 4).to(torch.uint8))"),
    ),
    Case(
        "integers_in_a_list_that_is_checked",
        "def checked(several):\n    for each in several:\n        assert each.size() == several[0].size()\n\n"
        f"def f(x, y):\n    checked([x, y])\n    return {POOL}(x / 255, 2) - {POOL}(y.float(), 2)",
        "f(ones(1, 1, 4, {n}), ones(1, 1, 4, {n}))",
        ("f(whole(2, 3, 4, 4), whole(2, 3, 4, 4))", "f(ones(2, 3, 4, 4), whole(2, 3, 4, 4))"),
    ),
    Case(
        "integers_that_a_branch_divides",
        f"def f(x, high=1):\n    if high != 1:\n        x = x / high\n    return {POOL}(x, 2)",
        "f(ones(1, 1, 4, {n}))",
        ("f(whole(2, 3, 4, 4), high=255)", "f(ones(2, 3, 4, 4), high=255)"),
    ),
]
"""Code that needs floats of what it makes of an argument, and not of the argument."""

WORLDS = {
    "numpy": ("import numpy as np", "np", "exp", "asarray"),
    "torch": ("import torch", "torch", "exp", "as_tensor"),
}
RUNS = {
    "once": "call(4)",
    "loop": "for n in (3, 4, 6, 7, 8):\n        call(n)",
    "same": "call(4)\n    call(4)",
    "callers": "for n in (3, 4, 6):\n        call(n), again(n + 1), once_more(n + 2)",
}
BY_CALLS = frozenset(
    {"length_of_one", "integers", "a_list", "items", "recursion", "state"}
    | {"numbers_instead_of_arrays", "a_number_that_another_function_combines"}
    | {"a_number_of_the_world_that_it_is_combined_in"}
)
"""Calls from three functions are evidence for a number of axes, for integers alone, and for arrays of
other libraries than NumPy."""

HELPERS = """
    import numpy as np
    import torch

    def in_numpy(*shape):
        return np.ones(shape, np.float32)

    def in_torch(*shape):
        return torch.ones(shape)
"""


def names_of(world):
    """Return the words of a case, for one library."""
    other = "torch" if world == "numpy" else "numpy"
    wide = {"numpy": "np.ones(shape)", "torch": "torch.ones(shape, dtype=torch.float64)"}[world]
    whole = {"numpy": "np.ones(shape, int)", "torch": "torch.ones(shape, dtype=torch.int64)"}[world]
    return (
        f"ones, other = in_{world}, in_{other}\n"
        f"def wide(*shape):\n    return {wide}\n"
        f"def whole(*shape):\n    return {whole}\n"
    )


def cases():
    for world in WORLDS:
        for case in (*BOTH, *(NUMPYS if world == "numpy" else TORCHS)):
            for run in RUNS:
                if run != "callers" or case.name not in BY_CALLS:
                    yield f"{case.name}_{world}_{run}", case, world, run


@pytest.fixture(scope="module")
def adopted(tmp_path_factory):
    """Return a package with all cases, after ``adopt --write``, and the output of the command."""
    top = tmp_path_factory.mktemp("ordinary")
    package = top / "cases"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (top / "helpers.py").write_text(textwrap.dedent(HELPERS))
    program = ["from helpers import *"]
    for name, case, world, run in cases():
        header, library, exp, make = WORLDS[world]
        if "asked" in case.name and "np." in case.body:
            header = "import numpy as np\nimport torch"
        body = case.body.replace("{exp}", exp).replace("{make}", make).replace("L.", f"{library}.")
        (package / f"{name}.py").write_text(
            f"{header if case.name != 'neutral' else ''}\n\n{body}\n"
        )
        call = case.traced.replace("{n}", "n")
        program.append(
            f"def run_{name}():\n"
            + textwrap.indent(names_of(world), "    ")
            + f"    from cases.{name} import f\n"
            + "".join(
                f"    def {caller}(n):\n        {call}\n"
                for caller in ("call", "again", "once_more")
            )
            + f"    {RUNS[run]}\n"
            + f"run_{name}()\n"
        )
    (top / "program.py").write_text("\n".join(program))
    checks = ["import traceback", "from helpers import *", "failed = {}"]
    for name, case, world, _ in cases():
        for use in case.used:
            checks.append(
                "try:\n"
                + textwrap.indent(names_of(world), "    ")
                + f"    from cases.{name} import f\n"
                + f"    {use}\n"
                + "except Exception as error:\n"
                + f"    failed.setdefault({name!r}, []).append(({use!r}, str(error)[:300]))\n"
            )
    checks.append("import json\nprint(json.dumps(failed))")
    (top / "check.py").write_text("\n".join(checks))

    def run(*words):
        command = [sys.executable, "-W", "ignore", *words]
        return subprocess.run(
            command, cwd=top, capture_output=True, text=True, check=False, timeout=300
        )

    assert run("program.py").returncode == 0
    assert json.loads(run("check.py").stdout) == {}
    done = run("-m", "sekisho", "adopt", "cases", "--write", "--force", "--", "program.py")
    assert done.returncode == 0, done.stderr
    assert "taken out" not in done.stderr
    return top, run("check.py").stdout


@pytest.fixture(scope="module")
def broken(adopted):
    """Return, by case, the uses that fail under the guards."""
    return json.loads(adopted[1])


@pytest.mark.parametrize("name", [name for name, *_ in cases()])
def test_what_worked_before_works_under_the_guards(adopted, broken, name):
    text = (adopted[0] / "cases" / f"{name}.py").read_text("utf-8")
    assert name not in broken, (broken[name], text)


def test_something_is_declared_all_the_same(adopted):
    texts = [path.read_text("utf-8") for path in (adopted[0] / "cases").glob("*.py")]
    declared = [text for text in texts if "@sk." in text]
    assert len(declared) > len(texts) * 2 // 3
