/** Owns reading a GitHub Actions workflow: its `run:` steps, env and matrix as a pipeline, and all that could not come along. */
import { z } from 'zod';
import { type Phase, phaseSchema } from '../contract/plan.ts';
import { fillExpressions, type Values } from './github-expressions.ts';
import { combinationsOf } from './github-matrix.ts';
import { maxProblems, type ParsedPipeline, parsePipelineText, type YamlPath } from './parse-pipeline.ts';
import { invalid } from './read-pipeline.ts';
import type { DraftStep, PipelineDraft } from './write-pipeline.ts';

export interface NotCarried {
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
  readonly why: string;
}

/** As many steps as a pipeline file may have. */
const maxSteps = 200;
const variable = /^[A-Za-z_][A-Za-z0-9_]*$/;

const scalarSchema = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const envSchema = z.record(z.string(), scalarSchema.nullable()).catch({});
const runDefaults = z.looseObject({
  run: z.looseObject({ shell: z.string().optional(), 'working-directory': z.string().optional() }).optional(),
});
const stepSchema = z.looseObject({
  name: scalarSchema.optional(),
  run: z.string().optional(),
  uses: z.string().optional(),
  env: envSchema.optional(),
  if: scalarSchema.optional(),
  shell: z.string().optional(),
  'working-directory': z.string().optional(),
  'timeout-minutes': z.union([z.number(), z.string()]).optional(),
});
const jobSchema = z.looseObject({
  name: scalarSchema.optional(),
  needs: z.union([z.string().transform(name => [name]), z.array(z.string())]).optional(),
  env: envSchema.optional(),
  if: scalarSchema.optional(),
  strategy: z.looseObject({ matrix: z.unknown().optional() }).optional(),
  defaults: runDefaults.optional(),
  steps: z.array(stepSchema).max(1_000).optional(),
});
const workflowSchema = z.looseObject({
  env: envSchema.optional(),
  defaults: runDefaults.optional(),
  jobs: z.record(z.string(), jobSchema),
});
type Job = z.infer<typeof jobSchema>;
type Step = z.infer<typeof stepSchema>;

/** Of a job: what else GitHub does for it. What only speaks to GitHub (names, permissions, outputs of one run) is no loss. */
const jobExtras: Readonly<Record<string, string>> = {
  container: 'the steps run on this machine, with the tools that it has',
  services: 'start what the steps need in a step of its own',
  uses: 'another workflow runs there; take its steps over by hand',
  environment: 'a channel has its own environment',
  'continue-on-error': 'a step that fails ends the build',
};

/** What well-known actions did, and what does it here. */
const knownActions: readonly (readonly [string, string])[] = [
  ['actions/checkout', 'Slipway checks out by itself'],
  ['actions/setup-', 'the tool is taken from this machine; install it there'],
  ['actions/cache', 'tools keep their caches on this machine'],
  ['actions/upload-artifact', 'name the paths under "artifact"'],
  ['actions/download-artifact', 'all steps run in one tree'],
];

/**
 * What of a workflow a pipeline can do, and the rest with its line. Jobs follow each other as they need each other; a job whose steps
 * or env use its matrix is repeated for each combination that they can see.
 *
 * Throws `pipeline.invalid` for what is no workflow.
 */
export function draftOfWorkflow(
  file: string,
  text: string,
): { readonly draft: PipelineDraft; readonly notCarried: readonly NotCarried[] } {
  const parsed = parsePipelineText(text);
  if (parsed.problems.length > 0) throw invalid(file, parsed.problems);
  const result = workflowSchema.safeParse(parsed.value);
  if (!result.success) {
    const problems = result.error.issues.slice(0, maxProblems).map(issue => ({
      ...parsed.positionOf(issue.path),
      message: `this is no GitHub workflow: ${issue.path.join('.')}: ${issue.message}`,
    }));
    throw invalid(file, problems);
  }
  const workflow = result.data;
  const taking = startTaking(file, parsed);
  const top = taking.variables(workflow.env ?? {}, {}, ['env']);
  for (const name of inOrder(workflow.jobs)) {
    const job = workflow.jobs[name];
    if (job !== undefined) taking.job(name, job, workflow, top);
  }
  const { steps, notCarried, secrets } = taking;
  const comments = [`Taken over from ${file}.`, ...(notCarried.length > 0 ? ['Not carried over:'] : [])];
  const missing = notCarried.map(({ line, what, why }) => `  line ${line}: ${what}: ${why}`);
  return {
    draft: { comments: [...comments, ...missing], steps, env: top, secrets: [...secrets].sort() },
    notCarried,
  };
}

