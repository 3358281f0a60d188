"""The first mistakes of a newcomer, and the fix that each of them is answered with; none is silent."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import re
import subprocess
import sys
import timeit
import warnings
from pathlib import Path
from types import ModuleType

import pytest

import sekisho as sk
from sekisho.__main__ import main
from sekisho.context import modes

VARIABLE = re.compile('"(SEKISHO_[A-Z_]+)"')
SETUP = """
import beartype, dataclasses, jaxtyping, typing
import numpy as np, torch
from jaxtyping import Float, Float32
import sekisho as sk
A, T = np.ndarray, torch.Tensor
"""


def guarded(annotation: str, call: str, decorator: str = "numpy_world", body: str = "return x"):
    return f"@sk.{decorator}\ndef f(x: {annotation}): {body}\nf({call})"


MISTAKES = {
    # names and imports
    "numpy": ("@sk.numpy\ndef f(x): ...", "hint: sekisho.numpy_world, or sekisho.to_numpy(x)"),
    "torch": ("@sk.torch\ndef f(x): ...", "hint: sekisho.torch_world, or sekisho.to_torch(x)"),
    "a misspelt import": ("from sekisho import numpy_word", "hint: sekisho.numpy_world"),
    "jaxtyping's decorator": (
        "from sekisho import jaxtyped",
        "hint: sekisho.numpy_world, torch_world",
    ),
    "jaxtyping's types": ("sk.Float32[A, 'n']", "hint: from jaxtyping import Float32"),
    "torch's class": (
        "def f(x: sk.Tensor): ...",
        "hint: sekisho.Array, or the class of one library",
    ),
    "torch's converter": ("sk.from_numpy(np.ones(3))", "hint: sekisho.to_torch(x)"),
    "torch's function": ("sk.unsqueeze(np.ones(3), 0)", "hint: sekisho.expand_dims(x, axis)"),
    "a function of the standard": (
        "sk.mean(np.ones(3))",
        "module 'sekisho' has no 'mean'.\n  hint: sekisho.namespace(x).mean",
    ),
    "a library that is none of ours": (
        "@sk.tensorflow_world\ndef f(x): ...",
        "hint: sekisho.World, to add tensorflow: see docs/worlds.md",
    ),
    "a library for short": ("@sk.np_world\ndef f(x): ...", "hint: sekisho.numpy_world"),
    "any world": ("@sk.any_world\ndef f(x): ...", "hint: sekisho.same_world"),
    "a world as a word": (
        "@sk.world('numpy')\ndef f(x): ...",
        "hint: sekisho.numpy_world, torch_world, ...",
    ),
    "a name of testing": ("sk.both_worlds(len)", "hint: sekisho.testing.both_worlds"),
    "a configuration": (
        "sk.config.mode = 'strict'",
        "hint: sekisho.set_mode(...), or [tool.sekisho] in pyproject.toml",
    ),
    "off": ("sk.disable()", "hint: sekisho.mode('off')"),
    "strict": ("sk.strict()", "hint: sekisho.mode('strict')"),
    "allow": ("with sk.allow_crossing(): ...", "hint: sekisho.crossing_allowed()"),
    # modes and options
    "no parentheses": ("with sk.mode: ...", "hint: with sekisho.mode(...):"),
    "no with": ("sk.mode('strict')", "hint: with sekisho.mode(...):"),
    "a capital": ("sk.set_mode('Strict')", "hint: did you mean 'strict'?"),
    "a mode as an option": (
        "@sk.numpy_world(mode='strict')\ndef f(x): ...",
        "hint: set_mode('strict'), or a block: with mode('strict'):",
    ),
    "a dtype as an option": (
        "@sk.numpy_world(dtype='float32')\ndef f(x): ...",
        "hint: it stands in an annotation, as in x: Float32[numpy.ndarray, 'h w']",
    ),
    "a device of NumPy": (
        "@sk.numpy_world(device='cuda')\ndef f(x): ...",
        "hint: 'device' is an option of torch_world",
    ),
    "a GPU": ("@sk.torch_world(device='gpu')\ndef f(x): ...", "a GPU is 'cuda', 'mps' or 'xpu'"),
    # what is decorated
    "a word": (
        "@sk.numpy_world('float32')\ndef f(x): ...",
        "hint: write @numpy_world in a line of its own above the function",
    ),
    "an array": ("sk.numpy_world(torch.ones(3))", "hint: to convert an array, call to_numpy(x)"),
    "a converter": ("@sk.to_numpy\ndef f(x): ...", "the decorator is @numpy_world"),
    "two worlds": (
        "@sk.numpy_world\n@sk.torch_world\ndef f(x): ...",
        "hint: leave one out, or write @boundary in place of both",
    ),
    # annotations
    "the other library": (
        guarded("T", "1"),
        "hint: declare an array of NumPy, or decorate with @boundary",
    ),
    "a function": (guarded("np.array", "1"), "hint: the class is numpy.ndarray"),
    "a module": (guarded("torch", "1", "torch_world"), "hint: the class is torch.Tensor"),
    "a size by its name": (
        "@sk.numpy_world\ndef f(x: Float[A, 'n'], size: int) -> Float[A, 'size']: ...",
        "f(): axis 'size' of the result is not the value of argument 'size': no other array has it, "
        "so it may have any size\n"
        "  hint: write '{size}' for the value of the argument, or '_size' for any size",
    ),
    "spaces in an expression": (
        guarded("Float[A, 'n + 1']", "1"),
        "'+' is no axis\n  hint: an expression has no spaces, as in 'n+1'",
    ),
    "a tuple in the string": (
        guarded("Float[A, '(b, n)']", "1"),
        "'(b,' is no axis\n  hint: a shape has no brackets here: 'b'",
    ),
    "a name with a colon": (
        guarded("Float[A, 'batch: n']", "1"),
        "'batch:' is no axis\n  hint: an axis is its name: 'batch'",
    ),
    "x between axes": (
        guarded("Float[A, '3xhxw']", "1"),
        "'3xhxw' is no axis\n  hint: axes are separated by spaces: '3 h w'",
    ),
    "a compiled function": (
        "sk.torch_world(torch.jit.script(torch.nn.functional.relu))",
        "hint: a decorator below this one gives what has no signature: write it above this one, or "
        "guard a function that calls what it gives",
    ),
    "a dtype": (guarded("Float32", "1"), 'hint: Float32[numpy.ndarray, "..."]'),
    "no axes": (guarded("Float32[A]", "1"), "For example `Float[jax.Array, 'foo bar']`"),
    "commas": (guarded("Float32[A, 'h, w']", "1"), "separated with spaces, not commas"),
    "brackets": (guarded("Float32[A, '[n]']", "1"), "hint: a shape has no brackets here: 'n'"),
    "a bracket": (guarded("Float32[A, '[h w]']", "1"), "hint: a shape has no brackets here: 'h'"),
    "minus one": (guarded("Float32[A, '-1 3']", "1"), "hint: '_' is an axis of any size"),
    "a colon": (guarded("Float32[A, ': 3']", "1"), "hint: '_' is an axis of any size"),
    "a question": (guarded("Float32[A, '? 3']", "1"), "hint: '_' is an axis of any size"),
    "a product": (guarded("Float32[A, 'h*w']", "1"), "hint: axes are separated by spaces: 'h w'"),
    "an unbound axis": (
        guarded("Float32[A, 'n+1']", "1"),
        "hint: an argument in front of it has to have the axis 'n'",
    ),
    "axes in the class": (guarded("A['h w']", "1"), 'as in Float32[numpy.ndarray, "h w"]'),
    "axes alone": (guarded("'h w'", "1"), 'as in Float32[numpy.ndarray, "h w"]'),
    "a slip": (
        "@sk.numpy_world\ndef f(x: Float32[A, 'height w']) -> Float32[A, 'heigth w']: ...",
        "hint: write 'height'",
    ),
    "a missing import": (
        "from __future__ import annotations\n" + guarded("Missing[A, 'n']", "1"),
        "name 'Missing' is not defined",
    ),
    # values
    "a list": (guarded("Float32[A, 'n']", "[1., 2.]"), "hint: numpy.asarray(x, dtype='float32')"),
    "NumPy's default": (guarded("Float32[A, 'n']", "np.ones(2)"), "hint: x.astype('float32')"),
    "integers": (
        guarded("Float[A, 'n']", "np.arange(3)"),
        "hint: x.astype('float32'), or Int in the annotation",
    ),
    "booleans": (
        guarded("Float[A, 'n']", "np.ones(3, bool)"),
        "hint: x.astype('float32'), or Bool in the annotation",
    ),
    "complex numbers": (
        guarded("Float[A, 'n']", "np.array([1j])"),
        "hint: it has an imaginary part, which Float has not: take x.real or abs(x) first",
    ),
    "a generator": (
        guarded("A", "(i for i in [1.0])"),
        "hint: it yields its items: make a list first, list(x)",
    ),
    "the name of a file": (guarded("A", "'x.npy'"), "read it first, with numpy.load(x)"),
    "a method": (guarded("A", "torch.ones(3).numpy"), "hint: it was not called: x()"),
    "no batch": (
        guarded("Float32[T, 'b c h w']", "torch.ones(3, 4, 5)", "torch_world"),
        "hint: the batch axis is missing: add_batch_dim(x), which is x.unsqueeze(0)",
    ),
    "channels": (
        guarded("Float32[T, '3 h w']", "torch.ones(4, 5, 3)", "torch_world"),
        "hint: the channels look last: channels_first(x)",
    ),
    "a graph": (
        guarded("A", "torch.ones(3, requires_grad=True)"),
        "hint: x.detach(), or the option",
    ),
    "nothing": (guarded("A", "None"), "hint: if it may be missing, let its annotation say so"),
    "no return": (
        "@sk.numpy_world\ndef f(x: A) -> A: x + 1\nf(np.ones(3))",
        "hint: the function returned nothing: is a 'return' missing?",
    ),
    "two results": (
        "@sk.numpy_world\ndef f(x: A) -> A: return x, x\nf(np.ones(3))",
        "hint: it returned several values: annotate tuple[...], or return one of them",
    ),
    "a foreign result": (
        "@sk.numpy_world\ndef f(x: A) -> A: return torch.ones(3)\nf(np.ones(3))",
        "hint: to_numpy(result)",
    ),
    "strict mode": (
        "with sk.mode('strict'):\n    " + guarded("A", "torch.ones(3)").replace("\n", "\n    "),
        "hint: to_numpy(x), or @numpy_world(on_foreign='convert')",
    ),
    # helpers
    "a device without its name": (
        "sk.to_torch(np.ones(3), 'cuda')",
        "hint: to_torch(x, device='cuda')",
    ),
    "a dtype without its name": (
        "sk.to_torch(np.ones(3), torch.float32)",
        "the dtype stays; cast with .astype(dtype) or .to(dtype)",
    ),
    "a misspelt option": ("sk.to_numpy(torch.ones(3), detatch=True)", "did you mean 'detach'?"),
    "arrays one by one": ("sk.stack(np.ones(3), np.ones(3))", "hint: stack([a, b])"),
    "a check the wrong way round": (
        "sk.check(A, np.ones(3))",
        "hint: the value comes first: check(value, annotation)",
    ),
    "a check of axes": (
        "sk.check(np.ones(3), 'n')",
        "check(value, Float32[numpy.ndarray, 'n'])",
    ),
    "a check of a string": (
        "sk.check(np.ones(3), \"Float[A, 'n']\")",
        "hint: without quotes: check(value, Float[A, 'n'])",
    ),
    "a hook for a folder": (
        "sk.install_import_hook('src/json')",
        "hint: the name by which it is imported: 'json'",
    ),
    "a hook too late": (
        "import json\nsk.install_import_hook('json')",
        "hint: install the hook before the first import of json",
    ),
}

MISTAKES |= {
    f"{name} assigned": (
        f"sk.{name} = 'strict'",
        f"sekisho.{name} is called, not assigned.\n  hint: sekisho.{name}('strict')",
    )
    for name in sk.__all__
    if callable(getattr(sk, name)) and name != "mode"
} | {
    "a mode assigned": (
        "sk.mode = 'strict'",
        "sekisho.mode is called, not assigned.\n  hint: with sekisho.mode('strict'):",
    ),
    "a switch assigned": ("sk.set_mode = True", "hint: sekisho.set_mode(...)"),
    "a setting assigned": ("sk.strict = True", "has no 'strict'.\n  hint: sekisho.mode('strict')"),
}

OF_OTHERS = {
    "axes as a tuple": "Float32[A, (3, 4)]",
    "a function with axes": "Float32[np.array, 'n']",
    "axes in torch's class": "T['h w']",
    "a submodule": "import sekisho.numpy_world",
}
"""What Python, jaxtyping or torch refuses before sekisho sees it, in words that name no fix."""


def answer(code: str) -> str:
    """What somebody reads who runs code: the error, or the warnings."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            first, future, rest = code.rpartition("from __future__ import annotations\n")
            text = f"{future}{SETUP}{first}{rest}"
            # This file has its annotations as strings; a newcomer's has not.
            exec(compile(text, "newcomer.py", "exec", dont_inherit=True), {"__name__": "newcomer"})
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        gc.collect()
    return "\n".join(str(each.message) for each in warned)


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_with_its_fix(name):
    code, fix = MISTAKES[name]
    assert fix in answer(code)
    assert sk.get_mode() == "convert"


