/** Owns adding a repository: look at a URL or path, see branches and plan, and only then save. */
import { useState } from 'react';
import type { RepositoryInspection } from '../../../src-main/contract/views/repository.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { navigate } from '../../state/route.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { TextField } from '../../ui/field.tsx';
import { shortSha } from '../../ui/format.ts';
import { SelectField } from '../../ui/select.tsx';
import styles from './add-repository-dialog.module.css';
import { LoginForm } from './login-form.tsx';
import { PlanSteps, planOrigin } from './plan-steps.tsx';
import { loginHostOf } from './source-model.ts';

interface Looked {
  /** The URL as it was looked at: another one in the field needs another look. */
  readonly url: string;
  readonly branch: string | null;
  readonly inspection: RepositoryInspection;
}

function Plan({ inspection }: { readonly inspection: RepositoryInspection }) {
  if (inspection.plan) {
    return (
      <div className={styles.plan}>
        <h3 className={styles.planTitle}>
          What would be built <span>{planOrigin(inspection.plan)}</span>
        </h3>
        <PlanSteps plan={inspection.plan} />
      </div>
    );
  }
  if (inspection.planError) return <ErrorNotice error={{ ...inspection.planError, retry: 'never' }} />;
  return <p className={styles.waiting}>Choose a branch to see what would be built.</p>;
}

/** The dialog, docked beside whatever is shown. Closes itself and opens the repository once it is added. */
export function AddRepositoryDialog({ source, onClose }: { readonly source: string; readonly onClose: () => void }) {
  const [url, setUrl] = useState(source);
  const [name, setName] = useState('');
  const [looked, setLooked] = useState<Looked | null>(null);
  const look = useAction(async (branch: string | null) => {
    const wanted = url.trim();
    const inspection = await client.repositories.inspect({ url: wanted, branch: branch ?? undefined });
    setLooked({ url: wanted, branch: branch ?? inspection.defaultBranch, inspection });
    setName(before => before || inspection.name);
  });
  const add = useAction(async () => {
    const row = await client.repositories.add({
      url: url.trim(),
      name: name.trim() || undefined,
      branch: looked?.branch ?? undefined,
    });
    queries.refetch('overview');
    onClose();
    navigate({ view: 'repository', repositoryId: row.id });
  });
  const seen = looked !== null && looked.url === url.trim() ? looked : null;
  const error = add.error ?? look.error;
  const loginHost = error?.code === 'git.auth_failed' ? loginHostOf(error.details.url) : null;
  const canAdd = seen !== null && seen.branch !== null;

  return (
    <DockedDialog
      title="Add a repository"
      wide
      onClose={onClose}
      footerNote={seen ? 'It is built as soon as it is added.' : 'Nothing is saved before you add it.'}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button variant="primary" disabled={!canAdd} busy={add.busy} onClick={() => void add.run()}>
            {add.busy ? 'Adding' : 'Add repository'}
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={event => {
          event.preventDefault();
          if (url.trim() !== '') void look.run(null);
        }}
      >
        <div className={styles.source}>
          <TextField
            label="URL or path"
            value={url}
            onChange={setUrl}
            placeholder="https://example.com/team/app.git, git@host:path, owner/name or svn://host/path"
            autoFocus
            spellCheck={false}
            autoComplete="off"
            maxLength={2_000}
          />
          <Button type="submit" busy={look.busy} disabled={url.trim() === ''}>
            {look.busy ? 'Looking' : 'Look'}
          </Button>
        </div>
        {seen && (
          <>
            <SelectField
              label="Branch to deploy"
              value={seen.branch}
              placeholder="Choose a branch"
              disabled={look.busy}
              options={seen.inspection.branches.map(branch => ({
                value: branch.name,
                label: branch.name,
                detail: shortSha(branch.revision),
              }))}
              onChange={branch => void look.run(branch)}
            />
            <TextField label="Name" value={name} onChange={setName} maxLength={100} />
          </>
        )}
      </form>
      {/* Nothing is saved yet, so nothing is tried again by itself. */}
      {error && <ErrorNotice error={{ code: error.code, message: error.message, retry: 'user' }} />}
      {loginHost !== null && <LoginForm host={loginHost} onGiven={() => void look.run(null)} />}
      {seen && <Plan inspection={seen.inspection} />}
    </DockedDialog>
  );
}
