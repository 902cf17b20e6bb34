/** Owns what `${{ … }}` of a GitHub workflow stands for outside of GitHub: names of env and matrix, and nothing that must be computed. */

export interface Values {
  readonly env?: Readonly<Record<string, string>>;
  readonly matrix?: Readonly<Record<string, string>>;
}

/**
 * The text with its expressions filled in, or the first that has no value. GitHub fills in text before the shell sees it, and so does
 * this; a secret becomes a variable, so that its value is in no file. Where `secrets` is given, their names are added to it.
 */
export function fillExpressions(
  text: string,
  values: Values,
  secrets?: Set<string>,
): { readonly text: string } | { readonly unknown: string } {
  let filled = '';
  let rest = text;
  for (;;) {
    const start = rest.indexOf('${{');
    const end = start < 0 ? -1 : rest.indexOf('}}', start);
    if (end < 0) return { text: filled + rest };
    const expression = rest.slice(start + 3, end).trim();
    const value = meaningOf(expression, values, secrets);
    if (value === null) return { unknown: expression.slice(0, 100) };
    filled += rest.slice(0, start) + value;
    rest = rest.slice(end + 2);
  }
}

function meaningOf(expression: string, values: Values, secrets: Set<string> | undefined): string | null {
  const [, context, name] = /^(env|matrix|secrets)\.([A-Za-z_][\w-]{0,199})$/.exec(expression) ?? [];
  if (name === undefined) return null;
  const own = (record: Readonly<Record<string, string>> | undefined) =>
    record !== undefined && Object.hasOwn(record, name) ? (record[name] ?? null) : null;
  if (context === 'env') return own(values.env);
  if (context === 'matrix') return own(values.matrix);
  if (secrets === undefined || name.includes('-')) return null;
  secrets.add(name);
  return `\${${name}}`;
}
