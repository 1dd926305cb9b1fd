"""A page in one file: headings, tables and pictures as SVG, readable on a phone, on paper and without a network.

The pictures are matplotlib's, with their letters as letters. An interactive library would put a megabyte of script into
every page, draw on a canvas that nobody can search or have read aloud, and print worse. One page is worth it, that of
an audit (memory_page.py), whose views follow one cursor.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recuerdo.errors import OptionError, OutputError
from recuerdo.show.files import figure_of

SIZE = (5.2, 3.5)
"""Of a picture, in inches: on a telephone its letters stay legible, and two stand side by side on a wide screen."""

PER_INCH = 6.7
"""Width in a page of an inch of a picture, in letters (rem)."""

UNWRITABLE = re.compile("[^\\t\\n\\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that may stand in a text and may not in a page."""

STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 72rem; padding: 1rem 1rem 3rem; background: #fff; color: #222;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-top: .75rem; border-top: 1px solid #d9dce1; }
p, li { max-width: 44rem; }
p { margin: .5rem 0; }
.lead { font-size: 1.15rem; }
.quiet { color: #5b616b; font-size: .9rem; }
.pictures { display: grid; gap: 1rem 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
figure { margin: 1rem 0 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
.words { max-width: 52rem; line-height: 1.9; white-space: pre-wrap; overflow-wrap: anywhere; }
.words span { padding: .15em 0; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: #5b616b; font-size: .9rem; padding-bottom: .25rem; white-space: nowrap; }
th, td { padding: .25rem .9rem .25rem 0; text-align: right; border-bottom: 1px solid #e6e8eb; white-space: nowrap; }
th:first-child { text-align: left; font-weight: normal; }
thead th { color: #5b616b; font-weight: normal; }
tr.best th, tr.best td { font-weight: bold; background: #faf1ef; }
summary { cursor: pointer; color: #1f4e79; font-size: .9rem; padding: .25rem 0; }
@media (max-width: 40rem) {
  th, td { padding-right: .5rem; font-size: .8rem; }
  tbody th { white-space: normal; min-width: 6rem; }
}
@media print {
  body { max-width: none; font-size: 10pt; padding: 0; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  details:not([open]) { display: none; }
  .pictures { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .pictures figure:only-child { grid-column: 1 / -1; }
}
"""


class Page:
    """A page that grows from top to bottom.

    Args:
        title: its heading and name.
        lead: the sentence below it.
    """

    def __init__(self, title: str, lead: str) -> None:
        self._title = title
        self._body = [f"<h1>{escape(title)}</h1>", f'<p class="lead">{escape(lead)}</p>']
        self._pictures = 0
        self._row = False

    def heading(self, words: str, *said: str) -> None:
        """Begin a section, with sentences below its heading."""
        self._add(f"<h2>{escape(words)}</h2>")
        self.say(*said)

    def say(self, *sentences: str) -> None:
        """Add a paragraph for each sentence."""
        for each in sentences:
            self._add(f"<p>{escape(each)}</p>")

    def items(self, sentences: Iterable[str]) -> None:
        """Add a list."""
        self._add("<ul>" + "".join(f"<li>{escape(each)}</li>" for each in sentences) + "</ul>")

    def words(self, pieces: Iterable[tuple[str, str | None, str]]) -> None:
        """Add a text whose words stand on colours, in the direction in which its script is read.

        Args:
            pieces: the text, whole and in order: characters, the colour behind them, and what is said when the mouse
                rests on them.
        """
        body = []
        for text, colour, said in pieces:
            shown = escape(text)
            told = f' title="{escape(said)}"' if said else ""
            body.append(f'<span style="background:{colour}"{told}>{shown}</span>' if colour else shown)
        self._add(f'<p class="words" dir="auto">{"".join(body)}</p>')

    def table(
        self, caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], *, best: str | None = None
    ) -> None:
        """Add a table; the row that begins with `best` stands out, and says so."""
        self._add(html_table(caption, head, rows, best))

    def picture(
        self, drawn: Axes, alt: str, caption: str, head: Sequence[str] = (), rows: Iterable[Sequence[str]] = ()
    ) -> None:
        """Add a picture, with its numbers as a table that can be opened; pictures in a row stand beside each other.

        Args:
            drawn: the axes.
            alt: the picture in words, for who does not see it.
            caption: what the numbers are.
            head, rows: the numbers.
        """
        self._pictures += 1
        table = html_table(caption, head, rows, None) if head else ""
        numbers = f"<details><summary>The numbers: {escape(caption)}</summary>{table}</details>" if head else ""
        figure = f"<figure>{svg(figure_of(drawn), alt, f'p{self._pictures}-')}{numbers}</figure>"
        if not self._row:
            self._body.append('<div class="pictures">')
            self._row = True
        self._body.append(figure)

    def _add(self, html: str) -> None:
        if self._row:
            self._body.append("</div>")
            self._row = False
        self._body.append(html)

    def text(self) -> str:
        """Return the whole page as HTML that is well-formed XML too."""
        self._add("")
        head = (
            '<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>'
            f"<title>{escape(self._title)}</title><style>{STYLE}</style>"
        )
        body = UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", "\n".join(self._body))
        return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body><main>\n{body}</main></body></html>\n'

    def save(self, path: str | Path) -> Path:
        """Write the page.

        Raises:
            OptionError: the name does not end in .html.
            OutputError: the file cannot be written.
        """
        path = checked(path)
        try:
            path.write_text(self.text(), encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"The page cannot be written to {path}: {error.strerror}. Choose another path."
            ) from error
        return path


def checked(path: str | Path) -> Path:
    """Return the path of a page, or raise OptionError where it does not end in .html."""
    path = Path(path)
    if path.suffix.lower() not in (".html", ".htm"):
        raise OptionError(f"A page ends in .html, and {path.name} does not: change the file's name.")
    return path


def svg(figure: Figure, alt: str, prefix: str) -> str:
    """Return a picture to stand within a page: words instead of paths, names that no other picture has."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "recuerdo", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"\s*<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r' (width|height)="[^"]*pt"', "", drawn, count=2)
    wide = f"max-width:{PER_INCH * figure.get_size_inches()[0]:.1f}rem"  # so that letters are as large in every picture
    drawn = drawn.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}" style="{wide}"', 1)
    drawn = re.sub(r'\bid="', f'id="{prefix}', drawn)
    return re.sub(r'(url\(|href=")#', rf"\g<1>#{prefix}", drawn).strip()


def number(value: float) -> str:
    """Write a value in the series' units, with six digits."""
    return "missing" if value != value else f"{value:.6g}"


def score(value: float) -> str:
    """Write a score as tables in plain text do."""
    return "undefined" if value != value else f"{value:.3f}"


def percent(share: float, digits: int = 1) -> str:
    """Write a share."""
    return "unknown" if share != share else f"{100 * share:.{digits}f} %"


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], best: str | None = None) -> str:
    """Return a table that scrolls where it is too wide; the row that begins with `best` stands out, and says so."""
    top = "".join(f'<th scope="col">{escape(each)}</th>' for each in head)
    lines = []
    for first, *others in rows:
        stands_out = first == best
        name = escape(first) + (" (best)" if stands_out else "")
        cells = "".join(f"<td>{escape(each)}</td>" for each in others)
        row = '<tr class="best">' if stands_out else "<tr>"
        lines.append(f'{row}<th scope="row">{name}</th>{cells}</tr>')
    words = escape(caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{words}"><table><caption>{words}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )
