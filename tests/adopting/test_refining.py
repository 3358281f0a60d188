"""Plain annotations get dtypes and axes everywhere; for type checkers nothing changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("libcst")

MODULE = """
from __future__ import annotations

from typing import Dict, List, Optional, Tuple, Union

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor


def plain(x: np.ndarray, y: ndarray) -> np.ndarray:
    return x @ y


def option(x: Optional[Tensor], y: torch.Tensor | None = None) -> Tensor:
    n, d = x.shape
    return x if y is None else x @ y.T


def union(x: Union[int, Tensor], y: "Tensor") -> Tensor:
    return torch.relu(x) @ y


def several(xs: List[Tensor], pair: Tuple[Tensor, Tensor], by: Dict[str, Tensor]) -> List[Tensor]:
    return [torch.relu(each) for each in xs]


def made(n: int) -> tuple[Tensor, ...]:
    return (torch.zeros(n, 3), torch.ones(n, 3))


def asked(x: Tensor) -> Tensor:
    return torch.relu(x) if isinstance(x, Tensor) else torch.as_tensor(x)


def either(x: np.ndarray | Tensor) -> int:
    return len(x)


def wrong(x: Tensor) -> Tensor:
    return torch.zeros(2)
"""
PROGRAM = """
import numpy as np
import torch
from shop import *

ones = torch.ones


def one():
    for n, m, d in [(3, 4, 5), (5, 6, 7), (2, 8, 9)]:
        plain(np.ones((n, m)), np.ones((m, d)))
        option(ones(n, d), ones(m, d)), option(ones(n, d))
        union(ones(n, m), ones(m, d))
        several([ones(n, m)] * 3, (ones(n, m), ones(m)), {"a": ones(n)})
        made(n)
        asked(ones(n))
        either(np.ones((n, d))), either(ones(n, d))
        wrong([1.0])


def two():
    one()
    plain(np.ones((1, 2)), np.ones((2, 3)))
    option(ones(4, 3), ones(2, 3))
    union(ones(4, 3), ones(3, 2))
    several([ones(4, 2)], (ones(4, 2), ones(2)), {"a": ones(4)})


def three():
    plain(np.ones((6, 2)), np.ones((2, 7)))
    option(ones(4, 3), ones(2, 3))
    union(ones(4, 3), ones(3, 2))
    several([ones(4, 2)], (ones(4, 2), ones(2)), {"a": ones(4)})


one(), two(), three()
"""


@pytest.fixture
def shop(write, torch):
    write("program.py", PROGRAM)
    return write("shop.py", MODULE)


def test_every_plain_class_of_arrays_gets_what_is_known_of_it(shop, adopt):
    status, _, err = adopt("shop.py", "--write", "--", "program.py")
    assert status == 0, err
    text = shop.read_text("utf-8")
    words = " ".join(text.split()).replace("( ", "(").replace(", )", ")")
    for expected in (
        'def plain(x: Real[np.ndarray, "b d"], y: Real[ndarray, "d n"]) -> Real[np.ndarray, "b n"]:',
        'x: Optional[Float[Tensor, "n d"]]',
        'y: Float[torch.Tensor, "b d"] | None = None',
        'x: Union[int, Float[Tensor, "b d"]]',
        "y: 'Float[Tensor, \"d n\"]'",
        'xs: List[Float[Tensor, "b d"]]',
        'pair: Tuple[Float[Tensor, "b d"], Float[Tensor, " d"]]',
        'by: Dict[str, Float[Tensor, " b"]]',
        'made(n: int) -> tuple[Float[Tensor, "{n} 3"], ...]:',
        "def asked(x: Tensor) -> ",
        "def either(x: np.ndarray | Tensor) -> int:",
        "def wrong(x: Tensor) -> Tensor:",
    ):
        assert expected in words, (expected, text)
    assert "wrong: x: Tensor: the runs contradict it: got a value of class list" in err


def test_annotations_are_kept_if_that_is_asked_for(shop, adopt):
    status, _, err = adopt("shop.py", "--write", "--keep-annotations", "--", "program.py")
    assert status == 0, err
    text = shop.read_text("utf-8")
    assert "Float[" not in text
    assert "@sk." in text


CHECKERS = {
    "mypy": ("-m", "mypy", "--no-error-summary", "--hide-error-context"),
    "basedpyright": ("basedpyright", "--pythonpath", sys.executable),
    "ty": ("ty", "check", "--python", sys.prefix),
    "pyrefly": ("pyrefly", "check", "--python-interpreter-path", sys.executable),
}


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_type_checker_finds_nothing_new(shop, adopt, checker):
    name, *words = CHECKERS[checker]
    command = [sys.executable, name, *words]
    if name != "-m":
        program = shutil.which(name, path=f"{sys.prefix}/bin")
        if program is None:
            pytest.skip(f"{name} is not installed")
        command = [program, *words]
    else:
        pytest.importorskip("mypy")
    # without a configuration it checks next to nothing
    Path("pyrefly.toml").write_text('preset = "default"\n', "utf-8")

    def found():
        done = subprocess.run(
            [*command, "shop.py"], capture_output=True, text=True, check=False, timeout=280
        )
        return sum(
            " error" in line or line.startswith(("error", "ERROR"))
            for line in done.stdout.splitlines()
        )

    before = found()
    assert adopt("shop.py", "--write", "--", "program.py")[0] == 0
    assert found() <= before
