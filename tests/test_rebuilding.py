"""A container with an item to convert is rebuilt, or rejected: the caller's own never changes."""

from __future__ import annotations

import collections
import dataclasses
import functools
import threading
import types
from collections.abc import (
    Collection,
    ItemsView,
    Mapping,
    MutableMapping,
    MutableSequence,
    Sequence,
    ValuesView,
)
from typing import Any, NamedTuple, Optional, TypedDict

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho.testing import both_worlds


def guard(world, annotation, **options):
    def f(x):
        return x

    f.__annotations__ = {"x": annotation}
    return world.decorate(**options)(f)


def arrays(world):
    return Float[world.array_type, " n"]


def are_same(left, right):
    return len(left) == len(right) and all(map(lambda a, b: a is b, left, right))


# --- mappings and sequences of all kinds: how they keep their items, and what they forbid --------


class AbcMapping(MutableMapping):
    """Follows the recipe of `collections.abc`: an attribute is the storage; no method copies it."""

    def __init__(self, items=()):
        self.store = dict(items)

    def __getitem__(self, key):
        return self.store[key]

    def __setitem__(self, key, value):
        self.store[key] = value

    def __delitem__(self, key):
        del self.store[key]

    def __iter__(self):
        return iter(self.store)

    def __len__(self):
        return len(self.store)


class Slotted(AbcMapping):
    __slots__ = ("__hidden", "store", "unset")

    def __init__(self, items=()):
        super().__init__(items)
        self.__hidden = self.store

    def hidden(self):
        return self.__hidden


class Nested(AbcMapping):
    store = property(lambda self: self.deep["data"][0])

    def __init__(self, items=()):
        self.deep = {"data": (dict(items), "meta")}


class Wrapped(AbcMapping):
    def __init__(self, items=()):
        self.store = collections.UserDict(items)


class CopiesItself(AbcMapping):
    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


class Forbids(AbcMapping):
    """A frozen dict: it has the methods, but they raise."""

    def __setitem__(self, key, value):
        raise TypeError("frozen")


class FailsHalfWay(AbcMapping):
    count = 0

    def __setitem__(self, key, value):
        self.count += 1
        if self.count > 1:
            raise ValueError("full")
        super().__setitem__(key, value)


class Frozen(Mapping):
    def __init__(self, items=()):
        self._pairs = tuple(dict(items).items())

    def __getitem__(self, key):
        return dict(self._pairs)[key]

    def __iter__(self):
        return iter(dict(self._pairs))

    def __len__(self):
        return len(self._pairs)


class Attributes(dict):
    """A common recipe: a dict whose keys are attributes."""

    def __init__(self, items=()):
        super().__init__(items)
        self.__dict__ = self


class Mirrored(dict):
    """A dict that keeps its values as attributes, too, and has more attributes."""

    def __init__(self, items=()):
        super().__init__(items)
        self.latest = [*self.values()]
        self.lock = threading.Lock()

    def __setitem__(self, key, value):
        raise AssertionError("no method that writes is called")


class Cached(collections.UserDict):
    @functools.cached_property
    def both(self):
        return [*self.values()]


class Bound(AbcMapping):
    """Keeps bound methods of the storage and of itself in attributes."""

    def __init__(self, items=()):
        self.store = dict(items)
        self.put = self.store.__setitem__
        self.look = self.__getitem__


class WithDefault(collections.defaultdict):
    def __init__(self, items=()):
        super().__init__(list, items)


class Counted(collections.Counter):
    """`Counter` has a copy method, which drops attributes."""

    def __init__(self, items=()):
        super().__init__()
        dict.update(self, items)
        self.owner = "me"


class Reduced(AbcMapping):
    """Has a copy method that drops an attribute."""

    def __init__(self, items=()):
        super().__init__(items)
        self.owner = "me"

    def __reduce__(self):
        return type(self), (self.store,)


