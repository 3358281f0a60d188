"""Containers: every item is checked, changed containers keep their class, messages name the path."""

from __future__ import annotations

import asyncio
import builtins
import collections
import contextlib
import dataclasses
import pickle
import typing
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, Optional, TypedDict, Union

import numpy as np
import pytest
from jaxtyping import Float, Int

import sekisho as sk
from sekisho.worlds.containers import flatten


def guard(world, annotation):
    def f(batch):
        return batch

    f.__annotations__ = {"batch": annotation}
    return world.decorate(f)


def annotations(A):
    image = Float[A, "h w"]
    return {
        "list": (list[image], lambda x: [x, x]),
        "fixed tuple": (tuple[image, image], lambda x: (x, x)),
        "tuple of any length": (tuple[image, ...], lambda x: (x, x, x)),
        "dict": (dict[str, image], lambda x: {"a": x, "b": x}),
        "sequence": (Sequence[image], lambda x: [x, x]),
        "mapping": (Mapping[str, image], lambda x: collections.OrderedDict(a=x, b=x)),
        "nested": (dict[str, list[tuple[image, int]]], lambda x: {"a": [(x, 1), (x, 2)]}),
        "optional": (Optional[list[image]], lambda x: [x]),
        "union": (Union[int, list[image], dict[str, image]], lambda x: {"a": x}),
        "list of optional": (list[image | None], lambda x: [None, x]),
        "iterable": (Iterable[image], lambda x: [x, x]),
        "any length, any type": (list[image | int | str], lambda x: [1, x, "a"]),
    }


NAMES = list(annotations(np.ndarray))


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_container_is_the_same_object(name, world):
    annotation, make = annotations(world.array_type)[name]
    batch = make(world.zeros(2, 3))
    assert guard(world, annotation)(batch) is batch


@pytest.mark.parametrize("name", NAMES)
def test_foreign_items_are_converted_and_the_container_keeps_its_type(name, world, other):
    annotation, make = annotations(world.array_type)[name]
    batch = make(other.zeros(2, 3))
    converted = guard(world, annotation)(batch)
    assert converted is not batch
    assert type(converted) is type(batch)
    for old, new in zip(flatten(batch), flatten(converted), strict=True):
        foreign = isinstance(old, other.array_type)
        assert isinstance(new, world.array_type if foreign else type(old))


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_item_anywhere_is_found(name, world):
    annotation, make = annotations(world.array_type)[name]
    for bad in (world.zeros(2), world.zeros(2, 3, dtype="int32"), "text", [1.0]):
        if name == "any length, any type" and isinstance(bad, str):
            continue
        with pytest.raises(sk.BoundaryError):
            guard(world, annotation)(make(bad))


def test_items_share_their_axes(world):
    f = guard(world, list[Float[world.array_type, "h w"]])
    many = [world.zeros(2, 3)] * 1000
    assert f(many) is many
    with pytest.raises(sk.ShapeError) as caught:
        f([*many, world.zeros(2, 4)])
    assert str(caught.value).splitlines()[0].startswith("f() argument 'batch' at batch[1000]: ")
    assert str(caught.value).splitlines()[1] == (
        "  axis 'w' is 3 (from batch[0]), but axis 1 of batch[1000] is 4"
    )


