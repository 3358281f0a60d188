"""Token ids of several lengths, padded in the collate function."""

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader


class Tokenizer:
    def __init__(self):
        self.ids = {"<pad>": 0}

    def encode(self, text):
        return np.array([self.ids.setdefault(word, len(self.ids)) for word in text.split()])
        # instead: return torch.tensor([self.ids.setdefault(w, len(self.ids)) for w in text.split()])


def make_collate(tokenizer):
    def collate(texts):
        ids = [tokenizer.encode(text) for text in texts]
        padded = pad_sequence(ids, batch_first=True)  # plant: array in torch's data tools
        return padded, torch.tensor([len(each) for each in ids])

    return collate


texts = ["a b c", "a", "b c d e", "f"]
loader = DataLoader(texts, batch_size=2, collate_fn=make_collate(Tokenizer()))
assert sum(len(lengths) for _, lengths in loader) == 4
