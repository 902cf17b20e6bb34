/** Owns the question before a shell ends its engine: what would stop, and that builds may be finished first. Knows not how it is asked. */
import type { WorkerMode } from '../contract/views/worker.ts';
import { type QuitQuestion, quitQuestion } from '../domain/shell/quit-words.ts';
import type { FactsFollower, ShellFacts } from './follow-facts.ts';

export type QuitAnswer = 'finish' | 'now' | 'cancel';

export interface QuitGate {
  /** True once the app may end. A person who is asked already is not asked twice: then it is false. */
  ask(): Promise<boolean>;
  /** Looks whether what was to be finished is. */
  look(facts: ShellFacts): void;
}

/** `onFinished` is called when the builds that a person wanted finished are. Until then no new one begins, for this run alone. */
export function createQuitGate(options: {
  readonly follower: () => FactsFollower;
  readonly askPerson: (question: QuitQuestion, isFinishing: boolean) => Promise<QuitAnswer>;
  /** The mode that the next start finds. */
  readonly keepMode: (mode: WorkerMode) => Promise<void>;
  readonly onFinished: () => void;
}): QuitGate {
  let asking = false;
  let modeBefore: WorkerMode | null = null;

  const isAtRest = ({ status, swarm }: ShellFacts) => status.workers.busy === 0 && swarm.uploadBytesPerSecond === 0;
  const end = async () => {
    if (modeBefore !== null) await options.keepMode(modeBefore);
    modeBefore = null;
    return true;
  };

  async function ask(): Promise<boolean> {
    const { client } = options.follower();
    const [{ running }, swarm] = await Promise.all([client.engine.overview(), client.swarm.get()]);
    const question = quitQuestion({ builds: running, uploadBytesPerSecond: swarm.uploadBytesPerSecond });
    if (question === null) return end();
    const answer = await options.askPerson(question, modeBefore !== null);
    if (answer === 'now') return end();
    if (answer === 'finish' && modeBefore === null) {
      const { mode } = await client.workers.get();
      await client.workers.setMode({ mode: 'paused' });
      modeBefore = mode;
      // They may have ended while the question stood.
      void options.follower().refresh();
    } else if (answer === 'cancel' && modeBefore !== null) {
      await client.workers.setMode({ mode: modeBefore });
      modeBefore = null;
    }
    return false;
  }

  return {
    async ask() {
      if (asking) return false;
      asking = true;
      try {
        return await ask();
      } finally {
        asking = false;
      }
    },
    look(facts) {
      if (modeBefore !== null && !asking && isAtRest(facts)) void end().then(options.onFinished);
    },
  };
}