def test_the_path_inside_a_container_is_named(world):
    f = guard(world, dict[str, list[Float[world.array_type, "3"]]])
    with pytest.raises(sk.ShapeError) as caught:
        f({"image": [world.zeros(3), world.zeros(3), world.zeros(4)]})
    assert (
        str(caught.value)
        .splitlines()[0]
        .startswith("f() argument 'batch' at batch['image'][2]: expected Float[")
    )
    assert "axis 0 of batch['image'][2] is 4, not 3" in str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (list[Float[np.ndarray, "n"]], (), 'expected list[Float[ndarray, "n"]], got a tuple.'),
        (tuple[Float[np.ndarray, "n"], int], (1,), "'batch' has 1 item, not 2"),
        (dict[str, Float[np.ndarray, "n"]], [], "got a list."),
        (dict[str, Float[np.ndarray, "n"]], {1: np.zeros(1)}, "the key 1 is an int, not str"),
        (Sequence[Float[np.ndarray, "n"]], "text", "got a str."),
        (Iterable[Float[np.ndarray, "n"]], 3, "got an int."),
        (Iterator[Float[np.ndarray, "n"]], [], "got a list."),
    ],
)
def test_a_container_that_is_not_what_was_declared_is_refused(annotation, value, text):
    def f(batch): ...

    f.__annotations__ = {"batch": annotation}
    with pytest.raises(sk.BoundaryError) as caught:
        sk.numpy_world(f)(value)
    assert text in str(caught.value)


def test_sets_of_arrays_are_refused_at_decoration():
    for annotation in (set[np.ndarray], frozenset[Float[np.ndarray, "n"]]):

        def f(x): ...

        f.__annotations__ = {"x": annotation}
        with pytest.raises(sk.DeclarationError, match="no set holds them; use a list"):
            sk.numpy_world(f)


def test_axes_are_shared_between_a_container_and_the_other_arguments(world):
    @world.decorate
    def f(xs: list[Float[world.array_type, "n"]], y: Float[world.array_type, "n"]) -> None: ...

    f([world.zeros(2)], world.zeros(2))
    f([], world.zeros(5))
    with pytest.raises(sk.ShapeError, match=r"axis 'n' is 2 \(from argument 'xs'\)"):
        f([world.zeros(2)], world.zeros(3))


def test_a_failed_alternative_leaves_no_axis_bound(world):
    A = world.array_type

    @world.decorate
    def f(
        x: tuple[Float[A, "n"], Float[A, "n"]] | tuple[Float[A, "m"], Float[A, "k"]],
        y: Float[A, "n"],
    ): ...

    f((world.zeros(1), world.zeros(2)), world.zeros(3))
    with pytest.raises(sk.ShapeError):
        f((world.zeros(2), world.zeros(2)), world.zeros(3))


def test_an_iterator_is_not_consumed_but_checked_as_it_is_taken(world, other):
    @world.decorate
    def f(xs: Iterator[Float[world.array_type, "n"]]):
        return xs

    taken = []

    def source():
        for i in (2, 3, 4):
            taken.append(i)
            yield other.zeros(i) if i == 3 else world.zeros(i)
        yield world.zeros(2, 2)

    items = f(source())
    assert taken == []
    assert [type(next(items)) for _ in range(3)] == [world.array_type] * 3
    with pytest.raises(sk.ShapeError, match=r"at xs\[3\]"):
        next(items)


def test_what_may_be_iterated_again_is_checked_each_time_its_items_are_taken(world):
    class Loader:
        batch_size = 2
        taken = 0

        def __iter__(self):
            for size in (2, 3):
                self.taken += 1
                yield world.zeros(size)
            yield "text"

        def __len__(self):
            return 3

    @world.decorate
    def f(xs: Iterable[Float[world.array_type, "n"]]):
        return xs

    loader = Loader()
    checked = f(loader)
    assert loader.taken == 0
    assert len(checked) == 3
    assert checked.batch_size == 2
    for _ in range(2):
        taken = iter(checked)
        assert [len(next(taken)) for _ in range(2)] == [2, 3]  # each item has axes of its own
        with pytest.raises(sk.WorldError, match=r"argument 'xs' at xs\[2\]: expected Float"):
            next(taken)
    assert pickle.loads(pickle.dumps(f([world.zeros(1)]))) is not None


