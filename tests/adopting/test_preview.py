"""Bodies are read first: the preview equals what ``--write`` ends with, and untaken branches count."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("libcst")

HEAD = """
import numpy as np
import torch


def hidden(x):
    return float(torch.from_numpy(x).mean())


def hidden_deeper(x):
    return hidden(x) + 1


class Net(torch.nn.Module):
    def forward(self, x):
        return torch.relu(x)

    def hidden_too(self, x):
        return self(torch.from_numpy(x)).numpy()

"""
CASES = {
    "crosses": (
        "def f(net, x):\n    return net(torch.from_numpy(x)).numpy()",
        "f(Net(), ones)",
        "f(Net(), ones[:2])",
        "boundary",
    ),
    "a branch crosses": (
        "def f(x, fast=False):\n    if fast:\n        return torch.from_numpy(x).numpy()\n"
        "    return np.exp(x)",
        "f(ones)",
        "f(ones, True)",
        "boundary",
    ),
    "a callee that never ran crosses": (
        "def f(x, slow=False):\n    return np.exp(x) * (hidden(x) if slow else 1)",
        "f(ones)",
        "f(ones, True)",
        "boundary",
    ),
    "a callee's callee crosses": (
        "def f(x, slow=False):\n    return np.exp(x) * (hidden_deeper(x) if slow else 1)",
        "f(ones)",
        "f(ones, True)",
        "boundary",
    ),
    "a method crosses": (
        "def f(net, x, slow=False):\n    if slow:\n        return net.hidden_too(x)\n"
        "    return np.exp(x)",
        "f(Net(), ones)",
        "f(Net(), ones, True)",
        "boundary",
    ),
    "crosses on error": (
        "def f(x):\n    try:\n        return np.exp(x)\n    except ValueError:\n"
        "        return torch.from_numpy(x).exp().numpy()",
        "f(ones)",
        "f(ones[0])",
        "boundary",
    ),
    "stays": ("def f(x):\n    return np.exp(x)", "f(ones)", "f(ones[0])", "numpy_world"),
    "stays in torch": (
        "def f(x):\n    return torch.relu(x)",
        "f(torch.ones(3))",
        "f(torch.ones(2, 2))",
        "torch_world",
    ),
    "tensors by their methods": (
        "def f(x):\n    return x.unsqueeze(0).detach()",
        "f(torch.ones(3))",
        "f(torch.ones(2, 2))",
        "torch_world",
    ),
    "gives back what it takes": (
        "def f(x):\n    return x * 2 + 1",
        "f(ones)",
        "f(torch.ones(2))",
        "same_world",
    ),
    "crosses for the other library": (
        "def f(x):\n    return x.numpy() if torch.is_tensor(x) else x",
        "f(ones)",
        "f(torch.ones(2))",
        "boundary",
    ),
    "handles either": (
        "def f(x):\n    return torch.exp(x) if torch.is_tensor(x) else np.exp(x)",
        "f(ones)",
        "f(torch.ones(2))",
        None,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_preview_is_what_is_written_and_holds_on_every_path(write, adopt, torch, name):
    body, traced, used, kind = CASES[name]
    path = write("shop.py", f"{HEAD}\n{body}\n".lstrip())
    lines = (
        "import numpy as np\nimport torch\nfrom shop import *\nones = np.ones((2, 3), np.float32)\n"
    )
    write("program.py", f"{lines}{traced}\n")
    write("use.py", f"{lines}{used}\n")
    _, preview, _ = adopt("shop.py", "--", "program.py")
    status, written, err = adopt("shop.py", "--write", "--", "program.py")
    assert status == 0, err
    assert written == preview
    assert "taken out" not in err
    text = path.read_text("utf-8")
    before = text.partition("\ndef f(")[0].rpartition("\n")[2]
    assert before == (f"@sk.{kind}" if kind else ""), text
    for mode in ("strict", "convert"):
        command = [sys.executable, "use.py"]
        done = subprocess.run(command, env={**os.environ, "SEKISHO_MODE": mode}, check=False)
        assert done.returncode == 0, (mode, text)
