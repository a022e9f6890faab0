/**
 * Our side of counters-world.ts: the source `counters`, which collects at each byte on the standard input. Prints how many
 * other network namespaces it reads, once it has begun.
 */
import { systemClock } from '@netfall/log';
import { NetworkNamespaces } from '../../agent/inventory/namespaces.ts';
import { NOWHERE } from '../../agent/sources/counters/reader.ts';
import { CountersSource } from '../../agent/sources/counters/source.ts';

const source = new CountersSource({ root: '/', periodS: 5, clock: systemClock, hurry: () => true });
source.start();
process.stdin.on('data', (bytes) => {
  for (const _ of bytes) source.collect({ ...NOWHERE, socket() {} });
});
process.stdin.on('end', () => process.exit());
console.log(new NetworkNamespaces('/', () => 0).list().length - 1);
