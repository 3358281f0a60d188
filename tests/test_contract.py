"""Declarations that contradict themselves raise where they are written."""

from __future__ import annotations

from typing import Annotated, Any, Optional, get_origin

import numpy as np
import pytest
from jaxtyping import Float, Int
from numpy.typing import NDArray

import sekisho as sk


def declaration_error(decorate, annotation, result=None):
    def f(x): ...

    f.__annotations__ = {"x": annotation} | ({"return": result} if result else {})
    with pytest.raises(sk.DeclarationError) as caught:
        decorate(f)
    return str(caught.value)


def test_a_foreign_array_is_no_annotation_for_a_world(torch):
    assert declaration_error(sk.numpy_world, Float[torch.Tensor, "n"]) == (
        "f() argument 'x': Float[Tensor, 'n'] declares a torch.Tensor in a numpy_world function.\n"
        "  hint: declare an array of NumPy, or decorate with @boundary"
    )
    for hint in (torch.Tensor, torch.nn.Parameter, Optional[torch.Tensor], list[torch.Tensor]):
        assert "in a numpy_world function" in declaration_error(sk.numpy_world, hint)
    for hint in (np.ndarray, Float[np.ndarray, "n"], dict[str, np.ndarray], np.ma.MaskedArray):
        assert "in a torch_world function" in declaration_error(sk.torch_world, hint)


def test_same_world_names_no_world(torch):
    assert declaration_error(sk.same_world, Float[np.ndarray, "n"]) == (
        "f() argument 'x': Float[ndarray, 'n'] declares a numpy.ndarray in a same_world function.\n"
        "  hint: declare sekisho.Array, which is either world's, or decorate with @boundary"
    )
    assert "a torch.Tensor" in declaration_error(sk.same_world, Float[torch.Tensor, "n"])


def test_a_contradictory_result_is_refused_too(torch):
    error = declaration_error(sk.numpy_world, np.ndarray, torch.Tensor)
    assert error.startswith("f() the result: Tensor declares a torch.Tensor")


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        ("Float[np.ndarray, 'a, b']", "separated with spaces"),
        ("Float[np.ndarray, '*a *b']", "more than once"),
        ("Float[np.ndarray]", "must now include both"),
        ("Float[np.ndarray, 3]", "not valid"),
        ("no type at all", "not valid"),
    ],
)
def test_a_malformed_annotation_is_refused_at_decoration(annotation, text):
    error = declaration_error(sk.numpy_world, annotation)
    assert error.startswith(f"f() argument 'x': the annotation {annotation!r} is not valid: ")
    assert text in error


@pytest.mark.parametrize(
    ("axes", "text"),
    [
        ("n+m", "the axis 'n+m' uses 'n', which no axis before it binds."),
        ("n.real", "'n.real': an axis may use names, integers, + - * / // % ** and"),
        ("f(n)", "'f(n)': an axis may use names"),
        ("n+", "'n+' is no axis and no expression"),
        ("?n", "'?' has a meaning only inside PyTree"),
    ],
)
def test_an_axis_that_cannot_be_checked_is_refused_at_decoration(axes, text):
    error = declaration_error(sk.numpy_world, Float[np.ndarray, axes])
    assert error.startswith("f() argument 'x': ")
    assert text in error


def test_hints_that_nobody_can_check_are_refused_at_decoration():
    error = declaration_error(sk.numpy_world, 3)
    assert error.startswith("f() argument 'x': ")


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_a_device_in_place_of_the_function_is_an_option(device):
    pytest.importorskip("torch")
    with pytest.raises(sk.DeclarationError) as caught:
        sk.torch_world(device)
    assert str(caught.value) == (
        f"torch_world(): expected a function, got {device!r}, which cannot be called.\n"
        f"  hint: @torch_world(device={device!r}), if that is a device"
    )


@pytest.mark.parametrize("target", [3, None, "text", object()])
def test_what_cannot_be_called_cannot_be_decorated(target):
    decorate = sk.numpy_world(on_foreign=None)
    with pytest.raises(sk.DeclarationError) as caught:
        decorate(target)
    assert str(caught.value) == (
        f"numpy_world(): expected a function, got {target!r}, which cannot be called.\n"
        "  hint: write @numpy_world in a line of its own above the function"
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"on_foreign": "maybe"}, "on_foreign': expected None, 'convert', 'refuse', got 'maybe'"),
        ({"returns": "both"}, "returns': expected 'world', 'caller', got 'both'"),
        ({"copy": 1}, "copy': expected None, True, False, got 1"),
        ({"detach": None}, "detach': expected False, True, got None"),
        ({"typechecker": "mypy"}, "typechecker': expected 'beartype', None or a decorator"),
    ],
)
def test_unknown_options_are_refused_at_decoration(options, text):
    with pytest.raises(sk.DeclarationError) as caught:
        sk.numpy_world(**options)
    assert str(caught.value).startswith("numpy_world() option '" + text)


