"""How this installation links: the thresholds of its region and the places of its identity store.

Here belongs what turns settings and region into the arguments of `linkage`. How records are linked belongs there.
"""

from __future__ import annotations

import linkage
from orchestration.region import Region
from orchestration.settings import Settings


def linkage_config(settings: Settings, region: Region) -> linkage.LinkageConfig:
    """What the region sets; everything else is the model."""
    thresholds = region.thresholds
    return linkage.LinkageConfig(link=thresholds.link, review=thresholds.review, variants=settings.variants)
