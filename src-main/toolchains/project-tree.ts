/** Owns the bounded, read-only view of a checkout that detection plans from. Follows no link and runs nothing. */
import { stat } from 'node:fs/promises';
import { DomainError } from '../contract/errors.ts';
import type { Evidence, Phase, PlanStep } from '../contract/plan.ts';
import { listTree, readStart } from './list-tree.ts';

/** No manifest that a person wrote is larger. */
const maxTextBytes = 1024 * 1024;

/** Half an hour: long enough for a cold release build, short enough to notice a step that hangs. */
export const defaultStepTimeoutMs = 30 * 60 * 1000;

/** The artifact of a project that does not say what it makes: all of it, without the history. */
export const wholeTree = { include: ['.'], exclude: ['.git'] } as const;

export interface ProjectTree {
  readonly platform: NodeJS.Platform;
  /** Of the machine that builds, as in `process.arch`. */
  readonly arch: string;
  /** Regular files as `/`-separated paths, folder by folder from the root, as far as `listTree` goes. */
  readonly files: readonly string[];
  /** What was not looked at because a bound was reached, in words; null where everything was. */
  readonly limit: string | null;
  has(path: string): boolean;
  /** Text of a listed file; null where it is not listed. Of a file above `maxBytes` (1 MiB unless told) the beginning. */
  readText(path: string, maxBytes?: number): Promise<string | null>;
}

/** Throws `not_found` where `root` is no folder. */
export async function openProjectTree(
  root: string,
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
): Promise<ProjectTree> {
  const facts = await stat(root).catch(() => null);
  if (facts === null || !facts.isDirectory()) {
    throw new DomainError('not_found', `There is no folder ${root}; name the folder of a checked-out repository.`, {
      path: root,
    });
  }
  const { files, limit } = listTree(root);
  const known = new Set(files);
  return {
    platform,
    arch,
    files,
    limit,
    has: path => known.has(path),
    readText: async (path, maxBytes = maxTextBytes) =>
      known.has(path) ? await readStart(root, path, Math.min(maxBytes, maxTextBytes)) : null,
  };
}

/** The line of the first match, counted from 1; null where there is none. */
export function lineOf(text: string, pattern: RegExp): number | null {
  const index = text.search(pattern);
  return index < 0 ? null : text.slice(0, index).split('\n').length;
}

/** A detected step, with what every one of them has in common. */
export function detectedStep(
  step: { id: string; name: string; phase: Phase; run: string; env?: Record<string, string> },
  ...evidence: Evidence[]
): PlanStep {
  return { env: {}, timeoutMs: defaultStepTimeoutMs, idempotent: true, ...step, evidence };
}

/** The `web` line of a Procfile: the one start command that many languages share. Source: https://devcenter.heroku.com/articles/procfile */
export async function procfileStart(tree: ProjectTree): Promise<{ start: string; evidence: Evidence } | null> {
  const text = await tree.readText('Procfile');
  const start = /^web:[ \t]*(\S.*)$/m.exec(text ?? '')?.[1]?.trim();
  if (text === null || start === undefined) return null;
  return { start, evidence: { file: 'Procfile', line: lineOf(text, /^web:/m), reason: 'web says how it is started' } };
}

/** A path as one word of the platform's shell, never read as an option; null where cmd.exe has no way to write it. */
export function shellWord(path: string, platform: NodeJS.Platform): string | null {
  const relative = path.startsWith('-') ? `./${path}` : path;
  if (/^[\w./+-]+$/.test(relative)) return platform === 'win32' ? relative.replaceAll('/', '\\') : relative;
  if (platform === 'win32') return /["%!^&|<>\r\n]/.test(relative) ? null : `"${relative.replaceAll('/', '\\')}"`;
  return `'${relative.replaceAll("'", `'\\''`)}'`;
}
