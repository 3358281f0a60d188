"""Report a plan: the diff, the evidence for each contract, and what was left out."""

from __future__ import annotations

import fnmatch
import os
from typing import TYPE_CHECKING

from sekisho.deduction import CLAIMS
from sekisho.findings import difference
from sekisho.utils import as_toml, counted, decode, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sekisho.adoption.planning import Choice, Plan

__all__ = ["to_diff", "to_table", "to_text"]


def _shown(path: str) -> str:
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def to_diff(plan: Plan) -> str:
    """Return the planned changes as a unified diff."""
    return "".join(
        difference(_shown(file.path), decode(file.before)[0], decode(file.after)[0])
        for file in plan.files
        if file.before != file.after
    )


def to_text(plan: Plan, patterns: Iterable[str] = ()) -> str:
    """Return the number of calls behind each contract, what the runs contradict, what is left out.

    Args:
        plan: what is written.
        patterns: what the user has selected; a pattern that fits no function is named.
    """
    names = {choice.definition.name for file in plan.files for choice in file.choices}
    unknown = [each for each in patterns if not fnmatch.filter(names, each)]
    lines = [f"--select {each!r}: no function that was called has such a name" for each in unknown]
    for file in plan.files:
        said = [line for choice in file.choices for line in _said_of(choice)]
        if said:
            lines += [_shown(file.path), *said]
    lines += [f"{_shown(each.path)}: {each}" for each in plan.blocks]
    lines += [f"not read: {_shown(each.path)}: {each.why}" for each in plan.skipped]
    lines += _settled([choice for file in plan.files for choice in file.choices])
    edits = [c.edit for file in plan.files for c in file.choices if c.edit is not None]
    annotations = sum(len(edit.annotations) + len(edit.refined) for edit in edits)
    lines.append(f"{counted(len(edits), 'function')}, {counted(annotations, 'annotation')}")
    return "".join(f"{printable(line)}\n" for line in lines)


def _said_of(choice: Choice) -> Iterator[str]:
    name, deduced = choice.definition.name, choice.deduced
    if choice.edit is not None and deduced is not None:
        calls = counted(deduced.calls, "call")
        sizes = (
            f"{deduced.different} different" if deduced.different > 1 else "all of the same sizes"
        )
        if deduced.calls == 1:
            sizes = "no size is certain"
        decorator = choice.edit.decorator or "annotations only"
        yield f"  {choice.definition.line:5}  {name}: {decorator}, {calls}, {sizes}"
    for place, why in choice.left_out:
        where = f"{name}({place})" if place not in {"", "return"} else f"{name}() {place}".rstrip()
        yield f"  {choice.definition.line:5}  {where}: left out: {why}"
    yield from _unsure(choice)
    for each in (*choice.contradicted, *choice.lost_writes):
        yield f"  {choice.definition.line:5}  {name}: {each}"


def _unsure(choice: Choice) -> Iterator[str]:
    """Yield one line for the claims of a function that had too little evidence."""
    by_claim: dict[str, dict[str, list[str]]] = {}
    for each in choice.weaker:
        place = "result" if each.place in {"return", "yield"} else each.place
        places = by_claim.setdefault(each.claim, {}).setdefault(each.seen, [])
        places += [place] if place and place not in places else []
    said = [
        f"{claim} ({'; '.join(_placed(seen, places) for seen, places in by_claim[claim].items())})"
        for claim in CLAIMS
        if claim in by_claim
    ]
    if said:
        yield f"  {choice.definition.line:5}  {choice.definition.name}: not certain: {', '.join(said)}"


def _placed(seen: str, places: list[str]) -> str:
    return f"{', '.join(places)}: {seen}" if places else seen


def _settled(choices: list[Choice]) -> Iterator[str]:
    """Yield what would settle each claim that was left open anywhere."""
    claims = {each.claim for choice in choices for each in choice.weaker}
    found = [(name, claim) for name, claim in CLAIMS.items() if name in claims and claim.settle]
    if found:
        yield "what would settle what is not certain:"
        yield from (f"  {name}: {claim.settle}" for name, claim in found)


def to_table(plan: Plan, modules: dict[str, str], package: str) -> str:
    """Return the table for the import hook, as ``pyproject.toml`` has it.

    Args:
        plan: the plan.
        modules: the module name of each file.
        package: the package to guard.
    """
    worlds: dict[str, str] = {}
    for file in plan.files:
        for choice in file.choices:
            if choice.deduced is None or not choice.deduced.kind or choice.definition.why_not:
                continue
            # A boundary converts nothing, so it loses no writes. The table has no finer option.
            kind = "boundary" if choice.lost_writes else choice.deduced.kind
            worlds[f"{modules[file.path]}.{choice.definition.name}"] = kind
    lines = ["[tool.sekisho]", f"packages = [{as_toml(package)}]", "", "[tool.sekisho.worlds]"]
    lines += [
        f"{as_toml(name)} = {as_toml(kind.removesuffix('_world'))}" for name, kind in worlds.items()
    ]
    return "".join(f"{line}\n" for line in lines)
