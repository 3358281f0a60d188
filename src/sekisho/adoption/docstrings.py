"""What docstrings say of arguments and results: their shapes, and what else they may be.

Three styles are read: NumPy's sections (``x : ndarray, shape (n, 3)``), Google's (``x (Tensor): of
shape [B, C]``) and Sphinx' fields (``:param x: ... shape (n, 3)``); in each, annotations of jaxtyping, too.
"""

from __future__ import annotations

import ast
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Described", "described_in"]

_WORD: Final = r"(?:\.\.\.|…|\\?\*\w*|\w+(?:\s*[-+*/]{1,2}\s*\w+)*)"
_BRACKETS: Final = rf"[(\[]\s*(?:{_WORD}\s*(?:,\s*{_WORD}\s*)*,?)?\s*[)\]]"
_ARRAYS: Final = r"(?:\w+\.){0,3}(?:(?:nd)?array(?:[-_ ]?like)?|tensor|matrix)s?"
_CONTENTS: Final = r"(?:inputs?|outputs?|weights?|data|features|samples|points|values|fields?)"
_ALTERNATIVE: Final = rf"(?<=[)\]])[\s`*,]*\bor\s+(?:shape\s*)?[`*]*(?P<other>{_BRACKETS})"
_SHAPES: Final = re.compile(
    rf"\b(?:shapes?|sizes?)\b(?:\s+of)?\s*[:=]?[\s`*]*(?::math:`)?\s*(?P<after>{_BRACKETS})"
    rf"|(?P<before>{_BRACKETS})[\s`*,]*{_ARRAYS}\b"
    rf"|\b{_ARRAYS}[\s`*,]*(?P<behind>{_BRACKETS})"
    rf"|{_ALTERNATIVE}",
    re.IGNORECASE,
)
_SIZE: Final = r"(?:\.\.\.|\d+|[A-Za-z]\d?)"
_CROSSED: Final = re.compile(rf"(?<![\w.]){_SIZE}(?:\s?[x\u00d7]\s?{_SIZE})+(?![\w.])")
"""Shapes as in ``BxNx3 tensor`` and ``...xDxD matrices``."""

_ANNOTATED: Final = re.compile(
    r"(?:\w+\.)*(?:Shaped|Num|Real|Inexact|Float|BFloat|Complex|Integer|U?Int|Bool|Key)(?:\d\w*)?"
    r"\[\s*(?P<class>[\w.]+)\s*,\s*(?P<q>[\"'])(?P<axes>.*?)(?P=q)\s*\]"
)
"""Annotations of jaxtyping, as in ``Float[Array, "n d"]``."""

_SHAPES_IN_TEXT: Final = re.compile(
    rf"\bshape\b(?:\s+of)?(?:\s+is)?\s*[:=]?[\s`*]*(?::math:`)?\s*(?P<after>{_BRACKETS})"
    rf"|^\s*``(?P<first>{_BRACKETS})``(?=\s+(?:\w+\s+){{0,2}}(?:{_ARRAYS}|{_CONTENTS})\b)"
    rf"|{_ALTERNATIVE}",
    re.IGNORECASE,
)
_DTYPES: Final = re.compile(
    r"\b(?:of|d?type)[\s=:]+(?:float|int|integer|complex|bool|boolean)\w*\b"
    rf"|\b(?:float|int|integer|complex|bool|boolean)\w*\s+(?={_ARRAYS})|\bdefaults?\b.*",
    re.IGNORECASE | re.DOTALL,
)
"""Words that name the dtype of an array, or a default, and not another class."""

_LISTS: Final = re.compile(
    r"like\b|\b(lists?|tuples?|sequences?|iterables?|collections?|sparse|dataframes?|series)\b",
    re.IGNORECASE,
)
"""Words for what is made an array."""

_NUMBERS: Final = re.compile(
    r"\b(scalars?|numbers?|numeric|floats?|ints?|integers?|complex|bools?)\b", re.IGNORECASE
)
_OTHERS: Final = re.compile(
    r"\b(strs?|strings?|dicts?|mapping|callables?|functions?|objects?|estimators?)\b", re.IGNORECASE
)

