"""The valid settings in ``[tool.sekisho]`` as a JSON schema, and validation of a table.

The schema is the only list of settings. The reader refuses any other key, the commands take their
defaults from it, ``sekisho config`` prints it, and editors use it for completion. It uses only the
few keywords that `check` supports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from sekisho.context import OPTIONS, Mode
from sekisho.log import KEEP_OF_PROGRAM
from sekisho.utils import closest
from sekisho.worlds import class_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["SCHEMA", "check", "settings"]

_CLASSES: Final[Mapping[str, tuple[type, str]]] = {
    "string": (str, "a string"),
    "array": (list, "a list of strings"),
    "object": (dict, "a table"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
}


def _strings(description: str, default: list[str] | None = None) -> dict[str, Any]:
    items = {"type": "array", "items": {"type": "string"}, "description": description}
    return items if default is None else {**items, "default": default}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "description": description, "default": False}


def _count(description: str, default: int, minimum: int = 0) -> dict[str, Any]:
    return {
        "type": "integer",
        "minimum": minimum,
        "description": description,
        "default": default,
    }


def _option(name: str, description: str) -> dict[str, Any]:
    """Return the schema of an option of the mode: its words, the default first."""
    words = [*OPTIONS[name]]
    return {"type": "string", "enum": words, "description": description, "default": words[0]}


def _table(description: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "properties": {name.replace("_", "-"): each for name, each in properties.items()},
    }


_CHECK: Final = _table(
    "What `sekisho check` reports.",
    select=_strings("Codes or names of rules to report; also how codes begin."),
    extend_select=_strings("Codes or names to report beside those that are selected.", []),
    ignore=_strings("Codes or names to leave out.", []),
    per_file_ignores={
        "type": "object",
        "description": "Codes to leave out in files that match a pattern.",
        "additionalProperties": {"type": "array", "items": {"type": "string"}},
        "default": {},
    },
    suffixes={
        "type": "object",
        "description": "Endings of names, and the world or worlds that they stand for.",
        "additionalProperties": {
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
        },
    },
    baseline={"type": "string", "description": "A file with the findings that are known already."},
    exclude=_strings("Patterns of paths that are not reported.", []),
)
_ADOPT: Final = _table(
    "Defaults of `sekisho adopt`.",
    select=_strings("Qualified names of functions to write at, with * for any characters.", []),
    min_calls=_count("Write nothing at functions that were called less often.", 1, 1),
    runs=_count("Run the command this many times, and merge what was seen.", 1, 1),
    arrays_only=_flag("Annotate arrays only."),
    keep_annotations=_flag("Leave annotations that are plain array classes as they are."),
)
_CROSSINGS: Final = _table(
    "Defaults of `sekisho crossings`.",
    top=_count("Lines of the table.", 40),
    keep=_count("Crossings that each process writes one by one into the JSON.", KEEP_OF_PROGRAM),
    own=_strings("Installed packages whose lines count as your own.", []),
    broadcasting=_flag("Record operations that expand both operands, too."),
    fail_on=_strings(
        "Exit with 1 if one of these is exceeded: undeclared, crossings>N, bytes>N.", []
    ),
)
_FUZZ: Final = _table(
    "What the functions of one name or pattern may do under `sekisho.testing.fuzz`.",
    allow=_strings("Errors that they may raise."),
    mutates=_strings("Arguments that they may write into."),
    rtol={
        "type": "number",
        "description": "How far results of two libraries may differ, relatively.",
    },
    compile=_flag("Compare with what the library's compiler makes of them, too."),
    skip={
        "anyOf": [{"type": "boolean"}, {"type": "string"}],
        "description": "Leave them out; a string is the reason.",
    },
)
SCHEMA: Final[dict[str, Any]] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "sekisho",
    **_table(
        "Settings of sekisho: [tool.sekisho] in pyproject.toml.",
        mode={
            "type": "string",
            "description": "The mode that tests run in under pytest: convert, warn, strict or off, "
            "and levels such as 'strict to_numpy=warn'.",
            "default": "convert",
        },
        violations=_option(
            "violations",
            "What becomes, under pytest, of a value that a contract refuses: an error, or a "
            "warning for each place, and the value passes.",
        ),
        broadcasting=_option(
            "broadcasting",
            "What becomes, under pytest in mode strict, of an operation in a guarded body "
            "that expands both operands because their ranks differ.",
        ),
        mutations=_option(
            "mutations",
            "What becomes, under pytest in mode strict, of an argument that a guarded "
            "function changes in place without mutates=.",
        ),
        packages=_strings("Packages that the import hook guards.", []),
        worlds={
            "type": "object",
            "description": "Dotted names in these packages, with * for any characters, and the world of each.",
            "additionalProperties": {"type": "string"},
            "default": {},
        },
        check=_CHECK,
        adopt=_ADOPT,
        crossings=_CROSSINGS,
        fuzz={
            "type": "object",
            "description": "What functions may do under `sekisho.testing.fuzz`, by name or pattern.",
            "additionalProperties": _FUZZ,
            "default": {},
        },
    ),
}


def check(section: Any) -> str | None:
    """Return what is wrong with a section ``[tool.sekisho]``; None if it is valid.

    Examples:
        >>> check({"check": {"selekt": ["SK1"]}})
        "[tool.sekisho.check]: there is no setting 'selekt'. Did you mean 'select'?"
    """
    return next(_faults(section, SCHEMA, "tool.sekisho", ""), None)


def settings(schema: Mapping[str, Any] = SCHEMA, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting's dotted name and schema; a table with free keys is one setting."""
    for name, each in schema["properties"].items():
        if "properties" in each:
            yield from settings(each, f"{prefix}{name}.")
        else:
            yield prefix + name, each


