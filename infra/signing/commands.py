"""The commands `hub key make | vouch | register | rotate | revoke | list`."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.operator import REASON_CHARS_MAX, operator_name, reason_given
from schemas.errors import MisuseError

if TYPE_CHECKING:
    from infra.signing.desk import KeyDesk
    from infra.signing.keys import Holder, Keyring, SigningKey

Found = TypeVar("Found")
OVERLAP_DAYS = 30
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
AgencyId = Annotated[str | None, typer.Option("--agency", help="Whose key it is: an agency.")]
OfficerId = Annotated[str | None, typer.Option("--officer", help="Or an officer, as ORGANISATION/OFFICER.")]
PartId = Annotated[str | None, typer.Option("--hub", help="Or a part of the hub itself.")]
AuthorityId = Annotated[str | None, typer.Option("--authority", help="Or an authority that gives time-stamps.")]
PublicFile = Annotated[Path, typer.Option("--public", help="File of the public key (PEM).")]
From = Annotated[str | None, typer.Option(help="ISO 8601, UTC when it names no zone; now when left out.")]
Until = Annotated[str | None, typer.Option(help="The same; a year later when left out.")]
KeyIdArgument = Annotated[str, typer.Argument(metavar="KEY_ID", help="As `hub key list` has it.")]

key_app = typer.Typer(
    help="Signing keys of agencies and officers: make, register, replace, revoke them.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(key_app, name="key")


@key_app.command("make")
def make(
    output: Annotated[Path, typer.Option(help="New file for the private key, readable by its owner alone.")],
    as_json: AsJson = False,
) -> None:
    """Make a key pair on this machine: the private half goes into a file, the public half is printed.

    Send the public half to the operator of the hub, and tell its key id by telephone. The private half stays.
    """
    from infra.signing.files import public_pem, write_private
    from infra.signing.keys import key_id_of

    public = write_private(output).public_key()
    key_id = key_id_of(public.public_bytes_raw())
    if as_json:
        typer.echo(json.dumps({"key_id": key_id, "public_key": public_pem(public), "private_key_file": str(output)}))
        return
    typer.echo(f"wrote {output} (readable by its owner alone); key id {key_id}", err=True)
    typer.echo(public_pem(public), nl=False)


@key_app.command("vouch")
def vouch(
    holder: Annotated[str, typer.Option(help="Whose keys they are: the id of the agency or officer.")],
    key: Annotated[Path, typer.Option(help="File of the private key in use.")],
    public: Annotated[Path, typer.Option(help="File of the public key that is to follow it.")],
    output: Annotated[Path, typer.Option(help="File for the signature, 64 bytes.")],
) -> None:
    """Sign, with the key in use, for the key that is to follow it; `hub key rotate --vouched` takes the signature."""
    from infra.signing.files import read_public
    from infra.signing.forms import successor_form
    from infra.signing.signer import Signer

    output.write_bytes(Signer.of(key).sign(successor_form(holder, read_public(public))))
    typer.echo(f"wrote {output}", err=True)


@key_app.command("register")
def register_command(
    public: PublicFile,
    agency: AgencyId = None,
    officer: OfficerId = None,
    hub: PartId = None,
    authority: AuthorityId = None,
    valid_from: From = None,
    valid_until: Until = None,
    as_json: AsJson = False,
) -> None:
    """Register the public key of an agency or officer: from then on its holder is known by it.

    Events of an agency that has a key are refused unless they are signed. Make sure first that the key is the
    holder's: let the key id be read to you by somebody whom you know there.
    """
    from infra.signing.files import read_public

    holder = _holder(agency=agency, officer=officer, hub=hub, authority=authority)
    public_key, begins, ends = read_public(public), _moment(valid_from), _moment(valid_until)
    key = _with_desk(
        lambda desk: desk.register(holder, public_key, operator_name(), valid_from=begins, valid_until=ends)
    )
    _show_key(key, as_json=as_json)


@key_app.command("rotate")
def rotate(
    public: PublicFile,
    agency: AgencyId = None,
    officer: OfficerId = None,
    vouched: Annotated[
        Path | None, typer.Option(help="Signature of the key in use for the new one, from `hub key vouch`.")
    ] = None,
    succeeds: Annotated[str | None, typer.Option(help="Key id of the key in use, if there are several.")] = None,
    overlap_days: Annotated[int, typer.Option(min=0, help="So long both are good.")] = OVERLAP_DAYS,
    as_json: AsJson = False,
) -> None:
    """Register the key that follows the one in use, which ends after some days in which both are good.

    With --vouched the key in use speaks for the new one; without, you do, and the record says so.
    """
    from infra.signing.files import read_public

    holder, public_key = _holder(agency=agency, officer=officer), read_public(public)
    signature = None if vouched is None else vouched.read_bytes()

    async def act(desk: "KeyDesk") -> "SigningKey":
        now = await desk.now()
        in_use = _in_use(await desk.keyring(), holder, succeeds, now)
        made = await desk.register(
            holder,
            public_key,
            operator_name(),
            succeeds=None if signature is None else in_use.key_id,
            vouched=signature,
        )
        await desk.end(in_use.key_id, now + dt.timedelta(days=overlap_days))
        return made

    _show_key(_with_desk(act), as_json=as_json)


@key_app.command("revoke")
def revoke(
    key_id: KeyIdArgument,
    reason: Annotated[str, typer.Option(help=f"In a sentence, without names; {REASON_CHARS_MAX} characters.")],
    since: Annotated[
        str | None, typer.Option(help="What it signed since then is in doubt (ISO 8601); none of it when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Revoke a key, now and for good: nothing more is taken under it.

    With --since in the past, what it signed since then is in doubt: `hub key doubtful` lists it.
    """
    why = reason_given(reason)
    moment = _moment(since)
    told = _with_desk(lambda desk: desk.revoke(key_id, moment, why, operator_name()))
    if as_json:
        typer.echo(json.dumps({"key_id": key_id, "revoked_at": told.revoked_at, "since": moment}, default=str))
        return
    typer.echo(f"Revoked at {told.revoked_at:%Y-%m-%d %H:%M:%S} UTC.")
    if moment is not None:
        typer.echo(f"What it signed since {moment:%Y-%m-%d %H:%M} UTC is in doubt: `hub key doubtful {key_id}`")


