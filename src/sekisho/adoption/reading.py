"""What the map report says of recorded functions: their worlds, including all that they call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sekisho.adoption.compiled import compiled_in
from sekisho.adoption.scripts import Block, top_level_blocks
from sekisho.inference import called_by, is_unknown, survey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sekisho.inference import Solution

__all__ = ["Reading", "read_solution"]

_CROSSES = "boundary"


class Reading(NamedTuple):
    """What the map report says of files.

    Attributes:
        worlds: the worlds of functions, by path and line of ``def``; ``boundary`` if they cross.
        telling: the attributes that only arrays of one world have, and that world.
        blocks: the code at the top of modules that works with arrays.
        compiled: the functions that the code passes to torch.jit, by path and line of ``def``.
    """

    worlds: Mapping[tuple[str, int], str] = {}
    telling: Mapping[str, str] = {}
    blocks: tuple[Block, ...] = ()
    compiled: frozenset[tuple[str, int]] = frozenset()


def read_solution(solution: Solution, seen: Collection[tuple[str, str]]) -> Reading:
    """Read what a solved program says of its functions.

    Args:
        solution: the solved program.
        seen: the functions that were called, by real path and qualified name. A decorator will mark
            those that cross. A function that crosses without a decorator makes its callers cross,
            too.
    """
    functions = {each.unit.name: each for each in survey(solution)}
    paths = {name: os.path.realpath(each.file.path) for name, each in functions.items()}
    calls = called_by(solution)
    crossing = {name for name, each in functions.items() if each.world == _CROSSES}
    hidden = {name for name in crossing if (paths[name], name.partition(":")[2]) not in seen}
    # crossing spreads to callers until a caller has a decorator
    while True:
        more = {name for name in functions if name not in crossing and calls[name] & hidden}
        if not more:
            break
        crossing |= more
        hidden |= {name for name in more if (paths[name], name.partition(":")[2]) not in seen}
    worlds = {
        (paths[name], each.line): _CROSSES if name in crossing else each.world
        for name, each in functions.items()
        # With an unknown value, the branch that crosses may be the one that runs.
        if name in crossing or not any(is_unknown(v.value) for v in each.variables)
    }
    scripted = compiled_in(solution) & functions.keys()
    return Reading(
        worlds,
        solution.knowledge.exclusive,
        tuple(top_level_blocks(solution)),
        frozenset((paths[name], functions[name].line) for name in scripted),
    )
