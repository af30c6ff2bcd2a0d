"""Released rows under the names of HTCDS: the standard's own names and values, and nothing that was not released."""

import csv
import io
import json
from pathlib import Path

import pytest
from pyarrow import parquet

from connectors.importing.mappings import read as read_mapping
from projections.exporting.htcds import standard
from projections.exporting.microdata import UnknownKindError, chosen_kinds, row_files, rows_table
from projections.indicators.carried import carried_codes, column_of
from projections.indicators.figures import Row
from schemas.channel_rules import kinds
from schemas.codelists import code_list
from tests.projections.exporting.invented import Invented, invented, usual

PROJECT = Path(__file__).parents[3]
OUT = Path("rows.csv")
PERSON = "PersonIdentified"


def row(kind: str = PERSON, tick: int = 20000, **columns: object) -> Row:
    return Row(tick=tick, kind=kind, columns=columns)  # type: ignore[arg-type]


def exported(*rows: Row, tier: str = "partner", chosen: tuple[str, ...] = (PERSON,)) -> list[dict[str, str]]:
    written = row_files(Invented(persons=rows), tier, chosen, "csv", OUT)
    return list(csv.DictReader(io.StringIO(written[OUT].decode(), newline="")))


def test_every_name_is_one_of_the_standard() -> None:
    source = (PROJECT / "connectors" / "importing" / "mappings" / "htcds.toml").read_text("utf-8")
    assert standard().fields.keys() <= set(read_mapping("htcds", source).columns)


def test_every_column_that_fills_a_field_is_released() -> None:
    for name, field in standard().fields.items():
        for kind, column in field.columns.items():
            assert kind == "*" or column_of(kind, column) is not None, (name, kind)


def test_every_code_that_is_translated_can_be_released() -> None:
    for name, field in standard().fields.items():
        filled = {kind: column for kind, column in field.columns.items() if kind != "*"}
        carried = {code for kind, column in filled.items() for code in carried_codes(kind, column)}
        assert not filled or set(field.values) <= carried, name


@pytest.mark.parametrize(
    ("field", "codes"),
    [
        ("vic_TraffickingStatus", "victim_status"),
        ("vic_TraffickingStatusDecisionMakingOrg", "deciding_body"),
        ("spl_Type", "support_service"),
    ],
)
def test_values_are_those_that_the_code_lists_name(field: str, codes: str) -> None:
    named = {
        code: entry.crosswalk["HTCDS"] for code, entry in code_list(codes).codes.items() if "HTCDS" in entry.crosswalk
    }
    assert standard().fields[field].values == named


def test_a_row_is_told_in_the_words_of_the_standard_and_as_it_was_released() -> None:
    (found,) = exported(
        row(
            group="GIRL",
            age="15-17",
            citizenship="ALB",
            exploitation_country="039",
            exploitation_forms=("BEGGING_CRIMINALITY", "SEXUAL"),
            status="IDENTIFIED",
            identified_by=None,
        )
    )
    assert (
        found
        | {
            "hub_event_type": PERSON,
            "hub_fact": PERSON,
            "hub_released": "2024-10-04",
            "prs_Gender": "Feminine",
            "prs_Citizenship": "ALB",
            "hte_Country": "",
            "hub_exploitation_country": "039",
            "vic_TypeOfExploitation": "SexualExploitation",
            "hub_exploitation_forms": "BEGGING_CRIMINALITY;SEXUAL",
            "vic_TraffickingStatus": "ActualVictimOfTrafficking",
            "vic_TraffickingStatusDecisionMakingOrg": "",
            "hub_identified_by": "",
            "hub_group": "GIRL",
            "hub_age": "15-17",
        }
        == found
    )


def test_a_kind_that_is_split_by_its_code_keeps_both() -> None:
    found = exported(
        row("ServiceProvided", group="MAN", service=None),
        row("ServiceProvided:LEGAL", group="MAN", service="LEGAL"),
        chosen=("ServiceProvided",),
    )
    assert [(each["hub_event_type"], each["hub_fact"], each["spl_Type"]) for each in found] == [
        ("ServiceProvided", "ServiceProvided", ""),
        ("ServiceProvided", "ServiceProvided:LEGAL", "Legal"),
    ]


def test_the_public_gets_no_column_that_only_partners_have() -> None:
    partner = set(rows_table(usual().rows("partner"), chosen_kinds(()), "partner").header)
    public = set(rows_table(usual().rows("open"), chosen_kinds(()), "open").header)
    assert public < partner
    assert {"hub_identified_by", "vic_MethodsOfControl", "vic_TraffickingStatusDecisionMakingOrg"} <= partner - public
    own = {column.name for each in kinds("anon").values() for column in each.columns if "open" in column.tiers}
    assert {name.removeprefix("hub_") for name in public if name.startswith("hub_")} == own | {
        "event_type",
        "fact",
        "released",
    }


def test_the_order_of_rows_tells_nothing() -> None:
    source = invented(a_month=20)
    turned = Invented(persons=source.persons[::-1])
    assert (
        row_files(source, "open", (PERSON,), "csv", OUT)[OUT] == row_files(turned, "open", (PERSON,), "csv", OUT)[OUT]
    )


def test_parquet_and_json_hold_what_csv_holds() -> None:
    source = invented(a_month=20)
    (packed,) = row_files(source, "open", (PERSON,), "parquet", OUT).values()
    (text,) = row_files(source, "open", (PERSON,), "json", OUT).values()
    rows = parquet.read_table(io.BytesIO(packed)).to_pylist()
    assert json.loads(text)["rows"] == rows
    written = row_files(source, "open", (PERSON,), "csv", OUT)[OUT].decode()
    plain = list(csv.DictReader(io.StringIO(written, newline="")))
    assert plain == [{name: value or "" for name, value in each.items()} for each in rows]
    assert len(rows) == len(source.persons)


def test_the_metadata_say_what_an_empty_cell_is_and_under_which_rule_rows_left() -> None:
    written = row_files(usual(), "open", (PERSON,), "csv", OUT)
    said = json.loads(written[Path("rows.csv.metadata.json")])
    assert "never to be read as no or as zero" in said["missing"]
    assert (said["k"], said["net"], said["tier"], said["event_types"]) == (11, 5, "open", [PERSON])
    assert said["rows"] == len(usual().persons)
    assert "HTCDS" in said["names"]["title"]


def test_an_event_type_that_never_leaves_is_refused() -> None:
    with pytest.raises(UnknownKindError):
        chosen_kinds(("ConsentGiven",))
