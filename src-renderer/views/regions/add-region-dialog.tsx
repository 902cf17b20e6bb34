/** Owns the dialog that adds a region: a place on the map, and the store that lies there. */
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { TextField } from '../../ui/field.tsx';
import { SelectField } from '../../ui/select.tsx';
import styles from './add-region-dialog.module.css';
import { checkRegionForm, emptyRegionForm, type RegionForm } from './add-region-model.ts';
import { cloudLocations } from './cloud-locations.ts';
import { RegionFormDialog } from './region-form-dialog.tsx';
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
  // A folder may stand anywhere; Google's list of places is as good as any.
  const places = form.kind === 'folder' ? 'gcs' : form.kind;
  const set = (change: Partial<RegionForm>) => setForm(previous => ({ ...previous, ...change }));

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

  return (
    <RegionFormDialog
      title="Add a region"
      footerNote="Copying starts at once"
      submitLabel="Add region"
      checked={checkRegionForm(form)}
      send={client.regions.add}
      onDone={region => onAdded(region.id)}
      onClose={onClose}
    >
      {problems => (
        <>
          <StoreKindField form={form} set={set} />
          <SelectField
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
            error={problems.place}
          />
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
        </>
      )}
    </RegionFormDialog>
  );
}
