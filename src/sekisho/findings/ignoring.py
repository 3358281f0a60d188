"""Suppress findings: by a comment on the line, or because a baseline has them."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Final

from sekisho.findings.finding import UNUSED, to_code
from sekisho.utils import parse, printable
from sekisho.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sekisho.findings.finding import Finding
    from sekisho.findings.settings import Settings

__all__ = [
    "MAY_IGNORE",
    "Ignores",
    "read_baseline",
    "with_ignores",
    "without_known",
    "without_unused",
    "write_baseline",
]

_COMMENT: Final = re.compile(r"#\s*sekisho:\s*ignore\b(?!-)(?:\s*\[([^\]]*)\])?")
_OF_FILE: Final = re.compile(r"#\s*sekisho:\s*ignore-file\b(?:\s*\[([^\]]*)\])?")
_NOQA: Final = re.compile(r"#\s*noqa:\s*((?:[A-Z]+\d+[,\s]*)+)", re.IGNORECASE)
MAY_IGNORE: Final = re.compile(r"sekisho:\s*ignore|noqa:.*SK", re.IGNORECASE)
"""In the text of each module that has such a comment."""

_LINE_END: Final = re.compile(r"(\r\n|\r|\n)")
_PREFIX: Final = "SK"
_Key = tuple[str, str, str, str]


class Ignores:
    """The comments of a module that ignore findings: ``# sekisho: ignore`` or ``ignore[SK103]``.

    ``# noqa: SK103`` ignores the codes that it names. ``# sekisho: ignore-file``, with or without
    codes, may be anywhere in the module, on a line of its own. Other comments are at the end of the
    finding's line. A line that ends in a backslash or is inside a string cannot have a comment;
    then it is where the string, or the last continued line, ends.
    """

    def __init__(self, text: str) -> None:
        """Read the comments of a module; `text` has Unix line ends."""
        self._comments: dict[int, tuple[int, str]] = {}
        self._ends: list[int] = []
        self._of_file: list[tuple[int, str]] = []
        self._used: set[tuple[int, str]] = set()
        depth = 0  # in f-strings, which are several tokens since Python 3.12
        try:
            # Without a line end, Python 3.11 yields no NEWLINE for a last line with spaces after a
            # string.
            for token in tokenize.generate_tokens(io.StringIO(f"{text}\n").readline):
                kind = tokenize.tok_name[token.type]
                depth += kind.endswith("STRING_START") - kind.endswith("STRING_END")
                # Skip comments inside f-strings: only Python 3.12 and later allow them.
                if not depth and kind in {"NEWLINE", "NL"}:
                    self._ends.append(token.start[0])
                elif not depth and kind == "COMMENT":
                    self._comments[token.start[0]] = token.start[1], token.string
                    of_file = _OF_FILE.match(token.string)
                    if of_file and not token.line[: token.start[1]].strip():
                        self._of_file += [(token.start[0], each) for each in _codes(of_file)]
        except (tokenize.TokenError, SyntaxError):
            pass  # use the comments read so far

    def place(self, line: int) -> int:
        """Return the line at whose end a comment ignores the findings of a line."""
        at = bisect_left(self._ends, line)
        return self._ends[at] if at < len(self._ends) else line

    def column(self, line: int) -> int | None:
        """Return the column of the comment on a line, from 0; None without a comment."""
        return self._comments[line][0] if line in self._comments else None

    def has(self, finding: Finding) -> bool:
        """Whether a finding is ignored; the comment counts as used from then on."""
        line = self.place(finding.line)
        every = [*self._of_file, *((line, each) for each in self._codes_at(line))]
        used = {each for each in every if finding.code.startswith(each[1])}
        if finding.code == UNUSED:  # or a comment without codes would hide that it hides nothing
            used = {each for each in used if each[1]}
        self._used |= used
        return bool(used)

    def unused(self) -> Iterator[tuple[int, int, tuple[str, ...], bool]]:
        """The comments that have ignored nothing: line, column, which codes, and whether it has others."""
        of_file: dict[int, list[str]] = {}
        for line, code in self._of_file:
            of_file.setdefault(line, []).append(code)
        for line, (column, comment) in self._comments.items():
            codes = of_file.get(line) or self._codes_at(line)
            idle = [each for each in codes if (line, each) not in self._used and each != UNUSED]
            if idle or (not codes and _COMMENT.search(comment)):
                yield line, column, tuple(idle), len(idle) < len(codes)

    def _codes_at(self, line: int) -> tuple[str, ...]:
        """The codes that the comment of a line ignores, or how they begin."""
        _, comment = self._comments.get(line, (0, ""))
        match, noqa = _COMMENT.search(comment), _NOQA.search(comment)
        named = noqa[1].upper().replace(",", " ").split() if noqa else ()
        ours = [each for each in named if each.startswith(_PREFIX)]  # the others are another tool's
        return (*(_codes(match) if match else ()), *ours)


def _codes(match: re.Match[str]) -> tuple[str, ...]:
    """Return the codes, or prefixes, in the brackets of a comment; without brackets, all codes."""
    if match[1] is None:
        return ("",)
    return tuple([_code(word.strip()) for word in match[1].split(",") if word.strip()])


def _code(word: str) -> str:
    try:
        return to_code(word)
    except ValueError:  # from another release, or misspelled: it ignores nothing
        return word


def with_ignores(text: str, findings: Iterable[Finding]) -> str:
    """Add a comment for each finding of a module, or its code to the existing comment.

    Raises:
        ValueError: if that would change the program, or would not ignore a finding.
    """
    found = list(findings)
    ignores = Ignores(_unix(text))
    parts = _LINE_END.split(text)  # every second part is a line end
    added: dict[int, list[str]] = {}
    for each in found:
        codes = added.setdefault(ignores.place(each.line), [])
        if each.code not in codes:
            codes.append(each.code)
    for line, codes in added.items():
        before = parts[2 * line - 2].rstrip(" \t")
        column = ignores.column(line)
        match = None if column is None else _COMMENT.search(before, column)
        start, end, known = (
            (f"{before}  ", "", ())
            if match is None
            else (before[: match.start()], before[match.end() :], _codes(match))
        )
        comment = f"# sekisho: ignore[{', '.join([*known, *codes])}]"
        parts[2 * line - 2] = f"{start}{comment}{end}"
    # verify the result: the program is unchanged, and each finding is ignored now
    written = "".join(parts)
    done = Ignores(_unix(written))
    if not (_is_same(text, written) and all(map(done.has, found))):
        raise ValueError("no comment can be added to it")
    return written


def without_unused(text: str, finding: Finding) -> str:
    """Remove what ignores nothing, as a finding of SK112 says: a comment, or some codes of it.

    Raises:
        ValueError: if that would change the program.
    """
    idle = set(finding.subject.split(", "))
    parts = _LINE_END.split(text)  # every second part is a line end
    at, column = 2 * finding.line - 2, finding.column - 1
    code, comment = parts[at][:column], parts[at][column:]
    for pattern, to_codes in ((_OF_FILE, _code), (_COMMENT, _code), (_NOQA, str.upper)):
        comment = pattern.sub(lambda match, to=to_codes: _without(match, idle, to), comment)
    comment = comment.strip()
    if comment and not comment.startswith("#"):
        comment = f"# {comment}"  # what was written behind the codes
    parts[at] = f"{code}{comment}" if comment else code.rstrip()
    if not parts[at]:  # the comment had a line of its own
        del parts[at : at + 2]
    written = "".join(parts)
    if ast.dump(parse(text)) != ast.dump(parse(written)):
        raise ValueError("the comment cannot be removed")
    return written


def _without(match: re.Match[str], idle: set[str], to_code: Callable[[str], str]) -> str:
    """Return a comment without some of its codes; "" if none is left."""
    if match[1] is None:
        return "" if "" in idle else match[0]
    words = match[1].replace(",", " ").split()
    kept = [word for word in words if to_code(word) not in idle]
    if len(kept) == len(words) and words:
        return match[0]
    return match[0].replace(match[1], ", ".join(kept)) if kept else ""


def _unix(text: str) -> str:
    return _LINE_END.sub("\n", text)


def _is_same(before: str, after: str) -> bool:
    """Return whether two modules differ only in comments and spaces at the ends of lines."""
    try:
        trees = [ast.dump(parse(text), include_attributes=True) for text in (before, after)]
    except RecursionError:
        return False
    return trees[0] == trees[1]


def _key(finding: Finding, settings: Settings) -> _Key:
    """Return what identifies a finding when lines have moved."""
    return settings.shown(finding.path), finding.code, finding.function, finding.subject


def read_baseline(path: Path) -> Counter[_Key]:
    """Return the number of known findings for each key.

    Raises:
        ValueError: if the file is not a baseline.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))["findings"]
        return Counter({(str(a), str(b), str(c), str(d)): int(count) for a, b, c, d, count in rows})
    except FileNotFoundError:
        return Counter()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{printable(str(path))} is no baseline: {error}") from None


def without_known(
    findings: Iterable[Finding], known: Counter[_Key], settings: Settings
) -> Iterator[Finding]:
    """Yield the findings that the baseline does not have."""
    # a baseline has counts, so a second finding of the same kind is new
    left = Counter(known)
    for finding in findings:
        key = _key(finding, settings)
        if left[key] > 0:
            left[key] -= 1
        else:
            yield finding


def write_baseline(path: Path, findings: Iterable[Finding], settings: Settings) -> int:
    """Write the findings to a baseline, so that only new ones are reported; return their number."""
    count = Counter(_key(finding, settings) for finding in findings)
    rows = [[*key, number] for key, number in sorted(count.items())]
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    body = f"[\n{lines}\n ]" if rows else "[]"
    replace_file(path, f'{{"findings": {body}}}\n'.encode("utf-8", "backslashreplace"))
    return sum(count.values())
