"""The desk of signing keys on the real topic: registration, rotation and revocation, and what it refuses."""

import dataclasses
import datetime as dt
import itertools
import json
import uuid
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.home import Home
from infra.settings import Settings
from infra.signing import local
from infra.signing.desk import KeyDesk, KeyRefusedError, UnknownKeyError
from infra.signing.forms import successor_form
from infra.signing.key_log import KeyLog
from infra.signing.keys import Fault, Holder, HolderKind
from infra.signing.local import register_local_keys
from infra.topology.credentials import local_signing_key
from infra.topology.model import Agency
from infra.workplace import workplace
from schemas.names import AgencyId
from tests.infra.signing.making import DAY, signer

pytestmark = pytest.mark.stack


def officer() -> Holder:
    """Return an officer of the operator whom no other test knows."""
    return Holder(HolderKind.OFFICER, f"hub-operator/{uuid.uuid4().hex[:12]}")


async def test_a_registered_key_is_known_to_every_reader_of_the_topic_until_it_is_revoked(home: Home) -> None:
    holder, made = officer(), signer()
    async with workplace(home) as place, KeyDesk(place) as desk:
        log = KeyLog(place.credentials("hub-intake"), place.codec)
        try:
            assert made.key_id not in (await log.keyring()).keys
            key = await desk.register(holder, made.public_key, "tester")
            now = await desk.now()
            ring = await log.keyring()
            assert ring.verify(made.key_id, holder, b"m", made.sign(b"m"), now) == key
            assert ring.of(holder) == (key,)
            await desk.revoke(made.key_id, now - DAY, "lost", "tester")
            ring = await log.keyring()
            assert ring.arriving(made.key_id, holder, b"m", made.sign(b"m"), now) is Fault.REVOKED
            assert ring.is_doubtful(made.key_id, now)
        finally:
            await log.stop()


async def test_the_desk_refuses_what_would_let_one_sign_as_another(home: Home) -> None:
    holder, made, next_one = officer(), signer(), signer()
    async with workplace(home) as place, KeyDesk(place) as desk:
        await desk.register(holder, made.public_key, "tester")
        now = await desk.now()
        for other in (officer(), Holder(HolderKind.AGENCY, "rs-police")):
            with pytest.raises(KeyRefusedError, match="somebody else"):
                await desk.register(other, made.public_key, "tester")
        for unknown in (
            Holder(HolderKind.AGENCY, "nobody"),
            Holder(HolderKind.OFFICER, "nobody/x"),
            Holder(HolderKind.OFFICER, "x"),
        ):
            with pytest.raises(KeyRefusedError):
                await desk.register(unknown, next_one.public_key, "tester")
        with pytest.raises(KeyRefusedError, match="of others"):
            await desk.register(holder, bytes(32), "tester")
        with pytest.raises(KeyRefusedError, match="never be valid"):
            await desk.register(holder, next_one.public_key, "tester", valid_from=now - 2 * DAY, valid_until=now - DAY)
        with pytest.raises(KeyRefusedError, match="in the past"):
            await desk.end(made.key_id, now - DAY)
        with pytest.raises(KeyRefusedError, match="lies ahead"):
            await desk.revoke(made.key_id, now + DAY, "lost", "tester")
        with pytest.raises(UnknownKeyError):
            await desk.revoke(next_one.key_id, None, "lost", "tester")
        assert next_one.key_id not in (await desk.keyring()).keys


