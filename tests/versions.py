"""Run the suite and record the outcome: ``python tests/versions.py [pytest's arguments]``.

tests/versions.json has one line for each combination of versions and device; the tables of
docs/compatibility.md are made from it.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import json
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

RECORD = Path(__file__).with_suffix(".json")


def installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def device() -> str | None:
    """Return the GPU's name, driver and CUDA release; None without a GPU."""
    if installed("torch") is None:
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=False,
    )
    driver = asked.stdout.split("\n")[0] or "unknown"
    return f"{torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}, driver {driver}"


def keep(outcome: dict[str, object], key: tuple[str, ...]) -> None:
    """Replace the outcome with the same key, or add a new one."""
    kept = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else []
    kept = [old for old in kept if any(old[name] != outcome[name] for name in key)]
    kept = sorted([*kept, outcome], key=lambda each: [str(each[name]) for name in key])
    lines = ",\n".join(json.dumps(each) for each in kept)
    RECORD.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    # With other versions, warnings differ: those that are errors in development are not errors
    # here.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "default"]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as suite:
        assert suite.stdout is not None
        last = ""
        for line in suite.stdout:
            sys.stdout.write(line)
            last = line if re.search(r"\b(passed|failed|errors?|skipped)\b.* in ", line) else last
    counts = {word.rstrip("s"): int(count) for count, word in re.findall(r"(\d+) (\w+)", last)}
    outcome = {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": installed("numpy"),
        "torch": installed("torch"),
        "jax": installed("jax"),
        "device": device(),
        "tests": shlex.join(arguments) or "all",
        **{word: counts.get(word, 0) for word in ("passed", "failed", "error", "skipped")},
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
    }
    keep(outcome, ("device", "torch", "jax", "python", "numpy"))
    return suite.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
