/** Owns the crash drill that this window started: whether it runs, and what the newest one measured. */
import { createStore } from 'zustand/vanilla';
import type { DrillResult } from '../../src-main/contract/drill.ts';
import type { DomainError } from '../../src-main/contract/errors.ts';
import { client } from '../client/client.ts';
import { toDomainError } from '../client/errors.ts';

export type DrillState =
  | { readonly kind: 'none' }
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly result: DrillResult }
  | { readonly kind: 'refused'; readonly error: DomainError };

export const drillStore = createStore<DrillState>(() => ({ kind: 'none' }));

/** Runs it, unless one runs already. */
export async function runDrill(): Promise<void> {
  if (drillStore.getState().kind === 'running') return;
  drillStore.setState({ kind: 'running' }, true);
  try {
    drillStore.setState({ kind: 'done', result: await client.drill.run() }, true);
  } catch (error) {
    drillStore.setState({ kind: 'refused', error: toDomainError(error) }, true);
  }
}
