/** Owns the words for what is wrong in slipway.yml: from zod's issues to lines, columns and the key that was meant. */
import { z } from 'zod';
import { pipelineSchema } from '../contract/pipeline.ts';
import type { ParsedPipeline, PipelineProblem, YamlPath } from './parse-pipeline.ts';

type Issue = z.core.$ZodIssue;

/** One problem for each issue, and one for each unknown key. */
export function problemsOf(issues: readonly Issue[], parsed: ParsedPipeline): PipelineProblem[] {
  return issues.flatMap(issue => problemsOfIssue(issue, [], parsed));
}

function problemsOfIssue(issue: Issue, above: YamlPath, parsed: ParsedPipeline): PipelineProblem[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => ({
      ...parsed.positionOfKey([...path, key]),
      message: unknownKeyMessage(key, validKeys(path)),
    }));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? issue.message;
    return [{ ...parsed.positionOfKey(path), message: `"${String(path.at(-1))}": ${lowerFirst(message)}` }];
  }
  const branch = issue.code === 'invalid_union' ? meantBranch(issue.errors) : null;
  if (branch !== null) return branch.flatMap(inner => problemsOfIssue(inner, path, parsed));
  const where = path.length === 0 ? '' : `${describePath(path)}: `;
  return [{ ...parsed.positionOf(path), message: `${where}${lowerFirst(messageOfIssue(issue))}` }];
}

function messageOfIssue(issue: Issue): string {
  if (issue.code === 'invalid_type' && issue.message.endsWith('received undefined')) return 'it is missing';
  return issue.message.replace(/^Invalid (input|option|string): /, '');
}

/** The form that was being written: the one whose own type is right, so that what is inside it is what is wrong. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | null {
  return branches.find(issues => issues.length > 0 && issues.every(issue => !isWrongForm(issue))) ?? null;
}

function isWrongForm(issue: Issue): boolean {
  return issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_format');
}

/** `steps[2].timeout`, steps counted from 1 as a reader counts them. */
function describePath(path: YamlPath): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part + 1}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('');
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function unknownKeyMessage(key: string, valid: readonly string[]): string {
  const near = nearest(key, valid);
  if (near !== null) return `there is no key "${key}" here; did you mean "${near}"?`;
  return `there is no key "${key}" here; the keys are ${valid.join(', ')}`;
}

/** The keys that the schema knows at `path`, whichever of its forms is being written. */
function validKeys(path: YamlPath): string[] {
  const keys = (schema: unknown, rest: YamlPath): string[] => {
    if (!(schema instanceof z.core.$ZodType)) return [];
    if (schema instanceof z.ZodOptional) return keys(schema.def.innerType, rest);
    if (schema instanceof z.ZodPipe) return keys(schema.def.in, rest);
    if (schema instanceof z.ZodUnion) return schema.def.options.flatMap(option => keys(option, rest));
    if (schema instanceof z.ZodArray) return rest.length === 0 ? [] : keys(schema.def.element, rest.slice(1));
    if (!(schema instanceof z.ZodObject)) return [];
    const [head, ...tail] = rest;
    return head === undefined ? Object.keys(schema.shape) : keys(schema.shape[String(head)], tail);
  };
  return keys(pipelineSchema, path);
}

/** The valid key within two edits, and within half of what was written; null where none is near. */
export function nearest(word: string, candidates: readonly string[]): string | null {
  const limit = Math.min(2, Math.ceil(word.length / 2));
  const [best] = candidates
    .map(candidate => ({ candidate, distance: editDistance(word.toLowerCase(), candidate) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate ?? null;
}

/** Damerau's distance (optimal string alignment): a swap of neighbours is one edit, as it is one slip of the fingers. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Number.POSITIVE_INFINITY;
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  const cell = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= a.length; row += 1) {
    rows[row] = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const distance = Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + (same ? 0 : 1),
        swapped ? cell(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
      rows[row]?.push(distance);
    }
  }
  return cell(a.length, b.length);
}