MAPPINGS = (
    *(AbcMapping, Slotted, Nested, Wrapped, CopiesItself, Forbids, FailsHalfWay, Frozen),
    *(Attributes, Mirrored, Cached, Bound, WithDefault, Counted, Reduced),
    *(dict, collections.OrderedDict, collections.UserDict, types.MappingProxyType),
    collections.ChainMap,
    functools.partial(collections.ChainMap, {}),
    functools.partial(collections.defaultdict, int),
)


def called(make):
    return getattr(make, "func", make).__name__


@pytest.mark.parametrize("make", MAPPINGS, ids=called)
@pytest.mark.parametrize("mode", ["convert", "warn"])
@pytest.mark.filterwarnings("ignore::sekisho.CrossingWarning")
def test_a_mapping_is_made_anew_and_the_callers_own_stays_as_it_is(make, mode, world, other):
    items = {"a": world.zeros(2), "b": other.zeros(2), "c": other.zeros(3)}
    given = make(items)
    f = guard(world, Mapping[str, arrays(world) | Float[world.array_type, "k"]])
    with sk.mode(mode):
        passed = f(given)
    assert passed is not given
    assert type(passed) is type(given)
    assert [*passed] == [*given] == ["a", "b", "c"]
    assert passed["a"] is items["a"]
    assert all(isinstance(each, world.array_type) for each in passed.values())
    assert are_same([*given.values()], [*items.values()])
    assert not hasattr(given, "owner") or passed.owner == "me"


@pytest.mark.parametrize(
    "make",
    [each for each in MAPPINGS if each not in {Forbids, Frozen, Mirrored, types.MappingProxyType}],
    ids=called,
)
def test_what_a_body_writes_into_a_mapping_that_was_made_anew_stays_there(make, world, other):
    given = make({"a": other.zeros(2)})
    passed = guard(world, Mapping[str, arrays(world)])(given)
    new = world.zeros(1)
    passed["new"] = new
    assert [*given] == ["a"]
    assert isinstance(given["a"], other.array_type)


def test_what_is_beside_the_items_goes_along(world, other):
    f = guard(world, Mapping[str, arrays(world)])
    old = other.zeros(2)
    attributes = f(Attributes({"a": old}))
    assert attributes.a is attributes["a"]
    attributes.b = 1
    assert attributes["b"] == 1

    mirrored = Mirrored({"a": old})
    passed = f(mirrored)
    assert passed.latest[0] is passed["a"]
    assert passed.lock is mirrored.lock
    assert mirrored.latest[0] is old

    cached = Cached(a=old)
    assert cached.both[0] is old
    assert f(cached).both[0] is not old
    assert cached.both[0] is old

    bound = f(Bound({"a": old}))
    assert isinstance(bound.look("a"), world.array_type)
    bound.put("b", 1)
    assert bound["b"] == 1

    slotted = f(Slotted({"a": old}))
    assert slotted.hidden() is slotted.store
    assert not hasattr(slotted, "unset")

    state = collections.OrderedDict(a=old)
    state._metadata = {"version": 1}  # like a `state_dict` of torch
    assert f(state)._metadata == {"version": 1}
    default = f(collections.defaultdict(int, a=old))
    assert default["new"] == 0
    layers = collections.ChainMap({"a": old}, {"a": other.zeros(1), "b": old})
    assert [[*each] for each in f(layers).maps] == [["a"], ["a", "b"]]


class AbcSequence(MutableSequence):
    def __init__(self, items=()):
        self.store = list(items)

    def __getitem__(self, index):
        return self.store[index]

    def __setitem__(self, index, value):
        self.store[index] = value

    def __delitem__(self, index):
        del self.store[index]

    def __len__(self):
        return len(self.store)

    def insert(self, index, value):
        self.store.insert(index, value)


class FrozenSequence(Sequence):
    def __init__(self, items=()):
        self._items = tuple(items)

    def __getitem__(self, index):
        return self._items[index]

    def __len__(self):
        return len(self._items)


