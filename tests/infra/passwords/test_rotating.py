"""New passwords: the old one refused, its holders taken along, a kill repaired. On a stack of this module's own."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from infra.database import migrate
from infra.home import Home
from infra.passwords import rotating
from infra.passwords.changing import signs_in
from infra.passwords.drafts import Credential, UnknownCredentialError, adopt, draft_of, everybody, pending
from infra.passwords.rotating import finish_interrupted, rotate, take_over
from infra.settings import Settings
from infra.stack import supervisor
from infra.topology.apply import no_progress
from infra.topology.broker import Broker
from infra.topology.model import load_topology

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("own-stack-passwords")]
TOPOLOGY = load_topology()
PARTNER = Credential(server="broker", name="europol")
PART_OF_HUB = Credential(server="broker", name="hub-release")
ADMINISTRATOR = Credential(server="broker", name="hub-admin")
ROLE = Credential(server="database", name="hub_streams")
OWNER = Credential(server="database", name="hub_admin")
REGISTRY = Credential(server="registry", name="hub")
KINDS = [PARTNER, ADMINISTRATOR, ROLE, OWNER]


class KilledError(Exception):
    """Stands for the end of the process."""


def quiet(_part: str, _doing: str) -> None:
    pass


@pytest.fixture(scope="module")
def own() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="hub-test-passwords-"))
    folder.chmod(0o711)
    home = Home(folder / "home")
    home.make()
    try:
        supervisor.start(home, Settings(), quiet, lambda made, _tell: prepared(made))
        yield home
    finally:
        supervisor.remove(home, Settings(), quiet)
        shutil.rmtree(folder, ignore_errors=True)


def prepared(home: Home) -> None:
    migrate(home)
    Broker(home).set_passwords({each.name: home.password(each.name) for each in (PARTNER, PART_OF_HUB)})


def lets_in(home: Home, credential: Credential, password: str) -> bool:
    if credential.server == "broker":
        return signs_in(home, credential.name, password)
    if credential.server == "database":
        try:
            psycopg.connect(home.dsn(credential.name), password=password).close()
        except psycopg.OperationalError:
            return False
        return True
    url = home.endpoints().registry_url + "/apis/ccompat/v7/subjects"
    return httpx.get(url, auth=(credential.name, password), verify=home.ssl_context(), timeout=10).is_success


@pytest.mark.parametrize("credential", KINDS, ids=str)
def test_the_old_password_is_refused_and_the_new_one_holds(own: Home, credential: Credential) -> None:
    old = own.password(credential.secret)
    assert lets_in(own, credential, old)
    rotate(own, [credential], no_progress)
    new = own.password(credential.secret)
    assert new != old
    assert lets_in(own, credential, new)
    assert not lets_in(own, credential, old)
    assert not pending(own)


@pytest.mark.parametrize("credential", KINDS, ids=str)
def test_killed_before_the_server_has_the_new_one_the_old_one_holds(own: Home, credential: Credential) -> None:
    old = own.password(credential.secret)
    draft = draft_of(own, credential)
    assert lets_in(own, credential, old)
    assert finish_interrupted(own) == (credential,)
    assert own.password(credential.secret) == draft
    assert lets_in(own, credential, draft)


@pytest.mark.parametrize("credential", KINDS, ids=str)
@pytest.mark.parametrize("repair", ["the same command", "hub up"])
def test_killed_after_the_server_has_the_new_one_it_is_found_again(
    own: Home, credential: Credential, repair: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_home: Home, _credential: Credential) -> None:
        raise KilledError

    monkeypatch.setattr(rotating, "adopt", killed)
    with pytest.raises(KilledError):
        rotate(own, [credential], no_progress)
    monkeypatch.setattr(rotating, "adopt", adopt)
    (given,) = (each for each in own.passwords(credential.secret) if lets_in(own, credential, each))
    assert given == draft_of(own, credential)
    if repair == "hub up":
        assert finish_interrupted(own) == (credential,)
    else:
        assert rotate(own, [credential], no_progress) == (credential,)
    assert not pending(own)
    assert own.password(credential.secret) == given
    assert lets_in(own, credential, given)


def test_sessions_of_a_role_end_with_its_old_password(own: Home) -> None:
    with psycopg.connect(own.dsn(ROLE.name), autocommit=True) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        rotate(own, [ROLE], no_progress)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_every_change_is_on_record_with_who_and_when_and_no_password(own: Home) -> None:
    rotate(own, [PARTNER, ROLE], no_progress)
    with psycopg.connect(own.dsn("hub_admin")) as connection:
        rows = connection.execute(
            "SELECT credential, server, by_whom <> '', completed_at >= begun_at FROM hub.credential_rotation "
            "ORDER BY number DESC LIMIT 2"
        ).fetchall()
        whole = str(connection.execute("SELECT * FROM hub.credential_rotation").fetchall())
    assert sorted(rows) == [("europol", "broker", True, True), ("hub_streams", "database", True, True)]
    assert own.password(PARTNER.secret) not in whole


@pytest.mark.parametrize("role", ["hub_vault", "hub_streams", "hub_projections", "hub_access", "hub_reader"])
def test_no_role_of_a_process_may_change_the_record(own: Home, role: str) -> None:
    for statement in ("SELECT 1 FROM", "DELETE FROM", "UPDATE"):
        query = f"{statement} hub.credential_rotation" + (" SET by_whom = ''" if statement == "UPDATE" else "")
        with psycopg.connect(own.dsn(role)) as connection:
            connection.execute("SET LOCAL transaction_read_only = off")  # the right is what is asked for
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)


def test_the_hubs_own_servers_take_the_new_passwords_over(own: Home) -> None:
    old = own.password(REGISTRY.secret)
    own_parts = (REGISTRY, Credential(server="database", name="registry"), ADMINISTRATOR, PART_OF_HUB)
    changed = rotate(own, own_parts, no_progress)
    take_over(own, TOPOLOGY, changed, quiet)
    assert {part.state for part in supervisor.status(own, Settings())} == {"up"}
    assert lets_in(own, REGISTRY, own.password(REGISTRY.secret))
    assert not lets_in(own, REGISTRY, old)
    assert own.password(ADMINISTRATOR.secret) in (own.kafka_dir / "server.properties").read_text()


def test_a_name_that_nobody_has_is_refused_with_advice() -> None:
    with pytest.raises(UnknownCredentialError, match="hub topology matrix"):
        Credential.named("atlantis", TOPOLOGY)


def test_everybody_is_named_once_and_found_again_by_the_name_of_the_secret() -> None:
    found = everybody(TOPOLOGY)
    assert len(set(found)) == len(found)
    assert {each.name for each in found if each.server == "broker"} == set(TOPOLOGY.principals())
    assert [Credential.of_secret(each.secret) for each in found] == list(found)
