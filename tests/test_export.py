"""The axes of a contract in the words of torch.export, ONNX, torch.compile and jax.export."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from typing import NamedTuple, TypedDict

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
    "ignore:.*axis name. . will not be used:UserWarning",
)


class Net(torch.nn.Module):
    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.width = width
        self.linear = torch.nn.Linear(width, 4)

    @sk.torch_world
    def forward(
        self, x: Float32[T, "b n {self.width}"], mask: Float32[T, "b n"]
    ) -> Float32[T, "b n 4"]:
        return self.linear(x) * mask[..., None]


@dataclasses.dataclass
class Rows:
    values: Float32[T, "n d"]
    labels: Float32[T, "n"]


@dataclasses.dataclass
class Unknown:
    values: Float32[T, "n"]


class Pair(NamedTuple):
    a: Float32[T, "n"]
    b: Float32[T, "n"]


class Batch(TypedDict):
    image: Float32[T, "n h"]


@pytest.fixture(scope="module", autouse=True)
def _registered():
    torch.export.register_dataclass(Rows)


def shown(shapes):
    return repr(shapes).replace(", min=0", "").replace("Dim('", "").replace("')", "")


def refused(call, *args, **options):
    with pytest.raises(sk.DeclarationError) as caught:
        call(*args, **options)
    return str(caught.value)


# --- what torch.export takes


def test_importing_the_module_imports_no_library():
    code = "import sys, sekisho, sekisho.export; print({'torch', 'jax'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "set()\n"
    code = "import sys, sekisho; print('sekisho.export' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


def named(x: Float32[T, "b n 3"], y: Float32[T, "b"]): ...
def one_more(x: Float32[T, "n"], y: Float32[T, "n+1"]): ...
def twice(x: Float32[T, "n"], y: Float32[T, "2*n"]): ...
def odd(x: Float32[T, "n"], y: Float32[T, "2*n+1"]): ...
def one_less(x: Float32[T, "n"], y: Float32[T, "n-1"]): ...
def product(x: Float32[T, "n"], y: Float32[T, "m"], z: Float32[T, "n*m"]): ...
def halved(x: Float32[T, "n"], y: Float32[T, "n//2"]): ...
def nameless(x: Float32[T, "_ b"], y: T): ...
def broadcast(x: Float32[T, "#b n"], y: Float32[T, "b"]): ...
def pair(x: tuple[Float32[T, "b"], int], p: Pair): ...
def batch(x: Float32[T, "b"], y: Batch): ...
def rows(x: Float32[T, "b"], y: Rows): ...
def optional(x: Float32[T, "b"] | None, y: int): ...
def sympys(N: Float32[T, "N"], y: Float32[T, "2*N"], z: Float32[T, "S"]): ...


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (named, "{'x': {0: b, 1: n}, 'y': {0: b}}"),
        (one_more, "{'x': {0: n}, 'y': {0: n + 1}}"),
        (twice, "{'x': {0: n}, 'y': {0: 2*n}}"),
        (odd, "{'x': {0: n}, 'y': {0: 2*n + 1}}"),
        # What no Dim can say torch finds in the guard: the axis is dynamic.
        (one_less, "{'x': {0: Dim('n', min=1)}, 'y': {0: DimHint(DYNAMIC)}}"),
        (product, "{'x': {0: n}, 'y': {0: m}, 'z': {0: DimHint(DYNAMIC)}}"),
        (halved, "{'x': {0: n}, 'y': {0: DimHint(DYNAMIC)}}"),
        (nameless, "{'x': {0: DimHint(AUTO), 1: b}, 'y': None}"),
        (broadcast, "{'x': {0: b, 1: n}, 'y': {0: b}}"),
        (pair, "{'x': ({0: b}, None), 'p': Pair(a={0: p_n}, b={0: p_n})}"),
        (batch, "{'x': {0: b}, 'y': {'image': {0: y_n, 1: y_h}}}"),
        (rows, "{'x': {0: b}, 'y': [{0: y_n, 1: y_d}, {0: y_n}]}"),
        (optional, "{'x': {0: b}, 'y': None}"),
        # SymPy has its own N and S, and would not take these for names.
        (sympys, "{'N': {0: N_}, 'y': {0: 2*N_}, 'z': {0: S_}}"),
        (Net(), "{'x': {0: b, 1: n}, 'mask': {0: b, 1: n}}"),
        (Net().forward, "{'x': {0: b, 1: n}, 'mask': {0: b, 1: n}}"),
    ],
    ids=lambda each: getattr(each, "__name__", None) or type(each).__name__,
)
def test_named_axes_are_dynamic_and_shared_and_fixed_ones_static(function, expected):
    found = repr(export.dynamic_shapes(function))
    if "min=1" not in expected:
        found = shown(export.dynamic_shapes(function))
    assert found.replace("Dim('n', min=0)", "n") == expected


def test_axes_of_one_name_are_one_dim():
    shapes = export.dynamic_shapes(named, bounds={"b": (2, 64)})
    assert shapes["x"][0] is shapes["y"][0]
    assert (shapes["x"][0].min, shapes["x"][0].max) == (2, 64)


def listed(xs: list[Float32[T, "b"]], d: dict[str, Float32[T, "b _"]]): ...
def starred(*args: Float32[T, "b"]): ...
def variadic(x: Float32[T, "*batch n"], y: Float32[T, "*#batch"]): ...
def dotted(x: Float32[T, "... n"]): ...
def defaulted(x: Float32[T, "n"], y: Float32[T, "n"] | None = None): ...
def either(x: Float32[T, "n"] | list[Float32[T, "n"]]): ...
def sized(x: Float32[T, "{size} n"], size: int = 3): ...


@pytest.mark.parametrize(
    ("function", "args", "expected"),
    [
        (
            listed,
            ([o(3), o(3)], {"a": o(3, 4)}),
            "{'xs': [{0: b}, {0: b}], 'd': {'a': {0: b, 1: DimHint(AUTO)}}}",
        ),
        (starred, (o(3), o(3)), "{'args': ({0: b}, {0: b})}"),
        # The last axis of a run is number 1, as broadcasting aligns them.
        (
            variadic,
            (o(5, 4, 3), o(4)),
            "{'x': {0: batch_2, 1: batch_1, 2: n}, 'y': {0: batch_1}}",
        ),
        (variadic, (o(5, 4, 3), o(1)), "{'x': {0: batch_2, 1: batch_1, 2: n}, 'y': None}"),
        (dotted, (o(5, 4, 3),), "{'x': {0: DimHint(AUTO), 1: DimHint(AUTO), 2: n}}"),
        (defaulted, (o(3),), "{'x': {0: n}}"),
        (defaulted, (o(3), None), "{'x': {0: n}, 'y': None}"),
        (either, ([o(3)],), "{'x': [{0: n}]}"),
        (either, (o(3),), "{'x': {0: n}}"),
        (broadcast, (o(1, 3), o(4)), "{'x': {1: n}, 'y': {0: b}}"),
        (sized, (o(3, 4),), "{'x': {1: n}}"),
        (rows, (o(3), Rows(o(2, 4), o(2))), "{'x': {0: b}, 'y': [{0: y_n, 1: y_d}, {0: y_n}]}"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_an_annotation_leaves_open_the_example_says(function, args, expected):
    assert shown(export.dynamic_shapes(function, args)) == expected


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (
            listed,
            "argument 'xs': list[Float32[Tensor, \"b\"]] does not say how many items there are",
        ),
        (
            variadic,
            "argument 'x': '*batch' may be any number of axes, and an exported program has a fixed "
            "number",
        ),
        (
            dotted,
            "argument 'x': '...' may be any number of axes, and an exported program has a fixed number",
        ),
        (
            either,
            'argument \'x\': Float32[Tensor, "n"] | list[Float32[Tensor, "n"]] has several '
            "alternatives",
        ),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_what_only_an_example_says_is_refused_without_one(function, reason):
    assert refused(export.dynamic_shapes, function) == (
        f"{function.__name__}() {reason}.\n  hint: pass an example of the arguments"
    )


def iterated(xs: Iterator[Float32[T, "b"]]): ...
def unregistered(x: Unknown): ...
def keywords(x: Float32[T, "b"], **more: Float32[T, "b"]): ...


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: export.dynamic_shapes(iterated, (iter([o(3)]),)),
            "iterated() argument 'xs': a list_iterator is no argument of an exported program.\n"
            "  hint: pass lists, tuples, dicts, NamedTuples and registered classes",
        ),
        (
            lambda: export.dynamic_shapes(unregistered, (Unknown(o(3)),)),
            "unregistered() argument 'x': torch.export cannot take an Unknown apart.\n"
            "  hint: torch.export.register_dataclass(Unknown)",
        ),
        (
            lambda: export.dynamic_shapes(keywords, (o(3),), {"z": o(3)}),
            "keywords() argument 'z': torch.export takes no dynamic axes in '**more'.\n"
            "  hint: a parameter of its own, or a dict as one argument",
        ),
        (
            lambda: export.dynamic_shapes(variadic, (o(5, 3), o(5)), bounds={"bacth_1": (1, 2)}),
            "variadic() has no dynamic axis 'bacth_1' to bound; it has: batch_1, n.\n  hint: 'batch_1'",
        ),
        (
            lambda: export.dynamic_shapes(named, bounds={"b": 4}),
            "named() bounds of 'b': expected (smallest, largest) with either None, and the first "
            "below the second, got 4.",
        ),
        (
            lambda: export.dynamic_shapes(named, bounds={"b": (4, 4)}),
            "named() bounds of 'b': expected (smallest, largest) with either None, and the first "
            "below the second, got (4, 4).",
        ),
        (
            lambda: export.dynamic_shapes(named, (o(2, 3, 3),)),
            "named() cannot be called like this: missing a required argument: 'y'.",
        ),
        (lambda: export.dynamic_shapes(3), "expected a function, got 3."),
    ],
)
def test_what_cannot_be_exported_is_refused_with_the_reason(call, message):
    assert refused(call) == message


# --- the exporters


def test_an_exported_module_takes_every_size_that_its_contract_names():
    net = Net()
    program = export.export(net, (o(2, 3, 8), o(2, 3)), bounds={"b": (None, 64)})
    for b, n in ((5, 7), (64, 2), (3, 3)):
        assert program.module()(o(b, n, 8), o(b, n)).shape == (b, n, 4)


@sk.torch_world
def everything(
    xs: list[Float32[T, "b"]],
    d: dict[str, Float32[T, "b _"]],
    r: Rows,
    p: Pair,
    td: Batch,
    maybe: Float32[T, "b"] | None,
    *args: Float32[T, "b"],
    k: Float32[T, "*batch #b"],
) -> Float32[T, "b"]:
    total = r.values.sum() + p.a.sum() + td["image"].sum() + k.sum() + d["a"].sum()
    return xs[0] + args[0] + total


def test_containers_are_exported_with_the_axes_of_their_items():
    def inputs(b, n, h):
        return (
            [o(b), o(b)],
            {"a": o(b, h)},
            Rows(o(n, h), o(n)),
            Pair(o(h), o(h)),
            {"image": o(n, h)},
            None,
            o(b),
        )

    program = export.export(everything, inputs(3, 4, 5), {"k": o(2, 4, 3)})
    args, k = inputs(6, 7, 8), o(3, 5, 6)
    assert torch.equal(program.module()(*args, k=k), everything(*args, k=k))


@sk.torch_world
def computed(
    n: Float32[T, "n"],
    m: Float32[T, "m"],
    a: Float32[T, "n-1"],
    b: Float32[T, "2*n+1"],
    c: Float32[T, "n*m"],
    d: Float32[T, "n//2"],
) -> Float32[T, "n"]:
    return n + m.sum() + a.sum() + b.sum() + c.sum() + d.sum()


def test_computed_axes_stay_computed_in_the_exported_program():
    def inputs(n, m):
        return o(n), o(m), o(n - 1), o(2 * n + 1), o(n * m), o(n // 2)

    program = export.export(computed, inputs(4, 3))
    assert program.module()(*inputs(6, 5)).shape == (6,)
    with pytest.raises(Exception, match=r"size|Guard|shape"):
        program.module()(o(6), o(5), o(5), o(13), o(31), o(3))


class _Unequal:
    @sk.torch_world
    def forward(self, x: Float32[T, "b n"], y: Float32[T, "c n"]) -> Float32[T, "b n"]:
        return x + y


@sk.torch_world
def two_rows(x: Float32[T, "b n"]) -> Float32[T, "b m"]:
    return x.reshape(2, -1)


@sk.torch_world
def few(x: Float32[T, "N n"]) -> Float32[T, "N n"]:
    return x * 2 if x.shape[0] < 5 else x


@sk.torch_world
def nested(x: dict[str, list[Float32[T, "b"]]], y: Float32[T, "c"]) -> Float32[T, "b"]:
    return x["a"][0] + y


@pytest.mark.parametrize(
    ("function", "args", "message"),
    [
        (
            _Unequal().forward,
            (o(2, 3), o(2, 3)),
            "_Unequal.forward() cannot be exported with these axes:\n"
            "  The values of axis 'c' (axis 0 of 'y') and axis 'b' (axis 0 of 'x') must always be equal\n"
            "  hint: write 'b' in place of 'c'",
        ),
        (
            two_rows,
            (o(2, 3),),
            "two_rows() cannot be exported with these axes:\n"
            "  axis 'b' may have any size, but the function makes it 2\n"
            "  hint: write 2 in place of 'b', or keep the size open in the function",
        ),
        (
            few,
            (o(4, 3),),
            "few() cannot be exported with these axes:\n"
            "  axis 'N' may have other sizes, but the function needs 4 or less\n"
            "  hint: bounds={'N': (None, 4)}",
        ),
        (
            few,
            (o(6, 3),),
            "few() cannot be exported with these axes:\n"
            "  axis 'N' may have other sizes, but the function needs 5 or more\n"
            "  hint: bounds={'N': (5, None)}",
        ),
        (
            few,
            (o(1, 3),),
            "few() cannot be exported with these axes:\n"
            "  axis 'N' may have any size, but the function makes it 1\n"
            "  hint: pass an example in which axis 'N' is 2 or more",
        ),
        (
            nested,
            ({"a": [o(3)]}, o(3)),
            "nested() cannot be exported with these axes:\n"
            "  The values of axis 'c' (axis 0 of 'y') and axis 'b' (axis 0 of 'x['a'][0]') must always "
            "be equal\n"
            "  hint: write 'b' in place of 'c'",
        ),
    ],
    ids=["equal", "constant", "largest", "smallest", "one", "nested"],
)
def test_constraint_errors_have_the_names_of_the_contract(function, args, message):
    assert refused(export.export, function, args) == message


def test_the_bounds_of_a_hint_are_the_fix():
    assert export.export(few, (o(4, 3),), bounds={"N": (None, 4)})


def test_other_errors_of_the_exporter_are_its_own():
    @sk.torch_world
    def fails(x: Float32[T, "b"]) -> Float32[T, "b"]:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        export.export(fails, (o(3),))


@sk.torch_world
def padded(
    x: Float32[T, "b n 8"], batch: dict[str, Float32[T, "b n"]]
) -> tuple[Float32[T, "b n"], Float32[T, "b n+1"]]:
    return x.sum(2), torch.nn.functional.pad(batch["mask"], (0, 1))


ARGS = (o(2, 3, 8), {"mask": o(2, 3)})


def test_onnx_gets_the_names_of_arrays_and_axes():
    options = export.onnx_options(padded, ARGS, dynamo=False)
    assert options == {
        "dynamo": False,
        "input_names": ["x", "batch_mask"],
        "output_names": ["result_0", "result_1"],
        "dynamic_axes": {
            "x": {0: "b", 1: "n"},
            "batch_mask": {0: "b", 1: "n"},
            "result_0": {0: "b", 1: "n"},
            "result_1": {0: "b", 1: "n+1"},
        },
    }
    options = export.onnx_options(padded, ARGS)
    assert options["dynamic_shapes"].keys() == {"x", "batch"}
    assert "output_names" not in export.onnx_options(named)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of each step, torch's own
@pytest.mark.parametrize("dynamo", [True, False])
def test_onnxruntime_runs_what_was_exported_with_other_sizes(dynamo, tmp_path):
    for name in ("onnx", "onnxscript"):
        pytest.importorskip(name)
    runtime = pytest.importorskip("onnxruntime")
    net, args, path = Net().eval(), (o(2, 3, 8), o(2, 3)), str(tmp_path / "net.onnx")
    options = export.onnx_options(net, args, dynamo=dynamo)
    model = export.export(net, args) if dynamo else net
    torch.onnx.export(model, args, path, **options)
    session = runtime.InferenceSession(path)
    assert [(each.name, each.shape) for each in session.get_inputs()] == [
        ("x", ["b", "n", 8]),
        ("mask", ["b", "n"]),
    ]
    x, mask = torch.rand(5, 7, 8), torch.rand(5, 7)
    (found,) = session.run(None, {"x": x.numpy(), "mask": mask.numpy()})
    assert session.get_outputs()[0].name == "result"
    np.testing.assert_allclose(found, net(x, mask).detach().numpy(), rtol=1e-4, atol=1e-5)


# --- torch.compile


@sk.torch_world
def total(x: Float32[T, "b n"], y: Float32[T, "m"]) -> Float32[T, "b"]:
    return x.sum(1) * 2 + y.sum()


@pytest.mark.parametrize(("marks", "expected"), [(True, 1), (False, 2)])
def test_marked_axes_are_compiled_once_for_all_sizes(marks, expected):
    counting = pytest.importorskip("torch._dynamo.testing")
    torch._dynamo.reset()
    counter = counting.CompileCounter()
    compiled = torch.compile(total, backend=counter, fullgraph=True)
    for number, (b, n, m) in enumerate([(3, 3, 3), (5, 6, 7), (8, 9, 10)]):
        x, y = o(b, n), o(m)
        if marks and number == 0:
            export.mark_dynamic(total, x, y)
        assert torch.equal(compiled(x, y), total(x, y))
    assert counter.frame_count == expected


def test_an_axis_that_the_function_makes_a_constant_still_compiles():
    torch._dynamo.reset()
    compiled = torch.compile(two_rows, backend="eager")
    x = o(2, 3)
    export.mark_dynamic(two_rows, x)
    assert compiled(x).shape == (2, 3)


@pytest.mark.parametrize(
    "name", ["torch._dynamo.maybe_mark_dynamic", "torch.utils._pytree.tree_flatten"]
)
def test_nothing_breaks_where_torch_has_the_name_no_more(name, monkeypatch):
    monkeypatch.delattr(name)
    export.mark_dynamic(total, o(2, 3), o(4))
    if name.endswith("tree_flatten"):
        assert "register_dataclass" in refused(
            export.dynamic_shapes, rows, (o(3), Rows(o(2, 4), o(2)))
        )


@pytest.mark.parametrize("args", ["tensor", "list"])
def test_the_arguments_of_an_example_are_a_tuple(args):
    @sk.torch_world
    def double(x: Float32[torch.Tensor, "n"]) -> Float32[torch.Tensor, "n"]:
        return x * 2

    example = torch.ones(3)
    for call in (export.export, export.dynamic_shapes):
        with pytest.raises(sk.DeclarationError, match="as a tuple") as caught:
            call(double, example if args == "tensor" else [example])
        assert "hint: (x,) for one argument" in str(caught.value)
