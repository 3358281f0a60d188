"""The inferred world of each variable, in both worlds and where they meet."""

from __future__ import annotations

import textwrap

import pytest

from sekisho.inference import survey


@pytest.fixture(params=["numpy", "torch"])
def lib(request):
    if request.param == "torch":
        pytest.importorskip("torch")
    return request.param


def test_a_library_s_functions_and_methods_give_what_its_stubs_say(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        a = xp.zeros((2, 3))
        b = a.reshape(-1)
        c = b * 2 + 1
        d = xp.stack([b, c])
        e = d.T
        f = e[0:1]
        g = -f
        h = (a > 1) & (a < 2)
        i = a.shape
        j = a.ndim
        k = a[0, 0].item()
        l = a.tolist()
        m = len(a)
        n = 1 / a
        a -= 1
    """)
    assert {held[name] for name in "abcdefghn"} == {lib}
    assert {held[name] for name in "ijklm"} == {"none"}


def test_what_cannot_be_known_is_unknown(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        from nowhere import anything
        a = anything()
        b = a + 1
        c = anything(xp.zeros(3))
        d = eval("1")
    """)
    assert set(held.values()) == {"unknown"}


def test_results_of_functions_and_parameters_by_calls(worlds, lib):
    held = worlds(f"""
        import {lib} as xp

        def double(x, scale=2):
            y = x * scale
            return y

        result = double(xp.ones(3))
    """)
    assert (held["x"], held["y"], held["result"]) == (lib, lib, lib)


def test_between_modules_and_through_packages(project, lib):
    project.write("", "pack/__init__.py")
    project.write(
        f"import {lib} as xp\ndef make(n): return xp.ones(n)\nTABLE = make(3)", "pack/deep/made.py"
    )
    project.write("from .made import *", "pack/deep/__init__.py")
    project.write(
        "from pack.deep import make as build\nimport pack.deep.made as m\na = build(3)\nb = m.TABLE",
        "use.py",
    )
    held = project.worlds()
    assert (held["a"], held["b"], held["TABLE"]) == (lib, lib, lib)


def test_attributes_of_self_methods_and_properties(worlds, lib):
    held = worlds(f"""
        import {lib} as xp

        class Store:
            cache = None

            def __init__(self, n):
                self.data = xp.ones(n)

            @property
            def first(self):
                return self.data[:1]

            def pick(self, k):
                self.cache = self.data[k:]
                return self.cache

            @classmethod
            def empty(cls):
                return cls(0)

            @staticmethod
            def make():
                return xp.zeros(2)

        s = Store(3)
        a = s.data
        b = s.first
        c = s.pick(1)
        d = s.cache
        e = Store.empty().data
        f = Store.make()
    """)
    assert {held[name] for name in "abcdef"} == {lib}


def test_dataclasses_and_named_tuples(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        from dataclasses import dataclass
        from typing import Any, NamedTuple

        @dataclass
        class Batch:
            x: Any
            n: int

        class Pair(NamedTuple):
            left: Any
            right: Any

        b = Batch(xp.ones(3), 2)
        p = Pair(xp.ones(3), right=1)
        a = b.x
        c = b.n
        d = p.left
    """)
    assert (held["a"], held["c"], held["d"]) == (lib, "none", lib)


def test_containers_comprehensions_and_loops(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        xs = [xp.ones(3) for _ in range(3)]
        found = []
        for i, x in enumerate(xs):
            found.append(x * i)
        y = found[0]
        pairs = dict(a=xp.ones(2), n=1)
        z = pairs["a"]
        n = pairs["n"]
        for key, value in {{"k": xp.ones(1)}}.items():
            w = value
        first, *rest = xs
        u = rest[0][0:1]
        v = max(xs, key=len)
        t = next(iter(xs))
        (s, r), q = (xp.ones(1), 2), "text"
        m = {{i: x for i, x in zip(range(3), xs)}}
        o = m[0]
    """)
    assert held["found"] == f"list[{lib}]"
    assert {held[name] for name in "xyzwuvtso"} == {lib}
    assert {held[name] for name in "inrq"} == {"none"}


