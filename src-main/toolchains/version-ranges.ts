/** Owns whether the version of a tool is one that a file asks for, across the ways in which files write it. Knows no tool's path. */
import type { ToolRequirement } from '../contract/plan.ts';

/** `unknown` is a name (`lts/iron`, `stable`, `pypy3.10`) or a way of writing that is not compared. */
export type VersionMatch = 'satisfies' | 'differs' | 'unknown';

/**
 * Files whose bare number is the least version and not the only one. Sources: go.dev/ref/mod "go directive"; The Cargo Book
 * "rust-version"; cmake_minimum_required(7); the release that javac is asked for; swift-tools-version; build.zig.zon.
 */
const leastFiles =
  /^(?:go\.(?:mod|work)|Cargo\.toml|CMakeLists\.txt|pom\.xml|build\.gradle(?:\.kts)?|Package\.swift|build\.zig\.zon|meson\.build)$/;
const termPattern =
  /^(\^|~>|~=|~|>=|<=|>|<|={1,3}|!=)?v?(\d+(?:\.\d+)*)(?:\.[xX*])*(?:[-+_][\w.+-]*|(?:a|b|rc)\d+|\.[a-z][\w.]*)?$/;
/** Vendors of a JDK, and tools that name themselves: `temurin-21.0.2`, `node@20`, `go1.22`, `jdk-21`. */
const vendorPattern = /^(?:(?:[a-z]+[-@])+|go|jdk)(?=\d)/;

/** Whether `found`, as the tool tells it, is what the requirement asks for. Only numbers are compared, never pre-releases. */
export function matchRequirement({ program, version, evidence }: ToolRequirement, found: string): VersionMatch {
  if (version === null) return 'satisfies';
  const file = evidence.file.slice(evidence.file.lastIndexOf('/') + 1);
  // The .NET host finds its SDK by rules of its own ("rollForward"), whichever version it tells outside of the project.
  if (file === 'global.json') return 'unknown';
  const isJava = program === 'java' || program === 'javac';
  const plain = (text: string) => (isJava ? text.replace(/(?<![\d.])1\.(?=\d)/, '') : text);
  const least = leastFiles.test(file) ? /^\s*(\d+(?:\.\d+)*)/.exec(version)?.[1] : undefined;
  if (least !== undefined) return matchVersion(`>=${plain(least)}`, plain(found));
  // Composer's tilde lets the last number that is written grow. Source: getcomposer.org/doc/articles/versions.md
  const written = file === 'composer.json' ? version.replace(/~(?=\s*\d)/g, '~>') : version;
  return matchVersion(plain(written), plain(found));
}

/**
 * Compares with a number, a part of one (`20`, `3.12`, `18.x`), or a range: `^ ~ ~> ~= >= <= > < == !=`, `1 - 2`, joined by
 * commas or spaces, alternatives by `||` or `|`. Sources: node-semver's README, PEP 440, Gem::Requirement.
 */
export function matchVersion(stated: string, found: string): VersionMatch {
  const numbers = numbersOf(found);
  if (numbers === null) return 'unknown';
  const results = stated.split(/\s*\|\|?\s*/).map(alternative => matchAll(alternative.trim(), numbers));
  if (results.includes('satisfies')) return 'satisfies';
  return results.includes('unknown') ? 'unknown' : 'differs';
}

/** The numbers that a version begins with; null where it begins otherwise. */
export function numbersOf(version: string): number[] | null {
  const [text] = /^\d+(?:\.\d+)*/.exec(version.replace(/^v/, '').replace(vendorPattern, '')) ?? [];
  return text === undefined ? null : text.split('.').map(Number);
}

/** Below 0 where `a` is the older one. */
export function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function matchAll(alternative: string, found: readonly number[]): VersionMatch {
  const text = alternative.replace(/(\S+)\s+-\s+(\S+)/, '>=$1 <=$2').replace(/([<>=~^!])\s+/g, '$1');
  const results = text.split(/[\s,]+/).map(term => matchTerm(term, found));
  if (results.includes('differs')) return 'differs';
  return results.includes('unknown') ? 'unknown' : 'satisfies';
}

function matchTerm(term: string, found: readonly number[]): VersionMatch {
  if (/^[*xX]?$/.test(term)) return 'satisfies';
  const bare = term.replace(vendorPattern, '');
  // The date of a nightly build.
  if (/^\d{4}-\d\d-\d\d$/.test(bare)) return 'unknown';
  const [, operator = '=', digits] = termPattern.exec(bare) ?? [];
  if (digits === undefined) return 'unknown';
  return holds(operator, digits.split('.').map(Number), found) ? 'satisfies' : 'differs';
}

function holds(operator: string, stated: readonly number[], found: readonly number[]): boolean {
  const order = compareNumbers(found, stated);
  /** Whether the first `count` numbers are the same; those that the tool does not tell count as such. */
  const agrees = (count: number) => found.slice(0, count).every((value, index) => value === (stated[index] ?? value));
  switch (operator) {
    case '>=':
      return order >= 0;
    case '>':
      return order > 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0 || agrees(stated.length);
    case '!=':
      return !agrees(stated.length);
    case '^': {
      const first = stated.findIndex(value => value !== 0);
      return order >= 0 && agrees(first === -1 ? stated.length : first + 1);
    }
    case '~':
      return order >= 0 && agrees(Math.min(stated.length, 2));
    case '~>':
    case '~=':
      return order >= 0 && agrees(Math.max(1, stated.length - 1));
    default:
      return agrees(stated.length);
  }
}
