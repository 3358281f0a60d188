"""Private names of other libraries: each is used in one file, and nothing breaks if one is missing."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

SOURCE = Path(__file__).parent.parent / "src"

# --- where they stand ---------------------------------------------------------------------------------

HOLDERS = {
    "sekisho/utils/_private.py",  # CPython
    "sekisho/worlds/torch/_private.py",
    "sekisho/worlds/_jax_private.py",
    "sekisho/contract/_private.py",  # jaxtyping
    "hypothesis_sekisho.py",
}

PUBLIC = {"_replace", "_make", "_fields", "_field_defaults", "_asdict", "_exit"}
"""Names that the documentation of `collections.namedtuple` and `os` promises."""

REVIEWED = {
    # Attributes of this package's own classes, used in the same file.
    ("sekisho/log/crossing_log.py", "_events"),
    ("sekisho/log/crossing_log.py", "_sums"),
    ("sekisho/log/crossing_log.py", "_processes"),
    ("sekisho/log/crossing_log.py", "_add"),
    ("sekisho/log/crossing_log.py", "_violations"),
    ("sekisho/log/crossing_log.py", "_broadcasts"),
    ("sekisho/recorder/program.py", "_folder"),
    ("sekisho/recorder/program.py", "_before"),
    ("sekisho/recorder/program.py", "_open"),
    ("sekisho/writing/journal.py", "_descriptor"),
    ("sekisho/writing/journal.py", "_begin"),
    ("sekisho/editor/project.py", "_findings"),
    ("sekisho/editor/project.py", "_functions"),
    ("sekisho/editor/project.py", "_trees"),
    ("sekisho/inference/knowledge.py", "_lines"),
    ("sekisho/inference/program.py", "_tables"),
    ("pytest_sekisho.py", "_pytest_sekisho_fuzz"),
    ("pytest_sekisho.py", "_pytest_sekisho_settings"),
    # Set before the import system sets it; without the name, no code reads it either.
    ("sekisho/recorder/arrival.py", "_initializing"),
    # The flag that `_private` replaces: the fast path reads it at each call.
    ("sekisho/worlds/torch/memory.py", "_is_compiling_flag"),
    ("sekisho/worlds/torch/memory.py", "_current_level"),
    # Set on a function of this package: a release without this feature traces the function.
    ("sekisho/utils/source.py", "_dynamo_marked_constant"),
    # The name of a special form of `typing`; without it, the form counts as unmarked.
    ("sekisho/contract/annotations.py", "_name"),
    ("sekisho/contract/fields.py", "_name"),
    ("sekisho/contract/marks.py", "_name"),
    # Ask beartype's hook what it transforms; without an answer it counts as a rival hook.
    ("sekisho/package/hook.py", "_package"),
    # The module that torch.compile wraps; without the name, the wrapper is read as it is.
    ("sekisho/guard/bound.py", "_orig_mod"),
    # pytest's count of collected tests; without the name, it leaves out those of ``--sekisho-fuzz``.
    ("pytest_sekisho.py", "_numcollected"),
    # Loaded by its path, with the standard library alone; Python 3.12 and later.
    ("sekisho/tracer/tracing.py", "_getframe"),
}


def is_private(name):
    return name.startswith("_") and not name.startswith("__") and name not in {"_", *PUBLIC}


def private_parts(path):
    return [part for part in path.split(".") if is_private(part)]


def private_names(tree):
    """Yield all private names of other libraries: attributes, imports, and names looked up as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if not (
                isinstance(node.value, ast.Name) and node.value.id in {"self", "cls", "_private"}
            ):
                yield node.attr
        elif isinstance(node, ast.Import):
            yield from (part for each in node.names for part in private_parts(each.name))
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("sekisho"):
            names = [node.module or "", *(each.name for each in node.names)]
            yield from (part for each in names for part in private_parts(each))
        elif isinstance(node, ast.Call):
            yield from looked_up(node)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            called = ast.unparse(node.value)
            if called.startswith("vars(") or called.endswith(("__dict__", "sys.modules", "opmap")):
                yield from private_parts(str(node.slice.value))


