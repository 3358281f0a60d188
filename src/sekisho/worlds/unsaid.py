"""What neither the stubs nor the sources of a library say: for whoever reads programs, and runs none.

All else is read from the library as it is installed. This is the one table that is written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Unsaid"]


class Unsaid(NamedTuple):
    """Dotted names inside of a library, by what they do.

    Attributes:
        scalar: the class of its numbers, which are values of this world, too.
        namespace: the module of its functions, where that is not the library's own.
        takes: functions that make an array of its own of whatever they are given, and say so by name.
        tells: functions that may be asked about arrays of any library: their shape, whether they are
            equal; or whole modules of such.
        numbers: methods that give numbers of Python's, where `World.watched` has none.
        asks: functions that say whether something is an array of this library.
        module: the class of what is called by its ``forward``.
        applied: the class whose subclasses are called by ``apply``, which calls their ``forward`` with
            a context in front.
        chains: modules that give what the last one in them gives.
        holders: modules that hold others, by position or by name.
        keepers: methods of a module that make an attribute: its name, then its value.
        welcomes: worlds whose arrays its operators and functions take, and give its own.
        coined: methods of its arrays that nothing else is likely to have, by their names.
        strict: modules, or packages, whose functions raise where an argument is not what their stubs say.
        keywords: names that it takes for parameters beside those of its stubs, and what these call them.
        only: functions that take the arrays of one world alone, and whose stubs do not say so, with that world.
            Names with a library in front may be of others.
        unfit: functions of the host's that raise when they are given its arrays first.
        runs_left: operators between an array of the host's and one of its own that do not raise.
        fails_right: operators between one of its own and an array of the host's that raise.
        takes_items: whether arrays of others can be assigned to items of its own.
        differentiable: functions and methods of its arrays whose result requires grad if an argument does.
        grads: classes of its arrays that require grad.
        trained: modules with parameters, of which the result requires grad.
        views: its operations that share the memory of what crosses by them.
        dtype: the class of its dtypes, where these are instances of one.
        suffixes: how names of its arrays end; the first is the one to be proposed.
        alike: classes that share names of methods with arrays: who uses one of these need not have an
            array. Names with a library in front may be of others.
    """

    scalar: str = ""
    namespace: str = ""
    takes: frozenset[str] = frozenset()
    tells: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    module: str = ""
    applied: str = ""
    chains: frozenset[str] = frozenset()
    holders: frozenset[str] = frozenset()
    keepers: frozenset[str] = frozenset()
    welcomes: frozenset[str] = frozenset()
    coined: frozenset[str] = frozenset()
    strict: frozenset[str] = frozenset()
    keywords: Mapping[str, str] = {}
    only: Mapping[str, str] = {}
    unfit: frozenset[str] = frozenset()
    runs_left: frozenset[str] = frozenset({"==", "!="})
    fails_right: frozenset[str] = frozenset()
    takes_items: bool = True
    differentiable: frozenset[str] = frozenset()
    grads: frozenset[str] = frozenset()
    trained: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()
    dtype: str = ""
    suffixes: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
