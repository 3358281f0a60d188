"""Whose code a frame runs: the user's own, a library's, sekisho's or a guard's."""

from __future__ import annotations

import sys
import sysconfig
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

import sekisho as sk
from sekisho.context import GUARD, LIBRARY, OWN, SEKISHO, frames, is_at_boundary, kind_of
from sekisho.context import own_frame as nearest

STANDARD = sysconfig.get_path("stdlib")
INSTALLED = "/x/lib/python3/site-packages/package/a.py"


def here(**_):
    return sys._getframe()


def frame_of(filename, **names):
    """Return a frame of code from a file, with the globals of its module."""
    names = {"take": sys._getframe, **names}
    exec(compile("frame = take()", filename, "exec"), names)
    return names["frame"]


FILES: dict[str, tuple[str, str | None, dict[str, Any], int]] = {
    "a script": ("/home/me/script.py", "__main__", {}, OWN),
    "a module without a name": ("/home/me/script.py", None, {}, OWN),
    "an installed package": (INSTALLED, "package.inner", {}, LIBRARY),
    "a package of the system": ("/usr/lib/python3/dist-packages/p.py", "p", {}, LIBRARY),
    "a folder beside site-packages": ("/x/site-packages.py", "p", {}, OWN),
    "the standard library": (f"{STANDARD}/json/decoder.py", "json.decoder", {}, LIBRARY),
    "beside the standard library": (f"{STANDARD}-mine/a.py", "a", {}, OWN),
    "an array library, wherever it is": ("/home/me/torch/nn/a.py", "torch.nn.a", {}, LIBRARY),
    "a name like an array library's": ("/home/me/torchy.py", "torchy", {}, OWN),
    "sekisho": ("/home/me/src/sekisho/a.py", "sekisho.worlds.torch.memory", {}, SEKISHO),
    "a name like sekisho's": ("/home/me/sekishonen.py", "sekishonen", {}, OWN),
    "an example of an installed module": ("<doctest numpy.a[0]>", "numpy", {}, OWN),
    "an example of sekisho's": ("<doctest sekisho.a[0]>", "sekisho", {}, OWN),
    "frozen code": ("<frozen importlib._bootstrap>", "a", {"__file__": "/home/me/a.py"}, LIBRARY),
    "NumPy's dispatch": ("<__array_function__ internals>", "a", {}, LIBRARY),
    "torch.fx": ("<eval_with_key>.3", None, {}, LIBRARY),
    "attrs": ("<attrs generated init a.B>", "a", {}, LIBRARY),
    "generated in a file of ours": ("<string>", "a", {"__file__": "/home/me/a.py"}, OWN),
    "generated in an installed file": ("<string>", "p", {"__file__": INSTALLED}, LIBRARY),
    "generated without a file": ("<string>", "p", {"__file__": None}, OWN),
    "a cell of a notebook": ("<ipython-input-3>", "__main__", {}, OWN),
}


@pytest.mark.parametrize(("filename", "module", "names", "kind"), FILES.values(), ids=FILES)
def test_code_is_its_authors_by_its_file_and_module(filename, module, names, kind):
    assert kind_of(frame_of(filename, __name__=module, **names)) == kind


def test_a_module_without_a_name_in_its_globals_is_judged_by_its_file():
    assert kind_of(SimpleNamespace(f_code=here.__code__, f_globals={})) == OWN


@pytest.mark.parametrize(
    ("module", "kind"), [("package.inner", OWN), ("package", OWN), ("packages", LIBRARY)]
)
def test_an_installed_package_may_be_declared_own(monkeypatch, module, kind):
    monkeypatch.setattr(frames, "own_packages", {"package"})
    assert kind_of(frame_of(INSTALLED, __name__=module)) == kind


@pytest.mark.parametrize(("platform", "kind"), [("win32", LIBRARY), ("linux", OWN)])
def test_the_paths_of_windows_are_read_with_their_own_separator(monkeypatch, platform, kind):
    monkeypatch.setattr(frames, "sys", SimpleNamespace(platform=platform))
    frame = frame_of(r"C:\python\Lib\site-packages\p\a.py", __name__="p")
    assert kind_of(frame) == kind


