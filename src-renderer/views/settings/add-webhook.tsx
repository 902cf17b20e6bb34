/** Owns adding what is told elsewhere: a webhook, the statuses of a repository's commits, or traces. */
import { type FormEvent, useState } from 'react';
import { eventTypeSchema } from '../../../src-main/contract/events.ts';
import { type Forge, usualEvents, type Webhook } from '../../../src-main/contract/webhooks.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Select, type SelectOption } from '../../ui/select.tsx';
import styles from './settings.module.css';
import { headersOf, kindNames } from './webhook-model.ts';

const kinds: readonly SelectOption<Webhook['kind']>[] = [
  { value: 'webhook', label: kindNames.webhook, detail: 'events, signed' },
  { value: 'status', label: kindNames.status, detail: 'on GitHub, GitLab, Gitea or Bitbucket' },
  { value: 'traces', label: kindNames.traces, detail: 'OpenTelemetry, OTLP over HTTP' },
];
const everyRepository = 'all';
const forges: readonly SelectOption<Forge | 'auto'>[] = [
  { value: 'auto', label: 'Forge as the address says' },
  { value: 'github', label: 'GitHub' },
  { value: 'gitlab', label: 'GitLab' },
  { value: 'gitea', label: 'Gitea or Forgejo' },
  { value: 'bitbucket', label: 'Bitbucket Cloud' },
];

const hints: Readonly<Record<Webhook['kind'], string>> = {
  webhook: 'Often a password: it is kept sealed, and only its server is shown.',
  status: 'Of the forge’s REST API; left empty where the repository’s address says it. The login of its host is used.',
  traces: 'Of the collector, as https://otel.example.com; /v1/traces is added where there is no path.',
};

/** The form, and the secret of a webhook that was just made. */
export function AddWebhook() {
  const repositories = useOverview().data?.repositories ?? [];
  const [kind, setKind] = useState<Webhook['kind']>('webhook');
  const [repository, setRepository] = useState(everyRepository);
  const [url, setUrl] = useState('');
  const [headers, setHeaders] = useState('');
  const [events, setEvents] = useState(usualEvents.join(', '));
  const [forge, setForge] = useState<Forge | 'auto'>('auto');
  const [project, setProject] = useState('');
  const [secret, setSecret] = useState<string | null>(null);
  const given = headersOf(headers);
  const named = eventTypeSchema.array().safeParse(events.split(/[\s,]+/).filter(event => event !== ''));
  const chosen = repository === everyRepository ? {} : { repositoryId: repository };
  const isReady =
    kind === 'status'
      ? repository !== everyRepository
      : url.trim() !== '' && (kind === 'traces' ? given !== null : named.success);

  const add = useAction(async () => {
    setSecret(null);
    switch (kind) {
      case 'webhook':
        setSecret((await client.webhooks.add({ url, events: named.data ?? [...usualEvents], ...chosen })).secret);
        break;
      case 'status':
        await client.webhooks.addStatus({
          repositoryId: repository,
          ...(url.trim() === '' ? {} : { apiUrl: url }),
          ...(forge === 'auto' ? {} : { forge }),
          ...(project.trim() === '' ? {} : { project }),
        });
        break;
      case 'traces':
        await client.webhooks.addTraces({ url, headers: [...(given ?? [])], ...chosen });
        break;
    }
    setUrl('');
    setHeaders('');
    queries.refetch('webhooks');
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void add.run();
  };
  const options: readonly SelectOption<string>[] = [
    { value: everyRepository, label: kind === 'status' ? 'Choose a repository' : 'All repositories' },
    ...repositories.map(({ id, name }) => ({ value: id, label: name })),
  ];
  return (
    <details className={styles.more}>
      <summary>Tell another service</summary>
      <form className={styles.form} onSubmit={submit}>
        <Select label="Kind" value={kind} options={kinds} onChange={setKind} />
        <Select label="Repository" value={repository} options={options} onChange={setRepository} />
        <TextField
          label="Address"
          hint={hints[kind]}
          error={add.error?.message ?? null}
          value={url}
          spellCheck={false}
          autoComplete="off"
          onChange={next => {
            add.reset();
            setUrl(next);
          }}
        />
        {kind === 'webhook' && (
          <TextField
            label="Events"
            hint={`Any of ${eventTypeSchema.options.join(', ')}.`}
            error={named.success ? null : 'One of these is no event.'}
            value={events}
            spellCheck={false}
            autoComplete="off"
            onChange={setEvents}
          />
        )}
        {kind === 'status' && (
          <>
            <Select label="Forge" value={forge} options={forges} onChange={setForge} />
            <TextField
              label="Project there"
              hint="As owner/name; left empty where the repository’s address says it."
              value={project}
              spellCheck={false}
              autoComplete="off"
              onChange={setProject}
            />
          </>
        )}
        {kind === 'traces' && (
          <TextArea
            label="Headers"
            hint="One a line, as “authorization: Bearer …”; kept sealed."
            error={given === null ? 'A line is not of the form “name: value”.' : null}
            concealed
            value={headers}
            onChange={setHeaders}
          />
        )}
        <Button type="submit" busy={add.busy} disabled={!isReady}>
          Add
        </Button>
      </form>
      {secret !== null && (
        <p className={styles.secret} aria-live="polite">
          The secret that signs its deliveries, shown this once: <code>{secret}</code>
        </p>
      )}
    </details>
  );
}
