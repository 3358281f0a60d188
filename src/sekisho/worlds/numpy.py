"""NumPy, the world of host memory: all other worlds convert through it."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    ForwardRef,
    Literal,
    TypeVar,
    Union,
    Unpack,
    get_args,
    get_origin,
)

import numpy as np

from sekisho.worlds.alias import Alias
from sekisho.worlds.dtypes import dtype_name
from sekisho.worlds.host_stubs import GIVES, LEAVES, READERS
from sekisho.worlds.layout import Layout
from sekisho.worlds.library import Library
from sekisho.worlds.policy import Converted, Policy
from sekisho.worlds.spelling import spelled_like_numpy
from sekisho.worlds.supplement import Supplement

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from sekisho.worlds.shown import OperationKind

__all__ = ["NUMPY"]


class _NumPy(Library):
    """NumPy."""

    name = "numpy"
    label = "NumPy"
    array_class = "ndarray"
    is_mutable = True
    is_resident = True
    shows_all = False
    # NumPy does not report its operations; Python 3.12 reports calls of them (see `monitor`). It does
    # not report `fromiter`, which iterates over a foreign array rather than ask for its memory.
    unshown: Mapping[OperationKind, tuple[str, ...]] | None = {"import": ("fromiter",)}
    spelling: Mapping[str, str] = {
        key: call
        for key, call in spelled_like_numpy("numpy").items()
        if key != "stack"  # numpy.asarray stacks a list of arrays already
    }
    readers: Mapping[str, str] = dict.fromkeys((".npy", ".npz"), "numpy.load({0})")
    words: Mapping[str, str] = {
        "newaxis": "expand_dims(x, axis)",
        "concatenate": "concat(arrays, axis=0)",
        **dict.fromkeys(("vstack", "hstack", "dstack", "column_stack"), "concat(arrays, axis=...)"),
        "transpose": "permute_dims(x, axes)",
        "swapaxes": "permute_dims(x, axes), or transpose2d(x)",
        **dict.fromkeys(("T", "matrix_transpose", "mT"), "transpose2d(x)"),
        "rollaxis": "moveaxis(x, source, destination)",
        **dict.fromkeys(("array", "asarray"), "to_numpy(x)"),
        "np_world": "numpy_world",
    }
    supplement: Supplement = Supplement(
        scalar="generic",
        takes=frozenset(
            {
                *("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray"),
                *("from_dlpack", "frombuffer", "asarray_chkfinite", "copy"),
            }
        ),
        tells=frozenset(
            {
                *("shape", "ndim", "allclose", "array_equal", "isscalar", "iscomplexobj"),
                *("isrealobj", "save", "savez", "savez_compressed", "savetxt", "array2string"),
                *("array_repr", "array_str", "result_type", "may_share_memory", "shares_memory"),
                *("testing", "printoptions", "set_printoptions"),
            }
        ),
        numbers=frozenset({"ndarray.item", "ndarray.tolist", "generic.item", "generic.tolist"}),
        views=frozenset({"asarray", "asanyarray", "from_dlpack", "frombuffer"}),
        reads=frozenset({"allclose", "save", "savez", "savez_compressed", "savetxt"}),
        leaves=LEAVES,
        dtype="dtype",
        only={"PIL.Image.fromarray": "numpy"},
        strict=frozenset({"cv2"}),
        gives=GIVES,
        readers=READERS,
        also=frozenset({"cv2.mat_wrapper:Mat"}),
        welcomes=frozenset({"jax"}),
        suffixes=("_np", "_numpy"),
        alike=("pandas.DataFrame", "pandas.Series", "scipy.sparse.csr_matrix"),
    )
    makers: frozenset[str] = frozenset({"array", "asarray", "zeros", "ones", "empty", "ndarray"})
    layouts: Mapping[str, Layout] = {
        "transposed": Layout("numpy.asfortranarray({0})", rank=2),
        "reversed": Layout("{0}[::-1]", rank=1),
        "reversed along all axes": Layout("numpy.flip({0})", rank=2),
        "every second element": Layout("numpy.stack([{0}, {0}], -1)[..., 0]"),
        "read-only": Layout("numpy.broadcast_to({0}, {0}.shape)", takes_writes=False),
        "a subclass": Layout("{0}.view(numpy.memmap)"),
        "of the other byte order": Layout("{0}.astype({0}.dtype.newbyteorder())", kinds="iufc"),
        "unaligned": Layout(
            "numpy.frombuffer(bytearray(1) + {0}.tobytes(), {0}.dtype, offset=1).reshape({0}.shape)",
            takes_empty=False,
        ),
        "expanded": Layout(
            "numpy.broadcast_to({0}[:1], {0}.shape)",
            rank=1,
            takes_empty=False,
            takes_writes=False,
        ),
        "overlapping": Layout(
            "numpy.lib.stride_tricks.as_strided({0}, {0}.shape, {0}.strides[-1:] * {0}.ndim)",
            rank=2,
            takes_empty=False,
            takes_writes=False,
        ),
    }
    plain: str = "numpy.array({0}, {0}.dtype.newbyteorder('='), order='C')"

    @contextmanager
    def watching_overflow(self) -> Generator[tuple[Callable[[Any], Any], list[str]]]:
        from sekisho.worlds.overflow import watched_class  # noqa: PLC0415 - for tests only

        found: list[str] = []
        watched = watched_class(found)
        yield lambda value: value.view(watched), found

    def module(self) -> Any:
        return np

    def array_type(self) -> Any:
        return np.ndarray

    def is_loaded(self) -> bool:
        return True

    def owns(self, value: object) -> bool:
        return isinstance(value, (np.ndarray, np.generic))

    def may_share(self, value: Any, other: Any) -> bool:
        array: Any = other
        return isinstance(other, np.ndarray) and np.may_share_memory(value, array)

    def is_scalar(self, value: object) -> bool:
        return issubclass(type(value), np.generic)

    def dtypes(self) -> Mapping[Any, str]:
        return _dtypes()

    def is_dtype(self, value: object) -> bool:
        return isinstance(value, np.dtype)

    def size(self, value: Any) -> int:
        return int(value.size)

    def alias(self, hint: Any) -> Alias | None:
        """Read ``NDArray[np.float32]`` and ``np.ndarray[tuple[int, int], np.dtype[np.float32]]``."""
        if get_origin(hint) is not np.ndarray:
            return None
        shape, dtype = (*get_args(hint), Any)[:2]
        names = _names_of_dtype(dtype)
        variables = _variables_in(dtype)
        label = None if names is None and not variables else _label_of(dtype)
        axes = _axes_of(shape)
        words = "" if axes is None else f", {_count_of(axes)}"
        variable = variables[0].__name__ if variables else None
        return Alias(f"NDArray[{label or 'Any'}]{words}", names, label, axes, variable)

    # --- crossing: the values are on the host already

    def to_host(self, value: Any, policy: Policy) -> Converted:
        return self.move(value, policy)

    def from_host(self, array: Any, policy: Policy) -> Converted:
        return self.move(array, policy)

    def move(self, value: Any, policy: Policy) -> Converted:
        return Converted(value.copy(), "copy=True") if policy.copy else Converted(value, None)

    # --- used by messages and hints

    def host_values(self, value: Any) -> Any:
        return np.asarray(value)

    def rounded_to(self, values: Any, dtype: str) -> tuple[Any, float]:
        cast = values.astype(dtype)
        return cast, float(np.finfo(cast.dtype).eps)

    def shaped_like(self, value: Any, dtype: str) -> Any:
        return np.broadcast_to(np.zeros((), dtype), value.shape)

    def round(self, value: Any) -> Any:
        return np.rint(value)

    def making_calls(
        self, dtype: str | None, *, is_number: bool
    ) -> Iterator[tuple[str, str | None]]:
        plain: Final = "numpy.asarray({0})"
        yield plain, None
        if is_number:
            yield "numpy.atleast_1d({0})", None
        if dtype is not None and dtype in _dtypes().values():
            yield f"numpy.asarray({{0}}, dtype='{dtype}')", plain
            if is_number:
                yield f"numpy.atleast_1d({{0}}).astype('{dtype}')", plain

    # --- the operations of the helpers

    def permute_dims(self, x: Any, axes: tuple[int, ...]) -> Any:
        return x.transpose(axes)

    def moveaxis(self, x: Any, source: Any, destination: Any) -> Any:
        return np.moveaxis(x, source, destination)

    def concat(self, arrays: Any, axis: int | None) -> Any:
        if axis is None:  # `reshape` keeps subclasses such as numpy.matrix
            arrays, axis = [each.reshape(-1) for each in arrays], 0
        return np.concatenate(arrays, axis)


def _plain(hint: Any) -> Any:
    """Return a type without metadata, and for a type variable its bound or constraints."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if not isinstance(hint, TypeVar):
        return hint
    bound: Any = hint.__bound__
    return bound if bound is not None else Union[hint.__constraints__ or (Any,)]  # noqa: UP007 - of a tuple


