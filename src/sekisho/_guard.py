"""From a function to its guard: the contract read, the text written, the names filled in."""

from __future__ import annotations

import builtins
import functools
import keyword
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final

from sekisho._admit import Boundary, call_reader
from sekisho._codegen import Admission, Generated, generate
from sekisho._contract import (
    RESULT,
    Contract,
    Options,
    build_contract,
    display_name,
    read_signature,
)
from sekisho._generators import make_watch
from sekisho._hand_back import first_array, make_hand_back
from sekisho._quick import make_quick_lane
from sekisho._resolve import LenientNames
from sekisho._scope import Need
from sekisho._source import compile_function, is_guard, live_guards, replace_code
from sekisho._specs import dtypes_of
from sekisho._strict import settle_boundary, thread
from sekisho.errors import BoundaryError, DeclarationError, DeviceError, UnguardedWarning, Violation
from sekisho.modes import get_mode, on_strict
from sekisho.worlds import NUMPY, TORCH, WORLDS, World, array_class, describe, find_world

if TYPE_CHECKING:
    import types
    from collections.abc import Callable

__all__ = ["make_guard", "options_of"]


def make_guard(
    function: types.FunctionType, options: Options, names: dict[str, Any]
) -> Callable[..., Any]:
    """Generate the guard of a function. It is one even if nothing is checked: see `_watched`.

    Args:
        function: a plain function.
        options: the decorator's options.
        names: what string annotations may mention beside the function's globals.

    Raises:
        DeclarationError: for a malformed or contradictory contract.
    """
    _look_for_torch()
    try:
        contract = build_contract(function, options, names)
    except NameError:
        return _make_late_guard(function, options, names)
    if options.arrays_only and not contract.holds_arrays:
        return function
    return _compile(generate(contract, _identifier(function)), contract, function, function)


def options_of(guard: Callable[..., Any]) -> Options | None:
    """The options that a guard was made with; None if this is no guard."""
    code = getattr(guard, "__code__", None)
    if code is None or not is_guard(code):
        return None
    names: _Names = guard.__globals__[_NAMES]
    return names.contract.options


def _compile(
    generated: Generated, contract: Contract, calls: Callable[..., Any], function: Any
) -> types.FunctionType:
    """Compile the text that calls `calls` into a function that looks like `function`."""
    # No __name__ among its globals: dynamo would look for the others in the module so named.
    names = _Names({"__builtins__": builtins}, generated, contract, calls)
    names.fill()
    guard = compile_function(generated.source, _identifier(function), names.namespace)
    functools.update_wrapper(guard, function)
    return guard


def _make_late_guard(
    function: types.FunctionType, options: Options, names: dict[str, Any]
) -> Callable[..., Any]:
    """A guard that reads its annotations at the first call, when their names are defined."""
    identifier = _identifier(function)
    lock = threading.RLock()
    is_ready = False

    def first_call(*args: Any, **kwargs: Any) -> Any:
        nonlocal is_ready
        with lock:
            if not is_ready:
                contract = _build_late_contract(function, options, names)
                generated = generate(contract, identifier)
                # The names first, then the text that uses them, so that a thread that is just
                # calling sees the one or the other whole.
                named = _Names(guard.__globals__, generated, contract, function)
                named.fill()
                replace_code(guard, generated.source, identifier)
                is_ready = True
        return guard(*args, **kwargs)

    bare = read_signature(function, options)
    guard = _compile(generate(bare, identifier, calls=_FIRST_CALL), bare, first_call, function)
    return guard


def _build_late_contract(
    function: types.FunctionType, options: Options, names: dict[str, Any]
) -> Contract:
    try:
        return build_contract(function, options, names)
    except NameError as error:
        missing = str(error)
    title = display_name(function)
    hint = "import it outside of TYPE_CHECKING, or define it before the first call"
    if not options.arrays_only:
        raise DeclarationError(
            f"{title}(): an annotation names what is not defined: {missing}.\n  hint: {hint}"
        )
    # Nobody asked for this very function to be guarded: what can be read is checked.
    lenient = LenientNames(function.__globals__)
    lenient.update(names)
    contract = build_contract(function, options, lenient)
    if contract.holds_arrays or lenient.missing & _ARRAY_NAMES:
        warnings.warn(
            f"{function.__module__}.{title}(): what names {', '.join(sorted(lenient.missing))} is "
            f"not checked: it is not defined when the program runs.\n  hint: {hint}",
            UnguardedWarning,
            stacklevel=3,
        )
    return contract


_ARRAY_NAMES: Final = {"np", "numpy", "ndarray", "NDArray", "torch", "Tensor", "jaxtyping"}


def _identifier(function: Callable[..., Any]) -> str:
    name: str = getattr(function, "__name__", display_name(function))
    return name if name.isidentifier() and not keyword.iskeyword(name) else "guarded"


_FIRST_CALL: Final = "_first_call"
_NAMES: Final = "__sekisho_names__"  # where a guard's globals keep the `_Names` that filled them

_knows_torch = False


