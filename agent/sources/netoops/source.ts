/** The source `netoops`: logs of dying hosts whose kernel has a netoops driver. docs/sources/netoops.md. */
import { randomInt } from 'node:crypto';
import { NetoopsReassembly } from '@netfall/crash';
import type { AgentConfig } from '../../config.ts';
import { admissionLimits, MOST_SEED } from '../../relay/limits.ts';
import { type RelayPlace, RelaySource } from '../../relay/source.ts';

/** How long after its last piece a dump that is not whole is taken for all there will be, and how long after that it may grow. */
const QUIET_US = 5_000_000;
const KEEP_US = 10_000_000;
/** How long a dump may take in all, and wait to be told of. */
const LONGEST_US = 60_000_000;

export function createNetoops(config: AgentConfig['sources']['netoops'], place: RelayPlace): RelaySource {
  const { listen, allow, known, receive_buffer_bytes, max_bytes, max_log_bytes, ...rates } = config;
  return new RelaySource({
    name: 'netoops',
    hears: 'hears netoops',
    ...place,
    ...{ listen, allow, known },
    receiveBufferBytes: receive_buffer_bytes,
    reassembly: (events, isKnown) => {
      const sizes = { maxBytes: max_bytes, maxLogBytes: max_log_bytes };
      const times = { quietUs: QUIET_US, keepUs: KEEP_US, longestUs: LONGEST_US };
      const limits = admissionLimits(rates);
      return new NetoopsReassembly(
        { limits, ...sizes, ...times, isKnown, seed: randomInt(MOST_SEED) },
        events,
      );
    },
  });
}
