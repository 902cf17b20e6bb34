/** Owns what slipway.yml's `activate` and `shared` mean for a plan, and how they are written. */
import type { Activation, SwitchHook } from '../contract/activation.ts';
import type { PipelineFile } from '../contract/pipeline.ts';
import type { Plan } from '../contract/plan.ts';

const defaultDrainMs = 10_000;

type Activate = NonNullable<PipelineFile['activate']>;

function hookOf({ command, unit, signal }: Activate): SwitchHook | null {
  if (command !== undefined) return { kind: 'command', command };
  if (unit !== undefined) return { kind: 'unit', unit };
  if (signal !== undefined) return { kind: 'signal', signal: signal.name ?? 'HUP', pidFile: signal.pid };
  return null;
}

/** What the file says of the activation; nothing where it says nothing. */
export function activationOf({ activate = {}, shared = [] }: PipelineFile): Pick<Plan, 'activation'> {
  const hook = hookOf(activate);
  const { mode = 'restart', drain } = activate;
  if (mode === 'restart' && hook === null && shared.length === 0) return {};
  return { activation: { mode, drainMs: drain ?? defaultDrainMs, hook, shared } };
}

function hookKeys(hook: SwitchHook | null) {
  switch (hook?.kind) {
    case undefined:
      return {};
    case 'command':
      return { command: hook.command };
    case 'unit':
      return { unit: hook.unit };
    case 'signal':
      return { signal: { name: hook.signal, pid: hook.pidFile } };
  }
}

/** The same as keys of the file; `duration` writes milliseconds. */
export function activationKeys(
  { mode, drainMs, hook, shared }: Activation,
  duration: (ms: number) => string,
): Pick<PipelineFile, 'shared'> & { readonly activate?: object } {
  const activate = {
    ...(mode === 'restart' ? {} : { mode }),
    ...(drainMs === defaultDrainMs ? {} : { drain: duration(drainMs) }),
    ...hookKeys(hook),
  };
  return {
    ...(shared.length === 0 ? {} : { shared }),
    ...(Object.keys(activate).length === 0 ? {} : { activate }),
  };
}
