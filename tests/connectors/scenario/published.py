"""The shares of `distributions.toml`, computed again from the published files that they cite."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path

WHOLE = 10_000
Row = Mapping[str, str]
Counts = Mapping[str, float]

GLOTIP = "data/unodc_glotip_2025/data_glotip_2025-04-14.csv"
CTDC = "data/ctdc_kanon_2021/ctdc_global_k_anonymized_2021-07-15.csv"
RELATIONS = "data/ctdc_victim_perpetrator_synth_2022/CTDC_VPsynthetic_condensed.csv"
CASES = "data/unodc_caselaw_us_coded/unodc_cldb_us_cases_coded.csv"
INSPECTIONS = "data/us_whd_inspection/whd_findings_by_industry_state.csv"
DEBARMENTS = "data/us_whd_inspection/h2_debarments_2010-2014_no_names.csv"

GROUPS = {
    ("Female", "18 years or over"): "WOMAN",
    ("Male", "18 years or over"): "MAN",
    ("Female", "0 to 17 years"): "GIRL",
    ("Male", "0 to 17 years"): "BOY",
}
AGES = {"0--8": "0-8", "9--17": "9-17"} | {
    band: band.replace("--", "-") for band in ("18--20", "21--23", "24--26", "27--29", "30--38", "39--47", "48+")
}
BALKAN = ("ALB", "BGR", "BIH", "MKD", "SRB", "TUR")
ALPHA3 = {
    "AL": "ALB", "BA": "BIH", "BG": "BGR", "FR": "FRA", "MD": "MDA", "MK": "MKD", "RO": "ROU", "RS": "SRB",
    "SE": "SWE", "TR": "TUR", "UA": "UKR",
}  # fmt: skip
MEANS = {
    "DEBT_BONDAGE": "DebtBondage",
    "TAKES_EARNINGS": "TakesEarnings",
    "RESTRICTS_FINANCE": "RestrictsFinancialAccess",
    "THREATS": "Threats",
    "PSYCHOLOGICAL_ABUSE": "PsychologicalAbuse",
    "PHYSICAL_ABUSE": "PhysicalAbuse",
    "SEXUAL_ABUSE": "SexualAbuse",
    "FALSE_PROMISES": "FalsePromises",
    "PSYCHOACTIVE": "PsychoactiveSubstances",
    "RESTRICTS_MOVEMENT": "RestrictsMovement",
    "RESTRICTS_MEDICAL": "RestrictsMedicalCare",
    "EXCESSIVE_HOURS": "ExcessiveWorkingHours",
    "THREAT_LAW_ENFORCEMENT": "ThreatOfLawEnforcement",
    "WITHHOLDS_NECESSITIES": "WithholdsNecessities",
    "WITHHOLDS_DOCUMENTS": "WithholdsDocuments",
}
LABOUR = {
    "AGRICULTURE": "Agriculture",
    "BEGGING": "Begging",
    "CONSTRUCTION": "Construction",
    "DOMESTIC_WORK": "DomesticWork",
    "FISHING": "Aquafarming",
    "HOSPITALITY": "Hospitality",
    "MANUFACTURING": "Manufacturing",
    "PEDDLING": "Peddling",
    "TRANSPORT_COURIER": "Transportation",
}


@cache
def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        return list(csv.DictReader(file))


def shares(counts: Counts) -> dict[str, int]:
    """Return *counts* as shares of 10,000 that add up, by largest remainder."""
    total = sum(counts.values())
    exact = {name: count * WHOLE / total for name, count in counts.items()}
    found = {name: int(share) for name, share in exact.items()}
    missing = WHOLE - sum(found.values())
    for name in sorted(exact, key=lambda name: (int(exact[name]) - exact[name], name))[:missing]:
        found[name] += 1
    return found


def rates(counts: Counts, total: float) -> dict[str, int]:
    """Return each of *counts* as a share of *total*, of 10,000; they need not add up."""
    return {name: round(count * WHOLE / total) for name, count in counts.items()}


def _glotip(data: Path, indicator: str, dimension: str, countries: Iterable[str] | None) -> Iterable[tuple[Row, float]]:
    """Yield the rows with their exact figures; those published as "<5" are left out."""
    wanted = None if countries is None else set(countries)
    for row in _rows(data / GLOTIP):
        if (row["Indicator"], row["Dimension"]) != (indicator, dimension) or row["txtVALUE"].startswith("<"):
            continue
        if wanted is None or row["Iso3_code"] in wanted:
            yield row, float(row["txtVALUE"].replace(",", ""))


def _victims(data: Path, country: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row, value in _glotip(data, "Detected trafficking victims", "Total", [country]):
        if group := GROUPS.get((row["Sex"], row["Age"])):
            counts[group] += int(value)
    return shares(counts)


def _forms(data: Path, country: str) -> dict[str, int]:
    codes = {"Sexual exploitation": "SEXUAL", "Forced labour": "FORCED_LABOUR", "Other forms of exploitation": "OTHER"}
    counts: Counter[str] = Counter()
    for row, value in _glotip(data, "Detected trafficking victims", "by form of exploitation", [country]):
        if (row["Sex"], row["Age"]) == ("Total", "Total"):
            counts[codes[row["Category"]]] += int(value)
    return shares(counts)


def _nationals_of_serbia(data: Path) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row, value in _glotip(data, "Detected trafficking victims", "by citizenship", ["SRB"]):
        counts["YES" if row["Category"] in ("Serbia", "Nationals") else "NO"] += int(value)
    return shares(counts)


def _persons(data: Path, indicator: str, countries: Iterable[str] | None = None) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row, value in _glotip(data, indicator, "Total", countries):
        if row["Age"] == "Total":
            counts[row["Sex"]] += int(value)
    return counts


def _of_whom(data: Path, few: str, many: str, countries: Iterable[str]) -> dict[str, int]:
    """Return how many of *many* persons became *few*, over the country-years that tell both figures exactly."""
    by_stage: list[dict[tuple[str, str], int]] = []
    for stage in (few, many):
        rows = _glotip(data, f"Persons {stage}", "Total", countries)
        by_stage.append(
            {
                (row["Iso3_code"], row["Year"]): int(value)
                for row, value in rows
                if (row["Sex"], row["Age"]) == ("Total", "Total")
            }
        )
    both = by_stage[0].keys() & by_stage[1].keys()
    reached, of = (sum(stage[each] for each in both) for stage in by_stage)
    return shares({"YES": reached, "NO": of - reached})


def _suspects(data: Path) -> dict[str, int]:
    counts = _persons(data, "Persons prosecuted")
    return shares({"MAN": counts["Male"], "WOMAN": counts["Female"]})


def _corridor(data: Path, countries: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in _rows(data / CTDC):
        citizenship, country = ALPHA3.get(row["citizenship"]), ALPHA3.get(row["CountryOfExploitation"])
        if citizenship and country in countries and citizenship != country:
            counts[citizenship] += 1
    return counts


def _nationals_of_bulgaria(data: Path) -> dict[str, int]:
    told = [row for row in _rows(data / CTDC) if row["CountryOfExploitation"] == "BG" and row["citizenship"]]
    own = sum(row["citizenship"] == "BG" for row in told)
    return shares({"YES": own, "NO": len(told) - own})


def _exploited_in(data: Path) -> dict[str, int]:
    rows = (row["CountryOfExploitation"] for row in _rows(data / CTDC) if row["citizenship"] == "BG")
    return shares(Counter(ALPHA3[country] for country in rows if country))


def _ages(data: Path, majority: str) -> dict[str, int]:
    rows = (row["ageBroad"] for row in _rows(data / CTDC) if row["majorityStatus"] == majority)
    return shares(Counter(AGES[age] for age in rows if age))


def _told(data: Path, columns: Mapping[str, str]) -> Counter[str]:
    """Count the ones of CTDC in *columns* (code to column)."""
    rows = _rows(data / CTDC)
    return Counter({code: sum(row[column] == "1" for row in rows) for code, column in columns.items()})


def _means_of_control(data: Path) -> dict[str, int]:
    columns = {code: f"meansOfControl{name}" for code, name in MEANS.items()}
    every = [*columns.values(), "meansOfControlOther", "meansOfControlUsesChildren"]
    told = sum(any(row[column] in ("0", "1") for column in every) for row in _rows(data / CTDC))
    return rates(_told(data, columns), told)


def _relations(data: Path) -> dict[str, int]:
    names = {"INTIMATE_PARTNER": "IntimatePartner", "FRIEND": "Friend", "FAMILY": "Family", "OTHER": "Other"}
    return shares(_told(data, {code: f"recruiterRelation{name}" for code, name in names.items()}))


def _perpetrator_roles(data: Path) -> dict[str, int]:
    columns = {
        "EXPLOITER": "IP_Exploiter", "RECRUITER": "IP_RecruiterBroker", "TRANSFEROR": "IP_TransactionProcess",
        "CONTROLLER": "IP_ControlAbuseKidnap",
    }  # fmt: skip
    rows = _rows(data / RELATIONS)
    return rates({code: sum(row[name] == "1" for row in rows) for code, name in columns.items()}, len(rows))


def _paid(data: Path) -> dict[str, int]:
    told = [row["IP_PayMoney"] for row in _rows(data / RELATIONS) if row["IP_PayMoney"] in ("Yes", "No")]
    return shares(Counter(answer.upper() for answer in told))


def _in_cases(data: Path, column: str, words: Mapping[str, str]) -> dict[str, int]:
    """Return in how many coded cases *column* names each of *words* (code to a word of the coding)."""
    told = [row[column] for row in _rows(data / CASES) if row[column].strip() not in ("", "NA")]
    return rates({code: sum(word in text for text in told) for code, word in words.items()}, len(told))


def _scope(data: Path) -> dict[str, int]:
    texts = [row["FormOfTrafficking"] for row in _rows(data / CASES)]
    return shares({code.upper(): sum(code in text for text in texts) for code in ("Internal", "Transnational")})


def _deciles(data: Path, column: str, per: str | None = None) -> list[int]:
    values = sorted(
        float(row[column] or 0) / (float(row[per]) if per else 1)
        for row in _rows(data / INSPECTIONS)
        if per is None or float(row[per]) > 0
    )
    return [round(values[len(values) * part // 20]) for part in range(1, 20, 2)]


def _debarments(data: Path) -> dict[str, int]:
    ended = [row for row in _rows(data / DEBARMENTS) if row["Start Date"] and row["End Date"]]
    days = [(date.fromisoformat(row["End Date"]) - date.fromisoformat(row["Start Date"])).days for row in ended]
    return shares(Counter(str(12 * round(count / 365)) for count in days))


COMPUTED: Mapping[str, Callable[[Path], object]] = {
    "victims.SRB": lambda data: _victims(data, "SRB"),
    "victims.BGR": lambda data: _victims(data, "BGR"),
    "forms.SRB": lambda data: _forms(data, "SRB"),
    "forms.BGR": lambda data: _forms(data, "BGR"),
    "nationals.SRB": _nationals_of_serbia,
    "nationals.BGR": _nationals_of_bulgaria,
    "corridors.SRB": lambda data: shares(_corridor(data, ["SRB"])),
    "corridors.BGR": lambda data: shares(_corridor(data, BALKAN)),
    "exploited_in.BGR": _exploited_in,
    "ages.minor": lambda data: _ages(data, "Minor"),
    "ages.adult": lambda data: _ages(data, "Adult"),
    "other_forms": lambda data: shares(
        _told(
            data,
            {
                "FORCED_BEGGING": "typeOfLabourBegging",
                "FORCED_CRIMINALITY": "typeOfLabourIllicitActivities",
                "FORCED_MARRIAGE": "isForcedMarriage",
                "SLAVERY_LIKE": "isSlaveryAndPractices",
            },
        )
    ),
    "sexual_forms": lambda data: shares(
        _told(
            data,
            {
                "PROSTITUTION": "typeOfSexProstitution",
                "PORNOGRAPHY": "typeOfSexPornography",
                "PRIVATE_SERVICES": "typeOfSexPrivateSexualServices",
                "REMOTE_INTERACTIVE": "typeOfSexRemoteInteractiveServices",
            },
        )
    ),
    "labour_sectors": lambda data: shares(_told(data, {code: f"typeOfLabour{name}" for code, name in LABOUR.items()})),
    "means_of_control": _means_of_control,
    "recruiter_relations": _relations,
    "perpetrator_roles": _perpetrator_roles,
    "paid_recruiter": _paid,
    "acts": lambda data: _in_cases(
        data,
        "ActsInvolved",
        {"RECRUITMENT": "Recruit", "TRANSPORTATION": "Transport", "TRANSFER": "Transfer", "HARBOURING": "Harbour"},
    ),
    "means": lambda data: _in_cases(
        data,
        "MeansUsed",
        {
            "FORCE": "force",
            "ABUSE_OF_VULNERABILITY": "vulnerability",
            "DECEPTION": "Deception",
            "FRAUD": "Fraud",
        },
    ),
    "scope": _scope,
    "suspects": _suspects,
    "prosecuted": lambda data: _of_whom(data, "prosecuted", "brought into formal contact", ["SRB"]),
    "convicted": lambda data: _of_whom(data, "convicted", "prosecuted", ["SRB", "BGR"]),
    "workers_affected": lambda data: _deciles(data, "ee_violtd_cnt"),
    "violations": lambda data: _deciles(data, "case_violtn_cnt"),
    "back_wages": lambda data: _deciles(data, "bw_atp_amt", "ee_violtd_cnt"),
    "debarment_months": _debarments,
}
"""How each table that is not an assumption is computed, from the folder with the real files."""
