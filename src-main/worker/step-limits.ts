/** Owns the longest that each step of a plan may take, for whoever supervises the worker: repetitions and grace counted. */
import type { PlanStep } from '../contract/plan.ts';
import type { NewStep } from '../queue/attempt.ts';
import type { StepRecorder } from './attempt-run.ts';
import type { Work } from './progress.ts';

/** What a run of a step takes beyond its time limit: the grace after its interrupt, and the sweep of what is left. */
const endingMs = 10_000;
/** Where nothing tells whether git goes on, its own time limit of an hour does. */
const checkoutLimitMs = 65 * 60_000;

function limitOf({ timeoutMs, retry }: PlanStep): number {
  const times = retry?.times ?? 0;
  return (timeoutMs + endingMs) * (times + 1) + (retry?.delayMs ?? 0) * times;
}

function workOf(step: NewStep | undefined, name: string, limits: readonly number[], ofPlan: number): Work {
  const limitMs = limits[ofPlan];
  if (step?.command != null && limitMs !== undefined) return { kind: 'step', name, limitMs };
  if (step?.phase === 'checkout' && process.platform !== 'linux')
    return { kind: 'step', name, limitMs: checkoutLimitMs };
  return { kind: 'own', name, limitMs: null };
}

/** `recorder`, and `onWork` hears what each step is as it begins; between steps the work is Slipway's own. */
export function tellingRecorder(recorder: StepRecorder, onWork: (work: Work) => void): StepRecorder {
  const known = new Map<number, NewStep>();
  let limits: readonly number[] = [];
  let firstOfPlan = 0;
  return {
    async add(steps, plan) {
      for (const step of steps) known.set(step.position, step);
      if (plan) {
        limits = plan.steps.map(limitOf);
        firstOfPlan = steps.find(step => step.command !== null)?.position ?? 0;
      }
      await recorder.add(steps, plan);
    },
    progress: recorder.progress,
    async record(position, change, event) {
      await recorder.record(position, change, event);
      const isBegin = change.status === 'running';
      onWork(
        isBegin
          ? workOf(known.get(position), event.name, limits, position - firstOfPlan)
          : { kind: 'own', name: `after ${event.name}`, limitMs: null },
      );
    },
  };
}
