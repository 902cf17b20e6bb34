/** Owns why a job waits, as it stands in a line of text: the words, and the job in front as a link. */
import type { JobSummary } from '../../../src-main/contract/views/job.ts';
import { routeHref } from '../../state/route.ts';
import text from '../../ui/text.module.css';

/** Nothing for a job that does not wait. `before` stands in front of the words. */
export function WaitingWords({ job, before }: { readonly job: JobSummary; readonly before: string }) {
  const { waitingFor } = job;
  if (waitingFor === null) return null;
  return (
    <span className={text.sub} title={waitingFor.text}>
      {before}
      {waitingFor.text}
      {waitingFor.job && (
        <>
          , behind <a href={routeHref({ view: 'job', jobId: waitingFor.job.id })}>job {waitingFor.job.number}</a>
        </>
      )}
    </span>
  );
}
