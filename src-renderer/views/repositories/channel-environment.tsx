/** Owns the environment of a channel: names with their origin, values of variables, and what the next release changes. */
import { KeyRound, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import styles from './environment.module.css';
import { type AskedValue, ValueDialog } from './environment-dialog.tsx';
import { channelEnvironmentWords } from './environment-model.ts';

const icon = { size: 14, strokeWidth: 1.5, 'aria-hidden': true } as const;

/** Below a channel's releases. `onRelease` is left out where there is no build that a release of the change could take. */
export function ChannelEnvironment({
  repositoryId,
  channel,
  onRelease,
}: {
  readonly repositoryId: string;
  readonly channel: string;
  readonly onRelease: (() => void) | undefined;
}) {
  const query = useQuery(
    `channel-environment:${repositoryId}:${channel}`,
    () => client.channelEnvironment.get({ repositoryId, channel }),
    ['channel', 'release', 'machine'],
    { repositoryId },
  );
  const [asked, setAsked] = useState<AskedValue | null>(null);
  const environment = query.data;
  if (!environment) return query.error ? <ErrorNotice error={query.error} onRetry={query.refetch} /> : null;
  const { values, changed } = environment;
  const words = channelEnvironmentWords(environment);
  return (
    <div className={styles.ofChannel}>
      {(values.length > 0 || words !== '') && (
        <h4 className={text.sub}>
          Environment of {channel}
          {words && ` · ${words}`}
        </h4>
      )}
      {values.length > 0 && (
        <table className={classes(table.table, table.slim)} aria-label={`Environment of ${channel}`}>
          <tbody>
            {values.map(({ name, kind, value }) => (
              <tr key={name}>
                <td className={text.mono} title={name}>
                  {name}
                </td>
                <td className={value === null ? text.sub : text.mono} title={value ?? undefined}>
                  {value ?? 'secret'}
                </td>
                <td className={classes(styles.origin, text.sub)} title={`channel ${channel}`}>
                  channel {channel}
                </td>
                <td className={styles.act}>
                  <IconButton
                    small
                    label={`Replace ${name} on ${channel}`}
                    onClick={() => setAsked({ act: 'set', kind, name })}
                  >
                    <KeyRound {...icon} />
                  </IconButton>
                  <IconButton
                    small
                    label={`Remove ${name} from ${channel}`}
                    onClick={() => setAsked({ act: 'remove', kind, name })}
                  >
                    <Trash2 {...icon} />
                  </IconButton>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div className={styles.actions}>
        <Button icon={<Plus {...icon} />} onClick={() => setAsked({ act: 'set', kind: 'variable', name: null })}>
          Variable of {channel}…
        </Button>
        <Button icon={<KeyRound {...icon} />} onClick={() => setAsked({ act: 'set', kind: 'secret', name: null })}>
          Secret of {channel}…
        </Button>
        {changed && onRelease && <Button onClick={onRelease}>Release the change…</Button>}
      </div>
      {asked && (
        <ValueDialog repositoryId={repositoryId} channel={channel} asked={asked} onClose={() => setAsked(null)} />
      )}
    </div>
  );
}
