"""The story of a person: found, referred, supported, protected, while justice takes its course."""

from collections.abc import Callable, Mapping

from connectors.scenario import borders, consent, identification, justice, referral, support
from connectors.scenario import steps as s
from connectors.scenario.distributions import after, branch, shares, wait
from connectors.scenario.dossier import Dossier
from connectors.scenario.story import OTHER_LANE, Event, Moment, Plan, Step

_PROSECUTED = shares("prosecuted")
_RATE = {name: branch(name) for name in (
    "application", "arrested", "assistance", "compensation", "consent_withdrawn", "corrected", "follow_up",
    "incident", "investigated", "offered_again", "permit", "reflection", "revoked", "second_report",
    "witness_protected",
)}  # fmt: skip
_WAIT = {name: wait(name) for name in (
    "answer", "application", "application_decision", "arrest", "arrest_abroad", "assistance", "case_closing",
    "closing", "compensation", "correction", "extradition", "follow_up", "incident", "investigation", "new_offer",
    "prosecution", "protection", "request", "revocation", "second_report", "surrender", "verdict", "withdrawal",
)}  # fmt: skip


class Life(Dossier):
    """A person's story, told step by step."""

    __slots__ = ()

    def plan(self) -> Plan:
        """Return when which step is told."""
        found = [*self._identification(), *self._referral()]
        if self.decision != "NOT_CONFIRMED" and self.branch[20] < _RATE["investigated"]:
            found += self._justice()
        return found

    def _identification(self) -> Plan:
        drawn, when, found = self.branch, self.wait, self.found
        told: Plan = [(found, s.IDENTIFIED)]
        if self.after_control:
            told.append((self.begins, s.CONTROLLED))
        if drawn[21] < _RATE["corrected"]:
            told.append((after(found, _WAIT["correction"], when[15]), s.CORRECTED))
        if drawn[22] < _RATE["second_report"]:
            told.append((after(found, _WAIT["second_report"], when[16]), s.IDENTIFIED_AGAIN))
        if self.decision is not None:
            told.append((self.decided, s.DECIDED))
        if self.restricted and drawn[23] < _RATE["application"]:
            applied = after(found, _WAIT["application"], when[17])
            told.append((applied, s.APPLIED))
            told.append((after(applied, _WAIT["application_decision"], when[18]), s.APPLICATION_DECIDED))
        return told

    def _referral(self) -> Plan:
        drawn, when, offered = self.branch, self.wait, self.offered
        told: Plan = [(offered, s.OFFERED)]
        if self.consented:
            told.append((self.consent_time, s.CONSENTED))
        if drawn[24] < _RATE["revoked"]:
            return [*told, (after(offered, _WAIT["revocation"], when[19]), s.REVOKED)]
        told.append((answered := after(offered, _WAIT["answer"], when[12]), s.ANSWERED))
        if self.declined:
            if drawn[25] >= _RATE["offered_again"]:
                return told
            told.append((after(answered, _WAIT["new_offer"], when[13]), s.OFFERED_AGAIN))
            told.append((self.supported, s.ANSWERED_AGAIN))
        support = self._support(self.supported)
        if self.consented and drawn[26] < _RATE["consent_withdrawn"]:
            withdrawn = after(self.supported, _WAIT["withdrawal"], when[20])
            revoked = after(withdrawn, _WAIT["revocation"], when[19])
            told += [(withdrawn, s.CONSENT_WITHDRAWN), (revoked, s.WITHDRAWN)]
            return told + [each for each in support if each[0] < withdrawn]
        return told + support

    def _support(self, accepted: Moment) -> Plan:
        drawn, when = self.branch, self.wait
        told: Plan = [(after(accepted, _WAIT["protection"], when[21]), s.SHELTER)]
        for number in range(self.services):
            begun, ended = self.service_time(number)
            told.append((begun, s.SERVICE + number))
            if not self.service_declined(number):
                told.append((ended, s.SERVICE_ENDED + number))
        if drawn[27] < _RATE["reflection"]:
            told.append((after(accepted, _WAIT["protection"], when[22]), s.REFLECTION))
        if self.foreign and drawn[28] < _RATE["permit"]:
            told.append((after(accepted, _WAIT["protection"], when[23]), s.PERMIT))
        if drawn[29] < _RATE["incident"]:
            told.append((after(accepted, _WAIT["incident"], when[24]), s.INCIDENT))
        if self.decision != "NOT_CONFIRMED" and drawn[30] < _RATE["follow_up"]:
            told.append((after(self.service_time(0)[0], _WAIT["follow_up"], when[25]), s.FOLLOWED_UP))
        last = max(at for at, _ in told)
        if self.decision == "NOT_CONFIRMED":
            last = max(last, self.decided)
        return [*told, (after(last, _WAIT["closing"], when[26]), s.CLOSED)]

    def _justice(self) -> Plan:
        drawn, when = self.draws(OTHER_LANE), self.wait
        opened = after(self.found, _WAIT["investigation"], when[27])
        told: Plan = [(opened, s.INVESTIGATED)]
        last = opened
        if self.transnational and drawn[16] < _RATE["assistance"]:
            asked = after(opened, _WAIT["request"], drawn[17])
            last = after(asked, _WAIT["assistance"], drawn[18])
            told += [(asked, s.ASSISTANCE_ASKED), (last, s.ASSISTANCE_ANSWERED)]
        present, held = self._seized(opened, told)
        if present and _PROSECUTED.pick(drawn[20]) == "YES":
            charged = after(held, _WAIT["prosecution"], when[28])
            judged = after(charged, _WAIT["verdict"], when[29])
            told += [(charged, s.PROSECUTED), (judged, s.JUDGED)]
            if drawn[21] < _RATE["witness_protected"]:
                told.append((after(charged, _WAIT["revocation"], drawn[22]), s.WITNESS_PROTECTION))
            if self.convicted and drawn[23] < _RATE["compensation"]:
                told.append((after(judged, _WAIT["compensation"], drawn[24]), s.COMPENSATION))
            held = judged
        return [*told, (after(max(last, held), _WAIT["case_closing"], when[30]), s.CASE_CLOSED)]

    def _seized(self, opened: Moment, told: Plan) -> tuple[bool, Moment]:
        """Tell of arrest and surrender; return whether the suspect is before this country's justice, and since when."""
        drawn, when = self.draws(OTHER_LANE), self.wait
        if (decision := self.surrender) is None:
            if drawn[19] >= _RATE["arrested"]:
                return False, opened
            told.append((arrested := after(opened, _WAIT["arrest"], when[31]), s.ARRESTED))
            return True, arrested
        asked = after(opened, _WAIT["request"], drawn[25])
        arrested = after(asked, _WAIT["arrest_abroad"], drawn[26])
        decided = after(arrested, _WAIT["extradition"], drawn[27])
        told += [(asked, s.SURRENDER_ASKED), (arrested, s.ARRESTED), (decided, s.SURRENDER_DECIDED)]
        if decision != "GRANTED":
            return False, decided
        told.append((surrendered := after(decided, _WAIT["surrender"], drawn[28]), s.SURRENDERED))
        return True, surrendered

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        return _TELLERS[step](self, step, at)


Teller = Callable[[Dossier, Step, Moment], tuple[str, Event]]
_TELLERS: Mapping[Step, Teller] = {
    **identification.TELLERS,
    **consent.TELLERS,
    **referral.TELLERS,
    **support.TELLERS,
    **justice.TELLERS,
    **borders.TELLERS,
}
