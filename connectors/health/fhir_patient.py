"""Patient, RelatedPerson and Organization: who somebody is, in UK Core and Data Standards Wales terms.

Here belongs how the persons of a FHIR delivery become rows: identifiers with their verification status, all names and
addresses with use and period, ethnicity with its code system, merges. What happened to persons is written in
`connectors.health.fhir_projection`.
"""

from __future__ import annotations

from typing import Any

from connectors.health.fhir_datatypes import (
    Json,
    Record,
    address_line,
    boolean,
    coding,
    current,
    day,
    extension,
    first,
    given_names,
    integer,
    is_nhs_number,
    node,
    nodes,
    telephone,
    text,
)

Row = dict[str, Any]

_NAME_USES = ("official", "usual")
_ADDRESS_USES = ("home",)
_NAMESPACE_USES = {"official": 0, "usual": 1, None: 2}
_LOCAL_TYPES = ("MR", "PI", "PT", "PN")
_NATIONAL_TYPES = ("SS", "DL", "PPN", "NI", "NIIP", "TAX", "SB")
_ETHNICITY_SYSTEMS = {
    "UKCore-EthnicCategoryWales": "wales_fhir",
    "UKCore-EthnicCategoryEngland": "england_fhir",
    "UKCore-EthnicCategory": "england_fhir",
    "CareConnect-EthnicCategory-1": "england_fhir",
}
_SEX_OF_GENDER = {"male": "M", "m": "M", "female": "F", "f": "F", "other": "X", "unknown": "U"}
_SEX_OF_BIRTH_CODE = {"M": "M", "F": "F", "I": "X", "X": "X", "OTH": "X", "U": "U", "UNK": "U", "ASKU": "U"}
_PRECISIONS = {4: "year", 7: "month", 10: "day"}
_PRACTICE_SYSTEMS = ("ods-organization-code", "ods-site-code", "sds-organization-code")


def patient(record: Record) -> Row:
    """One row of `patients`."""
    resource = record.resource
    identifiers = nodes(resource.get("identifier"))
    nhs_number = _nhs_number(identifiers)
    name = current(nodes(resource.get("name")), _NAME_USES)
    forename, middle_names = given_names(name)
    address = current(nodes(resource.get("address")), _ADDRESS_USES)
    ethnicity_code, ethnicity_system = _ethnicity(resource)
    gp_code, practice_code = _general_practitioner(record)
    birth_date = text(resource.get("birthDate")) or ""
    if resource.get("birthDate") is not None and not birth_date:
        record.remarks.append(("fhir-date-partial", "birthDate"))
    multiple = resource.get("multipleBirthBoolean")
    birth_order = integer(resource.get("multipleBirthInteger"))
    death_at = record.instant(resource.get("deceasedDateTime"), "deceasedDateTime")
    return {
        "source_person_id": record.resource_id,
        "id_namespace": _namespace(resource, identifiers),
        "forename": forename,
        "middle_names": middle_names,
        "surname": text(name.get("family")),
        "birth_date": day(birth_date),
        "birth_date_precision": _PRECISIONS.get(len(birth_date)),
        "sex": _sex(resource),
        "gender": text(resource.get("gender")),
        "nhs_number": text(nhs_number.get("value")),
        "nhs_number_status": _verification(nhs_number),
        "ethnicity_code": ethnicity_code,
        "ethnicity_code_system": ethnicity_system,
        "death_at": death_at,
        "is_deceased": resource.get("deceasedDateTime") is not None or boolean(resource.get("deceasedBoolean")),
        "is_active": boolean(resource.get("active")),
        "multiple_birth": birth_order is not None or boolean(multiple),
        "birth_order": birth_order,
        "preferred_language": _language(resource),
        "gp_code": gp_code,
        "practice_code": practice_code,
        "managing_organisation": record.party(resource.get("managingOrganization")),
        "address_line": address_line(address),
        "town": text(address.get("city")),
        "postcode": text(address.get("postalCode")),
        "replaced_by_id": _linked(record, "replaced-by"),
        "replaces_id": _linked(record, "replaces"),
        "telephone": telephone(resource.get("telecom")),
    }


def identifiers(record: Record) -> list[Row]:
    """Rows of `identifiers`: those that have a value, numbered by their place in the resource."""
    rows = []
    for sequence, identifier in enumerate(nodes(record.resource.get("identifier")), start=1):
        value = text(identifier.get("value"))
        use = text(identifier.get("use"))
        if not value:
            continue
        is_nhs = is_nhs_number(identifier)
        rows.append({
            **_of(record, sequence),
            "identifier_type": "nhs_number" if is_nhs else coding(identifier.get("type"))[0] or use,
            "assigning_authority": text(identifier.get("system")),
            "identifier_value": value,
            "identifier_status": (_verification(identifier) if is_nhs else None) or use,
            "is_deleted": use == "old",
        })
    return rows


def names(record: Record) -> list[Row]:
    """Rows of `names`."""
    rows = []
    for sequence, name in enumerate(nodes(record.resource.get("name")), start=1):
        forename, middle_names = given_names(name)
        surname = text(name.get("family"))
        if not (forename or surname) and text(name.get("text")):
            record.remarks.append(("fhir-name-text-only", f"name[{sequence - 1}]"))
        period = node(name.get("period"))
        element = f"name[{sequence - 1}].period"
        rows.append({
            **_of(record, sequence),
            "name_type": text(name.get("use")),
            "forename": forename,
            "middle_names": middle_names,
            "surname": surname,
            "valid_from": record.day(period.get("start"), f"{element}.start"),
            "valid_to": record.day(period.get("end"), f"{element}.end"),
        })
    return rows


