"""Hold a value in a body to an annotation: what `sekisho.check` and annotated locals have in common."""

from __future__ import annotations

import ast
import functools
import os.path
from typing import TYPE_CHECKING, Any, Final

from sekisho.context import note_violation
from sekisho.errors import DeclarationError, hide_in_pytest
from sekisho.guard.body import body_of
from sekisho.guard.checkpoint import Checkpoint
from sekisho.monitor import note_refusal
from sekisho.utils import expression_at, runs_while_tracing
from sekisho.worlds import find_world

if TYPE_CHECKING:
    from types import FrameType

    from sekisho.context import Setting
    from sekisho.errors import BoundaryError
    from sekisho.guard.body import Body
    from sekisho.validation import Invalid

__all__ = [
    "checkpoint_of",
    "hold_at",
    "hold_traced",
    "hold_traced_as",
    "hold_with",
    "name_in_traced",
]

__tracebackhide__ = hide_in_pytest


def hold_at(value: Any, annotation: Any, frame: FrameType, setting: Setting) -> None:
    """Hold the argument of a call of `check` to an annotation.

    Args:
        value: anything.
        annotation: what it must be.
        frame: where `check` is called.
        setting: the mode in force.

    Raises:
        BoundaryError: if the value is not valid; with ``violations="warn"`` it is noted instead.
        DeclarationError: if the annotation is not valid.
    """
    try:
        checkpoint = checkpoint_of(annotation)
    except DeclarationError as error:
        raise _with_meant(error, annotation) from None
    hold_with(value, checkpoint, frame, setting, functools.partial(_argument, frame))


def _with_meant(error: DeclarationError, annotation: object) -> DeclarationError:
    """Add the call that was meant, where an array or axes stand as the annotation."""
    text = str(error)
    if "hint:" in text:
        return error
    if find_world(annotation) is not None:
        return DeclarationError(f"{text}\n  hint: the value comes first: check(value, annotation)")
    if isinstance(annotation, str) and "[" in annotation:
        return DeclarationError(f"{text}\n  hint: without quotes: check(value, {annotation})")
    if isinstance(annotation, str):
        meant = f"check(value, Float32[numpy.ndarray, {annotation!r}])"
        return DeclarationError(f"{text}\n  hint: axes stand behind a class: {meant}")
    return error


def hold_with(
    value: Any, checkpoint: Checkpoint, frame: FrameType, setting: Setting, name: Any
) -> None:
    """Hold a value to a checkpoint. See `hold_at`.

    Args:
        value: anything.
        checkpoint: what it must be.
        frame: where the value is.
        setting: the mode in force.
        name: the variable's name, or a function that returns how the call of `check` writes the
            value.

    Raises:
        BoundaryError: as `hold_at`.
    """
    body = body_of(frame.f_code)
    invalid = checkpoint.hold(value, body, frame.f_lineno)
    if invalid is None:
        return
    refuse = functools.partial(_worded, invalid, checkpoint, value, frame, body, name)
    if setting.violations == "refuse":
        # An exception that the caller is just handling is not the cause.
        raise (note_refusal(refuse()) if invalid.is_crossing else refuse()) from None
    if not checkpoint.holds_without_doubts(value, body, frame.f_lineno):
        note_violation(body.contract.function if body else "check", "check", (), refuse)


def _worded(
    invalid: Invalid,
    checkpoint: Checkpoint,
    value: Any,
    frame: FrameType,
    body: Body | None,
    name: Any,
) -> BoundaryError:
    """Make the error with all its words."""
    filename = os.path.basename(frame.f_code.co_filename)  # noqa: PTH119 - pathlib is slow to import
    where = f"({filename}:{frame.f_lineno})"
    if isinstance(name, str):
        title, shown = f"variable '{name}' {where}", name
    else:
        shown = name() or "value"
        title = f"{'check of' if body else 'of'} {shown} {where}"
    return checkpoint.explain(value, invalid, body, title, shown)


def _argument(frame: FrameType) -> str | None:
    """Return the first argument of the call that a frame is at, as its author wrote it."""
    call: Any = expression_at(frame)
    try:
        return ast.unparse(call.args[0])
    except (AttributeError, IndexError):
        return None


# --- while torch.compile traces -----------------------------------------------------------------


def hold_traced(value: Any, annotation: Any, setting: Setting) -> None:
    """Hold a value to an annotation in code that torch.compile traces. See `hold_at`."""
    hold_traced_as(value, traced_name(annotation), setting)


def hold_traced_as(value: Any, name: str, setting: Setting) -> None:
    """Hold a value to the checkpoint of a name in `traced`."""
    getattr(traced, name).hold_traced(value, body_of(None), passes=setting.violations == "warn")


class _Traced:
    """The checkpoints that torch.compile has traced, each as an attribute of its own.

    Before each call, compiled code checks that what it has read is unchanged. A list or a dict
    would change with every later checkpoint.
    """


traced: Final = _Traced()


@runs_while_tracing
def traced_name(annotation: Any) -> str:
    """Return the name in `traced` of an annotation's checkpoint."""
    return name_in_traced(checkpoint_of(annotation))


def name_in_traced(checkpoint: Checkpoint) -> str:
    """Return the name in `traced` of a checkpoint, which is added if it is new."""
    known = vars(traced)
    found = next((name for name, each in known.items() if each is checkpoint), None)
    if found is None:
        found = f"number_{len(known)}"
        setattr(traced, found, checkpoint)
    return found


def checkpoint_of(annotation: Any) -> Checkpoint:
    """Return the checkpoint for an annotation.

    Raises:
        DeclarationError: if the annotation is not valid.
    """
    try:
        return _cached_checkpoint(annotation)
    except TypeError:  # an annotation without a hash
        return Checkpoint(annotation)


_cached_checkpoint: Final = functools.lru_cache(maxsize=256)(Checkpoint)
