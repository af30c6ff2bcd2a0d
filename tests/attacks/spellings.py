"""How a value may be written where it must not be (privacy.md section 6), and a search for all of that in one pass."""

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import io
import itertools
import json
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

import ahocorasick
import cramjam

PREFIX = 6
HASHES = ("md5", "sha1", "sha256")
EPOCH = dt.date(1970, 1, 1)
FRAMES = {
    b"\x1f\x8b\x08": lambda content: zlib.decompressobj(31).decompress(content),
    b"\x28\xb5\x2f\xfd": lambda content: bytes(cramjam.zstd.decompress(content)),
    b"\x04\x22\x4d\x18": lambda content: bytes(cramjam.lz4.decompress(content)),
    b"\xff\x06\x00\x00sNaPpY": lambda content: bytes(cramjam.snappy.decompress(content)),
}
BATCH_HEAD = struct.Struct(">qiibIhiqqqhii")
CODECS = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}

Spelling = tuple[str, bytes]
"""Name of the way of writing, and what it makes of a value."""


def spellings(value: object) -> Iterator[Spelling]:
    """Yield every way in which *value* may be written; names that begin with `=` are exact, others match any case."""
    if isinstance(value, str):
        yield from _texts(value)
    elif isinstance(value, dt.datetime):
        yield from _moments(value)
    elif isinstance(value, dt.date):
        yield from _dates(value)
    elif isinstance(value, float):
        yield from (("=double le", struct.pack("<d", value)), ("=double be", struct.pack(">d", value)))
        yield "number", f"{value:.0f}".encode()
    elif isinstance(value, int):
        yield from _numbers(value)


def _texts(text: str) -> Iterator[Spelling]:
    plain = "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))
    for name, form in (("utf-8", text), ("casefold", text.casefold()), ("nfkd", unicodedata.normalize("NFKD", text)),
                       ("translit", plain), ("reversed", text[::-1]), ("prefix", text[:PREFIX])):  # fmt: skip
        yield name, form.encode()
    yield from (("utf-16le", text.encode("utf-16-le")), ("utf-16be", text.encode("utf-16-be")))
    yield from (("url", quote(text).encode()), ("url +", quote_plus(text).encode()))
    yield from (("json", json.dumps(text)[1:-1].encode()), ("hex", text.encode().hex().encode()))
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + text.encode())
        inner = whole[4 if shift else 0 : len(whole) - 4]  # without what depends on the neighbours
        yield f"=base64 {shift}", inner
        yield f"=base64 url {shift}", inner.translate(bytes.maketrans(b"+/", b"-_"))
    digests = {name: hashlib.new(name, text.encode()).digest() for name in HASHES}
    digests["hmac"] = hmac.digest(b"", text.encode(), "sha256")
    for name, digest in digests.items():
        yield from ((f"={name}", digest), (f"{name} hex", digest.hex().encode()))
        yield f"={name} base64", base64.b64encode(digest)[:-4]


def _dates(day: dt.date) -> Iterator[Spelling]:
    for form in ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"):
        yield f"date {form}", day.strftime(form).encode()
    yield "=utf-16le", day.isoformat().encode("utf-16-le")
    yield "hex", day.isoformat().encode().hex().encode()
    yield from _base64(day.isoformat())
    yield "=varint", varint((day - EPOCH).days)
    yield from ((f"{name} hex", hashlib.new(name, day.isoformat().encode()).hexdigest().encode()) for name in HASHES)


def _moments(moment: dt.datetime) -> Iterator[Spelling]:
    milliseconds = round(moment.timestamp() * 1000)
    yield from (("iso", moment.isoformat()[:19].encode()), ("iso space", str(moment)[:19].encode()))
    yield from (("milliseconds", str(milliseconds).encode()), ("seconds", str(milliseconds // 1000).encode()))
    yield from (("=varint", varint(milliseconds)), ("=be", struct.pack(">q", milliseconds)))
    yield "=le", struct.pack("<q", milliseconds)
    yield from _base64(moment.isoformat()[:19])


def _numbers(number: int) -> Iterator[Spelling]:
    yield from (("number", str(number).encode()), ("=varint", varint(number)))
    yield from (("=be", struct.pack(">q", number)), ("=le", struct.pack("<q", number)))
    yield from (("hex", f"{number:x}".encode()), *_base64(str(number)))


def _base64(text: str) -> Iterator[Spelling]:
    return ((name, form) for name, form in _texts(text) if name.startswith("=base64"))


def varint(number: int) -> bytes:
    """Return *number* as Avro writes it: zig-zag, seven bits to a byte."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])


class Search:
    """Finds every spelling of *values*, by name of the value; those under *shortest* bytes are not looked for."""

    def __init__(self, values: Mapping[str, object], shortest: int = 4) -> None:
        self._exact, self._folded = ahocorasick.Automaton(), ahocorasick.Automaton()
        self.count = 0
        for name, value in values.items():
            for way, form in spellings(value):
                if len(form) >= shortest:
                    exact = way.startswith(("=", "utf-16"))
                    automaton = self._exact if exact else self._folded
                    pattern = (form if exact else form.lower()).decode("latin-1")
                    automaton.add_word(pattern, (name, way))
                    self.count += 1
        for automaton in (self._exact, self._folded):
            automaton.make_automaton()

    def found(self, content: bytes) -> set[tuple[str, str]]:
        """Return what is in *content*, also compressed: name of the value and how it is written."""
        return set(itertools.chain.from_iterable(map(self._in, unpacked(content))))

    def finds(self, content: bytes) -> bool:
        """Whether *content* as it stands holds any spelling."""
        return next(self._in(content), None) is not None

    def names(self, contents: Iterable[bytes]) -> set[str]:
        """Return the names of the values in *contents*."""
        return {name for content in contents for name, _ in self.found(content)}

    def _in(self, content: bytes) -> Iterator[tuple[str, str]]:
        for automaton, text in ((self._exact, content), (self._folded, content.lower())):
            if automaton.kind == ahocorasick.AHOCORASICK:
                yield from (found for _, found in automaton.iter(text.decode("latin-1")))


def unpacked(content: bytes) -> Iterator[bytes]:
    """Yield *content*, and what compressed frames and batches of Kafka in it hold."""
    yield content
    for magic, unpack in FRAMES.items():
        at = content.find(magic)
        while at >= 0:
            with contextlib.suppress(zlib.error, cramjam.DecompressionError):
                yield unpack(content[at:])
            at = content.find(magic, at + 1)


def batches(segment: bytes) -> Iterator[bytes]:
    """Yield the records of every batch of a segment file of Kafka, unpacked (message format 2)."""
    from aiokafka import codec

    unpack = {
        "gzip": codec.gzip_decode,
        "snappy": codec.snappy_decode,
        "lz4": codec.lz4_decode,
        "zstd": codec.zstd_decode,
    }
    source = io.BytesIO(segment)
    while len(head := source.read(BATCH_HEAD.size)) == BATCH_HEAD.size:
        _, length, _, magic, _, attributes, *_ = BATCH_HEAD.unpack(head)
        body = source.read(length - (BATCH_HEAD.size - 12))
        if magic != 2 or length <= 0:
            return  # what is not written yet is zeros
        if attributes & 0b111 in CODECS:
            yield bytes(unpack[CODECS[attributes & 0b111]](body))
