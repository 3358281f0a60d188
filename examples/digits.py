"""Handwritten digits across the border: NumPy preprocessing, a PyTorch network, and back.

The data is real: 1,797 scans of handwritten digits, 8 by 8 pixels, bundled with scikit-learn
(https://archive.ics.uci.edu/dataset/80). Each function declares the world that it stays in, so
every array below passes, converts, or is refused at a declared boundary.

Run it with ``make demo``, or ``python examples/digits.py``.
"""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from rich.console import Console
from rich.progress import track
from sklearn.datasets import load_digits
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import train_test_split
from torch import nn

import sekisho as sk

mpl.use("Agg")
import matplotlib.pyplot as plt

OUTPUT = Path(__file__).parent / "output" / "digits.png"
GOAL = 0.95
MAX_EPOCHS = 30
BATCH = 128


# --- NumPy: preprocessing ---------------------------------------------------------------------


@sk.numpy_world
def normalise(scans: Float64[np.ndarray, "n h w"]) -> Float32[np.ndarray, "n h w 1"]:
    """Scale grey values 0..16 to 0..1, and give each image a channel axis, as image files have."""
    return sk.add_channel_dim((scans / 16).astype(np.float32), axis=-1)


@sk.numpy_world
def augment(
    images: Float32[np.ndarray, "n h w c"], labels: Int64[np.ndarray, " n"], shift: int = 1
) -> tuple[Float32[np.ndarray, "m h w c"], Int64[np.ndarray, " m"]]:
    """Add each image shifted by `shift` pixels in the four directions."""
    _, h, w, _ = images.shape
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)))
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    moved = [padded[:, y * shift :, x * shift :][:, :h, :w] for y, x in corners]
    return sk.concat(moved), np.tile(labels, len(moved))


@sk.numpy_world
def for_model(images: Float32[np.ndarray, "n h w c"]) -> Float32[np.ndarray, "n c h w"]:
    """Move the channels where the network wants them."""
    return np.ascontiguousarray(sk.channels_first(images))


# --- the border, and PyTorch behind it --------------------------------------------------------


@sk.boundary
def upload(
    images: Float32[np.ndarray, "n c h w"], labels: Int64[np.ndarray, " n"], device: torch.device
) -> tuple[Float32[torch.Tensor, "n c h w"], Int64[torch.Tensor, " n"]]:
    """Take one batch to the network's device: the only way in."""
    return sk.to_torch(images, device=device), sk.to_torch(labels, device=device)


class DigitNet(nn.Module):
    """A small convolutional network."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.classify = nn.Linear(32 * 4 * 4, classes)

    @sk.torch_world(device="module")
    def forward(self, images: Float32[torch.Tensor, "b 1 8 8"]) -> Float32[torch.Tensor, "b 10"]:
        """Score each image for each digit."""
        return self.classify(self.features(images))


@sk.boundary
def predict(
    net: nn.Module, images: Float32[np.ndarray, "n c h w"], device: torch.device
) -> Int64[np.ndarray, " n"]:
    """Take images in and the predicted digits out: the only way back."""
    with torch.inference_mode():
        return sk.to_numpy(net(sk.to_torch(images, device=device)).argmax(1))


@sk.torch_world
def train_step(
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Float32[torch.Tensor, "b c h w"],
    labels: Int64[torch.Tensor, " b"],
) -> Float32[torch.Tensor, ""]:
    """Take one step down the gradient; return the loss."""
    optimiser.zero_grad()
    loss = nn.functional.cross_entropy(net(images), labels)
    loss.backward()
    optimiser.step()
    return loss.detach()


# --- NumPy again: the picture -----------------------------------------------------------------


@sk.numpy_world
def draw(
    images: Float32[np.ndarray, "n c h w"],
    labels: Int64[np.ndarray, " n"],
    predicted: Int64[np.ndarray, " n"],
    path: Path,
) -> None:
    """Draw the confusion matrix, and beside it every image that was read wrongly."""
    wrong = np.flatnonzero(labels != predicted)[:20]
    figure = plt.figure(figsize=(11, 5.5), layout="constrained")
    left, right = figure.subfigures(1, 2)

    matrix = confusion_matrix(labels, predicted)
    axes = left.subplots()
    axes.imshow(np.log1p(matrix), cmap="Blues")
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if row == column else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour)
    axes.set(
        xticks=range(10),
        yticks=range(10),
        xlabel="read as",
        ylabel="written",
        title="Held-out digits",
    )

    right.suptitle(f"{np.count_nonzero(labels != predicted)} of {len(labels)} read wrongly")
    grid = right.subplots(4, 5)
    for cell in grid.flat:
        cell.axis("off")
    for cell, i in zip(grid.flat, wrong, strict=False):
        cell.imshow(sk.channels_last(images[i]), cmap="gray_r")
        cell.set_title(f"{labels[i]}, not {predicted[i]}", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


# --- the main job -----------------------------------------------------------------------------


def main() -> None:
    """Train until 95 % of the held-out digits are read, and show what crossed the border."""
    console = Console()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    digits = load_digits()
    images, labels = normalise(digits.images), digits.target.astype(np.int64)
    train_x, test_x, train_y, test_y = train_test_split(
        images, labels, test_size=0.25, random_state=0, stratify=labels
    )
    train_x, train_y = augment(train_x, train_y)
    train_x, test_x = for_model(train_x), for_model(test_x)
    console.print(f"{len(train_x)} images to learn from, {len(test_x)} held out, on {device}")

    net = DigitNet().to(device)
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    accuracy = 0.0
    with sk.record_crossings() as log:
        for epoch in range(1, MAX_EPOCHS + 1):
            order = rng.permutation(len(train_x))
            starts = range(0, len(order), BATCH)
            for start in track(starts, f"epoch {epoch}", console=console, transient=True):
                rows = order[start : start + BATCH]
                train_step(net, optimiser, *upload(train_x[rows], train_y[rows], device))
            accuracy = float((predict(net, test_x, device) == test_y).mean())
            console.print(f"epoch {epoch}: {accuracy:.1%} of the held-out digits read")
            if accuracy >= GOAL:
                break
        predicted = predict(net, test_x, device)
    draw(test_x, test_y, predicted, OUTPUT)

    console.print(f"\naccuracy   {accuracy:.2%}")
    console.print(f"picture    {os.path.relpath(OUTPUT)}")
    console.print(str(log), highlight=False, soft_wrap=True)
    assert accuracy >= GOAL, f"{accuracy:.1%} after {MAX_EPOCHS} epochs"

    console.print("\nAnd a mistake: one image, without its batch axis, given to the network.\n")
    image = sk.to_torch(test_x[0], device=device)
    try:
        net(image)
    except sk.ShapeError as error:
        console.print(f"ShapeError: {error}", style="red", markup=False, soft_wrap=True)
    read = int(net(sk.add_batch_dim(image)).argmax())
    console.print(f"\nWith the hint followed: read as {read}, written {test_y[0]}.")


if __name__ == "__main__":
    main()