def test_the_folders_of_the_standard_library_are_both(monkeypatch):
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": "/one", "platstdlib": "/two"}.get)
    assert sorted(frames._standard.__wrapped__()) == ["/one/", "/two/"]
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": "/one", "platstdlib": None}.get)
    assert frames._standard.__wrapped__() == ("/one/",)


def test_code_is_judged_once_and_the_memory_for_it_is_bounded(monkeypatch):
    known: dict[int, Any] = {}
    monkeypatch.setattr(frames, "_known", known)
    monkeypatch.setattr(frames, "_MOST", 3)
    all_frames = [frame_of(f"/home/me/{name}.py", __name__="me") for name in "abcd"]
    for count, frame in enumerate(all_frames[:3], start=1):
        assert kind_of(frame) == OWN
        assert known[id(frame.f_code)] == (frame.f_code, OWN)
        assert len(known) == count
    kind_of(all_frames[3])
    assert list(known) == [id(all_frames[3].f_code)]
    # What is known is not judged again.
    monkeypatch.setattr(frames, "_classify", None)
    assert kind_of(all_frames[3]) == OWN


# --- the nearest frame -----------------------------------------------------------------------------


def chain(*places):
    """Return the innermost of frames that call each other, outermost first: (file, module)."""
    frame: Any = None
    for filename, module in places:
        code = compile("", filename, "exec")
        frame = SimpleNamespace(f_code=code, f_globals={"__name__": module}, f_back=frame)
    return frame


MINE, OTHER = ("/home/me/a.py", "a"), ("/home/me/b.py", "b")
LIB, TORCH = (INSTALLED, "package"), (INSTALLED, "torch.nn")
OURS = ("/x/sekisho/a.py", "sekisho.a")


@pytest.mark.parametrize(
    ("places", "at"),
    [
        ([OTHER, MINE], 1),
        ([OTHER, MINE, LIB, TORCH, OURS], 1),
        ([MINE, OURS], 0),
        # A program that is installed has no frame of its own.
        ([LIB, TORCH, OURS], 0),
        ([LIB, (INSTALLED, "second"), TORCH, OURS], 1),
        ([TORCH, OURS], 1),
        ([(INSTALLED, None), TORCH], 0),
        ([OURS], 0),
    ],
)
def test_the_nearest_frame_is_the_users_or_that_of_a_package_that_uses_arrays(places, at):
    frame = chain(*places)
    for _ in range(2):  # judged now, and known from before
        assert nearest(frame).f_code.co_filename == places[at][0]
        assert nearest(frame).f_globals["__name__"] == places[at][1]


# --- boundaries ------------------------------------------------------------------------------------


def test_a_frame_is_at_a_boundary_if_the_nearest_guard_is_one():
    def ask(_x=None):
        return is_at_boundary(sys._getframe())

    hint = Float[np.ndarray, "n"]

    def asks_within(x):
        return guarded(x)

    for function in (ask, asks_within):
        function.__annotations__ = {"_x" if function is ask else "x": hint}
    guarded = sk.numpy_world(ask)
    assert ask() is False
    assert is_at_boundary(None) is False
    assert sk.boundary(ask)(np.ones(2)) is True
    assert guarded(np.ones(2)) is False
    # Between the body and the boundary is the guard of the inner function.
    assert sk.boundary(asks_within)(np.ones(2)) is False


def test_the_frame_of_a_guard_is_a_guards():
    seen = []

    @sk.numpy_world
    def body(x: Float[np.ndarray, "n"]):
        frame = sys._getframe(1)
        while kind_of(frame) == SEKISHO:  # strict mode calls the body through a function of its own
            frame = frame.f_back
        seen.append(kind_of(frame))
        return x

    for mode in ("convert", "strict"):
        with sk.mode(mode):
            body(np.ones(2))
    assert seen == [GUARD, GUARD]
