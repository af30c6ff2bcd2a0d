"""What is kept in memory: it saves the database and the KEK work, for five minutes, and not beyond an erasure."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest

from infra.home import Home
from infra.vault.holders import LEDGER, holder_of_subject
from infra.vault.kek import Wrapped
from infra.vault.key_cache import CACHE_ENTRIES, CACHE_S, KeyCache
from infra.vault.vault import Vault
from schemas.names import KeyId, PartnerId
from schemas.sealing import DataKey
from tests.infra.vault.test_vault import fresh, vault_of
from tests.running import rows

stack = pytest.mark.stack
EUROPOL = PartnerId("europol")
KEY = DataKey(KeyId("k"), "s", b"secret")


class Counted:
    """Counts what a vault asks its KEK."""

    def __init__(self, vault: Vault) -> None:
        kek = vault.rotation._kek  # noqa: SLF001 - beneath everything
        self.wrapped = self.unwrapped = 0
        wrap, unwrap = kek.wrap, kek.unwrap

        async def counted_wrap(keys: Sequence[tuple[bytes, str]]) -> list[Wrapped]:
            self.wrapped += len(keys)
            return await wrap(keys)

        async def counted_unwrap(wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
            self.unwrapped += len(wrapped)
            return await unwrap(wrapped)

        kek.wrap, kek.unwrap = counted_wrap, counted_unwrap  # type: ignore[method-assign]  # instance, not class


@stack
async def test_keys_that_there_are_are_neither_made_nor_unwrapped_again(home: Home) -> None:
    async with vault_of(home) as vault:
        subjects = list((await vault.subjects(fresh(5))).values())
        holders = {holder_of_subject(each): str(each) for each in subjects}
        made = await vault.keys(holders)
        counted = Counted(vault)
        assert await vault.keys(holders) == made
        assert await vault.open([key.kid for key in made.values()]) == {k.kid: k.secret for k in made.values()}
        assert (counted.wrapped, counted.unwrapped) == (0, 0)
        (more,) = (await vault.subjects(fresh())).values()
        counted.wrapped = 0
        await vault.keys(holders | {holder_of_subject(more): "m"})
        assert (counted.wrapped, counted.unwrapped) == (1, 0)
    async with vault_of(home) as other:
        counted = Counted(other)
        assert await other.keys(holders) == made
        assert (counted.wrapped, counted.unwrapped) == (0, 5)


@stack
@pytest.mark.parametrize("recipient", [LEDGER, EUROPOL], ids=["ledger", "partner"])
async def test_once_an_erasure_has_committed_no_other_process_uses_what_it_kept(
    home: Home, recipient: PartnerId
) -> None:
    async with vault_of(home) as erasing, vault_of(home) as other:
        one, two = (await other.subjects(fresh(2))).values()
        holders = {holder_of_subject(each): f"of {each}" for each in (one, two)}
        kept = await other.keys(holders, recipient)
        both = [kept[holder_of_subject(each)].kid for each in (one, two)]
        assert None not in (await other.open(both, recipient)).values()
        assert len(await other.pseudonyms(EUROPOL, 2026, [one, two])) == 2
        await erasing.destroy([one])
        assert (await other.keys(holders, recipient)).keys() == {holder_of_subject(two)}
        found = await other.open(both, recipient)
        assert [found[kid] is None for kid in both] == [True, False]
        assert (await other.pseudonyms(EUROPOL, 2026, [one, two])).keys() == {two}


@stack
async def test_no_key_is_made_for_an_erased_person_for_any_recipient(home: Home) -> None:
    async with vault_of(home) as vault:
        (subject,) = (await vault.subjects(fresh())).values()
        await vault.destroy([subject])
        for recipient in (LEDGER, EUROPOL):
            assert await vault.keys({holder_of_subject(subject): "s"}, recipient) == {}
    assert rows(home, "SELECT count(*) FROM vault.data_key WHERE holder = %s", holder_of_subject(subject)) == [(0,)]


@stack
async def test_erasures_beside_the_making_of_keys_leave_no_key(home: Home) -> None:
    async with vault_of(home) as making, vault_of(home) as erasing:
        subjects = list((await making.subjects(fresh(30))).values())
        partners = [PartnerId(f"partner-{number}") for number in range(4)]
        await asyncio.gather(
            *(making.keys({holder_of_subject(each): "s" for each in subjects}, partner) for partner in partners),
            *(erasing.destroy([subject]) for subject in subjects),
        )
    holders = [holder_of_subject(each) for each in subjects]
    query = "SELECT count(*) FROM vault.data_key WHERE holder = ANY(%s) AND wrapped IS NOT NULL"
    assert rows(home, query, holders) == [(0,)]


def test_a_key_is_kept_five_minutes_and_no_longer() -> None:
    now = itertools.chain([0.0, CACHE_S - 1, CACHE_S])
    cache = KeyCache(lambda: next(now))
    cache.is_of(1)
    cache.keep(1, LEDGER, "h", KEY)
    assert cache.of_holder(LEDGER, "h") is KEY
    assert cache.of_kid(LEDGER, KEY.kid) is None


def test_under_another_generation_nothing_is_left_and_nothing_older_enters() -> None:
    cache = KeyCache(lambda: 0.0)
    assert not cache.is_of(1)
    cache.keep(1, LEDGER, "h", KEY)
    assert cache.is_of(1)
    assert not cache.is_of(2)
    assert cache.of_holder(LEDGER, "h") is None
    assert cache.of_kid(LEDGER, KEY.kid) is None
    cache.keep(1, LEDGER, "h", KEY)
    assert cache.of_holder(LEDGER, "h") is None


def test_a_key_that_is_kept_for_one_recipient_is_not_anothers() -> None:
    cache = KeyCache(lambda: 0.0)
    cache.is_of(1)
    cache.keep(1, EUROPOL, "h", KEY)
    assert cache.of_kid(LEDGER, KEY.kid) is None
    assert cache.of_holder(LEDGER, "h") is None


def test_the_memory_of_the_cache_is_bounded() -> None:
    cache = KeyCache(lambda: 0.0)
    cache.is_of(1)
    for number in range(CACHE_ENTRIES + 10):
        cache.keep(1, LEDGER, f"h{number}", DataKey(KeyId(str(number)), "s", b""))
    kept = sum(cache.of_kid(LEDGER, KeyId(str(n))) is not None for n in range(CACHE_ENTRIES + 10))
    assert 0 < kept <= CACHE_ENTRIES
