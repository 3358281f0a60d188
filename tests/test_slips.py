"""Axis names that look like a slip: which do, where they are found, and how to accept them."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import textwrap
import typing
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional, TypedDict, Union

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float

import sekisho as sk
from sekisho.contract import find_slips, names_of, parse_axes

HAS_JAX = importlib.util.find_spec("jax") is not None
IMAGE = Float[sk.Array, "height width"]
SLIP = Float[sk.Array, "heigth width"]


def slips(*arrays):
    """Return the slips in a signature that has one parameter for each axis string."""
    found = [(f"argument '{i}'", names_of(parse_axes(text))) for i, text in enumerate(arrays)]
    return [(each.name, each.meant, each.difference) for each in find_slips(found)]


# --- the rule

SWAPPED, LETTER, CASE, UNDERSCORE = (
    "in the order of two letters",
    "in one letter",
    "in case",
    "in an underscore",
)

LOOK_LIKE_SLIPS = [
    ("height", "heigth", SWAPPED),
    ("height", "ehight", SWAPPED),
    ("state_dim", "satte_dim", SWAPPED),
    ("height", "heght", LETTER),
    ("width", "with", LETTER),
    ("width", "widdth", LETTER),
    ("width", "wiidth", LETTER),
    ("batch", "batsch", LETTER),
    ("batch", "batchh", LETTER),
    ("batch", "botch", LETTER),
    ("bacth2", "batch2", SWAPPED),
    ("out_channels", "out_chanels", LETTER),
    ("view", "views", LETTER),
    ("n_dims", "n_dim", LETTER),
    ("n_step", "nstep", UNDERSCORE),
    ("ndim", "n_dim", UNDERSCORE),
    ("Batch", "batch", CASE),
    ("stateDim", "statedim", CASE),
    ("numRays", "numRasy", SWAPPED),
    ("größe", "gröse", LETTER),
]
DELIBERATE = [
    ("n", "m"),
    ("h", "w"),
    ("q", "k"),
    ("b", "bs"),
    ("n", "nn"),
    ("x", "xs"),
    ("c1", "c2"),
    ("dim1", "dim2"),
    ("batch", "batch2"),
    ("batch1", "batch12"),
    ("hq", "hk"),
    ("pae", "pde"),
    ("in_dim", "on_dim"),
    ("q_size", "k_size"),
    ("a_plate", "h_plate"),
    ("num_rx", "num_tx"),
    ("numRx", "numTx"),
    ("ldim", "rdim"),
    ("dim", "ndim"),
    ("time", "ntime"),
    ("batch", "patch"),
    ("batches", "patches"),
    ("height", "weight"),
    ("points", "joints"),
    ("point_x", "point_y"),
    ("gridx", "gridy"),
    ("head", "held"),
    ("dai", "dapi"),
    ("output_f", "output_g"),
    ("height", "width"),
    ("in_height", "out_height"),
    ("batch", "b"),
]


@pytest.mark.parametrize(("meant", "name", "difference"), LOOK_LIKE_SLIPS)
def test_a_slip_is_found_and_says_what_differs(meant, name, difference):
    assert slips(f"{meant} 3", f"{name} 3") == [(name, meant, difference)]
    assert slips(f"{name} 3", f"{meant} {meant}") == [(name, meant, difference)]


@pytest.mark.parametrize(("one", "other"), DELIBERATE)
def test_names_that_are_close_by_nature_are_none(one, other):
    assert slips(f"{one} 3", f"{other} 3") == []
    assert slips(f"{other} 3", f"{one} 3") == []


@pytest.mark.parametrize(("meant", "name", "_"), LOOK_LIKE_SLIPS)
def test_two_names_in_the_same_array_are_both_meant(meant, name, _):
    assert slips(f"{meant} {name}") == []
    assert slips(f"{meant} {name}", f"{meant} 3") == []


@pytest.mark.parametrize(("meant", "name", "_"), LOOK_LIKE_SLIPS)
def test_a_name_that_is_used_twice_is_meant(meant, name, _):
    assert slips(f"{meant} {meant}", f"{name} 3", f"{name} 4") == []
    assert slips(f"{meant} {meant}", f"{name} {name}") == []
    assert slips(f"{meant} {meant}", f"*{name}", f"#{name}") == []


def test_one_name_in_two_cases_is_a_slip_and_two_are_a_convention():
    assert slips("N d", "n d") == [("n", "N", CASE)]
    assert slips("N d", "N 3", "n d") == [("n", "N", CASE)]
    assert slips("n d", "N d", "n 3") == [("N", "n", CASE)]
    assert slips("h w", "H W") == []  # two sizes of one image
    assert slips("Height Width", "height width") == []


@pytest.mark.parametrize(
    "text", ["heigth 3", "*heigth 3", "#heigth 3", "*#heigth 3", "rows=3 heigth"]
)
def test_every_kind_of_axis_that_has_a_name_is_read(text):
    assert slips("height 3", text) == [("heigth", "height", SWAPPED)]


@pytest.mark.parametrize("text", ["_heigth 3", "*_heigth 3", "heigth=3", "{heigth} 3", "... 3", ""])
def test_an_axis_without_a_name_is_no_slip(text):
    assert slips("height 3", text) == []


def test_a_slip_is_reported_once_beside_several_names_that_it_may_mean():
    assert slips("views 3", "view 3", "veiws 3") == [
        ("view", "views", LETTER),
        ("veiws", "views", SWAPPED),
    ]


WORDS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=9).filter(
    lambda text: not text.startswith("_")
)


@given(st.lists(st.lists(WORDS, max_size=4), max_size=4))
def test_only_names_that_are_used_once_are_slips(arrays):
    places = [(f"argument '{i}'", names) for i, names in enumerate(arrays)]
    every = [name for names in arrays for name in names]
    found = find_slips(places)
    assert len({each.name for each in found}) == len(found)
    for each in found:
        assert every.count(each.name) == 1
        assert each.meant in every
        assert each.meant != each.name
        assert not any({each.name, each.meant} <= set(names) for names in arrays)


# --- at decoration

TEXT = (
    "resize(): axis 'heigth' of the result differs from 'height' of argument 'image' "
    "only in the order of two letters; a slip?\n"
    "  hint: write 'height', or '_heigth' if no other axis has to have this size"
)


def decorated(function, decorator=sk.numpy_world):
    """Return the warnings of a decoration."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decorator(function)
    assert {each.category for each in caught} <= {sk.AxisNameWarning}
    return [str(each.message) for each in caught]


