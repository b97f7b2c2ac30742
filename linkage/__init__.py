"""Linkage: standardised persons in, children out.

Pure Python over DuckDB, Parquet and pandas; imports nothing of ours.

The whole of its surface is here: `link`, `evaluate`, their settings, results and errors. Everything else
may change.
"""

from linkage.errors import (
    ClusterInvariantError,
    ConfigurationError,
    LinkageError,
    PersonsContractError,
    TruthContractError,
)
from linkage.evaluate import Evaluation, evaluate
from linkage.linker import link
from linkage.model import LinkageConfig
from linkage.summary import LinkageSummary

__all__ = [
    "ClusterInvariantError",
    "ConfigurationError",
    "Evaluation",
    "LinkageConfig",
    "LinkageError",
    "LinkageSummary",
    "PersonsContractError",
    "TruthContractError",
    "evaluate",
    "link",
]
