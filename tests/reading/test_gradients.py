"""SK111: tensors that NumPy cannot read because of gradients or devices, and those that it can."""

from __future__ import annotations

import warnings

import pytest

from sekisho.worlds import world_named

torch = pytest.importorskip("torch")

HEAD = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

a = np.ones((3, 3), np.float32)
t = torch.ones(3, 3)
"""

RAISE = [
    """\
out = nn.Linear(3,3)(t)
out.numpy()
""",
    """\
net = nn.Sequential(nn.Linear(3,3), nn.ReLU())
y = net(t).mean(0)
np.asarray(y)
""",
    """\
x = torch.ones(3, requires_grad=True)
x.numpy()
""",
    """\
x = torch.ones(3, requires_grad=True)
y = (x * 2).sum()
np.array(y)
""",
    """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
    def forward(self, x):
        return torch.relu(self.fc(x))
net = Net()
net(t).cpu().numpy()
""",
    """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x).softmax(-1)
def predict(net: Net, x):
    return net(x).numpy()
predict(Net(), t)
""",
    """\
w = nn.Parameter(t)
w.numpy()
""",
    """\
w = t.clone()
w.requires_grad_()
np.mean(w.numpy())
""",
    """\
w = t.clone()
w.requires_grad = True
np.stack([w, w])
""",
    """\
loss = nn.MSELoss()(nn.Linear(3,3)(t), t)
loss.numpy()
""",
    """\
loss = F.mse_loss(nn.Linear(3,3)(t), t)
losses = []
losses.append(loss)
np.array(losses)
""",
    """\
y = nn.Linear(3,3)(t)
z = y + a
""",
    """\
y = nn.Linear(3,3)(t)
z = np.exp(y)
""",
    """\
y = nn.Linear(3,3)(t)
b = a.copy()
b[:] = y
""",
    """\
x = torch.ones(3, device="meta")
y = x * 2
torch.ones(3, requires_grad=True)[0:2].numpy()
""",
    """\
for p in nn.Linear(3,3).parameters():
    p.numpy()
""",
    """\
out, (h, c) = nn.LSTM(3,3)(t)
h.numpy()
""",
    """\
y = -nn.Linear(3,3)(t)[0]
np.linalg.norm(y)
""",
]

RUN = [
    """\
out = nn.Linear(3,3)(t)
out.detach().numpy()
""",
    """\
with torch.no_grad():
    out = nn.Linear(3,3)(t)
out.numpy()
""",
    """\
@torch.no_grad()
def f():
    return nn.Linear(3,3)(t).numpy()
f()
""",
    """\
def f():
    return nn.Linear(3,3)(t).numpy()
with torch.no_grad():
    f()
""",
    """\
nn.Linear(3,3)(t).argmax(1).numpy()
""",
    """\
nn.ReLU()(t).numpy()
""",
    """\
x = torch.ones(3, requires_grad=True)
x.data.numpy()
x.tolist()
x.shape
np.shape(x)
""",
    """\
y = nn.Linear(3,3)(t)
(y > 0).numpy()
y.max(1)[1].numpy()
y.sum().item()
""",
    """\
x = torch.ones(3, requires_grad=True)
x.numpy(force=True)
""",
    """\
net = nn.Linear(3,3)
for p in net.parameters():
    p.requires_grad = False
net(t).numpy()
""",
    """\
net = nn.Linear(3,3).requires_grad_(False)
net(t).numpy()
""",
    """\
w = nn.Parameter(t, requires_grad=False)
w.numpy()
""",
    """\
x = torch.ones(3, requires_grad=True)
x.requires_grad_(False)
x.numpy()
""",
    """\
x = torch.ones(3, requires_grad=True)
x = x.detach().cpu()
x.numpy()
""",
    """\
y = nn.Linear(3,3)(t)
y.shape
""",
    """\
torch.ones(3, requires_grad=False).numpy()
""",
    """\
