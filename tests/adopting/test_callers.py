"""What a function says by way of those that it calls, and that call it."""

from __future__ import annotations

import ast
import textwrap

import pytest

pytest.importorskip("libcst")

from sekisho.adoption.callers import count_uses, mentions_of, read_callees
from sekisho.adoption.definitions import find_definitions
from sekisho.adoption.imports import with_imports
from sekisho.adoption.rewriting import Edit, rewrite
from sekisho.adoption.spelling import Import
from sekisho.code import parse_concrete
from sekisho.tracer import Observed, Place

PATH = "m.py"


def definitions_of(text):
    tree = ast.parse(f"import numpy as np\nimport torch\n{textwrap.dedent(text)}")
    return tree, {(PATH, each.first): each for each in find_definitions(tree)}


def callees(text, *ways):
    """What is read, by function, where arrays went from one parameter to another."""
    _, definitions = definitions_of(text)
    keys = {each.name: key for key, each in definitions.items()}
    places = [
        tuple([Place(keys[name], parameter, ()) for name, _, parameter in ends])
        for ends in ([end.rpartition(" ") for end in way] for way in ways)
    ]
    found = read_callees(places, definitions)
    return {
        name: (found.handed[keys[name]], found.libraries[keys[name]], found.namespaces[keys[name]])
        for name in keys
    }


@pytest.mark.parametrize(
    ("body", "handed"),
    [
        ("return g(x)", True),
        ("return g(y=x)", True),
        ("z = g(x)\n    return z", True),
        ("return other.g(x)", True),
        ("return [g(x) for _ in range(3)]", True),
        ("return g(x) if z else None", False),
        ("if z:\n        g(x)", False),
        ("x = prepared(x)\n    return g(x)", False),
        ("if x is None:\n        return 0\n    return g(x)", False),
        ("if isinstance(x, list):\n        return 0\n    return g(x)", False),
        ("return g(x[0])", False),
        ("return h(x)", False),
        ("return lambda: g(x)", False),
    ],
)
def test_an_argument_is_an_array_where_every_call_passes_it_to_code_that_needs_one(body, handed):
    text = f"def f(x, z=0):\n    {body}\n\ndef g(y):\n    return y.shape\n"
    assert callees(text, ("f x", "g y"))["f"][0] == (frozenset({"x"}) if handed else frozenset())
    assert callees(text)["f"][0] == frozenset()  # no array went there: it may be another ``g``


@pytest.mark.parametrize(
    ("g", "handed"),
    [
        ("def g(y):\n    return len(y) * (y - 1)", True),
        ("def g(y):\n    return y - 1", False),
        ("def g(y):\n    return torch.exp(y)", True),
        ("class g:\n    def __init__(self, y):\n        self.n = y.shape", True),
        ("class C:\n    def g(self, y):\n        return y[:, 0]", True),
        ("def g(y):\n    return np.exp(y)", False),
        ("def g(y):\n    return y", False),
        ("def g(y=None):\n    return y.shape", False),
        ("def g(y):\n    if y is None:\n        return 0\n    return y.shape", False),
        ("def g(y):\n    if isinstance(y, list):\n        return 0\n    return y.shape", False),
    ],
)
def test_what_the_other_function_does_counts(g, handed):
    name = {"class g": "g.__init__", "class C": "C.g"}.get(g.partition(":")[0], "g")
    found = callees(f"def f(x):\n    return a.g(x)\n\n{g}\n", ("f x", f"{name} y"))
    assert found["f"][0] == (frozenset({"x"}) if handed else frozenset())


