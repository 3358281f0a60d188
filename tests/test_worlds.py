from __future__ import annotations

import numpy as np

import sekisho as sk


def test_a_value_belongs_to_one_world_or_to_none(world, other):
    x = world.zeros(2)
    assert sk.world_of(x) == world.name
    assert (sk.is_numpy(x), sk.is_torch(x)) == (world.name == "numpy", world.name == "torch")
    for nothing in ([1], 1.0, None, "text", np.zeros, world.xp):
        assert sk.world_of(nothing) is None
        assert not sk.is_numpy(nothing)
        assert not sk.is_torch(nothing)


def test_scalars_and_subclasses_belong_to_their_world(torch):
    for value in (np.float32(1), np.ma.masked, np.zeros(1).view(np.recarray)):
        assert sk.world_of(value) == "numpy"
    assert sk.world_of(torch.nn.Parameter(torch.zeros(1))) == "torch"


def test_a_description_never_shows_contents(torch):
    from sekisho.worlds import describe

    assert describe(np.full((2, 3), 7.5)) == "float64[2, 3] (NumPy)"
    assert describe(torch.full((2,), 7, dtype=torch.int8)) == "int8[2] (PyTorch)"
    assert describe(torch.zeros(1, device="meta")) == "float32[1] (PyTorch on meta)"
    assert describe(torch.nn.Parameter(torch.zeros(1))) == "float32[1] (Parameter, PyTorch)"
    assert describe(np.float32(7.5)) == "float32 scalar (NumPy)"
    assert describe(np.ma.masked_array([1.0])) == "float64[1] (MaskedArray, NumPy)"
    assert describe({"secret": 1}) == "a dict"
    assert describe(7) == "an int"
