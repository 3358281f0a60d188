"""Make what a registered world adds by its name: ``<name>_world``, ``to_<name>``, ``is_<name>``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

from sekisho.decorators import decorate
from sekisho.errors import hide_in_pytest
from sekisho.helpers import make_to_world
from sekisho.utils import shown_without
from sekisho.worlds import HOST, has_world, loaded_worlds, make_is_world, world_named, world_names

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Mutates
    from sekisho.utils import Converting, HandingBack
    from sekisho.worlds import Casting

__all__ = ["WorldDecorator", "brought", "jax_world", "make_world_decorator", "words_of_worlds"]

__tracebackhide__ = hide_in_pytest

F = TypeVar("F", bound="Callable[..., Any]")


class WorldDecorator(Protocol):
    """The decorator of a registered world; see `sekisho.jax_world`."""

    @overload
    def __call__(self, function: F, /) -> F: ...
    @overload
    def __call__(
        self,
        *,
        on_foreign: Literal["convert", "refuse"] | None = ...,
        returns: Literal["caller"],
        casting: Casting = ...,
        copy: bool | None = ...,
        device: Any = ...,
        detach: bool = ...,
        mutates: Mutates = ...,
        locals: bool = ...,
        typechecker: Any = ...,
    ) -> HandingBack: ...
    @overload
    def __call__(
        self,
        *,
        on_foreign: Literal["convert"],
        returns: Literal["world"] = ...,
        casting: Casting = ...,
        copy: bool | None = ...,
        device: Any = ...,
        detach: bool = ...,
        mutates: Mutates = ...,
        locals: bool = ...,
        typechecker: Any = ...,
    ) -> Converting: ...
    @overload
    def __call__(
        self,
        *,
        on_foreign: Literal["refuse"] | None = ...,
        returns: Literal["world"] = ...,
        casting: Casting = ...,
        copy: bool | None = ...,
        device: Any = ...,
        detach: bool = ...,
        mutates: Mutates = ...,
        locals: bool = ...,
        typechecker: Any = ...,
    ) -> Callable[[F], F]: ...


_COMMON = ("on_foreign", "returns", "casting", "copy", "mutates", "locals", "typechecker")
_FURTHER = {"device": None, "detach": False, "scalars": "allow", "local": False}
"""The options that a world's `World.options` may name, with their defaults."""


def make_world_decorator(name: str) -> WorldDecorator:
    """Make ``<name>_world``, which declares that a function stays in that world.

    Args:
        name: the world's name. The world has to exist only when the decorator is used.
    """
    kind = f"{name}_world"

    @shown_without("more")
    def declare(
        function: Any = None,
        /,
        *,
        on_foreign: Any = None,
        returns: Any = "world",
        casting: Any = "no",
        copy: Any = None,
        mutates: Mutates = (),
        locals: bool = False,  # noqa: A002 - what it checks
        typechecker: Any = "beartype",
        **more: Any,
    ) -> Any:
        options = world_named(name).options
        further = {key: more.pop(key, _FURTHER[key]) for key in _FURTHER if key in options}
        values = (on_foreign, returns, casting, copy, mutates, locals, typechecker)
        common = dict(zip(_COMMON, values, strict=True))
        return decorate(function, kind, more, **common, **further)

    declare.__name__ = declare.__qualname__ = kind
    declare.__doc__ = f"Declare that a function stays in {name}: see `sekisho.jax_world`."
    decorator: Any = declare
    made: WorldDecorator = decorator
    return made


jax_world: WorldDecorator = make_world_decorator("jax")
"""Declare that a function stays in JAX: JAX arrays in, JAX arrays out.

Arrays are checked while JAX traces, too: under ``jit``, ``grad`` and ``vmap`` an array is a tracer,
with a dtype and a shape. The options are those of `numpy_world`, and ``device=``: ``"cpu"``,
``"gpu:0"``, a `jax.Device`.
"""


def brought(name: str) -> Any:
    """Return what a world adds under a name; None if no world does.

    Raises:
        DeclarationError: if the world cannot be used.
    """
    for start, end, make in (
        ("", "_world", make_world_decorator),
        ("to_", "", make_to_world),
        ("is_", "", make_is_world),
    ):
        world = name.removeprefix(start).removesuffix(end)
        if f"{start}{world}{end}" == name and world != name and has_world(world):
            world_named(world)  # raises if the world is broken
            return make(world)
    return None


def words_of_worlds() -> dict[str, str]:
    """Return the words of all array libraries, each with what does the same here.

    A function that all loaded libraries have is one of the array's namespace.
    """
    modules = [world.namespace() for world in loaded_worlds()]
    words = {
        name: f"namespace(x).{name}"
        for name in dir(HOST.module())
        if all(callable(getattr(each, name, None)) for each in modules)
    }
    for name in reversed(world_names()):  # the first library's meaning of a word wins
        words.update(world_named(name).words)
    return words
