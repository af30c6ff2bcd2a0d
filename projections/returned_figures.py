"""Returned figures: indicators and surveys as agencies declare them, and the sums of administrative controls.

About no person, so they are folded from the ledger as they are. A count of persons that is published nowhere else is
shown only as zero or at least eleven (design section 12.8). What campaigns say of persons, victims and those whose visa
was refused among them, is sealed and not here.
"""

import uuid
from collections.abc import Iterator
from typing import cast

from projections.projection import Countries, Event, Projection, Sheet, definition_of
from projections.rows import Column, Row, SqlType, Table
from schemas.codec import Record

KEYS = (Column("agency"), Column("event_id", "uuid"))


def _columns(kind: SqlType, names: str) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name in names.split())


INDICATOR = Table(
    name="returned_indicator",
    keys=KEYS,
    values=(
        *_columns("text", "framework indicator country area dimension category sex age unit value_state published_in"),
        Column("persons_group"),
        *_columns("date", "period_begin period_end"),
        *_columns("double precision", "value below numerator denominator"),
        Column("corrects", "uuid"),
    ),
)
SURVEY = Table(
    name="returned_survey",
    keys=KEYS,
    values=(
        *_columns("text", "survey indicator population country method published_in"),
        *_columns("date", "period_begin period_end"),
        *_columns("bigint", "respondents positive"),
        *_columns("double precision", "percentage margin_points"),
        Column("corrects", "uuid"),
    ),
)
CAMPAIGN = Table(
    name="control_campaign",
    keys=KEYS,
    values=(
        *_columns("text", "level kind authority country region_code isic_section industry currency"),
        *_columns("date", "period_begin period_end"),
        *_columns("bigint", "enterprises_registered enterprises_controlled violations_found licences_checked"),
        *_columns("double precision", "back_wages_amount fines_amount"),
        Column("corrects", "uuid"),
    ),
)
TABLES = {"IndicatorReturned": INDICATOR, "SurveyReturned": SURVEY, "ControlCampaign": CAMPAIGN}
RENAMED = {"persons_group": "group"}
"""Columns that SQL does not let be called like their field."""


def rows_of(event: Event, countries: Countries) -> Iterator[Row]:  # noqa: ARG001 - the form of every projection
    """Yield the row of one returned figure."""
    table = TABLES.get(event.name)
    if table is None:
        return
    envelope = cast("Record", event.record["envelope"])
    corrects = envelope.get("corrects")
    named = {column.name: event.record.get(RENAMED.get(column.name, column.name)) for column in table.values}
    named["corrects"] = None if corrects is None else str(uuid.UUID(str(corrects)))
    yield table.row(envelope["agency"], str(uuid.UUID(str(envelope["event_id"]))), **named)


RETURNED_FIGURES = Projection(
    name="returned_figures",
    title="Returned figures",
    version=1,
    definition=definition_of("returned_figures"),
    families=("ledger",),
    events=frozenset(TABLES),
    tables=(INDICATOR, SURVEY, CAMPAIGN),
    sheets=(
        Sheet(title="Indicators, by framework", view="returned_indicator_summary"),
        Sheet(title="Indicators", view="returned_indicator_overview"),
        Sheet(title="Surveys", view="returned_survey_overview"),
        Sheet(title="Administrative controls, by level and authority", view="control_campaign_summary"),
    ),
    rows_of=rows_of,
)
