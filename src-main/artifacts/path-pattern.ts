/** Owns the globs of `include` and `exclude`. Pure text; matching time is bounded whatever the pattern. */
import { DomainError } from '../contract/errors.ts';
import { assertSafePath } from './safe-path.ts';

export interface PathPattern {
  readonly text: string;
  /** Whether the pattern names this path itself; what lies below a named folder is the caller's to take too. */
  matches(path: string): boolean;
  /** Whether the pattern could name something below this folder. */
  reachesInto(folder: string): boolean;
}

type Token =
  | { readonly kind: 'character'; readonly value: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] };
type Segment = { readonly kind: 'folders' } | { readonly kind: 'name'; readonly tokens: readonly Token[] };

/** `{a,b}` groups multiply; past this a pattern is a mistake or an attack. */
const maximumAlternatives = 256;

function invalid(text: string, reason: string): DomainError {
  return new DomainError(
    'input.invalid',
    `The pattern ${JSON.stringify(text)} of the artifact ${reason}. Correct it in slipway.yml.`,
    { pattern: text },
  );
}

/** Expands the first `{a,b}` group, then the rest; groups do not nest. */
function expandBraces(text: string): string[] {
  let results = [''];
  for (const part of text.split(/(\{[^{}]*\})/)) {
    const choices = part.startsWith('{') && part.includes(',') ? part.slice(1, -1).split(',') : [part];
    results = results.flatMap(start => choices.map(choice => start + choice));
    if (results.length > maximumAlternatives)
      throw invalid(text, `stands for more than ${maximumAlternatives} patterns`);
  }
  return results;
}

function parseClass(body: string): Token {
  const negated = body.startsWith('!') || body.startsWith('^');
  const characters = [...(negated ? body.slice(1) : body)];
  const ranges: [string, string][] = [];
  for (let index = 0; index < characters.length; index += 1) {
    const low = characters[index] ?? '';
    const high = characters[index + 1] === '-' ? characters[index + 2] : undefined;
    if (high !== undefined) index += 2;
    ranges.push([low, high ?? low]);
  }
  return { kind: 'class', negated, ranges };
}

function parseName(text: string): Token[] {
  const tokens: Token[] = [];
  for (const part of text.match(/\[[!^]?.[^\]]*\]|\*+|./gsu) ?? []) {
    if (part.startsWith('*')) tokens.push({ kind: 'star' });
    else if (part === '?') tokens.push({ kind: 'any' });
    else if (part.length > 2 && part.startsWith('[')) tokens.push(parseClass(part.slice(1, -1)));
    else tokens.push({ kind: 'character', value: part });
  }
  return tokens;
}

function matchesCharacter(token: Token, character: string): boolean {
  switch (token.kind) {
    case 'character':
      return token.value === character;
    case 'any':
      return true;
    case 'star':
      return false;
    case 'class':
      return token.ranges.some(([low, high]) => low <= character && character <= high) !== token.negated;
  }
}

/** Going back to the last star only keeps this at (pattern × name) steps, where a regular expression could take forever. */
function matchesName(tokens: readonly Token[], name: string): boolean {
  const characters = [...name];
  let token = 0;
  let character = 0;
  let star = -1;
  let starCharacter = 0;
  while (character < characters.length) {
    const current = tokens[token];
    if (current?.kind === 'star') {
      star = token;
      starCharacter = character;
      token += 1;
    } else if (current !== undefined && matchesCharacter(current, characters[character] ?? '')) {
      token += 1;
      character += 1;
    } else if (star >= 0) {
      token = star + 1;
      starCharacter += 1;
      character = starCharacter;
    } else {
      return false;
    }
  }
  return tokens.slice(token).every(rest => rest.kind === 'star');
}

/** The positions in the pattern that may come next after these names; the pattern matches where its length is one of them. */
function positionsAfter(segments: readonly Segment[], names: readonly string[]): Set<number> {
  const positions = new Set<number>();
  const add = (to: Set<number>, position: number) => {
    for (let next = position; ; next += 1) {
      to.add(next);
      if (segments[next]?.kind !== 'folders') return;
    }
  };
  add(positions, 0);
  for (const name of names) {
    const before = [...positions];
    positions.clear();
    for (const position of before) {
      const segment = segments[position];
      if (segment?.kind === 'folders') add(positions, position);
      else if (segment !== undefined && matchesName(segment.tokens, name)) add(positions, position + 1);
    }
  }
  return positions;
}

function parseSegments(text: string): Segment[] {
  const names = text.split('/').filter(name => name !== '' && name !== '.');
  const segments = names.map<Segment>(name =>
    name === '**' ? { kind: 'folders' } : { kind: 'name', tokens: parseName(name) },
  );
  // A pattern that ends in `**`, like the whole tree `.`, names everything below, but not the folder itself.
  if (segments.length === 0) segments.push({ kind: 'folders' });
  if (segments.at(-1)?.kind === 'folders') segments.push({ kind: 'name', tokens: [{ kind: 'star' }] });
  return segments;
}

/**
 * Compiles a path or glob relative to the root of the tree: `*` and `?` within a name (names that begin with a dot too, lest
 * an artifact silently lose them), `**` for any number of folders, `[a-z]`, `[!a-z]`, `{a,b}`; `.` is the whole tree.
 * A pattern without a slash names a path at the root only; `**` in front looks in all folders.
 *
 * Throws `input.invalid` for an empty, absolute or otherwise unsafe pattern.
 */
export function compilePathPattern(text: string): PathPattern {
  const trimmed = text.replace(/^(\.\/+)+/, '').replace(/\/+$/, '');
  if (text === '' || text.startsWith('/') || trimmed.includes('//')) throw invalid(text, 'is empty or absolute');
  if (trimmed !== '' && trimmed !== '.') {
    try {
      assertSafePath(trimmed, 'linux');
    } catch {
      throw invalid(text, 'is not a plain path or glob below the root of the tree');
    }
  }
  const alternatives = expandBraces(trimmed).map(parseSegments);
  return {
    text,
    matches: path => {
      const names = path.split('/');
      return alternatives.some(segments => positionsAfter(segments, names).has(segments.length));
    },
    reachesInto: folder => {
      const names = folder.split('/');
      return alternatives.some(segments => [...positionsAfter(segments, names)].some(at => at < segments.length));
    },
  };
}
