/** Owns what battery and a metered link forbid this agent: to give to others, or to fetch too. Knows no swarm and no store. */
import { DomainError } from '../contract/errors.ts';
import type { NetworkCost } from '../process/network-cost.ts';
import type { PowerState } from '../process/power-state.ts';

/** `seed` is as ever; `pause` gives nothing to others, and takes from stores alone; `wait` takes no release that must be fetched either. */
export type ThriftRule = 'seed' | 'pause' | 'wait';

export interface ThriftOptions {
  readonly onBattery: ThriftRule;
  readonly onMetered: ThriftRule;
  readonly power: PowerState;
  readonly network: NetworkCost;
}

export interface Thrift {
  /** Looks how it is now; `onChanged` has been called where it is another than before. What cannot be known forbids nothing. */
  look(): Promise<void>;
  /** Whether nothing is given to others. */
  readonly holds: boolean;
  /** Aborted, with `agent.held`, as long as nothing may be fetched. */
  readonly fetching: AbortSignal;
}

type Cause = 'battery' | 'metered';

const words = { battery: 'runs on battery', metered: 'is on a metered link' } as const satisfies Record<Cause, string>;

function heldError(by: Cause): DomainError {
  return new DomainError(
    'agent.held',
    `This machine ${words[by]}, and was told to fetch nothing then (--on-${by} wait). What runs goes on; it is fetched as soon as that is over.`,
    { by },
  );
}

/** `options` null forbids nothing. */
export function createThrift(options: ThriftOptions | null, onChanged: (holds: boolean) => void): Thrift {
  let holds = false;
  let waitsFor: Cause | null = null;
  let fetching = new AbortController();

  const causes = async ({ onBattery, onMetered, power, network }: ThriftOptions): Promise<[Cause, ThriftRule][]> => {
    const found: [Cause, ThriftRule][] = [];
    if (onBattery !== 'seed' && (await power.onBattery())) found.push(['battery', onBattery]);
    if (onMetered !== 'seed' && (await network.isMetered())) found.push(['metered', onMetered]);
    return found;
  };

  return {
    async look() {
      if (options === null) return;
      const found = await causes(options);
      const by = found.find(([, rule]) => rule === 'wait')?.[0] ?? null;
      if (by !== waitsFor) {
        waitsFor = by;
        if (by === null) fetching = new AbortController();
        else fetching.abort(heldError(by));
      }
      if (found.length > 0 === holds) return;
      holds = found.length > 0;
      onChanged(holds);
    },
    get holds() {
      return holds;
    },
    get fetching() {
      return fetching.signal;
    },
  };
}
