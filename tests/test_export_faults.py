"""What an exporter does not take is refused in the words of the contract, with the fix."""

from __future__ import annotations

import dataclasses
import functools
import re
from importlib.util import find_spec

import jaxtyping
import numpy as np
import pytest
from jaxtyping import Float32

import sekisho as sk
from sekisho import export

torch = pytest.importorskip("torch")

T = torch.Tensor
o = torch.ones

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*isinstance.treespec, LeafSpec:FutureWarning",  # torch's own, of its exporter
    "ignore:.*torch.jit.script_method. is deprecated:DeprecationWarning",  # of its compiler
)


def refused(call, *args, **options):
    with pytest.raises((sk.DeclarationError, sk.BoundaryError)) as caught:
        call(*args, **options)
    return str(caught.value)


@sk.torch_world(on_foreign="convert")
def total(x: Float32[T, "n 3"], y: Float32[T, "n"]) -> Float32[T, "n"]:
    return x.sum(1) + y


# --- functions that are wrapped

BATCHED = "wrapped by {}, which adds axes that its contract does not name.\n  hint: annotate a"


@pytest.mark.parametrize(
    "outer", [lambda f: f, torch.compile, torch.func.grad], ids=["plain", "compile", "grad"]
)
def test_the_axes_that_a_wrapper_adds_are_not_lost(outer):
    for call in (export.dynamic_shapes, export.onnx_options, export.mark_dynamic, export.export):
        text = refused(call, outer(torch.vmap(total)))
        assert text.startswith("total() is " + BATCHED.format("vmap"))
        assert text.endswith(" function that calls vmap(total)")


@pytest.mark.parametrize(
    "wrap",
    [
        torch.compile,
        torch.func.grad,
        functools.lru_cache,
        lambda f: functools.wraps(f)(lambda *args: [*f(*args)]),
    ],
    ids=["compile", "grad", "lru_cache", "wraps"],
)
def test_wrappers_that_add_no_axes_have_the_contract(wrap):
    assert export.dynamic_shapes(wrap(total)).keys() == {"x", "y"}


# --- the example

BAD = {
    "rank": (
        (o(3), o(3)),
        "total() argument 'x': expected Float32[Tensor, \"n 3\"], got float32[3] (PyTorch).\n"
        "  'x' has 1 axis, not 2\n",
    ),
    "fixed": (
        (o(3, 4), o(3)),
        "total() argument 'x': expected Float32[Tensor, \"n 3\"], got float32[3, 4] (PyTorch).\n"
        "  axis 1 of 'x' is 4, not 3\n",
    ),
    "shared": (
        (o(4, 3), o(3)),
        "total() argument 'y': expected Float32[Tensor, \"n\"], got float32[3] (PyTorch).\n"
        "  axis 'n' is 4 (from argument 'x'), but axis 0 of 'y' is 3",
    ),
    "dtype": (
        (o(3, 3).double(), o(3)),
        "total() argument 'x': expected Float32[Tensor, \"n 3\"], got float64[3, 3] (PyTorch).\n"
        "  'x' is float64, not Float32\n",
    ),
    "world": (
        (np.ones((3, 3), "float32"), o(3)),
        "total() argument 'x': torch exports tensors, and it is float32[3, 3] (NumPy).\n"
        "  hint: to_torch(x)",
    ),
    "number": (
        (3, o(3)),
        "total() argument 'x': expected Float32[Tensor, \"n 3\"], got an int.\n"
        "  an int is not a tensor",
    ),
}


@pytest.mark.parametrize(("args", "message"), BAD.values(), ids=BAD)
def test_an_example_that_a_call_would_refuse_is_refused(args, message):
    calls = [export.dynamic_shapes, export.onnx_options, export.export]
    for call in calls:
        assert refused(call, total, args).startswith(message)
    assert refused(export.mark_dynamic, total, *args).startswith(message)


def starred(*xs: Float32[T, "n"]): ...
def keyed(**xs: Float32[T, "n"]): ...


