import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { deliverySchema, webhookSchema } from '../../../src-main/contract/webhooks.ts';
import { pipeline } from '../../support/builds.ts';
import { eventually } from '../../support/eventually.ts';
import { git } from '../../support/git-server.ts';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { commandsOn } from '../../support/source-cli.ts';
import { isSignedBy, startWebhookReceiver } from '../../support/webhook-receiver.ts';

it('tells a receiver of a job by the public commands, and sends it again when asked', async () => {
  const root = await scratchFolder();
  const data = `${root}/data`;
  const engine = await startHeadlessEngine(data, { from: 'source', workers: 1 });
  onTestFinished(async () => {
    engine.signal('SIGTERM');
    await engine.ended;
  });
  const receiver = await startWebhookReceiver();
  const { slipway, json } = commandsOn(data);

  const address = `${receiver.origin}/h1dden\n`;
  const added = await json(
    webhookSchema.extend({ secret: z.string() }),
    ['webhook', 'add', '--event', 'job.finished', '--event', 'build.stored'],
    address,
  );
  const source = join(root, 'source');
  await mkdir(source);
  await writeFile(join(source, 'slipway.yml'), `isolation: none\n${pipeline('true')}artifact: [app.txt]\n`);
  await writeFile(join(source, 'app.txt'), 'ahoy');
  await git(source, 'init', '--quiet', '--initial-branch=main');
  await git(source, 'add', '--all');
  await git(source, 'commit', '--quiet', '-m', 'One');
  await slipway(['repo', 'add', source, '--name', 'app']);

  await eventually(() => receiver.received.length === 2);
  const told = receiver.received.map(one => ({
    path: one.path,
    signed: isSignedBy(added.secret, one),
    ...JSON.parse(one.body),
  }));
  expect(told).toMatchObject([
    { path: '/h1dden', signed: true, type: 'build.stored', data: { repository: { name: 'app' } } },
    { signed: true, type: 'job.finished', data: { job: { number: 1, status: 'succeeded', subject: 'One' } } },
  ]);
  const deliveries = () => json(z.array(deliverySchema), ['webhook', 'deliveries', added.id]);
  const [newest] = await eventually(async () => {
    const all = await deliveries();
    return all.every(one => one.status === 'delivered') ? all : null;
  });
  await slipway(['webhook', 'redeliver', newest?.id ?? '']);
  await eventually(() => receiver.received.length === 3);
  expect(receiver.received[2]).toMatchObject({ id: newest?.id, body: receiver.received[1]?.body });
  expect(await slipway(['webhook', 'list'])).not.toContain('h1dden');
  await slipway(['webhook', 'remove', added.id]);
  expect(await json(z.array(webhookSchema), ['webhook', 'list'])).toEqual([]);
  await expect(slipway(['webhook', 'add', '--event', 'job.flew'], address)).rejects.toThrow('There is no such event');
});
