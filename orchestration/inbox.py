"""The inbox: which deliveries lie in it, which are new, and landing them.

Here belongs the step from a region's terms to one call of `connectors.landing.land`. What a delivery is, and every
check of its content, belongs to `connectors`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from connectors.catalogue import FEEDS
from connectors.delivery import Delivery, Terms, identify
from connectors.errors import ConnectorError
from connectors.feed import Feed, Mode
from connectors.landing import land
from orchestration.region import FeedTerms, Region
from orchestration.settings import SOFTWARE_VERSION, Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Waiting:
    """One delivery in the inbox that has neither landed nor been held.

    Attributes:
        feed: Its feed.
        path: The file or folder.
        delivery_id: Identity of its bytes.
        system: The source system, by the region's path patterns.
        mode: What the region says a delivery of this system is.
    """

    feed: Feed
    path: Path
    delivery_id: str
    system: str
    mode: Mode


def waiting(
    settings: Settings, region: Region, *, only: str | None = None, settled_only: bool = False
) -> list[Waiting]:
    """List what is new in the inbox, by feed and then by name.

    Args:
        settings: The installation.
        region: Its region.
        only: One feed's key; all feeds when it is None.
        settled_only: Leave out what changed within `settle_seconds`: it may still be arriving.

    Returns:
        The new deliveries, the same bytes once.
    """
    found: dict[tuple[str, str], Waiting] = {}
    for terms in region.feeds:
        feed = FEEDS[terms.feed]
        if only not in (None, feed.key):
            continue
        for path in sorted(settings.inbox.glob(terms.path)):
            if path.name.startswith(".") or (settled_only and not _settled(path, region.thresholds.settle_seconds)):
                continue
            entry = _waiting(settings, terms, feed, path)
            if entry:
                found.setdefault((feed.key, entry.delivery_id), entry)
    return list(found.values())


def land_waiting(settings: Settings, region: Region, entries: list[Waiting]) -> list[Delivery]:
    """Land deliveries one after the other; one that fails never stops the next.

    Args:
        settings: The installation.
        region: Its region.
        entries: From `waiting`.

    Returns:
        What became of each. One that could not be read at all is logged and stays in the inbox.
    """
    results = []
    for entry in entries:
        try:
            results.append(land_one(settings, region, entry.feed, [entry.path], system=entry.system, mode=None,
                                    default_mode=entry.mode))
        except ConnectorError as fault:
            logger.warning("delivery %s of %s stays in the inbox: %s", entry.delivery_id[:12], entry.feed.key, fault)
    return results


def land_one(
    settings: Settings,
    region: Region,
    feed: Feed,
    paths: list[Path],
    *,
    system: str | None = None,
    as_at: date | None = None,
    mode: Mode | None = None,
    default_mode: Mode | None = None,
) -> Delivery:
    """Land one delivery on the region's terms.

    Args:
        settings: The installation.
        region: Its region.
        feed: The feed.
        paths: The delivery's files.
        system: Source system; by the region's path patterns when it is None.
        as_at: Date it speaks for, when the caller knows better than name and content.
        mode: Full or delta, when the caller knows better than name and content.
        default_mode: Full or delta where neither the caller, the name nor the content says it.

    Returns:
        What became of it.
    """
    name = system or region.system_for(feed.key, paths[0])
    if default_mode is None:
        default_mode = next((terms.mode for terms in region.terms_of(feed.key) if terms.system == name), feed.mode)
    terms = Terms(
        system=name, as_at=as_at, mode=mode, default_mode=default_mode,
        shrink_limit=region.thresholds.shrink_limit, software_version=SOFTWARE_VERSION,
    )
    return land(feed, paths, settings.places, terms)


def _waiting(settings: Settings, terms: FeedTerms, feed: Feed, path: Path) -> Waiting | None:
    try:
        delivery_id = identify([path])
    except ConnectorError as fault:
        logger.warning("an entry of the inbox of %s cannot be read: %s", feed.key, fault)
        return None
    places = settings.places
    known = places.delivery(feed, delivery_id) / "delivery.json", places.held(feed, delivery_id) / "delivery.json"
    if any(path.exists() for path in known):
        return None
    return Waiting(feed, path, delivery_id, terms.system, terms.mode)


def _settled(path: Path, seconds: int) -> bool:
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    newest = max((file.stat().st_mtime for file in files), default=0.0)
    return time.time() - newest >= seconds
