"""What docstrings say of arguments and results."""

import ast

import pytest

from sekisho.adoption.docstrings import described_in

NUMPYDOC = """Do it.

    Parameters
    ----------
    x : {kind}
        Some points.
    other : int, default=2

    Returns
    -------
    y : ndarray, shape (n,)
        A list of words, which is no class.
    """
GOOGLE = """Do it.

    Args:
        x ({kind}): some points,
            in two lines.
        other: a number of shape.

    Returns:
        ndarray: of shape (n,)
    """
SPHINX = """Do it.

    :param x: some points
    :type x: {kind}
    :param int other: a number
    :returns: what is left, of shape (n,)
    """
STYLES = [NUMPYDOC, GOOGLE, SPHINX]

KINDS = [
    ("ndarray, shape (n, 3)", (("n", "3"),), ""),
    ("ndarray of shape (n_samples,)", (("n_samples",),), ""),
    ("array of shape [B, C]", (("B", "C"),), ""),
    ("(N, M) ndarray", (("N", "M"),), ""),
    ("np.ndarray (h, w)", (("h", "w"),), ""),
    ("torch.Tensor, shape=(..., n, n)", (("...", "n", "n"),), ""),
    ("Tensor of shape (*, n)", (("...", "n"),), ""),
    ("Tensor with shape :math:`(B, 2)`", (("B", "2"),), ""),
    ("ndarray, shape (n, m) or (m,)", (("n", "m"), ("m",)), ""),
    ("ndarray, shape (n + 1, 2*n)", (("n+1", "2*n"),), ""),
    ("ndarray, shape ()", ((),), ""),
    ("ndarray of float, shape (n,), default=None", (("n",),), ""),
    ("int ndarray of shape (n,)", (("n",),), ""),
    ("float or ndarray, shape (n,)", (("n",),), "number"),
    ("None or ndarray, shape (n,)", (("n",),), "none"),
    ("array-like of shape (n,)", (("n",),), "list"),
    ("list of ndarray, shape (n,)", (("n",),), "list"),
    ("str or ndarray", (), "other"),
    ("ndarray", (), ""),
    ("a window of size [3]", (("3",),), ""),
    ("ndarray[float64]", (), ""),
    ("(1-D) array", (), ""),
    ("ndarray (2D)", (), ""),
    ("Tensor[int], shape (n,)", (("n",),), ""),
    ("...xNxD tensor", (("...", "N", "D"),), ""),
    ("Bx3x3 tensor or None", (("B", "3", "3"),), "none"),
    ("N x 4 array", (("N", "4"),), ""),
    ("N \u00d7 4 array", (("N", "4"),), ""),
    ("tensor of size BxC", (("B", "C"),), ""),
    ('Float[Array, "n 3"]', (("n", "3"),), ""),
    ("Float32[np.ndarray, ' n']", (("n",),), ""),
    ('jt.Float[torch.Tensor, "*batch n"], optional', (("...", "n"),), ""),
    ('Float[Array, "... n"] | None', (("...", "n"),), "none"),
    ('float | Float[Array, ""]', ((),), "number"),
    ('list[Float[Array, "n"]]', (("n",),), "list"),
    ('Int[Array, "_ #n m+1"]', (("_0", "_1", "_2"),), ""),
    ('Union[float, "Tensor"]', (), "number"),
    ('Tuple[int, "Tensor"]', (), "list number"),
    ('Dict[str, "Tensor"]', (), "other"),
    ('Float[Array | float, "d"]', (), "number"),
    ('Float[ArrayLike, "n d"]', (("n", "d"),), "list number"),
    ("an index of the tensor, as in exe or 0x1f", (), ""),
]


def read(docstring, parameters=("x", "other"), code="def f({}):\n    {!r}"):
    node = ast.parse(code.format(", ".join(parameters), docstring)).body[0]
    return described_in(node, parameters, None)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("kind", "shapes", "others"), KINDS)
def test_each_style_says_the_same(style, kind, shapes, others):
    found = read(style.format(kind=kind))
    assert found["x", ()].shapes == shapes
    assert found["x", ()].others == {*others.split()}
    assert found["return", ()].shapes == (("n",),)


def test_several_results_are_the_items_of_a_tuple():
    found = read(
        """Do it.

        Returns
        -------
        w : ndarray, shape (n,)
            The values.
        v : ndarray, shape (n, n)

        Notes
        -----
        x : ndarray, shape (no, section)
        """
    )
    assert {place: each.shapes for place, each in found.items()} == {
        ("return", ("[0]",)): (("n",),),
        ("return", ("[1]",)): (("n", "n"),),
    }


def test_two_names_may_share_an_entry_and_stars_are_no_part_of_a_name():
    found = read(NUMPYDOC.replace("x :", "x, y :").format(kind="array (n,)"), ("x", "y"))
    assert found["x", ()] == found["y", ()]
    starred = NUMPYDOC.replace("x :", "*xs :").format(kind="array (n,)")
    assert ("xs", ()) in read(starred, ("xs",), "def f(*{}):\n    {!r}")


def test_the_docstring_of_a_class_describes_its_arguments():
    tree = ast.parse(
        'class A:\n    """A.\n\n    Parameters\n    ----------\n    x : array (n,)\n    """\n'
        "    def __init__(self, x): pass\n    def f(self, x): pass"
    )
    cls = tree.body[0]
    initialiser, other = cls.body[1:]
    assert described_in(initialiser, ["self", "x"], cls)["x", ()].shapes == (("n",),)
    assert described_in(other, ["self", "x"], cls) == {}


@pytest.mark.parametrize(
    "docstring",
    [
        "",
        "x",
        "Parameters\n---",
        "Parameters\n----------",
        "Args:",
        "Args:\n    x",
        ":param",
        ":param x:",
        "Returns\n-------\n\n\n",
        "Args:\n    x (:\n  )",
        "Parameters\n----\nx : array (\n",
        "a\n" * 9999,
        ":param x: " + "a." * 9999,
        ":param x: shape (" + "a, " * 9999,
    ],
)
def test_any_text_can_be_read(docstring):
    read(docstring)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("``(N, 3)`` inputs.", (("N", "3"),)),
        ("``(n,)`` weights, or None.", (("n",),)),
        ("``(lower, upper)``.", ()),
        ("``(low, high)`` limits of x.", ()),
        ("``(low, high)`` pair of numbers.", ()),
        ("``(mean, std)`` to normalise by.", ()),
        ("``(N, 3)``", ()),
        ("(N, 3) inputs.", ()),
        ("a pair ``(N, 3)`` of numbers.", ()),
    ],
)
def test_a_text_may_begin_with_the_shape(text, shapes):
    found = read(f"Do it.\n\n    Args:\n        x: {text}\n    ")
    assert found["x", ()].shapes == shapes


def test_prose_behind_a_field_is_no_part_of_it():
    found = read(
        """Do it.

        :param x: points
        :type x: ndarray, shape (n, 3)
        :rtype: ndarray, shape (n,)

        A list of None, or a matrix of shape (k, m).
        """
    )
    for place, shape in ((("x", ()), ("n", "3")), (("return", ()), ("n",))):
        assert found[place].shapes == (shape,)
        assert found[place].others == frozenset()
