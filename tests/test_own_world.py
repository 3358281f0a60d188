"""A user's own world: a small array library, registered, gets all that NumPy and PyTorch have."""

from __future__ import annotations

import importlib.metadata
import pickle
import pydoc
import re
import subprocess
import sys
import textwrap
import types
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float32

import sekisho as sk
from sekisho.context import modes
from sekisho.guard import globals as names
from sekisho.testing import both_worlds
from sekisho.utils import WRITE, live_guards
from sekisho.worlds import Library, registry

# --- the library, and its world ---------------------------------------------------------------------

tally = types.ModuleType("tally")


class Tally:
    """An array of float32 or int64, stored as a list of Python numbers."""

    def __init__(self, numbers, shape, dtype="float32"):
        self.numbers, self.shape, self.dtype = list(numbers), tuple(shape), dtype

    ndim = property(lambda self: len(self.shape))

    def view(self):
        return np.array(self.numbers, self.dtype).reshape(self.shape)

    def __getitem__(self, key):
        return of(self.view()[key])

    def __mul__(self, other):
        return of(self.view() * (other.view() if isinstance(other, Tally) else other))

    def total(self):
        return sum(self.numbers)

    def astype(self, dtype):
        return of(self.view().astype(dtype))

    T = property(lambda self: of(self.view().T))


def of(array):
    return Tally(array.ravel().tolist(), array.shape, str(array.dtype))


tally.Tally, tally.of = Tally, of
for name in ("permute_dims", "moveaxis", "squeeze", "concat", "stack"):
    function = getattr(np, name)

    def call(x, *args, function=function, **options):
        given = x.view() if isinstance(x, Tally) else [each.view() for each in x]
        return of(function(given, *args, **options))

    setattr(tally, name, call)


class World(sk.World):
    name, label, array_class, noun = "tally", "Tally", "Tally", "a tally"
    operations = {"compute": ("Tally.__mul__", "of"), "export": ("Tally.view",)}  # noqa: RUF012

    def dtypes(self):
        return {"float32": "float32", "int64": "int64"}

    def from_host(self, array, policy):
        if policy.copy is False:
            raise sk.Refusal("copy=False, but a tally keeps numbers of its own", "copy=None")
        return sk.Converted(of(np.asarray(array)), "a tally keeps numbers of its own")

    def to_host(self, value, policy):
        return sk.Converted(value.view(), "a tally keeps numbers of its own")


# --- what comes of it --------------------------------------------------------------------------------


@pytest.fixture
def world(monkeypatch, request):
    """Register the world, or the class in the parameter, for the duration of a test."""
    monkeypatch.setitem(sys.modules, "tally", tally)
    monkeypatch.setattr(registry, "_records", registry._records)
    yield sk.register_world(getattr(request, "param", World)())
    registry._waiting.discard("tally")
    for each in ("tally_world", "to_tally", "is_tally"):
        vars(sk).pop(each, None)


X = np.arange(6, dtype="float32").reshape(2, 3)


def test_the_library_and_its_world_are_sixty_lines():
    text = Path(__file__).read_text("utf-8")
    start, end = text.index("tally = types"), text.index("# --- what comes of it")
    assert len(text[start:end].strip().splitlines()) <= 60


def test_values_are_recognised_and_described(world):
    x = sk.to_tally(X)
    assert sk.world_of(x) == "tally"
    assert sk.is_tally(x)
    assert not sk.is_tally(X)
    assert pickle.loads(pickle.dumps(registry.world_named("tally"))) is registry.world_named(
        "tally"
    )
    with pytest.raises(sk.WorldError, match=r"got float32\[2, 3\] \(Tally\)"):
        sk.check(x, np.ndarray)