class Linked(AbcSequence):
    """A linked list: each item is in a cell that refers to the next."""

    def __init__(self, items=()):
        self.first = ()
        for each in reversed([*items]):
            self.first = (each, self.first)

    @property
    def store(self):
        found, cell = [], self.first
        while cell:
            found.append(cell[0])
            cell = cell[1]
        return found


class Tagged(tuple):  # noqa: SLOT001 - it has state
    """A tuple with state and another constructor."""

    def __new__(cls, items, tag="tag"):
        assert isinstance(tag, str)
        made = super().__new__(cls, items)
        made.tag = tag
        return made


class Triple(tuple):  # noqa: SLOT001 - it has state
    def __new__(cls, a, b, c):
        return super().__new__(cls, (a, b, c))


class TaggedList(list):
    tag = "tag"

    def append(self, item):
        raise AssertionError("no method that writes is called")

    extend = insert = __setitem__ = append


SEQUENCES = (
    *(AbcSequence, FrozenSequence, Linked, Tagged, TaggedList, list, tuple),
    lambda items: Triple(*items),
    *(collections.UserList, collections.deque, functools.partial(collections.deque, maxlen=3)),
)


@pytest.mark.parametrize("make", SEQUENCES, ids=called)
def test_a_sequence_is_made_anew_and_the_callers_own_stays_as_it_is(make, world, other):
    items = [world.zeros(2), other.zeros(2), other.zeros(2)]
    items[2] = items[1]
    given = make(items)
    vars(given).update(owner="me") if hasattr(given, "__dict__") else None
    passed = guard(world, Sequence[arrays(world)])(given)
    assert type(passed) is type(given)
    assert passed[0] is items[0]
    assert all(isinstance(each, world.array_type) for each in passed)
    assert are_same([*given], items)
    assert vars(passed).keys() == vars(given).keys() if hasattr(given, "__dict__") else True
    assert getattr(passed, "maxlen", None) == getattr(given, "maxlen", None)
    if hasattr(passed, "append") and not isinstance(passed, (TaggedList, Linked)):
        passed.append(1)
        assert len(given) == 3


def test_a_tuple_is_filled_by_place_though_it_holds_one_array_twice(world, other):
    twice = other.zeros(2)
    passed = guard(world, tuple[arrays(world), Any, Any])(Triple(twice, twice, 3))
    assert type(passed) is Triple
    assert isinstance(passed[0], world.array_type)
    assert passed[1] is twice


def test_tuples_of_torch_are_made_anew(torch):
    given = torch.max(torch.eye(2), 1)
    passed = guard_numpy(tuple[Float[np.ndarray, "n"], np.ndarray])(given)
    assert type(passed) is torch.return_types.max
    assert passed.values is passed[0]
    assert isinstance(passed.values, np.ndarray)


def guard_numpy(annotation):
    def f(x):
        return x

    f.__annotations__ = {"x": annotation}
    return sk.numpy_world(f)


# --- what cannot be made anew ---------------------------------------------------------------------


class Closed(AbcMapping):
    """Hides its items."""

    def __init__(self, items=()):
        store = dict(items)
        self.get_store = lambda: store

    store = property(lambda self: self.get_store())


class Elsewhere(AbcMapping):
    def __init__(self, items=()):
        self.inner = AbcMapping(items)
        self.store = self.inner


class Computed(Frozen):
    def __getitem__(self, key):
        return super().__getitem__(key)[:]


class Unpicklable(AbcMapping):
    def __reduce__(self):
        raise RuntimeError("not this one")


class Says(AbcMapping):
    """Its copy has another class."""

    def __reduce__(self):
        return dict, (self.store,)


class ByValue(AbcMapping):
    """Looks up its keys by their values, too."""

    def __init__(self, items=()):
        super().__init__(items)
        self.back = {each: key for key, each in self.store.items()}


REFUSED = {
    Closed: "its class makes them as they are read",
    Elsewhere: "its class makes them as they are read",
    Computed: "its class makes them as they are read",
    Unpicklable: "RuntimeError: not this one",
    Says: "its class makes something else",
}


