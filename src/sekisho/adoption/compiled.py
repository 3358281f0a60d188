"""Find what torch.jit compiles from source: it reads annotations, and does not know jaxtyping's.

The tracer sees what was compiled while the program ran. The code also says what is compiled
elsewhere. This module follows the calls from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sekisho.inference import called_by, given_to_compilers
from sekisho.worlds import world_named, world_names

if TYPE_CHECKING:
    from sekisho.inference import Solution

__all__ = ["compiled_in", "say_compiled"]


def say_compiled() -> str:
    """Say why a function that a library compiles is left as it is."""
    functions = (world_named(name).supplement.compiler for name in world_names())
    modules = [each.rpartition(".")[0] for each in functions if each]
    return f"{' or '.join(modules)} compiles its source, and does not know the annotations of jaxtyping"


def compiled_in(solution: Solution) -> set[str]:
    """Return the names of the units that the code of a program passes to torch.jit, and of what they call."""
    calls = called_by(solution)
    given = given_to_compilers(solution)
    found: set[str] = set()
    new = given["compiled"]
    while new:
        found |= new
        # A function that is called as it is may call anything, but its annotations are read.
        inside = new - given["called"]
        new = {called for name in inside for called in calls.get(name, ())} - found
    return found
