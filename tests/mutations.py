"""Draw mutants: the library with one small mistake each, as mutmut's operators make them."""

from __future__ import annotations

import dataclasses
import fnmatch
import hashlib
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).parent.parent
SOURCE = Path("src") / "sekisho"


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One mistake: `before` becomes `after`, in a function of a file.

    Attributes:
        file: the path below src/sekisho.
        nth: the number of the place among equal ones in this function, from 1.
        lines: the first line of the statement, and the last changed line.
        text: the whole file with the mistake.
    """

    file: str
    function: str
    before: str
    after: str
    nth: int
    lines: tuple[int, int]
    text: str = dataclasses.field(repr=False)

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """Return a key of the mutant that does not depend on line numbers."""
        return self.file, self.function, self.before, self.after, self.nth

    @property
    def told(self) -> dict[str, str | int]:
        """Return what a report shows of the mutant."""
        return {
            "package": self.file.split("/")[0],
            "id": repr(self.key),
            "file": self.file,
            "line": self.lines[1],
            "function": self.function,
            "before": self.before,
            "after": self.after,
        }


def _negate(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """Negate a condition; mutmut does so for comparisons only."""
    if not isinstance(node, cst.Comparison | cst.UnaryOperation):
        inner = node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield cst.UnaryOperation(cst.Not(), inner)


_SWAPPED = {"any": "all", "all": "any", "min": "max", "max": "min"}


def _alternatives(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield replacements for a node."""
    called = (
        node.func.value if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) else ""
    )
    if called in {"len", "isinstance"}:
        return  # without an argument these only raise TypeError
    if called in _SWAPPED:
        yield node.with_changes(func=cst.Name(_SWAPPED[called]))
    for kind, operator in mutation_operators:
        if isinstance(node, kind):
            yield from operator(node)


class _Places(cst.CSTVisitor):
    """Collects the places in the functions of a file, each with its replacements."""

    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self) -> None:
        self.found: list[tuple[str, int, cst.CSTNode, list[cst.CSTNode]]] = []
        self.scopes: list[cst.FunctionDef | cst.ClassDef] = []
        self.statements: list[int] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Annotation | cst.Decorator) or _is_for_readers(node):
            return False
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self.scopes.append(node)
        if isinstance(node, _STATEMENTS):
            self.statements.append(self.get_metadata(PositionProvider, node).start.line)
        if any(isinstance(scope, cst.FunctionDef) for scope in self.scopes):
            self._add(node, list(_alternatives(node)))
            if isinstance(node, cst.If | cst.While | cst.CompIf):
                self._add(node.test, list(_negate(node.test)))
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self.scopes and original_node is self.scopes[-1]:
            self.scopes.pop()
        if isinstance(original_node, _STATEMENTS) and not _is_for_readers(original_node):
            self.statements.pop()

    def _add(self, node: cst.CSTNode, alternatives: list[cst.CSTNode]) -> None:
        if not alternatives:
            return
        # An operator alone is ambiguous: the expression around it identifies the place.
        inner = node
        while not isinstance(node, cst.BaseExpression | cst.BaseSmallStatement | cst.BaseStatement):
            node = self.get_metadata(ParentNodeProvider, node)
        if node is not inner:
            alternatives = [node.deep_replace(inner, each) for each in alternatives]
        function = ".".join(scope.name.value for scope in self.scopes)
        self.found.append((function, self.statements[-1], node, alternatives))


_STATEMENTS = (cst.BaseStatement, cst.MatchCase, cst.ExceptHandler)


def _is_for_readers(node: cst.CSTNode) -> bool:
    """Return whether a node has no effect at run time, or is only for impossible cases."""
    match node:
        case (
            cst.If(test=cst.Name("TYPE_CHECKING"))
            | cst.Raise(exc=cst.Call(func=cst.Name("AssertionError")))
        ):
            return True
        case cst.FunctionDef(decorators=[cst.Decorator(cst.Name("overload")), *_]):
            return True
        case cst.Call(func=cst.Name("cast" | "TypeVar")):
            return True
        case _:
            return False


def _draw(file: Path, rank: Callable[..., bytes]) -> Iterator[tuple[bytes, Callable[[], Mutant]]]:
    """Yield one mutation for each place in a file, with its rank in the draw."""
    wrapper = MetadataWrapper(cst.parse_module((ROOT / SOURCE / file).read_text("utf-8")))
    places = _Places()
    wrapper.visit(places)
    positions = wrapper.resolve(PositionProvider)
    module, alike = wrapper.module, Counter[tuple[str, str]]()
    for function, statement, node, alternatives in places.found:
        before = " ".join(module.code_for_node(node).split())
        alike[function, before] += 1
        nth = alike[function, before]
        ranks = rank(file, function, before, nth)
        chosen = alternatives[ranks[-1] % len(alternatives)]

        def make(  # bind the current values of the loop
            function: str = function,
            before: str = before,
            nth: int = nth,
            lines: tuple[int, int] = (statement, positions[node].end.line),
            node: cst.CSTNode = node,
            chosen: cst.CSTNode = chosen,
        ) -> Mutant:
            after = " ".join(module.code_for_node(chosen).split())
            text = module.deep_replace(node, chosen).code  # type: ignore[union-attr]
            return Mutant(file.as_posix(), function, before, after, nth, lines, text)

        yield ranks, make


def sample(count: int, seed: int, packages: Iterable[str]) -> tuple[list[Mutant], dict[str, int]]:
    """Draw `count` mutants for each package; also return the number of places in each.

    The draw uses a hash of each place, so a change of one function keeps the mutants of others.
    """

    def rank(*named: object) -> bytes:
        return hashlib.sha256(repr((seed, *map(str, named))).encode()).digest()

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    omitted = settings["tool"]["coverage"]["run"]["omit"]
    drawn, sizes = [], {}
    for package in packages:
        ranked = []
        for path in sorted((ROOT / SOURCE / package).rglob("*.py")):
            if not any(fnmatch.fnmatch(str(path), pattern) for pattern in omitted):
                ranked += _draw(path.relative_to(ROOT / SOURCE), rank)
        sizes[package] = len(ranked)
        drawn += [make() for _, make in sorted(ranked, key=lambda each: each[0])[:count]]
    return drawn, sizes
