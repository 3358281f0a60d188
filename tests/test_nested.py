"""Converters take containers and records: every array in them is converted, all else stays."""

from __future__ import annotations

import collections
import dataclasses
import gc
import typing
import weakref

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sekisho as sk


@dataclasses.dataclass
class Plain:
    x: typing.Any
    n: int = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    x: typing.Any


@attrs.frozen
class Attrs:
    x: typing.Any


class Named(typing.NamedTuple):
    x: typing.Any
    name: str = "a"


class Sub(dict):
    """A user's own subclass of dict."""


MAKERS = {
    "dict": lambda x: {"x": x, 1: "a"},
    "dict of a class": lambda x: Sub(x=x),
    "OrderedDict": lambda x: collections.OrderedDict(b=1, a=x),
    "defaultdict": lambda x: collections.defaultdict(list, x=x),
    "UserDict": lambda x: collections.UserDict(x=x),
    "list": lambda x: [x, None],
    "tuple": lambda x: (1.5, x),
    "deque": lambda x: collections.deque([x], maxlen=2),
    "NamedTuple": Named,
    "dataclass": Plain,
    "frozen dataclass": Frozen,
    "attrs": Attrs,
}
CONTAINERS = pytest.mark.parametrize("kind", MAKERS)


def leaves(value):
    """Yield the arrays in a value, and all other leaves, by path."""
    if isinstance(value, (dict, collections.UserDict)):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if dataclasses.is_dataclass(value) or attrs.has(type(value)):
        names = getattr(value, "__dataclass_fields__", None) or [
            each.name for each in attrs.fields(type(value))
        ]
        return [leaf for name in names for leaf in leaves(getattr(value, name))]
    if isinstance(value, (list, tuple, collections.deque)):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


@CONTAINERS
def test_a_container_keeps_its_class_and_what_is_no_array(torch, kind):
    array = np.ones((2, 3), "f4")
    value = MAKERS[kind](array)
    made = sk.to_torch(value)
    assert type(made) is type(value)
    assert made is not value
    old, new = leaves(value), leaves(made)
    assert [each for each in new if not isinstance(each, torch.Tensor)] == [
        each for each in old if each is not array
    ]
    (tensor,) = (each for each in new if isinstance(each, torch.Tensor))
    assert tensor.data_ptr() == array.ctypes.data  # memory is shared, as without the container
    (back,) = (each for each in leaves(sk.to_numpy(made)) if isinstance(each, np.ndarray))
    assert np.shares_memory(back, array)
    assert any(each is array for each in leaves(value))  # nothing passed in is modified


@CONTAINERS
def test_a_container_with_nothing_to_convert_is_returned_itself(torch, kind):
    for x, convert in ((np.ones(2), sk.to_numpy), (torch.ones(2), sk.to_torch)):
        value = MAKERS[kind](x)
        assert convert(value) is value


@CONTAINERS
@pytest.mark.parametrize("convert", [sk.to_numpy, sk.to_torch])
def test_a_container_without_an_array_is_refused_as_before(torch, kind, convert):
    with pytest.raises(sk.WorldError, match=r"argument 'x': expected an array or a tensor, got "):
        convert(MAKERS[kind]("no array"))


PATHS = {
    "dict": r"\['x'\]",
    "list": r"\[0\]",
    "tuple": r"\[1\]",
    "NamedTuple": r"\.x",
    "dataclass": r"\.x",
    "attrs": r"\.x",
}


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize("outer", PATHS)
def test_an_array_that_is_refused_is_named_by_its_path(torch, kind, outer):
    fine = np.ones(2)
    value = MAKERS[outer]([fine, MAKERS[kind](np.array(["text"]))])
    with pytest.raises(sk.ConversionError, match=rf"'x'{PATHS[outer]}\[1\]{PATHS[kind]}: expected"):
        sk.to_torch(value)
    hint = rf"hint: x{PATHS[outer]}\[0\]{PATHS[kind]}\.detach\(\)"
    value = MAKERS[outer]([MAKERS[kind](torch.ones(2, requires_grad=True))])
    with pytest.raises(sk.ConversionError, match=hint):
        sk.to_numpy(value)
    assert len(leaves(sk.to_numpy(value, detach=True))) == len(leaves(value))