def _names_of_dtype(hint: Any) -> tuple[str, ...] | None:
    """Return the dtype names that ``np.dtype[...]`` stands for; None for all."""
    hint = _plain(hint)
    if get_origin(hint) in {Union, UnionType}:
        return _joined([_names_of_dtype(each) for each in get_args(hint)])
    return _names_of(next(iter(get_args(hint)), Any))


def _names_of(scalar: Any) -> tuple[str, ...] | None:
    """Return the dtype names that a scalar type stands for; None for all."""
    scalar = _plain(scalar)
    if isinstance(scalar, ForwardRef):  # a bound written as a string
        return None
    if get_origin(scalar) in {Union, UnionType}:
        return _joined([_names_of(each) for each in get_args(scalar)])
    kind: Any = get_origin(scalar) or scalar  # np.floating[Any]
    if kind is Any or not isinstance(kind, type) or issubclass(np.generic, kind):
        return None  # Any is a class since Python 3.11
    known = (np.dtype(char) for char in np.typecodes["All"])
    matching = [dtype_name(each) for each in known if issubclass(each.type, kind)]
    # If NumPy does not list it, it is a dtype of ml_dtypes or a Python type such as int.
    return tuple(dict.fromkeys(matching)) or (dtype_name(np.dtype(kind)),)