def test_a_test_can_replace_a_function_of_the_module(monkeypatch):
    monkeypatch.setattr(sk, "get_mode", lambda: "strict")
    assert sk.get_mode() == "strict"
    monkeypatch.undo()
    assert sk.get_mode() == "convert"


def test_the_module_is_pickled_by_its_name():
    """Ray, Dask and joblib send the module along with a function that uses it."""
    cloudpickle = pytest.importorskip("cloudpickle")
    for pickled in (pickle.dumps(sk), cloudpickle.dumps(sk)):
        assert pickle.loads(pickled) is sk
    assert copy.deepcopy(sk) is sk


def test_reading_the_module_is_as_fast_as_if_it_could_be_assigned_to():
    plain = ModuleType("plain")
    vars(plain).update(vars(sk))
    timers = [timeit.Timer("sk.set_mode", globals={"sk": module}) for module in (sk, plain)]
    rounds = [[timer.timeit(20_000) for timer in timers] for _ in range(50)]  # in turns
    ours, theirs = map(min, zip(*rounds, strict=True))
    assert ours < theirs * 1.3


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("name", OF_OTHERS)
def test_what_others_refuse_is_not_silent(name):
    assert "Error: " in answer(OF_OTHERS[name])


def test_nine_of_ten_have_their_fix():
    assert len(MISTAKES) >= 9 * len(OF_OTHERS)


