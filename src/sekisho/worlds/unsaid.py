"""Facts about a library that neither its stubs nor its sources state, for static analysis.

Everything else is read from the installed library. This is the only table written by hand.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Unsaid"]


class Unsaid(NamedTuple):
    """Dotted names inside a library, grouped by what they do.

    Attributes:
        scalar: class of the library's scalars, which also belong to this world.
        namespace: module with the library's functions, if not the library itself.
        takes: functions that explicitly convert any array-like argument to an array of the library.
        tells: functions, or whole modules of them, that accept arrays of any library because they
            only inspect them, such as their shape or equality.
        numbers: methods that return Python numbers, if `World.watched` does not list them.
        asks: functions that test whether a value is an array of this library.
        module: class whose instances call ``forward`` when they are called.
        applied: class whose subclasses are called by ``apply``, which calls their ``forward`` with
            a context as the first argument.
        chains: modules that return what their last submodule returns.
        holders: modules that contain others, by position or by name.
        keepers: methods of a module that set an attribute from a name and a value.
        welcomes: worlds whose arrays its operators and functions accept and convert.
        suffixes: endings of variable names for its arrays; the first is the one to suggest.
        alike: classes that share method names with arrays, so that a call of such a method does not
            imply an array. A name that starts with a library may belong to another library.
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
    suffixes: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
