"""The state of a population as the database holds it: small parts as JSON, and the way back."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, cast

from schemas.names import AgencyId
from streams.cohort.batches import Batch, PublishedRow
from streams.cohort.parameters import Parameters, Tier
from streams.cohort.rows import Kind, Place, Tick
from streams.cohort.state import Awaited
from streams.cohort.suppression import Steps

Json = dict[str, Any]
"""At the edge to the database, where JSON is what it is."""


@dataclass(frozen=True, slots=True)
class Recent:
    """New rows by agency, of the ticks of one deadline."""

    ticks: tuple[tuple[Tick, Mapping[AgencyId, int]], ...]

    def to_json(self) -> list[Json]:
        """Return it for the database."""
        return [{"tick": tick, "by_agency": dict(by_agency)} for tick, by_agency in self.ticks]

    @staticmethod
    def of(saved: list[Json]) -> "Recent":
        """Return what `to_json` wrote."""
        return Recent(
            tuple(
                (Tick(each["tick"]), MappingProxyType({AgencyId(k): int(v) for k, v in each["by_agency"].items()}))
                for each in saved
            )
        )


def rule_to_json(rule: Parameters) -> Json:
    """Return *rule* for the database, and for an operator to change."""
    return asdict(rule)


def rule_of(saved: Json) -> Parameters:
    """Return the rule in *saved*; raise MisuseError, TypeError or KeyError when it is none."""
    tiers = tuple(
        Tier(
            name=each["name"],
            lag=each["lag"],
            strict=each["strict"],
            without=tuple(each["without"]),
            without_kinds=tuple(each["without_kinds"]),
        )
        for each in saved["tiers"]
    )
    return Parameters(**{**saved, "tiers": tiers})


def steps_of(saved: Json) -> Steps:
    """Return the counter of the suppressed in *saved*."""
    untold = {bytes.fromhex(mark): frozenset(map(AgencyId, agencies)) for mark, agencies in saved["untold"].items()}
    return Steps(saved["told"], MappingProxyType(untold))


def steps_to_json(steps: Steps) -> Json:
    """Return the counter of the suppressed for the database."""
    return {"told": steps.told, "untold": {mark.hex(): sorted(each) for mark, each in sorted(steps.untold.items())}}


def awaited_of(saved: Json | None) -> Awaited | None:
    """Return the weaker rule that waits in *saved*."""
    return None if saved is None else Awaited(rule_of(saved["parameters"]), Place(*saved["since"]))


def awaited_to_json(awaited: Awaited | None) -> Json | None:
    """Return the weaker rule that waits for the database."""
    return None if awaited is None else {"parameters": rule_to_json(awaited.parameters), "since": list(awaited.since)}


def batch_to_json(batch: Batch) -> Json:
    """Return *batch*, which waits for its time, for the database."""
    rows = [[row.kind, list(row.label), list(row.sensitive)] for row in batch.rows]
    return {**{name: getattr(batch, name) for name in _PLAIN}, "without": list(batch.without), "rows": rows}


def batch_of(saved: Json) -> Batch:
    """Return the batch in *saved*: byte for byte what was made with the first tier's."""
    rows = tuple(
        PublishedRow(Kind(kind), tuple(label), tuple(sensitive))
        for kind, label, sensitive in cast("list[tuple[str, list[str | None], list[str | None]]]", saved["rows"])
    )
    return Batch(**{name: saved[name] for name in _PLAIN}, without=tuple(saved["without"]), rows=rows)


_PLAIN = ("id", "tier", "tick", "parameters", "layout", "suppressed")
