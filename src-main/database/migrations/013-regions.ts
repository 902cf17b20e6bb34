/** Owns the schema of regions as they are kept right: limits, resumed uploads, what audits saw, what moved, and which region holds what. */

/**
 * `audits` has a row for each pack of each store, the main one too: at which version of its blobs they were last seen, and proven.
 * An upload's state may hold a session URL, so it is sealed.
 */
export const regions = `
ALTER TABLE regions ADD COLUMN concurrency INTEGER NOT NULL DEFAULT 2 CHECK (concurrency BETWEEN 1 AND 32);
ALTER TABLE regions ADD COLUMN bytes_per_second INTEGER CHECK (bytes_per_second > 0);
ALTER TABLE regions ADD COLUMN audit_days INTEGER NOT NULL DEFAULT 30 CHECK (audit_days BETWEEN 1 AND 3650);
ALTER TABLE replicas ADD COLUMN resume TEXT;
ALTER TABLE releases ADD COLUMN forced INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1));

CREATE TABLE audits (
  region_id TEXT NOT NULL REFERENCES regions (id),
  pack_digest TEXT NOT NULL REFERENCES packs (digest),
  pack_version TEXT,
  documents_version TEXT,
  looked_at INTEGER NOT NULL,
  proven_at INTEGER,
  PRIMARY KEY (region_id, pack_digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX audits_due ON audits (region_id, looked_at);

CREATE TABLE traffic (
  region_id TEXT NOT NULL REFERENCES regions (id),
  day INTEGER NOT NULL,
  bytes_sent INTEGER NOT NULL DEFAULT 0,
  bytes_read INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (region_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE replication_policies (
  repository_id TEXT PRIMARY KEY REFERENCES repositories (id),
  regions TEXT,
  versions INTEGER CHECK (versions > 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX builds_of_artifact ON builds (artifact_id);
`;
