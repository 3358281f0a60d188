"""The modules that `import sekisho` loads, seen from a separate process."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str, *options: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**__import__("os").environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_sekisho_loads_no_framework():
    code = (
        "import sys, sekisho\n"
        "print([m for m in ('torch', 'jaxtyping', 'beartype', 'array_api_compat') if m in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_importing_sekisho_adds_nothing_but_itself_and_the_standard_library():
    code = (
        "import sys, numpy\nbefore = set(sys.modules)\nimport sekisho\n"
        "own = {'sekisho', *sys.stdlib_module_names}\n"  # which of these NumPy loads is its affair
        "print(sorted(m for m in set(sys.modules) - before if m.partition('.')[0] not in own))"
    )
    assert run(code).strip() == "[]"


def test_guarding_numpy_functions_does_not_load_torch():
    code = """
import sys, numpy as np, sekisho as sk
from jaxtyping import Float
@sk.numpy_world
def f(x: Float[np.ndarray, "n"], y=1): return x
f(np.zeros(3), y=[1]); sk.add_batch_dim(np.zeros(3))
try: f([1])
except sk.WorldError: pass
print('torch' in sys.modules)
"""
    assert run(code).strip() == "False"


def test_a_guard_made_before_torch_was_imported_knows_tensors_afterwards():
    pytest.importorskip("torch")
    code = """
import sys, numpy as np, sekisho as sk
from jaxtyping import Float
@sk.numpy_world
def array_only(x: Float[np.ndarray, "n"], y=None): return type(y).__name__
@sk.same_world
def same(x: Float[sk.Array, "n"], y=None) -> Float[sk.Array, "n"]: return x
@sk.same_world(on_foreign="refuse")
def late(y=None, x: Float[sk.Array, "n"] = None): return type(x).__name__
assert 'torch' not in sys.modules
import torch
t = torch.zeros(3)
print(array_only(np.zeros(3), t), type(same(t)).__name__, type(same(t, t)).__name__, late(t, t))
try: late(t, np.zeros(3))
except sk.WorldError as e: print(str(e).splitlines()[0])
print(sk.add_batch_dim(t).shape, sk.add_batch_dim(t).shape)
"""
    assert run(code).splitlines() == [
        "ndarray Tensor Tensor Tensor",
        "late() argument 'x': expected Float[Array, \"n\"], got float64[3] (NumPy).",
        "torch.Size([1, 3]) torch.Size([1, 3])",
    ]


def test_an_unknown_mode_in_the_environment_is_an_error_at_once():
    done = subprocess.run(
        [sys.executable, "-c", "import sekisho"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**__import__("os").environ, "SEKISHO_MODE": "loose"},
        check=False,
    )
    assert done.returncode == 1
    assert (
        "ValueError: environment variable SEKISHO_MODE: expected one of 'convert', 'warn', "
        "'strict', 'off', got 'loose'." in done.stderr
    )


def test_the_checks_stay_under_python_o():
    code = """
import numpy as np, sekisho as sk
from jaxtyping import Float
@sk.numpy_world
def f(x: Float[np.ndarray, "n"]): return x
try: f(np.zeros((2, 2)))
except sk.ShapeError: print("refused")
"""
    assert run(code, "-O").strip() == "refused"
