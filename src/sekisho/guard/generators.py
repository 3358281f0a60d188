"""Check what a generator yields, is sent and returns, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.context import current
from sekisho.errors import hide_in_pytest, with_class
from sekisho.guard.tolerance import tolerance_maker
from sekisho.utils import not_counted
from sekisho.validation import Boundary, Copies, Place, call_reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from sekisho.contract import Contract
    from sekisho.guard.writes import Called
    from sekisho.validation import Call, Tolerance

__all__ = ["make_watch"]

__tracebackhide__ = hide_in_pytest


def make_watch(contract: Contract, knows: tuple[str, ...], called: Called) -> Callable[..., Any]:
    """Make the wrapper that stands between a guarded generator and its caller.

    Axes that the arguments have bound hold for every item. Other axes are free for each item, since
    the last batch of an epoch may be smaller.

    Args:
        contract: the contract of the generator function.
        knows: the axes whose sizes the guard passes.
        called: how the guard calls the function.
    """
    read_call = call_reader(contract, knows)
    boundaries = _Boundaries(contract, tolerance_maker(contract, called.filename, called.line))
    written = (contract.function, called.filename, called.line)
    keeps_copies = contract.options.copy is not True
    is_async = contract.flavour == "async generator"

    def watch(generator: Any, *arguments: Any) -> Any:
        if current().name == "off":
            return generator
        # A sent value is an argument too: a write into its copy is reported (see `writes`).
        copies = Copies(*written) if keeps_copies else None
        passage = _Passage(boundaries, read_call(arguments, copies))
        return _watch_async(generator, passage) if is_async else _watch(generator, passage)

    return watch


class _Boundaries:
    """The boundaries of a generator function, the same for every call."""

    def __init__(self, contract: Contract, make_tolerance: Callable[[], Tolerance]) -> None:
        assert contract.yielded is not None
        assert contract.sent is not None
        self.contract = contract
        self.make_tolerance = make_tolerance
        self.yielded = Boundary(contract, contract.yielded, is_result=True)
        self.sent = Boundary(contract, contract.sent, is_result=False)
        self.result = Boundary(contract, contract.result, is_result=True)


class _Passage:
    """The values that pass between one generator and its caller."""

    def __init__(self, boundaries: _Boundaries, call: Call) -> None:
        self.boundaries = boundaries
        self.call = call
        self.copies = call.copies
        self.index = -1

    def out(self, item: Any) -> Any:
        """Validate a yielded item."""
        self.look()
        self.index += 1
        yielded = self.boundaries.yielded
        title = f"{yielded.parameter.place} {self.index}"
        place = Place(self.boundaries.contract, yielded.parameter, title)
        return yielded.validate(item, self.fresh_call(), place)

    def into(self, value: Any) -> Any:
        """Validate a sent value."""
        # next() sends None, whatever the annotation says.
        if value is None:
            return None
        return self.boundaries.sent.validate(value, self.fresh_call()._replace(copies=self.copies))

    def back(self, value: Any) -> Any:
        """Validate the returned value."""
        self.look()
        return self.boundaries.result.validate(value, self.fresh_call())

    def fresh_call(self) -> Call:
        """Return the call with no other axes than those that the arguments have bound."""
        is_tolerant = current().violations == "warn"
        tolerance = self.boundaries.make_tolerance() if is_tolerant else None
        bound = dict(self.call.bound)
        return self.call._replace(bound=bound, binders={}, copies=None, tolerance=tolerance)

    def look(self) -> None:
        """Report a write of the body into the copy of what it was sent last."""
        if self.copies:
            self.copies = self.copies.fresh()


@not_counted
def _watch(generator: Generator[Any, Any, Any], passage: _Passage) -> Generator[Any, Any, Any]:
    # Raise a refusal here, in the caller. Thrown into the generator, it could be caught by an
    # `except` there, and the item would be lost.
    try:
        item = next(generator)
        while True:
            passed = _validate(passage.out, item, generator)
            try:
                sent = yield passed
            except GeneratorExit:
                generator.close()
                raise
            except BaseException as error:  # noqa: BLE001 - the caller threw it into the generator
                item = generator.throw(error)
            else:
                item = generator.send(_validate(passage.into, sent, generator))
    except StopIteration as stop:
        result = stop.value
    return passage.back(result)


def _validate(
    validate: Callable[[Any], Any], value: Any, generator: Generator[Any, Any, Any]
) -> Any:
    try:
        return validate(value)
    except BaseException as refusal:
        try:
            generator.close()  # at once: its `finally` blocks run before the caller goes on
        except Exception as error:  # noqa: BLE001 - the refusal is the error to raise
            _note_close(refusal, error)
        raise


def _note_close(refusal: BaseException, error: Exception) -> None:
    refusal.add_note(f"sekisho: closing the generator raised {with_class(error)}")


@not_counted
async def _watch_async(
    generator: AsyncGenerator[Any, Any], passage: _Passage
) -> AsyncGenerator[Any, Any]:
    try:
        item = await anext(generator)
        while True:
            passed = await _validate_async(passage.out, item, generator)
            try:
                sent = yield passed
            except GeneratorExit:
                await generator.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - the caller threw it into the generator
                item = await generator.athrow(error)
            else:
                item = await generator.asend(await _validate_async(passage.into, sent, generator))
    except StopAsyncIteration:
        return


async def _validate_async(
    validate: Callable[[Any], Any], value: Any, generator: AsyncGenerator[Any, Any]
) -> Any:
    try:
        return validate(value)
    except BaseException as refusal:
        try:
            await generator.aclose()
        except Exception as error:  # noqa: BLE001 - the refusal is the error to raise
            _note_close(refusal, error)
        raise
