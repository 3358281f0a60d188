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
    argument_of,
    binders,
    eval_nothing,
    kind_of,
    make_parameter,
    prepare_checkers,
)
from sekisho.errors import DeclarationError, hide_in_pytest
from sekisho.guard.tolerance import CHECKED_PLACE, note_traced
from sekisho.validation import Boundary, Call, Invalid, Place, find_doubts, free

if TYPE_CHECKING:
    from collections.abc import Callable

    from sekisho.errors import BoundaryError
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
        options = Options("boundary", on_foreign="refuse")
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

    def hold(self, value: Any, body: Body | None, line: int = 0) -> Invalid | None:
        """Check a value, and bind its new axes in the body.

        Args:
            value: anything.
            body: the body that the check stands in; None outside of a guarded function.
            line: the line of the check.

        Returns:
            None; or what is wrong with the value, in the words of a function: `explain` has the
            check's.
        """
        if body is None:
            found = self.boundary.verdict(value, Call({}, None, None, {}, self.keys))
            return found if type(found) is Invalid else None
        body.look()
        bound = dict(body.bound)
        keys = self.keys.union(bound)
        found = self.boundary.verdict(value, Call(bound, None, None, {}, keys))
        if type(found) is Invalid:
            return found
        # torch 2.6 cannot trace `keys() - keys()`.
        new = [key for key in bound if key not in body.bound]
        body.bound.clear()  # drops the markers of variadic axes that stopped growing
        body.bound.update(bound)
        body.binders.update(dict.fromkeys(new, f"the check in line {line}"))
        body.tell()
        return None

    def hold_traced(self, value: Any, body: Body | None, *, passes: bool) -> None:
        """Check a value that a compiler of torch traces.

        Args:
            value: anything.
            body: the body that the check stands in; None outside of a guarded function.
            passes: whether an invalid value is noted and passes.

        Raises:
            BoundaryError: if the value is not valid, and may not pass.
        """
        invalid = self.hold(value, body)
        if invalid is None:
            return
        if passes:
            note_traced(invalid.error, CHECKED_PLACE, *self.boundary.violation(invalid))
            return
        raise self.boundary.error(invalid)

    def holds_without_doubts(self, value: Any, body: Body | None, line: int) -> bool:
        """Whether a refused value fits where what another refused value names fits any size.

        Only where ``violations="warn"`` is there another one in a body: see `validation.doubts`.
        """
        if body is None:
            return False
        arguments = {argument_of(k): v for k, v in body.bound.items() if kind_of(k) == "argument"}
        call = Call(body.bound, body.contract.options.world, None, {}, self.keys)
        doubts = find_doubts(body.contract, lambda: arguments, self.parameter, call)
        for key in doubts:
            free(body.bound, key)
        body.tell()
        return bool(doubts) and self.hold(value, body, line) is None

    def explain(
        self, value: Any, invalid: Invalid, body: Body | None, title: str, name: str
    ) -> BoundaryError:
        """Check a value again, and return its full error: the line, the axes, and what bound them.

        Args:
            value: the value that `hold` refused.
            invalid: what `hold` has returned.
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
        call = Call(bound, None, None, who, self.keys)
        found = self.boundary.verdict(value, call, place)
        return self.boundary.error(found if type(found) is Invalid else invalid)
