/**
 * The stream behind the log: made when missing, and its settings compared with what the contract needs. It must not
 * know what is stored in it.
 */

import {
  DiscardPolicy,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { LogError } from '../log.ts';
import type { Connection } from './connection.ts';
import { apiCode, asLogError, STREAM_NAME_IN_USE, STREAM_NOT_FOUND } from './errors.ts';

export interface StreamSettings {
  readonly stream: string;
  readonly subjects: readonly string[];
  readonly replicas: number;
  /** -1: no bound but the server's own. */
  readonly maxBytes: number;
  readonly maxMessageBytes: number;
  readonly dedupeUs: number;
}

// What the headers that an append carries may take: id, expectations, their names.
const HEADER_BYTES = 1024;

/** A replica may still be applying what others have delivered already: what it seems to lack is looked for so often. */
export const LOOKS_WHEN_REPLICATED = 3;
export const LOOK_AGAIN_MS = 1000;

/** The stream's configuration as Netfall makes it. */
function configOf(settings: StreamSettings) {
  return {
    name: settings.stream,
    subjects: [...settings.subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    // New: when it is full, appends fail. Old would silently drop entries that nobody has folded yet.
    discard: DiscardPolicy.New,
    num_replicas: settings.replicas,
    max_bytes: settings.maxBytes,
    max_msgs: -1,
    max_msgs_per_subject: -1,
    max_age: 0,
    max_msg_size: settings.maxMessageBytes + HEADER_BYTES,
    duplicate_window: settings.dedupeUs * 1000,
    // Entries leave from the front only, by purge.
    deny_delete: true,
    deny_purge: false,
    allow_rollup_hdrs: false,
    // For those who watch a subject: any server of the stream answers them, and they may be allowed no other subject.
    allow_direct: true,
  } satisfies Partial<StreamConfig>;
}

/** Changes when the stream is deleted and made again. */
export function identityOf(info: StreamInfo): string {
  return `${info.config.name}@${info.created}`;
}

/** The oldest sequence still held, `last + 1` when there is none. */
export function firstHeld(info: StreamInfo): number {
  return info.state.messages === 0 ? info.state.last_seq + 1 : info.state.first_seq;
}

/**
 * Finds the stream or makes it. Throws LogError `conflict` when one stands that would lose entries, not take them, or not let them be watched,
 * and says what differs; other differences are only told to `notice`.
 */
export async function ensureStream(
  connection: Connection,
  jsm: JetStreamManager,
  settings: StreamSettings,
): Promise<StreamInfo> {
  const where = `stream ${settings.stream} on ${connection.servers}`;
  try {
    const info = await findOrMake(jsm, settings);
    const { harmful, harmless } = differences(info.config, settings);
    if (harmless.length > 0)
      connection.notice(`${where} differs from the configuration: ${harmless.join('; ')}`);
    if (harmful.length > 0) {
      throw new LogError(
        'conflict',
        `${where} cannot hold the log: ${harmful.join('; ')}: mend it with nats stream edit`,
      );
    }
    return info;
  } catch (error) {
    throw asLogError(error, where);
  }
}

async function findOrMake(jsm: JetStreamManager, settings: StreamSettings): Promise<StreamInfo> {
  try {
    return await jsm.streams.info(settings.stream);
  } catch (error) {
    if (apiCode(error) !== STREAM_NOT_FOUND) throw error;
  }
  try {
    return await jsm.streams.add(configOf(settings));
  } catch (error) {
    if (apiCode(error) !== STREAM_NAME_IN_USE) throw error;
    return jsm.streams.info(settings.stream);
  }
}

interface Differences {
  /** The log's contract does not hold with these. */
  readonly harmful: readonly string[];
  /** An operator may have wanted these. */
  readonly harmless: readonly string[];
}

/** What an existing stream has otherwise, one short sentence each. */
function differences(actual: StreamConfig, settings: StreamSettings): Differences {
  const wanted = configOf(settings);
  const harmful: string[] = [];
  const harmless: string[] = [];
  const compare = (list: string[], key: keyof typeof wanted) => {
    // A setting that an older server does not know is absent, which means off.
    const value = actual[key] ?? false;
    if (value !== wanted[key]) list.push(`${key} is ${value}, wanted ${wanted[key]}`);
  };
  compare(harmful, 'storage');
  compare(harmful, 'retention');
  compare(harmful, 'max_age');
  compare(harmful, 'deny_purge');
  compare(harmful, 'allow_rollup_hdrs');
  compare(harmful, 'allow_direct');
  for (const key of ['max_msgs', 'max_msgs_per_subject'] as const) {
    // Zero and less both mean unbounded.
    if (actual[key] > 0) harmful.push(`${key} is ${actual[key]}, wanted none`);
  }
  if (actual.discard !== DiscardPolicy.New && actual.max_bytes > 0) compare(harmful, 'discard');
  const missing = settings.subjects.filter((subject) => !actual.subjects.includes(subject));
  if (missing.length > 0) harmful.push(`subjects lack ${missing.join(', ')}`);
  if (actual.sealed) harmful.push('it is sealed');
  if (actual.mirror) harmful.push('it mirrors another stream');
  compare(harmless, 'num_replicas');
  compare(harmless, 'max_bytes');
  compare(harmless, 'max_msg_size');
  compare(harmless, 'duplicate_window');
  compare(harmless, 'deny_delete');
  return { harmful, harmless };
}
