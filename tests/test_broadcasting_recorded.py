"""``record_crossings(everywhere=True, broadcasting=True)`` and ``sekisho crossings --broadcasting``."""

from __future__ import annotations

import inspect
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import sekisho as sk

torch = pytest.importorskip("torch")
F = torch.nn.functional


def column(n=4):
    return torch.ones(n, 1), torch.ones(n)


def recorded(function, *args):
    with sk.record_crossings(everywhere=True, broadcasting=True) as log:
        function(*args)
    return log


def difference(pred, y):
    return pred - y


def test_a_row_has_the_line_both_shapes_the_result_the_count_and_the_fix():
    log = recorded(lambda: [difference(*column(n)) for n in (2, 3, 4)])
    (row,) = log.broadcasts
    assert row == (
        __file__,
        inspect.getsourcelines(difference)[1] + 1,
        "difference",
        "torch.Tensor.__sub__",
        "float32[2, 1] (PyTorch)",
        "float32[2] (PyTorch)",
        (2, 2),
        "pred.squeeze(-1), or if all pairs are meant, say so with an axis: [:, None]",
        "",
        "",
        3,
        0,
    )
    assert len(log) == 0


OPERATIONS = {
    "-": lambda x, y: x - y,
    "r-": lambda x, y: y - x,
    "==": lambda x, y: x == y,
    "<": lambda x, y: x < y,
    "&": lambda x, y: x.bool() & y.bool(),
    "method": lambda x, y: x.sub(y),
    "keyword": lambda x, y: torch.sub(x, other=y),
    "keywords": lambda x, y: torch.mul(input=x, other=y),
    "Parameter": lambda x, y: torch.nn.Parameter(x) * y,
    "maximum": lambda x, y: torch.maximum(x, y),  # noqa: PLW0108 - looked up at the call
    "where": lambda x, y: torch.where(x > 0, x, y),
    "xlogy": lambda x, y: torch.special.xlogy(x, y),  # noqa: PLW0108 - as above
    "mse_loss": lambda x, y: F.mse_loss(x, y),  # noqa: PLW0108 - as above
    "module": torch.nn.SmoothL1Loss(),
    "no names": lambda x, y: [*map(torch.atan2, [x], [y])],
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_is_counted_once_for_each_call(operation):
    log = recorded(lambda: [operation(*column()) for _ in range(3)])
    assert [(row.shape, row.count, row.filename) for row in log.broadcasts] == [
        ((4, 4), 3, __file__)
    ]


def mixture(x):
    parts = torch.distributions.Normal(torch.zeros(3), torch.ones(3))
    weights = torch.distributions.Categorical(torch.ones(3))
    return torch.distributions.MixtureSameFamily(weights, parts).log_prob(x)


MEANT = {
    "equal ranks": lambda x, y: x - y[None],
    "an axis in the expression": lambda x, y: y[:, None] - y,
    "one operand": lambda x, y: x + 1.0 + torch.ones(1) + torch.tensor(2),
    "other sizes": lambda x, y: x - y[:3],
    "matmul": lambda x, y: x @ y[None],
    "in the library": lambda x, y: mixture(y),
    "after squeeze": lambda x, y: x.squeeze(-1) - y,
    "in place": lambda x, y: torch.ones(4, 4).sub_(y),
}


@pytest.mark.parametrize("operation", MEANT.values(), ids=MEANT)
def test_what_is_meant_is_not_reported(operation):
    assert recorded(lambda: operation(*column())).broadcasts == []


def test_a_line_that_also_expands_operands_of_other_sizes_means_all_pairs():
    def run():
        for m in (4, 3):
            difference(torch.ones(4, 1), torch.ones(m))

    assert recorded(run).broadcasts == []
    assert recorded(lambda: torch.equal(*column())).broadcasts == []


def test_it_is_off_unless_asked_and_the_library_is_as_before():
    before = [torch.Tensor.__sub__, torch.maximum, F.mse_loss, torch.Tensor.__eq__]
    with sk.record_crossings(everywhere=True) as log:
        difference(*column())
    assert log.broadcasts == []
    recorded(difference, *column())
    assert before == [torch.Tensor.__sub__, torch.maximum, F.mse_loss, torch.Tensor.__eq__]


def test_recordings_overlap_and_each_has_what_it_asked_for():
    with sk.record_crossings(everywhere=True) as outer:
        difference(*column())
        inner = recorded(lambda: [difference(*column()) for _ in range(2)])
        again = recorded(difference, *column())
    assert [row.count for row in inner.broadcasts] == [2]
    assert [row.count for row in again.broadcasts] == [1]
    assert outer.broadcasts == []


def test_the_option_needs_a_recording_of_the_whole_program():
    with pytest.raises(ValueError, match="needs everywhere=True") as caught:
        sk.record_crossings(broadcasting=True)
    assert str(caught.value) == (
        "record_crossings(): broadcasting=True records a whole program, and needs everywhere=True.\n"
        "  hint: record_crossings(everywhere=True, broadcasting=True)"
    )


def test_crossings_are_counted_as_without():
    def run():
        x, y = column()
        (x == y).numpy()
        return x == y.numpy().tolist()[0]

    def rows(log):
        return [(row.operation, row.line, row.count) for row in log.rows]

    with sk.record_crossings(everywhere=True) as plain:
        run()
    assert rows(recorded(run)) == rows(plain) != []


def test_strict_mode_judges_as_without():
    guarded = sk.torch_world(difference)
    with sk.record_crossings(everywhere=True, broadcasting=True) as log:
        with sk.mode("strict", broadcasting="refuse"), pytest.raises(sk.BroadcastError) as caught:
            guarded(*column())
        with sk.mode("strict"):
            guarded(*column())
    assert "got torch.Tensor.sub of float32[4, 1]" in str(caught.value)
    assert [row.count for row in log.broadcasts] == [1]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_mode_of_torch_that_calls_the_function_again_adds_no_row(device):
    with torch.device(device) if device else torch.overrides.BaseTorchFunctionMode():
        log = recorded(lambda: [difference(*column()), F.relu(difference(*column()))])
    assert [(row.operation, row.count) for row in log.broadcasts] == [("torch.Tensor.__sub__", 2)]


def test_threads_lose_no_count():
    def run():
        for _ in range(200):
            difference(*column())

    def start():
        threads = [threading.Thread(target=run) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()

    assert [row.count for row in recorded(start).broadcasts] == [1600]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Using a target size")
def test_compilers_traces_and_transforms_get_what_they_get_by_themselves():
    x, y = torch.ones(3, 1), torch.ones(3)
    scripted_before = torch.jit.script(difference_of_tensors)(x, y)

    def run():
        assert torch.equal(torch.jit.script(difference_of_tensors)(x, y), scripted_before)
        assert torch.jit.script(Scripted())(y, y).tolist() == [1.0, 1.0, 1.0]
        traced = torch.jit.trace(lambda a, b: torch.maximum(a - b, b), (torch.ones(2, 3), y))
        assert "aten::size" not in str(traced.graph)
        torch.export.export(Module(), (torch.ones(3), torch.ones(3)))
        graph = torch.fx.symbolic_trace(Module()).graph
        assert [node.target for node in graph.nodes if node.op == "call_function"] != []
        assert torch.func.vmap(difference)(torch.ones(5, 3), torch.ones(5, 3)).shape == (5, 3)
        compiled = torch.compile(difference, backend="eager", fullgraph=True)
        assert compiled(x, y).shape == (3, 3)

    recorded(run)


def difference_of_tensors(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.mse_loss(x - y, x - y, reduction="none") + torch.maximum(x, y)


class Scripted(torch.nn.Module):
    def forward(self, x, y):
        loss = torch.nn.functional.l1_loss(x, y, reduction="none")
        return torch.maximum(loss, y) + torch.nn.functional.smooth_l1_loss(x - y, y - x)


class Module(torch.nn.Module):
    def forward(self, x, y):
        return torch.maximum(x - y, y)


def test_jax_is_seen_where_python_runs_it():
    jax = pytest.importorskip("jax")
    p, y = jax.numpy.ones((4, 1)), jax.numpy.ones(4)
    compiled = jax.jit(difference)

    def run():
        for _ in range(3):
            difference(p, y)
            p == y  # noqa: B015 - the comparison is recorded
            compiled(p, y)

    rows = recorded(run).broadcasts
    assert [(row.operation, row.count) for row in rows] == [
        ("jax.Array.__sub__", 3),
        ("jax.core.Tracer.__sub__", 1),  # traced once
        ("jax.Array.__eq__", 3),
    ]


PROGRAM = """
import os, signal, sys, torch, multiprocessing
def loss(pred, y):
    return ((pred - y) ** 2).mean()
def work(number):
    for n in range(1, number):
        loss(torch.ones(n, 1), torch.ones(n))
if __name__ == "__main__":
    work(5)
    how = sys.argv[1]
    if how != "alone":
        child = multiprocessing.get_context(how).Process(target=work, args=(4,))
        child.start(); child.join()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills by a signal")
@pytest.mark.parametrize("how", ["alone", "spawn"])
def test_the_command_reports_every_process_however_it_ends(tmp_path, how):
    script, page, file = (tmp_path / name for name in ("train.py", "page.html", "log.json"))
    script.write_text(PROGRAM, "utf-8")
    options = ["--broadcasting", "--json", str(file), "--html", str(page), "--github"]
    done = subprocess.run(
        [sys.executable, "-m", "sekisho", "crossings", *options, str(script), how],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == -signal.SIGKILL
    found = json.loads(file.read_text("utf-8"))["broadcasts"]
    # Of one row no operand is expanded: [1, 1] and [1] give [1, 1].
    assert [row["count"] for row in found] == ([3] if how == "alone" else [3, 2])
    assert (found[0]["shape"], found[0]["one"]) == ([2, 2], "float32[2, 1] (PyTorch)")
    assert (found[0]["file"], found[0]["line"]) == (str(script), 4)
    text = (
        "operations that expand both operands\n"
        "train.py:4: torch.Tensor.__sub__, 3 x\n"
        "    in loss: float32[2, 1] (PyTorch) and float32[2] (PyTorch) give [2, 2]\n"
        "    hint: pred.squeeze(-1), or if all pairs are meant, say so with an axis: [:, None]\n"
    )
    assert text in done.stderr
    assert "::warning file=train.py,line=4,title=expands both operands::" in done.stdout
    html = page.read_text("utf-8")
    assert "Operations that expand both operands" in html
    assert "← gives [2, 2], 3 x" in html


def test_the_project_can_ask_for_it(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import torch\ntorch.ones(2, 1) - torch.ones(2)\n", "utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.sekisho.crossings]\nbroadcasting = true\n")
    command = [sys.executable, "-m", "sekisho", "crossings"]
    for options, is_shown in ([], True), (["--no-broadcasting"], False):
        done = subprocess.run(
            [*command, *options, script.name],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        assert ("expand both operands" in done.stderr) is is_shown


def test_logs_add_up_and_repeat_no_row():
    one, two = recorded(difference, *column(2)), recorded(difference, *column(3))
    (row,) = (one + two).broadcasts
    assert (row.count, row.shape) == (2, (2, 2))
    assert (one + two).to_dict()["broadcasts"][0]["file"] == str(Path(__file__))
    assert one.broadcasts[0].count == 1
