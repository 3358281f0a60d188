"""A function that writes into an argument gets no decorator that converts this argument."""

from __future__ import annotations

import ast
import textwrap

import pytest

pytest.importorskip("libcst")

from sekisho.utils import written_parameters

WRITES = [
    "x[0] = 1",
    "x[0]['pred'] = 1",
    "x[:, 1] += 2",
    "x += 1",
    "del x['a']",
    "x.steps = 1",
    "x.steps += 1",
    "x, x.steps = x, 1",
    "for x[0] in range(3): pass",
    "with open('a') as x['file']: pass",
    "x.fill_(0)",
    "return x.add_(1)",
    "x[0].view(-1).mul_(2)",
    "x.numpy()[0] = 1",
    "y = x.T\ny[0] = 1",
    "for y in x:\n    y.zero_()",
    "for k, y in x.items():\n    y.zero_()",
    "torch.nn.init.zeros_(x)",
    "zeros_(x)",
    "F.relu(x, inplace=True)",
    "np.add(x, 1, out=x)",
    "torch.max(y, 0, out=(x, y))",
    "np.add.at(x, 0, 1)",
    "np.copyto(x, 1)",
    "rng.shuffle(x)",
    "x.append(1)",
    "x.sort()",
    "x.fill(1)",
    "x = np.asarray(x)\nx[0] = 1",
    "if not inplace:\n    x = x.copy()\nx[0] = 1",
    "x += 1\nx = x.copy()\nx[1] = 1",
    "def inner():\n    x[0] = 1\ninner()",
]
READS = [
    "return x[0] + 1",
    "x = x.copy()\nx[0] = 1",
    "x = x + 1\nx += 1",
    "y = x.clone()\ny.add_(1)",
    "y = x * 2\ny[0] = x[1]",
    "values, order = x.sort()",
    "return x.add(1)",
    "y = x.pop",
    "np.add(x, 1, out=y)",
    "F.relu(x, inplace=False)",
    "x.__len__()",
    "with torch.no_grad():\n    x = x.clone()\nx[0] = 1",
    "y.append(x)",
    "y[x] = 1",
]


def written(body):
    text = "def f(x, inplace=False):\n" + textwrap.indent(body, "    ")
    (node,) = ast.parse(text).body
    return written_parameters(node, frozenset({"x", "inplace"}))


@pytest.mark.parametrize("body", WRITES)
def test_a_write_into_a_parameter_is_read(body):
    assert list(written(body)) == ["x"]


@pytest.mark.parametrize("body", READS)
def test_what_writes_into_no_parameter_is_not_taken_for_it(body):
    assert not written(body)


def test_the_lines_are_those_of_all_writes():
    assert written("y = 1\nx[0] = 1\nx[1] = 1") == {"x": [3, 4]}


MODULE = """
    import numpy as np


    def fill(out, value):
        out[:] = value


    def double(x):
        x = x.copy()
        x *= 2
        return x


    def either(x):
        x += 1
        return x


    def count(counts, key):
        counts[key] = 1
    """
PROGRAM = """
    import numpy as np
    import torch
    from fills import count, double, either, fill

    for n in (3, 4, 5):
        fill(np.zeros(n)[::-1], 1.0)
        double(np.zeros(n))
        either(np.zeros(n)), either(torch.zeros(n, dtype=torch.float64))
        count({}, "a")
    """


def test_such_a_function_is_listed_and_its_guard_converts_nothing(write, adopt, torch):
    path = write("fills.py", MODULE)
    write("program.py", PROGRAM)
    status, _, err = adopt("fills.py", "--write", "--", "program.py")
    assert status == 0, err
    text = path.read_text("utf-8")
    assert '@sk.same_world(on_foreign="refuse")\ndef fill(' in text
    assert "@sk.same_world\ndef double(" in text
    assert '@sk.same_world(on_foreign="refuse", mutates="x")\ndef either(' in text
    assert "\n\ndef count(" in text
    assert (
        "fill: nothing is converted, since line 5 writes into 'out': "
        "a write into a converted copy would be lost" in err
    )
    assert err.count("nothing is converted") == 2


def test_in_the_table_of_the_hook_it_is_a_boundary(write, adopt, torch):
    write("fills.py", MODULE)
    write("program.py", PROGRAM)
    status, out, _ = adopt("fills.py", "--worlds", "--", "program.py")
    assert status == 0
    assert '"fills.fill" = "boundary"' in out
    assert '"fills.double" = "same"' in out


CALLERS = """
    def fill(out):
        out += 1


    def by_position(x, out):
        fill(out)
        return x


    def by_keyword(x, out=None):
        if out is not None:
            fill(out=out)
        return x


    def never(x, y):
        return x + y
    """
CALLS = """
    import numpy as np
    from callers import by_keyword, by_position, never


    def call(n):
        by_position(np.zeros(n), np.zeros((n, 2)))
        by_keyword(np.zeros(n)), by_keyword(np.zeros(n), out=np.zeros((n, 2)))
        never(np.zeros(n), np.zeros(n))


    def again(n):
        call(n)


    for n in (3, 4, 5):
        call(n), again(n + 3)
    """


@pytest.mark.parametrize("name", ["out", "values"])
def test_a_write_by_a_function_that_is_called_is_declared_after_the_second_run(write, adopt, name):
    path = write("callers.py", CALLERS.replace("out", name))
    write("program.py", CALLS.replace("out=", f"{name}="))
    status, _, err = adopt("callers.py", "--write", "--", "program.py")
    assert status == 0, err
    text = path.read_text("utf-8")
    declared = "" if name == "out" else f', mutates="{name}"'
    for function in ("by_position", "by_keyword"):
        declares = f'@sk.same_world(on_foreign="refuse"{declared})\ndef {function}('
        assert declares in text or name == "out"
        assert (f"declared, since a call did it: {function}, mutates {name}: " in err) == bool(
            declared
        )
    assert "@sk.same_world\ndef never(" in text
    assert "taken out" not in err
