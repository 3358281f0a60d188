"""SK107 reports an expression exactly if it raises: each expression is run."""

from __future__ import annotations

import ast
import textwrap
import warnings

import pytest

from sekisho.findings import check, read_settings
from sekisho.inference import solve

torch = pytest.importorskip("torch")
pytest.importorskip("jax")
pytest.importorskip("PIL")

HEAD = """\
import jax.numpy as jnp
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

a = np.ones((3, 3), np.float32)
t = torch.ones(3, 3)
j = jnp.ones(3)
"""

RAISE = [
    "a * t",
    "a @ t",
    "a < t",
    "t < a",
    "j * t",
    "torch.cat([a,a])",
    "torch.stack([a,a])",
    "torch.stack([t,a])",
    "torch.add(t,a)",
    "torch.where(a>0,t,t)",
    "torch.where(t>0,a,t)",
    "torch.einsum('ij,jk->ik',a,a)",
    "t.add(a)",
    "t.mul_(a)",
    "t.copy_(a)",
    "torch.matmul(t,a)",
    "nn.Linear(3,3)(a)",
    "nn.MSELoss()(a,t)",
    "nn.MSELoss()(t,a)",
    "nn.CrossEntropyLoss()(t,np.array([0,1,2]))",
    "nn.ReLU()(a)",
    "nn.Sequential(nn.Linear(3,3))(a)",
    "torch.optim.SGD([a])",
    "torch.optim.SGD([a], lr=0.1)",
    "torch.optim.Adam(params=[a],lr=.1)",
    "nn.Parameter(a)",
    "F.softmax(a,dim=0)",
    "F.relu(a)",
    "nn.Embedding(3,3)(np.array([1]))",
    "torch.from_numpy(t)",
    "Image.fromarray(t)",
    "t[:] = a",
    "a.mean(dim=0)",
    "a.sum(1,keepdim=True)",
    "a.view(-1)",
    "a.view(3,3)",
    "a.size(0)",
    "a.size()",
    "t.size[0]",
    "a.flatten(1)",
    "a.flatten(start_dim=1)",
    "a.argmax(dim=-1)",
    "a.std(unbiased=False)",
    "a.squeeze(dim=0)",
    "t.std(ddof=1)",
    "t.reshape(-1,order='F')",
    "t.repeat(2,axis=0)",
    "t.transpose(2,0,1)",
    "np.sum(a,dim=1)",
    "np.concatenate([a,a],dim=0)",
    "np.ones(3,requires_grad=True)",
    "torch.std(t,ddof=1)",
    "torch.zeros(3,dtype=np.float32)",
    "np.zeros(3,dtype=torch.float32)",
    "a.astype(torch.float32)",
    "t.to(np.float32)",
    "torch.tensor(a,dtype=np.float32)",
    "np.sum(t)",
    "np.max(t)",
    "np.mean(t,axis=0)",
    "np.flip(t)",
    "jnp.exp(t)",
    "torch.exp(j)",
    "t.lt(a)",
    "t.clamp(min=a)",
    "t.masked_fill(a>0,0)",
    "a.permute(1,0)",
    "t.astype('f')",
    "a.to('cuda')",
    "a.unsqueeze(0)",
    "t.copy()",
]

RUN = [
    "t * a",
    "t / a",
    "a / t",
    "a == t",
    "t += a",
    "torch.cat([t,t],axis=0)",
    "t.mean(axis=0)",
    "t.sum(axis=1,keepdims=True)",
    "torch.sum(t,axis=0)",
    "t.squeeze(axis=0)",
    "torch.tensor(a)",
    "torch.as_tensor(a)",
    "torch.tensor([a,a])",
    "torch.Tensor(a)",
    "torch.is_tensor(a)",
    "torch.zeros(a.shape)",
    "np.zeros(t.shape)",
    "a.reshape(t.shape)",
    "t.view(a.shape)",
    "t.view(-1)",
    "t.size(0)",
    "a.size",
    "t.shape[0]",
    "a[0]=t[0]",
    "a[:]=t",
    "t[a[:,0]>0]",
    "a[t[:,0]>0]",
    "np.exp(t)",
    "np.stack([t,t])",
    "np.where(t>0,t,0)",
    "np.pad(t,1)",
    "np.argmax(t,axis=1)",
    "np.transpose(t)",
    "np.clip(t,0,1)",
    "np.linalg.norm(t)",
    "a.astype(np.float32).mean(axis=0,keepdims=True)",
    "a.view(np.int32)",
    "a.view(dtype=np.int32)",
    "a.repeat(2,1)",
    "a.max(0)",
    "t.max(0)[0]",
    "t.transpose(0,1)",
    "t.repeat(2,1)",
    "t.permute(1,0)",
    "t.permute((1,0))",
    "t.to(torch.float32)",
    "torch.zeros(3,dtype=float)",
    "nn.Identity()(a)",
    "nn.Sequential(nn.Identity())(a)",
    "torch.optim.SGD([t.clone().requires_grad_()], lr=0.1)",
    "nn.Parameter(t)",
    "Image.fromarray(a)",
    "torch.from_numpy(a)",
    "t.masked_fill_(t>0,a[0,0])",
    "t.clamp(min=a[0,0])",
    "jnp.exp(a)",
    "np.exp(j)",
    "jnp.asarray(t)",
    "t.sort(axis=0)",
    "t.clip(min=0)",
    "a.sort()",
    "a.dot(t)",
    "np.dot(t,a)",
    "t.std(1,keepdims=True)",
    "t.mean((0,1))",
    "a.transpose(1,0)",
    "a.transpose((1,0))",
    "a.squeeze()",
    "torch.arange(a.shape[0])",
    "torch.full((2,3), a.max())",
    "torch.linspace(0,1,int(a.sum()))",
    "t.expand(2,3,3)",
    "t.reshape(-1,3)",
    "t.reshape((3,3))",
    "np.full((2,2),3.)",
    "a.clip(0,1)",
    "a.flatten()",
    "t.flatten(0)",
    "a.sum((0,1))",
    "a.any(1)",
    "np.concatenate((a,a),1)",
    "torch.concatenate((t,t),1)",
    "F.one_hot(torch.zeros(3,dtype=int),3)",
    "F.pad(t,(1,1))",
    "F.interpolate(t[None,None],scale_factor=2)",
    "F.normalize(t,p=2,dim=1)",
    "torch.split(t,[1,2])",
    "torch.chunk(t,3)",
    "torch.norm(t,dim=1)",
    "torch.max(t,dim=1)",
    "torch.clamp(t,0,1)",
    "torch.meshgrid(t[0],t[0],indexing='ij')",
    "nn.Flatten()(t)",
    "nn.Conv2d(1,1,1)(t[None,None])",
    "nn.LSTM(3,3)(t)",
    "nn.CrossEntropyLoss()(t,torch.zeros(3,dtype=torch.long))",
    "t.index_select(0,torch.tensor([0]))",
    "t.new_zeros(3)",
    "t.unfold(0,2,1)",
    "t.norm(2,dim=1,keepdim=True)",
]


