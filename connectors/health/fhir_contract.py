"""The landing tables of the FHIR feed, and the rules that only this feed has.

Here belong columns, code sets, keys and the wording of rules. Which element of a resource fills a column is written in
`connectors.health.fhir_projection` and `connectors.health.fhir_patient`.
"""

from __future__ import annotations

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.rules import Rule, register

register(
    Rule("fhir-invalid", "reject", "The resource breaks the FHIR R4 structure at the named elements.",
         "Correct the named elements at the source."),
    Rule("fhir-not-a-resource", "reject", "The JSON object has no resourceType.", "Send FHIR resources only."),
    Rule("fhir-resource-type-unknown", "reject", "FHIR R4 has no resource of this type.",
         "Correct the resourceType; names are case-sensitive."),
    Rule("fhir-patch", "reject", "The entry is a PATCH: a change without the resource it changes.",
         "Send the whole resource."),
    Rule("fhir-delete-unresolved", "reject", "The entry deletes by a search, not by type and id.",
         "Send DELETE Type/id."),
    Rule("fhir-older-version", "duplicate", "A newer version of the same resource is in the same file.",
         "Nothing to do; the newest version is landed."),
    Rule("json-malformed", "held", "The file is not well-formed JSON.", "Export the file again; do not edit it."),
    Rule("fhir-bundle-broken", "held", "The Bundle's entry is not a list.", "Send Bundle.entry as a list."),
    Rule("fhir-zone-assumed", "repair", "A date-time has no zone; it was read as the time in London.",
         "Send date-times with a zone, such as 2026-07-01T09:30:00+01:00."),
    Rule("fhir-seconds-added", "repair", "A date-time has no seconds; :00 was added.", "Send hours, minutes, seconds."),
    Rule("fhir-blanks-trimmed", "repair", "The value has blanks before or after it; they were removed.",
         "Send the value without blanks."),
    Rule("fhir-empty-removed", "repair", "The element is empty text, which FHIR forbids; it was left out.",
         "Leave out elements without a value."),
    Rule("fhir-date-partial", "clear", "The date has no day; the record lands without it where a day is needed.",
         "Send the whole date where it is known."),
    Rule("fhir-name-text-only", "warn", "A name comes as one text, not as family and given; it was not taken apart.",
         "Send family and given."),
    Rule("fhir-not-validated", "warn", "The resource type exists in R4 only and could not be validated.",
         "Nothing to do."),
    Rule("fhir-outcome", "warn", "An OperationOutcome is a remark of the server, not data; it was not landed.",
         "Look at what the server reports."),
    Rule("fhir-entry-without-resource", "warn", "The Bundle entry has no resource and deletes nothing.",
         "Leave it out."),
    Rule("fhir-file-cut", "warn", "The last line is cut in the middle: records after it may be missing.",
         "Send the whole file again."),
)


def _codes(name: str, codes: str) -> CodeSet:
    return CodeSet(name, frozenset(codes.split()))


GENDER = _codes("administrative-gender", "male female other unknown")
SEX = _codes("sex", "M F U X")
ENCOUNTER_STATUS = _codes(
    "encounter-status",
    "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
)
IMMUNIZATION_STATUS = _codes("immunization-status", "completed entered-in-error not-done")
OBSERVATION_STATUS = _codes(
    "observation-status", "registered preliminary final amended corrected cancelled entered-in-error unknown"
)
PROCEDURE_STATUS = _codes(
    "event-status",
    "preparation in-progress not-done on-hold stopped completed entered-in-error unknown",
)
APPOINTMENT_STATUS = _codes(
    "appointment-status",
    "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist",
)
RESPONSE_STATUS = _codes("questionnaire-answers-status", "in-progress completed amended entered-in-error stopped")
EPISODE_STATUS = _codes(
    "episode-of-care-status", "planned waitlist active onhold finished cancelled entered-in-error"
)
FLAG_STATUS = _codes("flag-status", "active inactive entered-in-error")
CLINICAL_STATUS = _codes("condition-clinical", "active recurrence relapse inactive remission resolved")
VERIFICATION_STATUS = _codes(
    "condition-ver-status", "unconfirmed provisional differential confirmed refuted entered-in-error"
)


