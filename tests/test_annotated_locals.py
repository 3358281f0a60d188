"""Annotated locals of a guarded function: checked with ``locals=True``, by the hook and in IPython."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import gc
import importlib
import pickle
import re
import sys
import textwrap
import warnings
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float, Float64, Int

import sekisho as sk
from sekisho.guard import annotated
from sekisho.guard.annotated import with_checked_locals
from sekisho.utils import CHECK_LOCAL

DECORATORS = {
    "numpy": sk.numpy_world(locals=True),
    "boundary": sk.boundary(locals=True),
}


@sk.numpy_world(locals=True)
def turned(x: Float[np.ndarray, "b c"]) -> Float[np.ndarray, "b c"]:
    y: Float[np.ndarray, "b c"] = x.T
    return y


def test_the_message_names_variable_line_and_axes():
    with pytest.raises(sk.ShapeError) as caught:
        turned(np.ones((4, 3)))
    line = turned.__wrapped__.__code__.co_firstlineno + 2
    assert str(caught.value) == (
        f"turned() variable 'y' (test_annotated_locals.py:{line}): "
        'expected Float[ndarray, "b c"], got float64[3, 4] (NumPy).\n'
        "  axis 'b' is 4 (from argument 'x'), but axis 0 of 'y' is 3\n"
        "  c is 3 (from argument 'x')\n"
        "  hint: the two axes look transposed: transpose2d(y), which is y.T"
    )
    assert turned(np.ones((3, 3))).shape == (3, 3)


@given(
    a=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    b=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_the_verdict_is_that_of_check(a, b):
    @sk.numpy_world(locals=True)
    def annotated(x: Float[np.ndarray, "n m"], y: np.ndarray) -> Float[np.ndarray, "m k"]:
        z: Float[np.ndarray, "m k"] = y
        return z

    @sk.numpy_world
    def checked(x: Float[np.ndarray, "n m"], y: np.ndarray) -> Float[np.ndarray, "m k"]:
        return sk.check(y, Float[np.ndarray, "m k"])

    def verdict(function):
        try:
            function(np.ones(a), np.ones(b))
        except sk.BoundaryError as error:
            return str(error).partition("\n")[2]
        return None

    one, two = verdict(annotated), verdict(checked)
    assert (one is None) is (two is None)
    assert re.sub(r"\bz\b", "y", one or "") == (two or "")


def test_axes_of_locals_hold_for_later_locals_and_the_result():
    @sk.numpy_world(locals=True)
    def scores(x: Float[np.ndarray, "n d"], wrong: int) -> Float[np.ndarray, "n k"]:
        w: Float[np.ndarray, "d k"] = np.ones((x.shape[1], 5))
        return (x @ w)[:, wrong:]

    assert scores(np.ones((2, 3)), 0).shape == (2, 5)
    with pytest.raises(sk.ShapeError, match=r"axis 'k' is 5 \(from a check in the body\)"):
        scores(np.ones((2, 3)), 1)


STATEMENTS = {
    "plain": 'y: Float[np.ndarray, "m"] = x',
    "string": "y: \"Float[np.ndarray, 'm']\" = x",
    "final": 'y: Final[Float[np.ndarray, "m"]] = x',
    "attribute": 'holder.y: Float[np.ndarray, "m"] = x',
    "item": 'holder.items["y"]: Float[np.ndarray, "m"] = x',
    "union": 'y: Float[np.ndarray, "m"] | None = x',
    "string in union": "y: Optional[\"Float[np.ndarray, 'm']\"] = x",
    "string beside a bar": "y: \"Float[np.ndarray, 'm']\" | None = x",
    "string in bar in a string": "y: \"Optional['Line']\" = x",
    "string in list": "y: list[\"Float[np.ndarray, 'm']\"] = [x]",
    "string in dict": 'y: dict[str, "Line"] = {"a": x}',
    "string of a recursion": 'y: "Tree" = {"a": {"b": x}}',
    "string of a local name": 'Own = Float[np.ndarray, "m"]\ny: Optional["Own"] = x',
    "container": 'y: list[Float[np.ndarray, "m"]] = [x]',
    "if": 'if x is not None:\n    y: Float[np.ndarray, "m"] = x',
    "else": 'if x is None:\n    pass\nelse:\n    y: Float[np.ndarray, "m"] = x',
    "loop": 'for _ in range(2):\n    y: Float[np.ndarray, "m"] = x',
    "while": 'while True:\n    y: Float[np.ndarray, "m"] = x\n    break',
    "with": 'with open(__file__):\n    y: Float[np.ndarray, "m"] = x',
    "try": 'try:\n    pass\nfinally:\n    y: Float[np.ndarray, "m"] = x',
    "handler": 'try:\n    1 / 0\nexcept ZeroDivisionError:\n    y: Float[np.ndarray, "m"] = x',
    "match": 'match x.ndim:\n    case 1:\n        y: Float[np.ndarray, "m"] = x',
    "local name": 'Line = Float[np.ndarray, "m"]\ny: Line = x',
    "plain class": "y: np.ndarray = x.tolist()",
}
MODULE = """
from typing import Final, Optional, Union
import numpy as np
import sekisho as sk
from jaxtyping import Float

