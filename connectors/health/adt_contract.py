"""The contract of health/adt: its landing tables, what each column says, and the rules that only this feed has.

Here belong declarations only. Where the values come from is written in `connectors.health.adt_rows`.
"""

from __future__ import annotations

from connectors.contract import CodeSet, Column, Contract, Table
from connectors.rules import Rule

SEX = CodeSet("HL7 table 0001, and the digits of the NHS Data Dictionary", frozenset("FMUOANXI0129"))
PROCESSING = CodeSet("HL7 table 0103", frozenset({"P", "T", "D"}))
STATUS = CodeSet("NHS number tracing status", frozenset(f"0{number}" for number in range(1, 9)))

_HASH = Column("message_hash", required=True, key=True, meaning="sha256 of the message without its framing.")
_PERSON = Column(
    "source_person_id", required=True,
    meaning="Who issued the person's number in the sender's system, and the number: `140|T100001`; else `NHS|...`.",
)
_PERSON_KEY = Column("source_person_id", required=True, key=True, meaning=_PERSON.meaning)
_SEQUENCE = Column("sequence", "integer", required=True, key=True, meaning="Running number within the message.")
_TRIGGER = Column("trigger_event", meaning="Event, such as A01 (MSH-9.2, else EVN-1).")
_EVENT_AT = Column(
    "event_at", "instant", meaning="When it happened: EVN-6, else recorded (EVN-2), else sent (MSH-7)."
)
_LINE = Column("address_line", meaning="Street lines, separated by commas (XAD-1, XAD-2).")
_TOWN = Column("town", meaning="Town (XAD-3, else XAD-4).")
_POSTCODE = Column("postcode", meaning="Postcode as sent (XAD-5).")
_FROM = Column("valid_from", "date", future="allow", meaning="First day it was valid, when the message says so.")
_TO = Column("valid_to", "date", future="allow", meaning="Last day it was valid, when the message says so.")
_PROCESSING = Column(
    "processing_id", codes=PROCESSING, meaning="MSH-11: P production, T training, D debugging. All of them land."
)

