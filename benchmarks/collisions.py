"""Select findings of sekisho's kind: an array where a tensor is needed, or the reverse."""

from __future__ import annotations

import re

ARRAYS = {"numpy": r"\b(ndarray|NDArray)\b", "torch": r"\b(Tensor|Parameter)\b"}
# Functions that take the arrays of one library, by the module that the message names.
OWNERS = {
    "torch": r"function `torch\b",
    "numpy": r"function `(numpy|cv2|PIL|pandas|sklearn|scipy)\b",
}
KEYWORDS = {"torch": {"ddof", "order"}, "numpy": {"dim", "keepdim"}}
"""Keywords of the other library; torch accepts NumPy's ``axis`` and ``keepdims``, though its types
do not say so."""
ASSIGNED = re.compile(
    r"(?:Argument|Unpacked argument) `(.*?)` is not assignable to .* with type `(.*?)`"
)
CALLED = re.compile(r"called with arguments: \((.*)\)")
MISSING = re.compile(r"Object of class `(.*?)` has no attribute `(.*?)`")
OPERATOR = re.compile(r"not supported between `(.*?)` and `(.*?)`")
ATTRIBUTES = {
    "numpy": "unsqueeze detach cpu cuda to permute backward requires_grad_ requires_grad grad long float "
    "double bool half dim numel clamp expand softmax sigmoid norm device values indices expand_as",
    "torch": "astype copy fill tobytes ptp argpartition setflags strides",
}
"""For each library, the attributes that its arrays lack and those of the other library have."""


def names_arrays(text):
    """Return whether a message is about arrays."""
    return any(re.search(pattern, text) for pattern in ARRAYS.values())


def _worlds(text):
    return {world for world, pattern in ARRAYS.items() if re.search(pattern, text)}


def collides(kind, text):
    """Return whether a message of Pyrefly says that the two libraries collide."""
    if found := ASSIGNED.search(text):
        got, wanted = map(_worlds, found.groups())
        return bool(got) and not got & wanted and (bool(wanted) or _owner(text) in _others(got))
    if found := CALLED.search(text):
        got = _worlds(found[1])
        owner = _owner(text)
        keywords = set(re.findall(r"\b(\w+)=", found[1]))
        return owner in _others(got) or bool(owner and keywords & KEYWORDS[owner])
    if found := MISSING.search(text):
        (world,) = _worlds(found[1]) or {""}
        return bool(world) and found[2] in ATTRIBUTES[world].split()
    if found := OPERATOR.search(text):
        return _worlds(found[1]) | _worlds(found[2]) == set(ARRAYS)
    if kind == "unexpected-keyword":
        owner = _owner(text)
        named = re.search(r"keyword argument `(\w+)`", text)
        return bool(owner and named and named[1] in KEYWORDS[owner])
    return False


def _owner(text):
    return next((world for world, pattern in OWNERS.items() if re.search(pattern, text)), "")


def _others(worlds):
    return {world for world in ARRAYS if worlds and world not in worlds}
