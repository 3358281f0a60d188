"""Edge cases of reading signatures and of the names in errors."""

import gc
import sys
import weakref

import pytest
from jaxtyping import Float32

import sekisho as sk

# --- generators ------------------------------------------------------------------------------------------


def _generator():
    yield


async def _async_generator():
    yield


@pytest.mark.parametrize(("hint", "text"), [(int, "int"), (list[int], "list[int]")])
@pytest.mark.parametrize(
    ("function", "flavour", "names"),
    [
        (_generator, "a generator", "Iterator, Iterable, Generator"),
        (_async_generator, "an async generator", "AsyncIterator, AsyncIterable, AsyncGenerator"),
    ],
)
def test_a_result_that_no_generator_has_is_refused_with_those_that_fit(
    world, monkeypatch, function, flavour, names, hint, text
):
    monkeypatch.setattr(function, "__annotations__", {"return": hint})
    with pytest.raises(sk.DeclarationError) as caught:
        world.decorate(function)
    assert str(caught.value) == (
        f"{function.__name__}() the result: {text} is no annotation for {flavour}."
        f"\n  hint: one of {names}"
    )


# --- who bound an axis -----------------------------------------------------------------------------------

PLAIN, BROADCAST, OPTIONAL, UNION = "plain", "broadcast", "optional", "union"


def make(world, kinds):
    """Make a function of arguments a, b, ..., z with axis n, each in its own way; z in a plain one."""
    hints, defaults = {}, {}
    for name, kind in zip("abcd", kinds, strict=False):
        array = Float32[world.array_type, "#n" if kind == BROADCAST else "n"]
        hints[name] = array | None if kind == UNION else array
        if kind == OPTIONAL:
            defaults[name] = None
    hints["z"] = Float32[world.array_type, "n"]
    parameters = ", ".join(f"{n}=None" if n in defaults else n for n in hints)
    namespace = {}
    exec(f"def f(*, {parameters}): ...", namespace)
    namespace["f"].__annotations__ = hints
    return world.decorate(namespace["f"])


@pytest.mark.parametrize(
    ("kinds", "source"),
    [
        ([PLAIN], "a"),
        ([PLAIN, PLAIN], "a"),
        ([BROADCAST, PLAIN], "a b"),
        ([PLAIN, BROADCAST], "a"),
        ([OPTIONAL, PLAIN], "a b"),
        ([UNION, PLAIN], "a b"),
        ([OPTIONAL, BROADCAST, PLAIN, PLAIN], "a b c"),
        ([PLAIN, OPTIONAL], "a"),
        ([OPTIONAL, OPTIONAL], "a b"),
    ],
)
def test_the_arguments_that_may_have_bound_an_axis_are_named(world, kinds, source):
    f = make(world, kinds)
    given = {name: world.zeros(3) for name in "abcd"[: len(kinds)]}
    sources = " or ".join(f"argument '{name}'" for name in source.split())
    for _ in range(2):
        f(**given, z=world.zeros(3))
        with pytest.raises(sk.ShapeError) as caught:
            f(**given, z=world.zeros(4))
        assert f"axis 'n' is 3 (from {sources}), but axis 0 of 'z' is 4" in str(caught.value)


# --- names that are defined late -------------------------------------------------------------------------


class Held:
    """An object that must not be kept alive."""


@pytest.mark.parametrize("mentions", ["alias", "class", "module"])
def test_of_the_names_around_a_late_annotation_only_those_it_may_need_are_kept(
    world, monkeypatch, mentions
):
    def define():
        unused = Held()
        Alias = Float32[world.array_type, "n"] | None
        Own = world.array_type
        sekisho = sk
        hint = {"alias": "Alias", "class": "Own", "module": "sekisho.Array"}[mentions]

        def f(x, late): ...

        f.__annotations__ = {"x": hint, "late": "DefinedLate"}
        return world.decorate(f), weakref.ref(unused), (Alias, Own, sekisho)

    guard, unused, _ = define()
    gc.collect()
    assert unused() is None
    monkeypatch.setattr(sys.modules[__name__], "DefinedLate", int, raising=False)
    for _ in range(2):
        guard(world.zeros(3), 1)
        with pytest.raises(sk.SekishoError):
            guard(world.zeros(3), "1")
        with pytest.raises(sk.SekishoError):
            guard("x", 1)


# --- which methods of a class are guarded ----------------------------------------------------------------


def test_of_a_class_all_methods_are_guarded_but_pythons_own_without_annotations(world, other):
    array = Float32[world.array_type, "n"]

    @world.decorate
    class Kept:
        def __init__(self, x=None):
            self.x = x

        def plain(self, x): ...

        def _private(self, x): ...

        def __eq__(self, other): ...

        __hash__ = None

        def __add__(self, other: array): ...

        @staticmethod
        def static(x): ...

        @classmethod
        def made(cls, x): ...

    kept, foreign = Kept(), other.zeros(3)
    with sk.mode("strict"):
        for call in (Kept, kept.plain, kept._private, kept.__add__, kept.static, kept.made):
            with pytest.raises(sk.WorldError):
                call(foreign)
        assert kept.__eq__(foreign) is None


# --- texts of annotations --------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_tuple_with_any_number_of_items_in_its_middle_is_spelled_as_it_was_written(
    world, before, after
):
    array, name = Float32[world.array_type, "n"], world.array_type.__name__
    hint = tuple[(*[array] * before, *tuple[array, ...], *[array] * after)]

    @world.decorate
    def f(x: hint): ...

    one = f'Float32[{name}, "n"]'
    middle = f"*tuple[{one}, ...]"
    f((world.zeros(3),) * (before + after + 2))
    with pytest.raises(sk.BoundaryError) as caught:
        f(3)
    spelled = ", ".join([one] * before + [middle] + [one] * after)
    assert f"expected tuple[{spelled}], got an int" in str(caught.value)