@pytest.mark.parametrize(
    ("body", "ranked", "equal"),
    [
        ("return g(x, z)", {"x"}, True),
        ("return g(z=z, y=x)", {"x"}, True),
        ("return self.g(x, z)", {"x"}, True),
        ("return g(z, x)", {"z"}, True),
        ("return g(x, x.T)", {"x"}, False),
        ("return g(x, x) + g(x, z)", {"x"}, False),
        ("return g(x, z) if z else None", set(), False),
        ("z = prepared(z)\n    return g(x, z)", set(), False),
        ("z = 1 if len(x) else g(x, z)\n    return z", set(), False),
        ("if z.sum():\n        return x\n    return g(x, z)", set(), False),
        ("for _ in x:\n        g(x, z)", set(), False),
        ("try:\n        g(x, z)\n    except ValueError:\n        pass", set(), False),
        ("with suppress(ValueError):\n        g(x, z)", set(), False),
        ("return g(*x, x, z)", set(), False),
        ("return [g(x, z) for z in x]", set(), False),
        ("if x is None:\n        return 0\n    return g(x, z)", set(), False),
        ("return h(x, z)", set(), False),
    ],
)
def test_what_another_function_requires_of_axes_is_required_of_what_is_passed_on(
    body, ranked, equal
):
    text = f"def f(x, z):\n    {body}\n\ndef g(y, z):\n    n, d = y.shape\n    return y @ z\n"
    _, definitions = definitions_of(text)
    keys = {each.name: key for key, each in definitions.items()}
    ways = [
        (Place(keys["f"], one, ()), Place(keys["g"], other, ())) for one in "xz" for other in "yz"
    ]
    found = read_callees(ways, definitions)
    assert found.ranked[keys["f"]] == ranked
    assert bool(found.equal[keys["f"]]) == equal
    assert read_callees((), definitions).ranked[keys["f"]] == frozenset()


def whole(text, path=()):
    """Return whether the argument of ``f`` may be integers, where arrays went from it to ``g``."""
    _, definitions = definitions_of(text)
    keys = {each.name: key for key, each in definitions.items()}
    way = (Place(keys["f"], "x", ()), Place(keys["g"], "y", path))
    before, after = (read_callees(ways, definitions).whole[keys["f"]] for ways in ((), (way,)))
    assert "x" not in before  # no array went there: it may be another ``g``
    return "x" in after


@pytest.mark.parametrize("use", ["F.conv2d(x)", "x.mean()", "self.layer(x)"])
@pytest.mark.parametrize(
    ("result", "is_whole"),
    [
        ("y / 255", True),
        ("y.float()", True),
        ("y.to(dtype)", True),
        ("(y / 2, y * 0.5)", True),
        ("y / 2 if y.max() > 1 else y", True),
        ("y", False),
        ("y - 1", False),
        ("h(y)", False),
        ("y.mean()", False),
    ],
)
def test_what_comes_back_may_have_another_dtype(use, result, is_whole):
    g = f"\n\ndef g(y):\n    return {result}\n"
    assert whole(f"def f(self, x):\n    x = g(x)\n    return {use}{g}") == is_whole
    assert whole(f"def f(self, x):\n    x, z = g(x)\n    return {use}{g}") == is_whole
    assert not whole(f"def f(self, x):\n    z = {use}\n    return g(x){g}")
    assert not whole(f"def f(self, x):\n    x = k(x)\n    {use}\n    return g(x){g}")


@pytest.mark.parametrize("call", ["g([x, z])", "g((x, z))", "g(y=[x, z], k=0)", "self.g([z, x])"])
@pytest.mark.parametrize(
    ("g", "is_whole"),
    [
        ("for each in y:\n        assert each.dim() == 2 and each.size() == y[0].size()", True),
        ("return [each - 1 for each in range(y[0].shape[0])]", True),
        ("return torch.stack(y)", True),
        ("for each in y:\n        F.conv2d(each)", False),
        ("for each in y:\n        F.conv2d(each / 2)", True),
        ("return y[0].mean()", False),
        ("return h(y)", False),
    ],
)
def test_what_is_passed_in_a_list_may_be_what_the_items_may_be(call, g, is_whole):
    text = f"def f(self, x, z):\n    {call}\n    return x - z\n\ndef g(y, k=0):\n    {g}\n"
    assert whole(text, (0,)) == is_whole
    _, definitions = definitions_of(text)
    assert "f" not in {each.name for each in definitions.values() if "x" in each.body.iterated}
    if is_whole:  # of a list, nothing is known of the list's place itself
        assert not callees(text, ("f x", "g y"))["f"][0]