class Holder:
    items = {}

holder = Holder()
Line = Float[np.ndarray, "m"]
Tree = Union[Line, dict[str, "Tree"]]

@sk.numpy_world(locals=True)
def function(x: Float[np.ndarray, "n"], k: Float[np.ndarray, "m"]):
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module, and import it."""
    monkeypatch.syspath_prepend(tmp_path)
    names = []

    def make(text, name=None):
        name = name or f"locals_module_{len(names)}"
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        names.append(name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for each in names:
        sys.modules.pop(each, None)


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
@pytest.mark.parametrize("is_future", [False, True])
def test_every_form_of_statement_is_checked(module, statement, is_future):
    future = "from __future__ import annotations\n" if is_future else ""
    made = module(future + MODULE + textwrap.indent(statement, "    ") + "\n")
    with pytest.raises(sk.BoundaryError, match=r"function\(\) variable"):
        made.function(np.ones(3), np.ones(4))
    if statement != STATEMENTS["plain class"]:
        made.function(np.ones(3), np.ones(3))


UNCHECKED = {
    "no value": 'y: Float[np.ndarray, "m"]\ny = x',
    "number": "y: int = 'text'",
    "text": "y: str = 3",
    "list": "y: list[int] = ['text']",
    "nested": 'def inner():\n    y: Float[np.ndarray, "m"] = x\ninner()',
    "class": 'class Inner:\n    y: Float[np.ndarray, "m"] = x',
    "later": 'y: Float[np.ndarray, "n"] = x\ny = k',
}


@pytest.mark.parametrize("statement", UNCHECKED.values(), ids=UNCHECKED)
def test_what_is_left_alone(module, statement):
    made = module(MODULE + textwrap.indent(statement, "    ") + "\n")
    made.function(np.ones(3), np.ones(4))


def test_a_function_without_annotated_locals_stays_the_same_function():
    def plain(x: Float[np.ndarray, "n"], k: int) -> Float[np.ndarray, "n"]:
        n: int = k
        return x * n

    assert with_checked_locals(plain, dict) is plain
    guarded = sk.numpy_world(locals=True)(plain)
    with_it, without = sk.generated_source(guarded), sk.generated_source(sk.numpy_world(plain))
    assert with_it == without


def test_every_flavour():
    @sk.numpy_world(locals=True)
    async def later(x: Float[np.ndarray, "n"]) -> None:
        await asyncio.sleep(0)
        y: Float[np.ndarray, "n"] = x[1:]
        assert y is None

    @sk.numpy_world(locals=True)
    def steps(x: Float[np.ndarray, "n"]):
        yield 1
        y: Float[np.ndarray, "n"] = x[1:]
        yield y

    class Base:
        def name(self):
            return "base"

    class Holder(Base):
        @sk.numpy_world(locals=True)
        def method(self, x: Float[np.ndarray, "n"]) -> str:
            y: Float[np.ndarray, "n"] = x[len(super().name()) :]
            return str(y)

    with pytest.raises(sk.ShapeError, match="variable 'y'"):
        asyncio.run(later(np.ones(3)))
    with pytest.raises(sk.ShapeError, match="variable 'y'"):
        list(steps(np.ones(3)))
    with pytest.raises(sk.ShapeError, match="variable 'y'"):
        Holder().method(np.ones(9))


def test_closures_defaults_and_attributes_are_kept():
    offset = np.ones(3)

    def function(x: Float[np.ndarray, "n"], *, k: float = 2.0) -> Float[np.ndarray, "n"]:
        """Its docstring."""
        nonlocal offset
        y: Float[np.ndarray, "n"] = x + offset * k
        offset = y
        return y

    function.note = "kept"
    guarded = sk.numpy_world(locals=True)(function)
    assert guarded(np.zeros(3)).tolist() == [2, 2, 2]
    assert offset.tolist() == [2, 2, 2]
    assert (guarded.__doc__, guarded.note, guarded.__name__) == (
        "Its docstring.",
        "kept",
        "function",
    )
    with pytest.raises(sk.ShapeError):
        guarded(np.zeros(1))


@sk.numpy_world(locals=True)
class Filters:
    def first(self, x: Float[np.ndarray, "n"]) -> None:
        y: Float[np.ndarray, "n"] = x[1:]
        del y

    def __private(self, x: Float[np.ndarray, "n"]) -> None:
        y: Float[np.ndarray, "n"] = x[1:]
        del y

    def second(self, x: Float[np.ndarray, "n"]) -> None:
        self.__private(x)


def test_generated_methods_of_a_class_have_no_source_and_need_none():
    @sk.boundary(locals=True)
    @dataclasses.dataclass
    class Record:
        x: Float[np.ndarray, "n"]
        y: Float[np.ndarray, "n"]

        def total(self) -> float:
            both: Float[np.ndarray, "m"] = self.x + self.y
            return float(both.sum())

    assert Record(np.ones(2), np.ones(2)).total() == 4
    with pytest.raises(sk.ShapeError):
        Record(np.ones(2), np.ones(3))


@pytest.mark.parametrize("name", ["first", "second"])
def test_classes(name):
    with pytest.raises(sk.ShapeError, match="variable 'y'"):
        getattr(Filters(), name)(np.ones(3))


def test_modes_and_violations():
    with sk.mode("off"):
        assert turned(np.ones((4, 3))).shape == (3, 4)
    with sk.mode("strict"), pytest.raises(sk.ShapeError):
        turned(np.ones((4, 3)))
    with sk.mode("convert", violations="warn"), pytest.warns(sk.ViolationWarning) as caught:
        assert turned(np.ones((4, 3))).shape == (3, 4)
    assert "variable 'y'" in str(caught[0].message)


def test_the_guard_is_pickled_by_name():
    copied = pickle.loads(pickle.dumps(turned))
    with pytest.raises(sk.ShapeError):
        copied(np.ones((4, 3)))


def test_a_lambda_has_no_annotated_locals():
    assert sk.numpy_world(locals=True)(lambda x: x)(np.ones(2)).tolist() == [1, 1]


def test_names_and_positions_are_those_of_the_source():
    def function(x: Float[np.ndarray, "n"]):
        y: Float[np.ndarray, "n"] = x

        def inner():
            return [y / 0 for _ in range(2)], lambda: 1

        return inner

    made = with_checked_locals(function, dict)
    assert made.__code__.co_qualname == function.__code__.co_qualname
    inner = made(np.ones(2))
    assert inner.__code__.co_qualname == function(np.ones(2)).__code__.co_qualname
    before, after = (list(each.__code__.co_positions()) for each in (function(1), made(np.ones(1))))
    assert before == after


def test_without_source_it_is_refused_at_decoration():
    names = {"np": np, "Float": Float}
    exec('def made(x: np.ndarray):\n    y: Float[np.ndarray, "n"] = x', names)
    with pytest.raises(sk.DeclarationError) as caught:
        sk.numpy_world(locals=True)(names["made"])
    assert str(caught.value) == (
        "made(): locals=True needs the function's source, which cannot be read.\n"
        "  hint: sekisho.check(value, annotation)"
    )


@pytest.mark.parametrize(
    ("annotation", "why"),
    [('Float[np.ndarray, "b, c"]', "spaces, not commas"), ("Float[np.ndarray, 1 / 0]", "zero")],
)
def test_an_annotation_that_raises_is_warned_of_and_the_function_runs(module, annotation, why):
    made = module(MODULE + f"    y: {annotation} = x\n    return y\n")
    with pytest.warns(sk.UnguardedWarning, match=why):
        made.function(np.ones(3), np.ones(4))


def test_an_unknown_name_is_warned_of_once(module):
    made = module(MODULE + "    y: Unknown[np.ndarray] = x\n    return y\n")
    with pytest.warns(sk.UnguardedWarning, match="Unknown"):
        made.function(np.ones(3), np.ones(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.function(np.ones(3), np.ones(4))


n = 3
Alias = Float[np.ndarray, "3 3"]


def test_a_parameter_or_variable_hides_a_global_of_its_name():
    @sk.numpy_world(locals=True)
    def sized(x: Float[np.ndarray, "b c"], n: int) -> None:
        y: Float[np.ndarray, f"{n} c"] = x
        del y

    @sk.numpy_world(locals=True)
    def aliased(x: np.ndarray) -> None:
        Alias = Float[np.ndarray, "2 2"]  # noqa: F841 - in an annotation
        y: Alias = x
        del y

    for size in (2, 3, 4):
        sized(np.ones((size, 3)), size)
        with pytest.raises(sk.ShapeError):
            sized(np.ones((size, 3)), size + 1)
    aliased(np.ones((2, 2)))
    with pytest.raises(sk.ShapeError):
        aliased(np.ones((3, 3)))


def test_an_alias_that_is_defined_again_is_read_again(module):
    text = MODULE.replace("holder = ", 'Alias = Float[np.ndarray, "3"]\nholder = ')
    made = module(text + "    y: Alias = k\n    return y\n")
    made.function(np.ones(1), np.ones(3))
    made.Alias = Float[np.ndarray, "2"]
    made.function(np.ones(1), np.ones(2))
    with pytest.raises(sk.ShapeError):
        made.function(np.ones(1), np.ones(3))


RECURSIVE = """
import numpy as np
import sekisho as sk
from jaxtyping import Float

