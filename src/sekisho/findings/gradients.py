"""SK111: tensors that NumPy cannot read, because they require grad or are on a device."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from sekisho.findings.reasons import make_finding, notes_of, since
from sekisho.inference import DEVICE, events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sekisho.findings.finding import Finding
    from sekisho.inference import Function, Solution, Unit

__all__ = ["find_unreadable"]

_FREEZES: Final = re.compile(r"requires_grad_?\s*[=(]\s*False|set_grad_enabled")
_TURNS_OFF: Final = re.compile(r"no_grad|inference_mode|set_grad_enabled")
_PLAIN_BASES: Final = frozenset({"abc:ABC", "typing:Protocol", "typing:Generic", "builtins:object"})


def find_unreadable(solution: Solution, function: Function) -> Iterator[Finding]:
    """Find SK111."""
    for line, column, name, (shown, state, world) in notes_of(function, events.UNREADABLE):
        if not state & DEVICE:
            # a tensor on a device raises in any mode; one that requires grad only with gradients on
            modes = _modes(solution)
            if modes.freezes or function.unit.name not in modes.on:
                continue
        why = "is not on the host" if state & DEVICE else "requires grad"
        yield make_finding(
            function,
            line,
            column,
            "SK111",
            f"{name or 'a tensor'} {why}, and {shown} reads its memory: it raises",
            reason=since(solution, function, name, line, world),
            help=f"write {name}.detach().cpu().numpy()",
            subject=f"{shown} {name}",
        )


class _Modes:
    """Where a program computes gradients.

    Attributes:
        freezes: whether any code turns off ``requires_grad`` of parameters.
        on: the units that certainly run with gradients on.
    """

    def __init__(self, solution: Solution) -> None:
        self.freezes = any(_FREEZES.search(each.text) for each in solution.program.files.values())
        calls: dict[str, set[str]] = {}
        called: set[str] = set()
        for name, outcome in solution.outcomes.items():
            for fact in outcome.given:
                if fact[:2] in {"c ", "x "}:
                    called.add(fact[2:])
                    if fact[0] == "c":
                        calls.setdefault(name, set()).add(fact[2:])
        turns_off = {
            key
            for key, file in solution.program.files.items()
            if _TURNS_OFF.search(file.text) is not None
        }
        todo = [each.name for each in solution.units if _is_root(solution, each, called, turns_off)]
        off = {each.name for each in solution.units if each.traits & {"no_grad", "inference_mode"}}
        self.on: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in self.on and name not in off:
                self.on.add(name)
                todo += calls.get(name, ())


_known: WeakKeyDictionary[object, _Modes] = WeakKeyDictionary()


def _modes(solution: Solution) -> _Modes:
    found = _known.get(solution.knowledge)
    if found is None:
        found = _known[solution.knowledge] = _Modes(solution)
    return found


def _is_root(solution: Solution, unit: Unit, called: set[str], turns_off: set[str]) -> bool:
    """Return whether only code outside of the program calls a unit, with gradients on."""
    if not unit.line:
        return True
    last = unit.name.rpartition(".")[2].rpartition(":")[2]
    if unit.name in called or unit.key in turns_off:
        return False
    if not unit.owner or last.startswith("test_"):
        return True
    program, knowledge = solution.program, solution.knowledge
    # A framework's base class may call methods with gradients off. A module's forward is trained.
    bases = [each for each in program.mro(unit.owner) if not program.is_own(each)]
    is_whole = len(program.bases(unit.owner)) == sum(
        each[0] == "class" for each in program.bases(unit.owner)
    )
    if knowledge.is_module(unit.owner):
        return is_whole and last == "forward"
    return is_whole and set(bases) <= _PLAIN_BASES
