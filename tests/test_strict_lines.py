"""The messages and lines of strict mode: for third-party code, library warnings and C code."""

from __future__ import annotations

import importlib
import inspect
import sys
import types
import warnings
from collections.abc import Mapping

import jaxtyping
import numpy as np
import pytest

import sekisho as sk
from sekisho.utils import once


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    strict = sys.modules.get("sekisho.monitor.state")
    if strict is not None:
        strict.caught.clear()


def line_of(function, offset):
    return function.__wrapped__.__code__.co_firstlineno + offset


# --- errors of ours pass through the wording of foreign errors ------------------------------------


def test_a_helper_in_a_body_is_refused_at_its_line(torch):
    @sk.torch_world
    def body(x: torch.Tensor):
        return sk.to_numpy(x)

    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        body(torch.ones(3))
    assert str(caught.value) == (
        "body() body: expected PyTorch only, got torch.Tensor.numpy of float32[3] (PyTorch).\n"
        f"  test_strict_lines.py:{line_of(body, 2)}: return sk.to_numpy(x)\n"
        "  hint: move it to a numpy_world or boundary function, "
        "or allow it: with sekisho.crossing_allowed():"
    )


def crossing_container(torch):
    class Odd(Mapping):
        def __init__(self):
            self.items_ = {"a": torch.ones(1)}

        def __getitem__(self, key):
            return self.items_[key]

        def __iter__(self):
            return iter(self.items_)

        def __len__(self):
            return 1

        def __reduce__(self):
            raise sk.SekishoError("of ours")

    return Odd()


def crossing_attribute(torch):
    class Size:
        @property
        def n(self):
            raise sk.SekishoError("of ours")

    return Size()


class Asked(type):
    def __instancecheck__(cls, value):
        if value is not None:  # type checkers probe a class with None
            raise sk.SekishoError("of ours")
        return False


class Kind(metaclass=Asked):
    """A class whose instance check crosses, and is rejected."""


def of_container(torch):
    def f(x: Mapping[str, np.ndarray]): ...

    return f, (crossing_container(torch),)


def of_attribute(torch):
    def f(size, x: jaxtyping.Float64[np.ndarray, "{size.n}"]): ...

    return f, (crossing_attribute(torch), np.ones(2))


def of_class(torch):
    def f(x: list[Kind]): ...

    return f, ([1],)


def of_small_value(torch):
    def f(x: dict[str, int] | Kind): ...

    return f, (1,)


@pytest.mark.parametrize("make", [of_container, of_attribute, of_class, of_small_value])
def test_an_error_of_ours_is_not_worded_as_a_foreign_one(torch, make):
    function, values = make(torch)
    with pytest.raises(sk.SekishoError, match=r"^of ours$"):
        sk.numpy_world(function)(*values)