def functions(lines):
    """Return a module in which each expression is in a function of its own."""
    return HEAD + "".join(
        f"\n\ndef f{index}():\n    global a, t\n    {line}\n" for index, line in enumerate(lines)
    )


@pytest.fixture(scope="module")
def told(read_cache, tmp_path_factory):
    """Return the messages of SK107 by expression, and the last line of HEAD under None."""
    path = tmp_path_factory.mktemp("raises") / "main.py"
    lines = [*RAISE, *RUN]
    path.write_text(functions(lines), "utf-8")
    found = {}
    for each in check(solve([path]), read_settings([path])):
        if each.code == "SK107":
            found[lines[int(each.function[1:])]] = each.message
    return found


def runs(line):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {}
        exec(HEAD, names)
        try:
            exec(line, names)
        except (TypeError, ValueError, AttributeError, RuntimeError):
            return False
    return True


@pytest.mark.parametrize("line", RAISE)
def test_what_raises_is_told(told, line):
    assert not runs(line)
    assert line in told


@pytest.mark.parametrize("line", RUN)
def test_what_runs_is_not(told, line):
    assert runs(line)
    assert line not in told


MESSAGES = {
    "a * t": "a * t is a NumPy array * a tensor: it raises",
    "torch.cat([a,a])": "torch.cat is given an argument, a NumPy array: it raises",
    "torch.optim.SGD([a], lr=0.1)": "torch.optim.SGD is given an argument, a NumPy array: it raises",
    "F.relu(a)": "F.relu is given a, a NumPy array: it raises",
    "torch.from_numpy(t)": "torch.from_numpy is given t, a tensor: it raises",
    "Image.fromarray(t)": "Image.fromarray is given t, a tensor: it raises",
    "t[:] = a": "t[...] is of a tensor, and is assigned a NumPy array: it raises",
    "a.mean(dim=0)": "a.mean is NumPy's, and has no parameter 'dim': PyTorch's has",
    "a.view(-1)": "a.view is NumPy's, and does not take these arguments: PyTorch's does",
    "a.size(0)": "a is a NumPy array, whose .size is no method, and is called: it is another thing of a tensor",
    "t.size[0]": "t is a tensor, whose .size is a method, and is subscripted: it is another thing of a NumPy array",
    "torch.zeros(3,dtype=np.float32)": "torch.zeros is PyTorch's, and is given a dtype of NumPy's: it raises",
    "np.sum(t)": "np.sum is given t, a tensor: it raises",
    "a.permute(1,0)": "a is a NumPy array, and has no .permute: a tensor has",
}


@pytest.mark.parametrize("line", MESSAGES)
def test_messages(told, line):
    assert told[line] == MESSAGES[line]


@pytest.mark.parametrize("line", ["a.mean(dim=0)", "np.sum(a,dim=1)", "a.sum(1,keepdim=True)"])
def test_the_help_line_says_what_the_library_calls_a_parameter(project, line):
    project.write(HEAD + line)
    (finding,) = project.findings("SK107")
    assert finding.help in {"NumPy calls it 'axis'", "NumPy calls it 'keepdims'"}


@pytest.mark.parametrize(
    "use",
    [
        "net(a)",
        "net.forward(a)",
        "nn.Sequential(net, nn.ReLU())(a)",
        "nn.Sequential(nn.Dropout(), nn.Linear(3, 3))(a)",
        "loss = nn.CrossEntropyLoss(); loss(net(t), np.array([0, 1, 2]))",
        "torch.optim.AdamW([{'params': [t]}, a])",
    ],
)
def test_modules_losses_and_optimizers_of_a_project(project, use):
    body = textwrap.dedent("""
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(3, 3)

            def forward(self, x):
                return self.fc(x)


        net = Net()
    """)
    ast.parse(body + use)
    project.write(HEAD + body + use)
    assert project.findings("SK107")


def test_what_is_caught_is_not_told(project):
    project.write(HEAD + "try:\n    a * t\nexcept TypeError:\n    pass\n")
    assert project.findings("SK107") == []
