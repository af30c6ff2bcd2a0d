"""Agreements as `control.agreements` tells them, version after version. Pure.

Rule 1: a version replaces the ones before it from its own first day on; until then they hold.
Rule 2: a withdrawal ends its version and every one before it, for good.
Rule 3: a version below the newest counts for nothing: it comes too late.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from infra.topology.agreements import Agreement

Version = tuple[str, int]
"""Id and version of an agreement."""


@dataclass(slots=True)
class AgreementBook:
    """All versions that were published and not withdrawn; it takes one record after another."""

    _held: dict[str, dict[int, Agreement]] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)
    _withdrawn: dict[str, int] = field(default_factory=dict)

    def take(self, agreement: Agreement, *, withdrawn: bool) -> None:
        """Add *agreement*, or with *withdrawn* take it and its earlier versions away."""
        own, version = self._held.setdefault(agreement.id, {}), agreement.version
        if withdrawn:
            self._withdrawn[agreement.id] = max(version, self._withdrawn.get(agreement.id, 0))
            for ended in [each for each in own if each <= version]:
                del own[ended]
        elif version >= self._newest.get(agreement.id, 0) and version > self._withdrawn.get(agreement.id, 0):
            own[version] = agreement
        else:
            return
        self._newest[agreement.id] = max(version, self._newest.get(agreement.id, 0))

    def now(self) -> tuple[Agreement, ...]:
        """Return every version that has a day left to it, with the last of these days as its end; by id and version."""
        return tuple(each for agreement_id in sorted(self._held) for each in self._of(agreement_id))

    @property
    def versions(self) -> Mapping[Version, Agreement]:
        """Return every version that was not withdrawn, as it was published."""
        return {(name, version): each for name, own in self._held.items() for version, each in own.items()}

    def newest(self, agreement_id: str) -> int:
        """Return the highest version that was ever used, 0 for none."""
        return self._newest.get(agreement_id, 0)

    def is_withdrawn(self, agreement_id: str) -> bool:
        """Whether nothing is left of an agreement that once was."""
        return agreement_id in self._newest and not self._held.get(agreement_id)

    def _of(self, agreement_id: str) -> Iterator[Agreement]:
        own = self._held[agreement_id]
        for version in sorted(own):
            each = own[version]
            ends = (later.valid_from - timedelta(days=1) for number, later in own.items() if number > version)
            last = min((each.valid_until, *ends))
            if last == each.valid_until:
                yield each
            elif last >= each.valid_from:
                yield replace(each, valid_until=last)
