"""Check a value against an annotation inside of a function body."""

from __future__ import annotations

import ast
import functools
import linecache
import os.path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sekisho.context import current, note_violation
from sekisho.errors import BoundaryError, DeclarationError, hide_in_pytest
from sekisho.utils import frame_at, runs_while_tracing
from sekisho.worlds import find_world, is_compiling

if TYPE_CHECKING:
    from types import FrameType

    from sekisho.guard import Body

__all__ = ["check"]

__tracebackhide__ = hide_in_pytest

T = TypeVar("T")


def check(value: T, annotation: Any, /) -> T:
    """Check a value against an annotation, with the axes of the guarded function around it.

    Inside of a guarded function, an axis that an argument has bound must have that size. A new axis
    is bound for later checks and for the result. Elsewhere each check is independent. Nothing is
    converted: a value of another world is refused.

    Args:
        value: anything.
        annotation: what it must be: an array, a container of arrays, a class, as in a signature.

    Returns:
        The value itself.

    Raises:
        BoundaryError: of the class that fits, naming the line, the axes, and what bound them; or, where
            ``violations="warn"`` (see `set_mode`), a warning with the same text.
        DeclarationError: if the annotation is not valid.

    Examples:
        >>> import numpy as np
        >>> import sekisho as sk
        >>> from jaxtyping import Float
        >>> @sk.numpy_world
        ... def scores(q: Float[np.ndarray, "n d"], k: Float[np.ndarray, "m d"]):
        ...     return sk.check(q @ k.T, Float[np.ndarray, "n m"])
        >>> scores(np.ones((2, 3)), np.ones((4, 3))).shape
        (2, 4)
    """
    setting = current()
    if setting.name == "off":
        return value
    from sekisho.guard import body_of  # noqa: PLC0415 - importing sekisho stays light

    if is_compiling():
        checkpoint = getattr(_traced, _traced_checkpoint(annotation))
        if setting.violations == "raise":
            checkpoint.hold(value, body_of(None))
        else:
            checkpoint.hold_or_note(value, body_of(None))
        return value
    try:
        checkpoint = _checkpoint(annotation)
    except DeclarationError as error:
        raise _with_meant(error, annotation) from None
    frame = _caller()
    body = body_of(frame.f_code)
    try:
        checkpoint.hold(value, body, frame.f_lineno)
    except BoundaryError as refusal:
        refuse = functools.partial(_worded, refusal, checkpoint, value, frame, body)
        if setting.violations == "raise":
            raise refuse() from None
        if not checkpoint.holds_without_doubts(value, body, frame.f_lineno):
            note_violation(body.contract.function if body else "check", "check", (), refuse)
    return value


def _with_meant(error: DeclarationError, annotation: object) -> DeclarationError:
    """Add the call that was meant, where an array or axes stand as the annotation."""
    text = str(error)
    if "hint:" in text:
        return error
    if find_world(annotation) is not None:
        return DeclarationError(f"{text}\n  hint: the value comes first: check(value, annotation)")
    if isinstance(annotation, str):
        meant = f"check(value, Float32[numpy.ndarray, {annotation!r}])"
        return DeclarationError(f"{text}\n  hint: axes stand behind a class: {meant}")
    return error


def _worded(
    refusal: BoundaryError, checkpoint: Any, value: Any, frame: FrameType, body: Body | None
) -> BoundaryError:
    """Make the error with all its words."""
    title, name = _words(frame, body)
    explained: BoundaryError | None = checkpoint.explain(value, body, title, name)
    return explained or refusal.with_traceback(None)


_caller: Any = functools.partial(frame_at, 1)
"""Return the frame that calls `check`. Not a Python function, which would add a frame."""


class _Traced:
    """The checkpoints that torch.compile has traced, each as an attribute of its own.

    Before each call, compiled code checks that what it has read is unchanged. A list or a dict
    would change with every later checkpoint.
    """


_traced: Final = _Traced()


@runs_while_tracing
def _traced_checkpoint(annotation: Any) -> str:
    checkpoint = _checkpoint(annotation)
    known = vars(_traced)
    found = next((name for name, each in known.items() if each is checkpoint), None)
    if found is None:
        found = f"number_{len(known)}"
        setattr(_traced, found, checkpoint)
    return found


def _checkpoint(annotation: Any) -> Any:
    try:
        return _cached_checkpoint(annotation)
    except TypeError:  # an annotation without a hash
        return _cached_checkpoint.__wrapped__(annotation)


@functools.lru_cache(maxsize=256)
def _cached_checkpoint(annotation: Any) -> Any:
    from sekisho.guard import Checkpoint  # noqa: PLC0415 - importing sekisho stays light

    return Checkpoint(annotation)


_NAME: Final = "value"


def _words(frame: FrameType, body: Body | None) -> tuple[str, str]:
    """Return what a message calls the check and the value: ``of x.T (model.py:12)``, ``x.T``."""
    name = _argument(frame) or _NAME
    # Importing pathlib takes as long as importing sekisho without it.
    filename = os.path.basename(frame.f_code.co_filename)  # noqa: PTH119 - pathlib is slow to import
    where = f"{filename}:{frame.f_lineno}"
    return f"{'check of' if body else 'of'} {name} ({where})", name


def _argument(frame: FrameType) -> str | None:
    """Return the first argument of the call that a frame is at, as its author wrote it."""
    positions = list(frame.f_code.co_positions())
    # `f_lasti` counts bytes, and an instruction has two.
    line, last, start, end = positions[frame.f_lasti // 2]
    if line is None or last is None or start is None or end is None:
        return None
    filename = frame.f_code.co_filename
    lines = [
        linecache.getline(filename, each, frame.f_globals).encode()
        for each in range(line, last + 1)
    ]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        call: Any = ast.parse(b"".join(lines).decode(), mode="eval").body
        return ast.unparse(call.args[0])
    except (SyntaxError, ValueError, AttributeError, IndexError):  # no source, or another one
        return None