@key_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show every key, whose it is, and whether it may sign now."""
    from rich.console import Console
    from rich.table import Table

    async def act(desk: "KeyDesk") -> tuple["Keyring", dt.datetime]:
        return await desk.keyring(), await desk.now()

    ring, now = _with_desk(act)
    if as_json:
        typer.echo(json.dumps({"keys": [_object(ring, key, now) for key in ring.keys.values()]}, default=str))
        return
    table = Table("holder", "kind", "state", "from", "until", "vouched by", "key id", box=None)
    for key in sorted(ring.keys.values(), key=lambda key: (key.holder, key.registered_at)):
        days = (f"{key.valid_from:%Y-%m-%d}", f"{key.valid_until:%Y-%m-%d}")
        by = "its predecessor" if key.succeeds else key.registered_by
        table.add_row(key.holder.id, key.holder.kind.lower(), ring.state(key, now), *days, by, key.key_id)
    Console(width=None if Console().is_terminal else 200).print(table if ring.keys else "No key is registered.")


def _object(ring: "Keyring", key: "SigningKey", now: dt.datetime) -> dict[str, object]:
    revocation = ring.revocations.get(key.key_id)
    return {
        "key_id": key.key_id,
        "holder_kind": key.holder.kind,
        "holder": key.holder.id,
        "state": ring.state(key, now),
        "valid_from": key.valid_from,
        "valid_until": key.valid_until,
        "registered_at": key.registered_at,
        "registered_by": key.registered_by,
        "succeeds": key.succeeds,
        "revoked_at": None if revocation is None else revocation.revoked_at,
        "doubtful_since": None if revocation is None else revocation.doubtful_since,
    }


def _show_key(key: "SigningKey", *, as_json: bool) -> None:
    if as_json:
        told = {"key_id": key.key_id, "valid_from": key.valid_from, "valid_until": key.valid_until}
        typer.echo(json.dumps(told | {"holder": key.holder.id, "succeeds": key.succeeds}, default=str))
        return
    typer.echo(f"Registered for {key.holder.id}, {key.valid_from:%Y-%m-%d} to {key.valid_until:%Y-%m-%d}:")
    typer.echo(f"  key id {key.key_id}")


def _in_use(ring: "Keyring", holder: "Holder", key_id: str | None, now: dt.datetime) -> "SigningKey":
    """Return the key of *holder* that signs now, the one of *key_id* if it is given."""
    found = [key for key in ring.of(holder) if ring.untimely(key, now) is None and key_id in (None, key.key_id)]
    if len(found) != 1:
        raise MisuseError(
            f"{holder.id} has {len(found)} such keys in use: name one with --succeeds, "
            "or register its first with `hub key register`"
        )
    return found[0]


def _holder(
    *, agency: str | None = None, officer: str | None = None, hub: str | None = None, authority: str | None = None
) -> "Holder":
    from infra.signing.keys import Holder, HolderKind

    given = {
        HolderKind.AGENCY: agency,
        HolderKind.OFFICER: officer,
        HolderKind.HUB: hub,
        HolderKind.AUTHORITY: authority,
    }
    named = [Holder(kind, name) for kind, name in given.items() if name is not None]
    if len(named) != 1:
        raise MisuseError("say whose key it is: one of `--agency ID` and `--officer ORGANISATION/OFFICER`")
    return named[0]


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise MisuseError("give a time as ISO 8601 has it, such as 2026-01-31T08:00:00Z") from None
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def _with_desk(action: "Callable[[KeyDesk], Awaitable[Found]]") -> Found:
    import asyncio

    from infra.home import Home
    from infra.signing.desk import KeyDesk
    from infra.workplace import workplace

    async def run() -> Found:
        async with workplace(Home.current()) as place, KeyDesk(place) as desk:
            return await action(desk)

    return asyncio.run(run())