def test_an_array_that_is_two_arguments_goes_to_a_list_from_both():
    text = "def f(x, z):\n    g([x, z])\n    return x - z\n\ndef g(y):\n    return y[0].shape\n"
    _, definitions = definitions_of(text)
    f, g = definitions
    x, z, y = (Place(f, "x", ()), Place(f, "z", ()), Place(g, "y", (1,)))
    for ways, found in [([(z, y)], {"z"}), ([(x, z), (z, y)], {"x", "z"}), ([(x, z)], set())]:
        assert read_callees(ways, definitions).whole[f] == found
    assert read_callees([(x, z), (z, x), (x, y)], definitions).whole[f] == {"x", "z"}


def test_what_is_passed_on_may_be_passed_on_again():
    text = "def f(x):\n    return g(x)\n\ndef g(y):\n    return h(y)\n\ndef h(z):\n    return np.exp(z.T)\n"
    for ways in [(("f x", "g y"), ("g y", "h z")), (("g y", "h z"), ("f x", "g y"))]:
        found = callees(text, *ways)
        assert found["f"][:2] == ({"x"}, {"numpy"})
        assert found["g"][:2] == ({"y"}, {"numpy"})
        assert found["h"][:2] == (frozenset(), {"numpy"})
    around = "def f(x):\n    return g(x)\n\ndef g(y):\n    return f(y)\n"
    found = callees(around, ("f x", "g y"), ("g y", "f x"))
    assert found == dict.fromkeys("fg", (frozenset(), frozenset(), frozenset()))


def test_a_function_that_passes_arrays_to_one_of_a_library_is_of_that_library_too():
    text = "def f(x):\n    return g(x)\n\ndef g(y):\n    return np.exp(y)\n\ndef h(x):\n    return x + x\n"
    found = callees(text, ("f x", "g y"))
    assert (found["f"][1], found["h"][1]) == ({"numpy"}, frozenset())


def uses(text, name, **callers):
    tree, definitions = definitions_of(text)
    seen = []
    for (path, line), each in definitions.items():
        observed = Observed(path, each.name, line, each.parameters)
        observed.callers = {*callers.get(each.name, "").split()}
        seen.append(observed)
    names = {line: each.name for (_, line), each in definitions.items()}
    found = count_uses(seen, mentions_of(tree, PATH, names))
    return {each.name: found[each.key] for each in seen}[name]


TESTS = "t.py:a t.py:b t.py:c"
HELPER = "def f(x):\n    return _g(x)\n\ndef _g(x):\n    return x\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HELPER, 3),
        (HELPER.replace("_g", "g"), 1),
        (HELPER.replace("_g", "__g__"), 1),
        (HELPER + "def h(x):\n    return _g(x)\n", 1),
        (HELPER + "TABLE = {'g': _g}\n", 1),
        (HELPER + "class C:\n    g = _g\n", 1),
        (HELPER + "def h(x):\n    def inner():\n        return _g(x)\n    return inner\n", 1),
        (HELPER.replace("return _g(x)", "return [_g(a) for a in x]"), 3),
    ],
)
def test_a_private_function_is_used_as_often_as_the_functions_that_call_it(text, expected):
    name = next(each for each in ("__g__", "_g", "g") if f"def {each}(" in text)
    assert uses(text, name, f=TESTS, **{name: "m.py:f"}) == expected


