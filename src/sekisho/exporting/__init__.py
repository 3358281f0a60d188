"""The axes of a contract in the words of a compiler: torch.export, ONNX, jax.export.

`reading` walks a contract beside the example's values and gives a tree of arrays with their axes.
`torch_dims`, `onnx_names` and `jax_dims` write such a tree as each exporter takes it, and
`constraints` translates an exporter's errors back.
"""

from sekisho.exporting.constraints import axes_of, in_words_of
from sekisho.exporting.jax_dims import jax_arguments
from sekisho.exporting.onnx_names import axes_to_mark, onnx_names
from sekisho.exporting.reading import read_arguments
from sekisho.exporting.torch_dims import torch_shapes

__all__ = [
    "axes_of",
    "axes_to_mark",
    "in_words_of",
    "jax_arguments",
    "onnx_names",
    "read_arguments",
    "torch_shapes",
]
