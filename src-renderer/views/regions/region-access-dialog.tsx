/** Owns the dialog that replaces the credentials of a region's store. What was set before is never shown. */
import { useState } from 'react';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { client } from '../../client/client.ts';
import text from '../../ui/text.module.css';
import { type AccessForm, checkAccessForm, type StoreKind } from './add-region-model.ts';
import { RegionFormDialog } from './region-form-dialog.tsx';
import { AccessFields } from './store-fields.tsx';

export interface RegionAccessDialogProps {
  readonly region: Pick<RegionView, 'name' | 'storeUrl' | 'isMain'>;
  readonly kind: StoreKind;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** Closes itself once they are kept. */
export function RegionAccessDialog({ region, kind, onClose, onChanged }: RegionAccessDialogProps) {
  const { storeUrl } = region;
  const [form, setForm] = useState<AccessForm>({ access: 'chain', accessId: '', secret: '' });
  return (
    <RegionFormDialog
      title={`Credentials of ${region.name}`}
      footerNote={region.isMain ? 'At the next start' : 'They hold at once'}
      submitLabel="Replace credentials"
      checked={checkAccessForm(form)}
      send={async access => {
        if (access !== null) await client.storeAccess.set({ storeUrl, access });
        // Without any set there is nothing to remove: the provider's tools are asked already.
        else if ((await client.storeAccess.list()).some(known => known.storeUrl === storeUrl)) {
          await client.storeAccess.remove({ storeUrl });
        }
      }}
      onDone={onChanged}
      onClose={onClose}
    >
      {problems => (
        <>
          <p className={text.sub}>
            For {storeUrl}. {!region.isMain && 'Copies that failed start again with them.'}
          </p>
          <AccessFields
            kind={kind}
            form={form}
            problems={problems}
            set={change => setForm(previous => ({ ...previous, ...change }))}
          />
        </>
      )}
    </RegionFormDialog>
  );
}
