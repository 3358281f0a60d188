"""Each code: the examples of its section in docs/check.md, more plants, and clean code of each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sekisho.findings import CODES

PAGE = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (SK\d+) [\w-]+\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))

pytestmark = pytest.mark.usefixtures("torch")


def test_the_page_has_a_section_for_each_code_and_no_other():
    assert list(SECTIONS) == list(CODES)


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_is_found_and_the_good_one_is_not(project, code):
    bad, good = re.findall(r"```py\n(.*?)```", SECTIONS[code], re.DOTALL)
    project.write(bad)
    assert set(project.codes()) == {code}
    project.write(good)
    assert project.codes() == []


HEAD = "import numpy as np\nimport torch\nimport sekisho as sk\nfrom jaxtyping import Float\n"

PLANTS = {
    "SK101": [
        "x = np.ones(3)\nx = torch.as_tensor(x)",
        "def f(x: np.ndarray):\n    with sk.crossing_allowed():\n        x = torch.from_numpy(x)\n    return x",
        "for x in [torch.ones(3)]:\n    pass\nx = np.ones(3)",
    ],
    "SK102": [
        "a_tensor = np.ones(3)",
        "def f(x_np: torch.Tensor): ...",
        "class A:\n    def __init__(self):\n        self.x_np = torch.ones(3)",
        "def f(n):\n    for x_numpy in torch.ones(3):\n        pass",
        "def f(n):\n    y_t, z = np.ones(3), 1",
    ],
    "SK103": [
        "def f(x: torch.Tensor):\n    return x.detach().cpu().numpy()",
        "def f(x: torch.Tensor):\n    return np.asarray(x)",
        "def f(x: np.ndarray):\n    return torch.tensor(x)",
        "def f(x: np.ndarray):\n    return torch.Tensor(x)",
        "def f(xs: list[np.ndarray]):\n    return torch.tensor(xs)",
        "class A:\n    def f(self, x: np.ndarray):\n        return torch.from_numpy(x)",
    ],
    "SK104": [
        "def f(x: torch.Tensor, ys: list[torch.Tensor]):\n    for y in ys:\n        z = x.cuda() + y",
        "def f(x: torch.Tensor, n: int):\n    while n:\n        n -= 1\n        x.to('cuda', non_blocking=True)",
        "@sk.boundary\ndef f(x: np.ndarray, n: int):\n    for i in range(n):\n        torch.tensor(x)[i]",
    ],
    "SK105": [
        "def f(n):\n    try:\n        return np.ones(n)\n    except ValueError:\n        return torch.ones(n)",
        "def f(x):\n    if x is None:\n        return torch.ones(3)\n    if x:\n        return None\n    return np.ones(3)",
    ],
    "SK106": [
        "class A:\n    def f(self, x):\n        return x + 1\nA().f(np.ones(3))\nA().f(torch.ones(3))",
    ],
    "SK107": [
        "np.ones(3) + torch.ones(3)",
        "np.ones(3) @ torch.ones(3)",
        "torch.ones(3) > np.ones(3)",
        "x = np.ones(3)\nx += torch.ones(3)",
        "np.ones(3) < torch.ones(3)",
        "np.sum(torch.ones(3))",
        "np.flip(torch.ones(3))",
        "torch.sum(np.ones(3))",
        "torch.nn.functional.relu(np.ones(3))",
        "np.ones((3, 3)).permute(1, 0)",
        "torch.ones(3).astype('float32')",
        "def f(x: np.ndarray):\n    return x.unsqueeze(0)",
        "def f(x: torch.Tensor):\n    return x.copy()",
    ],
    "SK108": [
        "@sk.numpy_world\ndef f(x: np.ndarray):\n    y = torch.ones(3)\n    return x",
        "def f() -> torch.Tensor:\n    return np.ones(3)",
        "x: torch.Tensor = np.ones(3)",
    ],
    "SK109": [
        'def f(x: Float[np.ndarray, "b 3"]): ...\ndef g(y: Float[np.ndarray, "b 4"]):\n    f(y)',
        'def f(x: Float[np.ndarray, "b c h"]): ...\ndef g(y: Float[np.ndarray, "b c"]):\n    f(x=y)',
        'def f(x: Float[np.ndarray, "h w"]): ...\ndef g() -> Float[np.ndarray, "w h"]: ...\nf(g())',
    ],
    "SK110": [
        'def f(x: Float[np.ndarray, "height w"]) -> Float[np.ndarray, "heigth w"]: ...',
        'def f(*, x: Float[np.ndarray, "batch c"], y: list[Float[np.ndarray, "bacth 3"]]): ...',
        'def f(x: Float[np.ndarray, "*batch c"], **y: "Float[np.ndarray, \'*batsch\']"): ...',
        'X = Float[np.ndarray, "points 3"]\ndef f(x: X, y: X | Float[torch.Tensor, "point"]): ...',
        'class A:\n    async def f(self, x: Float[np.ndarray, "n+1 n"]) -> Float[np.ndarray, "N"]: ...',
        "from typing import NamedTuple\nclass B(NamedTuple):\n"
        '    x: Float[np.ndarray, "batch c"]\n    y: Float[np.ndarray, "batch"]\n'
        'def f(b: B, w: Float[np.ndarray, "bacth"]): ...',
    ],
}

CLEAN = [
    "def f(x: np.ndarray | torch.Tensor):\n    return x + 1",
    "x = np.ones(3)\nx = x + 1",
    "x = np.float64(1)\nx = torch.ones(3) * x",
    "x_t = torch.ones(3)\ny_np = np.ones(3)\nz_tensor = x_t.numpy().tolist()",
    "def f(x: np.ndarray):\n    return np.asarray(x)",
    "def f(n):\n    return torch.tensor([1, n])",
    "def f(x: torch.Tensor):\n    with sk.crossing_allowed():\n        return x.numpy()",
    "def f(x: torch.Tensor):\n    return sk.to_numpy(x)",
    "def f(x: torch.Tensor, n):\n    for i in range(n):\n        x = x.cuda()",
    "def f(x: torch.Tensor, n):\n    for i in range(n):\n        y = x.to(torch.float32)",
    "def f(x: torch.Tensor, n, device):\n    for i in range(n):\n        y = x.to(device)\n        x.add_(1)",
    "def f(x: torch.Tensor, n, device):\n    for i in range(n):\n        x[i] = 0\n        y = x.to(device)",
    "def f(n):\n    if n:\n        return np.ones(3)\n    return np.float64(1)",
    "def f(n):\n    if n:\n        return None\n    return np.ones(3)",
    "torch.ones(3) * np.float64(2)\nnp.float32(1) - torch.ones(3)",
    "np.shape(torch.ones(3))\nnp.testing.assert_allclose(torch.ones(3), np.ones(3))",
    "x = torch.ones(3)\nif hasattr(x, 'astype'):\n    x.astype('float32')",
    "def f(x: torch.Tensor):\n    try:\n        return x.astype('float32')\n    except AttributeError:\n        return x",
    "import pytest\ndef test():\n    with pytest.raises(TypeError):\n        np.ones(3) * torch.ones(3)",
    "class T(torch.Tensor):\n    def astype(self): ...\ndef f(x: T):\n    x.astype()",
    "def f(x: np.ndarray):\n    if isinstance(x, torch.Tensor):\n        x = x.unsqueeze(0)",
    'def f(x: Float[np.ndarray, "b c"]): ...\ndef g(y: Float[np.ndarray, "n d"]):\n    f(y)',
    'def f(x: Float[np.ndarray, "*b c"]): ...\ndef g(y: Float[np.ndarray, "c b"]):\n    f(y)',
    'def f(x: Float[np.ndarray, "c b"]): ...\ndef g(y: Float[np.ndarray, "b c"]):\n    f(y.T)',
    'def f(x: Float[np.ndarray, "height w"]) -> Float[np.ndarray, "_heigth w"]: ...',
    'def f(x: Float[np.ndarray, "n_in q_size dim1"]) -> Float[np.ndarray, "n_on k_size dim2"]: ...',
    'def f(x: Float[np.ndarray, "height heigth"], y: Float[np.ndarray, "h w"]) -> Float[np.ndarray, "H W"]: ...',
    'def f(x: Float[np.ndarray, "height height"], y: Float[np.ndarray, "heigth"]) -> Float[np.ndarray, "heigth+1"]: ...',
    "from typing import Callable\n"
    'def f(x: Callable[[Float[np.ndarray, "heigth"]], None]) -> Float[np.ndarray, "height"]: ...',
    # not a record, so its axes belong to no function
    "class B:\n    x: Float[np.ndarray, 'batch']\ndef f(b: B, w: Float[np.ndarray, 'bacth']): ...",
    "from jaxtyping import PyTree\n"
    'def f(x: PyTree[Float[np.ndarray, "y y"], "Y"], y: Float[np.ndarray, "n)"]): ...',
    "x = 3 * 'a'\ny = [1] + [2]\nz = 'a_tensor'",
    "x = torch.ones(3).size()\ny = x[0] * np.ones(3)",
    "x = np.ones(3) * torch.ones(3).item()",
    "x = torch.ones(3)[np.array([0, 1])]",
    "x = np.ones(3).__repr__()",
    "def f(x):\n    y = np.repeat(x, 2)\n    return y.unique()",
    "class A:\n    def argsort(self): ...\ny = np.argsort(A())\nz = y.values",
    "def f(xp, x):\n    y = xp.cos(x)\n    return xp.astype(y, float)",
    "def f(x, y):\n    return x * y\ndef g(z):\n    f(np.ones(3), z)\n    f(z, torch.ones(3))",
]


@pytest.mark.parametrize(
    ("code", "plant"), [(code, plant) for code, plants in PLANTS.items() for plant in plants]
)
def test_plants_are_found(project, code, plant):
    project.write(HEAD + plant)
    assert code in project.codes()


@pytest.mark.parametrize("clean", CLEAN)
def test_clean_code_is_not(project, clean):
    project.write(HEAD + clean)
    assert [each.message for each in project.findings()] == []


CLEAN_OF_JAX = [
    "x = jnp.ones(3)\nnp.unique(x)\nnp.sort(x) + x",
    "def f(x: Array):\n    return np.exp(x)",
    "def f(x: Array | np.ndarray):\n    return jnp.exp(x)",
    "def f(x_t: Array):\n    for step_t in x_t:\n        y_t = jnp.exp(step_t)\n    return y_t",
]


@pytest.mark.parametrize("clean", CLEAN_OF_JAX)
def test_clean_code_of_jax_is_not(project, clean):
    """NumPy and JAX accept each other's arrays, and without torch `_t` means a time step."""
    pytest.importorskip("jax")
    project.write(
        f"import numpy as np\nimport jax.numpy as jnp\nfrom jaxtyping import Array\n{clean}"
    )
    assert [each.message for each in project.findings()] == []


