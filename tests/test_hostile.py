"""Values, classes and modules whose every method raises: either sekisho's own error, or none."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pytest
from jaxtyping import Float, Float32

import sekisho as sk

A = np.ndarray


class Classless:
    """Like an unbound proxy."""

    @property
    def __class__(self):
        raise RuntimeError("no class")


class Mute:
    def __getattribute__(self, name):
        raise RuntimeError(f"no {name}")


class Asked:
    def __getattr__(self, name):
        raise RuntimeError(f"no {name}")


class Nameless:
    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __len__ = __eq__ = __iter__ = __bool__ = __repr__
    __hash__ = None


class Meta(type):
    def __repr__(cls):
        raise RuntimeError("no text")

    def __instancecheck__(cls, value):
        raise RuntimeError("no answer")


class OfMeta(metaclass=Meta):
    """A class without repr and without instance checks."""


@dataclass
class Record:
    x: A


VALUES = [Classless, Mute, Asked, Nameless, OfMeta]
ANNOTATIONS = [
    *(A, Float32[A, "n"], sk.Array, int, float, str, list[int], list[A], tuple[A, int]),
    *(dict[str, A], A | None, int | str | A, Record, Literal["a"], Callable[[int], int], OfMeta),
    *(Iterable[A], Mapping[str, A], Sequence[A], Any, None),
]


def guard_of(annotation, decorate, *, result=False):
    def f(x):
        return x if result else None

    if annotation is not None:
        f.__annotations__ = {"return" if result else "x": annotation}
    return decorate(f)


@contextlib.contextmanager
def worded():
    """Let one of sekisho's errors pass, if its text can be shown."""
    try:
        yield
    except sk.BoundaryError as error:
        text = str(error)
        assert text.startswith("f() ")


@pytest.mark.parametrize(
    "decorate", [sk.numpy_world, sk.same_world, sk.boundary], ids=lambda f: f.__name__
)
@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("result", [False, True])
def test_a_guard_answers_whatever_a_value_raises(decorate, kind, result):
    asked = 0
    for annotation in ANNOTATIONS:
        with contextlib.suppress(sk.DeclarationError):  # cannot be checked
            f = guard_of(annotation, decorate, result=result)
            for mode in ("convert", "strict"):
                asked += 1
                with sk.mode(mode), worded():
                    f(kind())
    assert asked >= 20


# --- classes that cannot be hashed or compared ----------------------------------------------------


class Unhashable(type):
    """A metaclass that defines ``==`` only, so that its classes have no hash."""

    def __eq__(cls, other):
        return cls is other

    __hash__ = None


class Incomparable(type):
    def __eq__(cls, other):
        raise RuntimeError("no comparison")

    __hash__ = type.__hash__


class HashRaises(type):
    def __hash__(cls):
        raise RuntimeError("no hash")


def values_of(metaclass):
    """Return valid values whose class is the metaclass's, each with annotations that it fits."""

    def call(self, x):
        return x

    made = metaclass("Made", (), {"__call__": call})
    items = metaclass("Items", (list,), {})([np.ones(1)])
    table = metaclass("Table", (dict,), {})(a=np.ones(1))
    return [
        (made(), (None, Any, object, made)),
        (items, (None, list, list[A], Sequence[A], Iterable[A])),
        (table, (None, dict, dict[str, A], Mapping[str, A])),
        (metaclass("Number", (int,), {})(3), (None, int, float | int)),
        (np.ones(2, "f4").view(metaclass("Grid", (A,), {})), (None, A, Float32[A, "n"])),
        ([made()], (None, list)),
        (made, (None, type)),
    ]


FORMS = {
    "argument": "def f(x): ...",
    "default": "def f(y: int = 1, x=None): ...",
    "*args": "def f(*x): ...",
    "**kwargs": "def f(**x): ...",
    "result": "def f():\n    return value",
}


def body_of(form, annotation, value):
    """Return a function with the annotation in one place, and the arguments of a valid call."""
    names = {"value": value}
    exec(FORMS[form], names)
    if annotation is not None:
        names["f"].__annotations__["return" if form == "result" else "x"] = annotation
    given = {"argument": [value], "default": [2, value], "*args": [value, value]}.get(form, [])
    return names["f"], given, {"a": value, "b": value} if form == "**kwargs" else {}


