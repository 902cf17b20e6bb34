/** Owns our side of the swarm benches: one seeder and several machines, each a process with a swarm process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  type MachineAnswer,
  type MachineCommand,
  type MachineSettings,
  machineAnswerSchema,
} from './machine-messages.ts';
import type { BenchPack } from './pack.ts';

const machineFile = fileURLToPath(new URL('machine.ts', import.meta.url));
const port = 6_881;

/** Where a machine runs: in a network namespace, or on this machine with limits of the swarm's own. */
export interface Place {
  readonly namespace: string | null;
  readonly address: string;
  readonly limitBytesPerSecond: number | null;
}

export interface SwarmRun {
  readonly seconds: number;
  /** Of the swarm process. */
  readonly seederCpuSeconds: number;
  readonly machinesCpuSeconds: number;
  readonly seederUploadedBytes: number;
  readonly seederPeakBytes: number;
  readonly machinePeakBytes: number;
}

interface Machine {
  tell(command: MachineCommand): void;
  /** The next answer of that kind. Rejects when the machine fails or ends before. */
  hear<Type extends MachineAnswer['type']>(type: Type): Promise<Extract<MachineAnswer, { type: Type }>>;
  stop(): Promise<void>;
}

/** Starts a program in its place. */
export function spawnIn(namespace: string | null, command: string, args: readonly string[]): ChildProcess {
  const whole = namespace === null ? [command, ...args] : ['ip', 'netns', 'exec', namespace, command, ...args];
  const [program = command, ...rest] = whole;
  return spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
}

function startMachine(namespace: string | null, settings: MachineSettings): Machine {
  const child = spawnIn(namespace, process.execPath, [machineFile, JSON.stringify(settings)]);
  const exited = new Promise<void>(resolve => child.once('close', () => resolve()));
  const heard: MachineAnswer[] = [];
  let wake = Promise.withResolvers<void>();
  let ended = false;
  const notice = () => {
    wake.resolve();
    wake = Promise.withResolvers<void>();
  };
  void exited.then(() => {
    ended = true;
    notice();
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', line => {
      heard.push(machineAnswerSchema.parse(JSON.parse(line)));
      notice();
    });
  }
  const hear: Machine['hear'] = async type => {
    for (;;) {
      for (const [index, answer] of heard.entries()) {
        if (answer.type === 'failed') throw new Error(`${settings.address}: ${answer.reason}`);
        if (!isOf(answer, type)) continue;
        heard.splice(index, 1);
        return answer;
      }
      if (ended) throw new Error(`The machine ${settings.address} ended.`);
      await wake.promise;
    }
  };
  const tell = (command: MachineCommand) => child.stdin?.write(`${JSON.stringify(command)}\n`);
  return {
    tell,
    hear,
    stop: async () => {
      if (!ended) tell({ type: 'stop' });
      await exited;
    },
  };
}

function isOf<Type extends MachineAnswer['type']>(
  answer: MachineAnswer,
  type: Type,
): answer is Extract<MachineAnswer, { type: Type }> {
  return answer.type === type;
}

const profileFolder = process.env.SLIPWAY_BENCH_PROFILE ?? null;

/** Moves the pack from the first place to all others at once; each machine knows all others, as reports in the store would tell it. */
export async function runOurSwarm(pack: BenchPack, places: readonly Place[], folder: string): Promise<SwarmRun> {
  const machines: Machine[] = [];
  try {
    for (const [index, place] of places.entries()) {
      const seeds = index === 0;
      const own = join(folder, `machine-${index}`);
      await mkdir(own, { recursive: true });
      machines.push(
        startMachine(place.namespace, {
          address: place.address,
          port: place.namespace === null ? 0 : port,
          torrentFile: pack.torrentFile,
          folder: seeds ? pack.folder : own,
          role: seeds ? 'seed' : 'download',
          uploadBytesPerSecond: place.limitBytesPerSecond,
          downloadBytesPerSecond: place.limitBytesPerSecond,
          profileFolder,
        }),
      );
    }
    const ports = (await Promise.all(machines.map(machine => machine.hear('ready')))).map(ready => ready.port);
    const [seeder, ...others] = machines;
    if (seeder === undefined) throw new Error('The swarm has no seeder.');
    const addresses = places.map(({ address }, index) => ({ host: address, port: ports[index] ?? 0 }));
    const before = await usages(machines);
    const startedAtMs = performance.now();
    for (const [index, machine] of machines.entries()) {
      if (index > 0) machine.tell({ type: 'go', peers: addresses.filter((_, other) => other !== index) });
    }
    await Promise.all(others.map(machine => machine.hear('done')));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const after = await usages(machines);
    const used = after.map((usage, index) => usage.cpuSeconds - (before[index]?.cpuSeconds ?? 0));
    return {
      seconds,
      seederCpuSeconds: used[0] ?? 0,
      machinesCpuSeconds: used.slice(1).reduce((sum, value) => sum + value, 0),
      seederUploadedBytes: after[0]?.uploadedBytes ?? 0,
      seederPeakBytes: after[0]?.peakBytes ?? 0,
      machinePeakBytes: Math.max(...after.slice(1).map(usage => usage.peakBytes)),
    };
  } finally {
    await Promise.all(machines.map(machine => machine.stop()));
  }
}

function usages(machines: readonly Machine[]) {
  return Promise.all(
    machines.map(machine => {
      machine.tell({ type: 'usage' });
      return machine.hear('usage');
    }),
  );
}
