"""The region file: which systems send what, how often, and where local rules and thresholds differ.

Here belongs its shape and the one message that a mistake in it gives. Folders belong to `orchestration.settings`,
national rules to the dbt seed `statutory_rules`.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, TomlConfigSettingsSource

from connectors.catalogue import FEEDS
from connectors.errors import ConfigurationError
from connectors.feed import Mode

Cadence = Literal["daily", "weekly", "monthly", "termly", "yearly"]
CADENCE_DAYS: dict[Cadence, int] = {"daily": 1, "weekly": 7, "monthly": 31, "termly": 122, "yearly": 366}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Thresholds(_Strict):
    """Limits that a region sets itself.

    Attributes:
        link: Probability from which two records are linked without a person looking.
        review: Probability from which a pair waits for a person.
        shrink_limit: Share by which a full extract may fall below the last one before it is held.
        settle_seconds: How long a file in the inbox must be unchanged before it is read.
    """

    link: float = Field(0.95, gt=0, le=1)
    review: float = Field(0.5, gt=0, le=1)
    shrink_limit: float = Field(0.4, gt=0, le=1)
    settle_seconds: int = Field(60, ge=0)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.review > self.link:
            raise ValueError("review must not be above link")
        return self


class FeedTerms(_Strict):
    """What one source system sends.

    Attributes:
        feed: `agency/feed`, one of the catalogue.
        system: Name of the source system; two councils' systems are two entries.
        path: Pattern below the inbox; each file or folder it matches is one delivery.
        mode: What a delivery is unless its name or content says otherwise.
        cadence: How often it should come.
        arrival_deadline_days: Days of grace before the feed is late.
    """

    feed: str
    system: str = Field(min_length=1)
    path: str
    mode: Mode
    cadence: Cadence
    arrival_deadline_days: int = Field(ge=0)

    @field_validator("feed")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in FEEDS:
            raise ValueError(f"there is no such feed; the feeds are {', '.join(FEEDS)}")
        return value

    @field_validator("path")
    @classmethod
    def _inside(cls, value: str) -> str:
        parts = Path(value).parts
        if not parts or Path(value).is_absolute() or ".." in parts:
            raise ValueError("the pattern must lie below the inbox")
        return value

    @property
    def late_after_days(self) -> int:
        """Days after the last as-at date from which the feed is late."""
        return CADENCE_DAYS[self.cadence] + self.arrival_deadline_days


class RuleOverride(_Strict):
    """A local rule that wins over the national one with the same id.

    Attributes:
        rule_id: Id of the rule in the seed `statutory_rules`.
        value: The local value.
        unit: Its unit, as in the seed.
        reason: Who decided it and when; shown as the rule's source.
    """

    rule_id: str = Field(min_length=1)
    value: float
    unit: Literal["working_day", "school_day", "calendar_day", "week", "month", "year", "hour", "minute", "count"]
    reason: str = Field(min_length=1)


class Region(_Strict):
    """A region: a safeguarding board's area with its agencies' systems."""

    name: str = Field(min_length=1)
    jurisdiction: Literal["wales", "england"]
    thresholds: Thresholds = Thresholds()
    feeds: tuple[FeedTerms, ...]
    rule_overrides: tuple[RuleOverride, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Self:
        for what, keys in (
            ("feed and system", [(terms.feed, terms.system) for terms in self.feeds]),
            ("rule override", [rule.rule_id for rule in self.rule_overrides]),
        ):
            if len(set(keys)) < len(keys):
                raise ValueError(f"a {what} stands twice")
        return self

    def terms_of(self, feed: str) -> list[FeedTerms]:
        """The systems that send a feed."""
        return [terms for terms in self.feeds if terms.feed == feed]

    def system_for(self, feed: str, path: Path) -> str:
        """The system whose pattern fits the file's name, else the first of the feed, else the feed itself."""
        systems = self.terms_of(feed)
        fitting = [terms for terms in systems if fnmatch(f"{feed}/{path.name}", terms.path)]
        return next((terms.system for terms in (*fitting, *systems)), feed)


class _TomlOnly(BaseSettings):
    """Gives pydantic-settings' TOML source something to stand on."""


def load_region(path: Path) -> Region:
    """Read and check a region file.

    Args:
        path: The TOML file.

    Returns:
        The region.

    Raises:
        ConfigurationError: The file is missing, is no TOML, or has a mistake; the message names the first key at fault.
    """
    if not path.is_file():
        raise ConfigurationError(f"there is no region file at {path}")
    try:
        path.read_text(encoding="utf-8")
        return Region.model_validate(TomlConfigSettingsSource(_TomlOnly, toml_file=path)())
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path.name} is not text in UTF-8") from None
    except tomllib.TOMLDecodeError as fault:
        raise ConfigurationError(f"{path.name} is not TOML: {fault}") from fault
    except ValidationError as faults:
        first = faults.errors()[0]
        key = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"]) or "the file"
        more = f" ({faults.error_count() - 1} more)" if faults.error_count() > 1 else ""
        raise ConfigurationError(f"{path.name}: {key}: {first['msg']}{more}") from faults
