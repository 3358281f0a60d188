"""``stack`` and ``concat`` of records: a list of samples becomes a batch."""

from __future__ import annotations

import copy
import dataclasses
import re
import typing
from collections import OrderedDict, UserDict, deque

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekisho as sk


@dataclasses.dataclass(frozen=True)
class Sample:
    x: typing.Any
    label: typing.Any = 0


@attrs.frozen
class Record:
    x: typing.Any
    label: typing.Any = 0


class Named(typing.NamedTuple):
    x: typing.Any
    label: typing.Any = 0


SHAPES = {
    "dict": lambda x, label: {"x": x, "label": label},
    "OrderedDict": lambda x, label: OrderedDict(x=x, label=label),
    "UserDict": lambda x, label: UserDict(x=x, label=label),
    "tuple": lambda x, label: (x, label),
    "list": lambda x, label: [x, label],
    "deque": lambda x, label: deque([x, label]),
    "dataclass": Sample,
    "attrs": Record,
    "NamedTuple": Named,
    "nested": lambda x, label: {"deep": [Sample(x, label)]},
}


def parts(name, record):
    """The array and the label of a record."""
    if name == "nested":
        record = record["deep"][0]
        return record.x, record.label
    if name in {"dict", "OrderedDict", "UserDict"}:
        return record["x"], record["label"]
    if name in {"tuple", "list", "deque"}:
        return record[0], record[1]
    return record.x, record.label


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("join", [sk.stack, sk.concat])
@pytest.mark.parametrize("axis", [0, -1])
def test_arrays_are_joined_and_labels_listed(world, name, join, axis):
    arrays = [world.zeros(2, 3), world.range(2, 3) + world.zeros(2, 3)]
    records = [SHAPES[name](each, label) for label, each in enumerate(arrays)]
    before = copy.copy(records)
    batch = join(records, axis=axis)
    assert type(batch) is type(records[0])
    x, labels = parts(name, batch)
    expected = join(arrays, axis=axis)
    assert type(x) is type(expected)
    assert x.tolist() == expected.tolist()
    assert labels == [0, 1]
    assert all(a is b for a, b in zip(records, before, strict=True))
    assert [parts(name, each)[0] is a for each, a in zip(records, arrays, strict=True)] == [
        True
    ] * 2


LEAVES = st.deferred(
    lambda: st.one_of(
        st.just("array"),
        st.just("number"),
        st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=2),
        st.tuples(LEAVES, LEAVES),
    )
)


def build(tree, number):
    if tree == "array":
        return np.full(2, number)
    if tree == "number":
        return number
    if isinstance(tree, dict):
        return {key: build(each, number) for key, each in tree.items()}
    return tuple(build(each, number) for each in tree)


def has_array(tree):
    if isinstance(tree, dict):
        return any(map(has_array, tree.values()))
    return any(map(has_array, tree)) if isinstance(tree, tuple) else tree == "array"


def batch_of(tree, count):
    if not has_array(tree):
        return [build(tree, n) for n in range(count)]
    if tree == "array":
        return np.stack([np.full(2, n) for n in range(count)]).tolist()
    if tree == "number":
        return list(range(count))
    if isinstance(tree, dict):
        return {key: batch_of(each, count) for key, each in tree.items()}
    return tuple(batch_of(each, count) for each in tree)


def plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


@given(tree=LEAVES, count=st.integers(1, 4))
def test_the_batch_has_the_structure_of_its_samples(tree, count):
    samples = [{"first": np.zeros(1), "tree": build(tree, n)} for n in range(count)]
    batch = sk.stack(samples)
    assert plain(batch["tree"]) == batch_of(tree, count)


def test_none_stays_none_and_further_values_are_listed():
    a, b = np.zeros(2), np.ones(2)
    assert sk.stack([{"x": a, "m": None}, {"x": b, "m": None}])["m"] is None
    assert sk.stack([{"x": a, "m": None}, {"x": b, "m": 1}])["m"] == [None, 1]


class Closing(list):
    """A list that cannot be rebuilt."""

    def __del__(self):
        pass


@dataclasses.dataclass
class Lacking:
    """A record whose second field may be missing."""

    x: typing.Any
    label: typing.Any = dataclasses.field(default_factory=int)


