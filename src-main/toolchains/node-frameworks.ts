/** Owns what frameworks of Node make and how it is served: the output folder of a site, the server of an application. */
import type { Evidence, Plan } from '../contract/plan.ts';
import { type Manifest, scriptEvidence } from './node-manager.ts';
import { lineOf, type ProjectTree } from './project-tree.ts';

const file = 'package.json';

interface Server {
  readonly dependency: string;
  /** What the framework's configuration must say; null where the dependency alone tells. */
  readonly adapter: { readonly configuration: RegExp; readonly pattern: RegExp } | null;
  readonly start: string;
}

/** How each framework's own manual starts what its build made, without a start script. */
const servers: readonly Server[] = [
  { dependency: 'nuxt', adapter: null, start: 'node .output/server/index.mjs' },
  { dependency: '@tanstack/react-start', adapter: null, start: 'node .output/server/index.mjs' },
  { dependency: '@solidjs/start', adapter: null, start: 'node .output/server/index.mjs' },
  { dependency: '@astrojs/node', adapter: null, start: 'node ./dist/server/entry.mjs' },
  { dependency: '@sveltejs/adapter-node', adapter: null, start: 'node build' },
  { dependency: '@remix-run/serve', adapter: null, start: 'npx --no-install remix-serve build/server/index.js' },
  {
    dependency: '@react-router/serve',
    adapter: null,
    start: 'npx --no-install react-router-serve build/server/index.js',
  },
  { dependency: '@nestjs/core', adapter: null, start: 'node dist/main.js' },
  {
    dependency: 'next',
    adapter: { configuration: /^next\.config\.[cm]?[jt]s$/, pattern: /^(?![\s\S]*\boutput:\s*['"]export['"])/ },
    start: 'npx --no-install next start',
  },
  { dependency: '@adonisjs/core', adapter: null, start: 'node build/bin/server.js' },
  { dependency: '@strapi/strapi', adapter: null, start: 'npx --no-install strapi start' },
];

/** The command that serves what the framework built; null where it makes a site of files, or where there is no build. */
export async function nodeServer(
  tree: ProjectTree,
  manifest: Manifest,
  text: string,
): Promise<{ start: string; evidence: Evidence } | null> {
  const build = manifest.scripts.build;
  if (!build || /\bnuxt generate\b/.test(build)) return null;
  for (const { dependency, adapter, start } of servers) {
    if (!(dependency in manifest.dependencies) && !(dependency in manifest.devDependencies)) continue;
    if (adapter !== null) {
      const configuration = tree.files.find(path => adapter.configuration.test(path));
      const told = configuration === undefined ? '' : ((await tree.readText(configuration)) ?? '');
      if (!adapter.pattern.test(told)) continue;
    }
    const line = lineOf(text, new RegExp(`"${dependency.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}"\\s*:`));
    return { start, evidence: { file, line, reason: `${dependency} serves what it builds` } };
  }
  return null;
}

interface Output {
  readonly name: string;
  readonly command: RegExp;
  readonly folder: string;
  /** What moves the folder elsewhere, so that it is not guessed. */
  readonly configures: RegExp;
}

/** Generators and bundlers that build a site into one folder by default, when nothing is started. */
const outputs: readonly Output[] = [
  { name: 'react-scripts', command: /react-scripts build/, folder: 'build', configures: /BUILD_PATH/ },
  {
    name: 'vitepress',
    command: /\bvitepress build(?:\s+\.)?\s*$/,
    folder: '.vitepress/dist',
    configures: /\boutDir\b/,
  },
  { name: 'vitepress', command: /\bvitepress build docs\b/, folder: 'docs/.vitepress/dist', configures: /\boutDir\b/ },
  { name: 'sveltekit', command: /\bvite build\b/, folder: 'build', configures: /\bpages:|\bassets:/ },
  { name: 'vite', command: /\bvite build\b/, folder: 'dist', configures: /\boutDir\b|--outDir/ },
  { name: 'rsbuild', command: /\brsbuild build\b/, folder: 'dist', configures: /\bdistPath\b/ },
  { name: 'astro', command: /\bastro build\b/, folder: 'dist', configures: /\boutDir\b|--outDir/ },
  { name: 'parcel', command: /\bparcel build\b/, folder: 'dist', configures: /--dist-dir|"distDir"/ },
  { name: 'gatsby', command: /\bgatsby build\b/, folder: 'public', configures: /$^/ },
  { name: 'docusaurus', command: /\bdocusaurus build\b/, folder: 'build', configures: /--out-dir/ },
  { name: 'eleventy', command: /\beleventy\b/, folder: '_site', configures: /--output|\boutput:/ },
  { name: 'vue-cli-service', command: /\bvue-cli-service build\b/, folder: 'dist', configures: /\boutputDir\b|--dest/ },
  { name: 'ember', command: /\bember build\b/, folder: 'dist', configures: /--output-path/ },
  { name: 'nuxt', command: /\bnuxt generate\b/, folder: '.output/public', configures: /$^/ },
  { name: 'next', command: /\bnext build\b/, folder: 'out', configures: /\bdistDir\b/ },
  { name: 'hexo', command: /\bhexo generate\b/, folder: 'public', configures: /$^/ },
];
const configurationFiles =
  /^(?:(?:vite|astro|next|rsbuild|svelte|vue|docusaurus|eleventy)\.config|\.eleventy|gatsby-config)\.[cm]?[jt]s$/;

/** What the build makes where nothing is started, or where a server needs its output alone; null where it is the tree. */
export async function nodeOutput(
  tree: ProjectTree,
  manifest: Manifest,
  start: string | null,
  text: string,
): Promise<{ artifact: Plan['artifact']; evidence: Evidence } | null> {
  const build = manifest.scripts.build;
  if (!build) return null;
  if (start === 'node .output/server/index.mjs') {
    // Nitro copies the packages that the server needs into its output.
    return taken('.output', scriptEvidence(text, 'build'), 'the build is whole in .output');
  }
  if (start !== null) return null;
  if (/\bng build\b/.test(build)) return await angularOutput(tree, text);
  const isKit = '@sveltejs/kit' in { ...manifest.dependencies, ...manifest.devDependencies };
  const output = outputs.find(({ name, command }) => command.test(build) && (name !== 'sveltekit' || isKit));
  if (output === undefined) return null;
  const configurations = tree.files.filter(path => configurationFiles.test(path));
  for (const source of [text, ...(await Promise.all(configurations.map(path => tree.readText(path))))]) {
    if (output.configures.test(source ?? '')) return null;
  }
  return taken(output.folder, scriptEvidence(text, 'build'), `${output.name} builds into ${output.folder}`);
}

function taken(folder: string, evidence: Evidence, reason: string): { artifact: Plan['artifact']; evidence: Evidence } {
  return { artifact: { include: [folder], exclude: [] }, evidence: { ...evidence, reason } };
}

async function angularOutput(
  tree: ProjectTree,
  text: string,
): Promise<{ artifact: Plan['artifact']; evidence: Evidence } | null> {
  const workspace = (await tree.readText('angular.json')) ?? '';
  if (/"outputPath"/.test(workspace)) {
    const told = /"outputPath"\s*:\s*"(dist(?:\/[\w.-]+)*)"/.exec(workspace)?.[1];
    if (told === undefined) return null;
    return taken(
      told,
      { file: 'angular.json', line: lineOf(workspace, /"outputPath"/), reason: '' },
      `Angular builds into ${told}`,
    );
  }
  return taken('dist', scriptEvidence(text, 'build'), 'Angular builds into dist');
}
