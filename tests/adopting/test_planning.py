"""Plans: which files are planned again after something was taken out."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

from sekisho.adoption.choosing import Unkept
from sekisho.adoption.planning import Plan, PlannedFile

FILES = (PlannedFile("/a.py", b"", b"", ()), PlannedFile("/b.py", b"", b"", ()))
FIRST = Unkept("/a.py", "f", "annotation", "x")


@pytest.mark.parametrize(
    ("dropped", "kept"),
    [
        ({FIRST}, "ab"),
        ({FIRST, Unkept("/a.py", "f", "decorator")}, "b"),
        ({FIRST, Unkept("/a.py", "g", "annotation", "x")}, "b"),
        ({FIRST, Unkept("/b.py", "f", "annotation", "x")}, "a"),
        ({FIRST, Unkept("/c.py", "f", "mutates", "x")}, "ab"),
        (set(), "b"),
    ],
)
def test_a_file_is_planned_again_where_something_else_is_dropped_in_it(dropped, kept):
    plan = Plan(FILES, (), (), frozenset({FIRST}))
    found = [plan.for_file(file.path, frozenset(dropped)) for file in FILES]
    assert found == [file if file.path[1] in kept else None for file in FILES]


def test_a_file_that_an_earlier_plan_did_not_have_is_planned():
    assert Plan(FILES[:1], ()).for_file("/b.py", frozenset()) is None
