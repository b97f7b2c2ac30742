"""The children in need census of England: one XML file a council, one Child element a child.

Here belong the census's groups, its codes by year and how each group becomes a canonical row. Reading XML safely
belongs to `connectors.xml`. The census's own schema refuses every public example file, so it is no gate here: what is
odd is named and the rest is read.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl
from lxml import etree

from connectors import xml
from connectors.contract import Change, CodeSet, Contract
from connectors.errors import FileHeld
from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.rules import Rule, register
from connectors.social_care import canonical
from connectors.social_care.canonical import codes

register(
    Rule("cin-year-differs", "warn", "The year of the header, its reference date and the file name do not agree.",
         "Correct the header, or check that the right file was sent."),
    Rule("cin-header-missing", "warn", "The file has no header with a reference date.", "Export the header too."),
    Rule("cin-boolean-word", "repair", "The answer is true or false; the census wants 1 or 0. It was read.",
         "Send 1 or 0."),
    Rule("cin-born-and-expected", "warn", "The child has a date of birth and an expected one; both are landed.",
         "Leave the expected date out once the child is born."),
    Rule("cin-before-referral", "warn", "The date lies before the referral that it belongs to.",
         "Check both dates at the source."),
    Rule("cin-over-age", "warn", "The child is older than 25 at the reference date.", "Check the date of birth."),
    Rule("cin-reference-in-future", "warn", "The reference date has not come yet; the file speaks for the day it came.",
         "Nothing to mend in a draft; else correct the header."),
    Rule("cin-group-not-read", "warn", "The file has PreProceedings; they are not read.", "Nothing to mend."),
)
_TABLES = (
    "persons", "referrals", "assessments", "care_support_plans", "s47_enquiries", "initial_conferences",
    "registrations", "review_conferences",
)
_CLOSURE = "RC1 RC2 RC3 RC4 RC5 RC6 RC7 RC8"
_SOURCE = "1A 1B 1C 1D 2A 2B 3A 3B 3C 3D 3E 3F 4 5A 5B 5C 6 7 8 9 10"
_ABUSE = codes("CIN category of abuse", "NEG PHY SAB EMO MUL")
_ETHNICITY = codes(
    "CIN ethnicity",
    "WBRI WIRI WIRT WOTH WROM MWBC MWBA MWAS MOTH AIND APKN ABAN AOTH BCRB BAFR BOTH CHNE OOTH REFU NOBT",
)
_BASE = canonical.adapted(_TABLES, {
    "persons.ethnicity_code": {"codes": _ETHNICITY},
    "persons.upn_unknown_code": {"codes": codes("CIN UPNunknown", "UN1 UN2 UN3 UN4 UN5 UN6 UN7")},
    "referrals.source_code": {"codes": codes("CIN referral source", _SOURCE)},
    "referrals.primary_need_code": {"codes": codes("CIN primary need", "N0 N1 N2 N3 N4 N5 N6 N7 N8 N9")},
    "referrals.closure_reason_code": {"codes": codes("CIN reason for closure", _CLOSURE)},
    "registrations.category_code": {"codes": _ABUSE},
    "registrations.initial_category_code": {"codes": _ABUSE},
}, is_day_first=False)


def _recoded(since: date, table: str, column: str, code_set: CodeSet, reason: str) -> Change:
    old = canonical.column(next(found for found in _BASE if found.name == table), column)
    return Change(since, table, reason, put=(dataclasses.replace(old, codes=code_set),))


CONTRACT = Contract(
    _BASE,
    (
        _recoded(date(2021, 4, 1), "referrals", "source_code", codes("CIN referral source from 2022", f"{_SOURCE} 5D"),
                 "Census of 2022: early help (5D) is new; plan dates (CINPlanDates) and factor 24A come in."),
        _recoded(date(2022, 4, 1), "referrals", "closure_reason_code",
                 codes("CIN reason for closure from 2023", f"{_CLOSURE} RC9"), "Census of 2023: RC9 is new."),
        Change(date(2024, 4, 1), "persons", "Census of 2025: Sex (M, F, U) takes the place of GenderCurrent."),
        Change(date(2025, 4, 1), "referrals", "Census of 2026: PreProceedings come in; they are not read."),
    ),
    # A conference is a date inside another group, not a group of its own.
    record_tables=tuple(table for table in _TABLES if table != "initial_conferences"),
)
_BATCH_CHILDREN = 5_000
_SEXES = {"1": "M", "2": "F", "0": "U", "9": "X"}
_KNOWN: dict[str, frozenset[str]] = {
    name: frozenset(inner.split())
    for name, inner in {
        "Child": "ChildIdentifiers ChildCharacteristics CINdetails",
        "ChildIdentifiers": "LAchildID UPN FormerUPN UPNunknown PersonBirthDate ExpectedPersonBirthDate Sex "
                            "GenderCurrent PersonDeathDate",
        "ChildCharacteristics": "Ethnicity Disabilities",
        "Disabilities": "Disability",
        "CINdetails": "CINreferralDate ReferralSource PrimaryNeedCode CINclosureDate ReasonForClosure DateOfInitialCPC "
                      "Assessments CINPlanDates Section47 ReferralNFA ChildProtectionPlans",
        "Assessments": "AssessmentActualStartDate AssessmentInternalReviewDate AssessmentAuthorisationDate "
                       "FactorsIdentifiedAtAssessment AssessmentFactors Assessment",
        "FactorsIdentifiedAtAssessment": "AssessmentFactors",
        "CINPlanDates": "CINPlanStartDate CINPlanEndDate",
        "Section47": "S47ActualStartDate InitialCPCtarget DateOfInitialCPC ICPCnotRequired",
        "ChildProtectionPlans": "CPPstartDate CPPendDate InitialCategoryOfAbuse LatestCategoryOfAbuse "
                                "NumberOfPreviousCPP Reviews ChildProtectionPlan",
        "Reviews": "CPPreviewDate",
    }.items()
}
_STARTS = {
    "AssessmentActualStartDate": ("assessments", "started_date"),
    "CINPlanStartDate": ("care_support_plans", "started_date"),
    "S47ActualStartDate": ("s47_enquiries", "started_date"),
    "DateOfInitialCPC": ("initial_conferences", "conference_date"),
    "CPPstartDate": ("registrations", "registered_date"),
}
_OLDEST = 25
_DAY_FIRST = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})")
_NAMED_YEAR = re.compile(r"(?<!\d)(20[0-4]\d)(?!\d)")


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:  # noqa: ARG001  a parser's shape
    """Read one census file.

    Args:
        file: The XML file.
        context: Not needed: the header says the date.

    Yields:
        Batches of canonical tables.

    Raises:
        FileHeld: The XML is broken, has a DOCTYPE, or is another collection.
    """
    batch = _Batch()
    header: Parsed | None = None
    count = 0
    for record in xml.records(file, "persons", batch.findings, roots=("Message",), names=("Header", "Child")):
        if record.name == "Header":
            header = _header(record.element, file)
            batch.reference = header.as_at
            yield header
            continue
        _child(record, batch)
        count += 1
        if count % _BATCH_CHILDREN == 0:
            yield batch.taken()
    yield batch.taken()
    if header is None:
        yield Parsed(findings=[Finding("cin-header-missing", "persons", 1)])
    if not count:
        yield Parsed(findings=[Finding("file-no-rows", "persons")])


@dataclass
class _Batch:
    """Rows and findings gathered since the last batch was handed over."""

    rows: dict[str, list[dict[str, str | int | None]]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    places: set[tuple[str, str]] = field(default_factory=set)
    reference: date | None = None

    def add(self, table: str, element: etree._Element, **values: str | None) -> None:
        """Add one row, on the line of its element."""
        self.rows.setdefault(table, []).append({**values, "row_number": xml.line(element)})

    def find(self, rule_id: str, table: str, element: etree._Element, column: str, value: str | None = None) -> None:
        """Add one finding, on the line of its element."""
        self.findings.append(Finding(rule_id, table, xml.line(element), column, value))

    def taken(self) -> Parsed:
        """Hand over what was gathered, and start again."""
        tables = {}
        for name, rows in self.rows.items():
            schema = {key: pl.Int64 if key == "row_number" else pl.String for key in rows[0]}
            tables[name] = pl.DataFrame({key: [row[key] for row in rows] for key in schema}, schema=schema)
        part = Parsed(tables, list(self.findings))
        self.rows.clear()
        # The reader of the XML appends to this very list.
        self.findings.clear()
        return part


def _header(header: etree._Element, file: SourceFile) -> Parsed:
    """What the header says: collection, year, reference date."""
    details = xml.child(header, "CollectionDetails")
    collection = xml.text(details, "Collection")
    if collection and collection.upper() != "CIN":
        raise FileHeld("file-not-this-format", f"line {xml.line(header)}: the collection is not CIN")
    year = _year(xml.text(details, "Year"))
    reference = _date(xml.text(details, "ReferenceDate"))
    if reference is None and year:
        reference = date(year, 3, 31)
    findings = []
    if reference is None:
        findings.append(Finding("cin-header-missing", "persons", xml.line(header), "ReferenceDate"))
    if year and reference and year != reference.year:
        findings.append(Finding("cin-year-differs", "persons", xml.line(header), "ReferenceDate"))
    named = set(_NAMED_YEAR.findall(file.name))
    if year and len(named) == 1 and str(year) not in named:
        findings.append(Finding("cin-year-differs", "persons", xml.line(header), "file name"))
    today = datetime.now(UTC).date()
    if reference and reference > today:
        findings.append(Finding("cin-reference-in-future", "persons", xml.line(header), "ReferenceDate"))
        reference = None
    end = date(year, 3, 31) if year else None
    period = (date(year - 1, 4, 1), end) if year and end else None
    return Parsed(findings=findings, as_at=reference, period=period, schema_version=f"CIN {year}" if year else None)


def _year(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"20\d\d", text) else None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None


def _child(record: xml.Record, batch: _Batch) -> None:
    element = record.element
    _name_unknown(element, batch)
    identifiers = xml.child(element, "ChildIdentifiers")
    who = xml.fields(identifiers)
    child = who.get("LAchildID")
    if child is None:
        # Without its number nothing of the child can be placed: the whole element goes to quarantine as one record.
        batch.findings.append(
            Finding("value-missing", "persons", record.line, "source_person_id", raw=xml.raw(element))
        )
        return
    characteristics = xml.child(element, "ChildCharacteristics")
    born, expected = who.get("PersonBirthDate"), who.get("ExpectedPersonBirthDate")
    if born and expected and identifiers is not None:
        batch.find("cin-born-and-expected", "persons", identifiers, "expected_birth_date")
    day = _date(born)
    if day and batch.reference and batch.reference.year - day.year > _OLDEST:
        batch.find("cin-over-age", "persons", element, "birth_date", born)
    ethnicity = xml.text(characteristics, "Ethnicity")
    sex = who.get("Sex") or who.get("GenderCurrent")
    batch.add(
        "persons", element,
        source_person_id=child,
        birth_date=born,
        expected_birth_date=expected,
        is_unborn="true" if expected and not born else "false",
        death_date=who.get("PersonDeathDate"),
        sex=_SEXES.get(sex or "", sex and sex.upper()),
        ethnicity_code=ethnicity,
        ethnicity_code_system="dfe" if ethnicity else None,
        upn=who.get("UPN"),
        former_upn=who.get("FormerUPN"),
        upn_unknown_code=who.get("UPNunknown"),
        disability_codes=_joined(characteristics, "Disability"),
    )
    for details in xml.children(element, "CINdetails"):
        _details(child, details, batch)


def _details(child: str, details: etree._Element, batch: _Batch) -> None:
    """One referral and all that came of it."""
    values = xml.fields(details)
    referred = values.get("CINreferralDate")
    referral_id = _id(child, referred)
    batch.add(
        "referrals", details,
        referral_id=referral_id,
        source_person_id=child,
        referral_date=referred,
        source_code=values.get("ReferralSource"),
        is_no_further_action=_flag(values.get("ReferralNFA"), "referrals", "is_no_further_action", details, batch),
        primary_need_code=values.get("PrimaryNeedCode"),
        closed_date=values.get("CINclosureDate"),
        closure_reason_code=values.get("ReasonForClosure"),
    )
    for group in _groups(details, "Assessments", "Assessment"):
        assessment = xml.fields(group)
        started = assessment.get("AssessmentActualStartDate")
        batch.add(
            "assessments", group,
            assessment_id=_id(child, referred, started or assessment.get("AssessmentAuthorisationDate")),
            source_person_id=child,
            referral_id=referral_id,
            started_date=started,
            completed_date=assessment.get("AssessmentAuthorisationDate"),
            internal_review_date=assessment.get("AssessmentInternalReviewDate"),
            # Until 2013 the codes stood in FactorsIdentifiedAtAssessment itself.
            factors=_joined(group, "AssessmentFactors", "FactorsIdentifiedAtAssessment"),
        )
    for group in xml.children(details, "CINPlanDates"):
        plan = xml.fields(group)
        batch.add(
            "care_support_plans", group,
            care_support_plan_id=_id(child, referred, plan.get("CINPlanStartDate")),
            source_person_id=child,
            referral_id=referral_id,
            started_date=plan.get("CINPlanStartDate"),
            ended_date=plan.get("CINPlanEndDate"),
        )
    conferences = _enquiries(child, referral_id, details, batch)
    _plans(child, conferences, details, batch)
    _name_early(referred, details, batch)


def _enquiries(child: str, referral_id: str, details: etree._Element, batch: _Batch) -> set[str]:
    """Section 47 enquiries and initial conferences; the days on which a conference was held."""
    days: set[str] = set()
    for group in xml.children(details, "Section47"):
        values = xml.fields(group)
        s47_id = _id(referral_id, values.get("S47ActualStartDate"))
        batch.add(
            "s47_enquiries", group,
            s47_id=s47_id,
            source_person_id=child,
            referral_id=referral_id,
            started_date=values.get("S47ActualStartDate"),
            conference_not_required=_flag(
                values.get("ICPCnotRequired"), "s47_enquiries", "conference_not_required", group, batch
            ),
            conference_target_date=values.get("InitialCPCtarget"),
        )
        _conference(child, s47_id, group, days, batch)
    # The same conference may stand beside the enquiry as well: it is landed once, with its enquiry.
    _conference(child, None, details, days, batch)
    return days


def _conference(child: str, s47_id: str | None, group: etree._Element, days: set[str], batch: _Batch) -> None:
    held = xml.child(group, "DateOfInitialCPC")
    day = xml.text(group, "DateOfInitialCPC")
    if held is None or day is None or day in days:
        return
    days.add(day)
    batch.add(
        "initial_conferences", held,
        conference_id=_id(child, day),
        source_person_id=child,
        s47_id=s47_id,
        conference_date=day,
        conference_type="initial",
    )


def _plans(child: str, conferences: set[str], details: etree._Element, batch: _Batch) -> None:
    for group in _groups(details, "ChildProtectionPlans", "ChildProtectionPlan"):
        values = xml.fields(group)
        started = values.get("CPPstartDate")
        registration_id = _id(child, started)
        batch.add(
            "registrations", group,
            registration_id=registration_id,
            source_person_id=child,
            registered_date=started,
            deregistered_date=values.get("CPPendDate"),
            category_code=values.get("LatestCategoryOfAbuse"),
            initial_category_code=values.get("InitialCategoryOfAbuse"),
            # A plan starts on the day of the conference that decided it.
            conference_id=_id(child, started) if started in conferences else None,
            previous_registrations=values.get("NumberOfPreviousCPP"),
        )
        for review in group.iter("{*}CPPreviewDate"):
            day = (review.text or "").strip() or None
            batch.add(
                "review_conferences", review,
                review_conference_id=_id(child, started, day),
                registration_id=registration_id,
                source_person_id=child,
                review_date=day,
            )


def _name_early(referred: str | None, details: etree._Element, batch: _Batch) -> None:
    """Report what started before its referral."""
    referral = _date(referred)
    for name, (table, column) in _STARTS.items():
        for element in details.iter(f"{{*}}{name}") if referral else ():
            day = _date((element.text or "").strip())
            if day and referral and day < referral:
                batch.find("cin-before-referral", table, element, column, element.text)


def _groups(details: etree._Element, name: str, inner: str) -> list[etree._Element]:
    """The groups of a name, each standing alone or several in one container."""
    return [group for outer in xml.children(details, name) for group in xml.children(outer, inner) or [outer]]


def _joined(element: etree._Element | None, *names: str) -> str | None:
    """All codes below an element in elements of these names, each once, comma separated."""
    if element is None:
        return None
    found = (leaf.text or "" for name in names for leaf in element.iter(f"{{*}}{name}") if not len(leaf))
    return ",".join(dict.fromkeys(code.strip() for code in found if code.strip())) or None


def _flag(text: str | None, table: str, column: str, element: etree._Element, batch: _Batch) -> str | None:
    if text and text.lower() in ("true", "false"):
        batch.find("cin-boolean-word", table, element, column, text)
    return text


def _id(*parts: str | None) -> str:
    """A row id from the child and the natural dates, so that a resend gives the same however it writes them."""
    child, *days = parts
    return "|".join([child or "", *(_written(day) for day in days)])


def _written(day: str | None) -> str:
    if day and (match := _DAY_FIRST.match(day)):
        return f"{match[3]}-{match[2]:>02}-{match[1]:>02}"
    return (day or "").split("T")[0]


def _name_unknown(child: etree._Element, batch: _Batch) -> None:
    """Report elements that the census does not have, once a file for each place they stand in."""
    for inner in child.iterdescendants():
        group = inner.getparent()
        place = (group.tag, inner.tag)
        if place in batch.places:
            continue
        batch.places.add(place)
        name, outer = xml.local_name(inner), xml.local_name(group)
        if name == "PreProceedings":
            batch.find("cin-group-not-read", "referrals", inner, name)
        elif outer in _KNOWN and name not in _KNOWN[outer]:
            batch.find("column-unknown", "persons", inner, f"an element of {outer}")


FEED = Feed(
    agency="social_care",
    name="cin_census",
    title="Children in need census (England)",
    contract=CONTRACT,
    parse=parse,
    mode="full",
)
