"""Made-up files and a small mapping for tests of imports."""

import asyncio
import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from connectors.importing.journal import Journal
from connectors.importing.mapper import Mapped
from connectors.importing.mappings import LoadedMapping, read
from connectors.importing.refused import RefusedRows
from connectors.importing.running import Job, Opened, opened, run
from connectors.importing.sinks import DryRun, Sink
from connectors.importing.tally import Pending, Tally

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
COLUMNS = ("who", "day", "sex", "country", "means", "threats", "debt", "minors")
GOOD = ("W-1", "2025-12-01", "F", "NA", "Fraud; Deception", "1", "0", "x")

MAPPING = """
title = "made-up"

[file]
delimiters = [",", ";", "\\t"]
missing = ["-99"]
optional = ["minors"]

[fields]
"envelope.officer_ref" = { value = "O-1" }
"envelope.case_ref" = { column = "who" }
"envelope.occurred_at" = { column = "day", date = ["%Y-%m-%d"] }
"envelope.purpose" = { value = "IDENTIFY" }
"envelope.legal_basis" = { value = ["LED:8"] }
"envelope.assertion" = { value = "FACT" }
"envelope.source_grade" = { value = "A" }
"envelope.information_grade" = { value = "1" }
"envelope.handling" = { value = "H0" }
"envelope.tlp" = { value = "AMBER" }

[[events]]
type = "PersonIdentified"

[events.fields]
"person.person_ref" = { column = "who" }
"person.role" = { value = "PRESUMED_VICTIM" }
"person.restricted" = { value = "NO" }
"person.group" = { column = "sex", map = { F = "WOMAN", M = "MAN" }, case = "any", empty = "UNKNOWN" }
"person.citizenships" = { column = "country", convert = "alpha-2" }
"status" = { value = "PRESUMED" }
"identified_by" = { value = "POLICE" }
"setting" = { value = "IN_LAND" }
"means" = { column = "means", split = ";", map = { Fraud = "FRAUD", Deception = "DECEPTION", Abduction = "ABDUCTION" } }
"means_of_control" = { flags = { threats = "THREATS", debt = "DEBT_BONDAGE" } }
"means_of_control_ruled_out" = { flags = { threats = "THREATS", debt = "DEBT_BONDAGE" }, pick = "no" }

[ignored]
minors = "not needed"
"""

GROUP = MAPPING.replace(
    '"person.group" = { column = "sex", map = { F = "WOMAN", M = "MAN" }, case = "any", empty = "UNKNOWN" }',
    '"person.group" = { group_of = "sex", female = ["F"], male = ["M"], unknown = ["?"], born = "country", '
    'at = "day", date = ["%Y-%m-%d"] }',
).replace('"person.citizenships" = { column = "country", convert = "alpha-2" }\n', "")
"""The same with the group told by sex and birth, which stands in `country`."""


def mapping(text: str = MAPPING) -> LoadedMapping:
    """Return the mapping that *text* writes down."""
    return read("made-up", text)


def row(**changes: str) -> list[str]:
    """Return a good row with *changes* by column."""
    return [changes.get(name, value) for name, value in zip(COLUMNS, GOOD, strict=True)]


def write_csv(path: Path, rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS, **form: Any) -> Path:
    """Write a CSV file of *rows* and return its path."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **form)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def job(path: Path, of: LoadedMapping | None = None, **options: Any) -> Job:
    """Return the job to import *path*."""
    return Job(file=path, mapping=of or mapping(), agency="rs-police", key=b"key of the agency", **options)


def mapped(path: Path, of: LoadedMapping | None = None, **options: Any) -> list[Mapped]:
    """Return what each row of *path* gives."""
    work = opened(job(path, of, **options))
    return [work.mapper.map(each) for each in work.rows]


def faults(path: Path, of: LoadedMapping | None = None, **options: Any) -> list[list[tuple[str, str]]]:
    """Return column and rule of each fault of each row of *path*."""
    return [[(fault.column, fault.rule) for fault in each.faults] for each in mapped(path, of, **options)]


def dry(path: Path, of: LoadedMapping | None = None, **options: Any) -> tuple[Tally, Path]:
    """Import *path* as a dry run; return the tally and the file of refused rows."""
    work = opened(job(path, of, **options))
    return imported(work, DryRun(work.mapper, NOW))


def imported(work: Opened, sink: Sink, journal: Journal | None = None) -> tuple[Tally, Path]:
    """Import *work* into *sink*."""
    place = work.job.file.with_name(f"{work.job.file.name}.refused.csv")
    with RefusedRows(place, work.rows.columns, work.rows.delimiter, work.digest) as refused:
        if journal:
            refused.go_on(journal.refused_bytes)
        return asyncio.run(run(work, sink, refused, journal)), place


def read_refused(path: Path) -> list[dict[str, str]]:
    """Return the rows of a file of refused rows."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


class Remembered:
    """A hub that remembers ids: what it has seen is a duplicate. It can be away after a number of batches."""

    def __init__(self, batches: int | None = None) -> None:
        self.events: dict[str, Mapping[str, object]] = {}
        self.batches = batches

    async def send(self, rows: Sequence[Pending]) -> None:
        """Note the events of *rows*."""
        if self.batches == 0:
            raise KeyboardInterrupt
        if self.batches is not None:
            self.batches -= 1
        for pending in rows:
            for _, event in pending.mapped.events:
                envelope: Any = event["envelope"]
                seen = self.events.setdefault(envelope["event_id"], event)
                pending.answers["accepted" if seen is event else "duplicate"] += 1

    async def settle(self, rows: Sequence[Pending]) -> None:
        """Do nothing: the answers were there at once."""
