"""The entry point: everything Dagster knows of Dolen.

It reads the settings and the region, gathers the assets by stage, and stops. What an asset does is in `defs/`.
"""

from __future__ import annotations

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.dbt import EXECUTABLE, PROJECT_DIR, prepared_project
from orchestration.defs.automation import build_job, inbox_sensor, land_job, nightly, run_job
from orchestration.defs.landing import landing_assets
from orchestration.defs.link import link
from orchestration.defs.release import release_asset
from orchestration.defs.transform import transform_assets
from orchestration.progress import LOGGER_NAME, steps_logger
from orchestration.resources import Installation
from orchestration.settings import Settings


@dg.definitions
def definitions() -> dg.Definitions:
    """All assets, checks, jobs, schedules and sensors of one installation."""
    return build_definitions(Settings())


def build_definitions(settings: Settings) -> dg.Definitions:
    """The same for given settings, which the command line and the tests use.

    Args:
        settings: The installation.

    Returns:
        Definitions whose runs use one process, so that the warehouse has one writer.
    """
    settings.prepare()
    project = prepared_project()
    return dg.Definitions(
        assets=[*landing_assets(settings.load_region()), *transform_assets(project), link, release_asset(project)],
        jobs=[run_job, build_job, land_job],
        schedules=[nightly],
        sensors=[inbox_sensor],
        executor=dg.in_process_executor,
        loggers={LOGGER_NAME: steps_logger},
        resources={
            "installation": Installation(home=str(settings.root), region_file=str(settings.region_file)),
            "dbt": DbtCliResource(
                project_dir=project, profiles_dir=str(PROJECT_DIR), dbt_executable=EXECUTABLE
            ),
        },
    )
