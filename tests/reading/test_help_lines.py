"""Following a help line of `check` gives a module that imports, for functions of all shapes."""

from __future__ import annotations

import ast
import re
import sys
import types
from pathlib import Path

import pytest

import sekisho
from sekisho.utils import live_guards

pytestmark = [pytest.mark.usefixtures("torch"), pytest.mark.filterwarnings("ignore")]

HEAD = """
{future}
import abc, collections, contextlib, enum, functools, typing
from collections import OrderedDict, defaultdict, deque
from collections.abc import *
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import (
    TYPE_CHECKING, Any, Annotated, ClassVar, Dict, Final, Generic, List, Literal, NamedTuple, NewType,
    Optional, ParamSpec, Protocol, Self, Set, Tuple, TypedDict, TypeVar, Union,
)
import typing as t
import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Float32, Int, Num, PyTree, Shaped
from numpy.typing import NDArray
from torch import Tensor, nn
{sekisho}

if TYPE_CHECKING:
    from collections.abc import Sequence as Several
    from nowhere import Missing
    from torch import Tensor as Hidden

Arr = np.ndarray | torch.Tensor
Sets = set[np.ndarray]
Nested = Union[np.ndarray, "list[Nested]"]
UserId = NewType("UserId", int)
A = TypeVar("A", bound=np.ndarray)
B = TypeVar("B", np.ndarray, torch.Tensor)
C = TypeVar("C")


class Color(enum.Enum):
    RED = 1


class Proto(Protocol):
    shape: tuple


@dataclass
class Record:
    inner: Sets


@dataclass
class Good:
    inner: np.ndarray
    other: torch.Tensor


class Mine(Generic[C]):
    pass


class Sub(np.ndarray):
    pass


class Typed(TypedDict):
    a: np.ndarray


class Named(NamedTuple):
    a: np.ndarray


"""
ANNOTATIONS = """
np.ndarray; Tensor; np.ndarray | torch.Tensor; Arr; Optional[Arr]; Union[np.ndarray, Tensor, None]
list[np.ndarray]; List[Tensor]; set[np.ndarray]; Set[Tensor]; frozenset[Tensor]; dict[str, Tensor]
Dict[np.ndarray, int]; dict[Tensor, Tensor]; Mapping[str, np.ndarray]; tuple[np.ndarray, ...]; tuple[()]
tuple[int, *tuple[np.ndarray, ...]]; Sequence[np.ndarray]; Iterable[np.ndarray]; Iterator[Tensor]
Generator[np.ndarray, None, None]; Callable[[np.ndarray], Tensor]; Callable; type[np.ndarray]; type
Sets; Record; Good; Color; Proto; Mine[np.ndarray]; Mine; Sub; Typed; Named; UserId; Self; A; B; C; Any
object; None; int; float; str; bool; bytes; complex; Path; 'Path'; 'np.ndarray'; 'Missing'; Missing
Hidden; 'Hidden'; 'Optional[Hidden]'; Several[np.ndarray]; 'Several[Tensor]'; 'set[np.ndarray]'
Nested; 'Nested'; NDArray[np.float32]; NDArray[Any]; npt.ArrayLike; np.float32; np.floating; np.dtype
np.ndarray[Any, np.dtype[np.float32]]; torch.dtype; torch.device; torch.LongTensor; nn.Module; torch.Size
nn.Parameter; np.matrix; np.ma.MaskedArray; Float[np.ndarray, "n m"]; Float[Tensor, "n+m"]
Float32[np.ndarray, "*b {n}"]; Int[np.ndarray, "n 3"]; Float[np.ndarray, "n n m) ("]; PyTree
PyTree[np.ndarray]; PyTree[Float[Tensor, "n"], "T"]; Num[Arr, "n"]; Shaped[np.ndarray, "..."]
Shaped[np.ndarray, "?n"]; Shaped[np.ndarray, "a=3 #b"]; Future[np.ndarray]; Awaitable[np.ndarray]
Literal["a"]; Annotated[np.ndarray, "x"]; Annotated[set[np.ndarray], 1]; ClassVar[int]; Final[np.ndarray]
ClassVar[np.ndarray]; deque[np.ndarray]; OrderedDict[str, np.ndarray]; defaultdict[str, Tensor]; t.Any
t.Optional[np.ndarray]; collections.abc.Sequence[Tensor]; KeysView[np.ndarray]; ValuesView[np.ndarray]
Hashable; Sized; list; dict; tuple; list[Any]; list[Arr]; list[list[np.ndarray]]; list[set[np.ndarray]]
dict[str, set[np.ndarray]]; Optional[set[np.ndarray]]; Union[list[np.ndarray], Tensor]; list[int]
1; "not python("; ''; [np.ndarray]; np.array; torch.tensor; lambda: 0; (np.ndarray, Tensor)
np.ndarray or None; foo.bar if TYPE_CHECKING else int; Optional["np.ndarray"]; List["Tensor"]
Optional[List["Missing"]]; Union; Sequence
""".strip().replace("\n", ";")
CROSSES = "return torch.from_numpy(np.ones(3))"
FORMS = {
    "a function": f"def {{f}}(x: {{a}}):\n    {CROSSES}\n",
    "a result": "def {f}(x) -> {a}:\n    y = torch.ones(3)\n    return y.numpy()\n",
    "both libraries": "def {f}(x: {a}):\n    return x - x.mean()\n\n\n"
    "def use_{f}():\n    {f}(np.ones(3))\n    {f}(torch.ones(3))\n",
    "beside both": "def {f}(x: {a}, y):\n    return y + 1\n\n\n"
    "def use_{f}():\n    {f}(None, np.ones(3))\n    {f}(None, torch.ones(3))\n",
    "a generator": "def {f}() -> {a}:\n    yield torch.from_numpy(np.ones(3))\n",
    "a method": f"class K{{f}}:\n    def {{f}}(self, x: {{a}}):\n        {CROSSES}\n",
    "stars": f"def {{f}}(*x: {{a}}, **y: {{a}}):\n    {CROSSES}\n",
    "a default": f"def {{f}}(x: {{a}} = None, *, y: {{a}} = 3):\n    {CROSSES}\n",
    "a coroutine": f"async def {{f}}(x: {{a}}) -> {{a}}:\n    {CROSSES}\n",
    "a static method": f"class K{{f}}:\n    @staticmethod\n    def {{f}}(x: {{a}}):\n        {CROSSES}\n",
    "a class method": f"class K{{f}}:\n    @classmethod\n    def {{f}}(cls, x: {{a}}):\n        {CROSSES}\n",
    "a property": f"class K{{f}}:\n    @property\n    def {{f}}(self) -> {{a}}:\n        {CROSSES}\n",
    "__new__": "class K{f}:\n    def __new__(cls, x: {a}):\n"
    "        torch.from_numpy(np.ones(3))\n        return object.__new__(cls)\n",
    "a module": f"class K{{f}}(nn.Module):\n    def forward(self, x: {{a}}):\n        {CROSSES}\n",
    "no_grad": f"@torch.no_grad()\ndef {{f}}(x: {{a}}):\n    {CROSSES}\n",
    "a context manager": "@contextlib.contextmanager\ndef {f}(x: {a}):\n    yield torch.from_numpy(np.ones(3))\n",
    "a cache": f"@functools.lru_cache\ndef {{f}}(x: {{a}}):\n    {CROSSES}\n",
    "in a function": f"def make():\n    def {{f}}(x: {{a}}):\n        {CROSSES}\n\n    return {{f}}\n",
    "no_type_check": f"@typing.no_type_check\ndef {{f}}(x: {{a}}):\n    {CROSSES}\n",
    "a protocol": f"class K{{f}}(Protocol):\n    def {{f}}(self, x: {{a}}):\n        {CROSSES}\n",
}
NOT_TO_BE_DECORATED = {"a property", "a context manager", "a cache", "no_type_check"}
QUICK = {"a function", "both libraries", "beside both", "a generator"}


