/** Owns the bench of an upload to Google Cloud Storage: beside curl to the same end, and cut fifty times on its way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c, crc32cHex } from '../../../src-main/stores/crc32c.ts';
import { uploadWithCuts } from '../../support/gcs-server/cut-upload.ts';
import { startGcsServer } from '../../support/gcs-server/gcs-server.ts';
import { type UploadOrder, uploadReportSchema } from '../../support/gcs-server/upload-order.ts';
import { type Bench, type BenchOptions, inFolder, minRuns, type Row, rowOf, runProgram } from '../bench.ts';

const mebibyte = 1024 * 1024;
const bytesPerGiB = 1024 * mebibyte;
const maxPeakMB = 150;
const sinkProgram = join(import.meta.dirname, 'sink.py');
const uploadProgram = join(import.meta.dirname, '../../support/gcs-server/upload-child.ts');

interface Source {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Hex. */
  readonly crc32c: string;
}

async function makeSource(path: string, sizeBytes: number): Promise<Source> {
  const handle = await open(path, 'wx');
  const sha256 = createHash('sha256');
  const block = randomBytes(mebibyte);
  let crc = 0;
  try {
    for (let done = 0; done < sizeBytes; done += block.length) {
      block.writeUInt32BE(done / mebibyte);
      sha256.update(block);
      crc = crc32c(block, crc);
      await handle.write(block);
    }
  } finally {
    await handle.close();
  }
  return { path, sizeBytes, sha256: sha256.digest('hex'), crc32c: crc32cHex(crc) };
}

