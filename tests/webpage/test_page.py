"""Pages: one document under a policy that lets run what it holds, and nothing of a stranger's."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import Page

from oneshot_emotic.errors import printable
from oneshot_emotic.escaping import is_plain_https
from oneshot_emotic.webpage.colours import PALETTE, custom_properties
from oneshot_emotic.webpage.libraries import FOLDER, library, manifest
from oneshot_emotic.webpage.page import _environment, embedded_json, page

OWN = "oneshot_emotic.webpage"


class Inline(HTMLParser):
    """The texts of scripts and styles, as a browser takes them, and the policy."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.policy, self.data, self.within = {"script": [], "style": []}, "", [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        of = dict(attributes)
        if of.get("http-equiv") == "Content-Security-Policy":
            self.policy = of["content"]
        if tag in self.texts:
            self.within = self.data if "json" in (of.get("type") or "") else self.texts[tag]
            self.within.append("")

    def handle_endtag(self, tag):
        self.within = None

    def handle_data(self, data):
        if self.within is not None:
            self.within[-1] += data


def made(**given):
    return page("page.html", **({"package": OWN, "title": "A page"} | given))


class TestVendored:
    def test_every_file_is_the_one_that_the_manifest_pins(self):
        for name, of in manifest().items():
            there = {path.name for path in (FOLDER / name).iterdir()}
            assert there == of["files"].keys() and "LICENSE" in there
            for file, digest in of["files"].items():
                content = (FOLDER / name / file).read_bytes()
                assert hashlib.sha256(content).hexdigest() == digest, file
                assert file == "LICENSE" or of["version"].encode() in content or "css" in file
            assert of["source"].startswith("https://registry.npmjs.org/")
            assert of["licence"] in {"ISC", "MIT"}

    def test_no_library_is_there_that_the_manifest_does_not_name(self):
        assert {x.name for x in FOLDER.iterdir()} == {*manifest(), "manifest.json"}

    def test_no_source_map_is_asked_for(self):
        for name in manifest():
            for text in (*library(name, ".js"), *library(name, ".css")):
                assert "sourceMappingURL" not in text and len(text) > 10_000


class TestPolicy:
    def test_it_names_each_script_and_style_and_nothing_else(self):
        found = Inline(made(libraries=["d3", "plot", "tabulator"], scripts=["charts.js"], data=[1]))
        directives = dict(x.split(" ", 1) for x in found.policy.split("; "))
        assert directives["default-src"] == "'none'" and directives["img-src"] == "data:"
        for kind in ("script", "style"):
            digests = [hashlib.sha256(text.encode()).digest() for text in found.texts[kind]]
            hashes = [f"'sha256-{base64.b64encode(x).decode()}'" for x in digests]
            assert directives[f"{kind}-src"].split(" ") == hashes
        assert "unsafe" not in found.policy and len(found.texts["script"]) == 4

    def test_without_scripts_none_runs(self):
        assert "script-src 'none'" in Inline(made()).policy

    def test_nothing_is_fetched(self):
        text = re.sub(r"<(script|style)\b.*?</\1>", "", made(libraries=["d3"]), flags=re.DOTALL)
        assert not re.search(r"\bsrc=|https?://", text)


ADDRESSES = ("https://example.org/?a=1&copy=2", "javascript:x", 'https://e.org/"onload="x', None)


class TestText:
    HOSTILE = '</script></title><!-- <b onload="x">\'&\u2028\u202e\x1b[31m]]>'

    def test_data_cannot_end_its_element(self):
        found = Inline(made(data={"name": self.HOSTILE}))
        assert json.loads(found.data[0]) == {"name": self.HOSTILE}
        assert not re.search("[<>&\u2028]", embedded_json({"name": self.HOSTILE}))

    def test_a_title_is_text(self):
        found = made(title=self.HOSTILE)
        title = re.search("<title>(.*?)</title>", found)[1]
        assert "<" not in title and "\\u202e" in title and "\\x1b" in title

    @given(st.one_of(st.just(HOSTILE), st.text()), st.sampled_from(ADDRESSES))
    def test_a_cell_shows_its_text_and_nothing_else(self, text, address):
        parts = _environment(OWN).get_template("parts.html").module
        marked = {"text": text, "given": True, "marks": "+"}
        rows = [[text, marked], [{"text": text, "href": text}]]
        link = parts.link(text, address)
        shown, text = Page(f"{link}{parts.table([text], rows, 1, text)}"), printable(text, None)
        cells = [[cell.rstrip("\n") for cell in row] for row in shown.tables[0]]
        assert cells == [[text], [text, f"{text} +"], [text]]
        assert shown.links == [*([address] if is_plain_https(address) else []), text]
        assert set(shown.tags) <= {
            *["div", "table", "caption", "thead", "tbody", "tr", "th", "td", "a"]
        }

    def test_a_script_that_would_end_early_is_refused(self, monkeypatch):
        monkeypatch.setattr(f"{OWN}.page._file", lambda package, name: "'</script>'")
        with pytest.raises(ValueError, match="would end before its end"):
            made(scripts=["charts.js"])


def test_the_same_arguments_give_the_same_bytes():
    given = {"data": {"b": 1, "a": [0.1]}, "libraries": ["d3"], "scripts": ["charts.js"]}
    assert made(**given) == made(**given)


def test_colours_stand_in_one_place():
    css = custom_properties()
    assert [f"--c{number}:{colour}" in css for number, colour in enumerate(PALETTE, 1)] == [
        True
    ] * 8
