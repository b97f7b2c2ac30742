"""Orchestration: Dagster assets, checks, jobs, schedules and sensors, the settings, and the `dolen` command line.

The only package that knows Dagster. It holds no rule about children and no parser: assets read settings, call one
function of `connectors`, `linkage` or dbt, and report counts.
"""
