"""The canonical landing tables of social care, declared once for every council and every case system.

Here belong the tables, their columns and the codes that are ours. How a source is read, and the codes of a national
return, belong to its adapter. English terms (child protection plan, CLA) are translated by the adapters: a
registration is an English child protection plan, a looked-after child is an English CLA or LAC.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from connectors.contract import CodeSet, Column, Table


def codes(name: str, values: str) -> CodeSet:
    """A code set from a blank-separated list; an unfamiliar code is reported and landed."""
    return CodeSet(name, frozenset(values.split()))


SEXES = codes("sex", "M F U X")
NAME_TYPES = codes("name type", "legal former alias preferred")
ADDRESS_TYPES = codes("address type", "home placement parent other")
CONTACT_ROUTES = codes("contact route", "mash early_help advice other")
VISIT_TYPES = codes("visit type", "referral register looked_after other")
CONFERENCE_TYPES = codes("conference type", "initial transfer_in pre_birth")
ASSESSMENT_KINDS = codes("health assessment kind", "initial review dental other")
ASSESSMENT_STATUSES = codes("health assessment status", "completed refused not_brought booked cancelled")
ASSESSOR_ROLES = codes("assessor role", "doctor nurse dentist other")
MISSING_CATEGORIES = codes("missing category", "missing absent")


def _id(name: str, meaning: str) -> Column:
    return Column(name, required=True, key=True, meaning=meaning)


def _text(name: str, meaning: str, **options: Any) -> Column:
    return Column(name, meaning=meaning, **options)


def _day(name: str, meaning: str, **options: Any) -> Column:
    return Column(name, "date", meaning=meaning, **options)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "boolean", meaning=meaning)


def _count(name: str, meaning: str) -> Column:
    return Column(name, "integer", meaning=meaning)


_CHILD = Column("source_person_id", required=True, meaning="The child's number in the council's system.")
_CHILD_KEY = dataclasses.replace(_CHILD, key=True)
_STARTED = _day("started_date", "First day.", required=True)
_ENDED = _day("ended_date", "Last day; empty while it goes on.")
_SPELL = (("started_date", "ended_date"),)

TABLES: tuple[Table, ...] = (
    Table("persons", (
        _CHILD_KEY,
        _text("forename", "First given name."),
        _text("middle_names", "Other given names."),
        _text("surname", "Family name."),
        _text("preferred_name", "Name the child goes by."),
        _day("birth_date", "Date of birth.", future="clear"),
        _day("expected_birth_date", "Expected date of birth of an unborn child.", future="allow"),
        _flag("is_unborn", "Whether the child is not born yet."),
        _day("death_date", "Date of death."),
        _text("sex", "M male, F female, U unknown or unborn, X indeterminate.", codes=SEXES),
        _text("ethnicity_code", "Ethnicity, as coded in `ethnicity_code_system`."),
        _text("ethnicity_code_system", "List the ethnicity code is from: dfe, ons, wales_fhir, police_16_1 ..."),
        _text("nhs_number", "NHS number.", identifier="nhs_number"),
        _text("upn", "Unique pupil number.", identifier="upn"),
        _text("former_upn", "Pupil number before a change; never used to link an adopted child.", identifier="upn"),
        _text("preferred_language", "cy, en or another language code."),
        _text("family_group_id", "Group of siblings or household known to the council."),
        _flag("is_sealed", "Adopted or protected: no link to the earlier identity."),
        _text("mother_source_person_id", "The mother's number in the same system."),
        # Beyond the landing specification, so that nothing a return says is dropped.
        _text("upn_unknown_code", "Why there is no pupil number: UN1 to UN10 of the returns."),
        _text("disability_codes", "Disabilities, comma separated, as the census codes them."),
        _flag("is_mother", "Whether the child is herself a mother."),
        _day("own_child_birth_date", "Date of birth of the child's own child."),
    ), (("birth_date", "death_date"),), "One row per child known to the council."),
    Table("identifiers", (
        _CHILD_KEY,
        _id("identifier_type", "nhs_number, upn, former_upn, legacy_id or another kind."),
        _id("identifier_value", "The identifier."),
        _day("valid_from", "First day it was used."),
        _day("valid_to", "Last day it was used.", future="allow"),
    ), (("valid_from", "valid_to"),), "One row per further identifier of a child."),
    Table("names", (
        _CHILD_KEY,
        Column("name_type", required=True, key=True, codes=NAME_TYPES, meaning="legal, former, alias or preferred."),
        _text("forename", "First given name."),
        _text("middle_names", "Other given names."),
        _id("surname", "Family name."),
        _day("valid_from", "First day it was used."),
        _day("valid_to", "Last day it was used.", future="allow"),
    ), (("valid_from", "valid_to"),), "One row per further name of a child."),
    Table("addresses", (
        _CHILD_KEY,
        Column("address_type", required=True, key=True, codes=ADDRESS_TYPES,
               meaning="home, placement, parent or other."),
        _text("address_line", "Address without town and postcode."),
        _text("town", "Town."),
        _text("postcode", "Postcode.", key=True),
        _day("valid_from", "First day at the address.", key=True),
        _day("valid_to", "Last day at the address.", future="allow"),
        _flag("is_confidential", "Whether the address must not be shown."),
    ), (("valid_from", "valid_to"),), "One row per address of a child and its first day."),
    Table("contacts", (
        _id("contact_id", "Number of the contact."),
        _CHILD,
        _day("contact_date", "Day the contact came in.", required=True),
        _text("source_code", "Who made contact."),
        _text("route", "mash, early_help, advice or other.", codes=CONTACT_ROUTES),
        _text("outcome_code", "What was decided."),
        _day("decision_date", "Day of the decision."),
    ), (("contact_date", "decision_date"),), "One row per contact about a child."),
    Table("referrals", (
        _id("referral_id", "Number of the referral (Wales: report)."),
        _CHILD,
        _day("referral_date", "Day the referral was received.", required=True),
        _text("source_code", "Who referred."),
        _day("decision_date", "Day of the decision what to do."),
        _text("decision_code", "What was decided."),
        _flag("is_no_further_action", "Whether the referral ended without further action."),
        _text("primary_need_code", "Main reason for need."),
        _day("closed_date", "Day the case was closed."),
        _text("closure_reason_code", "Why it was closed."),
    ), (("referral_date", "decision_date"), ("referral_date", "closed_date")), "One row per referral of a child."),
    Table("assessments", (
        _id("assessment_id", "Number of the assessment."),
        _CHILD,
        _text("referral_id", "Referral that led to it."),
        _day("started_date", "Day it started."),
        _day("completed_date", "Day it was authorised."),
        _text("factors", "Factors found, comma separated codes."),
        _day("internal_review_date", "Day agreed for the manager's review."),
    ), (("started_date", "completed_date"),), "One row per assessment of a child."),
    Table("visits", (
        _id("visit_id", "Number of the visit."),
        _CHILD,
        _day("visit_date", "Day of the visit.", required=True),
        _text("visit_type", "referral, register, looked_after or other.", required=True, codes=VISIT_TYPES),
        _flag("was_seen", "Whether the child was seen."),
        _flag("seen_alone", "Whether the child was seen alone."),
        _flag("seen_at_home", "Whether the child was seen at home."),
        _flag("bedroom_seen", "Whether the bedroom was seen."),
    ), (), "One row per statutory visit to a child."),
    Table("s47_enquiries", (
        _id("s47_id", "Number of the enquiry under section 47."),
        _CHILD,
        _text("referral_id", "Referral that led to it."),
        _day("strategy_discussion_date", "Day of the LAST strategy discussion: the Welsh clock starts here."),
        _day("started_date", "Day the enquiry started."),
        _day("completed_date", "Day it ended."),
        _text("outcome_code", "What was found."),
        _flag("conference_not_required", "Whether it was decided that no conference is needed."),
        _day("conference_target_date", "Day by which the initial conference is due, by the source.", future="allow"),
    ), (("started_date", "completed_date"),), "One row per section 47 enquiry about a child."),
    Table("initial_conferences", (
        _id("conference_id", "Number of the conference."),
        _CHILD_KEY,
        _text("s47_id", "Enquiry that led to it."),
        _day("conference_date", "Day it was held.", required=True),
        _text("conference_type", "initial, transfer_in or pre_birth.", codes=CONFERENCE_TYPES),
        _text("outcome_code", "What was decided."),
        _text("meeting_id", "Same for siblings in the same meeting."),
    ), (), "One row per child and initial child protection conference."),
    Table("registrations", (
        _id("registration_id", "Number of the registration (England: child protection plan)."),
        _CHILD,
        _day("registered_date", "Day the name went on the register.", required=True),
        _day("deregistered_date", "Day it came off; empty while it is on."),
        _text("category_code", "Latest category of abuse or neglect."),
        _text("initial_category_code", "Category at the start."),
        _text("conference_id", "Conference that decided it."),
        _count("previous_registrations", "How often the child was registered before."),
        _text("deregistration_reason_code", "Why it ended."),
    ), (("registered_date", "deregistered_date"),), "One row per time a child was on the child protection register."),
    Table("review_conferences", (
        _id("review_conference_id", "Number of the review conference."),
        _text("registration_id", "Registration reviewed."),
        _CHILD_KEY,
        _day("review_date", "Day it was held.", required=True),
        _text("outcome_code", "What was decided."),
        _text("meeting_id", "Same for siblings in the same meeting."),
    ), (), "One row per child and review conference."),
    Table("core_groups", (
        _id("core_group_id", "Number of the core group."),
        _text("registration_id", "Registration it belongs to."),
        _CHILD_KEY,
        _day("core_group_date", "Day it met.", required=True),
    ), (), "One row per child and core group meeting."),
    Table("looked_after_episodes", (
        _id("episode_id", "Number of the episode."),
        _CHILD,
        _STARTED,
        _text("start_reason_code", "Why the episode started: S L P T B U of the 903."),
        _text("legal_status_code", "Legal status."),
        _text("need_code", "Main reason for need."),
        _text("placement_type_code", "Kind of placement."),
        _text("placement_provider_code", "Who provides it."),
        _ENDED,
        _text("end_reason_code", "Why the episode ended."),
        _text("place_change_reason_code", "Why the placement changed."),
        _text("home_postcode", "Postcode of the home when the child came into care."),
        _text("placement_postcode", "Postcode of the placement."),
        _text("placement_urn", "Ofsted number of the placement."),
    ), _SPELL, "One row per episode: an unbroken time with one legal status in one placement."),
    Table("placements", (
        _id("placement_id", "Number of the placement."),
        _CHILD,
        _STARTED,
        _ENDED,
        _text("placement_type_code", "Kind of placement."),
        _text("provider_code", "Who provides it."),
        _text("postcode", "Postcode of the placement."),
        _flag("is_long_term", "Whether it is meant to last to adulthood."),
        _text("end_reason_code", "Why it ended."),
    ), _SPELL, "One row per placement of a looked-after child."),
    Table("looked_after_reviews", (
        _id("review_id", "Number of the review."),
        _CHILD,
        _day("review_date", "Day it was held.", required=True),
        _text("participation_code", "How the child took part: PN0 to PN7 of the 903."),
    ), (), "One row per review of a looked-after child."),
    Table("health_assessments", (
        _id("health_assessment_id", "Number of the assessment."),
        _CHILD,
        _text("assessment_kind", "initial, review, dental or other.", required=True, codes=ASSESSMENT_KINDS),
        _day("requested_date", "Day the council asked for it."),
        _day("offered_date", "Day offered.", future="allow"),
        _day("assessment_date", "Day of the assessment, or of the appointment.", future="allow"),
        _text("status", "completed, refused, not_brought, booked or cancelled.", required=True,
              codes=ASSESSMENT_STATUSES),
        _text("assessor_role", "doctor, nurse, dentist or other.", codes=ASSESSOR_ROLES),
        _text("assessor_organisation", "Who carried it out."),
        _day("recorded_date", "Day it was entered."),
    ), (), "One row per health assessment or dental check of a looked-after child, as the council records it."),
    Table("immunisations", (
        _CHILD_KEY,
        _day("status_date", "Day the status was recorded.", required=True, key=True),
        _flag("is_up_to_date", "Whether immunisations were up to date."),
    ), (), "One row per child and day on which the immunisation status was recorded."),
    Table("health_flags", (
        _CHILD_KEY,
        _day("period_end_date", "Last day of the year the answers are about, 31 March; never the day of a check.",
             required=True, key=True, future="allow"),
        _flag("health_surveillance_current", "Health surveillance checks up to date (children under 5)."),
        _flag("immunisations_current", "Immunisations up to date."),
        _flag("dental_check_done", "Teeth checked by a dentist in the year."),
        _flag("health_assessment_done", "Health assessed in the year."),
        _count("sdq_score", "Strengths and difficulties score, 0 to 40."),
        _text("sdq_reason_code", "Why there is no score."),
        _flag("is_convicted", "Convicted or subject to a final warning in the year."),
        _flag("substance_misuse", "Substance misuse problem identified in the year."),
        _flag("intervention_received", "Intervention for substance misuse received."),
        _flag("intervention_offered", "Intervention for substance misuse offered and refused."),
    ), (), "One row per child and year with yes-or-no answers: evidence that something happened, not when."),
    Table("legal_statuses", (
        _CHILD_KEY,
        _id("legal_status_code", "Legal status."),
        dataclasses.replace(_STARTED, key=True),
        _ENDED,
    ), _SPELL, "One row per legal status of a child and its first day."),
    Table("early_help", (
        _id("early_help_id", "Number of the request."),
        _CHILD,
        _day("requested_date", "Day of the request.", required=True),
        _day("allocated_date", "Day a worker was found."),
        _day("started_date", "Day the help started."),
        _day("closed_date", "Day it ended."),
        _text("team", "Team."),
        _text("outcome_code", "How it ended."),
        _text("ward", "Ward that the family lives in."),
        _text("request_source", "Who asked for the help."),
        _text("council_person_id", "The child's number in the council's case system, where another system sends this."),
    ), (("requested_date", "allocated_date"), ("requested_date", "closed_date")), "One row per early help request."),
    Table("missing_episodes", (
        _id("missing_episode_id", "Number of the missing episode."),
        _CHILD,
        _STARTED,
        _ENDED,
        _text("category_code", "missing, or absent (away without authorisation).", codes=MISSING_CATEGORIES),
        _flag("interview_offered", "Whether a return interview was offered."),
        _flag("interview_accepted", "Whether it was accepted."),
        _day("interview_date", "Day of the return interview."),
    ), _SPELL, "One row per time a child was missing."),
    Table("unaccompanied_status", (
        _CHILD_KEY,
        _day("ceased_date", "Day the status ended or will end (18th birthday).", future="allow"),
    ), (), "One row per child who came unaccompanied and seeks asylum."),
    Table("adoptions", (
        _CHILD_KEY,
        _day("decided_date", "Day adoption was decided to be in the child's best interests."),
        _day("matched_date", "Day the child was matched with adopters."),
        _flag("is_foster_carer", "Whether the adopters were the foster carers."),
        _text("adopters_number_code", "Number of adopters."),
        _text("adopters_sex_code", "Sex of the adopters."),
        _text("adopters_legal_status_code", "Legal status of the adopters."),
    ), (), "One row per child adopted in the year."),
    Table("previous_permanence", (
        _CHILD_KEY,
        _text("previous_permanence_code", "How the child had left care before: P1 to P4, Z1 none."),
        _text("local_authority_code", "Council that had arranged it."),
        _text("order_date", "Date of the order, as text: parts of it may be unknown (zz)."),
    ), (), "One row per child with the permanence arrangement before this time in care."),
    Table("outcomes_leavers", (
        _CHILD_KEY,
        _text("in_touch_code", "Whether the council is in touch."),
        _text("activity_code", "Main activity."),
        _text("accommodation_code", "Accommodation."),
    ), (), "One row per care leaver aged 17 to 21."),
    Table("social_worker_episodes", (
        _CHILD_KEY,
        _id("social_worker_id", "Social worker."),
        dataclasses.replace(_STARTED, key=True),
        _ENDED,
        _text("reason_code", "Why the worker changed."),
    ), _SPELL, "One row per time a social worker was responsible for a child."),
    Table("deprivation_of_liberty_orders", (
        _CHILD_KEY,
        dataclasses.replace(_STARTED, key=True),
        _ENDED,
    ), _SPELL, "One row per deprivation of liberty order."),
    # Beyond the landing specification: the census sends it, and Part 4 plans of Wales have the same shape.
    Table("care_support_plans", (
        _id("care_support_plan_id", "Number of the plan (England: child in need plan)."),
        _CHILD,
        _text("referral_id", "Referral it belongs to."),
        _STARTED,
        _ENDED,
    ), _SPELL, "One row per care and support plan of a child who is not on the register."),
)
BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}


def adapted(
    names: Iterable[str],
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    is_day_first: bool,
) -> tuple[Table, ...]:
    """The canonical tables that a feed fills, with the feed's own say on single columns.

    Args:
        names: Tables, in order.
        changes: For "table.column" the fields of `Column` that differ (codes, future, ...).
        is_day_first: Whether the supplier writes dates as DD/MM/YYYY by agreement.

    Returns:
        The same tables and columns in the same order: only what is checked differs, never the shape.
    """
    wanted = dict(changes or {})
    tables = []
    for name in names:
        columns = []
        for column in BY_NAME[name].columns:
            own = dict(wanted.pop(f"{name}.{column.name}", {}))
            if column.type == "date":
                own.setdefault("is_day_first", is_day_first)
            columns.append(dataclasses.replace(column, **own))
        tables.append(dataclasses.replace(BY_NAME[name], columns=tuple(columns)))
    if wanted:
        raise ValueError(f"no such columns: {', '.join(sorted(wanted))}")
    return tuple(tables)


def column(table: Table, name: str) -> Column:
    """The column of a table by its name."""
    return next(found for found in table.columns if found.name == name)
