/** Owns what a build runs under: what its plan asks for, over what a person decided. */
import { totalmem } from 'node:os';
import { DomainError } from '../contract/errors.ts';
import type {
  BuildDefaults,
  BuildLimits,
  IsolationChoice,
  IsolationLevel,
  IsolationRequest,
} from '../contract/isolation.ts';
import type { Plan } from '../contract/plan.ts';
import { canWatchProcesses } from '../process/isolation/step-limits.ts';

/** One build leaves room for the person's own programs. */
const memoryShare = 0.75;

/**
 * The isolation to ask the machine for. A file may choose where the person left it at `auto`; below `bubblewrap`, once a person
 * chose that, no file goes. Throws `isolation.refused`.
 */
export function chooseIsolation(
  asked: IsolationRequest | undefined,
  person: { readonly repository: IsolationChoice | null; readonly installation: IsolationChoice },
): IsolationRequest {
  const chosen = person.repository ?? person.installation;
  if (asked === undefined || asked.level === 'auto') {
    return { level: chosen, image: null, network: asked?.network ?? true };
  }
  if (asked.level === 'none' && chosen === 'bubblewrap') {
    throw new DomainError(
      'isolation.refused',
      'slipway.yml asks for isolation "none", with which a build can act as you, and this installation isolates its builds by bubblewrap. A person may allow it: slipway isolation set --repository NAME --level none',
      { asked: asked.level, chosen },
    );
  }
  return asked;
}

/**
 * The limits of a build: those of the plan, over the installation's. Throws `isolation.limit_unsupported` for one that the plan
 * asks for and that this machine cannot hold; of the installation's such a one is left out.
 */
export function chooseLimits(
  plan: Pick<Plan, 'limits'>,
  defaults: BuildDefaults,
  level: IsolationLevel,
  canPinProcessors: boolean,
): BuildLimits {
  const isContainer = level === 'docker' || level === 'podman';
  const { limits: asked = {} } = plan;
  const lacking = [
    ...(asked.memoryBytes !== undefined && !isContainer && !canWatchProcesses ? ['memory'] : []),
    ...(asked.processes !== undefined && !isContainer && !canWatchProcesses ? ['processes'] : []),
    ...(asked.cpus !== undefined && !isContainer && !canPinProcessors ? ['cpu'] : []),
  ];
  if (lacking.length > 0) {
    throw new DomainError(
      'isolation.limit_unsupported',
      `slipway.yml limits ${lacking.join(' and ')}, which cannot be held here at level ${level}. Leave it out, or use docker or podman, which hold it on every system.`,
      { lacking, level },
    );
  }
  const canHold = isContainer || canWatchProcesses;
  const usual: BuildLimits = {
    ...(canHold && defaults.memoryBytes !== null
      ? { memoryBytes: defaults.memoryBytes === 'share' ? Math.floor(totalmem() * memoryShare) : defaults.memoryBytes }
      : {}),
    ...(canHold && defaults.processes !== null ? { processes: defaults.processes } : {}),
    ...(defaults.diskBytes !== null ? { diskBytes: defaults.diskBytes } : {}),
  };
  return { ...usual, ...asked };
}
