"""The counts of one linkage run.

Put here: figures that an operator or a mart shows. Keep out: values of persons, and durations (the file must be the
same bytes on a rerun).
"""

import json
from dataclasses import asdict, dataclass
from datetime import date

from linkage.blocking import RuleCount


@dataclass(frozen=True)
class Counts:
    """Records, pairs and children as they stand after a run."""

    records: int
    pairs_kept: int
    """Pairs in pairs.parquet; the others were under LinkageConfig.keep, or withheld."""
    links: int
    review: int
    review_open: int
    """Pairs for review whose records are under two ids; the others are settled by other links."""
    merges: int
    merges_refused: int
    """Merges that a source declared and a veto refused."""
    merges_unresolved: int
    """Merges into a record that is not among the persons."""
    children: int
    singletons: int
    largest_cluster: int


@dataclass(frozen=True)
class LinkageSummary(Counts):
    """One run: its counts, what it changed, its settings and the model that decided."""

    as_of: date
    is_look_back: bool
    """Whether the run asked for a day before the newest run: ids are then read from history."""
    records_new: int
    records_changed: int
    records_gone: int
    pairs_compared: int
    """Candidate pairs scored in this run."""
    pairs_withheld: int
    """Pairs with a sealed record: decided, counted, and not stored."""
    components_solved: int
    """Groups of records in which something spoke against one child, solved by average linkage."""
    components_oversized: int
    """... that were larger than a child can be: an alarm."""
    ids_created: int
    ids_merged: int
    ids_split: int
    ids_changed: int
    """Records that were known before and are under another id now."""
    link_threshold: float
    review_threshold: float
    model_version: str
    pairs_learnt_from: int
    prior: float
    decisions: dict[str, int]
    """Decisions of people in force, by verdict; `dormant` speak of records that are not there."""
    second_reader: dict[str, int]
    """Pairs read again by another model, and how often the two agree and disagree."""
    records_by_method: dict[str, int]
    vetoes: dict[str, int]
    """Pairs for review, and the probable ones withheld, by the veto that keeps them from being linked."""
    blocking: dict[str, RuleCount]

    def to_json(self) -> str:
        """The same text for the same run."""
        return json.dumps({**asdict(self), "as_of": self.as_of.isoformat()}, indent=2, sort_keys=True) + "\n"
