"""PyTorch code for what hints suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SPELLING"]

SPELLING: Final[Mapping[str, str]] = {
    "add_batch_dim": "{0}.unsqueeze(0)",
    "remove_batch_dim": "{0}.squeeze(0)",
    "transpose2d": "{0}.permute(1, 0)",
    "channels_first": "{0}.movedim(-1, -3)",
    "channels_last": "{0}.movedim(-3, -1)",
    "permute_dims": "{0}.permute(AXES)",
    "cast": "{0}.to(torch.DTYPE)",
    "round": "torch.round({0})",
    "stack": "torch.stack({0})",
    "expand_last": "{0}.unsqueeze(-1)",
    "squeeze_last": "{0}.squeeze(-1)",
    "repeat": "{0}.repeat_interleave(3, AXIS)",
}
