"""Guard whatever can be decorated: functions, wrappers of functions, and classes.

A wrapper stays around its function: a guarded property is a property, and a guarded class is the
same class with guarded methods. The innermost function becomes a guard, which is a plain function.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
from typing import TYPE_CHECKING, Any, Final

from sekisho.contract import Parser, display_name, is_validated, read_signature
from sekisho.errors import DeclarationError
from sekisho.guard.annotated import with_checked_locals
from sekisho.guard.modules import guard_module, is_module
from sekisho.guard.report import tell_unguarded
from sekisho.guard.stub import make_guard, options_of
from sekisho.utils import closest, locals_of
from sekisho.worlds import class_of, describe, find_world

if TYPE_CHECKING:
    from types import FrameType

    from sekisho.contract import Options

__all__ = ["guard_generated", "guard_target"]


def guard_target(
    target: Any, options: Options, frame: FrameType | None, owner: type | None = None
) -> Any:
    """Guard a decorated object.

    Args:
        target: a function, a method, a wrapper of one, a callable object, or a class.
        options: the decorator's options.
        frame: where it was decorated; string annotations may use its local names.
        owner: the guarded class that it is a member of, if there is one.

    Raises:
        DeclarationError: for an object that cannot be called, and for contradictory declarations.
    """
    if _is_left_alone(target, options):
        return target
    made_with = options_of(target)
    if made_with is not None and made_with.gives_way:
        target = target.__wrapped__  # that guard comes from an import hook or a class
    elif made_with is not None:
        _refuse_second_world(target, made_with, options)
    if isinstance(target, type):
        return _guard_class(target, options, frame)
    if isinstance(target, _WRAPPERS):
        return _guard_wrapped(target, options, frame, owner)
    if type(target) is not types.FunctionType and is_module(target):
        guard = functools.partial(guard_target, options=options, frame=frame)
        return guard_module(target, guard, options, _guard_again)
    if not callable(target):
        raise DeclarationError(_say_no_function(target, options))
    function: Any = target
    manager = _MANAGERS.get(getattr(function, "__code__", None))
    if manager is not None:
        # The annotation says what the generator yields, so guard it inside of the manager.
        return manager(guard_target(function.__wrapped__, options, frame))
    return _guard_function(function, options, frame, owner)


def _guard_function(
    function: Any, options: Options, frame: FrameType | None, owner: type | None
) -> Any:
    if options.mutates and owner is None:  # a class has it for those of its methods that it fits
        _refuse_unknown(function, options)
    names = functools.partial(_names_around, function, frame, owner)
    is_wrapper = type(function) is not types.FunctionType or hasattr(function, "__wrapped__")
    if options.locals and is_wrapper and owner is None:
        raise DeclarationError(
            f"{display_name(function)}(): locals=True reads the source of a function, and this is a wrapper.\n"
            f"  hint: write @{options.kind}(locals=True) directly above the def"
        )
    if options.locals and not is_wrapper:
        # A class has methods that were generated, without source and without annotated locals.
        function = with_checked_locals(function, names, needs_source=owner is None)
    guarded = make_guard(function, options, names)
    _hand_on_methods(function, guarded)
    return guarded


def _refuse_unknown(function: Any, options: Options) -> None:
    """Refuse names in `mutates` that are no parameters of the function."""
    known = list(read_signature(function).parameters)
    wrong = next((each for each in options.mutates if each not in known), None)
    if wrong is not None:
        meant = closest(wrong, known)
        raise DeclarationError(
            f"{display_name(function)}(): mutates={wrong!r} is no parameter."
            + (f"\n  hint: did you mean {meant!r}?" if meant else "")
        )


def _refuse_second_world(target: Any, made_with: Options, options: Options) -> None:
    """Refuse a function that two decorators claim for two libraries: the outer would undo the inner."""
    worlds = (made_with.world, options.world)
    if None not in worlds and worlds[0] is not worlds[1]:
        raise DeclarationError(
            f"{options.kind}(): {target.__qualname__}() has the decorator {made_with.kind} already.\n"
            "  hint: leave one out, or write @boundary in place of both"
        )


def _say_no_function(target: Any, options: Options) -> str:
    """Say what a decorator is for, to who gives it an array, a dtype or a word."""
    got, hint = repr(target), f"write @{options.kind} in a line of its own above the function"
    if isinstance(target, str) and options.world is not None and "device" in options.world.options:
        hint = f"@{options.kind}(device={target!r}), if that is a device"
    if find_world(target) is not None:
        got = describe(target)
        if options.world is not None:
            hint = f"to convert an array, call to_{options.world.name}(x)"
    return (
        f"{options.kind}(): expected a function, got {got}, which cannot be called.\n  hint: {hint}"
    )


def _hand_on_methods(function: Any, guarded: Any) -> None:
    """Give a guard the public methods of a callable object, which are not in its ``__dict__``.

    Such are ``cache_clear`` of `functools.lru_cache`, ``lower`` of ``jax.jit`` and ``defvjp`` of
    ``jax.custom_vjp``.
    """
    kind = class_of(function)
    if any(kind is each for each in _PLAIN):
        return
    for name in dir(kind):
        # Another author's class may raise anything: then the guard lacks the method.
        with contextlib.suppress(Exception):
            is_new = not name.startswith("_") and not hasattr(guarded, name)
            if is_new and callable(getattr(kind, name)):
                setattr(guarded, name, getattr(function, name))


_PLAIN: Final = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, functools.partial)


def _guard_again(options: Options, make: Any, arguments: Any) -> Any:
    """Guard a module again after it was unpickled or copied."""
    return guard_target(make(*arguments), options, None)


def _is_left_alone(target: Any, options: Options) -> bool:
    """Return whether a target is marked as unguarded, or has an explicit decorator of its own."""
    made_with = options_of(target)
    has_its_own = made_with is not None and not made_with.gives_way
    # From `__dict__`, since a class does not pass its mark on to subclasses.
    marks: Any = getattr(target, "__dict__", {})
    is_marked = "__sekisho_unguarded__" in marks or "__no_type_check__" in marks
    return is_marked or (options.gives_way and has_its_own)


def _guard_wrapped(
    target: Any, options: Options, frame: FrameType | None, owner: type | None
) -> Any:
    kind = class_of(target)
    if issubclass(kind, _UNBOUND):
        return kind(guard_target(target.__func__, options, frame, owner))
    if isinstance(target, property):
        get, set_, delete = (
            each and guard_target(each, options, frame, owner)
            for each in (target.fget, target.fset, target.fdel)
        )
        return property(get, set_, delete, target.__doc__)
    return functools.cached_property(guard_target(target.func, options, frame, owner))


def _code_of_manager(decorate: Any) -> Any:
    def generator() -> Any:
        yield

    return decorate(generator).__code__


_MANAGERS: Final[dict[Any, Any]] = {
    _code_of_manager(contextlib.contextmanager): contextlib.contextmanager,
    _code_of_manager(contextlib.asynccontextmanager): contextlib.asynccontextmanager,
}
_UNBOUND: Final[Any] = (staticmethod, classmethod)
_WRAPPERS: Final = (*_UNBOUND, property, functools.cached_property)
_METHODS: Final = (types.FunctionType, *_WRAPPERS)


def _type_parameters_of(generic: Any) -> dict[str, Any]:
    return {each.__name__: each for each in getattr(generic, "__type_params__", ())}


def _function_of(frame: FrameType) -> Any:
    """Return the function that runs on a frame, if its caller or its module has it by its name."""
    name, caller = frame.f_code.co_name, frame.f_back
    # Before Python 3.12 no function has type parameters.
    if sys.version_info < (3, 12) or caller is None:
        return None
    for names in (locals_of(caller), frame.f_globals):
        found = inspect.unwrap(names[name]) if callable(names.get(name)) else None
        if getattr(found, "__code__", None) is frame.f_code:
            return found
    return None


def _guard_class(kind: type, options: Options, frame: FrameType | None) -> Any:
    """Guard every method that a class defines, a dataclass's ``__init__`` too."""
    if is_validated(kind):
        _tell_validated(kind, options, frame)
    namespace: dict[str, Any] = {**vars(kind)}
    for name, member in namespace.items():
        if not isinstance(member, _METHODS) or not _is_declared(name, member):
            continue
        if name == "__init__" and is_validated(kind):
            continue  # made by its library, and takes anything
        has_module = name != "__init__" and not isinstance(member, (staticmethod, classmethod))
        its_options = options if has_module else options._replace(device=_without_module(options))
        guarded = guard_target(member, its_options._replace(gives_way=True), frame, kind)
        _set(kind, name, guarded, options)
    if vars(kind).get("__annotations__") and not _is_generated(kind):
        _tell_late_dataclasses(kind, options.kind)
    return kind


