import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { storeKeys } from '../../../src-main/contract/documents.ts';
import { healthCheckSchema } from '../../../src-main/contract/plan.ts';
import { verifyReport } from '../../../src-main/releases/machine-report.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';

let at: Installation;
beforeEach(async () => {
  at = await createInstallation();
});
afterEach(() => at.dispose());

const healthy = (command: string) => healthCheckSchema.parse({ command, attempts: 3, intervalMs: 10 });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setImmediate(resolve));
}

/** A zombie is dead: only its parent, which may be a slow init, has not looked yet. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

const readState = async (root: string) =>
  z.looseObject({}).parse(JSON.parse(await readFile(join(root, 'state.json'), 'utf8')));
const writeState = (root: string, state: unknown) => writeFile(join(root, 'state.json'), JSON.stringify(state));

/** An agent in a process of its own, which prints `started` and then the phase of each report. */
function spawnAgent(root: string) {
  const module = (path: string) => JSON.stringify(new URL(`../../../src-main/${path}`, import.meta.url).href);
  const options = {
    repositoryId: at.repositoryId,
    channel: at.channel,
    root,
    rootPublicKey: at.root.publicKey,
    pairing: null,
    name: 'web-1',
    region: null,
    swarm: null,
    listenHost: '127.0.0.1',
    pollIntervalMs: 5,
  };
  const program = `
    import { createAgent } from ${module('agent/agent.ts')};
    import { createFilesystemStore } from ${module('stores/filesystem-store.ts')};
    import { silentLogger } from ${module('telemetry/logger.ts')};
    const stores = [createFilesystemStore(${JSON.stringify(at.storeFolder)})];
    const agent = createAgent({ ...${JSON.stringify(options)}, stores, logger: silentLogger, now: () => 1500 });
    agent.onReport(report => console.log(report.phase + ' ' + report.targetSerial));
    await agent.start();
    console.log('started');`;
  // A file, since threads of a program on the command line cannot begin: they would take its --input-type.
  const file = join(at.folder, 'agent.mjs');
  writeFileSync(file, program);
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

describe('health', () => {
  it('decides: a release that is not well is left, once, and the next serial is taken', async () => {
    const { agent, machine, root } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' }, { health: healthy('test "$(cat app.txt)" = one') });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 1 });
    await at.publish(2, { 'app.txt': 'two' }, { health: healthy('exit 3') });
    const failed = await agent.runOnce();
    expect(failed).toMatchObject({
      kind: 'rolled_back',
      failedSerial: 2,
      serial: 1,
      error: { code: 'agent.health_failed' },
    });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
    const found = await at.store.read(storeKeys.report(at.repositoryId, machine.machineId), 100_000);
    const report = verifyReport(found?.bytes ?? Buffer.alloc(0), at.trust(), { repositoryId: at.repositoryId });
    expect(report).toMatchObject({ phase: 'rolled_back', serial: 1, targetSerial: 2 });
    expect(report.message).toContain('exit code 3');
    expect(await agent.runOnce()).toEqual({ kind: 'rolled_back', failedSerial: 2, serial: 1, error: null });
    await at.publish(3, { 'app.txt': 'three' });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 3 });
  });

  it('is not lost because old files cannot be removed', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const packs = join(root, 'packs');
    await at.publish(1, { 'app.txt': 'one' }, { health: healthy(`rm -rf ${packs} && touch ${packs}`) });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 1 });
    expect(await agent.runOnce()).toMatchObject({ kind: 'unchanged', serial: 1 });
  });

  it('leaves nothing at `current` when the first release is not well', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' }, { health: healthy('false') });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', failedSerial: 1, serial: null });
    expect(existsSync(join(root, 'current'))).toBe(false);
  });

  it('is asked over HTTP of the process that was started, with its environment', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    const environmentDigest = await at.putEnvironment({ GREETING: 'hello "you"\nthere' });
    const server = `
      const http = require('node:http');
      const fs = require('node:fs');
      const server = http.createServer((_, response) => response.end('ok'));
      server.listen(0, '127.0.0.1', () => {
        fs.writeFileSync(process.argv[2], JSON.stringify({ pid: process.pid, port: server.address().port, greeting: process.env.GREETING, serial: process.env.SLIPWAY_SERIAL, leak: process.env.LEAK ?? null }));
      });`;
    const facts = join(at.folder, 'facts.json');
    process.env.LEAK = 'credential';
    const start = `exec ${process.execPath} server.cjs ${facts}`;
    const probe = `port=$(sed 's/.*"port":\\([0-9]*\\).*/\\1/' ${facts}) && ${process.execPath} -e "fetch('http://127.0.0.1:'+process.argv[1]).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))" "$port"`;
    const health = healthCheckSchema.parse({ command: probe, attempts: 50, intervalMs: 50 });
    await at.publish(1, { 'server.cjs': server }, { start, health, environmentDigest });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    delete process.env.LEAK;
    const seen = z
      .object({ pid: z.number(), greeting: z.string(), serial: z.string(), leak: z.null() })
      .parse(JSON.parse(await readFile(facts, 'utf8')));
    expect(seen).toMatchObject({ greeting: 'hello "you"\nthere', serial: '1', leak: null });
    expect((await stat(join(root, 'env', `${environmentDigest}.env`))).mode & 0o777).toBe(0o600);
    expect(isAlive(seen.pid)).toBe(true);
    await agent.stop();
    expect(isAlive(seen.pid)).toBe(false);
  });
});

