"""A cache that can never be wrong: with it, and without, the outcome is the same."""

from __future__ import annotations

import random
import sys

import pytest

from sekisho.code import Cache
from sekisho.inference import solve, survey

BODIES = [
    "return np.ones(3)",
    "return torch.ones(3)",
    "return other(x)",
    "y = x\n    return y + 1",
    "return x if x is None else another(x, 2)",
    "global G\n    G = other(x)\n    return G",
    "return [other(x), another(x, x)]",
]


class OfLibraries(Cache):
    """What is kept of libraries, and nothing of the project."""

    def read(self, key):
        return super().read(key) if key.startswith("table") else None

    def write(self, key, value):
        if key.startswith("table"):
            super().write(key, value)


def text(rng, number):
    lines = ["import numpy as np", "import torch"]
    lines += [
        f"from m{rng.randrange(4)} import f as other",
        f"from m{rng.randrange(4)} import g as another",
    ]
    lines += ["G = None", "class C:", "    def __init__(self, x): self.x = x", ""]
    for name, args in (("f", "x"), ("g", "x, n")):
        lines += [f"def {name}({args}):", f"    {rng.choice(BODIES)}", ""]
    lines += [
        f"a{number} = other({rng.choice(['np.ones(3)', 'torch.ones(3)', 'None', 'C(np.ones(2)).x'])})"
    ]
    return "\n".join(lines)


def outcome(folder, cache):
    solution = solve([folder], cache)
    return [
        (f.name, f.world, f.parameters, f.returns, f.variables, sorted(map(repr, f.notes.items())))
        for f in survey(solution)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_after_any_edit_it_is_as_if_all_had_been_read_anew(project, torch, seed):
    rng = random.Random(seed)
    for number in range(4):
        project.write(text(rng, number), f"m{number}.py")
    for _ in range(5):
        kept = outcome(project.folder, Cache())
        assert kept == outcome(project.folder, OfLibraries())
        number = rng.randrange(4)
        project.write(text(rng, number), f"m{number}.py")


def test_what_is_kept_is_used(project, monkeypatch):
    project.write("import numpy as np\ndef f(): return np.ones(3)\nx = f()\n")
    first = outcome(project.folder, Cache(keeps=False))
    assert first == outcome(project.folder, Cache())
    again = outcome(project.folder, Cache())  # the libraries that were read are known from now on
    monkeypatch.setattr(sys.modules["sekisho.inference.solve"], "read_unit", None)
    assert outcome(project.folder, Cache()) == first == again


def test_a_library_that_changes_is_noticed_whichever_run_has_read_it(
    project, tmp_path_factory, monkeypatch, torch
):
    library = tmp_path_factory.mktemp("lib")
    monkeypatch.syspath_prepend(library)

    def write(module, kind):
        (library / f"{module}.py").write_text(f"import numpy, torch\ndef make() -> {kind}: ...\n")

    write("grids", "numpy.ndarray")
    write("later", "torch.Tensor")
    project.write("import grids, torch\nx = grids.make()", "a.py")
    project.write("import later, torch\ndef f():\n    y = 1", "b.py")
    assert project.worlds()["x"] == "numpy"
    for body in ("y = 2", "y = later.make()", "y = later.make() + 1"):
        project.write(f"import later, torch\ndef f():\n    {body}", "b.py")
        assert project.worlds()["x"] == "numpy"
    assert project.worlds()["y"] == "torch"
    write("grids", "torch.Tensor")
    assert project.worlds()["x"] == "torch"
    write("later", "numpy.ndarray")
    assert project.worlds()["y"] == "numpy"
    (library / "grids.py").unlink()
    assert project.worlds()["x"] == "unknown"


def test_after_an_edit_only_what_depends_on_it_is_read(project, monkeypatch):
    project.write("import numpy as np\ndef f(): return np.ones(3)\nx = f()\n", "a.py")
    project.write("from a import f\ndef g():\n    y = f()\n    return y\n", "b.py")
    project.solve()
    solving = sys.modules["sekisho.inference.solve"]
    read, original = [], solving.read_unit

    def note(*args):
        read.append(args[2].name)
        return original(*args)

    monkeypatch.setattr(solving, "read_unit", note)
    for number in range(3):
        body = f"y = f()\n    z = {number}\n    return y"
        project.write(f"from a import f\ndef g():\n    {body}\n", "b.py")
        project.solve()
        assert {name.partition(":")[0] for name in read} == {"b"}
        read.clear()
        project.solve()
        assert read == []


def test_what_cannot_be_read_or_written_is_found_out_again(project, monkeypatch):
    project.write("import numpy as np\nx = np.ones(3)\n")
    first = outcome(project.folder, Cache())
    cache = Cache()
    for path in cache.folder.iterdir():
        path.write_bytes(path.read_bytes()[:10])
    assert outcome(project.folder, Cache()) == first
    monkeypatch.setenv("SEKISHO_CACHE_DIR", str(project.write("", "a file") / "x"))
    assert outcome(project.folder, Cache())[0] == first[0]


def test_no_cache_writes_nothing(project, run_map, monkeypatch):
    folder = project.folder / "cache"
    monkeypatch.setenv("SEKISHO_CACHE_DIR", str(folder))
    project.write("import numpy as np\nx = np.ones(3)\n", "src/a.py")
    run_map("src", "--quiet", "--no-cache")
    assert not folder.exists()
    run_map("src", "--quiet")
    assert [*folder.iterdir()]
