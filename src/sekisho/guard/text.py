"""Generate the source of a guard from a contract. Pure: nothing is imported, compiled or called.

For each parameter the source checks inline whether the value is valid as it stands. If so, it binds
the axes that later annotations mention to plain locals. Any other value goes to ``_validate_<name>``,
out of line, which accepts it late, converts it, or raises.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.contract import (
    ANYTHING,
    RESULT,
    SENT,
    YIELDED,
    ArraySpec,
    Contract,
    Parameter,
    UnionSpec,
    kind_of,
    names_in,
)
from sekisho.guard.lines import LINE_LENGTH, broken
from sekisho.guard.parameters import arguments_text, signature_text, stars_of
from sekisho.guard.questions import Items, cases_of, item_cases, items_of
from sekisho.guard.scope import Global, Scope
from sekisho.guard.shapes import Case, contrary_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sekisho.worlds import Library

__all__ = ["DELEGATE_ASYNC", "Validation", "Generated", "generate"]


_OF_AXES: Final = frozenset({"size", "several", "growth"})
"""The kinds of keys that a body may bind, too: see `contract.keys`."""


class Generated(NamedTuple):
    """The source of a guard, and its globals."""

    source: str
    globs: dict[str, Global]


class Validation(NamedTuple):
    """The value that an ``validate`` global is for, and the axes that go in and come out, in order."""

    parameter: Parameter
    knows: tuple[str, ...]
    binds: tuple[str, ...]


def generate(contract: Contract, name: str, worlds: tuple[Library, ...]) -> Generated:
    """Generate the guard of a contract: one function called `name`, which calls ``_<name>``.

    Where no annotation names a world, an array may be of any of the `worlds`, the host's first.
    """
    return _Writer(contract, name, worlds).write()


# `yield from` for an asynchronous generator, for which Python has no syntax.
DELEGATE_ASYNC: Final = """\
{generator} = {call}
try:
    {item} = await anext({generator})
    while True:
        try:
            {sent} = yield {item}
        except GeneratorExit:
            await {generator}.aclose()
            raise
        except BaseException as {error}:
            {item} = await {generator}.athrow({error})
        else:
            {item} = await {generator}.asend({sent})
except StopAsyncIteration:
    return