def test_branches_join_and_none_is_not_said(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        import sys

        def f(flag):
            x = None
            if flag:
                x = xp.ones(3)
            y = x
            if x is None:
                return None
            z = x
            return z

        a = f(True)
        b = xp.ones(3) if sys.argv else 3
    """)
    assert (held["y"], held["z"], held["a"], held["b"]) == (lib, lib, lib, f"none | {lib}")


def test_a_loop_is_read_until_its_names_hold_no_more(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        a, b, c = 1, 2, xp.ones(3)
        while a:
            a, b = b, c
            if a is None:
                continue
            else:
                break
        d = a
    """)
    assert held["d"] == f"none | {lib}"


def test_both_worlds(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch

        def f(x):
            if isinstance(x, np.ndarray):
                a = x
                return torch.from_numpy(x)
            b = x
            return x

        def g(x):
            if torch.is_tensor(x):
                c = x
            elif x is not None:
                d = x
            else:
                return
            e = x

        f(np.ones(3)), f(torch.ones(3))
        g(np.ones(3)), g(torch.ones(3)), g(None)
    """)
    assert (held["a"], held["b"], held["c"], held["d"]) == ("numpy", "torch", "torch", "numpy")
    assert held["e"] == "numpy | torch"


def test_a_function_gives_each_caller_its_own_world(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch

        def half(x):
            return x / 2

        a = half(np.ones(3))
        b = half(torch.ones(3))
        c = half(half(torch.ones(3)))
    """)
    assert (held["x"], held["a"], held["b"], held["c"]) == (
        "numpy | torch",
        "numpy",
        "torch",
        "torch",
    )


def test_parameters_by_what_is_done_with_them(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch
        import torch.nn.functional as F

        def f(x, y, z, w, v):
            a = x
            x = x.unsqueeze(0)
            b = F.relu(y)
            if hasattr(z, "detach"):
                z = z.detach()
            try:
                w.detach()
            except AttributeError:
                pass
            c = v.mean()
            return x
    """)
    assert (held["a"], held["x"], held["y"]) == ("torch", "torch", "torch")
    assert (held["w"], held["v"], held["c"]) == ("unknown", "unknown", "unknown")


def test_a_method_of_the_project_s_own_tells_nothing(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch

        class Lens:
            def unsqueeze(self, n): ...

        def f(x):
            x.unsqueeze(0)
            return x
    """)
    assert held["x"] == "unknown"


def test_modules_are_called_by_their_forward(worlds, torch):
    held = worlds("""
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 4)
                self.rnn = nn.LSTM(3, 4)
                self.stack = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
                self.heads = nn.ModuleList([nn.Linear(4, 1) for _ in range(3)])
                self.register_buffer("scale", torch.ones(1))

            def forward(self, x):
                a = self.fc(x)
                b, (c, d) = self.rnn(a)
                e = self.stack(b)
                for head in self.heads:
                    f = head(e)
                return f * self.scale

        net = Net()
        y = net(torch.ones(2, 3))
        loss = nn.CrossEntropyLoss()(y, y)
    """)
    assert {held[name] for name in [*"xabcdefy", "loss"]} == {"torch"}


def test_overloads_are_chosen_by_the_arguments(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch
        t = torch.ones(3, 4)
        a = t.max()
        b = t.max(1)
        c, d = t.max(dim=1)
        e = b.values
        f = np.unique(np.ones(3), return_counts=True)
        g, h = f
    """)
    assert (held["a"], held["c"], held["d"], held["e"]) == ("torch",) * 4
    assert (held["b"], held["f"], held["g"]) == ("none", "tuple[numpy, numpy]", "numpy")


def test_crossings_change_the_world(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch
        import sekisho as sk
        t = torch.from_numpy(np.ones(3))
        a = t.numpy()
        b = t.detach().cpu().numpy()
        c = np.asarray(t)
        d = torch.tensor([1, 2])
        e = sk.to_numpy(t)
        f = sk.to_torch(a)
        g = sk.add_batch_dim(f)
        h = sk.add_batch_dim(a)
    """)
    assert (held["t"], held["d"], held["f"], held["g"]) == ("torch",) * 4
    assert (held["a"], held["b"], held["c"], held["e"], held["h"]) == ("numpy",) * 5


