"""The cache is never wrong: the outcome is the same with and without it."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from sekisho.__main__ import main
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
def test_after_any_edit_it_is_as_if_all_had_been_read_anew(project, of_libraries, torch, seed):
    rng = random.Random(seed)
    for number in range(4):
        project.write(text(rng, number), f"m{number}.py")
    for _ in range(5):
        kept = outcome(project.folder, Cache())
        assert kept == outcome(project.folder, of_libraries())
        number = rng.randrange(4)
        project.write(text(rng, number), f"m{number}.py")


def test_what_is_kept_is_used(project, monkeypatch):
    project.write("import numpy as np\ndef f(): return np.ones(3)\nx = f()\n")
    first = outcome(project.folder, Cache(keeps=False))
    assert first == outcome(project.folder, Cache())
    again = outcome(project.folder, Cache())  # the libraries in use are known from now on
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


# --- where it is, how large it gets, and what damages it


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SEKISHO_CACHE_DIR", str(tmp_path / "cache"))
    return Cache()


DAMAGES = {
    "cut": lambda data: data[:20],
    "empty": lambda data: b"",
    "a bit": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "the digest": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "more": lambda data: data + b"x",
    "asks for 16 GB": lambda data: data[:16] + b"(\xff\xff\xff\x7f",
    "another type": lambda data: data[:16] + b"i\x01\x00\x00\x00",
    "text": lambda data: b"<html>",
    "as it was before there was a digest": lambda data: data[16:],
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_any_damage_is_a_miss(cache, damage):
    cache.write("key", ("value", [1, 2.0, None], {"a": "b"}))
    assert cache.read("key") == ("value", [1, 2.0, None], {"a": "b"})
    (path,) = cache.folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read("key") is None
    cache.write("key", 2)
    assert cache.read("key") == 2


def make_large(path):
    with path.open("wb") as file:
        file.truncate(3_000_000_000)  # a sparse file


def bind(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


NO_ENTRIES = {
    "a folder": Path.mkdir,
    "a FIFO": getattr(os, "mkfifo", None),
    "a socket": bind,
    "an endless file": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to itself": lambda path: path.symlink_to(path),
    "a large file": make_large,
}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("make", NO_ENTRIES.values(), ids=NO_ENTRIES)
def test_what_is_no_entry_is_a_miss_at_once(cache, monkeypatch, make):
    cache.write("key", 1)
    (path,) = cache.folder.iterdir()
    path.unlink()
    monkeypatch.chdir(cache.folder)  # socket names must be short
    make(Path(path.name))
    tracemalloc.start()
    signal.alarm(10)
    try:
        assert cache.read("key") is None
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        signal.alarm(0)
        tracemalloc.stop()
    cache.write("key", 2)
    assert cache.read("key") == (None if make is Path.mkdir else 2)


def test_a_value_that_is_too_large_is_not_kept(cache, monkeypatch):
    monkeypatch.setattr(sys.modules["sekisho.code.cache"], "_LARGEST", 1_000)
    cache.write("key", "x" * 2_000)
    assert not cache.folder.exists()
    for size in range(960, 1_000):
        cache.write("key", "x" * size)
        kept = cache.read("key")
        assert kept is None or len(kept) in range(960, size + 1)
    assert len(kept) < 1_000 - 16


def test_it_is_bounded_and_what_was_used_last_stays(cache, monkeypatch):
    module = sys.modules["sekisho.code.cache"]
    monkeypatch.setattr(module, "_MOST", 100_000)
    monkeypatch.setattr(module, "_OFTEN", 1)
    own = cache.folder / "notes.txt"
    cache.write("first", "x" * 10_000)
    own.write_text("mine" * 50_000)
    for number in range(30):
        cache.write(str(number), "x" * 10_000)
        for path in cache.folder.iterdir():  # pretend that all entries are two days old
            os.utime(path, (path.stat().st_mtime - 200_000,) * 2)
        assert cache.read("first") is not None  # used, therefore kept
        total = sum(p.stat().st_size for p in cache.folder.iterdir() if p != own)
        assert total <= 120_000
    assert own.exists()
    assert cache.read("29") is not None
    assert cache.read("0") is None


def test_two_processes_share_it(cache):
    script = (
        "import sys, sekisho.code.cache as module\n"
        "module._MOST, module._OFTEN = 200_000, 3\n"
        "cache = module.Cache()\n"
        "for i in range(400):\n"
        "    cache.write(str(i % 50), [str(i % 50)] * 1_000)\n"
        "    found = cache.read(str(i * 7 % 50))\n"
        "    assert found in (None, [str(i * 7 % 50)] * 1_000)\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert not [*cache.folder.glob("*.new")]


@pytest.mark.parametrize("value", ["", ".", "cache", "./cache"])
@pytest.mark.parametrize("variable", ["SEKISHO_CACHE_DIR", "XDG_CACHE_HOME"])
def test_it_is_never_in_the_folder_that_one_stands_in(monkeypatch, tmp_path, variable, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEKISHO_CACHE_DIR", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(sys, "platform", "linux")
    expected = "/caches" if variable == "SEKISHO_CACHE_DIR" else home / ".cache"
    assert Cache().folder == Path(expected, "sekisho")


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".cache/sekisho"),
        ("darwin", "Library/Caches/sekisho"),
        ("win32", "/local/sekisho/Cache"),
    ],
)
def test_it_is_where_the_platform_keeps_caches(monkeypatch, tmp_path, platform, folder):
    """Equals `platformdirs.user_cache_dir("sekisho", appauthor=False)`."""
    for name in ("SEKISHO_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", "/local")
    monkeypatch.setattr(sys, "platform", platform)
    assert Cache().folder == tmp_path / folder


@pytest.mark.parametrize("home", ["", "/", "//", ".", "home", "~", "{}/none", "{}/a file"])
@pytest.mark.parametrize("caches", ["", "caches"])
@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_home_that_is_no_folder_of_the_user_is_none(
    monkeypatch, tmp_path, home, caches, platform
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "a file").touch()
    monkeypatch.delenv("SEKISHO_CACHE_DIR")
    monkeypatch.setenv("HOME", home.format(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", caches)
    monkeypatch.setattr(sys, "platform", platform)
    cache = Cache()
    assert cache.folder is None
    cache.write("key", 1)
    assert sorted(os.listdir(tmp_path)) == ["a file", "home"]


def test_there_is_none_where_there_is_no_home(monkeypatch, project, run_map):
    for name in ("SEKISHO_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for an unknown user
    monkeypatch.setattr(sys, "platform", "linux")
    assert Cache().folder is None
    project.write("import numpy as np\nx = np.ones(3)\n", "src/a.py")
    assert run_map("src")[0] == 0
    assert not (project.folder / "~").exists()
    assert main(["clean"]) == 0


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such owners")
def test_what_somebody_else_may_have_written_is_not_read(cache, monkeypatch):
    cache.write("key", 1)
    cache.folder.chmod(0o777)
    assert Cache().folder is None
    cache.folder.chmod(0o700)
    assert Cache().folder == cache.folder
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    assert Cache().folder is None


def test_a_command_clears_it_and_nothing_else(cache, capsys):
    cache.write("key", "x" * 1_000_000)
    (cache.folder / "notes.txt").write_text("mine")
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == f"1 entries, 1.0 MB removed from {cache.folder}\n"
    assert [path.name for path in cache.folder.iterdir()] == ["notes.txt"]
