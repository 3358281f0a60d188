"""What fuzzing finds, reports and ignores."""

import asyncio
import os
import textwrap
import time
import warnings

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from jaxtyping import Float, Float32, Float64, Int64

import sekisho as sk
from sekisho.testing import fuzz

A = np.ndarray


def found_in(function, **options):
    with pytest.raises(AssertionError) as caught:
        fuzz(function, seed=0, **options)
    return str(caught.value)


def code_of(report):
    """Return the lines of code in a report."""
    lines = [line for line in report.splitlines() if line.startswith("    ") or not line]
    return textwrap.dedent("\n".join(lines[lines.index("") :]))


# --- the planted bugs


@pytest.fixture(scope="module")
def planted():
    pytest.importorskip("torch")
    import importlib.util
    import pathlib
    import sys

    path = pathlib.Path(__file__).with_name("planted.py")
    spec = importlib.util.spec_from_file_location("planted_bugs", path)
    module = sys.modules["planted_bugs"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["planted_bugs"]


def missed_and_false(planted, number):
    missed, false = [], []
    for each in planted.PLANTED:
        try:
            fuzz(each.broken, seed=number, **each.options)
            missed.append(each.broken.__name__)
        except AssertionError:
            pass
        try:
            fuzz(each.mended, seed=number, **each.options)
        except AssertionError as error:
            false.append(str(error))
    return missed, false


def test_planted_bugs_are_found_and_the_code_of_the_report_shows_them(planted):
    assert len(planted.PLANTED) >= 30
    missed = []
    for each in planted.PLANTED[::3]:  # the slow test has all of them, and the repaired ones
        try:
            fuzz(each.broken, seed=0, **each.options)
            missed.append(each.broken.__name__)
            continue
        except AssertionError as error:
            report = str(error)
        assert report.startswith(f"{each.broken.__name__}() ")
        assert shows(code_of(report), report), report
        fuzz(each.mended, seed=0, **each.options)
    assert missed == []


def shows(code, report):
    """Return whether the code of a report, when run, does what the report says."""
    scope = {}
    try:
        with sk.mode("strict"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(code, scope)
    except sk.MutationError:
        return "changes its argument" in report
    except Exception as error:
        return str(error).splitlines()[0].strip() in report
    return "changes its argument" in report or "gives another result" in report


@pytest.fixture
def without_shrinking():
    before = settings.get_current_profile_name()
    settings.register_profile("first", settings(), phases=[Phase.generate])
    settings.load_profile("first")
    yield
    settings.load_profile(before)


@pytest.mark.slow
@pytest.mark.usefixtures("without_shrinking")
def test_planted_bugs_are_found_whatever_the_seed_and_repaired_functions_pass(planted):
    for number in range(10):
        missed, false = missed_and_false(planted, number)
        assert false == []
        assert len(missed) <= len(planted.PLANTED) - 28, missed


# --- what is said


@sk.numpy_world
def peak(x: Float32[A, "n"]) -> np.float32:
    return x.max()


@sk.numpy_world
def shifted(x: Float32[A, "h w"], by: float) -> Float32[A, "h w"]:
    if x.flags.writeable and x.size and x.flat[0] > by:
        x.flat[0] = by
    return x


@sk.numpy_world
def sizes(x: Float64[A, "h w"]) -> Int64[A, "2"]:
    return np.array(x.strides)


@sk.numpy_world
def swapped(x: Float32[A, "h w"]) -> Float32[A, "w h"]:
    return np.array(x)


def test_an_error_is_told_with_the_call_that_raises_it():
    assert found_in(peak) == (
        "peak() raises ValueError: zero-size array to reduction operation maximum which has no "
        "identity\n"
        "\n"
        "    import numpy\n"
        f"    from {__name__} import peak\n"
        "\n"
        "    x = numpy.asarray([], dtype='float32').reshape((0,))\n"
        "    peak(x)\n"
    )


def test_a_changed_argument_is_told():
    report = found_in(shifted)
    assert report.startswith("shifted() changes its argument 'x'")
    assert "    shifted(x, " in report


def test_another_result_in_another_layout_is_told():
    report = found_in(sizes)
    first, *_ = report.splitlines()
    assert first.startswith("sizes() gives another result where the values lie contiguously, not ")
    assert "  # " in report


def test_a_broken_contract_is_told_as_the_guard_tells_it():
    report = found_in(swapped)
    assert report.startswith(
        "swapped() breaks a contract: swapped() the result: expected "
        'Float32[ndarray, "w h"], got float32[2, 3] (NumPy).\n'
        "  axis 'w' is 3 (from argument 'x'), but axis 0 of the result is 2\n"
    )
    assert report.endswith(
        "    x = numpy.asarray([[-1.25, -1.0, -0.75], [-0.5, -0.25, 0.0]], dtype='float32')\n"
        "    swapped(x)\n"
    )


def test_the_error_of_the_function_is_the_cause():
    with pytest.raises(AssertionError) as caught:
        fuzz(peak, seed=0)
    assert isinstance(caught.value.__cause__, ValueError)


def test_a_large_array_is_spelt_by_what_it_repeats():
    @sk.numpy_world
    def f(x: Float32[A, "100 100"]) -> Float32[A, "100"]:
        return x

    report = found_in(f)
    assert "numpy.resize([" in report
    assert len(report) < 1500
    scope = {"f": lambda x: scope.update(x=x)}
    exec(code_of(report), scope)
    assert scope["x"].shape == (100, 100)


def test_arrays_in_containers_are_spelt():
    @sk.numpy_world
    def f(batch: dict[str, list[Float32[A, "n"]]]) -> None:
        if any(each.size > 1 for arrays in batch.values() for each in arrays):
            raise KeyError("here")

    report = found_in(f)
    assert "raises KeyError" in report
    scope = {"f": lambda batch: scope.update(batch=batch)}
    exec(code_of(report), scope)
    assert [each.size for each in scope["batch"].popitem()[1]] == [2]


# --- what is allowed


@pytest.mark.parametrize(
    "docstring",
    [
        "Do.\n\n    Raises:\n        ValueError: if there is none.\n    ",
        "Do.\n\n    Raises\n    ------\n    TypeError, ValueError\n        if there is none.\n    ",
        "Do.\n\n    :raises ValueError: if there is none.\n    ",
    ],
    ids=["Google", "NumPy", "Sphinx"],
)
def test_an_error_that_the_docstring_names_is_declared(docstring):
    def f(x: Float32[A, "n"]) -> np.float32:
        return x.max()

    with pytest.raises(AssertionError):
        fuzz(f, seed=0)
    f.__doc__ = docstring
    fuzz(f, seed=0)


def test_an_error_that_is_allowed_is_no_bug():
    fuzz(peak, allow=(ValueError,), seed=0)


def test_an_argument_that_may_be_changed_gets_memory_that_can_be_written():
    fuzz(shifted, mutates=["x"], seed=0)
    with pytest.raises(sk.DeclarationError, match="no parameter 'y' to change"):
        fuzz(shifted, mutates=["y"])


def test_a_function_that_writes_is_tried_with_inputs_that_are_shared():
    torch = pytest.importorskip("torch")
    seen = []

    @sk.torch_world(on_foreign="convert")
    def fill(out: Float32[torch.Tensor, "n"]) -> None:
        seen.append(out.data_ptr())
        out.fill_(7)

    fuzz(fill, mutates=["out"], seed=0)
    assert len(seen) > 100


def test_a_write_that_is_lost_further_in_is_told_as_such():
    torch = pytest.importorskip("torch")

    @sk.torch_world(on_foreign="convert")
    def fill(out: Float32[torch.Tensor, "n"]) -> None:
        out.fill_(7)

    @sk.numpy_world
    def f(out: Float32[A, "n"]) -> None:
        fill(out)

    report = found_in(f, mutates=["out"])
    assert report.startswith(
        "f() loses a write: fill() argument 'out': expected no write in place, got a write that is lost.\n"
        "  'out' was copied (it"
    )

    @sk.numpy_world(casting="safe")
    def add(x: Float64[A, "n"]) -> None:
        x += 1

    @sk.numpy_world
    def g(x: Float32[A, "n"]) -> None:
        add(x)

    report = found_in(g, mutates=["x"])
    assert report.startswith(
        "g() loses a write: sekisho: 'x' was copied (it was cast from float32)"
    )


def test_results_may_differ_as_far_as_is_said():
    @sk.numpy_world
    def f(x: Float64[A, "n"]) -> Float64[A, "n"]:
        return x + (0.01 if x.flags.c_contiguous else 0)

    assert "gives another result" in found_in(f)
    fuzz(f, rtol=0.1, seed=0)


def test_a_function_that_draws_numbers_is_left_alone():
    generator = np.random.default_rng(0)

    @sk.numpy_world
    def f(x: Float64[A, "n"]) -> Float64[A, "n"]:
        return generator.random(x.shape)

    fuzz(f, seed=0)


def test_warnings_of_libraries_are_none_of_its_business():
    @sk.numpy_world
    def f(x: Float64[A, "n"]) -> Float64[A, "n"]:
        return x - np.mean(x) if x.size else np.log(x)

    fuzz(f, seed=0)


def test_functions_that_are_only_annotated_are_held_to_that():
    def f(x: Float32[A, "n"]) -> Float32[A, "n"]:
        return x.astype(np.float64)

    assert "expected Float32" in found_in(f)


# --- functions of all kinds


def test_generators_and_coroutines_are_run_to_their_end():
    @sk.numpy_world
    def rows(x: Float32[A, "n d"]):
        yield from x
        raise KeyError

    @sk.numpy_world
    async def later(x: Float32[A, "n"]) -> Float32[A, "n"]:
        await asyncio.sleep(0)
        return x[1:]

    assert "raises KeyError" in found_in(rows)
    assert "expected Float32" in found_in(later)


def test_methods_are_called_on_their_instance():
    class Scale:
        by = 0

        @sk.numpy_world
        def one(self, x: Float32[A, "n"]) -> Float32[A, "n"]:
            return x / self.by if self.by else 1 // self.by * x

    report = found_in(Scale().one)
    assert report.startswith("Scale.one() raises ZeroDivisionError")


def test_what_no_annotation_tells_is_given():
    @sk.numpy_world
    def f(x: Float32[A, "n"], how) -> Float32[A, "n"]:
        return x if how == "so" else None

    fuzz(f, given={"how": st.just("so")}, seed=0)
    with pytest.raises(sk.DeclarationError, match="argument 'how': no inputs"):
        fuzz(f)


def test_crossings_that_nobody_declared_are_found(torch):
    @sk.torch_world
    def f(x: Float32[torch.Tensor, "n"]) -> Float32[torch.Tensor, "n"]:
        return torch.as_tensor(np.exp(x.detach()))

    assert "expected PyTorch only, got torch.Tensor" in found_in(f)


def test_a_function_of_any_world_does_the_same_in_each(torch):
    @sk.same_world
    def f(x: Float[sk.Array, "n"]) -> Float[sk.Array, "n"]:
        return x * (2 if sk.is_torch(x) else 3)

    assert "gives another result in " in found_in(f)


def test_the_worlds_to_be_tried_are_named(torch):
    jax = pytest.importorskip("jax")

    @sk.same_world
    def f(x: Float32[sk.Array, "n"]) -> Float32[sk.Array, "n"]:
        return x * (2 if isinstance(x, jax.Array) else 3)

    fuzz(f, seed=0)
    assert "in JAX" in found_in(f, worlds=("numpy", "jax"))


def test_a_world_that_cannot_have_the_dtype_is_not_tried():
    pytest.importorskip("jax")  # with 64-bit dtypes turned off

    @sk.same_world
    def f(x: Float64[sk.Array, "n"]) -> Float64[sk.Array, "n"]:
        return x + 1

    fuzz(f, worlds=("numpy", "jax"), seed=0)


# --- functions that misbehave


def test_a_function_that_never_returns_is_ended():
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> None:
        while x.size:
            time.sleep(0.01)

    start = time.monotonic()
    assert "f() has not returned after 0.1 seconds" in found_in(f, seconds=0.1)
    assert time.monotonic() - start < 120


def test_a_function_that_never_returns_is_ended_in_another_thread():
    import threading

    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> None:
        while x.size:
            pass

    said = []
    thread = threading.Thread(target=lambda: said.append(found_in(f, seconds=0.1)))
    thread.start()
    thread.join(120)
    assert "has not returned" in said[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_function_that_forks_is_tried_in_one_process():
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> int:
        child = os.fork()
        if child:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 70
        return child

    fuzz(f, examples=5, hostile=False, seed=0)


def test_a_function_that_prints_is_let(capsys):
    @sk.numpy_world
    def f(x: Float32[A, "n"]) -> None:
        print("here")  # noqa: T201

    fuzz(f, examples=3, hostile=False, seed=0)
    assert "here" in capsys.readouterr().out


def test_memory_is_bounded():
    def f(x: Float32[A, "n m n*m"]) -> None:
        assert x.size <= 100

    fuzz(f, most_elements=100, seed=0)


# --- pytest

PACKAGE = """
    import numpy as np
    import sekisho as sk
    from jaxtyping import Float32

    @sk.numpy_world
    def peak(x: Float32[np.ndarray, "n"]) -> np.float32:
        return x.max()

    @sk.numpy_world
    def same(x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
        return x + 1

    @sk.numpy_world
    def unknown(x: Float32[np.ndarray, "n"], how):
        return x

    class Scale:
        def __init__(self, by: int = 2):
            self.by = by

        @sk.numpy_world
        def run(self, x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
            return x * self.by

        @staticmethod
        @sk.numpy_world
        def half(x: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
            return x / 2

    def plain(x):
        return x
"""


@pytest.fixture
def package(pytester, monkeypatch):
    pytester.mkpydir("mine")
    pytester.path.joinpath("mine", "inner.py").write_text(textwrap.dedent(PACKAGE))
    monkeypatch.setenv("PYTHONPATH", str(pytester.path))
    return pytester


def run_pytest(pytester, *arguments):
    return pytester.runpytest_subprocess("--sekisho-fuzz=mine", "-rs", *arguments)


def test_each_guarded_function_of_a_package_is_a_test(package):
    result = run_pytest(package)
    result.assert_outcomes(failed=1, passed=3, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*fuzz?mine.inner.peak?*",
            "peak() raises ValueError: zero-size array to reduction operation *",
            "    from mine.inner import peak",
            "*unknown() argument 'how': no inputs can be made of it, since it is not annotated.*",
        ]
    )


def test_these_tests_are_chosen_like_any_other(package):
    run_pytest(package, "-k", "Scale").assert_outcomes(passed=2, deselected=3)
    listed = run_pytest(package, "-k", "Scale", "--collect-only")
    listed.stdout.fnmatch_lines("*2/5 tests collected (3 deselected)*")


def test_a_project_says_what_its_functions_may_do(package):
    package.makepyprojecttoml(
        """
        [tool.sekisho.fuzz."mine.inner.peak"]
        allow = ["ValueError"]

        [tool.sekisho.fuzz."mine.inner.Scale.*"]
        skip = "later"
        """
    )
    run_pytest(package).assert_outcomes(passed=2, skipped=3)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            'says = ["ValueError"]',
            "there is no setting 'says'. There are allow, mutates, rtol, compile, skip",
        ),
        ('allow = ["Nothing"]', "'Nothing' is no error"),
    ],
)
def test_a_table_that_says_nonsense_is_refused(table, text, package):
    package.makepyprojecttoml(f'[tool.sekisho.fuzz."mine.inner.peak"]\n{table}')
    result = run_pytest(package)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{text}*"])


def test_a_package_that_is_not_there_is_refused(pytester):
    result = pytester.runpytest_subprocess("--sekisho-fuzz=nowhere")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--sekisho-fuzz=nowhere: No module named 'nowhere'*"])
