"""What a conversion may do, what it gives, and why it does not."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = ["Converted", "Policy", "Refusal", "forbid_copy"]


class Policy(NamedTuple):
    """What a conversion may do.

    Attributes:
        copy: None copies if needed, True always, False never.
        device: where the value must end up, as the target world's `World.parse_device` gives it;
            None is where it is, or the library's own choice for what comes from the host.
        detach: whether a value that requires grad may be cut from its graph.
        read_only: whether an array that shares another library's memory is handed over read-only.
        extended: whether ml_dtypes may be imported for dtypes that only it gives NumPy: on the way
            to a world that has them. Where it is imported already, they are always given.
    """

    copy: bool | None = None
    device: Any = None
    detach: bool = False
    read_only: bool = False
    extended: bool = False


class Converted(NamedTuple):
    """A value in its new world, and why its memory was copied (None: it is shared)."""

    value: Any
    copied: str | None


class Refusal(Exception):  # noqa: N818 - caught and worded by the caller; never seen by a user
    """Why a value does not cross: its arguments are the reason, and the call that mends it or None.

    It defines no ``__init__``, as none of the errors does: a compiler of torch could not trace it.
    """

    @property
    def reason(self) -> str:
        """What stands in the way."""
        return str(self.args[0])

    @property
    def hint(self) -> str | None:
        """The call that makes it cross, ``{0}`` being the value."""
        return self.args[1] if len(self.args) > 1 else None


def forbid_copy(policy: Policy, reason: str) -> None:
    """Refuse a copy that the policy rules out."""
    if policy.copy is False:
        raise Refusal(f"copy=False, but {reason} and has to be copied", "copy=None")
