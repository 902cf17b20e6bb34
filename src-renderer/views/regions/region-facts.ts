/** Owns the words for what a region holds, lacks, moves and may take, and for what an audit found. Pure. */
import type { AuditFinding, AuditResult, RegionLimits } from '../../../src-main/contract/replication-api.ts';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { formatBytes, formatDuration, formatRate, plural } from '../../ui/format.ts';
import type { Checked } from './region-form-dialog.tsx';

type Lack = Pick<RegionView, 'behind' | 'behindBytes' | 'lagMs' | 'bytesPerSecond' | 'etaMs'>;

/** `3 artifacts, 1.2 GiB, for 4 min; 12 MiB/s, 2 min left`. */
export function behindWords({ behind, behindBytes, lagMs, bytesPerSecond, etaMs }: Lack): string {
  if (behind === 0) return 'nothing';
  const lack = `${plural(behind, 'artifact')}, ${formatBytes(behindBytes)}, for ${formatDuration(lagMs)}`;
  if (!bytesPerSecond) return lack;
  return `${lack}; ${formatRate(bytesPerSecond)}${etaMs === null ? '' : `, ${formatDuration(etaMs)} left`}`;
}

/** `1.2 GiB sent today, 14 GiB in 30 days; 3 MiB read back in 30 days`: what a provider may charge for. */
export function trafficWords({ traffic: { today, days30 } }: Pick<RegionView, 'traffic'>): string {
  const sent = `${formatBytes(today.sentBytes)} sent today, ${formatBytes(days30.sentBytes)} in 30 days`;
  return days30.readBytes === 0 ? sent : `${sent}; ${formatBytes(days30.readBytes)} read back in 30 days`;
}

/** `2 copies at once, 10 MiB/s, read back every 30 days`. */
export function limitWords({ concurrency, bytesPerSecond, auditDays }: RegionLimits): string {
  const rate = bytesPerSecond === null ? 'as fast as it goes' : `${formatRate(bytesPerSecond)} at most`;
  return `${concurrency === 1 ? '1 copy' : `${concurrency} copies`} at once, ${rate}, read back every ${plural(auditDays, 'day')}`;
}

/** What an audit came to, in a sentence. */
export function auditWords({ checked, documents, bytesRead, findings, moreFindings }: AuditResult): string {
  if (checked + documents === 0) return 'There was nothing to check.';
  const looked = `${plural(checked, 'pack')} and ${plural(documents, 'document')} looked at, ${formatBytes(bytesRead)} read.`;
  const wrong = findings.length + moreFindings;
  return wrong === 0
    ? `${looked} All is as it should be.`
    : `${looked} ${plural(wrong, 'object')} not as it should be:`;
}

const actions: Readonly<
  Record<AuditFinding['action'], { readonly word: string; readonly look: 'verified' | 'running' | 'stale' | 'failed' }>
> = {
  repaired: { word: 'repaired', look: 'verified' },
  queued: { word: 'copied again', look: 'running' },
  reported: { word: 'left as it is', look: 'stale' },
  failed: { word: 'not repaired', look: 'failed' },
};

/** How what was done about a finding looks, and its word. */
export function actionOf({ action }: Pick<AuditFinding, 'action'>) {
  return actions[action];
}

export interface LimitsForm {
  readonly concurrency: string;
  /** In MiB a second; empty for no limit. */
  readonly rate: string;
  readonly auditDays: string;
}

const mebibyte = 1024 * 1024;

export function limitsForm({ concurrency, bytesPerSecond, auditDays }: RegionLimits): LimitsForm {
  const rate = bytesPerSecond === null ? '' : String(Number((bytesPerSecond / mebibyte).toFixed(3)));
  return { concurrency: String(concurrency), rate, auditDays: String(auditDays) };
}

export interface LimitsProblems {
  readonly concurrency?: string;
  readonly rate?: string;
  readonly auditDays?: string;
}

function whole(text: string, most: number): number | null {
  const value = Number(text.trim());
  return /^\d+$/.test(text.trim()) && value >= 1 && value <= most ? value : null;
}

/** Bytes a second; null for no limit, undefined for what is no rate. */
function rateOf(text: string): number | null | undefined {
  const normal = text.trim().replace(',', '.');
  if (normal === '') return null;
  const bytes = /^\d+(?:\.\d+)?$/.test(normal) ? Math.round(Number(normal) * mebibyte) : 0;
  return bytes >= 1_024 && bytes <= 1024 ** 4 ? bytes : undefined;
}

/** The form as the engine wants it, or what each field lacks. */
export function checkLimitsForm(form: LimitsForm): Checked<RegionLimits, LimitsProblems> {
  const concurrency = whole(form.concurrency, 32);
  const auditDays = whole(form.auditDays, 3_650);
  const bytesPerSecond = rateOf(form.rate);
  if (concurrency !== null && auditDays !== null && bytesPerSecond !== undefined) {
    return { ok: true, input: { concurrency, bytesPerSecond, auditDays } };
  }
  return {
    ok: false,
    problems: {
      ...(concurrency === null ? { concurrency: 'A whole number from 1 to 32.' } : {}),
      ...(bytesPerSecond === undefined ? { rate: 'MiB a second, from 0.001; empty for no limit.' } : {}),
      ...(auditDays === null ? { auditDays: 'Days, from 1 to 3650.' } : {}),
    },
  };
}
