"""Samples of large values: how much of each kind is looked at, and what is said of the rest."""

from __future__ import annotations

import array
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sekisho.hints import samples
from sekisho.hints.samples import MOST, MOST_TRIED, Sample, are_few, take_sample


@pytest.mark.parametrize(
    ("sizes", "most", "steps"),
    [
        ((), 4, ()),
        ((4,), 4, (1,)),
        ((5,), 4, (2,)),
        ((8,), 4, (2,)),
        ((9,), 4, (3,)),
        ((3, 100), 10, (1, 30)),
        ((100, 3), 10, (30, 1)),
        ((100, 100), 10, (50, 20)),
        ((1, 1000), 10, (1, 100)),
        ((1000, 1), 10, (100, 1)),
        ((2, 2, 2), 1, (1, 1, 1)),
        ((0, 9), 1, (1, 1)),
    ],
)
def test_a_step_for_each_axis_leaves_at_most_so_many_and_two_of_each_axis(sizes, most, steps):
    assert samples._steps(sizes, most) == steps


def seen(*sizes):
    return f"judged by a part of its {math.prod(sizes):,} values"


@pytest.mark.parametrize("shape", [(), (3,), (MOST,), (2, MOST // 2)])
def test_an_array_that_is_small_is_looked_at_whole(world, shape):
    value = world.zeros(*shape)
    assert take_sample(value).value is value
    assert take_sample(value)[1:] == ((), "", False)


@pytest.mark.parametrize("shape", [(MOST + 1,), (3, MOST), (MOST, 1, 2)])
def test_of_a_large_array_a_part_of_each_axis_is_looked_at(world, shape):
    sample = take_sample(world.zeros(*shape))
    assert (sample.sizes, sample.seen, sample.is_mended) == (shape, seen(*shape), False)
    assert MOST / 3 <= math.prod(sample.value.shape) <= MOST + 1  # the parts are rounded up
    assert sample.value.ndim == len(shape)
    assert all(part >= min(size, 2) for part, size in zip(sample.value.shape, shape, strict=True))


NESTED = [
    ([1, 2, 3], (), None),
    ([[1, 2], [3, 4]], (), None),
    ([0] * MOST, (), None),
    ([0] * (MOST + 1), (MOST + 1,), (MOST // 2 + 1,)),
    (range(MOST + 1), (MOST + 1,), (MOST // 2 + 1,)),
    (bytes(MOST + 1), (MOST + 1,), (MOST // 2 + 1,)),
    (array.array("b", bytes(2 * MOST)), (2 * MOST,), (MOST,)),
    ((0.5,) * (4 * MOST), (4 * MOST,), (MOST,)),
    ([[0, 1]] * MOST_TRIED, (), None),
    ([[0, 1]] * (2 * MOST_TRIED), (2 * MOST_TRIED, 2), (MOST_TRIED, 2)),
    ([[0] * 100] * 500, (500, 100), (500, 50)),
    (([0] * MOST, [0] * MOST), (2, MOST), (2, MOST // 2)),
    ([np.zeros(3)] * 5, (), None),
    ([np.zeros(3)] * (2 * MOST_TRIED), (2 * MOST_TRIED, 3), (MOST_TRIED, 3)),
    ([np.zeros(MOST)] * 2, (2, MOST), (2, MOST // 2)),
]


@pytest.mark.parametrize(("value", "sizes", "kept"), NESTED)
def test_of_nested_items_as_many_are_looked_at_as_an_array_has_or_as_can_be_tried(
    value, sizes, kept
):
    sample = take_sample(value)
    if kept is None:
        assert sample == Sample(value)
        assert sample.value is value
        return
    assert (sample.sizes, sample.seen) == (sizes, seen(*sizes))
    assert (np.shape(sample.value) or (len(sample.value),)) == kept
    assert type(sample.value) is type(value)


def test_a_list_that_contains_itself_is_looked_into_to_a_depth():
    loop: list[Any] = []
    loop.append(loop)
    assert take_sample(loop).value is loop
    loop.append(loop)
    assert take_sample(loop).value is loop


class Table:
    """A table of another library."""

    def __init__(self, *shape, fails=False):
        self.shape, self.fails = shape, fails

    def __getitem__(self, part):
        if self.fails:
            raise KeyError(part)
        return Table(-(-self.shape[0] // part.step), *self.shape[1:])


@pytest.mark.parametrize(
    ("shape", "rows"),
    [
        ((3, 4), None),
        ((MOST, 1), None),
        ((2 * MOST, 1), MOST),
        ((2, MOST), 1),
        ((10, MOST), 1),
        ((100, 3 * MOST), 1),
        ((4 * MOST, 2), MOST // 2),
    ],
)
def test_a_table_is_sampled_along_its_rows(shape, rows):
    value = Table(*shape)
    sample = take_sample(value)
    if rows is None:
        assert sample == Sample(value)
        return
    assert (sample.sizes, sample.seen) == (shape, seen(*shape))
    assert sample.value.shape == (rows, *shape[1:])
    assert take_sample(Table(*shape, fails=True)) is None


def test_what_has_a_length_and_no_shape_is_sampled_by_it():
    class Long:
        def __init__(self, length):
            self.length = length

        def __len__(self):
            return self.length

        def __getitem__(self, part):
            return Long(-(-self.length // part.step))

    sample = take_sample(Long(3 * MOST))
    assert (sample.sizes, len(sample.value)) == ((3 * MOST,), MOST)
    small = Long(MOST)
    assert take_sample(small).value is small
    for value in (3, None, object(), SimpleNamespace(shape="unknown")):
        assert take_sample(value) == Sample(value)


class Picture:
    """Acts like a picture of Pillow."""

    def __init__(self, width, height):
        self.size, self.box = (width, height), None

    def crop(self, box):
        made = Picture(box[2] - box[0], box[3] - box[1])
        made.box = box
        return made


Picture.__module__ = "PIL.Image"


@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (20, 10, None),
        (MOST, 1, None),
        (2 * MOST, 1, (0, 0, MOST, 1)),
        (1, 2 * MOST, (0, 0, 1, MOST)),
    ],
)
def test_of_a_large_picture_a_corner_is_looked_at(width, height, box):
    picture = Picture(width, height)
    sample = take_sample(picture)
    if box is None:
        assert sample.value is picture
        return
    assert sample.value.box == box
    assert (sample.sizes, sample.seen) == ((height, width), seen(width, height))


class Stored:
    """Acts like an array that is stored in a file."""

    shape, dtype = (4 * MOST, 3), np.dtype("float32")

    def __getitem__(self, part):
        raise AssertionError("it is read")


@pytest.mark.parametrize("library", ["h5py", "zarr", "other"])
def test_an_array_in_a_file_is_not_read(monkeypatch, library):
    monkeypatch.setattr(Stored, "__module__", f"{library}.core")
    value = Stored()
    assert samples.is_stored(value) is (library != "other")
    if library == "other":
        return
    assert take_sample(value) == Sample(value, value.shape)
    alike = samples.stored_alike(value)
    assert (alike.dtype, alike.ndim) == (value.dtype, 2)
    assert alike.shape[0] < MOST
    assert not samples.is_stored(SimpleNamespace(shape=(), dtype=None))


@pytest.mark.parametrize(
    ("value", "few"),
    [
        ([], True),
        ([0] * MOST_TRIED, True),
        ([0] * (MOST_TRIED + 1), False),
        ([[0] * (MOST_TRIED - 1)], True),
        ([[0] * MOST_TRIED], False),
        ({"a": [0] * (MOST_TRIED - 1)}, True),
        ({"a": [0] * MOST_TRIED}, False),
        (([0] * (MOST_TRIED // 2),) * 2, False),
        (3, False),
        ((each for each in range(3)), True),
    ],
)
def test_few_items_are_counted_to_any_depth(value, few):
    assert are_few(value) is few


def test_a_sample_knows_the_shape_of_the_whole_and_whether_a_step_has_mended_it():
    sample = Sample(np.zeros((2, 3)), (20,), "part")
    assert sample.shape(np.zeros((2, 3))) == (20, 3)
    assert Sample(0).shape(np.zeros((2, 3))) == (2, 3)
    plain = SimpleNamespace(do=lambda value: value + 1, mends_axes=False)
    mends = SimpleNamespace(do=lambda value: value + 1, mends_axes=True)
    after = sample.after(plain)
    assert (after.value.tolist(), after.is_mended) == ([[1] * 3] * 2, False)
    assert sample.after(mends).is_mended is True
    assert sample.after(mends).after(plain).is_mended is True
    assert Sample(np.zeros(2)).after(mends).is_mended is False
