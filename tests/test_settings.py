"""`[tool.sekisho]`: one list of settings, one reader, and equal messages from every tool."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import _pytest_sekisho_settings
import sekisho as sk
from sekisho.__main__ import main
from sekisho.log import KEEP_OF_PROGRAM
from sekisho.package import SCHEMA, fill_options, settings
from sekisho.package.schema import check

VALID: dict[str, Any] = {
    "mode": "strict to_numpy=warn",
    "violations": "warn",
    "broadcasting": "refuse",
    "mutations": "warn",
    "packages": ["shop"],
    "worlds": {"shop.filters": "numpy"},
    "check": {
        "select": ["SK1"],
        "extend-select": ["misleading-name"],
        "ignore": ["SK102"],
        "per-file-ignores": {"tests/*": ["SK103"]},
        "suffixes": {"_img": ["numpy", "torch"], "_net": "torch"},
        "baseline": "known.json",
        "exclude": ["made/*"],
    },
    "adopt": {
        "select": ["shop.*"],
        "min-calls": 2,
        "runs": 3,
        "arrays-only": True,
        "keep-annotations": True,
    },
    "crossings": {
        "top": 5,
        "keep": 7,
        "own": ["shop"],
        "broadcasting": True,
        "fail-on": ["undeclared"],
    },
    "fuzz": {"shop.*": {"allow": ["ValueError"], "mutates": ["x"], "rtol": 1e-3, "skip": "later"}},
}


def places(value, path=()):
    """Yield the path of each value in a section, including tables."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))


def put(section, path, value):
    """Return a copy of a section with another value at a path."""
    if not path:
        return value
    changed = copy.deepcopy(section)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return changed


def test_the_example_has_every_setting():
    assert {name for name, _ in settings()} == {
        f"{key}.{inner}" if key in {"check", "adopt", "crossings"} else key
        for key, each in VALID.items()
        for inner in (each if key in {"check", "adopt", "crossings"} else [""])
    }


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-2, 3), st.just(0.5), st.sampled_from(["", "numpy"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["mode", "select", "runs", "top", "x"]), inner, max_size=2),
    ),
    max_leaves=4,
)


@given(st.sampled_from([*places(VALID)]), VALUES)
def test_a_section_is_refused_exactly_if_its_schema_refuses_it(path, value):
    jsonschema = pytest.importorskip("jsonschema")
    section = put(VALID, path, value)
    valid = jsonschema.Draft7Validator(SCHEMA).is_valid(section)
    assert (check(section) is None) is valid, check(section)


def test_the_schema_is_valid():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert check(VALID) is None
    for name, schema in settings():
        assert schema["description"].endswith("."), name
        if "default" in schema:
            assert check(put(VALID, tuple(name.split(".")), schema["default"])) is None


FAULTS = {
    "mod = 'warn'": "[tool.sekisho]: there is no setting 'mod'. Did you mean 'mode'?",
    "sekisho_mode = 'warn'": "[tool.sekisho]: there is no setting 'sekisho_mode'. Did you mean 'mode'?",
    "zzz = 1": "[tool.sekisho]: there is no setting 'zzz'. "
    "There are mode, violations, broadcasting, mutations, packages, worlds, check, adopt, crossings, fuzz",
    "violations = 'wran'": "[tool.sekisho] violations: expected 'refuse' or 'warn', got 'wran'. "
    "Did you mean 'warn'?",
    "violations = 'no'": "[tool.sekisho] violations: expected 'refuse' or 'warn', got 'no'",
    "packages = 'one'": "[tool.sekisho] packages: expected a list of strings, got 'one'",
    "packages = ['one', 2]": "[tool.sekisho] packages: expected a list of strings, got 2 in it",
    "worlds = 'numpy'": "[tool.sekisho] worlds: expected a table, got 'numpy'",
    "worlds.shop = 1": "[tool.sekisho.worlds] shop: expected a string, got 1",
    "check = 1": "[tool.sekisho] check: expected a table, got 1",
    "check.selct = []": "[tool.sekisho.check]: there is no setting 'selct'. Did you mean 'select'?",
    "check.select = 'SK1'": "[tool.sekisho.check] select: expected a list of strings, got 'SK1'",
    "check.suffixes._x = 1": "[tool.sekisho.check.suffixes] _x: expected a string or a list of strings, got 1",
    "adopt.run = 1": "[tool.sekisho.adopt]: there is no setting 'run'. Did you mean 'runs'?",
    "adopt.runs = 0": "[tool.sekisho.adopt] runs: expected 1 or more, got 0",
    "adopt.runs = true": "[tool.sekisho.adopt] runs: expected a whole number, got True",
    "crossings.top = -1": "[tool.sekisho.crossings] top: expected 0 or more, got -1",
    "fuzz.f.alow = []": "[tool.sekisho.fuzz.f]: there is no setting 'alow'. Did you mean 'allow'?",
    "fuzz.f.rtol = 'x'": "[tool.sekisho.fuzz.f] rtol: expected a number, got 'x'",
}


