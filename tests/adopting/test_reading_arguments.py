"""What a body says of its arguments: whether they must be arrays, and what the function returns."""

from __future__ import annotations

import ast
import textwrap

import pytest

pytest.importorskip("libcst")

from sekisho.adoption.definitions import find_definitions


def definition_of(body, parameters="self, x, y"):
    code = textwrap.indent(textwrap.dedent(body), "    ")
    text = f"import numpy as np\nimport torch\n\ndef f({parameters}):\n{code}"
    (found,) = find_definitions(ast.parse(text))
    return found


@pytest.mark.parametrize(
    "body",
    [
        "return x.shape",
        "return x[:, 0]",
        "return x[None]",
        "return len(x), x - 1",
        "return x[0] + (1 + x)[0]",
        "return (x @ x) * (x * 2)",
        "return x @ x",
        "assert y and x.shape\nreturn 1",
        "return x[1:] - x[:-1]",
        "return 0.5 * (x[1:] + x[:-1])",
        "return (x[1:] + 0.5 * x[:-1]) ** 2",
        "return np.where(x[1:] >= 0.0, 1, 0)",
        "return einsum(x, y, 'n d, d -> n')",
        "return einops.einsum(x, 'n n ->')",
        "n = x.sum()\nif n:\n    return n",
        "x = x.reshape(-1)",
        "if x.ndim == 2:\n    return 1",
        "return -x / x[0]",
        "return x[x > 0]",
        "return x[0 >= x]",
        "return x.real / x.index(3)",
    ],
)
def test_an_array_is_used_as_no_list_or_number_can_be(body):
    assert "x" in definition_of(body).body.arrays


@pytest.mark.parametrize(
    "body",
    [
        "return x - 1",
        "return 1 + x",
        "return x * 2",
        "return x - y",
        "return x / y",
        "return -x",
        "return x ** 2",
        "return x > 0",
        "return x[0], x == 0",
        "return x[0], x < y",
        "return 1 - x ** 2 / (y + x)",
        "return x.real - x.conjugate()",
        "return np.dot(x, y)",
        "return x[0]",
        "return len(x)",
        "return x[1:] / y",
        "return len(x), x - y",
        "return x[0] * (x + y)",
        "return 2 * x",
        "return 1.0 / x",
        "return g(x)",
        "return x[1:] + y[1:]",
        "return 2 * (x[1:] + x[:1])",
        "return x[1:] * y",
        "return x[1:] > y[1:]",
        "return x[0] - y",
        "return x - x[0]",
        "return x >= 0.0",
        "return np.einsum('nd,d->n', x, y)",
        "return rearrange(x, 'n d -> d n')",
        "x = np.asarray(x)\nreturn x.shape",
        "if y:\n    return x.shape",
        "return x.shape if y else 0",
        "return y and x.shape",
        "return x.index(3)",
        "return x.items()",
        "return lambda: x.shape",
    ],
)
def test_what_a_list_or_a_number_survives_says_nothing(body):
    assert "x" not in definition_of(body).body.arrays


@pytest.mark.parametrize(
    ("body", "is_combined"),
    [
        ("return x @ y", True),
        ("return len(x), x - y", True),
        ("return x[0] * (x + y)", True),
        ("return x[x < y]", True),
        ("return x[x == y]", False),
        ("return x - y", False),
        ("return x[0], len(x)", False),
        ("return x.real - y", False),
    ],
)
def test_some_libraries_combine_no_list_with_an_array(body, is_combined):
    assert ("x" in definition_of(body).body.combined) == is_combined


@pytest.mark.parametrize(
    ("kind", "is_array"),
    [
        ("ndarray, shape (n, 3)", True),
        ("array of shape (..., 3)", True),
        ("ndarray, shape (n, 3) or None", True),
        ("ndarray", False),
        ("array-like, shape (n, 3)", False),
        ("float or ndarray, shape (n, 3)", False),
        ("ndarray, shape (...)", False),
    ],
)
def test_a_shape_in_the_docstring_says_that_no_number_may_be_combined(kind, is_array):
    body = (
        f'"""Scale.\n\nParameters\n----------\nx : {kind}\n    What is scaled.\n"""\nreturn x * y'
    )
    assert ("x" in definition_of(body).body.arrays) == is_array


@pytest.mark.parametrize(
    ("body", "handed", "parts"),
    [
        ("return torch.exp(x)", True, False),
        ("return np.exp(x)", False, False),
        ("if y:\n    torch.exp(x)", False, False),
        ("return self.layer(x)", False, True),
        ("return self.layer(y, x)", False, False),
        ("return g(x)", False, False),
    ],
)
def test_what_an_argument_is_handed_to_tells(body, handed, parts):
    found = definition_of(body)
    assert ("x" in found.handed, "x" in found.body.parts) == (handed, parts)


@pytest.mark.parametrize("body", ["a, b = x\nreturn a", "for a in x:\n    pass", "[a for a in x]"])
def test_what_is_unpacked_or_iterated_over_may_be_a_list(body):
    assert "x" in definition_of(body).body.iterated


