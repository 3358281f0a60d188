"""Any content of a folder is read, or reported and skipped, and never run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from sekisho.inference import solve

GOOD = "import numpy as np\nx = np.ones(3)\n"


def skipped(project):
    solution = project.solve()
    return {each.path.rpartition("/")[2]: each.why for each in solution.skipped}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"def f(:\n", "line 1: "),
        (b"x = 1\n  y = 2\n", "line 2: "),
        (b"# coding: klingon\nx = 1\n", "unknown encoding"),
        (b"x = '\xff\xfe'\n", "encoding"),
        (b"x = 1\x00\n", ""),
        (b"(" * 500 + b")" * 500, ""),
        (b"x = " + b"-" * 50_000 + b"1", ""),
    ],
)
def test_what_does_not_parse_is_reported_and_the_rest_is_read(project, data, why):
    (project.folder / "bad.py").write_bytes(data)
    project.write(GOOD)
    assert why in skipped(project)["bad.py"]
    assert project.worlds()["x"] == "numpy"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "shift_jis", "utf-16"])
def test_encodings_that_python_knows(project, encoding):
    word = "é" if encoding == "latin-1" else "境界"
    name = "" if encoding.startswith("utf") else f"# -*- coding: {encoding} -*-\n"
    text = f"{name}import numpy as np\nx = np.ones(3)  # {word}\n"
    (project.folder / "main.py").write_bytes(text.encode(encoding))
    if encoding == "utf-16":  # Python does not read it either
        assert "main.py" in skipped(project)
    else:
        assert project.worlds()["x"] == "numpy"


def test_line_endings(project):
    (project.folder / "main.py").write_bytes(b"import numpy as np\r\nx = 1\rx = np.ones(3)\r\n")
    assert project.worlds()["x"] == "numpy"


def test_nothing_is_run_and_nothing_is_imported(project):
    project.write("open('ran', 'w').close()\nimport helper\nraise SystemExit(3)\n" + GOOD)
    project.write("open('ran', 'w').close()\n", "helper.py")
    project.write("open('ran', 'w').close()\n", "conftest.py")
    project.write("import numpy as np\n", "numpy/__init__.py")
    before = set(sys.modules)
    solve([project.folder])
    assert not (project.folder / "ran").exists()
    new = {name for name in set(sys.modules) - before if not name.startswith("sekisho")}
    assert not {
        name for name in new if name.partition(".")[0] in {"helper", "torch", "jax", "sklearn"}
    }


def test_no_library_is_imported_either(project):
    project.write("import torch, jax, sklearn\nx = torch.ones(3)")
    code = (
        "import sys; from sekisho.__main__ import main; main(['map', '.', '--quiet']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'jax', 'sklearn', 'libcst')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "source": ["# Title\n"]},
        {
            "cell_type": "code",
            "source": ["%matplotlib inline\n", "import numpy as np\n", "import torch\n", "!ls\n"],
        },
        {"cell_type": "code", "source": "%%bash\nrm -rf /"},
        {
            "cell_type": "code",
            "source": "%%time\nx = np.ones(3)\nx.shape?\nif x is None:\n    %debug\n",
        },
        {"cell_type": "code", "source": "this is no Python"},
        {"cell_type": "code", "source": "x_tensor = x * 2"},
    ]
}


def test_notebooks_are_read_cell_by_cell(project, torch):
    (project.folder / "a.ipynb").write_text(json.dumps(NOTEBOOK))
    assert project.worlds()["x"] == "numpy"
    (finding,) = project.findings("SK102")
    assert finding.place.endswith("a.ipynb:cell 6:1")
    assert skipped(project) == {"a.ipynb:cell 5": "line 1: invalid syntax"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 1}', '{"cells": [{}]}', "[" * 100_000])
def test_what_is_no_notebook(project, text):
    (project.folder / "a.ipynb").write_text(text)
    assert "a.ipynb" in skipped(project)


def test_links_in_a_circle_and_files_with_two_names(project):
    project.write(GOOD, "pack/main.py")
    os.symlink(project.folder, project.folder / "pack" / "up")
    os.symlink(project.folder / "pack", project.folder / "again")
    os.symlink("nowhere", project.folder / "gone.py")
    os.symlink(project.folder / "loop.py", project.folder / "loop.py")
    solution = project.solve()
    assert len(solution.program.files) == 1


def test_folders_that_hold_no_source_of_one_s_own(project):
    for folder in (".git", "__pycache__", "node_modules", "env"):
        project.write("def f(:", f"{folder}/bad.py")
    project.write("", "env/pyvenv.cfg")
    project.write(GOOD)
    assert skipped(project) == {}


def test_stars_recursion_and_circles_of_imports(project):
    project.write("from b import *\nfrom a import *\ny = x", "a.py")
    project.write(
        "from a import *\nimport numpy as np\nx = np.ones(3)\nfrom a import y as z", "b.py"
    )
    project.write("from . import c\nfrom .c import c\nimport c.c.c", "c/__init__.py")
    held = project.worlds()
    assert (held["x"], held["y"]) == ("numpy", "numpy")


def test_a_function_that_builds_ever_larger_values_ends(project):
    project.write("""
        import numpy as np
        def f(x, n):
            y = [x]
            z = {"k": y, "l": (y, y)}
            for _ in range(n):
                y = [y, z]
                z = {"k": z, n: y}
            w = lambda: y
            if n:
                return f((y, z), n - 1) + f([w], w())
            return f
        def g(*args, **kwargs): return g(args, kwargs, *args, **kwargs)
        v = f(np.ones(3), g(f))
    """)
    assert project.worlds()["v"] == "unknown"


def test_ten_thousand_lines_in_one_function(project):
    lines = "".join(f"    x{n} = x{n - 1} * 2 + {n}\n" for n in range(1, 10_000))
    project.write(f"import numpy as np\ndef f():\n    x0 = np.ones(3)\n{lines}")
    start = time.perf_counter()
    held = project.worlds()
    assert held["x9999"] == "numpy"
    assert time.perf_counter() - start < 60, "it ends; how long it takes is measured in benchmarks/"


def test_a_chain_of_operators_deeper_than_the_stack(project):
    project.write("import numpy as np\nx = np.ones(3)\ny = " + "+".join(["x"] * 3_000))
    held = project.worlds() if "main.py" not in skipped(project) else {}
    assert held.get("y", "unknown") in {"numpy", "unknown"}


def test_a_large_file_that_a_program_wrote(project):
    (project.folder / "table.py").write_text("DATA = [" + "0," * 5_000_000 + "]")
    assert "larger than" in skipped(project)["table.py"]


def test_empty_files_and_folders(project):
    assert skipped(project) == {}
    project.write("", "a.py")
    project.write("# only this", "b.py")
    assert len(project.solve().program.files) == 2


def test_two_files_of_one_name_import_what_lies_beside_them(project, torch):
    project.write("import numpy as np\ndef make(): return np.ones(3)", "one/model.py")
    project.write("from model import make\na = make()", "one/main.py")
    project.write("import torch\ndef make(): return torch.ones(3)", "two/model.py")
    project.write("from model import make\nb = make()", "two/main.py")
    held = project.worlds()
    assert (held["a"], held["b"]) == ("numpy", "torch")