def lacking(x):
    record = Lacking(x)
    del record.label
    return record


ZEROS, ONES = np.zeros(3), np.ones(4)
LOOP: dict[str, typing.Any] = {"x": ZEROS}
LOOP["self"] = LOOP


def without_modules(text):
    return re.sub(r"got a [\w.<>]+\.(\w+)", r"got a \1", text)


REFUSED = {
    "keys": (
        [{"x": ZEROS}, {"y": ZEROS}],
        "stack() item 1: expected the same keys as item 0, 'x', got 'y'.",
    ),
    "fewer keys": (
        [{"x": ZEROS, "y": 1}, {"x": ZEROS}],
        "stack() item 1: expected the same keys as item 0, 'x', 'y', got 'x'.",
    ),
    "items": (
        [{"x": [ZEROS]}, {"x": [ZEROS, ZEROS]}],
        "stack() item 1 at ['x']: expected the same number of items as item 0, 1, got 2.",
    ),
    "classes": (
        [{"x": [ZEROS]}, {"x": (ZEROS,)}],
        "stack() item 1 at ['x']: expected a list, as item 0 is, got a tuple.",
    ),
    "shapes": (
        [{"x": ZEROS}, {"x": ONES}],
        "stack() its arguments at ['x']: expected shapes that fit along axis 0, got [3], [4].",
    ),
    "missing": (
        [{"x": {"y": ZEROS}}, {"x": {"y": None}}],
        "stack() item 1 at ['x']['y']: expected an array or a tensor, got None.",
    ),
    "field": (
        [Sample(ZEROS), Sample(ONES)],
        "stack() its arguments at .x: expected shapes that fit along axis 0, got [3], [4].",
    ),
    "no keys": (
        [{"x": ZEROS}, {}],
        "stack() item 1: expected the same keys as item 0, 'x', got none.",
    ),
    "no record": (
        [{"x": ZEROS}, 3],
        "stack() item 1: expected a dict, as item 0 is, got an int.",
    ),
    "none": (
        [{"x": ZEROS}, {"x": ZEROS}, None],
        "stack() item 2: expected a dict, as item 0 is, got None.",
    ),
    "fields": (
        [Lacking(ZEROS), lacking(ZEROS)],
        "stack() item 1: expected the same fields as item 0, 'x', 'label', got 'x'.",
    ),
    "a class that cannot be rebuilt": (
        [Closing([ZEROS]), Closing([ZEROS])],
        "stack() item 0: expected records that can be rebuilt, got a Closing.\n"
        "  cannot be made anew with converted items: its class has a __del__",
    ),
    "one in a record": (
        [{"x": Closing([ZEROS])}] * 2,
        "stack() item 0 at ['x']: expected records that can be rebuilt, got a Closing.\n"
        "  cannot be made anew with converted items: its class has a __del__",
    ),
    "loop": ([LOOP, LOOP], "expected records that do not contain themselves, got a dict."),
}


