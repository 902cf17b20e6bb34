/** Owns reading what the svn program prints with `--xml`. It is svn's own output, so its shape is known and only its texts are foreign. */

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  '#13': '\r',
  '#10': '\n',
  '#9': '\t',
};

const unescaped = (text: string) => text.replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);

/** The texts between `<name …>` and `</name>`, with the attributes as they stand. */
export function elements(xml: string, name: string): { readonly attributes: string; readonly inner: string }[] {
  return [...xml.matchAll(new RegExp(`<${name}(\\s[^>]*)?>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, attributes = '', inner = '']) => ({ attributes, inner }),
  );
}

export function textOf(xml: string, name: string): string | null {
  const inner = elements(xml, name)[0]?.inner;
  return inner === undefined ? null : unescaped(inner);
}

export function attributeOf(attributes: string, name: string): string | null {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1];
  return value === undefined ? null : unescaped(value);
}

/** The path of an address below another, decoded; empty for the same, null for one that is not below it. */
export function below(base: string, address: string): string | null {
  const [whole, part] = [decodePath(base), decodePath(address)];
  if (part === whole) return '';
  return part.startsWith(`${whole}/`) ? part.slice(whole.length + 1) : null;
}

function decodePath(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