@pytest.mark.parametrize("make", REFUSED)
@pytest.mark.parametrize("mode", ["convert", "warn"])
@pytest.mark.filterwarnings("ignore::sekisho.CrossingWarning")
def test_a_mapping_that_cannot_be_made_anew_is_refused_with_the_call_that_helps(
    make, mode, world, other
):
    item = other.zeros(2)
    given = make({"a": item})
    before = given["a"]
    f = guard(world, Mapping[str, arrays(world)])
    with sk.mode(mode), pytest.raises(sk.ConversionError) as caught:
        f(given)
    A = world.array_type.__name__
    start = "  'x' cannot be made anew with converted items: "
    reason = REFUSED[make]
    assert str(caught.value) == (
        f"f() argument 'x': expected Mapping[str, Float[{A}, \"n\"]], got a tests.{make.__name__}.\n"
        f"{start}{reason}\n  hint: dict(x)"
    )
    assert given["a"] is before or make is Computed
    assert [*f(dict(given))] == ["a"], "the hint helps"


def test_a_hint_is_given_only_where_it_helps(world, other):
    class Mine(Closed):
        pass

    f = guard(world, Mapping[str, list[arrays(world)]])
    assert "hint: dict(x)" in refusal(f, Mine({"a": [other.zeros(2)]}))
    nested = guard(world, list[Mapping[str, arrays(world)]])
    text = refusal(nested, [Mine({"a": other.zeros(2)})])
    assert "\n  x[0] cannot be made anew with converted items: its class makes them" in text
    assert text.endswith("\n  hint: dict(x[0])")
    own = guard(world, MutableSequence[arrays(world)])

    class Lazy(AbcSequence):
        store = property(lambda self: [self.made() for _ in range(2)])

        def __init__(self, made):
            self.made = made

    assert refusal(own, Lazy(lambda: other.zeros(2))).endswith("\n  hint: list(x)")


def refusal(f, value):
    with pytest.raises(sk.ConversionError) as caught:
        f(value)
    return str(caught.value)


def test_keys_that_are_items_too_are_refused_where_they_have_no_hash(torch):
    text = refusal(guard_numpy(Mapping[str, np.ndarray]), ByValue({"a": torch.zeros(2)}))
    assert "TypeError: unhashable type: 'numpy.ndarray'" in text


def test_a_union_tries_its_next_alternative(world, other):
    f = guard(world, Mapping[str, arrays(world)] | Any)
    given = Closed({"a": other.zeros(2)})
    assert f(given) is given


# --- views, and what has a key twice --------------------------------------------------------------


class Multi(Mapping):
    """A dict that may have a key twice, as for headers and query strings."""

    def __init__(self, pairs):
        self.pairs = list(pairs)

    def __getitem__(self, key):
        return next(value for each, value in self.pairs if each == key)

    def __iter__(self):
        return iter([key for key, _ in self.pairs])

    def __len__(self):
        return len(self.pairs)

    def items(self):
        return MultiItems(self)


class MultiItems(ItemsView):
    def __iter__(self):
        return iter(self._mapping.pairs)


def test_a_mapping_that_has_a_key_twice_keeps_both(world, other):
    given = Multi([("a", other.zeros(2)), ("a", other.zeros(2) + 1), ("b", world.zeros(2))])
    passed = guard(world, Mapping[str, arrays(world)])(given)
    assert [key for key, _ in passed.pairs] == ["a", "a", "b"]
    assert [float(each[0]) for _, each in passed.pairs] == [0, 1, 0]
    assert all(isinstance(each, world.array_type) for _, each in passed.pairs)
    assert isinstance(given.pairs[0][1], other.array_type)


def test_a_view_that_has_a_key_twice_is_refused_and_no_item_is_lost(world, other):
    f = guard(world, ItemsView[str, arrays(world)])
    given = Multi([("a", other.zeros(2)), ("a", other.zeros(2))]).items()
    assert "\n  'x' has a key twice, and a view is made of a dict" in refusal(f, given)
    at_home = Multi([("a", world.zeros(2)), ("a", world.zeros(2))]).items()
    assert f(at_home) is at_home
    unhashable = Multi([([], other.zeros(2))]).items()
    g = guard(world, ItemsView[list, arrays(world)])
    assert "'x' has a key without a hash" in refusal(g, unhashable)
    values = guard(world, ValuesView[arrays(world)])(Multi([("a", other.zeros(2))] * 2).values())
    assert len(values) == 2


