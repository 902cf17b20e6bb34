/** Owns the schema of sources beside Git, and of what a person chose about each. */

export const sources = `
ALTER TABLE repositories DROP COLUMN vcs;
ALTER TABLE repositories ADD COLUMN vcs TEXT NOT NULL DEFAULT 'git' CHECK (vcs IN ('git', 'svn'));
-- JSON of what differs from the usual; null for nothing.
ALTER TABLE repositories ADD COLUMN source_options TEXT;

CREATE TABLE seen_tags (
  repository_id TEXT NOT NULL REFERENCES repositories (id),
  name TEXT NOT NULL,
  revision TEXT NOT NULL,
  PRIMARY KEY (repository_id, name)
) STRICT, WITHOUT ROWID;
`;
