"""What code says of a function, as far as contracts need it, independent of how it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Said"]


class Said(NamedTuple):
    """What code says of a function's arguments and results.

    Attributes:
        names: names of axes in the function's own code, by parameter, path and number of the axis.
        near: names of these axes in other functions that pass or receive them.
        sizes: the sizes that the code requires, by parameter and number of the axis.
        literals: the sizes that the code writes out.
        ranked: the parameters whose number of axes the code requires.
        classes: the classes that the code requires, by parameter.
        dtypes: the dtypes that the code requires, by parameter; for ``return``, the one that it
            names.
        open: the parameters whose class the code tests, and the line of the test.
        iterated: the parameters that the code iterates over, or unpacks.
        arrays: the parameters that are arrays by annotation, or by what the code does with them.
        handed: the parameters passed to a library that does not turn lists into arrays.
        parts: the parameters passed to a part of the object, as in ``self.layer(x)``.
        optional: the parameters that may be None.
        containers: the parameters used as a ``list`` or a ``dict``.
        flags: the parameters whose default is True or False.
        gives: what the ``return`` statements return: ``none``, ``tuple 2``, ``list``, ``dict``,
            ``plain``, ``any``; empty if unknown.
        libraries: the worlds whose libraries the code uses, or its class extends.
        kinds: the dtype kinds that any function of the package was called with.
        picks_axis: whether an argument selects the axis to work on.
        is_method: whether the function has an object, which may hold arrays of its own.
    """

    names: Mapping[tuple[str, tuple[str, ...], int], str] = {}
    near: Mapping[tuple[str, tuple[str, ...], int], str] = {}
    sizes: Mapping[tuple[str, int], int] = {}
    literals: frozenset[int] = frozenset()
    ranked: frozenset[str] = frozenset()
    classes: Mapping[str, str] = {}
    dtypes: Mapping[str, str] = {}
    open: Mapping[str, int] = {}
    iterated: frozenset[str] = frozenset()
    arrays: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    containers: Mapping[str, str] = {}
    flags: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    picks_axis: bool = False
    is_method: bool = False
