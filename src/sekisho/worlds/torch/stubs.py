"""What the stubs of torch do not say: what its functions hold their callers to, and which results require grad."""

from __future__ import annotations

from typing import Final

from sekisho.worlds.supplement import Supplement

__all__ = ["SUPPLEMENT"]

_DIFFERENTIABLE: Final = (
    "abs add addmm baddbmm bmm clamp clip clone contiguous cos cosh cpu cuda cumsum div divide double exp "
    "expand expand_as expm1 flatten float half log log10 log1p log2 log_softmax logsumexp matmul mean mm "
    "movedim mul multiply narrow neg norm permute pow prod relu repeat reshape reshape_as rsqrt select "
    "sigmoid sin sinh softmax sqrt square squeeze std sub subtract sum t tan tanh to transpose true_divide "
    "unsqueeze var view view_as T mT cat concat concatenate stack hstack vstack einsum binary_cross_entropy "
    "binary_cross_entropy_with_logits cosine_similarity cross_entropy dropout elu gelu huber_loss interpolate "
    "l1_loss layer_norm leaky_relu linear logsigmoid mse_loss nll_loss normalize silu smooth_l1_loss softplus"
)
DIFFERENTIABLE: Final = frozenset(_DIFFERENTIABLE.split())
"""Names of functions, methods and properties: a test calls each with what requires grad."""

_TRAINED: Final = (
    "Linear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Embedding "
    "EmbeddingBag LayerNorm GroupNorm BatchNorm1d BatchNorm2d BatchNorm3d RNN LSTM GRU RNNCell LSTMCell "
    "GRUCell PReLU MultiheadAttention TransformerEncoderLayer TransformerDecoderLayer"
)
TRAINED: Final = frozenset(f"nn.{each}" for each in _TRAINED.split())
"""Modules with parameters."""

_GIVES_TENSOR: Final = (
    "block_diag cdist norm tensordot Tensor.istft Tensor.norm Tensor.stft Tensor.unflatten"
)
"""Functions and methods without annotations."""

SUPPLEMENT: Final = Supplement(
    tells=frozenset({"is_tensor", "save", "is_storage", "manual_seed", "nn.Identity.forward"}),
    asks=frozenset({"is_tensor"}),
    strict=frozenset(
        {"_C", "_tensor", "functional", "nn.functional", "nn.modules", "optim", "nn.parameter"}
        | {"distributions", "nn.utils.rnn"}
    ),
    keywords={
        "axis": "dim",
        "keepdims": "keepdim",
        "x": "input",
        "a": "input",
        "x1": "input",
        "x2": "other",
    },
    only={
        "from_numpy": "numpy",
        "utils.data.TensorDataset.__init__": "torch",
        **dict.fromkeys(("einsum", "block_diag", "cartesian_prod", "broadcast_tensors"), "torch"),
    },
    unfit=frozenset(
        {
            *("all", "amax", "amin", "any", "max", "mean", "min", "prod", "std", "sum", "var"),
            *("copyto", "fill_diagonal", "flip", "isfortran", "moveaxis", "place", "putmask"),
        }
    ),
    runs_left=frozenset({"/", "==", "!="}),
    fails_right=frozenset({"<", "<=", ">", ">="}),
    takes_items=False,
    differentiable=DIFFERENTIABLE,
    grads=frozenset({"nn.Parameter"}),
    trained=TRAINED,
    views=frozenset(
        {
            *("from_numpy", "as_tensor", "asarray", "from_dlpack", "utils.dlpack.from_dlpack"),
            *("frombuffer", "Tensor.numpy", "Tensor.__array__", "Tensor.__dlpack__"),
        }
    ),
    gives={
        "nn.Module.state_dict": "dict[str, Tensor]",
        "broadcast_tensors": "tuple[Tensor, ...]",
        "broadcast_shapes": "torch.Size",
        **dict.fromkeys(_GIVES_TENSOR.split(), "Tensor"),
        "Tensor.split": "tuple[Tensor, ...]",
        "torch._C:_FunctionBase.saved_tensors": "tuple[Tensor, ...]",
        "torch.autograd.function:FunctionCtx.saved_tensors": "tuple[torch.Tensor, ...]",
    },
    loaders=frozenset({"utils.data.DataLoader"}),
    datasets={
        "utils.data.TensorDataset": "rows",
        "utils.data.Subset": "same",
        "utils.data.ConcatDataset": "each",
        "utils.data.ChainDataset": "each",
        "utils.data.random_split": "split",
    },
    transforms=frozenset(
        f"func.{each}" for each in ("vmap", "grad", "grad_and_value", "jacrev", "jacfwd", "hessian")
    ),
    dtype="dtype",
    decorates=True,
    coined=frozenset(
        {"bmm", "baddbmm", "addmm", "contiguous", "detach", "movedim", "nelement", "numel"}
        | {"numpy", "permute", "unsqueeze", "unflatten"}
    ),
    suffixes=("_tensor", "_t"),
    compiler="torch.jit.frontend:get_jit_def",
    compiles={
        "jit.script": "compiled",
        "jit.script_if_tracing": "compiled",
        "jit.script_method": "compiled",
        "jit.export": "compiled",
        "jit.ignore": "called",
        "jit.unused": "called",
    },
    module="nn.Module",
    applied="autograd.Function",
    chains=frozenset({"nn.Sequential"}),
    holders=frozenset({"nn.ModuleList", "nn.ModuleDict"}),
    keepers=frozenset({"nn.Module.register_buffer", "nn.Module.register_parameter"}),
    alike=(
        *("nn.Module", "nn.utils.rnn.PackedSequence", "distributions.Distribution"),
        *("distributions.transforms.Transform", "UntypedStorage", "TypedStorage"),
        *("optim.Optimizer", "Generator", "device", "Size", "cuda.Stream", "cuda.Event"),
        *("autograd.Function", "torch.autograd.graph.Node", "fx.Graph", "fx.Node", "fx.Proxy"),
    ),
)
