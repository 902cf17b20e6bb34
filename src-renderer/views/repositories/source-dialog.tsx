/** Owns the dialog of a repository's source: how often it is looked at, what of it makes jobs, and what is fetched. */
import { useState } from 'react';
import type { RepositoryDetail } from '../../../src-main/contract/views/repository.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { CheckField, TextArea, TextField } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { changeOf, fieldsOf, problemsOf, type SourceFields } from './source-model.ts';

export function SourceDialog({
  repository,
  onClose,
}: {
  readonly repository: RepositoryDetail;
  readonly onClose: () => void;
}) {
  const { id, vcs, source, polling } = repository;
  const [fields, setFields] = useState(() => fieldsOf(source, polling.chosenMs));
  const change = (part: Partial<SourceFields>) => setFields(before => ({ ...before, ...part }));
  const problems = problemsOf(fields);
  const fits = Object.keys(problems).length === 0;
  const save = useAction(async () => {
    const { source: next, intervalMs } = changeOf(fields);
    await client.repositories.setSource({ id, ...next });
    await client.repositories.setPolling({ id, intervalMs });
    queries.refetch(`repository:${id}`);
    onClose();
  });
  return (
    <FormDialog
      title={`Source of ${repository.name}`}
      onClose={onClose}
      footerNote="It holds from the next look on."
      submitLabel="Save"
      fits={fits}
      action={save}
      onSubmit={() => void save.run()}
    >
      <TextField
        label="Looked at every … seconds"
        value={fields.pollSeconds}
        onChange={pollSeconds => change({ pollSeconds })}
        inputMode="numeric"
        hint="Empty for what the installation does."
        error={problems.pollSeconds ?? null}
      />
      <TextArea
        label="Only changes below these paths make jobs"
        value={fields.paths}
        onChange={paths => change({ paths })}
        hint="One on each line, such as packages/api. Empty for every change."
        error={problems.paths ?? null}
      />
      {vcs === 'git' && (
        <TextField
          label="Tags that make jobs, in place of the branch"
          value={fields.tags}
          onChange={tags => change({ tags })}
          hint="A pattern such as v*. Empty for the branch."
          error={problems.tags ?? null}
          spellCheck={false}
        />
      )}
      <CheckField
        label="Every commit makes a job"
        hint="Also those between two looks, not only the newest."
        checked={fields.everyCommit}
        onChange={everyCommit => change({ everyCommit })}
      />
      {vcs === 'git' ? (
        <>
          <CheckField
            label="Fetch submodules"
            hint="From wherever .gitmodules says, by the rules for repositories that are added."
            checked={fields.submodules}
            onChange={submodules => change({ submodules })}
          />
          <CheckField
            label="Fetch LFS files"
            hint="From the repository's own server. Needs git-lfs here."
            checked={fields.lfs}
            onChange={lfs => change({ lfs })}
          />
        </>
      ) : (
        <CheckField
          label="Fetch svn:externals"
          hint="Without it, a tree that has such is refused."
          checked={fields.externals}
          onChange={externals => change({ externals })}
        />
      )}
    </FormDialog>
  );
}
