/** Owns the types of columns that SQLite has no type for. */

/** JSON kept as text; written and read by the statement files. */
export type JsonText = string;

/** SQLite has no boolean. */
export type Flag = 0 | 1;
