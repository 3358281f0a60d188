"""Copy files with what `sekisho map` has inferred as annotations, for a type checker to read."""

from __future__ import annotations

import ast
import io
import re
import tokenize

NAMES = {
    "numpy": "_sekisho_numpy.ndarray",
    "torch": "_sekisho_torch.Tensor",
    "none": "_sekisho_Any",
}
IMPORTS = "import numpy as _sekisho_numpy, torch as _sekisho_torch; from typing import Any as _sekisho_Any"


def spell(label):
    """Return the annotation for a label, such as ``tuple[numpy, none]``; "" if it has no array."""
    words = set(re.findall(r"\w+", label))
    if not words & {"numpy", "torch"} or words - {*NAMES, "list", "tuple", "dict"}:
        return ""
    if re.search(r"dict\[[^]]*[,[]", label):
        return ""  # values of several types
    spelled = re.sub(r"\bdict\[", "dict[_sekisho_Any, ", label)
    # such a tuple may have any length
    spelled = re.sub(r"\btuple\[(\w+)\]", r"tuple[\1, ...]", spelled)
    return re.sub(r"\b(numpy|torch|none)\b", lambda found: NAMES[found[1]], spelled)


def annotate(text, functions, variables):
    """Return the text with annotations added on existing lines, so that line numbers stay the same.

    Args:
        text: the text of one file.
        functions: the functions of that file in the map's JSON.
        variables: the variables of that file in the map's JSON.
    """
    tree = ast.parse(text)
    lines = text.encode().splitlines(keepends=True)
    known = {(each["line"], each["name"].rpartition(".")[2]): each for each in functions}
    inserted = []
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min((each.lineno for each in node.decorator_list), default=node.lineno)
            fact = known.get((node.lineno, node.name)) or known.get((first, node.name))
            if fact is not None:
                inserted += _parameters(node, fact)
                inserted += _returns(text, node, fact)
            inserted += _locals(node, variables)
    for line, column, more in sorted(inserted, reverse=True):
        old = lines[line - 1]
        lines[line - 1] = old[:column] + more.encode() + old[column:]
    return b"".join(lines).decode().rstrip("\n") + f"\n{IMPORTS}\n"


def _parameters(node, fact):
    args = node.args
    every = [*args.posonlyargs, *args.args]
    defaults = dict(zip(every[len(every) - len(args.defaults) :], args.defaults, strict=True))
    defaults.update(zip(args.kwonlyargs, args.kw_defaults, strict=True))
    for each in (*every, *args.kwonlyargs):
        spelled = spell(fact["parameters"].get(each.arg, "unknown"))
        if spelled and each.annotation is None:
            default = defaults.get(each)
            may_be_none = isinstance(default, ast.Constant) and default.value is None
            more = f"{spelled} | None" if may_be_none else spelled
            yield each.end_lineno, each.end_col_offset, f': "{more}"'


def _returns(text, node, fact):
    spelled = spell(fact["returns"])
    if not spelled or node.returns is not None:
        return
    yields = (ast.Yield, ast.YieldFrom)
    if isinstance(node, ast.AsyncFunctionDef) or any(isinstance(x, yields) for x in ast.walk(node)):
        return
    depth = 0
    rest = "".join(text.splitlines(keepends=True)[node.lineno - 1 :])
    for token in tokenize.generate_tokens(io.StringIO(rest).readline):
        depth += (token.string in {"(", "["}) - (token.string in {")", "]"})
        if token.string == ":" and depth == 0:
            row = node.lineno + token.start[0] - 1
            yield row, len(token.line[: token.start[1]].encode()), f' -> "{spelled}"'
            return


def _locals(node, variables):
    """Return the first assignment of each name that has one world in the whole function."""
    inside = [each for each in variables if node.lineno <= each["line"] <= node.end_lineno]
    worlds = {}
    for each in inside:
        worlds.setdefault(each["name"], set()).add(each["world"])
    parameters = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    bound = [
        x.id for x in ast.walk(node) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)
    ]
    foreign = {
        x for y in ast.walk(node) if isinstance(y, (ast.Global, ast.Nonlocal)) for x in y.names
    }
    for statement in node.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if not isinstance(target, ast.Name) or target.id in parameters | foreign:
                continue
            said = worlds.get(target.id, set())
            spelled = spell(next(iter(said))) if len(said) == 1 else ""
            if spelled and bound.count(target.id) == 1:
                yield target.end_lineno, target.end_col_offset, f': "{spelled}"'