describe('a supervised release', () => {
  const pidFile = (name: string) => join(at.folder, `${name}.pid`);
  const sleeper = (name: string) =>
    `echo $$ > ${pidFile(name)}.new && mv ${pidFile(name)}.new ${pidFile(name)} && sleep 300 & wait`;
  const started = (name: string) =>
    healthCheckSchema.parse({ command: `test -f ${pidFile(name)}`, attempts: 100, intervalMs: 50 });
  const pidOf = async (name: string) => Number(await readFile(pidFile(name), 'utf8'));

  it('is replaced by the next one, and is back when that one dies at once', async () => {
    const { agent } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' }, { start: sleeper('one'), health: started('one') });
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated' });
    const first = await pidOf('one');
    expect(isAlive(first)).toBe(true);
    await rm(pidFile('one'));
    await at.publish(2, { 'app.txt': 'two' }, { start: 'exit 7' });
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', error: { code: 'agent.start_failed' } });
    expect(isAlive(first)).toBe(false);
    await until(() => existsSync(pidFile('one')));
    const again = await pidOf('one');
    expect(isAlive(again)).toBe(true);
    await agent.stop();
    expect(isAlive(again)).toBe(false);
  });

  it('is started again when it ends by itself', async () => {
    const { agent } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' }, { start: sleeper('one'), health: started('one') });
    await agent.runOnce();
    const first = await pidOf('one');
    const healths: string[] = [];
    agent.onReport(report => healths.push(report.health));
    await rm(pidFile('one'));
    process.kill(-first, 'SIGKILL');
    await until(() => existsSync(pidFile('one')) && healths.includes('healthy'));
    expect(healths).toContain('unhealthy');
    expect(isAlive(await pidOf('one'))).toBe(true);
  });

  it('of an agent that was killed is ended and started again by the next agent', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await at.publish(1, { 'app.txt': 'one' }, { start: sleeper('one'), health: started('one') });
    await agent.runOnce();
    await agent.stop();
    await rm(pidFile('one'));
    const child = spawnAgent(root);
    await once(child.stdout, 'data');
    await until(() => existsSync(pidFile('one')));
    const orphan = await pidOf('one');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(orphan)).toBe(true);
    await rm(pidFile('one'));
    const next = at.newAgent('web-1');
    await next.start();
    await until(() => existsSync(pidFile('one')));
    expect(isAlive(orphan)).toBe(false);
    expect(isAlive(await pidOf('one'))).toBe(true);
  });
});