# --- constructors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("home", ["torch_world", "numpy_world"])
@pytest.mark.parametrize(
    ("cross", "name", "value"),
    [
        (lambda torch, a, t: torch.Tensor(a), "torch.Tensor", "float32[2] (NumPy)"),
        (lambda torch, a, t: np.fromiter(t, float), "numpy.fromiter", "float32[3] (PyTorch)"),
    ],
)
def test_constructors_that_copy_a_foreign_array_are_seen(torch, home, cross, name, value):
    a, t = np.ones(2, "f4"), torch.ones(3)

    @getattr(sk, home)
    def body():
        cross(torch, a, t)

    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        body()
    label = "PyTorch" if home == "torch_world" else "NumPy"
    assert str(caught.value).startswith(
        f"body() body: expected {label} only, got {name} of {value}."
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_a_legacy_class_of_torch_is_seen_from_python_3_12(torch):
    a = np.ones(2, "f4")

    @sk.torch_world
    def body():
        torch.FloatTensor(a)

    with sk.mode("strict"), pytest.raises(sk.WorldError, match=r"got torch\.FloatTensor of"):
        body()


def test_constructors_of_a_bodys_own_library_pass(torch):
    class Mine(torch.Tensor):
        def __init__(self, x):
            super().__init__()

    @sk.torch_world
    def body():
        torch.nn.Linear(2, 2), torch.nn.Parameter(torch.ones(2)), Mine(torch.ones(2))
        return torch.Tensor([1, 2]).sum()

    @sk.numpy_world
    def host():
        return np.fromiter([1, 2], float)

    with sk.mode("strict"):
        assert body() == 3
        assert host().sum() == 3
    assert np.fromiter(torch.ones(2), float).sum() == 2


# --- the reader's own line -----------------------------------------------------------------------


@pytest.fixture
def vendor(tmp_path, monkeypatch):
    """Make an installed package."""
    folder = tmp_path / "site-packages" / "vendor" / "inner"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("", "utf-8")
    (folder / "__init__.py").write_text("", "utf-8")
    (folder / "core.py").write_text(
        "import numpy as np\n\n\ndef smooth(x):\n    return _asked(x)\n\n\n"
        "def _asked(x):\n    return np.asarray(x)\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(folder.parent.parent)
    yield importlib.import_module("vendor.inner.core")
    for name in [each for each in sys.modules if each.partition(".")[0] == "vendor"]:
        del sys.modules[name]


def test_a_third_partys_line_stands_beside_the_readers_own(torch, vendor):
    @sk.torch_world
    def body(x: torch.Tensor):
        return vendor.smooth(x)

    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        body(torch.ones(3))
    assert str(caught.value) == (
        "body() body: expected PyTorch only, got torch.Tensor.__array__ of float32[3] (PyTorch).\n"
        f"  test_strict_lines.py:{line_of(body, 2)}: return vendor.smooth(x)\n"
        "  in vendor/inner/core.py:9: return np.asarray(x)\n"
        "  hint: move the call to a numpy_world or boundary function, "
        "or allow it: with sekisho.crossing_allowed():"
    )


def test_a_warning_of_a_third_partys_crossing_is_at_the_readers_own_line(torch, vendor):
    @sk.torch_world
    def body(x: torch.Tensor):
        return len(vendor.smooth(x))

    with sk.mode("strict", to_numpy="warn"), pytest.warns(sk.CrossingWarning) as caught:
        body(torch.ones(3))
    assert (caught[0].filename, caught[0].lineno) == (__file__, line_of(body, 2))


def test_a_third_partys_own_body_is_named_by_its_path(torch, vendor):
    body = sk.torch_world(vendor.smooth)
    with sk.mode("strict"), pytest.raises(sk.WorldError) as caught:
        body(torch.ones(3))
    assert (
        "\n  vendor/inner/core.py:5: return _asked(x)\n  in vendor/inner/core.py:9: return np.asarray(x)\n"
        in str(caught.value)
    )


# --- warnings of libraries, and what cannot be seen ----------------------------------------------


def test_a_librarys_warning_is_shown_at_the_line_that_called_it(torch, request):
    # Some of torch's warnings appear once in a process, and another test may have caused them.
    before = torch.is_warn_always_enabled()
    request.addfinalizer(lambda: torch.set_warn_always(before))
    torch.set_warn_always(True)
    read_only = np.broadcast_to(np.ones(3), (2, 3))

    @sk.torch_world
    def body(x: torch.Tensor):
        torch.ones(2, 2, 2).T
        torch.nn.functional.softmax(x)
        torch.from_numpy(read_only)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with sk.mode("strict", to_torch="allow"):
            body(torch.ones(2, 2))
    found = {(each.filename, each.lineno) for each in caught}
    assert found == {(__file__, line_of(body, n)) for n in (2, 3, 4)}


def test_no_id_left_for_monitoring_is_said_once(monkeypatch):
    from sekisho.monitor import calls

    taken = types.SimpleNamespace(get_tool=lambda number: f"tool{number}")
    monkeypatch.setattr(calls, "_monitoring", taken)
    monkeypatch.setattr(calls, "_tool", once(inspect.unwrap(calls._tool)))

    def guards():
        for _ in range(2):

            @sk.numpy_world
            def body(x: np.ndarray): ...

            with sk.mode("strict"):
                body(np.ones(1))

    with pytest.warns(sk.UnguardedWarning) as caught:
        guards()
    assert [(each.filename, str(each.message)) for each in caught] == [
        (
            __file__,
            "strict mode does not see calls into NumPy in the bodies of other worlds: all six tool ids "
            "of sys.monitoring are taken, by tool0, tool1, tool2, tool3, tool4, tool5\n"
            "  hint: run strict mode without one of them",
        )
    ]
