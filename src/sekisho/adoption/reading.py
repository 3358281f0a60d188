"""What the map tells of functions that were seen: whose world each is in, with all that it calls."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sekisho.adoption.scripts import Block, top_level_blocks
from sekisho.inference import called_by, is_unknown, survey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sekisho.inference import Solution

__all__ = ["Reading", "read_solution"]

_CROSSES = "boundary"


class Reading(NamedTuple):
    """What the map tells of files.

    Attributes:
        worlds: whose world functions are in, by path and line of ``def``: ``boundary`` if they cross.
        telling: the attributes that the arrays of one world alone have, and whose.
        blocks: the code at the top of modules that works with arrays.
    """

    worlds: Mapping[tuple[str, int], str] = {}
    telling: Mapping[str, str] = {}
    blocks: tuple[Block, ...] = ()


def read_solution(solution: Solution, seen: Collection[tuple[str, str]]) -> Reading:
    """Read a map.

    Args:
        solution: the map.
        seen: the functions that were called, by real path and qualified name: of those a decorator
            says that they cross. What else crosses has none, so whatever calls it crosses, too.
    """
    functions = {each.unit.name: each for each in survey(solution)}
    paths = {name: os.path.realpath(each.file.path) for name, each in functions.items()}
    calls = called_by(solution)
    crossing = {name for name, each in functions.items() if each.world == _CROSSES}
    hidden = {name for name in crossing if (paths[name], name.partition(":")[2]) not in seen}
    while True:
        more = {name for name in functions if name not in crossing and calls[name] & hidden}
        if not more:
            break
        crossing |= more
        hidden |= {name for name in more if (paths[name], name.partition(":")[2]) not in seen}
    worlds = {
        (paths[name], each.line): _CROSSES if name in crossing else each.world
        for name, each in functions.items()
        # Where a value is unknown, the branch that would cross may be just that one.
        if name in crossing or not any(is_unknown(v.value) for v in each.variables)
    }
    return Reading(worlds, solution.knowledge.exclusive, tuple(top_level_blocks(solution)))