@pytest.mark.parametrize("options", [{"copy": True}, {"copy": False}, {"copy": None}])
def test_options_hold_for_each_array(torch, options):
    array = np.ones(3)
    made = sk.to_torch({"a": [array]}, **options)
    shares = made["a"][0].data_ptr() == array.ctypes.data
    assert shares is (options["copy"] is not True)
    if options["copy"] is False:
        with pytest.raises(sk.ConversionError, match=r"'x'\['a'\]\[1\]"):
            sk.to_torch({"a": [array, array[::-1]]}, copy=False)


def test_a_device_holds_for_each_array(torch):
    with pytest.raises(sk.ConversionError, match=r"'x'\['a'\]\[1\].*\n.*holds no values"):
        sk.to_torch({"a": [1, np.ones(3)]}, device="meta")
    made = sk.to_torch({"a": [np.ones(3), torch.ones(2)]}, device="cpu")
    assert [each.device.type for each in made["a"]] == ["cpu", "cpu"]


def test_an_array_that_occurs_twice_is_converted_once(torch):
    array = np.ones(3)[::-1]  # a view that must be copied
    made = sk.to_torch({"a": array, "b": [array, (array,)]})
    assert made["a"] is made["b"][0] is made["b"][1][0]


def test_one_that_contains_itself_is_refused(torch):
    cycle = [np.ones(2)]
    cycle.append({"again": cycle})
    with pytest.raises(sk.ConversionError, match=r"'x'\[1\]\['again'\].*\n  contains itself"):
        sk.to_torch(cycle)
    shared = [np.ones(2)]
    assert len(leaves(sk.to_torch([shared, shared]))) == 2  # twice, but not inside itself


def test_one_that_is_nested_too_deeply_is_refused(torch):
    value = [np.ones(2)]
    for _ in range(100_000):
        value = [value]
    with pytest.raises(sk.ConversionError, match="is nested too deeply"):
        sk.to_torch(value)
    while len(value) == 1 and isinstance(value[0], list):  # otherwise its destruction recurses
        value = value[0]


def test_the_log_has_one_row_for_each_dtype(torch):
    with sk.record_crossings() as log:
        sk.to_torch({"a": [np.ones(3, "f4")] * 2 + [np.zeros(3, "f4")], "b": np.ones(2, "i8")})
    rows = {(row.dtype, row.count) for row in log.rows}
    assert rows == {("float32", 2), ("int64", 1)}


def test_nothing_is_kept_alive(torch):
    array = np.ones(3)[::-1].copy()
    gone = weakref.ref(array)
    made = sk.to_torch([array], copy=True)
    del array
    gc.collect()
    assert gone() is None
    assert made[0].shape == (3,)


def test_to_world_of_takes_containers_too(torch):
    made = sk.to_world_of({"a": np.ones(2)}, torch.ones(1))
    assert isinstance(made["a"], torch.Tensor)
    assert isinstance(sk.to_world_of([made["a"]], np.ones(1))[0], np.ndarray)


def test_jax_takes_containers_too():
    jax = pytest.importorskip("jax")
    made = sk.to_jax({"a": [np.ones(2, "f4")], "b": "name"})
    assert isinstance(made["a"][0], jax.Array)
    assert made["b"] == "name"


@pytest.mark.parametrize("package", ["pydantic", "msgspec"])
def test_records_of_packages(torch, package):
    library = pytest.importorskip(package)
    if package == "pydantic":

        class Model(library.BaseModel):
            x: typing.Any
            n: int = 1
    else:

        class Model(library.Struct):  # type: ignore[no-redef]
            x: typing.Any
            n: int = 1

    value = Model(x=[np.ones(2)])
    made = sk.to_torch(value)
    assert type(made) is Model
    assert isinstance(made.x[0], torch.Tensor)
    assert isinstance(value.x[0], np.ndarray)
    assert made.n == 1


class Closing(list):
    """A list that cannot be rebuilt."""

    def __del__(self):
        pass


def test_one_that_cannot_be_made_anew_is_refused_by_its_path(torch):
    with pytest.raises(sk.ConversionError, match=r"'x'\['a'\].*\n.*cannot be made anew"):
        sk.to_torch({"a": Closing([np.ones(2)])})


