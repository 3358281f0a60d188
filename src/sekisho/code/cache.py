"""What was found out once, kept on disk under what it was found out from.

The key of an entry is a digest of all that it depends on, this program's own text included: an entry
can be missing, and never be wrong. What cannot be written is found out again.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Cache", "digest"]


def digest(*parts: str | bytes) -> str:
    """A digest of some texts, in order."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, "little"))
        state.update(data)
    return state.hexdigest()


@cache
def _of_program() -> str:
    """A digest of the program that writes and reads entries."""
    package = Path(__file__).parent.parent
    files = [
        *package.glob("code/*.py"),
        *package.glob("inference/*.py"),
        *package.glob("worlds/**/*.py"),
    ]
    return digest(sys.version, *(path.read_bytes() for path in sorted(files)))


def _default_folder() -> Path:
    named = os.environ.get("SEKISHO_CACHE_DIR")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA", "~/AppData/Local")
    else:
        base = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(base).expanduser() / "sekisho"


class Cache:
    """A folder of entries: ``$SEKISHO_CACHE_DIR``, or the user's own for caches; None keeps nothing."""

    folder: Path | None

    def __init__(self, *, keeps: bool = True) -> None:
        self.folder = _default_folder() if keeps else None

    def read(self, key: str) -> Any:
        """What is kept under a key; None if nothing is."""
        if self.folder is None:
            return None
        try:
            return marshal.loads((self.folder / self._name(key)).read_bytes())  # noqa: S302 - our own
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def write(self, key: str, value: Any) -> None:
        """Keep a value of tuples, lists, dicts, strings and numbers: whole, or not at all."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError, ValueError):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(marshal.dumps(value))
                Path(name).replace(self.folder / self._name(key))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    @staticmethod
    def _name(key: str) -> str:
        return digest(_of_program(), key)