def addresses(record: Record) -> list[Row]:
    """Rows of `addresses`."""
    rows = []
    for sequence, address in enumerate(nodes(record.resource.get("address")), start=1):
        period = node(address.get("period"))
        element = f"address[{sequence - 1}].period"
        rows.append({
            **_of(record, sequence),
            "address_type": text(address.get("use")),
            "address_line": address_line(address),
            "town": text(address.get("city")),
            "postcode": text(address.get("postalCode")),
            "valid_from": record.day(period.get("start"), f"{element}.start"),
            "valid_to": record.day(period.get("end"), f"{element}.end"),
        })
    return rows


def related_person(record: Record) -> Row:
    """One row of `related_persons`."""
    resource = record.resource
    name = current(nodes(resource.get("name")), _NAME_USES)
    return {
        "resource_id": record.resource_id,
        "source_person_id": record.patient(resource.get("patient")),
        "forename": given_names(name)[0],
        "surname": text(name.get("family")),
        "relationship_code": coding(first(resource.get("relationship")))[0],
        "is_active": boolean(resource.get("active")),
        "telephone": telephone(resource.get("telecom")),
        "postcode": text(current(nodes(resource.get("address")), _ADDRESS_USES).get("postalCode")),
    }


def organization(record: Record) -> Row:
    """One row of `organizations`."""
    resource = record.resource
    codes = (
        text(each.get("value")) for each in nodes(resource.get("identifier"))
        if (text(each.get("system")) or "").endswith(_PRACTICE_SYSTEMS)
    )
    return {
        "resource_id": record.resource_id,
        "name": text(resource.get("name")),
        "type_code": coding(first(resource.get("type")))[0],
        "ods_code": next((code for code in codes if code), None),
        "is_active": boolean(resource.get("active")),
        "postcode": text(first(resource.get("address")).get("postalCode")),
    }


def _of(record: Record, sequence: int) -> Row:
    return {"resource_id": record.resource_id, "source_person_id": record.resource_id, "sequence": sequence}


def _nhs_number(identifiers: list[Json]) -> Json:
    """The NHS number in force: not marked as old, with a value before one with a status only."""
    numbers = [each for each in identifiers if is_nhs_number(each)]
    return min(numbers, key=lambda each: (each.get("use") == "old", not text(each.get("value"))), default={})


def _verification(identifier: Json) -> str | None:
    """The verification status of an NHS number; the three code systems agree on what 01 to 08 mean."""
    found = next(
        (each for each in nodes(identifier.get("extension"))
         if "NHSNumberVerificationStatus" in (text(each.get("url")) or "")),
        {},
    )
    code, _ = coding(found.get("valueCodeableConcept"))
    return code or text(node(found.get("valueCoding")).get("code")) or text(found.get("valueCode"))


def _namespace(resource: Json, identifiers: list[Json]) -> str | None:
    """Whose numbers these are: the system of the hospital's own number, else where the resource came from."""

    def rank(identifier: Json) -> tuple[bool, int]:
        kind, _ = coding(identifier.get("type"))
        system = text(identifier.get("system")) or ""
        is_hospital_number = "pas-identifier" in system or kind in _LOCAL_TYPES
        return not is_hospital_number, _NAMESPACE_USES.get(text(identifier.get("use")), len(_NAMESPACE_USES))

    local = [
        each for each in identifiers
        if text(each.get("system")) and not is_nhs_number(each) and coding(each.get("type"))[0] not in _NATIONAL_TYPES
    ]
    source = text(node(resource.get("meta")).get("source"))
    fallback = source.split("#", 1)[0] or None if source else None
    return text(min(local, key=rank, default={}).get("system")) or fallback


def _sex(resource: Json) -> str | None:
    """Sex at birth where it is recorded, else what the administrative gender says."""
    found = extension(resource, "BirthSex") or extension(resource, "us-core-birthsex")
    code = text(found.get("valueCode")) or coding(found.get("valueCodeableConcept"))[0]
    if code:
        return _SEX_OF_BIRTH_CODE.get(code.upper(), "U")
    gender = text(resource.get("gender"))
    return _SEX_OF_GENDER.get(gender.lower()) if gender else None


def _ethnicity(resource: Json) -> tuple[str | None, str | None]:
    """Ethnic category and the list it is from: the same letter means different things in different lists."""
    found = extension(resource, "EthnicCategory") or extension(resource, "EthnicCategory-1")
    code, system = coding(found.get("valueCodeableConcept"))
    if code:
        return code, _ETHNICITY_SYSTEMS.get((system or "").rsplit("/", 1)[-1], system)
    for part in ("us-core-race", "us-core-ethnicity"):
        code = text(node(extension(extension(resource, part), "ombCategory").get("valueCoding")).get("code"))
        if code:
            return code, "us_core"
    return None, None


def _language(resource: Json) -> str | None:
    spoken = nodes(resource.get("communication"))
    preferred = next((each for each in spoken if each.get("preferred") is True), next(iter(spoken), {}))
    return coding(preferred.get("language"))[0]


def _general_practitioner(record: Record) -> tuple[str | None, str | None]:
    """General practitioner and practice: Wales sends one of each, as references by identifier."""
    gp_code = practice_code = None
    for reference in nodes(record.resource.get("generalPractitioner")):
        code = record.party(reference)
        system = text(node(reference.get("identifier")).get("system")) or ""
        kind = text(reference.get("type"))
        is_practice = (
            kind == "Organization" or system.endswith(_PRACTICE_SYSTEMS) or (code or "").startswith("Organization/")
        )
        if is_practice:
            practice_code = practice_code or code
        else:
            gp_code = gp_code or code
    return gp_code, practice_code


def _linked(record: Record, kind: str) -> str | None:
    others = (
        record.patient(each.get("other")) for each in nodes(record.resource.get("link")) if each.get("type") == kind
    )
    return ",".join(each for each in others if each) or None
