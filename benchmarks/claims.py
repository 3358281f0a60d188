"""Fill in the claims about speed in pages from results.json: ``<!-- speed: KEY -->...<!-- -->``.

Each claim is written once, here, as a function of the results, so that it cannot differ from its
table; tests/test_docs.py checks that every page has the current claims.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from chart import ratio

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results.json"
PAGES = [ROOT / "README.md", ROOT / "README.ja.md", *sorted((ROOT / "docs").rglob("*.md"))]
_MARK = re.compile(r"(<!-- speed: ([^>]*?) -->)(.*?)(<!-- -->)", re.DOTALL)

BY_HAND, CAREFUL = "by hand", "careful by hand"
OTHER_PEERS = ("dltype", "bearshape", "safecheck", "tensor-shape-assert")


def two(results, contender, by=BY_HAND, workload="a"):
    """Return the ratios of a contender, for arrays and for tensors, if it could run."""
    found = [ratio(results, f"{workload} {world}", contender, by) for world in ("numpy", "torch")]
    return [each for each in found if each is not None]


def number(value):
    """Return a ratio with as many digits as are reliable."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}" if value >= 1.995 else f"{value:.2f}"


def between(values, word=" to "):
    """Return the range of some ratios."""
    low, high = number(min(values)), number(max(values))
    return low if low == high else f"{low}{word}{high}"


def claims(results):
    """Return each claim by its key."""
    others = [each for peer in OTHER_PEERS for each in two(results, peer)]
    hand, careful = two(results, "sekisho"), two(results, "sekisho", CAREFUL)
    strict, recording = results["others"]["strict"], results["others"]["recording"]
    return {
        "by hand": between(hand),
        "by hand ja": between(hand, "〜"),
        "careful": between(careful),
        "careful ja": between(careful, "〜"),
        "jaxtyping": between(two(results, "jaxtyping + beartype")),
        "jaxtyping ja": between(two(results, "jaxtyping + beartype"), "〜"),
        "dltype": between(two(results, "dltype")),
        "dltype ja": between(two(results, "dltype"), "〜"),
        "beartype": between(two(results, "beartype alone")),
        "beartype ja": between(two(results, "beartype alone"), "〜"),
        "other peers": between(others),
        "least": f"{int(min(others + two(results, 'jaxtyping + beartype')))}",
        "decoration": number(ratio(results, "i")),
        "import": number(results["others"]["import"]),
        "kilobytes": number(results["others"]["memory"]["called"] / 1000),
        "error": f"{1e6 * results['races']['l']['contenders']['sekisho']['median']:.0f}",
        "converting": between(
            [ratio(results, f"e to {world}", by=CAREFUL) for world in ("torch", "numpy")]
        ),
        "hook": number(results["others"]["hook"]),
        **{f"model {name}": number(value) for name, value in results["others"]["training"].items()},
        **{f"strict {name}": number(value) for name, value in strict.items()},
        **{f"recording {name}": number(value) for name, value in recording.items()},
    }


def filled(text, values):
    """Return a page with these claims filled in."""
    return _MARK.sub(lambda found: f"{found[1]}{values[found[2]]}{found[4]}", text)


def fill_all():
    """Fill in every page."""
    values = claims(json.loads(RESULTS.read_text("utf-8")))
    for page in PAGES:
        text = page.read_text("utf-8")
        new = filled(text, values)
        if new != text:
            page.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    fill_all()
