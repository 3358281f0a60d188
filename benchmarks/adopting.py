"""All figures of docs/adopting.md on how right `sekisho adopt` is, by one command.

    python benchmarks/adopting.py FOLDER [--only NAME ...] [--python PYTHON]

The folder has the sources of the packages, unpacked as their names and versions say. What is not there is
named and left out. Each line is what `adopted.py` or `held_out.py` prints at the end.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
AUTHORS = {
    "gaussx": ("gaussx", "tests/linalg tests/kernels tests/primitives"),
    "DiffeRT": (
        "differt",
        (
            "-p no:hypothesispytest tests/em tests/geometry/test_fermat.py "
            "tests/geometry/test_image_method.py tests/geometry/test_utils.py tests/test_utils.py"
        ),
    ),
    "pyrox": ("pyrox", "-o addopts= tests/gp tests/nn tests/basis"),
    "physicsnemo": (
        "physicsnemo",
        (
            "-o addopts= test/diffusion/test_noise_schedulers.py test/diffusion/test_patching.py "
            "test/diffusion/test_preconditioners.py test/diffusion/test_samplers.py "
            "test/diffusion/test_losses.py"
        ),
    ),
    "exponax": ("exponax", "-o addopts= tests"),
    "spectraldiffx": ("spectraldiffx", "-o addopts= tests"),
    "finitevolX": (
        "finitevolx",
        (
            "-o addopts= tests/test_difference.py tests/test_interp.py tests/test_divergence.py "
            "tests/test_vorticity.py tests/test_diffusion.py tests/test_advection.py "
            "tests/test_reconstruction.py tests/test_tridiagonal.py tests/test_vertical_modes.py "
            "tests/test_multilayer.py tests/test_limiters.py tests/test_weno.py tests/test_boundary.py "
            "tests/test_flux.py tests/test_jacobian.py tests/test_momentum.py tests/test_stencils.py "
            "tests/test_ghost.py tests/test_operators.py"
        ),
    ),
    "Equimo": (
        "equimo",
        (
            "-o addopts= tests/test_attention.py tests/test_ffn.py tests/test_norm.py "
            "tests/test_convolution.py tests/test_patch.py tests/test_posemb.py tests/test_downsample.py "
            "tests/test_squeeze_excite.py tests/test_tabular_layers.py tests/test_audio_patch.py "
            "tests/test_wavelet.py"
        ),
    ),
    "coreax": (
        "coreax",
        (
            "-o addopts= tests/unit/test_data.py tests/unit/test_metrics.py tests/unit/test_util.py "
            "tests/unit/test_weights.py tests/unit/test_networks.py tests/unit/test_least_squares.py"
        ),
    ),
    "spd": (
        "spd",
        (
            "-o addopts= tests/metrics tests/test_component_model.py tests/test_component_utils.py "
            "tests/test_spd_losses.py tests/test_tms.py tests/test_resid_mlp.py tests/test_gpt2.py "
            "tests/test_ih_transformer.py tests/test_eval.py tests/test_permutation.py"
        ),
    ),
}
"""By the folder, the package and what pytest is told: packages whose authors annotated with jaxtyping."""

HELD_OUT = {
    "pymap3d-3.2.0/src": ("pymap3d", "pymap3d/tests"),
    "pytransform3d-3.17.0": (
        "pytransform3d",
        (
            "pytransform3d/test pytransform3d/rotations pytransform3d/transformations "
            "pytransform3d/batch_rotations pytransform3d/uncertainty"
        ),
    ),
}
"""By the folder, the package and its tests."""

SUMMARY = re.compile(r"\d+ functions, |.*(different calls: |pass under the guards)|    \S+, .*: ")


def run(options, script, folder, package, *more):
    """Run a script in a folder, and print the lines that sum it up."""
    print(f"{folder.name}:", flush=True)
    command = [options.python, str(HERE / script), package, *more]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if SUMMARY.match(line)]
    print("\n".join(lines) or done.stderr[-2000:], flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the packages are")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the folders' names")
    parser.add_argument("--python", default=sys.executable, help="that has the packages' libraries")
    parser.add_argument("--seed", nargs="+", default=["0", "1", "2"])
    options = parser.parse_args()
    jobs = [("adopted.py", *each) for each in AUTHORS.items()]
    jobs += [("held_out.py", *each) for each in HELD_OUT.items()]
    for script, name, (package, tests) in jobs:
        folder = options.folder / name
        if options.only and not any(each in name for each in options.only):
            continue
        if not folder.is_dir():
            print(f"{name}: not in {options.folder}")
        elif script == "adopted.py":
            run(options, script, folder, package, "--", "-m", "pytest", "-q", *tests.split())
        else:
            seeds = ["--seed", *options.seed, "--show"]
            run(options, script, folder, package, *seeds, "--", *tests.split())


if __name__ == "__main__":
    main()
