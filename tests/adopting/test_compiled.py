"""Functions that torch.jit compiles keep their source: it does not know the annotations of jaxtyping."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")
pytest.importorskip("torch")

from sekisho.adoption.compiled import compiled_in
from sekisho.inference import solve

pytestmark = pytest.mark.filterwarnings("default")

MODULE = """
import torch
from torch import nn


def inner(x: torch.Tensor):
    return torch.exp(x)


def outer(x):
    return inner(x) * 2


def beside(x):
    return torch.exp(x)


class Net(nn.Module):
    def forward(self, x):
        return self.part(x)

    def part(self, x):
        return outer(x)

    def other(self, x):
        return torch.exp(x)
"""
CALLS = """
import torch
import scripted
from scripted import Net, beside, inner, outer

for n in 2, 3:
    x = torch.ones(n, 4)
    inner(x), outer(x), beside(x), Net()(x), Net().other(x)
"""
LEFT = "left out: torch.jit compiles its source, and does not know the annotations of jaxtyping"
OF_OUTER = {"inner", "outer"}
OF_NET = {*OF_OUTER, "Net.forward", "Net.part"}
WAYS = {
    "a module, by the program": ("", "torch.jit.script(Net())(x)", OF_NET),
    "by the package": ("fast = torch.jit.script(outer)", "", OF_OUTER),
    "in a function that did not run": (
        "def fast():\n    return torch.jit.script(Net())",
        "",
        OF_NET,
    ),
    "by a decorator": ("@torch.jit.script\ndef fast(x):\n    return inner(x)", "", {"inner"}),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_torch_jit_compiles_is_left_as_it_is_and_named(write, adopt, way):
    more, use, compiled = WAYS[way]
    path = write("scripted.py", f"{MODULE}\n\n{more}\n")
    write("program.py", f"{CALLS}\n{use}\n")
    status, _, err = adopt("scripted.py", "--write", "--", "program.py")
    assert status == 0, err
    assert {line.split("(")[0].split()[-1] for line in err.splitlines() if LEFT in line} == compiled
    text = path.read_text("utf-8")
    assert "@sk.torch_world\ndef beside(" in text
    for name in ("inner", "outer", "Net.forward", "Net.part", "Net.other"):
        header = f"def {name.rpartition('.')[2]}("
        line = next(line for line in text.splitlines() if header in line)
        assert ("[torch.Tensor, " in line) is (name not in compiled), line


FORMS = {
    "a function of the module": ("torch.jit.script(outer)", OF_OUTER),
    "by a keyword": ("torch.jit.script(obj=outer)", OF_OUTER),
    "when traced": ("torch.jit.script_if_tracing(outer)", OF_OUTER),
    "the module torch.jit": ("from torch import jit\njit.script(outer)", OF_OUTER),
    "the name alone": ("from torch.jit import script\nscript(outer)", OF_OUTER),
    "another name": ("from torch.jit import script as compiled\ncompiled(outer)", OF_OUTER),
    "another name of torch.jit": ("import torch.jit as J\nJ.script(outer)", OF_OUTER),
    "another name of torch": ("import torch as T\nT.jit.script(outer)", OF_OUTER),
    "a variable": ("fast = torch.jit.script\nfast(outer)", OF_OUTER),
    "one of two": ("fast = torch.jit.script if N else print\nfast(outer)", OF_OUTER),
    "perhaps missing": (
        "try:\n    import torch as T\nexcept ImportError:\n    T = None\n"
        "def late():\n    if T is not None:\n        return T.jit.script(Net())",
        OF_NET,
    ),
    "imported in a function": (
        "def late():\n    from torch.jit import script\n    return script(outer)",
        OF_OUTER,
    ),
    "a function in a function": (
        "def late():\n    from torch.jit import script\n"
        "    @script\n    def more(x): return outer(x)",
        {*OF_OUTER, "late.<locals>.more"},
    ),
    "a function that is passed on": (
        "def fast(f):\n    return torch.jit.script(f)\nfast(outer)",
        OF_OUTER,
    ),
    "a decorator by name": (
        "from torch.jit import script\n@script\ndef more(x): return inner(x)",
        {"inner", "more"},
    ),
    "an object": ("from torch.jit import script\nscript(Net())", OF_NET),
    "an object by name": ("net = Net()\ntorch.jit.script(net)", OF_NET),
    "an object in a function": (
        "def late():\n    net = Net()\n    return torch.jit.script(net.eval())",
        OF_NET,
    ),
    "an argument": ("def late(net: Net):\n    return torch.jit.script(net)", OF_NET),
    "an attribute": (
        "class Late:\n    def __init__(self):\n        self.net = Net()\n"
        "    def fast(self):\n        return torch.jit.script(self.net)",
        OF_NET,
    ),
    "a chain of modules": ("torch.jit.script(nn.Sequential(nn.ReLU(), Net()))", OF_NET),
    "a subclass": ("class Sub(Net): pass\ntorch.jit.script(Sub())", OF_NET),
    "a method": ("torch.jit.script(Net().part)", {*OF_OUTER, "Net.part"}),
    "a method that is exported": (
        "class More(nn.Module):\n    @torch.jit.export\n    def more(self, x): return inner(x)",
        {"inner", "More.more"},
    ),
    "a class": (
        "@torch.jit.script\nclass Box:\n    def get(self, x): return inner(x)\n"
        "    def other(self): return 1",
        {"inner", "Box.get", "Box.other"},
    ),
    **{
        f"what is left to Python by {way}": (
            f"class More(nn.Module):\n    @torch.jit.{way}\n    def part(self, x): return outer(x)\n"
            "    def forward(self, x): return self.part(x)\ntorch.jit.script(More())",
            # The compiler reads the annotations of what it only calls.
            {"More.forward", "More.part"},
        )
        for way in ("ignore", "unused", "ignore(drop=True)")
    },
    "traced, which runs it": ("torch.jit.trace(outer, torch.ones(2, 3))", set()),
    "decorators alone": (
        "class More(nn.Module):\n    @torch.jit.ignore\n    def more(self): 1",
        set(),
    ),
    "another library": ("from jit import script\nscript(outer)", set()),
    "another library's attribute": ("import other\nother.jit.script(outer)", set()),
    "an own function": ("def script(f): return f\nscript(outer)", set()),
    "an own function as a decorator": (
        "class jit:\n    def script(f): return f\n@jit.script\ndef more(x): return inner(x)",
        set(),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_call_that_compiles_counts_and_no_other(write, form):
    more, compiled = FORMS[form]
    path = write("forms.py", f"{MODULE}\n\nN = 2\n{more}\n")
    assert compiled_in(solve([path])) == {f"forms:{name}" for name in compiled}
