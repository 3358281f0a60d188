"""The parts of containers and of the registry one by one: items that are replaced, kept, or refused."""

from __future__ import annotations

import asyncio
import pickle
from collections import Counter, OrderedDict, UserList, defaultdict, deque, namedtuple
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import sekisho as sk
from sekisho.worlds import HOST, containers, registry, unflatten
from sekisho.worlds.library import Library
from sekisho.worlds.policy import Refusal

READ = "cannot be made anew with converted items: its class makes them as they are read"


class Pair(NamedTuple):
    a: Any
    b: Any


class Extended(Pair):
    """A NamedTuple whose instances have attributes."""


class Computed(list):
    """Makes its items as they are read."""

    def __iter__(self):
        return iter([object(), object()])


class Shorter(list):
    def __iter__(self):
        return iter([self[0]])


A, B, C, D = (object() for _ in range(4))


@pytest.mark.parametrize("kind", [list, tuple, deque, UserList, Pair._make, Extended._make])
def test_items_are_replaced_in_a_container_of_the_same_class(kind):
    given = kind([A, B])
    olds = [A, B]
    assert containers.with_items(given, olds, [A, B]) is given
    for news in ([C, B], [A, C], [C, D]):
        made = containers.with_items(given, olds, news)
        assert type(made) is type(given)
        assert list(made) == news
        assert list(given) == olds
    with pytest.raises(ValueError, match="argument"):
        containers.with_items(given, olds, [A])


@pytest.mark.parametrize("kind", [Computed, Shorter])
def test_items_that_are_made_as_they_are_read_are_refused(kind):
    with pytest.raises(Refusal) as caught:
        containers.with_items(kind([A, B]), [A, B], [C, B])
    assert caught.value.args == (READ,)


@pytest.mark.parametrize(
    ("found", "olds", "news", "fits"),
    [
        ([C, B], [A, B], [C, B], True),
        ([A, B], [A, B], [C, B], False),
        ([C, D], [A, B], [C, B], False),
        ([C], [A, B], [C, B], False),
        ([C, B, B], [A, B], [C, B], False),
        ([C, C], [A, A], [C, D], True),  # an item that occurs twice
        ([C, A], [A, A], [C, D], False),
        ([C, A], [A, A], [C, A], True),
        ([C, C], [A, A], [C, A], False),
        ([A, A], [A, A], [A, D], False),  # what is unchanged is no new version
        ([A, D], [A, A], [A, D], True),
    ],
)
def test_a_new_container_has_the_new_items_and_none_of_the_old(found, olds, news, fits):
    if fits:
        containers._require(found, olds, news)
        return
    with pytest.raises(Refusal) as caught:
        containers._require(found, olds, news)
    assert caught.value.args == (READ,)


class Fixed(tuple):
    """Has its items from somewhere else."""

    __slots__ = ()

    def __iter__(self):
        return iter([A, A])


def test_an_item_that_occurs_twice_and_is_replaced_once_is_not_left_as_it_was():
    with pytest.raises(Refusal) as caught:
        containers.with_items(Fixed([A, A]), [A, A], [A, D])
    assert caught.value.args == (READ,)


def test_views_and_sets_become_what_holds_arrays():
    mapping = {"a": A, "b": B}
    collected = containers.with_collected
    items, values = mapping.items(), mapping.values()
    pairs = list(items)
    assert collected(items, pairs, pairs) is items
    made = collected(items, pairs, [("a", C), ("b", B)])
    assert (type(made), list(made)) == (type(items), [("a", C), ("b", B)])
    assert collected(values, [A, B], [A, B]) is values
    made = collected(values, [A, B], [A, C])
    assert (type(made), list(made)) == (type(values), [A, C])
    some = {1, 2}
    assert collected(some, [1, 2], [1, 2]) is some
    assert collected(some, [1, 2], [1, 3]) == [1, 3]
    assert collected(frozenset(some), [1, 2], [1, 3]) == [1, 3]
    assert collected(deque([A]), [A], [B]) == deque([B])
    for bad, reason in (
        ([(["a"], C), ("b", B)], "has a key without a hash, and a view is made of a dict"),
        ([("a", C), ("a", B)], "has a key twice, and a view is made of a dict"),
    ):
        with pytest.raises(Refusal) as caught:
            collected(items, pairs, bad)
        assert caught.value.args == (reason,)


class Twice(dict):
    """A mapping that has a key twice, as those of HTTP headers do."""

    def items(self):
        return [("a", self["a"]), ("a", self["a"])]


class Attributed(OrderedDict):
    """As the `state_dict` of torch."""


