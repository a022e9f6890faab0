/** How a host is shown, made from its record. Pure; must not know how the record comes about. */
import type { Inventory } from '@netfall/proto';
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
    attributes: attributes(inventory),
    addresses: inventory?.addresses ?? [],
    sources: facts.sources,
    losses: state.losses,
    spool_messages: state.spool_messages,
    messages_lost: state.messages_lost,
  };
}

/** What explanations are made of: the inventory's facts that hosts can share, and the operator's labels. */
function attributes(inventory: Inventory | null): Readonly<Record<string, string>> {
  if (!inventory) return {};
  const found: Record<string, string> = {};
  const add = (key: string, value: string) => {
    if (value !== '') found[key] = value;
  };
  add('kernel', inventory.kernel);
  add('image', inventory.image);
  add('cmdline', inventory.cmdline_digest);
  add('vendor', inventory.vendor);
  add('product', inventory.product);
  add('cpu', inventory.cpu);
  add('microcode', inventory.microcode);
  add('gateway_mac', inventory.gateway_mac);
  add('subnet', inventory.subnet);
  const nics = inventory.nics.map(({ driver, firmware }) =>
    firmware === '' ? driver : `${driver} ${firmware}`,
  );
  add('nic', [...new Set(nics)].filter(Boolean).sort().join(', '));
  for (const { key, value } of inventory.labels) add(key, value);
  return found;
}
