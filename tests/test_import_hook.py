"""A package is guarded at import, without any change of its source."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import sekisho as sk
from sekisho.package import hook as _hook

PACKAGE = "guarded_package"
# The package uses names that it imports for type checkers only; one test is about them.
pytestmark = pytest.mark.filterwarnings("ignore:not checked. half_known:sekisho.UnguardedWarning")

FILES = {
    "__init__.py": "",
    "preprocess.py": """
        import functools
        from dataclasses import dataclass
        from typing import NamedTuple, no_type_check, overload
        import numpy as np
        import sekisho as sk

        registry = {}

        def register(function):
            registry[function.__name__] = function
            return function

        def annotated(x: np.ndarray) -> np.ndarray:
            return x * 2

        def bare(x):
            return x

        @register
        @functools.lru_cache
        def number(n: int) -> int:
            return n

        @no_type_check
        def unchecked(x: np.ndarray): return x

        @sk.unguarded
        def marked(x: np.ndarray): return x

        @sk.boundary
        def declared(x: np.ndarray) -> str: return "boundary"

        class Filter:
            size: int = 3

            def run(self, x: np.ndarray): return x

            @staticmethod
            def static(x: np.ndarray): return x

            @classmethod
            def made(cls, x: np.ndarray): return x

            @property
            def bad(self) -> np.ndarray: return 1

            @sk.unguarded
            def debug(self, x: np.ndarray): return x

            class Inner:
                def run(self, x: np.ndarray): return x

            def __len__(self): return 3

        @dataclass
        class Batch:
            image: np.ndarray

        class Pair(NamedTuple):
            image: np.ndarray

        if True:
            async def conditional(x: np.ndarray): return x

        def outer():
            def inner(x: np.ndarray): return x
            return inner
        """,
    "util.py": """
        from __future__ import annotations
        from collections.abc import Generator
        from dataclasses import dataclass
        from typing import TYPE_CHECKING
        import numpy as np
        from jaxtyping import Float

        if TYPE_CHECKING:
            from somewhere import Thing

        def shaped(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"], how: int = 1):
            return x

        def plain(x: int, y: "str") -> None: ...

        def unknown(x: Thing) -> None: ...

        def half_known(x: Thing, y: Float[np.ndarray, "n n"]) -> None: ...

        def later(x: Later) -> None: ...

        class Later: ...

        class Scaled:
            def float(self) -> Float[np.ndarray, ""]: return np.zeros(())

            def times(self, other: Float[np.ndarray, ""] | float) -> None: ...

        def made() -> Generator: yield np.ones(2)

        def misannotated(x: Float[np.ndarray, "n"]) -> int: yield x

        @dataclass
        class Record:
            x: Float[np.ndarray, "n"]
            y: Float[np.ndarray, "n"]

        @dataclass
        class Plain:
            x: int
        """,
    "deep/__init__.py": "from . import inside",
    "deep/inside.py": "import numpy as np\ndef f(x: np.ndarray): return x\ndef g(x: np.ndarray): return x\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write the package, and forget it afterwards."""
    for name, text in FILES.items():
        path = tmp_path / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    finders = list(sys.meta_path)
    yield tmp_path / PACKAGE
    for hook in tuple(_hook._installed):
        hook.uninstall()
    assert sys.meta_path == finders
    forget()


def forget():
    for name in [each for each in sys.modules if each.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def load(name):
    return importlib.import_module(f"{PACKAGE}.{name}")


def is_guarded(function):
    try:
        return bool(sk.generated_source(function))
    except TypeError:
        return False


# --- what is guarded -----------------------------------------------------------------------------


def test_a_module_in_the_table_is_guarded_as_if_its_author_had_written_it(package):
    with sk.install_import_hook(PACKAGE, worlds={f"{PACKAGE}.preprocess": "numpy"}) as hook:
        module = load("preprocess")
    assert hook.modules == [PACKAGE, f"{PACKAGE}.preprocess"]
    calls = [
        module.annotated,
        module.Filter().run,
        module.Filter.static,
        module.Filter.made,
        module.Filter.Inner().run,
        module.Batch,
        module.Pair,
    ]
    for call in calls:
        call(np.ones(2))
        with pytest.raises(sk.WorldError):
            call([1.0])
    with pytest.raises(sk.WorldError):
        _ = module.Filter().bad
    with pytest.raises(sk.BoundaryError):
        module.number("3")
    assert is_guarded(module.registry["number"].__wrapped__)
    assert is_guarded(module.bare)
    assert is_guarded(module.conditional)


def test_what_opts_out_is_left_alone(package):
    with sk.install_import_hook(PACKAGE, worlds={f"{PACKAGE}.preprocess": "numpy"}):
        module = load("preprocess")
    for function in (module.unchecked, module.marked, module.Filter().debug, module.outer()):
        assert not is_guarded(function)
        function("anything")
    assert not is_guarded(module.Filter.__len__)
    assert module.declared.__wrapped__.__name__ == "declared"
    assert not hasattr(module.declared.__wrapped__, "__wrapped__")  # one guard, the author's own
    assert sk.generated_source(module.declared).count("returns: str") == 1


def test_other_modules_check_what_is_annotated_with_arrays_and_that_alone(package):
    hook = sk.install_import_hook(PACKAGE)
    module = load("util")
    module.shaped(np.ones(2), np.ones(2), how="anything")
    with pytest.raises(sk.ShapeError):
        module.shaped(np.ones(2), np.ones(3))
    with pytest.raises(sk.ShapeError):
        module.Record(np.ones(2), np.ones(3))
    module.plain("anything", 3)
    assert not is_guarded(module.plain)
    assert not is_guarded(module.Plain.__init__)
    module.later("anything")
    # Annotations keep their author's meaning: these are from published packages.
    module.Scaled().times(1.0)
    with pytest.raises(sk.BoundaryError):
        module.Scaled().times("1")
    assert len(list(module.made())) == len(list(module.misannotated(np.ones(2)))) == 1
    with pytest.raises(sk.ShapeError):
        list(module.misannotated(np.ones((2, 2))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module.unknown("anything")
        module.half_known("anything", np.ones((2, 2)))  # not checked, which is reported at the end
    with pytest.raises(sk.ShapeError):
        module.half_known("anything", np.ones((2, 3)))
    with pytest.warns(
        sk.UnguardedWarning, match=r"not checked: half_known\(\) names Thing"
    ) as caught:
        hook.uninstall()
    assert [(each.filename, each.lineno) for each in caught] == [(module.__file__, 19)]


def test_the_longest_pattern_wins_for_modules_classes_and_functions(package):
    worlds = {
        f"{PACKAGE}.*": "unguarded",
        f"{PACKAGE}.deep.inside": "numpy",
        f"{PACKAGE}.deep.inside.g": "unguarded",
        f"{PACKAGE}.preprocess.Filter": "torch",
        f"{PACKAGE}.preprocess.Filter.run": "unguarded",
        f"{PACKAGE}.preprocess.Filter.static": "boundary",
        f"{PACKAGE}.preprocess.Filter.made": "boundary",
        f"{PACKAGE}.preprocess.Filter.bad": "boundary",
        f"{PACKAGE}.preprocess.Filter.Inner": "boundary",
    }
    with sk.install_import_hook(PACKAGE, worlds=worlds):
        preprocess, deep = load("preprocess"), load("deep")
    assert not is_guarded(preprocess.annotated)
    assert not is_guarded(preprocess.Filter().run)
    assert is_guarded(preprocess.Filter.static)
    assert is_guarded(deep.inside.f)
    assert not is_guarded(deep.inside.g)


def test_a_package_may_guard_its_own_modules(package):
    (package / "__init__.py").write_text(
        f"import sekisho as sk\nwith sk.install_import_hook({PACKAGE!r}):\n    from . import util\n"
    )
    assert is_guarded(importlib.import_module(PACKAGE).util.shaped)


def test_a_contradiction_keeps_no_module_from_being_imported(package):
    hook = sk.install_import_hook(PACKAGE, worlds={f"{PACKAGE}.util": "same"})
    util = load("util")
    util.shaped(np.ones(2), np.ones(2))
    with pytest.warns(sk.UnguardedWarning, match="not checked: .* in a same_world funct") as caught:
        hook.uninstall()
    assert caught[0].filename == util.__file__
    assert is_guarded(util.shaped)


def test_lines_and_sources_are_those_of_the_file(package):
    import inspect

    with sk.install_import_hook(PACKAGE):
        module = load("util")
    function = inspect.unwrap(module.shaped)
    assert inspect.getsource(function).startswith("def shaped(x: Float")
    assert function.__code__.co_filename == str(package / "util.py")
    assert "__sekisho_guard__" not in vars(module)


def test_what_was_compiled_is_kept_where_nobody_else_reads_it(package, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    with sk.install_import_hook(PACKAGE):
        assert is_guarded(load("util").shaped)
    kept = package / "__pycache__" / f"util.{sys.implementation.cache_tag}.opt-sekisho.pyc"
    assert kept.exists()
    assert all(".opt-sekisho." in each.name for each in package.glob("__pycache__/*"))


@pytest.mark.parametrize("change", ["source", "table", "broken"])
def test_what_was_kept_is_never_stale(package, monkeypatch, change):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    with sk.install_import_hook(PACKAGE):
        load("util")
    (kept,) = package.glob("__pycache__/util.*")
    before, table = kept.read_bytes(), {}
    if change == "source":
        source = package / "util.py"
        source.write_text(source.read_text("utf-8").replace("def shaped", "def other"), "utf-8")
    elif change == "table":
        table = {f"{PACKAGE}.util": "unguarded"}
    else:
        kept.write_bytes(before[:-9])
    forget()
    with sk.install_import_hook(PACKAGE, worlds=table):
        module = load("util")
    assert hasattr(module, "other" if change == "source" else "shaped")
    assert is_guarded(module.shaped if change == "broken" else getattr(module, "other", None)) == (
        change != "table"
    )
    assert (kept.read_bytes() == before) == (change == "broken")


def test_what_was_kept_is_what_is_executed(package, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for _ in range(2):
        with sk.install_import_hook(PACKAGE) as hook:
            assert is_guarded(load("util").shaped)
            assert f"{PACKAGE}.util.shaped" in hook.names
        forget()
        monkeypatch.setattr("sekisho.package.compiled.compile_module", None)


def test_in_mode_off_nothing_is_guarded(package):
    with sk.mode("off"), sk.install_import_hook(PACKAGE):
        assert not is_guarded(load("util").shaped)


# --- what is reported ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no_such_package",), "there is no package 'no_such_package'"),
        ((f"{PACKAGE}.nothing",), "there is no package 'guarded_package.nothing'"),
        (("not a name",), "expected a package's name, got 'not a name'"),
        ((3,), "expected names of packages, got 3"),
        ((("numpy",),), "numpy has been imported already, unguarded"),
        (
            (PACKAGE, {"preprocess": "numpy"}),
            r"worlds\['preprocess'\]: matches nothing in the guar",
        ),
        ((PACKAGE, {f"{PACKAGE}.util": "mars"}), "expected one of 'numpy', 'torch', .* got 'mars'"),
    ],
)
def test_what_cannot_be_guarded_is_refused_at_once(package, arguments, message):
    name, *table = arguments
    with pytest.raises(sk.DeclarationError, match=message):
        sk.install_import_hook(name, worlds=table[0] if table else None)


@pytest.mark.parametrize("pattern", ["util.missing", "nothing", "no*", "deep.nothing", "*.h"])
def test_a_pattern_that_matches_nothing_in_the_whole_package_is_reported_at_the_end(
    package, pattern
):
    hook = sk.install_import_hook(PACKAGE, worlds={f"{PACKAGE}.{pattern}": "numpy"})
    load("util")
    with pytest.warns(sk.UnguardedWarning, match=r"worlds\['.*'\]: nothing in the package is so "):
        hook.uninstall()


def test_a_pattern_matches_in_any_module_imported_or_not(package):
    """`*` stands for modules, too, including modules that are not imported."""
    worlds = {f"{PACKAGE}.*.shaped": "unguarded", f"{PACKAGE}.*.Filter": "numpy"}
    with sk.install_import_hook(PACKAGE, worlds=worlds) as hook:
        util = load("util")
        assert hook.unmatched() == []
    assert not is_guarded(util.shaped)


UNCHECKABLE = """
    from __future__ import annotations
    import numpy as np
    from jaxtyping import Float

    class Kernel:
        @property
        def factor(self) -> Float[np.ndarray, "p+q d"]:
            return np.ones((5, 2))

        def apply(self, x: Float[np.ndarray, "n k+1"], y: Float[np.ndarray, "n"]): return x

    def first(x: set[Float[np.ndarray, "n"]], y: Float[np.ndarray, "n n"]): return x

    def second(x: Missing, y: Float[np.ndarray, "n n"], z: list[Missing.part[int]] = ()): return x

    def third(x: list[Float[np.ndarray, "q+1 d d"]] | dict[str, Float[np.ndarray, "n"]]): return x
    """


def test_what_cannot_be_checked_is_warned_of_all_in_one_run_and_the_rest_is_checked(package):
    path = package / "hard.py"
    path.write_text(textwrap.dedent(UNCHECKABLE))
    hook = sk.install_import_hook(PACKAGE)
    hard = load("hard")
    hard.third([np.ones((9, 2, 2))])
    with pytest.raises(sk.ShapeError):
        hard.third([np.ones((9, 2, 3))])
    kernel = hard.Kernel()
    assert kernel.factor.shape == (5, 2)
    kernel.apply(np.ones((2, 9)), np.ones(2))
    with pytest.raises(sk.ShapeError):
        kernel.apply(np.ones((2, 9)), np.ones(3))
    for function in (hard.first, hard.second):
        function("anything", np.ones((2, 2)))
        with pytest.raises(sk.ShapeError):
            function("anything", np.ones((2, 3)))
    with pytest.warns(sk.UnguardedWarning) as caught:
        hook.uninstall()
    told = [(each.filename, each.lineno, str(each.message)) for each in caught]
    assert sorted(told) == [
        (
            str(path),
            7,
            "not checked: Kernel.factor() the result: the axis 'p+q' uses 'p', "
            "which no axis before it binds.\n"
            "  hint: an argument in front of it has to have the axis 'p'",
        ),
        (
            str(path),
            11,
            "not checked: Kernel.apply() argument 'x': the axis 'k+1' uses 'k', "
            "which no axis before it binds.\n"
            "  hint: an argument in front of it has to have the axis 'k'",
        ),
        (
            str(path),
            13,
            "not checked: first() argument 'x': set[Float[ndarray, 'n']]: "
            "arrays are not hashable by value, so no set holds them; use a list",
        ),
        (
            str(path),
            15,
            "not checked: second() names Missing, which is defined nowhere when the program runs.\n"
            "  hint: import it outside of TYPE_CHECKING, or define it before the first call",
        ),
        (
            str(path),
            17,
            "not checked: third() argument 'x': the axis 'q+1' uses 'q', "
            "which no axis before it binds.\n"
            "  hint: an argument in front of it has to have the axis 'q'",
        ),
    ]


def test_what_is_imported_for_a_type_checker_only_is_known_if_it_is_imported_anyway(package):
    text = """
        from __future__ import annotations
        from typing import TYPE_CHECKING
        if TYPE_CHECKING:
            import numpy as np
            from jaxtyping import Float
            from .deep import inside

        def f(x: Float[np.ndarray, "n n"], y: inside.Missing | None = None): return x
        """
    (package / "typed.py").write_text(textwrap.dedent(text.replace("inside.Missing | None", "int")))
    with sk.install_import_hook(PACKAGE):
        typed = load("typed")
    assert not hasattr(typed, "np")
    with pytest.raises(sk.ShapeError):
        typed.f(np.ones((2, 3)))
    assert f"{PACKAGE}.deep" not in sys.modules  # the hook imports nothing by itself


def test_where_warnings_are_errors_the_package_is_imported_all_the_same(package):
    (package / "hard.py").write_text(textwrap.dedent(UNCHECKABLE))
    hook = sk.install_import_hook(PACKAGE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hard = load("hard")
        assert hard.Kernel().factor.shape == (5, 2)
        hard.first("anything", np.ones((2, 2)))
    with pytest.warns(sk.UnguardedWarning, match="^not checked: ") as caught:
        hook.uninstall()
    assert [each.lineno for each in caught] == [7, 13]


def test_a_second_hook_on_the_same_package_is_refused(package):
    with sk.install_import_hook(PACKAGE):
        for name in (PACKAGE, f"{PACKAGE}.util"):
            with pytest.raises(sk.DeclarationError, match="is guarded by a hook already"):
                sk.install_import_hook(name)
    sk.install_import_hook(PACKAGE).uninstall()


@pytest.mark.parametrize("library", ["jaxtyping", "beartype", "typeguard"])
def test_a_rival_that_came_first_is_refused(package, library):
    pytest.importorskip(library)
    rivals = {
        "jaxtyping": f"from jaxtyping import install_import_hook as i; i({PACKAGE!r}, None)",
        "beartype": f"from beartype.claw import beartype_package as b; b({PACKAGE!r})",
        "typeguard": f"from typeguard import install_import_hook as i; i([{PACKAGE!r}])",
    }
    code = f"""
import sys
sys.path.insert(0, {str(package.parent)!r})
import sekisho as sk
{rivals[library]}
try:
    with sk.install_import_hook({PACKAGE!r}):
        import {PACKAGE}.util
except sk.DeclarationError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"a hook of {library}" in done.stdout
    assert "remove the one or the other" in done.stdout


def test_beartype_claw_on_another_package_is_not_in_the_way(package):
    code = f"""
import sys
sys.path.insert(0, {str(package.parent)!r})
import sekisho as sk
from beartype.claw import beartype_package
beartype_package("json")
with sk.install_import_hook({PACKAGE!r}):
    import {PACKAGE}.util
print(sk.generated_source({PACKAGE}.util.shaped)[:10])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("def shaped")


def test_a_rival_that_came_later_is_reported_at_the_end(package):
    jaxtyping = pytest.importorskip("jaxtyping")
    hook = sk.install_import_hook(PACKAGE)
    with jaxtyping.install_import_hook(PACKAGE, None):
        load("util")
    with pytest.warns(
        sk.UnguardedWarning, match=r"a loader of jaxtyping._import_hook came first: .*util"
    ):
        hook.uninstall()


# --- pyproject.toml, pytest, IPython --------------------------------------------------------------


def test_pyproject_holds_packages_and_table(package, monkeypatch):
    text = (
        f"[tool.sekisho]\npackages = ['{PACKAGE}']\nworlds = {{'{PACKAGE}.util' = 'unguarded'}}\n"
        "[tool.sekisho.check]\nselect = ['SK101']\n[tool.sekisho.fuzz.\"a.*\"]\nskip = 'why'\n"
    )
    (package.parent / "pyproject.toml").write_text(text)
    monkeypatch.chdir(package)
    with sk.install_import_hook() as hook:
        assert hook.packages == (PACKAGE,)
        assert not is_guarded(load("util").shaped)
        assert is_guarded(load("preprocess").annotated)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no \[tool.sekisho\] with packages"),
        ("[tool.sekisho]\npackages = 'one'", "packages: expected a list of strings, got 'one'"),
        ("[tool.sekisho]\npackage = ['one']", "Did you mean 'packages'"),
        ("[tool.sekisho]\npackages = ['one']\nworlds = 'numpy'", "worlds: expected a table"),
    ],
)
def test_a_section_of_another_form_is_refused(tmp_path, monkeypatch, text, message):
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sk.DeclarationError, match=message):
        sk.install_import_hook()


IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
import sekisho as sk
shell = InteractiveShell.instance()
def run(cell):
    result = shell.run_cell(cell)
    return type(result.error_in_exec).__name__ if result.error_in_exec else result.result
run("%load_ext sekisho")
run("%load_ext sekisho")
run("import numpy as np\\nfrom jaxtyping import Float")
run("def f(x: Float[np.ndarray, 'n n']): return 1")
run("def plain(x: int): return 2")
assert len(shell.ast_transformers) == 1
print(run("f(np.ones((2, 2)))"), run("f(np.ones((2, 3)))"), run("plain('x')"))
run("%sekisho strict to_torch=warn")
print(run("import sekisho; sekisho.get_mode()"), run("%sekisho loose"))
run("%unload_ext sekisho")
run("def g(x: np.ndarray): return 3")
print(run("g('x')"), "__sekisho_guard__" in str(shell.run_line_magic("who_ls", "")))
"""


def test_ipython_guards_the_cells():
    pytest.importorskip("IPython")
    done = subprocess.run(
        [sys.executable, "-c", IPYTHON],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "IPYTHONDIR": "/nonexistent", "SEKISHO_MODE": "convert"},
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("1 ", "strict ", "3 "))]
    assert lines == ["1 ShapeError 2", "strict ValueError", "3 False"]


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "xdist"])
@pytest.mark.parametrize("table", ["[tool.pytest.ini_options]\nsekisho_", "[tool.sekisho]\n"])
def test_pytest_guards_packages_before_any_conftest(package, options, table):
    if options:
        pytest.importorskip("xdist")
    root = package.parent
    (root / "pyproject.toml").write_text(
        f"""{table}packages = ["{PACKAGE}"]
[tool.sekisho.worlds]
"{PACKAGE}.deep" = "unguarded"
"""
    )
    installs = "import sekisho\nsekisho.install_import_hook()\n" * ("sekisho]" in table)
    (root / "conftest.py").write_text(f"{installs}import {PACKAGE}.util, {PACKAGE}.deep")
    (root / "test_it.py").write_text(
        f"""
import numpy as np, pytest, sekisho as sk
from {PACKAGE}.util import shaped
from {PACKAGE}.deep.inside import f
def test_one():
    f("anything")
    with pytest.raises(sk.ShapeError): shaped(np.ones(2), np.ones(3))
def test_two():
    import {PACKAGE}.preprocess
    {PACKAGE}.preprocess.bare("anything")
"""
    )

    def run(*more):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options, *more],
            cwd=root, capture_output=True, text=True, check=False, timeout=120,
        ).stdout  # fmt: skip

    output = run()
    assert "2 passed" in output
    assert f"sekisho: guards {PACKAGE} (from the ini file)" in output
    assert "imported unguarded" not in output
    (root / "conftest.py").write_text("")
    output = run(f"--sekisho-packages={PACKAGE}.preprocess", "-o", "sekisho_mode=strict")
    assert f"guards {PACKAGE}.preprocess (from the command line, over {PACKAGE} in" in output


def test_pytest_refuses_what_cannot_be_guarded(package):
    def run(*options):
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options],
            cwd=package.parent, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    done = run("--sekisho-packages=no_such_package")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "there is no package 'no_such_package'" in done.stderr
    done = run(f"--sekisho-packages={PACKAGE}", "-p", f"{PACKAGE}.util")
    assert "guarded_package has been imported already, unguarded" in done.stderr
