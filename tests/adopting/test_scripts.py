"""For code at the top of a module, adopt reports which lines to move, since it writes nothing there."""

from __future__ import annotations

import pytest

pytest.importorskip("libcst")

SAID = (
    "lines 6-9 at the top of the module work with arrays (numpy): contracts are written at functions, "
    "so move these lines into one, such as main()"
)
SCRIPT = """
    import numpy as np

    def double(x):
        return np.exp(x)

    rows = np.ones((3, 4))
    for row in rows:
        double(row)
    print(rows.sum())
    """


def test_the_lines_are_named_beside_what_is_written(write, adopt):
    write("script.py", SCRIPT)
    status, out, err = adopt("script.py", "--", "script.py")
    assert status == 0
    assert "+@sk.numpy_world" in out
    assert f"script.py: {SAID}\n" in err


def test_a_script_without_functions_is_no_silence(write, adopt):
    text = SCRIPT.replace("    def double(x):\n        return np.exp(x)\n", "    pass\n\n")
    write("script.py", text.replace("double(row)", "np.exp(row)"))
    status, _, err = adopt("script.py", "--", "script.py")
    assert status == 2
    assert "the command called no function of script.py (status 0)\n  script.py: lines " in err
    assert "so move these lines into one, such as main()" in err


@pytest.mark.parametrize(
    "top",
    [
        "MEAN = np.array([0.5])",
        "MEAN = np.array([0.5])\nNAMES = ['a']",
        "print('hello')",
        "if __name__ == '__main__':\n    main()",
    ],
)
def test_constants_and_what_works_with_no_arrays_are_no_concern(write, adopt, top):
    write(
        "script.py",
        f"import numpy as np\n\ndef main():\n    return np.exp(np.ones(3))\n\n\n{top}\n",
    )
    write("program.py", "from script import main\nmain()\n")
    status, _, err = adopt("script.py", "--", "program.py")
    assert status == 0
    assert "at the top of the module" not in err
