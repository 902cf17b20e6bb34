/** Owns the shape of one check of an installation: what was looked at, how it is, and what to do about it. */

export interface Check {
  readonly name: string;
  /** `warning` works, though not as well as it could; `broken` does not, and makes the exit code 1. */
  readonly state: 'ok' | 'warning' | 'broken';
  readonly detail: string;
  /** What to do; null where nothing is. */
  readonly advice: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail, advice: null });

export const warning = (name: string, detail: string, advice: string): Check => ({
  name,
  state: 'warning',
  detail,
  advice,
});

export const broken = (name: string, detail: string, advice: string): Check => ({
  name,
  state: 'broken',
  detail,
  advice,
});

/** One check of several findings: the findings, or one that says that all is well. */
export function orOk(findings: readonly Check[], name: string, detail: string): readonly Check[] {
  return findings.length > 0 ? findings : [ok(name, detail)];
}
