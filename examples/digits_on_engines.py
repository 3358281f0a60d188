"""The same guarded functions on the engines of others: Ray Data, and Dask's workers.

Nothing in the functions knows where they run. Each worker logs its own crossings, the logs come
back with the results, and added up they are one table. Needs ``pip install "sekisho[distributed]"``
and scikit-learn, whose 1,797 handwritten digits these are.

Run it with ``python examples/digits_on_engines.py ray`` (or ``dask``).
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from sklearn.datasets import load_digits

import sekisho as sk

BATCH = 600


@sk.numpy_world
def normalise(scans: Float64[np.ndarray, "n 64"]) -> Float32[np.ndarray, "n 64"]:
    """Scale grey values 0..16 to 0..1."""
    return (scans / 16).astype(np.float32)


@sk.torch_world(returns="caller")
def predict(
    x: Float32[torch.Tensor, "n d"], means: Float32[torch.Tensor, "classes d"]
) -> Int64[torch.Tensor, " n"]:
    """The class whose mean image is the nearest."""
    return torch.cdist(x, means).argmin(dim=1)


def class_means() -> Float32[np.ndarray, "10 64"]:
    """The mean image of each digit."""
    scans, labels = load_digits(return_X_y=True)
    return np.stack([normalise(scans[labels == digit]).mean(axis=0) for digit in range(10)])


def stage(batch: dict[str, Any], means: Any) -> dict[str, Any]:
    """One batch on one worker: the predictions, and what crossed."""
    with sk.record_crossings() as log:
        digits = predict(normalise(np.asarray(batch["scans"])), means)
    crossings = [json.dumps(log.to_records()), *[""] * (len(digits) - 1)]  # one for the batch
    return {"digits": digits, "crossings": np.array(crossings)}


def on_ray(scans: Any, means: Any) -> list[dict[str, Any]]:
    """Run the stage as a `map_batches` of Ray Data, on this machine."""
    import ray  # noqa: PLC0415 - an engine is imported by who asks for it

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    ray.data.DataContext.get_current().enable_progress_bars = False
    dataset = ray.data.from_numpy(scans).rename_columns({"data": "scans"})
    results = dataset.map_batches(stage, batch_size=BATCH, fn_kwargs={"means": means})
    batches = list(results.iter_batches(batch_size=BATCH))
    ray.shutdown()
    return batches


def on_dask(scans: Any, means: Any) -> list[dict[str, Any]]:
    """Run the stage on two processes of Dask, on this machine."""
    from distributed import Client  # noqa: PLC0415 - likewise

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        batches = [{"scans": scans[i : i + BATCH]} for i in range(0, len(scans), BATCH)]
        results: list[dict[str, Any]] = client.gather(client.map(stage, batches, means=means))
    return results


def main(engine: str) -> None:
    """Classify all digits on an engine, and print what crossed on its workers."""
    scans, labels = load_digits(return_X_y=True)
    run = {"ray": on_ray, "dask": on_dask}[engine]
    batches = run(scans, class_means())
    digits = np.concatenate([batch["digits"] for batch in batches])
    log = sk.CrossingLog()
    for batch in batches:
        for text in filter(None, batch["crossings"]):
            log += sk.CrossingLog(sk.Crossing(**record) for record in json.loads(text))
    sys.stdout.write(f"{len(digits)} digits on {engine}: {(digits == labels).mean():.1%} right\n\n")
    sys.stdout.write(f"{log}\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "ray")