with torch.inference_mode():
    y = nn.Linear(3,3)(t)
    z = (y * 2).numpy()
""",
    """\
a[0,0] = nn.Linear(3,3)(t)[0,0]
""",
    """\
nn.Linear(3,3)(t).to(torch.int64).numpy()
""",
    """\
nn.Linear(3,3)(t).long().numpy()
""",
    """\
x = t.to("cpu")
x.numpy()
""",
    """\
y = nn.Linear(3,3)(t)
y == a
""",
    """\
w = nn.Parameter(t)
with torch.no_grad():
    w.numpy()
""",
]

ON_A_DEVICE = [
    """\
x = t.cuda()
x.numpy()
""",
    """\
x = torch.ones(3, device="cuda")
np.asarray(x)
""",
    """\
device = torch.device("cuda:0")
x = t.to(device)
(x + 1).numpy()
""",
    """\
DEVICE = "cuda"
def f(x: torch.Tensor):
    return np.mean(x.to(DEVICE).numpy())
""",
    """\
def f(x: torch.Tensor):
    y = x.cuda().argmax(1)
    return np.stack([y, y])
""",
    """\
def f(x: torch.Tensor):
    y = x.to("cuda:1", non_blocking=True)
    return y.numpy()
""",
]

PERHAPS_ON_A_DEVICE = [
    """\
x = t.cuda().cpu()
x.numpy()
""",
    """\
device = "cuda" if torch.cuda.is_available() else "cpu"
x = t.to(device)
x.numpy()
""",
    """\
x = t.cuda()
x.tolist()
x.detach().cpu().numpy()
""",
    """\
x = torch.ones(3, device="cpu").numpy()
""",
    """\
def f(x, device):
    return x.to(device).numpy()
""",
]


def runs(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(HEAD + text, {"__name__": "__main__"})
        except (RuntimeError, TypeError):
            return False
    return True


@pytest.mark.parametrize("text", RAISE)
def test_what_requires_grad_is_told(project, text):
    assert not runs(text)
    project.write(HEAD + text)
    assert project.codes() == ["SK111"]


@pytest.mark.parametrize("text", RUN)
def test_what_does_not_is_not(project, text):
    assert runs(text)
    project.write(HEAD + text)
    assert project.findings("SK107", "SK111") == []


@pytest.mark.parametrize("text", ON_A_DEVICE)
def test_what_is_on_a_device_is_told(project, text):
    project.write(HEAD + text)
    (finding,) = project.findings("SK111")
    assert "is not on the host, and" in finding.message


@pytest.mark.parametrize("text", PERHAPS_ON_A_DEVICE)
def test_what_may_be_on_the_host_is_not(project, text):
    project.write(HEAD + text)
    assert project.findings("SK111") == []


def test_the_message_names_the_fix(project):
    project.write(HEAD + "y = nn.Linear(3, 3)(t)\nz = y.numpy()\n")
    (finding,) = project.findings("SK111")
    assert finding.message == "y requires grad, and .numpy() reads its memory: it raises"
    assert finding.help == "write y.detach().cpu().numpy()"


CALLED = """\
{head}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return self.fc(x)


def predict(net: Net, x):
    return net(x).numpy()

