"""Recording a program never writes into the program's files, and reports what it has missed."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import sekisho as sk
from sekisho.utils import LineFile

pytestmark = pytest.mark.skipif(os.name == "nt", reason="descriptors are reused otherwise there")

# Like a daemon: close everything, then open other files, which get the same numbers.
CLOSES = """
import os
os.closerange(3, 256)
files = [os.open(f"own{i}", os.O_RDWR | os.O_CREAT | os.O_TRUNC) for i in range(40)]
for i, each in enumerate(files):
    os.write(each, b"mine")
"""
# Like a server that was started by root; this folder is then read-only, except `.`.
USER = "os.chmod('.', 0o777); os.setgid(65534); os.setuid(65534)"
# How to cause each failure; the program crosses before and after it.
HARMS = {
    "closes all descriptors": CLOSES,
    "removes the folder": "import shutil; shutil.rmtree(folder)",
    "removes the folder and closes": "import shutil; shutil.rmtree(folder)" + CLOSES,
    "empties the folder": "for name in os.listdir(folder): os.unlink(os.path.join(folder, name))",
    "changes directory": "os.mkdir('elsewhere'); os.chdir('elsewhere')",
    "changes its environment": "os.environ.clear()",
    "changes user": USER,
    "changes user and closes": USER + CLOSES,
    "limits the size of files": (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))"
    ),
}
HARMLESS = {
    *("closes all descriptors", "changes directory", "changes its environment", "changes user"),
}


harms = pytest.mark.parametrize(
    "harm",
    [
        pytest.param(
            harm,
            marks=pytest.mark.skipif(
                (USER in harm and getattr(os, "geteuid", int)() != 0) or os.name == "nt",
                reason="only root may change user",
            ),
        )
        for harm in HARMS.values()
    ],
    ids=HARMS,
)


def own_files(folder):
    return {path.read_bytes() for path in folder.glob("**/own*")}


def run(tmp_path, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "sekisho", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=tmp_path,
    )


@harms
def test_a_recorder_harms_no_file_and_says_what_is_missing(torch, tmp_path, harm):
    (tmp_path / "program.py").write_text(
        "import json, os\nimport numpy as np\nimport torch\n"
        "told = os.environ['SEKISHO_RECORDING'].partition(os.pathsep)[2]\n"
        "folder = json.loads(told)['folder']\n"
        f"torch.from_numpy(np.ones(3))\n{harm}\n"
        + "".join(f"torch.as_tensor(np.ones({n}))\n" for n in range(30)),
        "utf-8",
    )
    done = run(
        tmp_path, "crossings", "--json", "log.json", "--fail-on", "crossings>1000", "program.py"
    )
    assert own_files(tmp_path) <= {b"mine"}
    log = json.loads((tmp_path / "log.json").read_text("utf-8"))
    count = sum(row["count"] for row in log["crossings"])
    lost = [each["lost"] for each in log["processes"] if each["lost"]]
    if harm in [HARMS[name] for name in HARMLESS]:
        assert (count, lost, done.returncode) == (31, [], 0)
    else:
        assert lost
        assert done.returncode == 1
        assert (
            f"sekisho: failed: main (process {log['processes'][0]['pid']}): {lost[0]}"
            in done.stderr
        )


@harms
def test_a_tracer_harms_no_file_and_says_what_is_missing(tmp_path, harm):
    pytest.importorskip("libcst")
    (tmp_path / "one.py").write_text(
        "".join(f"def f{n}(x):\n    return x\n\n\n" for n in range(30)), "utf-8"
    )
    (tmp_path / "program.py").write_text(
        "import json, os\nimport numpy as np\nimport one\n"
        "folder = json.loads(os.environ['SEKISHO_TRACING'])['folder']\n"
        f"one.f0(np.ones(3))\n{harm}\n" + "".join(f"one.f{n}(np.ones({n}))\n" for n in range(30)),
        "utf-8",
    )
    done = run(tmp_path, "adopt", "one.py", "--", "program.py")
    assert own_files(tmp_path) <= {b"mine"}
    if harm in [HARMS[name] for name in HARMLESS]:
        assert "30 functions, " in done.stderr
        assert "not all calls were seen" not in done.stderr
    elif "RLIMIT" not in harm:  # if the file cannot grow, the failure cannot be reported
        assert "sekisho: not all calls were seen: " in done.stderr


def test_a_recording_of_this_process_harms_no_file_when_it_ends(torch, tmp_path):
    """Maps of Python 3.12 and earlier have descriptors of their own, and close them."""
    script = (
        "import gc, numpy as np, torch, sekisho as sk\n"
        "with sk.record_crossings(everywhere=True) as log:\n"
        "    torch.from_numpy(np.ones(3))\n"
        "    " + CLOSES.strip().replace("\n", "\n    ") + "\n"
        "    torch.as_tensor(np.ones(4))\n"
        "gc.collect()\n"
        "for each in files: os.write(each, b'!')\n"
        "print(sum(row.count for row in log.rows))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert own_files(tmp_path) == {b"mine!"}, done.stderr
    assert done.stdout == "2\n"


def test_what_is_missing_is_in_the_log_of_this_process(torch, tmp_path, monkeypatch):
    import shutil

    import numpy as np

    with sk.record_crossings(everywhere=True) as log:
        torch.from_numpy(np.ones(3))
        from sekisho.recorder.program import Recording

        shutil.rmtree(Recording._folder)
        assert [each.lost for each in log.processes] == [
            "the folder of the recording was removed while the program ran"
        ]


# --- the file itself -------------------------------------------------------------------------------


def test_a_line_goes_to_its_own_file_or_nowhere(tmp_path):
    path = tmp_path / "lines"
    lines = LineFile(str(path), lambda: b"begun\n")
    assert lines.write(b"1\n")
    taken = lines._descriptor
    os.close(taken)
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    assert other == taken
    assert lines.write(b"2\n")
    path.unlink()
    assert lines.write(b"3\n")
    assert path.read_bytes() == b"begun\n3\n"
    assert (tmp_path / "other").read_bytes() == b""
    lines.close()
    os.close(other)  # closes the only descriptor


def test_the_number_of_a_removed_file_may_be_another_ones(tmp_path):
    """A file system reuses inode numbers, as a process reuses descriptors."""
    path = tmp_path / "folder" / "lines"
    path.parent.mkdir()
    lines = LineFile(str(path), bytes)
    taken = lines._descriptor
    os.close(taken)
    path.rename(tmp_path / "other")  # the same inode, under another name
    path.parent.rmdir()
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_APPEND)
    assert other == taken
    assert not lines.write(b"1\n")
    lines.close()
    assert (tmp_path / "other").read_bytes() == b""
    os.close(other)
