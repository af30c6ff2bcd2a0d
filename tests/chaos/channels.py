"""What every topic must hold of the events that were sent, by the agreements, and what it does hold.

Topics are read on, never again from their start, so that a check after each of many faults costs what is new.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.home import Home
from infra.registry import registry_for
from infra.topology.agreements import Agreement
from infra.topology.model import Topology, load_topology
from schemas.codec import Codec
from tests.running import Stored, read_on


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event that was sent: whose, of which case, and the how many-th."""

    agency: str
    case: str
    number: int


@dataclass(slots=True, kw_only=True)
class Deviations:
    """What is wrong; everything else is right."""

    lost: int = 0
    duplicated: int = 0
    forbidden: int = 0
    """Events that a topic holds and must not."""
    overtaken: int = 0
    """Events that came before an earlier one of their case."""
    where: list[str] = field(default_factory=list)


class Channels:
    """Every topic that events of *agencies* may reach; a decision counts for the audience that it is about."""

    def __init__(self, home: Home, agencies: Collection[str]) -> None:
        self._home = home
        self._agencies = agencies
        self.subjects: dict[str, str] = {}
        """The person of each case, by the id that the vault gave."""
        self.places: dict[str, tuple[int, int]] = {}
        """Partition and offset of each event in the ledger."""
        self._topology: Topology = load_topology()
        self.codec = Codec(registry_for(home))
        self.sent: dict[str, Sent] = {}
        self._expected: dict[str, set[str]] = defaultdict(set)
        self._found: dict[str, Counter[str]] = defaultdict(Counter)
        self._strangers: Counter[str] = Counter()
        self._last: dict[tuple[str, str], int] = {}
        self._overtaken: Counter[str] = Counter()
        self._place_of_case: dict[str, tuple[int, bytes | None]] = {}
        names = [topic.name for topic in self._topology.topics if topic.name.startswith(("to.", "stage."))]
        names += ["ledger", "decisions", *(f"receipts.{agency}" for agency in agencies)]
        self._positions: dict[str, dict[int, int]] = {name: {} for name in names}
        self._offsets: dict[str, list[int]] = defaultdict(list)
        self._acknowledged: dict[str, set[int]] = defaultdict(set)

    def expect(self, event_id: str, sent: Sent, name: str, record: Mapping[str, Any]) -> None:
        """Note that an event was sent, and with it every topic that must hold it."""
        self.sent[event_id] = sent
        for channel in self._channels(sent.agency, name, record):
            self._expected[channel].add(event_id)

    def acknowledged(self, agency: str, offset: int) -> None:
        """Note where the broker has put a record of *agency*: what it sent is deleted once intake has it."""
        self._acknowledged[agency].add(offset)

    @property
    def acknowledgements(self) -> int:
        """How many records the broker has acknowledged to the agencies."""
        return sum(map(len, self._acknowledged.values()))

    def forget(self, topic: str) -> None:
        """Read *topic*, which was made anew, from its beginning; what it held before counts as found."""
        self._positions[topic] = {}

    def read(self) -> None:
        """Take what is new in every topic."""
        fresh: list[tuple[str, Stored]] = []
        read_on(self._home, self._positions, lambda topic, stored: fresh.append((topic, stored)))
        for topic, stored in fresh:
            self._take(topic, stored)

    def missing(self) -> set[str]:
        """Return the events that are not yet everywhere where they must be."""
        return {each for channel, ids in self._expected.items() for each in ids - self._found[channel].keys()}

    def deviations(self) -> Deviations:
        """Return what is wrong in what was read."""
        out = Deviations()
        for channel in sorted(self._expected.keys() | self._found.keys()):
            found, expected = self._found[channel], self._expected[channel]
            lost = len(expected - found.keys())
            duplicated = sum(found.values()) - len(found)
            forbidden = len(found.keys() - expected) + self._strangers[channel]
            overtaken = self._overtaken[channel]
            out.lost += lost
            out.duplicated += duplicated
            out.forbidden += forbidden
            out.overtaken += overtaken
            if lost or duplicated or forbidden or overtaken:
                out.where.append(f"{channel}: {lost=} {duplicated=} {forbidden=} {overtaken=}")
        for agency in self._agencies:
            answered = self._offsets[f"receipts.{agency}"]
            if answered != sorted(set(answered)) or not self._acknowledged[agency] <= set(answered):
                out.where.append(f"receipts.{agency}: not one for each record, in order")
        return out

    def _take(self, topic: str, stored: Stored) -> None:
        self.codec.learn([stored.value])
        record: Mapping[str, Any] = self.codec.decode(stored.value).record
        channel, told = topic, record.get("envelope", record)
        if told.get("agency") not in self._agencies:  # days and orders on a stage are of nobody
            return
        if topic == "decisions":
            channel = f"decisions about {record['audience']}"
        if topic.startswith("receipts."):
            self._offsets[topic].append(record["source_offset"])
            if record["outcome"] != "ACCEPTED":
                channel = f"{topic} ({record['outcome']})"
        event_id = str(told["event_id"])
        sent = self.sent.get(event_id)
        if sent is None:
            self._strangers[channel] += 1
            return
        self._found[channel][event_id] += 1
        if self._found[channel][event_id] == 1:
            last = self._last.get((channel, sent.case), -1)
            self._overtaken[channel] += sent.number < last
            self._last[channel, sent.case] = max(last, sent.number)
        if topic == "ledger":
            self.places[event_id] = (stored.partition, stored.offset)
            if "person" in record:
                self.subjects[sent.case] = str(record["person"]["subject"])
            place = self._place_of_case.setdefault(sent.case, (stored.partition, stored.key))
            self._overtaken["one partition for each case"] += place != (stored.partition, stored.key)

    def _channels(self, agency: str, name: str, record: Mapping[str, Any]) -> list[str]:
        found = ["ledger", f"receipts.{agency}"]
        found += [f"stage.{each.id}" for each in self._topology.populations if name in each.event_types]
        concerned = [
            each
            for each in self._topology.agreements
            if name in each.event_types and agency in each.agencies and str(each.partner) != agency
        ]
        found += [f"decisions about {partner}" for partner in {each.partner for each in concerned}]
        return found + [f"to.{partner}" for partner in {each.partner for each in concerned if _covers(each, record)}]


def _covers(agreement: Agreement, record: Mapping[str, Any]) -> bool:
    """Whether *agreement* covers an event of ours: none is addressed, restricted or marked."""
    envelope = record["envelope"]
    people: Sequence[Mapping[str, Any]] = [record["person"]] if "person" in record else record["suspects"]
    return (
        envelope["purpose"] in agreement.purposes
        and bool(set(envelope["legal_basis"]) & set(agreement.legal_bases))
        and any(person["role"] in agreement.roles for person in people)
        and not agreement.only_addressee
    )