@pytest.mark.parametrize(
    "kind",
    [dict, OrderedDict, Attributed, MappingProxyType, Counter, lambda x: defaultdict(list, x)],
)
def test_values_are_replaced_in_a_mapping_of_the_same_class(kind):
    given = kind({"a": A, "b": B})
    olds = [("a", A), ("b", B)]
    assert containers.with_values(given, olds, [A, B]) is given
    for news in ([C, B], [A, C]):
        made = containers.with_values(given, olds, news)
        assert type(made) is type(given)
        assert list(made.items()) == list(zip("ab", news, strict=True))
        assert list(given.items()) == olds
    if kind is OrderedDict:
        given.extra = D
        assert containers.with_values(given, olds, [C, B]).extra is D


def test_a_mapping_with_other_keys_than_it_had_is_refused():
    with pytest.raises(Refusal) as caught:
        containers.with_values(Twice(a=A), [("a", A)], [C])
    assert caught.value.args == (READ,)


class Record:
    def __init__(self, a, b):
        self.a, self.b = a, b


class Property:
    """A field that is computed."""

    b = B

    @property
    def a(self):
        return A


@pytest.mark.parametrize("kind", [Pair, Extended, Record, dict])
def test_fields_are_replaced_in_a_record_of_the_same_class(kind):
    given = kind(a=A, b=B)
    read = given.get if kind is dict else lambda name: getattr(given, name)
    olds = {"a": A, "b": B}
    assert containers.with_fields(given, olds, {"a": A}) is given
    assert containers.with_fields(given, olds, {}) is given
    made = containers.with_fields(given, olds, {"a": C})
    assert type(made) is type(given)
    assert (made if kind is dict else vars(made) if kind is Record else made._asdict()) == {
        "a": C, "b": B,
    }  # fmt: skip
    assert read("a") is A
    with pytest.raises(Refusal) as caught:
        containers.with_fields(Property(), {"a": A}, {"a": C})
    assert caught.value.args == (READ.replace("items", "fields"),)


def test_the_leaves_of_nested_containers_are_changed_and_their_types_kept():
    def double(value):
        return value * 2 if isinstance(value, int) else value

    nested = {"a": [1, (2, Pair(3, "x"))], "b": OrderedDict(c=4)}
    made = containers.with_leaves(nested, double)
    assert made == {"a": [2, (4, Pair(6, "x"))], "b": OrderedDict(c=8)}
    assert type(made["a"][1][1]) is Pair
    assert type(made["b"]) is OrderedDict
    same = {"a": ["x", ("y",)]}
    assert containers.with_leaves(same, double) is same
    assert containers.with_leaves(3, double) == 6
    loop: list[Any] = ["x"]
    loop.append(loop)
    assert containers.with_leaves(loop, double) is loop
    shared: list[Any] = [1]
    assert containers.with_leaves([shared, shared], double) == [[2], [2]]
    loop.append(1)
    with pytest.raises(Refusal) as caught:
        containers.with_leaves(loop, double)
    assert caught.value.args == ("contains itself",)
    deep: list[Any] = [1]
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Refusal) as caught:
        containers.with_leaves(deep, double)
    assert caught.value.args == ("is nested too deeply",)


def test_values_inside_are_given_in_order_and_each_container_once():
    shared = [3]
    nested = [1, {"a": 2, "b": shared}, (shared, 4), Pair(5, {6})]
    assert list(containers.flatten(nested)) == [1, 2, 3, 4, 5, {6}]
    assert list(containers.flatten(7)) == [7]
    loop: list[Any] = [1]
    loop += [loop, 2]
    assert list(containers.flatten(loop)) == [1, 2]
    parts = {"box": [1, "inner"], "inner": [2, 3]}.get
    found = containers.flatten(["box", "other", "box"], parts)
    assert list(found) == [1, 2, 3, "other"]
    empty = containers.flatten(["box"], lambda _: [])
    assert list(empty) == []
    Best = namedtuple("Best", ["values", "at"])
    assert list(containers.flatten(Best(1, 2))) == [1, 2]


@pytest.mark.parametrize("levels", range(4))
@pytest.mark.parametrize("depth", range(5))
@pytest.mark.parametrize("kind", [list, tuple, dict])
def test_containers_are_deeper_than_so_many_levels(levels, depth, kind):
    nested: Any = 3
    for _ in range(depth):
        nested = {"a": nested, "b": 0} if kind is dict else kind([0, nested])
    assert containers.nests_deeper(nested, levels) is (depth > levels - 1)
    loop: list[Any] = []
    loop.append(loop)
    assert containers.nests_deeper(loop, levels)