def _look_for_torch() -> None:
    """Once torch is there, let all guards made before know it: until then tensors pass slowly."""
    global _knows_torch  # noqa: PLW0603 - one process, one torch
    if not _knows_torch and TORCH.array_type() is not None:
        _knows_torch = True
        for guard in live_guards():
            guard.__globals__[_NAMES].refresh()


_is_watching = False


def _watch_bodies() -> None:
    """From now on guards call their functions under a watch: the process has been strict once."""
    global _is_watching  # noqa: PLW0603 - likewise
    _is_watching = True
    for guard in live_guards():
        guard.__globals__[_NAMES].refresh()


class _Names:
    """Fills in the global names that a guard's text needs."""

    def __init__(
        self,
        namespace: dict[str, Any],
        generated: Generated,
        contract: Contract,
        function: Callable[..., Any],
    ) -> None:
        self.namespace = namespace
        self.needs = generated.needs
        self.contract = contract
        self.function = function

    def fill(self) -> None:
        self.namespace.update({name: self.value(need) for name, need in self.needs.items()})
        self.namespace[_NAMES] = self

    def refresh(self) -> None:
        """Fill in again what depends on torch being there, and on bodies being watched."""
        kinds = {"array_type", "dtypes", "foreign", "function"}
        self.namespace.update(
            {name: self.value(need) for name, need in self.needs.items() if need.kind in kinds}
        )

    def value(self, need: Need) -> Any:  # noqa: C901, PLR0911, PLR0912 - one line a kind
        what = need.what
        match need.kind:
            case "function":
                return self.body()
            case "admit":
                return self.make_late_admit(what)
            case "default":
                return next(p.default for p in self.contract.parameters if p.name == what)
            case "array_type":
                return array_class(what)
            case "class":
                return what
            case "dtypes":
                return _dtypes(*what)
            case "foreign":
                worlds = WORLDS if what is None else (what,)
                return (*(array_class(world) for world in worlds), dict, list, tuple)
            case "builtin":
                return getattr(builtins, what)
            case "device":
                return self.contract.options.device
            case "module_device":
                return functools.partial(_module_device, self.contract.function)
            case "array_type_of":
                return _array_type_of
            case "first_array":
                return first_array
            case "watch":
                return make_watch(self.contract, what)
            case "hand_back":
                return make_hand_back(self.contract)
            case _:
                raise AssertionError(need)

    def body(self) -> Callable[..., Any]:
        """What the guard calls: the function, under its watch once strict mode is about."""
        if not _is_watching or _FIRST_CALL in self.needs:
            return self.function
        from sekisho._watched import watched  # noqa: PLC0415 - most processes are never strict

        return watched(self.function, self.contract)

    def make_late_admit(self, admission: Admission) -> Callable[..., Any]:
        """Stand in for the out-of-line call until it is made for the first time.

        Most guards never make most of theirs, so most never hold what it needs.
        """

        def admit(value: Any, *arguments: Any) -> Any:
            made = self.make_admit(admission)
            name = next(n for n, need in self.needs.items() if need.what is admission)
            self.namespace[name] = made
            return made(value, *arguments)

        return admit

    def make_admit(self, admission: Admission) -> Callable[..., Any]:
        """Make the out-of-line call of one boundary: value, context and sizes in, all out."""
        is_result = admission.parameter.name == RESULT
        boundary = Boundary(self.contract, admission.parameter, is_result=is_result)
        read_call = call_reader(self.contract.options, admission.knows)
        binds = admission.binds

        def admit(value: Any, *arguments: Any) -> Any:
            _look_for_torch()
            if get_mode() == "off":
                return (value, *map(_unchecked_size, binds)) if binds else value
            call = read_call(arguments)
            start = len(thread.refused)
            try:
                admitted = boundary.admit(value, call)
            except BoundaryError as error:
                settle_boundary(start, error)
                raise
            settle_boundary(start, None)
            return (admitted, *map(call.bound.get, binds)) if binds else admitted

        return make_quick_lane(self.contract, admission.parameter, admission.knows, binds, admit)


def _unchecked_size(key: str) -> Any:
    """In mode off an axis of an unlawful value: any size, since nothing is refused after it."""
    return None if key[0] in "#<" else () if key.startswith("*") else 1


def _dtypes(world: World | None, names: tuple[Any, ...]) -> frozenset[Any]:
    loaded = [each for each in ((world,) if world else WORLDS) if each.array_type() is not None]
    return frozenset[Any]().union(*(dtypes_of(each, names) for each in loaded))


def _array_type_of(*arguments: Any) -> type:
    """The array class of the world that a call is in: its first array's, else NumPy's."""
    return array_class(find_world(first_array(*arguments)) or NUMPY)


def _module_device(function: str, module: Any) -> Any:
    """Where a module's first parameter is."""
    first: Any = next(module.parameters(), None) if hasattr(module, "parameters") else None
    if first is None:
        reason = "device='module' is where the first parameter is, and there is none"
        raise DeviceError(
            Violation(
                function, "argument 'self'", "a module with parameters", describe(module), reason
            )
        )
    return first.device


on_strict(_watch_bodies)
