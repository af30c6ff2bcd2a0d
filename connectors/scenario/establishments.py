"""Invented enterprises; a sole trader comes with the invented person behind it."""

from connectors.scenario.distributions import branch
from connectors.scenario.draws import one_of
from connectors.scenario.people import suspect
from connectors.scenario.story import Event, Story

_LANE, _PROPRIETOR_LANE = 18, 19
_SECTIONS = ("A", "C", "F", "H", "I", "N", "S", "T")
_TRADES = ("Building", "Farm", "Catering", "Cleaning", "Transport", "Placement", "Beauty", "Workshop")
_SOLE_TRADER = branch("sole_trader")


def establishment(story: Story, country: str, agency: str, day: int) -> Event:
    """Return the one enterprise of *story* in *country* as *agency* knows it on *day*."""
    drawn = story.draws(_LANE)
    number = f"{story.setting.tag}-{story.number}"
    alone = drawn[0] < _SOLE_TRADER
    found: Event = {
        "establishment_ref": story.reference(agency, "E"),
        "legal_form": "SOLE_TRADER" if alone else "LEGAL_PERSON",
        "name": f"Invented {one_of(_TRADES, drawn[1])} {number}",
        "registration_no": f"INVENTED-{number}",
        "isic_section": one_of(_SECTIONS, drawn[2]),
        "country": country,
    }
    if alone:
        person = suspect(story.draws(_PROPRIETOR_LANE), citizenship=country, day=story.day(story.begins))
        found["proprietor"] = person.as_known_to(story.reference(agency, "T"), "OTHER", day)
    return found
