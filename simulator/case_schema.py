"""The tables of the social-care case export: columns, kinds, and what a later date hides.

Put here: the shape only. Keep out: who has rows (`lives_*`) and the writing of files (`write_case_export`).
Kinds: V text, D day, B boolean, I integer.
"""

from __future__ import annotations


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((item.split(":")[0], item.split(":")[1]) for item in text.split())


TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "persons": _columns(
        "source_person_id:V forename:V middle_names:V surname:V preferred_name:V birth_date:D expected_birth_date:D "
        "is_unborn:B death_date:D sex:V ethnicity_code:V ethnicity_code_system:V nhs_number:V upn:V former_upn:V "
        "preferred_language:V family_group_id:V is_sealed:B mother_source_person_id:V"
    ),
    "identifiers": _columns("source_person_id:V identifier_type:V identifier_value:V valid_from:D valid_to:D"),
    "names": _columns("source_person_id:V name_type:V forename:V middle_names:V surname:V valid_from:D valid_to:D"),
    "addresses": _columns(
        "source_person_id:V address_type:V address_line:V town:V postcode:V valid_from:D valid_to:D is_confidential:B"
    ),
    "contacts": _columns(
        "contact_id:V source_person_id:V contact_date:D source_code:V route:V outcome_code:V decision_date:D"
    ),
    "referrals": _columns(
        "referral_id:V source_person_id:V referral_date:D source_code:V decision_date:D decision_code:V "
        "is_no_further_action:B primary_need_code:V closed_date:D closure_reason_code:V"
    ),
    "assessments": _columns(
        "assessment_id:V source_person_id:V referral_id:V started_date:D completed_date:D factors:V"
    ),
    "visits": _columns(
        "visit_id:V source_person_id:V visit_date:D visit_type:V was_seen:B seen_alone:B seen_at_home:B bedroom_seen:B"
    ),
    "s47_enquiries": _columns(
        "s47_id:V source_person_id:V referral_id:V strategy_discussion_date:D started_date:D completed_date:D "
        "outcome_code:V conference_not_required:B"
    ),
    "initial_conferences": _columns(
        "conference_id:V source_person_id:V s47_id:V conference_date:D conference_type:V outcome_code:V meeting_id:V"
    ),
    "registrations": _columns(
        "registration_id:V source_person_id:V registered_date:D deregistered_date:D category_code:V "
        "initial_category_code:V conference_id:V previous_registrations:I deregistration_reason_code:V"
    ),
    "review_conferences": _columns(
        "review_conference_id:V registration_id:V source_person_id:V review_date:D outcome_code:V meeting_id:V"
    ),
    "core_groups": _columns("core_group_id:V registration_id:V source_person_id:V core_group_date:D"),
    "looked_after_episodes": _columns(
        "episode_id:V source_person_id:V started_date:D start_reason_code:V legal_status_code:V need_code:V "
        "placement_type_code:V placement_provider_code:V ended_date:D end_reason_code:V place_change_reason_code:V "
        "home_postcode:V placement_postcode:V placement_urn:V"
    ),
    "placements": _columns(
        "placement_id:V source_person_id:V started_date:D ended_date:D placement_type_code:V provider_code:V "
        "postcode:V is_long_term:B"
    ),
    "looked_after_reviews": _columns("review_id:V source_person_id:V review_date:D participation_code:V"),
    "health_assessments": _columns(
        "health_assessment_id:V source_person_id:V assessment_kind:V requested_date:D offered_date:D "
        "assessment_date:D status:V assessor_role:V assessor_organisation:V recorded_date:D"
    ),
    "immunisations": _columns("source_person_id:V status_date:D is_up_to_date:B"),
    "legal_statuses": _columns("source_person_id:V legal_status_code:V started_date:D ended_date:D"),
    "early_help": _columns(
        "early_help_id:V source_person_id:V requested_date:D allocated_date:D started_date:D closed_date:D team:V "
        "outcome_code:V"
    ),
    "missing_episodes": _columns(
        "missing_episode_id:V source_person_id:V started_date:D ended_date:D category_code:V interview_offered:B "
        "interview_accepted:B interview_date:D"
    ),
}

# Before the date in the key column the case worker did not know the value nor those that hang on it.
HIDDEN_UNTIL: dict[str, dict[str, tuple[str, ...]]] = {
    "addresses": {"valid_to": ()},
    "contacts": {"decision_date": ("outcome_code",)},
    "referrals": {"decision_date": ("decision_code", "is_no_further_action"), "closed_date": ("closure_reason_code",)},
    "assessments": {"completed_date": ("factors",)},
    "s47_enquiries": {"completed_date": ("outcome_code", "conference_not_required")},
    "registrations": {"deregistered_date": ("deregistration_reason_code",)},
    "looked_after_episodes": {"ended_date": ("end_reason_code", "place_change_reason_code")},
    "placements": {"ended_date": ()},
    "legal_statuses": {"ended_date": ()},
    "early_help": {"allocated_date": ("team",), "started_date": (), "closed_date": ("outcome_code",)},
    "health_assessments": {"offered_date": ()},
    "missing_episodes": {
        "ended_date": ("interview_offered",),
        "interview_date": ("interview_accepted",),
    },
}
# The first date of a row: it is entered some days later.
FIRST_DATE: dict[str, str] = {
    "contacts": "contact_date",
    "referrals": "referral_date",
    "assessments": "started_date",
    "visits": "visit_date",
    "s47_enquiries": "started_date",
    "initial_conferences": "conference_date",
    "registrations": "registered_date",
    "review_conferences": "review_date",
    "core_groups": "core_group_date",
    "looked_after_episodes": "started_date",
    "placements": "started_date",
    "looked_after_reviews": "review_date",
    "health_assessments": "recorded_date",
    "immunisations": "status_date",
    "legal_statuses": "started_date",
    "early_help": "requested_date",
    "missing_episodes": "started_date",
}