class Async:
    def __init__(self, items):
        self.items = items

    async def __aiter__(self):
        for each in self.items:
            yield each


def test_items_are_checked_as_they_are_taken_with_their_positions():
    seen: list[Any] = []

    def check(index, item):
        seen.append((index, item))
        return item * 2

    found = containers.iterate_checked(iter([5, 6]), check)
    assert seen == []
    assert (list(found), seen) == ([10, 12], [(0, 5), (1, 6)])
    seen.clear()

    async def collect(items):
        return [each async for each in items]

    assert asyncio.run(collect(containers.iterate_checked(aiter(Async([5, 6])), check))) == [10, 12]
    assert seen == [(0, 5), (1, 6)]
    checked = containers.CheckedIterable([5, 6], check)
    for _ in range(2):
        assert list(checked) == [10, 12]
    assert list(reversed(checked)) == [12, 10]
    assert (len(checked), bool(checked), repr(checked)) == (2, True, "[5, 6]")
    assert not containers.CheckedIterable([], check)
    assert checked.index(6) == 1
    assert pickle.loads(pickle.dumps(checked)) == [5, 6]
    assert asyncio.run(collect(containers.CheckedIterable(Async([1]), check))) == [2]


# --- the registry ----------------------------------------------------------------------------------


class World(sk.World):
    name, label, array_class = "tallied", "Tallied", "Tally"

    def dtypes(self):
        return {}

    def to_host(self, value, policy):
        """Convert nothing."""

    from_host = to_host


def without(**members):
    return type("Other", (World,), {"__repr__": lambda _: "a world", **members})()


NAME, LABEL = (
    f'a world has no {member}.\n  hint: {member} = "...", {words}'
    for member, words in (
        ("name", "the module that is imported where the library is"),
        ("label", "what messages call the library"),
    )
)


@pytest.mark.parametrize(
    ("world", "problem"),
    [
        (World(), None),
        (3, "expected an instance of a subclass of sekisho.World, got 3."),
        (int, "expected an instance of a subclass of sekisho.World, got <class 'int'>."),
        (
            World,
            f"expected an instance of a subclass of sekisho.World, got {World!r}."
            "\n  hint: register_world(World())",
        ),
        (without(name=""), NAME),
        (without(name=3), NAME),
        (without(label=""), LABEL),
        (without(label=None), LABEL),
        (
            without(dtypes=sk.World.dtypes),
            "a world has no dtypes().\n  hint: see sekisho.World.dtypes",
        ),
        (
            without(to_host=sk.World.to_host),
            "a world has no to_host().\n  hint: see sekisho.World.to_host",
        ),
        (
            without(from_host=sk.World.from_host),
            "a world has no from_host().\n  hint: see sekisho.World.from_host",
        ),
        (without(name="a-b"), "'a-b' cannot be part of a name, as in to_a-b."),
        (
            without(name="same"),
            "the name 'same' is taken: same_world, or an option so called, exists.",
        ),
    ],
)
def test_what_a_world_lacks_is_said(world, problem):
    assert registry._why_not(world) == problem


@pytest.fixture
def alone(monkeypatch):
    """Let a test register worlds of its own."""
    for name in ("_pending", "_broken"):
        monkeypatch.setattr(registry, name, dict(getattr(registry, name)))
    for name in ("_waiting",):
        monkeypatch.setattr(registry, name, set(getattr(registry, name)))
    monkeypatch.setattr(registry, "_records", registry._records)
    monkeypatch.setattr(registry, "_listeners", [])


@pytest.mark.usefixtures("alone")
def test_worlds_are_in_the_order_of_this_package_and_then_of_registration():
    first, second, third = (registry.library_of(without(name=name)) for name in ("zz", "aa", "jax"))
    registry._records = (HOST,)
    registry._pending.clear()
    for each in (first, second):
        assert registry._add(each) is None
        assert each.name in registry._waiting
    assert registry._records == (HOST, first, second)
    assert registry._add(second) == "a world called 'aa' is registered already."
    assert registry._add(third) == "a world called 'jax' is registered already."
    registry._pending["jax"] = lambda: third
    assert registry._add(third) == "a world called 'jax' is registered already."
    assert registry._add(third, is_announced=True) is None
    assert registry._add(third, is_announced=True) is None  # as another thread has done
    assert registry._records == (HOST, third, first, second)
    assert "jax" not in registry._pending
    assert registry.world_names() == ("numpy", "torch", "jax", "cupy", "zz", "aa")