describe('a killed agent', () => {
  /** A machine on release 1 with release 2 on disk, and its agent stopped. */
  async function between() {
    const { agent, root } = await at.pairedAgent('web-1');
    const first = await at.publish(1, { 'app.txt': 'one' });
    await agent.runOnce();
    const old = await readState(root);
    const second = await at.publish(2, { 'app.txt': 'two' });
    await agent.runOnce();
    const done = await readState(root);
    await agent.stop();
    const journal = { ...done, current: old.current, previous: old.previous, kept: old.kept };
    const activation = { target: done.current, from: old.current };
    const link = async (artifactId: string) => {
      await rm(join(root, 'current'), { force: true });
      await symlink(join('releases', artifactId), join(root, 'current'));
    };
    return { root, first, second, journal, activation, link };
  }

  it.each(['before the switch', 'after the switch'])(
    '%s is on the old release, then takes the new one',
    async moment => {
      const { root, first, second, journal, activation, link } = await between();
      await writeState(root, { ...journal, activation });
      await link(moment === 'before the switch' ? first.pointer.artifactId : second.pointer.artifactId);
      const store = join(at.storeFolder, 'packs');
      await rm(store, { recursive: true });
      const agent = at.newAgent('web-1', { channel: 'production' });
      await at.putTrust();
      at.setNow(5_000);
      expect(await agent.runOnce()).toMatchObject({ kind: 'failed', error: { code: 'trust.expired' } });
      expect(await at.currentFile(root, 'app.txt')).toBe('one');
      at.setNow(1_500);
      const reused = { peers: 0, region: 0, reuse: second.packBytes };
      expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2, bytes: reused });
      expect(await at.currentFile(root, 'app.txt')).toBe('two');
    },
  );

  it('twice by the same release does not try it a third time', async () => {
    const { root, journal, activation } = await between();
    await writeState(root, { ...journal, activation, interrupted: { serial: 2, count: 1 } });
    const agent = at.newAgent('web-1');
    expect(await agent.runOnce()).toMatchObject({ kind: 'rolled_back', failedSerial: 2, serial: 1 });
    expect(await at.currentFile(root, 'app.txt')).toBe('one');
  });

  it('on its first release has none, then takes it', async () => {
    const { root, second, journal, activation, link } = await between();
    await writeState(root, {
      ...journal,
      current: null,
      previous: null,
      kept: [],
      activation: { ...activation, from: null },
    });
    await link(second.pointer.artifactId);
    const agent = at.newAgent('web-1');
    at.setNow(5_000);
    await agent.runOnce();
    expect(existsSync(join(root, 'current'))).toBe(false);
    at.setNow(1_500);
    expect(await agent.runOnce()).toMatchObject({ kind: 'activated', serial: 2 });
  });

  it.each(['at its first word', 'in the health check', 'when it is done'])(
    'by SIGKILL %s leaves exactly one release, and the next agent takes the new one',
    async moment => {
      const { agent, root } = await at.pairedAgent('web-1');
      await at.publish(1, { 'app.txt': 'one', 'b.txt': 'one' });
      await agent.runOnce();
      await agent.stop();
      const reached = join(at.folder, 'reached');
      const goOn = join(at.folder, 'go-on');
      const command = `touch ${reached}; while test ! -f ${goOn}; do sleep 0.02; done`;
      await at.publish(2, { 'app.txt': 'two', 'b.txt': 'two' }, { health: healthy(command) });
      if (moment === 'when it is done') await writeFile(goOn, '');
      const child = spawnAgent(root);
      if (moment === 'in the health check') await until(() => existsSync(reached));
      else {
        const wanted = moment === 'when it is done' ? 'active 2' : ' 2';
        for await (const line of createInterface(child.stdout)) if (line.endsWith(wanted)) break;
      }
      child.kill('SIGKILL');
      await once(child, 'exit');
      await writeFile(goOn, '');
      const version = await at.currentFile(root, 'app.txt');
      expect(['one', 'two']).toContain(version);
      expect(await at.currentFile(root, 'b.txt')).toBe(version);
      const next = at.newAgent('web-1');
      const outcome = await next.runOnce();
      expect(outcome).toMatchObject({ kind: moment === 'when it is done' ? 'unchanged' : 'activated', serial: 2 });
      expect(await at.currentFile(root, 'app.txt')).toBe('two');
      expect((await readdir(join(root, 'releases'))).length).toBe(2);
    },
  );

  it('while it unpacked leaves no debris, and no half release is taken for whole', async () => {
    const { agent, root } = await at.pairedAgent('web-1');
    await agent.stop();
    const { pointer } = await at.publish(1, { 'app.txt': 'one', 'b.txt': 'b' });
    await mkdir(join(root, 'releases', `${pointer.artifactId}.tmp-1`), { recursive: true });
    await mkdir(join(root, 'releases', pointer.artifactId), { recursive: true });
    await writeFile(join(root, 'releases', pointer.artifactId, 'app.txt'), 'one');
    expect(await at.newAgent('web-1').runOnce()).toMatchObject({ kind: 'activated' });
    expect(await readdir(join(root, 'releases'))).toEqual([pointer.artifactId]);
    expect(await at.currentFile(root, 'b.txt')).toBe('b');
    expect(await readlink(join(root, 'current'))).toBe(join('releases', pointer.artifactId));
  });

  it('with a damaged state says so and changes nothing', async () => {
    const { root } = await between();
    await writeFile(join(root, 'state.json'), '{');
    await expect(at.newAgent('web-1').runOnce()).rejects.toMatchObject({ code: 'data.corrupt' });
    expect(await at.currentFile(root, 'app.txt')).toBe('two');
  });
});
