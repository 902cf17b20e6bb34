/** `slipway init`: what it writes, and what it leaves as it is. */
import { readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { init } from '../../../src-main/cli/init-command.ts';
import { planFor } from '../../../src-main/toolchains/plan.ts';
import { projectFolder } from '../../support/project-folder.ts';

const page = { 'index.html': '<!doctype html>' };
const failing = (code: string) => expect.objectContaining({ code });

it('writes the detected plan with its schema, and then refuses to write over it', async () => {
  const root = await projectFolder(page);
  expect(await init(root, {})).toMatchObject({ file: join(root, 'slipway.yml'), steps: 0, notCarried: [] });
  expect(await planFor(root)).toMatchObject({ origin: 'pipeline', artifact: { exclude: ['.git', '.github'] } });
  expect((await readdir(root)).sort()).toEqual(['.slipway', 'index.html', 'slipway.yml']);
  expect(JSON.parse(await readFile(join(root, '.slipway/slipway.schema.json'), 'utf8'))).toHaveProperty('$schema');
  await expect(init(root, {})).rejects.toEqual(failing('conflict'));
  expect(await init(root, { force: true })).toMatchObject({ steps: 0 });
});

it('keeps the name of the file that it may write over', async () => {
  const root = await projectFolder({ ...page, 'slipway.yaml': 'steps: nonsense' });
  await expect(init(root, {})).rejects.toEqual(failing('conflict'));
  expect(await readFile(join(root, 'slipway.yaml'), 'utf8')).toBe('steps: nonsense');
  await init(root, { force: true });
  expect((await readdir(root)).sort()).toEqual(['.slipway', 'index.html', 'slipway.yaml']);
  const both = await projectFolder({ ...page, 'slipway.yaml': '', 'slipway.yml': '' });
  await expect(init(both, { force: true })).rejects.toEqual(failing('conflict'));
});

it('writes through no link, and nothing where there is nothing to write', async () => {
  const outside = await projectFolder({ 'victim.yml': 'mine' });
  const root = await projectFolder(page);
  await symlink(outside, join(root, '.slipway'));
  await expect(init(root, {})).rejects.toEqual(failing('conflict'));
  await symlink(join(outside, 'victim.yml'), join(root, 'slipway.yml'));
  await expect(init(root, {})).rejects.toEqual(failing('conflict'));
  expect(await readdir(outside)).toEqual(['victim.yml']);
  expect(await readFile(join(outside, 'victim.yml'), 'utf8')).toBe('mine');
  const empty = await projectFolder({});
  await expect(init(empty, {})).rejects.toEqual(failing('plan.nothing_detected'));
  await expect(init(join(empty, 'nowhere'), {})).rejects.toEqual(failing('not_found'));
  expect(await readdir(empty)).toEqual([]);
});

it('takes the one workflow that is there, or the one that is named', async () => {
  const root = await projectFolder({ '.github/workflows/ci.yml': 'jobs: { a: { steps: [{ run: make }] } }' });
  expect(await init(root, { fromGithub: true })).toMatchObject({ from: '.github/workflows/ci.yml', steps: 1 });
  const two = await projectFolder({ '.github/workflows/a.yml': 'jobs: {}', '.github/workflows/b.yml': 'jobs: 1' });
  await expect(init(two, { fromGithub: true })).rejects.toEqual(failing('input.invalid'));
  await expect(init(two, { fromGithub: 'b.yml' })).rejects.toEqual(failing('pipeline.invalid'));
  await expect(init(two, { fromGithub: '../../etc/passwd' })).rejects.toEqual(failing('not_found'));
  await expect(init(two, { fromGithub: '/etc/passwd' })).rejects.toEqual(failing('not_found'));
  expect((await readdir(two)).sort()).toEqual(['.github']);
});