def test_a_collection_keeps_its_type_but_a_set(world, other):
    class Bag(Collection):
        def __init__(self, items):
            self.items = list(items)

        def __iter__(self):
            return iter(self.items)

        def __len__(self):
            return len(self.items)

        def __contains__(self, item):
            return True

    f = guard(world, Collection[arrays(world)])
    assert type(f(Bag([other.zeros(2)]))) is Bag
    if other.name == "torch":
        assert type(f({other.zeros(2)})) is list


# --- records --------------------------------------------------------------------------------------


def record_classes(A):  # noqa: C901 - one class after the other
    """Return records whose classes do more than hold fields."""
    attrs = pytest.importorskip("attrs")

    @dataclasses.dataclass
    class Plain:
        image: Any
        label: Any = None

    @dataclasses.dataclass(frozen=True, slots=True)
    class FrozenSlots:
        image: Any
        label: Any = None

    @dataclasses.dataclass(frozen=True)
    class CopiesItself:
        image: Any
        label: Any = None

        def __copy__(self):
            return self

    @dataclasses.dataclass
    class Checks:
        image: Any
        label: Any = None
        half: Any = dataclasses.field(init=False)

        def __post_init__(self):
            self.half = self.label

        def __setattr__(self, name, value):
            if name in vars(self):
                raise AttributeError("written once")
            super().__setattr__(name, value)

    @dataclasses.dataclass
    class Shadowed:
        label: Any = None
        image: Any = None

        @property
        def image(self):  # noqa: F811 - common in user code
            return self._image

        @image.setter
        def image(self, value):
            self._image = None if isinstance(value, property) else value

    @dataclasses.dataclass
    class Reduces:
        image: Any
        label: Any = None

        def __reduce__(self):
            return type(self), (self.image, self.label)

    @attrs.frozen
    class Attrs:
        image: Any
        label: Any = None

    @attrs.define(slots=False)
    class AttrsDict:
        image: Any
        label: Any = None

    class Base(NamedTuple):
        image: Any
        label: Any = None

    class Named(Base):
        def __new__(cls, image, label=None, tag="tag"):
            made = super().__new__(cls, image, label)
            made.tag = tag
            return made

    @dataclasses.dataclass
    class IsDict(collections.OrderedDict):
        image: Any
        label: Any = None

        def __post_init__(self):
            super().__setitem__("image", self.image)

    kinds = [Plain, FrozenSlots, CopiesItself, Checks, Shadowed, Reduces, Attrs, AttrsDict]
    kinds += [Base, Named, IsDict]
    for each in kinds:
        each.__annotations__ = {**each.__annotations__, "image": arrays_of(A)}
    Named.__annotations__ = Base.__annotations__
    return {each.__name__: each for each in kinds}


def arrays_of(A):
    return Float[A, " n"]


RECORDS = (
    *("Plain", "FrozenSlots", "CopiesItself", "Checks", "Shadowed", "Reduces", "Attrs"),
    *("AttrsDict", "Base", "Named", "IsDict"),
)


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_made_anew_and_the_callers_own_stays_as_it_is(name, world, other):
    kind = record_classes(world.array_type)[name]
    image, label = other.zeros(2), ["a"]
    given = kind(image=image, label=label)
    passed = guard(world, kind)(given)
    assert passed is not given
    assert type(passed) is kind
    assert isinstance(passed.image, world.array_type)
    assert passed.label is label
    assert given.image is image
    if name == "Named":
        assert passed.tag == "tag"
    if name == "IsDict":
        assert passed["image"] is passed.image
        assert given["image"] is image