@pytest.mark.usefixtures("alone")
def test_an_entry_point_has_the_name_of_its_world():
    registry._pending["tallied"] = lambda: without(name="other")
    registry._waiting.add("tallied")
    with pytest.warns(RuntimeWarning, match=r"cannot be used: it is called 'other'$"):
        assert registry._activate("tallied") is None
    with pytest.raises(sk.DeclarationError, match="it is called 'other'"):
        registry.world_named("tallied")
    assert registry.has_world("tallied")
    assert not registry.has_world("unheard_of")
    with pytest.raises(sk.DeclarationError) as caught:
        registry.world_named("unheard_of")
    names = ", ".join(registry.world_names())
    assert str(caught.value) == f"there is no world 'unheard_of', only {names}."


@pytest.mark.usefixtures("alone")
def test_a_value_belongs_to_a_world_whose_library_was_imported_since(monkeypatch):
    class Own:
        """A value of the library."""

    made = without(name="tallied", owns=lambda self, value: isinstance(value, Own))
    monkeypatch.setattr(registry, "_records", (HOST,))
    late = {"absent": lambda: pytest.fail("it is not imported"), "tallied": lambda: made}
    late["other"] = lambda: without(name="other", owns=lambda self, value: False)
    monkeypatch.setattr(registry, "_pending", dict(late))
    assert registry.find_world(Own()) is None
    for name in ("tallied", "other"):
        monkeypatch.setitem(registry.sys.modules, name, SimpleNamespace())
    assert registry.find_world(3) is None  # both are looked at
    assert set(registry._pending) == {"absent"}
    monkeypatch.setattr(registry, "_records", (HOST,))
    for order in (["absent", "other", "tallied"], ["tallied", "other", "absent"]):
        monkeypatch.setattr(registry, "_records", (HOST,))
        monkeypatch.setattr(registry, "_pending", {name: late[name] for name in order})
        assert registry.find_world(Own()).name == "tallied"
    monkeypatch.setattr(registry, "_pending", {"tallied": _failing})
    monkeypatch.setattr(registry, "_records", (HOST,))
    with pytest.warns(RuntimeWarning, match="ImportError: broken$"):
        assert registry.find_world(Own()) is None


def _failing():
    raise ImportError("broken")


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("fails", [False, True])
def test_listeners_are_told_once_that_a_library_was_imported(monkeypatch, fails):
    told: list[str] = []
    library: Any = Library()
    library.name, library.is_loaded = "tallied", lambda: True

    def on_load():
        told.append("loaded")
        if fails:
            raise KeyError

    library.on_load = on_load
    registry.on_load(lambda: told.append("heard"))
    registry._waiting.clear()
    registry._add(library)
    registry.look_for_worlds()
    assert told == []  # it is not imported
    monkeypatch.setitem(registry.sys.modules, "tallied", SimpleNamespace())
    if fails:
        with pytest.raises(KeyError):
            registry.look_for_worlds()
    else:
        registry.look_for_worlds()
    registry.look_for_worlds()
    assert told == ["loaded", "heard"]


def test_an_array_is_foreign_unless_its_home_takes_it(torch):
    from sekisho.worlds import world_named

    torch_world = world_named("torch")
    array, tensor = np.ones(2), torch.ones(2)
    assert registry.foreign_world(array, torch_world) is HOST
    assert registry.foreign_world(array, HOST) is None
    assert registry.foreign_world(tensor, HOST) is torch_world
    assert registry.foreign_world(np.float32(1), torch_world) is None
    assert registry.foreign_world([1], HOST) is None
    assert registry.foreign_world(np.zeros(2, [("", "f4")]).view(), torch_world) is HOST


class Raising:
    @property
    def __class__(self):
        raise KeyError

    @__class__.setter
    def __class__(self, _):
        """Stay what it is."""


def test_an_object_whose_class_cannot_be_read_belongs_to_no_world(monkeypatch):
    assert registry.find_world(Raising()) is None

    class Ours:
        name = "ours"

        def owns(self, value):
            raise sk.WorldError("ours")

    monkeypatch.setattr(registry, "_records", (Ours(),))
    with pytest.raises(sk.WorldError):
        registry.find_world(3)


def test_the_world_of_a_class_is_found_by_the_array_class_or_what_stands_for_it(torch):
    from sekisho.worlds import world_named

    torch_world = world_named("torch")
    assert registry.world_of_class(np.ndarray) is HOST
    assert registry.world_of_class(np.matrix) is HOST
    assert registry.world_of_class(torch.nn.Parameter) is torch_world
    assert registry.world_of_class(torch.LongTensor) is torch_world
    for other in (int, list, None, "text", np.float32):
        assert registry.world_of_class(other) is None
    cupy = world_named("cupy")
    stand_in = registry.array_class(cupy)
    if cupy.array_type() is None:
        assert registry.world_of_class(stand_in) is cupy
        assert registry.world_of_array_class(stand_in) is cupy
        assert not isinstance(3, stand_in)
    assert registry.world_of_array_class(np.ndarray) is HOST
    assert registry.array_class(HOST) is np.ndarray


