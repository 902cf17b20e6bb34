/** Owns the schema of what is kept: which packs were reclaimed, what may not be, and what is still to be deleted where. */

/**
 * The rows of packs, builds and attempts stay as the evidence; their bytes may go. `pack_holds` names artifacts that a running attempt or
 * a release under way needs before any other row says so. `pack_removals` is the work that is left after packs were reclaimed: a row for
 * each store that may still have their blobs. It names no row of packs, since an attempt that ended early leaves blobs without one.
 */
export const retention = `
ALTER TABLE packs ADD COLUMN reclaimed_at INTEGER;
ALTER TABLE builds ADD COLUMN reclaimed_at INTEGER;
ALTER TABLE builds ADD COLUMN pinned_at INTEGER;
CREATE TABLE reclaimed_logs (
  job_id TEXT NOT NULL REFERENCES jobs (id),
  attempt INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (job_id, attempt)
) STRICT, WITHOUT ROWID;
ALTER TABLE repositories ADD COLUMN kept_builds INTEGER CHECK (kept_builds BETWEEN 1 AND 10000);
CREATE INDEX packs_of_artifact ON packs (artifact_id);

CREATE TABLE pack_holds (
  pack_digest TEXT NOT NULL,
  artifact_id TEXT NOT NULL,
  holder TEXT NOT NULL,
  -- Of an attempt; it holds while its job runs it.
  job_id TEXT,
  attempt INTEGER,
  taken_at INTEGER NOT NULL,
  PRIMARY KEY (pack_digest, holder),
  CHECK ((job_id IS NULL) = (attempt IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE pack_removals (
  pack_digest TEXT NOT NULL,
  region_id TEXT NOT NULL REFERENCES regions (id),
  artifact_id TEXT NOT NULL,
  -- While its blobs are being deleted.
  begun_at INTEGER,
  PRIMARY KEY (pack_digest, region_id)
) STRICT, WITHOUT ROWID;
`;
