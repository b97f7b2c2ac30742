"""The `dolen` command line: `app` holds it together, one module a group of commands."""

from orchestration.cli.app import main

__all__ = ["main"]