def test_annotations_are_the_truth(worlds, torch):
    held = worlds("""
        from __future__ import annotations
        import numpy as np
        import torch
        from typing import Optional, Union
        from numpy.typing import NDArray
        from jaxtyping import Float32, Float
        import numpy

        Rows = list[np.ndarray]

        def f(
            a: np.ndarray, b: "torch.Tensor", c: NDArray[np.float32], d: Float[torch.Tensor, "b c"],
            e: Optional[np.ndarray], g: np.ndarray | None, h: Union[np.ndarray, torch.Tensor],
            i: int, j: list[torch.Tensor], k: dict[str, np.ndarray], l: tuple[np.ndarray, ...],
            m: Rows, n: torch.nn.Parameter, *o: torch.Tensor, **p: np.ndarray,
        ): ...
    """)
    assert held == {
        "a": "numpy",
        "b": "torch",
        "c": "numpy",
        "d": "torch",
        "e": "numpy",
        "g": "numpy",
        "h": "numpy | torch",
        "i": "none",
        "j": "list[torch]",
        "k": "dict[numpy]",
        "l": "tuple[numpy]",
        "m": "list[numpy]",
        "n": "torch",
        "o": "tuple[torch]",
        "p": "dict[numpy]",
        "Rows": held["Rows"],
    }


def test_what_jaxtyping_hands_on_of_a_library_is_that_librarys(worlds):
    pytest.importorskip("jax")
    held = worlds("""
        import jaxtyping
        import numpy as np
        from jaxtyping import Array, Float, PyTree

        def f(a: Array, b: Float[Array, "n"], c: jaxtyping.Array, d: Float[np.ndarray, "n"], e: PyTree): ...

        f(np.ones(3), np.ones(3), np.ones(3), np.ones(3), [np.ones(3)])
    """)
    assert [held[name] for name in "abcd"] == ["jax", "jax", "jax", "numpy"]


def test_closures_lambdas_and_classes_in_functions(worlds, lib):
    held = worlds(f"""
        import {lib} as xp

        def outer(n):
            base = xp.ones(n)

            class Inner:
                def get(self):
                    inside = base
                    return inside

            def add():
                nonlocal base
                base = base + 1
                return base

            got = Inner().get()
            made = add()
            key = lambda: base
            read = key()
            return got
    """)
    assert {held[name] for name in ("base", "inside", "got", "made", "read")} == {lib}


def test_what_a_function_imports_and_defines_is_seen_by_those_in_it(worlds, lib):
    held = worlds(f"""
        class Outer:
            def method(self):
                class Inner:
                    def get(self, x):
                        import {lib} as xp
                        from {lib} import zeros

                        def helper():
                            return zeros(3)

                        def g(y):
                            a = xp.ones(3)
                            b = helper()
                            return a + b

                        return g(x)

                return Inner().get(1)

        c = Outer().method()
    """)
    assert {held[name] for name in "abc"} == {lib}


def test_generators_contexts_and_coroutines(worlds, lib):
    held = worlds(f"""
        import {lib} as xp
        from contextlib import contextmanager

        def batches():
            for i in range(3):
                yield xp.ones(i)

        def all_of():
            yield from batches()

        @contextmanager
        def opened():
            yield xp.ones(3)

        async def fetched():
            return xp.ones(3)

        async def main():
            a = await fetched()
            for b in all_of():
                pass
            with opened() as c:
                d = c
    """)
    assert {held[name] for name in "abcd"} == {lib}


def test_pytest_s_fixtures_are_passed_by_name(project, lib):
    project.write(
        f"import pytest, {lib} as xp\n@pytest.fixture\ndef data(): return xp.ones(3)",
        "tests/conftest.py",
    )
    project.write("def test_it(data, other):\n    y = data", "tests/unit/test_it.py")
    held = project.worlds()
    assert (held["y"], held["other"]) == (lib, "unknown")


