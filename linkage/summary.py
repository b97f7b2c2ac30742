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
    """Records, pairs and children of a run."""

    records: int
    pairs_compared: int
    pairs_kept: int
    """Pairs in pairs.parquet; the others were under LinkageConfig.keep, or withheld."""
    pairs_withheld: int
    """Pairs with a sealed record: decided, counted, and not stored."""
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
    """One run: its counts, its settings and the model that decided."""

    as_of: date
    link_threshold: float
    review_threshold: float
    model_name: str
    model_version: str
    weights_source: str
    """`learnt`, or `declared: <reason>`."""
    pairs_learnt_from: int
    prior: float
    bits: dict[str, dict[str, float]]
    """Evidence, log2(m/u), of every level of every comparison."""
    records_by_method: dict[str, int]
    vetoes: dict[str, int]
    """Pairs for review, and the probable ones withheld, by the veto that keeps them from being linked."""
    blocking: dict[str, RuleCount]

    def to_json(self) -> str:
        """The same text for the same run."""
        return json.dumps({**asdict(self), "as_of": self.as_of.isoformat()}, indent=2, sort_keys=True) + "\n"
