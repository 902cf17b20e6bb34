/** Owns the third schema: what an attempt ran under, and what a person chose for a repository's builds. */

export const isolation = `
ALTER TABLE attempts ADD COLUMN isolation TEXT;
ALTER TABLE repositories ADD COLUMN isolation TEXT CHECK (isolation IN ('auto', 'none', 'bubblewrap'));
`;
