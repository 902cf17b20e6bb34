/** Owns the dialog that adds a region: a place on the map, and the store that lies there. */
import { type FormEvent, useId, useState } from 'react';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextField } from '../../ui/field.tsx';
import { Select } from '../../ui/select.tsx';
import text from '../../ui/text.module.css';
import styles from './add-region-dialog.module.css';
import { checkRegionForm, emptyRegionForm, type RegionForm } from './add-region-model.ts';
import { cloudLocations } from './cloud-locations.ts';
import { StoreFields, StoreKindField } from './store-fields.tsx';

const elsewhere = 'elsewhere';

/** Adds a region. Closes itself once it is added, and tells which one it was. */
export function AddRegionDialog({
  onClose,
  onAdded,
}: {
  readonly onClose: () => void;
  readonly onAdded: (id: string) => void;
}) {
  const [form, setForm] = useState<RegionForm>(emptyRegionForm);
  const [tried, setTried] = useState(false);
  const formId = useId();
  const checked = checkRegionForm(form);
  // A folder may stand anywhere; Google's list of places is as good as any.
  const places = form.kind === 'folder' ? 'gcs' : form.kind;
  const add = useAction(client.regions.add);
  const set = (change: Partial<RegionForm>) => setForm(previous => ({ ...previous, ...change }));
  const problems = tried && !checked.ok ? checked.problems : {};

  const choose = (id: string) => {
    const location = cloudLocations.find(one => one.id === id);
    if (!location) set({ location: '', elsewhere: true });
    else {
      set({
        elsewhere: false,
        location: location.id,
        name: location.name,
        latitude: String(location.latitude),
        longitude: String(location.longitude),
      });
    }
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!checked.ok) return;
    const region = await add.run(checked.input);
    if (!region) return;
    onAdded(region.id);
    onClose();
  };

  return (
    <DockedDialog
      title="Add a region"
      onClose={onClose}
      footerNote="Copying starts at once"
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" type="submit" form={formId} busy={add.busy}>
            Add region
          </Button>
        </>
      }
    >
      <form id={formId} className={styles.form} onSubmit={event => void submit(event)} noValidate>
        <StoreKindField form={form} set={set} />
        <div className={styles.place}>
          <span className={text.sub}>Place</span>
          <Select
            label="Place"
            placeholder="Choose a location"
            value={form.elsewhere ? elsewhere : form.location || null}
            options={[
              ...cloudLocations
                .filter(({ provider }) => provider === places)
                .map(location => ({ value: location.id, label: location.name, detail: location.id })),
              { value: elsewhere, label: 'Another place', detail: 'by coordinates' },
            ]}
            onChange={choose}
          />
          {problems.place && <span className={styles.problem}>{problems.place}</span>}
        </div>
        <TextField label="Name" value={form.name} error={problems.name} onChange={name => set({ name })} />
        {form.elsewhere && (
          <div className={styles.pair}>
            <TextField
              label="Latitude"
              inputMode="decimal"
              hint="−90 to 90"
              value={form.latitude}
              error={problems.latitude}
              onChange={latitude => set({ latitude })}
            />
            <TextField
              label="Longitude"
              inputMode="decimal"
              hint="−180 to 180"
              value={form.longitude}
              error={problems.longitude}
              onChange={longitude => set({ longitude })}
            />
          </div>
        )}
        <StoreFields form={form} problems={problems} set={set} />
        {/* Nothing is saved yet, so nothing is tried again by itself. */}
        {add.error && <ErrorNotice error={{ code: add.error.code, message: add.error.message, retry: 'user' }} />}
      </form>
    </DockedDialog>
  );
}
