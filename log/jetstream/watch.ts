/**
 * The newest entry on one subject, followed by any number of processes at no cost to the server: an ordinary
 * subscription says that something was published there, and a direct get, which any server of the stream answers, what
 * is stored. What was announced may have been refused, so nothing but what is stored is believed.
 */
import type { JetStreamManager } from '@nats-io/jetstream';
import { type Clock, sleep } from '../clock.ts';
import { LogError, type Stored } from '../log.ts';
import type { Connection } from './connection.ts';
import { timestampUs } from './position.ts';

/** Over how long all who follow spread their looks after an announcement. */
const SPREAD_MS = 1000;
/** After an announcement the entry may take a moment to be stored everywhere: how often, and when, to look again. */
const DOUBTS = 3;
const DOUBT_MS = 1000;
const POLL_MS = 60_000;
const RETRY_MS = 2000;

export interface WatchContext {
  readonly connection: Connection;
  readonly jsm: JetStreamManager;
  readonly clock: Clock;
  readonly stream: string;
}

export async function* watchLast(
  { connection, jsm, clock, stream }: WatchContext,
  subject: string,
  signal: AbortSignal,
): AsyncGenerator<Stored, void, void> {
  let seen: Stored | null = null;
  let doubts = 0;
  let failures = 0;
  let announced = false;
  let nap = new AbortController();
  const wake = () => nap.abort();
  const rest = async (ms: number) => {
    nap = new AbortController();
    if (!signal.aborted) await sleep(clock, ms, nap.signal);
  };
  const subscription = connection.nc.subscribe(subject, {
    // A refusal is said by the connection; looking now and then goes on.
    callback(error) {
      if (error) return;
      announced = true;
      wake();
    },
  });
  const ignoreDown = connection.onDown(wake);
  signal.addEventListener('abort', wake);
  try {
    while (!signal.aborted) {
      await connection.whenUp(signal);
      if (connection.closed) {
        throw new LogError('closed', `the connection to ${connection.servers} is closed: open the log again`);
      }
      if (announced) {
        announced = false;
        doubts = DOUBTS;
      }
      const newest = await look({ connection, jsm, stream }, subject);
      if (signal.aborted) return;
      if (newest === 'failed') {
        await rest(Math.min(POLL_MS, RETRY_MS * 2 ** failures++) * (1 + Math.random()));
        continue;
      }
      failures = 0;
      if (newest && isNewer(newest, seen)) {
        seen = newest;
        doubts = 0;
        yield newest;
      }
      if (!announced) await rest(doubts-- > 0 ? DOUBT_MS : POLL_MS * (0.75 + Math.random() / 2));
      if (announced) await rest(SPREAD_MS * Math.random());
    }
  } finally {
    ignoreDown();
    signal.removeEventListener('abort', wake);
    if (!connection.nc.isClosed()) subscription.unsubscribe();
  }
}

async function look(
  { connection, jsm, stream }: Omit<WatchContext, 'clock'>,
  subject: string,
): Promise<Stored | null | 'failed'> {
  try {
    const found = await connection.guard(() => jsm.direct.getMessage(stream, { last_by_subj: subject }));
    if (!found) return null;
    const timeUs = timestampUs(found.timestamp);
    return timeUs === null ? 'failed' : { sequence: found.seq, timeUs, subject, data: found.data };
  } catch {
    return 'failed';
  }
}

/** A server that lags answers with what was there before; a stream that was restored has other sequences, but later times. */
function isNewer(found: Stored, seen: Stored | null): boolean {
  return seen === null || found.sequence > seen.sequence || found.timeUs > seen.timeUs;
}
