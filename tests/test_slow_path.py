"""The slow path finds a verdict that is data; its words, and its hint, are made once at the edge."""

import contextlib
import dataclasses
import importlib
import sys
import warnings

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho.guard.bound import bind_contract
from sekisho.validation import Boundary, Invalid, call_reader


@pytest.fixture
def counted(monkeypatch):
    """Count the calls of the searches for a hint, and of the functions that make words."""
    counts = dict.fromkeys(("find_hint", "word"), 0)

    def count(name, module):
        real = getattr(module, name)

        def spy(*args, **kwargs):
            counts[name] += 1
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, spy)

    count("find_hint", sys.modules["sekisho.validation.words"])
    count("word", sys.modules["sekisho.validation.validate"])
    return counts


A, OTHER = Float[np.ndarray, "n 2"], Float[np.ndarray, "3"]
WRONG = np.ones((2, 5))
REFUSED = {
    "an array": (A, WRONG),
    "a union": (A | OTHER | int | None, WRONG),
    "a list of unions": (list[A | OTHER], [np.ones((3, 2)), WRONG]),
    "a union of containers": (list[A] | dict[str, A], {"a": WRONG}),
    "a tuple": (tuple[A, int], (WRONG, 3)),
    "a union in a union": (list[A | None] | OTHER | None, [None, WRONG]),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("violations", ["refuse", "warn"])
def test_a_refused_value_gets_its_words_and_its_hint_once(case, violations, counted):
    annotation, value = REFUSED[case]

    @sk.numpy_world
    def f(x: annotation): ...

    with warnings.catch_warnings(), sk.mode("convert", violations=violations):
        warnings.simplefilter("ignore", sk.ViolationWarning)
        with contextlib.nullcontext() if violations == "warn" else pytest.raises(sk.BoundaryError):
            f(value)
    # A place is worded once, and all of these have the same place.
    assert counted["word"] == 1 or violations == "warn"
    assert counted["find_hint"] <= counted["word"] <= 1


@pytest.mark.parametrize("case", REFUSED)
def test_a_verdict_is_data_and_its_words_are_those_of_the_error(case, counted):
    annotation, value = REFUSED[case]

    @sk.numpy_world
    def f(x: annotation): ...

    contract = bind_contract(f).contract
    boundary = Boundary(contract, contract.parameters[0], is_result=False)
    found = boundary.verdict(value, call_reader(contract, ())(()))
    assert type(found) is Invalid
    assert counted == {"find_hint": 0, "word": 0}
    with pytest.raises(found.error) as caught:
        f(value)
    assert str(boundary.error(found)) == str(caught.value)


@pytest.mark.parametrize("case", REFUSED)
def test_each_part_is_validated_once(case, monkeypatch):
    annotation, value = REFUSED[case]

    @sk.numpy_world
    def f(x: annotation): ...

    seen = []
    real = Boundary.validate_as

    def spy(self, spec, value, place, call):
        seen.append((spec, place.name))
        return real(self, spec, value, place, call)

    monkeypatch.setattr(Boundary, "validate_as", spy)
    with pytest.raises(sk.BoundaryError):
        f(value)
    assert len(seen) == len(set(seen))


class Hostile(np.ndarray):
    @property
    def __class__(self):
        raise RuntimeError("looked at")


def test_a_value_is_not_asked_for_its_class_to_tell_it_from_a_verdict():
    @sk.numpy_world
    def f(xs: list[Float[np.ndarray, "n"]]):
        return xs

    xs = [np.ones(3).view(Hostile)]
    assert f(xs) is xs


@dataclasses.dataclass
class Node:
    x: Float[np.ndarray, "n"]
    next: "Node | None" = None


def test_a_value_of_the_wrong_class_that_nests_too_deep_for_a_hint_is_refused_for_its_class():
    @sk.numpy_world
    def f(x: tuple[Node, ...]): ...

    chain = None
    for _ in range(3000):
        chain = Node(np.ones(3), chain)
    with pytest.raises(sk.BoundaryError) as caught:
        f([chain])
    assert str(caught.value) == "f() argument 'x': expected tuple[Node, ...], got a list."
    with pytest.raises(sk.BoundaryError) as caught:
        f((chain,))
    assert str(caught.value) == (
        "f() argument 'x': expected tuple[Node, ...], got a tuple.\n"
        "  it nests too deep to be checked, or contains itself"
    )


def test_an_error_of_another_guard_is_raised_as_it_is():
    class Net:
        @property
        @sk.numpy_world
        def size(self) -> Float[np.ndarray, "n n"]:
            return np.ones((2, 3))

        @sk.numpy_world
        def run(self, x: Float[np.ndarray, "{self.size}"] | None): ...

    with pytest.raises(sk.ShapeError) as caught:
        Net().run(np.ones(3))
    assert str(caught.value).startswith("Net.size() the result: expected")


@pytest.mark.parametrize("mode", ["convert", "strict"])
def test_a_refused_crossing_that_a_body_catches_is_noted_once(mode, torch):
    caught = importlib.import_module("sekisho.monitor.state").caught
    foreign = torch.ones(3)

    @sk.numpy_world(on_foreign="refuse")
    def inner(x: Float[np.ndarray, "n"] | Float[np.ndarray, "n m"] | None): ...

    @sk.numpy_world
    def outer(x: Float[np.ndarray, "n"]):
        with contextlib.suppress(sk.BoundaryError):
            inner(foreign)

    with sk.mode(mode):
        outer(np.ones(3))
    noted = [*caught]
    caught.clear()
    assert len(noted) == (mode == "strict")
    assert all("inner() argument 'x'" in each for each in noted)


@pytest.mark.parametrize("locals_", [False, True])
def test_a_check_that_fails_has_no_cause_of_the_callers(locals_):
    @sk.boundary(locals=locals_)
    def f(x):
        try:
            raise KeyError(x)
        except KeyError:
            if locals_:
                y: Float[np.ndarray, "a b"] = x
                return y
            return sk.check(x, Float[np.ndarray, "a b"])

    with pytest.raises(sk.ShapeError) as caught:
        f(np.ones(3, np.float32))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
