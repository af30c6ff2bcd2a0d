"""One run of `hub import`: open, go on or begin, import, tell."""

import datetime as dt
import hashlib
import json
from pathlib import Path

from connectors.importing.journal import SUFFIX as JOURNAL_SUFFIX
from connectors.importing.journal import Journal
from connectors.importing.mappings import load
from connectors.importing.refused import DRY_SUFFIX, RefusedRows, set_aside
from connectors.importing.refused import SUFFIX as REFUSED_SUFFIX
from connectors.importing.running import Advance, Job, Opened, opened
from connectors.importing.running import run as import_rows
from connectors.importing.sinks import DryRun, Hub
from connectors.importing.tally import Tally
from connectors.importing.telling import Telling
from connectors.principal import credentials_of
from connectors.publisher import Publisher
from connectors.receipts import Receipts
from infra.topology.credentials import Credentials
from schemas.errors import MisuseError

_DRY_KEY = b"dry run: these ids go nowhere"


def job_of(
    source: Path,
    *,
    mapping: str,
    agency: str | None,
    credentials: Path | None,
    dry_run: bool,
    limit: int | None = None,
    parameters: list[str],
    encoding: str | None = None,
    sheet: str | None = None,
) -> tuple[Job, Credentials | None]:
    """Return what the command line asks for, and as whom; nobody in a dry run."""
    as_whom = _as_whom(agency, credentials, dry_run=dry_run)
    job = Job(
        file=source,
        mapping=load(mapping),
        agency=str(as_whom.principal) if as_whom else agency or "dry-run",
        key=as_whom.password.encode() if as_whom else _DRY_KEY,
        given=_parameters(parameters),
        encoding=encoding,
        sheet=sheet,
        limit=limit,
    )
    return job, as_whom


async def run(
    job: Job, as_whom: Credentials | None, refused_path: Path | None, *, anew: bool, timeout_s: float, as_json: bool
) -> bool:
    """Import *job*, tell what became of it, and return whether no row was refused."""
    named, suffix = refused_path, REFUSED_SUFFIX if as_whom else DRY_SUFFIX
    refused_path = named or job.file.with_name(f"{job.file.name}{suffix}")
    telling = Telling(as_json=as_json)
    with telling.progress("reading the file", _size(job.file)) as bar:
        work = opened(job, bar.add)
    for remark in work.rows.remarks:
        telling.say(remark)
    for name, form in job.mapping.spec.parameters.items():
        if name not in job.given:
            telling.say(f"taken for every row: {name} = {form.default} ({form.doc})")
    before = Journal.load(_journal_path(job, refused_path))
    journal = None if as_whom is None else journal_for(work, before, refused_path, anew=anew)
    goes_on = journal is not None and before is not None and journal.goes_on_from(before)
    if goes_on and before and before.refused_bytes > _size(refused_path):
        telling.say("begins anew: the file of refused rows of the interrupted import is gone")
        goes_on = False
    with RefusedRows(refused_path, work.rows.columns, work.rows.delimiter, work.digest) as refused:
        if goes_on and journal and before:
            journal.take(before)
            refused.go_on(journal.refused_bytes)
            telling.say(f"goes on after {journal.rows:,} rows that an earlier run has brought in")
        elif (as_whom or named) and (aside := set_aside(refused_path, before.refused_digest if before else None)):
            telling.say(f"kept your file of refused rows as {aside}")
        elif refused_path.exists():
            refused_path.unlink()
        with telling.progress("importing", work.rows.total) as bar:
            tally = await _imported(work, as_whom, refused, journal, bar.move, timeout_s)
        written = str(refused_path) if refused.size else None
    telling.summary(tally, written, dry_run=as_whom is None)
    return tally.rows["refused"] == 0


async def _imported(
    work: Opened,
    as_whom: Credentials | None,
    refused: RefusedRows,
    journal: Journal | None,
    advance: Advance,
    timeout_s: float,
) -> Tally:
    if as_whom is None:
        return await import_rows(work, DryRun(work.mapper, dt.datetime.now(dt.UTC)), refused, None, advance)
    async with Receipts(as_whom) as receipts, Publisher(as_whom) as publisher:
        return await import_rows(work, Hub(work.mapper, publisher, receipts, timeout_s), refused, journal, advance)


def _as_whom(agency: str | None, credentials: Path | None, *, dry_run: bool) -> Credentials | None:
    if dry_run:
        return None
    found = credentials_of(agency, credentials)
    if f"in.{found.principal}" not in found.writes:
        raise MisuseError(f"{found.principal} is no agency: only an agency imports (`hub topology show` lists them)")
    return found


def _parameters(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if any(not name or not middle for name, middle, _ in pairs):
        raise MisuseError("write parameters as `--set NAME=VALUE`")
    return {name: value for name, _, value in pairs}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _journal_path(job: Job, refused: Path) -> Path:
    return refused.with_name(f"{job.file.name}{JOURNAL_SUFFIX}")


def journal_for(work: Opened, before: Journal | None, refused: Path, *, anew: bool) -> Journal:
    """Return a fresh journal; raise MisuseError when the file was imported before with other content."""
    job = work.job
    if before is not None and before.file != work.digest and before.agency == job.agency and not anew:
        raise MisuseError(
            "a file of this name was imported before, and has changed since: all its rows would count as new ones. "
            f"Correct the rows in the file of refused rows ({refused.name}) and import that, "
            "or say `--anew` when this is another file"
        )
    text = json.dumps([job.mapping.digest, sorted(job.given.items()), job.encoding, job.sheet])
    return Journal(
        path=_journal_path(job, refused),
        file=work.digest,
        mapping=hashlib.sha256(text.encode()).hexdigest(),
        agency=job.agency,
    )
