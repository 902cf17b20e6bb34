import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { alertSchema, alertSwitchesSchema, usualAlerts } from '../../../src-main/contract/alerts.ts';
import { engineEventSchema } from '../../../src-main/contract/events.ts';
import { eventually } from '../../support/eventually.ts';
import { git } from '../../support/git-server.ts';
import { startHeadlessEngine } from '../../support/headless-engine.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { commandsOn } from '../../support/source-cli.ts';

it('chooses which events of a repository notify; what is chosen is raised, and nothing else', async () => {
  const root = await scratchFolder();
  const data = `${root}/data`;
  const engine = await startHeadlessEngine(data, { from: 'source', workers: 0 });
  onTestFinished(async () => {
    engine.signal('SIGTERM');
    await engine.ended;
  });
  const { slipway, json } = commandsOn(data);
  await git(root, 'init', '--quiet', '--initial-branch=main', 'app');
  await git(`${root}/app`, 'commit', '--quiet', '--allow-empty', '-m', 'One');
  await slipway(['repo', 'add', `${root}/app`]);

  const set = async (...notify: string[]) =>
    (await json(z.object({ alerts: alertSwitchesSchema }), ['repo', 'set', 'app', ...notify])).alerts;
  const none = { failed: false, recovered: false, deployed: false, attention: false };
  expect(await set()).toEqual(usualAlerts);
  expect(await set('--notify', '-')).toEqual(none);
  expect(await set('--notify', 'recovered, attention')).toEqual({ ...none, recovered: true, attention: true });
  expect(await slipway(['repo', 'set', 'app'])).toMatch(/notifies of +recovered, attention/);
  await expect(slipway(['repo', 'set', 'app', '--notify', 'failed,sunk'])).rejects.toThrow(
    'Give some of failed, recovered, deployed, attention, or "-" for none.',
  );

  // It vanishes untold, and its return is told.
  const events = () => json(z.array(engineEventSchema), ['events', '--limit', '500']);
  const happened = (type: string) => eventually(async () => (await events()).find(event => event.type === type));
  await git(`${root}/app`, 'branch', '--move', 'main', 'gone');
  await slipway(['repo', 'poll', 'app']).catch(() => undefined);
  await happened('poll.failed');
  await git(`${root}/app`, 'branch', '--move', 'gone', 'main');
  await slipway(['repo', 'poll', 'app']);
  await happened('alert.raised');
  const raised = (await events()).filter(({ type }) => type === 'alert.raised');
  expect(raised.map(event => alertSchema.parse(event.data).title)).toEqual(['app: its source can be read again']);
});