def from_command(*arguments):
    def read(folder, capsys):
        with pytest.raises(SystemExit) as caught:
            main([*arguments])
        assert caught.value.code == 2
        return capsys.readouterr().err.partition("error: ")[2].removesuffix("\n")

    return read


def from_hook(folder, capsys):
    with pytest.raises(sk.DeclarationError) as caught:
        sk.install_import_hook()
    return str(caught.value)


def from_pytest(folder, capsys):
    config: Any = SimpleNamespace(inipath=None, rootpath=folder)
    with pytest.raises(pytest.UsageError) as caught:
        _pytest_sekisho_settings.read_section(config)
    return str(caught.value)


def from_fuzz(folder, capsys):
    fuzzing = pytest.importorskip("sekisho.fuzzing")
    with pytest.raises(sk.DeclarationError) as caught:
        fuzzing.read_table(folder)
    return str(caught.value)


READERS = {
    "check": from_command("check", "."),
    "adopt": from_command("adopt", "main.py", "--", "main.py"),
    "crossings": from_command("crossings", "main.py"),
    "config": from_command("config"),
    "the import hook": from_hook,
    "pytest": from_pytest,
    "fuzz": from_fuzz,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("text", "fault"), FAULTS.items(), ids=FAULTS)
def test_every_tool_refuses_a_fault_in_the_same_words(
    tmp_path, monkeypatch, capsys, read_cache, text, fault, reader
):
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.sekisho]\n{text}\n", "utf-8")
    (tmp_path / "main.py").write_text("", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert READERS[reader](tmp_path, capsys) == f"{path}: {fault}"


@pytest.mark.parametrize("command", ["adopt", "crossings"])
@pytest.mark.parametrize("left_out", [True, False])
@pytest.mark.parametrize("in_file", [True, False])
def test_the_command_line_wins_over_the_file_and_the_file_over_the_default(
    tmp_path, command, left_out, in_file
):
    table = VALID[command]
    lines = [f"{name} = {json.dumps(value)}" for name, value in table.items()] if in_file else []
    text = "\n".join([f"[tool.sekisho.{command}]", *lines])
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    names = {name: name.replace("-", "_") for name in table}
    given = None if left_out else "of the line"
    options: Any = SimpleNamespace(**dict.fromkeys(names.values(), given))
    fill_options(options, command, tmp_path)
    schemas = SCHEMA["properties"][command]["properties"]
    for name, key in names.items():
        expected = given or (table[name] if in_file else schemas[name]["default"])
        assert getattr(options, key) == expected


def test_the_settings_of_a_command_are_options_that_it_leaves_out_by_default(capsys, tmp_path):
    """So `fill_options` sees which options the command line has set."""
    script = tmp_path / "script.py"
    script.write_text("", "utf-8")
    parsed: dict[str, Any] = {}
    from sekisho import adopting, crossings

    for name, module, arguments in (
        ("adopt", adopting, ["adopt", str(script), "--", str(script)]),
        ("crossings", crossings, ["crossings", str(script)]),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "run", lambda options: parsed.update(vars(options)) or 0)
            assert main(arguments) == 0
        for key in SCHEMA["properties"][name]["properties"]:
            assert parsed[key.replace("-", "_")] is None, key


def test_defaults_are_those_of_the_library():
    assert SCHEMA["properties"]["crossings"]["properties"]["keep"]["default"] == KEEP_OF_PROGRAM
    assert SCHEMA["properties"]["mode"]["default"] == "convert"


# --- sekisho config


@pytest.fixture
def config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEKISHO_MODE", raising=False)

    def config(text, *arguments):
        if text is not None:
            (tmp_path / "pyproject.toml").write_text(text, "utf-8")
        try:
            status = main(["config", *arguments])
        except SystemExit as exit_:
            status = exit_.code
        out, err = capsys.readouterr()
        return status, out, err

    return config


def rows(config, text):
    status, out, _ = config(text, "--json")
    assert status == 0
    return {row["name"]: (row["value"], row["source"]) for row in json.loads(out)["settings"]}


def test_config_names_each_setting_with_its_value_and_source(config, tmp_path):
    text = "[tool.sekisho]\npackages = ['shop']\nadopt.runs = 2\ncheck.exclude = [\"a\\u001b\"]\n"
    status, out, _ = config(text)
    lines = out.splitlines()
    assert (status, lines[0]) == (0, str(tmp_path / "pyproject.toml"))
    assert [line.split()[0] for line in lines[1:]] == [name for name, _ in settings()]
    found = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines[1:]}
    assert found["packages"] == ["pyproject.toml", '["shop"]']
    assert found["adopt.runs"] == ["pyproject.toml", "2"]
    assert found["crossings.top"] == ["default", "40"]
    assert found["check.baseline"] == ["default", "(none)"]
    assert "\x1b" not in out
    assert rows(config, None)["check.exclude"] == (["a\x1b"], "pyproject.toml")


