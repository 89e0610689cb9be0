"""Retention: what removed cohorts left behind goes after a grace."""

import asyncio
import logging
from datetime import timedelta

from practicum_portal.clock import Clock
from practicum_portal.cluster import Cluster
from practicum_portal.database import Database, DatabaseAwayError
from practicum_portal.store import cohorts, runs

log = logging.getLogger(__name__)

PAUSE_SECONDS = 3600


async def follow(database: Database, cluster: Cluster, *, grace: timedelta, clock: Clock) -> None:
    """Sweep again and again, for ever."""
    while True:
        try:
            await sweep(database, cluster, grace=grace, clock=clock)
        except DatabaseAwayError as error:
            log.warning("removed cohorts are not swept: %s %s", error, error.params)
        await asyncio.sleep(PAUSE_SECONDS)


async def sweep(database: Database, cluster: Cluster, *, grace: timedelta, clock: Clock) -> None:
    """Remove rosters and runs of cohorts that are gone for longer than ``grace``.

    A run a transaction: all at once would hold up every writer and fill the volume with its log.
    """
    if not cluster.synced:
        return
    present = [room.metadata.uid for room in cluster.cohorts.items.values()]
    now = clock()
    async with database.write() as session:
        await cohorts.mark(session, present, now=now)
        over = await cohorts.gone_before(session, now - grace)
    for uid in over:
        log.info("what the removed cohort %s left is purged", uid)
        while await _remove_run(database, uid):
            pass
        async with database.write() as session:
            await cohorts.remove(session, uid)


async def _remove_run(database: Database, cohort_uid: str) -> bool:
    async with database.write() as session:
        return await runs.remove_oldest_in(session, cohort_uid)
