/** Owns the schema of the logins of Git servers: sealed, by the host that they open. */

export const gitAccesses = `
CREATE TABLE git_accesses (
  host TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('token', 'system')),
  user_name TEXT,
  sealed_token TEXT,
  set_at INTEGER NOT NULL,
  CHECK ((kind = 'token') = (user_name IS NOT NULL AND sealed_token IS NOT NULL))
) STRICT, WITHOUT ROWID;
`;
