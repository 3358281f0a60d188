"""Facts about a library that neither its stubs nor its sources state, for static analysis.

Everything else is read from the installed library. This is the only table written by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CompilerUse", "Supplement"]

CompilerUse = Literal["compiled", "called"]
"""What a compiler does with a function: it reads the source, or calls the function as it is."""


class Supplement(NamedTuple):
    """Dotted names inside a library, grouped by what they do.

    Attributes:
        scalar: class of the library's scalars, which also belong to this world.
        namespace: module with the library's functions, if not the library itself.
        takes: functions that explicitly convert any array-like argument to an array of the library.
        tells: functions, or whole modules of them, that accept arrays of any library because they
            only inspect them, such as their shape or equality.
        numbers: methods that return Python numbers, if `World.operations` does not list them.
        asks: functions that test whether a value is an array of this library.
        module: class whose instances call ``forward`` when they are called.
        applied: class whose subclasses are called by ``apply``, which calls their ``forward`` with
            a context as the first argument, and their ``backward`` with it and gradients.
        chains: modules that return what their last submodule returns.
        holders: modules that contain others, by position or by name.
        keepers: methods of a module that set an attribute from a name and a value.
        welcomes: worlds whose arrays its operators and functions accept and convert.
        coined: methods of its arrays that nothing else is likely to have, by their names.
        strict: modules, or packages, whose functions raise where an argument is not what their stubs say. Of the
            host's, a package may be another library that takes the host's arrays alone.
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
        reads: functions of `tells` that read what an array holds.
        leaves: functions of the host's that do not read what an array of another library holds.
        views: its operations that share the memory of what crosses by them.
        decorates: whether its decorators leave functions what they are.
        gives: what functions, methods and properties give whose stubs say less, as an annotation in their module.
            Names with a colon are of other libraries.
        loaders: classes that iterate over the items of their first argument, put together in batches.
        datasets: classes and functions that make a dataset, and how its items come from the first argument:
            ``"rows"`` of all arguments, the ``"same"`` as its own, those of ``"each"`` of several, or a
            list of datasets with the same (``"split"``).
        transforms: functions that give a function of which each argument has to be an array of the library.
        readers: functions of other libraries, or packages of them, that read the memory of what they are given
            as these parameters; with no parameters, of all that they are given.
        also: classes of other libraries that are its arrays.
        dtype: the class of its dtypes, where these are instances of one.
        suffixes: endings of variable names for its arrays; the first is the one to suggest.
        alike: classes that share method names with arrays, so that a call of such a method does not
            imply an array. A name that starts with a library may belong to another library.
        compiler: function that reads the source of all that the library compiles, as ``package.module:name``.
        compiles: functions that compile what they are given from source, called or as decorators; and decorators
            of what the compiler calls as it is: it reads the annotations of these, but not the code.
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
    reads: frozenset[str] = frozenset()
    leaves: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()
    decorates: bool = False
    gives: Mapping[str, str] = {}
    loaders: frozenset[str] = frozenset()
    datasets: Mapping[str, str] = {}
    transforms: frozenset[str] = frozenset()
    readers: Mapping[str, tuple[str, ...]] = {}
    also: frozenset[str] = frozenset()
    dtype: str = ""
    suffixes: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    compiler: str = ""
    compiles: Mapping[str, CompilerUse] = {}