_NO_SIZE: Final = re.compile(
    r"\d+-?d|(float|u?int|complex)\d+|float|int|integer|complex|bool|str|object|any|default",
    re.IGNORECASE,
)
"""Words in brackets that are dtypes, or the number of axes."""

_NONE: Final = re.compile(r"\bNone\b")

_UNDERLINE: Final = re.compile(r"[-=~]{3,}\s*")
_SECTIONS: Final = {
    **dict.fromkeys(("parameters", "other parameters", "args", "arguments", "inputs"), "in"),
    **dict.fromkeys(("returns", "return", "yields", "outputs"), "out"),
}
_FIELD: Final = re.compile(r":(param|parameter|arg|type|returns?|rtype)\b([^:]*):(.*)", re.DOTALL)
_NUMPYDOC: Final = re.compile(r"(?P<names>[*\\]*\w+(?:\s*,\s*[*\\]*\w+)*)\s*:\s*(?P<type>.*)")
_GOOGLE: Final = re.compile(
    r"[*\\]*(?P<name>\w+)\s*(?:\((?P<type>.*?)\))?\s*:\s(?P<text>.*)", re.DOTALL
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Place = tuple[str, tuple[str, ...]]


class Described(NamedTuple):
    """What a docstring says of one argument, or of one result.

    Attributes:
        shapes: the words of each shape that it names, ``...`` among them.
        others: what it names beside arrays: ``list``, ``number``, ``other``, ``none``.
    """

    shapes: tuple[tuple[str, ...], ...] = ()
    others: frozenset[str] = frozenset()


class _Entry(NamedTuple):
    """One entry of a section: a parameter, or a result without a name; its class, and the text."""

    name: str
    kind: str
    text: str


def described_in(
    node: _Function, parameters: Iterable[str], cls: ast.ClassDef | None
) -> dict[_Place, Described]:
    """Return what the docstring of a function says, by parameter (or ``return``) and path.

    Args:
        node: the function.
        parameters: the names of its parameters.
        cls: its class, whose docstring may describe the arguments of ``__init__``.
    """
    known = frozenset(parameters)
    entries = [*_entries(ast.get_docstring(node) or "")]
    if cls is not None and node.name == "__init__":
        entries += _entries(ast.get_docstring(cls) or "")
    found: dict[_Place, Described] = {}
    for each in entries:
        if each.name in known:
            found.setdefault((each.name, ()), _describe(each))
    results = [each for each in entries if not each.name]
    for number, each in enumerate(results):
        path = (f"[{number}]",) if len(results) > 1 else ()
        found["return", path] = _describe(each)
    return found


def _describe(entry: _Entry) -> Described:
    annotated = [_axes(match["axes"].split()) for match in _ANNOTATED.finditer(entry.kind)]
    plain = _ANNOTATED.sub(_as_words, entry.kind)
    kind, text = (_CROSSED.sub(_with_brackets, each) for each in (plain, entry.text))
    in_text = () if annotated else _SHAPES_IN_TEXT.finditer(text)
    matches = [*_SHAPES.finditer(kind)] or [*in_text]
    inside = [next(each for each in match.groups() if each is not None) for match in matches]
    shapes = [tuple(_word(w) for w in each[1:-1].split(",") if w.strip()) for each in inside]
    shapes = [shape for shape in shapes if not any(map(_NO_SIZE.fullmatch, shape))]
    shapes = annotated + shapes
    rest = _DTYPES.sub(" ", _SHAPES.sub(_without_brackets, kind))
    words = {"list": _LISTS, "number": _NUMBERS, "other": _OTHERS, "none": _NONE}
    others = frozenset(name for name, pattern in words.items() if pattern.search(rest))
    return Described(tuple(dict.fromkeys(shapes)), others)


def _as_words(annotation: re.Match[str]) -> str:
    return "array-like or number" if annotation["class"].endswith("Like") else "array"


def _axes(words: list[str]) -> tuple[str, ...]:
    """Return the words of an annotation; those that name no axis differ from all others."""
    found = ("..." if "*" in word else word for word in words)
    return tuple(
        word if word == "..." or word.isalnum() or re.fullmatch(r"[A-Za-z]\w*", word) else f"_{i}"
        for i, word in enumerate(found)
    )


def _with_brackets(match: re.Match[str]) -> str:
    words = re.split(r"\s?[x\u00d7]\s?", match[0])
    return f"({', '.join(words)})"


def _without_brackets(match: re.Match[str]) -> str:
    return re.sub(_BRACKETS, " ", match[0])


def _word(text: str) -> str:
    word = re.sub(r"\s+", "", text)
    return "..." if word.startswith(("...", "…", "*", "\\*")) else word


def _entries(docstring: str) -> Iterator[_Entry]:
    yield from _fields(docstring)
    lines = docstring.splitlines()
    for number, line in enumerate(lines):
        title = line.strip().lower()
        is_google = title.endswith(":") and not title.startswith(":")
        section = _SECTIONS.get(title.rstrip(":"))
        rest = lines[number + 1 :]
        if section and rest and _UNDERLINE.fullmatch(rest[0].strip()) and not is_google:
            for block in _blocks(rest[1:], _indent(line)):
                yield from _numpydoc(section, block)
        elif section and is_google:
            body = [each for each in rest if each.strip()]
            if body and _indent(body[0]) > _indent(line):
                blocks = [*_blocks(rest, _indent(body[0]))]
                # a result is one entry, however many paragraphs it has
                for block in blocks if section == "in" else [[x for b in blocks for x in b]]:
                    yield from _google(section, block)


def _blocks(lines: list[str], indent: int) -> Iterator[list[str]]:
    """Yield the lines of each entry of a section, which ends at a title or a smaller indent."""
    block: list[str] = []
    for line, after in zip_longest(lines, lines[1:], fillvalue=""):
        if not line.strip():
            continue
        if _indent(line) < indent or _UNDERLINE.fullmatch(after.strip()):
            break
        if _indent(line) == indent and block:
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _numpydoc(section: str, block: list[str]) -> Iterator[_Entry]:
    head, text = block[0].strip(), "\n".join(block[1:])
    match = _NUMPYDOC.fullmatch(head)
    if section == "out":
        yield _Entry("", match["type"] if match else head, text)
    elif match:
        names = re.split(r"\s*,\s*", match["names"])
        yield from (_Entry(name.lstrip("*\\"), match["type"], text) for name in names)


def _google(section: str, block: list[str]) -> Iterator[_Entry]:
    text = "\n".join(each.strip() for each in block)
    match = _GOOGLE.fullmatch(text)
    if section == "out":
        kind, colon, rest = text.partition(":")
        is_kind = bool(colon) and re.fullmatch(r"[\w\[\]., |()\"'*#]+", kind) is not None
        yield _Entry("", kind, rest) if is_kind else _Entry("", "", text)
    elif match:
        yield _Entry(match["name"], match["type"] or "", match["text"])


def _fields(docstring: str) -> Iterator[_Entry]:
    """Yield the entries of Sphinx' fields, ``:param x:`` and ``:type x:`` together."""
    kinds: dict[str, str] = {}
    texts: dict[str, str] = {}
    for block in re.split(r"\n(?=\s*:)", docstring):
        match = _FIELD.match(block.strip())
        if match is None:
            continue
        field, about, text = match.groups()
        *kind, name = about.split() or [""]
        if field in {"type", "rtype"}:
            kinds[name] = text.partition("\n\n")[0]
        else:
            texts[name] = text.partition("\n\n")[0]
            kinds.setdefault(name, " ".join(kind))
    for name in {**texts, **kinds}:
        yield _Entry(name, kinds.get(name, ""), texts.get(name, ""))
