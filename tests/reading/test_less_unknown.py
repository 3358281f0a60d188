"""What is known of values that come by defaults, partial functions, data loaders, comments and other libraries."""

from __future__ import annotations

import ast
import sys

import pytest

from sekisho.code import Cache, Libraries, parse_typed

pytest.importorskip("torch")

HEAD = """\
import copy
import functools
import itertools
import math
import os
import time
import numpy as np
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset, random_split

a = np.ones((3, 3), np.float32)
t = torch.ones(3, 3)
"""


# --- defaults


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("def f(x=300): return x\n", "none"),
        ("def f(x=None): return x\n", "unknown"),
        ("def f(x=torch.float32): return x\n", "none"),
        ("def f(x=a): return x\n", "numpy"),
        ("def f(x=a): return x\nf()\n", "numpy"),
        ("def f(x=a): return x\nf(t)\n", "numpy | torch"),
        ("def f(x=None): return x\nf()\n", "none"),
    ],
)
def test_a_default_tells_what_a_parameter_is(project, text, x):
    assert project.held(HEAD + text)["x"] == x


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("def f(n, dtype=torch.float32):\n    return np.zeros(n, dtype=dtype)\nf(3)\n", "SK107"),
        (
            "def f(n, device='cuda'):\n    return torch.ones(n, device=device).numpy()\nf(3)\n",
            "SK111",
        ),
        ("def f(n, device='cuda'):\n    return torch.ones(n, device=device).numpy()\n", ""),
        ("def f(x=a):\n    return torch.relu(x)\n", ""),
    ],
)
def test_a_default_counts_where_a_function_is_called_without_it(project, text, code):
    project.write(HEAD + text)
    assert [each.code for each in project.findings("SK107", "SK111")] == [code] * bool(code)


# --- functions of functions


@pytest.mark.parametrize(
    ("expression", "world"),
    [
        ("functools.partial(np.add, a)(a)", "numpy"),
        ("functools.partial(torch.add, other=t)(t)", "torch"),
        ("functools.partial(lambda x, y: a, 1)(2)", "numpy"),
        ("functools.partial(functools.partial(torch.add, t), t)()", "torch"),
        ("[*map(torch.from_numpy, [a, a])][0]", "torch"),
        ("[*map(functools.partial(np.add, a), [a])][0]", "numpy"),
        ("[*itertools.chain([a], [a])][0]", "numpy"),
        ("[*itertools.islice([t], 3)][0]", "torch"),
        ("a.sum", "none"),
    ],
)
def test_functions_that_are_handed_on(project, expression, world):
    assert project.held(HEAD + f"y = {expression}\n")["y"] == world


def test_pairs_that_are_taken_apart(project):
    worlds = project.held(HEAD + "x, y = zip(*[(a, t), (a, t)], strict=True)\n")
    assert (worlds["x"], worlds["y"]) == ("tuple[numpy]", "tuple[torch]")


@pytest.mark.parametrize(
    "line",
    [
        "functools.partial(torch.add, t)(a)",
        "[*map(torch.relu, [a])]",
        "nn.Sequential(*[nn.Linear(3, 3), nn.ReLU()])(a)",
        "nn.Sequential(*[nn.Linear(3, 3)], nn.ReLU())(a)",
        "torch.func.vmap(torch.func.grad(lambda x: x.sum()))(a)",
        "torch.distributions.Normal(np.exp(a), 1.0)",
        "t.max(axis=1).mean()",
        "np.mean([0.1, 0.2]).backward()",
        "nn.Linear(3, 3).state_dict()['weight'].copy()",
    ],
)
def test_what_raises_by_them_is_told(project, line):
    with pytest.raises((TypeError, AttributeError, ValueError, RuntimeError)):
        exec(HEAD + line, {})
    project.write(HEAD + line)
    assert [each.code for each in project.findings("SK107")] == ["SK107"]


