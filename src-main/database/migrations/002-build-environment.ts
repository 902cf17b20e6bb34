/** Owns the second schema: variables and secrets of a repository's builds. */

export const buildEnvironment = `
CREATE TABLE variables (
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  value TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (repository_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  sealed_value TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (repository_id, name)
) STRICT, WITHOUT ROWID;
`;
