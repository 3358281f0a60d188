"""``python -m sekisho crossings`` records every crossing of a program, and changes nothing else."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
HAS_FORK = hasattr(os, "fork")


@pytest.fixture(autouse=True)
def _torch():
    pytest.importorskip("torch")


def run(*arguments, **options):
    command = [sys.executable, "-W", "ignore", *map(str, arguments)]
    options = {"capture_output": True, "text": True, "timeout": 240, **options}
    return subprocess.run(command, check=False, **options)


@pytest.fixture
def record(tmp_path):
    """Run a program under the command; return its exit status, and its JSON."""

    def record(program, *arguments, options=(), **how):
        if "\n" in program:
            path = tmp_path / "program.py"
            path.write_text(program, "utf-8")
            program = path
        file = tmp_path / "log.json"
        file.unlink(missing_ok=True)
        command = ("-m", "sekisho", "crossings", "--json", file, *options, program, *arguments)
        done = run(*command, **how)
        return done, json.loads(file.read_text("utf-8")) if file.exists() else None

    return record


def by_line(found, kinds=("crossing", "scalar")):
    sums = {}
    for row in found["crossings"]:
        if row["kind"] in kinds:
            held = sums.setdefault(row["line"], [0, 0])
            held[0] += row["count"]
            held[1] += row["bytes"]
    return sums


@pytest.mark.parametrize("workers", [0, 2])
def test_each_crossing_of_a_script_is_reported_at_its_line(record, workers):
    path = PROGRAMS / "eleven.py"
    done, found = record(str(path), workers)
    assert done.returncode == 0, done.stderr
    expected = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if said := re.search(r"# crosses: (\d+) x (\d+)$", line):
            expected[number] = [*map(int, said.groups())]
    assert by_line(found, kinds=("crossing",)) == expected
    assert {Path(row["file"]).name for row in found["crossings"]} == {"eleven.py"}
    assert {row["function"] for row in found["crossings"]} == {"main"}
    workers_seen = {row["process"] for row in found["crossings"]} - {""}
    assert workers_seen == {f"DataLoader worker {i}" for i in range(workers)}


def test_count_and_bytes_are_those_that_the_program_counts_itself(record):
    done, found = record(str(PROGRAMS / "truth.py"))
    counted = {int(line): sums for line, sums in json.loads(done.stdout).items()}
    assert sum(count for count, _ in counted.values()) > 3000
    assert by_line(found) == counted


SMALL = """\
import numpy as np
def cross(times=1):
    import torch
    for _ in range(times):
        torch.from_numpy(np.ones(3))
