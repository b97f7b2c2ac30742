"""The tables of the SSDA903 return, their columns in every year, and the canonical table that each becomes.

Here belong declarations only. Reading files belongs to `ssda903` and `ssda903_xml`, turning rows into canonical ones to
`ssda903_rows`, the codes to `ssda903_codes`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.contract import Change, CodeSet, Contract
from connectors.social_care import canonical
from connectors.social_care import ssda903_codes as codes

# From the return of the year to 31 March 2025 on, SEX is a letter.
SEX_IS_LETTER_SINCE = date(2024, 4, 1)


@dataclass(frozen=True)
class Form:
    """One table of the return.

    Attributes:
        name: As the guide calls it.
        table: Canonical table it becomes.
        columns: Column of the return to column of the canonical table. One that starts with an underscore is carried
            to `complete` and does not land.
        needed: Columns without which the file is held.
        row_id: Canonical id column, and the columns it is made from.
        spoken: Other words for it in file names.
    """

    name: str
    table: str
    columns: dict[str, str]
    needed: tuple[str, ...]
    row_id: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()


_CHILD = {"CHILD": "source_person_id"}
_CHILD_BORN = {"CHILD": "source_person_id", "DOB": "_birth_date"}
FORMS: tuple[Form, ...] = (
    Form("Header", "persons", _CHILD | {
        "SEX": "sex", "DOB": "birth_date", "ETHNIC": "ethnicity_code", "UPN": "upn", "MOTHER": "is_mother",
        "MC_DOB": "own_child_birth_date",
    }, ("CHILD", "DOB")),
    Form("UASC", "unaccompanied_status", {**_CHILD_BORN, "SEX": "_sex", "DUC": "ceased_date"}, ("CHILD",)),
    Form("OC2", "health_flags", _CHILD_BORN | {
        "SDQ_SCORE": "sdq_score", "SDQ_REASON": "sdq_reason_code", "CONVICTED": "is_convicted",
        "HEALTH_CHECK": "health_surveillance_current", "IMMUNISATIONS": "immunisations_current",
        "TEETH_CHECK": "dental_check_done", "HEALTH_ASSESSMENT": "health_assessment_done",
        "SUBSTANCE_MISUSE": "substance_misuse", "INTERVENTION_RECEIVED": "intervention_received",
        "INTERVENTION_OFFERED": "intervention_offered",
    }, ("CHILD",)),
    Form("Episodes", "looked_after_episodes", _CHILD | {
        "DECOM": "started_date", "RNE": "start_reason_code", "LS": "legal_status_code", "CIN": "need_code",
        "PLACE": "placement_type_code", "PLACE_PROVIDER": "placement_provider_code", "DEC": "ended_date",
        "REC": "end_reason_code", "REASON_PLACE_CHANGE": "place_change_reason_code", "HOME_POST": "home_postcode",
        "PL_POST": "placement_postcode", "URN": "placement_urn",
        # Without DEC every episode would look open.
    }, ("CHILD", "DECOM", "DEC"), ("episode_id", "source_person_id", "started_date")),
    Form("Reviews", "looked_after_reviews", _CHILD_BORN | {
        "REVIEW": "review_date", "REVIEW_CODE": "participation_code",
    }, ("CHILD", "REVIEW"), ("review_id", "source_person_id", "review_date")),
    Form("OC3", "outcomes_leavers", _CHILD_BORN | {
        "IN_TOUCH": "in_touch_code", "ACTIV": "activity_code", "ACCOM": "accommodation_code",
    }, ("CHILD",)),
    Form("AD1", "adoptions", _CHILD_BORN | {
        "DATE_INT": "decided_date", "DATE_MATCH": "matched_date", "FOSTER_CARE": "is_foster_carer",
        "NB_ADOPTR": "adopters_number_code", "SEX_ADOPTR": "adopters_sex_code",
        "LS_ADOPTR": "adopters_legal_status_code",
    }, ("CHILD",)),
    Form("PlacedAdoption", "placements", _CHILD_BORN | {
        "DATE_PLACED": "started_date", "DATE_PLACED_CEASED": "ended_date", "REASON_PLACED_CEASED": "end_reason_code",
    }, ("CHILD", "DATE_PLACED"), ("placement_id", "source_person_id", "placement_type_code", "started_date"),
        ("placedforadoption", "sbpfa")),
    Form("PrevPerm", "previous_permanence", _CHILD_BORN | {
        "PREV_PERM": "previous_permanence_code", "LA_PERM": "local_authority_code", "DATE_PERM": "order_date",
    }, ("CHILD",), (), ("previouspermanence", "permanence")),
    Form("Missing", "missing_episodes", _CHILD_BORN | {
        "MISSING": "category_code", "MIS_START": "started_date", "MIS_END": "ended_date",
    }, ("CHILD", "MIS_START"), ("missing_episode_id", "source_person_id", "started_date")),
    Form("SWEpisodes", "social_worker_episodes", _CHILD_BORN | {
        "SW_ID": "social_worker_id", "SW_DECOM": "started_date", "SW_DEC": "ended_date", "SW_REASON": "reason_code",
    }, ("CHILD", "SW_ID", "SW_DECOM"), (), ("socialworker",)),
    Form("DoLo", "deprivation_of_liberty_orders", _CHILD_BORN | {
        "DOLO_START": "started_date", "DOLO_END": "ended_date",
    }, ("CHILD", "DOLO_START"), (), ("deprivationofliberty",)),
)
BY_FORM: dict[str, Form] = {form.name: form for form in FORMS}
_RECORDS = tuple(form.table for form in FORMS)
# Of the rows of PlacedAdoption, which have no PLACE code of their own.
PLACED_FOR_ADOPTION = "placed_for_adoption"

_SETS: dict[str, dict[str, Any]] = {
    "persons.ethnicity_code": {"codes": codes.ETHNICITY},
    "looked_after_episodes.start_reason_code": {"codes": codes.REASON_NEW_EPISODE},
    "looked_after_episodes.legal_status_code": {"codes": codes.LEGAL_STATUS},
    "looked_after_episodes.need_code": {"codes": codes.NEED},
    "looked_after_episodes.placement_type_code": {"codes": codes.PLACE_2017},
    "looked_after_episodes.placement_provider_code": {"codes": codes.PROVIDER},
    "looked_after_episodes.end_reason_code": {"codes": codes.REASON_CEASED_2017},
    "looked_after_episodes.place_change_reason_code": {"codes": codes.PLACE_CHANGE_2017},
    "looked_after_reviews.participation_code": {"codes": codes.REVIEW},
    "health_flags.sdq_reason_code": {"codes": codes.SDQ_REASON},
    "outcomes_leavers.in_touch_code": {"codes": codes.IN_TOUCH},
    "outcomes_leavers.activity_code": {"codes": codes.ACTIVITY_2017},
    "outcomes_leavers.accommodation_code": {"codes": codes.ACCOMMODATION},
    "adoptions.adopters_sex_code": {"codes": codes.ADOPTERS_SEX},
    "adoptions.adopters_legal_status_code": {"codes": codes.ADOPTERS_LEGAL_STATUS},
    "placements.end_reason_code": {"codes": codes.PLACED_CEASED},
    "previous_permanence.previous_permanence_code": {"codes": codes.PREVIOUS_PERMANENCE},
    "social_worker_episodes.reason_code": {"codes": codes.SOCIAL_WORKER_REASON},
    # The episodes report their own dates; their addresses need not do so again.
    "addresses.valid_from": {"future": "allow"},
}
_TABLES = canonical.adapted((*_RECORDS, "addresses"), _SETS, is_day_first=True)
_BASE = {table.name: table for table in _TABLES}


def _recoded(since: date, table: str, column: str, code_set: CodeSet, reason: str) -> Change:
    changed = dataclasses.replace(canonical.column(_BASE[table], column), codes=code_set)
    return Change(since, table, reason, put=(changed,))


_EPISODES = "looked_after_episodes"
CONTRACT = Contract(
    _TABLES,
    (
        _recoded(date(2018, 4, 1), _EPISODES, "end_reason_code", codes.REASON_CEASED_2019,
                 "Return of 2019: special guardianship (E43, E44) is split into E45 to E48."),
        _recoded(date(2018, 4, 1), _EPISODES, "place_change_reason_code", codes.PLACE_CHANGE_2019,
                 "Return of 2019: CUSTOD is new."),
        _recoded(date(2021, 4, 1), "outcomes_leavers", "activity_code", codes.ACTIVITY_2022,
                 "Return of 2022: F3 and P3 are split into F4, F5, P4 and P5."),
        Change(date(2023, 4, 1), "social_worker_episodes", "Return of 2024: the table is new."),
        _recoded(date(2024, 4, 1), _EPISODES, "placement_type_code", codes.PLACE_2025,
                 "Return of 2025: supported accommodation is K3; H5 and P2 end. SEX is M or F, no longer 1 or 2."),
        _recoded(date(2025, 4, 1), _EPISODES, "placement_type_code", codes.PLACE_2026,
                 "Return of 2026: Z1 is split into Z11 to Z14."),
        Change(date(2026, 4, 1), "deprivation_of_liberty_orders", "Return of 2027: the table is new."),
    ),
    record_tables=_RECORDS,
)
