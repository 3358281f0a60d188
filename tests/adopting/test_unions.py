"""An argument may be an object of a class that the code asks for, or an array that it insists on."""

from __future__ import annotations

import ast
import textwrap

import pytest

from sekisho.adoption.asking import insisted_on, left_open

pytest.importorskip("libcst")

OPERATORS = """
class Operator:
    def __init__(self, matrix):
        self.matrix = matrix


class Diagonal(Operator):
    pass
"""
MODULE = """
import numpy as np
from operators import Operator


def apply(x, y):
{body}
"""
PROGRAM = """
import numpy as np
from applied import apply
from operators import Diagonal


def one(n, m):
    return apply(np.ones((n, m)), np.ones((n, 5)))


def two(n, m):
    return one(n, m)


def three(n, m):
    return apply(np.ones((n, m)), np.ones((n, 5)))


def four(n, m):
    return apply(np.ones((n, m)), np.ones((n, 5)))


for n, m in (2, 3), (6, 4), (3, 7), (9, 8):
    one(n, m), two(n, m), three(n, m), four(n, m)
    {use}
"""
ASKED = """
    if isinstance(x, Operator):
        return x.matrix.T @ y
    n, m = x.shape
    _, k = y.shape
    return x.T @ y
"""
USE = "apply(Diagonal(np.ones((n, m))), np.ones((n, 5)))"


def adopted(write, adopt, body, use):
    write("operators.py", OPERATORS)
    path = write("applied.py", MODULE.format(body=body.strip("\n")))
    write("program.py", PROGRAM.format(use=use))
    status, _, err = adopt("applied.py", "--write", "--", "program.py")
    assert status == 0, err
    text = path.read_text("utf-8")
    return next((line for line in text.splitlines() if "def apply" in line), text), err


def test_a_class_that_the_code_asks_for_is_written_beside_the_array(write, adopt):
    line, err = adopted(write, adopt, ASKED, USE)
    assert 'x: Real[sk.Array, "n m"] | Operator, y: Real[sk.Array, "n k"]' in line
    assert "taken out" not in err


LEFT_OPEN = {
    "it never came": (ASKED, ""),
    "a list may come, too": (
        ASKED.replace("    n, m", "    assert not isinstance(x, list)\n    n, m", 1),
        USE,
    ),
    "its name is known inside the function only": (
        "    from operators import Operator as Own\n" + ASKED.replace("x, Operator", "x, Own"),
        USE,
    ),
    "an attribute is asked for, too": ("    hasattr(x, 'old')\n" + ASKED, USE),
}


@pytest.mark.parametrize("why", LEFT_OPEN)
def test_without_such_evidence_the_argument_is_left_open(write, adopt, why):
    body, use = LEFT_OPEN[why]
    line, _ = adopted(write, adopt, body, use)
    assert "def apply(x, y" in line


NOT_THERE = {
    "it is no class": (
        OPERATORS.replace("Operator", "Base") + "\n\nOperator = (Base, Diagonal)\n",
        MODULE.format(body=ASKED.strip("\n")),
    ),
    "it is not there yet": (
        "import applied\n" + OPERATORS,
        MODULE.format(
            body=ASKED.strip("\n").replace("x, Operator", "x, operators.Operator")
        ).replace("from operators import Operator", "import operators"),
    ),
}


@pytest.mark.parametrize("why", NOT_THERE)
def test_a_name_that_cannot_stand_in_an_annotation_is_taken_out_alone(write, adopt, why):
    classes, module = NOT_THERE[why]
    write("operators.py", classes)
    path = write("applied.py", module)
    program = PROGRAM.format(use=USE)
    write("program.py", f"import operators\n{program}")
    status, _, err = adopt("applied.py", "--write", "--", "program.py")
    assert status == 0, err
    assert "taken out, since it did not hold: apply, x: the command ended with status 1" in err
    assert 'def apply(x, y: Real[sk.Array, "n k"])' in path.read_text("utf-8")


INSISTED = {
    "at the end of the tests": """
    if x is None:
        raise TypeError("x")
    if not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
    "after a block that returns, which asks for it": """
    if isinstance(x, np.ndarray) and y is None:
        return x
    if not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
    "after two such blocks": """
    if y is None and isinstance(x, np.ndarray):
        return x
    if isinstance(x, np.ndarray) and len(x) == 1:
        z = x * 2
        return z
    if y is None or not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
}
NOT_INSISTED = {
    "a block returns before": """
    if y is None:
        return x
    if not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
    "it is another value by then": """
    x = x[:]
    if not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
    "another class": """
    if isinstance(x, list) and y is None:
        return x
    if not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
    "a block that may go on": """
    if isinstance(x, np.ndarray):
        if y is None:
            return x
    if not isinstance(x, np.ndarray):
        raise TypeError("x")
""",
    "an assert of the contrary": """
    if isinstance(x, np.ndarray) and y is None:
        return x
    assert not isinstance(x, np.ndarray)
""",
    "a way out before it raises": """
    if not isinstance(x, np.ndarray):
        if y is None:
            return y
        raise TypeError("x")
""",
    "only one of two ways raises": """
    if not isinstance(x, np.ndarray) and y is None:
        raise TypeError("x")
""",
}


def asked_in(body):
    (node,) = ast.parse(f"def apply(x, y):\n{textwrap.indent(textwrap.dedent(body), '    ')}").body
    asked = insisted_on(node)
    return dict(left_open(node, frozenset({"x", "y"}), asked))


@pytest.mark.parametrize("name", INSISTED)
def test_a_test_that_every_call_passes_leaves_nothing_open(name):
    assert "x" not in asked_in(INSISTED[name])


@pytest.mark.parametrize("name", NOT_INSISTED)
def test_a_test_that_some_calls_do_not_pass_leaves_the_argument_open(name):
    assert "x" in asked_in(NOT_INSISTED[name])
