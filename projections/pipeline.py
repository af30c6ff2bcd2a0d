"""Pipeline counters of operators: how many records went which way. Not figures of a secretariat (design §12.8).

published = accepted + refused + duplicates, per agency and event type. A refused record counts once for each rule
that it breaks, so the counts by rule can add up to more than the records refused; reasons of withholding alike.
A pair of event and partner that was withheld and is released later is one that was released: it leaves the withheld.
Its reasons stay counted as reasons of a withholding that was.
"""

from collections.abc import Iterator
from typing import cast

from projections.projection import FAMILY_OF, Countries, Event, Projection, Sheet, definition_of
from projections.rows import Column, Merge, Row, Table
from schemas.codec import Record

COUNT = Table(
    name="pipeline_count",
    keys=(Column("measure"), Column("agency"), Column("event_type"), Column("partner"), Column("code")),
    values=(Column("family"), Column("records", "bigint", Merge.SUM)),
)


def rows_of(event: Event, countries: Countries) -> Iterator[Row]:  # noqa: ARG001 - the form of every projection
    """Yield what one receipt, ledger event or decision adds."""
    record = event.record
    match event.name:
        case "Receipt":
            agency, event_type = str(record["agency"]), str(record.get("event_type") or "")
            yield _count(str(record["outcome"]), agency, event_type)
            problems = cast("list[Record]", record["problems"])
            for rule in sorted({str(problem["rule"]) for problem in problems}):
                yield _count("REFUSED_RULE", agency, event_type, code=rule)
        case "Decision":
            agency, event_type = str(record["agency"]), str(record["event_type"])
            partner, outcome = str(record["audience"]), str(record["outcome"])
            yield _count(outcome, agency, event_type, partner)
            if outcome == "WITHHELD":
                for reason in sorted(set(cast("list[str]", record["reasons"]))):
                    yield _count("WITHHELD_REASON", agency, event_type, partner, reason)
            elif record.get("because") not in (None, "FIRST"):  # decided again, which only what is withheld is
                yield _count("WITHHELD", agency, event_type, partner, records=-1)
        case event_type:
            envelope = cast("Record", record["envelope"])
            yield _count("LEDGER", str(envelope["agency"]), event_type)


def _count(measure: str, agency: str, event_type: str, partner: str = "", code: str = "", *, records: int = 1) -> Row:
    known = event_type if event_type in FAMILY_OF else ""
    return COUNT.row(measure, agency, known, partner, code, family=FAMILY_OF.get(known, ""), records=records)


PIPELINE = Projection(
    name="pipeline",
    title="Pipeline counters",
    version=2,
    definition=definition_of("pipeline"),
    families=("receipts.<agency>", "ledger", "decisions"),
    tables=(COUNT,),
    sheets=(
        Sheet(title="By agency and event type", view="pipeline_by_agency"),
        Sheet(title="Refused, by rule", view="pipeline_refusal"),
        Sheet(title="Released and withheld, by partner", view="pipeline_release"),
        Sheet(title="Withheld, by reason", view="pipeline_withheld"),
    ),
    rows_of=rows_of,
)
