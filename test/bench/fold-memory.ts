/** What hosts cost the fold in memory: `node --expose-gc test/bench/fold-memory.ts HOSTS SIGNALS` prints bytes a host. */
import { currentRules, Fold } from '@netfall/collector';
import { FLEET_CELL, fleetMessages, roundUs } from '../load/fleet.ts';

const [hosts = 0, signals = 0] = process.argv.slice(2).map(Number);

function used(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

// What the generator and the code itself take is there before and after.
const messages = fleetMessages({ hosts, signals: () => signals });
const fold = new Fold(currentRules(FLEET_CELL));
const before = used();
let sequence = 0;
for (const message of messages) {
  fold.apply({ ...message, sequence: ++sequence, timeUs: roundUs(Math.floor((sequence - 1) / hosts)) });
  // What changed is taken away as it is by a replica; otherwise the list of it would be counted.
  if (sequence % 1000 === 0) fold.takeChanges();
  if (sequence === 2 * hosts) break;
}
fold.takeChanges();
console.log(JSON.stringify({ bytesPerHost: (used() - before) / hosts, sequence: fold.sequence }));