def test_the_warning_names_both_axes_and_is_shown_at_the_function():
    with pytest.warns(sk.AxisNameWarning) as caught:

        @sk.numpy_world
        def resize(image: IMAGE) -> SLIP:
            return image

    assert [str(each.message) for each in caught] == [TEXT.replace("resize", resize.__name__)]
    assert caught[0].filename == __file__
    assert caught[0].lineno == resize.__wrapped__.__code__.co_firstlineno


def test_the_guard_works_as_annotated():
    with pytest.warns(sk.AxisNameWarning):

        @sk.numpy_world
        def resize(image: IMAGE) -> SLIP:
            return image[1:]

    assert resize(np.ones((3, 4))).shape == (2, 4)


class Pair(NamedTuple):
    image: SLIP


@dataclass
class Box:
    image: SLIP


class Row(TypedDict):
    image: SLIP


PLACES = {
    "argument": (SLIP, "argument 'x'"),
    "list": (list[SLIP], "argument 'x'"),
    "nested": (dict[str, tuple[int, SLIP]], "argument 'x'"),
    "optional": (Optional[SLIP], "argument 'x'"),
    "union": (Union[Float[np.ndarray, "3"], SLIP], "argument 'x'"),
    "iterator": (typing.Iterator[SLIP], "argument 'x'"),
    "dataclass": (Box, "argument 'x'"),
    "NamedTuple": (Pair, "argument 'x'"),
    "TypedDict": (Row, "argument 'x'"),
    **({"PyTree": (jaxtyping.PyTree[SLIP], "argument 'x'")} if HAS_JAX else {}),
    "variadic": (Float[np.ndarray, "*heigth 3"], "argument 'x'"),
    "broadcastable": (Float[np.ndarray, "#heigth 3"], "argument 'x'"),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_place_of_an_annotation_is_read(place):
    hint, where = PLACES[place]

    def resize(image, x): ...

    resize.__annotations__ = {"image": IMAGE, "x": hint}
    text = TEXT.replace("the result", where)
    assert decorated(resize) == [text.replace("resize", resize.__qualname__.rpartition(".")[2])]


def test_a_name_in_an_expression_is_a_use():
    def resize(image, x): ...

    resize.__annotations__ = {
        "image": Float[np.ndarray, "height height"],
        "x": Float[np.ndarray, "heigth"],
        "return": Float[np.ndarray, "heigth+1"],
    }
    assert decorated(resize) == []


async def coroutine(image: IMAGE) -> SLIP: ...


def generator(image: IMAGE) -> typing.Iterator[SLIP]:
    yield image


async def async_generator(image: IMAGE) -> typing.AsyncIterator[SLIP]:
    yield image


def function(image: IMAGE, *, key: Any = None) -> SLIP: ...


def variadic(*images: IMAGE, **more: SLIP) -> None: ...


class Net:
    def method(self, image: IMAGE) -> SLIP: ...

    @property
    def prop(self) -> tuple[IMAGE, SLIP]: ...

    @staticmethod
    def static(image: IMAGE) -> SLIP: ...


@dataclass
class Record:
    image: IMAGE
    mask: SLIP


TARGETS = {
    **{each.__name__: each for each in (coroutine, generator, async_generator, function, variadic)},
    "property": Net.prop,
    "class": Net,
    "dataclass": Record,
}


@pytest.mark.parametrize("decorator", [sk.numpy_world, sk.same_world, sk.boundary])
@pytest.mark.parametrize("name", TARGETS)
def test_each_decorator_warns_of_each_flavour(decorator, name):
    target = TARGETS[name]
    if name == "class":  # a class is guarded in place
        target = type("Net", (), dict(vars(Net)))
    elif name == "dataclass":
        target = dataclass(type("Record", (), {"__annotations__": Record.__annotations__}))
    found = decorated(target, decorator)
    assert len(found) == (3 if name == "class" else 1)
    assert all(": axis 'heigth' of " in each for each in found)


def test_a_late_annotation_is_warned_of_at_the_first_call(monkeypatch):
    def resize(image: Late, x: SLIP): ...

    assert decorated(resize) == []
    guard = sk.numpy_world(resize)
    monkeypatch.setitem(globals(), "Late", IMAGE)
    with pytest.warns(sk.AxisNameWarning, match="axis 'heigth' of argument 'x'") as caught:
        guard(np.ones((2, 3)), np.ones((2, 3)))
    assert len(caught) == 1
    assert caught[0].lineno == resize.__code__.co_firstlineno
    guard(np.ones((2, 3)), np.ones((2, 3)))


def test_an_underscore_says_that_the_name_is_meant():
    def resize(image, x): ...

    for text in ("_heigth width", "*_heigth width"):
        resize.__annotations__ = {"image": IMAGE, "x": Float[np.ndarray, text]}
        assert decorated(resize) == []


def test_a_filter_silences_the_warning():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=sk.AxisNameWarning)
        sk.numpy_world(function)