async function startSink(): Promise<{ readonly port: string; readonly process: ChildProcess }> {
  const sink = spawn('python3', [sinkProgram], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await Promise.race([
    once(sink.stdout, 'data'),
    once(sink, 'close').then(() => {
      throw new Error('The sink did not start: it needs python3.');
    }),
  ]);
  return { port: String(line).trim(), process: sink };
}

/** What the sink took of its processor's time, in MB a second of it: the machine's other work slows it as little as it slows ours. */
async function endSink(sink: ChildProcess): Promise<number> {
  const said = sink.stdout === null ? [] : once(sink.stdout, 'data');
  sink.stdin?.end();
  const [bytes = 0, seconds = 0] = String((await said)[0])
    .trim()
    .split(' ')
    .map(Number);
  return bytes / 1e6 / seconds;
}

async function uploadOnce(order: UploadOrder) {
  return uploadReportSchema.parse(
    JSON.parse(await runProgram(process.execPath, [uploadProgram, JSON.stringify(order)])),
  );
}

/** All sides take turns, so that what else the machine does falls on all. */
async function measureSpeed(
  source: Source,
  warmUp: Source,
  runs: number,
  options: BenchOptions,
): Promise<readonly Row[]> {
  const { path, sizeBytes, sha256 } = source;
  const rate = (ms: number) => sizeBytes / 1e6 / (ms / 1_000);
  const sink = await startSink();
  const sinkUrl = `http://127.0.0.1:${sink.port}`;
  const server = await startGcsServer({ buckets: ['bench'], sinkUrl });
  const order = { storeUrl: `gs://bench?endpoint=${server.url}`, key: 'packs/a', path, sizeBytes, sha256, warmUp };
  const sides = { known: [0], computed: [0], curl: [0], sink: [0], cpu: [0], computedCpu: [0], peak: [0] };
  for (const values of Object.values(sides)) values.length = 0;
  let sinkPerCpuSecond = 0;
  try {
    for (let run = 0; run < runs; run += 1) {
      const known = await uploadOnce({ ...order, crc32c: source.crc32c });
      const computed = await uploadOnce(order);
      const curl = await runProgram('curl', [
        '-s',
        '-o',
        '/dev/null',
        '-w',
        '%{time_total}',
        '-T',
        path,
        `${sinkUrl}/a`,
      ]);
      const alone = await runProgram('python3', [sinkProgram, 'send', sink.port, path]);
      sides.known.push(rate(known.ms));
      sides.computed.push(rate(computed.ms));
      sides.curl.push(rate(Number(curl) * 1_000));
      sides.sink.push(rate(Number(alone) * 1_000));
      sides.cpu.push((known.cpuMs / 1_000) * (bytesPerGiB / sizeBytes));
      sides.computedCpu.push((computed.cpuMs / 1_000) * (bytesPerGiB / sizeBytes));
      sides.peak.push(Math.max(known.peakBytes, computed.peakBytes) / 1e6);
      options.say(
        `upload ${Math.round(rate(known.ms))} MB/s, with its digests computed ${Math.round(rate(computed.ms))}; curl ${Math.round(sides.curl.at(-1) ?? 0)}, sink ${Math.round(sides.sink.at(-1) ?? 0)}`,
      );
    }
  } finally {
    sinkPerCpuSecond = await endSink(sink.process);
    await server.stop();
  }
  const curl = { name: 'curl -T', values: sides.curl };
  return [
    rowOf({
      name: 'upload, held by the CRC32C of its packing',
      unit: 'MB/s',
      ours: sides.known,
      peer: curl,
      ratioAtLeast: 0.5,
    }),
    rowOf({ name: 'upload, SHA-256 and CRC32C computed', unit: 'MB/s', ours: sides.computed, peer: curl }),
    rowOf({
      name: 'the sink alone, over the same loopback',
      unit: 'MB/s',
      ours: sides.sink,
      peer: { name: 'our upload', values: sides.known },
      ratioAtLeast: 3,
    }),
    // Whether the sink holds an upload back that is as fast as the loopback lets it be.
    rowOf({
      name: '  of a second of its processor',
      unit: 'MB',
      ours: [sinkPerCpuSecond],
      peer: { name: 'our upload', values: sides.cpu.map(seconds => bytesPerGiB / 1e6 / seconds) },
    }),
    rowOf({ name: 'CPU per GiB, held by the CRC32C of its packing', unit: 's', ours: sides.cpu }),
    rowOf({ name: 'CPU per GiB, SHA-256 and CRC32C computed', unit: 's', ours: sides.computedCpu }),
    rowOf({ name: 'most memory of the process', unit: 'MB', ours: [Math.max(...sides.peak)], atMost: maxPeakMB }),
  ];
}

async function measureCuts(
  source: Source,
  folder: string,
  cuts: number,
  options: BenchOptions,
): Promise<readonly Row[]> {
  const result = await uploadWithCuts({
    ...source,
    crc32c: Buffer.from(source.crc32c, 'hex').toString('base64'),
    stateFile: join(folder, 'state'),
    cuts,
    random: Math.random,
  });
  options.say(`cut ${cuts} times: ${result.kills} × kill -9, ${result.breaks} × the connection`);
  return [
    rowOf({ name: `cuts survived of ${cuts}`, unit: '', ours: [result.kills + result.breaks], atLeast: cuts }),
    rowOf({ name: 'of which kill -9', unit: '', ours: [result.kills], atLeast: 1 }),
    rowOf({ name: 'begun from zero again', unit: 'times', ours: [result.restarts], atMost: 0 }),
    rowOf({ name: 'sent, of the size', unit: '×', ours: [result.receivedBytes / source.sizeBytes] }),
    rowOf({ name: 'verified at the end', unit: '', ours: [result.isVerified ? 1 : 0], atLeast: 1 }),
  ];
}

export const replicateBench: Bench = {
  summary: 'an upload of 1 GiB to the loopback GCS server beside curl -T, and one that is cut 50 times',
  run: options =>
    inFolder(async (folder): Promise<readonly Row[]> => {
      const source = await makeSource(join(folder, 'pack'), (options.quick ? 256 : 1_024) * mebibyte);
      const warmUp = await makeSource(join(folder, 'warm-up'), 32 * mebibyte);
      return [
        ...(await measureSpeed(source, warmUp, options.quick ? minRuns : 5, options)),
        ...(await measureCuts(source, folder, options.quick ? 10 : 50, options)),
      ];
    }),
};
