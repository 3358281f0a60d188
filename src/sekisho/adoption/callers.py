"""What functions say of those that they call, and that call them: the code says whom, the runs confirm it."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from sekisho.adoption.returns import own_nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Set

    from sekisho.adoption.definitions import Definition
    from sekisho.tracer import Observed, Place

    Key = tuple[str, int]
    """The path and the first line of a function."""

    Axis = tuple[str, int]
    """A parameter and the number of an axis."""

__all__ = ["Callees", "count_uses", "mentions_of", "read_callees"]

_NONE: Final = frozenset[str]()


class Callees(NamedTuple):
    """What is known of functions together with those that they pass their arguments on to.

    Attributes:
        handed: the parameters that reach a library which makes no arrays of lists, or code that uses them
            as nothing but arrays can be.
        libraries: the worlds whose libraries are used.
        namespaces: the parameters whose library's functions are asked for: the code is for several libraries.
        free: the parameters that may have any number of axes.
        tails: by parameter, how many of its last axes the code speaks of.
        whole: the parameters that may be integers wherever they may be floats.
        ranked: the parameters whose number of axes is required.
        equal: pairs of axes of parameters that have to be equal.
    """

    handed: Mapping[Key, frozenset[str]]
    libraries: Mapping[Key, frozenset[str]]
    namespaces: Mapping[Key, frozenset[str]]
    free: Mapping[Key, frozenset[str]]
    tails: Mapping[Key, Mapping[str, int]]
    whole: Mapping[Key, frozenset[str]]
    ranked: Mapping[Key, frozenset[str]]
    equal: Mapping[Key, frozenset[tuple[Axis, Axis]]]


def read_callees(
    travels: Iterable[tuple[Place, Place]],
    definitions: Mapping[Key, Definition],
    several: Set[tuple[Key, str]] = frozenset(),
) -> Callees:
    """Find what each function says by way of those that every call of it passes its arguments on to.

    The code says that they are passed on. Which function it means is known from arrays that went there.

    Args:
        travels: the places that arrays went from and to.
        definitions: the functions.
        several: the parameters to which arrays of several numbers of axes came.
    """
    every = [*travels]
    ways = [way for way in every if _is_passed_on(*way, definitions)]
    to_lists = _ways_to_lists(every)
    in_lists = [way for way in to_lists if _is_passed_on(*way, definitions, in_list=True)]
    certain = {
        key: (each.body.arrays | each.handed) - each.body.optional - each.body.open.keys()
        for key, each in definitions.items()
    }
    handed = {key: each.handed for key, each in definitions.items()}
    libraries = {key: each.libraries for key, each in definitions.items()}
    namespaces = {key: each.body.namespaces for key, each in definitions.items()}
    is_new = True
    while is_new:  # since what is passed on may be passed on again
        is_new = False
        for one, other in ways:
            here, there = one.function, other.function
            body = definitions[here].body
            may_be_more = one.name in body.optional or one.name in body.open
            if other.name in certain[there] and one.name not in handed[here] and not may_be_more:
                handed[here] |= {one.name}
                certain[here] |= {one.name}
                is_new = True
            if other.name in namespaces[there] and one.name not in namespaces[here]:
                namespaces[here] |= {one.name}
                is_new = True
            if not libraries[there] <= libraries[here]:
                libraries[here] |= libraries[there]
                is_new = True
    operations = _read_operations(ways, definitions, several)
    whole = _read_whole([*ways, *in_lists], definitions)
    axes = _read_axes(ways, definitions)
    return Callees(handed, libraries, namespaces, *operations, whole, *axes)


def _read_axes(
    ways: Iterable[tuple[Place, Place]], definitions: Mapping[Key, Definition]
) -> tuple[dict[Key, frozenset[str]], dict[Key, frozenset[tuple[Axis, Axis]]]]:
    """Find the parameters whose number of axes is required, and axes that have to be equal."""
    ranked = {key: each.body.ranked for key, each in definitions.items()}
    equal = {key: each.body.equal for key, each in definitions.items()}
    passed: dict[tuple[Key, Key], Mapping[str, set[str]]] = {}
    went = {(one.function, one.name, other.function, other.name) for one, other in ways}
    for here, there in {(one.function, other.function) for one, other in ways}:
        origins = _origins(definitions[here], definitions[there])
        passed[here, there] = {
            name: each
            for name, each in origins.items()
            if all((here, one, there, name) in went for one in each)
        }
    is_new = True
    while is_new:  # since what is passed on may be passed on again
        is_new = False
        for (here, there), origins in passed.items():
            optional = definitions[here].body.optional
            # Of two arguments that come to one parameter, a pair may belong to either.
            alone = {name: next(iter(each)) for name, each in origins.items() if len(each) == 1}
            alone = {name: one for name, one in alone.items() if one not in optional}
            more = {alone[name] for name in ranked[there] & alone.keys()}
            pairs = {
                ((alone[a], i), (alone[b], j))
                for (a, i), (b, j) in equal[there]
                if a in alone and b in alone and (alone[a], i) != (alone[b], j)
            }
            if not (more <= ranked[here] and pairs <= equal[here]):
                ranked[here] |= more
                equal[here] |= pairs
                is_new = True
    return ranked, equal


def _origins(caller: Definition, called: Definition) -> Mapping[str, set[str]]:
    """Return which arguments of a function come to each parameter of one that it calls."""
    found: dict[str, set[str]] = defaultdict(set)
    is_method = called.parameters[:1] in {("self",), ("cls",)}
    given = called.parameters[is_method:]
    names = _names_of(called)
    for name, function, place in caller.body.bound:
        if function not in names:
            continue
        if isinstance(place, int):
            found[given[place] if place < len(given) else ""].add(name)
        else:
            found[place].add(name)
    return found


def _read_operations(
    ways: Iterable[tuple[Place, Place]],
    definitions: Mapping[Key, Definition],
    several: Set[tuple[Key, str]],
) -> tuple[dict[Key, frozenset[str]], dict[Key, dict[str, int]]]:
    """Find the parameters that may have any number of axes, and how many of the last ones code speaks of.

    A function that passes an argument on needs what those need that it passes it on to.
    """
    spreads = {key: each.body.spread for key, each in definitions.items()}
    tails = {key: dict(each.tails) for key, each in spreads.items()}
    ranked = {
        (key, x): each.ranked.get(x, _NONE) for key, each in spreads.items() for x in each.used
    }
    is_new = True
    while is_new:  # since what is passed on may be passed on again
        is_new = False
        for one, other in ways:
            here, there = (one.function, one.name), (other.function, other.name)
            names = _names_of(definitions[other.function])
            if ranked.get(here, _NONE).isdisjoint(names):
                continue
            if ranked.get(there, names) and there not in several:
                continue
            ranked[here] -= names
            is_new = True
            speaks = tails[other.function].get(other.name, 0)
            before = tails[one.function].get(one.name, 0)
            tails[one.function][one.name] = max(speaks, before)
    free = {
        key: frozenset(x for x in each.used if not ranked[key, x]) for key, each in spreads.items()
    }
    return free, tails


def _read_whole(
    ways: Iterable[tuple[Place, Place]], definitions: Mapping[Key, Definition]
) -> dict[Key, frozenset[str]]:
    """Find the parameters that may be integers.

    A function needs floats of what it passes on if those need them that it passes it on to. It needs none
    of what comes back if one of these gives results of another dtype, as ``x = scaled(x)`` may.
    """
    spreads = {key: each.body.spread for key, each in definitions.items()}
    floats = {
        (key, x): {*each.floats.get(x, ())} for key, each in spreads.items() for x in each.used
    }
    is_new = True
    while is_new:  # since what is passed on may be passed on again
        is_new = False
        for one, other in ways:
            here, there = (one.function, one.name), (other.function, other.name)
            names = _names_of(definitions[other.function])
            is_recast = other.name in spreads[other.function].recast
            takes_integers = there in floats and not floats[there]
            met = {
                need
                for need in floats.get(here, ())
                if (takes_integers and need[0] in names)
                or (is_recast and not need[1].isdisjoint(names))
            }
            if met:
                floats[here] -= met
                is_new = True
    return {
        key: frozenset(x for x in each.used if not floats[key, x]) for key, each in spreads.items()
    }


def _ways_to_lists(travels: Iterable[tuple[Place, Place]]) -> Iterator[tuple[Place, Place]]:
    """Yield the ways of arrays to the items of lists, from each argument that they were.

    In ``f(x, x)``, the array is seen at one argument after the other, and only then in the list.
    """
    every = [*travels]
    before: dict[Place, set[Place]] = defaultdict(set)
    for one, other in every:
        if one.function == other.function and not (one.path or other.path):
            before[other].add(one)
    for start, end in every:
        waiting = [start] if end.path else []
        found: set[Place] = set()
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += before[one]
                yield one, end


def _is_passed_on(
    one: Place, other: Place, definitions: Mapping[Key, Definition], *, in_list: bool = False
) -> bool:
    caller, called = definitions.get(one.function), definitions.get(other.function)
    if caller is None or called is None or one.path or len(other.path) != in_list:
        return False
    passes = caller.body.listed if in_list else caller.body.passes
    return any((one.name, name) in passes for name in _names_of(called))


def _names_of(called: Definition) -> frozenset[str]:
    """Return the names that call a function: ``__init__`` is called by the name of its class."""
    return frozenset(called.name.split(".")[-2:])


def mentions_of(tree: ast.Module, path: str, names: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    """Each private name that code mentions, and where, as the tracer calls functions.

    Args:
        tree: the module.
        path: its real path.
        names: the qualified names of its functions, by first line.
    """
    functions = [each for each in ast.walk(tree) if isinstance(each, _FUNCTION)]
    homes: list[tuple[ast.AST, str]] = [(tree, "<module>")]
    homes += [(each, names.get(_first_line(each), "")) for each in functions]
    for home, where in homes:
        for each in own_nodes(home):
            name = each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
            if _is_private(name):
                yield name, f"{path}:{where}"


def count_uses(
    seen: Iterable[Observed], mentions: Iterable[tuple[str, str]]
) -> dict[tuple[str, int], int]:
    """How many uses the calls of each function come from.

    What calls a private function is known: where the code mentions it in functions alone that were seen to
    call it, it is used as often as these are. A public one has the uses that were seen.
    """
    every = [*seen]
    by_name = {_where(each): each for each in every}
    places: dict[str, set[str]] = defaultdict(set)
    for name, where in mentions:
        places[name].add(where)

    def users(each: Observed, within: frozenset[str]) -> set[str]:
        name = each.name.rpartition(".")[2]
        if not (_is_private(name) and places[name] <= each.callers):
            return each.callers
        found: set[str] = set()
        for caller in each.callers:
            inner = by_name.get(caller)
            is_known = inner is not None and caller not in within
            found |= users(inner, within | {caller}) if inner and is_known else {caller}
        return found

    return {each.key: max(each.uses, len(users(each, frozenset({_where(each)})))) for each in every}


def _where(each: Observed) -> str:
    return f"{each.path}:{each.name}"


_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _first_line(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name.strip("_") != ""
