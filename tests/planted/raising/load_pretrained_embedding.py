"""Word vectors from a text file, copied into an embedding layer."""

import numpy as np
import torch
from torch import nn

LINES = ["cat 0.1 0.2 0.3", "dog 0.4 0.5 0.6"]


def parse(lines):
    vectors = {}
    for line in lines:
        word, *numbers = line.split()
        vectors[word] = np.array(numbers, dtype=np.float32)
    return vectors


class Tagger(nn.Module):
    def __init__(self, vocabulary, width=3):
        super().__init__()
        self.vocabulary = vocabulary
        self.embedding = nn.Embedding(len(vocabulary), width)

    @torch.no_grad()
    def load(self, vectors):
        for row, word in enumerate(self.vocabulary):
            if (vector := vectors.get(word)) is not None:
                self.embedding.weight[row].copy_(vector)  # plant: array stored into a tensor
                # instead: self.embedding.weight[row].copy_(torch.from_numpy(vector))


Tagger(["dog", "bird", "cat"]).load(parse(LINES))
