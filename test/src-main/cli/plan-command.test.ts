/** `slipway plan --json` for every project of the tables, in this process; and for one of each kind, as a person would run it. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { addPlanCommand } from '../../../src-main/cli/plan-command.ts';
import { type Plan, planSchema } from '../../../src-main/contract/plan.ts';
import { projectFolder } from '../../support/project-folder.ts';
import { assemblyProjects } from '../toolchains/projects/assembly-projects.ts';
import { compiledProjects } from '../toolchains/projects/compiled-projects.ts';
import { nodeProjects } from '../toolchains/projects/node-projects.ts';
import type { Project } from '../toolchains/projects/project.ts';
import { scriptedProjects } from '../toolchains/projects/scripted-projects.ts';

/** The command plans for the machine that it runs on; the table says for which one its answer is. */
const isHere = ({ platform = 'linux', arch = 'x64' }: Project) =>
  platform === process.platform && arch === process.arch;
const tables = [assemblyProjects, compiledProjects, scriptedProjects, nodeProjects];
const projects = tables.flat().filter(isHere);
const spawned = tables.flatMap(table => [table[0], table.at(-1)]).filter(project => project && isHere(project));

async function planned(folder: string, ...more: readonly string[]): Promise<string> {
  let output = '';
  const writing = vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    output += String(text);
    return true;
  });
  try {
    const program = new Command().option('--json').exitOverride();
    addPlanCommand(program);
    await program.parseAsync(['plan', folder, ...more], { from: 'user' });
  } finally {
    writing.mockRestore();
  }
  return output;
}

function expectAnswer(output: string, project: Project): void {
  const plan: Plan = planSchema.parse(JSON.parse(output));
  expect({ tool: plan.tool, run: plan.steps.map(({ run }) => run), start: plan.start }).toEqual({
    tool: project.tool,
    run: project.run,
    start: project.start ?? null,
  });
}

describe.skipIf(projects.length === 0)('slipway plan --json is right for', () => {
  it.each(projects)('$title', async project => {
    expectAnswer(await planned(await projectFolder(project.files), '--json'), project);
  });

  it('some of each table, as a process of its own', async () => {
    const program = resolve(import.meta.dirname, '../../../src-main/cli.ts');
    const run = promisify(execFile);
    expect(spawned.length).toBeGreaterThanOrEqual(6);
    for (const project of spawned) {
      if (project === undefined) continue;
      const folder = await projectFolder(project.files);
      const { stdout, stderr } = await run(process.execPath, [program, 'plan', folder, '--json']);
      expect(stderr).toBe('');
      expectAnswer(stdout, project);
    }
  });
});

it('tells in words all that a file asks of its steps, and a command of several lines on one', async () => {
  const folder = await projectFolder({
    'slipway.yml': `env: { A: a }
secrets: [TOKEN]
cache: { entries: [{ name: deps, paths: [deps], key: [lock.txt] }, { variable: CCACHE_DIR }], result: false }
health: { command: ./check }
steps:
  - name: Check
    run: |
      one
      two
    env: { B: b }
    timeout: 5m
    retry: { times: 2, exit: [7] }
    when: { branches: [main], paths: [docs/**] }
    idempotent: false
  - name: Plain
    run: three
`,
  });
  const output = await planned(folder);
  expect(output.split('\n')).toEqual(
    expect.arrayContaining([
      'Variables: A.',
      'Secrets: TOKEN.',
      'Caches: deps (deps, keyed by lock.txt); ccache-dir (CCACHE_DIR, keyed by every lock file).',
      'Results of earlier builds are not used.',
      'Health: ./check',
      'Step Check: only on main; only when docs/** changed; again 2 × at most (exit 7); ended after 300 s; never repeated without asking; with B=b.',
    ]),
  );
  expect(output).toContain('one ↵ two ');
  expect(output).not.toContain('Step Plain');
});
