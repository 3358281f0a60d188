"""Former false positives: each with similar code. All of it runs, and nothing is reported."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("torch")

HEAD = """\
import functools
import types

import numpy as np
import torch

a = np.ones((3, 3), np.float32)
t = torch.ones(3, 3)
"""

CONVERTING = """
def as_tensors(fn):
    @functools.wraps(fn)
    def wrapper(*args):
        return fn(*map(torch.as_tensor, args))
    return wrapper
"""

DECORATED = {
    "a decorator that converts arguments": CONVERTING
    + """
@as_tensors
def f(x):
    return x.unsqueeze(0) * t
f(a).permute(1, 0, 2)
""",
    "with an annotation of what callers pass": CONVERTING
    + """
@as_tensors
def f(x: np.ndarray):
    return x.unsqueeze(0)
f(a)
""",
    "one that is called with options": """
def as_tensors(*names):
    def decorate(fn):
        def wrapper(*args, **kwargs):
            kwargs = {key: torch.as_tensor(value) for key, value in kwargs.items()}
            return fn(*args, **kwargs)
        return wrapper
    return decorate

@as_tensors("x")
def f(x):
    return x.unsqueeze(0)
f(x=a)
""",
    "one that converts the result": """
def to_numpy(fn):
    def wrapper(*args, **kwargs):
        return np.asarray(fn(*args, **kwargs))
    return wrapper

@to_numpy
def f(x: torch.Tensor) -> torch.Tensor:
    return x + 1
f(t).astype("float32")
""",
    "on a method": CONVERTING.replace("fn(*map", "fn(args[0], *map").replace(
        "as_tensor, args)", "as_tensor, args[1:])"
    )
    + """
class A:
    @as_tensors
    def f(self, x):
        return x.unsqueeze(0)
A().f(a)
""",
    "a class that decorates": """
class Converts:
    def __init__(self, fn):
        self.fn = fn
    def __call__(self, x):
        return self.fn(torch.as_tensor(x))

@Converts
def f(x):
    return x.unsqueeze(0)
f(a)
""",
}

SUBCLASSES = {
    "a method of its own": """
class Meta(torch.Tensor):
    def astype(self, dtype):
        return self.numpy().astype(dtype)
x = t.as_subclass(Meta)
x.astype("float32")
""",
    "where the annotation names the base": """
class Meta(torch.Tensor):
    def astype(self, dtype):
        return self.numpy().astype(dtype)
def f(x: torch.Tensor):
    return x.astype("float32")
f(t.as_subclass(Meta))
""",
    "what its operations give": """
class Meta(torch.Tensor):
    def astype(self, dtype):
        return self.numpy().astype(dtype)
x = t.as_subclass(Meta)
(x + 1).astype("float32")
x[0].astype("float32")
torch.exp(x).astype("float32")
x.reshape(-1).astype("float32")
""",
    "of NumPy's": """
class Units(np.ndarray):
    def unsqueeze(self, axis):
        return np.expand_dims(self, axis)
x = a.view(Units)
x.unsqueeze(0)
(x * 2).unsqueeze(0)
""",
    "a protocol of NumPy's": """
class Meta(torch.Tensor):
    def __array_function__(self, func, types, args, kwargs):
        return torch.sum(args[0])
x = t.as_subclass(Meta)
np.sum(x)
""",
}

OPEN = {
    "__dict__.update": """
class Batch:
    def __init__(self, **kw):
        self.__dict__.update(kw)
    def to_numpy(self):
        self.obs = np.ones(3)
Batch(obs=t).obs.unsqueeze(0)
""",
    "setattr": """
class Batch:
    def put(self, name, value):
        setattr(self, name, value)
    def to_numpy(self):
        self.obs = np.ones(3)
b = Batch()
b.put("obs", t)
b.obs.unsqueeze(0)
""",
    "setattr from outside": """
class Batch:
    def reset(self):
        self.obs = np.ones(3)
b = Batch()
for name in ["obs"]:
    setattr(b, name, t)
b.obs.unsqueeze(0)
""",
    "__getattr__": """
class Batch:
    def __init__(self, data):
        self._data = data
    def __getattr__(self, name):
        return self._data[name]
def fill(b):
    b.obs = np.ones(3)
Batch({"obs": t}).obs.unsqueeze(0)
""",
    "__setattr__": """
class Batch:
    def __setattr__(self, name, value):
        object.__setattr__(self, name, torch.as_tensor(value))
b = Batch()
b.obs = np.ones(3)
b.obs.unsqueeze(0)
""",
    "an item of __dict__": """
class Batch:
    def put(self, name, value):
        self.__dict__[name] = value
    def reset(self):
        self.obs = np.ones(3)
b = Batch()
b.put("obs", t)
b.obs.unsqueeze(0)
""",
    "a subclass of one": """
class Base:
    def __init__(self, **kw):
        vars(self).update(kw)
class Batch(Base):
    def reset(self):
        self.obs = np.ones(3)
Batch(obs=t).obs.unsqueeze(0)
""",
}

PROPERTIES = {
    "a setter that converts": """
class A:
    @property
    def x(self):
        return self._x
    @x.setter
    def x(self, value):
        self._x = torch.as_tensor(value)
o = A()
o.x = a
o.x.unsqueeze(0)
""",
    "in the same method": """
