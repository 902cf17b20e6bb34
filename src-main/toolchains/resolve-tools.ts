/** Owns finding the tools of a plan on this machine, with their versions. Runs only their version commands. */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { posix, win32 } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { ToolRequirement } from '../contract/plan.ts';
import { installCommand, type KnownTool, knownTools } from './known-tools.ts';
import { hostEnvironment } from './step-environment.ts';
import {
  familyOf,
  type InstalledVersion,
  installedVersions,
  type ToolFamily,
  type VersionPlace,
  versionPlacesOf,
} from './version-folders.ts';
import { matchRequirement } from './version-ranges.ts';
import { remarkOn, type ToolRemark } from './version-remarks.ts';

export interface ResolvedTool {
  readonly name: string;
  readonly version: string;
  /** Absolute. */
  readonly path: string;
}

export interface ResolvedTools {
  readonly tools: ResolvedTool[];
  /** Folders of tools that were found outside the search path; to be put before it. */
  readonly pathEntries: string[];
  /** What a chosen version needs to be used; under those of the build. */
  readonly variables: Readonly<Record<string, string>>;
  /** On the versions that files state. */
  readonly remarks: readonly ToolRemark[];
}

/** Where tools lie that the search path does not reach. */
export interface ToolPlaces {
  readonly folders: readonly string[];
  /** With several versions side by side. */
  readonly versions: readonly VersionPlace[];
}

/** What runs on the host alone, as a build in a container does. */
export const noTools: ResolvedTools = { tools: [], pathEntries: [], variables: {}, remarks: [] };

interface MissingTool {
  readonly name: string;
  readonly reason: string;
  readonly install: string;
}

/** Compilers answer at once; a shim that downloads its tool first may not, and is not waited for longer. */
const versionTimeoutMs = 15_000;
const maxVersionBytes = 64 * 1024;
/** Version commands run at the same time; more only compete for the disk. */
const concurrency = 4;

/**
 * Every required tool with its path and version; on `searchPath` (as in PATH) first, then in the places where installers put
 * them without changing the PATH of a desktop session. Where a file states another version than the one on the path, and a folder
 * of versions holds one that it means, that one is taken.
 *
 * Throws one `toolchain.missing` that names all that are missing or do not run, each with its install command; the same
 * in `details.missing` as `{name, reason, install}[]`; and `toolchain.version` where a tool is sure to refuse.
 */
export async function resolveTools(
  requirements: readonly ToolRequirement[],
  searchPath: string,
  platform: NodeJS.Platform = process.platform,
  places: ToolPlaces = { folders: usualFoldersOf(platform), versions: versionPlacesOf(platform) },
): Promise<ResolvedTools> {
  const path = platform === 'win32' ? win32 : posix;
  // A relative or empty entry would search the checkout, where a repository could leave a program of its own.
  const onPath = searchPath.split(path.delimiter).filter(folder => path.isAbsolute(folder));
  const usual = [...onPath, ...places.folders];
  const chosen = await chooseVersions(requirements, usual, places.versions, platform);
  const folders = [...new Set([...[...chosen.values()].map(({ folder }) => folder), ...usual])];
  const names = [...new Set(requirements.map(({ program }) => program))];
  const tools: ResolvedTool[] = [];
  const missing: MissingTool[] = [];
  for (let index = 0; index < names.length; index += concurrency) {
    const found = await Promise.all(
      names.slice(index, index + concurrency).map(async name => {
        const result = await resolveTool(name, folders, platform);
        const family = familyOf(name);
        if (!('reason' in result) || family === null) return result;
        // A desktop session knows nothing of version managers: then the newest that one of them has.
        const versions = await installedVersions(places.versions, family);
        const newest = await resolveTool(name, [...folders, ...versions.map(({ folder }) => folder)], platform);
        return 'reason' in newest ? result : newest;
      }),
    );
    for (const result of found) {
      if ('reason' in result) missing.push(result);
      else tools.push(result);
    }
  }
  if (missing.length > 0) throw missingError(missing);
  const entries = [...chosen.values()].map(({ folder }) => folder);
  for (const tool of tools) {
    const folder = path.dirname(tool.path);
    if (!onPath.includes(folder)) entries.push(folder);
  }
  const remarks = requirements.flatMap(requirement => {
    const tool = tools.find(({ name }) => name === requirement.program);
    const family = familyOf(requirement.program);
    const taken = family === null ? null : (chosen.get(family) ?? null);
    return (tool && remarkOn(requirement, tool, taken, platform)) ?? [];
  });
  return { tools, pathEntries: [...new Set(entries)], variables: variablesOf(chosen, platform), remarks };
}

/** By family, the version to take in place of what the path has. */
async function chooseVersions(
  requirements: readonly ToolRequirement[],
  folders: readonly string[],
  places: readonly VersionPlace[],
  platform: NodeJS.Platform,
): Promise<ReadonlyMap<ToolFamily, InstalledVersion>> {
  const chosen = new Map<ToolFamily, InstalledVersion>();
  for (const requirement of requirements) {
    const family = familyOf(requirement.program);
    if (family === null || requirement.version === null || chosen.has(family)) continue;
    const present = await resolveTool(requirement.program, folders, platform);
    if (!('reason' in present) && matchRequirement(requirement, present.version) !== 'differs') continue;
    for (const candidate of await installedVersions(places, family)) {
      if (matchRequirement(requirement, candidate.version) !== 'satisfies') continue;
      // The folder's name is a promise; what counts is what runs.
      const tool = await resolveTool(requirement.program, [candidate.folder], platform);
      if ('reason' in tool || matchRequirement(requirement, tool.version) === 'differs') continue;
      chosen.set(family, candidate);
      break;
    }
  }
  return chosen;
}

