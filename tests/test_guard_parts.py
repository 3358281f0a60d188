"""The parts of guards one by one: names, reports, refusals, bodies that ask, and bound contracts."""

from __future__ import annotations

import contextlib
import functools
import inspect
import json
import sys
import types
import warnings
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho.contract import FREE, build_contract, make_options, read_signature
from sekisho.errors import Violation
from sekisho.guard import (
    body,
    bound,
    checking,
    late,
    modules,
    mutations,
    refusals,
    report,
    scope,
    scripting,
    stub,
    targets,
    tolerance,
    wrappers,
)
from sekisho.guard.body import Body
from sekisho.worlds import world_named

N = Float[np.ndarray, "n"]


def plain(x: N, y: int = 1, /, *rest: N, z: N, w: str = "w", **options: N): ...


def contract_of(function, kind="numpy_world", **options):
    made = make_options(kind, **{"typechecker": "beartype", **options})
    return build_contract(function, read_signature(function), made, {})


# --- names in generated text -----------------------------------------------------------------------


@pytest.fixture
def names():
    def f(x, result, shape: N): ...

    return scope.Scope(contract_of(f), "f", (world_named("numpy"),))


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("y", "y"),
        ("x", "x_"),
        ("f", "f_"),
        ("class", "class_"),
        ("dtype", "dtype_"),
        ("Ⅳ", "IV"),
        ("größe", "größe"),
        ("a b", "a_b"),
        ("3d", "_3d"),
        ("", "_"),
        ("list[int]", "list_int_"),
    ],
)
def test_a_name_in_the_text_is_an_identifier_that_nothing_else_has(names, base, name):
    assert names.fresh(base) == name
    assert names.fresh(base) == f"{name}_"


def test_the_locals_of_what_is_bound_say_what_they_hold(names):
    keys = {"n": "n", "*batch": "batch", "#*batch": "batch_grows", "<T>": "T_memo"}
    keys |= {"@D": "D_dtype", "*": "axes", "x": "x_"}
    for key in keys:
        names.hold(key)
        names.hold(key)
    assert {key: names.axes[key] for key in keys} == keys
    assert names.axes["{x}"] == "x"
    assert (names.shape, names.dtype, names.device, names.array_type) == ("shape_", "dtype", "", "")


def test_a_global_has_one_name_but_out_of_line_functions_each_have_their_own(names):
    world = world_named("numpy")
    assert names.array_class(world) == names.array_class(world) == "_ndarray"
    assert names.name_global("_a", "class", int) == names.name_global("_b", "class", int) == "_a"
    assert names.name_global("_a", "class", str) == "_a_"
    both = tuple(names.name_global("_v", "validate", each) for each in ([1], [1]))
    assert both == ("_v", "_v_")
    assert names.default("x") == names.default("x") == "_default_x"
    assert (names.builtin("len"), names.builtin("shape")) == ("len", "_shape")
    assert names.globs["_default_x"] == scope.Global("default", "x")
    assert names.globs["_shape"] == scope.Global("builtin", "shape")


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("f", "f"),
        ("<lambda>", "guarded"),
        ("class", "guarded"),
        ("größe", "größe"),
        ("Ⅳ", "IV"),
        ("a b", "guarded"),
    ],
)
def test_a_guard_is_written_under_its_functions_name_if_that_is_one(name, identifier):
    def f(x: N): ...

    f.__name__ = name
    assert stub._identifier(f) == identifier
    guard = sk.numpy_world(f)
    guard(np.ones(2))
    assert guard.__code__.co_name == identifier
    assert guard.__name__ == name


def test_pytest_hides_every_guard_also_one_that_is_made_anew():
    guard = sk.numpy_world(lambda x: x)
    state = guard.__globals__["__sekisho_state__"]
    for names in (guard.__globals__, state.fresh()):
        assert names["__tracebackhide__"] is True
        assert names["__sekisho_options__"].kind == "numpy_world"
    made = state.write_into(None, state.fresh())
    assert made.__globals__["__tracebackhide__"] is True
    assert wrappers.make_binder(contract_of(plain), "bind").__globals__["__tracebackhide__"] is True