"""


class _Writer:
    """A writer of one guard's source, line by line."""

    def __init__(self, contract: Contract, name: str, worlds: tuple[Library, ...]) -> None:
        self.contract = contract
        self.name = name
        self.scope = Scope(contract, name, worlds)
        self.all_arguments: tuple[str, str] = (self.scope.fresh("args"), self.scope.fresh("kwargs"))
        self.known_keys: dict[str, dict[str, None]] = {}
        self.lines: list[str] = []
        self.depth = 0

    def write(self) -> Generated:
        contract, scope = self.contract, self.scope
        word = "async def" if contract.flavour.startswith(("async", "co")) else "def"
        self.emit(f"{word} {self.name}({self.signature()}):")
        self.depth = 1
        if contract.is_wrapper and contract.parameters:
            names = ", ".join(each.name for each in contract.parameters)
            comma = "," if len(contract.parameters) == 1 else ""
            bind = scope.name_global("_bind", "bind", self.name)
            self.emit(f"{names}{comma} = {bind}({self.signature()})")
        self.write_context()
        hand_back = self.write_caller()
        for parameter, later in self.with_later_keys():
            self.write_parameter(parameter, parameter.name, later)
        new: tuple[str, ...] = ()
        if contract.shares_axes:
            call, new = self.write_shared_call()
        else:
            self.write_as_called()
            call = f"{scope.name_global(f'_{self.name}', 'function')}({self.arguments()})"
        if "generator" in contract.flavour:
            self.write_items(call)
        else:
            self.write_result(f"await {call}" if word != "def" else call, hand_back, new)
        return Generated("\n".join(self.lines) + "\n", scope.globs)

    def write_as_called(self) -> None:
        """Restore the form of the call: a wrapper may depend on what came by keyword."""
        if self.contract.is_wrapper and self.contract.parameters:
            as_called = self.scope.name_global("_as_called", "as_called")
            args, kwargs = self.all_arguments
            names = ", ".join(each.name for each in self.contract.parameters)
            self.emit(f"{args}, {kwargs} = {as_called}({args}, {kwargs}, {names})")

    def write_shared_call(self) -> tuple[str, tuple[str, ...]]:
        """Return the call of a body that shares the axes, and the axes that it may bind."""
        scope, contract = self.scope, self.contract
        knows = tuple(key for key in scope.axes if kind_of(key) != "argument")
        mentioned = self.keys((contract.result,)) if "generator" not in contract.flavour else {}
        new = tuple(k for k in mentioned if kind_of(k) in _OF_AXES and k not in scope.certain)
        sizes = ", ".join(scope.axes[key] for key in knows)
        self.emit(f"# the body shares: {sizes or 'what it binds itself'}")
        for key in new:
            scope.hold(key)
        self.write_as_called()
        function = scope.name_global(f"_{self.name}", "shared", (knows, new))
        passed = f"({sizes},)" if len(knows) == 1 else f"({sizes})"
        return f"{function}({', '.join(filter(None, (passed, self.arguments())))})", new

    def write_result(self, call: str, hand_back: str, new: tuple[str, ...]) -> None:
        if self.contract.result.spec is ANYTHING and not hand_back:
            self.emit(f"return {call}")
            return
        result = self.scope.fresh("result")
        targets = ", ".join([result, *map(self.scope.axes.__getitem__, new)])
        self.emit(f"{targets} = {call}")
        self.write_parameter(self.contract.result, result, {})
        back = hand_back.format(result=result) if hand_back else result
        self.emit(f"return {back}")

    def write_items(self, call: str) -> None:
        """Write the last lines of a generator's guard, which checks its values out of line."""
        scope, contract = self.scope, self.contract
        if any(each.spec is not ANYTHING for each in contract.outcomes):
            labels = {YIELDED: "yields", SENT: "is sent", RESULT: "returns"}
            for each in contract.outcomes:
                if each.spec is not ANYTHING:
                    self.emit(f"# {labels[each.name]}: {each.spec.text}")
            knows = tuple(key for key in self.keys(contract.outcomes) if key in scope.axes)
            watch = scope.name_global("_watch", "monitor", knows)
            call = f"{watch}({', '.join([call, *scope.context, *(scope.axes[k] for k in knows)])})"
        if contract.flavour == "generator":
            self.emit(f"return (yield from {call})")
            return
        names = {name: scope.fresh(name) for name in ("generator", "item", "sent", "error")}
        self.emit(*DELEGATE_ASYNC.format(call=call, **names).splitlines())

    # --- the signature, and the call of the guarded function

    def signature(self) -> str:
        parameters = self.contract.parameters
        if self.contract.is_wrapper and parameters:
            args, kwargs = self.all_arguments
            return f"*{args}, **{kwargs}"
        return signature_text(parameters, self.scope.default)

    def arguments(self) -> str:
        if self.contract.is_wrapper and self.contract.parameters:
            return self.signature()
        return arguments_text(self.contract.parameters)

    # --- what the source needs before the first parameter
    def keys(self, parameters: Iterable[Parameter]) -> dict[str, None]:
        """Return the names that these annotations mention and the call binds, in order."""
        found: dict[str, None] = {}
        for each in parameters:
            found |= self.keys_of(each)
        return found

    def keys_of(self, parameter: Parameter) -> dict[str, None]:
        """Return the names that one annotation mentions and the call binds, in order."""
        found = self.known_keys.get(parameter.name)
        if found is None:
            found = dict.fromkeys(names_in(parameter.spec, into_records=True))
            # All names of a plain array belong to the call.
            if type(parameter.spec) is not ArraySpec:
                found = {key: None for key in found if key in self.call_keys}
            self.known_keys[parameter.name] = found
        return found

    @functools.cached_property
    def call_keys(self) -> frozenset[str]:
        """The names that belong to the call, and not to a record in it."""
        return self.contract.keys

    def with_later_keys(self) -> list[tuple[Parameter, dict[str, None]]]:
        """Return each parameter with the names that later annotations mention.

        For a body that shares the axes these are all names: it may mention any.
        """
        parameters, later = self.contract.parameters, self.keys(self.contract.outcomes)
        found: list[tuple[Parameter, dict[str, None]]] = []
        for parameter in reversed(parameters):
            found.append((parameter, later))
            later = later | self.keys_of(parameter)
        if self.contract.shares_axes:
            return [(parameter, later) for parameter in parameters]
        return found[::-1]

    def write_context(self) -> None:
        scope = self.scope
        if scope.array_type:
            plain = self.first_array()
            if plain is None:
                choice = f"{scope.name_global('_array_type_of', 'array_type_of')}({self.values()})"
            else:
                isinstance_, host, *others = scope.builtin("isinstance"), *scope.worlds
                names = [scope.array_class(world) for world in others]
                ways = (f"{name} if {isinstance_}({plain}, {name}) else " for name in names)
                own = scope.array_class(host)
                # Identity first: `isinstance` may take long to be false.
                own_way = f"{own} if {scope.builtin('type')}({plain}) is {own} else "
                choice = f"{own_way}{''.join(ways)}{own}"
            # `utils.source` puts its exception handler in the place of the first comment.
            self.emit("# the class of the first array")
            line = f"{scope.array_type} = {choice}"
            if len(line) <= LINE_LENGTH - 4:
                self.emit(line)
            else:
                ways_in_lines = choice.replace(" else ", " else\n").splitlines()
                self.emit(f"{scope.array_type} = (", *(f"    {way}" for way in ways_in_lines), ")")
        if scope.device:
            module_device = scope.name_global("_module_device", "module_device")
            module = self.contract.parameters[0].name
            self.emit(f"{scope.device} = {module_device}({module})")

    def write_caller(self) -> str:
        """Keep the array whose world results go back to; return the expression for the way back."""
        scope = self.scope
        if self.contract.options.returns == "world":
            return ""
        plain = self.first_array()
        choice = plain or f"{scope.name_global('_first_array', 'first_array')}({self.values()})"
        caller = scope.fresh("caller")
        self.emit(f"{caller} = {choice}")
        back = f"{scope.name_global('_hand_back', 'hand_back')}({{result}}, {caller})"
        # An unchanged first argument was not converted, so the result is not converted back.
        return f"{{result}} if {caller} is {plain} else {back}" if plain else back

    def first_array(self) -> str | None:
        """Return the parameter that is certain to hold the first array argument, if one is."""
        first = next((each for each in self.contract.parameters if not _is_self(each)), None)
        if first is None or not isinstance(first.spec, ArraySpec):
            return None
        return None if first.has_default or stars_of(first) else first.name

    def values(self) -> str:
        return ", ".join(each.name for each in self.contract.parameters if not _is_self(each))

    # --- one parameter, or the result

    def write_parameter(self, parameter: Parameter, local: str, later: dict[str, None]) -> None:
        """Write the block of one parameter; `later` are the axes that other annotations mention."""
        spec, scope = parameter.spec, self.scope
        if spec is ANYTHING:
            return
        items = items_of(scope, parameter, local)
        own = tuple(self.keys_of(parameter))
        if "growth" in map(kind_of, own):
            own = tuple([k for k in own if kind_of(k) != "growth" or k in scope.growing])
        knows = tuple(filter(scope.axes.__contains__, own))
        # Items share even the axes that no other annotation mentions.
        binds = tuple([key for key in own if (items or key in later) and key not in scope.certain])
        first = item_cases(scope, items, binds) if items else None
        cases = None if first else cases_of(scope, parameter, local, binds)
        for key in binds:
            scope.hold(key)
        validation = Validation(parameter, knows, binds)
        validate = scope.name_global(f"_validate_{local}", "validate", validation)
        local_of = scope.axes.__getitem__
        targets = ", ".join([local, *map(local_of, binds)])
        arguments = ", ".join([local, *scope.context, *map(local_of, knows)])
        call = f"{targets} = {validate}({arguments})"
        label = "returns" if parameter is self.contract.result else f"{stars_of(parameter)}{local}"
        self.emit(f"# {label}: {' '.join(spec.text.split())}")
        if items and first:
            self.write_items_loop(items, first, call, validation)
        else:
            self.write_cases(cases, call, validation)
        if binds:
            scope.certain |= _certain(parameter).intersection(binds)

    def write_items_loop(
        self, items: Items, first: tuple[Case, ...], call: str, validation: Validation
    ) -> None:
        """Check every item of a container; the first binds the axes that the others must share."""
        scope = self.scope
        if items.unfit or validation.binds:
            empty = f"not {items.container}" if validation.binds else ""
            unfit = " or ".join(filter(None, (items.unfit, empty)))
            self.emit(f"if {unfit}:", f"    {call}", "else:")
        else:  # like ``*args``, which is mostly empty
            self.emit(f"if {items.container}:")
        self.depth += 1
        if validation.binds:
            self.emit(f"{items.item} = {items.first}")
            self.write_cases(first, call, validation)
        scope.certain |= set(validation.binds)
        every = item_cases(scope, items, ())
        scope.certain -= set(validation.binds)
        assert every is not None  # with more axes known there is an inline check, too
        contrary = contrary_of(every)
        if items.key_contrary:
            if len(every) > 1:
                contrary = [f"({' '.join(contrary)})"]
            contrary = [*items.key_contrary, f"or {contrary[0]}", *contrary[1:]]
        self.emit(f"for {items.loop}:")
        self.depth += 1
        self.emit(*broken("if", contrary, self.depth), f"    {call}", "    break")
        self.depth -= 2

    def write_cases(
        self, cases: tuple[Case, ...] | None, call: str, validation: Validation
    ) -> None:
        if cases is None:
            self.emit(call)
            return
        # One negated test is shorter, but cannot bind axes.
        if not validation.binds:
            contrary = contrary_of(cases)
            if len(cases) == 1 or len(" ".join(contrary)) < LINE_LENGTH - len("    if :"):
                self.emit(*broken("if", contrary, self.depth), f"    {call}")
                return
        word = "if"
        for case in cases:
            question = [f"and {test.yes}" for test in case.tests]
            question[0] = case.tests[0].yes
            self.emit(*broken(word, question, self.depth), *self.bindings(case, validation))
            word = "elif"
        self.emit("else:", f"    {call}")

    def emit(self, *lines: str) -> None:
        self.lines += map(("    " * self.depth).__add__, lines)

    def bindings(self, case: Case, validation: Validation) -> list[str]:
        """Return the block under a case: it binds the axes of the value."""
        axes = self.scope.axes
        if len(case.unpack) > 1:
            return [f"    {', '.join(map(axes.__getitem__, case.unpack))} = {self.scope.shape}"]
        bound: list[str] = []
        left_out: list[str] = []
        for key in validation.binds:
            if key in case.binds:
                bound.append(f"    {axes[key]} = {case.binds[key]}")
            elif key not in validation.knows:
                # An axis that this case does not bind keeps its value, if it has one.
                left_out.append(axes[key])
        if left_out:
            bound.append(f"    {' = '.join(left_out)} = None")
        return bound or ["    pass"]


def _is_self(parameter: Parameter) -> bool:
    return parameter.name in {"self", "cls"} and parameter.spec is ANYTHING


def _certain(parameter: Parameter) -> set[str]:
    """Return the axes that are bound in any case once this parameter was checked."""
    if parameter.has_default or stars_of(parameter):
        return set()
    return _certain_in(parameter.spec)


def _certain_in(spec: Any) -> set[str]:
    if isinstance(spec, ArraySpec):
        axes = [axis.key for axis in spec.axes or () if not axis.broadcastable]
        return {key for key in (*axes, spec.dtype_key) if key is not None}
    if isinstance(spec, UnionSpec):
        first, *others = (_certain_in(each) for each in spec.alternatives)
        return first.intersection(*others)
    return set()
