"""The fixes of ``--fix``: rename misleading local names without changing the program.

A rename is written only if the compiler produces the same code of the function before and after,
except for the one name, and if nothing in the function could look up the name at run time.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.code import parse_concrete
from sekisho.utils import parse, printable, quiet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sekisho.findings.finding import Finding, Fix

__all__ = ["Fixed", "difference", "fixed"]

_LOOKING: Final = frozenset(
    {
        *("locals", "vars", "dir", "eval", "exec", "globals"),
        *("_getframe", "currentframe", "f_locals", "stack"),
    }
)
"""Names with which code finds local variables at run time."""


class Fixed(NamedTuple):
    """A module after its certain fixes.

    Attributes:
        text: the module; comments and spaces are kept.
        fixes: the fixes that were applied.
        left: the fixes that were not applied, and why.
    """

    text: str
    fixes: tuple[Fix, ...]
    left: dict[Fix, str]


def fixed(text: str, findings: Iterable[Finding]) -> Fixed:
    """Apply the certain fixes of a module.

    Raises:
        ImportError: if libcst is not installed.
        ValueError: if libcst cannot parse the module, or would change more than the names.
    """
    done: list[Fix] = []
    left: dict[Fix, str] = {}
    for fix in dict.fromkeys(each.fix for each in findings if each.fix is not None):
        # one at a time, so that a fix that fails does not stop the others
        after = _rewrite(text, [fix])
        why = _why_not(text, after, fix)
        if why:
            left[fix] = why
        else:
            text = after
            done.append(fix)
    return Fixed(text, tuple(done), left)


def difference(path: str, before: str, after: str) -> str:
    """Return a unified diff."""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        printable(path),
        printable(path),
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def _lines(text: str) -> list[str]:
    """Return the lines of a file as `patch` and git count them: a form feed does not end a line."""
    return io.StringIO(text, newline="\n").readlines()


def _why_not(before: str, after: str, fix: Fix) -> str:
    """Return why a rename might change what the program does; "" if it cannot."""
    if before == after:
        return f"{fix.old} was not found"
    try:
        old, new = _compiled(before), _compiled(after)
    except (SyntaxError, ValueError, RecursionError) as error:
        return str(error)
    renamed: list[CodeType] = []
    if not _is_same(old, new, fix, renamed) or len(renamed) != 1:
        return f"{fix.old} is more than a local variable"
    # Code may look up variables by name: df.query("@x_np > 0"), "%(x_np)s" % locals().
    for code in _with_inner(renamed[0]):
        if not _LOOKING.isdisjoint({*code.co_names, *code.co_freevars}):
            return f"the function looks at its variables while it runs, as {fix.old}"
    return f"a string in the function mentions {fix.old}" if _mentions(before, fix) else ""


def _compiled(text: str) -> CodeType:
    with quiet():
        code: CodeType = compile(text, "<module>", "exec", dont_inherit=True)
    return code


def _is_same(old: CodeType, new: CodeType, fix: Fix, renamed: list[CodeType]) -> bool:
    """Return whether two code objects differ only in a local variable; collect those that have it."""
    facts: tuple[str, ...] = (
        "co_code",
        "co_names",
        "co_freevars",
        "co_cellvars",
        "co_flags",
        "co_exceptiontable",
    )
    facts += ("co_name", "co_qualname", "co_argcount", "co_kwonlyargcount", "co_firstlineno")
    if any(getattr(old, fact) != getattr(new, fact) for fact in facts):
        return False
    names = old.co_varnames
    if names != new.co_varnames:
        # 0xC: the flags of `*args` and `**kwargs`, which are arguments, too
        arguments = old.co_argcount + old.co_kwonlyargcount + (old.co_flags & 0xC).bit_count()
        translated = tuple([fix.new if each == fix.old else each for each in names])
        # The new name must be unused, and the old one not an argument, since callers use its name.
        if translated != new.co_varnames or fix.new in names or fix.old in names[:arguments]:
            return False
        renamed.append(old)
    if len(old.co_consts) != len(new.co_consts):
        return False
    return all(
        _is_same(a, b, fix, renamed)
        if isinstance(a, CodeType) and isinstance(b, CodeType)
        # compare repr: 0.0 differs from -0.0, and nan equals nan
        else type(a) is type(b) and repr(a) == repr(b)
        for a, b in zip(old.co_consts, new.co_consts, strict=True)
    )


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _with_inner(each)


def _mentions(text: str, fix: Fix) -> bool:
    """Return whether a string in the function mentions the name."""
    word = re.compile(rf"\b{re.escape(fix.old)}\b")
    return any(
        isinstance(each, ast.Constant) and isinstance(each.value, str) and word.search(each.value)
        for node in ast.walk(parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno == fix.line
        for each in ast.walk(node)
    )


def _rewrite(text: str, fixes: Sequence[Fix]) -> str:
    import libcst as cst  # noqa: PLC0415 - an optional dependency
    from libcst.metadata import MetadataWrapper, PositionProvider  # noqa: PLC0415 - an optional dependency

    class Rewriter(cst.CSTTransformer):
        METADATA_DEPENDENCIES = (PositionProvider,)

        def __init__(self) -> None:
            super().__init__()
            self.names: list[dict[str, str]] = []

        def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
            position: Any = self.get_metadata(PositionProvider, node)
            # Like `ast`, use the line of ``def``, after the decorators.
            line = position.start.line
            self.names.append({fix.old: fix.new for fix in fixes if fix.line == line})

        def leave_FunctionDef(
            self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
        ) -> cst.FunctionDef:
            _ = original_node
            self.names.pop()
            return updated_node

        def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.Name:
            _ = original_node
            new = self.names[-1].get(updated_node.value) if self.names else None
            return updated_node if new is None else updated_node.with_changes(value=new)

        def leave_Attribute(
            self, original_node: cst.Attribute, updated_node: cst.Attribute
        ) -> cst.Attribute:
            # an attribute is not a local name
            return updated_node.with_changes(attr=original_node.attr)

        def leave_Arg(self, original_node: cst.Arg, updated_node: cst.Arg) -> cst.Arg:
            return updated_node.with_changes(keyword=original_node.keyword)

    return MetadataWrapper(parse_concrete(text), unsafe_skip_copy=False).visit(Rewriter()).code
