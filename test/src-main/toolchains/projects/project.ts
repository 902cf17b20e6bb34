/** Owns the shape of a project in the tables of detection: its files, and the plan that is right for it. */

export interface Project {
  readonly title: string;
  /** By path; a list names files whose content says nothing. */
  readonly files: Readonly<Record<string, string>>;
  readonly tool: string;
  readonly run: readonly string[];
  readonly include?: readonly string[];
  readonly start?: string;
  readonly programs?: readonly string[];
  /** Versions by program. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly migrations?: readonly string[];
  /** `path tool` of each. */
  readonly roots?: readonly string[];
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
}

export const json = (value: unknown): string => JSON.stringify(value, null, 2);
/** Files without content that matters. */
export const empty = (...paths: string[]): Record<string, string> => Object.fromEntries(paths.map(path => [path, '']));
