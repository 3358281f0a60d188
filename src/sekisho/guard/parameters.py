"""Write parameters as Python source: in a ``def``, and in a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.contract import Parameter

__all__ = ["arguments_text", "signature_text", "stars_of"]


def signature_text(parameters: tuple[Parameter, ...], default: Callable[[str], str]) -> str:
    """Return the parameters as a ``def`` has them; `default` names the default of each."""
    words: list[str] = []
    kinds = [each.kind for each in parameters]
    for index, each in enumerate(parameters):
        kind = each.kind
        before, after = kinds[:index], kinds[index + 1 : index + 2]
        # A bare `*` begins the keyword-only parameters, unless `*args` does.
        if kind is kind.KEYWORD_ONLY and not {kind, kind.VAR_POSITIONAL} & set(before):
            words.append("*")
        value = f"={default(each.name)}" if each.has_default else ""
        words.append(f"{stars_of(each)}{each.name}{value}")
        # `/` follows the last positional-only parameter.
        if kind is kind.POSITIONAL_ONLY and after != [kind]:
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
