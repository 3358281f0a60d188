"""Sessions of typing: by a client of our own, and in Neovim where it is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
PROGRAM = """\
import numpy as np
from shapes import half


def load(path, n):
    grid_jax = np.linspace(0, 1, n)
    weights = half(grid_jax)
    return weights


class Model:
    def __init__(self):
        self.weights = load("w", 3)

    def run(self, x):
        return x @ self.weights
"""


def test_two_minutes_of_typing_end_in_what_check_finds(write, editor, tmp_path):
    """About as many keys as two minutes have, as fast as they can be sent."""
    write("def half(x):\n    return x[: len(x) // 2]\n", "shapes.py")
    write("")
    client = editor()
    uri = client.read()
    line = column = 0
    for number, letter in enumerate(PROGRAM):
        client.change(uri, (line, column, line, column, letter))
        line, column = (line + 1, 0) if letter == "\n" else (line, column + 1)
        if number % 60 == 0:  # a pause, and a look
            client.hover(uri, line, max(column - 1, 0))
            client.hints(uri)
            client.ask("signatureHelp", uri, line, column)
    found = [(each["code"], each["range"]["start"]["line"]) for each in client.pull(uri)["items"]]
    assert found == [("SK102", 5)]
    assert client.hints(uri) == [(6, 11, ": numpy")]
    (rename, _) = client.actions(uri, 5)
    client.change(uri, PROGRAM.replace("grid_jax", "grid_np"))
    assert rename["title"] == "Rename grid_jax to grid_np"
    assert client.pull(uri)["items"] == []
    for _ in range(40):  # a word is taken back and typed again
        client.change(uri, (5, 22, 5, 23, ""), (5, 22, 5, 22, "a"))
    assert "np.linspace" in client.hover(uri, 5, 6)
    assert client.process.poll() is None


LUA = """
local root, command = vim.env.ROOT, vim.fn.json_decode(vim.env.COMMAND)
local report = {}
local function done(fault)
  report.fault = fault
  report.text = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  vim.fn.writefile({ vim.fn.json_encode(report) }, root .. '/report.json')
  vim.cmd('qall!')
end
local function main()
  vim.cmd('edit ' .. root .. '/main.py')
  local buffer = vim.api.nvim_get_current_buf()
  local id = vim.lsp.start_client({ name = 'sekisho', cmd = command, root_dir = root })
  vim.lsp.buf_attach_client(buffer, id)
  local function diagnostics() return vim.diagnostic.get(buffer) end
  local function wait(what, ready)
    if not vim.wait(60000, ready, 20) then error('no ' .. what) end
  end
  wait('server', function()
    local there = vim.lsp.get_client_by_id(id)
    return there ~= nil and there.initialized
  end)
  local client = vim.lsp.get_client_by_id(id)
  -- Keys, as a person presses them.
  vim.bo.indentexpr, vim.bo.autoindent = '', false
  local function press(keys)
    vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, false, true), 'tx', false)
  end
  press('Goimport numpy as np<CR><CR><CR>def give():<CR>')
  press('A    ones_jax = np.ones(3)<CR>    total = ones_jax + 1<CR>    return total<Esc>')
  wait('diagnostic', function() return #diagnostics() == 1 end)
  report.diagnostic = diagnostics()[1].code .. ' ' .. diagnostics()[1].lnum
  local document = { uri = vim.uri_from_bufnr(buffer) }
  local range = {
    start = { line = 0, character = 0 },
    ['end'] = { line = vim.api.nvim_buf_line_count(buffer), character = 0 },
  }
  -- Neovim shows these by itself since 0.10.
  local hints = client.request_sync(
    'textDocument/inlayHint', { textDocument = document, range = range }, 30000, buffer)
  report.hint = hints.result[1].label
  if vim.lsp.inlay_hint then
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
    wait('hint', function() return #vim.lsp.inlay_hint.get({ bufnr = buffer }) > 0 end)
    report.shown = true
  end
  vim.api.nvim_win_set_cursor(0, { diagnostics()[1].lnum + 1, 6 })
  local line = { line = diagnostics()[1].lnum, character = 6 }
  local answer = client.request_sync('textDocument/hover', { textDocument = document, position = line }, 30000, buffer)
  report.hover = answer.result.contents.value
  local actions = client.request_sync('textDocument/codeAction', {
    textDocument = document,
    range = { start = line, ['end'] = line },
    context = { diagnostics = {} },
  }, 30000, buffer).result
  report.action = actions[1].title
  vim.lsp.util.apply_workspace_edit(actions[1].edit, client.offset_encoding or 'utf-16')
  wait('end of the diagnostic', function() return #diagnostics() == 0 end)
  vim.cmd('write')
  client.stop()
  wait('end', function() return client.is_stopped() end)
end
local ok, fault = pcall(main)
done(not ok and tostring(fault) or nil)
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not installed")
def test_neovim_shows_a_diagnostic_and_a_hint_applies_an_action_and_saves(
    tmp_path, editor_cache, write
):
    pytest.importorskip("libcst")
    write('"""A module."""\n')
    script = write(LUA, "session.lua")
    environment = {
        **os.environ,
        "ROOT": str(tmp_path),
        "COMMAND": json.dumps([sys.executable, "-m", "sekisho", "server"]),
        "PYTHONPATH": str(SOURCE),
        "SEKISHO_CACHE_DIR": str(editor_cache),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
    command = ["nvim", "--headless", "--clean", "-n", "-c", f"luafile {script}"]
    start = time.monotonic()
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=170, check=False
    )
    report = json.loads((tmp_path / "report.json").read_text())
    assert "fault" not in report, (report, done.stderr)
    assert report["diagnostic"] == "SK102 5"
    assert report["hint"] == ": numpy"
    assert report["hover"].startswith("`ones_jax`: **numpy**")
    assert report["action"] == "Rename ones_jax to ones_np"
    assert (tmp_path / "main.py").read_text() == textwrap.dedent(
        '''\
        """A module."""
        import numpy as np


        def give():
            ones_np = np.ones(3)
            total = ones_np + 1
            return total
        '''
    )
    assert time.monotonic() - start < 120