def looked_up(call):
    name = ast.unparse(call.func)
    if name.rpartition(".")[2] in {"getattr", "setattr", "hasattr", "delattr", "import_module"} or (
        name.startswith(("vars(", "sys.modules")) or name.endswith("attrgetter")
    ):
        for each in call.args:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield from private_parts(each.value)


FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", sorted({*FILES} - HOLDERS))
def test_private_names_of_others_stand_in_the_files_for_them(path):
    tree = ast.parse((SOURCE / path).read_text("utf-8"))
    assert {(path, name) for name in private_names(tree)} <= REVIEWED


def test_the_list_of_exceptions_holds_no_more_than_there_are():
    found = set()
    for path in {*FILES} - HOLDERS:
        tree = ast.parse((SOURCE / path).read_text("utf-8"))
        found |= {(path, name) for name in private_names(tree)}
    assert found == REVIEWED


@pytest.mark.parametrize(
    "code",
    [
        "torch._C",
        "getattr(sys, '_getframe')",
        "vars(sys)['_getframe']",
        "vars(warnings).get('_showwarnmsg')",
        "import jaxtyping._storage",
        "from jax._src import core",
        "from torch import _guards",
        "importlib.import_module('jaxtyping._storage')",
        "sys.modules['torch._guards']",
        "sys.modules.get('torch._guards')",
        "operator.attrgetter('_version')",
    ],
)
def test_a_private_name_is_found_however_it_is_written(code):
    assert list(private_names(ast.parse(code)))


# --- where they are gone -------------------------------------------------------------------------------

USES = """
    import sys, warnings
    import numpy as np
    import {library}
    {remove}
    import sekisho as sk
    from jaxtyping import Float32, Int64

    told = []
    warnings.showwarning = lambda message, *_rest, **_more: told.append(str(message))

    {uses}

    print(chr(10).join(told))
"""

TORCH = """
    @sk.torch_world
    def f(x: Float32[torch.Tensor, "n"], y: Float32[torch.Tensor, "n"]) -> Float32[torch.Tensor, "n"]:
        return x + y

    @sk.numpy_world
    def g(x: Float32[np.ndarray, "n"]):
        return x * 2

    t, a = torch.ones(3), np.ones(3, np.float32)
    assert f(t, t).sum() == 6  # a first call
    assert f(a, t).sum() == 6 and g(t).sum() == 6  # both ways
    x = sk.to_numpy(t)
    x[0] = 5
    assert t[0] == 5 and sk.to_torch(x).data_ptr() == t.data_ptr()  # shared, on the slow path too
    for wrong in (torch.ones(3, dtype=torch.float64), torch.ones(3, 1), [1.0], None):
        try:
            f(wrong, t)
        except sk.BoundaryError as error:
            assert "f() argument 'x'" in str(error), error
        else:
            raise AssertionError(wrong)
    try:
        g(torch.ones(3, requires_grad=True))
    except sk.ConversionError as error:
        assert "hint: x.detach()" in str(error), error
    else:
        raise AssertionError("a graph was cut")
    try:
        torch.func.vmap(g)(torch.ones(2, 3))
    except sk.BoundaryError:
        pass
    else:
        raise AssertionError("a transform was left")
    with sk.record_crossings(everywhere=True) as log:
        torch.from_numpy(a)
    assert len(log) == 1

    @sk.torch_world
    def crosses(x: torch.Tensor):
        return x.numpy()

    strict = []
    with sk.mode("strict"):
        assert f(t, t).shape == (3,)
        try:
            crosses(t)
        except sk.WorldError:
            strict.append(True)
    assert strict or any("strict mode sees no operations" in each for each in told), told
"""

