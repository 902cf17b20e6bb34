/** Owns the schema of how often each repository is looked at. */

export const polling = `
ALTER TABLE repositories ADD COLUMN poll_interval_ms INTEGER;
`;
