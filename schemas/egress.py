"""The way out to non-personal channels: only rows in a schema that the compiler has issued leave.

Anything else is not one bad record but a hub that is put together wrongly: the error is a MisuseError, at which the
pump halts the partition with advice, and nothing passes.
"""

from collections.abc import Mapping, Sequence

from schemas.channel_rules import NonPersonal
from schemas.codec import Codec, Record, Writer, fullname_of
from schemas.compiler import PADDING, issued
from schemas.errors import MisuseError
from schemas.registry import AvroSchema, fingerprint_of

BUCKET_BYTES = 128
"""Wider than most rows; the longest, with every form of exploitation, take two or three."""
SHORT = 64
"""Fewer bytes than this have a length of one byte in Avro, up to 8191 one of two."""


class NotIssuedError(MisuseError):
    """A schema that the compiler has not issued was to leave on a non-personal channel; the channel stops."""

    code = "schema-not-issued"


class Egress:
    """Writes rows for non-personal channels, each in a schema that was issued for that very channel."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._issued = {(each.channel, each.fingerprint) for each in issued()}
        self._writers: dict[tuple[NonPersonal, str], Writer] = {}

    def encode(self, channel: NonPersonal, schema: AvroSchema, rows: Sequence[Mapping[str, object]]) -> list[bytes]:
        """Return *rows* as they leave on *channel*; raise NotIssuedError when *schema* was not issued for it."""
        writer = self._writer(channel, schema)
        if channel.kind != "anon":
            return [writer.encode(_checked(row, schema)) for row in rows]
        return [_padded(writer, _checked(row, schema, PADDING["name"])) for row in rows]

    def _writer(self, channel: NonPersonal, schema: AvroSchema) -> Writer:
        fingerprint = fingerprint_of(schema)
        if (channel, fingerprint) not in self._issued:
            raise NotIssuedError(
                f"{channel} stops: {fullname_of(schema)} is in a schema that the privacy compiler has not issued; "
                "compare `hub channel show` on this machine with the release that was approved"
            )
        found = self._writers.get((channel, fingerprint))
        if found is None:
            found = self._codec.writer(f"{channel}-{fullname_of(schema)}", schema)
            self._writers[channel, fingerprint] = found
        return found


def _padded(writer: Writer, row: Record) -> bytes:
    """Return *row* encoded to a full bucket: on the wire one row of a batch is as long as the next."""
    row[str(PADDING["name"])] = None
    row[str(PADDING["name"])] = bytes(_zeros(len(writer.encode(row))))
    return writer.encode(row)


def _zeros(bare_bytes: int) -> int:
    """Return how many zeros, with their length, fill what is without them *bare_bytes* long to a full bucket."""
    few, many = (-(bare_bytes + length) % BUCKET_BYTES for length in (1, 2))
    if few < SHORT:
        return few
    return many if many >= SHORT else many + BUCKET_BYTES


def _checked(row: Mapping[str, object], schema: AvroSchema, added: object = None) -> Record:
    """Return *row* when it has the columns of *schema* and no other: fastavro would pass over what is too much.

    The column *added* is not the row's own.
    """
    fields = schema["fields"]
    assert isinstance(fields, list)
    if row.keys() != {field["name"] for field in fields} - {added}:
        raise NotIssuedError(f"a row for {fullname_of(schema)} has other columns than its schema; nothing of it leaves")
    return dict(row)
