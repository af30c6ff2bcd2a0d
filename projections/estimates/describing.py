"""An estimate in words and as data; either says that it is one, how it was made and what it assumes."""

from dataclasses import asdict
from typing import Any

from projections.estimates.choosing import Criterion
from projections.estimates.estimating import Estimate, NoEstimate
from projections.estimates.fitting import HIDDEN, Model

ASSUMPTIONS = (
    "Nobody comes into or leaves the population within the year.",
    "Agencies that speak of one person are known to do so.",
    "On each list, all persons have the same chance to be, but for the interactions of two lists in the model.",
    "Three and more lists interact in no other way.",
)
_CHOICE = {
    Criterion.AIC: "stepwise from no interaction, by Akaike's criterion (AIC)",
    Criterion.BIC: "stepwise from no interaction, by Schwarz's criterion (BIC)",
}
_DIGITS = 2


def in_plain(result: Estimate | NoEstimate) -> dict[str, Any]:
    """Return *result* as what JSON can hold; persons in whole numbers, interactions as lists of two names."""
    if isinstance(result, NoEstimate):
        return {"kind": "no-estimate", **asdict(result)}
    plain = asdict(result)
    persons = ("undetected", "low", "high")
    alternatives = [{**each, "undetected": round(each["undetected"])} for each in plain["alternatives"]]
    return {
        "kind": "estimate",
        **plain,
        **{name: round(plain[name]) for name in persons},
        "alternatives": alternatives,
        "total": round(result.detected + result.undetected),
        "method": f"multiple systems estimation, log-linear Poisson models, {_CHOICE[result.criterion]}",
        "interval": "profile likelihood, given the model",
        "assumptions": list(ASSUMPTIONS),
    }


def in_words(result: Estimate | NoEstimate) -> str:
    """Return *result* for people, several lines; persons rounded to what an estimate can say."""
    if isinstance(result, NoEstimate):
        return f"{result.year}: no estimate of persons not detected. {result.text}"
    level = f"{result.level:.0%}"
    lines = [
        f"{result.year}: ESTIMATE, not a count: about {_rough(result.undetected)} persons were not detected,",
        f"  {level} interval {_rough(result.low)} to {_rough(result.high)}, beside {result.detected} who were.",
        f"Lists: {', '.join(result.lists)}.",
        f"Model: log-linear, chosen {_CHOICE[result.criterion]}; {interactions_in_words(result.model)}.",
        f"  AIC {result.aic:.1f}, BIC {result.bic:.1f}, {result.parameters} parameters.",
    ]
    if result.alternatives:
        said = sorted([result.undetected, *(each.undetected for each in result.alternatives)])
        lines.append(
            f"Models that explain the overlaps about as well: {len(result.alternatives)}; with the chosen one they say "
            f"from {_rough(said[0])} to {_rough(said[-1])}."
        )
    if result.others:
        lines.append(f"Of the detected, {result.others} are in overlaps too small to be told one by one.")
    if result.refused:
        lines.append(f"Models that these overlaps do not determine: {result.refused}.")
    return "\n".join([*lines, "It assumes:", *(f"  - {each}" for each in ASSUMPTIONS)])


def interactions_in_words(model: Model) -> str:
    """Return which lists interact in *model*."""
    if not model:
        return "no lists interact"
    own = [f"{first} with {second}" for first, second in model if (first, second) != HIDDEN]
    common = ["all pairs without a told overlap in the same way"] if HIDDEN in model else []
    return "interactions: " + ", ".join(own + common)


def _rough(persons: float) -> str:
    """Return *persons* with two digits that count."""
    size = len(str(round(persons)))
    return str(round(persons, _DIGITS - size) if size > _DIGITS else round(persons)).removesuffix(".0")
