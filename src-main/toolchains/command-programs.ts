/** Owns which known tools a pipeline's commands need, read off their first words. Runs nothing. */
import type { PlanStep, ToolRequirement } from '../contract/plan.ts';
import { knownTools } from './known-tools.ts';

/** Commands of every shell that bring no program with them. */
const harmless = new Set(['cd', 'cp', 'echo', 'export', 'ls', 'mkdir', 'mv', 'printf', 'pwd', 'rm', 'set', 'true']);

/**
 * The tools that the steps surely need before any of them runs.
 *
 * Reading ends at the first command that is no known tool, or that may install one: what comes after it may find
 * programs that are not there yet, and a build must not be refused for them.
 */
export function commandPrograms(steps: readonly PlanStep[]): ToolRequirement[] {
  const found = new Map<string, ToolRequirement>();
  for (const step of steps) {
    const [evidence] = step.evidence;
    if (evidence === undefined) continue;
    for (const command of commandsOf(step.run)) {
      const [program, ...rest] = command.split(/\s+/);
      if (program !== undefined && harmless.has(program)) continue;
      if (program === undefined || !Object.hasOwn(knownTools, program)) return [...found.values()];
      if (!found.has(program)) {
        found.set(program, { program, version: null, evidence: { ...evidence, reason: `a step runs ${program}` } });
      }
      if (rest.some(word => /^(install|add|setup|enable|global)$/.test(word))) return [...found.values()];
    }
  }
  return [...found.values()];
}

/** The simple commands of a command line. Quoting is not followed: a wrong cut ends the reading, and costs nothing. */
function commandsOf(run: string): string[] {
  return run
    .split(/&&|;|\n/)
    .map(command => command.trim())
    .filter(command => command !== '' && !command.startsWith('#'));
}
