"""Mappings by name or path: read, checked against the contracts with all problems at once, and fingerprinted."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from connectors.importing.check import problems_of
from connectors.importing.headers import nearest
from connectors.importing.spec import Plain, Spec
from connectors.importing.walking import columns_of
from schemas.errors import MisuseError

SUFFIX = ".toml"


class BadMappingError(MisuseError):
    """A mapping cannot be used; the text lists all that is wrong with it."""

    code = "bad-mapping"

    def __init__(self, name: str, problems: list[str]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{name}: {len(problems)} problem(s){lines}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMapping:
    """A mapping that fits the contracts."""

    name: str
    spec: Spec = field(repr=False)
    digest: str
    """SHA-256 of its text."""
    text: str = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it maps or ignores."""
        return columns_of(self.spec)


def shipped() -> tuple[str, ...]:
    """Return the names of the mappings that come with the hub, sorted."""
    entries = (entry.name for entry in (files("connectors") / "importing" / "mappings").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in entries if name.endswith(SUFFIX)))


def load(name: str) -> LoadedMapping:
    """Return the mapping that comes with the hub under *name*, or that is written in the file *name*.

    Raises BadMappingError with all its problems, MisuseError when there is none.
    """
    path = Path(name)
    if name in shipped():
        text = (files("connectors") / "importing" / "mappings" / f"{name}{SUFFIX}").read_text(encoding="utf-8")
    elif name.endswith(SUFFIX) or path.is_file():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise MisuseError(
                "the file of the mapping cannot be read: is the path right, and is it TOML in UTF-8?"
            ) from None
    else:
        like = nearest(name, shipped())
        raise MisuseError(
            f"no such mapping{f', is it `{like}`?' if like else ''}; there are: {', '.join(shipped())}. "
            "Give the path of a file that ends in .toml for one of your own (`hub mapping new` proposes one)"
        )
    return read(path.stem if name.endswith(SUFFIX) else name, text)


def read(name: str, text: str) -> LoadedMapping:
    """Return the mapping that *text* (TOML) writes down; raise BadMappingError with all its problems."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadMappingError(name, [f"not TOML: {error}"]) from None
    try:
        spec = Spec.model_validate(content)
    except ValidationError as error:
        raise BadMappingError(name, [_of_form(each["loc"], each["msg"]) for each in error.errors()]) from None
    if problems := problems_of(spec):
        raise BadMappingError(name, problems)
    return LoadedMapping(name=name, spec=spec, digest=hashlib.sha256(text.encode()).hexdigest(), text=text)


def parameters_for(spec: Spec, given: Mapping[str, str]) -> dict[str, Plain]:
    """Return the value of each parameter of *spec*; raise MisuseError for one that is missing or unknown."""
    unknown = sorted(given.keys() - spec.parameters.keys())
    if unknown:
        names = ", ".join(spec.parameters) or "none"
        raise MisuseError(f"the mapping has no parameter `{unknown[0]}`; it has: {names}")
    missing = [name for name, form in spec.parameters.items() if form.default is None and name not in given]
    if missing:
        asked = "; ".join(f"`--set {name}=…` ({spec.parameters[name].doc})" for name in missing)
        raise MisuseError(f"say what the file does not: {asked}")
    defaults = {name: form.default for name, form in spec.parameters.items() if form.default is not None}
    return {**defaults, **given}


def _of_form(place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join(map(str, place))}: {message}"
