"""Mean intersection over union, over the classes."""

import numpy as np
import torch


def iou_by_class(predicted, target, classes):
    scores = torch.zeros(classes)
    for label in range(classes):
        mine, theirs = predicted == label, target == label
        union = (mine | theirs).sum()
        scores[label] = (mine & theirs).sum() / union if union > 0 else 1.0
    return scores


def summary(predicted, target, classes=3):
    scores = iou_by_class(predicted, target, classes)
    mean = np.mean(scores)  # plant: tensor refused by NumPy
    # instead: mean = scores.mean().item()
    return {"mean": mean, "worst": scores.min().item()}


maps = torch.arange(12).reshape(3, 4) % 3
assert summary(maps, maps)["mean"] == 1