def _faults(value: Any, schema: Mapping[str, Any], table: str, key: str) -> Iterator[str]:
    """Yield the faults of a value.

    Args:
        value: the value.
        schema: its schema.
        table: the table that contains it.
        key: its key there; "" for the table itself.
    """
    where = f"[{table}] {key}" if key else f"[{table}]"
    forms = schema.get("anyOf", [schema])
    form = next((each for each in forms if _has_class(value, each["type"])), None)
    if form is None:
        expected = " or ".join(_CLASSES[each["type"]][1] for each in forms)
        yield f"{where}: expected {expected}, got {value!r}"
    elif class_of(value) is list:
        wrong = [each for each in value if class_of(each) is not str]
        if wrong:
            yield f"{where}: expected a list of strings, got {wrong[0]!r} in it"
    elif class_of(value) is dict:
        inner = f"{table}.{key}" if key else table
        for name, each in value.items():
            known = form.get("properties", {})
            other = form["additionalProperties"]
            if name in known or other:
                yield from _faults(each, known.get(name, other), inner, name)
                continue
            close = closest(name.removeprefix("sekisho_"), known)  # as pytest's settings begin
            hint = f"Did you mean {close!r}?" if close else f"There are {', '.join(known)}"
            if name in get_args(Mode) and "mode" in known:
                hint = f'Did you mean mode = "{name}"?'
            yield f"[{inner}]: there is no setting {name!r}. {hint}"
    elif value not in form.get("enum", [value]):
        close = closest(value, form["enum"])
        hint = f". Did you mean {close!r}?" if close else ""
        yield f"{where}: expected {' or '.join(map(repr, form['enum']))}, got {value!r}{hint}"
    elif "minimum" in form and value < form["minimum"]:
        yield f"{where}: expected {form['minimum']} or more, got {value!r}"


def _has_class(value: Any, form: str) -> bool:
    # Not isinstance, because bool is a subclass of int. A TOML integer is also valid as a number.
    cls = class_of(value)
    return cls is _CLASSES[form][0] or (form == "number" and cls is int)
