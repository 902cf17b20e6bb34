/** What the plan of a slipway.yml means on a real worker: its folder, its combinations, and what of it an activation finds. */
import { beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBuildStatement } from '../../../src-main/artifacts/build-record.ts';
import { decodeFileList } from '../../../src-main/artifacts/file-list.ts';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { planSchema } from '../../../src-main/contract/plan.ts';
import { listSteps } from '../../../src-main/database/attempts.ts';
import { findBuildOfJob } from '../../../src-main/database/builds.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { verifyBuild } from '../../../src-main/releases/build-document.ts';
import { startBuilds } from '../../support/builds.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { trustOf } from '../../support/signed-protocol.ts';

const onEnd = endsWithFile();
let builds: Awaited<ReturnType<typeof startBuilds>>;

beforeAll(async () => {
  builds = await startBuilds({ onEnd });
});

async function run(files: Readonly<Record<string, string>>): Promise<JobRecord> {
  const repository = await builds.createRepository();
  return builds.ended((await repository.push(files)).id);
}

async function stored(key: string): Promise<Uint8Array> {
  const found = await builds.store.read(key, 1_000_000);
  if (!found) throw new Error(`${key} is not in the store`);
  return found.bytes;
}

const yaml = `root: app
steps:
  - { name: make, run: 'mkdir -p out && touch "out/$KIND-$SIZE"', matrix: { KIND: [a, b], SIZE: [1.10, 2] } }
migrate:
  steps:
    - { id: up, run: ./up.sh }
artifact: [out]
`;

it('builds the folder that is the root, once for each combination, and signs the migrations with the build', async () => {
  const job = await run({ 'slipway.yml': yaml, 'app/README.md': '', 'other/README.md': '' });
  expect(job).toMatchObject({ status: 'succeeded', error: null });
  const steps = (await listSteps(builds.db, job.id, 1)).filter(step => step.phase === 'build');
  expect(steps.map(({ name }) => name)).toEqual(['make (a, 1.10)', 'make (a, 2)', 'make (b, 1.10)', 'make (b, 2)']);
  const build = await findBuildOfJob(builds.db, job.id);
  const list = decodeFileList(await stored(storeKeys.fileList(build?.artifactId ?? '')), build?.artifactId ?? '');
  const paths = list.filter(({ kind }) => kind === 'file').map(({ path }) => path);
  expect(paths).toEqual(['out/a-1.10', 'out/a-2', 'out/b-1.10', 'out/b-2']);
  const { keyring } = builds;
  const record = await stored(storeKeys.build(job.repositoryId, build?.id ?? ''));
  const statement = verifyBuild(record, trustOf(keyring.root, [keyring.release]), z.unknown());
  const plan = planSchema.parse(parseBuildStatement(statement).plan);
  expect(plan).toMatchObject({ root: 'app', migrations: [{ id: 'up', phase: 'migrate', idempotent: false }] });
});

it('packs nothing from behind a link that a step put in place of its folder', async () => {
  const job = await run({
    'slipway.yml': 'root: app\nsteps:\n  - { run: "cd .. && rm -r app && ln -s /etc app" }\nartifact: [hostname]\n',
    'app/README.md': '',
  });
  expect(job.status).toBe('failed');
  expect(JSON.parse(job.error ?? 'null')).toMatchObject({ code: 'plan.nothing_detected' });
  expect(await findBuildOfJob(builds.db, job.id)).toBeNull();
});