@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_it_converts_with_every_other_world_and_back(world, name):
    pytest.importorskip(name)
    there = getattr(sk, f"to_{name}")(sk.to_tally(X))
    assert sk.world_of(there) == name
    back = sk.to_tally(there)
    assert sk.world_of(back) == "tally"
    assert back.view().tolist() == X.tolist()
    assert sk.world_of(sk.to_world_of(back, there)) == name


def test_decorators_check_and_convert_at_its_border(world):
    @sk.tally_world
    def double(x: Float32[Tally, "n d"]) -> Float32[Tally, "n d"]:
        return x * 2

    assert double(sk.to_tally(X)).view().tolist() == (X * 2).tolist()
    assert sk.world_of(double(X)) == "tally"
    with pytest.raises(sk.ShapeError, match="'x' has 1 axis, not 2"):
        double(sk.to_tally(X[0]))
    with pytest.raises(sk.WorldError) as caught, sk.mode("strict"):
        double(X)
    assert str(caught.value) == (
        "double() argument 'x': expected Float32[Tally, \"n d\"], got float32[2, 3] (NumPy).\n"
        "  mode 'strict' lets nothing cross here\n"
        "  hint: to_tally(x), or @tally_world(on_foreign='convert')"
    )

    @sk.tally_world
    def leaves(x: Float32[Tally, "n d"]) -> Float32[Tally, "n d"]:
        return X

    with pytest.raises(sk.WorldError, match="the function left its world"):
        leaves(sk.to_tally(X))

    @sk.numpy_world(returns="caller")
    def half(x: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
        return x / 2

    assert sk.world_of(half(sk.to_tally(X))) == "tally"


def test_options_are_checked_like_those_of_other_decorators(world):
    with pytest.raises(sk.DeclarationError, match="did you mean 'casting'"):
        sk.tally_world(castin="no")
    with pytest.raises(sk.DeclarationError, match=r"declares a numpy\.ndarray in a tally_world"):

        @sk.tally_world
        def wrong(x: Float32[np.ndarray, "n"]): ...


def test_same_world_and_helpers_take_it(world):
    @sk.same_world
    def twice(x: Float32[sk.Array, "n d"]) -> Float32[sk.Array, "n d"]:
        return x * 2

    assert sk.world_of(twice(sk.to_tally(X))) == "tally"
    assert sk.world_of(twice(X)) == "numpy"
    both_worlds(twice, X, worlds=["numpy", "tally"])
    for helper in (
        sk.add_batch_dim,
        sk.transpose2d,
        sk.add_channel_dim,
        lambda x: sk.remove_batch_dim(sk.add_batch_dim(x)),
        lambda x: sk.expand_dims(x, (0, 2)),
        lambda x: sk.squeeze(sk.add_batch_dim(x), 0),
        lambda x: sk.permute_dims(x, (1, 0)),
        lambda x: sk.moveaxis(x, 0, 1),
        lambda x: sk.channels_first(sk.add_batch_dim(x)),
        lambda x: sk.channels_last(sk.add_batch_dim(x)),
        lambda x: sk.concat([x, x]),
        lambda x: sk.stack([x, x], axis=1),
    ):
        both_worlds(helper, X, worlds=["numpy", "tally"])
    with pytest.raises(sk.WorldError, match=r"expected a tally, as item 0 is, got float32\[2, 3\]"):
        sk.concat([sk.to_tally(X), X])


def test_a_boundary_and_a_union_name_it_beside_others(world):
    @sk.boundary
    def cross(
        x: Float32[Tally, "n d"], y: Float32[np.ndarray, "d"] | Tally
    ) -> Float32[np.ndarray, "n d"]:
        return sk.to_numpy(x) + (y if sk.is_numpy(y) else sk.to_numpy(y))

    assert cross(sk.to_tally(X), X[0]).tolist() == (X + X[0]).tolist()
    with pytest.raises(sk.WorldError):
        cross(X, X[0])


def test_strict_mode_watches_its_bodies(world):
    @sk.tally_world
    def stays(x: Float32[Tally, "n d"]) -> Float32[Tally, "n d"]:
        return x * 2

    @sk.tally_world
    def crosses(x: Float32[Tally, "n d"]) -> Float32[Tally, "n d"]:
        return tally.of(x.view())

    @sk.numpy_world
    def computes(x):
        return (tally.of(x) * 2).view()

    x = sk.to_tally(X)
    with sk.mode("strict"):
        stays(x)
        with pytest.raises(
            sk.WorldError, match=r"crosses\(\) body: expected Tally only, got tally.T"
        ):
            crosses(x)
        with pytest.raises(
            sk.WorldError, match=r"computes\(\) body: expected NumPy only, got tally.of"
        ):
            computes(X)
        with sk.mode("strict", to_tally="allow", to_numpy="allow"):
            assert computes(X).tolist() == (X * 2).tolist()


def test_levels_the_log_and_a_package_know_it(world):
    with sk.mode("warn", to_tally="refuse"):
        assert str(modes.current()) == "warn to_tally=refuse"
    with sk.record_crossings() as log:
        sk.to_tally(X)
    assert [(each.source, each.target, each.copied) for each in log] == [
        ("numpy", "tally", "a tally keeps numbers of its own")
    ]
    assert "subgraph tally [Tally]" in log.to_mermaid()


def test_a_guard_that_was_called_before_takes_it_from_the_first_call_on(monkeypatch):
    """Calls are fast again, too: the guard's text is written anew, with inline checks for the world."""

    @sk.same_world
    def same(x: Float32[sk.Array, "n d"], y) -> Float32[sk.Array, "n d"]:
        return x * 2

    same(X, 1)
    assert "_Tally" not in sk.generated_source(same)
    monkeypatch.setitem(sys.modules, "tally", tally)
    monkeypatch.setattr(registry, "_records", registry._records)
    monkeypatch.setitem(registry._pending, "tally", World)
    registry._waiting.add("tally")
    assert sk.world_of(same(of(X), of(X))) == "tally"
    assert sk.world_of(same(X, of(X))) == "numpy"
    assert "_Tally if isinstance(x, _Tally)" in sk.generated_source(same)
    vars(sk).pop("to_tally", None)


# --- what a world may define ---------------------------------------------------------------------------

STABLE = (
    *("name", "label", "array_class", "noun", "package", "options", "operations"),
    *("spelling", "words", "makers"),
    *("load", "array_type", "is_loaded", "namespace", "owns", "is_scalar", "dtypes"),
    *("device", "device_name", "parse_device", "is_on"),
    *("to_host", "from_host", "move", "cast", "runs_plainly"),
    *("permute_dims", "moveaxis", "squeeze", "concat", "stack"),
)


def test_the_stable_members_of_a_world_are_these():
    """Before a line is added: will users' worlds be able to rely on it in all later releases?"""
    assert [name for name in dir(sk.World) if not name.startswith("_")] == sorted(STABLE)


def test_help_shows_the_stable_members_only():
    shown = re.findall(
        r"^ \|  (\w+)(?:\(| =)", pydoc.plain(pydoc.render_doc(sk.World)), re.MULTILINE
    )
    assert {name for name in shown if not name.startswith("_")} == {*STABLE}


def test_each_stable_member_is_documented():
    attributes = sk.World.__doc__.partition("Attributes:")[2]
    for name in STABLE:
        member = vars(sk.World)[name]
        assert member.__doc__ if callable(member) else f" {name}: " in attributes, name


@pytest.mark.parametrize("name", STABLE)
def test_each_stable_member_is_read_of_the_world_that_is_registered(world, monkeypatch, name):
    own = object()
    monkeypatch.setattr(World, name, own)
    if name == "name":
        return  # worlds are looked up by it
    assert getattr(registry.world_named("tally"), name) is own


def private_members():
    return sorted({name for name in dir(Library) if not name.startswith("_")} - {*STABLE})


def test_no_other_member_is_read_so_that_any_name_is_free_for_a_world_of_yours(world, monkeypatch):
    def never(*args, **options):
        raise AssertionError("a method of the user's")

    for name in private_members():
        monkeypatch.setattr(World, name, never, raising=False)

    @sk.tally_world(returns="caller")
    def double(x: Float32[Tally, "n d"]) -> Float32[Tally, "n d"]:
        return x * 2

    with sk.record_crossings() as log, sk.mode("convert"):
        assert double(X).tolist() == (X * 2).tolist()
        with pytest.raises(sk.ShapeError, match="'x' has 1 axis, not 2"):
            double(X[0])
    assert len(log) == 2
    with sk.mode("strict"), pytest.raises(sk.WorldError):
        double(X)


class OnDevices(World):
    """The arrays of this library have no attribute for their device."""

    options = frozenset({"device"})

    def device(self, value):
        return "fast" if value.total() else "slow"

    device_name = device

    def parse_device(self, device):
        return device


@pytest.mark.parametrize("world", [OnDevices], indirect=True)
def test_a_device_is_what_the_world_calls_it_even_if_no_array_says_where_it_is(world):
    @sk.tally_world(device="fast")
    def double(x: Float32[Tally, "n d"]) -> Float32[Tally, "n d"]:
        return x * 2

    assert double(of(X)).total() == X.sum() * 2
    with pytest.raises(sk.ConversionError, match=r"\(Tally on slow\).\n  Tally moves no values"):
        double(of(X * 0))


# --- what is no world ----------------------------------------------------------------------------------


class NoName(World):
    name = ""


class BadName(World):
    name = "not a name"


class Taken(World):
    name = "torch"


class Same(World):
    name = "same"


class NoWay(sk.World):
    name, label = "noway", "No Way"

    def dtypes(self):
        return {}

    def to_host(self, value, policy):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "expected an instance of a subclass of sekisho.World, got 3."),
        (World, r"got <class .*>.\n  hint: register_world\(World\(\)\)"),
        (NoName(), "has no name"),
        (BadName(), "'not a name' cannot be part of a name, as in to_not a name."),
        (Taken(), "a world called 'torch' is registered already."),
        (Same(), "the name 'same' is taken: same_world, or an option so called, exists."),
        (NoWay(), r"<world noway> has no from_host\(\).\n  hint: see sekisho.World.from_host"),
    ],
)
def test_what_is_no_world_is_refused_at_registration(given, message):
    before = registry.world_names()
    with pytest.raises(sk.DeclarationError, match=message):
        sk.register_world(given)
    assert registry.world_names() == before