def test_what_a_record_has_computed_is_kept_and_what_it_has_cached_is_computed_again(world, other):
    attrs = pytest.importorskip("attrs")
    runs = []

    def add(self):
        runs.append(1)
        return self.image + 1

    @dataclasses.dataclass
    class Data:
        image: Any
        size: int = dataclasses.field(init=False)

        def __post_init__(self):
            runs.append(0)
            self.size = len(self.image)

    Data.total = functools.cached_property(add)
    Data.total.__set_name__(Data, "total")

    @attrs.define
    class Slotted:
        image: Any

        @functools.cached_property
        def total(self):
            return add(self)

    for kind in (Data, Slotted):
        kind.__annotations__["image"] = arrays(world)
    for given in (Data(other.zeros(2)), Slotted(other.zeros(2))):
        assert isinstance(given.total, other.array_type)
        runs.clear()
        passed = guard(world, type(given))(given)
        assert runs == [], "nothing of the class runs"
        assert isinstance(passed.total, world.array_type)
        assert isinstance(given.total, other.array_type)
    assert guard(world, Data)(Data(other.zeros(2))).size == 2


def test_a_record_whose_field_is_computed_is_refused(world, other):
    @dataclasses.dataclass
    class Lazy:
        made: Any
        image: Any = dataclasses.field(init=False)

        @property
        def image(self):  # noqa: F811 - common in user code
            return self.made()

        @image.setter
        def image(self, value): ...

    Lazy.__annotations__["image"] = arrays(world)
    text = refusal(guard(world, Lazy), Lazy(lambda: other.zeros(2)))
    reason = "'x' cannot be made anew with converted fields: its class makes them as they are read"
    assert text.endswith(f"\n  {reason}")


# --- results that go back, and what holds itself --------------------------------------------------


def back(world, result):
    return world.decorate(returns="caller")(lambda x: result)


def cycles(item):
    plain = [item]
    plain.append(plain)
    inner = {"a": item}
    inner["b"] = [1, (inner,)]
    deque_like = TaggedList([item])
    list.append(deque_like, {"c": deque_like})
    return {"list": plain, "dict": inner, "subclass": deque_like, "around": [[plain]]}


@pytest.mark.parametrize("name", ["list", "dict", "subclass", "around"])
def test_a_result_that_contains_itself_is_refused_where_it_would_have_to_change(name, world, other):
    given = cycles(world.zeros(2))[name]
    with pytest.raises(sk.ConversionError) as caught:
        back(world, given)(other.zeros(1))
    label = {"numpy": "NumPy", "torch": "PyTorch"}[other.name]
    got = {"dict": "a dict", "subclass": "a tests.TaggedList"}.get(name, "a list")
    assert str(caught.value) == (
        f"<lambda>() the result: expected a value that can go back to {label}, got {got}.\n"
        "  the result contains itself"
    )
    endless = cycles(1)[name]
    assert back(world, endless)(other.zeros(1)) is endless


def test_a_result_that_is_nested_too_deeply_is_refused(world, other):
    deep: Any = world.zeros(2)
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(sk.ConversionError, match="the result is nested too deeply"):
        back(world, deep)(other.zeros(1))


@pytest.mark.parametrize("make", [TaggedList, Tagged, collections.OrderedDict, Mirrored])
def test_a_result_goes_back_in_a_container_of_the_same_type(make, world, other):
    items = {"a": world.zeros(2)} if issubclass(make, dict) else [world.zeros(2)]
    given = make(items)
    passed = back(world, given)(other.zeros(1))
    assert type(passed) is make
    (item,) = passed.values() if isinstance(passed, dict) else passed
    assert isinstance(item, other.array_type)
    assert isinstance(
        next(iter(items.values() if isinstance(items, dict) else items)), world.array_type
    )
    assert make is not Tagged or passed.tag == "tag"


# --- values that hold themselves, where they are checked ------------------------------------------


