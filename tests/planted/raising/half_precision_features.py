"""Features written in the precision that the settings name."""

import io
from dataclasses import dataclass, field

import numpy as np
import torch


@dataclass
class Settings:
    dtype: torch.dtype = torch.float16
    # instead: dtype: np.dtype = np.dtype("float16")
    names: list[str] = field(default_factory=lambda: ["train", "test"])


def export(features, settings):
    file = io.BytesIO()
    saved = {}
    for name in settings.names:
        saved[name] = features[name].astype(settings.dtype)  # plant: array with torch's dtype
    np.savez(file, **saved)
    return file.tell()


features = {name: torch.rand(4, 3).numpy() for name in ("train", "test")}
assert export(features, Settings()) > 0