# --- what a call had -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "values", "found"),
    [
        ((1,), {"z": 4}, (10, 2, (), 40, "w", {}), ((10,), {"z": 40})),
        ((1, 2), {"z": 4}, (10, 20, (), 40, "w", {}), ((10, 20), {"z": 40})),
        (
            *((1, 2, 3), {"z": 4, "w": "v", "k": 5}),
            *((10, 20, (30,), 40, "x", {"k": 50}), ((10, 20, 30), {"z": 40, "w": "x", "k": 50})),
        ),
    ],
)
def test_values_go_where_a_call_had_them_and_defaults_stay_out(args, kwargs, values, found):
    as_called = wrappers.make_as_called(contract_of(plain))
    before = dict(kwargs)
    assert as_called(args, kwargs, *values) == found
    assert kwargs == before


def test_a_keyword_stays_a_keyword():
    def either(x, y=1): ...

    as_called = wrappers.make_as_called(contract_of(either))
    assert as_called((1,), {"y": 2}, 10, 20) == ((10,), {"y": 20})
    assert as_called((), {"x": 1, "y": 2}, 10, 20) == ((), {"x": 10, "y": 20})
    assert as_called((), {"y": 2}, 10, 20) == ((), {"y": 20})
    assert as_called((1,), {}, 10, 20) == ((10,), {})


def test_arguments_are_bound_with_pythons_own_errors():
    bind = wrappers.make_binder(contract_of(plain), "bind")
    assert bind(1, z=2) == (1, 1, (), 2, "w", {})
    assert bind(1, 2, 3, z=4, w="v", k=5) == (1, 2, (3,), 4, "v", {"k": 5})
    with pytest.raises(
        TypeError, match=r"^plain\(\) missing 1 required keyword-only argument: 'z'"
    ):
        bind(1)


def test_sizes_that_nothing_has_bound_fit_all():
    keys = ("n", "*s", "#*s", "<T>", "@D", "{x}")
    assert tolerance.sizes_or_free(keys, [None] * 6) == [FREE, FREE, None, None, FREE, FREE]
    found = tolerance.sizes_or_free(keys, [None] * 6)
    assert [each is FREE for each in found] == [True, True, False, False, True, True]
    assert tolerance.sizes_or_free(keys[:2], [0, ()]) == [0, ()]
    assert [each is FREE for each in tolerance.sizes_or_free(keys[:2], [0, ()])] == [False, False]


# --- bodies that ask -------------------------------------------------------------------------------

_alias = Float
_check, _is_a = sk.check, isinstance


def _asks_nothing(x): ...
def _by_check(x):
    return _check(x, N)


def _by_package(x):
    return sk.check(x, N)


def _by_isinstance(x):
    return isinstance(x, _alias[np.ndarray, "n"])


def _by_module(x):
    return isinstance(x, jaxtyping.Float[np.ndarray, "n"])


def _by_another_name(x):
    return _is_a(x, Float[np.ndarray, "n"])


def _isinstance_of_others(x):
    return isinstance(x, int)


def _prints(x):
    return jaxtyping.print_bindings()


def _names_only(check):
    return check + 1


def _inside(x):
    return [isinstance(each, Float[np.ndarray, "n"]) for each in (x,)]


@functools.wraps(_by_package)
def _wrapping(*args):
    return _by_package(*args)


def _nested(x):
    def inner():
        return sk.check(x, N)

    return inner()


def _closed_over():
    hint, check = Float[np.ndarray, "n"], sk.check

    def by_hint(x):
        return isinstance(x, hint)

    def by_check(x):
        return check(x, hint)

    def other(x, isinstance=isinstance):
        return isinstance(x, hint)

    return by_hint, by_check, other


@pytest.mark.parametrize(
    ("function", "asks"),
    [
        (_asks_nothing, False),
        (_by_check, True),
        (_by_package, True),
        (_by_isinstance, True),
        (_by_module, True),
        (_by_another_name, True),
        (_isinstance_of_others, False),
        (_prints, True),
        (_names_only, False),
        (_inside, True),
        (_nested, True),
        (_closed_over()[0], True),
        (_closed_over()[1], True),
        (_closed_over()[2], False),
        (_wrapping, True),
        (len, False),
    ],
)
def test_only_a_body_that_checks_by_axes_shares_them(function, asks):
    assert body.asks(function) is asks


