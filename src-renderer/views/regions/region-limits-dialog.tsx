/** Owns the dialog of a region's limits: copies at once, bandwidth, and how often copies are read back. */
import { type FormEvent, useId, useState } from 'react';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextField } from '../../ui/field.tsx';
import styles from './add-region-dialog.module.css';
import { checkLimitsForm, limitsForm } from './region-facts.ts';

export interface RegionLimitsDialogProps {
  readonly region: Pick<RegionView, 'id' | 'name' | 'isMain' | 'limits'>;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** Closes itself once the limits hold. */
export function RegionLimitsDialog({ region, onClose, onChanged }: RegionLimitsDialogProps) {
  const [form, setForm] = useState(limitsForm(region.limits));
  const [tried, setTried] = useState(false);
  const formId = useId();
  const checked = checkLimitsForm(form);
  const problems = tried && !checked.ok ? checked.problems : {};
  const change = useAction(client.regions.setLimits);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!checked.ok || !(await change.run({ id: region.id, ...checked.limits }))) return;
    onChanged();
    onClose();
  };

  return (
    <DockedDialog
      title={`Limits of ${region.name}`}
      onClose={onClose}
      footerNote="They hold at once"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={formId} busy={change.busy}>
            Change limits
          </Button>
        </>
      }
    >
      <form id={formId} className={styles.form} onSubmit={event => void submit(event)} noValidate>
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
        {change.error && (
          <ErrorNotice error={{ code: change.error.code, message: change.error.message, retry: 'user' }} />
        )}
      </form>
    </DockedDialog>
  );
}
