"""Retrieval by similarity on the GPU, scored with NumPy."""

import numpy as np
import torch


def similarity(queries, keys, device):
    queries, keys = queries.to(device), keys.to(device)
    return queries @ keys.T


def recall_at(k, scores, truth):
    ranked = scores.argsort(dim=1, descending=True)[:, :k]
    hits = np.asarray(ranked) == truth[:, None]  # plant: tensor on a device in NumPy
    # instead: hits = np.asarray(ranked.cpu()) == truth[:, None]
    return hits.any(axis=1).mean()


embeddings = torch.eye(6)
scores = similarity(embeddings, embeddings, device="cuda")
results = {k: recall_at(k, scores, np.arange(6)) for k in (1, 3)}
assert results[3] >= results[1]