def test_what_several_functions_call_has_all_of_their_uses_and_never_fewer_than_were_seen():
    text = HELPER + "def h(x):\n    return _g(x)\n"
    assert uses(text, "_g", f="t.py:a t.py:b", h="t.py:b t.py:c", _g="m.py:f m.py:h") == 3
    assert uses(text, "_g", f="t.py:a", h="t.py:a", _g="m.py:f m.py:h") == 2
    around = "def _f(x):\n    return _g(x)\n\ndef _g(x):\n    return _f(x)\n"
    assert uses(around, "_g", _f="m.py:_g", _g="m.py:_f") == 1


@pytest.mark.parametrize(("width", "is_broken"), [(17, False), (16, True)])
def test_a_header_is_broken_only_if_it_is_longer_than_a_line(width, is_broken):
    text = "def f(x, y):\n    return x\n"
    after, missed = rewrite(text, [Edit(1, {"x": "int"}, "", {})], [], "m", width)
    assert not missed
    assert len("def f(x: int, y):") == 17
    assert ("f(\n" in after) == is_broken


@pytest.mark.parametrize(
    ("g", "asks"),
    [
        ("xp = get_namespace(y)\n    return xp.exp(y)", True),
        ("xp = array_api_compat.array_namespace(y)\n    return xp.exp(y)", True),
        ("return h(y)", True),
        ("return y.exp()", False),
        ("y = np.asarray(y)\n    return y", False),
    ],
)
def test_code_that_asks_for_the_library_of_what_is_passed_on_is_for_several(g, asks):
    text = f"""
def f(x):
    return g(x)

def g(y):
    {g}

def h(z):
    return namespace(z).exp(z)
"""
    found = callees(text, ("f x", "g y"), ("g y", "h z"))
    assert found["f"][2] == (frozenset({"x"}) if asks else frozenset())
    assert callees(text)["f"][2] == frozenset()  # no array went there


OPEN = "def g(y):\n    return y[..., :2] * 2\n"


def read_operations(text, ways=(("f x", "g y"),), several=()):
    """What the operations of ``f`` say, with those of the functions that it passes arrays on to."""
    _, definitions = definitions_of(text)
    keys = {each.name: key for key, each in definitions.items()}
    places = [
        tuple([Place(keys[name], parameter, ()) for name, parameter in map(str.split, way)])
        for way in ways
    ]
    came = {(keys[name], parameter) for name, parameter in map(str.split, several)}
    found = read_callees(places, definitions, came)
    return found.free[keys["f"]], dict(found.tails[keys["f"]]), found.whole[keys["f"]]


@pytest.mark.parametrize(
    ("body", "is_free"),
    [
        ("return g(x)", True),
        ("return g(x) + x", True),
        ("return g(x)[:, 0] + h(x)", False),
        ("return g(x) + x[:, 0]", False),
        ("return g(x + 1)", False),
    ],
)
def test_an_argument_needs_what_those_need_that_it_is_passed_on_to(body, is_free):
    free, tails, whole = read_operations(f"def f(x):\n    {body}\n\n{OPEN}")
    assert ("x" in free, "x" in whole) == (is_free, is_free or body.endswith("x[:, 0]"))
    assert not is_free or tails == {"x": 1}


def test_a_function_to_which_several_numbers_of_axes_came_needs_none():
    text = "def f(x):\n    return g(x)\n\ndef g(y):\n    return y.reshape(-1)\n"
    assert read_operations(text)[0] == frozenset()
    assert read_operations(text, several=["g y"])[0] == {"x"}


@pytest.mark.parametrize("start", ["def", "class", "@cached\ndef"])
def test_imports_at_the_top_of_a_file_stand_apart_from_what_follows(start):
    text = f"{start} f{'(x):' if 'def' in start else ':'}\n    pass\n"
    imports = {Import("sekisho", "", "sk"), Import("jaxtyping", "Float", "")}
    after = with_imports(parse_concrete(text), imports, "mine").code
    assert after == f"import sekisho as sk\nfrom jaxtyping import Float\n\n\n{text}"
