/** Owns the first schema. A migration that has shipped is never edited; a change is the next number. */

export const initialSchema = `
CREATE TABLE repositories (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  vcs TEXT NOT NULL CHECK (vcs IN ('git')),
  url TEXT NOT NULL,
  branch TEXT NOT NULL,
  current_revision TEXT,
  checkup_at INTEGER,
  next_poll_at INTEGER NOT NULL,
  poll_failures INTEGER NOT NULL DEFAULT 0,
  poll_error TEXT,
  added_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX repositories_source ON repositories (url, branch) WHERE removed_at IS NULL;

CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  revision TEXT NOT NULL,
  subject TEXT NOT NULL,
  author_name TEXT NOT NULL,
  committed_at INTEGER,
  seen_at INTEGER NOT NULL,
  trigger TEXT NOT NULL CHECK (trigger IN ('poll', 'manual', 'added')),
  status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'interrupted')),
  queued_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
  lost_count INTEGER NOT NULL DEFAULT 0,
  worker_id TEXT,
  started_at INTEGER,
  finished_at INTEGER,
  checkup_at INTEGER,
  cancel_requested_at INTEGER,
  error TEXT,
  plan TEXT,
  CHECK ((status = 'running') = (worker_id IS NOT NULL)),
  CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL))
) STRICT;
-- The claim reads only these two, however many finished rows there are.
CREATE INDEX jobs_queued ON jobs (number) WHERE status = 'queued';
CREATE UNIQUE INDEX jobs_running ON jobs (repository_id) WHERE status = 'running';
CREATE UNIQUE INDEX jobs_once ON jobs (repository_id, revision) WHERE trigger IN ('poll', 'added');
CREATE INDEX jobs_of_repository ON jobs (repository_id, number);

CREATE TABLE attempts (
  job_id TEXT NOT NULL REFERENCES jobs (id),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  worker_id TEXT NOT NULL,
  worker_name TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  outcome TEXT NOT NULL CHECK (outcome IN ('running', 'succeeded', 'failed', 'cancelled', 'lost')),
  error TEXT,
  PRIMARY KEY (job_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
  job_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  phase TEXT NOT NULL,
  command TEXT,
  idempotent INTEGER NOT NULL CHECK (idempotent IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  started_at INTEGER,
  finished_at INTEGER,
  exit_code INTEGER,
  log_offset INTEGER,
  detail TEXT,
  evidence TEXT NOT NULL,
  PRIMARY KEY (job_id, attempt, position),
  FOREIGN KEY (job_id, attempt) REFERENCES attempts (job_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE workers (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  pid INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  checkup_at INTEGER NOT NULL,
  job_id TEXT,
  stopped_at INTEGER,
  exit TEXT
) STRICT;

CREATE TABLE packs (
  digest TEXT PRIMARY KEY,
  artifact_id TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('full', 'delta')),
  base_artifact_id TEXT,
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  info_hash TEXT NOT NULL,
  stored_at INTEGER NOT NULL
) STRICT;

CREATE TABLE builds (
  id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  job_id TEXT NOT NULL REFERENCES jobs (id),
  attempt INTEGER NOT NULL,
  revision TEXT NOT NULL,
  artifact_id TEXT NOT NULL,
  pack_digest TEXT NOT NULL REFERENCES packs (digest),
  platform TEXT NOT NULL,
  tree_size_bytes INTEGER NOT NULL,
  file_count INTEGER NOT NULL,
  start TEXT,
  health TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (job_id, attempt)
) STRICT;
CREATE INDEX builds_of_repository ON builds (repository_id, created_at);
CREATE INDEX builds_of_pack ON builds (pack_digest);

CREATE TABLE regions (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  location TEXT NOT NULL,
  latitude REAL NOT NULL CHECK (latitude BETWEEN -90 AND 90),
  longitude REAL NOT NULL CHECK (longitude BETWEEN -180 AND 180),
  store_url TEXT NOT NULL,
  is_main INTEGER NOT NULL CHECK (is_main IN (0, 1)),
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  error TEXT,
  added_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX regions_store ON regions (store_url) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX regions_main ON regions (is_main) WHERE is_main = 1 AND removed_at IS NULL;

CREATE TABLE replicas (
  pack_digest TEXT NOT NULL REFERENCES packs (digest),
  region_id TEXT NOT NULL REFERENCES regions (id),
  status TEXT NOT NULL CHECK (status IN ('pending', 'copying', 'verified', 'stale', 'failed')),
  bytes_done INTEGER NOT NULL DEFAULT 0,
  bytes_total INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER,
  verified_at INTEGER,
  error TEXT,
  PRIMARY KEY (pack_digest, region_id),
  CHECK (status <> 'verified' OR verified_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX replicas_unverified ON replicas (region_id, next_attempt_at) WHERE status <> 'verified';

CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  name TEXT NOT NULL,
  policy TEXT NOT NULL CHECK (policy IN ('manual', 'auto')),
  paused_reason TEXT,
  current_release_id TEXT REFERENCES releases (id) DEFERRABLE INITIALLY DEFERRED,
  UNIQUE (repository_id, name)
) STRICT;

CREATE TABLE releases (
  id TEXT PRIMARY KEY,
  channel_id TEXT NOT NULL REFERENCES channels (id),
  serial INTEGER NOT NULL CHECK (serial > 0),
  build_id TEXT NOT NULL REFERENCES builds (id),
  kind TEXT NOT NULL CHECK (kind IN ('auto', 'promote', 'rollback')),
  reason TEXT,
  previous_id TEXT REFERENCES releases (id),
  environment_digest TEXT,
  created_at INTEGER NOT NULL,
  UNIQUE (channel_id, serial)
) STRICT;

CREATE TABLE machines (
  id TEXT PRIMARY KEY,
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  channel TEXT NOT NULL,
  name TEXT NOT NULL,
  region TEXT,
  sealed_secret TEXT,
  invite_expires_at INTEGER,
  enrolled_at INTEGER,
  public_key TEXT,
  age_recipient TEXT,
  revoked_at INTEGER,
  report TEXT,
  report_sequence INTEGER NOT NULL DEFAULT 0,
  last_report_at INTEGER,
  CHECK ((enrolled_at IS NULL) = (public_key IS NULL))
) STRICT;

CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  repository_id TEXT,
  job_id TEXT,
  subject_id TEXT,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_job ON events (job_id, cursor) WHERE job_id IS NOT NULL;
`;
