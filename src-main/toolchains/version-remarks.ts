/** Owns what is said of a tool whose version a file states: taken for it, another than it, or not compared. Reads and runs nothing. */
import { posix, win32 } from 'node:path';
import { DomainError } from '../contract/errors.ts';
import type { ToolRequirement } from '../contract/plan.ts';
import { installCommand } from './known-tools.ts';
import type { InstalledVersion } from './version-folders.ts';
import { matchRequirement, matchVersion } from './version-ranges.ts';

interface FoundTool {
  readonly version: string;
  /** Absolute. */
  readonly path: string;
}

export interface ToolRemark {
  readonly text: string;
  readonly isWarning: boolean;
}

/**
 * One remark on a tool that was found; null where the file asks for nothing, or what is on the path is just that.
 *
 * A version that differs is a warning: what a file states is often the one of its author's machine, and most tools build with
 * another. Those that surely refuse to are an error before anything runs. Throws `toolchain.version`.
 */
export function remarkOn(
  requirement: ToolRequirement,
  tool: FoundTool,
  taken: InstalledVersion | null,
  platform: NodeJS.Platform,
): ToolRemark | null {
  const { program, version, evidence } = requirement;
  if (version === null) return null;
  const asks = `${evidence.file}${evidence.line === null ? '' : `:${evidence.line}`} asks for ${program} ${version}`;
  const match = matchRequirement(requirement, tool.version);
  if (match === 'satisfies') {
    return taken === null ? null : { text: `${asks}: ${tool.version} of ${taken.manager} is taken`, isWarning: false };
  }
  const found = `found ${tool.version} at ${tool.path}`;
  if (match === 'unknown') return { text: `${asks}, which is not compared: ${found}`, isWarning: false };
  if (refuses(requirement)) {
    throw new DomainError(
      'toolchain.version',
      `${asks} and does not build with an older one: ${found}. Install a newer one: ${installCommand(program, platform)}`,
      { program, version, found: tool.version, path: tool.path },
    );
  }
  const chooser = chooserOf(requirement, tool, platform);
  if (chooser !== null) return { text: `${asks}, ${found}: ${chooser}`, isWarning: false };
  return { text: `${asks}, ${found}`, isWarning: true };
}

/**
 * CMake ends at cmake_minimum_required, and cargo at rust-version, whatever the rest of the project says. Others warn, fetch what they
 * lack, or can be told not to mind (npm's engines, pip, Bundler, Go), and refuse in their own step, with their own words.
 */
function refuses({ program, evidence }: ToolRequirement): boolean {
  return (
    (program === 'cmake' && evidence.file.endsWith('CMakeLists.txt')) ||
    (program === 'cargo' && evidence.file.endsWith('Cargo.toml'))
  );
}

/** How a tool comes to the stated version by itself, when it runs in the project. What it told outside of it means little then. */
function chooserOf({ program, evidence }: ToolRequirement, tool: FoundTool, platform: NodeJS.Platform) {
  const path = platform === 'win32' ? win32 : posix;
  const folder = path.dirname(tool.path);
  // Source: rust-lang.github.io/rustup/overrides.html
  if (posix.basename(evidence.file).startsWith('rust-toolchain') && path.basename(path.dirname(folder)) === '.cargo') {
    return 'rustup chooses in the project';
  }
  // Source: go.dev/doc/toolchain; GOTOOLCHAIN=auto is what Go comes with since 1.21.
  if (program === 'go' && matchVersion('>=1.21', tool.version) === 'satisfies')
    return 'Go fetches what go.mod asks for';
  // Source: nodejs.org/api/corepack.html; pnpm 10 and yarn do the same without it.
  if (evidence.file.endsWith('package.json') && (program === 'pnpm' || program === 'yarn')) {
    return `${program} goes by packageManager in the project`;
  }
  return path.basename(folder) === 'shims' ? 'it chooses in the project' : null;
}
