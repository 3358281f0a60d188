"""Write parameters as Python source: in a ``def``, and in a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Parameter

__all__ = ["arguments_text", "signature_text", "stars_of"]


def signature_text(parameters: tuple[Parameter, ...], default: Callable[[str], str]) -> str:
    """Return the parameters as a ``def`` has them; `default` names the default of each."""
    words: list[str] = []
    before: Any = None
    for each in parameters:
        kind = each.kind
        # `/` follows the last positional-only parameter.
        if before is kind.POSITIONAL_ONLY and kind is not before:
            words.append("/")
        # A bare `*` begins the keyword-only parameters, unless `*args` does.
        if kind is kind.KEYWORD_ONLY and before not in {kind, kind.VAR_POSITIONAL}:
            words.append("*")
        value = f"={default(each.name)}" if each.has_default else ""
        words.append(f"{stars_of(each)}{each.name}{value}")
        before = kind
    if before is not None and before is before.POSITIONAL_ONLY:
        words.append("/")
    return ", ".join(words)


def arguments_text(parameters: tuple[Parameter, ...]) -> str:
    """Return the arguments of a call that passes on every parameter."""
    return ", ".join(
        f"{each.name}={each.name}"
        if each.kind is each.kind.KEYWORD_ONLY
        else f"{stars_of(each)}{each.name}"
        for each in parameters
    )


def stars_of(parameter: Parameter) -> str:
    """Return the stars in front of ``*args`` and ``**kwargs``."""
    kind = parameter.kind
    if kind is kind.VAR_POSITIONAL:
        return "*"
    return "**" if kind is kind.VAR_KEYWORD else ""
