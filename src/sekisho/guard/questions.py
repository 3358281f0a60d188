"""Write the inline checks: expressions that are true if a value is valid as it stands.

An inline check may be too narrow, but never too lenient. For an annotation that one expression
cannot check there is no inline check, and every value takes the slow path.
"""

from __future__ import annotations

import builtins
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import (
    ANYTHING,
    UNANNOTATED,
    ArraySpec,
    HintSpec,
    MappingSpec,
    PackedSpec,
    Parameter,
    SequenceSpec,
    TupleSpec,
    UnionSpec,
    kind_of,
    matches_dtype,
    names_in,
)
from sekisho.guard.shapes import Case, Test, ask_shape, compare, contrary_of, is_so

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sekisho.guard.scope import Scope

__all__ = ["Items", "cases_of", "item_cases", "items_of"]


def cases_of(
    scope: Scope, parameter: Parameter, local: str, wanted: Collection[str]
) -> tuple[Case, ...] | None:
    """Return the alternative inline checks of a parameter's value.

    Args:
        scope: the names of the generated function.
        parameter: the parameter; its spec is not `ANYTHING`.
        local: the local that holds the value.
        wanted: the axes that have to be bound.

    Returns:
        None if only the slow path can check the value.
    """
    spec = parameter.spec
    if scope.contract.options.local and parameter.axes:
        return None  # the axes are those of a shard, which only the slow path reads
    if isinstance(spec, PackedSpec):
        return None
    if parameter.kind in {parameter.kind.VAR_POSITIONAL, parameter.kind.VAR_KEYWORD}:
        return None if parameter.axes else (Case((Test(f"not {local}", local),), {}),)
    cases = _spec_cases(scope, spec, local, wanted)
    if cases is None:
        return None
    if parameter.has_default and not isinstance(spec, HintSpec) and spec is not UNANNOTATED:
        # A default that was not passed is not checked.
        is_none = parameter.default is None
        default = "None" if is_none else scope.default(local)
        skip = Case((Test(f"{local} is {default}", f"{local} is not {default}"),), {})
        cases = cases if skip in cases else (skip, *cases)
    return cases if len(cases) == 1 else _cheapest_first(cases)


