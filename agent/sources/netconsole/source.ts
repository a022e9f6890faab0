/** The source `netconsole`: what other hosts' consoles say, as far as it tells of a crash. docs/sources/netconsole.md. */
import { randomInt } from 'node:crypto';
import { NetconsoleReassembly } from '@netfall/crash';
import type { AgentConfig } from '../../config.ts';
import { admissionLimits, MOST_SEED } from '../../relay/limits.ts';
import { type RelayPlace, RelaySource } from '../../relay/source.ts';

/** How long nothing must come for a crash to be over, and how long one may take in all. */
const QUIET_US = 5_000_000;
const LONGEST_US = 120_000_000;

export function createNetconsole(
  config: AgentConfig['sources']['netconsole'],
  place: RelayPlace,
): RelaySource {
  const { listen, allow, known, receive_buffer_bytes, max_bytes, max_log_bytes, context_bytes, ...rates } =
    config;
  return new RelaySource({
    name: 'netconsole',
    hears: 'hears netconsole',
    ...place,
    ...{ listen, allow, known },
    receiveBufferBytes: receive_buffer_bytes,
    reassembly: (events, isKnown) => {
      const sizes = { maxBytes: max_bytes, maxLogBytes: max_log_bytes, contextBytes: context_bytes };
      const times = { quietUs: QUIET_US, longestUs: LONGEST_US };
      const limits = admissionLimits(rates);
      return new NetconsoleReassembly(
        { limits, ...sizes, ...times, isKnown, seed: randomInt(MOST_SEED) },
        events,
      );
    },
  });
}