TORCH_NAMES = [
    "_guards.TracingContext",
    "_C._len_torch_dispatch_stack",
    "_C._functorch.peek_interpreter_stack",
    "_C._get_tracing_state",
    "_C._is_tracing",
    "_C._get_dispatch_mode",
    "_C._TorchDispatchModeKey",
    "overrides._push_mode",
    "overrides._pop_mode",
    "overrides._len_torch_function_stack",
    "utils._device._device_constructors",
    "jit._builtins._get_builtin_table",
    "jit._builtins._find_builtin",
    "jit._builtins._register_builtin",
    "Tensor._version",
    "autograd.forward_ad._current_level",
    "Tensor._is_zerotensor",
    "compiler._is_compiling_flag",
]

JAX = """
    @sk.jax_world
    def f(x: Float32[jax.Array, "n"], y: Float32[jax.Array, "n"]):
        return x + y

    @sk.numpy_world
    def g(x: Float32[np.ndarray, "n"]):
        return x * 2

    j, a = jax.numpy.ones(3), np.ones(3, np.float32)
    assert f(j, j).sum() == 6 and f(a, j).sum() == 6 and g(j).sum() == 6
    try:
        f(jax.numpy.ones((3, 1)), j)
    except sk.ShapeError as error:
        assert "hint: there is" in str(error) or "axes" in str(error), error
    assert jax.jit(f)(j, j).sum() == 6
    with sk.mode("strict"):
        assert f(j, j).shape == (3,)
"""

JAX_NAMES = ["_src.core.trace_state_clean", "_src.array.ArrayImpl"]

JAXTYPING = """
    from jaxtyping import Float, PyTree

    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"]):
        y = np.ones(3, np.float32)
        assert isinstance(y, Float32[np.ndarray, "n"])
        return y

    f(np.ones(3, np.float32))

    @sk.numpy_world
    def g(x: PyTree[Float32[np.ndarray, "?n"], "T"], y: PyTree[Float32[np.ndarray, "?n"], "T"]):
        return x

    g([np.ones(3, np.float32)], [np.ones(3, np.float32)])
    try:
        f(np.ones((3, 1), np.float32))
    except sk.ShapeError:
        pass
"""

JAXTYPING_NAMES = [
    "_storage.push_shape_memo",
    "_storage.get_shape_memo",
    "_storage.set_treepath_memo",
]

PYTHON = """
    @sk.numpy_world
    def f(x: Float32[np.ndarray, "n"]):
        sk.check(x, Float32[np.ndarray, "n"])
        return x

    f(np.ones(3, np.float32))
    for wrong in (np.ones(3), [1.0], [np.ones(2), np.ones(3)]):
        try:
            f(wrong)
        except sk.BoundaryError as error:
            assert "f() argument 'x'" in str(error)
    with sk.record_crossings(everywhere=True) as log:
        np.asarray(np.ones(3))
"""

PYTHON_NAMES = [
    "sys.getrefcount",
    "warnings._showwarnmsg",
    "warnings.filters",
    "subprocess._args_from_interpreter_flags",
]


KEPT = {"Tensor._version", "Tensor._is_zerotensor", *JAX_NAMES}

INSTEAD = {
    # torch's public functions build on these: a release without them has other ones.
    "torch.compiler._is_compiling_flag": "torch.compiler.is_compiling = lambda: False",
    "torch.autograd.forward_ad._current_level": "import torch.autograd.forward_ad as forward_ad\n"
    "forward_ad.unpack_dual = lambda tensor: forward_ad.UnpackedDualTensor(tensor, None)",
    # An attribute of a C class, which cannot be changed: hide it in the subclass.
    "torch.Tensor._version": "torch.Tensor._version = property(lambda self: self.gone)",
    "torch.Tensor._is_zerotensor": "torch.Tensor._is_zerotensor = property(lambda self: self.gone)",
    # JAX needs them, but may rename them.
    "jax._src.array.ArrayImpl": "import sekisho.worlds._jax_private as ours\nours.CLASS = '_src.Gone'",
    "jax._src.core.trace_state_clean": "import sekisho.worlds._jax_private as ours\n"
    "ours._CLEAN = '_src.core.gone'",
    # Names that jaxtyping's modules have imported from it stay as they are.
    **dict.fromkeys(
        [f"jaxtyping._storage.{each}_memo" for each in ("push_shape", "get_shape", "set_treepath")],
        "jaxtyping.PyTree",
    ),
}


