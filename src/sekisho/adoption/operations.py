"""Functions and methods of array libraries, by what they do with the axes of their arguments.

Names count wherever they come from, as ``np.exp(x)``, ``torch.exp(x)`` or ``x.exp()``, and with
``_`` at the end.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CREATING",
    "ELEMENTWISE",
    "GIVES_FLOATS",
    "GIVES_INDICES",
    "JOINING",
    "KEEPING",
    "NEEDS_FLOATS",
    "OF_MATRICES",
    "REDUCING",
    "RESHAPING",
    "WITHOUT_AXES",
]

ELEMENTWISE: Final = frozenset(
    """abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
    atan2 atanh bitwise_and bitwise_not bitwise_or bitwise_xor broadcast_arrays broadcast_tensors ceil
    clamp clamp_max clamp_min clip conj conjugate copysign cos cosh deg2rad div divide eq erf exp exp2
    expand_as expm1 float_power floor floor_divide fmax fmin fmod ge greater greater_equal gt heaviside
    hypot isclose isfinite isinf isnan ldexp le lerp less less_equal log log10 log1p log2 logaddexp
    logical_and logical_not logical_or logical_xor lt masked_fill maximum minimum mod mul multiply
    nan_to_num ne neg negative not_equal pow power rad2deg reciprocal relu remainder round rsqrt sgn
    sigmoid sign sin sinc sinh sqrt square sub subtract tan tanh true_divide trunc where""".split()  # noqa: SIM905 - a list of words reads better
)
"""They broadcast their arguments."""

KEEPING: Final = frozenset(
    """astype bool clone contiguous copy cpu cuda detach double float half int long numpy
    requires_grad to type type_as""".split()  # noqa: SIM905 - a list of words reads better
)
"""They return the axes of what they are called of."""

CREATING: Final = frozenset(
    "array as_tensor asanyarray asarray empty_like full_like ones_like zeros_like tensor".split()  # noqa: SIM905 - a list of words reads better
)
"""They make an array with the axes of the first argument."""

REDUCING: Final = frozenset(
    """all amax amin any argmax argmin argsort cumprod cumsum flip log_softmax logsumexp max mean median
    min nanmax nanmean nanmin nansum norm normalize prod softmax sort std sum var vector_norm""".split()  # noqa: SIM905 - a list of words reads better
)
"""They work on the axes that they are given, or on all."""

OF_MATRICES: Final = {
    **dict.fromkeys(("inv", "inverse", "pinv", "cholesky", "matrix_exp"), 0),
    **dict.fromkeys(("det", "logdet", "slogdet", "matrix_rank"), -2),
}
"""They work on the last two axes; and how many axes the result has more."""

JOINING: Final = frozenset({"cat", "concat", "concatenate", "stack"})

RESHAPING: Final = frozenset(
    """broadcast_to diag diagonal einsum expand expand_dims flatten moveaxis movedim permute ravel repeat
    repeat_interleave reshape roll squeeze swapaxes take take_along_axis tile transpose tril triu
    unflatten unsqueeze view""".split()  # noqa: SIM905 - a list of words reads better
)
"""They make other axes, of any dtype."""

NEEDS_FLOATS: Final = frozenset(
    """backward cdist cross dropout finfo gelu layer_norm lerp log_softmax logsumexp mean norm normal
    normalize rand_like randn_like requires_grad softmax std var vector_norm inv inverse pinv cholesky
    matrix_exp det logdet slogdet matrix_rank svd eig eigh eigvals eigvalsh qr solve lstsq matmul bmm mm
    mv dot einsum tensordot""".split()  # noqa: SIM905 - a list of words reads better
)
"""Functions of PyTorch that refuse integers, by themselves or beside floats."""

GIVES_FLOATS: Final = frozenset(
    """acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh cos cosh
    deg2rad div divide erf exp exp2 expm1 float_power log log10 log1p log2 mean rad2deg rsqrt sigmoid sin
    sinc sinh softmax sqrt std tan tanh true_divide var""".split()  # noqa: SIM905 - a list of words reads better
)
"""They make floats of integers."""

GIVES_INDICES: Final = frozenset(
    """all any argmax argmin argsort eq ge greater greater_equal gt isclose isfinite isinf isnan le len less
    less_equal logical_and logical_not logical_or logical_xor lt ne not_equal""".split()  # noqa: SIM905 - a list of words reads better
)
"""They make integers or booleans of any dtype."""

WITHOUT_AXES: Final = frozenset(
    """allclose callable dim element_size getattr get_device hasattr is_complex is_floating_point
    is_tensor isinstance iscomplexobj isscalar issubclass numel print result_type type warn""".split()  # noqa: SIM905 - a list of words reads better
)
"""They ask what an array is, and not for its axes."""