@pytest.mark.parametrize("name", [name for name, _ in settings()])
def test_every_setting_of_a_file_is_shown_as_it_is_set(config, name):
    value: Any = VALID
    for part in name.split("."):
        value = value[part]
    *tables, key = name.split(".")
    table = ".".join(["tool", "sekisho", *tables])

    def toml(each):
        if isinstance(each, dict):
            return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in each.items()) + "}"
        return json.dumps(each)

    found, source = rows(config, f"[{table}]\n{key} = {toml(value)}\n")[name]
    assert found == value
    assert source.startswith("pyproject.toml")


def test_where_the_mode_comes_from(config, monkeypatch):
    assert rows(config, "")["mode"] == ("convert", "default")
    monkeypatch.setenv("SEKISHO_MODE", "warn")
    assert rows(config, None)["mode"] == ("warn", "SEKISHO_MODE")
    monkeypatch.setenv("SEKISHO_MODE", "strict violations=warn")
    assert rows(config, None)["violations"] == ("warn", "SEKISHO_MODE")
    monkeypatch.setenv("SEKISHO_MODE", "strict broadcasting=warn")
    assert rows(config, None)["broadcasting"] == ("warn", "SEKISHO_MODE")
    monkeypatch.setenv("SEKISHO_MODE", "warn")
    text = "[tool.sekisho]\nmode = 'off'\n"
    assert rows(config, text)["mode"] == ("off", "pyproject.toml, under pytest")
    text += "[tool.pytest.ini_options]\nsekisho_mode = 'strict'\n"
    source = "[tool.pytest.ini_options], under pytest"
    assert rows(config, text)["mode"] == ("strict", source)


def test_config_without_a_file(config, tmp_path):
    assert config(None)[1].startswith("no pyproject.toml\n")
    assert rows(config, None)["packages"] == ([], "default")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mode = 'strickt'", "expected one of 'convert', 'warn', 'strict', 'off', got 'strickt'"),
        ("check.select = ['XY']", "there is no code 'XY'"),
    ],
)
def test_config_refuses_values_that_do_not_exist(config, text, message):
    status, out, err = config(f"[tool.sekisho]\n{text}\n")
    assert (status, out) == (2, "")
    assert message in err


def test_config_prints_the_schema(config):
    assert json.loads(config(None, "--schema")[1]) == SCHEMA


def test_config_reads_what_pytest_and_the_environment_set(config, monkeypatch):
    text = "[tool.sekisho]\nviolations = 'refuse'\nmode = 'strict'\n"
    text += "[tool.pytest.ini_options]\nsekisho_packages = ['mypkg']\n"
    monkeypatch.setenv("SEKISHO_MODE", "violations=warn")
    found = rows(config, text)
    assert found["violations"] == ("warn", "SEKISHO_MODE")
    assert found["packages"] == (["mypkg"], "[tool.pytest.ini_options], under pytest")


@pytest.mark.parametrize("text", ["[tool]\npytest = 3\n", "[tool.pytest]\nini_options = 3\n"])
def test_a_table_of_pytest_of_another_form_counts_as_none(config, text):
    assert rows(config, text)["mode"] == ("convert", "default")


def test_config_of_a_place_that_is_not_there_is_refused(config):
    status, _, err = config(None, "nowhere")
    assert (status, "there is nothing at " in err) == (2, True)
