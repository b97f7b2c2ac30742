"""The errors of linkage, all permanent: running again without a change does not help.

Put here: one class for each thing a caller can mend. Keep out: anything that would put a person's value
into a message; messages carry column names, types and counts only.
"""


class LinkageError(Exception):
    """Base of every error that linkage raises on purpose."""


class PersonsContractError(LinkageError):
    """The persons table does not have the shape that the seam promises."""


class ConfigurationError(LinkageError):
    """A setting is outside what it may be."""


class ClusterInvariantError(LinkageError):
    """A finished set of children breaks a veto. Nothing is written; this is a fault of the program, not of the data."""


class TruthContractError(LinkageError):
    """The truth, or the clusters given with it, cannot be joined."""