def test_a_world_registered_twice_is_refused(world):
    with pytest.raises(sk.DeclarationError, match="a world called 'tally' is registered already"):
        sk.register_world(World())


def test_a_name_of_no_world_is_no_attribute():
    for name in ("mars_world", "to_mars", "is_mars"):
        with pytest.raises(AttributeError, match="has no"):
            getattr(sk, name)


RECORD = """
import numpy as np, sekisho as sk
class Mars(sk.World):
    name, label, array_class = "mars", "Mars", "Rock"
    def dtypes(self): return {"float32": "float32"}
    def to_host(self, value, policy): return sk.Converted(value.a, None)
    def from_host(self, array, policy): return sk.Converted(self.load().Rock(array), None)
WORLD = Mars()
"""
LIBRARY = """
class Rock:
    shape = property(lambda self: self.a.shape)
    dtype = property(lambda self: str(self.a.dtype))
    def __init__(self, a): self.a = a
"""


def run(folder, text, *, record=RECORD, library=LIBRARY):
    (folder / "mars.py").write_text(library)
    (folder / "mars_sekisho.py").write_text(record)
    info = folder / "mars_sekisho-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mars-sekisho\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[sekisho.worlds]\nmars = mars_sekisho:WORLD\n")
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n" + textwrap.dedent(text)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    "meets",
    [
        "sk.world_of(mars.Rock(np.ones(2, 'float32')))",
        "sk.world_of(sk.to_mars(np.ones(2, 'float32')))",
        "sk.world_of(sk.mars_world(lambda x: x)(np.ones(2, 'float32')))",
        "'mars' if sk.mode('warn', to_mars='allow').__enter__() is None else ''",
        "sk.world_of(sk.boundary(takes)(mars.Rock(np.ones(2, 'float32'))))",
    ],
)
def test_an_entry_point_brings_a_world_when_something_of_it_comes_up(tmp_path, meets):
    output, errors = run(
        tmp_path,
        f"""
        import numpy as np, sekisho as sk
        print("mars_sekisho" in sys.modules, "importlib.metadata" in sys.modules)
        import mars
        def takes(x: mars.Rock) -> mars.Rock: return x
        with sk.mode("convert"): print({meets})
        """,
    )
    assert output == ["False False", "mars"]
    assert errors == ""