RIGHT = {
    "a property": "class C:\n    @sk.numpy_world\n    @property\n    def f(self) -> N: return np.ones((2, 2))\nC().f",
    "a static method": "class C:\n    @sk.numpy_world\n    @staticmethod\n    def f(x: N): ...\nC.f(BAD)",
    "a class method": "class C:\n    @sk.numpy_world\n    @classmethod\n    def f(cls, x: N): ...\nC.f(BAD)",
    "a class": "@sk.numpy_world\nclass C:\n    def f(self, x: N): ...\nC().f(BAD)",
    "a dataclass": "@sk.numpy_world\n@dataclasses.dataclass\nclass C:\n    x: N\nC(BAD)",
    "parentheses": "@sk.numpy_world()\ndef f(x: N): ...\nf(BAD)",
    "below jaxtyped": "@jaxtyping.jaxtyped(typechecker=beartype.beartype)\n@sk.numpy_world\ndef f(x: N): ...\nf(BAD)",
    "above jaxtyped": "@sk.numpy_world\n@jaxtyping.jaxtyped(typechecker=beartype.beartype)\ndef f(x: N): ...\nf(BAD)",
    "below beartype": "@beartype.beartype\n@sk.numpy_world\ndef f(x: N): ...\nf(BAD)",
    "above beartype": "@sk.numpy_world\n@beartype.beartype\ndef f(x: N): ...\nf(BAD)",
}


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("name", RIGHT)
def test_an_order_that_looks_wrong_and_is_right_checks_all_the_same(name):
    code = RIGHT[name].replace("BAD", "np.ones((2, 2))").replace("N", "Float[A, 'n']")
    # A checker that stands above the guard is the first to refuse, in its own words.
    refusals = ("has 2 axes, not 1", "Type-check error", "violates type hint")
    assert any(refusal in answer(code) for refusal in refusals)