def test_overrides_of_a_method_are_all_meant(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch

        class Base:
            def make(self): return np.ones(3)
            def use(self):
                x = self.make()
                return x

        class Other(Base):
            def make(self): return torch.ones(3)

        y = Other().make()
    """)
    assert (held["x"], held["y"]) == ("numpy | torch", "torch")


def test_another_library_s_operators_take_along(worlds, torch):
    held = worlds("""
        import numpy as np
        import torch
        a = torch.ones(3) * np.float64(2)
        b = np.ones(3) * torch.ones(3)
        c = torch.ones(3) * 2.0
    """)
    assert (held["a"], held["b"], held["c"]) == ("torch", "unknown", "torch")


def test_the_world_of_a_function(project, torch):
    project.write("""
        import numpy as np
        import torch
        import sekisho as sk

        def numpy_(x: np.ndarray): return x + 1
        def torch_(x: torch.Tensor): return x + 1
        def crosses(x: np.ndarray): return torch.from_numpy(x)
        def mixes(x: np.ndarray, t: torch.Tensor): return x
        def plain(n: int): return n + 1
        def unknown(x): return x
        @sk.boundary
        def declared(x): return x
        @sk.numpy_world
        def of_numpy(x): return x
        def both(x): return x + 1
        both(np.ones(3)), both(torch.ones(3))
    """)
    functions = project.functions()
    assert {name: f.world for name, f in functions.items() if name} == {
        "numpy_": "numpy",
        "torch_": "torch",
        "crosses": "boundary",
        "mixes": "mixed",
        "plain": "none",
        "unknown": "unknown",
        "declared": "boundary",
        "of_numpy": "numpy",
        "both": "mixed",
    }
    assert {name: f.ready_for for name, f in functions.items() if f.ready_for} == {
        "numpy_": "numpy_world",
        "torch_": "torch_world",
        "crosses": "boundary",
        "mixes": "boundary",
        "both": "same_world",
    }


def test_it_is_the_value_and_not_the_name(worlds, torch):
    """A page of training code in which type checkers leave 10 of 24 values unknown."""
    held = worlds("""
        import numpy as np
        import torch
        from torch import nn

        class Net(nn.Module):
            def __init__(self, n):
                super().__init__()
                self.fc = nn.Linear(n, 1)

            def forward(self, x):
                h = self.fc(x)
                return h.squeeze(-1)

        def load(n):
            x = np.random.rand(100, n)
            y = x.sum(axis=1)
            return x, y

        def train(n):
            x, y = load(n)
            inputs = torch.from_numpy(x).float()
            targets = torch.as_tensor(y, dtype=torch.float32)
            net = Net(n)
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            for epoch in range(3):
                output = net(inputs)
                loss = ((output - targets) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            predicted = net(inputs).detach().numpy()
            error = np.abs(predicted - y).max()
            return error
    """)
    tensors = {"inputs", "targets", "output", "loss", "h"}
    assert {name for name, world in held.items() if world == "torch"} == tensors
    assert {"predicted", "error"} <= {name for name, world in held.items() if world == "numpy"}


def test_an_array_of_a_library_that_is_not_named_is_none_of_python_s(project, torch, monkeypatch):
    project.write(
        "import numpy, torch\ndef a() -> numpy.ndarray: ...\ndef b() -> torch.Tensor: ...",
        "lib/maker.py",
    )
    monkeypatch.syspath_prepend(project.folder / "lib")
    project.write("import maker\nx = maker.a()\ny = maker.b()", "own/main.py")
    (function,) = survey(project.solve(project.folder / "own"))
    assert [each.world for each in function.variables] == ["numpy", "unknown"]


def test_deep_and_odd_code_ends(worlds, lib):
    text = textwrap.dedent(f"""
        import {lib} as xp
        def f(x): return [f(x), g(x)]
        def g(x): return {{"k": f(x), "l": g(x)}}
        def h(x): return h(x)
        class A(A): pass
        class B(B.C): pass
        x = x
        y = f(g(xp.ones(3)))
        z = lambda: z()
        *a, b = c = d = []
        for a[0] in b: pass
        del q
        global q
        match y:
            case [p, *r] if p: s = p
            case {{"k": v, **w}}: s = v
            case A(t) | B(t): s = t
            case _: s = 1
        print(*y, **y)
    """)
    worlds(text)
