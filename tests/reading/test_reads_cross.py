"""A call that reads a tensor's memory by NumPy is a crossing: each call is run, and what it asks for is recorded."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sekisho.__main__ import main

torch = pytest.importorskip("torch")
pytest.importorskip("scipy")

HEAD = """\
import numpy as np
import scipy.fft, scipy.linalg, scipy.ndimage, scipy.signal, scipy.spatial, scipy.stats
import sekisho as sk
import torch


"""

CROSS = [
    *(
        "np.linalg.norm(x)",
        "x / np.linalg.norm(x)",
        "np.linalg.norm(x, axis=0)",
        "np.linalg.inv(x)",
    ),
    *("np.linalg.det(x)", "np.linalg.solve(x, x)", "np.linalg.qr(x)[0]", "np.linalg.eigvals(x)"),
    *("np.linalg.matrix_power(x, 2)", "np.linalg.cond(x)", "np.linalg.pinv(x)"),
    *("np.fft.fft(x)", "np.fft.rfft2(x)", "np.fft.fftshift(x)"),
    *("np.random.permutation(x)", "np.random.normal(x)", "np.random.choice(x[0])"),
    *("np.random.default_rng(0).permuted(x)", "np.random.default_rng(0).normal(x)"),
    *("np.exp(x)", "np.pad(x, 1)", "np.dot(x, x)", "np.where(x, 1, 0)", "np.percentile(x, 50)"),
    *("np.allclose(x, x)", "np.diff(x)", "np.histogram(x)[0]", "np.cov(x)"),
    *("scipy.fft.fft(x)", "scipy.linalg.norm(x)", "scipy.ndimage.zoom(x, 2)"),
    *("scipy.signal.detrend(x)", "scipy.stats.zscore(x)", "scipy.spatial.distance.cdist(x, x)"),
]
STAY = [
    *("torch.linalg.norm(x)", "torch.fft.fft(x)", "x.norm()", "torch.randperm(len(x))"),
    *("np.shape(x)", "np.ndim(x)", "np.random.default_rng(0).normal(size=x.shape)"),
    *("np.linalg.norm([1.0, 2.0])", "np.fft.fftfreq(len(x))", "np.squeeze(x)"),
]


def crosses(call, monkeypatch):
    """Run a call, and return whether NumPy asks for the memory of the tensor."""
    asked = []
    read = torch.Tensor.__array__

    def record(self, *args, **options):
        asked.append(self)
        return read(self, *args, **options)

    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(torch.Tensor, "__array__", record)
        names = {"x": torch.rand(4, 4) + 4 * torch.eye(4)}
        exec(HEAD, names)
        eval(call, names)
    return bool(asked)


@pytest.mark.parametrize("call", CROSS)
def test_a_call_that_reads_a_tensor_is_a_crossing(call, project, monkeypatch):
    assert crosses(call, monkeypatch)
    project.write(f"{HEAD}@sk.torch_world\ndef f(x: torch.Tensor):\n    {call}\n    return x\n")
    assert project.codes() == ["SK103"]


@pytest.mark.parametrize("call", STAY)
def test_a_call_that_reads_no_tensor_is_none(call, project, monkeypatch):
    assert not crosses(call, monkeypatch)
    project.write(f"{HEAD}@sk.torch_world\ndef f(x: torch.Tensor):\n    {call}\n    return x\n")
    assert project.codes() == []


@pytest.mark.parametrize("call", CROSS)
def test_its_function_is_a_boundary_and_not_ready_for_one_world(call, project):
    project.write(f"{HEAD}def f(x: torch.Tensor):\n    return {call}\n")
    (function,) = [each for each in project.functions().values() if each.name == "f"]
    assert function.world == "boundary"
    assert function.ready_for in {"", "boundary"}


def test_the_message_names_the_function_and_the_variable(project):
    project.write(
        f"{HEAD}@sk.torch_world\ndef unit(x: torch.Tensor):\n    return x / np.linalg.norm(x)\n"
    )
    (found,) = project.findings()
    assert found.message == (
        "np.linalg.norm takes x from PyTorch to NumPy, and unit declares no crossing"
    )
    assert found.help == "declare it in a block: with sk.crossing_allowed()"


def test_an_allowed_reading_is_none(project):
    project.write(
        f"{HEAD}@sk.torch_world\ndef f(x: torch.Tensor):\n    with sk.crossing_allowed():\n"
        "        return x / np.linalg.norm(x)\n"
    )
    assert project.codes() == []


def test_a_reading_that_a_loop_repeats_is_found_by_default(project, capsys):
    path = project.write(
        f"{HEAD}def f(x: torch.Tensor, n: int):\n    for _ in range(n):\n"
        "        y = scipy.linalg.norm(x)\n    return y\n"
    )
    assert main(["check", str(path)]) == 1
    assert (
        "SK104 [crossing-in-loop] scipy.linalg.norm of x is a crossing" in capsys.readouterr().out
    )


def test_strict_mode_refuses_what_is_reported():
    import sekisho as sk

    @sk.torch_world
    def unit(x: torch.Tensor):
        return x / np.linalg.norm(x)

    with sk.mode("strict"), pytest.raises(sk.WorldError):
        unit(torch.ones(3))
