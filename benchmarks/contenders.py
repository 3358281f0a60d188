"""What workloads are made of: contenders, each a function and the arguments that it is called with."""

from __future__ import annotations

import functools

import numpy as np
import torch

Array, Tensor = np.ndarray, torch.Tensor


def annotate(function, **annotations):
    """Give a function annotations that are no text in this file."""
    function.__annotations__ = annotations
    return function


def jaxtyped(function, typechecker="beartype"):
    """The function under jaxtyping and a type checker."""
    import beartype
    import jaxtyping

    if typechecker == "typeguard":
        import typeguard

        return jaxtyping.jaxtyped(typechecker=typeguard.typechecked)(function)
    return jaxtyping.jaxtyped(typechecker=beartype.beartype)(function)


def made_by(makers, values):
    """Each contender of these, made when it is asked for, called with these values."""
    return {name: functools.partial(_calling, make, values) for name, make in makers.items()}


def on(values, functions):
    """Each of these functions, called with these values."""
    return {
        name: functools.partial(_calling, lambda f=function: f, values)
        for name, function in functions.items()
    }


def _calling(make, values):
    return functools.partial(make(), *values)
