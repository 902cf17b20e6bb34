/** Owns how a Deno project is recognised, checked, built and started. */
import { z } from 'zod';
import {
  type DetectedPlan,
  detectedPlan,
  evidenceAt,
  firstFile,
  requirement,
  type Start,
  usualStep,
} from './detected-plan.ts';
import type { ProjectTree } from './project-tree.ts';

const taskSchema = z
  .union([z.string(), z.object({ command: z.string() }).transform(({ command }) => command)])
  .catch('');
const configSchema = z.object({ tasks: z.record(z.string(), taskSchema).catch({}) }).catch({ tasks: {} });
/** The search for the end of a comment begins again at each one; a file that is made of them stays cheap up to here. */
const maxConfigBytes = 32 * 1024;
const entries = ['main.ts', 'server.ts', 'app.ts', 'mod.ts', 'src/main.ts', 'src/server.ts'];

/** A deno.json, deno.jsonc or deno.lock at the root, and no package.json with a build of its own. */
export async function detectDeno(tree: ProjectTree): Promise<DetectedPlan | null> {
  const file = ['deno.json', 'deno.jsonc', 'deno.lock'].find(name => tree.has(name));
  if (file === undefined || (tree.has('package.json') && file === 'deno.lock')) return null;
  const text = (await tree.readText(file, maxConfigBytes)) ?? '';
  const { tasks } = configSchema.parse(readJsonc(text));
  const project = evidenceAt(file, 'a project of Deno');
  const taskAt = (task: string) => evidenceAt(file, `the task "${task}"`, text, new RegExp(`"${task}"\\s*:`));
  const entry = entries.find(name => tree.has(name)) ?? null;
  const test = firstFile(tree, /(?:^|[._/])test\.[jt]sx?$/);
  const steps = [usualStep('install', 'deno install', project)];
  if (tasks.build) steps.push(usualStep('build', 'deno task build', taskAt('build')));
  else if (entry !== null)
    steps.push(usualStep('build', `deno check ${entry}`, evidenceAt(entry, 'types are checked')));
  if (tasks.test) steps.push(usualStep('test', 'deno task test', taskAt('test')));
  else if (test !== null) steps.push(usualStep('test', 'deno test --allow-all', evidenceAt(test, 'a test of Deno')));
  return await detectedPlan(tree, {
    tool: 'deno',
    requirements: [requirement('deno', project)],
    steps,
    // Packages into the tree, so that the machine needs no network.
    env: { DENO_DIR: '.deno' },
    exclude: ['.deno/gen', '.deno/*.sqlite*'],
    start: await startOf(tree, tasks, entry, taskAt),
    evidence: [project],
  });
}

async function startOf(
  tree: ProjectTree,
  tasks: Readonly<Record<string, string>>,
  entry: string | null,
  taskAt: (task: string) => Start['evidence'],
): Promise<Start | null> {
  const command = (run: string) =>
    tree.platform === 'win32' ? `set "DENO_DIR=.deno" && ${run}` : `DENO_DIR=.deno ${run}`;
  for (const task of ['start', 'serve', 'preview']) {
    if (tasks[task] && !/--watch/.test(tasks[task]))
      return { start: command(`deno task ${task}`), evidence: taskAt(task) };
  }
  if (entry === null) return null;
  const text = (await tree.readText(entry)) ?? '';
  const serves = /\bDeno\.serve\(|\.listen\(|from\s+["'][^"']*(?:std@[^"']*http|oak|hono|fresh)/;
  if (!serves.test(text)) return null;
  return {
    start: command(`deno run --allow-all ${entry}`),
    evidence: evidenceAt(entry, 'serves requests', text, serves),
  };
}

/** JSON with comments and trailing commas, which are cut before it is read. */
function readJsonc(text: string): unknown {
  const quoted = (_: string, kept: string | undefined) => kept ?? '';
  const bare = text
    .replace(/("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, quoted)
    .replace(/("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g, quoted);
  try {
    return JSON.parse(bare);
  } catch {
    return {};
  }
}
