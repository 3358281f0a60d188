"""A guard beside other tools: hot reload, TorchScript, stack levels of warnings, other decorators."""

from __future__ import annotations

import asyncio
import gc
import importlib
import io
import logging
import os
import subprocess
import sys
import textwrap
import warnings
import zipfile
from collections.abc import AsyncIterator, Iterator

import numpy as np
import pytest
from jaxtyping import Float32

import sekisho as sk
from sekisho.package import hook as _hook


def zeros(*shape):
    return np.zeros(shape, "float32")


# --- hot reload ----------------------------------------------------------------------------------

KINDS = {
    "function": "def f(x: Float32[np.ndarray, '{n}'], k={n}): return k",
    "coroutine": "async def f(x: Float32[np.ndarray, '{n}'], k={n}): return k",
    "generator": "def f(x: Float32[np.ndarray, '{n}'], k={n}): yield k",
    "async generator": "async def f(x: Float32[np.ndarray, '{n}'], k={n}): yield k",
    "keywords": "def f(x: Float32[np.ndarray, '{n}'], *, k={n}): return k",
}


def guard_of(kind, n, name="f"):
    names = {"np": np, "Float32": Float32, "__name__": "made_for_a_reload"}
    exec(KINDS[kind].format(n=n).replace("f(", f"{name}(", 1), names)
    return sk.numpy_world(names[name])


def call(kind, function, n):
    result = function(zeros(n))
    if kind == "coroutine":
        return asyncio.run(result)
    if kind == "generator":
        return next(result)
    if kind == "async generator":
        return asyncio.run(anext(result))
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("was_called", [False, True])
@pytest.mark.parametrize("attributes", [["__code__"], ["__code__", "__defaults__", "__dict__"]])
def test_a_guard_whose_code_is_replaced_by_anothers_guards_the_new_function(
    kind, was_called, attributes
):
    old, new = guard_of(kind, 2), guard_of(kind, 3)
    if was_called:
        assert call(kind, old, 2) == 2
    for name in attributes:
        setattr(old, name, getattr(new, name))
    for _ in range(2):
        assert call(kind, old, 3) == 3
        with pytest.raises(sk.ShapeError, match=r'expected Float32.*"3"'):
            call(kind, old, 2)
    assert '"3"' in sk.generated_source(old)
    assert call(kind, new, 3) == 3


def test_a_guard_is_reloaded_again_and_again():
    old = guard_of("function", 1)
    for n in range(2, 5):
        new = guard_of("function", n)
        old.__code__ = new.__code__
        assert call("function", old, n) == n


def test_the_contract_of_a_reloaded_guard_is_the_new_one_before_any_call():
    old, new = guard_of("function", 2), guard_of("function", 3)
    assert '"2"' in sk.generated_source(old)
    old.__code__ = new.__code__
    assert '"3"' in sk.generated_source(old)


def test_a_function_that_was_no_guard_becomes_one():
    def plain(x):
        return "plain"

    new = guard_of("function", 3)
    plain.__code__ = new.__code__
    for _ in range(2):
        assert plain(zeros(3)) == 3
        with pytest.raises(sk.ShapeError):
            plain(zeros(2))


def test_the_code_of_a_guard_that_is_gone_is_refused():
    old = guard_of("function", 2)
    old.__code__ = guard_of("function", 3).__code__
    gc.collect()
    with pytest.raises(sk.DeclarationError, match="was given the code of a guard that is gone"):
        old(zeros(3))


AUTORELOAD = """
import os, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
path = sys.argv[1]
def write(n):
    text = f'''
import numpy as np, sekisho as sk
from jaxtyping import Float32
@sk.numpy_world
def f(x: Float32[np.ndarray, "{n}"], k={n}): return k
class C:
    @sk.numpy_world
    def m(self, x: Float32[np.ndarray, "{n}"]): return {n}
CALLS
'''
    with open(os.path.join(path, "edited_module.py"), "w") as file:
        file.write(text.replace("CALLS", CALLS.format(n=n)))
    later = time.time() + 10 * n
    os.utime(file.name, (later, later))
CALLS = sys.argv[3]
def run(cell):
    result = shell.run_cell(cell)
    error = result.error_in_exec
    return type(error).__name__ if error else result.result
sys.path.insert(0, path)
write(2)
run("%load_ext autoreload")
run("%autoreload 2")
run("import numpy as np, edited_module; from edited_module import f, C; c = C(); kept = [f]")
run("def at(n): return np.zeros(n, 'float32')")
if sys.argv[2] == "called":
    run("f(at(2)), c.m(at(2))")
for n in (3, 4):
    write(n)
    print(*(run(f"{call}(at({k}))") for call in ("f", "kept[0]", "c.m") for k in (n, n - 1, n)))
"""


