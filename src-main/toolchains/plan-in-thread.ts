/** Owns planning for a process that coordinates: the same plan as `planFor`, made beside its event loop. */
import { Worker } from 'node:worker_threads';
import { DomainError, type ErrorView } from '../contract/errors.ts';
import type { Plan } from '../contract/plan.ts';
import { threadPath } from '../process/entry-points.ts';

export type PlanAnswer = { readonly plan: Plan } | { readonly error: ErrorView };

/** A tree that takes longer has been made to; a real one of 50,000 files takes under a second. */
const planTimeoutMs = 20_000;

/** The plan of a tree. Throws what `planFor` throws, and `plan.nothing_detected` when it takes too long. */
export async function planInThread(root: string): Promise<Plan> {
  const thread = new Worker(threadPath('plan-thread'), { workerData: { root } });
  let timer: NodeJS.Timeout | undefined;
  try {
    const answer = await new Promise<PlanAnswer>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      timer = setTimeout(() => {
        reject(
          new DomainError(
            'plan.nothing_detected',
            `No plan of this tree could be made within ${planTimeoutMs / 1_000} s.`,
          ),
        );
      }, planTimeoutMs);
    });
    if ('error' in answer) throw DomainError.fromView(answer.error);
    return answer.plan;
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
