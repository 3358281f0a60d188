"""Read contracts at the first call, when all names in the annotations are defined."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from sekisho.contract import (
    LenientNames,
    Options,
    build_contract,
    display_name,
    read_signature,
)
from sekisho.errors import DeclarationError
from sekisho.guard.refusals import write_declaration
from sekisho.guard.report import tell_unguarded, warn_of_slips
from sekisho.utils import is_guard, locals_of
from sekisho.worlds import asked_worlds, class_of

if TYPE_CHECKING:
    import types
    from collections.abc import Mapping

    from sekisho.contract import Contract

__all__ = ["imported_for_typing", "names_for_typing", "read_late"]

imported_for_typing: Final[dict[str, Mapping[str, tuple[str, str | None]]]] = {}
"""By guarded module, its imports for type checkers only: name -> (module, attribute or None)."""

_HINT: Final = "import it outside of TYPE_CHECKING, or define it before the first call"


def read_late(
    function: types.FunctionType, options: Options, names: dict[str, Any], home: str
) -> Contract:
    """Read a contract at the first call.

    Args:
        function: the function to be guarded.
        options: the decorator's options.
        names: what string annotations may use beside the function's globals.
        home: the module in which an import hook found the function.

    Raises:
        DeclarationError: if the annotations cannot be read. A function that an import hook guards
            raises nothing: what can be read is checked, and the rest is reported.
    """
    if options.lenient:
        return _read_leniently(function, options, home)
    try:
        contract = _read(function, options, names)
    except Exception as error:
        write_declaration(error, function)
        raise
    warn_of_slips(function, contract)
    return contract


def _read(function: types.FunctionType, options: Options, names: dict[str, Any]) -> Contract:
    signature = read_signature(function)
    try:
        return build_contract(function, signature, options, names)
    except NameError as error:
        # A method of a class in a function may name that class: the call's `self` leads to it.
        around, missing = _classes_of_call(), error
        try:
            if missing.name not in around:
                raise missing
            return build_contract(function, signature, options, {**around, **names})
        except NameError:
            raise DeclarationError(
                f"{display_name(function)}(): an annotation names what is not defined: {missing}."
                f"\n  hint: {_HINT}"
            ) from None


def _read_leniently(function: types.FunctionType, options: Options, home: str) -> Contract:
    problems: list[str] = []
    typed = names_for_typing(home)
    names = LenientNames(function.__globals__, typed)
    names.update(_names_where_defined(function, home))
    contract = build_contract(function, read_signature(function), options, names, problems)
    if names.missing:
        # Undefined names are reported only if the annotations are about arrays.
        known = {name for world in asked_worlds() for name in (world.name, world.array_class)}
        if contract.holds_arrays or names.missing & (_ARRAY_NAMES | known):
            words = ", ".join(sorted(names.missing))
            title = display_name(function)
            text = f"{title}() names {words}, which is defined nowhere when the program runs."
            problems.insert(0, f"{text}\n  hint: {_HINT}")
        else:
            problems.clear()  # no annotation mentions an array
    tell_unguarded(function, problems, home)
    warn_of_slips(function, contract)
    return contract


_ARRAY_NAMES: Final = {"np", "NDArray", "jnp", "jaxtyping"}


def _names_where_defined(function: types.FunctionType, home: str) -> dict[str, Any]:
    """Return the names that are defined in the classes around a method.

    The names of the module `home` are included if the method has other globals: the ``__new__`` of
    a NamedTuple has globals of its own, without the types of its fields.
    """
    module = vars(sys.modules.get(home, ModuleType("")))
    names: dict[str, Any] = {} if function.__globals__ is module else dict(module)
    owner: Mapping[str, Any] = module
    for part in function.__qualname__.split(".")[:-1]:
        kind = owner.get(part)
        if not issubclass(class_of(kind), type):
            break
        owner = vars(kind)
        # Leave methods out: the annotation `float` does not mean a method of that name.
        names |= {k: v for k, v in owner.items() if not hasattr(class_of(v), "__get__")}
    return names


def names_for_typing(home: str) -> dict[str, Any]:
    """Return the names that a module imports for type checkers only and that are loaded anyway.

    Nothing is imported here.

    Args:
        home: the module's name.
    """
    found: dict[str, Any] = {}
    for name, (origin, attribute) in imported_for_typing.get(home, {}).items():
        module = sys.modules.get(origin)
        if attribute is None and module is not None:
            found[name] = module
        elif type(module) is ModuleType and attribute in vars(module):  # a lazy module runs code
            found[name] = vars(module)[attribute]
        elif f"{origin}.{attribute}" in sys.modules:
            found[name] = sys.modules[f"{origin}.{attribute}"]
    return found


def _classes_of_call() -> dict[str, Any]:
    """Return the class of the method that is being called, and its base classes, by name.

    A class that is defined in a function has a name only there, so its methods' globals lack it.
    """
    frame = inspect.currentframe()
    while frame is not None and not is_guard(frame.f_code):
        frame = frame.f_back
    args: Any = locals_of(frame).get("args") if frame else None
    first: Any = args[0] if args else None
    kind = first if isinstance(first, type) else class_of(first)
    return {each.__name__: each for each in kind.__mro__}