def test_a_broken_record_is_an_error_of_ours_where_it_is_asked_for_and_no_other_world_suffers(
    tmp_path,
):
    output, _ = run(
        tmp_path,
        """
        import warnings; warnings.simplefilter("ignore")
        import numpy as np, sekisho as sk, mars
        print(sk.world_of(mars.Rock(np.ones(2))), sk.world_of(np.ones(2)))
        try: sk.to_mars
        except sk.DeclarationError as error: print(error)
        print(sk.to_numpy(np.ones(2)).sum())
        """,
        record="import nothing_so_called",
    )
    assert output == [
        "None numpy",
        "the world 'mars' of an entry point cannot be used: ModuleNotFoundError: "
        "No module named 'nothing_so_called'",
        "2.0",
    ]


@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ("raise RuntimeError('no driver')", "Mars cannot be imported: RuntimeError: no driver"),
        (
            "import nothing",
            "Mars cannot be imported: ModuleNotFoundError: No module named 'nothing'",
        ),
    ],
)
def test_a_broken_library_is_an_error_of_ours_at_first_use(tmp_path, library, reason):
    output, _ = run(
        tmp_path,
        """
        import numpy as np, sekisho as sk
        try: sk.to_mars(np.ones(2, "float32"))
        except sk.ConversionError as error: print(str(error).splitlines()[1].strip())
        f = sk.mars_world(lambda x: x)
        try: f(np.ones(2, "float32"))
        except sk.ConversionError as error: print(str(error).splitlines()[1].strip())
        print(sk.to_numpy(np.ones(2)).sum())
        """,
        library=library,
    )
    assert output == [reason, reason, "2.0"]


def test_the_group_of_entry_points_is_read_by_its_documented_name():
    assert registry._GROUP == "sekisho.worlds"
    assert not list(importlib.metadata.entry_points(group="sekisho.worlds"))


def test_a_guard_that_was_sent_somewhere_may_stay_when_a_world_is_registered(monkeypatch):
    """Its stand-in there has no text that could be written again."""
    cloudpickle = pytest.importorskip("cloudpickle")

    def make():
        @sk.same_world
        def sent_somewhere(x: Float32[sk.Array, "n"]):
            return x

        return sent_somewhere

    sent = cloudpickle.loads(cloudpickle.dumps(make()))
    sent(np.ones(2, "f4"))
    here = [
        guard.__globals__
        for guard in live_guards()
        if WRITE not in guard.__globals__ and guard.__name__ == "sent_somewhere"
    ]
    assert here
    monkeypatch.setattr("sekisho.guard.globals.asked_worlds", lambda: ())
    for each in here:
        each[names.NAMES].refresh(each)
    assert sent(np.ones(3, "f4")).shape == (3,)
    with pytest.raises(sk.ShapeError):
        sent(np.ones((3, 2), "f4"))
