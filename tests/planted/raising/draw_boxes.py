"""Boxes, drawn onto a picture that came out of a data loader."""
# needs: cv2

import cv2
import numpy as np
import torch


class Annotator:
    def __init__(self, colour=(255, 0, 0)):
        self.colour = colour

    def draw(self, image, boxes):
        canvas = (image.permute(1, 2, 0) * 255).byte().contiguous()
        # instead: canvas = (image.permute(1, 2, 0) * 255).byte().contiguous().numpy()
        for x, y, w, h in boxes.int().tolist():
            cv2.rectangle(canvas, (x, y), (x + w, y + h), self.colour)  # plant: tensor in OpenCV
        return canvas


drawn = Annotator().draw(torch.zeros(3, 20, 20), torch.tensor([[2.0, 3.0, 5.0, 4.0]]))
assert np.asarray(drawn).max() == 255
