import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Pointer, storeKeys } from '../../../src-main/contract/documents.ts';
import { createPairing, formatPairing } from '../../../src-main/releases/enrollment.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';
import { eventually } from '../../support/eventually.ts';
import { killMainProcess, startUserManager } from '../../support/user-manager.ts';

const run = promisify(execFile);
const agentProcess = resolve(import.meta.dirname, '../../crash/agent/agent-process.ts');
const cli = resolve(import.meta.dirname, '../../../src-main/cli.ts');

const home = await mkdtemp(join(tmpdir(), 'slipway-systemd-'));
const manager = await startUserManager(home);
afterAll(async () => {
  await manager?.stop();
  await rm(home, { recursive: true, force: true });
});

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

function started() {
  if (manager === null) throw new Error('there is no manager');
  const { uid, gid } = manager;
  const giveToUser = () => execFileSync('chown', ['-R', `${uid}:${gid}`, at.folder, home]);
  return { manager, giveToUser };
}

describe.skipIf(manager === null)('a real systemd', () => {
  it('restarts the unit of each release, and the one before where the unit does not stay up', async () => {
    const { manager, giveToUser } = started();
    const { agent, root } = await at.pairedAgent('web-1');
    await agent.stop();
    const said = join(home, 'said');
    const unit = `[Service]
EnvironmentFile=${root}/environment
WorkingDirectory=${root}
ExecStart=/bin/sh -c 'test "$$(cat current/app.txt)" != bad && echo "$$(cat current/app.txt) $$MODE" > ${said} && exec sleep 600'
`;
    await run('mkdir', ['-p', join(home, '.config/systemd/user')]);
    await writeFile(join(home, '.config/systemd/user/app.service'), unit);
    giveToUser();
    manager.systemctl('daemon-reload');
    const argument = JSON.stringify({
      ...{ storeFolder: at.storeFolder, repositoryId: at.repositoryId, channel: at.channel, root },
      ...{ rootPublicKey: at.root.publicKey, pairing: null, name: 'web-1', region: null },
      ...{ listenHost: '127.0.0.1', pollIntervalMs: 50, supervise: false },
    });
    const hook = { kind: 'unit', unit: 'app.service' } as const;
    const activation: Pointer['activation'] = { mode: 'restart', drainMs: 0, hook, shared: [] };
    const release = async (serial: number, content: string) => {
      const environmentDigest = await at.putEnvironment({ MODE: `mode ${serial}` });
      await at.publish(serial, { 'app.txt': content }, { environmentDigest, activation });
      giveToUser();
      const { env, uid, gid } = manager;
      const { stdout } = await run(process.execPath, [agentProcess, argument], { env, uid, gid });
      return JSON.parse(stdout.split('\n')[1] ?? '');
    };
    const unitSays = (words: string) =>
      eventually(async () => ((await readFile(said, 'utf8').catch(() => '')) === `${words}\n` ? true : null), {
        what: words,
      });
    expect(await release(1, 'one')).toMatchObject({ kind: 'activated' });
    await unitSays('one mode 1');
    expect(await release(2, 'two')).toMatchObject({ kind: 'activated' });
    await unitSays('two mode 2');
    await rm(said);
    const failed = await release(3, 'bad');
    expect(failed).toMatchObject({ kind: 'rolled_back', failedSerial: 3, serial: 2 });
    expect(failed.error.message).toContain('app.service is failed');
    await unitSays('two mode 2');
    expect(manager.systemctl('is-active', 'app.service')).toBe('active');
    manager.systemctl('stop', 'app.service');
  });

  it('takes up the agent that was installed as its service, and starts it again when it is killed', async () => {
    const { manager, giveToUser } = started();
    giveToUser();
    const { env, uid, gid } = manager;
    const pairing = createPairing();
    const which = ['--repository', at.repositoryId, '--channel', at.channel, '--user'];
    const slipway = (...args: string[]) =>
      run(process.execPath, [cli, 'agent', ...args, '--json'], { env, uid, gid, cwd: home });
    const root = join(at.folder, 'web 1');
    const { stdout } = await slipway(
      ...['install', ...which, '--store', at.storeFolder, '--root', root, '--key', at.root.publicKey],
      ...['--pair', formatPairing(pairing), '--name', '100% of "web-1"', '--no-swarm'],
    );
    const { name, path, started: isStarted } = JSON.parse(stdout);
    expect(isStarted).toBe(true);
    const asked = () =>
      eventually(() => at.store.read(storeKeys.enroll(at.repositoryId, pairing.machineId), 100_000), {
        what: 'its request to be enrolled',
        timeoutMs: 60_000,
      });
    expect(Buffer.from((await asked()).bytes).toString()).toContain('100% of \\"web-1\\"');
    expect(manager.systemctl('is-enabled', name)).toBe('enabled');
    const killed = await killMainProcess(manager, name);
    await at.store.delete(storeKeys.enroll(at.repositoryId, pairing.machineId));
    await asked();
    expect(manager.systemctl('show', '--property=MainPID', '--value', name)).not.toBe(String(killed));
    await slipway('uninstall', ...which);
    await expect(stat(path)).rejects.toThrow('ENOENT');
    expect(manager.systemctl('show', '--property=ActiveState', '--value', name)).toBe('inactive');
  });
});
