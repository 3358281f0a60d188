"""What an engine knows of the array at each planted mistake: a rule can only use that."""

from __future__ import annotations

import re

OPERANDS = {
    "adversarial_example": "x",
    "batch_size_of_array": "view",
    "best_boxes": "scores",
    "best_weights_copy": "value",
    "causal_mask": "hidden",
    "channels_last": 'batch["image"]',
    "collate_crops": "crops",
    "compare_port": "original",
    "dataset_from_arrays": "part",
    "denoise_target": "clean",
    "draw_boxes": "canvas",
    "fill_predictions": "output",
    "fit_camera_pose": "rotation",
    "flow_to_image": "flow",
    "gate_activation": "x",
    "half_precision_features": "features[name]",
    "jacobian_of_points": "points",
    "labels_astype": "probability",
    "letterbox": "image",
    "load_pretrained_embedding": "vector",
    "log_embeddings": "embedded",
    "mask_invalid_depth": "frame.valid",
    "masks_from_gpu": "mask",
    "match_dtype": "inputs",
    "mean_iou": "scores",
    "mean_of_losses": "mean",
    "pad_sequences_by_hand": "sequence",
    "particle_filter": "self.mean",
    "paste_heatmap": "heatmap(activations)",
    "peak_positions": "maps",
    "perplexity": "total",
    "plot_filters": "weight",
    "policy_rollout": "observation",
    "pool_embeddings": "row",
    "positional_table": "table",
    "predict_windows": "batch",
    "preprocess_channels": "normal",
    "probe_representation": "network.hidden",
    "recall_on_gpu": "ranked",
    "report_accuracy": "rows",
    "resize_masks": "mask",
    "results_table": "predicted",
    "retrieve_neighbours": "self.embeddings",
    "running_mean": "batch",
    "sample_actions": "self.std",
    "save_codebook": "quantizer.codebook",
    "save_reconstruction": "pixels",
    "scaler_twice": "self.rows",
    "score_histogram": "scores",
    "send_to_device": 'batch["mask"]',
    "stack_frames": "frames",
    "standardise_advantages": "gain",
    "to_tensor_helper": "value",
    "token_batches": "ids",
    "train_on_labels": "labels",
    "upsample_by_repeat": "onehot",
    "validation_predictions": "self.outputs",
    "whiten_batch": "by.projection",
}
"""By the name of the program. Two programs make an array of a dtype, and have no operand yet."""

PROBE = "sekisho_probe"
WORLDS = {"array": r"\bnumpy\b|\bndarray\b", "tensor": r"\btorch\b|\bTensor\b|\bParameter\b"}


def probed(plant, form):
    """Return the program with one more line before the marked one, which names the operand.

    Args:
        plant: a program with an operand in `OPERANDS`.
        form: the form of the line, such as ``reveal_type({})``.
    """
    lines = plant.bad.split("\n")
    marked = lines[plant.line - 1]
    indent = marked[: len(marked) - len(marked.lstrip())]
    lines.insert(plant.line - 1, indent + form.format(OPERANDS[plant.name]))
    return "\n".join(lines)


def is_known(plant, text):
    """Return whether an engine's answer for the operand names its library."""
    return bool(re.search(WORLDS[plant.kind.split()[0]], text))
