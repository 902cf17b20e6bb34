/** Owns the sixth schema: values of a channel, the versions that releases made of them, and what each was encrypted to. */

export const channelEnvironment = `
CREATE TABLE channel_values (
  channel_id TEXT NOT NULL REFERENCES channels (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  is_secret INTEGER NOT NULL CHECK (is_secret IN (0, 1)),
  value TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (channel_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_environments (
  channel_id TEXT NOT NULL REFERENCES channels (id),
  version INTEGER NOT NULL CHECK (version > 0),
  sealed_values TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (channel_id, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE environment_seals (
  digest TEXT PRIMARY KEY,
  channel_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  recipients TEXT NOT NULL,
  ciphertext TEXT NOT NULL,
  sealed_at INTEGER NOT NULL,
  FOREIGN KEY (channel_id, version) REFERENCES channel_environments (channel_id, version)
) STRICT;
CREATE INDEX seals_of_version ON environment_seals (channel_id, version);

ALTER TABLE channels ADD COLUMN values_changed INTEGER NOT NULL DEFAULT 0 CHECK (values_changed IN (0, 1));
ALTER TABLE releases ADD COLUMN environment_version INTEGER;
`;