TABLES = (
    Table("messages", (
        Column("message_control_id", meaning="The sender's number of the message (MSH-10)."),
        _HASH,
        Column("message_type", required=True, meaning="Type, such as ADT or SIU (MSH-9.1)."),
        _TRIGGER,
        Column("structure", meaning="Structure, such as ADT_A39 (MSH-9.3)."),
        Column("hl7_version", meaning="Version of HL7 v2 (MSH-12)."),
        Column("sending_application", meaning="MSH-3."),
        Column("sending_facility", meaning="MSH-4."),
        Column("message_at", "instant", meaning="When it was sent (MSH-7)."),
        Column("recorded_at", "instant", meaning="When the event was recorded (EVN-2)."),
        _PROCESSING,
        Column("source_person_id", meaning="The first patient of the message."),
        Column("namespace", meaning="Sender as `application/facility`: part of the key of numbers without authority."),
    ), meaning="One row per message: the record that the delivery counts."),
    Table("patients", (
        _HASH,
        Column("patient_sequence", "integer", required=True, key=True, meaning="Which PID of the message."),
        _PERSON,
        Column("id_namespace", meaning="Who issued the number in `source_person_id`."),
        _TRIGGER, _EVENT_AT,
        Column("forename", meaning="Of the legal name, else of the first that is no alias (PID-5)."),
        Column("middle_names", meaning="Further given names (PID-5.3)."),
        Column("surname", meaning="Family name (PID-5.1)."),
        Column("birth_date", "date", future="clear", meaning="Date of birth (PID-7), only of a whole day."),
        Column("birth_at", meaning="PID-7 as precise as it was sent, where that is more or less than a day."),
        Column("sex", codes=SEX, meaning="Sex as sent (PID-8)."),
        Column("nhs_number", identifier="nhs_number", meaning="NHS number, by authority, type or tracing status."),
        Column("nhs_number_status", codes=STATUS, meaning="Tracing status 01 to 08 (CX-2, else PID-32)."),
        Column("ethnicity_code", meaning="Ethnic category (PID-22, else PID-10)."),
        Column("ethnicity_code_system", meaning="Its coding system, else the field it was sent in: PID-22 or PID-10."),
        Column("death_at", meaning="Date or time of death in ISO form, as precise as it was sent (PID-29)."),
        Column("is_deceased", "boolean", meaning="PID-30."),
        Column("multiple_birth", "boolean", meaning="One of twins or more (PID-24)."),
        Column("birth_order", "integer", meaning="Which of them (PID-25)."),
        Column("preferred_language", meaning="PID-15."),
        Column("gp_code", meaning="General practitioner (PD1-4)."),
        Column("practice_code", meaning="General practice (PD1-3, else the practice packed into PD1-4)."),
        _LINE, _TOWN, _POSTCODE,
        Column("telephone", meaning="First telephone number (PID-13, else PID-14)."),
        _PROCESSING,
        Column("deleted_columns", meaning='Columns the sender sets to empty (`""`); other empty ones: no change.'),
    ), meaning="One row per patient of a message (PID)."),
    Table("identifiers", (
        _HASH, _PERSON_KEY, _SEQUENCE,
        Column("identifier_type", meaning="CX-5 as sent; AN for PID-18 and SS for PID-19 without one."),
        Column("assigning_authority", meaning="CX-4."),
        Column("identifier_value", required=True, meaning='CX-1 as sent; `""` when it is deleted.'),
        Column("identifier_status", meaning="NHS number: tracing status 01 to 08; others: CX-2."),
        Column("is_deleted", "boolean", meaning="The sender deletes the identifier."),
        Column("source_field", meaning="PID-2, PID-3, PID-4, PID-18 or PID-19."),
    ), meaning="One row per identifier of a patient in a message."),
    Table("names", (
        _HASH, _PERSON_KEY, _SEQUENCE,
        Column("name_type", meaning="XPN-7: L legal, A alias, M maiden ...; A for PID-9 without one."),
        Column("forename"), Column("middle_names"), Column("surname"), _FROM, _TO,
    ), meaning="One row per name of a patient in a message (PID-5, PID-9)."),
    Table("addresses", (
        _HASH, _PERSON_KEY, _SEQUENCE,
        Column("address_type", meaning="XAD-7: H home, C current, BA bad address ..."),
        _LINE, _TOWN, _POSTCODE, _FROM, _TO,
    ), meaning="One row per address of a patient in a message (PID-11)."),
    Table("merges", (
        _HASH, _SEQUENCE, _TRIGGER,
        Column("survivor_source_person_id", required=True, meaning="The record that stays (PID-3)."),
        Column("retired_source_person_id", required=True, meaning="The record that is no more (MRG-1)."),
        Column("merged_at", "instant", meaning="EVN-6, else MSH-7: the order in which merges are applied."),
    ), meaning="One row per retired record of a merge of persons: A18, A30, A34, A36, A39, A40, A46, A47, A48."),
    Table("attendances", (
        _HASH, _PERSON_KEY,
        Column("trigger_event", required=True, meaning="A01 admit, A03 discharge, A04 register, A11 cancel ..."),
        Column("patient_class", meaning="E emergency, I inpatient, O outpatient ... (PV1-2)."),
        Column("is_emergency", "boolean", meaning="An emergency department attendance: class E."),
        Column("admission_type", meaning="Kind of attendance, such as first or planned return, as coded (PV1-4)."),
        Column("visit_number", meaning="PV1-19."),
        Column("location", meaning="Ward, room and bed (PV1-3)."),
        Column("attended_at", "instant", future="allow", meaning="PV1-44; of A01 and A04 without one, `event_at`."),
        Column("discharged_at", "instant", future="allow", meaning="PV1-45; of A03 without one, EVN-6."),
        Column("discharge_code", meaning="Discharge disposition (PV1-36)."),
        Column("reason", meaning="Reason of the visit (PV2-3), else the first diagnosis (DG1)."),
        _EVENT_AT,
    ), date_orders=(("attended_at", "discharged_at"),), meaning="One row per patient of a message about a visit."),
    Table("appointments", (
        _HASH, _PERSON,
        Column("trigger_event", required=True, meaning="S12 booked, S13 moved, S15 cancelled, S26 not attended ..."),
        Column("appointment_id", meaning="Filler's number (SCH-2), else the placer's (SCH-1)."),
        Column("status_code", meaning="SCH-25, else AIS-10."),
        Column("is_did_not_attend", "boolean", meaning="S26, or a status of no-show: the child was not brought."),
        Column("starts_at", "instant", future="allow", meaning="SCH-11.4, else TQ1-7, AIS-4, AIP-6, AIL-6."),
        Column("reason_code", meaning="Why the message was sent (SCH-6), else why the appointment was made (SCH-7)."),
        Column("service", meaning="First service (AIS-3)."),
    ), meaning="One row per scheduling message (SIU S12 to S26)."),
    Table("related_persons", (
        _HASH, _PERSON_KEY, _SEQUENCE,
        Column("forename", meaning="NK1-2."), Column("surname", meaning="NK1-2."),
        Column("relationship_code", meaning="NK1-3."), _LINE, _POSTCODE, Column("telephone", meaning="NK1-5, NK1-6."),
    ), meaning="One row per next of kin of a patient in a message (NK1)."),
)
CONTRACT = Contract(TABLES, record_tables=("messages",))