/** Each job after those that it needs; in the file's order where that is left open, or where they go in a circle. */
function inOrder(jobs: Readonly<Record<string, Job>>): string[] {
  const order: string[] = [];
  const waiting = new Set(Object.keys(jobs));
  while (waiting.size > 0) {
    const names = [...waiting];
    const next = names.find(name => !(jobs[name]?.needs ?? []).some(needed => waiting.has(needed))) ?? names[0];
    if (next === undefined) return order;
    waiting.delete(next);
    order.push(next);
  }
  return order;
}

/** Takes jobs over one after another, and remembers what was left behind. */
function startTaking(file: string, parsed: ParsedPipeline) {
  const steps: DraftStep[] = [];
  const notCarried: NotCarried[] = [];
  const secrets = new Set<string>();

  const miss = (path: YamlPath, what: string, why: string) => {
    const { line } = parsed.positionOfKey(path);
    if (notCarried.some(known => known.line === line && known.what === what)) return;
    notCarried.push({ line, what: what.split('\n')[0]?.slice(0, 120) ?? '', why });
  };

  /** Variables that get a secret of another name, and which. */
  const renamedSecrets = (env: Readonly<Record<string, string | null>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) => {
        const secret = secretOf(value);
        return secret === null || secret === name || !variable.test(name) ? [] : [[name, secret]];
      }),
    );

  /** Values that are known now; a secret of the same name becomes one here. */
  const variables = (env: Readonly<Record<string, string | null>>, known: Values, path: YamlPath) => {
    const taken: Record<string, string> = {};
    for (const [name, value] of Object.entries(env)) {
      if (value === null) continue;
      const secret = secretOf(value);
      if (secret !== null && variable.test(name)) {
        secrets.add(secret);
        continue;
      }
      const filled = fillExpressions(value, known);
      if ('unknown' in filled) miss([...path, name], `env ${name}`, `\${{ ${filled.unknown} }} has no value here`);
      else if (!variable.test(name)) miss([...path, name], `env ${name}`, 'no variable can have this name');
      else taken[name] = filled.text;
    }
    return taken;
  };

  const job = (
    name: string,
    facts: Job,
    workflow: Pick<z.infer<typeof workflowSchema>, 'defaults' | 'env'>,
    top: Readonly<Record<string, string>>,
  ) => {
    const path = ['jobs', name];
    for (const [key, why] of Object.entries(jobExtras)) {
      if (facts[key] !== undefined && facts[key] !== false) miss([...path, key], `${key} of the job ${name}`, why);
    }
    const runner = facts['runs-on'];
    if (typeof runner === 'string' && /windows|macos/i.test(runner)) {
      miss([...path, 'runs-on'], `runs-on: ${runner}`, 'the steps run on this machine');
    }
    if (facts.if !== undefined && !isAlways(facts.if)) {
      miss([...path, 'if'], `the job ${name}, which runs if ${facts.if}`, 'give its steps a "when" by hand');
      return;
    }
    // What the steps and env of the job can see of it.
    const seen = JSON.stringify([
      facts.steps?.map(step => (step.run ? [step.run, step.env, step.name] : step.env)),
      facts.env,
    ]);
    const combinations = combinationsOf(facts.strategy?.matrix, seen, (axis, what, why) =>
      miss([...path, 'strategy', 'matrix', ...axis], what, why),
    );
    const inherited = { ...workflow.defaults?.run, ...facts.defaults?.run };
    for (const values of combinations) {
      const suffix = Object.values(values).length === 0 ? '' : ` (${Object.values(values).join(', ')})`;
      const known = { env: top, matrix: values };
      const jobEnv = variables(facts.env ?? {}, known, [...path, 'env']);
      for (const [index, step] of (facts.steps ?? []).entries()) {
        const place = [...path, 'steps', index];
        const env = {
          ...jobEnv,
          ...variables(step.env ?? {}, { ...known, env: { ...top, ...jobEnv } }, [...place, 'env']),
        };
        const named = renamedSecrets({ ...workflow.env, ...facts.env, ...step.env });
        takeStep(step, place, { suffix, env, named, known: { ...known, env: { ...top, ...env } }, inherited });
      }
    }
  };

  const takeStep = (
    step: Step,
    path: YamlPath,
    around: {
      readonly suffix: string;
      readonly env: Readonly<Record<string, string>>;
      /** Variables by the secret that they get: a step knows each secret by its own name alone. */
      readonly named: Readonly<Record<string, string>>;
      readonly known: Values;
      readonly inherited: { shell?: string | undefined; 'working-directory'?: string | undefined };
    },
  ) => {
    if (step.uses !== undefined) {
      const { uses } = step;
      const known = knownActions.find(([action]) => uses.startsWith(action));
      miss(path, `uses: ${uses}`, known?.[1] ?? 'an action of GitHub; write what it does as a command');
      return;
    }
    if (step.run === undefined) return;
    const what = `run: ${step.name ?? step.run.trim()}`;
    const shell = step.shell ?? around.inherited.shell;
    if (shell !== undefined && !/^(?:ba)?sh\b/.test(shell)) return miss(path, what, `it needs the shell ${shell}`);
    const when = conditionOf(step.if);
    if (when === null) return miss(path, what, `it runs if ${step.if}; give it a "when" by hand`);
    if (/\$\{?GITHUB_(?:ENV|OUTPUT|PATH|STATE)\b/.test(step.run)) {
      return miss(path, what, 'it hands values to later steps by a file of GitHub');
    }
    const run = fillExpressions(step.run, around.known, secrets);
    if ('unknown' in run) return miss(path, what, `\${{ ${run.unknown} }} has no value here`);
    if (steps.length >= maxSteps) return miss(path, what, `a pipeline has at most ${maxSteps} steps`);
    if (step['continue-on-error'] === true)
      miss(path, `continue-on-error of ${what}`, 'a step that fails ends the build');
    if (/\[\[|pipefail|<<<|^\s*source /m.test(run.text))
      miss(path, `bash for ${what}`, 'the command line runs in /bin/sh');
    const folder = step['working-directory'] ?? around.inherited['working-directory'];
    const title = fillExpressions(step.name ?? '', around.known);
    const name = ('text' in title && title.text.trim()) || (step.run.trim().split('\n')[0] ?? 'Step');
    const minutes = Number(step['timeout-minutes']);
    const before = [
      ...(folder === undefined || folder === '.' ? [] : [`cd '${folder.replaceAll("'", `'\\''`)}'\n`]),
      ...Object.entries(around.named).map(([variableName, secret]) => `export ${variableName}="$${secret}"\n`),
    ];
    steps.push({
      name: `${name.slice(0, 120)}${around.suffix}`,
      phase: atLeast(steps.at(-1)?.phase, phaseOf(name)),
      run: `${before.join('')}${run.text}`,
      env: around.env,
      ...(minutes > 0 && minutes <= 1_440 ? { timeoutMs: Math.round(minutes * 60_000) } : {}),
      ...(when === undefined ? {} : { when: { branches: [when] } }),
      comments: [`${file}:${parsed.positionOf(path).line}`],
    });
  };

  return { steps, notCarried, secrets, variables, job };
}

/** The workflow's order is kept, whatever a later step is called: phases never step back. */
function atLeast(last: Phase | undefined, phase: Phase): Phase {
  const order = phaseSchema.options;
  return last !== undefined && order.indexOf(last) > order.indexOf(phase) ? last : phase;
}

function phaseOf(name: string): Phase {
  if (/\b(?:tests?|lint|check|verify)\b/i.test(name)) return 'test';
  return /\b(?:install|setup|set up|bootstrap|npm ci)\b/i.test(name) ? 'prepare' : 'build';
}

/** The secret whose value is all of `value`; null for anything else. */
function secretOf(value: string | null): string | null {
  return /^\$\{\{\s*secrets\.(\w{1,200})\s*\}\}$/.exec(value ?? '')?.[1] ?? null;
}

const isAlways = (condition: string) => /^(?:\$\{\{)?\s*(?:always|success)\(\)\s*(?:\}\})?$/.test(condition.trim());

/** The branch of a condition that names one; undefined where it always holds; null where it cannot be said here. */
function conditionOf(condition: string | undefined): string | undefined | null {
  if (condition === undefined || isAlways(condition)) return undefined;
  const branch = /^(?:\$\{\{)?\s*github\.ref(?:_name)? == '(?:refs\/heads\/)?([\w./-]{1,200})'\s*(?:\}\})?$/;
  return branch.exec(condition.trim())?.[1] ?? null;
}
