"""The parts of workloads: contenders, each a function and its arguments."""

from __future__ import annotations

import functools

import numpy as np
import torch

Array, Tensor = np.ndarray, torch.Tensor


def annotate(function, **annotations):
    """Set annotations of a function that are not written in this file."""
    function.__annotations__ = annotations
    return function


def jaxtyped(function, typechecker="beartype"):
    """Return the function under jaxtyping and a type checker."""
    import beartype
    import jaxtyping

    if typechecker == "typeguard":
        import typeguard

        return jaxtyping.jaxtyped(typechecker=typeguard.typechecked)(function)
    return jaxtyping.jaxtyped(typechecker=beartype.beartype)(function)


def made_by(makers, values):
    """Return the contenders, each made when it is needed, called with these values."""
    return {name: functools.partial(_calling, make, values) for name, make in makers.items()}


def on(values, functions):
    """Return the functions, each called with these values."""
    return {
        name: functools.partial(_calling, lambda f=function: f, values)
        for name, function in functions.items()
    }


def _calling(make, values):
    return functools.partial(make(), *values)