@pytest.mark.parametrize(("function", "star"), [(starred, "*"), (keyed, "**")])
def test_any_number_of_arrays_needs_an_example(function, star):
    for call in (export.dynamic_shapes, export.onnx_options):
        assert refused(call, function) == (
            f"{function.__name__}() argument 'xs': '{star}xs' may be any number of arrays.\n"
            "  hint: pass an example of the arguments"
        )


def test_any_number_of_other_values_needs_no_example():
    def numbers(x: Float32[T, "n"], *sizes: int, **more: object): ...

    assert export.dynamic_shapes(numbers).keys() == {"x"}


@pytest.mark.parametrize("bounds", [(10, 20), (1, 2), (None, 2), (4, None)])
def test_an_example_is_within_the_bounds(bounds):
    args = (o(3, 3), o(3))
    assert refused(export.export, total, args, bounds={"n": bounds}) == (
        f"total() argument 'x': its axis 'n' is 3, outside the bounds {bounds}.\n"
        "  hint: an example within the bounds, or other bounds"
    )


# --- constraint errors


class Conv(torch.nn.Module):
    def __init__(self, *args, **options):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 4, *args, **options)

    @sk.torch_world
    def forward(self, x: Float32[T, "b 3 h w"]) -> Float32[T, "b 4 _ _"]:
        return self.layer(x)


@sk.torch_world
def pooled(x: Float32[T, "b 3 h w"]) -> Float32[T, "b 3 _ _"]:
    return torch.nn.functional.max_pool2d(x, 2)


@sk.torch_world
def cut(x: Float32[T, "b 3 h w"]) -> Float32[T, "b"]:
    return x[:, :, :5].sum((1, 2, 3)) + x[..., :3].sum((1, 2, 3))


CONSTRAINED = {
    "conv3": (Conv(3), "{'h': (4, None), 'w': (4, None)}"),
    "conv5": (Conv(5), "{'h': (6, None), 'w': (6, None)}"),
    "stride": (Conv(3, stride=2, padding=1), "{'h': (3, None), 'w': (3, None)}"),
    "rows": (Conv((3, 1)), "{'h': (4, None)}"),
    "pool": (pooled, "{'h': (4, None), 'w': (4, None)}"),
    "slice": (cut, "{'h': (5, None), 'w': (4, None)}"),
}


@pytest.mark.parametrize(("function", "bounds"), CONSTRAINED.values(), ids=CONSTRAINED)
def test_the_bounds_of_a_hint_are_one_dict_and_the_whole_fix(function, bounds):
    args = (o(2, 3, 16, 18),)
    text = refused(export.export, function, args)
    assert re.findall("hint: (.*)", text) == [f"bounds={bounds}"]
    assert "axis 'h' may have other sizes, but the function needs" in text
    assert "size()" not in text
    fix = eval(bounds)
    assert export.export(function, args, bounds=fix)


def test_the_bounds_of_a_hint_keep_those_that_were_passed():
    text = refused(export.export, Conv(3), (o(2, 3, 16, 18),), bounds={"b": (1, 64), "h": (2, 99)})
    assert "hint: bounds={'b': (1, 64), 'h': (4, 99), 'w': (4, None)}" in text


@sk.torch_world
def paired(x: Float32[T, "n"]) -> Float32[T, "..."]:
    return x.view(-1, 2)


@sk.torch_world
def seven(x: Float32[T, "n"], y: Float32[T, "n-1"]) -> Float32[T, "..."]:
    return y.reshape(7) + x.sum()


