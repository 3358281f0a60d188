"""Nearest neighbours by cosine similarity, of embeddings kept in a file."""

import io

import numpy as np
import torch
import torch.nn.functional as F


def save_index() -> io.BytesIO:
    file = io.BytesIO()
    np.savez(file, embeddings=np.eye(6, 4, dtype=np.float32) + 1, ids=np.arange(6))
    file.seek(0)
    return file


class Index:
    def __init__(self, file) -> None:
        data = np.load(file)
        self.ids = data["ids"]
        self.embeddings = data["embeddings"]
        # instead: self.embeddings = torch.from_numpy(data["embeddings"])

    def query(self, vector: torch.Tensor, k: int = 2):
        keys = F.normalize(self.embeddings, dim=-1)  # plant: array in a functional
        scores = keys @ F.normalize(vector, dim=-1)
        return self.ids[scores.topk(k).indices.numpy()]


assert len(Index(save_index()).query(torch.ones(4))) == 2
