"""The built site: the results of its search, what it loads, and its pages in a browser."""

from __future__ import annotations

import functools
import html
import http.server
import json
import re
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import pytest

pytest.importorskip("mkdocs")
pytest.importorskip("material")
pytest.importorskip("torch")

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--quiet"]
    subprocess.run([*command, "--site-dir", str(folder)], cwd=ROOT, check=True, timeout=120)
    return folder


@pytest.fixture
def served(site):
    """Return the site's address, served on the loopback until the test ends."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def words(text, separator):
    plain = html.unescape(re.sub(r"<[^>]*>", " ", text)).lower()
    return {word for word in re.split(separator, plain) if word}


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("unsqueeze", "tutorial/"),
        ("from_numpy", "crossings/"),
        ("numpy_world", "reference/decorators/"),
        ("DataLoader", "howto/pipeline/"),
        ("permute", "reference/helpers/"),
        ("fullgraph", "compatibility/"),
        ("performance", "cost/"),
        ("overhead", "cost/"),
        ("disable", "switching-off/"),
        ("off", "switching-off/"),
        ("production", "switching-off/"),
        ("pydantic", "questions/"),
        ("FAQ", "questions/"),
        ("strict", "strict/"),
    ],
)
def test_search_finds_what_people_type(site, query, page):
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    separator = index["config"]["separator"]
    asked = words(query, separator)
    found = [
        each["location"].partition("#")[0]
        for each in index["docs"]
        if asked <= words(f"{each['title']} {each['text']}", separator)
    ]
    assert page in found


def pages(site):
    return sorted(path for path in site.rglob("*.html") if path.name != "404.html")


def test_pages_load_nothing_from_elsewhere(site):
    loads = re.compile(r"<(?:script|img|iframe|source)[^>]* src=\"?(https?:[^\" >]+)|<link[^>]*rel=\"?"
                       r"(?:stylesheet|preconnect|icon)\"?[^>]* href=\"?(https?:[^\" >]+)")  # fmt: skip
    for path in (*pages(site), *site.rglob("*.css")):
        text = path.read_text("utf-8")
        assert not loads.search(text), path
        assert not re.search(r"url\([\"']?https?:", text), path


def test_pages_name_no_address_that_is_not_there(site):
    for path in pages(site):
        assert "github.com/sekisho" not in path.read_text("utf-8"), path


def test_every_link_of_the_site_leads_somewhere(site):
    texts = {path: path.read_text("utf-8") for path in pages(site)}
    ids = {path: set(re.findall(r"\bid=\"?([^\" >]+)", text)) for path, text in texts.items()}
    for path, text in texts.items():
        for link in re.findall(r"<a [^>]*href=\"?([^\" >]+)", text):
            address, _, anchor = html.unescape(link).partition("#")
            if ":" in address:
                continue  # outside of the site
            target = (path.parent / address).resolve() if address else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), (path, link)
            if anchor and target in ids:
                assert unquote(anchor) in ids[target], (path, link)


# Python's own names, and a default.
PLAIN = {"Any", "BaseException", "Callable", "Collection", "False", "Iterable", "Literal"}
PLAIN |= {"Mapping", "ModuleType", "None", "Sequence", "True", "TypeIs", "TypeVar", "MOST_ELEMENTS"}


def test_every_type_in_a_signature_is_a_link_a_word_of_pythons_or_explained(site):
    page = (site / "reference" / "types" / "index.html").read_text("utf-8")
    explained = set(re.findall(r"\w+", " ".join(re.findall("<code>(.*?)</code>", page))))
    seen = 0
    for path in (site / "reference").rglob("*.html"):
        pieces = re.split(r'<h\d id="([^"]*)"', path.read_text("utf-8"))
        for heading, text in zip(pieces[1::2], pieces[2::2], strict=True):
            for found in re.findall(r'doc-signature[^"]*">(.*?)</div>', text, re.DOTALL):
                unlinked = re.sub(r"<a .*?</a>", "", found, flags=re.DOTALL)
                plain = re.sub(r'"[^"]*"', "", html.unescape(re.sub(r"<[^>]*>", "", unlinked)))
                names = set(re.findall(r"\b[A-Z]\w*", plain.partition("(")[2])) - PLAIN
                assert names <= explained, (heading, plain)
                # Names that only the library of a world defines are explained, too.
                known = heading.startswith(("sekisho.World.", "sekisho.testing.both_worlds"))
                assert known or "-> Any" not in plain, (heading, plain)
                seen += 1
    assert seen > 50


@pytest.fixture
def asked(site, served, look):
    """Return the title that a script sets on a page that loads others in frames."""

    def asked(script, frames, *options):
        page = site / "asking.html"
        page.write_text(f"<!doctype html><title>?</title>{script}{frames}", "utf-8")
        shown = look(f"{served}/{page.name}", *options)
        page.unlink()
        return re.search("<title>(.*)</title>", shown)[1]

    return asked


@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_the_screen_and_are_silent(site, asked, width):
    names = [path.relative_to(site).as_posix() for path in pages(site)]
    frames = "".join(
        f'<iframe src="/{name}" width="{width}" height="800"></iframe>' for name in names
    )
    # Elements wider than the page, which would make the page itself scroll.
    asks = (
        "<script>onload = () => document.title = [...document.querySelectorAll('iframe')].filter("
        "each => each.contentDocument.documentElement.scrollWidth > each.contentWindow.innerWidth"
        ").map(each => each.getAttribute('src')).join(' ') || 'all fit'</script>"
    )
    assert asked(asks, frames, f"--window-size={width + 40},900") == "all fit"
    assert len(names) > 20


def test_code_that_is_cut_off_on_a_phone_shows_it_and_errors_are_not(site, asked):
    names = [path.relative_to(site).as_posix() for path in pages(site)]
    frames = "".join(f'<iframe src="/{name}" width="390" height="844"></iframe>' for name in names)
    # Titles: errors wider than the screen, wide code without a shadow, wide code.
    asks = (
        "<script>onload = () => {"
        "const every = [...document.querySelectorAll('iframe')].flatMap(each =>"
        "[...each.contentDocument.querySelectorAll('pre > code')]);"
        "const wide = every.filter(each => each.scrollWidth > each.clientWidth);"
        "const plain = wide.filter(each => getComputedStyle(each).backgroundAttachment.split(', ')[1]"
        " !== 'scroll' || !getComputedStyle(each).backgroundImage.includes('gradient'));"
        "const errors = wide.filter(each => each.closest('.language-pycon'));"
        "document.title = [errors.length, plain.length, wide.length].join(' ') }</script>"
    )
    errors, plain, wide = map(int, asked(asks, frames, "--window-size=440,900").split())
    assert (errors, plain) == (0, 0)
    assert wide > 50


@pytest.mark.parametrize("name", ["index.html", "ja/index.html"])
def test_the_first_screen_of_home_has_the_command_the_code_and_the_error(asked, name):
    asks = (
        "<script>onload = () => { const page = document.querySelector('iframe').contentDocument;"
        "const error = page.querySelector('.language-pycon');"
        "document.title = [error.innerText.includes('hint:'), page.querySelectorAll("
        "'.language-python').length > 0, error.getBoundingClientRect().bottom].join(' ') }</script>"
    )
    frame = f'<iframe src="/{name}" width="390" height="844"></iframe>'
    has_hint, has_code, bottom = asked(asks, frame).split()
    assert (has_hint, has_code) == ("true", "true")
    assert float(bottom) <= 844


def test_pictures_are_dark_where_the_site_is(asked):
    asks = (
        "<script>onload = () => { const page = document.querySelector('iframe').contentDocument;"
        "page.body.setAttribute('data-md-color-scheme', 'slate');"
        "document.title = [...page.querySelectorAll('article img')].map(each => {"
        "const style = getComputedStyle(each); return [each.src.slice(-3), style.colorScheme,"
        "style.filter].join(' ') }).join(', ') }</script>"
    )
    pictures = asked(asks, '<iframe src="/crossings/"></iframe>').split(", ")
    assert len(pictures) > 1
    for each in pictures:
        kind, scheme, *filters = each.split(" ")
        assert scheme == "dark"
        assert (kind == "png") is (filters == ["invert(0.88)", "hue-rotate(180deg)"])
