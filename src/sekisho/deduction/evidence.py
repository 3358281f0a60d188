"""The evidence that each class of claims needs before it is written, as one table.

A run shows what came, not what must come. So a claim is written if the code says it, or if enough
different uses agree that chance is unlikely. Otherwise a weaker claim is written, and the report
names it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CLAIMS", "Claim", "Weaker", "claim_table"]


class Claim(NamedTuple):
    """A class of claims, and the evidence that it needs.

    Attributes:
        title: what is claimed.
        code: what the code has to say, if that is enough; "" if it never is.
        calls: the number of calls that differ in their sizes, if calls are enough; 0 if they never
            are.
        sizes: the number of different sizes of the axis in these calls.
        uses: the number of functions, or tests, that make them: a loop in a function is one use.
        weaker: what is written otherwise.
        settle: what would settle the claim.
    """

    title: str
    code: str
    calls: int
    sizes: int
    uses: int
    weaker: str
    settle: str

    def holds(self, *, calls: int = 1, sizes: int = 1, uses: int = 1) -> bool:
        """Return whether calls alone are enough evidence, without the code."""
        if not self.calls:
            return False
        return calls >= self.calls and sizes >= self.sizes and uses >= self.uses


class Weaker(NamedTuple):
    """A claim that was not written.

    Attributes:
        place: the parameter, or ``return``.
        claim: its key in the table.
        seen: what came, in words.
    """

    place: str
    claim: str
    seen: str


CLAIMS: Final = {
    "size": Claim(
        "an exact size of 2 or more",
        "an `assert`, an `if ...: raise` or a shape that is written out has the number, as in "
        "`zeros((n, 4))`, `Linear(4, 8)`; and it was always that",
        *(0, 0, 0),
        "a name",
        "an `assert` on the size",
    ),
    "one": Claim(
        "a size that is 1",
        "an `assert` or an `if ...: raise` on that axis",
        *(0, 0, 0),
        "a name",
        "an `assert` on the size",
    ),
    "rank": Claim(
        "a number of axes",
        "`b, c = x.shape`, an `assert` on `x.ndim`, an einops pattern, an einsum; or no array is passed. "
        "Calls are not enough if the code works with any: `x * y`, `norm(x, dim=-1)`, `x[..., 0]`, "
        "`x.mT`, or a function that arrays of several ranks came to",
        *(2, 1, 3),
        '`"*shape"` if the result has the shape of the only such argument; `"*#shape"` for arguments that '
        'the code combines by broadcasting, and `"*#batch d"` if it speaks of the last axis; `"n ..."` if the code counts '
        'the first axis, or arguments of other ranks share it; else `"..."`. Square matrices, and what is '
        'made of them, get `"... n n"` wherever the code does not say their rank; arrays whose last axes '
        'alone are used, as in `x[..., 0]`, `x.mT`, `einsum("...i->...", x)` and `assert x.shape[-1] == 4`, get `"... n"`',
        "unpack or assert the shape, or calls from three functions or tests",
    ),
    "equal": Claim(
        "two axes that are one, of several sizes",
        "it requires that they are: `x @ y`, `solve(a, b)`, `vmap(f)(x, y)`, `assert len(x) == y.shape[0]`, "
        "one name for both in an einops pattern or an einsum",
        *(2, 2, 1),
        "a name each; `#n`, of which one may be 1, if the code combines the arrays by broadcasting only: "
        "`x - y`, `where(c, x, y)`",
        "a call with other sizes; for `n` alone, a comparison of `x.shape` and `y.shape`",
    ),
    "equal by one size": Claim(
        "two axes of arguments that were always of one size, 5 or more",
        "it requires that they are, as above; of any size",
        *(2, 1, 2),
        "a name each",
        "a call with other sizes",
    ),
    "square": Claim(
        "two axes of one array that are one, where another argument has the axis too",
        "it requires a square: `cholesky(x)`, `solve(x, b)`, `x + x.T`, one name for both",
        *(2, 2, 3),
        "the first of them is the other array's",
        "calls from three functions or tests",
    ),
    "squares": Claim(
        "several arguments that are squares of one size, where no other array has the axis",
        "one name for both axes",
        *(3, 3, 3),
        "the first axes are one, and so are the second ones",
        "calls with other sizes",
    ),
    "broadcast": Claim(
        "an axis that broadcasts",
        "it combines the arrays by operations that broadcast, and compares no sizes",
        *(3, 2, 1),
        "a name of its own",
        "calls with 1 and with two other sizes",
    ),
    "dtype": Claim(
        "a dtype with its width (`Float32`)",
        "an `assert` on `x.dtype`; of a result: the only `return` names it",
        *(0, 0, 0),
        "its kind (`Float`)",
        "an `assert` on the dtype",
    ),
    "floats": Claim(
        "real floats, or complex ones, alone",
        "nothing in the package was called with the other ones",
        *(0, 0, 0),
        "`Inexact`",
        "an annotation by hand",
    ),
    "real": Claim(
        "floats, and no integers",
        "an `assert` on `x.dtype`; of a result: no argument is of that kind; `x /= 2` or the like, in every call and "
        "in a library that writes into the array; of other libraries than NumPy: a "
        "function that refuses integers, or that is not known (`x.mean()`, `x @ y`, `self.layer(x)`). It does not "
        "count if it gets a value of another dtype, such as `x / 255` and `x.float()`, or of one that a branch or "
        "a function of the package may have changed",
        *(0, 0, 0),
        "`Real`, or `Num` where complex ones came",
        "an annotation by hand",
    ),
    "kind": Claim(
        "integers or booleans alone",
        "of a result: no argument is of that kind. Calls are not enough if the code calculates with it: `x - y`, `x / 2`",
        *(1, 1, 3),
        "`Real` if the code calculates with it, else `Shaped`",
        "calls from three functions or tests",
    ),
    "world": Claim(
        "one library (`numpy_world`)",
        "the function uses that library alone, for more than a constant and the product of a shape "
        "(`np.pi`, `np.prod`), passes its arrays on to a function of the package that does, or its class "
        "extends one of it; and no argument is asked which it is, as by `get_namespace(x)`",
        *(0, 0, 0),
        "`same_world` if it gives back what it takes, uses neither, and calls no method that differs between them, "
        "as `x.max(axis=0)` does; else no decorator, and no annotation",
        "a call with the other library's arrays, or a decorator by hand",
    ),
    "array": Claim(
        "an array, and nothing else",
        "it is not asked what it is (`isinstance`, `is_tensor`, `hasattr`, `x == 'auto'`), unless every call "
        "has to pass the test, as by `if not isinstance(x, ndarray): raise`; is not made "
        "an array (`np.asarray(x)`), is neither iterated over nor unpacked, and is used as no list, "
        "number or None can be: `x.shape`, `x[:, 0]`, `len(x)` beside `x - 1`, and `x - y` if the docstring "
        "gives its shape; of other libraries than NumPy, which make no arrays of lists, `x @ y`, a call of "
        "theirs and `self.layer(x)` say so too; so does a function of the package that every call passes it on to",
        *(1, 1, 3),
        "no annotation",
        "an annotation by hand; of other libraries than NumPy's, calls from three functions",
    ),
    "none": Claim(
        "None is never passed",
        "the default is not None, nothing asks `x is None`, and the docstring does not name it",
        *(0, 0, 0),
        "`| None`",
        "",
    ),
    "class": Claim(
        "a number, a string or the like (`int`)",
        "an `assert isinstance(x, int)`",
        *(0, 0, 0),
        "no annotation",
        "an annotation by hand",
    ),
    "container": Claim(
        "a list, a tuple or a dict, and of a tuple its length",
        "of an argument: a method that only that class has (`x.append`); of a result: always",
        *(0, 0, 0),
        "`Sequence`, `Mapping`",
        "an annotation by hand",
    ),
    "result": Claim(
        "a result, or its shape",
        "every `return` gives what came (a tuple, None, or something else), and writes out what is a "
        "container or a number: `return a, b`, `return [...]`, `return len(x)`; an argument is an array and "
        "nothing else, or the code uses a library other than NumPy; an axis is an argument's, or its number "
        "is written out",
        *(0, 0, 0),
        "no annotation; `_`",
        "a call that comes by the other `return`",
    ),
}
"""The claims by key. The report and the reference take their words from here."""


def claim_table() -> str:
    """Return the table as it is in ``docs/adopting.md``."""
    head = (
        "| claim | the code is enough if | or calls: different, sizes, uses | else | settled by |"
    )
    rows = [head, "|---|---|---|---|---|"]
    for claim in CLAIMS.values():
        calls = f"{claim.calls}, {claim.sizes}, {claim.uses}" if claim.calls else "never"
        cells = (claim.title, claim.code or "never", calls, claim.weaker, claim.settle or "nothing")
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"