@sk.numpy_world(locals=True)
def count(x: Float[np.ndarray, "n"]) -> int:
    y: Float[np.ndarray, "m"] = x[1:]
    return 0 if len(x) == 0 else 1 + count(y)

class Owner:
    @sk.numpy_world(locals=True)
    def is_one(self, other: object, x: Float[np.ndarray, "n"]) -> bool:
        y: Float[np.ndarray, "n"] = x
        return isinstance(other, Owner) and len(y) == len(x)
"""


def test_a_function_that_calls_itself_and_a_method_that_names_its_class(module):
    made = module(RECURSIVE)
    assert made.count(np.ones(5)) == 5
    assert made.Owner().is_one(made.Owner(), np.ones(2))


@pytest.mark.parametrize("wrap", [functools.lru_cache, functools.partial, "wraps"])
def test_wrappers_are_refused(wrap):
    def function(x: Float[np.ndarray, "n"]) -> None:
        y: Float[np.ndarray, "m"] = x
        del y

    if wrap == "wraps":

        @functools.wraps(function)
        def wrapped(*args):
            return function(*args)
    else:
        wrapped = wrap(function)
    with pytest.raises(sk.DeclarationError, match="this is a wrapper"):
        sk.numpy_world(locals=True)(wrapped)


HOOKED = """
from __future__ import annotations
from typing import TYPE_CHECKING
import numpy as np
import sekisho as sk
if TYPE_CHECKING:
    from jaxtyping import Float

