/** Owns what the agent sees of the running release between releases: its link at each look, its health, and at a slow rate its files. */
import { messageOf } from '../contract/errors.ts';
import { healthProblem } from './check-health.ts';
import { fileProblem, linkProblem } from './check-running.ts';
import type { OpenAgent } from './open-agent.ts';
import { environmentOf } from './run-release.ts';
import { removeTreeRecord } from './tree-record.ts';

const usualIntervalsMs = { files: 60 * 60_000, health: 30_000 };
/** One bad answer is a moment; this many in a row are a state. */
const badAnswers = 3;

export interface DriftWatch {
  /** Looks at what is due, while nothing is being activated. Never throws. The files are read beside, and told when they are. */
  look(): Promise<void>;
  /** What was found is repaired: everything is due again. */
  forget(): void;
  /** Waits for what is read beside. */
  settle(): Promise<void>;
}

export function createDriftWatch(agent: OpenAgent): DriftWatch {
  const { options, folder, state, services, reporter, signal } = agent;
  const { logger, driftIntervalsMs: intervalsMs = usualIntervalsMs } = options;
  let healthDueMs = performance.now() + intervalsMs.health;
  let filesDueMs = 0;
  let bad = 0;
  let files: string | null = null;
  let reading: Promise<void> | null = null;

  async function lookAtHealth(): Promise<void> {
    const { current, port } = state.value;
    if (current?.health == null || performance.now() < healthDueMs) return;
    healthDueMs = performance.now() + intervalsMs.health;
    const env = await environmentOf(folder, current, port);
    const logFile = services?.logFile ?? folder.logs;
    const subject = { cwd: folder.current, env, exited: null, problem: null, logFile, signal, answers: [] };
    const problem = await healthProblem(current.health, subject);
    if (problem === null) {
      // Only its own words are taken back: why a release did not come up stays.
      reporter.set({ health: 'healthy', ...(bad >= badAnswers ? { message: null } : {}) });
      bad = 0;
      return;
    }
    bad += 1;
    if (bad >= badAnswers) reporter.set({ health: 'unhealthy', message: `The release is not well: ${problem}.` });
  }

  function lookAtFiles(): void {
    const { current } = state.value;
    if (current === null || reading !== null || performance.now() < filesDueMs) return;
    reading = fileProblem(folder, current, signal)
      .then(async problem => {
        // Whoever goes back to it later must not take it by its record.
        if (problem !== null) await removeTreeRecord(folder, current.artifactId);
        if (state.value.current?.artifactId !== current.artifactId) return;
        files = problem;
        filesDueMs = performance.now() + intervalsMs.files;
      })
      .catch((error: unknown) => {
        if (!signal.aborted) logger.warn('agent.files_not_checked', { reason: messageOf(error) });
      })
      .finally(() => {
        reading = null;
      });
  }

  return {
    async look() {
      const { current } = state.value;
      if (current === null) return;
      try {
        lookAtFiles();
        const drift = (await linkProblem(folder, current)) ?? files;
        reporter.set({ drift: drift === null ? null : drift.slice(0, 500) });
        await lookAtHealth();
      } catch (error) {
        if (!signal.aborted) logger.warn('agent.drift_not_seen', { reason: messageOf(error) });
      }
    },
    forget() {
      files = null;
      filesDueMs = 0;
    },
    async settle() {
      await reading;
    },
  };
}
