"""Linkage: standardised persons in, children out.

Pure Python over DuckDB and Parquet; imports nothing of ours.

The whole of its surface is here: a night (`link`), models (`train_model`, `try_in_shadow`, `promote`, `list_models`),
one person (`look_up`), files of any source (`link_files`), measuring against a truth (`evaluate`), their settings,
results and errors. Everything else may change.
"""

from linkage.decisions import DecisionError, Decisions, add_decisions
from linkage.decisions import export_csv as export_decisions
from linkage.decisions import import_csv as import_decisions
from linkage.errors import (
    ClusterInvariantError,
    ConfigurationError,
    LinkageError,
    PersonsContractError,
    TruthContractError,
)
from linkage.evaluate import Evaluation, evaluate
from linkage.linker import link
from linkage.lookup import Match, look_up
from linkage.model import LinkageConfig
from linkage.registry import ShadowReport, list_models, promote, train_model, try_in_shadow
from linkage.store import StoreError
from linkage.summary import LinkageSummary

__all__ = [
    "ClusterInvariantError",
    "ConfigurationError",
    "DecisionError",
    "Decisions",
    "Evaluation",
    "LinkageConfig",
    "LinkageError",
    "LinkageSummary",
    "Match",
    "PersonsContractError",
    "ShadowReport",
    "StoreError",
    "TruthContractError",
    "add_decisions",
    "evaluate",
    "export_decisions",
    "import_decisions",
    "link",
    "list_models",
    "look_up",
    "promote",
    "train_model",
    "try_in_shadow",
]
