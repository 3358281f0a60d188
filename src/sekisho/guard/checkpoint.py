"""One annotation that values are checked against, wherever `sekisho.check` mentions it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.border import Boundary, Call, Place, find_doubts, free
from sekisho.contract import (
    CHECKED,
    Contract,
    Options,
    Parameter,
    Parser,
    annotation_text,
    binders,
    make_parameter,
    prepare_checkers,
)
from sekisho.errors import BoundaryError, DeclarationError, hide_in_pytest
from sekisho.guard.tolerance import CHECKED_PLACE, note_traced, parts_of
from sekisho.worlds import is_compiling

if TYPE_CHECKING:
    from sekisho.guard.body import Body

__all__ = ["Checkpoint"]

__tracebackhide__ = hide_in_pytest


class Checkpoint:
    """Holds values against one annotation."""

    def __init__(self, annotation: Any) -> None:
        options = Options("boundary", on_foreign="reject")
        try:
            spec = Parser(None, {}).parse(annotation)
            prepare_checkers(spec, "beartype", "check()")
        except (NameError, ValueError) as error:
            text = f"check(): {annotation_text(annotation)}: {error}"
            raise DeclarationError(text) from None
        self.parameter: Parameter = make_parameter(CHECKED)._replace(spec=spec)
        self.contract: Contract = Contract("check", options, (), self.parameter)
        self.keys: frozenset[str] = (
            self.contract.keys
        )  # here: a compiler traces what is asked later
        self.boundary: Boundary = Boundary(self.contract, self.parameter, is_result=False)

    def hold(self, value: Any, body: Body | None, line: int = 0) -> None:
        """Check a value, and bind what it binds in the body.

        Raises:
            BoundaryError: if it is not valid; only `explain` says all of why.
        """
        if body is None:
            call = Call({}, None, None, {}, self.keys, in_trial=not is_compiling())
            self.boundary.admit(value, call)
            return
        body.look()
        bound = dict(body.bound)
        keys = self.keys.union(bound)
        call = Call(bound, None, None, {}, keys, in_trial=not is_compiling())
        self.boundary.admit(value, call)
        new = [key for key in bound if key not in body.bound]  # torch 2.6 takes no keys from keys
        body.bound.clear()  # variadic axes that have come to their size are marked no more
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

        Only where ``violations="warn"`` is there another one in a body: see `border.doubts`.
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
        """The refusal once more, with all the words: the line, the axes, and who bound them."""
        contract, bound, who = self.contract, dict[str, Any](), dict[str, str]()
        if body is not None:
            bound = dict(body.bound)
            contract = contract._replace(function=body.contract.function)
            for key in bound:
                found = " or ".join(binders(body.contract, key, CHECKED))
                who[key] = body.binders.get(key) or found or "the body"
        place = Place(contract, self.parameter._replace(name=name), title)
        try:
            self.boundary.admit(value, Call(bound, None, None, who, self.keys), place)
        except BoundaryError as error:
            return error.with_traceback(None)
        return None
