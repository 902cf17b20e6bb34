/** Owns the fields of a new region's store: which kind, its URL, and what opens it. */
import { TextArea, TextField } from '../../ui/field.tsx';
import { SelectField } from '../../ui/select.tsx';
import {
  type AccessChoice,
  type AccessForm,
  type AccessProblems,
  accessWords,
  type RegionForm,
  type RegionProblems,
  type StoreKind,
  storeKinds,
} from './add-region-model.ts';

const kinds: readonly StoreKind[] = ['folder', 'gcs', 's3', 'azure'];

export interface StoreFieldsProps {
  readonly form: RegionForm;
  readonly problems: RegionProblems;
  readonly set: (change: Partial<RegionForm>) => void;
}

/** The kind of the store. Another kind has other places and other credentials: what was chosen of them goes. */
export function StoreKindField({ form, set }: Pick<StoreFieldsProps, 'form' | 'set'>) {
  return (
    <SelectField
      label="Kind of store"
      value={form.kind}
      options={kinds.map(kind => ({ value: kind, label: storeKinds[kind].label }))}
      onChange={kind =>
        set({ kind, access: 'chain', accessId: '', secret: '', ...(form.elsewhere ? {} : { location: '' }) })
      }
    />
  );
}

/** The store's URL, and for a private one its credentials. */
export function StoreFields({ form, problems, set }: StoreFieldsProps) {
  return (
    <>
      <TextField
        label="Store"
        value={form.storeUrl}
        error={problems.storeUrl ?? null}
        hint={storeKinds[form.kind].example}
        spellCheck={false}
        autoComplete="off"
        onChange={storeUrl => set({ storeUrl })}
      />
      <AccessFields kind={form.kind} form={form} problems={problems} set={set} />
    </>
  );
}

export interface AccessFieldsProps {
  readonly kind: StoreKind;
  readonly form: AccessForm;
  readonly problems: AccessProblems;
  readonly set: (change: Partial<AccessForm>) => void;
}

/** What opens a store of that kind: kept encrypted, and never shown again. */
export function AccessFields({ kind, form, problems, set }: AccessFieldsProps) {
  const { accesses } = storeKinds[kind];
  return (
    <>
      {accesses.length > 1 && (
        <SelectField<AccessChoice>
          label="Access"
          value={form.access}
          options={accesses.map(access => ({ value: access, label: accessWords[access].label }))}
          onChange={access => set({ access, secret: '' })}
        />
      )}
      {form.access === 'access-key' && (
        <TextField
          label="Access key id"
          value={form.accessId}
          error={problems.accessId ?? null}
          spellCheck={false}
          autoComplete="off"
          onChange={accessId => set({ accessId })}
        />
      )}
      {form.access !== 'chain' && (
        <TextArea
          label={accessWords[form.access].secret}
          concealed
          value={form.secret}
          error={problems.secret ?? null}
          hint="Kept encrypted under the master key, for this store alone; never shown again"
          onChange={secret => set({ secret })}
        />
      )}
    </>
  );
}