@pytest.mark.parametrize(
    "line",
    [
        "nn.Sequential(*[nn.Identity()])(a)",
        "t.max(axis=1).values.mean()",
        "np.mean([0.1, 0.2]).item()",
        "torch.func.vmap(lambda x: x.sum())(t)",
        "torch.distributions.Normal(np.float64(1), np.float64(1))",
        "np.cos(t.sum().item()) * t",
        "np.array([t, 1], dtype=object)[0].detach()",
        "functools.reduce(lambda x, y: x + y, [t, t], 0).detach()",
        "np.array_equal(nn.Linear(3, 3)(t), a)",
        "np.swapaxes(nn.Linear(3, 3)(t), 0, 1)",
    ],
)
def test_what_runs_is_not(project, line):
    exec(HEAD + line, {})
    project.write(HEAD + line)
    assert project.findings("SK107", "SK111") == []


# --- datasets and their loaders

ITEMS = """
class Items(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return {item}


dataset = Items()
{use}
"""


@pytest.mark.parametrize(
    ("item", "batch"),
    [
        ("np.ones(3)", "torch"),
        ("torch.ones(3)", "torch"),
        ("1.5", "torch"),
        ("'name'", "none"),
        ("(np.ones(3), 1)", "tuple[torch, torch]"),
        ("[np.ones(3)]", "list[torch]"),
        ("{'image': np.ones(3), 'name': 'a'}", "dict[torch]"),
    ],
)
def test_a_loader_puts_items_together(project, item, batch):
    use = "for batch in DataLoader(dataset, batch_size=2):\n    pass\n"
    namespace = {}
    exec(HEAD + ITEMS.format(item=item, use=use), namespace)
    assert ("Tensor" in repr(namespace["batch"]) or "tensor" in repr(namespace["batch"])) is (
        "torch" in batch
    )
    assert project.held(HEAD + ITEMS.format(item=item, use=use))["batch"] == batch


@pytest.mark.parametrize(
    ("use", "batch"),
    [
        ("for batch in DataLoader(dataset, batch_size=None): pass", "torch"),
        ("for batch in DataLoader(Subset(dataset, [0])): pass", "torch"),
        ("for batch in DataLoader(ConcatDataset([dataset, dataset])): pass", "torch"),
        ("for batch in DataLoader(random_split(dataset, [1, 2])[0]): pass", "torch"),
        ("for batch in DataLoader(TensorDataset(t, t)): pass", "tuple[torch, torch]"),
        ("for batch in DataLoader(dataset, collate_fn=lambda items: a): pass", "numpy"),
        ("for batch in DataLoader(dataset, collate_fn=np.stack): pass", "numpy"),
        ("for i, batch in enumerate(DataLoader(dataset)): pass", "torch"),
        ("batch = next(iter(DataLoader(dataset)))", "torch"),
        (
            "def run(loader):\n    for batch in loader:\n        pass\nrun(DataLoader(dataset))",
            "torch",
        ),
        (
            "def run(loader: DataLoader):\n    for batch in loader:\n        pass\nrun(DataLoader(dataset))",
            "torch",
        ),
        ("for batch in DataLoader(dataset, **{'batch_size': 2}): pass", "unknown"),
    ],
)
def test_loaders_of_all_kinds(project, use, batch):
    assert project.held(HEAD + ITEMS.format(item="np.ones(3)", use=use))["batch"] == batch


# --- comments with types


@pytest.mark.parametrize(
    ("text", "world"),
    [
        ("def f(x):\n    # type: (np.ndarray) -> None\n    y = x", "numpy"),
        ("def f(x,  # type: torch.Tensor\n      ):\n    y = x", "torch"),
        (
            "class C:\n    def f(self, x):\n        # type: (torch.Tensor) -> None\n        y = x",
            "torch",
        ),
        ("def f(x):\n    # type: (...) -> torch.Tensor\n    return x\ny = f(1)", "torch"),
        ("def f(x):\n    y = x  # type: np.ndarray", "numpy"),
        ("def f(x: torch.Tensor):\n    # type: (np.ndarray) -> None\n    y = x", "torch"),
        ("def f(x):\n    y = x  # type: ignore", "unknown"),
    ],
)
def test_a_type_in_a_comment_counts_as_an_annotation(project, text, world):
    assert project.held(HEAD + text)["y"] == world


