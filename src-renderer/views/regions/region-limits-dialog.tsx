/** Owns the dialog of a region's limits: copies at once, bandwidth, and how often copies are read back. */
import { useState } from 'react';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { client } from '../../client/client.ts';
import { TextField } from '../../ui/field.tsx';
import { checkLimitsForm, limitsForm } from './region-facts.ts';
import { RegionFormDialog } from './region-form-dialog.tsx';

export interface RegionLimitsDialogProps {
  readonly region: Pick<RegionView, 'id' | 'name' | 'isMain' | 'limits'>;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** Closes itself once the limits hold. */
export function RegionLimitsDialog({ region, onClose, onChanged }: RegionLimitsDialogProps) {
  const [form, setForm] = useState(limitsForm(region.limits));
  return (
    <RegionFormDialog
      title={`Limits of ${region.name}`}
      footerNote="They hold at once"
      submitLabel="Change limits"
      checked={checkLimitsForm(form)}
      send={limits => client.regions.setLimits({ id: region.id, ...limits })}
      onDone={onChanged}
      onClose={onClose}
    >
      {problems => (
        <>
          {!region.isMain && (
            <>
              <TextField
                label="Copies at once"
                inputMode="numeric"
                value={form.concurrency}
                error={problems.concurrency}
                onChange={concurrency => setForm({ ...form, concurrency })}
              />
              <TextField
                label="Bandwidth in MiB a second"
                inputMode="decimal"
                hint="Of all uploads there together; empty for no limit"
                value={form.rate}
                error={problems.rate}
                onChange={rate => setForm({ ...form, rate })}
              />
            </>
          )}
          <TextField
            label="Days between two readings"
            inputMode="numeric"
            hint="Each pack is read back once in so many days, where the store's own checksums cannot prove it"
            value={form.auditDays}
            error={problems.auditDays}
            onChange={auditDays => setForm({ ...form, auditDays })}
          />
        </>
      )}
    </RegionFormDialog>
  );
}
