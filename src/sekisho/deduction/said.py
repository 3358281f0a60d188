"""What code says of a function, as far as contracts need it, independent of how it was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Said"]


class Said(NamedTuple):
    """What code says of a function's arguments and results.

    Attributes:
        names: what its own code calls axes, by parameter, path and number of the axis.
        near: what other functions call those that are handed on.
        sizes: the sizes that it requires, by parameter and number of the axis.
        literals: the sizes that it writes out.
        ranked: the parameters whose number of axes it requires.
        classes: the classes that it requires, by parameter.
        dtypes: the dtypes that it requires, by parameter; of ``return``, the one that it names.
        open: the parameters that it asks what they are, and the line.
        unions: the classes that it asks for, by parameter, as it writes them: it asks nothing else of it.
        iterated: the parameters that it iterates over, or unpacks.
        arrays: the parameters that are arrays by their annotation, or by what the code does with them.
        combined: the parameters that it uses as no number can be, and with others as no list can be in a
            library that makes no arrays of lists.
        handed: the parameters that it passes to a library which makes no arrays of lists, or to a
            function that uses them as arrays.
        parts: the parameters that it calls a part of its object with, as in ``self.layer(x)``.
        any_library: the parameters that it may ask which library's they are.
        optional: the parameters that may be None.
        containers: the parameters used as a ``list`` or a ``dict``.
        gives: what its ``return``s give: ``none``, ``tuple 2``, ``list``, ``dict``, ``plain``, ``any``,
            and ``none [1]`` if the second item of a tuple may be None; empty if that is not known.
        libraries: the worlds whose libraries it uses, or its class extends.
        kinds: the kinds of dtypes that any function of its package was called with.
        batched: how many axes it speaks of in front of ``...``, and behind, by place: other axes may be there.
        described: the shapes that its docstring gives, by place; ``...`` stands for any axes.
        described_others: what its docstring names beside arrays, by place: ``number``, ``list``, ``other``.
        differs: whether it means something else for another library's arrays, as ``x.max(axis=0)`` does.
        picks_axis: whether an argument says which axis it works on.
        is_method: whether it has an object with arrays of its own, perhaps.
        free: the parameters that may have any number of axes.
        tails: by parameter, how many of its last axes it speaks of.
        together: groups of parameters and results whose axes in front broadcast, each with how many are behind.
        loose: pairs of parameters that it combines by broadcasting.
        tied: pairs of parameters that have to have equal sizes.
        equal: pairs of axes of parameters that have to be equal.
        varied: the results that have other axes by one ``return`` than by another.
        whole: the parameters that may be integers wherever they may be floats.
        numbers: the parameters that it calculates with, as with integers and floats alike.
        divided: the parameters that it divides in place, or the like: ``x /= 2`` fails for integers.
    """

    names: Mapping[tuple[str, tuple[str, ...], int], str] = {}
    near: Mapping[tuple[str, tuple[str, ...], int], str] = {}
    sizes: Mapping[tuple[str, int], int] = {}
    literals: frozenset[int] = frozenset()
    ranked: frozenset[str] = frozenset()
    classes: Mapping[str, str] = {}
    dtypes: Mapping[str, str] = {}
    open: Mapping[str, int] = {}
    unions: Mapping[str, tuple[str, ...]] = {}
    iterated: frozenset[str] = frozenset()
    arrays: frozenset[str] = frozenset()
    combined: frozenset[str] = frozenset()
    handed: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()
    any_library: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    containers: Mapping[str, str] = {}
    gives: frozenset[str] = frozenset()
    libraries: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    batched: Mapping[tuple[str, tuple[str, ...]], tuple[int, int]] = {}
    described: Mapping[tuple[str, tuple[str, ...]], tuple[tuple[str, ...], ...]] = {}
    described_others: Mapping[tuple[str, tuple[str, ...]], frozenset[str]] = {}
    differs: bool = False
    picks_axis: bool = False
    is_method: bool = False
    free: frozenset[str] = frozenset()
    tails: Mapping[str, int] = {}
    together: tuple[Mapping[str, int], ...] = ()
    loose: frozenset[frozenset[str]] = frozenset()
    tied: frozenset[frozenset[str]] = frozenset()
    equal: frozenset[tuple[tuple[str, int], tuple[str, int]]] = frozenset()
    varied: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    divided: frozenset[str] = frozenset()