@pytest.mark.parametrize(
    "decorate", [sk.numpy_world, sk.same_world, sk.boundary], ids=lambda f: f.__name__
)
@pytest.mark.parametrize(
    "metaclass", [Unhashable, Incomparable, HashRaises], ids=lambda m: m.__name__
)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("mode", ["convert", "strict"])
def test_an_annotated_value_passes_whatever_its_metaclass_lacks(decorate, metaclass, form, mode):
    for value, hints in values_of(metaclass):
        for annotation in hints:
            f, given, named = body_of(form, annotation, value)
            try:
                guarded = decorate(f)
            except sk.DeclarationError:  # no array class in a function of any world
                assert decorate is sk.same_world
                continue
            with sk.mode(mode):
                if annotation is not None or decorate is sk.boundary or is_hashable(type(value)):
                    guarded(*given, **named)
                    continue
                # The quick test of what has no annotation hashes the class.
                with pytest.raises(
                    sk.BoundaryError, match=r"cannot be looked at: .*hash"
                ) as caught:
                    guarded(*given, **named)
                assert "hint: annotate it; Any takes whatever comes" in str(caught.value)


def is_hashable(kind):
    try:
        hash(kind)
    except Exception:
        return False
    return True


@pytest.mark.parametrize("annotation", [Sequence, Mapping, Callable])
def test_a_class_that_an_abstract_class_cannot_hash_is_refused_in_words(annotation):
    value = Unhashable("Items", (list,), {})()
    with pytest.raises(sk.BoundaryError) as caught:
        guard_of(annotation, sk.numpy_world)(value)
    assert "cannot be looked at: TypeError: unhashable type: 'Unhashable'" in str(caught.value)


@pytest.mark.parametrize("metaclass", [Unhashable, Incomparable], ids=lambda m: m.__name__)
def test_the_tools_take_any_metaclass(metaclass, torch):
    for value, hints in values_of(metaclass):
        for annotation in hints:
            if annotation is not None:
                sk.check(value, annotation)
        assert sk.world_of(value) == ("numpy" if isinstance(value, A) else None)


@pytest.mark.parametrize(
    "metaclass", [Unhashable, Incomparable, HashRaises], ids=lambda m: m.__name__
)
def test_the_recorder_takes_any_metaclass(metaclass, torch):
    class Text(str, metaclass=metaclass):
        __slots__ = ()

    def outcome(call):
        try:
            return repr(call())
        except Exception as error:
            return repr(error)

    calls = [
        lambda: torch.as_tensor(metaclass("V", (list,), {})([1.0])),
        lambda: torch.as_tensor(metaclass("V", (float,), {})(1.0)),
        lambda: torch.ones(2) + Text("a"),
        lambda: torch.ones(2) + metaclass("V", (float,), {})(1.0),
        lambda: torch.ones(2) + metaclass("V", (), {"__radd__": lambda self, x: x})(),
        lambda: torch.add(torch.ones(2), metaclass("V", (), {})),
    ]
    plain = [outcome(call) for call in calls]
    with sk.record_crossings(everywhere=True, broadcasting=True) as log:
        assert [outcome(call) for call in calls] == plain
    assert not any(each.lost for each in log.processes)


def test_what_a_value_without_a_class_is_told():
    package = __name__.partition(".")[0]
    with pytest.raises(sk.WorldError) as caught:
        guard_of(Float32[A, "n"], sk.numpy_world)(Classless())
    assert str(caught.value) == (
        f"f() argument 'x': expected Float32[ndarray, \"n\"], got a {package}.Classless.\n"
        "  'x' cannot be looked at: RuntimeError: no class"
    )
    with pytest.raises(sk.BoundaryError) as caught:
        guard_of(int, sk.numpy_world)(Classless())
    assert str(caught.value) == (
        f"f() argument 'x': expected int, got a {package}.Classless.\n"
        "  'x' cannot be looked at: RuntimeError: no class"
    )


def test_an_error_of_the_body_stays_its_own_beside_a_value_without_a_class():
    class Number(int):  # isinstance knows it without calling the metaclass
        @property
        def __class__(self):
            raise RuntimeError("no class")

    @sk.numpy_world
    def f(x: int, y: A):
        raise KeyError("of the body")

    with pytest.raises(KeyError, match="of the body"):
        f(Number(3), np.ones(1))


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_helpers_answer_whatever_a_value_raises(kind):
    for call in (sk.to_numpy, sk.add_batch_dim, lambda x: sk.stack([x]), lambda x: sk.check(x, A)):
        with pytest.raises(sk.SekishoError):
            call(kind())
    assert sk.world_of(kind()) is None