{call}
"""


@pytest.mark.parametrize(
    ("call", "is_told"),
    [
        ("predict(Net(), t)", True),
        ("def main():\n    predict(Net(), t)\n\nmain()", True),
        ("def test_it():\n    predict(Net(), t)", True),
        ("", True),
        ("with torch.no_grad():\n    predict(Net(), t)", False),
        ("@torch.inference_mode()\ndef main():\n    predict(Net(), t)\n\nmain()", False),
        ("def main():\n    with torch.no_grad():\n        predict(Net(), t)", False),
        ("net = Net()\nnet.requires_grad_(False)\npredict(net, t)", False),
        ("for p in Net().parameters():\n    p.requires_grad = False", False),
    ],
)
def test_who_calls_a_function_says_whether_gradients_are_on(project, call, is_told):
    project.write(CALLED.format(head=HEAD, call=call))
    assert bool(project.findings("SK111")) is is_told


def test_a_method_that_a_framework_may_call_is_not_told(project):
    project.write(
        HEAD
        + "from nowhere import Module\n"
        + "class Net(Module):\n    def validation_step(self, x):\n        return nn.Linear(3, 3)(x).numpy()\n"
    )
    assert project.findings("SK111") == []


# --- the tables that it rests on

UNARY = sorted(world_named("torch").supplement.differentiable)
GIVEN = {
    **dict.fromkeys(("t", "T", "mT", "mm", "addmm"), (3, 3)),
    **dict.fromkeys(("bmm", "baddbmm"), (3, 3, 3)),
    "interpolate": (1, 1, 4),
}


def arguments(name, x):
    """Return the arguments for a function of the table, if it takes more than a tensor."""
    probability = x.sigmoid()
    return {
        "addmm": (x, x, x),
        "baddbmm": (x, x, x),
        "bmm": (x, x),
        "mm": (x, x),
        "matmul": (x, x),
        "add": (x, 1),
        "sub": (x, 1),
        "subtract": (x, 1),
        "mul": (x, 2),
        "multiply": (x, 2),
        "div": (x, 2),
        "divide": (x, 2),
        "true_divide": (x, 2),
        "pow": (x, 2),
        "clamp": (x, -9, 9),
        "clip": (x, -9, 9),
        "cumsum": (x, 0),
        "softmax": (x, 0),
        "log_softmax": (x, 0),
        "logsumexp": (x, 0),
        "expand": (x, 2, 3, 3),
        "expand_as": (x, x),
        "view_as": (x, x),
        "reshape_as": (x, x),
        "reshape": (x, (-1,)),
        "view": (x, -1),
        "repeat": (x, 2, 2),
        "permute": (x, (1, 0)),
        "movedim": (x, 0, 1),
        "transpose": (x, 0, 1),
        "narrow": (x, 0, 0, 1),
        "select": (x, 0, 0),
        "unsqueeze": (x, 0),
        "to": (x, "cpu"),
        "einsum": ("ij->ji", x),
        **dict.fromkeys(("cat", "concat", "concatenate", "stack", "hstack", "vstack"), ([x, x],)),
        "binary_cross_entropy": (probability, torch.ones(3, 3)),
        "binary_cross_entropy_with_logits": (x, torch.ones(3, 3)),
        "cosine_similarity": (x, x),
        "cross_entropy": (x, torch.zeros(3, dtype=torch.long)),
        "nll_loss": (x, torch.zeros(3, dtype=torch.long)),
        "interpolate": (x, 8),
        "layer_norm": (x, (3, 3)),
        "linear": (x, x),
        **dict.fromkeys(("huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"), (x, x + 1)),
    }.get(name, (x,))


@pytest.mark.parametrize("name", UNARY)
def test_what_is_called_differentiable_is(name):
    x = torch.rand(GIVEN.get(name, (3, 3)), requires_grad=True)
    if name == "cuda":
        pytest.skip("which needs a device")
    if name in {"T", "mT"}:
        assert getattr(x, name).requires_grad
        return
    places = (torch.Tensor, torch.nn.functional, torch)
    function = next(getattr(place, name) for place in places if hasattr(place, name))
    assert function(*arguments(name, x)).requires_grad


@pytest.mark.parametrize("name", sorted(world_named("torch").supplement.trained))
def test_modules_that_are_called_trained_have_parameters(name):
    made = getattr(torch.nn, name.removeprefix("nn."))
    count = {"Bilinear": 3, "PReLU": 0}.get(made.__name__, 2)
    numbers = (
        (8,)
        if made.__name__ in {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "LayerNorm"}
        else (8,) * count
    )
    module = made(*numbers, 1) if "Conv" in made.__name__ else made(*numbers)
    assert any(each.requires_grad for each in module.parameters())