@pytest.mark.parametrize("name", ["check", "verify", "isinstance", "is_a"])
def test_a_check_by_any_name_has_the_axes_of_its_call(name):
    def imported(x, y):
        verify(y, N)

    def renamed(x, y):
        assert is_a(y, N)

    verify, is_a = sk.check, isinstance
    source = f"def f(x: N, y): assert {name}(y, N) is not False"
    names = {"N": N, "check": sk.check, "verify": sk.check, "is_a": isinstance}
    exec(source, names)
    for function in (names["f"], imported if name in {"check", "verify"} else renamed):
        function.__annotations__ = {"x": N}
        guard = sk.numpy_world(function)
        guard(np.ones(2), np.ones(2))
        with pytest.raises((sk.ShapeError, AssertionError)):
            guard(np.ones(2), np.ones(3))


def test_a_global_that_hides_isinstance_asks_nothing():
    names = {"isinstance": lambda *_: True, "Float": Float, "np": np}
    exec("def f(x): return isinstance(x, Float[np.ndarray, 'n'])", names)
    assert body.asks(names["f"]) is False
    del names["isinstance"]
    assert body.asks(names["f"]) is True


def test_an_empty_cell_is_no_value():
    def outer():
        def inner(x):
            return later, sk.check(x, N)

        return inner
        later = 1
        return None

    assert list(body.closed_over(outer())) == []
    assert body.asks(outer()) is True
    assert next(body.closed_over(_closed_over()[1])) is sk.check


def test_the_innermost_running_body_that_contains_the_code_is_found():
    contract, codes = contract_of(plain), [f.__code__ for f in (_by_check, _nested)]
    outer, inner = (Body(contract, frozenset([code]), {}) for code in codes)
    again = Body(contract, frozenset(codes), {})
    with outer, inner:
        assert body.body_of(codes[0]) is outer
        assert body.body_of(codes[1]) is inner
        with again:
            assert body.body_of(codes[0]) is body.body_of(codes[1]) is again
        assert body.body_of(plain.__code__) is None
    assert body.body_of(codes[0]) is None
    assert body.body_of(None) is None


# --- refusals, for a tool --------------------------------------------------------------------------


