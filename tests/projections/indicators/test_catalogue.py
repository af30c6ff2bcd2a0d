"""The catalogue of indicators holds every indicator of Part D, and what it says of each is true of the language."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from projections.indicators.carried import fields_of
from projections.indicators.catalogue import (
    FILES,
    GUIDELINES,
    Catalogue,
    UnfitCatalogueError,
    UnknownIndicatorError,
    catalogue,
    read,
)
from projections.indicators.checking import problems_of
from projections.indicators.entries import Count, Indicator, MeanOfBands, SameAs, Share, Source, Sum, Survey
from schemas.catalogue import contract
from schemas.channel_rules import field_at
from schemas.shapes import shape_of

HEAD = 'title = "t"\nframework = "SDG"\nchapter = "SDG"\nsource = "s"\nverified = true\n'


def indicators_of_the_text(guidelines: Path) -> list[tuple[str, str]]:
    """Return goal and words of each indicator of Part D as the text has them: cells of the last column, by line."""
    text = guidelines.read_text(encoding="utf-8")
    part = text[text.index("## D. Model Strategy") : text.index("## E. References")]
    found: list[tuple[str, str]] = []
    goal = ""
    for line in part.splitlines():
        cells = line.split("|")
        if len(cells) < 5 or not re.search(r"Strategic Goal|Specific objective", cells[1]):
            continue
        goal = next(iter(re.findall(r"C\.\d\.\d", cells[1])), goal)
        for words in re.split(r"<br */?>|</p>", cells[-2]):
            plain = " ".join(re.sub(r"<[^>]*>", " ", words).split())
            found += [(goal, plain)] if plain else []
    return found


@pytest.mark.shared
def test_every_indicator_of_part_d_is_in_the_catalogue_in_its_words_and_no_other(shared_data: Path) -> None:
    own = [(entry.section[:5], entry.wording) for entry in catalogue().indicators if entry.framework == GUIDELINES]
    assert Counter(own) == Counter(indicators_of_the_text(shared_data / "seed" / "guidelines-2005.md"))
    assert len(own) == 159


def test_the_catalogue_has_no_problem() -> None:
    assert problems_of(catalogue()) == ()


def test_every_indicator_is_computed_or_returned_or_says_why_neither() -> None:
    for entry in catalogue().indicators:
        own = catalogue().measured(entry)
        assert own.source is Source.COMPUTED or own.reason, entry.id


def test_what_is_computed_names_event_types_and_fields_that_exist() -> None:
    named = 0
    for entry in catalogue().indicators:
        for name, paths in fields_of(catalogue().measured(entry)).items():
            for path in paths:
                named += 1
                assert field_at(shape_of(contract(name)), path), (entry.id, name, path)
    assert named > 200


def test_the_frameworks_of_the_monitoring_bodies_stand_beside_part_d() -> None:
    assert {entry.framework for entry in catalogue().indicators} == {
        GUIDELINES,
        "SDG",
        "GLOTIP",
        "EUROSTAT",
        "GRETA",
    }


def entry(wanted: str) -> Indicator:
    return catalogue().get(wanted)


def with_measure(wanted: str, **changes: object) -> Indicator:
    found = entry(wanted)
    return replace(found, measure=replace(found.measure, **changes))  # type: ignore[type-var,arg-type]


BROKEN = {
    "repeated-id": replace(entry("C.3.1-1"), id="C.2.2-1", section="C.2.2", chapter="C.2"),
    "repeated-code": replace(entry("C.3.1-1"), returned_as="C.2.2-1"),
    "unknown-code": with_measure("C.2.3.d-1", where={"setting": ("AT_SEA",)}),
    "other-section": replace(entry("C.3.1-1"), section="C.3.2"),
    "other-chapter": replace(entry("C.3.1-1"), chapter="C.4"),
    "unknown-indicator": replace(entry("C.3.1.b-1"), measure=SameAs(form="same_as", indicator="C.3.1.a-1")),
    "other-unit": replace(entry("C.3.1.b-1"), unit="PERCENT"),
    "missing-reason": replace(entry("C.4.1-1"), reason=""),
    "needless-reason": replace(entry("C.3.1-1"), reason="none"),
    "not-carried": replace(entry("C.3.1-1"), measure=Count(form="count", kind="OfficialSanctioned")),
    "other-channel": with_measure("C.2.3.b-1", kind="PersonIdentified"),
    "carried-now": replace(entry("C.3.1-2"), lacks=("PersonIdentified.group",)),
    "needless-lack": replace(entry("C.3.1-2"), lacks=("PersonIdentified.other",)),
    "missing-events": replace(entry("C.4.1-1"), events={}),
    "unknown-event-type": replace(entry("C.4.1-1"), events={"CaseSolved": ("person",)}),
    "unknown-field": replace(entry("C.4.1-1"), events={"PersonIdentified": ("person.shoe_size",)}),
    "missing-groups": replace(entry("C.3.1-1"), by={"form": "exploitation_forms"}),
    "contradiction": replace(entry("C.3.1-1"), by_lacks={"group": "no"}),
    "empty": replace(entry("C.3.1-1"), definition=" "),
    "missing-parts": replace(entry("C.3.5-1"), denominator=""),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_check_notices_what_it_is_there_for(rule: str) -> None:
    broken = BROKEN[rule]
    chapters = tuple(
        replace(
            chapter,
            indicators=tuple(
                broken if each.id == broken.id or (rule == "repeated-id" and each.id == "C.3.1-1") else each
                for each in chapter.indicators
            ),
        )
        for chapter in catalogue().chapters
    )
    if rule == "repeated-id":
        chapters = (*chapters, replace(chapters[0], indicators=(broken,)))
    assert rule in {problem.rule for problem in problems_of(Catalogue(chapters=chapters))}


@pytest.mark.parametrize(
    ("measure", "rule"),
    [
        (Count(form="count", kind="PersonIdentified", where={"shoe_size": ("44",)}), "not-carried"),
        (Share(form="share", kind="PersonIdentified", where={}, among={"status": ("LOST",)}), "unknown-code"),
        (MeanOfBands(form="mean_of_bands", kind="PersonIdentified", column="duration", bands={}), "empty"),
        (Sum(form="sum", kind="PersonIdentified", column="age"), "other-channel"),
        (Survey(form="survey", population="MARTIANS"), "unknown-code"),
    ],
)
def test_each_form_of_measure_is_checked(measure: Count | Share | MeanOfBands | Sum | Survey, rule: str) -> None:
    broken = replace(entry("C.3.1-1"), measure=measure)
    chapters = (replace(catalogue().chapters[0], indicators=(broken,)),)
    assert rule in {problem.rule for problem in problems_of(Catalogue(chapters=chapters))}


def test_all_problems_of_a_file_come_at_once_and_an_unknown_key_is_one() -> None:
    text = HEAD + '[indicators."A"]\ncolour = "red"\nmeasure = { form = "guess" }\n[indicators."B"]\nsection = "s"\n'
    with pytest.raises(UnfitCatalogueError) as caught:
        read({"sdg": text, "greta": 'title = "t"\n'})
    paths = {problem.path for problem in caught.value.problems}
    assert {"A.colour", "A.measure", "B.measure", "greta"} <= paths


def test_the_files_are_those_of_the_folder() -> None:
    folder = Path(__file__).parents[3] / "projections" / "indicators" / "data"
    assert {each.stem for each in folder.glob("*")} == set(FILES)


def test_who_asks_for_an_indicator_that_is_none_is_told_where_they_are() -> None:
    with pytest.raises(UnknownIndicatorError, match="hub indicator list"):
        catalogue().get("C.9.9-9")