@pytest.mark.parametrize("was_called", ["called", "new"])
@pytest.mark.parametrize(
    "calls", ["", "f(np.zeros({n}, 'float32')); C().m(np.zeros({n}, 'float32'))"]
)
def test_autoreload_of_ipython_leaves_guards_of_the_new_functions(tmp_path, was_called, calls):
    """This holds, too, if the module calls its own functions while it is being reloaded."""
    pytest.importorskip("IPython")
    done = subprocess.run(
        [sys.executable, "-c", AUTORELOAD, str(tmp_path), was_called, calls],
        capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "IPYTHONDIR": str(tmp_path), "SEKISHO_MODE": "convert"},
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line[:2] in {"3 ", "4 "}]
    assert lines == [" ".join([f"{n} ShapeError {n}"] * 3) for n in (3, 4)], done.stdout


def test_a_module_that_is_reloaded_has_guards_of_its_new_functions(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "reloaded_module.py"
    text = "import numpy as np, sekisho as sk\n@sk.numpy_world\ndef f(x: np.ndarray): return N\nf(np.ones(1))\n"
    path.write_text(text.replace("N", "1"))
    module = importlib.import_module("reloaded_module")
    old = module.f
    path.write_text(text.replace("N", "22"))
    importlib.reload(module)
    del sys.modules["reloaded_module"]
    assert (old(zeros(1)), module.f(zeros(1)), module.f(zeros(1))) == (1, 22, 22)
    assert not module.f.__code__.co_filename.startswith("<sekisho guard importlib._bootstrap stub")


# --- stack levels --------------------------------------------------------------------------------


def speak():
    warnings.warn("said", stacklevel=3)
    logging.getLogger("guest").warning("said", stacklevel=3)


@sk.numpy_world
def plain_body(x: np.ndarray) -> None:
    speak()


@sk.numpy_world
def sharing_body(x: Float32[np.ndarray, "n"]) -> None:
    isinstance(x, Float32[np.ndarray, "n"])
    speak()


@sk.numpy_world
def converting_body(x: np.ndarray) -> None:
    speak()


@sk.numpy_world
def generating_body(x: np.ndarray) -> Iterator[np.ndarray]:
    speak()
    yield x


@sk.numpy_world
async def awaited_body(x: np.ndarray) -> None:
    speak()


@sk.numpy_world
async def generating_awaited_body(x: np.ndarray) -> AsyncIterator[np.ndarray]:
    speak()
    yield x


@pytest.mark.parametrize("mode", ["convert", "strict"])
@pytest.mark.parametrize("is_first", [True, False])
def test_no_frame_of_a_guard_counts_for_the_stack_level_of_a_warning(mode, is_first):
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(filename)s:%(lineno)d"))
    logger = logging.getLogger("guest")
    logger.addHandler(handler)

    async def awaiting(x):
        await awaited_body(x)
        await anext(generating_awaited_body(x))
        return sys._getframe().f_lineno

    x = zeros(2)
    with sk.mode(mode), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plain_body(x)
        sharing_body(x)
        next(generating_body(x))
        first = sys._getframe().f_lineno - 3
        last = asyncio.run(awaiting(x))
    logger.removeHandler(handler)
    expected = [first, first + 1, first + 2, last - 2, last - 1]
    assert [(each.filename, each.lineno) for each in caught] == [(__file__, n) for n in expected]
    name = os.path.basename(__file__)
    assert stream.getvalue().split() == [f"{name}:{n}" for n in expected]


# --- TorchScript ---------------------------------------------------------------------------------


def test_torchscript_compiles_guarded_functions_and_what_they_call(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.syspath_prepend(os.path.dirname(__file__))
    names = importlib.import_module("scripted")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated on newer Pythons
        for is_called_before in (False, True):
            if is_called_before:
                names.outer(torch.ones(2))
            assert torch.equal(torch.jit.script(names.outer)(torch.ones(2)), torch.full((2,), 3.0))


@pytest.mark.parametrize("kind", ["Net", "Whole", "Around", "Linear"])
@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated on newer Pythons
def test_torchscript_compiles_modules_with_guarded_methods(kind, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.syspath_prepend(os.path.dirname(__file__))
    names = importlib.import_module("scripted")
    module = sk.torch_world(torch.nn.Linear(2, 2)) if kind == "Linear" else getattr(names, kind)()
    x = torch.randn(3, 2)
    expected = module(x)
    scripted = torch.jit.script(module)
    assert torch.equal(scripted(x), expected)
    assert torch.equal(module(x), expected)
    with pytest.raises(sk.WorldError):
        module("no tensor")


def test_torch_compile_keeps_the_guard_around_what_torchscript_takes_the_function_of():
    """A name that makes torch.jit skip a guard must not make torch.compile skip it."""
    assert not hasattr(plain_body, "__script_if_tracing_wrapper")


# --- the import hook, beside other tools ---------------------------------------------------------


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes modules of a package; forget them at the end."""
    root = tmp_path / "visited"
    root.mkdir()
    (root / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)

    def write(**modules):
        for name, text in modules.items():
            (root / f"{name}.py").write_text(textwrap.dedent(text))
        return root

    yield write
    for hook in tuple(_hook._installed):
        hook.uninstall(reports=False)
    importlib.import_module("sekisho.guard").take_reports()
    for name in [each for each in sys.modules if each.partition(".")[0] == "visited"]:
        del sys.modules[name]


def visit(name):
    return importlib.import_module(f"visited.{name}")


def reports_of(hook):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hook.uninstall()
    return [str(each.message) for each in caught]


LAZY = """
    from __future__ import annotations
    import numpy as np

    class Lazy:
        def __getattr__(self, name): raise SystemExit(f"asked for {name}")

    class Described(type):
        def __getattr__(cls, name): raise SystemExit(f"asked for {name}")

    class Plain(metaclass=Described): ...

    lazy = Lazy()

    def export(x: np.ndarray, model: lazy.ModelProto) -> lazy.ModelProto: return x
    def quoted(x: np.ndarray, models: "list[lazy.ModelProto]" = ()) -> Plain.part: return x
    def called(x: np.ndarray, how: lazy.make("x") = 1): return x
    def arrays(x: np.ndarray, y: lazy.Tensor) -> None: ...
    """


NET = """
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.double(F.relu(self.linear(x))) + later(x)

    def double(self, x: Tensor) -> Tensor:
        return torch.relu(x) * 2.0


def later(x: Tensor) -> Tensor:
    return x + 1
"""


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated on newer Pythons
def test_torchscript_compiles_modules_of_a_hooked_package(package):
    torch = pytest.importorskip("torch")
    package(net=NET)
    sk.install_import_hook("visited")
    module, x = visit("net").Net(), torch.randn(3, 2)
    expected = module(x)
    assert torch.equal(torch.jit.script(module)(x), expected)
    with pytest.raises(sk.WorldError):
        module("no tensor")


PROPERTY = """
{start}
import torch
from torch import Tensor, nn
from torch import device as Device


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = torch.device("cpu")

    @property
    def where(self) -> {kind}:
        return self.place

    def forward(self, x: Tensor) -> Tensor:
        return self.moved(x, self.where)

    def moved(self, x: Tensor, where: {kind}) -> Tensor:
        return x.to(where)
"""


@pytest.mark.filterwarnings("ignore")  # torch.jit is deprecated on newer Pythons
@pytest.mark.parametrize("start", ["", "from __future__ import annotations"])
@pytest.mark.parametrize("kind", ["torch.device", "'torch.device'", "'Device'"])
def test_torchscript_finds_the_names_in_annotations_of_a_hooked_package(package, start, kind):
    torch = pytest.importorskip("torch")
    package(net=PROPERTY.format(start=start, kind=kind))
    sk.install_import_hook("visited")
    module, x = visit("net").Net(), torch.randn(3, 2)
    assert torch.equal(torch.jit.script(module)(x), x)


def test_the_hook_looks_into_real_modules_and_classes_only(package):
    package(lazy=LAZY)
    hook = sk.install_import_hook("visited")
    lazy = visit("lazy")
    lazy.export(np.ones(2), 1)
    lazy.quoted(np.ones(2))
    lazy.called(np.ones(2))
    lazy.arrays(np.ones(2), 1)
    for function in (lazy.export, lazy.quoted, lazy.called):
        with pytest.raises(sk.WorldError):
            function([1], 1)
    assert reports_of(hook) == [
        "not checked: arrays() argument 'y': lazy.Tensor: "
        "lazy.Tensor is only there once code of the package has run"
    ]


CYCLE = """
    from __future__ import annotations
    from typing import NamedTuple
    import beartype.typing as tp
    import numpy as np
    from jaxtyping import Float
    if tp.TYPE_CHECKING:
        from visited.second import Thing

    from visited import second

    def f(x: Float[np.ndarray, "n"], thing: Thing | None = None): return x

    class Tree(NamedTuple):
        value: Float[np.ndarray, "n"]
        left: Tree | None
        later: Later | None = None

    class Later: ...
    """
SECOND = """
    from __future__ import annotations
    import numpy as np
    from visited import first

    class Thing:
        value: np.ndarray

    def g(x: np.ndarray, tree: first.Tree | None = None): return x
    """


def test_names_in_an_import_cycle_and_recursive_records_are_found_at_the_first_call(package):
    package(first=CYCLE, second=SECOND)
    hook = sk.install_import_hook("visited")
    first = visit("first")
    first.f(np.ones(2), first.second.Thing())
    tree = first.Tree(np.ones(2), first.Tree(np.ones(2), None))
    first.second.g(np.ones(2), tree)
    with pytest.raises(sk.BoundaryError):
        first.Tree(np.ones(2), "no tree")
    with pytest.raises(sk.BoundaryError):
        first.second.g(np.ones(2), "no tree")
    assert reports_of(hook) == []


def test_a_metaclass_that_represents_its_classes_otherwise_keeps_nothing_from_being_checked():
    import enum

    class Hostile(enum.EnumMeta):
        def __repr__(cls):
            raise RuntimeError("no")

    class Misleading(enum.EnumMeta):
        def __repr__(cls):
            return " | ".join(each.name for each in cls)

    for metaclass in (Hostile, Misleading):
        kind = metaclass("Mode", (enum.Enum,), metaclass.__prepare__("Mode", (enum.Enum,)))

        @sk.numpy_world
        def f(x: np.ndarray, how: kind | str | int) -> None: ...

        f(np.ones(2), "a")
        with pytest.raises(sk.BoundaryError):
            f(np.ones(2), 1.5)


CHECKED = """
    import numpy as np
    from typeguard import typechecked
    from beartype import beartype
    from jaxtyping import jaxtyped, Float

    @typechecked
    def by_typeguard(x: np.ndarray, n: int): return n

    @beartype
    def by_beartype(x: np.ndarray, n: int): return n

    @jaxtyped(typechecker=beartype)
    def by_jaxtyping(x: Float[np.ndarray, "a"], n: int): return n

    @typechecked
    class Checked:
        def method(self, x: np.ndarray, n: int): return n

        @staticmethod
        def static(x: np.ndarray, n: int): return n
    """


def test_the_type_checkers_of_a_package_keep_checking_and_the_guard_too(package):
    pytest.importorskip("typeguard")
    package(checked=CHECKED)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hook = sk.install_import_hook("visited")
        checked = visit("checked")
    its = checked.Checked()
    functions = [
        *(checked.by_typeguard, checked.by_beartype, checked.by_jaxtyping),
        *(its.method, checked.Checked.static),
    ]
    for function in functions:
        assert function(np.ones(2), 3) == 3
        with pytest.raises(sk.WorldError):
            function([1.0], 3)
        with pytest.raises(Exception, match="n") as caught:
            function(np.ones(2), "three")
        assert not isinstance(caught.value, sk.SekishoError)
    assert reports_of(hook) == []


def test_a_warning_at_module_level_is_shown_where_the_module_is_imported(package):
    root = package(
        warns="import warnings\nimport numpy as np\n"
        "warnings.warn('old', DeprecationWarning, stacklevel=2)\ndef f(x: np.ndarray): ...\n",
        importer="'''Doc.'''\nfrom __future__ import annotations\nfrom visited import warns\n",
    )
    sk.install_import_hook("visited")
    with pytest.warns(DeprecationWarning, match="old") as caught:
        module = visit("importer")
    assert [(each.filename, each.lineno) for each in caught] == [(str(root / "importer.py"), 3)]
    assert module.__doc__ == "Doc."


def test_what_is_never_called_is_never_read(package):
    package(
        unread="import numpy as np\nX = 'no such axis+1'\ndef f(x: np.ndarray, y: 'Nowhere'): ...\n"
    )
    hook = sk.install_import_hook("visited")
    visit("unread")
    guard = importlib.import_module("sekisho.guard")
    assert "visited.unread.f" in guard.made
    assert "visited.unread.f" not in guard.called
    assert reports_of(hook) == []


def test_modules_without_a_source_file_are_reported(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("visited_zip/__init__.py", "")
        archive.writestr("visited_zip/inside.py", "import numpy as np\ndef f(x: np.ndarray): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path / "all.zip"))
    hook = sk.install_import_hook("visited_zip")
    importlib.import_module("visited_zip.inside")
    told = reports_of(hook)
    for name in ("visited_zip", "visited_zip.inside"):
        del sys.modules[name]
    assert told == [
        "imported unguarded, because zipimporter has no source file: visited_zip, visited_zip.inside."
    ]


def test_many_modules_that_were_missed_are_told_of_in_a_short_line():
    text = _hook._some_of([f"package.module{i}" for i in range(60)])
    assert text.endswith("package.module3 and 56 more")


# --- pytest --------------------------------------------------------------------------------------


def run_pytest(root, *options, **variables):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
        cwd=root, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, **variables},
    )  # fmt: skip


TEST = "import sekisho as sk\ndef test_mode(): assert sk.get_mode() == 'strict'\n"


def test_pytest_reads_the_mode_of_the_project(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        "[tool.sekisho]\nmode = 'strict'\n[tool.pytest.ini_options]\n"
    )
    (tmp_path / "test_it.py").write_text(TEST)
    assert run_pytest(tmp_path).returncode == 0
    (tmp_path / "pyproject.toml").write_text(
        "[tool.sekisho]\nmode = 'strickt'\n[tool.pytest.ini_options]\n"
    )
    done = run_pytest(tmp_path)
    assert (done.returncode, "strickt" in done.stderr) == (pytest.ExitCode.USAGE_ERROR, True)


def test_a_conftest_may_bring_the_plugin(tmp_path):
    (tmp_path / "conftest.py").write_text("pytest_plugins = ['pytest_sekisho']\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nsekisho_mode = strict\n")
    (tmp_path / "test_it.py").write_text(TEST)
    done = run_pytest(tmp_path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_functions_that_have_a_decorator_count_as_called_too(tmp_path):
    root = tmp_path / "visited"
    root.mkdir()
    (root / "__init__.py").write_text(
        "import numpy as np, sekisho as sk\n"
        "@sk.numpy_world\ndef f(x: np.ndarray): return x\n"
        "@sk.numpy_world\ndef never(x: np.ndarray): return x\n"
        "def g(x: np.ndarray): return x\n"
    )
    (tmp_path / "pyproject.toml").write_text("[tool.sekisho]\npackages = ['visited']\n")
    (tmp_path / "test_it.py").write_text(
        "import numpy as np, visited\ndef test(): visited.f(np.ones(2)), visited.g(np.ones(2))\n"
    )
    done = run_pytest(tmp_path, PYTHONPATH=os.pathsep.join([*sys.path, str(tmp_path)]))
    assert "sekisho: 3 functions guarded, 2 called, 0 annotations not checked" in done.stdout


def test_the_table_is_read_from_the_file_that_names_the_packages_and_the_run_ends_with_one_line(
    tmp_path,
):
    root = tmp_path / "visited"
    root.mkdir()
    (root / "__init__.py").write_text(
        "import numpy as np\ndef f(x: np.ndarray): return x\ndef g(x: np.ndarray): return x\n"
        "def h(x: np.ndarray, y: 'set[np.ndarray]' = ()): return x\ndef never(x: np.ndarray): ...\n"
    )
    (tmp_path / "other.toml").write_text(
        "[tool.pytest.ini_options]\nsekisho_packages = ['visited']\n"
        "[tool.sekisho.worlds]\n'visited.g' = 'unguarded'\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import numpy as np, visited\ndef test_g(): visited.g('x')\n"
        "def test_f(): visited.f('x')\ndef test_h(): visited.h(np.ones(2))\n"
    )
    done = run_pytest(
        tmp_path, "-c", "other.toml", PYTHONPATH=os.pathsep.join([*sys.path, str(tmp_path)])
    )
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "sekisho: 3 functions guarded, 2 called, 1 annotation not checked" in done.stdout
    assert '[tool.sekisho.worlds]\n"visited.f" = "unguarded"\n' in done.stdout