def test_results_in_containers_are_checked(world, other):
    A = world.array_type

    @world.decorate
    def split(x: Float[A, "n 2"]) -> tuple[Float[A, " n"], dict[str, Float[A, " n"]]]:
        return x[:, 0], {"second": x[:, 1]}

    @world.decorate
    def bad(x: Float[A, "n 2"]) -> list[Float[A, " n"]]:
        return [x[:, 0], x[1:, 0]]

    @world.decorate
    def left() -> list[Float[A, " n"]]:
        return [other.zeros(2)]

    split(world.zeros(3, 2))
    with pytest.raises(sk.ShapeError, match=r"the result at result\[1\]: expected"):
        bad(world.zeros(3, 2))
    with pytest.raises(sk.WorldError, match="the function left its world"):
        left()


# --- records: dataclasses, NamedTuples, TypedDicts, attrs classes ---------------------------------


def records(A):
    image, label = Float[A, "n h w"], Int[A, "n"]

    @dataclasses.dataclass
    class Plain:
        image: image
        label: label
        name: str = "a"

    @dataclasses.dataclass(frozen=True)
    class Frozen:
        image: image
        label: label
        name: str = "a"

    @dataclasses.dataclass(slots=True)
    class Slots:
        image: image
        label: label
        name: str = "a"

    Named = NamedTuple("Named", [("image", image), ("label", label), ("name", str)])
    Typed = TypedDict("Typed", {"image": image, "label": label, "name": NotRequired[str]})
    for each in (Plain, Frozen, Slots):
        each.__annotations__.update(image=image, label=label, name=str)
    return {"dataclass": Plain, "frozen": Frozen, "slots": Slots, "named": Named, "typed": Typed}


def field(record, name):
    return record[name] if isinstance(record, dict) else getattr(record, name)


@pytest.mark.parametrize("name", ["dataclass", "frozen", "slots", "named", "typed"])
def test_records_are_checked_field_by_field_and_share_axes(name, world, other):
    kind = records(world.array_type)[name]
    f = guard(world, kind)
    record = kind(image=world.zeros(2, 3, 4), label=world.zeros(2, dtype="int32"), name="b")
    assert f(record) is record

    foreign = kind(image=other.zeros(2, 3, 4), label=world.zeros(2, dtype="int32"), name="b")
    converted = f(foreign)
    assert type(converted) is type(foreign)
    assert isinstance(field(converted, "image"), world.array_type)
    assert field(converted, "label") is field(foreign, "label")
    assert isinstance(field(foreign, "image"), other.array_type)

    ragged = kind(image=world.zeros(2, 3, 4), label=world.zeros(3, dtype="int32"), name="b")
    path = "batch['label']" if name == "typed" else "batch.label"
    with pytest.raises(sk.ShapeError) as caught:
        f(ragged)
    assert f"axis 'n' is 2 (from batch{path[5]}" in str(caught.value)
    assert f"but axis 0 of {path} is 3" in str(caught.value)


def test_a_record_shares_its_axes_with_the_function(world):
    kind = records(world.array_type)["dataclass"]

    def f(batch, weights): ...

    f.__annotations__ = {
        "batch": kind,
        "weights": Float[world.array_type, "n"],
        "return": Float[world.array_type, "h w"] | None,
    }
    f = world.decorate(f)
    record = kind(world.zeros(2, 3, 4), world.zeros(2, dtype="int32"))
    f(record, world.zeros(2))
    with pytest.raises(sk.ShapeError, match=r"axis 'n' is 2 \(from argument 'batch'\)"):
        f(record, world.zeros(3))


def test_a_typed_dict_has_all_its_keys_and_no_others(world):
    kind = records(world.array_type)["typed"]
    f = guard(world, kind)
    batch = {"image": world.zeros(2, 3, 4), "label": world.zeros(2, dtype="int32")}
    assert f(batch) is batch
    with pytest.raises(sk.BoundaryError, match="'batch' has no key 'label'"):
        f({"image": batch["image"]})
    with pytest.raises(sk.BoundaryError, match="'batch' has a key 'extra' too many"):
        f({**batch, "extra": 1})
    with pytest.raises(sk.BoundaryError, match=r"at batch\['name'\]: expected str, got an int"):
        f({**batch, "name": 3})
    with pytest.raises(sk.BoundaryError, match="got a list"):
        f([])


