"""Call one function with many inputs that its contract accepts, and report a failure."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from hypothesis import Verbosity, given, seed, settings
from hypothesis.errors import FailedHealthCheck, Flaky, Unsatisfiable

from sekisho.context import mode
from sekisho.errors import DeclarationError
from sekisho.fuzzing.spelling import Spelling
from sekisho.fuzzing.target import calls_of
from sekisho.fuzzing.trial import Demands, Finding, Trial
from sekisho.worlds import world_named

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
        # Around all calls, as each is in strict mode: its hooks take 60 ms to be put in and out.
        with mode("strict"):
            (hold if seeded is None else seed(seeded)(hold))()
    except Finding:
        pass  # Hypothesis runs the smallest failing example last
    # The second is for records whose own validation refuses nearly all that their annotations allow.
    except (Unsatisfiable, FailedHealthCheck):
        raise DeclarationError(
            f"{target.name}(): no input satisfies its contract.\n"
            f"  hint: given={{'argument': strategy}}"
        ) from None
    # a failure that did not repeat is still a failure
    except Flaky:
        if not found:
            raise
    if found:
        raise AssertionError(_report(target, found[-1], demands)) from found[-1].error
    _tell_refusals(target, trial)


def _tell_refusals(target: Target, trial: Trial) -> None:
    """Warn of inputs that a function refuses, and of errors that may be the guess's fault."""
    for (kind, text), _ in trial.refusals.most_common(1):
        which = "every input" if trial.refusals.total() == trial.calls else "inputs"
        name = kind.__name__
        warnings.warn(
            f"{target.name}() refuses {which} that its contract accepts: raise {text}\n"
            f"  hint: name {name} under Raises in its docstring, or allow=({name},)",
            stacklevel=4,
        )
    for (_, text), _ in trial.guesses.most_common(1):
        warnings.warn(
            f"{target.name}() raises {text}: no annotation says which axes its arrays have, so they "
            f"were guessed\n"
            f'  hint: annotate the axes, as in Float[Tensor, "n d"]',
            stacklevel=4,
        )


def _report(target: Target, finding: Finding, demands: Demands) -> str:
    """Say what is wrong, and give the lines that show it."""
    recipe = finding.recipe
    module, name = target.path
    called = name or target.name
    instance = next(iter(target.known.values()), None)
    if instance is not None and not isinstance(instance, type):
        owner = type(instance).__name__.lower()
        called = f"{owner}.{target.call.__name__}"
        spelling = Spelling(called, set())
        spelling.add_instance(owner, instance)
    else:
        spelling = Spelling(called, set())
        if module:
            spelling.imports.add(f"from {module} import {called.partition('.')[0]}")
    spelling.add_call(recipe)
    if finding.compiled:
        spelling.add_compiled(world_named(finding.compiled), demands.compile or {})
    elif finding.again is not None:
        spelling.add_again(finding.again)
    indented = "\n".join(f"    {line}".rstrip() for line in spelling.code().splitlines())
    return f"{target.name}() {finding.text}\n\n{indented}\n"