/** Maven and Gradle go by JAVA_HOME before PATH; a GOROOT of the host would be the one of another Go, and an empty one is none. */
function variablesOf(chosen: ReadonlyMap<ToolFamily, InstalledVersion>, platform: NodeJS.Platform) {
  const path = platform === 'win32' ? win32 : posix;
  const java = chosen.get('java');
  return {
    ...(java === undefined ? {} : { JAVA_HOME: path.dirname(java.folder) }),
    ...(chosen.has('go') ? { GOROOT: '' } : {}),
  };
}

function missingError(missing: readonly MissingTool[]): DomainError {
  const list = missing.map(({ name, reason, install }) => `${name} (${reason}): ${install}`).join('\n');
  const [only, second] = missing;
  const message =
    only !== undefined && second === undefined
      ? `The build needs ${only.name}, which ${only.reason} on this machine. To install it: ${only.install}`
      : `The build needs ${missing.length} tools that this machine lacks. To install them:\n${list}`;
  return new DomainError('toolchain.missing', message, { missing });
}

async function resolveTool(
  name: string,
  folders: readonly string[],
  platform: NodeJS.Platform,
): Promise<ResolvedTool | MissingTool> {
  const known: KnownTool | undefined = Object.hasOwn(knownTools, name) ? knownTools[name] : undefined;
  const versionArguments = known?.versionArguments ?? ['--version'];
  let reason = 'is not installed';
  for (const program of known?.programs ?? [name]) {
    for (const path of await findPrograms(program, folders, platform)) {
      const version = await versionOf(path, versionArguments, platform);
      if (version !== null) return { name, version, path };
      if (reason === 'is not installed') reason = `does not run with ${path}`;
      if (known?.isFirstOnly) return { name, reason, install: installCommand(name, platform) };
    }
  }
  return { name, reason, install: installCommand(name, platform) };
}

/** Executable files of that name, in the order of the folders; a second one is tried where the first does not run. */
async function findPrograms(program: string, folders: readonly string[], platform: NodeJS.Platform): Promise<string[]> {
  if (!/^[\w.+-]+$/.test(program)) return [];
  const path = platform === 'win32' ? win32 : posix;
  const suffixes = platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  const found: string[] = [];
  for (const folder of new Set(folders)) {
    for (const suffix of suffixes) {
      const candidate = path.join(folder, `${program}${suffix}`);
      if (await isExecutableFile(candidate)) found.push(candidate);
      if (found.length === 3) return found;
    }
  }
  return found;
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** What the tool says of its version; null where it fails, hangs or says nothing. */
function versionOf(
  path: string,
  versionArguments: readonly string[],
  platform: NodeJS.Platform,
): Promise<string | null> {
  // Node refuses to start a batch file without a shell (CVE-2024-27980), and npm is one on Windows.
  const isBatch = platform === 'win32' && /\.(?:cmd|bat)$/i.test(path);
  const [file, args] = isBatch
    ? [process.env.ComSpec ?? 'cmd.exe', ['/d', '/s', '/c', `""${path}" ${versionArguments.join(' ')}"`]]
    : [path, [...versionArguments]];
  // Away from the checkout: rustup, corepack and others read files of the folder that they run in.
  const options = {
    cwd: tmpdir(),
    env: { ...hostEnvironment(process.env, platform), COREPACK_ENABLE_DOWNLOAD_PROMPT: '0' },
    timeout: versionTimeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: maxVersionBytes,
    windowsHide: true,
    windowsVerbatimArguments: isBatch,
  } as const;
  return new Promise(resolve => {
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      resolve(error === null ? versionIn(`${stdout}\n${stderr}`) : null);
    });
    child.stdin?.end();
  });
}

/** `22.4.1` of `v22.4.1`, `go1.24.2` or `GNU Make 4.3`; the first line where there is no number. */
function versionIn(output: string): string | null {
  const [number] = /\d+(?:\.\d+)+(?:-[\w.]+)?/.exec(output) ?? [];
  if (number !== undefined) return number;
  const line = output.trim().split('\n')[0]?.trim().slice(0, 80) ?? '';
  return line === '' ? null : line;
}

/** Where installers put programs that a desktop session's PATH does not reach. */
export function usualFoldersOf(platform: NodeJS.Platform, home: string = homedir()): string[] {
  const path = platform === 'win32' ? win32 : posix;
  const inHome = (...parts: string[]) => path.join(home, ...parts);
  const own = [inHome('.cargo', 'bin'), inHome('.bun', 'bin'), inHome('.deno', 'bin'), inHome('go', 'bin')];
  if (platform === 'win32') {
    const programs = process.env.ProgramFiles ?? 'C:\\Program Files';
    return [
      ...own,
      ...['nodejs', 'Go\\bin', 'NASM', 'LLVM\\bin', 'CMake\\bin'].map(folder => win32.join(programs, folder)),
      'C:\\Program Files (x86)\\GnuWin32\\bin',
    ];
  }
  const system = ['/usr/local/go/bin', '/usr/local/bin', '/usr/bin', '/bin'];
  const local = [inHome('.local', 'bin'), inHome('.local', 'share', 'pnpm')];
  return platform === 'darwin'
    ? [...own, ...local, '/opt/homebrew/bin', '/opt/local/bin', ...system]
    : [...own, ...local, ...system, '/usr/lib/go/bin', '/home/linuxbrew/.linuxbrew/bin', '/snap/bin'];
}