def nodes(world):
    @dataclasses.dataclass
    class Node:
        value: Any
        parent: Any = None
        children: Any = dataclasses.field(default_factory=list)

    array = arrays(world)
    Node.__annotations__.update(value=array, parent=Optional[Node], children=list[Node])

    class Keys(TypedDict):
        value: array
        me: "Keys"

    Keys.__annotations__.update(value=array, me=Keys)
    return Node, Keys


def trees(world, item):
    """Return trees, each with its class."""
    Node, Keys = nodes(world)
    loop = Node(item)
    loop.parent = loop
    root = Node(item)
    root.children = [Node(item, root), Node(item, root)]
    keys = {"value": item}
    keys["me"] = keys
    return {"a loop": (Node, loop), "a tree": (Node, root), "keys": (Keys, keys)}


@pytest.mark.parametrize("name", ["a loop", "a tree", "keys"])
def test_what_holds_itself_is_checked_to_the_end_and_refused_where_it_would_change(
    name, world, other
):
    kind, value = trees(world, world.zeros(2))[name]
    assert guard(world, kind)(value) is value
    kind, value = trees(world, world.zeros(2, 2))[name]
    with pytest.raises(sk.ShapeError):
        guard(world, kind)(value)
    kind, value = trees(world, other.zeros(2))[name]
    text = refusal(guard(world, kind), value)
    assert text.endswith("contains itself, and an item inside has to be converted")


def test_what_holds_itself_by_another_annotation_is_checked_by_that_too(world):
    class Inner(TypedDict):
        value: Any
        me: Any

    Inner.__annotations__.update(value=Float[world.array_type, "n m"])

    class Outer(TypedDict):
        value: Any
        me: Any

    Outer.__annotations__.update(value=arrays(world), me=Inner)
    value = {"value": world.zeros(2)}
    value["me"] = value
    with pytest.raises(sk.ShapeError, match=r"x\['me'\]\['value'\] has 1 axis, not 2"):
        guard(world, Outer)(value)


def test_a_record_that_is_nested_too_deeply_is_refused(world):
    Node, _ = nodes(world)
    deep = Node(world.zeros(2))
    for _ in range(3000):
        deep = Node(world.zeros(2), deep)
    with pytest.raises(
        sk.BoundaryError, match="\n  it nests too deep to be checked, or contains itself"
    ):
        guard(world, Node)(deep)


def test_both_worlds_refuses_arguments_that_contain_themselves(torch):
    endless = [np.zeros(2)]
    endless.append(endless)
    with pytest.raises(sk.ConversionError, match="it contains itself"):
        both_worlds(lambda x: x[0], endless)


def test_what_frees_a_resource_is_not_made_twice(world, other):
    class Owner(AbcMapping):
        def __del__(self): ...

    text = refusal(guard(world, Mapping[str, arrays(world)]), Owner({"a": other.zeros(2)}))
    assert "cannot be made anew with converted items: its class has a __del__" in text


# --- containers of packages -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("frozendict", "frozendict"),
        ("immutables", "Map"),
        ("multidict", "MultiDict"),
        ("multidict", "CIMultiDict"),
        ("sortedcontainers", "SortedDict"),
    ],
)
def test_mappings_of_packages_are_made_anew(package, name, world, other):
    kind = getattr(pytest.importorskip(package), name)
    item = other.zeros(2)
    given = kind({"a": item, "b": world.zeros(2)})
    passed = guard(world, Mapping[str, arrays(world)])(given)
    assert type(passed) is kind
    assert all(isinstance(each, world.array_type) for each in passed.values())
    assert given["a"] is item
    if hasattr(passed, "pop") and name != "frozendict":
        passed.pop("a")
        assert {*given} == {"a", "b"}


def test_a_key_twice_in_a_multidict_stays_twice(world, other):
    multidict = pytest.importorskip("multidict")
    given = multidict.MultiDict([("a", other.zeros(2)), ("a", other.zeros(2) + 1)])
    passed = guard(world, Mapping[str, arrays(world)])(given)
    assert [float(each[0]) for each in passed.getall("a")] == [0, 1]
    assert "has a key twice" in refusal(guard(world, ItemsView[str, arrays(world)]), given.items())
