"""What a guard refuses at decoration or at a call, and what can be read: check finds it as SK108."""

from __future__ import annotations

import pytest

import sekisho as sk

pytest.importorskip("torch")

HEAD = "import numpy as np\nimport torch\nimport sekisho as sk\nfrom jaxtyping import Float\n\n\n"

REFUSED = {
    "@sk.numpy_world\ndef f(n: int):\n    return torch.ones(n)": (
        "f is declared to work in NumPy, and returns a tensor: torch.ones"
    ),
    "@sk.torch_world\ndef f(n: int):\n    if n:\n        return np.ones(n)\n    return None": (
        "f is declared to work in PyTorch, and returns a NumPy array: np.ones"
    ),
    "@sk.torch_world\ndef f(n: int) -> torch.Tensor:\n    return np.ones(n)": (
        "f is annotated to return a tensor, and returns a NumPy array: np.ones"
    ),
    "@sk.torch_world\ndef f(n: int, x: np.ndarray):\n    return x": (
        "f is declared to work in PyTorch, and x is annotated as a NumPy array"
    ),
    "@sk.numpy_world\ndef f(n: int, *, x: Float[torch.Tensor, 'n']):\n    return x": (
        "f is declared to work in NumPy, and x is annotated as a tensor"
    ),
    "@sk.numpy_world\ndef f(n: int) -> Float[torch.Tensor, 'n']:\n    return np.ones(n)": (
        "f is declared to work in NumPy, and its result is annotated as a tensor"
    ),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_a_guard_refuses_is_found(code, project):
    with pytest.raises(sk.SekishoError):
        exec(f"{HEAD}{code}\nf(2)", {"__name__": "refused"})
    project.write(f"{HEAD}{code}\n")
    found = {each.message for each in project.findings("SK108")}
    assert REFUSED[code] in found


@pytest.mark.parametrize(
    "code",
    [
        "@sk.boundary\ndef f(n: int, x: np.ndarray = np.ones(1)) -> torch.Tensor:\n    return torch.ones(n)",
        "@sk.numpy_world\ndef f(n: int, x: np.ndarray | None = None):\n    return x",
        "@sk.torch_world\ndef f(n: int) -> torch.Tensor | None:\n    return torch.ones(n)",
    ],
)
def test_what_it_accepts_is_not(code, project):
    exec(f"{HEAD}{code}\nf(2)", {"__name__": "accepted"})
    project.write(f"{HEAD}{code}\n")
    assert project.findings("SK108") == []