def load(monkeypatch, text):
    """Import a module and resolve the contracts of its guards, as first calls would."""
    module = types.ModuleType("declared")
    monkeypatch.setitem(sys.modules, "declared", module)
    exec(compile(text, "declared.py", "exec", dont_inherit=True), vars(module))
    vars(module).get("make", int)()
    for guard in live_guards():
        # Guards of other tests exist, too, whose function may be a C function.
        function = getattr(guard, "__wrapped__", guard)
        if getattr(function, "__globals__", None) is vars(module):
            sekisho.generated_source(guard)


def decorated(definition, name, decorator, *, is_above):
    """Return a definition with one more decorator: above the others, or below."""
    lines = definition.split("\n")
    at = next(i for i, line in enumerate(lines) if re.search(rf"\bdef {name}\(", line))
    indent = re.match(" *", lines[at])[0]
    while is_above and at and lines[at - 1].startswith(f"{indent}@"):
        at -= 1
    return "\n".join([*lines[:at], indent + decorator, *lines[at:]])


def follow(project, monkeypatch, form, future):
    head = HEAD.format(future=future, sekisho="import sekisho")
    definitions = {}
    for number, annotation in enumerate(ANNOTATIONS.split(";")):
        text = FORMS[form].format(f=f"f{number}", a=annotation.strip())
        try:
            load(monkeypatch, f"{head}{text}")
        except Exception:
            continue  # without a decorator, too
        definitions[f"f{number}"] = text
    project.write(head + "\n\n".join(definitions.values()))
    count = 0
    for finding in project.findings("SK103", "SK106"):
        assert finding.fix is None
        for decorator in re.findall(r"@[\w.]+", finding.help):
            count += 1
            text = definitions[re.search(r"f\d+", finding.function)[0]]
            for is_above in (True, False):
                name = finding.function.rpartition(".")[2]
                declared = head + decorated(text, name, decorator, is_above=is_above)
                load(monkeypatch, declared)
    return count