@pytest.mark.parametrize("plain", [[True, True], [True, False], [False, True], []])
def test_libraries_run_plainly_if_each_does(monkeypatch, plain):
    worlds = [SimpleNamespace(runs_plainly=lambda each=each: each) for each in plain]
    monkeypatch.setattr(registry, "loaded_worlds", lambda: worlds)
    assert registry.runs_plainly() is all(plain)


# --- objects that JAX puts together -----------------------------------------------------------------


@pytest.mark.parametrize("has_jax", [True, False])
def test_only_what_makes_an_object_may_be_called_to_put_one_together(monkeypatch, has_jax):
    monkeypatch.setitem(unflatten.sys.modules, "jax", SimpleNamespace())
    if not has_jax:
        monkeypatch.delitem(unflatten.sys.modules, "jax")
    for name, makes in (
        ("C.__init__", True), ("__new__", True), ("a.C.__new__", True), ("f", False),
        ("__init__.f", False), ("C.init", False),
    ):  # fmt: skip
        assert unflatten.may_unflatten(name) is (makes and has_jax)


def frame(module, *, calls=None, guard=False):
    """Return what a frame is to `is_unflattening`."""
    return {"module": module, "calls": calls, "guard": guard}


JAXLIB: Any = type("PyTreeDef", (), {"__module__": "jaxlib.pytree"})()
GUARD = frame("program", guard=True)
USER, CALLS = frame("program"), frame("program", calls=JAXLIB)


@pytest.mark.parametrize(
    ("chain", "unflattens"),
    [
        ([GUARD, CALLS], True),
        ([GUARD, USER, CALLS], True),
        ([GUARD, USER, USER, USER, CALLS], True),
        ([GUARD, USER, USER, USER, USER, CALLS], False),
        ([GUARD, USER], False),
        ([GUARD, frame("jax.tree", calls=JAXLIB)], True),
        ([GUARD, frame("jax.tree"), CALLS], False),
        ([GUARD, frame("jaxes.tree"), CALLS], True),
        ([GUARD, frame("sekisho.x", calls=JAXLIB)], False),
        ([GUARD, *[frame("sekisho.x")] * 6, CALLS], True),
        ([GUARD, GUARD, CALLS], True),
        ([frame("sekisho.y"), CALLS, GUARD, USER], False),
        ([CALLS], False),
    ],
)
def test_a_constructor_unflattens_if_code_of_jaxlib_calls_it_nearby(monkeypatch, chain, unflattens):
    inner: Any = None
    for each in reversed(chain):
        inner = SimpleNamespace(
            f_back=inner, f_code=each["guard"], f_globals={"__name__": each["module"]}, of=each
        )
    monkeypatch.setattr(unflatten, "inspect", SimpleNamespace(currentframe=lambda: inner))
    monkeypatch.setattr(unflatten, "is_guard", lambda code: code)
    monkeypatch.setattr(unflatten, "_callee", lambda frame: frame.of["calls"])
    assert unflatten.is_unflattening() is unflattens


def test_what_a_frame_calls_is_looked_up_as_python_does(monkeypatch):
    def callee(names, local, others=None):
        monkeypatch.setattr(unflatten, "callee_names", lambda *_: names)
        monkeypatch.setattr(unflatten, "locals_of", lambda _: local)
        made: Any = SimpleNamespace(f_code=None, f_lasti=0, f_globals=others or {})
        return unflatten._callee(made)

    class Broken:
        @property
        def deep(self):
            raise KeyError

    assert callee(("f",), {"f": 1}, {"f": 2}) == 1
    assert callee(("f",), {}, {"f": 2}) == 2
    assert callee(("len",), {}) is len
    assert callee(("f",), {}) is None
    assert callee((), {"f": 1}) is None
    assert callee(("a", "real", "imag"), {"a": 3}) == 0
    assert callee(("a", "deep"), {"a": Broken()}) is None
    assert callee(("a", "missing"), {"a": 3}) is None
    inside = SimpleNamespace(func=JAXLIB)
    for value, is_one in (
        (JAXLIB, True), (inside, True), (SimpleNamespace(__self__=JAXLIB), True),
        (SimpleNamespace(__func__=JAXLIB), True), (SimpleNamespace(other=JAXLIB), False), (3, False),
    ):  # fmt: skip
        assert unflatten._is_jaxlibs(value) is is_one
