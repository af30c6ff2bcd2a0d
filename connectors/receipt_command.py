"""The commands `hub receipt show | verify | export`: what an agency holds in its hand of what the hub answered."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from connectors.principal import CredentialsFile, agency_of
from infra.topology.credentials import Credentials
from schemas.codec import Record

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Agency = Annotated[str | None, typer.Option(help="As this agency of the local home.")]
KeyFile = Annotated[Path, typer.Option("--key", help="Public keys of the hub (PEM): `hub evidence key` gives them.")]

receipt_app = typer.Typer(help="Receipts: to keep, to show, to check without the hub.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(receipt_app, name="receipt")


@receipt_app.command("show")
def show_command(
    event_id: Annotated[str, typer.Argument(help="Id of the event.")],
    agency: Agency = None,
    credentials: CredentialsFile = None,
    output: Annotated[Path | None, typer.Option(help="Write the receipt to this file, to keep.")] = None,
    parts: Annotated[Path | None, typer.Option(help="Write what OpenSSL needs to check it into this folder.")] = None,
    key: Annotated[
        Path | None,
        typer.Option("--key", help="Public keys of the hub (PEM): checks it; parts hold the one that signed."),
    ] = None,
) -> None:
    """Show the receipt of an event: what the hub decided, and the statement that it signed about it."""
    from infra.evidence.receipts import Proved, proved
    from infra.evidence.signatures import keys_in, pem_of, trusted_keys
    from infra.evidence.statements import Statement
    from schemas.errors import MisuseError

    keys = trusted_keys() if key is None else keys_in(key)

    async def find(as_whom: Credentials) -> Proved | None:
        found = None
        async for record in _receipts(as_whom):
            if str(record["event_id"]).lower() == event_id.lower():
                found = proved(record) or found  # an event may be refused first, and accepted when it is put right
        return found

    found = asyncio.run(find(agency_of(agency, credentials)))
    if found is None:
        raise MisuseError("no receipt with a proof for an event of this id: is it the id, and the agency?")
    if keys is not None:
        found.check(keys)
    if output is not None:
        output.write_bytes(found.text())
    if parts is not None:
        parts.mkdir(parents=True, exist_ok=True)
        path = "".join(f"{side} {other}\n" for side, other in found.steps())
        for name, content in (
            ("answer.txt", found.answer),
            ("statement.txt", found.statement),
            ("statement.sig", found.signature),
            ("path.txt", path.encode()),
        ):
            (parts / name).write_bytes(content)
        if keys is not None:  # OpenSSL takes the first key of a file that holds several
            (parts / "hub.pem").write_bytes(pem_of([keys[Statement.parse(found.statement).key_id]]))
    typer.echo(f"{found.answer.decode()}\n{found.statement.decode()}", nl=False)


@receipt_app.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="A file that `hub receipt show --output` wrote.")],
    key: KeyFile,
    as_json: AsJson = False,
) -> None:
    """Check a receipt offline, with public keys alone. Exit code 0: the hub has answered so; 1: it proves nothing."""
    from infra.evidence.lines import MalformedEvidenceError
    from infra.evidence.receipts import Proved, UnprovedReceiptError
    from infra.evidence.signatures import keys_in
    from schemas.errors import MisuseError

    try:
        answer = Proved.parse(file.read_bytes()).check(keys_in(key))
    except OSError as error:
        raise MisuseError(f"cannot read {file}: {error.strerror}") from None
    except MalformedEvidenceError as error:
        raise UnprovedReceiptError(f"the file is no receipt, or was changed: {error}") from None
    if as_json:
        typer.echo(json.dumps({"good": True, "event_id": answer.event_id, "outcome": answer.outcome}))
        return
    place = f"{answer.topic}-{answer.partition}@{answer.offset}, position {answer.position}"
    typer.echo(f"good: the hub has {answer.outcome.lower()} event {answer.event_id or '(without an id)'}, {place}")


@receipt_app.command("export")
def export_command(
    output: Annotated[Path, typer.Option("--output", help="The file to write, mode 0600.")],
    agency: Agency = None,
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """Export all receipts of an agency with the hub's statements, as the agency itself reads them, for `hub verify`."""
    from connectors.access import Access
    from infra.evidence.exporting import Exporter, Wanted
    from infra.progress_bar import progress_bar
    from schemas.codec import Codec

    as_whom = agency_of(agency, credentials)
    access = Access(as_whom)
    with progress_bar("reading statements") as progress:
        exporter = Exporter(credentials=as_whom, codec=Codec(access.registry()), records=False, progress=progress)
        doing = exporter.export(
            [str(as_whom.principal)], Wanted(), output, made_at_ms=time.time_ns() // 1_000_000, key=None, keys=()
        )
        counts = asyncio.run(doing)
    access.close()
    told = json.dumps({"output": str(output), **counts})
    typer.echo(told if as_json else f"{output}: {counts['statements']} statements about {counts['answers']} answers.")


async def _receipts(credentials: Credentials) -> AsyncIterator[Record]:
    """Yield every receipt on the topic of an agency, in order."""
    from aiokafka import TopicPartition

    from connectors.access import Access
    from infra.kafka import reading
    from schemas.catalogue import hub_contract
    from schemas.codec import Codec

    access = Access(credentials)
    codec, source = Codec(access.registry()), TopicPartition(f"receipts.{credentials.principal}", 0)
    try:
        async with reading(credentials, codec, [source], patience_s=5) as pages:
            async for _, records in pages:
                for record in records:
                    yield codec.decode(record.value, hub_contract("Receipt")).record
    finally:
        access.close()
