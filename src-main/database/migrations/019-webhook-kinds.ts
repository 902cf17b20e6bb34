/** Owns the schema of what webhooks are besides webhooks: commit statuses of a forge, and traces. Both are queued and sent alike. */

export const webhookKinds = `
ALTER TABLE webhooks ADD COLUMN kind TEXT NOT NULL DEFAULT 'webhook' CHECK (kind IN ('webhook', 'status', 'traces'));
`;
