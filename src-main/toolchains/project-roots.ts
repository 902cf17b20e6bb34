/** Owns finding the projects of a repository that holds several: which folders have a manifest of their own. Reads no file. */
import type { ProjectRoot } from '../contract/plan.ts';
import type { ProjectTree } from './project-tree.ts';

/** More folders than these are listed by no interface, and a repository with more has a build of its own. */
const maxRoots = 50;

const markers: readonly { readonly tool: string; readonly name: RegExp }[] = [
  { tool: 'custom', name: /^slipway\.ya?ml$/ },
  { tool: 'go', name: /^go\.mod$/ },
  { tool: 'rust', name: /^Cargo\.toml$/ },
  { tool: 'elixir', name: /^mix\.exs$/ },
  { tool: 'gleam', name: /^gleam\.toml$/ },
  { tool: 'erlang', name: /^rebar\.config$/ },
  { tool: 'maven', name: /^pom\.xml$/ },
  { tool: 'gradle', name: /^(?:build|settings)\.gradle(?:\.kts)?$/ },
  { tool: 'dotnet', name: /\.(?:slnx?|csproj|fsproj|vbproj)$/ },
  { tool: 'swift', name: /^Package\.swift$/ },
  { tool: 'zig', name: /^build\.zig$/ },
  { tool: 'haskell', name: /^stack\.yaml$|\.cabal$/ },
  { tool: 'ocaml', name: /^dune-project$/ },
  { tool: 'ruby', name: /^Gemfile$/ },
  { tool: 'php', name: /^composer\.json$/ },
  { tool: 'deno', name: /^deno\.jsonc?$/ },
  { tool: 'node', name: /^package\.json$/ },
  { tool: 'python', name: /^(?:pyproject\.toml|requirements\.txt|Pipfile|setup\.py)$/ },
  { tool: 'cmake', name: /^CMakeLists\.txt$/ },
  { tool: 'meson', name: /^meson\.build$/ },
  { tool: 'perl', name: /^cpanfile$/ },
  { tool: 'make', name: /^(?:GNUm|m|M)akefile$/ },
];

/** Folders of samples and tests: projects there belong to the one around them. */
const belongsToOther =
  /(?:^|\/)(?:examples?|samples?|tests?|testdata|fixtures|__fixtures__|templates?|docs?|third_party|e2e|demos?|\.[^/]+)(?:\/|$)/;
/** Tools whose root builds the folders of the same tool below it. */
const buildBelow = new Set([
  'rust',
  'maven',
  'gradle',
  'dotnet',
  'cmake',
  'meson',
  'make',
  'ocaml',
  'haskell',
  'elixir',
  'erlang',
]);

/**
 * The outermost folder of each project below the root, by path; at most 50. What the root's tool builds itself is left out:
 * members of a workspace, modules, subdirectories.
 */
export function projectRoots(tree: ProjectTree, rootTool: string | null, isWorkspace: boolean): ProjectRoot[] {
  const found = new Map<string, ProjectRoot & { rank: number }>();
  for (const path of tree.files) {
    const cut = path.lastIndexOf('/');
    if (cut < 0) continue;
    const folder = path.slice(0, cut);
    const rank = markers.findIndex(({ name }) => name.test(path.slice(cut + 1)));
    const marker = markers[rank];
    if (marker === undefined || belongsToOther.test(folder)) continue;
    if (marker.tool === rootTool && (buildBelow.has(rootTool) || isWorkspace)) continue;
    const known = found.get(folder);
    if (known !== undefined && known.rank <= rank) continue;
    const evidence = { file: path, line: 1, reason: `a project of its own in ${folder}` };
    found.set(folder, { path: folder, tool: marker.tool, evidence, rank });
  }
  const roots = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return roots
    .filter(({ path, tool }) => !roots.some(other => other.tool === tool && path.startsWith(`${other.path}/`)))
    .slice(0, maxRoots)
    .map(({ path, tool, evidence }) => ({ path, tool, evidence }));
}
