"""adopt does not change functions that declare types in other ways than annotations."""

from __future__ import annotations

import ast

import pytest

from sekisho.adoption.definitions import find_definitions

pytest.importorskip("libcst")

OVERLOADED = {
    "typing": ("import typing", "typing.overload"),
    "its name": ("from typing import overload", "overload"),
    "another name": ("from typing import overload as several", "several"),
    "another module": ("import typing_extensions as t", "t.overload"),
}
PLACES = {
    "a function": "{two}\ndef one(x):\n    return x\n",
    "a method": "class A:\n{two}\n    def one(self, x):\n        return x\n",
    "a static method": "class A:\n{two}\n    @staticmethod\n    def one(x):\n        return x\n",
    "under TYPE_CHECKING": "if TYPE_CHECKING:\n{two}\nelse:\n    pass\ndef one(x):\n    return x\n",
    "in a try": "try:\n{two}\n    def one(x):\n        return x\nexcept ImportError:\n    raise\n",
}
COMMENTED = [
    "def one(x):  # type: (int) -> int\n    return x\n",
    "def one(x):\n    # type: (int) -> int\n    return x\n",
    "def one(x):\n    # type: (...) -> int\n    '''Doc.'''\n    return x\n",
    "def one(x,  # type: int\n        n=1,  # type: float\n        ):\n    return x\n",
    "def one(\n    x,\n    #type:int\n    n=1,\n):\n    # type: (...) -> int\n    return x\n",
    "def one(x):  # type: (int) -> int # noqa: F\n    return x\n",
    "@same\ndef one(x):\n    #   type:  (int) -> int\n    return x\n",
    "async def one(x):\n    # type: (int) -> int\n    return x\n",
    "class A:\n    def one(self, x):\n        # type: (int) -> int\n        return x\n",
    "def one(x): return x  # type: (int) -> int\n",
]
NOT_COMMENTED = [
    "def one(x):  # type: ignore\n    return x\n",
    "def one(x):  # type: ignore[no-untyped-def]\n    return x\n",
    "def one(x):\n    y = x  # type: int\n    return y\n",
    "def one(x='# type: int'):\n    return x\n",
    "def one(x):\n    '''# type: (int) -> int'''\n    return x\n",
    "def one(x):  # the type: int\n    return x\n",
    "y = 1  # type: int\ndef one(x):\n    return x\n# type: (int) -> int\n",
]


def reasons(text):
    found = find_definitions(ast.parse(text), None, text)
    return [each.why_not for each in found if each.name.endswith("one")]


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("first", "mark"), OVERLOADED.values(), ids=OVERLOADED)
def test_a_function_that_has_overloads_is_left_alone(first, mark, place):
    indent = "" if place.startswith("{") else "    "
    taken = "self, x" if "self" in place else "x"
    two = "\n".join(
        f"{indent}@{mark}\n{indent}def one({taken}: {kind}) -> {kind}: ..."
        for kind in ("int", "str")
    )
    found = reasons(f"{first}\n{place.format(two=two)}\n\ndef another(x):\n    return x\n")
    assert len(found) == 3
    assert all(found)
    assert found[-1].startswith("it has overloads, the last one in line ")


def test_a_function_of_the_same_name_elsewhere_has_none():
    text = "@overload\ndef one(x: int): ...\ndef one(x): ...\nclass A:\n    def one(self, x): ..."
    assert [bool(each) for each in reasons(text)] == [True, True, False]


@pytest.mark.parametrize("text", COMMENTED)
def test_a_function_with_type_comments_is_left_alone(text):
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "type:" in each)
    assert reasons(text) == [f"its types are in a comment, in line {line}"]


@pytest.mark.parametrize("text", NOT_COMMENTED)
def test_other_comments_are_no_type_comments(text):
    assert reasons(text) == [""]


MODULE = """
    from typing import overload

    import numpy as np


    @overload
    def ov(x: int) -> int: ...
    @overload
    def ov(x: np.ndarray) -> np.ndarray: ...
    def ov(x):
        return np.multiply(x, 2)


    def commented(x, n):
        # type: (np.ndarray, int) -> np.ndarray
        return np.multiply(x, n)


    def plain(x):
        return np.multiply(x, 2)
    """
PROGRAM = """
    import numpy as np
    from typed import commented, ov, plain

    for n in (2, 3, 4):
        ov(np.ones((n, n + 3))), commented(np.ones((n, n + 3)), n), plain(np.ones((n, n + 3)))
    """


@pytest.mark.parametrize("option", ["--write", "--worlds"])
def test_they_are_named_with_the_reason_and_work_as_before(write, adopt, option):
    path = write("typed.py", MODULE)
    write("program.py", PROGRAM)
    before = path.read_text("utf-8")
    status, out, err = adopt("typed.py", option, "--", "program.py")
    assert status == 0
    if option == "--worlds":
        assert out.endswith('[tool.sekisho.worlds]\n"typed.plain" = "numpy"\n')
        return
    assert (
        "ov(): left out: it has overloads, the last one in line 9: they say what it accepts\n"
        in err
    )
    assert "commented(): left out: its types are in a comment, in line 15\n" in err
    text = path.read_text("utf-8")
    assert "@sk.numpy_world\ndef plain(" in text
    kept = before[before.index("@overload") : before.index("def plain")]
    assert kept in text