class A:
    @property
    def x(self) -> torch.Tensor:
        return self._x
    @x.setter
    def x(self, value):
        self._x = torch.as_tensor(value)
    def put(self):
        self.x = a
        return self.x.unsqueeze(0)
A().put()
""",
    "a getter that converts": """
class A:
    def __init__(self):
        self.x = a
    @property
    def x(self):
        return torch.as_tensor(self._x)
    @x.setter
    def x(self, value):
        self._x = value
    @x.deleter
    def x(self):
        del self._x
A().x.unsqueeze(0)
""",
}

STORES = {
    "into a dict or something else": """
def f(x: dict | list):
    x = {"a": a} if x else [1]
    if isinstance(x, dict):
        x["a"] = torch.as_tensor(x["a"])
        return x["a"].unsqueeze(0)
f([1])
""",
    "into a union, by a key": """
x = {"a": a} if t.numel() else None
x["a"] = t
x["a"].unsqueeze(0)
""",
    "by a key that a loop makes": """
x = {"a": a, "b": a}
for key in x:
    x[key] = torch.as_tensor(x[key])
x["a"].unsqueeze(0)
""",
    "keys of a class of dicts": """
class Record(dict[str, torch.Tensor]):
    pass
for key in Record(a=t):
    key.astype if hasattr(key, "astype") else key.upper()
    np.sum([len(key)])
""",
    "keys of a ModuleDict": """
names = torch.nn.ModuleDict({"a": torch.nn.ReLU()})
for name in names:
    name.upper()
""",
}

WORDS = (
    *("chunk", "dim", "stride", "norm", "scatter", "storage", "gather", "layout", "inverse", "det"),
    *("clamp", "narrow", "renorm", "softmax", "sub", "svd", "topk", "unbind", "grad", "is_cpu"),
    *("requires_grad", "dist", "mm", "ger", "frac", "solve", "fill", "dump", "base", "flat"),
)

NAMES = {
    **{
        f"reading .{word}": f"""
args = types.SimpleNamespace({word}=3)
def f(args):
    n = args.{word} + 1
    return np.ones(3) * args.{word}
f(args)
def g(args):
    args.{word}
    return np.ones(3) * args
g(type("A", (), {{"{word}": 3, "__rmul__": lambda self, other: 1, "__array_ufunc__": None}})())
"""
        for word in WORDS
    },
    **{
        f"calling .{word}()": f"""
class Other:
    def __rmul__(self, other):
        return 1
    __array_ufunc__ = None
setattr(Other, "{word}", lambda self: None)
def f(args):
    args.{word}()
    return np.ones(3) * args
f(Other())
"""
        for word in WORDS
    },
}

AFTER_ERRORS = {
    "an operator": """
def f(x: np.ndarray, y: torch.Tensor):
    try:
        z = x * y
    except TypeError:
        z = torch.as_tensor(x) * y
    return z.unsqueeze(0)
f(a, t)
""",
    "a call": """
def f(y: torch.Tensor):
    try:
        z = np.sum(y)
    except TypeError:
        z = y.sum()
    return z.unsqueeze(0)
f(t)
""",
}

GROUPS = {
    "decorators": DECORATED,
    "subclasses": SUBCLASSES,
    "open classes": OPEN,
    "properties": PROPERTIES,
    "stores": STORES,
    "names": NAMES,
    "after errors": AFTER_ERRORS,
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=f"{group}: {name}")
        for group, texts in GROUPS.items()
        for name, text in texts.items()
    ],
)
def test_good_code_is_not_told(project, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(HEAD + text, {"__name__": "__main__"})
    project.write(HEAD + text)
    assert [each.message for each in project.findings("SK107", "SK108", "SK111")] == []


SEEN_THROUGH = {
    "a decorator that hands on": """
def logged(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        result = fn(*args, **kwargs)
        return result
    return wrapper
""",
    "a registry": """
FOUND = []
def logged(fn):
    FOUND.append(fn)
    return fn
""",
}


@pytest.mark.parametrize("name", SEEN_THROUGH)
def test_decorators_that_hand_on_are_seen_through(project, name):
    project.write(
        HEAD + SEEN_THROUGH[name] + "\n@logged\ndef f(x):\n    return x.unsqueeze(0)\nf(a)\n"
    )
    assert [each.code for each in project.findings("SK107")] == ["SK107"]


@pytest.mark.parametrize(
    "decorator", ["functools.lru_cache", "functools.cache", "torch.no_grad()", "torch.jit.ignore"]
)
def test_decorators_of_known_packages_are_seen_through(project, decorator):
    project.write(HEAD + f"@{decorator}\ndef f(x):\n    return x.unsqueeze(0)\nf(a)\n")
    assert [each.code for each in project.findings("SK107")] == ["SK107"]


def test_what_an_error_gives_is_unknown(project, worlds):
    held = worlds(HEAD + "x = a * t\ny = np.sum(t)\nz = a.mean(dim=0)\n")
    assert (held["x"], held["y"], held["z"]) == ("unknown", "unknown", "unknown")


def test_a_call_of_what_only_arrays_have_narrows(worlds):
    held = worlds(HEAD + "def f(x):\n    y = x.unsqueeze(0)\n    return y\n")
    assert (held["x"], held["y"]) == ("torch", "torch")
