"""The screen as an SVG picture in a window frame: no fonts from elsewhere, no addresses, the same bytes for the same screen.

Every run of cells in one style is one <text> stretched to its width, so that columns stay in line with any monospaced
font; blocks, sextants and lines are rectangles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from .emulator import DEFAULT_BG, Cell
from .glyphs import rectangles
from .pixels import ink_of

WIDTH: Final = 8.4
HEIGHT: Final = 18.0
MARGIN: Final = 12.0
BAR: Final = 30.0
LIGHTS: Final = ("ff5f57", "febc2e", "28c840")
FONT: Final = "ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,'Liberation Mono',monospace"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _rect(x: float, y: float, width: float, height: float, colour: str, opacity: float = 1.0) -> str:
    faint = f' opacity="{_n(opacity)}"' if opacity != 1 else ""
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="#{colour}"{faint}/>'


def _backgrounds(cells: Sequence[Sequence[Cell]]) -> Iterator[str]:
    for y, row in enumerate(cells):
        start = 0
        for x in range(1, len(row) + 1):
            if x == len(row) or row[x].bg != row[start].bg:
                if row[start].bg != DEFAULT_BG:
                    yield _rect(start * WIDTH, y * HEIGHT, (x - start) * WIDTH, HEIGHT, row[start].bg)
                start = x


def _drawn(cells: Sequence[Sequence[Cell]]) -> Iterator[str]:
    """Rectangles of drawn characters, neighbours of equal height and colour joined into one."""
    for y, row in enumerate(cells):
        open_rects: dict[tuple[float, float, str, float], list[float]] = {}
        done: list[str] = []

        def close(key: tuple[float, float, str, float], span: list[float], top: int = y, out: list[str] = done) -> None:
            y0, y1, colour, share = key
            out.append(_rect(span[0], top * HEIGHT + y0 * HEIGHT, span[1] - span[0], (y1 - y0) * HEIGHT, colour, share))

        for x, cell in enumerate(row):
            for x0, y0, x1, y1, share in sorted(rectangles(cell.text) or ()):
                key, left, right = (y0, y1, cell.fg, share), (x + x0) * WIDTH, (x + x1) * WIDTH
                span = open_rects.get(key)
                if span and abs(span[1] - left) < 0.01:
                    span[1] = right
                else:
                    if span:
                        close(key, span)
                    open_rects[key] = [left, right]
        for key, span in open_rects.items():
            close(key, span)
        yield from done


def _style(cell: Cell) -> tuple[str, bool, bool, bool, bool]:
    return ink_of(cell), cell.bold, cell.italic, cell.underline, cell.strike


def _written(cell: Cell) -> bool:
    return cell.text != " " and rectangles(cell.text) is None


def _runs(row: Sequence[Cell]) -> Iterator[tuple[int, int, str]]:
    """(first column, columns, text) of each run in one style, without blanks at its ends. Lone symbols stand alone."""
    start = 0
    while start < len(row):
        first = row[start]
        if not (_written(first) or first.underline):
            start += 1
            continue
        end = start + 1
        alone = bool(first.text) and ord(first.text[0]) > 0x24F
        while end < len(row) and (row[end].text == "" or (not alone and _joins(first, row[end]))):
            end += 1
        text = "".join(cell.text for cell in row[start:end])
        kept = text if first.underline else text.rstrip()
        yield start, end - start - (len(text) - len(kept)), kept
        start = end


def _joins(first: Cell, cell: Cell) -> bool:
    plain = cell.text == " " or (_written(cell) and ord(cell.text[0]) <= 0x24F)
    return plain and _style(cell) == _style(first)


def _texts(cells: Sequence[Sequence[Cell]]) -> Iterator[str]:
    for y, row in enumerate(cells):
        for column, count, text in _runs(row):
            colour, bold, italic, underline, strike = _style(row[column])
            extra = ' font-weight="700"' if bold else ""
            extra += ' font-style="italic"' if italic else ""
            lines = " ".join(name for name, on in (("underline", underline), ("line-through", strike)) if on)
            extra += f' text-decoration="{lines}"' if lines else ""
            yield (
                f'<text x="{_n(column * WIDTH)}" y="{_n(y * HEIGHT + HEIGHT * 0.75)}" fill="#{colour}"'
                f' textLength="{_n(count * WIDTH)}"{extra}>{escape(text, quote=False)}</text>'
            )


def svg(cells: Sequence[Sequence[Cell]], title: str = "") -> str:
    """The whole document."""
    width = max(len(row) for row in cells) * WIDTH + 2 * MARGIN
    height = len(cells) * HEIGHT + BAR + MARGIN
    lights = "".join(f'<circle cx="{18 + i * 18}" cy="15" r="5.5" fill="#{colour}"/>' for i, colour in enumerate(LIGHTS))
    frame = f'width="{_n(width - 1)}" height="{_n(height - 1)}" rx="9" fill="#{DEFAULT_BG}" stroke="#5a5a5a"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}"'
            f' role="img" aria-label="{escape(title or "terminal")}">',
            f'<rect x="0.5" y="0.5" {frame}/>',
            lights,
            f'<text x="{_n(width / 2)}" y="19" fill="#9a9a9a" font-family="system-ui,sans-serif" font-size="12"'
            f' text-anchor="middle">{escape(title, quote=False)}</text>',
            f'<g transform="translate({_n(MARGIN)} {_n(BAR)})" font-family="{FONT}" font-size="14" xml:space="preserve"'
            ' shape-rendering="crispEdges">',
            *_backgrounds(cells),
            *_drawn(cells),
            *_texts(cells),
            "</g>",
            "</svg>",
            "",
        ]
    )


def write_svg(cells: Sequence[Sequence[Cell]], path: Path, title: str = "") -> None:
    """Write the picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg(cells, title), encoding="utf-8")