async def test_a_predecessor_speaks_for_its_successor_alone_and_not_once_it_is_revoked(home: Home) -> None:
    holder, made, successor, third = officer(), signer(), signer(), signer()
    speech = made.sign(successor_form(holder.id, successor.public_key))
    async with workplace(home) as place, KeyDesk(place) as desk:
        await desk.register(holder, made.public_key, "tester")
        with pytest.raises(KeyRefusedError, match="signature-wrong"):
            await desk.register(holder, third.public_key, "tester", succeeds=made.key_id, vouched=speech)
        with pytest.raises(KeyRefusedError, match="key-of-another"):
            await desk.register(officer(), successor.public_key, "tester", succeeds=made.key_id, vouched=speech)
        key = await desk.register(holder, successor.public_key, "tester", succeeds=made.key_id, vouched=speech)
        assert key.succeeds == made.key_id
        await desk.revoke(made.key_id, None, "lost", "tester")
        speech = made.sign(successor_form(holder.id, third.public_key))
        with pytest.raises(KeyRefusedError, match="key-revoked"):
            await desk.register(holder, third.public_key, "tester", succeeds=made.key_id, vouched=speech)
        with pytest.raises(KeyRefusedError, match="for good"):
            await desk.register(holder, made.public_key, "tester")


async def test_every_agency_of_a_home_for_trials_has_a_key_that_others_cannot_read(home: Home) -> None:
    async with workplace(home) as place, KeyDesk(place) as desk:
        ring, now = await desk.keyring(), await desk.now()
        for agency in place.topology.agencies:
            keys = ring.of(Holder(HolderKind.AGENCY, str(agency.id)))
            assert [key for key in keys if ring.untimely(key, now) is None]
            file = place.credentials(str(agency.id)).signing_key_file
            assert file is not None
            assert file.stat().st_mode & 0o077 == 0


def test_the_commands_make_register_replace_list_and_revoke_a_key(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "current", lambda: home)
    app, runner, name, counter = build(), CliRunner(), officer().id, itertools.count()

    def hub(*arguments: str, code: int = 0) -> str:
        done = runner.invoke(app, ["key", *arguments])
        assert done.exit_code == code, done.output
        return done.stdout

    def made() -> Path:
        private = tmp_path / f"{next(counter)}.pem"
        answer = json.loads(hub("make", "--output", str(private), "--json"))
        assert private.stat().st_mode & 0o777 == 0o600
        private.with_suffix(".pub").write_text(answer["public_key"])
        return private

    first, second = made(), made()
    hub("register", "--officer", name, "--public", str(first.with_suffix(".pub")))
    speech = tmp_path / "speech"
    hub(
        "vouch",
        "--holder",
        name,
        "--key",
        str(first),
        "--public",
        str(second.with_suffix(".pub")),
        "--output",
        str(speech),
    )
    hub("rotate", "--officer", name, "--public", str(second.with_suffix(".pub")), "--vouched", str(speech))
    keys = [key for key in json.loads(hub("list", "--json"))["keys"] if key["holder"] == name]
    assert [key["state"] for key in keys] == ["in use", "in use"]
    assert keys[1]["succeeds"] == keys[0]["key_id"]
    ends = [dt.datetime.fromisoformat(key["valid_until"]) for key in keys]
    assert ends[0] + dt.timedelta(days=300) < ends[1]
    hub("revoke", keys[0]["key_id"], "--since", "2026-01-01", "--reason", "The machine was stolen.")
    keys = [key for key in json.loads(hub("list", "--json"))["keys"] if key["holder"] == name]
    assert [key["state"] for key in keys] == ["revoked", "in doubt: a key that was in doubt signed for it"]


async def test_a_home_that_makes_no_keys_of_its_own_registers_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    newcomer = Agency(id=AgencyId("bg-newcomer"), name="x", kind="police", country="BGR")
    async with workplace(home) as place:
        topology = dataclasses.replace(place.topology, agencies=(*place.topology.agencies, newcomer))
        now = await place.clock.now()
        monkeypatch.setattr(local, "settings", lambda: Settings(trial_keys=False))
        assert await register_local_keys(home, place.codec, topology, now) == ()
    assert not local_signing_key(home, "bg-newcomer").exists()


async def test_keys_of_a_home_for_trials_are_registered_once(home: Home) -> None:
    async with workplace(home) as place:
        now = await place.clock.now()
        assert await register_local_keys(home, place.codec, place.topology, now) == ()