@pytest.mark.parametrize(("records", "message"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_fit_is_refused_with_its_path(records, message):
    with pytest.raises(sk.BoundaryError) as caught:
        sk.stack(records)
    text = without_modules(str(caught.value))
    if "shapes that fit" in message:  # the library's own words follow
        text = text.partition("\n")[0]
    assert text.endswith(message) if message.startswith("expected") else text == message


@pytest.mark.parametrize("join", [sk.stack, sk.concat])
@pytest.mark.parametrize(
    "records",
    [[{"a": 1}, {"a": 2}], [[1, 2], [3, 4]], [(), ()], [{}, {}], [1, 2], ("a", "b"), [None]],
)
def test_records_without_an_array_are_refused_as_before(join, records):
    with pytest.raises(sk.WorldError, match="item 0: expected an array or a tensor"):
        join(records)


def test_two_worlds_at_one_place_are_refused_and_at_two_places_joined():
    torch = pytest.importorskip("torch")
    x, t = np.ones(2), torch.ones(2)
    with pytest.raises(sk.WorldError) as caught:
        sk.stack([{"x": x}, {"x": t}])
    assert str(caught.value) == (
        "stack() item 1 at ['x']: expected an array, as item 0 is, got float32[2] (PyTorch)."
    )
    batch = sk.stack([{"x": x, "t": t}, {"x": x, "t": t}])
    assert type(batch["x"]) is np.ndarray
    assert type(batch["t"]) is torch.Tensor


def test_concat_joins_the_lists_that_stack_has_made():
    batches = [
        sk.stack([{"x": np.zeros(2), "name": each} for each in names]) for names in ("ab", "c")
    ]
    whole = sk.concat(batches)
    assert (whole["x"].shape, whole["name"]) == ((3, 2), ["a", "b", "c"])


def test_concat_joins_no_list_with_what_is_no_list():
    samples = [{"x": np.zeros(2), "m": [1], "n": [1]}, {"x": np.ones(2), "m": (2,), "n": [2]}]
    whole = sk.concat(samples)
    assert (whole["m"], whole["n"]) == ([[1], (2,)], [1, 2])
    assert sk.stack(samples)["n"] == [[1], [2]]


def test_one_object_at_two_places_is_looked_into_once_and_joined_at_both():
    tags, inner = ["a"], [np.ones(2)]
    sample = {"tags": tags, "again": [tags, tags], "x": inner, "y": inner}
    batch = sk.stack([sample, sample])
    assert (batch["tags"], batch["again"]) == ([tags, tags], [[tags, tags]] * 2)
    assert batch["x"][0].tolist() == batch["y"][0].tolist() == [[1, 1], [1, 1]]


def test_lists_without_arrays_may_differ_in_length():
    samples = [{"x": np.zeros(2), "tags": ["a", "b"]}, {"x": np.ones(2), "tags": []}]
    assert sk.stack(samples)["tags"] == [["a", "b"], []]


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_registered_pytrees_are_joined_part_by_part(library):
    tree = pytest.importorskip("jax.tree_util" if library == "jax" else "torch.utils._pytree")

    class Registered:
        def __init__(self, x, note):
            self.x, self.note = x, note

    if library == "jax":
        tree.register_pytree_node(
            Registered, lambda r: ((r.x,), r.note), lambda note, parts: Registered(*parts, note)
        )
    else:
        tree.register_pytree_node(
            Registered, lambda r: ((r.x,), r.note), lambda parts, note: Registered(*parts, note)
        )
    samples = [{"r": Registered(np.full(2, n), "note")} for n in range(3)]
    joined = sk.stack(samples)["r"]
    assert (type(joined), joined.x.tolist(), joined.note) == (
        Registered,
        [[0, 0], [1, 1], [2, 2]],
        "note",
    )
    if library == "torch":
        del tree.SUPPORTED_NODES[Registered]


@pytest.fixture
def node():
    """Make a class that is registered with PyTorch's pytrees, and whose parts are made as they are read."""
    tree = pytest.importorskip("torch.utils._pytree")

    class Node:
        def __init__(self, *parts):
            self.parts = parts

    def flatten(each):
        # Lists that nothing else keeps alive.
        return [list(part) if type(part) is list else part for part in each.parts], None

    tree.register_pytree_node(Node, flatten, lambda parts, _: Node(*parts))
    yield Node
    del tree.SUPPORTED_NODES[Node]


def test_parts_that_are_gone_as_soon_as_they_are_read_are_all_read(node):
    x = np.ones(2)
    sample = {"a": node([]), "b": node([3]), "c": node([x]), "d": node([x], 1)}
    batch = sk.stack([sample, sample])
    assert batch["c"].parts[0][0].shape == (2, 2)
    assert batch["d"].parts[1] == [1, 1]


@pytest.mark.parametrize("around", [lambda each: each, lambda each: {"k": [each]}], ids=["", "in"])
def test_registered_objects_of_another_class_or_number_of_parts_are_refused(node, around):
    x = np.ones(2)
    path = "" if around(1) == 1 else " at ['k'][0]"
    for other in (node(x, x), node(), Record(x)):
        with pytest.raises(sk.BoundaryError) as caught:
            sk.stack([around(node(x)), around(other)])
        text = re.sub(r"expected a \S+\.Node,", "expected a Node,", str(caught.value))
        assert without_modules(text) == (
            f"stack() item 1{path}: expected a Node, as item 0 is, got a {type(other).__name__}."
        )


def test_a_registered_object_is_rebuilt_by_the_first_ones_function():
    tree = pytest.importorskip("torch.utils._pytree")

    class Noted:
        def __init__(self, x, note):
            self.x, self.note = x, note

    tree.register_pytree_node(Noted, lambda n: ([n.x], n.note), lambda x, note: Noted(*x, note))
    try:
        batch = sk.stack([Noted(np.ones(2), note) for note in "abc"])
    finally:
        del tree.SUPPORTED_NODES[Noted]
    assert (batch.x.shape, batch.note) == ((3, 2), "a")


def test_as_collate_function_of_a_loader():
    data = pytest.importorskip("torch.utils.data")
    samples = [{"x": np.full(2, n, np.float32), "name": str(n)} for n in range(4)]
    batches = list(data.DataLoader(samples, batch_size=2, collate_fn=sk.stack))
    assert [each["name"] for each in batches] == [["0", "1"], ["2", "3"]]
    assert batches[1]["x"].tolist() == [[2, 2], [3, 3]]


@dataclasses.dataclass
class Linked:
    x: typing.Any
    next: typing.Any = None


def cyclic(kind):
    x = np.ones(2)
    if kind == "record":
        record = Linked(x)
        record.next = record
        return record, ".next"
    if kind == "two records":
        record = Linked(x, Linked(x))
        record.next.next = record
        return record, ".next.next"
    if kind == "list":
        record = [x]
        record.append(record)
        return record, "[1]"
    record = {"x": x}
    record["in"] = [record]
    return record, "['in'][0]"


@pytest.mark.parametrize("kind", ["record", "two records", "list", "dict"])
@pytest.mark.parametrize("join", [sk.stack, sk.concat])
def test_the_path_of_a_cycle_ends_where_it_closes(join, kind):
    record, path = cyclic(kind)
    with pytest.raises(sk.BoundaryError) as caught:
        join([record, record])
    assert str(caught.value).startswith(
        f"{join.__name__}() item 0 at {path}: expected records that do not contain themselves, got a"
    )


@pytest.mark.parametrize("depth", [70, 3000])
def test_records_may_nest_as_deep_as_python_calls(depth):
    record = np.ones(1)
    for _ in range(depth):
        record = [record]
    if depth < 100:
        assert "array([[1.],\n" in repr(sk.stack([record, record]))
        return
    with pytest.raises(sk.BoundaryError) as caught:
        sk.stack([record, record])
    assert str(caught.value) == (
        "stack() item 0: expected records that are not nested so deeply, got a list."
    )


def test_keys_that_are_numbers_are_named():
    with pytest.raises(sk.BoundaryError) as caught:
        sk.stack([{0: np.ones(2), 1: np.ones(2)}, {0: np.ones(2)}])
    assert str(caught.value) == "stack() item 1: expected the same keys as item 0, 0, 1, got 0."


@pytest.mark.parametrize("around", [lambda each: each, lambda each: {"k": [each]}], ids=["", "in"])
@pytest.mark.parametrize("fails", ["flatten", "unflatten"])
def test_a_registered_class_that_raises_is_named(fails, around):
    jax = pytest.importorskip("jax")

    class Node:
        def __init__(self, x):
            self.x = x

    def take(node):
        return ((node.x,), None) if fails == "unflatten" else 1 / 0

    jax.tree_util.register_pytree_node(Node, take, lambda *_: 1 / 0)
    path = "" if around(1) == 1 else " at ['k'][0]"
    expected, reason = {
        "flatten": ("records that can be taken apart", "it cannot be taken apart"),
        "unflatten": ("records that can be rebuilt", "it cannot be put together"),
    }[fails]
    with pytest.raises(sk.BoundaryError) as caught:
        sk.stack([around(Node(np.ones(2))), around(Node(np.ones(2)))])
    assert re.sub(r"got a \S+\.Node", "got a Node", str(caught.value)) == (
        f"stack() item 0{path}: expected {expected}, got a Node.\n"
        f"  {reason}: ZeroDivisionError('division by zero')"
    )
