"""The questions of auditors, asked of the hub; each is on record before it is answered."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from psycopg_pool import AsyncConnectionPool

from infra.operator import operator_name
from infra.topology.agreements import Agreement
from infra.topology.load import draft_of
from infra.vault.connection import Connections
from infra.workplace import Workplace
from schemas.codec import Record
from schemas.errors import MisuseError
from schemas.names import PartnerId
from streams.auditing.drafts import Difference, compare, moment_of
from streams.auditing.explaining import Explanation, explained
from streams.auditing.history import Told, decisions_of, events_since, past_of
from streams.auditing.replaying import Replayed, offsets_in, replayed
from streams.ledger_search import UnknownEventError, event_id_in, found_in_ledger
from streams.release.basis import considered, decided
from streams.release.decide import Facts, Release
from streams.release.ledger import LedgerReader
from streams.release.processor import ReleaseProcessor

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Could:
    """That an audience could have seen an event, and under which agreement."""

    event_id: str
    audience: str
    view: str
    agreement: str
    version: int


class Auditor:
    """Asks the hub of *place*; *pool* is of the role hub_vault."""

    def __init__(self, place: Workplace, pool: AsyncConnectionPool) -> None:
        self._place = place
        self._connections = Connections(pool)
        self._release = ReleaseProcessor(topology=place.topology, codec=place.codec, vault=place.vault(pool))

    async def explain(self, event_id: str, audience: str, at: dt.datetime | None) -> tuple[Explanation, list[Record]]:
        """Return why *audience* gets the event, or not, *at* a moment (None: now), and what was decided about it.

        Raises UnknownEventError, MisuseError for an unknown partner.
        """
        self._expect_partner(audience)
        await self._asked(f"explain for {audience}", event_id)
        facts = await self._facts(event_id)
        past = await past_of(self._place)
        now = at or await self._place.clock.now()
        control = past.at_time(now) if at is not None else past.at_the_end()
        found = explained(facts, PartnerId(audience), considered(facts, PartnerId(audience), control), now)
        decisions = [
            each for each in await decisions_of(self._place, {facts.event_id.lower()}) if each["audience"] == audience
        ]
        return found, decisions

    async def could_have_seen(self, about: str, at: dt.datetime | None) -> list[Could]:
        """Return who could have seen the event, or the person, *about* under what held *at* a moment (None: now).

        An event that the hub had not received by then could be seen by nobody.
        """
        await self._asked("could-have-seen", about)
        past, now = await past_of(self._place), at or await self._place.clock.now()
        control = past.at_time(now) if at is not None else past.at_the_end()
        found = []
        for facts in await self._events_about(about, at):
            for partner in self._place.topology.partners:
                if str(partner.id) == str(facts.agency):
                    continue
                asked = considered(facts, partner.id, control)
                decision = decided(facts, partner.id, asked, now)
                if isinstance(decision, Release):
                    agreement = decision.agreement
                    found.append(
                        Could(
                            event_id=facts.event_id,
                            audience=str(partner.id),
                            view=decision.view,
                            agreement=agreement.id,
                            version=agreement.version,
                        )
                    )
        return found

    async def did_see(self, about: str, at: dt.datetime) -> list[Record]:
        """Return each decision until *at* by which the event, or events of the person, *about* were released."""
        await self._asked("did-see", about)
        ids = {facts.event_id.lower() for facts in await self._events_about(about)}
        decisions = await decisions_of(self._place, ids)
        return [each for each in decisions if each["outcome"] == "RELEASED" and each["decided_at"] <= at]  # type: ignore[operator]  # a datetime

    async def replay(self, event_id: str | None, progress: Callable[[int, int, str], None]) -> list[Replayed]:
        """Return each decision about the event *event_id*, or every one, made again."""
        await self._asked("replay", event_id or "everything")
        wanted = None if event_id is None else {event_id_in(event_id)}
        decisions = await decisions_of(self._place, wanted)
        if wanted and not decisions:
            raise UnknownEventError("nothing was decided about an event of this id")
        past, ledger, found = (
            await past_of(self._place),
            LedgerReader(self._place.credentials("hub-admin")),
            list[Replayed](),
        )
        decisions.sort(key=lambda each: sum(offsets_in(each).values()))
        for start in range(0, len(decisions), PAGE):
            page = decisions[start : start + PAGE]
            places = {(int(str(each["ledger_partition"])), int(str(each["ledger_offset"]))) for each in page}
            records = await ledger.records(places)
            await self._place.codec.learn_aside([record.value for record in records])
            facts = {(one.source.partition, one.source.offset): one.facts for one in await self._release.open(records)}
            for each in page:
                place = int(str(each["ledger_partition"])), int(str(each["ledger_offset"]))
                found.append(replayed(each, facts[place], past.at_offsets(offsets_in(each))))
            progress(len(found), len(decisions), "making decisions again")
        return found

    async def check(
        self, draft: Path, back: dt.timedelta, progress: Callable[[int], None]
    ) -> tuple[Agreement, Difference]:
        """Return the agreement in the file *draft* and what it would change about the events since *back* from now.

        One that is not in force yet is taken as on its first day: until then it would seem to change nothing.
        Raises InvalidTopologyError with all that is wrong with it.
        """
        agreement = draft_of(draft, self._place.topology)
        await self._asked("agreement check", agreement.id)
        past, now = await past_of(self._place), await self._place.clock.now()
        control, found = past.at_the_end(), Difference(partner=str(agreement.partner))
        moment = moment_of(agreement, now)
        async for page in events_since(self._place, now - back):
            compare(found, [each.facts for each in await self._release.open(page)], control, agreement, moment)
            progress(len(page))
        return agreement, found

    async def agreements(self, at: dt.datetime | None) -> tuple[tuple[Agreement, ...], dt.datetime]:
        """Return the agreements that were told until *at* (None: now) and not withdrawn, and the moment."""
        past, now = await past_of(self._place), at or await self._place.clock.now()
        control = past.at_time(now) if at is not None else past.at_the_end()
        return control.agreements, now

    async def versions(self, agreement_id: str) -> list[Told]:
        """Return every version of the agreement that was told or withdrawn, in order; raise MisuseError for none."""
        past = await past_of(self._place)
        found = [each for each in past.agreements() if each.agreement.id == agreement_id]
        if not found:
            raise MisuseError("no agreement of this id was ever told; `hub agreement list` has those in force")
        return found

    async def _facts(self, event_id: str) -> Facts:
        (found,) = await self._release.open([await found_in_ledger(self._place, event_id_in(event_id))])
        return found.facts

    async def _events_about(self, about: str, until: dt.datetime | None = None) -> list[Facts]:
        """Return the event of this id, else the events of the person of this id, without those received after *until*.

        Raises UnknownEventError when there is none at any time.
        """
        wanted = event_id_in(about)
        found, is_known = list[Facts](), False
        async for page in events_since(self._place, None):
            likely = [record for record in page if wanted.encode() in (record.value or b"").lower()]
            for each in await self._release.open(likely):
                ids = {each.event_id.lower(), *(str(person.subject) for person in each.facts.persons)}
                if wanted in ids:
                    is_known = True
                    was_there = until is None or cast("dt.datetime", each.record["received_at"]) <= until
                    found += [each.facts] if was_there else []
        if not is_known:
            raise UnknownEventError("no event of this id is in the ledger, and none of a person of this id")
        return found

    def _expect_partner(self, audience: str) -> None:
        if self._place.topology.partner(audience) is None:
            known = ", ".join(str(partner.id) for partner in self._place.topology.partners)
            raise MisuseError(f"no such partner; there are: {known}")

    async def _asked(self, question: str, about: str) -> None:
        try:
            kept = str(uuid.UUID(about))
        except ValueError:
            kept = "no id"  # whatever was typed may be a name
        async with self._connections() as connection:
            await connection.execute(
                "INSERT INTO vault.audit_asked (asked_by, question, about) VALUES (%s, %s, %s)",
                (operator_name(), question, kept),
            )
