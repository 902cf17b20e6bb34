/** Owns the schema of webhooks: where events are sent, and each delivery until it is old. */

export const webhooks = `
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  server TEXT NOT NULL,
  repository_id TEXT REFERENCES repositories (id),
  events TEXT NOT NULL,
  sealed TEXT NOT NULL,
  -- Events up to here have been looked at.
  event_cursor INTEGER NOT NULL,
  added_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_deliveries (
  id TEXT PRIMARY KEY,
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  event_cursor INTEGER NOT NULL,
  event TEXT NOT NULL,
  body TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'delivered', 'failed')),
  tries INTEGER NOT NULL DEFAULT 0,
  queued_at INTEGER NOT NULL,
  next_try_at INTEGER,
  tried_at INTEGER,
  http_status INTEGER,
  error TEXT,
  UNIQUE (webhook_id, event_cursor),
  CHECK ((status = 'waiting') = (next_try_at IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_try_at) WHERE status = 'waiting';
`;
