"""The values of the inference are a lattice: the laws of `join` and of what goes with it.

Values larger than `bounded` allows, and unions of more than eight alternatives, become unknown; so these
laws hold for smaller ones, which the strategies draw.
"""

from __future__ import annotations

import marshal
from functools import reduce
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sekisho.inference.containers import doubtful, without_constants
from sekisho.inference.labels import is_open, label
from sekisho.inference.value_types import (
    BOOL,
    CONSTANTS,
    EXACT,
    FLOAT,
    INT,
    NEVER,
    NONE,
    PLAIN,
    STR,
    UNKNOWN,
    Value,
    array,
    dict_of,
    instance,
    list_of,
    text_constant,
    tuple_of,
)
from sekisho.inference.values import (
    arrays_in,
    atoms,
    bounded,
    is_known,
    is_never,
    is_unknown,
    join,
    join_all,
    join_known,
    perhaps_number,
    plain,
    unsure,
    without_axes,
)

WORLDS = st.sampled_from(["numpy", "torch", "jax"])
NAMES = st.sampled_from(["main:f", "main:g"])
KEYS = st.sampled_from(["a", "b", 0])
ARRAYS = st.builds(
    array,
    WORLDS,
    is_array=st.booleans(),
    axes=st.sampled_from(["", "b c"]),
    kind=st.sampled_from(["", "main:Sub"]),
    state=st.integers(0, 31),
)
PLACES = st.tuples(st.just("?"), st.sampled_from("xy"), st.integers(1, 2), st.just(0))
CONSTANT = st.sampled_from([*CONSTANTS.values(), text_constant("cuda"), text_constant("mps")])
PLAIN_VALUES = st.sampled_from([NONE, BOOL, INT, FLOAT, STR, PLAIN, instance("main:C", EXACT)])


def _tagged(tag, *parts):
    return st.tuples(st.just(tag), *parts)


def _dicts(inner):
    return st.builds(dict_of, inner | st.just(NEVER), st.dictionaries(KEYS, inner, max_size=2))


def _tuples(inner):
    return st.builds(tuple_of, st.lists(inner, max_size=2))


def _kinds(inner):
    """Return a strategy for each kind of value; `inner` draws what a value holds."""
    return {
        "never": st.just(NEVER),
        "?": st.just(UNKNOWN) | PLACES,
        "array": ARRAYS,
        "list": st.builds(list_of, inner, st.sampled_from(["list", "iterator"])),
        "tuple": _tuples(inner),
        "dict": _dicts(inner),
        "instance": CONSTANT | PLAIN_VALUES | st.builds(instance, st.just("main:C"), inner),
        "gives": _tagged("gives", inner),
        "applied": _tagged("applied", NAMES),
        "takes": _tagged("takes", WORLDS),
        "partial": _tagged("partial", _tagged("function", NAMES), _tuples(inner), _dicts(inner)),
        "class": _tagged("class", NAMES),
        "function": _tagged("function", NAMES),
        "bound": _tagged("bound", NAMES, inner),
        "module": _tagged("module", st.just("main")),
        "union": st.lists(inner, min_size=2, max_size=3).map(join_all),
    }


FLAT = ARRAYS | CONSTANT | PLAIN_VALUES | PLACES | _tagged("function", NAMES)
VALUES = st.one_of(*_kinds(FLAT).values())


def test_all_kinds_of_values_are_drawn():
    kinds = {get_args(get_args(each)[0])[0] for each in get_args(Value)}
    assert kinds == set(_kinds(FLAT))


@given(VALUES, VALUES)
def test_join_is_commutative(a, b):
    assert join(a, b) == join(b, a)
    assert join_known(a, b) == join_known(b, a)


@given(VALUES, VALUES, VALUES)
def test_join_is_associative(a, b, c):
    assert join(join(a, b), c) == join(a, join(b, c))


@given(VALUES)
def test_join_is_idempotent_and_has_ends(a):
    assert join(a, a) == a
    assert join(a, NEVER) == join(NEVER, a) == a
    assert is_unknown(join(a, UNKNOWN))
    assert join_known(a, a) == a or is_unknown(a)


@given(VALUES, VALUES, VALUES)
def test_join_is_monotone(a, b, c):
    above = join(a, b)
    assert join(a, above) == above
    assert join(join(a, c), join(above, c)) == join(above, c)


@given(st.lists(VALUES, max_size=4), st.randoms())
def test_the_order_of_values_does_not_count(several, random):
    mixed = [*several]
    random.shuffle(mixed)
    assert join_all(several) == join_all(mixed) == reduce(join, mixed, NEVER)


@given(VALUES, VALUES)
@pytest.mark.parametrize("change", [unsure, perhaps_number, doubtful, without_constants])
def test_what_marks_the_arrays_of_a_value_keeps_joins(change, a, b):
    assert change(join(a, b)) == join(change(a), change(b))
    assert change(change(a)) == change(a)


@given(VALUES)
def test_alternatives_join_to_their_value(a):
    assert join_all(atoms(a)) == a
    assert all(each[0] not in {"union", "never"} for each in atoms(a))


@given(VALUES)
def test_a_value_is_known_unknown_or_never(a):
    assert is_known(a) + is_unknown(a) + is_never(a) == 1


@given(VALUES, VALUES)
def test_a_union_has_the_arrays_of_both(a, b):
    both = join(a, b)
    assume("'?'" not in repr(both))  # what is unknown absorbs the arrays beside it
    assert {*arrays_in(a), *arrays_in(b)} <= {*arrays_in(both)}
    assert is_open(both) >= (is_open(a) or is_open(b))


@given(VALUES)
def test_values_go_to_disk_and_come_back(a):
    again = marshal.loads(marshal.dumps(a))
    assert again == a
    assert hash(again) == hash(a)


@given(VALUES)
def test_what_others_see_of_a_value_names_no_places(a):
    assert plain(plain(a)) == plain(a) == bounded(plain(a))
    assert "'?', '" not in repr(plain(a))


@given(VALUES)
def test_each_value_has_a_label(a):
    assert label(a)


@given(ARRAYS)
def test_an_array_without_axes_stays_one_of_its_world(a):
    assert without_axes(a)[:3] == a[:3]
    assert without_axes(a)[3:] == ("", a[4], 0)


@given(st.recursive(FLAT, lambda inner: st.one_of(*_kinds(inner).values()), max_leaves=60))
def test_no_value_that_is_kept_is_larger_than_allowed(a):
    kept = bounded(a)
    assert is_unknown(kept) or kept == plain(kept)
    assert bounded(kept) == kept
