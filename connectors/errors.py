"""What can go wrong between a supplier's file and the landing area.

Permanent and transient errors are different classes, because only the second kind is worth trying again. No message
may hold a value of a person: file positions, columns and rule ids only.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of every error that a connector raises on purpose."""


class SourceUnavailable(ConnectorError):
    """The source cannot be read just now (a busy share, a file still being written). Try again."""


class StorageUnavailable(ConnectorError):
    """The landing or the quarantine cannot be written just now (the disk is full). Nothing half is left; try again."""


class ConfigurationError(ConnectorError):
    """The caller asked for something that does not exist or contradicts itself. Trying again changes nothing."""


class FileHeld(ConnectorError):
    """A file breaks its shape, so that none of its records can be trusted. Permanent until a new file comes.

    Attributes:
        rule_id: The rule of `connectors.rules` that the file breaks.
        detail: Where and what, in plain English, without any value of a person.
        source_file: Name of the file, set by the landing when the parser did not know it.
    """

    def __init__(self, rule_id: str, detail: str, *, source_file: str | None = None) -> None:
        super().__init__(f"{rule_id}: {detail}")
        self.rule_id = rule_id
        self.detail = detail
        self.source_file = source_file
