import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Activation } from '../../../src-main/contract/activation.ts';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { healthCheckSchema } from '../../../src-main/contract/plan.ts';
import { maxEvidenceBytes, verifyEvidence } from '../../../src-main/releases/evidence-document.ts';
import { verifyReport } from '../../../src-main/releases/machine-report.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

const activation = (changes: Partial<Activation> = {}): Activation => ({
  mode: 'restart',
  drainMs: 0,
  hook: null,
  shared: [],
  ...changes,
});

/** Answers with its version, and ends with its port in `ended-<version>` when it is told to. */
const server = (version: string) => `
  const http = require('node:http');
  const fs = require('node:fs');
  process.on('SIGTERM', () => { fs.writeFileSync(process.argv[2] + '/ended-${version}', ''); process.exit(0); });
  http.createServer((_, response) => response.end('${version} ' + process.pid)).listen(process.env.PORT, '127.0.0.1');`;
const start = () => `exec ${process.execPath} server.cjs ${at.folder}`;
const byPort = healthCheckSchema.parse({ http: 'http://127.0.0.1:$PORT/', attempts: 100, intervalMs: 50 });

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port }, response => {
      let text = '';
      response.on('data', chunk => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

const portIn = async (root: string): Promise<number> =>
  JSON.parse(await readFile(join(root, 'state.json'), 'utf8')).port;

describe('overlap', () => {
  const overlap = (changes: Partial<Activation> = {}) => ({
    activation: activation({ mode: 'overlap', ...changes }),
    start: start(),
    health: byPort,
  });

  it('starts the new beside the old, on a port of its own, and ends the old after the switch', async () => {
    const { agent, root } = await at.pairedAgent('web-1', { supervise: true });
    await at.publish(1, { 'server.cjs': server('one') }, overlap());
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 1 });
    const first = await portIn(root);
    // The proxy's reload sees both: the new one answers, and the old one still does.
    const seen = join(at.folder, 'seen');
    const program = `for (const port of [process.env.PORT, ${first}]) fetch('http://127.0.0.1:' + port).then(answer => answer.text()).then(text => require('node:fs').appendFileSync('${seen}', text.split(' ')[0] + '\\n'))`;
    const hook = { kind: 'command', command: `${process.execPath} -e "${program}"` } as const;
    await at.publish(2, { 'server.cjs': server('two') }, overlap({ hook }));
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
    const second = await portIn(root);
    expect(second).not.toBe(first);
    expect((await readFile(seen, 'utf8')).split('\n').sort()).toEqual(['', 'one', 'two']);
    expect(await ask(second)).toMatch(/^two/);
    await expect(ask(first)).rejects.toThrow('ECONNREFUSED');
    expect(existsSync(join(at.folder, 'ended-one'))).toBe(true);
  });

  it('leaves the old one alone where the new is not well', async () => {
    const { agent, root } = await at.pairedAgent('web-1', { supervise: true });
    await at.publish(1, { 'server.cjs': server('one') }, overlap());
    await agent.runOnce();
    const port = await portIn(root);
    const before = await ask(port);
    await at.publish(2, { 'server.cjs': 'process.exit(3)' }, overlap());
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', failedSerial: 2, serial: 1 });
    // The very same process: it was never restarted.
    expect(await ask(port)).toBe(before);
    expect(await portIn(root)).toBe(port);
    expect(await at.currentFile(root, 'server.cjs')).toContain("'one ");
  });

  it('goes back, and tells the proxy so, where the switch itself fails', async () => {
    const { agent, root } = await at.pairedAgent('web-1', { supervise: true });
    const told = join(at.folder, 'told');
    const hook = (more: string) => ({ kind: 'command', command: `echo $PORT >> ${told}; ${more}` }) as const;
    await at.publish(1, { 'server.cjs': server('one') }, overlap({ hook: hook('true') }));
    await agent.runOnce();
    const port = await portIn(root);
    await at.publish(2, { 'server.cjs': server('two') }, overlap({ hook: hook('exit 4') }));
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.start_failed' } });
    const ports = (await readFile(told, 'utf8')).trim().split('\n').map(Number);
    expect([ports.length, ports[0], ports.at(-1)]).toEqual([3, port, port]);
    expect(await ask(port)).toMatch(/^one/);
  });

  it('needs the agent to start it, and says so', async () => {
    const { agent } = await at.pairedAgent('web-1', { supervise: false });
    await at.publish(1, { 'server.cjs': server('one') }, overlap());
    const outcome = await agent.runOnce();
    expect(outcome).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.start_failed' } });
    expect(JSON.stringify(outcome)).toContain('--supervise');
  });

  it('comes back on the port that it had when the agent is started again', async () => {
    const { agent, root } = await at.pairedAgent('web-1', { supervise: true });
    await at.publish(1, { 'server.cjs': server('one') }, overlap());
    await agent.runOnce();
    const port = await portIn(root);
    await agent.stop();
    await at.newAgent('web-1', { supervise: true }).runOnce();
    expect(await portIn(root)).toBe(port);
  });
});

