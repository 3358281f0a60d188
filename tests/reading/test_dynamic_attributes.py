"""Attributes that also come under names made at run time, and what `autograd.Function` is called with."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

HEAD = """\
import numpy as np
import torch
from torch import nn

a = np.ones((3, 3), np.float32)
t = torch.ones(3, 3)
"""


OPEN = {
    "__getattr__": "    def __getattr__(self, name): return self.data[name]\n",
    "setattr": "    def set(self, name, value): setattr(self, name, value)\n",
    "__dict__": "    def set(self, **values): self.__dict__.update(values)\n",
}


@pytest.mark.parametrize("way", OPEN.values(), ids=OPEN)
@pytest.mark.parametrize(
    ("first", "x"),
    [("t", "torch"), ("a", "numpy"), ("None", "unknown"), ("3", "unknown"), ("[t]", "unknown")],
)
def test_an_attribute_is_what_is_assigned_if_others_come_by_name(project, way, first, x):
    text = f"class A:\n    def __init__(self):\n        self.x = {first}\n{way}"
    project.write(HEAD + text + "x = A().x\n")
    assert project.worlds()["x"] == x
    assert project.findings("SK107", "SK108") == []


@pytest.mark.parametrize("way", OPEN.values(), ids=OPEN)
def test_the_methods_of_such_a_class_are_known(project, way):
    text = (
        f"class A:\n    def f(self): return t\n{way}class B(A):\n    def g(self): return self.f()\n"
    )
    assert project.held(HEAD + text + "x = B().g()\n")["x"] == "torch"


@pytest.mark.parametrize("way", OPEN.values(), ids=OPEN)
def test_the_parts_of_such_a_class_are_known(project, way):
    part = "class Part:\n    def f(self): return t\n"
    text = f"class A:\n    def __init__(self, part):\n        self.part = part\n{way}"
    assert project.held(HEAD + part + text + "x = A(Part()).part.f()\n")["x"] == "torch"


@pytest.mark.parametrize("method", ["__setattr__", "__getattribute__"])
def test_an_attribute_whose_access_runs_code_is_unknown(project, method):
    arguments = "self, name, value" if method == "__setattr__" else "self, name"
    text = (
        "class A:\n    def __init__(self):\n        self.x = a\n"
        f"    def {method}({arguments}): return super().{method}({arguments[6:]})\n"
    )
    assert project.held(HEAD + text + "x = A().x\n")["x"] == "unknown"


def test_a_method_with_very_many_overrides_gives_what_its_annotation_says(project):
    text = "class A:\n    def f(self, x) -> torch.Tensor: ...\n    def g(self, x): return x\n"
    text += "".join(
        f"class B{i}(A):\n    def f(self, x): return make()\n    def g(self, x): return x\n"
        for i in range(60)
    )
    text += "def use(each: A):\n    x, y = each.f(1), each.g(t)\n    return x, y\n"
    known = project.held(HEAD + text)
    assert (known["x"], known["y"]) == ("torch", "unknown")


FUNCTION = """\
class F(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.factor = x * 2
        ctx.save_for_backward(x)
        return x
"""


@pytest.mark.parametrize("annotation", ["", ": torch.autograd.function.FunctionCtx"])
def test_backward_is_called_with_what_forward_saved_and_gradients(project, annotation):
    text = FUNCTION + (
        "    @staticmethod\n"
        f"    def backward(ctx{annotation}, grad):\n"
        "        x, = ctx.saved_tensors\n        y = ctx.saved_tensors[1]\n        z = grad\n"
        "        return grad * x\n"
        "F.apply(t)\n"
    )
    known = project.held(HEAD + text)
    assert (known["x"], known["y"], known["z"]) == ("torch", "torch", "torch")


def test_backward_finds_what_forward_assigns_to_the_context(project):
    text = FUNCTION + (
        "    @staticmethod\n    def backward(ctx, *grads):\n"
        "        x, y = ctx.factor, grads[0]\n        return x\n"
        "F.apply(t)\n"
    )
    known = project.held(HEAD + text)
    assert (known["x"], known["y"]) == ("torch", "torch")


def test_forward_gets_no_context_beside_setup_context(project):
    text = """\
class F(torch.autograd.Function):
    @staticmethod
    def forward(x, y):
        z = x, y
        return x
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
F.apply(t, a)
"""
    known = project.held(HEAD + text)
    assert known["z"] == "tuple[torch, numpy]"


@pytest.mark.parametrize("setter", ["setattr", "object.__setattr__"])
def test_a_constant_name_makes_an_assignment(project, setter):
    text = (
        f"class A:\n    def __init__(self):\n        {setter}(self, 'x', t)\n        self.y = a\n"
    )
    known = project.held(HEAD + text + "x, y = A().x, A().y\n")
    assert (known["x"], known["y"]) == ("torch", "numpy")


# --- attributes and items of one of several values


@pytest.mark.parametrize("other", ["None", "3", "2.5", "True", "[t]", "{'a': t}"])
@pytest.mark.parametrize(("use", "x"), [("y.unsqueeze(0)", "torch"), ("y.mean(0)", "torch")])
def test_a_member_that_only_some_alternatives_have_is_of_these(project, other, use, x):
    text = f"def f(n):\n    y = t if n else {other}\n    x = {use}\n    return x\nf(3)\n"
    assert project.held(HEAD + text)["x"] == x


@pytest.mark.parametrize("other", ["None", "3", "2.5", "True", "[]"])
def test_an_item_is_of_the_alternatives_that_have_items(project, other):
    text = f"def f(n):\n    y = t if n else {other}\n    x = y[0]\n    return x\nf(3)\n"
    assert project.held(HEAD + text)["x"] == "torch"


@pytest.mark.parametrize("use", ["y.foo", "y[0]"])
def test_what_no_alternative_has_is_unknown(project, use):
    text = f"def f(n):\n    y = 3 if n else None\n    x = {use}\n    return x\nf(3)\n"
    assert project.held(HEAD + text)["x"] in {"unknown", "none"}


# --- properties


@pytest.mark.parametrize(
    "decorator", ["property", "functools.cached_property", "lazy_property", "utils.lazy_property"]
)
def test_properties_are_values(project, decorator):
    text = "import functools\nfrom torch.distributions import utils\n"
    text += "from torch.distributions.utils import lazy_property\n"
    text += f"class A:\n    @{decorator}\n    def f(self): return t\nx = A().f\n"
    assert project.held(HEAD + text)["x"] == "torch"


def test_lazy_properties_of_a_library_are_values(project):
    text = "from torch.distributions import MultivariateNormal, Normal\n"
    text += "def f(p: MultivariateNormal):\n    x = p.covariance_matrix\n    return x\n"
    assert project.held(HEAD + text)["x"] == "torch"


def test_a_property_that_only_subclasses_have_is_known(project):
    text = "class A: pass\nclass B(A):\n    @property\n    def f(self): return t\n"
    assert (
        project.held(HEAD + text + "def g(each: A):\n    x = each.f\n    return x\n")["x"]
        == "torch"
    )


# --- parameters and results of functions


@pytest.mark.parametrize(
    ("annotation", "x"), [(": torch.Tensor", "torch"), (": int", "none"), ("", "unknown")]
)
def test_annotations_hold_under_a_decorator_that_is_not_known(project, annotation, x):
    text = f"from somewhere import shaped\n@shaped(3)\ndef f(y{annotation}):\n    x = y\n    return x\n"
    assert project.held(HEAD + text)["x"] == x


@pytest.mark.parametrize(
    "call",
    [
        *("linalg.solve(t, t)", "linalg.inv(t)", "linalg.eigvals(t)", "special.erf(t)"),
        *("fft.rfft(t)", "norm(t)", "tensordot(t, t)", "cdist(t, t)", "block_diag(t, t)"),
        *("ones(3).norm()", "ones(4).unflatten(0, (2, 2))"),
    ],
)
def test_functions_without_annotations_give_tensors(project, call):
    torch = pytest.importorskip("torch")
    given = eval(f"torch.{call}", {"torch": torch, "t": torch.eye(3)})
    assert isinstance(given, torch.Tensor)
    assert project.held(HEAD + f"x = torch.{call}\n")["x"] == "torch"


@pytest.mark.parametrize(
    "call", ["linalg.svd(t)", "linalg.eigh(t)", "linalg.cholesky_ex(t)", "broadcast_tensors(t, t)"]
)
def test_functions_that_give_several_tensors_do(project, call):
    torch = pytest.importorskip("torch")
    given = eval(f"torch.{call}", {"torch": torch, "t": torch.eye(3)})
    assert all(isinstance(each, torch.Tensor) for each in given)
    assert project.held(HEAD + f"x, *_ = torch.{call}\n")["x"] == "torch"


def test_the_beginning_of_a_text_is_not_taken_for_it(project):
    text = "import importlib\nname = 'x'\nnp2 = importlib.import_module('numpy' + name)\n"
    assert project.held(HEAD + text + "x = np2.ones(3)\n")["x"] == "unknown"


UNSEEN = {
    "keywords that are unpacked": "g(**{'y': t})\n",
    "positions that are unpacked": "g(*[1, t])\n",
    "a function that a library gets": "import scipy.optimize\nscipy.optimize.minimize(g, 1, args=(t,))\n",
}


@pytest.mark.parametrize("call", UNSEEN.values(), ids=UNSEEN)
@pytest.mark.parametrize(("default", "x"), [("None", "unknown"), ("a", "numpy")])
def test_calls_that_are_not_seen_may_pass_something_for_a_default(project, call, default, x):
    text = f"def g(n=1, y={default}):\n    x = y\n    return x\ng(2)\n"
    assert project.held(HEAD + text)["x"] == ("none" if default == "None" else x)
    assert project.held(HEAD + text + call)["x"] == x


RUNS = {
    "a method that an assignment replaces": """
class M:
    def __init__(self, act): self.act = act
    def act(self, x): return np.asarray(x)
    def run(self, x: torch.Tensor): return torch.sin(self.act(x))

M(lambda x: x * 2).run(torch.ones(3))
""",
    "a method of a class whose assignments run code": """
class M:
    def __setattr__(self, name, value): object.__setattr__(self, name, lambda x: x)
    def act(self, x): return np.asarray(x)
    def run(self, x: torch.Tensor): return torch.sin(self.act(x))

m = M()
m.act = 0
m.run(torch.ones(3))
""",
    "all attributes are converted": """
class Estimator:
    def __init__(self):
        self.scale = np.ones(3)
        for key in list(vars(self)):
            setattr(self, key, torch.as_tensor(getattr(self, key)))
        self.total = torch.sum(self.scale)

Estimator()
""",
    "all attributes are converted, by vars": """
class Estimator: ...

def make():
    m = Estimator()
    m.scale = np.ones(3)
    vars(m).update({key: torch.as_tensor(value) for key, value in vars(m).items()})
    return torch.sum(m.scale)

make()
""",
    "a function that is passed on, and called without gradients": """
w = torch.ones(3, requires_grad=True)

def evaluate(x): return (w * x).numpy()

def main(xs):
    with torch.no_grad():
        return list(map(evaluate, xs))

main([1.0])
""",
    "a decorator whose code converts": """
def as_torch(f):
    def inner(x): return f(torch.as_tensor(x))
    return inner

@as_torch
def shifted(x: np.ndarray): return torch.sin(x)

shifted(a)
""",
}


@pytest.mark.parametrize("why", RUNS)
def test_code_that_runs_is_not_said_to_raise(project, why):
    text = HEAD + RUNS[why]
    exec(compile(text, why, "exec"), {"__name__": "program"})
    project.write(text)
    assert project.findings("SK107", "SK108", "SK111") == []


@pytest.mark.parametrize(
    "call", ["linalg.eigh(t).eigenvalues", "linalg.svd(t).S", "linalg.slogdet(t).logabsdet"]
)
def test_a_field_of_a_named_tuple_is_no_method_of_tuples(project, call):
    assert project.held(HEAD + f"x = torch.{call}\n")["x"] == "unknown"


def test_a_decorator_of_ones_own_is_no_property_by_its_name(project):
    text = "def requires_property(f): return f\n\nclass K:\n    @requires_property\n    def value(self): return a\n"
    project.write(HEAD + text + "x = torch.sin(K().value())\n")
    assert [each.code for each in project.findings("SK107")] == ["SK107"]


@pytest.mark.parametrize(
    ("parameters", "x"),
    [("ctx, x", "torch"), ("ctx, g, x=1e-3", "none"), ("ctx, g, *, x=1e-3", "none")],
)
def test_only_gradients_are_taken_for_what_backward_gets(project, parameters, x):
    text = "class F(torch.autograd.Function):\n    @staticmethod\n"
    project.write(HEAD + text + f"    def backward({parameters}):\n        return x\n")
    function = project.functions()["F.backward"]
    assert {each.name: each.world for each in function.variables}["x"] == x
