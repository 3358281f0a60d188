"""``python -m sekisho adopt``: the diff, what is written, the second run under the guards."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("libcst")

IMAGES = '''
    """Images, as people write them."""

    import os

    import numpy as np

    from . import other


    def normalise(image, mean=0.5):  # a comment that stays
        return image.astype(np.float32) / 255 - mean


    def to_batch(images):
        return np.stack([np.moveaxis(image, -1, 0) for image in images])


    class Table:
        def __init__(self, rows):
            self.rows = rows

        @property
        def first(self):
            return self.rows[0]

        def look_up(self, at, *, default = None):
            n, d = self.rows.shape
            return self.rows[at]

        def batches(self, size):
            for start in range(0, len(self.rows), size):
                yield self.rows[start : start + size]


    def greeting(name):
        return f"hello {name}"
    '''
PROGRAM = """
    import sys

    import numpy as np
    from shop.images import Table, greeting, normalise, to_batch

    rng = np.random.default_rng(0)
    for h, w, b in [(6, 8, 2), (9, 7, 3), (12, 11, 5), (10, 31, 4)]:
        images = [rng.integers(0, 256, (h, w, 3), dtype=np.uint8) for _ in range(b)]
        to_batch([normalise(each) for each in images])
        table = Table(np.ones((h, w)))
        assert table.first.shape == (w,)
        table.look_up(np.arange(b))
        list(table.batches(size=2))
        greeting("you")
    """
EXPECTED = '''\
"""Images, as people write them."""

import os
from collections.abc import Sequence

import numpy as np
import sekisho as sk
from jaxtyping import Float, Real

from . import other


@sk.numpy_world
def normalise(image: Real[np.ndarray, "*shape"], mean=0.5) -> Float[np.ndarray, "*shape"]:  # a comment that stays
    return image.astype(np.float32) / 255 - mean


@sk.numpy_world
def to_batch(images: Sequence[Real[np.ndarray, "..."]]):
    return np.stack([np.moveaxis(image, -1, 0) for image in images])


class Table:
    @sk.same_world
    def __init__(self, rows) -> None:
        self.rows = rows

    @property
    @sk.numpy_world
    def first(self):
        return self.rows[0]

    @sk.same_world
    def look_up(self, at, *, default = None):
        n, d = self.rows.shape
        return self.rows[at]

    @sk.numpy_world
    def batches(self, size):
        for start in range(0, len(self.rows), size):
            yield self.rows[start : start + size]


def greeting(name):
    return f"hello {name}"
'''
# The same code, where two functions call everything, and three pass a size.
CERTAIN = '''\
"""Images, as people write them."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
import sekisho as sk
from jaxtyping import Float, Real

from . import other


@sk.numpy_world
def normalise(image: Real[np.ndarray, "*shape"], mean=0.5) -> Float[np.ndarray, "*shape"]:  # a comment that stays
    return image.astype(np.float32) / 255 - mean


@sk.numpy_world
def to_batch(images: Sequence[Real[np.ndarray, "h w c"]]) -> Real[np.ndarray, "b _ h w"]:
    return np.stack([np.moveaxis(image, -1, 0) for image in images])


class Table:
    @sk.same_world
    def __init__(self, rows) -> None:
        self.rows = rows

    @property
    @sk.numpy_world
    def first(self) -> Float[np.ndarray, " _"]:
        return self.rows[0]

    @sk.same_world
    def look_up(self, at, *, default = None):
        n, d = self.rows.shape
        return self.rows[at]

    @sk.numpy_world
    def batches(self, size) -> Iterator[Float[np.ndarray, "_ _"]]:
        for start in range(0, len(self.rows), size):
            yield self.rows[start : start + size]


def greeting(name):
    return f"hello {name}"