def _joined(every: list[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    if None in every:
        return None
    return tuple(dict.fromkeys(name for names in every for name in names or ()))


def _variables_in(hint: Any) -> list[TypeVar]:
    """Return the type variables that stand for the dtype or for its scalar type."""
    if isinstance(hint, TypeVar):
        return [hint]
    return [each for each in get_args(hint) if isinstance(each, TypeVar)]


def _label_of(hint: Any) -> str:
    """Return a dtype annotation as readers know it: ``float32``, ``float32 | float64``, ``S``."""
    if get_origin(hint) is Annotated:
        return _label_of(get_args(hint)[0])
    if get_origin(hint) in {Union, UnionType}:
        return " | ".join(_label_of(each) for each in get_args(hint))
    if get_origin(hint) is np.dtype:
        return _label_of(get_args(hint)[0])
    kind: Any = get_origin(hint) or hint
    return str(getattr(kind, "__name__", kind))


def _count_of(axes: str) -> str:
    """Return how many axes an axis string has, in words."""
    each = axes.split()
    is_open = "..." in each
    count = len(each) - is_open
    return f"{'at least ' * is_open}{count} {'axis' if count == 1 else 'axes'}"


def _axes_of(shape: Any) -> str | None:
    """Return the axes of a shape type in jaxtyping's syntax; None for any shape."""
    if get_origin(shape) is not tuple:
        return None
    sizes = [size for size in get_args(shape) if size != ()]
    if Ellipsis in sizes:
        return None
    words: list[str] = []
    for size in sizes:
        if getattr(size, "__unpacked__", False) or get_origin(size) is Unpack:
            inside = size if get_origin(size) is tuple else get_args(size)[0]
            words += ["..."] if Ellipsis in get_args(inside) else ["_"] * len(get_args(inside))
        else:
            words.append(str(get_args(size)[0]) if get_origin(size) is Literal else "_")
    return " ".join(words)


@cache
def _dtypes() -> dict[Any, str]:
    known = (np.dtype(char) for char in np.typecodes["All"])
    return {dtype: dtype_name(dtype) for dtype in known}


NUMPY: Final = _NumPy()
WORLD: Final = NUMPY
