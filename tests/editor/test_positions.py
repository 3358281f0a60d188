from __future__ import annotations

import random

import pytest
from editor_client import applied, span
from lsprotocol import types

from sekisho.editor.buffers import Buffers
from sekisho.editor.positions import Lines, Place, Shift, edits_between

TEXT = "a = '日本語🙂é'; b = 1\r\nc\x0cd\u2028e\rlast"
URI = "file:///x.py"


def buffers(text, encoding="utf-16"):
    made = Buffers()
    made.encoding = encoding
    made.open(URI, text, 1)
    return made


def change(made, place, text):
    edit = types.TextDocumentContentChangePartial(
        range=types.Range(types.Position(*place[:2]), types.Position(*place[2:])), text=text
    )
    made.change(URI, [edit], 2)
    return made.text(URI)


def test_only_the_line_ends_of_the_protocol_end_lines():
    assert Lines(TEXT).texts == ["a = '日本語🙂é'; b = 1", "c\x0cd\u2028e", "last"]


@pytest.mark.parametrize(("encoding", "unit"), [("utf-8", 1), ("utf-16", 2), ("utf-32", 4)])
def test_columns_are_code_units_and_round_trip(encoding, unit):
    lines = Lines(TEXT, encoding)
    line = lines.at(0)
    codec = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[encoding]
    for characters in range(len(line) + 1):
        units = len(line[:characters].encode(codec)) // unit
        assert lines.units(0, characters) == units
        assert lines.characters(0, units) == characters
        assert lines.from_bytes(0, lines.to_bytes(0, characters)) == characters


@pytest.mark.parametrize("units", [-1, 0, 9, 10, 500])
def test_half_of_a_character_and_what_is_beyond_the_end_is_clamped(units):
    lines = Lines("a = '日本🙂'")  # the face is the units 7 and 8
    assert lines.characters(0, units) == {-1: 0, 0: 0, 9: 8, 10: 9, 500: 9}[units]
    assert lines.characters(0, 8) == 7
    assert lines.characters(7, 3) == 0


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ((0, 8, 0, 10), "x", "a = '日本語xé'; b = 1\r\nc\x0cd\u2028e\rlast"),
        ((1, 2, 1, 5), "", "a = '日本語🙂é'; b = 1\r\nc\x0c\rlast"),
        ((2, 0, 2, 99), "z", TEXT[:-4] + "z"),
        ((99, 0, 99, 5), "z", TEXT + "z"),
        ((2, 4, 1, 0), "z", "a = '日本語🙂é'; b = 1\r\nz"),
        ((0, 0, 99, 0), "", ""),
        ((0, 99, 1, 0), "", "a = '日本語🙂é'; b = 1c\x0cd\u2028e\rlast"),
    ],
)
def test_ranges_are_applied_and_clamped_to_the_text(place, text, expected):
    assert change(buffers(TEXT), place, text) == expected


def test_a_buffer_that_was_never_opened_and_a_whole_text():
    made = Buffers()
    made.change(URI, [types.TextDocumentContentChangeWholeDocument("x = 1")], 3)
    assert made.text(URI) == "x = 1"


def test_random_edits_are_those_of_a_plain_string():
    choose = random.Random(0)
    made, text = buffers("", "utf-32"), ""
    for _ in range(500):
        lines = text.split("\n")
        first, last = sorted(
            (line := choose.randrange(len(lines)), choose.randint(0, len(lines[line])))
            for _ in range(2)
        )
        new = "".join(choose.choices("ab\n🙂é", k=choose.randint(0, 4)))
        starts = [sum(len(each) + 1 for each in lines[:line]) for line, _ in (first, last)]
        text = text[: starts[0] + first[1]] + new + text[starts[1] + last[1] :]
        assert change(made, (*first, *last), new) == text


def test_lines_are_followed_through_a_change_in_the_middle():
    shift = Shift(["a", "b", "c", "d"], ["a", "x", "y", "z", "d"])
    assert [shift.later(line) for line in range(4)] == [0, None, None, 4]
    assert [shift.earlier(line) for line in range(5)] == [0, None, None, None, 3]
    assert shift.near(2) == 0
    assert Shift(["a"], ["a"]).is_same
    assert not Shift(["a", "a"], ["a"]).is_same


def test_random_texts_are_made_of_each_other_by_their_edits():
    choose = random.Random(1)
    for _ in range(200):
        before, after = (
            "".join(choose.choices(["a\n", "b\n", "c\r\n", "d"], k=choose.randint(0, 8)))
            for _ in range(2)
        )
        edits = [
            {"range": span(each.start, 0, each.end, 0), "newText": each.text}
            for each in edits_between(before, after)
        ]
        assert applied(before, edits) == after


def test_a_place_beyond_the_end_is_the_end():
    lines = Lines("ab\ncd")
    assert [lines.offset(Place(*each)) for each in ((0, 0), (1, 1), (1, 9), (5, 0), (-1, 3))] == [
        0,
        4,
        5,
        5,
        0,
    ]


# --- through the protocol


JAPANESE = """\
import numpy as np


def 計算(入力):
    名前 = "🙂🙂"; 配列_jax = np.ones(3); return 配列_jax, 名前


計算(np.ones(2))
"""


@pytest.mark.parametrize(
    ("encoding", "start", "length"), [("utf-16", 17, 6), ("utf-8", 25, 10), ("utf-32", 15, 6)]
)
def test_positions_behind_emoji_and_japanese(tmp_path, editor, encoding, start, length):
    (tmp_path / "main.py").write_text(JAPANESE, "utf-8")
    general = {"general": {"positionEncodings": [encoding]}}
    client = editor(tmp_path, capabilities=general, options={"inlayHints": "all"})
    uri = client.open("main.py")
    (found,) = client.diagnostics(uri)
    assert found["range"] == span(4, start, 4, start + length)
    assert "np.ones" in client.hover(uri, 4, start + 1)
    assert client.hover(uri, 4, start - 3) is None
    assert (4, start + length, ": numpy") in client.hints(uri)
    assert "**numpy**" in client.hover(uri, 7, 1)


def test_requests_beyond_the_end_are_answered(write, editor):
    write("import numpy as np\n\nx_jax = np.ones(3)")
    client = editor()
    uri = client.read()
    for line, column in ((2, 500), (500, 0), (2**31 - 1, 2**31 - 1)):
        client.hover(uri, line, column)
        client.ask("signatureHelp", uri, line, column)
        client.ask("documentHighlight", uri, line, column)
    assert [each["title"] for each in client.actions(uri, 2, 2**31 - 1)] == [
        "Ignore SK102 (misleading-name) on this line"
    ]
    assert client.hints(uri, 2**31 - 1) == []
