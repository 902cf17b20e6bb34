/** Owns the bench of a job's log: a million lines from a child process into the file, masked and sanitised, beside `cat`. */
import { createReadStream } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Bench, type BenchOptions, inFolder, minRuns, type Row, rowOf, runProgram } from '../bench.ts';

const lineBytes = 100;
const secrets = ['correct-horse-battery-staple', 'ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'p@ss/word+1 & more'];
/** One line in so many holds a secret, one in so many a colour: more than real output has. */
const secretEvery = 1_000;
const colourEvery = 10;

const resultSchema = z.object({
  writtenMs: z.number(),
  closedMs: z.number(),
  peakBytes: z.number(),
  idleBytes: z.number(),
  sizeBytes: z.number(),
});

/** Lines of exactly `lineBytes`, in the file's own order the same in every run. */
async function writeLines(file: string, lines: number): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    for (let first = 0; first < lines; first += 10_000) {
      const block = Array.from({ length: Math.min(10_000, lines - first) }, (_, index) => lineAt(first + index));
      await handle.write(block.join(''));
    }
  } finally {
    await handle.close();
  }
}

function lineAt(number: number): string {
  const secret = number % secretEvery === 0 ? ` token=${secrets[(number / secretEvery) % secrets.length]}` : '';
  const start = number % colourEvery === 0 ? '\u001b[32mok\u001b[0m' : 'ok';
  const text = `${start} ${number} compiled src/module-${number % 997}/file-${number % 7919}.c${secret} `;
  return `${text.padEnd(lineBytes - 1, '.').slice(0, lineBytes - 1)}\n`;
}

async function assertLog(file: string, lines: number): Promise<void> {
  let found = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
    const text = chunk.toString('latin1');
    for (const secret of secrets) if (text.includes(secret)) throw new Error('A secret is in the log');
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) found += 1;
  }
  if (found !== lines) throw new Error(`The log has ${found} lines of ${lines}`);
}

async function measure(folder: string, lines: number, writer: string, options: BenchOptions, masked: boolean) {
  const ours: z.infer<typeof resultSchema>[] = [];
  const peerMs: number[] = [];
  const child = join(import.meta.dirname, 'log-child.ts');
  const [logFile, peerFile] = [join(folder, 'job.log'), join(folder, 'peer.log')];
  for (let run = 0; run < minRuns; run += 1) {
    const input = JSON.stringify({ commandLine: writer, logFile, secrets: masked ? secrets : [] });
    const result = resultSchema.parse(JSON.parse(await runProgram(process.execPath, [child, input])));
    if (masked) await assertLog(logFile, lines);
    ours.push(result);
    await rm(logFile);
    const startedAt = performance.now();
    await runProgram('/bin/sh', ['-c', `${writer} | cat > ${peerFile}`]);
    peerMs.push(performance.now() - startedAt);
    if ((await stat(peerFile)).size !== lines * lineBytes) throw new Error('The peer lost output');
    await rm(peerFile);
    options.say(
      `${writer.split(' ')[0]}${masked ? '' : ', no secrets'}: ${Math.round(result.writtenMs)} ms, closed ${Math.round(result.closedMs)} ms, peak ${Math.round(result.peakBytes / 1e6)} MB of which idle ${Math.round(result.idleBytes / 1e6)}; peer ${Math.round(peerMs.at(-1) ?? 0)} ms`,
    );
  }
  return { ours, peerMs };
}

export const logBench: Bench = {
  summary: "a million lines (100 MB) from a child into the job's log, masked and sanitised, beside CMD | cat > file",
  run: options =>
    inFolder(async (folder): Promise<readonly Row[]> => {
      const lines = options.quick ? 500_000 : 1_000_000;
      const bytes = lines * lineBytes;
      const input = join(folder, 'lines');
      await writeLines(input, lines);
      const rate = (ms: number) => bytes / 1e6 / (ms / 1_000);
      const fast = await measure(folder, lines, `cat ${input}`, options, true);
      const bare = await measure(folder, lines, `cat ${input}`, options, false);
      // Reads in blocks and writes every line by itself: the fastest such writer that every system has.
      const slow = await measure(folder, lines, `grep --line-buffered -a '' ${input}`, options, true);
      const all = [...fast.ours, ...bare.ours, ...slow.ours];
      return [
        rowOf({
          name: 'fast writer, three secrets',
          unit: 'MB/s',
          ours: fast.ours.map(run => rate(run.closedMs)),
          peer: { name: 'cat | cat > file', values: fast.peerMs.map(rate) },
          atLeast: 100,
        }),
        rowOf({
          name: 'fast writer, no secrets',
          unit: 'MB/s',
          ours: bare.ours.map(run => rate(run.closedMs)),
          peer: { name: 'cat | cat > file', values: bare.peerMs.map(rate) },
        }),
        rowOf({
          name: 'line by line, three secrets',
          unit: 'ms',
          ours: slow.ours.map(run => run.closedMs),
          peer: { name: 'grep | cat > file', values: slow.peerMs },
          ratioAtMost: 2,
        }),
        rowOf({
          name: 'of which flushing to the disk',
          unit: 'ms',
          ours: all.map(run => run.closedMs - run.writtenMs),
        }),
        rowOf({
          name: 'most memory of the process',
          unit: 'MB',
          ours: [Math.max(...all.map(run => run.peakBytes / 1e6))],
          atMost: 150,
        }),
      ];
    }),
};
