/** Owns `slipway webhook`: where events are sent, and what became of each delivery. */
import { type Command, InvalidArgumentError } from 'commander';
import { DomainError } from '../contract/errors.ts';
import { type EngineEvent, eventTypeSchema } from '../contract/events.ts';
import { type Forge, forgeSchema, usualEvents } from '../contract/webhooks.ts';
import { wholeNumber } from './arguments.ts';
import { callEngine, type EngineOptions, findRepository } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';
import { readSecret } from './read-secret.ts';

type Options = EngineOptions & OutputOptions;

const timeOf = (ms: number | null) => (ms === null ? '-' : new Date(ms).toISOString().slice(0, 19));

/** Collects `--event`. Throws commander's error for one that there is not. */
function eventName(text: string, before: readonly EngineEvent['type'][] | undefined): readonly EngineEvent['type'][] {
  const known = eventTypeSchema.safeParse(text);
  if (!known.success)
    throw new InvalidArgumentError(`There is no such event. Give one of: ${eventTypeSchema.options.join(', ')}.`);
  return [...(before ?? []), known.data];
}

/** Throws commander's error for a forge that there is not. */
function forgeName(text: string): Forge {
  const known = forgeSchema.safeParse(text);
  if (!known.success) throw new InvalidArgumentError(`Give one of: ${forgeSchema.options.join(', ')}.`);
  return known.data;
}

/** Throws `input.invalid`; what the line says stays out of the message. */
function headerOf(line: string): { readonly name: string; readonly value: string } {
  const [, name, value] = /^([^:]+):\s*(.*)$/.exec(line) ?? [];
  if (name !== undefined && value !== undefined) return { name: name.trim(), value: value.trim() };
  throw new DomainError('input.invalid', 'A line after the address is a header, as "name: value".', {
    field: 'headers',
  });
}

export function addWebhookCommands(program: Command): void {
  const webhook = program.command('webhook').description('send events to other services, signed');
  webhook
    .command('add')
    .description('send events to an address, which comes from stdin or is asked for: it is often a password')
    .option('--repository <name>', 'events of this repository alone')
    .option('--event <type>', `may be given more than once; ${usualEvents.join(', ')} if left out`, eventName)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { repository?: string; event?: EngineEvent['type'][] }>();
      await callEngine(options, async client => {
        const { repository: named, event: events } = options;
        const repository = named === undefined ? null : await findRepository(client, named);
        const added = await client.webhooks.add({
          url: (await readSecret('the webhook, its address')).trim(),
          ...(repository === null ? {} : { repositoryId: repository.id }),
          ...(events === undefined ? {} : { events }),
        });
        const text = [
          `Events go to ${plain(added.server)}: ${added.events.join(', ')}. Webhook ${added.id}.`,
          `Secret, shown this once: ${added.secret}`,
          'Receivers check the signature as standardwebhooks.com says.',
        ];
        print(added, options, text.join('\n'));
      });
    });
  webhook
    .command('add-status <repository>')
    .description('tell the repository\'s forge the state of each job, with the token of "slipway git access"')
    .option('--forge <forge>', `${forgeSchema.options.join(', ')}; as the address says if left out`, forgeName)
    .option('--api <url>', "the forge's REST API, where the address does not say it")
    .option('--project <owner/name>', 'the repository there, where its address does not say it')
    .option('--link <url>', 'what the forge links to; {revision} and {job} stand for those')
    .option('--context <name>', 'how the status is called', 'slipway')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & { forge?: Forge; api?: string; project?: string; link?: string; context: string }
      >();
      const { forge, api: apiUrl, project, link: targetUrl, context } = options;
      await callEngine(options, async client => {
        const { id: repositoryId } = await findRepository(client, named);
        const added = await client.webhooks.addStatus({
          ...{ repositoryId, context },
          ...(forge === undefined ? {} : { forge }),
          ...(apiUrl === undefined ? {} : { apiUrl }),
          ...(project === undefined ? {} : { project }),
          ...(targetUrl === undefined ? {} : { targetUrl }),
        });
        print(added, options, `${plain(added.server)} is told the state of each job. Webhook ${added.id}.`);
      });
    });
  webhook
    .command('add-traces')
    .description('send a trace of each finished job to an OpenTelemetry collector (OTLP over HTTP, JSON)')
    .addHelpText('after', 'Its address is asked for, or read from stdin; lines after it are headers, as "name: value".')
    .option('--repository <name>', 'jobs of this repository alone')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { repository?: string }>();
      await callEngine(options, async client => {
        const { repository: named } = options;
        const repository = named === undefined ? null : await findRepository(client, named);
        const [url = '', ...lines] = (await readSecret('the collector, its address')).trim().split(/\r?\n/);
        const added = await client.webhooks.addTraces({
          url: url.trim(),
          headers: lines.map(headerOf),
          ...(repository === null ? {} : { repositoryId: repository.id }),
        });
        print(added, options, `${plain(added.server)} gets a trace of each finished job. Webhook ${added.id}.`);
      });
    });
  webhook
    .command('list')
    .description('where events are sent')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const all = await callEngine(options, client => client.webhooks.list());
      const lines = all.map(one => [
        one.id,
        one.kind,
        one.server,
        timeOf(one.deliveredAtMs),
        String(one.waiting),
        String(one.failed),
        one.events.join(', '),
      ]);
      print(all, options, table(['WEBHOOK', 'KIND', 'SERVER', 'DELIVERED', 'WAITING', 'FAILED', 'EVENTS'], lines));
    });
  webhook
    .command('remove <webhook>')
    .description('send nothing there any more')
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const done = await callEngine(options, client => client.webhooks.remove({ id }));
      print(done, options, 'The webhook is removed.');
    });
  webhook
    .command('deliveries <webhook>')
    .description('what was sent, newest first')
    .option('--limit <n>', 'how many', wholeNumber(1, 200), 20)
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { limit: number }>();
      const all = await callEngine(options, client => client.webhooks.deliveries({ id, limit: options.limit }));
      const lines = all.map(one => [
        one.id,
        timeOf(one.queuedAtMs),
        one.event,
        one.status,
        String(one.tries),
        one.error ?? (one.httpStatus === null ? '' : String(one.httpStatus)),
      ]);
      print(all, options, table(['DELIVERY', 'QUEUED', 'EVENT', 'STATUS', 'TRIES', 'ANSWER'], lines));
    });
  webhook
    .command('redeliver <delivery>')
    .description('send a delivery again: the same id and the same bytes')
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const delivery = await callEngine(options, client => client.webhooks.redeliver({ id }));
      print(delivery, options, 'The delivery is sent again.');
    });
}
