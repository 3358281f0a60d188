"""Crossings into a guard, in every mode, for every way to request one."""

import importlib
import itertools
import warnings

import pytest
from jaxtyping import Float32

import sekisho as sk
from sekisho.utils import counted
from sekisho.validation import words

MODES = ("convert", "warn", "strict", "off")


def outcome(guard, *given):
    """Return the outcome for the last argument: its class, the error, whether there was a warning."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            result = guard(*given)
        except sk.BoundaryError as error:
            return type(error), ()
    return sk.world_of(result), tuple(each.category for each in heard)


def first(value):
    """Return the array, or the one that a container holds."""
    if isinstance(value, dict):
        return value["a"]
    return value[0] if isinstance(value, (list, tuple)) else value


@pytest.fixture(params=["cold", "warm"])
def warm(request):
    """Return whether values have crossed in another mode before."""
    return request.param == "warm"


def _alone(array):
    return array


FORMS = {
    "plain": (_alone, _alone, {}),
    "copied": (_alone, _alone, {"copy": True}),
    "optional": (lambda array: array | None, _alone, {}),
    "list": (lambda array: list[array], lambda value: [value], {}),
    "tuple": (lambda array: tuple[array, int], lambda value: (value, 1), {}),
    "dict": (lambda array: dict[str, array], lambda value: {"a": value}, {}),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("on_foreign", [None, "convert", "refuse"])
@pytest.mark.parametrize("form", FORMS)
def test_a_mode_lets_cross_what_it_says(world, other, warm, mode, on_foreign, form):
    annotate, make, options = FORMS[form]
    options = options if on_foreign is None else {**options, "on_foreign": on_foreign}
    hint = annotate(Float32[world.array_type, "n"])

    @world.decorate(**options)
    def f(x: hint):
        return first(x)

    f(make(world.zeros(3)))
    if warm:
        outcome(f, make(other.zeros(3)))
    crossed, refused = world.name, sk.WorldError
    expected = {
        (None, "convert"): (crossed, ()),
        (None, "warn"): (crossed, (sk.CrossingWarning,)),
        (None, "strict"): (refused, ()),
        ("convert", "convert"): (crossed, ()),
        ("convert", "warn"): (crossed, ()),  # the function's own option decides
        ("convert", "strict"): (crossed, ()),
        ("refuse", "convert"): (refused, ()),
        ("refuse", "warn"): (refused, ()),
        ("refuse", "strict"): (refused, ()),
    }
    for _ in range(3):  # the slow path, then the fast paths
        with sk.mode(mode):
            assert outcome(f, make(other.zeros(3))) == expected.get(
                (on_foreign, mode),
                (other.name, ()),  # off: nothing is checked
            )


@pytest.mark.parametrize("axes", ["n n", "n m n", "n n m m", "2 n n", "n 2 n", "n m m n", "n m k"])
def test_sizes_are_the_same_questions_after_a_crossing(world, other, axes):
    @world.decorate
    def own(x: Float32[world.array_type, axes]):
        return x

    @world.decorate
    def crossed(x: Float32[world.array_type, axes]):
        return x

    for shape in itertools.product([2, 3], repeat=len(axes.split())):
        expected = outcome(own, world.zeros(*shape))
        for _ in range(2):
            assert outcome(crossed, other.zeros(*shape)) == expected, shape


@pytest.mark.parametrize("axes", ["n", "n n", "n m", "n m n", "m n n", "2 n", "m"])
def test_sizes_of_other_arguments_are_met_after_a_crossing(world, other, axes):
    hint, first = Float32[world.array_type, axes], Float32[world.array_type, "n m"]

    def make():
        @world.decorate
        def f(x: first, y: hint):
            return y

        return f

    own, crossed = make(), make()
    for shape in itertools.product([2, 3], repeat=2 + len(axes.split())):
        x, y = world.zeros(*shape[:2]), shape[2:]
        expected = outcome(own, x, world.zeros(*y))
        for _ in range(2):
            assert outcome(crossed, x, other.zeros(*y)) == expected, shape


@pytest.mark.parametrize("axes", ["n", "n n", "m n", "2 n"])
@pytest.mark.parametrize("passes", [True, False], ids=["passed", "left out"])
def test_an_axis_that_an_optional_argument_may_have_bound_is_met_after_a_crossing(
    world, other, axes, passes
):
    def make():
        @world.decorate
        def f(
            x: Float32[world.array_type, "n"] | None = None,
            *,
            y: Float32[world.array_type, axes],
            z: Float32[world.array_type, "n"],
        ):
            return y

        return f

    own, crossed = make(), make()

    def call(f, kit, y, z):
        return f(world.zeros(3) if passes else None, y=kit.zeros(*y), z=kit.zeros(z))

    for *shape, z in itertools.product([2, 3], repeat=1 + len(axes.split())):
        expected = outcome(call, own, world, shape, z)
        for _ in range(2):
            assert outcome(call, crossed, other, shape, z) == expected, (shape, z)


@pytest.mark.parametrize("fixed", [1, 2, 3])
@pytest.mark.parametrize("open_at", [None, 0, 1])
def test_a_tuple_of_the_wrong_length_is_told_how_many_items_it_must_have(world, fixed, open_at):
    array = Float32[world.array_type, "n"]
    items = [array] * fixed
    if open_at is not None:
        items[open_at:open_at] = [*tuple[array, ...]]
    hint = tuple[tuple(items)]

    @world.decorate
    def f(x: hint): ...

    for length in range(fixed + 3):
        given = (world.zeros(3),) * length
        if length == fixed or (length > fixed and open_at is not None):
            f(given)
            continue
        with pytest.raises(sk.BoundaryError) as caught:
            f(given)
        wanted = f"{fixed}" if open_at is None else f"at least {fixed}"
        assert f"'x' has {counted(length, 'item')}, not {wanted}" in str(caught.value)


# --- while a compiler traces -----------------------------------------------------------------------------


@pytest.fixture
def tracing(monkeypatch):
    """Make guards believe that a compiler traces them, from the moment it is called."""

    def begin():
        for name in ("validation.validate", "validation.words", "guard.globals", "guard.explain"):
            module = importlib.import_module(f"sekisho.{name}")
            monkeypatch.setattr(module, "is_compiling", lambda: True)

    return begin


@pytest.mark.parametrize(
    "shape", [(1, 3), (4,), (3, 1), (2, 3, 4), (), (2, 4)], ids=lambda shape: f"of {shape}"
)
@pytest.mark.parametrize("axes", ["n", "3", "h 3", "*b n"])
def test_a_refusal_while_tracing_says_what_it_says_otherwise(world, tracing, axes, shape):
    @world.decorate
    def f(y: Float32[world.array_type, "n"], x: Float32[world.array_type, axes]):
        return x

    given = world.zeros(3), world.zeros(*shape)
    f_says = []
    for begin in (lambda: None, tracing):
        begin()
        try:
            f_says.append(tuple(f(*given).shape))
        except sk.ShapeError as error:
            # The bound axes precede the hint; a compiler gets one fixed text.
            f_says.append([line for line in str(error).splitlines() if "axes:" not in line])
    assert f_says[0] == f_says[1]


# --- what options mean, whichever path is taken ----------------------------------------------------------


def memory(value):
    """Return the address of an array."""
    return value.data_ptr() if hasattr(value, "data_ptr") else value.ctypes.data


@pytest.mark.parametrize("copy", [None, True, False])
@pytest.mark.parametrize("mode", ["convert", "warn"])
def test_copy_means_what_it_says_on_every_path(world, other, copy, mode):
    @world.decorate(copy=copy)
    def f(x: Float32[world.array_type, "n"]):
        return x

    for _ in range(3):
        given = other.zeros(3)
        with warnings.catch_warnings(), sk.mode(mode):
            warnings.simplefilter("ignore", sk.CrossingWarning)
            result = f(given)
        assert (memory(result) == memory(given)) is (copy is not True)
        given[0] = 7
        assert result.tolist() == [0 if copy else 7, 0, 0]


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 3, 4), ()])
def test_a_run_of_axes_is_told_with_all_of_its_sizes(shape, world):
    @world.decorate
    def f(x: Float32[world.array_type, "*b"], y: Float32[world.array_type, "*b"]): ...

    f(world.zeros(2, 3), world.zeros(2, 3))
    with pytest.raises(sk.ShapeError) as caught:
        f(world.zeros(2, 3), world.zeros(*shape))
    text = str(caught.value)
    assert "axes '*b' are " in text
    assert f"(from argument 'x'), but axes *b of 'y' are {shape}" in text


@pytest.mark.parametrize("value", [3, 0, 2.5, None, "a", True, (1, 2)])
def test_only_whole_numbers_are_read_as_the_numbers_of_a_compiler(value):
    assert words.as_number(value) is value
