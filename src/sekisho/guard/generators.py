"""Generators: what is yielded, sent and returned, checked as it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sekisho.border import Boundary, Copies, Place, call_reader
from sekisho.context import current
from sekisho.errors import hide_in_pytest
from sekisho.ground import not_counted
from sekisho.guard.tolerance import tolerance_maker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from sekisho.border import Call, Tolerance
    from sekisho.contract import Contract
    from sekisho.guard.writes import Called

__all__ = ["make_watch"]

__tracebackhide__ = hide_in_pytest


def make_watch(contract: Contract, knows: tuple[str, ...], called: Called) -> Callable[..., Any]:
    """Make what stands between a guarded generator and its caller.

    Axes bound by the arguments hold for every item; others are free for each item, since the
    last batch of an epoch may be smaller.
    """
    read_call = call_reader(contract, knows)
    boundaries = _Boundaries(contract, tolerance_maker(contract, called.filename, called.line))
    written = (contract.function, called.filename, called.line)
    keeps_copies = contract.options.copy is not True
    is_async = contract.flavour == "async generator"

    def watch(generator: Any, *arguments: Any) -> Any:
        if current().name == "off":
            return generator
        # What is sent is an argument, too: see `writes`.
        copies = Copies(*written) if keeps_copies else None
        passage = _Passage(boundaries, read_call(arguments, copies))
        return _watch_async(generator, passage) if is_async else _watch(generator, passage)

    return watch


class _Boundaries:
    """Where values pass between a generator and its caller; the same for every call."""

    def __init__(self, contract: Contract, make_tolerance: Callable[[], Tolerance]) -> None:
        assert contract.yielded is not None
        assert contract.sent is not None
        self.contract = contract
        self.make_tolerance = make_tolerance
        self.yielded = Boundary(contract, contract.yielded, is_result=True)
        self.sent = Boundary(contract, contract.sent, is_result=False)
        self.result = Boundary(contract, contract.result, is_result=True)


class _Passage:
    """What passes between one generator and its caller."""

    def __init__(self, boundaries: _Boundaries, call: Call) -> None:
        self.boundaries = boundaries
        self.call = call
        self.copies = call.copies
        self.index = -1

    def out(self, item: Any) -> Any:
        self.look()
        self.index += 1
        yielded = self.boundaries.yielded
        title = f"{yielded.parameter.place} {self.index}"
        place = Place(self.boundaries.contract, yielded.parameter, title)
        return yielded.admit(item, self.fresh_call(), place)

    def into(self, value: Any) -> Any:
        # next() sends None, whatever is declared.
        if value is None:
            return None
        return self.boundaries.sent.admit(value, self.fresh_call()._replace(copies=self.copies))

    def back(self, value: Any) -> Any:
        self.look()
        return self.boundaries.result.admit(value, self.fresh_call())

    def fresh_call(self) -> Call:
        is_tolerant = current().violations == "warn"
        tolerance = self.boundaries.make_tolerance() if is_tolerant else None
        bound = dict(self.call.bound)
        return self.call._replace(bound=bound, binders={}, copies=None, tolerance=tolerance)

    def look(self) -> None:
        """Tell what the body has written into a copy of what it was sent last."""
        if self.copies:
            self.copies = self.copies.fresh()


@not_counted
def _watch(generator: Generator[Any, Any, Any], passage: _Passage) -> Generator[Any, Any, Any]:
    # What is refused is raised here, to the caller: thrown into the generator, an `except` of its own
    # would take it for an error of its own and go on, and the item would be lost.
    try:
        item = next(generator)
        while True:
            passed = _admit(passage.out, item, generator)
            try:
                sent = yield passed
            except GeneratorExit:
                generator.close()
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in: the generator's to answer
                item = generator.throw(error)
            else:
                item = generator.send(_admit(passage.into, sent, generator))
    except StopIteration as stop:
        result = stop.value
    return passage.back(result)


def _admit(admit: Callable[[Any], Any], value: Any, generator: Generator[Any, Any, Any]) -> Any:
    try:
        return admit(value)
    except BaseException as refusal:
        try:
            generator.close()  # now, so that its `finally` blocks run before the caller goes on
        except Exception as error:  # noqa: BLE001 - the refusal came first
            _note_close(refusal, error)
        raise


def _note_close(refusal: BaseException, error: Exception) -> None:
    refusal.add_note(f"sekisho: closing the generator raised {type(error).__name__}: {error}")


@not_counted
async def _watch_async(
    generator: AsyncGenerator[Any, Any], passage: _Passage
) -> AsyncGenerator[Any, Any]:
    try:
        item = await anext(generator)
        while True:
            passed = await _admit_async(passage.out, item, generator)
            try:
                sent = yield passed
            except GeneratorExit:
                await generator.aclose()
                raise
            except BaseException as error:  # noqa: BLE001 - thrown in: the generator's to answer
                item = await generator.athrow(error)
            else:
                item = await generator.asend(await _admit_async(passage.into, sent, generator))
    except StopAsyncIteration:
        return


async def _admit_async(
    admit: Callable[[Any], Any], value: Any, generator: AsyncGenerator[Any, Any]
) -> Any:
    try:
        return admit(value)
    except BaseException as refusal:
        try:
            await generator.aclose()
        except Exception as error:  # noqa: BLE001 - likewise
            _note_close(refusal, error)
        raise