def _tell_validated(kind: type, options: Options, frame: FrameType | None) -> None:
    """Refuse or report a record with array fields whose own library makes its instances.

    No guard can stand in such a library.

    Raises:
        DeclarationError: if the record has array fields, unless an import hook guards the class.
    """
    parser = Parser(options.world, _names_around(kind, frame))
    try:
        problem = "" if parser.parse_record(kind) is None else "holds arrays in its fields"
    except NameError as error:
        problem = f"has fields that cannot be read yet ({error})"
    except ValueError as error:
        problem = f"has a field that cannot be checked ({error})"
    if not problem:
        return
    title = kind.__qualname__.rpartition("<locals>.")[2]
    text = (
        f"{options.kind}(): {title} {problem}, and its library makes it, past any guard.\n"
        f"  hint: annotate the argument of a guarded function with {title}: its fields are checked there"
    )
    if not options.lenient:
        raise DeclarationError(text)
    tell_unguarded(kind, [text])


def _is_generated(kind: type) -> bool:
    """Return whether dataclass, attrs or a metaclass has generated methods of a class already."""
    names = ("__dataclass_fields__", "__attrs_attrs__", "_fields")
    return any(name in vars(kind) for name in names) or type(kind) is not type


def _tell_late_dataclasses(kind: type, decorator: str) -> None:
    """Make a class raise an error if it is made a dataclass only after it was guarded.

    Its ``__init__`` is then written too late to be guarded. It calls the methods that are set here,
    if they exist; nothing else does.
    """
    for name, mark in (
        ("__post_init__", "__dataclass_fields__"),
        ("__attrs_post_init__", "__attrs_attrs__"),
    ):
        late = _late(kind, vars(kind).get(name), name, mark, decorator)
        try:
            setattr(kind, name, late)
        except (AttributeError, TypeError) as error:  # a built-in class
            raise DeclarationError(
                f"{decorator}(): {kind.__qualname__} cannot be guarded: {error}"
            ) from None