def test_a_comment_where_none_is_allowed_is_passed_over():
    text = "x = (1,  # type: int\n     2)\n"
    with pytest.raises(SyntaxError):
        ast.parse(text, type_comments=True)
    assert ast.dump(parse_typed(text)) == ast.dump(ast.parse(text))


# --- other libraries


@pytest.mark.parametrize(
    ("expression", "world"),
    [
        ("time.time()", "none"),
        ("os.path.join('a', 'b')", "none"),
        ("math.sqrt(2)", "none"),
        ("copy.deepcopy(a)", "numpy"),
        ("np.load('f')['key']", "numpy"),
    ],
)
def test_the_standard_library_and_numpy(project, expression, world):
    pytest.importorskip("mypy")  # which brings typeshed
    assert project.held(HEAD + f"y = {expression}\n")["y"] == world


@pytest.mark.parametrize("name", ["values", "to_numpy()"])
@pytest.mark.parametrize("frame", ["pd.DataFrame({'x': [1]})", "pd.DataFrame({'x': [1]})['x']"])
def test_pandas(project, frame, name):
    pytest.importorskip("pandas")
    assert project.held(HEAD + f"import pandas as pd\ny = {frame}.{name}\n")["y"] == "numpy"


@pytest.mark.parametrize(
    "line",
    [
        "import pandas as pd; pd.Series(y)",
        "import pandas as pd; pd.DataFrame({'y': y[0]})",
        "from sklearn.decomposition import PCA; PCA().fit(y)",
        "from sklearn.metrics import mean_squared_error; mean_squared_error(a, y)",
        "import scipy.ndimage; scipy.ndimage.gaussian_filter(y, 1)",
        "import matplotlib.pyplot as plt; plt.plot(y)",
        "np.histogram(y)",
        "np.diff(y)",
    ],
)
def test_who_reads_the_memory_of_a_tensor(project, line):
    pytest.importorskip(
        line.split()[1].partition(".")[0].rstrip(";") if "import" in line else "numpy"
    )
    text = f"y = nn.Linear(3, 3)(t)\n{line}\n"
    with pytest.raises(RuntimeError, match="requires grad"):
        exec(HEAD + text, {})
    project.write(HEAD + text)
    assert project.findings("SK111")


# --- stub packages

PARTIAL = {"lib-stubs/py.typed": "partial\n", "lib-stubs/b.pyi": "def b() -> int: ...\n"}
RUNTIME = {
    "lib/__init__.py": "from lib.a import f\n",
    "lib/a.py": "def f() -> str: ...\n",
    "lib/b.py": "def b(): ...\n",
    "lib/inner/__init__.py": "",
    "lib/inner/c.py": "def c() -> str: ...\n",
}


def tables(tmp_path, files, *paths):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Libraries(Cache(keeps=False), [str(tmp_path / each) for each in paths or [""]])


def test_a_partial_stub_package_falls_back_to_the_package(tmp_path):
    libraries = tables(tmp_path, {**PARTIAL, **RUNTIME, "lib-stubs/inner/__init__.pyi": ""})
    assert libraries.table("lib").names["f"] == ("import", "lib.a", "f")
    assert "f" in libraries.table("lib.a").names
    assert libraries.table("lib.b").names["b"][1][0][1] == "int"
    assert "c" in libraries.table("lib.inner.c").names


def test_a_partial_stub_package_adds_to_what_a_typed_package_says_itself(tmp_path):
    files = {**PARTIAL, **RUNTIME, "lib/py.typed": "", "lib-stubs/d.pyi": "def d() -> int: ...\n"}
    files["lib-stubs/__init__.pyi"] = "def g() -> int: ...\n"
    libraries = tables(tmp_path, files)
    assert "f" in libraries.table("lib").names
    assert libraries.table("lib.b").names["b"][1][0][1] is None
    assert "d" in libraries.table("lib.d").names


def test_a_whole_stub_package_is_read_for_the_package(tmp_path):
    files = {**RUNTIME, "lib-stubs/__init__.pyi": "def g() -> int: ...\n"}
    assert "g" in tables(tmp_path, files).table("lib").names


