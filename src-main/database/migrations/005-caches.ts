/** Owns the schema of what builds keep for later ones: caches, the results of builds, and jobs that want neither. */

export const caches = `
CREATE TABLE caches (
  id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('writing', 'ready', 'removing')),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  worker_id TEXT NOT NULL,
  job_number INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX caches_ready ON caches (repository_id, name, key) WHERE status = 'ready';

CREATE TABLE results (
  key TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  build_id TEXT NOT NULL REFERENCES builds (id),
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX results_repository ON results (repository_id);

ALTER TABLE jobs ADD COLUMN without_cache INTEGER NOT NULL DEFAULT 0 CHECK (without_cache IN (0, 1));
`;
