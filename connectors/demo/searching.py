"""The search at the end of the demonstration: no personal value that was published may lie in clear anywhere.

Looked at are all files of the home, byte by byte (Kafka's segments, PostgreSQL's files, logs, spools), and all records
of all topics as a client reads them, unpacked. The values are those of the scenario: names, dates of birth, contacts,
documents, references, texts. A control shows that the search sees what is there.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from aiokafka import TopicPartition

from connectors.scenario.stream import Act
from infra.home import Home
from infra.kafka import consumer_for, whole
from infra.topology.credentials import Credentials
from infra.topology.model import Topology
from schemas.catalogue import contract
from schemas.privacy_rules import NEVER_LEAVES
from schemas.shapes import Field, shape_of, walk

SEARCHED_FIELDS = frozenset({"date_of_birth"})
SHORTEST = 8
"""Characters: shorter values are found in any gigabyte by chance."""
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What was looked for, where, and what was found; names of files and topics only."""

    values: int
    files: int
    size_bytes: int
    records: int
    found: tuple[str, ...]
    """Files and topics that hold one of the values, agencies' own topics left out."""
    arriving: tuple[str, ...]
    """Of agencies' own topics, those that hold one: they may until intake has them and they are truncated."""
    control: bool
    """Whether the search found what is certain to be there."""


def personal_values(acts: Iterable[Act]) -> frozenset[str]:
    """Return every text of *acts* that tells of somebody, long enough to be looked for."""
    return frozenset(line for act in acts for value in _values(act.event) for line in _lines(value))


def _lines(value: str) -> Iterator[str]:
    return (line for line in value.splitlines() if len(line) >= SHORTEST)


def _values(event: Mapping[str, object]) -> Iterator[str]:
    for path, _, entry in walk(shape_of(contract(str(event["event_type"])))):
        if entry.privacy.get("class") in NEVER_LEAVES or entry.name in SEARCHED_FIELDS:
            yield from _texts_at(event, path.replace("[]", "").split("."), entry)


def _texts_at(held: object, way: list[str], entry: Field) -> Iterator[str]:
    if isinstance(held, list):
        for one in held:
            yield from _texts_at(one, way, entry)
    elif way and isinstance(held, Mapping):
        yield from _texts_at(held.get(way[0]), way[1:], entry)
    elif isinstance(held, str) and not entry.text("codes"):
        yield held


async def search(home: Home, topology: Topology, values: frozenset[str]) -> Searched:
    """Return where any of *values* lies in clear in *home*, whose hub runs."""
    files = list(_files(home))
    hits = _files_with(values, [home.path, home.postgres_dir.resolve()])
    records, topics = await _topics_with(home, topology, values)
    places = {*(_place(home, hit) for hit in hits), *topics}
    agencies = tuple(sorted(place for place in places if _of_agency(place)))
    return Searched(
        values=len(values),
        files=len(files),
        size_bytes=sum(_size(file) for file in files),
        records=records,
        found=tuple(sorted(places - set(agencies))),
        arriving=agencies,
        control=bool(_files_with({str(topology.agencies[0].id)}, [home.kafka_dir])),
    )


def _files(home: Home) -> Iterator[Path]:
    for folder in {home.path.resolve(), home.postgres_dir.resolve()}:
        for found, _, names in os.walk(folder):
            yield from (Path(found, name) for name in names)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # a segment or a log that was deleted meanwhile
        return 0


def _files_with(values: Iterable[str], folders: Iterable[Path]) -> list[Path]:
    """Return the files below *folders* that hold one of *values*; grep reads gigabytes faster than Python.

    The values go through a pipe: they are never on a command line or a disk.
    """
    spelt = {value.encode(encoding) for value in values for encoding in ENCODINGS}
    patterns = b"\n".join(each for each in spelt if b"\n" not in each)  # grep takes a pattern a line
    command = ["grep", "--recursive", "--files-with-matches", "--binary-files=text", "--fixed-strings", "--no-messages"]
    done = subprocess.run(
        [*command, "--file=-", *map(str, folders)],
        input=patterns,
        stdout=subprocess.PIPE,
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        check=False,
    )
    return [Path(line) for line in done.stdout.decode().splitlines()]


async def _topics_with(home: Home, topology: Topology, values: frozenset[str]) -> tuple[int, set[str]]:
    """Return how many records all topics hold, and the topics with one of *values* in key, value or header."""
    consumer = consumer_for(Credentials.of(home, "hub-admin", topology), read_committed=False)
    needles = [value.encode() for value in values]
    count, found = 0, set()
    await consumer.start()
    try:
        sources = [TopicPartition(topic.name, n) for topic in topology.topics for n in range(topic.partitions)]
        async for source, several in whole(consumer, sources):
            count += len(several)
            content = b"\0".join(part for record in several for part in _parts(record))
            if any(needle in content for needle in needles):
                found.add(f"topic {source.topic}")
    finally:
        await consumer.stop()
    return count, found


def _parts(record: object) -> Iterator[bytes]:
    for part in (getattr(record, "key", None), getattr(record, "value", None)):
        if part is not None:
            yield cast("bytes", part)
    for name, value in getattr(record, "headers", ()):
        yield str(name).encode() + b"=" + (value or b"")


def _place(home: Home, file: Path) -> str:
    for folder in (home.path, home.path.resolve(), home.postgres_dir.resolve()):
        if file.is_relative_to(folder):
            return str(file.relative_to(folder))
    return str(file)


def _of_agency(place: str) -> bool:
    return place.startswith("topic in.") or any(part.startswith("in.") for part in Path(place).parts)
