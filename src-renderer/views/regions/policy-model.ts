/** Owns the words and the form of which regions hold which versions of a repository. Pure. */
import type { ReplicationPolicyView } from '../../../src-main/contract/replication-api.ts';
import { plural } from '../../ui/format.ts';
import type { Checked } from './region-form-dialog.tsx';

export interface PolicyForm {
  /** Every region, those that are added later too. */
  readonly everywhere: boolean;
  readonly regionIds: readonly string[];
  /** Empty for every version. */
  readonly versions: string;
}

export interface PolicyProblems {
  readonly versions?: string;
}

/** A region that was removed since is left out. */
export function policyForm(policy: ReplicationPolicyView, known: readonly string[]): PolicyForm {
  return {
    everywhere: policy.regionIds === null,
    regionIds: known.filter(id => policy.regionIds === null || policy.regionIds.includes(id)),
    versions: policy.versions === null ? '' : String(policy.versions),
  };
}

export function checkPolicyForm(form: PolicyForm): Checked<ReplicationPolicyView, PolicyProblems> {
  const words = form.versions.trim();
  const versions = words === '' ? null : Number(words);
  const isVersions = versions === null || (/^\d+$/.test(words) && versions >= 1 && versions <= 100_000);
  if (!isVersions) return { ok: false, problems: { versions: 'A whole number from 1 to 100000; empty for all.' } };
  return { ok: true, input: { regionIds: form.everywhere ? null : [...form.regionIds], versions } };
}

/** `the newest 20 versions in 2 regions`. */
export function policyWords({ regionIds, versions }: ReplicationPolicyView): string {
  const kept = versions === null ? 'every version' : `the newest ${plural(versions, 'version')}`;
  if (regionIds === null) return `${kept} in every region`;
  return regionIds.length === 0 ? 'copied to no region' : `${kept} in ${plural(regionIds.length, 'region')}`;
}
