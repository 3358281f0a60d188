"""Scores of several folds, reported as text."""

from collections import defaultdict

import numpy as np
import torch


class Report:
    def __init__(self):
        self.scores = defaultdict(list)

    def add(self, fold, logits, labels):
        right = (logits.argmax(-1) == labels).float().numpy()
        self.scores[fold].append(right)

    def lines(self):
        for fold, rows in self.scores.items():
            folded = np.concatenate(rows, dim=0)  # plant: array with a tensor's keyword
            # instead: folded = np.concatenate(rows, axis=0)
            yield f"fold {fold}: {folded.mean():.3f} of {len(folded)}"


report = Report()
for fold in range(2):
    report.add(fold, torch.rand(6, 3), torch.zeros(6, dtype=torch.long))
assert len("\n".join(report.lines()).splitlines()) == 2
