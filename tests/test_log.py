"""The log of crossings: a table, records, a flowchart, and the command that prints it."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho import Crossing, CrossingLog


def crossing(function="load", place="argument 'x'", **changes):
    values = {
        "function": function,
        "place": place,
        "source": "numpy",
        "target": "torch",
        "dtype": "float32",
        "shape": (250,),
        "source_device": "cpu",
        "target_device": "cpu",
        "nbytes": 1000,
        "copied": None,
        "seconds": 0.001,
        "filename": "a.py",
        "line": 1,
        "home": "torch",
    }
    return Crossing(**{**values, **changes})


LOG = CrossingLog(
    [
        crossing(),
        crossing(copied="it is read-only"),
        crossing(copied="it has a negative stride"),
        crossing("to_numpy", source="torch", target="numpy", source_device="cuda:0", home=None),
        crossing("plot", "the result", source="torch", target="numpy", home="torch"),
    ]
)


def test_the_table_has_a_row_for_what_is_alike_at_a_line_and_totals():
    rule = "-" * 124 + "\n"
    assert str(LOG) == (
        "crossings  in        by            from -> to                           count  bytes    ms  how\n"
        + rule
        + "a.py:1     load      argument 'x'  numpy -> torch (float32)                 1   1 kB  1.00  shared\n"
        "a.py:1     load      argument 'x'  numpy -> torch (float32)                 1   1 kB  1.00  "
        "copied: it is read-only\n"
        "a.py:1     load      argument 'x'  numpy -> torch (float32)                 1   1 kB  1.00  "
        "copied: it has a negative stride\n"
        "a.py:1     to_numpy  argument 'x'  torch cuda:0 -> numpy cpu (float32)      1   1 kB  1.00  shared\n"
        "a.py:1     plot      the result    torch -> numpy (float32)                 1   1 kB  1.00  shared\n"
        + rule
        + "total                                                                       5   5 kB  5.00"
    )


def test_records_are_plain_dicts():
    records = LOG.to_records()
    assert len(records) == 5
    assert records[1]["copied"] == "it is read-only"
    assert all(type(record) is dict for record in records)


def test_logs_add_up():
    assert len(LOG + LOG) == 10
    assert (LOG + CrossingLog()).nbytes == LOG.nbytes


def test_the_flowchart_has_functions_in_their_world_and_labelled_arrows():
    assert (
        LOG.to_mermaid()
        == """\
flowchart LR
    subgraph numpy [NumPy]
        numpy_values([values])
    end
    subgraph torch [PyTorch]
        torch_values([values])
        f0["load"]
        f2["plot"]
    end
    f1{{"to_numpy"}}
    numpy_values -- "x: 3 x, 3,000 bytes, shared and copied" --> f0
    torch_values --> f1
    f1 -- "x: 1 x, 1,000 bytes, shared" --> numpy_values
    f2 -- "the result: 1 x, 1,000 bytes, shared" --> numpy_values
"""
    )


def test_an_empty_log_says_so_and_what_was_looked_at():
    assert str(CrossingLog()) == (
        "Nothing crossed. Looked at: the guards and helpers of sekisho in this thread; "
        "record_crossings(everywhere=True) looks at the whole program."
    )
    assert CrossingLog().to_mermaid().startswith("flowchart LR\n")


SCRIPT = """\
import sys
import numpy as np, torch
import sekisho as sk

@sk.torch_world
def double(x: torch.Tensor):
    return x * 2

double(np.ones(3))
print(sys.argv[1:])
if "fail" in sys.argv:
    sys.exit(3)
"""


@pytest.mark.parametrize("arguments", [[], ["--flag", "fail"]])
def test_the_command_runs_a_script_and_prints_its_table(arguments, tmp_path, torch):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "sekisho", "crossings", str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == (3 if arguments else 0), done.stderr
    assert done.stdout == f"{arguments}\n"
    lines = done.stderr.splitlines()
    assert lines[1].startswith("crossings ")
    assert re.search(
        r"script.py:9 +double +argument 'x' +numpy -> torch .float64. +1 +24 B +\S+ +\S+%  shared$",
        lines[3],
    )
    assert lines[5].startswith("total")


def test_the_command_says_what_is_wrong():
    command = [sys.executable, "-m", "sekisho", "crossings", "missing.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "there is no script 'missing.py'" in done.stderr


def test_quick_and_slow_crossings_log_the_same(torch):
    def f(x): ...

    f.__annotations__ = {"x": Float[np.ndarray, "n m"]}
    quick, slow = sk.numpy_world(f), sk.numpy_world(copy=None, on_foreign="convert")(f)
    with sk.record_crossings() as log:
        quick(torch.zeros(2, 3))
        slow([torch.zeros(2, 3)][0])
        sk.numpy_world(f)(torch.zeros(3, 2).T)
    first, second, _ = (each._replace(seconds=0, line=0) for each in log)
    assert first == second
    assert first.home == "numpy"
