"""A seeded synthetic region: families and lives, written as the agencies' systems would deliver them, with the truth.

Put here: the public entry only. Nothing of the product imports this package; the demo and the tests do.
"""

from simulator.region import SimulationSummary, generate

__all__ = ["SimulationSummary", "generate"]
