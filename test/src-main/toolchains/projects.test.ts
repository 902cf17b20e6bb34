/** The right plan for projects in the shape of real ones: language by language, framework by framework, system by system. */
import { describe, expect, it } from 'vitest';
import { planSchema } from '../../../src-main/contract/plan.ts';
import { detectPlan } from '../../../src-main/toolchains/detect.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { openProjectTree } from '../../../src-main/toolchains/project-tree.ts';
import { resolveTools } from '../../../src-main/toolchains/resolve-tools.ts';
import { projectFolder } from '../../support/project-folder.ts';
import { assemblyProjects } from './projects/assembly-projects.ts';
import { compiledProjects } from './projects/compiled-projects.ts';
import { nodeProjects } from './projects/node-projects.ts';
import type { Project } from './projects/project.ts';
import { scriptedProjects } from './projects/scripted-projects.ts';

async function expectPlan(project: Project): Promise<void> {
  const { files, platform = 'linux', arch = 'x64' } = project;
  const root = await projectFolder(files);
  const plan = planSchema.parse(await detectPlan(await openProjectTree(root, platform, arch)));
  expect({
    tool: plan.tool,
    run: plan.steps.map(step => step.run),
    include: plan.artifact.include,
    start: plan.start,
    migrations: plan.migrations.map(step => step.run),
    roots: plan.roots.map(({ path, tool }) => `${path} ${tool}`),
  }).toEqual({
    tool: project.tool,
    run: project.run,
    include: project.include ?? ['.'],
    start: project.start ?? null,
    migrations: project.migrations ?? [],
    roots: project.roots ?? [],
  });
  const programs = plan.requirements.map(({ program }) => program);
  if (project.programs !== undefined) expect(programs).toEqual(project.programs);
  const versions = Object.fromEntries(plan.requirements.map(({ program, version }) => [program, version]));
  expect(versions).toMatchObject(project.versions ?? {});
  const steps = [...plan.steps, ...plan.migrations];
  const evidence = [
    ...plan.evidence,
    ...plan.requirements.map(tool => tool.evidence),
    ...plan.roots.map(found => found.evidence),
  ];
  for (const { file, line, reason } of [...evidence, ...steps.flatMap(step => step.evidence)]) {
    if (line !== null) expect(Object.keys(files)).toContain(file);
    expect(reason).not.toBe('');
  }
  for (const step of steps) expect(step.evidence).not.toEqual([]);
  expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length);
}

describe('the plan is right for', () => {
  it.each(assemblyProjects)('$title', expectPlan);
  it.each(compiledProjects)('$title', expectPlan);
  it.each(scriptedProjects)('$title', expectPlan);
  it.each(nodeProjects)('$title', expectPlan);
});

it('the tables hold at least 120 projects', () => {
  const all = [...assemblyProjects, ...compiledProjects, ...scriptedProjects, ...nodeProjects];
  expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  expect(all.length).toBeGreaterThanOrEqual(120);
});

describe('migrations', () => {
  it('are of a phase of their own, are no steps, and are not idempotent; a check is', async () => {
    const root = await projectFolder({
      'manage.py': 'DJANGO_SETTINGS_MODULE\n',
      'requirements.txt': 'django\n',
      'slipway-notes.md': '',
    });
    const plan = await planFor(root);
    expect(plan.steps.map(({ phase }) => phase)).not.toContain('migrate');
    expect(plan.migrations).toMatchObject([
      { id: 'django-check', phase: 'migrate', idempotent: true },
      { id: 'django-migrate', phase: 'migrate', idempotent: false, evidence: [{ file: 'manage.py', line: 1 }] },
    ]);
  });

  it('never put a path of the repository into a command that a shell would read as more', async () => {
    const root = await projectFolder({ 'index.html': '', 'a; rm -rf $HOME/000001_x.up.sql': '' });
    expect((await planFor(root)).migrations).toEqual([]);
  });
});

describe('several roots', () => {
  it('are named where the root itself says nothing', async () => {
    const root = await projectFolder({
      'backend/go.mod': 'module m\n',
      'frontend/package.json': '{}',
      'README.md': '',
    });
    await expect(planFor(root)).rejects.toMatchObject({
      code: 'plan.nothing_detected',
      message: expect.stringContaining('backend (go), frontend (node)'),
      details: { roots: [{ path: 'backend' }, { path: 'frontend' }] },
    });
  });
});

describe('assembly that cannot be linked here', () => {
  it('is refused with its dialect and target', async () => {
    const root = await projectFolder({ 'a.s': '.globl _start\n.text\n_start:\n  movq $60, %rax\n  syscall\n' });
    await expect(detectPlan(await openProjectTree(root, 'darwin', 'arm64'))).rejects.toMatchObject({
      code: 'plan.nothing_detected',
      message: expect.stringContaining('GNU assembler for x86, 64 bit'),
    });
  });

  it('names an assembler that reads MASM where none is installed', async () => {
    const root = await projectFolder({ 'a.asm': '.code\npublic main\nmain proc\n  ret\nmain endp\nend\n' });
    const plan = await detectPlan(await openProjectTree(root, 'linux', 'x64'));
    await expect(
      resolveTools(plan?.requirements ?? [], '', 'linux', { folders: [], versions: [] }),
    ).rejects.toMatchObject({
      code: 'toolchain.missing',
      details: {
        missing: [
          { name: 'uasm', install: expect.stringContaining('https://www.terraspace.co.uk/uasm.html') },
          { name: 'cc' },
        ],
      },
    });
  });

  it('is no assembly where nothing tells a dialect', async () => {
    const root = await projectFolder({ 'notes.asm': 'call me later\n', 'index.html': '' });
    expect((await planFor(root)).tool).toBe('static');
  });
});