def test_the_methods_of_a_hostile_object_are_left_alone():
    class Hostile:
        def __call__(self, x: Float32[A, "n"]):
            return x

        def method(self):
            return 1

        def __getattribute__(self, name):
            if name == "method":
                raise RuntimeError("no method")
            return super().__getattribute__(name)

    guarded = sk.numpy_world(Hostile())
    assert not hasattr(guarded, "method")
    assert len(guarded(np.ones(2, "f4"))) == 2


# --- libraries, and the end of a process ----------------------------------------------------------

LIBRARIES = {
    "half": "import numpy\nclass Array: pass\nfloat32 = numpy.float32\nraise ImportError('half way')",
    "hostile": "def __getattr__(name): raise RuntimeError(f'no {name}')",
    "empty": "",
}

PROGRAM = """
    import numpy as np
    import sekisho as sk
    from jaxtyping import Float

    @sk.numpy_world
    def own(x: Float[np.ndarray, "n"]): return x

    @sk.same_world
    def same(x: Float[sk.Array, "n"]): return x

    def use():
        own(np.ones(2)), same(np.ones(2))
        for call in (
            lambda: own([1]), lambda: same("text"), lambda: sk.to_jax(np.ones(2)),
            lambda: sk.jax_world(lambda x: x)(np.ones(2)),
        ):
            try:
                call()
            except sk.SekishoError as error:
                str(error)
            else:
                raise AssertionError

    use()
    try:
        import jax
    except ImportError:
        pass
    use()
    with sk.mode("strict"):
        use()
    with sk.record_crossings(everywhere=True):
        use()
    print("went on")
"""


def run(code, path="."):
    program = f"import sys; sys.path.insert(0, {str(path)!r})\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_is_broken_harms_no_guard(library, tmp_path):
    (tmp_path / "jax").mkdir()
    (tmp_path / "jax" / "__init__.py").write_text(LIBRARIES[library], "utf-8")
    assert run(PROGRAM, tmp_path).stdout == "went on\n"


AT_THE_END = """
    import atexit
    import numpy as np
    import sekisho as sk
    from jaxtyping import Float

    @sk.numpy_world
    def f(x: Float[np.ndarray, "n"]): return x

    class Late:
        def __init__(self, name): self.name = name

        def __del__(self, f=f, np=np, refused=sk.SekishoError):
            f(np.ones(2))
            try:
                f([1])
            except refused as error:
                print(self.name, str(error).splitlines()[0])

    {begin}
    keep, cycle = Late("module"), [Late("cycle")]
    cycle.append(cycle)
    atexit.register(lambda: Late("atexit"))
"""

THREADS = """
    import threading, time
    import numpy as np
    import sekisho as sk
    from jaxtyping import Float

    @sk.numpy_world
    def f(x: Float[np.ndarray, "n"]): return x

    def work():
        while True:
            try:
                f(np.ones(2)), f([1])
            except sk.SekishoError:
                pass

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    time.sleep(0.2)
"""


BEGINNINGS = (
    "pass",
    "sk.set_mode('strict')",
    "block = sk.mode('strict'); block.__enter__()",
    "log = sk.record_crossings(everywhere=True); log.__enter__()",
)


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_guards_work_until_the_interpreter_is_gone(begin):
    done = run(AT_THE_END.format(begin=begin))
    text = "f() argument 'x': expected Float[ndarray, \"n\"], got a list."
    assert {"atexit " + text, "module " + text} <= set(done.stdout.splitlines())
    assert "Exception ignored" not in done.stderr


def test_threads_that_are_killed_at_the_end_say_nothing():
    done = run(THREADS)
    assert not done.stderr


def nameless(*bases):
    """Return a class that code made by `type` without a name, so it has no module."""
    kind = eval("type('Nameless', bases, {})", {"bases": bases})
    with pytest.raises(AttributeError):
        _ = kind.__module__
    return kind


@pytest.mark.parametrize("base", [object, list, dict, np.ndarray])
def test_a_class_of_no_module_is_refused_in_words(base):
    value = np.zeros(2).view(nameless(base)) if base is np.ndarray else nameless(base)()

    @sk.numpy_world
    def f(x: Float[np.ndarray, "n m"]): ...

    with pytest.raises(sk.BoundaryError, match=r"Nameless|float64\[2\]"):
        f(value)
    if base is not np.ndarray:
        with pytest.raises(sk.WorldError, match="Nameless"):
            sk.add_batch_dim(value)


def test_a_tensor_of_no_module_has_its_hint(torch):
    with pytest.raises(sk.ConversionError, match=r"hint: x\.as_subclass\(torch\.Tensor\)"):
        sk.to_numpy(torch.ones(2).as_subclass(nameless(torch.Tensor)))