def plain(x: Float[np.ndarray, "b c"]) -> Float[np.ndarray, "_ _"]:
    y: Float[np.ndarray, "b c"] = x.T
    return y

@sk.numpy_world
def declared(x: Float[np.ndarray, "b c"]):
    y: Float[np.ndarray, "b c"] = x.T
    return y

@sk.unguarded
def unguarded(x: Float[np.ndarray, "b c"]):
    y: Float[np.ndarray, "b c"] = x.T
    return y

def without(x: Float[np.ndarray, "b c"]):
    y = x.T
    return y
"""


def test_the_import_hook_checks_them(module, tmp_path):
    (tmp_path / "hooked_locals.py").write_text(HOOKED, "utf-8")
    for _ in range(2):  # the second time from the cached bytecode
        with sk.install_import_hook("hooked_locals"):
            made = importlib.import_module("hooked_locals")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sk.UnguardedWarning)
            with pytest.raises(sk.ShapeError, match=r"plain\(\) variable 'y'"):
                made.plain(np.ones((4, 3)))
            assert made.unguarded(np.ones((4, 3))).shape == (3, 4)
            assert made.without(np.ones((4, 3))).shape == (3, 4)
        assert CHECK_LOCAL not in made.without.__wrapped__.__code__.co_names
        del sys.modules["hooked_locals"]


def test_a_decorated_function_under_the_hook(module, tmp_path):
    text = HOOKED.replace("if TYPE_CHECKING:\n    from", "from")
    (tmp_path / "hooked_declared.py").write_text(text, "utf-8")
    with sk.install_import_hook("hooked_declared"):
        made = importlib.import_module("hooked_declared")
    with pytest.raises(sk.ShapeError, match=r"declared\(\) variable 'y'"):
        made.declared(np.ones((4, 3)))
    del sys.modules["hooked_declared"]


def test_cells_of_ipython():
    shells = pytest.importorskip("IPython.core.interactiveshell")
    shell = shells.InteractiveShell.instance()
    try:
        shell.run_cell("%load_ext sekisho")
        shell.run_cell("import numpy as np\nfrom jaxtyping import Float")
        shell.run_cell(
            'def cell(x: Float[np.ndarray, "b c"]):\n'
            '    y: Float[np.ndarray, "b c"] = x.T\n'
            "    return y"
        )
        error = shell.run_cell("cell(np.ones((4, 3)))").error_in_exec
        assert isinstance(error, sk.ShapeError)
        assert "cell() variable 'y'" in str(error)
    finally:
        shell.run_cell("%unload_ext sekisho")
        shells.InteractiveShell.clear_instance()


def test_torch_and_its_compiler():
    torch = pytest.importorskip("torch")

    @sk.torch_world(locals=True)
    def product(x: Float[torch.Tensor, "b c"], k: int) -> Float[torch.Tensor, "c d"]:
        y: Float[torch.Tensor, "c b"] = x.T
        z: Float[torch.Tensor, "b d"] = x[:k, :2]
        return y @ z

    compiled = torch.compile(product, fullgraph=True, backend="eager")
    for function in (product, compiled):
        assert function(torch.ones(4, 3), 4).shape == (3, 2)
    with pytest.raises(sk.ShapeError, match="variable 'z'"):
        product(torch.ones(4, 3), 2)
    with pytest.raises(Exception, match="axis 'b' is 4"):
        compiled(torch.ones(4, 3), 2)


def test_names_of_the_function_around_and_no_leak():
    def make(annotation):
        @sk.numpy_world(locals=True)
        def function(x: np.ndarray) -> None:
            y: annotation = x
            del y

        return function

    gc.collect()
    before = {*annotated._scopes}
    for size in (2, 3):
        function = make(Float[np.ndarray, str(size)])
        function(np.ones(size))
        with pytest.raises(sk.ShapeError, match="variable 'y'"):
            function(np.ones(size + 1))
    del function
    gc.collect()
    assert {*annotated._scopes} <= before


def test_dtypes_are_checked_too():
    @sk.numpy_world(locals=True)
    def count(x: Float64[np.ndarray, "n"]) -> int:
        n: Final[Int[np.ndarray, "n"]] = x.astype(int) if len(x) else x
        return int(n.sum())

    assert count(np.ones(3)) == 3
    with pytest.raises(sk.DTypeError, match="variable 'n'"):
        count(np.ones(0))


def test_the_annotation_of_a_local_may_be_any_expression(module):
    body = """
    y: len(3)[0] = x
    z: holder.nothing = x
    a: "Float[" | None = x
    return y