@pytest.mark.parametrize(
    ("function", "args", "message"),
    [
        (
            paired,
            (o(12),),
            "paired() cannot be exported with these axes:\n"
            "  axis 'n' may have other sizes, but the function needs (n % 2) == 0\n"
            "  axis 'n' may have other sizes, but the function needs (n // 2) != 1\n"
            "  hint: axis 'n' has to be 2*k, k being a whole number",
        ),
        (
            seven,
            (o(8), o(7)),
            "seven() cannot be exported with these axes:\n"
            "  axis 'n' may have any size, but the function makes it 8\n"
            "  axis 'n-1' (axis 0 of 'y') may have any size, but the function makes it 7\n"
            "  hint: write 8 in place of 'n', or keep the size open in the function",
        ),
    ],
)
def test_guards_that_are_no_range_are_in_the_names_of_the_contract(function, args, message):
    assert refused(export.export, function, args) == message


@sk.torch_world
def wrong(x: Float32[T, "b n"]) -> Float32[T, "b"]:
    return x.sum(0)


def test_an_error_of_a_guard_that_is_exported_has_sizes_not_symbols():
    assert refused(export.export, wrong, (o(6, 7),)).endswith(
        "axis 'b' is 6 (from argument 'x'), but axis 0 of the result is 7"
    )


@sk.torch_world
def squared(x: Float32[T, "n"], y: Float32[T, "n**2"]) -> Float32[T, "n"]:
    return x + y.sum()


def test_a_relation_that_torch_has_no_words_for_is_named():
    assert refused(export.export, squared, (o(3), o(9))) == (
        "squared() cannot be exported with these axes:\n"
        "  axis 'n**2' (axis 0 of 'y') has to be n**2, which torch.export has no words for\n"
        "  hint: '_' in place of the axis, whose size is then not checked"
    )


# --- values that cannot be read


def untyped(x): ...
def tree(x: jaxtyping.PyTree[Float32[T, "n"]]): ...


NEEDS_JAX = pytest.mark.skipif(find_spec("jax") is None, reason="jaxtyping's PyTree needs JAX")


@pytest.mark.parametrize("function", [untyped, pytest.param(tree, marks=NEEDS_JAX)])
@pytest.mark.parametrize("kind", ["list", "dict", "both"])
def test_an_example_that_contains_itself_is_refused(function, kind):
    value = {"list": [], "dict": {}, "both": {}}[kind]
    if kind == "list":
        value.append(value)
    else:
        value["a"] = value if kind == "dict" else [value]
    assert refused(export.dynamic_shapes, function, (value,)) == (
        f"{function.__name__}() argument 'x': it contains itself, or is nested too deeply.\n"
        "  hint: pass a value of finite depth"
    )


@dataclasses.dataclass
class Raising:
    values: Float32[T, "n"]


torch.utils._pytree.register_pytree_node(Raising, lambda _: 1 / 0, lambda *_: 1 / 0)


def test_a_registered_class_that_raises_is_named():
    def f(x: Raising): ...

    assert refused(export.dynamic_shapes, f, (Raising(o(2)),)) == (
        "f() argument 'x': torch.export cannot take a Raising apart: "
        "ZeroDivisionError('division by zero').\n"
        "  hint: a tuple or a dict in its place"
    )


def test_a_record_of_another_class_is_refused_as_in_a_call():
    def f(x: Raising): ...

    assert refused(export.dynamic_shapes, f, (o(2),)).startswith(
        "f() argument 'x': expected Raising"
    )


def test_a_compiled_module_has_the_axes_of_its_module():
    assert export.dynamic_shapes(torch.compile(Conv(3))).keys() == {"x"}


def test_bounds_are_a_dict():
    assert refused(export.dynamic_shapes, squared, bounds=[("n", (1, 2))]) == (
        "squared() bounds: expected a dict of (smallest, largest) by axis, got [('n', (1, 2))]."
    )


def test_each_array_of_an_onnx_graph_has_a_name_of_its_own():
    def f(x: dict[str, Float32[T, "b"]], x_a: Float32[T, "b"], result: T) -> Float32[T, "b"]: ...

    options = export.onnx_options(f, ({"a": o(2)}, o(2), o(2)), dynamo=False)
    assert options["input_names"] == ["x_a", "x_a_", "result"]
    assert options["output_names"] == ["result_"]
