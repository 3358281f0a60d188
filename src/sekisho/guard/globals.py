"""Fill in the globals of a generated function."""

from __future__ import annotations

import builtins
import functools
import inspect
import weakref
from typing import TYPE_CHECKING, Any, Final, assert_never

from sekisho.context import current, on_strict
from sekisho.contract import MEMO, RESULT, Contract, dtypes_of, kind_of, pack_memo
from sekisho.errors import hide_in_pytest
from sekisho.guard.context import make_array_type_of, module_device
from sekisho.guard.explain import make_explainer
from sekisho.guard.generators import make_watch
from sekisho.guard.tolerance import NAMES, note_traced, sizes_or_free, tolerance_maker
from sekisho.guard.wrappers import make_as_called, make_binder
from sekisho.guard.writes import Called, called_by, listen, stand_for
from sekisho.utils import EXPLAIN, WRITE, is_guard, live_guards, locals_of, runs_while_tracing
from sekisho.validation import (
    Boundary,
    Copies,
    Invalid,
    call_reader,
    first_array_of,
    make_hand_back,
    make_quick_lane,
)
from sekisho.worlds import (
    HOST,
    Library,
    array_class,
    asked_worlds,
    find_world,
    is_compiling,
    is_unflattening,
    loaded_worlds,
    look_for_worlds,
    may_unflatten,
    on_load,
    runs_while_compiling,
    traceable_classes,
    traceable_dtypes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from sekisho.contract import Bindings
    from sekisho.guard.scope import Global
    from sekisho.guard.text import Validation
    from sekisho.validation import Call

__all__ = ["Globals"]

__tracebackhide__ = hide_in_pytest

_CHANGING: Final = {"array_type", "dtype", "dtypes", "foreign", "function", "plain", "shared"}
"""The kinds of globals that change when a library is imported or strict mode is entered."""

_is_watching = False


def _watch_bodies() -> None:
    """Run bodies under strict mode's monitor from now on: the process has entered strict mode."""
    global _is_watching  # noqa: PLW0603 - one flag a process
    _is_watching = True
    refresh_all()


def refresh_all() -> None:
    """Update the globals of all written guards: a library or strict mode is new."""
    for guard in live_guards():
        names: Globals | None = guard.__globals__.get(NAMES)
        if names is not None:  # None: still a stub
            names.refresh(guard.__globals__)


class Globals:
    """The globals of one generated function, and how to fill them in.

    A guard's globals hold it, so it must not refer to them, or to the guard.

    Attributes:
        globs: the globals to fill in: all of them at first, later only those that can change.
        contract: the guard's contract.
        called: how the source calls the function.
        function: the guarded function.
        worlds: the worlds that the source checks for where no annotation names one.
    """

    __slots__ = ("called", "contract", "function", "globs", "worlds")

    globs: dict[str, Global]

    def __init__(
        self,
        globs: dict[str, Global],
        contract: Contract,
        function: Callable[..., Any],
        worlds: tuple[Library, ...],
    ) -> None:
        self.worlds: tuple[Library, ...] = worlds
        name = next(name for name, known in globs.items() if known.kind in {"function", "shared"})
        self.called: Called = called_by(name, function)
        self.globs = globs
        self.contract: Contract = contract
        self.function: Callable[..., Any] = function

    def fill(self, namespace: dict[str, Any]) -> None:
        """Fill in all globals."""
        # Two threads may do this for one guard, while one of them is in a call already.
        stand_for(namespace, {name: self.value(known) for name, known in self.globs.items()})
        namespace[EXPLAIN] = Outlined.make(
            make_explainer, self.contract, self.function, self.called
        )
        self.globs = {name: known for name, known in self.globs.items() if known.kind in _CHANGING}
        namespace[NAMES] = self

    def refresh(self, namespace: dict[str, Any]) -> None:
        """Fill in what has changed; write the source again if it checks for too few worlds."""
        # A stand-in for a guard, such as one in another process, has no `WRITE`, so its source
        # stays. Its slow path accepts the worlds that the source does not check for.
        if asked_worlds() != self.worlds and self.contract.takes_any_world and WRITE in namespace:
            namespace[WRITE]("again")
            return
        stand_for(namespace, {name: self.value(known) for name, known in self.globs.items()})
        # Make the out-of-line functions again from their recipes: they may get a fast path now.
        for name, value in tuple(namespace.items()):
            if isinstance(value, Outlined) and value.recipe[0] is late_validate:
                namespace[name] = late_validate(*value.recipe[1:])

    def value(self, known: Global) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case a kind
        """Return what one global stands for."""
        what = known.what
        match known.kind:
            case "function":
                return self.body()
            case "shared":
                from sekisho.guard.body import share  # noqa: PLC0415 - few bodies need it

                return Outlined.make(share, self.body(), self.contract, *what)
            case "validate":
                return late_validate(self.contract, what, self.called)
            case "default":
                return next(p.default for p in self.contract.parameters if p.name == what)
            case "array_type":
                return array_class(what)
            case "class":
                return what
            case "dtype":
                world, dtype = what
                if not world.is_loaded():
                    return None
                return next((key for key, name in world.dtypes().items() if name == dtype), None)
            case "dtypes":
                return _dtypes(*what)
            case "plain":
                return traceable_classes(type(None), bool, int, float, str)
            case "foreign":
                # Only worlds that guards check for inline: a library that is not loaded has no
                # arrays.
                foreign = (world for world in asked_worlds() if world is not what)
                return (*(array_class(world) for world in foreign), dict, list, tuple)
            case "builtin":
                return getattr(builtins, what)
            case "device":
                return self.contract.options.device
            case "module_device":
                return functools.partial(module_device, self.contract, self.contract.options.world)
            case "array_type_of":
                return Outlined.make(make_array_type_of, self.contract)
            case "first_array":
                return Outlined.make(first_array_of, self.contract)
            case "monitor":
                return Outlined.make(make_watch, self.contract, what, self.called)
            case "bind":
                return Outlined.make(make_binder, self.contract, what)
            case "as_called":
                return Outlined.make(make_as_called, self.contract)
            case "hand_back":
                return Outlined.make(make_hand_back, self.contract)
            case _ as missing:  # pyright: ignore[reportUnnecessaryComparison] - for mypy: each kind has its case
                assert_never(missing)

    def body(self) -> Callable[..., Any]:
        """Return the function that the guard calls, monitored once strict mode was entered."""
        if not _is_watching:
            return self.function
        from sekisho.guard.watched import watched  # noqa: PLC0415 - most processes are never strict

        return watched(self.function, self.contract)


class Outlined(functools.partial[Any]):
    """A function that a guard calls out of line. It is pickled as the call that made it.

    cloudpickle and dill pickle a function that cannot be imported by name, such as one in a
    notebook, with the globals that its code names. So a guard reaches a worker only if these can be
    pickled too.
    """

    __slots__ = ("recipe",)

    recipe: tuple[Any, ...]

    @classmethod
    def make(cls, make: Callable[..., Callable[..., Any]], *arguments: Any) -> Outlined:
        """Call `make`, and keep the call as the recipe."""
        return cls.of(make(*arguments), make, *arguments)

    @classmethod
    def of(cls, made: Callable[..., Any], *recipe: Any) -> Outlined:
        """Wrap a function, with its recipe: the function that made it, and the arguments."""
        outlined = cls(made)
        outlined.recipe = recipe
        return outlined

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Outlined.make, self.recipe


class _Late:
    """An out-of-line function that is made when it is first called."""

    __slots__ = ("called", "contract", "is_traced", "itself", "validate", "validation")

    validate: Callable[..., Any]

    def __init__(self, contract: Contract, validation: Validation, called: Called) -> None:
        self.contract = contract
        self.validation = validation
        self.called = called
        self.itself: weakref.ref[Any] | None = None
        self.is_traced = False
        """Whether torch.compile has traced this: it would compile again for a new function."""


def late_validate(contract: Contract, validation: Validation, called: Called) -> Outlined:
    """Return a stand-in that makes the out-of-line function of a boundary at its first call.

    Most guards never call most of these functions.
    """
    late = _Late(contract, validation, called)

    @runs_while_tracing
    def make() -> None:  # no parameters: up to torch 2.12 they must be constants
        _make_late(late)

    stand_in = Outlined.of(
        functools.partial(_validate_late, late, make), late_validate, contract, validation, called
    )
    late.itself = weakref.ref(stand_in)
    return stand_in


def _validate_late(late: _Late, make: Callable[[], None], *arguments: Any) -> Any:
    make()
    return late.validate(*arguments)


def _make_late(late: _Late) -> None:
    if not hasattr(late, "validate"):
        late.validate = make_validate(late.contract, late.validation, late.called)
    late.is_traced = late.is_traced or runs_while_compiling()
    stand_in: Any = late.itself and late.itself()
    if stand_in is not None and not late.is_traced:
        # From now on the partial calls the function itself.
        stand_in.__setstate__((late.validate, (), {}, None))


def make_validate(  # noqa: C901 - one branch for each way of calling it
    contract: Contract, validation: Validation, called: Called
) -> Callable[..., Any]:
    """Make the out-of-line function of one boundary.

    It takes the value, the call's context and the known sizes. It returns the valid value and the
    sizes that it binds.
    """
    is_result = validation.parameter.name == RESULT
    boundary = Boundary(contract, validation.parameter, is_result=is_result)
    takes_any = contract.options.kind == "same_world"
    read_call = call_reader(contract, validation.knows)
    binds = validation.binds
    # Writes into a result are not lost, nor are those into a copy that the author has asked for.
    written = (contract.function, called.filename, called.line)
    keeps_copies = not is_result and contract.options.copy is not True
    tolerance_of_call = tolerance_maker(contract, *written[1:])

    validate_traced = _make_validate_traced(boundary, read_call, binds)

    def validate(value: Any, *arguments: Any) -> Any:
        setting = current()
        if setting.name == "off":
            return (value, *map(_unchecked_size, binds)) if binds else value
        if is_compiling():
            return validate_traced(value, arguments, passes=setting.violations == "warn")
        look_for_worlds()
        copies = Copies(*written) if keeps_copies else None
        tolerance = tolerance_of_call() if setting.violations == "warn" else None
        call = read_call(arguments, copies, tolerance)
        if takes_any and arguments[0] is array_class(HOST):
            call = call._replace(world=_world_of_call(contract))
        validated = boundary.validate(value, call)
        if call.copies:
            listen(call.copies, contract.flavour, called)
        if not binds:
            return validated
        sizes = _sizes(call.bound, binds)
        if tolerance is not None and tolerance.has_passed:
            sizes = sizes_or_free(binds, sizes)
        return (validated, *sizes)

    def validate_unless_unflattened(value: Any, *arguments: Any) -> Any:
        if is_compiling() or not is_unflattening():
            return validate(value, *arguments)
        return (value, *map(_unchecked_size, binds)) if binds else value

    if may_unflatten(contract.function):
        return validate_unless_unflattened
    return make_quick_lane(contract, validation.parameter, validation.knows, binds, validate)


def _make_validate_traced(
    boundary: Boundary, read_call: Callable[..., Call], binds: tuple[str, ...]
) -> Callable[..., Any]:
    """Make the same for a compiler of torch, which traces it."""

    def validate_traced(value: Any, arguments: tuple[Any, ...], *, passes: bool) -> Any:
        call = read_call(arguments)
        found = boundary.verdict(value, call)
        if type(found) is Invalid:
            violation = boundary.violation(found)
            if passes:
                note_traced(found.error, boundary.parameter.place, *violation)
                return (value, *sizes_or_free(binds, [None] * len(binds))) if binds else value
            # The compiler prints an error's arguments: let it be one that reads well.
            raise found.error(str(violation))
        return (found, *_sizes(call.bound, binds)) if binds else found

    return validate_traced


def _world_of_call(contract: Contract) -> Library:
    """Return the world of a `same_world` call in which the generated source has found only NumPy.

    The source may be older than a library that has been imported since. Then this is the first call
    with such an array, and the call's arguments are on the guard's frame.
    """
    if all(world.is_resident for world in loaded_worlds()):
        return HOST  # every guard checks for those
    frame = inspect.currentframe()
    while frame is not None and not is_guard(frame.f_code):
        frame = frame.f_back
    values = locals_of(frame) if frame else {}
    named = [values.get(each.name) for each in contract.parameters]
    return find_world(first_array_of(contract)(*named)) or HOST


def _sizes(bound: Bindings, binds: tuple[str, ...]) -> list[Any]:
    if MEMO in binds:
        pack_memo(bound)
    return [bound.get(key) for key in binds]


def _unchecked_size(key: str) -> Any:
    """Return any size for an axis: in mode ``off`` no later value is refused for it."""
    return {"several": (), "size": 1}.get(kind_of(key))


def _dtypes(world: Library | None, names: tuple[Any, ...]) -> Container[Any]:
    if world is not None:
        return dtypes_of(world, names)
    every = frozenset[Any]().union(*(dtypes_of(each, names) for each in loaded_worlds()))
    # torch.compile cannot compare the dtypes that ml_dtypes adds to NumPy: they take the slow path.
    return traceable_dtypes(frozenset(each for each in every if getattr(each, "isbuiltin", 1) == 1))


on_strict(_watch_bodies)
on_load(refresh_all)
