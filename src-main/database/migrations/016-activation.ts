/** Owns the schema of activations: what a build brings to machines, how far a release has come, and what people asked of channels and machines. */

export const activation = `
ALTER TABLE builds ADD COLUMN activation TEXT;
ALTER TABLE builds ADD COLUMN migrations TEXT;
ALTER TABLE releases ADD COLUMN migration TEXT;
ALTER TABLE releases ADD COLUMN rollout TEXT;
ALTER TABLE channels ADD COLUMN frozen_reason TEXT;
ALTER TABLE channels ADD COLUMN rollout TEXT;
ALTER TABLE machines ADD COLUMN repair_requested_at INTEGER;
`;