def test_a_name_lies_of_jax_where_its_ending_can_mean_nothing_else(project):
    pytest.importorskip("jax")
    project.write("import jax.numpy as jnp\nx_np = jnp.ones(3)")
    assert project.codes() == ["SK102"]


MESSAGES = {
    "x = np.ones(3)\nx = torch.as_tensor(x)": (
        "main.py:6:1: SK101 x becomes a tensor here: torch.as_tensor\n"
        "    x is a NumPy array since line 5: np.ones\n"
        "    help: give what is a tensor a name of its own\n"
    ),
    "def f(n):\n    w_np = torch.ones(n)": (
        "main.py:6:5: SK102 w_np is a tensor: torch.ones, and its name says NumPy\n"
        "    help: call it w_tensor\n"
    ),
    "def f(x):\n    return x.detach().numpy()\nf(torch.ones(3))": (
        "main.py:6:12: SK103 torch.Tensor.numpy takes a tensor from PyTorch to NumPy, and f declares no crossing\n"
        "    help: declare it with @sk.boundary, or in a block: with sk.crossing_allowed()\n"
    ),
    "def f(x: np.ndarray, y):\n    return x * y\nf(x=np.ones(3), y=torch.ones(3))": (
        "main.py:6:12: SK107 x * y is a NumPy array * a tensor: it raises\n"
        "    x is a NumPy array as called at main.py:7\n"
        "    y is a tensor as called at main.py:7\n"
        "    help: convert one of them: sk.to_numpy(y)\n"
    ),
    "x = np.ones(3) * torch.ones(3)": (
        "main.py:5:5: SK107 a NumPy array * a tensor: it raises\n"
        "    help: convert one of them: sk.to_numpy(...)\n"
    ),
    "x = np.ones((2, 3))\ny = x.permute(1, 0)": (
        "main.py:6:5: SK107 x is a NumPy array, and has no .permute: a tensor has\n"
        "    x is a NumPy array since line 5: np.ones\n"
        "    help: sk.permute_dims(x, axes) does it in both\n"
    ),
    "x = torch.ones(3)\ny = np.sum(x)": (
        "main.py:6:5: SK107 np.sum is given x, a tensor: it raises\n"
        "    x is a tensor since line 5: torch.ones\n"
        "    help: convert it: sk.to_numpy(x)\n"
    ),
    "def f() -> torch.Tensor:\n    return np.ones(3)": (
        "main.py:6:5: SK108 f is annotated to return a tensor, and returns a NumPy array: np.ones\n"
        "    help: return sk.to_torch(...), or annotate what it returns\n"
    ),
    'def f(x: Float[np.ndarray, "b c"]): ...\ndef g(y: Float[np.ndarray, "c b"]):\n    f(y)': (
        'main.py:7:5: SK109 f wants x as "b c", and y is "c b": the same axes, in another order\n'
    ),
    'def f(\n    x: Float[np.ndarray, "n points"],\n    y: Float[np.ndarray, "n point"],\n): ...': (
        "main.py:7:8: SK110 axis 'point' of argument 'y' differs from 'points' of argument 'x' only in one letter; "
        "a slip?\n"
        "    help: write 'points', or '_point' if no other axis has to have this size\n"
    ),
}


@pytest.mark.parametrize("code", MESSAGES)
def test_messages(project, run_check, code):
    project.write(HEAD + code)
    status, out, _ = run_check("main.py", "--select", "SK")
    assert status == 1
    lines = out.splitlines(keepends=True)[:-1]  # without the summary
    kept = [line for line in lines if not re.match(r" +\d* ?\| ", line)]  # without the source
    assert re.sub(r" \[[a-z-]+\] ", " ", "".join(kept)) == MESSAGES[code]
