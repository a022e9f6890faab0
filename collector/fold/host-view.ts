/** How a host is shown, made from its record. Pure; must not know how the record comes about. */
import { attributesOf } from './attributes.ts';
import type { HostRecord } from './host.ts';
import type { HostView } from './model.ts';

/** What people and the API see of a host. `liveUs` is the fold's live time. */
export function hostView({ id, facts, state }: HostRecord, liveUs: number): HostView {
  const { inventory } = facts;
  return {
    host_id: id,
    hostname: inventory?.hostname || id,
    status: state.conflict_until_us > liveUs ? 'conflict' : state.status,
    first_seen_us: state.first_seen_us,
    last_seen_us: state.last_seen_us,
    agent_version: facts.agent_version,
    boot_id: facts.boot_id,
    incarnation: state.speaker,
    attributes: attributesOf(inventory),
    addresses: inventory?.addresses ?? [],
    sources: facts.sources,
    losses: state.losses,
    spool_messages: state.spool_messages,
    messages_lost: state.messages_lost,
  };
}
