/** Owns the schema of what stores compute of a pack: so that an upload can be refused, and a replica proven, without reading it. */

/** Both in lowercase hex; null for packs that were made before. */
export const packChecksums = `
ALTER TABLE packs ADD COLUMN crc32c TEXT CHECK (length(crc32c) = 8);
ALTER TABLE packs ADD COLUMN md5 TEXT CHECK (length(md5) = 32);
`;