@pytest.mark.parametrize("future", ["", "from __future__ import annotations"])
@pytest.mark.parametrize(
    "form",
    [each if each in QUICK else pytest.param(each, marks=pytest.mark.slow) for each in FORMS],
)
def test_to_follow_a_help_line_is_never_an_error(project, monkeypatch, form, future):
    count = follow(project, monkeypatch, form, future)
    assert bool(count) is (form not in NOT_TO_BE_DECORATED)


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("", "@sekisho.boundary, or in a block: with sekisho.crossing_allowed()"),
        ("import sekisho", "@sekisho.boundary, or in a block: with sekisho.crossing_allowed()"),
        ("import sekisho as sk", "@sk.boundary, or in a block: with sk.crossing_allowed()"),
        ("import os, sekisho as s  # x", "@s.boundary, or in a block: with s.crossing_allowed()"),
        (
            "from sekisho import boundary as crosses",
            "@crosses, or in a block: with sekisho.crossing_allowed()",
        ),
        (
            "import sekisho as sk\nfrom sekisho import boundary",
            "@boundary, or in a block: with sk.crossing_allowed()",
        ),
        (
            "if TYPE_CHECKING:\n    import sekisho as sk",
            "@sekisho.boundary, or in a block: with sekisho.crossing_allowed()",
        ),
        (
            "TEXT = '''\nimport sekisho as sk\n'''",
            "@sekisho.boundary, or in a block: with sekisho.crossing_allowed()",
        ),
    ],
)
def test_a_help_line_spells_sekisho_as_the_file_imports_it(project, monkeypatch, written, spelled):
    definition = FORMS["a function"].format(f="f1", a="np.ndarray")
    head = HEAD.format(future="", sekisho=written)
    project.write(head + definition)
    (finding,) = project.findings("SK103")
    assert finding.help == f"declare it with {spelled}"
    declared = head + decorated(
        definition, "f1", re.search(r"@[\w.]+", finding.help)[0], is_above=True
    )
    if finding.help.startswith("declare it with @sekisho."):
        declared = f"import sekisho\n{declared}"
    load(monkeypatch, declared)


def test_what_a_help_line_calls_is_there(project):
    """For every example of docs/check.md, and in the words of each library."""
    page = (Path(__file__).parents[2] / "docs" / "check.md").read_text("utf-8")
    examples = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    for number, example in enumerate(examples):
        project.write(example, f"m{number}.py")
    words = (
        "permute(1, 0)",
        "swapdims(0, 1)",
        "unsqueeze(0)",
        "astype(int)",
        "detach()",
        "numel()",
    )
    for number, word in enumerate(words):
        for library in ("np", "torch"):
            text = f"import numpy as np, torch\nx = {library}.ones((2, 3))\ny = x.{word}\n"
            project.write(text, f"{library}{number}.py")
    count = 0
    for finding in project.findings():
        for name in re.findall(r"\b(?:sekisho|sk)\.(\w+)", finding.help):
            count += 1
            assert hasattr(sekisho, name), finding.help
        if finding.help.startswith("call it "):
            assert finding.help.removeprefix("call it ").isidentifier()
        for call in re.findall(r"(?:sekisho|sk)\.\w+\(.*?\)", finding.help):
            ast.parse(call)
    assert count > 5
