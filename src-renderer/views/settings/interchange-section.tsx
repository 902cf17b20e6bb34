/** Owns interchange among the settings: who is told of what, what became of it, and metrics. */
import { useState } from 'react';
import type { Delivery, Webhook } from '../../../src-main/contract/webhooks.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Switch } from '../../ui/field.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import { AddWebhook } from './add-webhook.tsx';
import styles from './settings.module.css';
import { deliveryWords, kindNames } from './webhook-model.ts';

function DeliveryItem({ delivery, onSent }: { readonly delivery: Delivery; readonly onSent: () => void }) {
  const again = useAction(async () => {
    await client.webhooks.redeliver({ id: delivery.id });
    onSent();
  });
  return (
    <li>
      {delivery.event}, <RelativeTime atMs={delivery.queuedAtMs} />: {delivery.status}
      {delivery.error !== null && ` (${delivery.error})`}{' '}
      <Button busy={again.busy} aria-label={`Send ${delivery.event} again`} onClick={() => void again.run()}>
        Send again
      </Button>
      {again.error && <ErrorNotice error={again.error} />}
    </li>
  );
}

function Deliveries({ id }: { readonly id: string }) {
  const [open, setOpen] = useState(false);
  const key = `deliveries:${id}`;
  const deliveries = useQuery(key, () => client.webhooks.deliveries({ id, limit: 20 }), ['job', 'release'], {
    enabled: open,
  });
  return (
    <details className={styles.more} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>Deliveries</summary>
      {deliveries.error && !deliveries.data && <ErrorNotice error={deliveries.error} onRetry={deliveries.refetch} />}
      {deliveries.data?.length === 0 && <p className={styles.hint}>Nothing has happened since it was added.</p>}
      <ul className={styles.list}>
        {deliveries.data?.map(delivery => (
          <DeliveryItem key={delivery.id} delivery={delivery} onSent={deliveries.refetch} />
        ))}
      </ul>
    </details>
  );
}

function WebhookItem({ webhook, of }: { readonly webhook: Webhook; readonly of: string }) {
  const remove = useAction(async () => {
    await client.webhooks.remove({ id: webhook.id });
    queries.refetch('webhooks');
  });
  const state = deliveryWords(webhook);
  return (
    <li>
      <strong>{kindNames[webhook.kind]}</strong> to {webhook.server}, of {of}
      {state !== null && `: ${state}`}{' '}
      <Button
        busy={remove.busy}
        aria-label={`Remove ${kindNames[webhook.kind]} to ${webhook.server}`}
        onClick={() => void remove.run()}
      >
        Remove
      </Button>
      {remove.error && <ErrorNotice error={remove.error} />}
      {webhook.kind === 'webhook' && <p className={styles.hint}>{webhook.events.join(', ')}</p>}
      <Deliveries id={webhook.id} />
    </li>
  );
}

function Metrics() {
  const metrics = useQuery('metrics', () => client.metrics.get(), []);
  const [token, setToken] = useState<string | null>(null);
  const set = useAction(async (on: boolean) => {
    setToken(on ? (await client.metrics.enable()).token : null);
    if (!on) await client.metrics.disable();
    queries.refetch('metrics');
  });
  const error = set.error ?? metrics.error;
  return (
    <>
      <h3>Metrics</h3>
      <Switch
        label="Metrics at /metrics"
        checked={metrics.data?.enabled ?? false}
        disabled={set.busy || !metrics.data}
        onChange={on => void set.run(on)}
      />
      <p className={styles.hint}>OpenMetrics for Prometheus, for whoever has its token.</p>
      {token !== null && (
        <p className={styles.secret} aria-live="polite">
          Its bearer token, shown this once: <code>{token}</code>
        </p>
      )}
      {error && <ErrorNotice error={error} />}
    </>
  );
}

/** The section of what is told elsewhere. */
export function InterchangeSection() {
  const webhooks = useQuery('webhooks', () => client.webhooks.list(), ['job', 'release']);
  const names = new Map(useOverview().data?.repositories.map(({ id, name }) => [id, name]));
  return (
    <section className={styles.section}>
      <h2>Interchange</h2>
      {webhooks.error && !webhooks.data && <ErrorNotice error={webhooks.error} onRetry={webhooks.refetch} />}
      {webhooks.data?.length === 0 && (
        <p className={styles.hint}>Nobody is told of anything: no webhooks, commit statuses or traces yet.</p>
      )}
      <ul className={styles.list}>
        {webhooks.data?.map(webhook => (
          <WebhookItem
            key={webhook.id}
            webhook={webhook}
            of={
              webhook.repositoryId === null
                ? 'all repositories'
                : (names.get(webhook.repositoryId) ?? 'a repository that is not watched any more')
            }
          />
        ))}
      </ul>
      <AddWebhook />
      <Metrics />
    </section>
  );
}