describe('a switch', () => {
  it('by a command runs in the new release with its environment; one that fails goes back and runs the old one’s', async () => {
    const { agent, root } = await at.pairedAgent('web-1', { supervise: false });
    const ran = join(at.folder, 'ran');
    const hook = (exit: number) =>
      ({ kind: 'command', command: `echo "$(cat app.txt) $SLIPWAY_SERIAL" >> ${ran}; exit ${exit}` }) as const;
    await at.publish(1, { 'app.txt': 'one' }, { activation: activation({ hook: hook(0) }) });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    await at.publish(2, { 'app.txt': 'two' }, { activation: activation({ hook: hook(5) }) });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.start_failed' } });
    expect(await readFile(ran, 'utf8')).toBe('one 1\ntwo 2\none 1\n');
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('by a signal reaches the process of the pid file, and nothing else', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const daemon = spawn(process.execPath, [
      '-e',
      "process.on('SIGUSR2', () => process.exit(42)); setInterval(() => {}, 1e6); console.log('ready')",
    ]);
    await once(daemon.stdout, 'data');
    await mkdir(join(root, 'shared'), { recursive: true });
    await writeFile(join(root, 'shared', 'app.pid'), `${daemon.pid}\n`);
    const hook = { kind: 'signal', signal: 'USR2', pidFile: 'shared/app.pid' } as const;
    await at.publish(1, { 'app.txt': 'one' }, { activation: activation({ hook }) });
    const ended = once(daemon, 'exit');
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    expect(await ended).toEqual([42, null]);
    for (const [serial, content] of [
      [2, '1'],
      [3, '-1'],
      [4, `${process.pid}`],
      [5, 'x'],
    ] as const) {
      await writeFile(join(root, 'shared', 'app.pid'), content);
      await at.publish(serial, { 'app.txt': `${serial}` }, { activation: activation({ hook }) });
      expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.start_failed' } });
    }
  });

  it('by a unit that cannot be restarted goes back, once', async () => {
    const { agent } = await at.pairedAgent('web-1');
    const hook = { kind: 'unit', unit: 'slipway-test-that-is-not-there.service' } as const;
    await at.publish(1, { 'app.txt': 'one' }, { activation: activation({ hook }) });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.start_failed' } });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: null });
  });
});

describe('health', () => {
  it('must be good several times in a row, and may be bad within the start period', async () => {
    const { agent } = await at.pairedAgent('web-1');
    const count = join(at.folder, 'count');
    // Bad, good, bad, bad, good, good, good: three in a row are the last.
    const command = `echo x >> ${count}; case $(wc -l < ${count} | tr -d ' ') in 1|3|4) exit 1;; esac`;
    const health = healthCheckSchema.parse({ command, attempts: 1, passes: 3, startPeriodMs: 600_000, intervalMs: 1 });
    await at.publish(1, { 'app.txt': 'one' }, { health });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    expect((await readFile(count, 'utf8')).length).toBe(7 * 2);
  });

  it('over TCP is a connection that is taken', async () => {
    const { agent } = await at.pairedAgent('web-1');
    const listener = createServer(socket => socket.end());
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve));
    const address = listener.address();
    const port = typeof address === 'object' ? address?.port : null;
    const health = healthCheckSchema.parse({ tcp: `127.0.0.1:${port}`, attempts: 1 });
    await at.publish(1, { 'app.txt': 'one' }, { health });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    await new Promise(resolve => listener.close(resolve));
    await at.publish(2, { 'app.txt': 'two' }, { health });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.health_failed' } });
  });
});

describe('shared paths', () => {
  const shared = (...paths: string[]) => ({ activation: activation({ shared: paths }) });

  it('live on from release to release, beginning with what the first one brings', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one', 'uploads/a.txt': 'a' }, shared('uploads', 'var/data.db'));
    await agent.runOnce();
    expect(await at.currentFile(root, 'uploads/a.txt')).toBe('a');
    await writeFile(join(root, 'current', 'uploads', 'b.txt'), 'b');
    await writeFile(join(root, 'current', 'var', 'data.db'), 'rows');
    await at.publish(2, { 'app.txt': 'two', 'uploads/a.txt': 'newer' }, shared('uploads', 'var/data.db'));
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    expect(await at.currentFile(root, 'uploads/a.txt')).toBe('a');
    expect(await at.currentFile(root, 'uploads/b.txt')).toBe('b');
    expect(await at.currentFile(root, 'var/data.db')).toBe('rows');
    expect((await lstat(join(root, 'current', 'uploads'))).isSymbolicLink()).toBe(true);
    expect((await readdir(join(root, 'shared'))).sort()).toEqual(['uploads', 'var']);
  });

  it('are in the way of no rollback: what a program left beside its files costs no byte', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const first = await at.publish(1, { 'app.txt': 'one', 'uploads/a.txt': 'a' }, shared('uploads'));
    await agent.runOnce();
    await writeFile(join(root, 'current', 'cache.pyc'), 'x');
    await at.publish(2, { 'app.txt': 'two' }, shared('uploads'));
    await agent.runOnce();
    await at.putPointer({ ...first.pointer, serial: 3 });
    const back = await agent.runOnce();
    expect(back).toMatchObject({ kind: 'activated', serial: 3, bytes: { peers: 0, region: 0 } });
    expect(await at.currentFile(root, 'uploads/a.txt')).toBe('a');
    expect(existsSync(join(root, 'current', 'cache.pyc'))).toBe(false);
  });

  it('never lead out of the root through a link of the release', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const outside = join(at.folder, 'outside');
    await mkdir(outside);
    await mkdir(join(at.folder, 'tree-1'), { recursive: true });
    await symlink('lib', join(at.folder, 'tree-1', 'way'));
    await at.publish(1, { 'app.txt': 'one', 'lib/a.txt': 'a' }, shared('way/data'));
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'artifact.unsafe_path' } });
    expect(existsSync(join(root, 'current'))).toBe(false);
    expect(await readdir(outside)).toEqual([]);
  });
});

