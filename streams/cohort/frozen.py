"""By what a person is grouped, frozen when first told of: no later event puts the same person into another group.

Kept sealed under the key of the person, and gone with it (design section 12.7).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from infra.vault.holders import holder_of_subject
from infra.vault.vault import Vault
from schemas.names import KeyId, SubjectId
from schemas.sealing import Nonce
from streams.cohort.populations import Prepared
from streams.cohort.sealing import opened, sealed
from streams.opening import OpenedEvent
from streams.pump.records import Transaction

Values = Mapping[SubjectId, tuple[int, ...]]
"""A node of each axis, by person. At rest it is the code by axis, which outlasts a change of ladders."""


async def remember(
    transaction: Transaction, vault: Vault, population: Prepared, events: Sequence[OpenedEvent], nonce: Nonce
) -> Values:
    """Return by what the persons of *events* are grouped, and keep what is told of them for the first time."""
    told = [fact for event in events for fact in population.facts(event.contract, event.record, {})]
    if not told:
        return {}
    name = population.population.id
    before = await _kept(transaction, vault, population, {fact.subject for fact in told})
    values = dict(before)
    for fact in told:
        values[fact.subject] = population.frozen(fact.kind, fact.values, values.get(fact.subject))
    new = {subject: each for subject, each in values.items() if before.get(subject) != each}
    sealing = await vault.keys({holder_of_subject(subject): str(subject) for subject in new})
    async with transaction.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO streams.cohort_person (population, subject_id, kid, ct) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (population, subject_id) DO UPDATE SET kid = excluded.kid, ct = excluded.ct",
            [
                (
                    name,
                    subject,
                    key.kid,
                    sealed(key.cipher, population.codes(each), _bound(name, str(subject), key.kid), nonce),
                )
                for subject, each in new.items()
                if (key := sealing.get(holder_of_subject(subject))) is not None
            ],
        )
    return values


async def _kept(
    transaction: Transaction, vault: Vault, population: Prepared, subjects: Collection[SubjectId]
) -> dict[SubjectId, tuple[int, ...]]:
    name = population.population.id
    found = await transaction.execute(
        "SELECT subject_id::text, kid, ct FROM streams.cohort_person WHERE population = %s "
        "AND subject_id = ANY(%s::uuid[])",
        (name, list(subjects)),
    )
    several = await found.fetchall()
    keys = await vault.open({KeyId(str(kid)) for _, kid, _ in several})
    return {
        SubjectId(str(subject)): population.nodes_of(
            cast("dict[str, str | None]", opened(key, bytes(cast("bytes", ct)), _bound(name, str(subject), str(kid))))
        )
        for subject, kid, ct in several
        if (key := keys.get(KeyId(str(kid)))) is not None
    }


def _bound(population: str, subject: str, kid: str) -> str:
    return f"frozen|{population}|{subject}|{kid}"