def _key(name: str, meaning: str) -> Column:
    return Column(name, required=True, key=True, meaning=meaning)


def _text(name: str, meaning: str, codes: CodeSet | None = None) -> Column:
    return Column(name, codes=codes, meaning=meaning)


def _at(name: str, meaning: str, *, plan: bool = False) -> Column:
    return Column(name, "instant", future="allow" if plan else "warn", meaning=meaning)


def _day(name: str, meaning: str, *, plan: bool = False) -> Column:
    return Column(name, "date", future="allow" if plan else "warn", meaning=meaning)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "boolean", meaning=meaning)


ID = _key("resource_id", "id of the resource")
PERSON = _text(
    "source_person_id",
    "Patient.id that the resource refers to; `system|value` where it refers by identifier only; "
    "empty where the subject is no patient",
)
_PATIENT_ID = _key("source_person_id", "Patient.id")
_SEQUENCE = Column("sequence", "integer", required=True, key=True, meaning="Place in the patient's list, from 1")

RESOURCES = Table(
    "resources",
    (
        _key("resource_type", "resourceType"),
        _key("resource_id", "id; where there is none, the id of the entry's address (urn:uuid, Type/id), else the "
                            "sha256 of the content"),
        _text("version_id", "meta.versionId"),
        _at("last_updated", "meta.lastUpdated"),
        _text("profile", "meta.profile, separated by blanks"),
        _text("container", "ndjson, bundle or single: how it came"),
        _flag("is_repaired", "Whether the documented repairs were needed to make it valid"),
    ),
    meaning="One row per resource, of any type: the records that the delivery counts.",
)
PATIENTS = Table(
    "patients",
    (
        _PATIENT_ID,
        _text("id_namespace", "System of the local identifier (PAS number), else meta.source"),
        _text("forename", "First given name of the current official or usual name"),
        _text("middle_names", "Further given names"),
        _text("surname", "Family name"),
        Column("birth_date", "date", future="clear", meaning="birthDate, only where it is a whole day"),
        _text("birth_date_precision", "day, month or year: how exact birthDate is"),
        _text("sex", "Birth sex extension, else from gender: M, F, X (other), U (unknown)", SEX),
        _text("gender", "gender as sent (administrative)", GENDER),
        Column("nhs_number", identifier="nhs_number", meaning="NHS number (England, Wales, Isle of Man)"),
        _text("nhs_number_status", "Verification status code of the NHS number; 01 or number-present-and-verified "
                                   "mean traced, in all three code systems"),
        _text("ethnicity_code", "Ethnic category as sent"),
        _text("ethnicity_code_system", "wales_fhir, england_fhir, us_core, or the system's address"),
        _at("death_at", "deceasedDateTime"),
        _flag("is_deceased", "Whether the record says that the person has died"),
        _flag("is_active", "active"),
        _flag("multiple_birth", "Whether one of a multiple birth"),
        Column("birth_order", "integer", meaning="Order of birth among the siblings of one birth"),
        _text("preferred_language", "Code of the preferred, else the first, language"),
        _text("gp_code", "General practitioner: code of the logical reference, else Type/id"),
        _text("practice_code", "Practice: ODS code of the logical reference, else Organization/id"),
        _text("managing_organisation", "ODS code of the logical reference, else Organization/id"),
        _text("address_line", "Lines of the current home address, separated by commas"),
        _text("town", "City of it"),
        _text("postcode", "Postcode of it"),
        _text("replaced_by_id", "Patient.link replaced-by: the record that lives on"),
        _text("replaces_id", "Patient.link replaces: the retired records, separated by commas"),
        _text("telephone", "First telephone number in use"),
    ),
    meaning="One row per Patient.",
)
IDENTIFIERS = Table(
    "identifiers",
    (
        ID, _PATIENT_ID, _SEQUENCE,
        _text("identifier_type", "nhs_number, else type code (MR, PI ...), else use"),
        _text("assigning_authority", "system"),
        Column("identifier_value", required=True, meaning="value"),
        _text("identifier_status", "Verification status code of an NHS number, else use"),
        _flag("is_deleted", "Whether the identifier is marked as old"),
    ),
    meaning="One row per identifier of a Patient that has a value.",
)
NAMES = Table(
    "names",
    (
        ID, _PATIENT_ID, _SEQUENCE,
        _text("name_type", "use"), _text("forename", "First given name"),
        _text("middle_names", "Further given names"), _text("surname", "Family name"),
        _day("valid_from", "period.start"), _day("valid_to", "period.end", plan=True),
    ),
    meaning="One row per name of a Patient: all of them, former ones too.",
)
ADDRESSES = Table(
    "addresses",
    (
        ID, _PATIENT_ID, _SEQUENCE,
        _text("address_type", "use"),
        _text("address_line", "Lines, separated by commas; the text where there are none"),
        _text("town", "city"), _text("postcode", "postalCode"),
        _day("valid_from", "period.start"), _day("valid_to", "period.end", plan=True),
    ),
    meaning="One row per address of a Patient: all of them, former ones too.",
)
ENCOUNTERS = Table(
    "encounters",
    (
        ID, PERSON,
        _text("status", "status", ENCOUNTER_STATUS), _text("class_code", "class (EMER, IMP, AMB ...)"),
        _flag("is_emergency", "Whether class, now or in classHistory, is EMER"),
        _text("type_code", "First type"), _text("type_system", "Code system of it"),
        _text("service_code", "serviceType"), _at("started_at", "period.start"), _at("ended_at", "period.end"),
        _text("reason_code", "First reasonCode"),
        _text("outcome_code", "Outcome of attendance extension, else discharge disposition"),
        _text("organisation", "serviceProvider: code of the logical reference, else Organization/id"),
    ),
    date_orders=(("started_at", "ended_at"),),
    meaning="One row per Encounter.",
)
IMMUNIZATIONS = Table(
    "immunizations",
    (
        ID, PERSON,
        _text("status", "status", IMMUNIZATION_STATUS),
        _text("vaccine_code", "vaccineCode"), _text("vaccine_system", "Code system of it"),
        _text("procedure_code", "Vaccination procedure extension of UK Core"),
        _at("occurred_at", "occurrenceDateTime"),
        _text("occurred_text", "occurrenceString, or an occurrenceDateTime without a day"),
        _text("dose_number", "protocolApplied.doseNumber"),
        _text("target_disease_code", "protocolApplied.targetDisease"),
        _text("not_done_reason_code", "statusReason"),
    ),
    meaning="One row per Immunization.",
)
OBSERVATIONS = Table(
    "observations",
    (
        ID, PERSON,
        _text("status", "status", OBSERVATION_STATUS), _text("code", "code"), _text("code_system", "Code system of it"),
        _text("category_code", "First category"),
        _at("effective_start_at", "effectiveDateTime, effectiveInstant or effectivePeriod.start"),
        _at("effective_end_at", "effectivePeriod.end", plan=True),
        _text("value_text", "valueString, valueBoolean, valueDateTime, valueTime, or the text of a concept"),
        _text("value_code", "valueCodeableConcept"),
        Column("value_number", "number", meaning="valueQuantity or valueInteger"),
        _text("value_unit", "Unit of valueQuantity"),
    ),
    date_orders=(("effective_start_at", "effective_end_at"),),
    meaning="One row per Observation; components are not landed.",
)
PROCEDURES = Table(
    "procedures",
    (
        ID, PERSON,
        _text("status", "status", PROCEDURE_STATUS), _text("code", "code"), _text("code_system", "Code system of it"),
        _at("performed_start_at", "performedDateTime or performedPeriod.start"),
        _at("performed_end_at", "performedPeriod.end"), _text("performer", "First performer: code, else Type/id"),
    ),
    date_orders=(("performed_start_at", "performed_end_at"),),
    meaning="One row per Procedure.",
)
CONDITIONS = Table(
    "conditions",
    (
        ID, PERSON,
        _text("clinical_status", "clinicalStatus", CLINICAL_STATUS),
        _text("verification_status", "verificationStatus", VERIFICATION_STATUS),
        _text("code", "code"), _text("code_system", "Code system of it"),
        _at("onset_at", "onsetDateTime or onsetPeriod.start"),
        _at("abated_at", "abatementDateTime or abatementPeriod.start"), _at("recorded_at", "recordedDate"),
    ),
    date_orders=(("onset_at", "abated_at"),),
    meaning="One row per Condition.",
)
APPOINTMENTS = Table(
    "appointments",
    (
        ID, PERSON,
        _text("status", "status", APPOINTMENT_STATUS),
        _at("starts_at", "start", plan=True), _at("ends_at", "end", plan=True),
        _text("service_code", "First serviceType"), _text("reason_code", "First reasonCode, else cancelationReason"),
        _flag("is_did_not_attend", "Whether the status is noshow"),
    ),
    date_orders=(("starts_at", "ends_at"),),
    meaning="One row per Appointment; the person is the first participant that is a patient.",
)
QUESTIONNAIRE_RESPONSES = Table(
    "questionnaire_responses",
    (
        ID, PERSON,
        _text("status", "status", RESPONSE_STATUS), _text("questionnaire", "Canonical address of the questionnaire"),
        _at("authored_at", "authored"), Column("items", "integer", meaning="How many items it has, at all levels"),
    ),
    meaning="One row per QuestionnaireResponse; the answers are not landed.",
)
EPISODES_OF_CARE = Table(
    "episodes_of_care",
    (
        ID, PERSON,
        _text("status", "status", EPISODE_STATUS), _text("type_code", "First type"),
        _text("type_system", "Code system of it"),
        _at("started_at", "period.start", plan=True), _at("ended_at", "period.end", plan=True),
        _text("organisation", "managingOrganization: code, else Organization/id"),
    ),
    date_orders=(("started_at", "ended_at"),),
    meaning="One row per EpisodeOfCare.",
)
FLAGS = Table(
    "flags",
    (
        ID, PERSON,
        _text("status", "status", FLAG_STATUS), _text("category_code", "First category"), _text("code", "code"),
        _text("code_system", "Code system of it"), _at("started_at", "period.start"),
        _at("ended_at", "period.end", plan=True), _text("author", "author: code, else Type/id"),
    ),
    date_orders=(("started_at", "ended_at"),),
    meaning="One row per Flag.",
)
RELATED_PERSONS = Table(
    "related_persons",
    (
        ID, PERSON,
        _text("forename", "First given name"), _text("surname", "Family name"),
        _text("relationship_code", "First relationship"), _flag("is_active", "active"),
        _text("telephone", "First telephone number in use"), _text("postcode", "Postcode of the current address"),
    ),
    meaning="One row per RelatedPerson.",
)
ORGANIZATIONS = Table(
    "organizations",
    (
        ID,
        _text("name", "name"), _text("type_code", "First type"), _text("ods_code", "ODS organisation or site code"),
        _flag("is_active", "active"), _text("postcode", "Postcode of the first address"),
    ),
    meaning="One row per Organization.",
)

CONTRACT = Contract(
    tables=(
        RESOURCES, PATIENTS, IDENTIFIERS, NAMES, ADDRESSES, ENCOUNTERS, IMMUNIZATIONS, OBSERVATIONS, PROCEDURES,
        CONDITIONS, APPOINTMENTS, QUESTIONNAIRE_RESPONSES, EPISODES_OF_CARE, FLAGS, RELATED_PERSONS, ORGANIZATIONS,
    ),
    record_tables=("resources",),
)
