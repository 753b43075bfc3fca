"""A daemon's store with thousands of jobs in it, written in one go while no daemon runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

_JOBS = """
WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
INSERT INTO jobs (job_id, user, project, shot, engine, mode, clearance, cache_key, folder, version_folder, layer_file,
  token, created_at, frames_total, state, version, priority, changed_at, frames_done)
SELECT printf('many%08d', n), user, 'dune', printf('sh%04d', n / 10), engine, mode, clearance, cache_key,
  folder || n, version_folder, layer_file, printf('%032d', n), printf('2026-01-01T00:%02d:%02d.%03dZ', n / 60 % 60,
  n % 60, n / 3600), frames_total, CASE n % 4 WHEN 0 THEN 'failed' WHEN 1 THEN 'cancelled' ELSE 'refused' END,
  n % 10 + 1, 0, changed_at, 3
FROM number, (SELECT * FROM jobs LIMIT 1)
"""
_REQUESTS = """
INSERT INTO requests SELECT j.number, r.request, r.admission, r.papers FROM jobs j,
  (SELECT * FROM requests LIMIT 1) r WHERE j.job_id LIKE 'many%'
"""


def add_jobs(home: Path, count: int) -> None:
    """Have as many ended jobs more, all with what the first job in the store asked for."""
    with sqlite3.connect(home / "store.sqlite") as store:
        store.execute(_JOBS, (count,))
        store.execute(_REQUESTS)
    store.close()