def test_stubs_may_be_in_another_folder_of_the_path(tmp_path):
    files = {
        f"{'one' if 'stubs' in name else 'two'}/{name}": text
        for name, text in {**PARTIAL, **RUNTIME}.items()
    }
    libraries = tables(tmp_path, files, "two", "one")
    assert libraries.table("lib.b").names["b"][1][0][1] == "int"
    assert "f" in libraries.table("lib").names


def test_check_finds_what_it_finds_beside_partial_stubs(project, tmp_path, monkeypatch):
    stubs = tmp_path / "path" / "torch-stubs"
    stubs.mkdir(parents=True)
    (stubs / "py.typed").write_text("partial\n", "utf-8")
    (stubs / "__init__.pyi").write_text("class Tensor: ...\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(stubs.parent), *sys.path])
    project.write(HEAD + "torch.relu(a)\n")
    assert project.findings("SK107")


# --- other packages' mistakes that were none


def test_which_of_several_methods_is_called_one_cannot_see(project):
    project.write(
        HEAD
        + "class Backend:\n    def log(self, x):\n        raise NotImplementedError\n"
        + "class InNumPy(Backend):\n    def log(self, x):\n        return np.log(x)\n"
        + "class InTorch(Backend):\n    def log(self, x):\n        return torch.log(x)\n"
        + "    def as_self(self, x):\n        return torch.tensor(0, dtype=x.dtype)\n"
        + "def use(backend: Backend):\n    return backend.log(a)\n"
    )
    assert project.findings("SK107") == []


def test_what_an_annotation_excludes_is_something_else_where_it_is_asked_for(project):
    project.write(
        HEAD + "def f(x: np.ndarray):\n    if isinstance(x, np.ndarray):\n"
        "        return x\n    return x[0].to('cpu')\n"
    )
    assert project.findings("SK107") == []


@pytest.mark.parametrize(
    ("line", "is_told"), [("import torch", True), ("import numpy as np", False)]
)
def test_tensor_is_a_word_of_mathematics_where_torch_is_not_imported(project, line, is_told):
    lines = [
        "import numpy as np",
        line,
        "",
        "",
        "def f():",
        "    import torch",
        "    x_tensor = np.ones(3)",
    ]
    project.write("\n".join([*lines, "    return torch, x_tensor", ""]))
    assert bool(project.findings("SK102")) is is_told


@pytest.mark.parametrize("container", ["tuple[torch.Tensor]", "list[torch.Tensor]", "set[int]"])
@pytest.mark.parametrize(("call", "world"), [("expand(3)", "unknown"), ("__init__()", "none")])
def test_a_method_that_no_container_has_gives_what_one_cannot_know(project, container, call, world):
    text = f"def f(x: {container}):\n    y = x.{call}\n    return y\n"
    assert project.held(HEAD + text)["y"] == world


@pytest.mark.parametrize("kind", ["", "@staticmethod", "@classmethod"])
@pytest.mark.parametrize("through", ["Sub()", "Sub", "make()"])
def test_a_parameter_is_bound_to_an_object_only_where_the_method_takes_one(project, kind, through):
    if not kind and through == "Sub":
        pytest.skip("an ordinary method needs its object")
    first = {"": "self, ", "@staticmethod": "", "@classmethod": "cls, "}[kind]
    text = f"""
        import numpy as np

        class Base:
            def of(self, x):
                return None

        class Sub(Base):
            {kind or "# an ordinary method"}
            def of({first}x):
                z = x
                return z

        def make() -> Base:
            return Sub()

        y = {through}.of(np.ones(2))
        """
    project.write(text)
    assert project.worlds()["z"] == "numpy"


@pytest.mark.parametrize("through", ["TensorProperties", "made"])
def test_a_static_method_of_a_library_tells_what_its_argument_is(project, through, torch):
    text = """
        from torch.distributed.checkpoint.metadata import TensorProperties

        def f(x, made: TensorProperties):
            {}.create_from_tensor(x)
            y = x
        """
    project.write(text.format(through))
    assert project.worlds()["y"] == "torch"
