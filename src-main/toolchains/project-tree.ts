/** Owns the bounded, read-only view of a checkout that detection plans from. Follows no link and runs nothing. */
import type { Dirent } from 'node:fs';
import { open, opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { Evidence, Phase, PlanStep } from '../contract/plan.ts';

/** Enough for the manifests of a large repository; what lies past it is not looked at. */
const maxFiles = 20_000;
/** Manifests lie near the root. */
const maxDepth = 8;
/** No manifest that a person wrote is larger. */
const maxTextBytes = 1024 * 1024;

/** What tools write, and what a repository vendors: nothing in them says how this project is built. */
const skippedFolders = new Set([
  '.git',
  '.hg',
  '.svn',
  '.venv',
  '.tox',
  '__pycache__',
  '.build',
  '.bundle',
  '.gradle',
  '.next',
  '.pnpm-store',
  '.stack-work',
  '.terraform',
  '.yarn',
  '.zig-cache',
  'Pods',
  '_build',
  'bower_components',
  'dist-newstyle',
  'node_modules',
  'target',
  'vendor',
  'venv',
]);

/** Half an hour: long enough for a cold release build, short enough to notice a step that hangs. */
export const defaultStepTimeoutMs = 30 * 60 * 1000;

/** The artifact of a project that does not say what it makes: all of it, without the history. */
export const wholeTree = { include: ['.'], exclude: ['.git'] } as const;

export interface ProjectTree {
  readonly platform: NodeJS.Platform;
  /** Of the machine that builds, as in `process.arch`. */
  readonly arch: string;
  /** Regular files as `/`-separated paths, folder by folder from the root; at most 20,000, eight folders deep. */
  readonly files: readonly string[];
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
  const files = await listFiles(root);
  const known = new Set(files);
  return {
    platform,
    arch,
    files,
    has: path => known.has(path),
    readText: async (path, maxBytes = maxTextBytes) => (known.has(path) ? await readStart(root, path, maxBytes) : null),
  };
}

/** Breadth first, so that the root is whole however large a folder below it is. */
async function listFiles(root: string): Promise<string[]> {
  const files: string[] = [];
  let folders = [''];
  for (let depth = 0; depth <= maxDepth && folders.length > 0 && files.length < maxFiles; depth += 1) {
    const below: string[] = [];
    for (const folder of folders) {
      const entries = await readFolder(join(root, folder), maxFiles - files.length);
      for (const entry of entries) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isFile()) files.push(path);
        else if (entry.isDirectory() && !skippedFolders.has(entry.name) && below.length < maxFiles) below.push(path);
      }
    }
    folders = below;
  }
  return files;
}

async function readFolder(path: string, limit: number): Promise<Dirent[]> {
  const entries: Dirent[] = [];
  try {
    for await (const entry of await opendir(path)) {
      if (entries.length >= limit) break;
      entries.push(entry);
    }
  } catch (error) {
    // A folder that may not be read, or that is gone again, says nothing of how the project is built.
    if (!['EACCES', 'EPERM', 'ENOENT'].includes(systemErrorCode(error) ?? '')) throw error;
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readStart(root: string, path: string, maxBytes: number): Promise<string> {
  const handle = await open(join(root, path), 'r');
  try {
    const buffer = Buffer.alloc(Math.min(maxBytes, maxTextBytes, Math.max((await handle.stat()).size, 1)));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    // Windows editors write a byte order mark; every tool that reads these files drops it.
    return buffer.toString('utf8', 0, bytesRead).replace(/^\uFEFF/, '');
  } finally {
    await handle.close();
  }
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
