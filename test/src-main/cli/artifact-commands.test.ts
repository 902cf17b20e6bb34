import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { forTerminal } from '../../../src-main/cli/artifact-commands.ts';
import { endsWithFile } from '../../support/for-this-file.ts';
import { createSignedStore } from '../../support/signed-store.ts';

const run = promisify(execFile);
const cli = resolve(import.meta.dirname, '../../../src-main/cli.ts');
/** Each command is a process of its own, which takes seconds on a machine that is busy. */
const timeoutMs = 120_000;

const onEnd = endsWithFile();
let world: Awaited<ReturnType<typeof createSignedStore>>;

beforeAll(async () => {
  world = await createSignedStore(onEnd, { 'a.txt': 'ahoy\n', 'mean\u202etxt': 'x', 'blob.bin': Buffer.of(0, 1, 255) });
});

/** Runs a command without an engine; a failure is an outcome too. */
async function slipway(...args: readonly string[]) {
  const child = run(process.execPath, [cli, ...args], {
    encoding: 'buffer',
    env: { ...process.env, SLIPWAY_DATA: world.folder },
  });
  return child.then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr: stderr.toString() }),
    (error: { code: number; stdout: Buffer; stderr: Buffer }) => ({
      exitCode: error.code,
      stdout: error.stdout,
      stderr: error.stderr.toString(),
    }),
  );
}

it(
  'lists, reads and gives the torrent of an artifact of any store, without an engine',
  async () => {
    const { artifactId } = world.facts;
    const store = ['--store', world.root] as const;
    expect((await slipway('artifact', 'list', ...store)).stdout.toString()).toContain(artifactId.slice(0, 12));
    const files = (await slipway('artifact', 'list', artifactId.slice(0, 10), ...store)).stdout.toString();
    expect(files).toContain('a.txt');
    // A hostile name says nothing to the terminal.
    expect(files).not.toContain('\u202e');
    expect(files).toContain('mean�txt');
    expect((await slipway('artifact', 'cat', artifactId, 'blob.bin', ...store)).stdout).toEqual(Buffer.of(0, 1, 255));
    const out = join(world.folder, 'a.torrent');
    expect((await slipway('artifact', 'torrent', artifactId, '--out', out, ...store)).exitCode).toBe(0);
    expect((await readFile(out)).equals(await readFile(world.pathOf(world.keys.torrent)))).toBe(true);
  },
  timeoutMs,
);

it(
  'says what it cannot read, and gives out nothing of it',
  async () => {
    const { artifactId } = world.facts;
    const missing = await slipway('artifact', 'cat', artifactId, '../a.txt', '--store', world.root);
    expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('(not_found)') });
    const path = world.pathOf(world.keys.pack);
    const before = await readFile(path);
    try {
      await writeFile(path, Buffer.concat([before.subarray(0, 20), Buffer.of(0, 0, 0, 0), before.subarray(24)]));
      const damaged = await slipway('artifact', 'cat', artifactId, 'a.txt', '--store', world.root);
      expect(damaged).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/\(artifact\.\w+\)/) });
      expect(damaged.stdout).toHaveLength(0);
      const verified = await slipway('verify', world.root, '--all', '--json');
      expect(verified.exitCode).toBe(1);
      const result: unknown = JSON.parse(verified.stdout.toString());
      // The fixture's pointer is of another year.
      expect(result).toMatchObject({
        ok: false,
        problems: [
          { key: world.keys.pointer, code: 'trust.expired' },
          { key: world.keys.pack, code: 'artifact.digest_mismatch' },
        ],
      });
    } finally {
      await writeFile(path, before);
    }
  },
  timeoutMs,
);

it('shows a terminal text alone, and no control character but tab and line end', () => {
  const shown = forTerminal(Buffer.from('a\tb\r\n\u001b[2Jc\u009b1m\rd\n'), 'a.txt');
  expect(shown).toBe('a\tb\n�[2Jc�1m�d\n');
  expect(() => forTerminal(Buffer.of(0xff), 'x')).toThrow(expect.objectContaining({ code: 'input.invalid' }));
  expect(() => forTerminal(Buffer.from('a\0b'), 'x')).toThrow(expect.objectContaining({ code: 'input.invalid' }));
});