"""


# --- the program's exit and output are its own, and the report is written --------------------------

ENDINGS = {
    "sys.exit": ("import sys\ncross()\nprint('out')\nsys.exit(3)", 3, ""),
    "a text": ("import sys\ncross()\nprint('out')\nsys.exit('why')", 1, "why\n"),
    "an exception": ("cross()\nprint('out')\n{}['key']", 1, "KeyError: 'key'\n"),
    "os._exit": ("import os\ncross()\nprint('out', flush=True)\nos._exit(4)", 4, ""),
    "another stdout": (
        "import io, sys\ncross()\nprint('out')\nsys.stdout = io.StringIO()\nprint('x')",
        0,
        "",
    ),
    "a closed stdout": ("import sys\ncross()\nprint('out')\nsys.stdout.close()", 0, ""),
    "a thread that goes on": (
        "import threading, time\nimport torch\n"
        "threading.Thread(target=lambda: (time.sleep(.2), cross())).start()\nprint('out')",
        0,
        "",
    ),
    "a patched torch": (
        "import torch\ncross()\nbefore = torch.from_numpy\ntorch.from_numpy = lambda a: before(a)\n"
        "torch.Tensor.numpy = lambda self: 'mine'\nassert torch.ones(1).numpy() == 'mine'\n"
        "assert torch.from_numpy(np.ones(2)).sum() == 2\nprint('out')",
        0,
        "",
    ),
    "another sitecustomize": ("import sitecustomize\ncross()\nprint('out')", 0, ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDINGS)
def test_a_program_ends_and_prints_as_it_does_by_itself(record, name, tmp_path):
    text, status, error = ENDINGS[name]
    if "sitecustomize" in name:
        (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.cross_site = 1\n")
        text += "\nassert cross_site"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done, found = record(SMALL + text, env=environment)
    assert (done.returncode, done.stdout) == (status, "out\n"), done.stderr
    own, _, _ = done.stderr.partition("\ncrossings ")
    assert own.endswith(error)
    if "exception" in name or "sitecustomize" in name:
        alone = run(tmp_path / "program.py", env=environment)
        assert (alone.returncode, alone.stdout, alone.stderr) == (status, "out\n", own)
    assert [row["count"] for row in found["crossings"] if row["line"] == 5] == [1]
    assert re.search(
        r"program.py:5 +cross +torch.from_numpy +numpy -> torch .float64. +1 ", done.stderr
    )


def test_a_warning_stands_at_the_line_of_the_program(record, tmp_path):
    text = (
        "import numpy as np, torch, warnings\nwarnings.simplefilter('default')\n"
        "torch.from_numpy(np.frombuffer(b'12345678', np.float32))\n"
    )
    done, _ = record(text, options=["--quiet"])
    assert f"{tmp_path / 'program.py'}:3: UserWarning: The given NumPy array" in done.stderr
    assert done.stderr == run(tmp_path / "program.py").stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_program_that_is_killed_is_named_and_has_lost_nothing(record, number):
    text = (
        f"import os\ncross(1000)\nprint('out', flush=True)\nos.kill(os.getpid(), {int(number)})\n"
    )
    done, found = record(SMALL + text)
    assert (done.returncode, done.stdout) == (-number, "out\n")
    assert [row["count"] for row in found["crossings"]] == [1000]
    assert found["processes"][0]["ended"] == f"was killed by {signal.Signals(number).name}"
    assert f"was killed by {signal.Signals(number).name}." in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_to_the_command_reaches_the_program(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(
        SMALL + "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "cross()\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    command = [sys.executable, "-W", "ignore", "-m", "sekisho", "crossings", str(script)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGTERM)
        _, error = program.communicate(timeout=60)
    assert program.returncode == 7
    assert "torch.from_numpy" in error


def test_a_program_that_imports_torch_late_or_never(record):
    done, found = record("import numpy as np\nprint(np.ones(3).sum())\n")
    assert (done.returncode, done.stdout) == (0, "3.0\n")
    assert found["crossings"] == []
    assert "Nothing crossed. Looked at: 1 process, in which no library" in done.stderr
    done, found = record("import sys\nassert 'torch' not in sys.modules\n" + SMALL + "cross()\n")
    assert len(found["crossings"]) == 1
    done, found = record("import torch\ntorch.ones(3) + 1\n")
    assert re.search(
        r"Nothing crossed. Looked at: all that PyTorch \S+ did in 1 process.", done.stderr
    )


def test_what_the_program_sees_is_what_it_sees_by_itself(record, tmp_path):
    text = (
        "import sys, os, __main__\n"
        "print(sys.argv, __name__, __file__, __main__.__file__, sys.path[0], sys.flags.optimize)\n"
        "print(sys.stdin.read(), sys.path)\n"
    )
    done, _ = record(text, "--flag", "-m", "a b", input="in")
    alone = run(tmp_path / "program.py", "--flag", "-m", "a b", input="in")
    assert done.stdout == alone.stdout


def test_a_module_is_run_as_python_does(record, tmp_path):
    (tmp_path / "tool").mkdir()
    (tmp_path / "tool" / "__init__.py").write_text("")
    (tmp_path / "tool" / "__main__.py").write_text(
        SMALL + "import sys\ncross()\nprint(sys.argv[1:])"
    )
    done, found = record("tool", "-x", options=["-m"], cwd=tmp_path)
    assert done.stdout == "['-x']\n", done.stderr
    assert [row["line"] for row in found["crossings"]] == [5]


WRONG = [
    (("missing.py",), "there is no script 'missing.py'"),
    (("--fail-on", "much", "__FILE__"), "--fail-on 'much': expected undeclared, crossings>NUMBER"),
    (("--html", "no/where.html", "__FILE__"), "there is no folder for 'no/where.html'"),
    (("--keep", "-1", "__FILE__"), "argument --keep: expected a whole number"),
    ((), "the following arguments are required: program"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_is_wrong_is_said_before_anything_runs(arguments, message):
    arguments = [__file__ if each == "__FILE__" else each for each in arguments]
    done = run("-m", "sekisho", "crossings", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_a_python_that_ignores_the_environment_is_told_so():
    done = run("-I", "-m", "sekisho", "crossings", __file__)
    assert (
        done.returncode,
        "cannot be recorded by a Python that is run with -E" in done.stderr,
    ) == (
        2,
        True,
    )


# --- limits ---------------------------------------------------------------------------------------


def test_beyond_a_limit_the_command_fails_and_names_the_rows(record):
    done, _ = record(SMALL + "cross(5)\n", options=["--fail-on", "crossings>4", "--quiet"])
    assert done.returncode == 1
    assert re.fullmatch(
        r"\nsekisho: failed: 5 crossings, at most 4 allowed\n"
        r"  \S+program.py:5: torch.from_numpy, numpy -> torch \(float64\), 5 x, 120 B\n",
        done.stderr,
    )
    done, _ = record(SMALL + "cross(5)\n", options=["--fail-on", "bytes>1M", "--quiet"])
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_declared_is_not_undeclared(record):
    text = (
        "import numpy as np, torch, sekisho as sk\n"
        "@sk.torch_world\ndef f(x: torch.Tensor): return x\n"
        "@sk.boundary\ndef g(x): return torch.from_numpy(x)\n"
        "f(np.ones(3))\ng(np.ones(3))\nsk.to_torch(np.ones(3))\n"
        "with sk.crossing_allowed():\n    torch.from_numpy(np.ones(3))\n"
    )
    done, found = record(text, options=["--fail-on", "undeclared"])
    assert done.returncode == 0, done.stderr
    assert {(row["line"], row["declared"], row["count"]) for row in found["crossings"]} == {
        (5, True, 1),
        (6, True, 1),
        (8, True, 1),
        (10, True, 1),
    }
    done, _ = record(text + "torch.from_numpy(np.ones(3))\n", options=["--fail-on", "undeclared"])
    assert done.returncode == 1


def test_the_programs_own_failure_comes_before_a_limit(record):
    done, _ = record(SMALL + "cross(5)\nraise SystemExit(9)\n", options=["--fail-on", "undeclared"])
    assert done.returncode == 9


# --- other processes, and threads -------------------------------------------------------------------

CHILDREN = """\
import multiprocessing, subprocess, sys, os, threading, asyncio
import numpy as np
def cross(_=None):
    import torch
    return torch.from_numpy(np.ones(4)).sum().item()