@pytest.fixture
def refused(tmp_path, monkeypatch):
    path = tmp_path / "refusals"
    monkeypatch.setenv(refusals.REFUSALS, str(path))
    return lambda: [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_refused_value_is_logged_once_by_the_innermost_guard(refused):
    @sk.numpy_world
    def inner(x: Float[np.ndarray, "3"]): ...

    @sk.numpy_world
    def outer(x: N):
        inner(x)

    for _ in range(2):
        with pytest.raises(sk.ShapeError) as caught:
            outer(np.ones(2))
    qualname = test_a_refused_value_is_logged_once_by_the_innermost_guard.__qualname__
    assert (
        refused()
        == [
            {
                "file": __file__,
                "function": f"{qualname}.<locals>.inner",
                "place": "argument 'x'",
                "text": str(caught.value).replace("\n", " "),
                "error": "ShapeError",
            }
        ]
        * 2
    )


def test_what_a_program_itself_raises_is_not_logged(refused, monkeypatch):
    error = sk.ShapeError("words")
    refusals.write_refusal(error, plain)
    refusals.write_refusal(sk.ShapeError(), plain)
    refusals.write_refusal(sk.ShapeError(Violation("f", "x", "a", "b")), len)
    with pytest.raises(FileNotFoundError):
        refused()
    monkeypatch.setenv(refusals.REFUSALS, "/no/such/folder/file")
    refusals.write_refusal(sk.ShapeError(Violation("f", "x", "a", "b")), plain)


def test_a_function_that_cannot_be_guarded_is_logged_with_its_error(refused, monkeypatch):
    def wrong(x: Float[np.ndarray, "a+"]): ...

    with pytest.raises(sk.DeclarationError) as caught:
        sk.numpy_world(wrong)
    (row,) = refused()
    assert (row["place"], row["error"]) == ("declaration", "")
    assert row["text"] == str(caught.value).replace("\n", " ")
    assert row["function"].endswith(".wrong")
    for error in (NameError("later"), KeyError("other")):
        refusals.write_declaration(error, plain)
    assert [each["text"] for each in refused()] == [row["text"], "'other'"]
    monkeypatch.delenv(refusals.REFUSALS)
    refusals.write_declaration(KeyError(), plain)
    assert len(refused()) == 2


# --- reports ---------------------------------------------------------------------------------------


@pytest.fixture
def reports(monkeypatch):
    monkeypatch.setattr(report, "_waiting", [])
    monkeypatch.setattr(report, "made", set())


@pytest.mark.usefixtures("reports")
def test_what_is_unchecked_is_reported_once_at_its_function():
    line = plain.__code__.co_firstlineno
    report.tell_unguarded(plain, ["first", "second", "first"])
    report.tell_unguarded(plain, ["first"], "elsewhere")
    found = report.take_reports()
    assert [str(each) for each in found] == [
        *(f"{__file__}:{line}: not checked: {each}" for each in ("first", "second", "first")),
    ]
    assert [each.name for each in found] == [
        *(f"{__name__}.plain", f"{__name__}.plain", "elsewhere.plain"),
    ]
    assert all(each.is_unchecked for each in found)
    assert report.take_reports() == []


@pytest.mark.parametrize(
    ("is_unchecked", "category"), [(True, sk.UnguardedWarning), (False, sk.AxisNameWarning)]
)
def test_a_report_warns_at_its_line(is_unchecked, category):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report.Report("a.f", "a.py", 7, "words", is_unchecked).warn()
    assert [(each.category, each.filename, each.lineno, str(each.message)) for each in caught] == [
        (category, "a.py", 7, "words")
    ]


def test_the_summary_of_a_run():
    assert report.summary_of(3, 2, 1) == "3 functions guarded, 2 called, 1 annotation not checked"


Pair = namedtuple("Pair", "x y")


class Outer:
    outer_alias = int

    class Inner(Pair):
        alias = N

        def method(self): ...


def test_a_generated_function_is_placed_at_its_class():
    def place(function, home=__name__):
        return report._place_of(function, home)

    def here():
        class Local(Pair): ...

        return Local

    source = inspect.getsourcelines(Outer.Inner)[1]

    def made():
        function = types.FunctionType(Pair.__new__.__code__, {}, "__new__")
        function.__qualname__ = "Outer.Inner.__new__"
        return function

    assert place(plain) == (__file__, plain.__code__.co_firstlineno)
    assert place(functools.wraps(plain)(made())) == (__file__, plain.__code__.co_firstlineno)
    assert place(made()) == (__file__, source)
    assert place(Outer.Inner) == (__file__, source)
    assert place(here()) == (__file__, 1)
    assert place(here(), "no.such.module") == ("<unknown>", 1)


@pytest.mark.usefixtures("reports")
def test_an_error_comes_from_the_innermost_guard_of_the_hook():
    report.made.update({f"{__name__}.plain", "other.f"})
    contract = contract_of(plain)
    error = sk.ShapeError(Violation("plain", "x", "a", "b"))
    report.note_refusal(error, contract._replace(function="other"), plain)
    assert report.refused_by(error) is None
    report.note_refusal(error, contract, plain)
    report.note_refusal(error, contract, Outer)
    assert report.refused_by(error) == f"{__name__}.plain"
    assert report.refused_by(sk.ShapeError("words")) is None
    assert report.refused_by(None) is None
    for cause in (error, None):
        outer = KeyError()
        outer.__cause__, outer.__context__ = cause, error
        assert report.refused_by(outer) == f"{__name__}.plain"
    report.made.clear()
    assert report.refused_by(error) is None


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize("module", ["mine", None])
def test_a_slip_is_warned_of_once_for_a_module_and_kept_by_a_hook(module):
    names: dict[str, Any] = {"Float": Float, "np": np, "__name__": module}
    source = "def f(x: Float[np.ndarray, 'height']) -> Float[np.ndarray, 'heigth']: ..."
    exec(compile(source, "file.py", "exec"), names)
    contract = contract_of(names["f"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("default", module=module or "<unknown>")
        for _ in range(2):
            report.warn_of_slips(names["f"], contract)
    assert [(each.filename, each.lineno, each.category) for each in caught] == [
        ("file.py", 1, sk.AxisNameWarning)
    ]
    assert str(caught[0].message) == (
        "f(): axis 'heigth' of the result differs from 'height' of argument 'x' "
        "only in the order of two letters; a slip?\n"
        "  hint: write 'height', or '_heigth' if no other axis has to have this size"
    )
    assert report.take_reports() == []
    lenient = contract._replace(options=contract.options._replace(lenient=True))
    report.warn_of_slips(names["f"], lenient)
    (kept,) = report.take_reports()
    assert (kept.text, kept.is_unchecked) == (str(caught[0].message), False)


# --- names for torch.jit and for type checkers -------------------------------------------------------

_number = 3


def test_a_method_lends_the_globals_that_it_uses_and_a_function_none():
    def method(self, x: "np.ndarray", y: Outer) -> int:
        def inner():
            return Pair, math_like, _number, missing

        return json, inner, len

    names: dict[str, Any] = {"json": "kept"}
    scripting.lend_names(method, names)
    assert names == {"json": "kept", "Pair": Pair, "np": np, "Outer": Outer}
    names = {}
    scripting.lend_names(plain, names)
    scripting.lend_names(len, names)
    assert names == {}


math_like = SimpleNamespace()


def test_what_a_module_imports_for_type_checkers_is_used_if_it_is_loaded(monkeypatch):
    home, origin, inner = "a.home", types.ModuleType("b"), types.ModuleType("b.c")
    origin.x = 1
    lazy = type("Lazy", (types.ModuleType,), {})("lazy")
    lazy.x = 2
    for name, module in {"b": origin, "b.c": inner, "lazy": lazy}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(
        late.imported_for_typing,
        home,
        {
            "module": ("b", None),
            "absent": ("no_such_module", None),
            "attribute": ("b", "x"),
            "no_attribute": ("b", "y"),
            "submodule": ("b", "c"),
            "of_lazy": ("lazy", "x"),
        },
    )
    assert late.names_for_typing(home) == {"module": origin, "attribute": 1, "submodule": inner}
    assert late.names_for_typing("elsewhere") == {}


# --- contracts of what is called -------------------------------------------------------------------


class Scaled:
    size = 2

    @sk.numpy_world
    def scale(self, x: Float[np.ndarray, "{self.size}"]) -> N: ...

    def bare(self, x: N) -> N: ...

    @classmethod
    @sk.numpy_world
    def made(cls, x: N): ...


def test_a_bound_method_has_a_contract_without_what_is_bound():
    scaled = Scaled()
    found = bound.bind_contract(scaled.scale)
    assert [each.name for each in found.contract.parameters] == ["x"]
    assert found.known == {"{self}": scaled}
    assert (found.name, found.call) == ("Scaled.scale", scaled.scale)
    assert found.bare is inspect.unwrap(Scaled.scale)
    found = bound.bind_contract(Scaled.made)
    assert ([each.name for each in found.contract.parameters], found.known) == (
        *(["x"], {"{cls}": Scaled}),
    )
    found = bound.bind_contract(scaled.bare)
    assert found.contract.options.kind == "boundary"
    assert found.call.__self__ is scaled
    assert ([each.name for each in found.contract.parameters], found.known) == (
        *(["x"], {"{self}": scaled}),
    )
    found = bound.bind_contract(plain)
    assert (found.known, found.name, found.bare) == ({}, "plain", plain)
    assert len(found.contract.parameters) == 6


@pytest.mark.parametrize("target", [3, Scaled, "text"])
def test_what_is_no_function_has_no_contract(target):
    with pytest.raises(sk.DeclarationError) as caught:
        bound.bind_contract(target)
    assert str(caught.value) == f"expected a function, got {target!r}."


def test_an_unguarded_function_has_no_contract():
    @sk.unguarded
    def f(x: N): ...

    with pytest.raises(sk.DeclarationError) as caught:
        bound.bind_contract(f)
    assert str(caught.value).endswith("f() has no contract: it is marked as unguarded.")


def test_a_module_that_cannot_be_guarded_says_why(torch):
    class Net(torch.nn.Module):
        def forward(self, x: Float[torch.Tensor, "n"]):
            return x

    first, second = Net(), Net()
    assert sk.torch_world(first) is first
    sk.torch_world(second)
    assert type(first) is type(second)
    assert type(first).__qualname__ == Net.__qualname__
    sk.torch_world(on_foreign="refuse")(third := Net())
    assert type(third) is not type(first)
    assert modules.is_module(first)
    assert not modules.is_module(Net)
    assert not modules.is_module(3)

    class Fixed(Net):
        __slots__ = ("more",)

        def __setattr__(self, name, value):
            if name == "__class__":
                raise TypeError("no")
            super().__setattr__(name, value)

    with pytest.raises(sk.DeclarationError) as caught:
        sk.torch_world(Fixed())
    assert str(caught.value) == (
        "torch_world(): this Fixed cannot be guarded: no\n"
        "  hint: decorate its class, or the function that calls it"
    )


# --- checks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("annotation", "hint"),
    [
        (np.ones(2), "the value comes first: check(value, annotation)"),
        ("h w", "axes stand behind a class: check(value, Float32[numpy.ndarray, 'h w'])"),
        (np.dtype("float32"), 'Float32[numpy.ndarray, "..."], of jaxtyping'),
        (3, None),
    ],
)
def test_check_says_what_was_meant_by_its_second_argument(annotation, hint):
    with pytest.raises(sk.DeclarationError) as caught:
        sk.check(np.ones(2), annotation)
    first, *rest = str(caught.value).splitlines()
    assert first.startswith("check(): ")
    assert rest == ([f"  hint: {hint}"] if hint else [])


def test_a_checkpoint_is_made_once_and_named_once():
    first, second = checking.checkpoint_of(N), checking.checkpoint_of(N)
    other = checking.checkpoint_of(Float[np.ndarray, "other"])
    assert first is second
    assert first is not other
    name = checking.name_in_traced(first)
    assert checking.name_in_traced(first) == name
    assert checking.name_in_traced(other) != name
    assert getattr(checking.traced, name) is first


# --- arguments that may not change -----------------------------------------------------------------


def _holding(name, **options):
    def function(self, x: N, out: N, y, n: int, *rest: N, buffer=None, k: N = None, **more: N): ...

    function.__qualname__ = name
    return mutations.arguments_of(contract_of(function, **options), function)


@pytest.mark.parametrize(
    ("name", "options", "kept"),
    [
        ("f", {}, "self x y rest k more"),
        ("f", {"mutates": ("x", "rest")}, "self y k more"),
        ("fill_", {}, "self y rest k more"),
        ("__call__", {}, "self x y rest k more"),
        ("f", {"copy": False}, "self x y rest k more"),
    ],
)
def test_the_arguments_that_may_not_change(name, options, kept):
    found = _holding(name, **options)
    assert list(found.by_name) == kept.split()
    assert {"out", "buffer"} <= found.declared
    assert [each.name for each in found.positional] == ["self", "x", "out", "y", "n", "rest"]
    assert found.has_several is True


def test_with_copies_of_its_own_a_function_may_write_into_all_arguments():
    assert _holding("f", copy=True) is None

    def of_none(out, n: int): ...

    assert mutations.arguments_of(contract_of(of_none), of_none) is None

    def one(self, x): ...

    one.__qualname__ = "add_"
    assert list(mutations.arguments_of(contract_of(one), one).by_name) == ["self"]


def test_what_is_observed_is_named_by_its_place():
    found = _holding("f")
    x = np.ones(2)
    args = ("self", x, x.copy(), x.copy(), 3, x.copy(), x.copy())
    kwargs = {"buffer": x.copy(), "k": x.copy(), "a": x.copy()}
    places = [each.place.place for each in found.observed(args, kwargs)]
    assert places == [
        "argument 'x'",
        "argument 'y'",
        "argument 'rest' at rest[0]",
        "argument 'rest' at rest[1]",
        "argument 'k'",
        "argument 'more' at more['a']",
    ]
    with contextlib.suppress(KeyError):
        assert found.observed(args[:3], {"k": None}) != []


# --- contracts that are read late ------------------------------------------------------------------


def _lenient(source, **names):
    """Return the reports about a function of an import hook, and its contract."""
    names = {"Float": Float, "np": np, "__name__": __name__, **names}
    exec(compile(f"from __future__ import annotations\n{source}", __file__, "exec"), names)
    options = make_options("numpy_world", typechecker="beartype", lenient=True)
    contract = late.read_late(names["f"], options, {}, __name__)
    return [each.text for each in report.take_reports()], contract


@pytest.mark.usefixtures("reports")
def test_names_that_are_defined_nowhere_are_reported_where_arrays_are_meant():
    hint = "import it outside of TYPE_CHECKING, or define it before the first call"
    texts, contract = _lenient("def f(x: Zebra, y: Float[np.ndarray, 'n'], z: Ape): ...")
    assert texts == [
        "not checked: f() names Ape, Zebra, which is defined nowhere when the program runs.\n"
        f"  hint: {hint}"
    ]
    assert [each.spec.text for each in contract.parameters] == [
        *("Any", 'Float[ndarray, "n"]', "Any"),
    ]
    for name in ("jnp", "NDArray", "ndarray", "numpy"):
        texts, _ = _lenient(f"def f(x: {name}.part): ...")
        assert texts[0].startswith(f"not checked: f() names {name}, which is defined nowhere")
    # Without an array it is no business of a guard.
    assert _lenient("def f(x: Zebra, y: int): ...")[0] == []


@pytest.mark.usefixtures("reports")
def test_a_late_contract_without_a_hook_raises_with_the_name():
    names: dict[str, Any] = {"__name__": __name__}
    exec("def f(x: 'Zebra'): ...", names)
    options = make_options("numpy_world", typechecker="beartype")
    with pytest.raises(sk.DeclarationError) as caught:
        late.read_late(names["f"], options, {}, "")
    assert str(caught.value) == (
        "f(): an annotation names what is not defined: name 'Zebra' is not defined.\n"
        "  hint: import it outside of TYPE_CHECKING, or define it before the first call"
    )
    assert late.read_late(names["f"], options, {"Zebra": int}, "").parameters[0].spec.text == "int"


def test_the_names_of_the_classes_around_a_method_are_known_but_not_its_methods():
    class_of_module = late._names_where_defined(Outer.Inner.method, __name__)
    assert class_of_module["alias"] is N
    assert class_of_module["outer_alias"] is int
    assert "method" not in class_of_module
    assert "Pair" not in class_of_module  # a global of the method already
    made = types.FunctionType(Pair.__new__.__code__, {}, "__new__")
    made.__qualname__ = "Outer.missing.__new__"
    found = late._names_where_defined(made, __name__)
    assert (found["Pair"], found["outer_alias"]) == (Pair, int)
    assert "alias" not in found
    assert "Pair" not in late._names_where_defined(made, "no.such.module")


# --- what cannot be decorated ----------------------------------------------------------------------


def _made_by_its_library(hint):
    class Made:
        __struct_fields__ = ("x",)

        def __init__(self, x):
            self.x = x

        def method(self, y: N): ...

    Made.__annotations__ = {"x": hint}
    return Made


SETS = "arrays are not hashable by value, so no set holds them; use a list"
PROBLEMS = {
    "arrays": (N, "holds arrays in its fields"),
    "a name": (
        "Float[np.ndarray, Missing]",
        "has fields that cannot be read yet (name 'Missing' is not defined)",
    ),
    "a set": (set[N], f"has a field that cannot be checked ({SETS})"),
}


@pytest.mark.usefixtures("reports")
@pytest.mark.parametrize(("hint", "problem"), PROBLEMS.values(), ids=PROBLEMS)
def test_a_record_that_its_library_makes_is_refused_or_reported_by_a_hook(hint, problem):
    text = (
        f"numpy_world(): Made {problem}, and its library makes it, past any guard.\n"
        "  hint: annotate the argument of a guarded function with Made: its fields are checked there"
    )
    with pytest.raises(sk.DeclarationError) as caught:
        sk.numpy_world(_made_by_its_library(hint))
    assert str(caught.value) == text
    options = make_options("numpy_world", typechecker="beartype", lenient=True, gives_way=True)
    kind = _made_by_its_library(hint)
    assert targets.guard_target(kind, options, sys._getframe()) is kind
    assert [each.text for each in report.take_reports()] == [f"not checked: {text}"]
    with pytest.raises(sk.WorldError):
        kind(3).method("no array")


def test_a_record_of_its_library_without_arrays_has_guarded_methods_and_its_own_constructor():
    kind = sk.numpy_world(_made_by_its_library(int))
    assert not hasattr(kind.__init__, "__wrapped__")
    assert hasattr(kind.method, "__wrapped__")


@functools.wraps(plain)
def _wrapped(*args, **kwargs): ...


def _torchs(x): ...


class _Sealed(type):
    def __setattr__(cls, name, value):
        raise TypeError("it is sealed")


class Sealed(metaclass=_Sealed):
    def method(self, x: N): ...


LOCALS = (
    "{}(): locals=True reads the source of a function, and this is a wrapper.\n"
    "  hint: write @numpy_world(locals=True) directly above the def"
)
UNFIT: list[tuple[Any, Any, str]] = [
    (sk.numpy_world(locals=True), _wrapped, LOCALS.format("plain")),
    (sk.numpy_world(locals=True), functools.lru_cache(_torchs), LOCALS.format("_torchs")),
    (sk.numpy_world(mutates="y"), _torchs, "_torchs(): mutates='y' is no parameter."),
    (
        *(sk.numpy_world(mutates=("z", "optionz")), plain),
        "plain(): mutates='optionz' is no parameter.\n  hint: did you mean 'options'?",
    ),
    (sk.numpy_world, Sealed, "numpy_world(): Sealed.method cannot be guarded: it is sealed"),
    (
        *(sk.numpy_world, np.ones(2)),
        "numpy_world(): expected a function, got float64[2] (NumPy), which cannot be called.\n"
        "  hint: to convert an array, call to_numpy(x)",
    ),
    (
        *(sk.boundary(on_foreign=None), np.ones(2)),
        "boundary(): expected a function, got float64[2] (NumPy), which cannot be called.\n"
        "  hint: write @boundary in a line of its own above the function",
    ),
]


@pytest.mark.parametrize(("decorate", "target", "text"), UNFIT)
def test_what_cannot_be_decorated_says_why(decorate, target, text):
    with pytest.raises(sk.DeclarationError) as caught:
        decorate(target)
    assert str(caught.value) == text


def test_two_decorators_of_two_libraries_are_refused_and_of_one_are_not(torch):
    guarded = sk.numpy_world(_torchs)
    with pytest.raises(sk.DeclarationError) as caught:
        sk.torch_world(guarded)
    assert str(caught.value) == (
        "torch_world(): _torchs() has the decorator numpy_world already.\n"
        "  hint: leave one out, or write @boundary in place of both"
    )
    for outer in (sk.numpy_world, sk.boundary, sk.same_world):
        assert outer(guarded)(np.ones(2)) is None
    assert sk.torch_world(sk.boundary(_torchs))(torch.ones(2)) is None


class Cached:
    """A callable with methods of its own."""

    kept = 3

    def __call__(self, x: N):
        return x

    def clear(self):
        return "cleared"

    def _private(self): ...

    @property
    def broken(self):
        raise KeyError


def test_a_guard_has_the_public_methods_of_a_callable_object():
    guard = sk.numpy_world(Cached())
    assert guard.clear() == "cleared"
    assert not hasattr(guard, "_private")
    assert not hasattr(guard, "kept")
    assert not hasattr(guard, "broken")
    assert not hasattr(sk.numpy_world(plain), "clear")
