/** Owns which pushes concern which query: nouns of events, whole event types, or pulses. */
import type { EventType, Push } from '../../src-main/contract/events.ts';

type Noun<Type extends string> = Type extends `${infer First}.${string}` ? First : never;
type PulseTopic = Extract<Push, { kind: 'pulse' }>['topic'];

/** `job` is every `job.…` event, `job.finished` that one; `log`, `replicas`, `machines`, `status`, `swarm` are pulses too. */
export type Topic = Noun<EventType> | EventType | PulseTopic;

/** Narrows a query to what concerns one object. A push that names no such object concerns it too. */
export interface TopicScope {
  readonly repositoryId?: string;
  readonly jobId?: string;
}

function inScope(wanted: string | undefined, named: string | null): boolean {
  return wanted === undefined || named === null || wanted === named;
}

/** Whether a push concerns a query with these topics and this scope. */
export function concerns(push: Push, topics: readonly Topic[], scope: TopicScope = {}): boolean {
  if (push.kind === 'pulse') {
    if (!topics.includes(push.topic)) return false;
    return push.topic !== 'log' || inScope(scope.jobId, push.subjectId);
  }
  const { type, repositoryId, jobId } = push.event;
  const noun = type.slice(0, type.indexOf('.'));
  if (!topics.some(topic => topic === type || topic === noun)) return false;
  return inScope(scope.repositoryId, repositoryId) && inScope(scope.jobId, jobId);
}
