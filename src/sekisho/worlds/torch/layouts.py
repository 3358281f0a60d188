"""Memory layouts and other variants of tensors with the same shape and dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sekisho.worlds.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LAYOUTS", "PLAIN", "SCARCE"]

LAYOUTS: Final[Mapping[str, Layout]] = {
    "transposed": Layout("{0}.movedim(0, -1).contiguous().movedim(-1, 0)", rank=2),
    "every second element": Layout("torch.stack([{0}, {0}], -1)[..., 0]"),
    "requires grad": Layout(
        "{0}.requires_grad_()", kinds="fc", takes_writes=False, is_memory=False
    ),
    "not a leaf": Layout("{0}.requires_grad_().clone()", kinds="fc", is_memory=False),
    "a parameter": Layout(
        "torch.nn.Parameter({0})", kinds="fc", takes_writes=False, is_memory=False
    ),
    "expanded": Layout("{0}[:1].expand({0}.shape)", rank=1, takes_empty=False, takes_writes=False),
    "overlapping": Layout(
        "{0}.as_strided({0}.shape, (1,) * {0}.ndim)", rank=2, takes_empty=False, takes_writes=False
    ),
    "a conjugate view": Layout("{0}.conj().resolve_conj().conj()", kinds="c"),
    "a negative view": Layout(
        "torch.complex(torch.zeros_like({0}), -{0}).conj().imag",
        kinds="f",
        dtypes=frozenset({"float32", "float64"}),
    ),
}

PLAIN: Final = (
    "{0}.detach().resolve_conj().resolve_neg().clone(memory_format=torch.contiguous_format)"
)

SCARCE: Final = frozenset({"uint16", "uint32", "uint64"})
"""Dtypes that few of torch's operations support."""
