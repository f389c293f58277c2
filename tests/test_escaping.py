"""Text of strangers in LaTeX and CSV: what is shown is what was given, and nothing more."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from oneshot_emotic import escaping
from oneshot_emotic.errors import printable
from oneshot_emotic.escaping import is_plain_https

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</td></tr></table>",
    "<!-- ",
    "&lt;b&gt; &#60; &amp",
    "\\input{/etc/passwd}",
    "\\\\ \\hline & a & b % rest",
    "[2cm] *",
    "$x^2_1$ ~ ^^5cinput",
    "{}}{",
    "a \"quoted\" --- ``word'' ,,so",
    "=1+1",
    "\x00\x1b[31m\u202egnp.exe\n\r\t\u2028|",
    "\ud800 lone",
    "x" * 5000,
]
texts = st.one_of(st.sampled_from(HOSTILE), st.text(), st.text("\\{}$&#%_^~<>|`\"'[]*-=+@,;ax \n"))


def shown_by_latex(text):
    """The characters that LaTeX would set, by its own rules for what this package may write."""
    commands = {
        "textbackslash": "\\",
        "textasciicircum": "^",
        "textasciitilde": "~",
        "textless": "<",
        "textgreater": ">",
        "textbar": "|",
        "textasciigrave": "`",
    }
    shown, place, depth = "", 0, 0
    while place < len(text):
        char, rest = text[place], text[place + 1 :]
        if char == "\\":
            if rest.startswith("char34}"):
                shown, place = shown + '"', place + 7
            elif rest[0].isalpha():
                name = re.match(r"[A-Za-z]+", rest)[0]
                assert rest[len(name) :].startswith("{}"), "a command not ended by braces"
                shown, place = shown + commands[name], place + 3 + len(name)
            else:
                assert rest[0] in "{}$&#%_"
                shown, place = shown + rest[0], place + 2
            continue
        assert char not in '$&#%_^~<>|`"\n', f"a bare {char}"
        assert not (char in "[]*" and depth == 0), f"a bare {char}"
        assert not (char in "-'," and rest.startswith(char)), "a ligature"
        depth += {"{": 1, "}": -1}.get(char, 0)
        assert depth >= 0
        shown += char if char not in "{}" else ""
        place += 1
    assert depth == 0
    return shown


class TestLatex:
    @given(texts)
    def test_shows_the_text_and_nothing_else(self, text):
        assert shown_by_latex(escaping.latex_text(text)) == printable(text, 200)

    @given(texts, texts)
    @example("a", "https://example.org/a%20b_c?d=1&e=~f")
    def test_links(self, text, address):
        written = escaping.latex_link(text, address)
        if not is_plain_https(address):
            assert written == escaping.latex_text(text)
            return
        target, shown = re.fullmatch(r"\\href\{([^{}]*)\}\{(.*)\}", written).groups()
        assert re.sub(r"\\([%&_])", r"\1", target) == address
        assert not re.search(r"(?<!\\)[%#&_]", target)
        assert shown_by_latex(shown) == printable(text, 200)


class TestCsv:
    @given(texts)
    def test_never_a_formula(self, text):
        cell = escaping.csv_text(text)
        assert not cell.lstrip(' "').startswith(("=", "+", "-", "@"))
        unmarked = cell[1:] if cell.startswith("'") else cell
        assert unmarked.replace("'", "") in printable(text, 200).replace("'", "")

    @pytest.mark.parametrize(
        "text", ["=1", "+1", "-1", "@A1", " =1", '"=1', "'=1", "＝1", "=cmd|'/c calc'!A1"]
    )
    def test_an_apostrophe_goes_before(self, text):
        assert escaping.csv_text(text) == f"'{text}"

    @pytest.mark.parametrize("text", ["A model", "a=b", "ResNet-50", "", "'tis", "1-shot; 5-shot"])
    def test_other_text_stays(self, text):
        assert escaping.csv_text(text) == text

    @given(st.lists(texts, min_size=2, max_size=4))
    @example(["a", "b;=1+1;c"])
    @pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
    def test_a_row_stays_a_row(self, quoting, cells):
        stream = io.StringIO()
        csv.writer(stream, quoting=quoting).writerow(map(escaping.csv_text, cells))
        assert list(csv.reader(io.StringIO(stream.getvalue()))) == [
            [*map(escaping.csv_text, cells)]
        ]
        (split,) = csv.reader(io.StringIO(stream.getvalue()), delimiter=";")
        assert not any(cell.lstrip(' "').startswith(("=", "+", "-", "@")) for cell in split)


class TestAddresses:
    @pytest.mark.parametrize(
        "address", ["https://example.org", "https://example.org/a/b-c_d.html?x=1&y=%20~z+"]
    )
    def test_links(self, address):
        assert is_plain_https(address)
        assert escaping.markdown_link("a", address) == f"[a]({address})"

    @pytest.mark.parametrize(
        "address",
        [
            None,
            "",
            "http://example.org",
            "HTTPS://example.org",
            "javascript:alert(1)",
            "data:text/html,x",
            "//example.org",
            "https://",
            "https://user@example.org",
            "https://example.org:8/",
            "https://example.org/\n",
            "https://example.org/a b",
            'https://example.org/"onclick=',
            "https://example.org/<b>",
            "https://example.org/a)b",
            "https://example.org/\u202e",
            "https://exämple.org/",
            "https://example.org/}\\input{x}",
        ],
    )
    def test_no_links(self, address):
        assert not is_plain_https(address)
        assert escaping.markdown_link("a", address) == escaping.latex_link("a", address)
