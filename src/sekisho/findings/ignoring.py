"""What is not told: by a comment on the line, or since it was known before."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from sekisho.writing import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sekisho.findings.finding import Finding
    from sekisho.findings.settings import Settings

__all__ = ["is_ignored", "read_baseline", "without_known", "write_baseline"]

_COMMENT: Final = re.compile(r"#\s*sekisho:\s*ignore(?:\[([A-Z0-9,\s]*)\])?")
_Key = tuple[str, str, str, str]


def is_ignored(finding: Finding, line: str) -> bool:
    """Whether the line that a finding is on ends in ``# sekisho: ignore`` or ``ignore[SK103]``."""
    match = _COMMENT.search(line)
    if match is None:
        return False
    return match[1] is None or finding.code in match[1].replace(" ", "").split(",")


def _key(finding: Finding, settings: Settings) -> _Key:
    """What a finding is known by when lines have moved."""
    return settings.shown(finding.path), finding.code, finding.function, finding.subject


def read_baseline(path: Path) -> Counter[_Key]:
    """How many findings of each kind were known before.

    Raises:
        ValueError: if it is no such file.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))["findings"]
        return Counter({(str(a), str(b), str(c), str(d)): int(count) for a, b, c, d, count in rows})
    except FileNotFoundError:
        return Counter()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no baseline: {error}") from None


def without_known(
    findings: Iterable[Finding], known: Counter[_Key], settings: Settings
) -> Iterator[Finding]:
    """The findings that are new."""
    left = Counter(known)
    for finding in findings:
        key = _key(finding, settings)
        if left[key] > 0:
            left[key] -= 1
        else:
            yield finding


def write_baseline(path: Path, findings: Iterable[Finding], settings: Settings) -> int:
    """Note what is found, so that only what is new is told from now on; gives how many there are."""
    count = Counter(_key(finding, settings) for finding in findings)
    rows = [[*key, number] for key, number in sorted(count.items())]
    lines = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
    body = f"[\n{lines}\n ]" if rows else "[]"
    replace_file(path, f'{{"findings": {body}}}\n'.encode("utf-8", "backslashreplace"))
    return sum(count.values())
