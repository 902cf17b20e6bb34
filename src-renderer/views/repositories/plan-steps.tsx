/** Owns how a plan is shown: each step with its command and the evidence that put it there. */
import type { Evidence, Plan } from '../../../src-main/contract/plan.ts';
import styles from './plan-steps.module.css';

/** `package.json:12: has a build script`. */
function evidenceWords(evidence: Evidence): string {
  const at = evidence.line === null ? evidence.file : `${evidence.file}:${evidence.line}`;
  return `${at}: ${evidence.reason}`;
}

/** Where a plan comes from, in words. */
export function planOrigin(plan: Plan): string {
  return plan.origin === 'pipeline' ? 'from slipway.yml' : `detected: ${plan.tool}`;
}

/** A plan. */
export function PlanSteps({ plan }: { readonly plan: Plan }) {
  const names = [...Object.keys(plan.env), ...plan.steps.flatMap(step => Object.keys(step.env))];
  return (
    <div>
      <ol className={styles.steps}>
        {plan.steps.map((step, index) => (
          <li key={step.id} className={styles.step}>
            <span className={styles.number}>{index + 1}</span>
            <div>
              <div className={styles.name}>
                {step.name}
                <span className={styles.phase}>{step.phase}</span>
              </div>
              <code className={styles.command}>{step.run}</code>
              {step.evidence.map(evidence => (
                <span key={evidenceWords(evidence)} className={styles.evidence}>
                  {evidenceWords(evidence)}
                </span>
              ))}
            </div>
          </li>
        ))}
      </ol>
      <dl className={styles.facts}>
        {plan.requirements.length > 0 && (
          <>
            <dt>Needs</dt>
            <dd>
              {plan.requirements
                .map(tool => (tool.version ? `${tool.program} ${tool.version}` : tool.program))
                .join(', ')}
            </dd>
          </>
        )}
        <dt>Delivers</dt>
        <dd>
          <code>{plan.artifact.include.join(' ')}</code>
        </dd>
        {plan.start && (
          <>
            <dt>Starts with</dt>
            <dd>
              <code>{plan.start}</code>
            </dd>
          </>
        )}
        {names.length > 0 && (
          <>
            <dt>Sets</dt>
            <dd>
              <code>{[...new Set(names)].join(' ')}</code>
            </dd>
          </>
        )}
        {plan.secrets.length > 0 && (
          <>
            <dt>Secrets</dt>
            <dd>
              <code>{plan.secrets.join(' ')}</code>
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}