def test_where_warnings_are_errors_the_decorator_raises_it():
    with pytest.raises(sk.AxisNameWarning, match="axis 'heigth' of the result"):
        sk.numpy_world(function)


# --- in a process of its own, where warnings are shown once for each line

AGAIN = """
import sys, warnings
import numpy as np
import sekisho as sk
from jaxtyping import Float

for _ in range(3):
    @sk.numpy_world
    def resize(image: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "heigth width"]: ...
"""


def test_a_function_that_is_made_again_is_shown_once(tmp_path):
    (tmp_path / "again.py").write_text(AGAIN)
    command = [sys.executable, str(tmp_path / "again.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.count("AxisNameWarning: ") == 1
    assert f"again.py:8: AxisNameWarning: {TEXT}" in done.stderr


# --- by the import hook

PACKAGE = "package_with_slips"
MODULE = """
from __future__ import annotations
from dataclasses import dataclass
from typing import TYPE_CHECKING
import numpy as np
from jaxtyping import Float
if TYPE_CHECKING:
    from package_with_slips import Later

def resize(image: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "heigth width"]:
    return image

def late(image: Later, x: Float[np.ndarray, "heigth width"]) -> None: ...

def good(image: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]: ...

Later = Float[np.ndarray, "height width"]
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / PACKAGE
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "module.py").write_text(textwrap.dedent(MODULE))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.mark.parametrize("worlds", [None, {f"{PACKAGE}.**": "numpy"}])
def test_the_hook_warns_of_a_whole_package(package, worlds):
    hook = sk.install_import_hook(PACKAGE, worlds=worlds)
    module = importlib.import_module(f"{PACKAGE}.module")
    x = np.ones((2, 2))
    module.resize(x)
    module.late(x, x)
    with pytest.warns(sk.AxisNameWarning) as caught:
        hook.uninstall()
    lines = MODULE.split("\n")
    assert [lines[each.lineno - 1].partition("(")[0] for each in caught] == [
        "def resize",
        "def late",
    ]
    assert str(caught[0].message) == TEXT


def test_where_warnings_are_errors_the_package_is_imported_and_the_hook_reports(package):
    hook = sk.install_import_hook(PACKAGE)
    module = importlib.import_module(f"{PACKAGE}.module")
    assert module.resize(np.ones((2, 3))).shape == (2, 3)
    with pytest.warns(sk.AxisNameWarning, match=r"^resize\(\): axis") as caught:
        hook.uninstall()
    assert len(caught) == 1