RULES = (
    Rule("hl7-header-missing", "reject", "Segments stand in the file without a message header (MSH) before them.",
         "Send whole messages, from MSH on."),
    Rule("hl7-header-short", "reject", "The message header (MSH) ends before the message type (MSH-9).",
         "Send whole messages."),
    Rule("hl7-type-missing", "reject", "The message has no type (MSH-9) and no event (EVN-1).", "Fill in MSH-9."),
    Rule("hl7-json-no-message", "reject", "The JSON object has no member that starts with MSH.",
         "Export the messages as text in one member of each object."),
    Rule("hl7-patient-unidentified", "reject", "The patient (PID) has no identifier.", "Fill in PID-3."),
    Rule("hl7-patient-missing", "warn", "The message has no patient (PID) where one is expected.",
         "Check that the message is whole."),
    Rule("hl7-merge-incomplete", "warn", "The merge (MRG) does not name two different records; no merge was landed.",
         "Fill in PID-3 and MRG-1."),
    Rule("hl7-merge-not-of-persons", "warn",
         "The event moves or merges accounts, visits or single numbers, not persons; no merge was landed.",
         "Nothing, if so meant; send A40 when two records are one person."),
    Rule("hl7-appointment-no-patient", "warn", "The appointment names no patient; it was not landed.", "Send PID."),
    Rule("hl7-stray-text", "warn", "Text stands outside of the messages; it was set aside.", "Leave it out."),
    Rule("hl7-segment-unknown", "warn", "A segment's name has more than three characters; it was not read.",
         "Check the export."),
    Rule("hl7-line-wrapped", "repair", "A line continues the segment before it; the two were joined.",
         r"Write a line break inside a field as \.br\."),
    Rule("hl7-line-ends-written", "repair", r"The segments are separated by a written \r; it was read as line ends.",
         "End segments with a carriage return."),
    Rule("hl7-not-utf8", "repair", "The message is not in UTF-8; it was read as MSH-18 says, or as Windows-1252.",
         "Send UTF-8 and say so in MSH-18."),
    Rule("hl7-separators-repeated", "repair", "MSH-2 has a character twice (a doubled backslash?); it counts once.",
         r"Send MSH-2 as ^~\&."),
    Rule("hl7-type-from-event", "repair", "The message has no type (MSH-9); it was taken from EVN-1.",
         "Fill in MSH-9."),
    Rule("birth-date-partial", "warn", "The date of birth is only a year or a month; it is not used as a date.",
         "Send the whole date when it is known."),
    Rule("envelope-part-missing", "warn", "A part of the envelope (FHS, BHS, BTS, FTS) is missing.",
         "Send header and trailer, with the counts, so that a cut file can be told."),
)