if __name__ == "__main__":
    how = sys.argv[1]
    if how in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(how)
        if how == "fork":
            cross()
        workers = [context.Process(target=cross, name=f"worker {i}") for i in range(3)]
        for each in workers: each.start()
        for each in workers: each.join()
    elif how == "pool":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.map(cross, range(6))
            pool.close()
            pool.join()
    elif how == "subprocess":
        code = "import torch, numpy as np\\nfor _ in range(3): torch.from_numpy(np.ones(4))"
        subprocess.run([sys.executable, "-c", code], check=True)
    elif how == "os.fork":
        cross()
        if os.fork() == 0:
            cross(); cross()
            os._exit(0)
        os.wait()
    elif how == "killed":
        import signal
        cross()
        child = os.fork()
        if child == 0:
            cross(); cross()
            os.kill(os.getpid(), signal.SIGKILL)
        os.wait()
    elif how == "threads":
        threads = [threading.Thread(target=cross) for _ in range(3)]
        for each in threads: each.start()
        for each in threads: each.join()
    elif how == "asyncio":
        async def main():
            async def job(): await asyncio.sleep(0); cross()
            await asyncio.gather(job(), job(), asyncio.to_thread(cross))
        asyncio.run(main())
    elif how == "joblib":
        import joblib
        joblib.Parallel(n_jobs=2)(joblib.delayed(cross)(i) for i in range(6))
