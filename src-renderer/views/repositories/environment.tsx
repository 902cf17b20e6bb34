/** Owns the environment of a repository's builds: variables with where each is set, and the names of secrets. */
import { KeyRound, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { RelativeTime } from '../../ui/time.tsx';
import styles from './environment.module.css';
import { type AskedValue, ValueDialog } from './environment-dialog.tsx';
import { isOverridden, originWords } from './environment-model.ts';

const icon = { size: 14, strokeWidth: 1.5, 'aria-hidden': true } as const;

/** The section of the repository's view. */
export function Environment({ repositoryId }: { readonly repositoryId: string }) {
  const query = useQuery(
    `environment:${repositoryId}`,
    () => client.environment.get({ repositoryId }),
    ['repository', 'job'],
    { repositoryId },
  );
  const [asked, setAsked] = useState<AskedValue | null>(null);
  const environment = query.data;
  if (!environment) return query.error ? <ErrorNotice error={query.error} onRetry={query.refetch} /> : null;
  const { variables, secrets } = environment;
  return (
    <div className={styles.environment}>
      {variables.length === 0 && secrets.length === 0 && (
        <p className={text.sub}>Builds get no variables or secrets of their own yet.</p>
      )}
      {variables.length > 0 && (
        <table className={classes(table.table, table.slim)} aria-label="Variables">
          <tbody>
            {variables.map(variable => (
              <tr key={`${variable.name} ${variable.origin} ${variable.step}`}>
                <td className={text.mono} title={variable.name}>
                  {variable.name}
                </td>
                <td
                  className={classes(text.mono, isOverridden(variable, variables) && styles.overridden)}
                  title={variable.value}
                >
                  {variable.value}
                </td>
                <td className={classes(styles.origin, text.sub)} title={originWords(variable)}>
                  {originWords(variable)}
                </td>
                <td className={styles.act}>
                  {variable.origin === 'repository' && (
                    <IconButton
                      small
                      label={`Remove ${variable.name}`}
                      onClick={() => setAsked({ act: 'remove', kind: 'variable', name: variable.name })}
                    >
                      <Trash2 {...icon} />
                    </IconButton>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {secrets.length > 0 && <h3 className={text.sub}>Secrets</h3>}
      {secrets.length > 0 && (
        <table className={classes(table.table, table.slim)} aria-label="Secrets">
          <tbody>
            {secrets.map(({ name, setAtMs, used }) => (
              <tr key={name}>
                <td className={text.mono} title={name}>
                  {name}
                </td>
                <td className={classes(text.sub, setAtMs === null && text.failed)}>
                  {setAtMs === null ? (
                    'asked for, not set'
                  ) : (
                    <>
                      set <RelativeTime atMs={setAtMs} />
                    </>
                  )}
                </td>
                <td className={classes(styles.origin, text.sub)}>{used ? 'in slipway.yml' : 'not asked for'}</td>
                <td className={styles.act}>
                  <IconButton
                    small
                    label={setAtMs === null ? `Set ${name}` : `Replace ${name}`}
                    onClick={() => setAsked({ act: 'set', kind: 'secret', name })}
                  >
                    <KeyRound {...icon} />
                  </IconButton>
                  {setAtMs !== null && (
                    <IconButton
                      small
                      label={`Remove ${name}`}
                      onClick={() => setAsked({ act: 'remove', kind: 'secret', name })}
                    >
                      <Trash2 {...icon} />
                    </IconButton>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className={styles.actions}>
        <Button icon={<Plus {...icon} />} onClick={() => setAsked({ act: 'set', kind: 'variable', name: null })}>
          Add variable…
        </Button>
        <Button icon={<KeyRound {...icon} />} onClick={() => setAsked({ act: 'set', kind: 'secret', name: null })}>
          Add secret…
        </Button>
      </div>
      {asked && <ValueDialog repositoryId={repositoryId} channel={null} asked={asked} onClose={() => setAsked(null)} />}
    </div>
  );
}
