"""What a batch of acknowledgements comes to, each judged after those before it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from streams.delivery.ladder import Claim, Known, Ladder, Reached, Refusal, is_settled, reached, refused_rule


@dataclass(frozen=True, slots=True)
class Moved:
    """A step that a ladder reaches, and the acknowledgement that says so."""

    ladder: Ladder
    step: Reached
    claim: Claim


@dataclass(frozen=True, slots=True)
class Settled:
    """What becomes of acknowledgements."""

    moves: list[Moved] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    waiting: list[Claim] = field(default_factory=list)
    """What cannot be judged yet."""


def settle(claims: Iterable[tuple[Claim, Known]]) -> Settled:
    """Return what *claims*, each with what it is judged by, come to in their order."""
    found, moved = Settled(), dict[tuple[str, str], Ladder]()
    for claim, known in claims:
        rule = refused_rule(claim, known)
        if rule is not None:
            found.refusals.append(_refusal(claim, rule))
        elif is_settled(known) and known.ladder is not None:
            pair = (claim.recipient, claim.id)
            ladder = moved.get(pair, known.ladder)
            steps = reached(ladder, claim)
            found.moves.extend(Moved(ladder, step, claim) for step in steps)
            for step in steps:
                ladder = _after(ladder, step)
            moved[pair] = ladder
        else:
            found.waiting.append(claim)
    return found


def _after(ladder: Ladder, step: Reached) -> Ladder:
    is_delivery = step.step == "DELIVERED"
    return replace(ladder, delivered_at=step.at) if is_delivery else replace(ladder, finished_at=step.at)


def _refusal(claim: Claim, rule: str) -> Refusal:
    return Refusal(
        recipient=claim.recipient,
        acknowledgement_offset=claim.acknowledgement_offset,
        position=claim.position,
        feed_offset=claim.feed_offset,
        rule=rule,
    )
