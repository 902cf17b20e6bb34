/** Owns the joining of class names. */

/** Joins the class names that are set; `undefined`, `false`, `null` and empty strings fall away. */
export function classes(...names: readonly (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}
