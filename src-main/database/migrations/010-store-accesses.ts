/** Owns the schema of stores' credentials: sealed, by the URL of the store that they open. */

export const storeAccesses = `
CREATE TABLE store_accesses (
  store_url TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('service-account', 'access-key', 'account-key', 'shared-access-signature')),
  identity TEXT NOT NULL,
  sealed_access TEXT NOT NULL,
  set_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;
