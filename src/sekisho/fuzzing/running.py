"""Call one function with many inputs that its contract accepts, and report a failure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import Verbosity, given, seed, settings
from hypothesis.errors import Flaky, Unsatisfiable

from sekisho.errors import DeclarationError
from sekisho.fuzzing.target import calls_of
from sekisho.fuzzing.trial import Demands, Finding, Trial

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sekisho.fuzzing.recipes import CallRecipe
    from sekisho.fuzzing.target import Target

__all__ = ["fuzz_target"]


def fuzz_target(
    target: Target,
    demands: Demands,
    strategies: Mapping[str, Any],
    *,
    examples: int,
    hostile: bool,
    most: int,
    seeded: int | None,
) -> None:
    """Call a function with `examples` inputs.

    Raises:
        AssertionError: if a call fails; the message shows the smallest failing input as code.
        DeclarationError: if no inputs can be made.
    """
    unknown = sorted(demands.mutates - {each.name for each in target.contract.parameters})
    if unknown:
        raise DeclarationError(f"{target.name}() has no parameter '{unknown[0]}' to change.")
    calls = calls_of(target, strategies, hostile=hostile, writes=demands.mutates, most=most)
    trial = Trial(target, demands, hostile=hostile)
    found: list[Finding] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    @given(calls)
    def hold(recipe: CallRecipe) -> None:
        try:
            trial.run(recipe)
        except Finding as finding:
            found.append(finding)
            raise

    try:
        # without a seed, Hypothesis draws other inputs in each run
        (hold if seeded is None else seed(seeded)(hold))()
    except Finding:
        pass  # Hypothesis runs the smallest failing example last
    except Unsatisfiable:
        raise DeclarationError(f"{target.name}(): no input satisfies its contract.") from None
    # a failure that did not repeat is still a failure
    except Flaky:
        if not found:
            raise
    if found:
        raise AssertionError(_report(target, found[-1])) from found[-1].error


def _report(target: Target, finding: Finding) -> str:
    """Return what is wrong, and the lines of code that show it."""
    recipe = finding.recipe
    module, name = target.path
    called = name or target.name
    lines = recipe.spell(called, finding.again)
    body = "\n".join(lines)
    libraries = sorted({each.world for _, each in recipe.arrays()} | {"numpy", "sekisho"})
    imports = [f"import {each}" for each in libraries if f"{each}." in body]
    words = [word for word in ("inf", "nan") if re.search(rf"\b{word}\b", body)]
    if words:
        imports.insert(0, f"from math import {', '.join(words)}")
    if module:
        imports.append(f"from {module} import {called.partition('.')[0]}")
    code = "\n".join([*imports, "", *lines] if imports else lines)
    indented = "\n".join(f"    {line}".rstrip() for line in code.splitlines())
    return f"{target.name}() {finding.text}\n\n{indented}\n"
