"""Validate values against the annotation of a `sekisho.check`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.contract import (
    CHECKED,
    Contract,
    Options,
    Parameter,
    Parser,
    annotation_text,
    binders,
    eval_nothing,
    make_parameter,
    prepare_checkers,
)
from sekisho.errors import BoundaryError, DeclarationError, hide_in_pytest
from sekisho.guard.tolerance import CHECKED_PLACE, note_traced, parts_of
from sekisho.validation import Boundary, Call, Place, find_doubts, free
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.guard.body import Body

__all__ = ["Checkpoint"]

__tracebackhide__ = hide_in_pytest


class Checkpoint:
    """One annotation of `sekisho.check`, ready to validate values.

    Args:
        annotation: what values must be.
        evaluate: returns what a string inside of it stands for.
    """

    def __init__(self, annotation: Any, evaluate: Callable[[str], Any] = eval_nothing) -> None:
        options = Options("boundary", on_foreign="reject")
        try:
            spec = Parser(None, {}, evaluate=evaluate).parse(annotation)
            prepare_checkers(spec, "beartype", "check()")
        except (NameError, ValueError) as error:
            text = f"check(): {annotation_text(annotation)}: {error}"
            raise DeclarationError(text) from None
        self.parameter: Parameter = make_parameter(CHECKED)._replace(spec=spec)
        self.contract: Contract = Contract("check", options, (), self.parameter)
        # Computed here, since torch.compile would trace what is computed later.
        self.keys: frozenset[str] = self.contract.keys
        self.boundary: Boundary = Boundary(self.contract, self.parameter, is_result=False)

    def hold(self, value: Any, body: Body | None, line: int = 0) -> None:
        """Check a value, and bind its new axes in the body.

        Args:
            value: anything.
            body: the body that the check stands in; None outside of a guarded function.
            line: the line of the check.

        Raises:
            BoundaryError: if the value is not valid. Its message is short: `explain` makes the full
                one.
        """
        if body is None:
            # A trial searches for no hint. While torch.compile traces there is no second attempt.
            call = Call({}, None, None, {}, self.keys, in_trial=not is_compiling())
            self.boundary.validate(value, call)
            return
        body.look()
        bound = dict(body.bound)
        keys = self.keys.union(bound)
        call = Call(bound, None, None, {}, keys, in_trial=not is_compiling())
        self.boundary.validate(value, call)
        # torch 2.6 cannot trace `keys() - keys()`.
        new = [key for key in bound if key not in body.bound]
        body.bound.clear()  # drops the markers of variadic axes that stopped growing
        body.bound.update(bound)
        body.binders.update(dict.fromkeys(new, f"the check in line {line}"))
        body.tell()

    def hold_or_note(self, value: Any, body: Body | None) -> None:
        """Check a value that a compiler of torch traces, and note it if it is refused."""
        try:
            self.hold(value, body)
        except BoundaryError as error:
            note_traced(type(error), CHECKED_PLACE, *parts_of(error))

    def holds_without_doubts(self, value: Any, body: Body | None, line: int) -> bool:
        """Whether a refused value fits where what another refused value names fits any size.

        Only where ``violations="warn"`` is there another one in a body: see `validation.doubts`.
        """
        if body is None:
            return False
        arguments = {key[1:-1]: each for key, each in body.bound.items() if key[0] == "{"}
        call = Call(body.bound, body.contract.options.world, None, {}, self.keys)
        doubts = find_doubts(body.contract, lambda: arguments, self.parameter, call)
        for key in doubts:
            free(body.bound, key)
        body.tell()
        try:
            if doubts:
                self.hold(value, body, line)
        except BoundaryError:
            return False
        return bool(doubts)

    def explain(self, value: Any, body: Body | None, title: str, name: str) -> BoundaryError | None:
        """Check a value again, and return its full error: the line, the axes, and what bound them.

        Args:
            value: the value that `hold` refused.
            body: the body that the check stands in; None outside of a guarded function.
            title: what the message calls the check.
            name: what the message calls the value.
        """
        contract, bound, who = self.contract, dict[str, Any](), dict[str, str]()
        if body is not None:
            bound = dict(body.bound)
            contract = contract._replace(function=body.contract.function)
            for key in bound:
                found = " or ".join(binders(body.contract, key, CHECKED))
                who[key] = body.binders.get(key) or found or "the body"
        place = Place(contract, self.parameter._replace(name=name), title)
        try:
            self.boundary.validate(value, Call(bound, None, None, who, self.keys), place)
        except BoundaryError as error:
            return error.with_traceback(None)
        return None