def _late(kind: type, own: Any, name: str, mark: str, decorator: str) -> Any:
    title = kind.__qualname__.rpartition("<locals>.")[2]

    def post_init(self: Any, *args: Any, **kwargs: Any) -> Any:
        # A decorator may have made a new class with the same members (`slots=True`).
        owner = next((c for c in type(self).__mro__ if vars(c).get(name) is post_init), None)
        if owner is not None and mark in vars(owner):
            raise DeclarationError(
                f"{title} was made a dataclass after it was guarded, so nothing checks its fields."
                f"\n  hint: @{decorator} above the other decorator"
            )
        if own is not None:
            return own(self, *args, **kwargs)
        return _call_above(owner or kind, self, name, args, kwargs)

    return post_init


def guard_generated(kind: Any, options: Options, frame: FrameType | None) -> Any:
    """Guard the generated constructor of a dataclass, an attrs class or a NamedTuple."""
    namespace: dict[str, Any] = {**vars(kind)}
    for name in ("__init__", "__new__"):
        member = namespace.get(name)
        code = getattr(getattr(member, "__func__", member), "__code__", None)
        if code is not None and code.co_filename.startswith("<") and _is_declared(name, member):
            _set(kind, name, guard_target(member, options, frame, kind), options)
    return kind


def _set(kind: type, name: str, guarded: Any, options: Options) -> None:
    if isinstance(guarded, functools.cached_property):
        guarded.__set_name__(kind, name)
    try:
        setattr(kind, name, guarded)
    except (AttributeError, TypeError) as error:
        raise DeclarationError(
            f"{options.kind}(): {kind.__qualname__}.{name} cannot be guarded: {error}"
        ) from None


def _call_above(owner: type, self: Any, name: str, args: Any, kwargs: Any) -> Any:
    """Call the method that a class inherits under a name, if there is one."""
    mro: list[Any] = list(type(self).__mro__)
    for each in mro[mro.index(owner) + 1 :]:
        member = each.__dict__.get(name)
        if member is not None:
            return member(self, *args, **kwargs)
    return None


def _without_module(options: Options) -> Any:
    """Return the device option for a function without a module to read the device from."""
    return None if options.device == "module" else options.device


def _is_declared(name: str, member: Any) -> bool:
    """Return whether a method is the author's; a special method has to have annotations."""
    function = getattr(member, "__func__", member)
    if getattr(function, "__no_type_check__", False):
        return False
    is_special = name.startswith("__") and name.endswith("__")
    if not is_special or name == "__init__":
        return True
    try:
        return bool(getattr(function, "__annotations__", None))
    except NameError:  # Python 3.14 evaluates annotations here, so there are some
        return True


def _names_around(
    function: Any, frame: FrameType | None, owner: type | None = None
) -> dict[str, Any]:
    """Return the local names that the string annotations of a nested function or a method may use.

    They are the locals of the class bodies around the definition, and of the function around those.
    """
    names: dict[str, Any] = {}
    if owner is not None:  # a class in a function is not a local of a frame yet
        names = {owner.__name__: owner, **_type_parameters_of(owner)}
    while frame is not None and frame.f_locals is not frame.f_globals:
        # Leave methods out: the annotation `float` does not mean a method of that name.
        local = {k: v for k, v in locals_of(frame).items() if not isinstance(v, _METHODS)}
        # Since Python 3.12 the body of a generic class has its type parameters under this name.
        local = {**{each.__name__: each for each in local.get("__type_params__", ())}, **local}
        names = {**local, **names}
        is_function = frame.f_code.co_flags & inspect.CO_OPTIMIZED
        if is_function:
            names = {**_type_parameters_of(_function_of(frame)), **names}
        frame = None if is_function else frame.f_back
    module = getattr(function, "__globals__", {}).get("__name__")
    if frame is not None and module not in sys.modules:
        # Generated, like a NamedTuple's `__new__`: its globals lack the types of the fields.
        names = {**frame.f_globals, **names}
    return names