def run(library, uses, name):
    root, _, last = f"{library}.{name}".rpartition(".")
    remove = [f"import {'.'.join(root.split('.')[:i])}" for i in range(1, root.count(".") + 2)]
    lines = "\n".join(
        [
            "import contextlib",
            *(f"with contextlib.suppress(ImportError): {each}" for each in remove),
            f"assert hasattr({root}, {last!r}), 'nobody has it'",
            INSTEAD.get(f"{library}.{name}", ""),
            *([] if name in KEPT else [f"delattr({root}, {last!r})"]),
        ]
    )
    code = textwrap.dedent(USES).format(
        library=library, remove=lines, uses=textwrap.dedent(uses).strip()
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("name", TORCH_NAMES)
def test_nothing_breaks_where_torch_has_it_no_more(name, torch):
    found = torch
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is None:
        pytest.skip("this torch has it no more")
    done = run("torch", TORCH, name)
    assert done.returncode == 0, done.stderr[-3000:]
    if name.startswith("overrides."):
        missing = f"torch.{name}"
        told = [
            each for each in done.stdout.splitlines() if "strict mode sees no operations" in each
        ]
        assert len(told) == 1
        assert told[0].endswith(f"has no {missing}.")
    else:
        assert done.stdout.strip() == ""


@pytest.mark.parametrize("name", JAX_NAMES)
def test_nothing_breaks_where_jax_has_it_no_more(name):
    pytest.importorskip("jax")
    done = run("jax", JAX, name)
    assert done.returncode == 0, done.stderr[-3000:]
    assert ("strict mode sees no methods" in done.stdout) is name.endswith("ArrayImpl")


@pytest.mark.parametrize("name", JAXTYPING_NAMES)
def test_nothing_breaks_where_jaxtyping_has_it_no_more(name):
    pytest.importorskip("jax")  # jaxtyping has PyTree only with JAX
    done = run("jaxtyping", JAXTYPING, name)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("isinstance in bodies does not know the axes") == 1


@pytest.mark.parametrize("name", PYTHON_NAMES)
def test_nothing_breaks_where_python_has_it_no_more(name):
    library, _, rest = name.partition(".")
    done = run(library, PYTHON, rest)
    assert done.returncode == 0, done.stderr[-3000:]


def test_frames_are_found_without_the_function_of_cs():
    from sekisho.utils import _private, frame_at

    def inner():
        return [(walk(0), sys._getframe(0)), (walk(1), sys._getframe(1)), (walk(2), frame_at(2))]

    walk = _private._walk_to_frame
    assert all(one is other for one, other in inner())
    with pytest.raises(ValueError, match="call stack is not deep enough"):
        walk(10_000)


@pytest.mark.parametrize(
    ("annotation", "is_stored"),
    [("int", True), ("ClassVar[int]", False), ("dataclasses.InitVar[int]", False)],
)
def test_fields_that_do_not_say_what_they_are_are_read(annotation, is_stored):
    from sekisho.utils import is_stored_field

    assert is_stored_field(SimpleNamespace(type=annotation)) is is_stored


def test_nothing_breaks_where_hypothesis_has_it_no_more(monkeypatch):
    types = pytest.importorskip("hypothesis.strategies._internal.types")
    import hypothesis_sekisho

    monkeypatch.delattr(types, "_global_extra_lookup")
    hypothesis_sekisho.register()
    monkeypatch.setitem(sys.modules, "hypothesis.strategies._internal", None)
    hypothesis_sekisho.register()


def test_the_fast_path_asks_no_more_than_it_did(torch):
    """Lookups at creation go directly to torch: no wrapper is between."""
    import inspect

    from sekisho.worlds.torch import _private

    asked = _private.asked_of(torch)
    assert asked.transform is torch._C._functorch.peek_interpreter_stack
    assert asked.is_tracing is torch._C._is_tracing
    assert asked.modes is torch._C._len_torch_dispatch_stack
    assert _private.compiler_flag(torch) is torch.compiler
    assert inspect.ismodule(_private.forward_level(torch))
