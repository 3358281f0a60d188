"""What a conversion is allowed to do, what it returns, and how it refuses."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Converted", "Policy", "Refusal", "forbid_copy"]


class Policy(NamedTuple):
    """What a conversion is allowed to do.

    Attributes:
        copy: None copies if needed, True always, False never.
        device: the required device, as returned by the target world's `World.parse_device`. None
            keeps the device, or uses the library's default for values that come from the host.
        detach: whether a value that requires grad may be detached from its graph.
        read_only: whether an array that shares another library's memory becomes read-only.
        extended: whether to import ml_dtypes for dtypes that NumPy only has with it, which is
            useful on the way to another world. If ml_dtypes is imported already, it is always used.
        waiting: gets copies of the host's arrays, which `Library.move_together` moves later in one
            call, in place of the converted values; None converts each at once.
    """

    copy: bool | None = None
    device: Any = None
    detach: bool = False
    read_only: bool = False
    extended: bool = False
    waiting: list[Any] | None = None


class Converted(NamedTuple):
    """A converted value, and why its memory was copied (None if it is shared)."""

    value: Any
    copied: str | None


class Refusal(Exception):  # noqa: N818 - callers catch it and write the message; users never see it
    """Why a value cannot be converted. Its arguments are the reason, and optionally a hint.

    Like all errors of sekisho it defines no ``__init__``, because torch's compiler could not trace
    it.
    """

    @property
    def reason(self) -> str:
        """What prevents the conversion."""
        return str(self.args[0])

    @property
    def hint(self) -> str | None:
        """Code that makes the conversion possible, with ``{0}`` for the value; None if unknown."""
        return self.args[1] if len(self.args) > 1 else None


def forbid_copy(policy: Policy, reason: str) -> None:
    """Raise a `Refusal` if the policy does not allow a copy."""
    if policy.copy is False:
        raise Refusal(f"copy=False, but {reason} and has to be copied", "copy=None")