'''


@pytest.fixture
def shop(write):
    write("shop/__init__.py", "")
    write("shop/other.py", "")
    write("program.py", PROGRAM)
    write("pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    return write("shop/images.py", IMAGES)


def test_a_diff_is_printed_and_nothing_is_written(shop, adopt):
    before = shop.read_text("utf-8")
    status, out, err = adopt("shop", "--", "program.py")
    assert status == 0, err
    assert shop.read_text("utf-8") == before
    assert out.startswith("--- shop/images.py\n+++ shop/images.py\n")
    added = [line[1:] for line in out.splitlines() if line.startswith("+")]
    assert 'def to_batch(images: Sequence[Real[np.ndarray, "..."]]):' in "\n".join(added)


def test_what_is_written_is_what_a_person_would_write_and_holds(shop, adopt):
    status, _, err = adopt("shop", "--write", "--", "program.py")
    assert status == 0, err
    assert shop.read_text("utf-8") == EXPECTED
    assert "normalise: sk.numpy_world, 14 calls, 4 different\n" in err
    assert "run again under the guards, in strict mode: status 0, as before\n" in err
    assert (
        "normalise: not certain: size (image, result: axis 2 was always 3), "
        "rank (image, result: 3 axes), dtype (result: float32), kind (image: uint8), "
        "class (mean: float)\n" in err
    )
    assert (
        "what would settle what is not certain:\n"
        "  size: an `assert` on the size\n"
        "  rank: unpack or assert the shape, or calls from three functions or tests\n"
        "  dtype: an `assert` on the dtype\n"
        "  real: an annotation by hand\n  kind: calls from three functions or tests\n" in err
    )
    # A second run has nothing to add.
    status, out, _ = adopt("shop", "--", "program.py")
    assert (status, out) == (0, "")


def test_what_several_callers_agree_on_is_written(shop, write, adopt):
    body = textwrap.indent(PROGRAM.partition("rng = ")[2], "").replace("\n    ", "\n        ")
    program = PROGRAM.partition("rng = ")[0]
    for name in ("one", "two", "three"):
        program += f"def {name}():\n        rng = {body}\n    {name}()\n    "
    write("program.py", program)
    status, _, err = adopt("shop", "--write", "--", "program.py")
    assert status == 0, err
    assert shop.read_text("utf-8") == CERTAIN


def test_what_does_not_hold_when_it_is_run_again_is_taken_out(write, adopt):
    """The tests ask for the function's own error, which this contract would hide."""
    path = write(
        "pairs.py",
        """
        import numpy as np


        def pairs(x):
            if x.ndim != 2:
                raise ValueError("two axes")
            return x.T
        """,
    )
    write(
        "program.py",
        """
        import numpy as np
        from pairs import pairs

        for n in (2, 3, 4):
            pairs(np.ones((n, n + 3)))
        try:
            pairs(np.ones(3))
        except ValueError as error:
            assert str(error) == "two axes", error
        """,
    )
    status, _, err = adopt("pairs.py", "--write", "--", "program.py")
    assert status == 0, err
    text = path.read_text("utf-8")
    assert "@sk.same_world\ndef pairs(x) -> Real[sk.Array" in text
    assert "taken out, since it did not hold: pairs, x: pairs() argument 'x': expected" in err


def test_what_never_holds_is_given_up_after_three_runs(write, adopt):
    """The second run has other dtypes at each place: they are not found out one by one."""
    asked = "".join(f"    {name}.shape\n" for name in "abcdefg")
    path = write("five.py", f"def five(a, b, c, d, e, f, g):\n{asked}    return a\n")
    write(
        "program.py",
        """
        import os
        import numpy as np
        from five import five

        with open("runs", "a") as file:
            file.write("x")
        is_guarded = "SEKISHO_REFUSALS" in os.environ
        five(*[np.ones(3) > 0 if is_guarded else np.ones(3) for _ in range(7)])
        """,
    )
    before = path.read_bytes()
    status, _, err = adopt("five.py", "--write", "--", "program.py")
    assert status == 0, err
    assert path.read_bytes() == before
    assert (path.parent / "runs").read_text(
        "utf-8"
    ) == "x" * 6  # one, three, the last attempt, and the final run
    assert "five(): left out: written, and not kept when it was run again, time after time" in err


def test_where_no_contract_is_to_blame_the_files_are_as_they_were(write, adopt):
    """The program looks at its own signature: no guard rejects anything, and yet it fails."""
    path = write("one.py", "def one(x):\n    return x - x.min()\n")
    write(
        "program.py",
        """
        import numpy as np
        from one import one

        one(np.ones(3))
        assert not one.__annotations__
        """,
    )
    before = path.read_bytes()
    status, _, err = adopt("one.py", "--write", "--", "program.py")
    assert status == 1
    assert path.read_bytes() == before
    assert "no contract is to blame. The files are as they were." in err


def test_what_is_annotated_is_kept_and_held_against_the_runs(write, adopt):
    write(
        "kept.py",
        """
        import numpy as np
        from jaxtyping import Float32


        def scale(x: Float32[np.ndarray, "n n"], y, k: int):
            return x * k


        def fine(x: Float32[np.ndarray, "n d"], y: np.ndarray):
            return x
        """,
    )
    write(
        "program.py",
        """
        import numpy as np
        from kept import fine, scale

        for n in (2, 3, 4):
            x = np.ones((n, 3), np.float32)
            scale(x, x, 2)
            fine(x, x)
        """,
    )
    _, out, err = adopt("kept.py", "--", "program.py")
    assert (
        "scale: x: Float32[np.ndarray, 'n n']: the runs contradict it: got float32[2, 3] (2 of 3 calls)"
        in err
    )
    assert "scale(): left out: no decorator: what it is annotated with does not hold" in err
    assert "fine: sk.numpy_world" in err
    assert "contradict" not in err.partition("fine: ")[2]
    assert "-def fine(x" in out
    assert '+    y: Real[np.ndarray, "*shape"],\n' in out


def test_an_array_of_jaxtypings_that_is_called_with_numpys_is_contradicted(write, adopt):
    pytest.importorskip("jax")
    path = write(
        "kept.py",
        """
        from jaxtyping import Array, Float32


        def scale(x: Float32[Array, "n"], k):
            return x * k


        def fine(x: Float32[Array, "n"]):
            return x
        """,
    )
    write(
        "program.py",
        """
        import jax.numpy as jnp
        import numpy as np
        from kept import fine, scale

        scale(np.ones(3, np.float32), jnp.ones(3))
        fine(jnp.ones(3))
        """,
    )
    status, _, err = adopt("kept.py", "--write", "--", "program.py")
    assert status == 0, err
    said = "scale: x: Float32[Array, 'n']: the runs contradict it: got float32[3] of numpy (1 of 1 calls)"
    assert said in err
    assert "@sk.jax_world\ndef fine(" in path.read_text("utf-8")
    assert path.read_text("utf-8").count("@sk") == 1


def test_a_function_whose_own_annotation_is_refused_is_given_up_and_the_others_stay(write, adopt):
    """The values of a dict are not checked against the runs, and the guard rejects them."""
    path = write(
        "kept.py",
        """
        import numpy as np
        from jaxtyping import Float32


        def total(xs: dict[str, Float32[np.ndarray, "n n"]], y):
            return sum(xs.values()) + y


        def fine(x):
            return x
        """,
    )
    write(
        "program.py",
        """
        import numpy as np
        from kept import fine, total

        x = np.ones((2, 3), np.float32)
        total({'a': x, 'b': x}, x)
        fine(x)
        """,
    )
    status, _, err = adopt("kept.py", "--write", "--", "program.py")
    assert status == 0, err
    assert "total(): left out: written, and not kept when it was run again" in err
    assert "@sk.same_world\ndef fine(" in path.read_text("utf-8")
    assert path.read_text("utf-8").count("@sk") == 1


def test_select_min_calls_arrays_only_and_runs(shop, adopt):
    _, out, err = adopt("shop", "--select", "Table.*", "--arrays-only", "--", "program.py")
    assert "+    @sk.numpy_world\n     def batches(self, size):" in out
    assert "+def normalise" not in out
    assert "--select" not in err
    _, _, err = adopt("shop", "--select", "nope*", "--select", "Table.*", "--", "program.py")
    assert "--select 'nope*': no function that was called has such a name" in err
    assert "'Table.*'" not in err
    _, out, err = adopt("shop", "--min-calls", 10, "--runs", 2, "--", "program.py")
    assert "normalise: sk.numpy_world, 28 calls, 4 different" in err
    assert "Table.look_up(): left out: 8 calls, fewer than 10" in err.replace(
        "look_up() :", "look_up():"
    )


def test_the_table_for_the_hook(shop, adopt):
    status, out, _ = adopt("shop", "--worlds", "--", "program.py")
    assert status == 0
    assert out == (
        "[tool.sekisho]\n"
        'packages = ["shop"]\n'
        "\n"
        "[tool.sekisho.worlds]\n"
        '"shop.images.normalise" = "numpy"\n'
        '"shop.images.to_batch" = "numpy"\n'
        '"shop.images.Table.__init__" = "same"\n'
        '"shop.images.Table.first" = "numpy"\n'
        '"shop.images.Table.look_up" = "same"\n'
        '"shop.images.Table.batches" = "numpy"\n'
    )


def test_a_program_that_fails_counts_and_is_said(shop, write, adopt):
    write("program.py", PROGRAM.rstrip() + "\n    sys.exit(3)\n")
    status, out, err = adopt("shop", "--", "program.py")
    assert status == 3
    assert "+def to_batch(" in out
    assert "the command has ended with status 3; what it saw counts" in err


def test_uncommitted_changes_are_not_mixed_with(shop, adopt, tmp_path):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    shop.write_text(shop.read_text("utf-8") + "\n", "utf-8")
    status, _, err = adopt("shop", "--write", "--", "program.py", forced=False)
    assert status == 2
    assert (
        "there are uncommitted changes, and writing would mix with them:\n M shop/images.py" in err
    )
    assert "hint: commit them, or --force" in err
    assert adopt("shop", "--write", "--force", "--", "program.py", forced=False)[0] == 0


def test_encodings_and_line_ends_stay(tmp_path, write, adopt):
    path = tmp_path / "old.py"
    text = "# -*- coding: latin-1 -*-\r\n# caf\xe9\r\ndef one(x):\r\n    return x\r\n"
    path.write_bytes(text.encode("latin-1"))
    write("program.py", "import numpy as np\nfrom old import one\none(np.ones(2))\n")
    status, _, err = adopt("old.py", "--write", "--", "program.py")
    assert status == 0, err
    data = path.read_bytes()
    assert b"caf\xe9\r\n" in data
    assert data.count(b"\n") == data.count(b"\r\n")
    assert b"@sk.same_world\r\ndef one(" in data


def test_functions_that_are_left_as_they_are(write, adopt):
    write(
        "odd.py",
        """
        import functools

        import numpy as np


        def logged(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper


        @logged
        def wrapped(x):
            return x


        class Box:
            def __len__(self):
                return len(np.ones(2))

            def __add__(self, other):
                return other


        def within(x):
            def inner(y):
                return y
            return inner(x)


        def raises(x):
            raise ValueError


        def both(x):
            return x


        namespace = {}
        exec("def made(x):\\n    return x", namespace)
        """,
    )
    write(
        "program.py",
        """
        import numpy as np
        from odd import *
        import odd

        one = np.ones(1)
        wrapped(one), Box() + one, within(one), odd.namespace["made"](one)
        both({1}), both(one)
        try:
            raises(one)
        except ValueError:
            pass
        """,
    )
    status, out, err = adopt("odd.py", "--", "program.py")
    assert status == 0
    assert " @logged\n+@sk.same_world\n def wrapped(x):\n" in out
    assert "within.<locals>.inner(): left out: inside of a function" in err
    assert "Box.__add__(): left out: a special method" in err
    assert "raises(): left out: each of its calls raised" in err
    assert (
        "array (x: what came beside arrays was made one)" in err.partition("both: not certain")[2]
    )
    assert "  made" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("shop",), "there is no command: python -m sekisho adopt PACKAGE -- -m pytest tests"),
        (
            ("nowhere", "--", "program.py"),
            "there is no package 'nowhere', neither by its path nor by its name",
        ),
        (("shop", "--", "no-such-command"), "there is no command 'no-such-command'"),
        (("shop", "--", "-c", "pass"), "the command called no function of shop (status 0)"),
        (("shop", "--runs", "0", "--", "-c", "pass"), "--runs must be 1 or more"),
    ],
)
def test_what_cannot_be_done_is_said(shop, adopt, arguments, message):
    status, _, err = adopt(*arguments)
    assert status == 2
    assert message in err


def test_a_package_elsewhere_by_its_name(tmp_path, write, adopt, monkeypatch):
    write("elsewhere/far.py", "def one(x):\n    return x\n")
    write("here/program.py", "import numpy as np\nfrom far import one\none(np.ones(2))\n")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    status, out, _ = adopt("far", "--", sys.executable, "program.py")
    assert status == 0
    assert f"+++ {tmp_path / 'elsewhere' / 'far.py'}" in out


def test_tensors_and_a_boundary(write, adopt, torch):
    path = write(
        "model.py",
        """
        import numpy as np
        from torch import Tensor, from_numpy


        def upload(rows):
            return from_numpy(rows)


        def attend(q, k, v, mask=None):
            b, n, d = k.shape
            assert q.dim() == 3 and v.ndim == 3
            scores = q @ k.transpose(-1, -2)
            return scores @ v


        def twice(x):
            return x + x
        """,
    )
    write(
        "program.py",
        """
        import numpy as np
        import torch
        from model import attend, twice, upload

        for b, n, m, d in [(2, 3, 4, 5), (3, 6, 7, 8), (4, 2, 9, 6), (1, 5, 2, 3)]:
            upload(np.ones((n, d), np.float32))
            attend(torch.ones(b, n, d), torch.ones(b, m, d), torch.ones(b, m, d))
            twice(torch.ones(n, d)), twice(np.ones((n, d), np.float32))
        """,
    )
    status, _, err = adopt("model.py", "--write", "--", "program.py")
    assert status == 0, err
    text = path.read_text("utf-8")
    assert (
        '@sk.boundary\ndef upload(rows: Real[np.ndarray, "*shape"]) -> Real[Tensor, "*shape"]:'
        in text
    )
    assert '    k: Float[Tensor, "b n d"],\n    v: Float[Tensor, "b n d"],\n' in text
    assert "@sk.same_world\ndef twice(x):\n" in text  # it would work with a number, too


@pytest.mark.parametrize("options", [(), ("--write",)])
@pytest.mark.parametrize(
    ("ending", "status"),
    [("pass", 0), ("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", 137), ("os._exit(7)", 7)],
)
def test_the_exit_status_is_the_commands(write, adopt, options, ending, status):
    write("shop.py", "def one(x):\n    return x\n")
    script = write(
        "program.py",
        f"""
        import os, sys
        import numpy as np
        import shop

        for n in (2, 3, 4):
            shop.one(np.ones(n))
        {ending}
        """,
    )
    assert adopt(*options, "shop.py", "--", script)[0] == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "mode"),
    [
        ("[tool.sekisho]\nmode", "off"),
        ("[tool.sekisho]\nmode", "strict violations=warn"),
        ("[tool.pytest.ini_options]\nsekisho_mode", "convert"),
    ],
)
def test_contracts_are_held_whatever_mode_the_project_sets(write, adopt, table, mode):
    """The first run passes only arrays, the second one tensors, which the deduced contract excludes."""
    pytest.importorskip("torch")
    write("pyproject.toml", f"{table} = '{mode}'\n")
    package = write(
        "shop.py", "import numpy as np\n\n\ndef one(x):\n    return np.sin(x) + np.prod(x.shape)\n"
    )
    write(
        "test_shop.py",
        """
        from pathlib import Path
        import numpy as np
        import shop

        def test_one():
            mark = Path("seen")
            import torch
            for n in (2, 3, 4):
                shop.one(torch.ones(n) if mark.exists() else np.ones(n))
            mark.touch()
        """,
    )
    _, out, err = adopt("--write", package, "--", "-m", "pytest", "-q", "test_shop.py")
    assert "taken out, since it did not hold: one" in err, out + err


@pytest.mark.parametrize(
    "low",
    [
        "import sekisho as sk",
        "from sekisho import numpy_world",
        "import sekisho as sk\nfrom jaxtyping import Real",
        "import numpy",
        "from numpy import ndarray",
        "if True:\n    import sekisho as sk",
        "def late():\n    import sekisho as sk",
    ],
)
def test_a_name_that_is_imported_below_a_definition_is_not_used_above_it(write, adopt, low):
    source = """
        import math

        def scale(x, k):
            import numpy as np

            return np.sin(x) * k
        """
    module = textwrap.dedent(source).lstrip("\n") + f"\n\n{low}\n"
    path = write("low.py", module)
    runner = write(
        "runner.py",
        """
        import numpy as np
        from low import scale
        def one(n): return scale(np.ones(n), 2.0)
        def two(n): return scale(np.ones((n, 2)), 3.0)
        def three(n): return scale(np.ones((n, 3)), 4.0)
        [(one(n), two(n), three(n)) for n in (2, 3, 5)]
        """,
    )
    status, _, _ = adopt(path, "--write", "--", runner)
    written = path.read_text("utf-8")
    assert status == 0
    assert written != module
    assert written.endswith(f"{low}\n")
    assert "numpy_world\ndef scale(" in written
