"""The pytest plugin, run as a user runs it: in its own project."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Not importorskip: pytester forgets modules that a test imports, which torch does not survive.
needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="no torch")
needs_xdist = pytest.mark.skipif(not importlib.util.find_spec("xdist"), reason="no pytest-xdist")

CHECK = """
import os
import pytest
import sekisho as sk

def test_mode():
    assert sk.get_mode() == {mode!r}
    assert os.environ.get("SEKISHO_MODE", "convert") == {mode!r}
"""


@pytest.fixture
def project(pytester, monkeypatch):
    monkeypatch.delenv("SEKISHO_MODE", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    return pytester


def run(project, *options):
    return project.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_one_line_in_the_ini_makes_a_run_strict(project):
    project.makeini("[pytest]\nsekisho_mode = strict\n")
    project.makepyfile(CHECK.format(mode="strict"))
    result = run(project)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("sekisho: mode strict (from the ini file)")


def test_the_command_line_wins_and_the_header_says_so(project):
    project.makeini("[pytest]\nsekisho_mode = strict\n")
    project.makepyfile(CHECK.format(mode="warn"))
    result = run(project, "--sekisho-mode=warn", "--import-mode=importlib")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        "sekisho: mode warn (from the command line, over strict in the ini *"
    )


def test_without_configuration_a_run_is_as_it_was(project):
    project.makepyfile(CHECK.format(mode="convert"))
    result = run(project)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*sekisho: mode*")
    result.stdout.no_fnmatch_line("*crossings*")


def test_without_configuration_the_plugin_imports_nothing():
    code = (
        "import sys, pytest, pytest_sekisho; "
        "print([m for m in ('sekisho', 'numpy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("options", [["--sekisho-mode=loose"], ["-o", "sekisho_mode=loose"]])
def test_an_unknown_mode_is_a_usage_error(project, options):
    project.makepyfile(CHECK.format(mode="convert"))
    result = run(project, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        "*sekisho_mode = loose: expected one of 'convert', 'warn', 'strict', 'off', got 'loose'."
    )


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("strict to_mars=warn", "expected to_numpy=..., to_torch=...* got 'to_mars=warn'."),
        (
            "strict to_torch=no",
            "expected to_torch to be one of 'allow', 'warn', 'refuse', *'no'.",
        ),
        ("off to_torch=warn", "mode 'off' looks at nothing, so it takes no level."),
    ],
)
def test_an_unknown_level_is_a_usage_error(project, mode, message):
    project.makepyfile(CHECK.format(mode="convert"))
    result = run(project, f"--sekisho-mode={mode}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(f"*sekisho_mode = {mode}: {message}")


@needs_torch
def test_levels_by_ini_and_by_marker(project):
    project.makeini("[pytest]\nsekisho_mode = strict to_torch=allow\n")
    project.makepyfile("""
        import os
        import numpy as np, torch, pytest
        import sekisho as sk

        @sk.torch_world
        def f(x: torch.Tensor): ...

        def test_ini():
            assert os.environ["SEKISHO_MODE"] == "strict to_torch=allow"
            f(np.ones(2))

        @pytest.mark.sekisho_mode("strict", to_torch="refuse")
        def test_marker():
            with pytest.raises(sk.WorldError):
                f(np.ones(2))
    """)
    result = run(project)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines("sekisho: mode strict to_torch=allow (from the ini file)")


@needs_torch
def test_a_body_that_catches_our_error_fails_its_test_at_the_end(project):
    project.makepyfile("""
        import contextlib
        import torch, pytest
        import sekisho as sk

        @sk.torch_world
        def f(x: torch.Tensor):
            with contextlib.suppress(Exception):
                x.numpy()

        @pytest.fixture
        def teardown():
            yield
            f(torch.ones(1))

        def test_body(): f(torch.ones(1))
        def test_teardown(teardown): ...
        def test_raises():
            with pytest.raises(KeyError): raise KeyError
    """)
    result = run(project, "--sekisho-mode=strict")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(
        [
            "a crossing was refused, and the function went on:",
            "f() body: expected PyTorch only, got torch.Tensor.numpy of float32[[]1[]] (PyTorch).",
        ]
    )


def test_the_nearest_marker_is_the_mode_of_a_test_and_its_fixtures(project):
    project.makepyfile("""
        import pytest
        import sekisho as sk

        @pytest.fixture
        def seen():
            return sk.get_mode()

        @pytest.mark.sekisho_mode("strict")
        class TestClass:
            def test_class(self, seen):
                assert sk.get_mode() == seen == "strict"

            @pytest.mark.sekisho_mode("off")
            def test_function(self, seen):
                assert sk.get_mode() == seen == "off"

        def test_other():
            assert sk.get_mode() == "warn"
    """)
    run(project, "--sekisho-mode=warn", "--strict-markers").assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "arguments",
    [
        "'loose'",
        "",
        "'strict', 'off'",
        "name='strict'",
        "'strict', to_mars='warn'",
        "'off', to_numpy='warn'",
    ],
)
def test_a_marker_that_names_no_mode_is_refused(project, arguments):
    project.makepyfile(f"""
        import pytest

        @pytest.mark.sekisho_mode({arguments})
        def test(): ...
    """)
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*::test: sekisho_mode(*): *")


def test_a_marker_with_levels_in_its_text_shows_how_they_are_written(project):
    project.makepyfile("""
        import pytest

        @pytest.mark.sekisho_mode("strict to_numpy=allow")
        def test(): ...
    """)
    result = run(project)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*hint: sekisho_mode('strict', to_numpy='allow')*")


@needs_torch
def test_fixtures(project):
    project.makepyfile("""
        import numpy as np, torch, pytest
        import sekisho as sk

        double = sk.numpy_world(lambda x: x * 2)

        def test_strict(sekisho_strict):
            with pytest.raises(sk.WorldError):
                double(torch.ones(2))

        def test_crossings(crossings):
            double(torch.ones(2))
            assert [crossing.place for crossing in crossings] == ["argument 'x'"]
    """)
    run(project).assert_outcomes(passed=2)


CROSSING = """
import numpy as np, torch, pytest
import sekisho as sk

