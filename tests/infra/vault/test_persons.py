"""Persons on the real database: one under several ids, protected under all of them, and gone under all of them."""

import uuid

import pytest

from infra.home import Home
from infra.vault.holders import LEDGER, holder_of_subject
from infra.vault.persons import UnknownSubjectError
from infra.vault.references import RestrictedSubjectError
from schemas.errors import ErasedError
from schemas.names import PartnerId, SubjectId
from tests.infra.vault.test_vault import fresh, vault_of
from tests.running import rows

pytestmark = pytest.mark.stack
EUROPOL, SELEC = PartnerId("europol"), PartnerId("selec")


async def test_a_merge_makes_the_younger_an_alias_of_the_older_whichever_way_it_is_said(home: Home) -> None:
    references = [fresh()[0] for _ in range(3)]
    async with vault_of(home) as vault:
        one, two, three = [(await vault.subjects([each]))[each] for each in references]
        assert await vault.same_person(three, two) == two
        assert await vault.same_person(two, one) == one
        assert await vault.same_person(three, one) == one
        assert set((await vault.subjects(references)).values()) == {one}
        assert await vault.aliases(two) == await vault.aliases(one) == {one, two, three}
        assert await vault.known(references[2]) == one
    assert rows(home, "SELECT count(*) FROM vault.subject WHERE same_as = %s", one) == [(2,)]


async def test_a_merged_person_has_one_pseudonym_and_the_keys_of_before(home: Home) -> None:
    references = fresh(2)
    async with vault_of(home) as vault:
        one, two = (await vault.subjects(references)).values()
        keys = await vault.keys({holder_of_subject(two): str(two)})
        before = await vault.pseudonyms(EUROPOL, 2026, [one, two])
        older = await vault.same_person(one, two)
        after = await vault.pseudonyms(EUROPOL, 2026, [one, two])
        assert set(after.values()) == {before[older]}
        assert await vault.keys({holder_of_subject(two): str(two)}) == keys


@pytest.mark.parametrize("first", [True, False], ids=["before the merge", "after it"])
@pytest.mark.parametrize("who", [0, 1])
async def test_a_restricted_note_for_one_id_protects_the_person_under_all(home: Home, who: int, first: bool) -> None:
    references = fresh(2)
    async with vault_of(home) as vault:
        both = list((await vault.subjects(references)).values())
        if first:
            await vault.restrict([both[who]])
        await vault.same_person(*both)
        if not first:
            await vault.restrict([both[who]])
        assert await vault.restricted(both) == set(both)
        for reference in references:
            with pytest.raises(RestrictedSubjectError):
                await vault.known(reference)


async def test_to_ask_whether_somebody_is_known_makes_nobody(home: Home) -> None:
    (reference,) = fresh()
    async with vault_of(home) as vault:
        assert await vault.known(reference) is None
        assert await vault.known(reference) is None
        subject = (await vault.subjects([reference]))[reference]
        assert await vault.known(reference) == subject


async def test_erasure_destroys_the_keys_of_all_aliases_for_everybody_and_says_the_same_when_repeated(
    home: Home,
) -> None:
    references = fresh(3)
    async with vault_of(home) as vault:
        one, two, other = (await vault.subjects(references)).values()
        kids = {}
        for recipient in (LEDGER, EUROPOL, SELEC):
            for subject in (one, two, other):
                if (recipient, subject) != (SELEC, one):
                    made = await vault.keys({holder_of_subject(subject): f"{subject} there"}, recipient)
                    kids[recipient, subject] = made[holder_of_subject(subject)].kid
        await vault.same_person(one, two)
        known = await vault.recipients([one])
        destroyed = await vault.destroy([two])
        again = await vault.destroy([one])
    assert (destroyed.subjects, destroyed.count, again.count) == ({one, two}, 7, 0)
    assert (again.subjects, again.kids) == (destroyed.subjects, destroyed.kids)
    assert {r: set(k) for r, k in destroyed.kids.items()} == {
        r: {kids[key] for key in kids if key[0] == r and key[1] != other} for r in (LEDGER, EUROPOL, SELEC)
    }
    assert known == {EUROPOL: tuple(sorted((f"{one} there", f"{two} there"))), SELEC: (f"{two} there",)}
    async with vault_of(home) as vault:
        assert await vault.recipients([two]) == known
        for (recipient, subject), kid in kids.items():
            assert ((await vault.open([kid], recipient))[kid] is None) is (subject != other)
        assert (await vault.pseudonyms(EUROPOL, 2026, [one, two, other])).keys() == {other}
        assert await vault.erased([one, two, other]) == {one, two}


async def test_nobody_is_the_same_as_an_erased_or_an_unknown_person(home: Home) -> None:
    async with vault_of(home) as vault:
        one, two = (await vault.subjects(fresh(2))).values()
        await vault.destroy([two])
        with pytest.raises(ErasedError):
            await vault.same_person(one, two)
        with pytest.raises(UnknownSubjectError):
            await vault.same_person(one, SubjectId(str(uuid.uuid4())))
        assert await vault.aliases(one) == {one}
