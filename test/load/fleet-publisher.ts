/**
 * A large fleet that reports to a real log at a steady rate, until it is stopped: `--url=nats://… --hosts=N --rate=N`
 * (messages a second). Says "publishing" once every host has spoken.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { numberOf } from './child.ts';
import { fleetMessages, usualSignals } from './fleet.ts';

/** Between two portions of messages. */
const TICK_MS = 20;

const { values } = parseArgs({
  options: { url: { type: 'string' }, hosts: { type: 'string' }, rate: { type: 'string' } },
});
const hosts = numberOf('hosts', values.hosts);
const rate = numberOf('rate', values.rate);
const nc = await connect({ servers: String(values.url) });
const began = performance.now();
let sent = 0;
for (const { subject, data } of fleetMessages({ hosts, signals: usualSignals })) {
  while (sent >= ((performance.now() - began) * rate) / 1000) {
    await nc.flush();
    await sleep(TICK_MS);
  }
  nc.publish(subject, data);
  if (++sent === hosts) console.log('publishing');
}
