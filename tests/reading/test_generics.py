"""Type parameters in brackets, and the statement `type` (Python 3.12)."""

from __future__ import annotations

import sys

import pytest

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 12), reason="no type parameters before Python 3.12"),
    pytest.mark.usefixtures("torch"),
]


def test_type_parameters_are_those_of_their_own_function(worlds):
    found = worlds(
        """
        import numpy as np
        import torch

        type Arrays[S: np.generic] = np.ndarray[tuple[int], np.dtype[S]]

        def kept[T: np.ndarray](x: T) -> T: return x
        def moved[T: torch.Tensor](x: T) -> T: return x
        def either[T: (np.ndarray, torch.Tensor)](x: T) -> T: return x

        class Holder[T: torch.Tensor]:
            def held(self, x: T) -> T: return x

        def outer(alias: Arrays[np.float32], unknown, holder: Holder):
            a = kept(unknown)
            b = moved(unknown)
            c = holder.held(unknown)
            d = either(alias)
        """
    )
    assert {name: found[name] for name in ("alias", *"abcd")} == {
        "alias": "numpy",
        "a": "numpy",
        "b": "torch",
        "c": "torch",
        "d": "numpy",
    }
