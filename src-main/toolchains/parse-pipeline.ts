/** Owns the YAML of slipway.yml: plain values with the line and column of each. Knows no key of the file. */
import {
  type Document,
  isAlias,
  isCollection,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { messageOf } from '../contract/errors.ts';

export interface PipelineProblem {
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1, in UTF-16 units. */
  readonly column: number;
  readonly message: string;
}

export type YamlPath = readonly PropertyKey[];

export interface ParsedPipeline {
  readonly value: unknown;
  readonly problems: readonly PipelineProblem[];
  /** Where the value at `path` begins; the nearest enclosing value where there is none. */
  positionOf(path: YamlPath): { readonly line: number; readonly column: number };
  /** Where the key that ends `path` is written. */
  positionOfKey(path: YamlPath): { readonly line: number; readonly column: number };
}

/** Of more problems than these nobody reads on. */
export const maxProblems = 50;
/** Far above what a person writes, far below what makes an alias bomb: each use is counted with all that it contains. */
const maxAliasCount = 100;
/** Deeper nesting than any key of the file needs; guards the recursive walk over the tree. */
const maxDepth = 32;

/** The values in `text` and whatever is wrong with it as YAML. Never throws. */
export function parsePipelineText(text: string): ParsedPipeline {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    // Duplicate keys are looked for below: the library compares each key with every other.
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
      resolveKnownTags: false,
      logLevel: 'silent',
    });
  } catch (error) {
    return unreadable(`it cannot be read as YAML: ${messageOf(error)}`);
  }
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: PipelineProblem[] = [...document.errors, ...document.warnings].slice(0, maxProblems).map(error => ({
    ...position(error.pos[0]),
    message: oneLine(error.message),
  }));
  if (problems.length === 0) problems.push(...treeProblems(document, position));
  if (problems.length > 0) return { ...unreadable(''), problems };
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return unreadable('it is empty; write the steps of the build, or delete it to let Slipway detect them');
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount });
  } catch (error) {
    return unreadable(`its aliases cannot be used: ${messageOf(error)}`);
  }
  return {
    value,
    problems: [],
    positionOf: path => position(startOf(find(document, path).node)),
    positionOfKey: path => {
      const { key, node } = find(document, path);
      return position(startOf(key ?? node));
    },
  };
}

function unreadable(message: string): ParsedPipeline {
  const start = { line: 1, column: 1 };
  return { value: null, problems: [{ ...start, message }], positionOf: () => start, positionOfKey: () => start };
}

function oneLine(message: string): string {
  // The parser is recursive, and tells so in the engine's words.
  if (message.includes('call stack')) return 'it is nested too deeply';
  return message.replace(/\s+/g, ' ').trim();
}

function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

/** Duplicate keys, keys that JavaScript treats apart, and nesting without reason; and numbers in `env` become their text. */
function treeProblems(
  document: Document.Parsed,
  position: (offset: number) => { line: number; column: number },
): PipelineProblem[] {
  const problems: PipelineProblem[] = [];
  visit(document, {
    Collection: (_key, node, ancestors) => {
      if (ancestors.length <= maxDepth) return undefined;
      problems.push({ ...position(startOf(node)), message: 'it is nested too deeply' });
      return visit.BREAK;
    },
    Map: (_key, node) => {
      const seen = new Set<string>();
      for (const { key } of node.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) problems.push({ ...position(startOf(key)), message: `"${name}" is written twice` });
        if (name === '__proto__') problems.push({ ...position(startOf(key)), message: `"${name}" cannot be a key` });
        seen.add(name);
      }
    },
    Pair: (_key, pair) => {
      if (!isScalar(pair.key) || !isCollection(pair.value)) return;
      if (pair.key.value === 'env' || pair.key.value === 'matrix') keepNumbersAsWritten(pair.value);
    },
  });
  return problems;
}

/** `VERSION: 1.10` is the text `1.10`, not the number 1.1. */
function keepNumbersAsWritten(values: YAMLMap | YAMLSeq): void {
  visit(values, {
    Scalar: (key, scalar) => {
      if (key !== 'key' && typeof scalar.value === 'number') scalar.value = scalar.source ?? String(scalar.value);
    },
  });
}

/** The node at `path`, and the key under which it is; as deep as the document goes. */
function find(document: Document.Parsed, path: YamlPath): { node: Node | null; key: Node | null } {
  let node: Node | null = document.contents;
  let key: Node | null = null;
  for (const step of path) {
    const inside: Node | null | undefined = isAlias(node) ? node.resolve(document) : node;
    if (!isCollection(inside)) break;
    const index = inside.items.findIndex((item, position) =>
      isPair(item) ? isScalar(item.key) && String(item.key.value) === String(step) : position === step,
    );
    const item: unknown = inside.items[index];
    if (item === undefined) break;
    key = isPair(item) ? asNode(item.key) : null;
    node = (isPair(item) ? asNode(item.value) : asNode(item)) ?? key;
  }
  return { node, key };
}

function asNode(value: unknown): Node | null {
  return isScalar(value) || isCollection(value) || isAlias(value) ? value : null;
}
