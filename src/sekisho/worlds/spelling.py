"""Code that hints suggest for libraries that use NumPy's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["made_like_numpy", "spelled_like_numpy"]


def spelled_like_numpy(module: str) -> dict[str, str]:
    """Return the `World.spelling` of a library whose `module` uses NumPy's names."""
    return {
        "add_batch_dim": "{0}[None]",
        "remove_batch_dim": "{0}[0]",
        "transpose2d": "{0}.T",
        "channels_first": f"{module}.moveaxis({{0}}, -1, -3)",
        "channels_last": f"{module}.moveaxis({{0}}, -3, -1)",
        "permute_dims": "{0}.transpose(AXES)",
        "cast": "{0}.astype('DTYPE')",
        "round": f"{module}.rint({{0}})",
        "stack": f"{module}.stack({{0}})",
        "expand_last": "{0}[..., None]",
        "squeeze_last": "{0}[..., 0]",
        "repeat": f"{module}.repeat({{0}}, 3, AXIS)",
    }


def made_like_numpy(
    module: str, dtype: str | None, *, is_number: bool
) -> Iterator[tuple[str, str | None]]:
    """Yield the `Library.making_calls` of a library whose `module` uses NumPy's names."""
    for way in ("asarray", "atleast_1d")[: 1 + is_number]:
        yield f"{module}.{way}({{0}})", "numpy.asarray({0})"
    if dtype is not None:
        yield f"{module}.asarray({{0}}, dtype='{dtype}')", "numpy.asarray({0})"
