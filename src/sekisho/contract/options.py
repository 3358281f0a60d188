"""The options of a decorator, and their validation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple, NoReturn

from sekisho.errors import DeclarationError, hide_in_pytest
from sekisho.worlds import Casting, Library, Refusal, world_named

__all__ = ["DecoratorName", "Options", "make_options"]

__tracebackhide__ = hide_in_pytest

DecoratorName = str
"""The name of the decorator: ``numpy_world`` (or another world's), ``same_world``, ``boundary``."""


class Options(NamedTuple):
    """The validated options of a decorator. See `sekisho.numpy_world` and the other decorators.

    The last three are for decorators that were not written at the function itself, such as an
    import hook's. `gives_way` lets a decorator at the function win. `arrays_only` leaves alone a
    function whose annotations mention no array. `lenient` warns of what cannot be checked, and
    checks the rest.
    """

    kind: DecoratorName
    on_foreign: Literal["convert", "refuse"] | None = None
    returns: Literal["world", "caller"] = "world"
    casting: Casting = "no"
    copy: bool | None = None
    device: Any = None
    detach: bool = False
    typechecker: Any = "beartype"
    scalars: Literal["allow", "refuse"] = "allow"
    local: bool = False
    mutates: tuple[str, ...] = ()
    locals: bool = False
    gives_way: bool = False
    arrays_only: bool = False
    lenient: bool = False

    @property
    def world(self) -> Library | None:
        """The world that the function stays in; None for `same_world` and `boundary`."""
        return _home(self.kind)


def _home(kind: DecoratorName) -> Library | None:
    return None if kind in _OF_NO_WORLD else world_named(kind.removesuffix("_world"))


_OF_NO_WORLD: Final = frozenset({"same_world", "boundary"})

_ALLOWED: Final[dict[str, tuple[Any, ...]]] = {
    "on_foreign": (None, "convert", "refuse"),
    "returns": ("world", "caller"),
    "casting": ("no", "equiv", "safe", "same_kind", "unsafe"),
    "copy": (None, True, False),
    "detach": (False, True),
    "scalars": ("allow", "refuse"),
    "local": (False, True),
    "locals": (False, True),
}
"""The values that an option may have, its default first."""


def make_options(kind: DecoratorName, **options: Any) -> Options:
    """Validate the options of a decorator.

    Raises:
        DeclarationError: for a value that an option cannot have.
    """
    changed = [name for name in options if options[name] is not Options._field_defaults[name]]
    if not changed:  # as for most decorators
        return Options(kind)
    for name in changed:
        value, values = options[name], _ALLOWED.get(name)
        if values is not None and not any(
            value is each or (isinstance(value, str) and value == each) for each in values
        ):
            _refuse_option(kind, name, ", ".join(map(repr, values)), value)
    typechecker = options["typechecker"]
    if typechecker is not None and typechecker != "beartype" and not callable(typechecker):
        is_conf = type(typechecker).__name__ == "BeartypeConf"
        hint = "hint: beartype.beartype(conf=...)" if is_conf else ""
        _refuse_option(kind, "typechecker", "'beartype', None or a decorator", typechecker, hint)
    options["mutates"] = _names_in(kind, options.get("mutates", ()))
    device = options.get("device")
    if device is not None and device != "module":
        home = _home(kind)
        assert home is not None  # only a world's decorator has this option
        try:
            options["device"] = home.parse_device(device)
        except Refusal as refusal:
            reason = refusal.reason
        else:
            reason = ""
        if reason:  # outside of the handler, to show only one traceback
            _refuse_option(kind, "device", "None, 'module' or a device", device, reason)
    return Options(kind, **options)


def _names_in(kind: DecoratorName, mutates: Any) -> tuple[str, ...]:
    """Return the names of `mutates`, which may be one string."""
    names: Any = [mutates] if isinstance(mutates, str) else mutates
    if not _are_strings(names):
        _refuse_option(kind, "mutates", "names of parameters", mutates)
    return tuple(names)


def _are_strings(values: Any) -> bool:
    items: Any = values
    return isinstance(values, Collection) and all(isinstance(each, str) for each in items)


def _refuse_option(
    kind: DecoratorName, name: str, expected: str, got: object, why: str = ""
) -> NoReturn:
    because = f"\n  {why.splitlines()[0]}" if why else ""
    raise DeclarationError(f"{kind}() option '{name}': expected {expected}, got {got!r}.{because}")
