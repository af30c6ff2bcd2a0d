"""Time-stamps: what a real authority says is taken, and nothing that is about something else or from somebody else."""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.evidence.export_file import answer_line, range_of, stamp_line, statement_line
from infra.evidence.merkle import Tree, leaf_of
from infra.evidence.stamps import (
    Authority,
    AuthorityError,
    WrongStampError,
    authority_of,
    roots_in,
    stamp,
    stamped_at,
    unstamped_max,
)
from infra.evidence.verifying import verify
from infra.settings import Settings, WrongSettingError
from tests.evidence import KEYS, invented_batches, key, proved_of, sealed_export
from tests.infra.evidence.authority import LocalAuthority, local_authority


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[LocalAuthority]:
    with local_authority(tmp_path / "authority") as found:
        yield found


def trusted(authority: LocalAuthority) -> Authority:
    return Authority(authority.url, roots_in(authority.ca_file))


async def test_one_stamp_covers_the_statements_of_several_sources(authority: LocalAuthority) -> None:
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(5)]
    tree = Tree([leaf_of(each) for each in digests])
    token, at = await stamp(trusted(authority), tree.root)
    roots = roots_in(authority.ca_file)
    for index, digest in enumerate(digests):
        assert stamped_at(token, digest, index, tree.size, tree.proof(index), roots) == at
    with pytest.raises(WrongStampError):
        stamped_at(token, digests[0], 1, tree.size, tree.proof(1), roots)
    with pytest.raises(WrongStampError):
        stamped_at(token, digests[0], 0, tree.size, (), roots)
    assert authority.asked == 1


async def test_a_stamp_of_another_authority_is_not_taken(authority: LocalAuthority, tmp_path: Path) -> None:
    with local_authority(tmp_path / "other") as other:
        stranger = Authority(authority.url, roots_in(other.ca_file))
        with pytest.raises(AuthorityError):
            await stamp(stranger, bytes(32))


@pytest.mark.parametrize("garbled", [b"", b"no stamp", b"\x30\x03\x02\x01\x02"])
async def test_an_answer_that_is_no_stamp_is_an_outage(authority: LocalAuthority, garbled: bytes) -> None:
    authority.garbled = garbled
    with pytest.raises(AuthorityError):
        await stamp(trusted(authority), bytes(32))


async def test_an_old_stamp_sent_again_is_no_answer(authority: LocalAuthority) -> None:
    token, _ = await stamp(trusted(authority), bytes(32))
    authority.garbled = token
    with pytest.raises(AuthorityError, match="not good"):
        await stamp(trusted(authority), bytes(32))


async def test_an_authority_that_is_away_is_an_outage(authority: LocalAuthority) -> None:
    authority.answers = False
    with pytest.raises(AuthorityError):
        await stamp(trusted(authority), bytes(32))


async def test_the_verifier_checks_stamps_offline(authority: LocalAuthority, tmp_path: Path) -> None:
    ((made, answers),) = invented_batches(3)
    digest = hashlib.sha256(made.statement.text()).digest()
    token, _ = await stamp(trusted(authority), Tree([leaf_of(digest)]).root)
    foreign, _ = await stamp(trusted(authority), bytes(32))
    text = made.statement.text()
    lines = [statement_line(text, key().sign(text))]
    lines += [answer_line(each.text(), proved_of(made, each).proof, record) for each, record in answers]
    sources = [range_of(made.statement, made.statement)]
    good = sealed_export([*lines, stamp_line(0, 0, 1, (), token)], sources)
    found = verify(io.BytesIO(good), KEYS, roots_in(authority.ca_file))
    assert (found.is_good, found.stamps, found.notes) == (True, 1, [])
    assert "time-stamps were not checked" in verify(io.BytesIO(good), KEYS).notes[0]
    with local_authority(tmp_path / "other") as other:
        others = verify(io.BytesIO(good), KEYS, roots_in(other.ca_file))
    assert [each.rule for each in others.problems] == ["stamp-wrong"]
    for wrong in (stamp_line(0, 0, 1, (), foreign), stamp_line(1, 0, 1, (), token), stamp_line(0, 0, 1, (), b"x")):
        bad = verify(io.BytesIO(sealed_export([*lines, wrong], sources)), KEYS, roots_in(authority.ca_file))
        assert [each.rule for each in bad.problems] == ["stamp-wrong"]


def test_an_authority_that_nobody_vouches_for_is_a_wrong_setting(tmp_path: Path) -> None:
    assert authority_of(Settings()) is None
    assert unstamped_max(Settings()) is None
    with pytest.raises(WrongSettingError, match="HUB_TIMESTAMP_CA_FILE"):
        authority_of(Settings(timestamp_url="http://127.0.0.1:1/"))
    with pytest.raises(WrongSettingError):
        roots_in(tmp_path / "none.pem")
