"""All feeds, in the order in which their agencies stand in the design. A new feed is one new line here."""

from __future__ import annotations

from connectors import training
from connectors.education import (
    attendance,
    eotas_and_home_education,
    exclusions,
    safeguarding_concerns,
    school_calendar,
    school_census,
)
from connectors.errors import ConfigurationError
from connectors.feed import Feed
from connectors.health import adt, fhir
from connectors.police import domestic_abuse, ppn
from connectors.social_care import case_export, cin_census, conferences, early_help, ssda903

FEEDS: dict[str, Feed] = {
    feed.key: feed
    for feed in (
        adt.FEED, fhir.FEED, ppn.FEED, school_census.FEED, case_export.FEED, ssda903.FEED, cin_census.FEED,
        early_help.FEED, conferences.FEED, *training.FEEDS,
        school_calendar.FEED, domestic_abuse.FEED,
        attendance.FEED, exclusions.FEED, safeguarding_concerns.FEED, eotas_and_home_education.FEED,
    )
}


def find(key: str) -> Feed:
    """The feed with this key.

    Raises:
        ConfigurationError: There is none; the message lists those that there are.
    """
    try:
        return FEEDS[key]
    except KeyError:
        raise ConfigurationError(f"there is no feed {key!r}; the feeds are {', '.join(FEEDS)}") from None
