/** Owns the versions of tools that files of the repository state: version managers' files, and those of single tools. */
import type { Evidence, ToolRequirement } from '../contract/plan.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

export interface StatedVersion {
  readonly version: string;
  readonly evidence: Evidence;
}

/** Files that hold one version for one tool; the first that is there counts. */
const files: readonly { readonly tool: string; readonly file: string; readonly pattern: RegExp }[] = [
  { tool: 'node', file: '.nvmrc', pattern: /^[ \t]*v?([\w.*/-]+)/ },
  { tool: 'node', file: '.node-version', pattern: /^[ \t]*v?([\w.*/-]+)/ },
  { tool: 'node', file: 'package.json', pattern: /"volta"\s*:\s*\{[^}]*"node"\s*:\s*"([^"]+)"/ },
  { tool: 'python', file: '.python-version', pattern: /^(?!#)\s*(?:c?python-)?([\w.-]+)/m },
  { tool: 'python', file: 'runtime.txt', pattern: /^python-([\d.]+)/m },
  { tool: 'python', file: 'Pipfile', pattern: /^python_(?:full_)?version\s*=\s*"([^"]+)"/m },
  { tool: 'python', file: 'pyproject.toml', pattern: /^\[tool\.poetry\.dependencies\][^[]*?^python\s*=\s*"([^"]+)"/m },
  { tool: 'ruby', file: '.ruby-version', pattern: /^[ \t]*(?:ruby-)?([\w.-]+)/ },
  { tool: 'rust', file: 'rust-toolchain.toml', pattern: /^[ \t]*channel\s*=\s*["']([^"']+)["']/m },
  {
    tool: 'rust',
    file: 'rust-toolchain',
    pattern: /^[ \t]*(?:channel\s*=\s*["'])?([\d.]+|stable|beta|nightly[\w-]*)/m,
  },
  { tool: 'go', file: '.go-version', pattern: /^[ \t]*(?:go)?([\w.]+)/ },
  { tool: 'go', file: 'go.mod', pattern: /^toolchain\s+go([\w.]+)/m },
  { tool: 'java', file: '.java-version', pattern: /^[ \t]*([\w.-]+)/ },
  { tool: 'java', file: '.sdkmanrc', pattern: /^java\s*=\s*([\w.-]+)/m },
  { tool: 'java', file: 'system.properties', pattern: /^java\.runtime\.version\s*=\s*([\w.-]+)/m },
  { tool: 'dotnet', file: 'global.json', pattern: /"sdk"\s*:\s*\{[^}]*"version"\s*:\s*"([^"]+)"/ },
  { tool: 'php', file: '.php-version', pattern: /^[ \t]*([\w.-]+)/ },
  { tool: 'swift', file: '.swift-version', pattern: /^[ \t]*(?:swift-)?([\w.-]+)/ },
  { tool: 'zig', file: '.zigversion', pattern: /^[ \t]*([\w.+-]+)/ },
  { tool: 'elixir', file: '.exenv-version', pattern: /^[ \t]*([\w.-]+)/ },
  { tool: 'elixir', file: 'elixir_buildpack.config', pattern: /^elixir_version\s*=\s*([\w.-]+)/m },
  { tool: 'perl', file: '.perl-version', pattern: /^[ \t]*(?:perl-)?([\w.]+)/ },
  { tool: 'deno', file: '.dvmrc', pattern: /^[ \t]*v?([\w.]+)/ },
  { tool: 'bun', file: '.bun-version', pattern: /^[ \t]*v?([\w.]+)/ },
  { tool: 'pnpm', file: 'package.json', pattern: /"packageManager"\s*:\s*"pnpm@([\w.-]+)/ },
  { tool: 'yarn', file: 'package.json', pattern: /"packageManager"\s*:\s*"yarn@([\w.-]+)/ },
  { tool: 'npm', file: 'package.json', pattern: /"packageManager"\s*:\s*"npm@([\w.-]+)/ },
  { tool: 'bun', file: 'package.json', pattern: /"packageManager"\s*:\s*"bun@([\w.-]+)/ },
  { tool: 'gradle', file: 'gradle/wrapper/gradle-wrapper.properties', pattern: /gradle-([\d.]+)-(?:bin|all)\.zip/ },
  { tool: 'maven', file: '.mvn/wrapper/maven-wrapper.properties', pattern: /apache-maven-([\d.]+)-bin/ },
];

/** Names of the same tool in `.tool-versions` and mise.toml. */
const otherNames: Readonly<Record<string, string>> = {
  nodejs: 'node',
  golang: 'go',
  'dotnet-core': 'dotnet',
  ghc: 'haskell',
};
/** Which tool's version says what a program of a plan must be. */
const toolOfProgram: Readonly<Record<string, string>> = {
  python3: 'python',
  rustc: 'rust',
  cargo: 'rust',
  javac: 'java',
  mvn: 'maven',
  mix: 'elixir',
  erl: 'erlang',
  ghc: 'haskell',
};

/**
 * Every tool with the version that a file states; of several files the one of the version manager, then the tool's own. `folder` is
 * where the tree lies in the checkout.
 */
export async function statedVersions(tree: ProjectTree, folder = '.'): Promise<ReadonlyMap<string, StatedVersion>> {
  const inside = (file: string) => (folder === '.' ? file : `${folder}/${file}`);
  const found = new Map<string, StatedVersion>();
  const add = (tool: string, version: string, evidence: Evidence) => {
    const name = Object.hasOwn(otherNames, tool) ? (otherNames[tool] ?? tool) : tool;
    const moved = { ...evidence, file: inside(evidence.file) };
    if (!found.has(name)) found.set(name, { version: version.slice(0, 80), evidence: moved });
  };
  for (const file of ['mise.toml', '.mise.toml', '.tool-versions']) {
    const text = (await tree.readText(file)) ?? '';
    const isToml = file.endsWith('.toml');
    let inTools = !isToml;
    for (const [index, line] of text.split('\n').entries()) {
      if (isToml && line.startsWith('[')) inTools = /^\[tools\]/.test(line);
      if (!inTools) continue;
      const pattern = isToml ? /^[ \t]*"?([\w-]+)"?\s*=\s*(?:\[\s*)?["']([^"']+)["']/ : /^([\w-]+)\s+([^\s#]+)/;
      const [, tool, version] = pattern.exec(line) ?? [];
      if (tool && version) add(tool, version, { file, line: index + 1, reason: `states the version of ${tool}` });
    }
  }
  for (const { tool, file, pattern } of files) {
    const text = await tree.readText(file, 65_536);
    const version = pattern.exec(text ?? '')?.[1];
    if (text === null || version === undefined) continue;
    add(tool, version, {
      file,
      line: lineOf(text, new RegExp(escaped(version))),
      reason: `states the version of ${tool}`,
    });
  }
  return found;
}

/** The requirements with the stated versions: what a version file says is exact, where a manifest often gives a range. */
export function withStatedVersions(
  requirements: readonly ToolRequirement[],
  stated: ReadonlyMap<string, StatedVersion>,
): ToolRequirement[] {
  return requirements.map(requirement => {
    const { program } = requirement;
    const tool = Object.hasOwn(toolOfProgram, program) ? (toolOfProgram[program] ?? program) : program;
    const version = stated.get(tool);
    return version === undefined ? requirement : { program, ...version };
  });
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
