"""The HTTP API, version 1: thin over the services."""

from practicum_portal.api import cohorts, events, me, reports, runs, sandboxes, usage

ROUTERS = tuple(module.router for module in (me, events, sandboxes, cohorts, reports, runs, usage))
"""All routes. Those of events come before those of names, which would match them as well."""
