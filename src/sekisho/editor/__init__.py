"""A language server: what `check` and `map` say, in an editor, of code that is not saved.

Open buffers over the files on disk (`buffers`) are read as one program (`project`). What is at a
place (`looking`), and what is said of it (`describing`), knows no protocol; `features` speaks it.
"""

from sekisho.editor.server import serve

__all__ = ["serve"]