def test_attrs_classes_are_records_too(world):
    attrs = pytest.importorskip("attrs")
    kind = attrs.make_class(
        "Batch",
        {"image": attrs.field(type=Float[world.array_type, "n"]), "k": attrs.field(type=int)},
    )
    f = guard(world, kind)
    record = kind(world.zeros(2), 1)
    assert f(record) is record
    with pytest.raises(sk.ShapeError, match=r"at batch\.image"):
        f(kind(world.zeros(2, 2), 1))


def test_a_record_that_holds_itself_is_checked_to_the_end(world):
    @dataclasses.dataclass
    class Node:
        value: Any
        next: Any = None

    Node.__annotations__.update(value=Float[world.array_type, "n"], next=Optional[Node])
    f = guard(world, Node)
    chain = Node(world.zeros(2), Node(world.zeros(2), Node(world.zeros(2))))
    assert f(chain) is chain
    with pytest.raises(sk.ShapeError, match=r"at batch\.next\.next\.value"):
        f(Node(world.zeros(2), Node(world.zeros(2), Node(world.zeros(3)))))


def test_a_class_of_somebody_else_may_name_what_only_its_type_checker_knows():
    @dataclasses.dataclass
    class Config:
        path: "Unknown"
        size: int = 3

    def g(config): ...

    g.__annotations__ = {"config": Config}
    sk.numpy_world(g)(Config(1))
    with pytest.raises(sk.BoundaryError):
        sk.numpy_world(g)(1)


def test_strict_mode_looks_into_unannotated_containers(world, other):
    f = world.decorate(lambda batch: batch)
    nested = {"a": [1, (other.zeros(1),)]}
    assert f(nested) is nested
    with (
        sk.mode("strict"),
        pytest.raises(sk.WorldError, match="expected nothing of the other world"),
    ):
        f(nested)
    endless: list[Any] = []
    endless.append(endless)
    with sk.mode("strict"):
        assert f(endless) is endless


def test_containers_of_other_types_keep_their_type_when_items_are_converted(world, other):
    class Batch(tuple):
        """A subclass of tuple."""

        __slots__ = ()

    class Bag(collections.UserList):
        """A sequence of a user's own."""

        owner = "me"

    f = guard(world, Sequence[Float[world.array_type, "n"]])
    for kind in (Batch, Bag, collections.deque):
        given = kind([world.zeros(2), other.zeros(2)])
        passed = f(given)
        assert type(passed) is kind
        assert all(isinstance(each, world.array_type) for each in passed)
        assert isinstance(given[1], other.array_type)
        assert passed[0] is given[0]


def test_an_asynchronous_iterator_is_checked_as_it_is_taken(world, other):
    async def items():
        yield world.zeros(2)
        yield other.zeros(2)
        yield [1.0]

    async def take():
        iterator = guard(world, AsyncIterator[Float[world.array_type, "n"]])(items())
        taken = [await anext(iterator), await anext(iterator)]
        with pytest.raises(sk.WorldError, match=r"at batch\[2\]: expected Float"):
            await anext(iterator)
        return taken

    assert all(isinstance(each, world.array_type) for each in asyncio.run(take()))


# --- no form is accepted unread -----------------------------------------------------------------


def generic_forms():
    """Yield every class of collections.abc, collections and typing that can be subscripted."""
    found = {}
    for module in (collections.abc, collections, typing, builtins):
        for name in dir(module):
            if name == "ByteString":
                continue  # of bytes, and deprecated: Python 3.13 warns when it is looked up
            form = getattr(module, name)
            if not name.startswith("_") and hasattr(form, "__class_getitem__"):
                found[f"{module.__name__}.{name}"] = form
            elif module is typing and hasattr(form, "__getitem__") and not name.startswith("_"):
                found[f"typing.{name}"] = form
    return found


