/** Owns the schema of what looks at a branch tell of it besides its revision. */

export const branchStates = `
-- JSON; null before the first look.
ALTER TABLE repositories ADD COLUMN branch_state TEXT;
`;
