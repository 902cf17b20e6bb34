/** Owns the dialog of which regions hold which versions of a repository. */
import { useState } from 'react';
import type { ReplicationPolicyView } from '../../../src-main/contract/replication-api.ts';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { client } from '../../client/client.ts';
import { CheckField, TextField } from '../../ui/field.tsx';
import { checkPolicyForm, policyForm } from './policy-model.ts';
import { RegionFormDialog } from './region-form-dialog.tsx';

export interface PolicyDialogProps {
  readonly repository: { readonly id: string; readonly name: string };
  readonly policy: ReplicationPolicyView;
  readonly regions: readonly RegionView[];
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** Closes itself once the policy holds. */
export function PolicyDialog({ repository, policy, regions, onClose, onChanged }: PolicyDialogProps) {
  const places = regions.filter(region => !region.isMain);
  const [form, setForm] = useState(() =>
    policyForm(
      policy,
      places.map(({ id }) => id),
    ),
  );
  const turn = (id: string, isHeld: boolean) =>
    setForm({ ...form, regionIds: isHeld ? [...form.regionIds, id] : form.regionIds.filter(one => one !== id) });
  return (
    <RegionFormDialog
      title={`Copies of ${repository.name}`}
      footerNote="It holds at once"
      submitLabel="Change copies"
      checked={checkPolicyForm(form)}
      send={change => client.replicationPolicy.set({ repositoryId: repository.id, ...change })}
      onDone={onChanged}
      onClose={onClose}
    >
      {problems => (
        <>
          <TextField
            label="Newest versions"
            inputMode="numeric"
            hint="So many are held in each region, besides what channels and machines use; others are removed there. Empty for every version"
            value={form.versions}
            error={problems.versions}
            onChange={versions => setForm({ ...form, versions })}
          />
          <CheckField
            label="Every region"
            hint="Those that are added later too"
            checked={form.everywhere}
            onChange={everywhere => setForm({ ...form, everywhere })}
          />
          {!form.everywhere &&
            places.map(({ id, name, location }) => (
              <CheckField
                key={id}
                label={name}
                hint={location}
                checked={form.regionIds.includes(id)}
                onChange={isHeld => turn(id, isHeld)}
              />
            ))}
        </>
      )}
    </RegionFormDialog>
  );
}
