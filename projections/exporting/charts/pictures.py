"""Draws charts: SVG with a title and a description for screen readers, PNG with the description in its header."""

import struct
import zlib
from collections.abc import Mapping
from html import escape
from typing import Any, Literal

from projections.exporting.charts.style import Drawn
from schemas.errors import MisuseError

Kind = Literal[".svg", ".png"]
SCALE = 2.0
PNG_HEADER = b"\x89PNG\r\n\x1a\n"
_HEAD_BYTES = len(PNG_HEADER) + 25
"""Signature and the first chunk, IHDR."""


class UnknownPictureError(MisuseError):
    """The name of the file does not say which kind of picture it is."""

    code = "unknown-picture"


def picture(drawn: Drawn, suffix: str) -> bytes:
    """Return *drawn* as the kind of picture that *suffix* names; raise UnknownPictureError for others than SVG, PNG."""
    if suffix not in (".svg", ".png"):
        raise UnknownPictureError("name a file that ends in .svg or .png")
    svg = _svg(drawn.spec)
    return _told_svg(svg, drawn) if suffix == ".svg" else _told_png(_png(svg), drawn)


def _svg(spec: Mapping[str, Any]) -> str:
    import vl_convert

    return str(vl_convert.vegalite_to_svg(dict(spec), allowed_base_urls=[]))


def _png(svg: str) -> bytes:
    import vl_convert

    return bytes(vl_convert.svg_to_png(svg, scale=SCALE))


def _told_svg(svg: str, drawn: Drawn) -> bytes:
    """Return *svg* with what assistive programs read out first."""
    start, _, rest = svg.partition(">")
    told = (
        f'{start} role="img" aria-labelledby="chart-title chart-description">'
        f'<title id="chart-title">{escape(drawn.title)}</title>'
        f'<desc id="chart-description">{escape(drawn.description)}</desc>'
    )
    return f"{told}{rest}\n".encode()


def _told_png(png: bytes, drawn: Drawn) -> bytes:
    """Return *png* with Title and Description, as UTF-8 texts behind its first chunk."""
    texts = b"".join(
        _chunk(b"iTXt", name + b"\0\0\0en\0\0" + text.encode())
        for name, text in ((b"Title", drawn.title), (b"Description", drawn.description))
    )
    return png[:_HEAD_BYTES] + texts + png[_HEAD_BYTES:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
