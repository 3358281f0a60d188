"""What neither the stubs nor the sources of a library say: for whoever reads programs, and runs none.

All else is read from the library as it is installed. This is the one table that is written by hand.
"""

from __future__ import annotations

from typing import NamedTuple

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
    suffixes: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
