"""Woman, man, girl or boy: by sex and age, where a file gives a date of birth and not the group."""

import datetime as dt
from collections.abc import Mapping

from connectors.importing.cleaning import Clean
from connectors.importing.context import Context, Getter
from connectors.importing.converting import date_of
from connectors.importing.rows import Fault
from connectors.importing.spec import Column, Group
from schemas.shapes import Scalar

_ADULT_AGE_YEARS = 18


def group_getter(rule: Group, place_by_column: Mapping[str, int]) -> Getter:
    """Return what tells the group of a row: UNKNOWN where sex or age is not given, a fault where one cannot be read."""
    sex, born, at = (place_by_column.get(name) for name in (rule.group_of, rule.born, rule.at))
    convert = date_of(Column(column=rule.born, date=rule.date), Scalar.DATE)

    def day(context: Context, place: int | None) -> dt.date | None:
        cell = None if place is None else context.cells[place]
        if isinstance(cell, str):
            found = convert(cell)
            if isinstance(found.value, dt.date):
                return found.value
            _note(context, rule.born if place == born else rule.at, found.rule or "not-a-date", found.advice or _NO_DAY)
            return None
        if isinstance(cell, dt.datetime):
            return cell.date()  # a moment does not compare with a day
        return cell if isinstance(cell, dt.date) else None

    def get(context: Context) -> object:
        text: Clean = None if sex is None else context.cells[sex]
        birth, moment = day(context, born), day(context, at)
        if text is not None and text not in (*rule.female, *rule.male, *rule.unknown):
            _note(context, rule.group_of, "unknown-value", _NO_SEX)
        elif birth is not None and moment is not None and birth > moment:
            _note(context, rule.born, "born-after-event", "correct one of the two dates")
        if birth is None or moment is None or text not in (*rule.female, *rule.male):
            return "UNKNOWN"
        adult = _age_years(birth, moment) >= _ADULT_AGE_YEARS
        if text in rule.female:
            return "WOMAN" if adult else "GIRL"
        return "MAN" if adult else "BOY"

    return get


_NO_DAY = "give the date in the form that the mapping names, or leave the cell empty"
_NO_SEX = "give one of the values that the mapping lists as `female`, `male` or `unknown`, or leave the cell empty"


def _note(context: Context, column: str, rule: str, advice: str) -> None:
    fault = Fault(column, rule, advice)
    if fault not in context.faults:  # the column may be mapped by itself as well
        context.faults.append(fault)


def _age_years(birth: dt.date, moment: dt.date) -> int:
    before_birthday = (moment.month, moment.day) < (birth.month, birth.day)
    return moment.year - birth.year - before_birthday