NESTED = st.recursive(
    st.one_of(
        st.integers(0, 3).map(lambda n: np.arange(n, dtype="f4")),
        st.integers(),
        st.text(max_size=2),
        st.none(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.builds(Named, inner),
        st.builds(Plain, inner),
        st.builds(Attrs, inner),
    ),
    max_leaves=8,
)


@given(NESTED)
def test_there_and_back_is_the_same(value):
    torch = pytest.importorskip("torch")
    if not any(isinstance(each, np.ndarray) for each in leaves(value)):
        return
    made = sk.to_torch(value)
    back = sk.to_numpy(made)
    for old, there, new in zip(leaves(value), leaves(made), leaves(back), strict=True):
        if isinstance(old, np.ndarray):
            assert isinstance(there, torch.Tensor)
            assert np.array_equal(old, new)
            assert old.dtype == new.dtype
        else:
            assert there is old
            assert new is old


# --- classes that are registered with pytrees --------------------------------------------------------


class Registered:
    def __init__(self, x, note="kept"):
        self.x, self.note = x, note


class Breaking:
    def __init__(self, x, how):
        self.x, self.how = x, how


@pytest.fixture(params=["jax", "torch"])
def registry(request):
    """Register two classes with the pytrees of a library, until the test ends."""
    library = pytest.importorskip(request.param)
    if request.param == "jax":

        def register(cls, flatten, unflatten):
            library.tree_util.register_pytree_node(
                cls, flatten, lambda context, parts: unflatten(parts, context)
            )

        def forget(_):
            pass  # JAX forgets none, and the classes are made anew for each test
    else:
        pytrees = pytest.importorskip("torch.utils._pytree")
        register = pytrees.register_pytree_node

        def forget(cls):
            del pytrees.SUPPORTED_NODES[cls]

    made = []

    def make(base, flatten, unflatten):
        cls = type(base.__name__, (base,), {})
        register(cls, flatten, lambda parts, context: unflatten(cls, parts, context))
        made.append(cls)
        return cls

    yield make
    for each in made:
        forget(each)


def of_registered(registry):
    return registry(
        Registered,
        lambda value: ((value.x,), value.note),
        lambda cls, parts, note: cls(*parts, note),
    )


def test_registered_classes_are_converted_part_by_part(registry):
    torch = pytest.importorskip("torch")
    cls, array = of_registered(registry), np.ones(3)
    value = cls({"deep": [array, 3]}, "note")
    for whole, at in ((value, lambda v: v), ([value, array], lambda v: v[0])):
        made = at(sk.to_torch(whole))
        assert type(made) is cls
        assert (made.note, made.x["deep"][1]) == ("note", 3)
        assert torch.equal(made.x["deep"][0], torch.ones(3, dtype=torch.float64))
        assert made.x["deep"][0].data_ptr() == array.ctypes.data
    assert value.x["deep"][0] is array


def test_a_registered_object_without_foreign_arrays_is_returned_itself(registry):
    value = of_registered(registry)(np.ones(2))
    assert sk.to_numpy(value) is value
    with pytest.raises(sk.WorldError):
        sk.to_numpy(of_registered(registry)(3))


@pytest.mark.parametrize("how", ["flatten", "unflatten", "itself", "leaf"])
def test_registered_classes_that_raise_are_refused_with_their_path(registry, how):
    pytest.importorskip("torch")

    def flatten(value):
        if value.how == "flatten":
            raise KeyError("broken")
        return (value.x,), value.how

    def unflatten(cls, parts, how):
        if how == "unflatten":
            raise KeyError("broken")
        return cls(*parts, how)

    value = registry(Breaking, flatten, unflatten)(np.ones(2), how)
    if how == "itself":
        value.x = value
    if how == "leaf":
        value.x = np.array(["text"])
    words = {"itself": "contains itself", "leaf": "it holds text"}.get(how, "KeyError('broken')")
    for whole in ({"a": value}, value):
        with pytest.raises(sk.BoundaryError) as caught:
            sk.to_torch(whole)
        assert words in str(caught.value)
        assert ("['a']" in str(caught.value)) is isinstance(whole, dict)