"""
    with pytest.warns(sk.UnguardedWarning) as caught:
        assert module(MODULE + body).function(np.ones(3), np.ones(4)).shape == (3,)
    assert [str(each.message).partition(" which is not checked: ")[2][:20] for each in caught] == [
        "TypeError: object of",
        "AttributeError: 'Hol",
        "TypeError: unsupport",
    ]


def test_a_variable_of_an_enclosing_function_hides_the_modules(module):
    text = (
        MODULE.partition("@sk")[0]
        + """
def around():
    Line = Float[np.ndarray, "n k"]
    @sk.numpy_world(locals=True)
    def function(x: Float[np.ndarray, "n"]):
        y: Line = x[:, None]
        z: Optional["Line"] = x[:, None]
        return y
    return function
"""
    )
    assert module(text).around()(np.ones(3)).shape == (3, 1)


def test_an_equal_string_of_another_module_may_mean_something_else(module):
    body = '    y: Optional["Line"] = x\n    return y\n'
    other = (MODULE + body).replace(
        'Line = Float[np.ndarray, "m"]', 'Line = Float[np.ndarray, "n"]'
    )
    assert module(other).function(np.ones(3), np.ones(4)).shape == (3,)
    with pytest.raises(sk.ShapeError):
        module(MODULE + body).function(np.ones(3), np.ones(4))
