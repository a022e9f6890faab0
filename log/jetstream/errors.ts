/**
 * What NATS and JetStream report, in the log's own terms. The numbers are `err_code`s of nats-server
 * (server/errors.json there).
 */

import { JetStreamApiError } from '@nats-io/jetstream';
import { InvalidArgumentError, RequestError, TimeoutError } from '@nats-io/transport-node';
import { LogError } from '../log.ts';

export const STREAM_NOT_FOUND = 10059;
/** Another opener has made the stream with other settings a moment ago. */
export const STREAM_NAME_IN_USE = 10058;
/** A copy of the message is being replicated at this moment (only from a stream with replicas). */
export const DUPLICATE_IN_PROCESS = 10158;

const CONFLICT = new Set([10071, 10164]);
const TOO_LARGE = new Set([10054, 10097]);
// Insufficient resources, memory, storage; the account's limits on bytes of all streams and of this one.
const FULL = new Set([10002, 10023, 10028, 10047, 10122]);
const STORE_FAILED = 10077;
const WRONG_STREAM = 10060;

/** The `err_code` of a refusal by JetStream, undefined for everything else. */
export function apiCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

/**
 * A LogError for whatever a request to JetStream ended in.
 * @param where names stream and servers, e.g. `stream NETFALL on nats://10.0.0.1:4222`
 */
export function asLogError(error: unknown, where: string): LogError {
  if (error instanceof LogError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  const code = apiCode(error);
  if (code !== undefined) {
    if (CONFLICT.has(code)) {
      return new LogError('conflict', `${where}: ${text}: read on, then decide again`, options);
    }
    if (TOO_LARGE.has(code) || (code === STORE_FAILED && /too large/.test(text))) {
      return new LogError('too-large', `${where}: ${text}: split the message or raise max_msg_size`, options);
    }
    if (FULL.has(code) || (code === STORE_FAILED && /maximum|space/.test(text))) {
      return new LogError(
        'full',
        `${where} is full (${text}): purge it, raise max_bytes or add disk`,
        options,
      );
    }
    if (code === STREAM_NOT_FOUND) {
      return new LogError('unavailable', `${where} does not exist: restart this process to make it`, options);
    }
    if (code === WRONG_STREAM) {
      return new LogError(
        'unavailable',
        `${where}: another stream takes this subject: make their subjects disjoint`,
        options,
      );
    }
    return new LogError('unavailable', `${where}: ${text} (JetStream error ${code})`, options);
  }
  if (error instanceof TimeoutError) {
    return new LogError(
      'timeout',
      `${where} did not answer in time: see the server's log, its disk may be full`,
      options,
    );
  }
  if (error instanceof InvalidArgumentError) {
    return new LogError(
      'too-large',
      `${where}: ${text}: split the message or raise the server's max_payload`,
      options,
    );
  }
  const noResponders = error instanceof RequestError && error.isNoResponders();
  if (noResponders || (error instanceof Error && error.name === 'JetStreamNotEnabled')) {
    return new LogError(
      'unavailable',
      `${where}: nobody answers: is JetStream on, does it exist, and does it take the subject?`,
      options,
    );
  }
  return new LogError('unavailable', `${where}: ${text}`, options);
}