SETTINGS = {
    '[tool.sekisho]\nmode = "strickt"\n': "hint: did you mean 'strict'?",
    '[tool.sekisho]\npackges = ["a"]\n': "Did you mean 'packages'?",
    '[tool.sekisho.check]\nselct = ["SK107"]\n': "Did you mean 'select'?",
    '[tool.sekisho.check]\nselect = ["SK17"]\n': "Did you mean 'SK107'?",
    "[tool.sekisho]\nstrict = true\n": "there is no setting 'strict'. Did you mean mode = \"strict\"?",
    '[tools.sekisho]\nmode = "strict"\n': "Did you mean [tool.sekisho]?",
    '[tool.sekishi]\nmode = "strict"\n': (
        "nothing reads [tool.sekishi]. Did you mean [tool.sekisho]?"
    ),
    '[sekisho]\nmode = "strict"\n': "nothing reads [sekisho]. Did you mean [tool.sekisho]?",
    '[tool.sekisho]\npackages = ["a"]\n[tool.sekisho.worlds]\na = "numppy"\n': (
        "[tool.sekisho.worlds] 'a': there is no world 'numppy'.\n  hint: did you mean 'numpy'?"
    ),
}


@pytest.mark.parametrize("text", SETTINGS)
def test_a_misspelt_setting_is_answered_with_its_fix(text, tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["config"])
    assert SETTINGS[text] in capsys.readouterr().err