"""
PLACES = {
    "fork": 4,
    "spawn": 3,
    "forkserver": 3,
    "pool": 6,
    "subprocess": 3,
    "os.fork": 3,
    "killed": 3,
    "threads": 3,
    "asyncio": 3,
    "joblib": 6,
}


@pytest.mark.slow
@pytest.mark.parametrize("how", PLACES)
def test_every_process_and_thread_reports(record, how):
    if how not in {"spawn", "subprocess", "threads", "asyncio", "joblib"} and not HAS_FORK:
        pytest.skip("no fork here")
    done, found = record(CHILDREN, how)
    assert done.returncode == 0, done.stderr
    rows = [row for row in found["crossings"] if row["kind"] == "crossing"]
    assert sum(row["count"] for row in rows) == PLACES[how]
    assert sum(row["bytes"] for row in rows) == 32 * PLACES[how]
    names = {row["process"] for row in rows}
    if how in {"fork", "spawn", "forkserver"}:
        assert names - {""} == {f"worker {i}" for i in range(3)}
    if how in {"threads", "asyncio"}:
        assert names == {""}
    if how == "killed":
        (child,) = (each for each in found["processes"] if each["name"] != "main")
        assert child["ended"] == "was killed, or ended by os._exit"
        assert f"(process {child['pid']}) was killed" in done.stderr


@pytest.mark.skipif(not HAS_FORK or os.getuid() != 0, reason="only root changes user")
@pytest.mark.parametrize("who", ["itself", "a forked child"])
def test_a_program_that_changes_its_user_before_it_crosses(record, who):
    """All modules that a crossing needs are imported before, since this user cannot read them here."""
    text = (
        "import os, sysconfig\nimport numpy as np, torch\nsysconfig.get_paths()\n"
        "sysconfig.get_config_vars()\n"
        + ("if pid := os.fork():\n    os.waitpid(pid, 0)\n    os._exit(0)\n" * (who != "itself"))
        + "os.setgid(65534)\nos.setuid(65534)\nfor _ in range(3): torch.from_numpy(np.ones(4))\n"
    )
    done, found = record(text)
    assert done.returncode == 0, done.stderr
    assert sum(row["count"] for row in found["crossings"] if row["kind"] == "crossing") == 3
    assert "could not" not in done.stderr
    assert "more lines cross" not in done.stderr


UNABLE = {
    "another user": "os.setgid(65534); os.setuid(65534)",
    "no descriptor": "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
    "no bytes in files": "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))",
    "another root": "os.chroot(os.getcwd())",
}


@pytest.mark.skipif(not HAS_FORK or os.getuid() != 0, reason="only root changes user")
@pytest.mark.parametrize("when", ["before the fork", "after the fork"])
@pytest.mark.parametrize("unable", UNABLE)
def test_a_child_that_cannot_be_recorded_is_said_to_be_missing(record, unable, when):
    lines = [
        "import os, resource, signal, sysconfig",
        "import numpy as np, torch",
        "sysconfig.get_config_vars()",
        "torch.from_numpy(np.ones(4))",
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)",
        UNABLE[unable] if when == "before the fork" else "",
        "pid = os.fork()",
        "if pid:",
        "    os.waitpid(pid, 0)",
        "else:",
        f"    {UNABLE[unable]}" if when == "after the fork" else "",
        "    for _ in range(50): torch.from_numpy(np.ones(4))",
    ]
    done, found = record("\n".join(lines), options=["--fail-on", "crossings>20"])
    assert done.returncode == 1, done.stderr
    count = sum(row["count"] for row in found["crossings"] if row["kind"] == "crossing")
    if when == "before the fork":
        assert "1 forked process could not be recorded" in done.stderr
    else:  # its ledger is open, and its rows may need more space
        assert count == 51 or "some lines could not be written" in done.stderr


@pytest.mark.skipif(not HAS_FORK, reason="no limits here")
@pytest.mark.parametrize("which", ["the program", "a process that it starts"])
def test_a_process_that_can_write_nothing_is_said_to_be_missing(record, which):
    text = (
        "import resource, subprocess, sys, os\n"
        "cross = 'import numpy as np, torch\\nfor _ in range(50): torch.from_numpy(np.ones(4))'\n"
        "limit = (8192, 8192)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, limit)\n"
    )
    if which == "the program":
        text += "exec(cross)\n"
    else:
        text += "subprocess.run([sys.executable, '-c', cross], check=True)\n"
    done, _ = record(text, options=["--fail-on", "crossings>20"])
    assert done.returncode == 1
    assert "a process could not be recorded: no file could be written" in done.stderr


@pytest.mark.parametrize("damage", ["random", "truncated", "other lines", "other events"])
def test_a_ledger_that_the_program_has_damaged_is_said_to_be_missing(record, damage):
    data = {
        "random": "os.urandom(4096)",
        "truncated": "b''",
        "other lines": "open(path, 'rb').read() + b'3\\n[]\\n{\"slot\": 1}\\n'",
        "other events": "open(path, 'rb').read() + b'{\"event\": {\"a\": 1}}\\n'",
    }[damage]
    text = SMALL + (
        "import glob, json, os\n"
        "cross()\n"
        "folder = json.loads(os.environ['SEKISHO_RECORDING'].partition(os.pathsep)[2])['folder']\n"
        "(path,) = glob.glob(folder + '/*.rows')\n"
        f"data = {data}\nopen(path, 'wb').write(data)\n"
    )
    done, _ = record(text, options=["--fail-on", "crossings>1000"])
    assert done.returncode == 1, done.stderr
    assert "damaged" in done.stderr or "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_many_threads_lose_no_count(record):
    text = SMALL + (
        "import sys, threading\nsys.setswitchinterval(1e-6)\ncross()\n"
        "threads = [threading.Thread(target=cross, args=(2000,)) for _ in range(8)]\n"
        "for each in threads: each.start()\nfor each in threads: each.join()\n"
    )
    done, found = record(text, options=["--keep", "0"])
    assert by_line(found) == {5: [16001, 16001 * 24]}, done.stderr


def test_the_log_of_a_long_run_is_bounded(record, tmp_path):
    text = SMALL + "cross(30_000)\n"
    _, found = record(text, options=["--keep", "7"])
    assert [row["count"] for row in found["crossings"]] == [30_000]
    assert len(found["events"]) == 7
    assert found["events"][0]["shape"] == [3]
    assert (tmp_path / "log.json").stat().st_size < 10_000


def test_memory_does_not_grow_with_the_number_of_crossings(record):
    text = SMALL + (
        "import tracemalloc\ncross(3_000)\ntracemalloc.start()\n"
        "before = tracemalloc.get_traced_memory()[0]\ncross(30_000)\n"
        "print(tracemalloc.get_traced_memory()[0] - before)\n"
    )
    done, _ = record(text, options=["--keep", "0"])
    assert int(done.stdout) < 20_000, done.stdout


# --- what is written ------------------------------------------------------------------------------


def test_the_json_has_the_names_that_are_documented(record):
    _, found = record(SMALL + "cross(2)\n")
    (row,) = found["crossings"]
    assert {**row, "seconds": 0.0, "file": Path(row["file"]).name} == {
        "file": "program.py",
        "line": 5,
        "function": "cross",
        "operation": "torch.from_numpy",
        "source": "numpy",
        "target": "torch",
        "source_device": "cpu",
        "target_device": "cpu",
        "source_dtype": "float64",
        "dtype": "float64",
        "copied": None,
        "home": None,
        "declared": False,
        "library": "",
        "process": "",
        "count": 2,
        "bytes": 48,
        "seconds": 0.0,
        "repeats": 0,
        "kind": "crossing",
        "hint": None,
    }
    assert found.keys() == {
        *("crossings", "violations", "broadcasts", "seconds", "processes", "events")
    }
    assert found["seconds"] > row["seconds"] > 0
    assert [process["name"] for process in found["processes"]] == ["main"]


def test_annotations_for_a_review(record):
    done, _ = record(
        SMALL + "cross(2)\n", options=["--github", "--quiet", "--fail-on", "undeclared"]
    )
    (line,) = done.stdout.splitlines()
    assert re.fullmatch(
        r"::error file=\S+/program\.py,line=5,title=numpy -> torch \(float64\)::"
        r"torch\.from_numpy in cross: numpy -> torch \(float64\), 2 x, 48 B, shared",
        line,
    )
