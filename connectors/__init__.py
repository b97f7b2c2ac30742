"""Connectors: from an agency's file to landed, typed Parquet.

Here belong readers, parsers and contracts, one package an agency and one module a feed, and the few modules that all
feeds share: the contract, the rule catalogue, the landing of a delivery and the supplier's report. Nothing here knows
Dagster, dbt, the linkage or the settings of a region: callers pass plain values.
"""
