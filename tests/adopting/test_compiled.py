"""Functions that torch.jit compiles keep their source: it does not know the annotations of jaxtyping."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")
pytest.importorskip("torch")

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