double = sk.torch_world(lambda x: x * 2)

@pytest.mark.parametrize("n", range(4))
def test(n):
    double(np.ones(4))
"""


@needs_torch
@pytest.mark.parametrize("workers", [[], pytest.param(["-n2"], marks=needs_xdist)])
def test_the_report_sums_the_crossings_of_the_run(project, workers):
    project.makepyfile(CROSSING)
    result = run(project, "--sekisho-report", *workers)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "*= crossings =*",
            "crossings *",
            "*.py:8  <lambda>  argument 'x'  numpy -> torch (float64)      4  128 B *",
            "total *",
        ]
    )


PLAIN = """
import numpy as np, pytest, torch

@pytest.mark.parametrize("n", range(4))
def test(n):
    torch.from_numpy(np.ones(4))
"""


@needs_torch
@pytest.mark.parametrize("workers", [[], pytest.param(["-n2"], marks=needs_xdist)])
def test_the_report_of_everywhere_has_what_crosses_without_a_guard(project, workers):
    project.makepyfile(PLAIN)
    result = run(project, "--sekisho-report=everywhere", *workers)
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(
        [
            "*= crossings =*",
            "crossings *",
            "*.py:5 * test *torch.from_numpy  numpy -> torch (float64)      4  128 B *% *",
            "total *",
        ]
    )


def test_a_scope_of_the_report_that_is_none_is_refused(project):
    result = run(project, "--sekisho-report", "tests")
    result.stderr.fnmatch_lines(
        ["*--sekisho-report: expected guards or everywhere, got 'tests'; paths stand before it, *"]
    )


@needs_xdist
def test_workers_of_xdist_are_in_the_mode_of_the_run(project):
    project.makepyfile(CHECK.format(mode="strict"))
    run(project, "--sekisho-mode=strict", "-n2").assert_outcomes(passed=1)


@needs_torch
def test_the_page_about_ci_runs_as_it_stands(project):
    page = (Path(__file__).parent.parent / "docs" / "howto" / "ci.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    project.makeini("[pytest]\nsekisho_mode = strict\n")
    project.makepyfile(program)
    run(project).assert_outcomes(passed=2)
