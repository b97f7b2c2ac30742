"""Validated resources to rows of the landing tables.

Here belongs which element of an event (an encounter, an immunisation, an appointment) fills which column, and the
turning of rows into frames. Persons are written in `connectors.health.fhir_patient`, what a data type means in
`connectors.health.fhir_datatypes`.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from connectors.contract import POLARS_TYPES
from connectors.health import fhir_patient
from connectors.health.fhir_contract import CONTRACT
from connectors.health.fhir_datatypes import (
    Json,
    Record,
    boolean,
    coding,
    extension,
    first,
    node,
    nodes,
    number,
    text,
)
from connectors.health.fhir_patient import Row

TABLES = CONTRACT.at(None)
_EXTRA: dict[str, pl.DataType] = {
    "row_number": pl.Int64(), "record_action": pl.String(), "_extracted_at": pl.Int64(), "content_hash": pl.String(),
}


def encounter(record: Record) -> Row:
    """One row of `encounters`."""
    resource = record.resource
    class_code = text(node(resource.get("class")).get("code"))
    # A child seen in the emergency department and then admitted has EMER in the history only.
    earlier = (text(node(each.get("class")).get("code")) for each in nodes(resource.get("classHistory")))
    classes = {code.upper() for code in (class_code, *earlier) if code}
    type_code, type_system = coding(first(resource.get("type")))
    started_at, ended_at = record.period(resource.get("period"), "period")
    outcome = extension(resource, "OutcomeOfAttendance")
    disposition = node(resource.get("hospitalization")).get("dischargeDisposition")
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("subject")),
        "status": text(resource.get("status")),
        "class_code": class_code,
        "is_emergency": "EMER" in classes if classes else None,
        "type_code": type_code,
        "type_system": type_system,
        "service_code": coding(resource.get("serviceType"))[0],
        "started_at": started_at,
        "ended_at": ended_at,
        "reason_code": coding(first(resource.get("reasonCode")))[0],
        "outcome_code": coding(outcome.get("valueCodeableConcept"))[0] or coding(disposition)[0],
        "organisation": record.party(resource.get("serviceProvider")),
    }


def immunization(record: Record) -> Row:
    """One row of `immunizations`."""
    resource = record.resource
    vaccine_code, vaccine_system = coding(resource.get("vaccineCode"))
    given = text(resource.get("occurrenceDateTime"))
    occurred_at = record.instant(given, "occurrenceDateTime")
    protocol = first(resource.get("protocolApplied"))
    dose = protocol.get("doseNumberPositiveInt")
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("patient")),
        "status": text(resource.get("status")),
        "vaccine_code": vaccine_code,
        "vaccine_system": vaccine_system,
        "procedure_code": coding(extension(resource, "VaccinationProcedure").get("valueCodeableConcept"))[0],
        "occurred_at": occurred_at,
        "occurred_text": text(resource.get("occurrenceString")) or (given if occurred_at is None else None),
        "dose_number": text(protocol.get("doseNumberString")) if dose is None else str(dose),
        "target_disease_code": coding(first(protocol.get("targetDisease")))[0],
        "not_done_reason_code": coding(resource.get("statusReason"))[0],
    }


def observation(record: Record) -> Row:
    """One row of `observations`."""
    resource = record.resource
    code, code_system = coding(resource.get("code"))
    start_at, end_at = record.period(resource.get("effectivePeriod"), "effectivePeriod")
    for element in ("effectiveDateTime", "effectiveInstant"):
        if resource.get(element) is not None:
            start_at = record.instant(resource.get(element), element)
    quantity = node(resource.get("valueQuantity"))
    measured = number(quantity.get("value"))
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("subject")),
        "status": text(resource.get("status")),
        "code": code,
        "code_system": code_system,
        "category_code": coding(first(resource.get("category")))[0],
        "effective_start_at": start_at,
        "effective_end_at": end_at,
        "value_text": _value_text(resource),
        "value_code": coding(resource.get("valueCodeableConcept"))[0],
        "value_number": number(resource.get("valueInteger")) if measured is None else measured,
        "value_unit": text(quantity.get("unit")) or text(quantity.get("code")),
    }


def _value_text(resource: Json) -> str | None:
    flag = boolean(resource.get("valueBoolean"))
    if flag is not None:
        return "true" if flag else "false"
    simple = (text(resource.get(f"value{kind}")) for kind in ("String", "DateTime", "Time"))
    return next((each for each in simple if each), None) or text(node(resource.get("valueCodeableConcept")).get("text"))


def procedure(record: Record) -> Row:
    """One row of `procedures`."""
    resource = record.resource
    code, code_system = coding(resource.get("code"))
    start_at, end_at = record.period(resource.get("performedPeriod"), "performedPeriod")
    if resource.get("performedDateTime") is not None:
        start_at = record.instant(resource.get("performedDateTime"), "performedDateTime")
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("subject")),
        "status": text(resource.get("status")),
        "code": code,
        "code_system": code_system,
        "performed_start_at": start_at,
        "performed_end_at": end_at,
        "performer": record.party(first(resource.get("performer")).get("actor")),
    }


def condition(record: Record) -> Row:
    """One row of `conditions`."""
    resource = record.resource
    code, code_system = coding(resource.get("code"))
    onset_at, _ = record.period(resource.get("onsetPeriod"), "onsetPeriod")
    abated_at, _ = record.period(resource.get("abatementPeriod"), "abatementPeriod")
    if resource.get("onsetDateTime") is not None:
        onset_at = record.instant(resource.get("onsetDateTime"), "onsetDateTime")
    if resource.get("abatementDateTime") is not None:
        abated_at = record.instant(resource.get("abatementDateTime"), "abatementDateTime")
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("subject")),
        "clinical_status": coding(resource.get("clinicalStatus"))[0],
        "verification_status": coding(resource.get("verificationStatus"))[0],
        "code": code,
        "code_system": code_system,
        "onset_at": onset_at,
        "abated_at": abated_at,
        "recorded_at": record.instant(resource.get("recordedDate"), "recordedDate"),
    }


def appointment(record: Record) -> Row:
    """One row of `appointments`."""
    resource = record.resource
    status = text(resource.get("status"))
    people = (record.patient(each.get("actor")) for each in nodes(resource.get("participant")))
    reason, _ = coding(first(resource.get("reasonCode")))
    return {
        "resource_id": record.resource_id,
        "source_person_id": next((each for each in people if each), None),
        "status": status,
        "starts_at": record.instant(resource.get("start"), "start"),
        "ends_at": record.instant(resource.get("end"), "end"),
        "service_code": coding(first(resource.get("serviceType")))[0],
        "reason_code": reason or coding(resource.get("cancelationReason"))[0],
        "is_did_not_attend": status == "noshow" if status else None,
    }


def questionnaire_response(record: Record) -> Row:
    """One row of `questionnaire_responses`."""
    resource = record.resource
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("subject")),
        "status": text(resource.get("status")),
        "questionnaire": text(resource.get("questionnaire")),
        "authored_at": record.instant(resource.get("authored"), "authored"),
        "items": _count_items(resource),
    }


def _count_items(holder: Json) -> int:
    """Items below a response or an item: groups and answers may have items of their own."""
    count = 0
    waiting = [holder]
    while waiting:
        inner = waiting.pop()
        items = nodes(inner.get("item"))
        count += len(items)
        waiting += items
        waiting += nodes(inner.get("answer"))
    return count


def episode_of_care(record: Record) -> Row:
    """One row of `episodes_of_care`."""
    resource = record.resource
    type_code, type_system = coding(first(resource.get("type")))
    started_at, ended_at = record.period(resource.get("period"), "period")
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("patient")),
        "status": text(resource.get("status")),
        "type_code": type_code,
        "type_system": type_system,
        "started_at": started_at,
        "ended_at": ended_at,
        "organisation": record.party(resource.get("managingOrganization")),
    }


def flag(record: Record) -> Row:
    """One row of `flags`."""
    resource = record.resource
    code, code_system = coding(resource.get("code"))
    started_at, ended_at = record.period(resource.get("period"), "period")
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("subject")),
        "status": text(resource.get("status")),
        "category_code": coding(first(resource.get("category")))[0],
        "code": code,
        "code_system": code_system,
        "started_at": started_at,
        "ended_at": ended_at,
        "author": record.party(resource.get("author")),
    }


PROJECTIONS: dict[str, tuple[str, Callable[[Record], Row]]] = {
    "Patient": ("patients", fhir_patient.patient),
    "Encounter": ("encounters", encounter),
    "Immunization": ("immunizations", immunization),
    "Observation": ("observations", observation),
    "Procedure": ("procedures", procedure),
    "Condition": ("conditions", condition),
    "Appointment": ("appointments", appointment),
    "QuestionnaireResponse": ("questionnaire_responses", questionnaire_response),
    "EpisodeOfCare": ("episodes_of_care", episode_of_care),
    "Flag": ("flags", flag),
    "RelatedPerson": ("related_persons", fhir_patient.related_person),
    "Organization": ("organizations", fhir_patient.organization),
}
_PATIENT_LISTS: dict[str, Callable[[Record], list[Row]]] = {
    "identifiers": fhir_patient.identifiers,
    "names": fhir_patient.names,
    "addresses": fhir_patient.addresses,
}


class Rows:
    """Rows of all tables of a batch, until they become frames."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Row]] = {}

    def add(self, table: str, row: Row, lineage: Row) -> None:
        """Add a row with its row number, action and instant."""
        self._rows.setdefault(table, []).append(row | lineage)

    def project(self, resource_type: str, record: Record, lineage: Row) -> None:
        """Add what a resource says to the tables of its type; other types have none."""
        if resource_type not in PROJECTIONS:
            return
        table, project = PROJECTIONS[resource_type]
        self.add(table, project(record), lineage)
        if resource_type == "Patient":
            for name, spread in _PATIENT_LISTS.items():
                for row in spread(record):
                    self.add(name, row, lineage)

    def withdraw(self, resource_type: str, resource_id: str, lineage: Row) -> None:
        """Add the withdrawal of a resource to the table of its type."""
        if resource_type in PROJECTIONS:
            table, _ = PROJECTIONS[resource_type]
            self.add(table, {TABLES[table].keys[0]: resource_id}, lineage)

    def frames(self) -> dict[str, pl.DataFrame]:
        """The rows as frames, column by column. Dates stay text for the contract to read; instants are typed."""
        return {name: _frame(name, rows) for name, rows in self._rows.items()}


def _frame(table: str, rows: list[Row]) -> pl.DataFrame:
    types = {column.name: column.type for column in TABLES[table].columns}
    columns: dict[str, pl.DataType] = {
        name: {"instant": pl.Int64(), "date": pl.String()}.get(kind, POLARS_TYPES[kind]) for name, kind in types.items()
    }
    columns |= {name: kind for name, kind in _EXTRA.items() if table == "resources" or name != "content_hash"}
    frame = pl.DataFrame(
        [pl.Series(name, [row.get(name) for row in rows], dtype=kind) for name, kind in columns.items()]
    )
    instants = [name for name, kind in types.items() if kind == "instant"]
    return frame.with_columns(pl.col(*instants, "_extracted_at").cast(POLARS_TYPES["instant"]))
