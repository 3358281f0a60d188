from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import sekisho as sk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# These machines are shared, so the time that an example takes is no evidence.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


# On a machine with a GPU, the tests of JAX run on the host, too (test_jax_devices.py uses the GPU),
# and several of them at once must not allocate all of its memory.
os.environ.setdefault("JAX_PLATFORMS", "cpu")

collect_ignore = ["planted"]  # separate projects, run by test_strict.py


@pytest.fixture(scope="session")
def read_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Use a cache folder for the tests, instead of the user's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEKISHO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
FLAGS += "--disable-background-networking --disable-component-update --enable-logging=stderr"


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., str]:
    """Open an address in a browser, with options; return the page as it is then, without errors."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no Chromium here")

    def look(address: str, *options: str) -> str:
        command = [browser, *FLAGS.split(), f"--user-data-dir={tmp_path / 'browser'}", *options]
        shown = subprocess.run(
            [*command, "--dump-dom", address],
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        said = [line for line in shown.stderr.splitlines() if "CONSOLE" in line or "ERR_" in line]
        assert not said
        return shown.stdout

    return look


@dataclass(frozen=True)
class Kit:
    """One world, as tests use it: the same test runs for each world."""

    name: str
    xp: Any
    array_type: type
    decorate: Any

    def zeros(self, *shape: int, dtype: str = "float32") -> Any:
        return self.xp.zeros(shape, dtype=getattr(self.xp, dtype))

    def range(self, *shape: int) -> Any:
        """Return an array of distinct values."""
        return self.xp.arange(int(np.prod(shape))).reshape(shape)

    def __str__(self) -> str:
        return self.name


def _kit(name: str) -> Kit:
    if name == "numpy":
        return Kit(name, np, np.ndarray, sk.numpy_world)
    torch = pytest.importorskip("torch")
    return Kit(name, torch, torch.Tensor, sk.torch_world)


@pytest.fixture(params=["numpy", "torch"])
def world(request: pytest.FixtureRequest) -> Kit:
    return _kit(request.param)


@pytest.fixture
def other(world: Kit) -> Kit:
    return _kit("torch" if world.name == "numpy" else "numpy")


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.fixture
def second_device(torch: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make "meta" act as a second device, on machines without one."""
    monkeypatch.setattr("sekisho.worlds.torch.kinds.refuse_meta", lambda _device: None)
    return "meta"


@pytest.fixture
def no_ml_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ml_dtypes, which gives NumPy bfloat16 and float8, neither imported nor importable."""
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)


@pytest.fixture(autouse=True)
def _same_mode_after() -> Any:
    before = sk.get_mode()
    yield
    assert sk.get_mode() == before, "a test left another mode behind"