def _cheapest_first(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Put the cheapest checks first: a value that is None or the default is not an array."""
    return tuple(sorted(cases, key=lambda case: " is " not in case.tests[0].yes))


class Items(NamedTuple):
    """How to check the items of a container, one by one.

    Attributes:
        spec: what each item must be.
        item: the local that holds one item.
        unfit: the expression that is true if the value is not such a container; empty if it always
            is.
        container: the local that holds the container.
        first: the expression for the first item.
        loop: the head of the loop over all items.
        key_contrary: the expression that is true if a mapping's key is invalid, if keys are
            checked.
    """

    spec: Any
    item: str
    unfit: str
    container: str
    first: str
    loop: str
    key_contrary: tuple[str, ...] = ()


def items_of(scope: Scope, parameter: Parameter, local: str) -> Items | None:
    """Return how to check the items of a parameter's value; None if only the slow path can."""
    spec: Any = parameter.spec
    if parameter.has_default or scope.contract.options.local:
        return None
    if parameter.kind is parameter.kind.VAR_POSITIONAL:
        return _items(scope, SequenceSpec("", tuple, spec), local, "")
    if parameter.kind is parameter.kind.VAR_KEYWORD:
        return _items(scope, MappingSpec("", dict, ANYTHING, spec), local, "")
    if not isinstance(spec, (SequenceSpec, MappingSpec)) or spec.container not in _ASKED:
        return None
    kind = scope.builtin(spec.container.__name__)
    return _items(scope, spec, local, f"not {scope.builtin('isinstance')}({local}, {kind})")


_ASKED: Final = {list, tuple, dict}


def _items(scope: Scope, spec: SequenceSpec | MappingSpec, local: str, unfit: str) -> Items | None:
    item: Any = spec.value if isinstance(spec, MappingSpec) else spec.item
    if not _asks_alike(scope, item):
        return None
    one = scope.fresh("item")
    asked = (unfit, local)
    if isinstance(spec, SequenceSpec):
        return Items(item, one, *asked, f"{local}[0]", f"{one} in {local}")
    first = f"{scope.builtin('next')}({scope.builtin('iter')}({local}.values()))"
    if spec.key is ANYTHING:
        return Items(item, one, *asked, first, f"{one} in {local}.values()")
    key = scope.fresh("key")
    keys = _spec_cases(scope, spec.key, key, ()) or ()
    contrary = tuple(test.no for case in keys for test in case.tests)
    loop = f"{key}, {one} in {local}.items()"
    return Items(item, one, *asked, first, loop, contrary) if len(contrary) == 1 else None


def _asks_alike(scope: Scope, item: Any) -> bool:
    """Return whether the same expression can check every item of a container."""
    if item is UNANNOTATED:
        return True
    if isinstance(item, HintSpec):
        return bool(item.classes)
    if isinstance(item, (UnionSpec, TupleSpec)):
        # Another alternative may leave an axis unbound.
        return not any(names_in(item))
    return (
        isinstance(item, ArraySpec)
        and item.dtype_key is None
        and not any(
            axis.key is not None
            and (
                axis.broadcastable
                or axis.key in scope.growing
                or (axis.key in scope.axes and axis.key not in scope.certain)
            )
            for axis in item.axes or ()
        )
    )


def item_cases(scope: Scope, items: Items, wanted: Collection[str]) -> tuple[Case, ...] | None:
    """Return the alternative inline checks of one item; None if only the slow path can check it."""
    return _spec_cases(scope, items.spec, items.item, wanted)


def _unannotated(scope: Scope, local: str) -> Case:
    world = scope.contract.options.world
    isinstance_, type_ = scope.builtin("isinstance"), scope.builtin("type")
    # Most values without an annotation are plain, and this test costs a tenth of the next. A class
    # may have no hash, if its metaclass defines `==`: `explain` words that error.
    plain = f"{type_}({local}) {{}} {scope.name_global('_plain', 'plain')}"
    # Containers count as foreign: strict mode looks into them.
    foreign = f"{isinstance_}({local}, {scope.name_global('_foreign', 'foreign', world)})"
    yes, no = [plain.format("in"), f"not {foreign}"], [plain.format("not in"), foreign]
    if world is None:
        own = f"{isinstance_}({local}, {scope.array_type})"
        yes.insert(1, own)
        no.insert(1, f"not {own}")
    return Case((Test(f"({' or '.join(yes)})", " and ".join(no)),), {})


def _spec_cases(
    scope: Scope, spec: Any, local: str, wanted: Collection[str]
) -> tuple[Case, ...] | None:
    if isinstance(spec, HintSpec):
        return tuple(_class_case(scope, kind, local) for kind in spec.classes) or None
    if spec is UNANNOTATED:
        return (_unannotated(scope, local),)
    if isinstance(spec, TupleSpec):
        case = _tuple_case(scope, spec, local)
        return (case,) if case and not wanted else None
    if isinstance(spec, ArraySpec):
        case = _array_case(scope, spec, local, wanted)
        return (case,) if case else None
    if not isinstance(spec, UnionSpec):
        return None
    cases: list[Case] = []
    for alternative in spec.alternatives:
        found = _spec_cases(scope, alternative, local, wanted)
        if found is None:
            # Alternatives are tried in order, so those after a slow one are slow too.
            break
        cases += found
    return tuple(cases) or None


def _tuple_case(scope: Scope, spec: TupleSpec, local: str) -> Case | None:
    """Check all items in one expression, so no item may bind an axis that another needs."""
    keys = [key for key in names_in(spec) if kind_of(key) != "growth"]
    if spec.several is not None or any(
        keys.count(key) > 1 and key not in scope.certain for key in keys
    ):
        return None
    kind = f"{scope.builtin('isinstance')}({local}, {scope.builtin('tuple')})"
    tests = [is_so(kind), compare(f"{scope.builtin('len')}({local})", str(len(spec.items)))]
    for index, each in enumerate(spec.items):
        cases = () if each is ANYTHING else _spec_cases(scope, each, f"{local}[{index}]", ())
        if cases is None:
            return None
        tests += _any_of(_cheapest_first(cases))
    return Case(tuple(tests), {})


def _any_of(cases: tuple[Case, ...]) -> tuple[Test, ...]:
    """Combine alternative checks into tests that are true if one of the checks is."""
    if len(cases) <= 1:
        return cases[0].tests if cases else ()
    yes = [" and ".join(test.yes for test in case.tests) for case in cases]
    return (Test(f"({' or '.join(yes)})", " ".join(contrary_of(cases))),)


def _class_case(scope: Scope, kind: type, local: str) -> Case:
    if kind is type(None):
        return Case((Test(f"{local} is None", f"{local} is not None"),), {})
    if getattr(builtins, kind.__name__, None) is kind:
        name = scope.builtin(kind.__name__)
    else:
        name = scope.name_global(f"_{kind.__name__}", "class", kind)
    return Case((is_so(f"{scope.builtin('isinstance')}({local}, {name})"),), {})


def _array_case(scope: Scope, spec: ArraySpec, local: str, wanted: Collection[str]) -> Case | None:
    if spec.array_type is not None:
        kind = scope.name_global(f"_{spec.array_type.__name__}", "class", spec.array_type)
    elif spec.world is not None:
        kind = scope.array_class(spec.world)
    else:
        every = ", ".join(scope.array_class(world) for world in scope.worlds)
        kind = scope.array_type or f"({every})"
    place, dtype = _device_tests(scope, local), _one_dtype(scope, spec, local, wanted)
    if place is None or dtype is None:
        return None
    tests = [is_so(f"{scope.builtin('isinstance')}({local}, {kind})")]
    if spec.dtypes is not None:
        tests.append(_dtype_test(scope, spec, local))
    tests += [*place, *dtype.tests]
    if spec.axes is None:
        return Case(tuple(tests), dtype.binds)
    if spec.dtype_key is not None:
        wanted = [each for each in wanted if each != spec.dtype_key]
    shape = ask_shape(scope, spec.axes, local, wanted)
    if shape is None:
        return None
    unpack = () if dtype.binds else shape.unpack
    return Case((*tests, *shape.tests), {**shape.binds, **dtype.binds}, unpack)


def _device_tests(scope: Scope, local: str) -> list[Test] | None:
    """Test a value's device, if one is required; None if only the slow path can."""
    options = scope.contract.options
    if options.device is None or options.world is None:
        return []
    if scope.device:
        return [compare(f"{local}.device", scope.device)]
    question = options.world.device_question(options.device)
    if question is None:
        return None
    attribute, literal = question
    return [compare(f"{local}.{attribute}", literal or scope.name_global("_device", "device"))]


def _one_dtype(scope: Scope, spec: ArraySpec, local: str, wanted: Collection[str]) -> Case | None:
    """Test a dtype against the one bound to the type variable; None if only the slow path can."""
    key = spec.dtype_key
    if key is None:
        return _ANY_DTYPE
    if key in scope.certain:
        return Case((compare(f"{local}.dtype", scope.axes[key]),), {})
    if key in scope.axes:
        return None
    return Case((), {key: f"{local}.dtype"} if key in wanted else {})


_ANY_DTYPE: Final = Case((), {})


_LIKELY: Final = ("float32", "float64", "int64", "uint8", "bool", "complex64")


@lru_cache(maxsize=1024)  # few combinations, and each guard asks for all its arrays
def _likely_of(dtypes: Any) -> tuple[str, ...]:
    return tuple(name for name in _LIKELY if matches_dtype(dtypes, name))


def _dtype_globals(scope: Scope, spec: ArraySpec) -> tuple[str, list[str]]:
    """Return the globals for all dtypes that an array may have, and for the likeliest ones."""
    assert spec.dtypes is not None
    prefix = f"_{spec.world.name if spec.world else 'any'}"
    what = (spec.world, spec.dtypes)
    every = scope.name_global(f"{prefix}_{str(spec.dtype_label).lower()}s", "dtypes", what)
    accepted = _likely_of(spec.dtypes)
    likely = (
        [(spec.world, name) for name in accepted[:2]]
        if spec.world
        else [(world, name) for world in scope.worlds for name in accepted[:1]]
    )
    return every, [
        scope.name_global(f"_{world.name}_{name}", "dtype", (world, name)) for world, name in likely
    ]


def _dtype_test(scope: Scope, spec: ArraySpec, local: str) -> Test:
    """Test a dtype: the likeliest ones by identity, which needs no hash, then the whole set."""
    what = (spec.world, spec.dtypes)
    if what not in scope.dtypes:
        scope.dtypes[what] = _dtype_globals(scope, spec)
    every, names = scope.dtypes[what]
    dtype = again = f"{local}.dtype"
    # Several comparisons read the attribute once.
    if len(names) > 1:
        dtype, again = f"({scope.dtype} := {local}.dtype)", scope.dtype
    yes, no = "", ""
    for name in names:
        yes += f"{dtype} is {name} or "
        no += f"{dtype} is not {name} and "
        dtype = again
    yes, no = f"{yes}{dtype} in {every}", f"{no}{dtype} not in {every}"
    return Test(f"({yes})" if names else yes, no)
