"""Every projection of the hub."""

from projections.cross_border import CROSS_BORDER
from projections.national_cases import NATIONAL_CASES
from projections.pipeline import PIPELINE
from projections.projection import Projection
from projections.released import RELEASED
from projections.returned_figures import RETURNED_FIGURES
from schemas.errors import MisuseError

PROJECTIONS = (CROSS_BORDER, NATIONAL_CASES, PIPELINE, RELEASED, RETURNED_FIGURES)


class UnknownProjectionError(MisuseError):
    """No projection has this name."""

    code = "unknown-projection"


def projection(name: str) -> Projection:
    """Return the projection *name*; raise UnknownProjectionError when there is none."""
    found = next((each for each in PROJECTIONS if each.name == name), None)
    if found is None:
        raise UnknownProjectionError(f"no such projection; there are: {', '.join(each.name for each in PROJECTIONS)}")
    return found