@pytest.mark.parametrize(
    ("body", "gives"),
    [
        ("return x, y", {"tuple 2"}),
        ("return [x]", {"list"}),
        ("return {'a': x}", {"dict"}),
        ("found = []\nfor a in x:\n    found.append(a)\nreturn found", {"list"}),
        ("found = g(x)\nreturn found", {"any"}),
        ("found = []\nif y:\n    found = g(x)\nreturn found", {"any"}),
        ("return len(x)", {"plain"}),
        ("return not x", {"plain"}),
        ("return x > 0", {"any"}),
        ("return None", {"none"}),
        ("return x, None", {"tuple 2", "none [1]"}),
        ("return x, z", {"tuple 2", "none [1]"}),
        ("return z if y else x", {"any", "none"}),
        ("z = z * 2\nreturn x, z", {"tuple 2"}),
        ("if z is None:\n    z = x\nreturn x, z", {"tuple 2"}),
        ("if z is not None:\n    z = g(z)\nreturn x, z", {"tuple 2", "none [1]"}),
        ("a, b = None, 0\nfor a in x:\n    b += 1\nreturn a, b", {"tuple 2", "none [0]"}),
        ("a: int | None = None\nif y:\n    a = g(x)\nreturn a", {"any", "none"}),
        ("a = x if y else None\nreturn a, x", {"tuple 2", "none [0]"}),
        ("return [x, z]", {"list", "none [...]"}),
        ("return {'a': x, 'b': z}", {"dict", "none [...]"}),
        ("return [a if y else None for a in x]", {"list", "none [...]"}),
        ("return x if z is None else z", {"any"}),
        ("if y:\n    return x\nelse:\n    raise_shape_error(x)", {"any"}),
        ("if y:\n    return x\nself._fail('no')", {"any"}),
        ("if y:\n    return x\nelse:\n    warn(x)", {"any", "none"}),
        ("return x, x if z is None else z", {"tuple 2"}),
        ("yield x, z", {"none", "yield none [1]"}),
        ("yield z", {"none", "yield none"}),
    ],
)
def test_what_the_returns_write_out(body, gives):
    assert definition_of(body, "self, x, y, z=None").body.gives == gives


@pytest.mark.parametrize(
    ("body", "libraries"),
    [
        ("return np.prod(x) * np.pi", set()),
        ("return np.exp(x)", {"numpy"}),
        ("return torch.exp(x)", {"torch"}),
        ("return x - y", set()),
    ],
)
def test_a_library_is_what_the_function_uses_and_not_what_its_module_imports(body, libraries):
    assert definition_of(body).libraries == libraries
    alone = f"import numpy as np\n\ndef f(x, y):\n    {body}"
    (found,) = find_definitions(ast.parse(alone))
    assert found.libraries == libraries - {"torch"}


@pytest.mark.parametrize(
    ("bases", "libraries"), [("torch.nn.Module", {"torch"}), ("", set()), ("Base", set())]
)
def test_a_method_is_of_the_library_that_its_class_extends(bases, libraries):
    """Another method's library is no evidence, since a class may support several libraries."""
    text = f"""
    import numpy as np
    import torch


    class Backend({bases}):
        def update(self, x, at, y):
            x[at] = y
            return x

        def zeros(self, n):
            return np.zeros(n)
    """
    update, zeros = find_definitions(ast.parse(textwrap.dedent(text)))
    assert update.libraries == libraries
    assert zeros.libraries == {"numpy"}


@pytest.mark.parametrize(
    ("body", "ends", "sizes", "names"),
    [
        ("return x[..., 0]", (0, 1), {}, {}),
        ("return x[..., 0, :, None]", (0, 2), {}, {}),
        ("return x[0, ...]", (1, 0), {}, {}),
        ("return x.mT @ y", (0, 2), {}, {}),
        ("return np.einsum('...ki,...kj->...ij', x, y)", (0, 2), {}, {-2: "k", -1: "i"}),
        ("return np.einsum('b...i->b...', x)", (1, 1), {}, {0: "b", -1: "i"}),
        ("return rearrange(x, 'b ... c -> b c ...')", (1, 1), {}, {0: "b", -1: "c"}),
        ("assert x.shape[-1] == 4\nreturn x", (0, 1), {-1: 4}, {}),
        ("assert x.shape[-2:] == (3, 3)\nreturn x", (0, 2), {-2: 3, -1: 3}, {}),
        ("if x.shape[-2:] != (3, 2):\n    raise ValueError\nreturn x", (0, 2), {-2: 3, -1: 2}, {}),
        ("if x.shape[-1] != 4 or y:\n    raise ValueError\nreturn x", (0, 1), {-1: 4}, {}),
        ("assert x.shape[1] == 4\nreturn x", None, {1: 4}, {}),
        ("assert x.shape == (3, 4)\nreturn x[..., 0]", None, {0: 3, 1: 4}, {}),
        ("assert x.shape[-3:] == (3, 3)\nreturn x", None, {}, {}),
        ("b, c = x.shape\nreturn x[..., 0]", None, {}, {0: "b", 1: "c"}),
        ("return np.einsum('bij->b', x)", None, {}, {0: "b", 1: "i", 2: "j"}),
        ("return rearrange(x, '(b c) ... -> b c ...')", None, {}, {}),
        ("return x[0]", None, {}, {}),
    ],
)
def test_what_code_says_of_the_last_axes_leaves_the_others_open(body, ends, sizes, names):
    found = definition_of(body).body
    assert found.batched.get(("x", ())) == ends
    assert {index: size for (name, index), size in found.sizes.items() if name == "x"} == sizes
    assert {index: word for (name, index), word in found.names.items() if name == "x"} == names