COMMANDS = {
    "adopt a.py a.py": "as in sekisho adopt a.py -- a.py",
    "crossings python a.py --n 3": "Leave out 'python': sekisho crossings a.py --n 3",
    "crossings python3.12 -m json.tool": "Leave out 'python3.12': sekisho crossings -m json.tool",
    "crossings tests/test_wordz.py": "Did you mean 'tests/test_words.py'?",
    "chek .": "Did you mean 'check'?",
    "lint .": "there is no command 'lint'. Did you mean 'check'?",
    "fuzz package": "Did you mean 'pytest --sekisho-fuzz=PACKAGE'?",
    "check --fix --write .": "there is no option '--write'. See --help",
    "map --htm page.html": "there is no option '--htm'. Did you mean '--html'?",
    "config mode": "Settings are written into [tool.sekisho] of pyproject.toml",
    "crossings": "For example: sekisho crossings --html report.html train.py",
    "crossings pytest": "To run a module: sekisho crossings -m pytest",
    "adopt package": "python -m sekisho adopt PACKAGE -- -m pytest tests",
    "adopt package pytest tests": "as in sekisho adopt package -- pytest tests",
    "check --select SK17 .": "Did you mean 'SK107'?",
    "map --only numpi .": "Did you mean 'numpy'?",
}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_wrong_command_line_is_answered_with_its_fix(line, capsys):
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2
    assert COMMANDS[line] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "fix"),
    [
        ("--sekisho-mode=strickt", "hint: did you mean 'strict'?"),
        ("--sekisho-mod=strict", "unrecognized arguments: --sekisho-mod=strict"),
        (
            "--sekisho-fuzz=json",
            "hint: decorate its functions, or let 'sekisho adopt json -- -m pytest'",
        ),
        ("--sekisho-fuzz=jsn", "No module named 'jsn'"),
        ("--sekisho-fuzz=src/jsn.py", "hint: the name by which it is imported: 'jsn'"),
    ],
)
def test_a_wrong_option_of_pytest_is_an_error(option, fix, tmp_path):
    (tmp_path / "test_a.py").write_text("def test_a(): ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", option, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 4
    assert fix in done.stderr


def test_a_module_that_is_not_imported_is_named(tmp_path):
    done = run(["-c", "import sekisho as sk\nsk.testing.both_worlds(len)"], tmp_path)
    assert done.stderr.endswith(
        "module 'sekisho' has no 'testing' before it is imported.\n  hint: import sekisho.testing\n"
    )


def test_a_wrong_marker_is_an_error(tmp_path):
    (tmp_path / "test_a.py").write_text(
        "import pytest\n@pytest.mark.sekisho_strict\ndef test_a(): ...\n"
    )
    done = run(["-m", "pytest", "-q", str(tmp_path)], tmp_path)
    assert done.returncode == 4
    assert (
        "test_a.py::test_a: there is no marker 'sekisho_strict'.\n"
        "  hint: @pytest.mark.sekisho_mode('strict')" in done.stderr
    )


def test_a_marker_of_the_project_may_begin_like_ours(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  sekisho_slow: takes long\n")
    (tmp_path / "test_a.py").write_text(
        "import pytest\n@pytest.mark.sekisho_slow\ndef test_a(): ...\n"
    )
    assert run(["-m", "pytest", "-q", str(tmp_path)], tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("name", "is_said"),
    [
        ("SEKISHO_MOD", True),
        ("SEKISHO", True),
        ("SEKISHO_CACHE_DIR", False),
        ("SEKISHO_UPDATE_GOLDEN", False),
        ("MODE", False),
    ],
)
def test_a_misspelt_environment_variable_is_named(name, is_said, tmp_path):
    done = run(["-c", "import sekisho"], tmp_path, **{name: str(tmp_path)})
    text = f"nothing reads the environment variable {name}\n  hint: did you mean SEKISHO_MODE?\n"
    assert done.returncode == 0
    assert (text in done.stderr) is is_said
    assert is_said or not done.stderr


def test_the_names_that_count_as_known_are_the_variables_that_the_sources_read():
    sources = Path(sk.__file__).parent.rglob("*.py")
    found = {name for each in sources for name in VARIABLE.findall(each.read_text("utf-8"))}
    assert found == modes._KNOWN


def test_an_option_behind_the_script_is_named_unless_the_script_knows_it(tmp_path):
    plain, own = tmp_path / "plain.py", tmp_path / "own.py"
    plain.write_text("")
    own.write_text("import sys\nassert '--html' in sys.argv\n")
    said = (
        f"sekisho: --html is passed to {plain}: options of crossings stand in front of the script\n"
    )
    for script, is_said in ((plain, True), (own, False)):
        arguments = ["-m", "sekisho", "crossings", "--quiet", str(script), "--html", "x.html"]
        done = run(arguments, tmp_path)
        assert (done.returncode, done.stderr) == (0, said * is_said)


def run(arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )
