"""FHIR R4: bulk export folders (NDJSON), Bundles, arrays and single resources of a health board or trust.

Here belong the feed itself and the way of one record through it: read, validate, mend once, project, or quarantine.
Containers are read in `fhir_reader`, resources held against their models in `fhir_validation`, rows made in
`fhir_projection` and `fhir_patient`; tables and rules are declared in `fhir_contract`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from connectors.feed import Feed, Finding, ParseContext, Parsed, SourceFile
from connectors.health.fhir_contract import CONTRACT
from connectors.health.fhir_datatypes import Record, node, text
from connectors.health.fhir_projection import Rows
from connectors.health.fhir_reader import Item, content_id, open_source, superseded
from connectors.health.fhir_validation import R4_ONLY, Validator, describe, model_of, path, repair
from connectors.rules import RULES

_BATCH = 5_000
_RECORDS = "resources"


@dataclass
class _Batch:
    """Records of one file on their way to a `Parsed`."""

    validator: Validator
    rows: Rows = field(default_factory=Rows)
    findings: list[Finding] = field(default_factory=list)
    size: int = 0

    def take(self, item: Item, gives_way: str | None) -> None:
        """Take one record: into the tables, or into the findings where it gives way to another under a rule."""
        self.size += 1
        rule_id = item.rule_id or gives_way
        if rule_id:
            self._set_aside(item, rule_id)
        elif item.is_withdrawal:
            self._withdraw(item)
        elif item.resource is not None:
            self._land(item)

    def _set_aside(self, item: Item, rule_id: str, column: str | None = None, raw: bytes | None = None) -> None:
        is_kept = RULES[rule_id].action in ("reject", "duplicate")
        kept = (raw or item.for_quarantine()) if is_kept else None
        self.findings.append(Finding(rule_id, _RECORDS, item.position, column, raw=kept))

    def _withdraw(self, item: Item) -> None:
        if model_of(item.resource_type) is None and item.resource_type not in R4_ONLY:
            self._set_aside(item, "fhir-resource-type-unknown")
            return
        lineage = {"row_number": item.position, "record_action": "delete", "_extracted_at": item.changed_at}
        row = {
            "resource_type": item.resource_type, "resource_id": item.resource_id, "container": item.container,
            "is_repaired": False,
        }
        self.rows.add(_RECORDS, row, lineage)
        self.rows.withdraw(item.resource_type, item.resource_id or "", lineage)

    def _land(self, item: Item) -> None:
        resource, resource_type = node(item.resource), item.resource_type
        model = model_of(resource_type)
        if model is None and resource_type not in R4_ONLY:
            self._set_aside(item, "fhir-resource-type-unknown")
            return
        # Before any repair, as the references of its Bundle were read.
        resource_id = item.resource_id or content_id(resource)
        faults = self.validator.faults(model, resource) if model else []
        repairs: list[tuple[str, str]] = []
        if model and faults:
            raw = item.for_quarantine()
            repairs = [(rule_id, path(resource_type, place)) for rule_id, place in repair(resource, faults)]
            if not repairs or self.validator.faults(model, resource):
                self._set_aside(item, "fhir-invalid", describe(resource_type, faults), raw)
                return
        remarks = repairs if model else [("fhir-not-validated", resource_type)]
        record = Record(resource, resource_id, item.full_urls)
        self._project(item, record, is_repaired=bool(repairs))
        remarks += [(rule_id, f"{resource_type}.{element}") for rule_id, element in record.remarks]
        self.findings += [Finding(rule_id, _RECORDS, item.position, element) for rule_id, element in remarks]

    def _project(self, item: Item, record: Record, *, is_repaired: bool) -> None:
        meta = node(record.resource.get("meta"))
        profiles = meta.get("profile")
        lineage = {"row_number": item.position, "record_action": "upsert", "_extracted_at": item.changed_at}
        row = {
            "resource_type": item.resource_type,
            "resource_id": record.resource_id,
            "version_id": text(meta.get("versionId")),
            "last_updated": item.changed_at,
            "profile": " ".join(filter(None, map(text, profiles))) if isinstance(profiles, list) else None,
            "container": item.container,
            "is_repaired": is_repaired,
            "content_hash": content_id(record.resource),
        }
        self.rows.add(_RECORDS, row, lineage)
        if item.resource_type not in R4_ONLY:
            self.rows.project(item.resource_type, record, lineage)

    def close(self) -> Parsed:
        """What was taken, as frames."""
        return Parsed(self.rows.frames(), self.findings)


def parse(file: SourceFile, context: ParseContext) -> Iterator[Parsed]:  # noqa: ARG001  no record needs the context
    """Read one file.

    Args:
        file: The file.
        context: What the caller knows about the delivery.

    Yields:
        Batches of records.

    Raises:
        FileHeld: The file is empty, no JSON, not UTF-8, or cut in the middle of one document.
    """
    source = open_source(file)
    yield Parsed(
        findings=[Finding(rule_id, _RECORDS) for rule_id in source.rules], as_at=source.as_at,
        schema_version="R4" if source.is_read else None,
    )
    gives_way = superseded(source)
    validator = Validator()
    batch = _Batch(validator)
    place = -1
    for place, item in enumerate(source.items()):
        batch.take(item, gives_way.get(place))
        if batch.size >= _BATCH:
            yield batch.close()
            batch = _Batch(validator)
    if source.is_read and place < 0:
        batch.findings.append(Finding("file-no-rows", _RECORDS))
    yield batch.close()


def newest_last(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Put the rows of a delivery in the order of their last update, so that the newest version is the one that lands.

    Files of one delivery can hold versions of the same resource in any order. A record that does not say when it was
    updated counts as the newest.
    """
    return {
        name: frame.sort("_extracted_at", nulls_last=True, maintain_order=True) for name, frame in frames.items()
    }


FEED = Feed(
    agency="health",
    name="fhir",
    title="FHIR R4 resources: bulk exports, Bundles, single resources",
    contract=CONTRACT,
    parse=parse,
    mode="delta",
    complete=newest_last,
)