# Annotations that say nothing about arrays in the value: a function's arguments, or a class.
CLAIMS = {
    "builtins.type", "typing.Type", "collections.abc.Callable", "typing.Callable",
    "typing.TypeGuard", "typing.TypeIs", "typing.Concatenate", "typing.Generic", "typing.Protocol",
    "typing.Unpack", "typing.TypeForm",
}  # fmt: skip


def containers_of(item):
    """Return a value of each class that can hold an item, or several."""
    yield from ([item], (item,), {"a": item}, collections.deque([item]), {"a": item}.values())
    yield from ({"a": item}.items(), iter([item]), (each for each in [item]), item)
    yield from (collections.OrderedDict(a=item), collections.defaultdict(int, a=item))
    yield from (collections.ChainMap({"a": item}), (item, item), {"a": item}.keys())


@pytest.mark.parametrize("name", generic_forms())
def test_no_generic_form_accepts_an_array_unread(name):
    form = generic_forms()[name]
    wanted = Float[np.ndarray, "n n"]
    bad = np.ones((2, 3))
    aliases = []
    for arguments in (
        (wanted,),
        (str, wanted),
        (wanted, None, None),
        (wanted, None),
        ([wanted], int),
    ):
        with contextlib.suppress(TypeError, AttributeError):
            aliases.append(form[arguments if len(arguments) > 1 else arguments[0]])
    for alias in aliases:
        if name in CLAIMS:
            continue

        def f(x):
            return list(x) if hasattr(x, "__next__") else x

        f.__annotations__ = {"x": alias}
        try:
            guarded = sk.numpy_world(f)
        except sk.DeclarationError:
            continue  # it is not claimed to be checked
        for value in containers_of(bad):
            # Keys, and values that are no arrays, are outside of this annotation.
            if alias is typing.Any or (isinstance(value, dict) and not holds(alias, value, bad)):
                continue
            try:
                result = guarded(value)
            except sk.BoundaryError:
                continue
            assert not any(each is bad for each in flat(result)), (alias, type(value))


def holds(alias, value, bad):
    return any(each is bad for each in value.values())


def flat(value):
    values = value.values() if isinstance(value, collections.abc.Mapping) else value
    if isinstance(value, np.ndarray):
        return [value]
    with contextlib.suppress(TypeError):
        return (
            [leaf for each in values for leaf in flat(each)] if not isinstance(value, str) else []
        )
    return []


def test_the_walk_finds_what_there_is():
    forms = generic_forms()
    for name in ("collections.deque", "collections.abc.ValuesView", "typing.Sequence"):
        assert name in forms
    assert len(forms) > 60


def test_a_tuple_of_torch_with_a_field_called_values_is_looked_into():
    torch = pytest.importorskip("torch")

    @sk.torch_world
    def largest(x):
        return torch.max(x, 1)

    with sk.mode("strict"):
        assert largest(torch.eye(2)).values.tolist() == [1.0, 1.0]
    values, indices = flatten(torch.max(torch.eye(2), 1))
    assert (values.tolist(), indices.tolist()) == ([1.0, 1.0], [0, 1])


@pytest.mark.parametrize("levels", [1, 2, 5])
@pytest.mark.parametrize("kind", ["items", "union"])
def test_a_list_that_contains_itself_ends_the_search_for_a_hint(world, levels, kind):
    value: list = []
    inner = value
    for _ in range(levels - 1):
        inner.append([])
        inner = inner[0]
    inner.append(value)
    item = Float[world.array_type, "n"]
    hint = list[item] if kind == "items" else list[item] | dict[str, item]

    @sk.boundary
    def f(x: hint): ...

    with pytest.raises(sk.BoundaryError):
        f(value)