def test_unknown_devices_are_refused_at_decoration(torch):
    with pytest.raises(sk.DeclarationError, match="option 'device': expected None, 'module' or"):
        sk.torch_world(device="gpu")
    with pytest.raises(sk.DeclarationError, match="asks the first argument where it is"):
        sk.torch_world(device="module")(lambda: None)


def test_an_option_of_another_decorator_is_said_to_be_one():
    with pytest.raises(sk.DeclarationError, match="'device' is an option of torch_world"):
        sk.numpy_world(device="cpu")


def test_a_type_checker_of_ones_own_is_asked():
    asked = []

    def checker(function):
        def checked(value):
            asked.append(value)
            if value == "no":
                raise ValueError(value)

        return checked

    @sk.numpy_world(typechecker=checker)
    def f(x: set[int], y: int = 1): ...

    f({1})
    assert asked == [{1}]
    with pytest.raises(sk.BoundaryError):
        f("no")


def test_without_a_type_checker_only_arrays_are_checked():
    @sk.numpy_world(typechecker=None)
    def f(x: Float[np.ndarray, "n"], y: int, z: list[Int[np.ndarray, "n"]]):
        return y

    assert f(np.ones(1), "text", [np.ones(1, int)]) == "text"
    with pytest.raises(sk.ShapeError):
        f(np.ones((1, 1)), 1, [])
    with pytest.raises(sk.BoundaryError):
        f(np.ones(1), 1, [np.ones(2, int)])


def test_typeguard_checks_what_stands_inside_of_a_hint():
    typeguard = pytest.importorskip("typeguard")

    @sk.numpy_world(typechecker=typeguard.typechecked)
    def f(x: np.ndarray, numbers: list[int], names: dict[str, int] | None = None): ...

    f(np.zeros(2), [1], {"a": 1})
    for bad in (["1"], ("1",), 1):
        with pytest.raises(sk.BoundaryError, match="argument 'numbers': expected list"):
            f(np.zeros(2), bad)
    with pytest.raises(sk.BoundaryError, match="argument 'names': expected dict"):
        f(np.zeros(2), [1], {"a": "1"})


def test_a_hint_that_cannot_be_hashed_is_checked():
    typeguard = pytest.importorskip("typeguard")

    @sk.numpy_world(typechecker=typeguard.typechecked)
    def f(x: np.ndarray, numbers: list[Annotated[int, ["metadata"]]]): ...

    f(np.zeros(2), [1])
    with pytest.raises(sk.BoundaryError, match="argument 'numbers': expected list"):
        f(np.zeros(2), ["1"])


def test_unguarded_takes_a_guard_off():
    @sk.unguarded
    @sk.numpy_world
    def f(x: np.ndarray):
        return x

    assert f([1]) == [1]


@pytest.mark.parametrize(
    "hint",
    [
        NDArray[np.float32],
        np.ndarray[Any, Any],
        np.ndarray[tuple[int, int], np.dtype[np.float32]],
        np.ma.MaskedArray[Any, Any],
        np.recarray[Any, Any],
        np.matrix,
        list[NDArray[np.float32]],
        dict[str, np.ndarray[Any, Any]] | None,
    ],
)
def test_every_spelling_of_a_foreign_array_is_refused(hint, torch):
    def f(x): ...

    f.__annotations__ = {"x": hint}
    with pytest.raises(sk.DeclarationError, match=r"declares a numpy\.\w+ in a torch_world"):
        sk.torch_world(f)
    with pytest.raises(sk.DeclarationError, match=r"declares a numpy\.\w+ in a same_world"):
        sk.same_world(f)


@pytest.mark.parametrize(
    "hint", [type[np.ndarray], list[type[np.ndarray]], type[NDArray[np.float32]] | None]
)
def test_a_class_of_another_library_is_no_array_of_it(hint, torch):
    def f(x):
        return x

    f.__annotations__ = {"x": hint, "return": hint}
    value = [np.ndarray] if get_origin(hint) is list else np.ndarray
    for decorate in (sk.torch_world, sk.same_world, sk.boundary):
        assert decorate(f)(value) == value
