"""Suggestions for names and arguments that other libraries use and sekisho calls differently."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sekisho.errors import DeclarationError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import FrameType

__all__ = ["closest", "foreign_name", "refuse_misspelt", "refuse_words"]

_HERE: Final = {
    "isinstance": "check(x, annotation)",
    **dict.fromkeys(("xp", "get_namespace", "array_namespace"), "namespace(x)"),
    **dict.fromkeys(("jaxtyped", "typechecked", "beartype"), "numpy_world, torch_world, ..."),
    **{name: f"mode({name!r})" for name in ("convert", "warn", "strict", "off")},
    "disable": "mode('off')",
    "enable": "mode('convert')",
    "config": "set_mode(...), or [tool.sekisho] in pyproject.toml",
    "any_world": "same_world",
    **dict.fromkeys(("world", "worlds", "decorate"), "numpy_world, torch_world, ..."),
    **{
        name: f"testing.{name}"
        for name in ("arrays_of", "assert_same_values", "assert_stays", "both_worlds", "fuzz")
    },
    **dict.fromkeys(("allow", "allow_crossing", "allow_crossings"), "crossing_allowed()"),
    **dict.fromkeys(("ndarray", "Tensor"), "Array, or the class of one library"),
}
"""Names from neighbouring projects, and the sekisho expression to suggest in their place."""

_ELSEWHERE: Final = {
    **dict.fromkeys(("mode", "strict"), "set_mode('strict'), or a block: with mode('strict'):"),
    **dict.fromkeys(
        ("dtype", "shape", "axes", "axis", "dims"),
        "it stands in an annotation, as in x: Float32[numpy.ndarray, 'h w']",
    ),
    "device": "'device' is an option of torch_world",
}
"""What is written elsewhere than in a decorator's options."""

_ARGUMENTS: Final = {
    "dim": "axis",
    "dims": "axes",
    "axes": "axis",
    "a": "x",
    "input": "x",
    "tensors": "arrays",
    "force": "detach=True, and copy=None copies only where it must",
    "dtype": "none: the dtype stays; cast with .astype(dtype) or .to(dtype)",
    "requires_grad": "none: .requires_grad_() does that to the result",
    "non_blocking": "none: a copy is always complete, since the array may change at once",
}


def foreign_name(name: str, known: Collection[str], theirs: Mapping[str, str]) -> AttributeError:
    """Return the error for a name that `sekisho` does not have.

    Args:
        name: the missing name.
        known: the names that exist.
        theirs: array libraries' names, each with the name to suggest in its place.

    Raises:
        ImportError: with the same text, if the name was imported by ``from sekisho import``.
    """
    meant = _HERE.get(name) or theirs.get(name)
    if f"{name}_world" in known:  # such as "numpy": most often meant as a decorator
        meant = f"{name}_world, or sekisho.to_{name}(x)"
    library = name.removesuffix("_world")
    if meant is None and library != name:
        # Without the ending, which all decorators share.
        worlds = [each.removesuffix("_world") for each in known if each.endswith("_world")]
        close = closest(library, worlds)
        meant = f"{close}_world" if close else f"World, to add {library}: see docs/worlds.md"
    if meant is None and _is_of_jaxtyping(name):
        hint = f"\n  hint: from jaxtyping import {name}"
    else:
        meant = meant or closest(name, known)
        hint = f"\n  hint: sekisho.{meant}" if meant else ""
    text = f"module 'sekisho' has no {name!r}.{hint}"
    if _is_imported(inspect.currentframe()):
        # Python replaces an AttributeError raised by ``from sekisho import name`` and drops its
        # text.
        raise ImportError(text, name="sekisho")
    return AttributeError(text, name=name)


def _is_of_jaxtyping(name: str) -> bool:
    import jaxtyping  # noqa: PLC0415 - only for the message

    return name in dir(jaxtyping)


def _is_imported(frame: FrameType | None) -> bool:
    """Return whether the user's line that looks up a name is ``from sekisho import name``."""
    import dis  # noqa: PLC0415 - only for the message

    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "sekisho":
        frame = frame.f_back
    return frame is not None and frame.f_code.co_code[frame.f_lasti] == dis.opmap["IMPORT_FROM"]


def refuse_misspelt(function: str, told: Collection[str], known: Collection[str]) -> NoReturn:
    """Raise the error for an option that a decorator or a mode does not have.

    Raises:
        DeclarationError: with the name of the option that was probably meant.
    """
    name = next(iter(told))
    close = closest(name, known)
    if close:
        hint = f"did you mean {close!r}?"
    else:
        hint = _ELSEWHERE.get(name) or f"its options are {', '.join(known)}"
    raise DeclarationError(f"{function}(): there is no option {name!r}.\n  hint: {hint}")


def refuse_words(
    function: str,
    call: str,
    words: dict[str, Any],
    reason: str = "",
    known: Collection[str] = (),
) -> NoReturn:
    """Raise the error for an argument that belongs to another library's function.

    Args:
        function: the name of the helper.
        call: a correct call, as the hint.
        words: the unknown arguments by name.
        reason: what is wrong, if it is not the name of an argument.
        known: the helper's own options, for a hint about a misspelled one.

    Raises:
        DeclarationError: with the argument's name in sekisho. It is also a `TypeError`.
    """
    name = next(iter(words), "")
    meant = _ARGUMENTS.get(name)
    what = f"\n  the word here is {meant}" if meant else ""
    reason = reason or f"there is no argument {name!r}."
    if not meant and (close := closest(name, known)):
        call = f"did you mean {close!r}?"
    # `from None`: the original error says the same about the library that this error says about the
    # call.
    raise DeclarationError(f"{function}(): {reason}{what}\n  hint: {call}") from None


def closest(name: str, known: Collection[str]) -> str | None:
    """Return the known name closest to a misspelled one, or None if none is close."""
    import difflib  # noqa: PLC0415 - only for the message

    return next(iter(difflib.get_close_matches(name, known, 1)), None)
