"""``sekisho config``: print the settings that are in force, and where each of them comes from."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sekisho.errors import DeclarationError
from sekisho.utils import add_verbosity, as_table, columns_of, printable
from sekisho.worlds import class_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

__all__ = ["Value", "add_command", "in_force", "run"]

_VARIABLE: Final = "SEKISHO_MODE"


class Value(NamedTuple):
    """A setting that is in force.

    Attributes:
        name: its dotted name in ``[tool.sekisho]``.
        value: what it is set to.
        source: where it is set: a file, an environment variable, or ``default``.
    """

    name: str
    value: Any
    source: str


def add_command(commands: Any) -> None:
    """Add ``config`` to the commands of a parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "config",
        help="print the settings in force, and where each comes from",
        description="Print each setting of [tool.sekisho] in the pyproject.toml of this folder or the nearest "
        "above, with its value and where the value comes from. An option on a command line, or of "
        "pytest, overrides what is printed.",
        epilog="examples:\n  %(prog)s\n  %(prog)s --schema > sekisho.schema.json\n\n"
        "The exit status is 0, or 2 for wrong usage or settings that are not valid.",
    )
    parser.add_argument(
        "path", nargs="?", default=".", help="in the project (this folder if not given)"
    )
    add_verbosity(parser, "settings that have their default")
    formats = parser.add_mutually_exclusive_group()
    formats.add_argument("--json", action="store_true", help="print as JSON")
    formats.add_argument(
        "--schema", action="store_true", help="print the JSON schema of [tool.sekisho]"
    )
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Print the settings."""
    if options.schema:
        from sekisho.package import SCHEMA  # noqa: PLC0415 - the other commands start without it

        sys.stdout.write(json.dumps(SCHEMA, indent=2) + "\n")
        return 0
    parser: argparse.ArgumentParser = options.parser
    try:
        file, values = in_force(Path(options.path))
    except (DeclarationError, ValueError) as error:
        parser.error(str(error))
    if options.quiet:
        values = [value for value in values if value.source != "default"]
    if options.json:
        rows = [{**value._asdict(), "value": _plain(value.value)} for value in values]
        sys.stdout.write(
            json.dumps({"file": file and str(file), "settings": rows}, indent=2) + "\n"
        )
        return 0
    sys.stdout.write(f"{'no pyproject.toml' if file is None else printable(str(file))}\n")
    cells = [(f"  {name}", source, printable(_toml(value))) for name, value, source in values]
    for row in as_table(cells, columns_of(sys.stdout)):
        sys.stdout.write("".join(f"{line}\n" for line in row))
    return 0


def in_force(place: Path) -> tuple[Path | None, list[Value]]:
    """Return the settings that are in force in a folder, and the file that they are read from.

    Raises:
        DeclarationError: if the file or its section is not valid.
        ValueError: if ``[tool.sekisho.check]`` or the mode names something that does not exist.
    """
    from sekisho.context import OPTIONS, read_setting  # noqa: PLC0415 - only this command needs it
    from sekisho.findings import read_settings  # noqa: PLC0415 - only this command reads all settings
    from sekisho.package import read_tools, settings  # noqa: PLC0415 - the other commands start without it

    place = place.absolute()
    if not place.exists():
        names = {"set", "get", *(name for name, _ in settings())}
        how = (
            ". Settings are written into [tool.sekisho] of pyproject.toml"
            if place.name in names
            else ""
        )
        raise ValueError(f"there is nothing at {printable(str(place))}{how}")
    file, tools = read_tools(place)
    check = read_settings([place])  # it also checks the section
    resolved = {"check.select": check.select, "check.suffixes": check.suffixes}
    section: dict[str, Any] = tools.get("sekisho", {})
    values: list[Value] = []
    for name, schema in settings():
        found: Any = section
        for part in name.split("."):
            found = found.get(part) if found is not None else None
        if name == "mode":
            values.append(_mode(found, tools))
        elif name in OPTIONS and f"{name}=" in values[0].value:
            _, text, source = values[0]
            values.append(Value(name, getattr(read_setting(text, source), name), source))
        elif name in OPTIONS and f"{name}=" in os.environ.get(_VARIABLE, ""):
            setting = read_setting(os.environ[_VARIABLE], _VARIABLE)
            values.append(Value(name, getattr(setting, name), _VARIABLE))
        elif name == "packages" and _of_pytest(tools, "sekisho_packages"):
            source = "[tool.pytest.ini_options], under pytest"
            values.append(Value(name, _of_pytest(tools, "sekisho_packages"), source))
        elif found is not None:
            values.append(Value(name, found, "pyproject.toml"))
        else:
            values.append(Value(name, schema.get("default", resolved.get(name)), "default"))
    _refuse_misspelt(section.get("worlds", {}))
    mode = values[0]
    read_setting(mode.value, mode.source)
    return file, values


def _refuse_misspelt(worlds: Mapping[str, str]) -> None:
    """Refuse the name of a world that is nearly one.

    Another unknown name may be of a world that the program adds when it runs.

    Raises:
        ValueError: with the name that was probably meant.
    """
    from sekisho.package import hint_for  # noqa: PLC0415 - the other commands start without it

    for pattern, name in worlds.items():
        if hint := hint_for(name):
            raise ValueError(
                f"[tool.sekisho.worlds] {pattern!r}: there is no world {name!r}.{hint}"
            )


def _mode(found: str | None, tools: dict[str, Any]) -> Value:
    """Return the mode that pytest sets, or else the process's."""
    ini = _of_pytest(tools, "sekisho_mode")
    if ini:
        return Value("mode", ini, "[tool.pytest.ini_options], under pytest")
    if found is not None:
        return Value("mode", found, "pyproject.toml, under pytest")
    if _VARIABLE in os.environ:
        return Value("mode", os.environ[_VARIABLE], _VARIABLE)
    return Value("mode", "convert", "default")


def _of_pytest(tools: dict[str, Any], name: str) -> Any:
    """Return a value of pytest's table, which has no form that is checked here."""
    table: Any = tools
    for part in ("pytest", "ini_options", name):
        table = table.get(part) if class_of(table) is dict else None
    return table


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if class_of(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in _ordered(value)] if _is_list(value) else value


def _toml(value: Any) -> str:
    """Return a value as TOML has it, on one line."""
    if class_of(value) is dict:
        inner = ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items())
        return f"{{{inner}}}"
    if _is_list(value):
        return f"[{', '.join(_toml(each) for each in _ordered(value))}]"
    return "(none)" if value is None else json.dumps(value)


def _is_list(value: Any) -> bool:
    return class_of(value) in {list, tuple, frozenset}


def _ordered(value: Any) -> Any:
    return sorted(value) if class_of(value) is frozenset else value
