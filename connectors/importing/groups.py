"""Woman, man, girl or boy: by sex and age, where a file gives a date of birth and not the group."""

import datetime as dt
from collections.abc import Mapping

from connectors.importing.cleaning import Clean
from connectors.importing.context import Context, Getter
from connectors.importing.converting import date_of
from connectors.importing.spec import Column, Group
from schemas.shapes import Scalar

_ADULT_AGE_YEARS = 18


def group_getter(rule: Group, place_by_column: Mapping[str, int]) -> Getter:
    """Return what tells the group of a row; UNKNOWN where sex or age is not given."""
    sex, born, at = (place_by_column.get(name) for name in (rule.group_of, rule.born, rule.at))
    convert = date_of(Column(column=rule.born, date=rule.date), Scalar.DATE)

    def day(context: Context, place: int | None) -> dt.date | None:
        cell = None if place is None else context.cells[place]
        if isinstance(cell, str):
            found = convert(cell)
            return found.value if isinstance(found.value, dt.date) else None  # its own column names the fault
        return cell if isinstance(cell, dt.date) else None

    def get(context: Context) -> object:
        text: Clean = None if sex is None else context.cells[sex]
        birth, moment = day(context, born), day(context, at)
        if birth is None or moment is None or text not in (*rule.female, *rule.male):
            return "UNKNOWN"
        adult = _age_years(birth, moment) >= _ADULT_AGE_YEARS
        if text in rule.female:
            return "WOMAN" if adult else "GIRL"
        return "MAN" if adult else "BOY"

    return get


def _age_years(birth: dt.date, moment: dt.date) -> int:
    before_birthday = (moment.month, moment.day) < (birth.month, birth.day)
    return moment.year - birth.year - before_birthday
