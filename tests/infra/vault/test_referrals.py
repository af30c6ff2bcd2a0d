"""Referrals on the real database: the addressee's answer makes both count one person, and nothing else does."""

import asyncio
import itertools
import uuid

import pytest

from infra.home import Home
from infra.vault.holders import Reference
from infra.vault.referrals import ReferralSide
from infra.vault.vault import Vault
from schemas.names import AgencyId, SubjectId
from tests.infra.vault.test_vault import vault_of
from tests.running import rows

pytestmark = pytest.mark.stack
A, B, C = AgencyId("rs-police"), AgencyId("rs-counselling"), AgencyId("bg-police")


def reference(agency: AgencyId) -> Reference:
    return agency, f"P-canary-{uuid.uuid4().hex}"


def offer(referral: str, to: AgencyId, by: Reference) -> ReferralSide:
    return ReferralSide(referral_id=referral, speaker=by[0], other=to, reference=by, is_offer=True)


def answer(referral: str, to: AgencyId, by: Reference) -> ReferralSide:
    return ReferralSide(referral_id=referral, speaker=by[0], other=to, reference=by, is_offer=False)


async def said(vault: Vault, side: ReferralSide) -> SubjectId:
    return (await vault.subjects([side.reference], [side]))[side.reference]


async def meant(vault: Vault, *references: Reference) -> list[SubjectId]:
    found = await vault.subjects(references)
    return [found[each] for each in references]


async def test_a_new_reference_in_an_answer_means_the_person_who_was_offered_from_the_start(home: Home) -> None:
    referral, a, b = str(uuid.uuid4()), reference(A), reference(B)
    async with vault_of(home) as vault:
        offered = await said(vault, offer(referral, B, a))
        assert await said(vault, answer(referral.upper(), A, b)) == offered
        assert await vault.aliases(offered) == {offered}  # no second id was made for it


@pytest.mark.parametrize("order", list(itertools.permutations(["known", "offer", "answer"])), ids=str)
async def test_in_whichever_order_both_count_one_person_in_the_end(home: Home, order: tuple[str, ...]) -> None:
    referral, a, b = str(uuid.uuid4()), reference(A), reference(B)
    async with vault_of(home) as vault:
        for each in order:
            if each == "known":
                await meant(vault, b)
            else:
                await said(vault, offer(referral, B, a) if each == "offer" else answer(referral, A, b))
        one, other = await meant(vault, a, b)
        assert one == other
        again = [await said(vault, offer(referral, B, a)), await said(vault, answer(referral, A, b))]
        assert again == [one, one]
        assert len(await vault.aliases(one)) == (2 if order[0] != "offer" or order[1] == "known" else 1)


@pytest.mark.parametrize("late", [True, False], ids=["answer first", "offer first"])
@pytest.mark.parametrize("wrong", ["of a third party", "to a third party", "to another referral", "own offer"])
async def test_an_answer_that_does_not_belong_binds_nobody(home: Home, wrong: str, late: bool) -> None:
    referral, a = str(uuid.uuid4()), reference(A)
    other = reference(C if wrong == "of a third party" else A if wrong == "own offer" else B)
    sides = [
        offer(referral, B, a),
        answer(
            str(uuid.uuid4()) if wrong == "to another referral" else referral,
            C if wrong == "to a third party" else A,
            other,
        ),
    ]
    async with vault_of(home) as vault:
        for side in reversed(sides) if late else sides:
            await said(vault, side)
        one, two = await meant(vault, a, other)
        assert one != two
        assert await vault.aliases(one) == {one}


async def test_a_third_party_that_offers_under_the_same_referral_does_not_get_between(home: Home) -> None:
    referral, a, b, c = str(uuid.uuid4()), reference(A), reference(B), reference(C)
    async with vault_of(home) as vault:
        await said(vault, offer(referral, B, c))
        offered = await said(vault, offer(referral, B, a))
        assert await said(vault, answer(referral, A, b)) == offered
        assert await meant(vault, c) != [offered]


@pytest.mark.parametrize("why", ["restricted", "erased"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "new"])
async def test_who_is_protected_or_erased_is_not_carried_on(home: Home, why: str, known: bool) -> None:
    referral, a, b = str(uuid.uuid4()), reference(A), reference(B)
    async with vault_of(home) as vault:
        offered = await said(vault, offer(referral, B, a))
        if known:
            await meant(vault, b)
        await (vault.restrict([offered]) if why == "restricted" else vault.destroy([offered]))
        answered = await said(vault, answer(referral, A, b))
        assert answered != offered
        assert await vault.aliases(offered) == {offered}
        assert not await vault.restricted([answered])


async def test_of_two_offers_under_one_referral_the_first_counts(home: Home) -> None:
    referral, one, two, b = str(uuid.uuid4()), reference(A), reference(A), reference(B)
    async with vault_of(home) as vault:
        sides = [offer(referral, B, one), offer(referral, B, two)]
        found = await vault.subjects([one, two], sides)
        assert await said(vault, answer(referral, A, b)) == found[one]
        assert found[one] != found[two]


async def test_offers_and_answers_at_the_same_moment_always_meet(home: Home) -> None:
    pairs = [(str(uuid.uuid4()), reference(A), reference(B)) for _ in range(40)]
    async with vault_of(home) as one, vault_of(home) as other:
        await asyncio.gather(
            *(said(one, offer(referral, B, a)) for referral, a, _ in pairs),
            *(said(other, answer(referral, A, b)) for referral, _, b in reversed(pairs)),
        )
        for _, a, b in pairs:
            assert len(set(await meant(one, a, b))) == 1


async def test_nothing_of_a_reference_is_kept_in_clear(home: Home) -> None:
    referral, a, b = str(uuid.uuid4()), reference(A), reference(B)
    async with vault_of(home) as vault:
        await said(vault, answer(referral, A, b))
        await said(vault, offer(referral, B, a))
    kept = str(rows(home, "SELECT r::text FROM vault.referral r WHERE referral_id = %s", referral))
    assert a[1] not in kept
    assert b[1] not in kept