describe('evidence of a release that did not come up', () => {
  it('is kept and sent: health, output, error and names, and never a value', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1', { supervise: true });
    await at.publish(1, { 'app.txt': 'one' });
    await agent.runOnce();
    const environmentDigest = await at.putEnvironment({ API_TOKEN: 'tok-123456', DEBUG: '1' });
    const health = healthCheckSchema.parse({ command: 'echo $API_TOKEN >&2; exit 3', attempts: 2, intervalMs: 1 });
    const start = 'echo "using tok-123456 now"; exec sleep 600';
    await at.publish(2, { 'app.txt': 'two' }, { environmentDigest, start, health });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', failedSerial: 2 });
    const key = storeKeys.evidence(at.repositoryId, machine.machineId, 2);
    const found = await at.store.read(key, maxEvidenceBytes);
    const about = { repositoryId: at.repositoryId, machineId: machine.machineId };
    const bundle = verifyEvidence(found?.bytes ?? Buffer.alloc(0), at.trust(), about);
    expect(bundle).toMatchObject({
      serial: 2,
      backAtSerial: 1,
      error: { code: 'agent.health_failed' },
      environmentNames: ['API_TOKEN', 'DEBUG'],
    });
    expect(bundle.health.map(answer => answer.problem)).toEqual(
      Array(2).fill('the health command ended with exit code 3'),
    );
    expect(bundle.lastOutput).toBe('using *** now\n');
    expect(JSON.stringify(bundle)).not.toContain('tok-123456');
    const [file = ''] = await readdir(join(root, 'evidence'));
    expect(JSON.parse(await readFile(join(root, 'evidence', file), 'utf8'))).toEqual(bundle);
    expect((await stat(join(root, 'evidence', file))).mode & 0o777).toBe(0o600);
    const report = await at.store.read(storeKeys.report(at.repositoryId, machine.machineId), 100_000);
    expect(verifyReport(report?.bytes ?? Buffer.alloc(0), at.trust(), about)).toMatchObject({ evidenceSerial: 2 });
    // Of the last ten alone.
    for (let serial = 3; serial <= 12; serial += 1) {
      await at.publish(serial, { 'app.txt': 'two' }, { health: { ...health, command: 'false', attempts: 1 } });
      await agent.runOnce();
    }
    expect((await readdir(join(root, 'evidence'))).length).toBe(10);
    expect(await at.store.head(key)).toBeNull();
    // Nobody else's word counts.
    const another = await at.pairedAgent('web-2');
    const asOther = { ...about, machineId: another.machine.machineId };
    expect(() => verifyEvidence(found?.bytes ?? Buffer.alloc(0), at.trust(), asOther)).toThrow();
  });
});

it('the environment of what runs is where a unit can read it', async () => {
  const { agent, root } = await at.pairedAgent('web-1');
  const environmentDigest = await at.putEnvironment({ GREETING: 'hello' });
  await at.publish(1, { 'app.txt': 'one' }, { environmentDigest });
  await agent.runOnce();
  expect(await readFile(join(root, 'environment'), 'utf8')).toBe('GREETING="hello"\n');
  await at.publish(2, { 'app.txt': 'two' });
  await agent.runOnce();
  await expect(readlink(join(root, 'environment'))).rejects.toThrow('ENOENT');
});

describe('a rollout', () => {
  it('is obeyed: who is not named waits with what it runs, and goes when the pointer is widened', async () => {
    const [one, two] = [await at.pairedAgent('web-1'), await at.pairedAgent('web-2')];
    await at.publish(1, { 'app.txt': 'one' });
    await one.agent.runOnce();
    await two.agent.runOnce();
    const rollout = { machines: [one.machine.machineId] };
    const { pointer } = await at.publish(2, { 'app.txt': 'two' }, { rollout });
    expect(await one.agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
    expect(await two.agent.runOnce()).toEqual({ kind: 'waiting', for: 'rollout' });
    expect(await at.currentFile(two.root, 'app.txt')).toBe('one');
    const both = { machines: [one.machine.machineId, two.machine.machineId] };
    await at.putPointer({ ...pointer, rollout: both, issuedAtMs: pointer.issuedAtMs + 1 });
    expect(await two.agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
  });
});
