"""If a place of a function cannot be declared, only this place is left out, with the reason."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

FINE = """

def fine(x):
    return np.exp(x)
"""
CONTRADICTED = {
    "a union": ("Union[int, None]", "1.5", "got a value of class float"),
    "an option": ("Optional[np.ndarray]", "2", "got a value of class int"),
    "an old list": ("List[np.ndarray]", "[ones, 3]", "at [1] got a value of class int"),
    "a pair": ("Tuple[np.ndarray, bool]", "(ones, ones)", "at [1] got float64[3] of numpy"),
    "a pair of three": ("tuple[np.ndarray, np.ndarray]", "(ones,) * 3", "got a tuple of 3"),
    "a string": ("'int | str'", "ones", "got float64[3] of numpy"),
    "None": ("None", "ones", "got float64[3] of numpy"),
    "an array": ("np.ndarray", "[1.0]", "got a value of class list"),
    "a list": ("list[int]", "ones", "got float64[3] of numpy"),
    "never None": ("np.ndarray", "None", "got None"),
}
KEPT = {
    "a union": ("Union[int, np.ndarray]", "ones"),
    "an int for a float": ("float", "1"),
    "a bool for an int": ("int", "True"),
    "a number of NumPy": ("float", "np.float64(1)"),
    "any": ("Any", "object()"),
    "a pair": ("Tuple[np.ndarray, bool]", "(ones, True)"),
    "some": ("Tuple[np.ndarray, ...]", "(ones, ones)"),
    "a callable": ("Callable[[int], int]", "len"),
    "a class": ("Thing", "Thing()"),
    "nothing": ("Optional[np.ndarray]", "None"),
}
HEAD = """
from __future__ import annotations

from typing import Any, Callable, List, Optional, Tuple, Union

import numpy as np

ones = np.ones(3)


class Thing:
    pass

"""


def run(write, adopt, annotation, value):
    path = write(
        "kept.py",
        HEAD + f"\ndef told(x, y: {annotation}):\n    return np.exp(x)\n" + FINE,
    )
    write(
        "program.py",
        f"from kept import *\nfrom kept import told\ntold(ones, {value})\nfine(ones)\n",
    )
    return path, adopt("kept.py", "--write", "--", "program.py")


@pytest.mark.parametrize("name", CONTRADICTED)
def test_an_annotation_that_the_runs_contradict_is_found_before_writing(write, adopt, name):
    annotation, value, problem = CONTRADICTED[name]
    path, (status, _, err) = run(write, adopt, annotation, value)
    assert status == 0, err
    said = annotation.replace('"', "'").strip("'") if "'" not in annotation else annotation
    assert f"told: y: {said}: the runs contradict it: {problem} (1 of 1 calls)" in err
    assert "told(): left out: no decorator: what it is annotated with does not hold" in err
    assert "taken out" not in err
    text = path.read_text("utf-8")
    assert "@sk.numpy_world\ndef fine(" in text
    assert text.count("@sk.") == 1


@pytest.mark.parametrize("name", KEPT)
def test_an_annotation_that_holds_is_not_contradicted(write, adopt, name):
    path, (status, _, err) = run(write, adopt, *KEPT[name])
    assert status == 0, err
    assert "contradict" not in err
    assert "taken out" not in err
    assert path.read_text("utf-8").count("@sk.") == 2


def test_a_name_for_type_checkers_only_costs_its_function_the_decorator_and_no_other(write, adopt):
    path = write(
        "kept.py",
        """
        from __future__ import annotations

        from typing import TYPE_CHECKING

        import numpy as np

        if TYPE_CHECKING:
            from fractions import Fraction


        def told(x, y: Fraction):
            return np.exp(x)
        """
        + FINE.replace("\n", "\n        "),
    )
    write("program.py", "from kept import *\ntold(np.ones(3), 2)\nfine(np.ones(3))\n")
    status, _, err = adopt("kept.py", "--write", "--", "program.py")
    assert status == 0, err
    assert (
        "told(): left out: no decorator: 'Fraction' is imported for type checkers only, in line 8"
        in err
    )
    assert "taken out" not in err
    assert path.read_text("utf-8").count("@sk.") == 1


@pytest.mark.parametrize("where", ["", "from __future__ import annotations\n"])
def test_what_a_decorator_refuses_is_left_out_alone(write, adopt, where):
    """At decoration, or at the first call: the guard names the function."""
    path = write(
        "kept.py",
        where
        + "import numpy as np\nfrom jaxtyping import Float\n\n\n"
        + 'def told(x, y: set[Float[np.ndarray, "n"]]):\n    return np.exp(x)\n'
        + FINE,
    )
    write(
        "program.py",
        "import numpy as np\nfrom kept import *\ntold(np.ones(3), {2})\nfine(np.ones(3))\n",
    )
    status, _, err = adopt("kept.py", "--write", "--", "program.py")
    assert status == 0, err
    assert "told(): left out: a decorator refuses what it is annotated with" in err
    text = path.read_text("utf-8")
    assert "@sk.numpy_world\ndef fine(" in text
    assert text.count("@sk.") == 1


def test_what_the_second_run_prints_is_shown_only_if_it_fails_in_the_end(write, adopt):
    text = "import numpy as np\n\n\ndef fine(x):\n    return x - x.min()\n"
    write("kept.py", text)
    program = "from kept import *\nprint('a line')\nfine(np.ones(3))\n"
    write("program.py", program)
    _, out, err = adopt("kept.py", "--write", "--", "program.py")
    assert (out + err).count("a line\n") == 1
    write("kept.py", text)
    write("program.py", f"{program}assert not fine.__annotations__\n")
    status, out, err = adopt("kept.py", "--write", "--", "program.py")
    assert status == 1
    assert (out + err).count("a line\n") == 2
    assert "AssertionError" in err
