"""A linear probe on a hidden layer, fitted by scikit-learn."""
# needs: sklearn

import torch
from sklearn.linear_model import LogisticRegression
from torch import nn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
        self.head = nn.Linear(6, 2)
        self.hidden = None

    def forward(self, x):
        self.hidden = self.features(x)
        # instead: self.hidden = self.features(x).detach()
        return self.head(self.hidden)


def probe(network, x, labels):
    network(x)
    classifier = LogisticRegression(max_iter=200)
    classifier.fit(network.hidden, labels)  # plant: tensor in pandas or scikit-learn
    return classifier.score(network.hidden, labels)


labels = [0, 1] * 6
assert 0 <= probe(Network(), torch.rand(12, 4), labels) <= 1
