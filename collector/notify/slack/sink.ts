/**
 * Sends to a Slack incoming webhook. The URL is the secret that allows posting: it is in no error, log line or header.
 * Source: Slack's "Sending messages using incoming webhooks" and "Rate limits".
 */
import type { SendResult, Sink } from '../sink.ts';
import { type MessageOptions, slackMessage } from './message.ts';

export interface SlackSinkOptions extends MessageOptions {
  readonly name: string;
  readonly url: URL;
}

/** Slack's reasons are a word; what is longer is a proxy's page. */
const MOST_REPLY_BYTES = 4096;
const SHOWN_REPLY = 80;

export function createSlackSink({ name, url, ...message }: SlackSinkOptions): Sink {
  return {
    name,
    async send(notification, signal) {
      let response: Response;
      try {
        response = await fetch(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json; charset=utf-8',
            'x-netfall-notification': notification.id,
          },
          body: JSON.stringify(slackMessage(notification, message)),
          // Whoever answers with a redirect is not to be told the secret's worth of content elsewhere.
          redirect: 'manual',
          signal,
        });
      } catch (error) {
        return { outcome: 'retry', error: `Slack could not be reached (${networkCode(error, signal)})` };
      }
      const reply = await readReply(response);
      return judge(response.status, response.headers.get('retry-after'), reply);
    },
  };
}

function judge(status: number, retryAfter: string | null, reply: string): SendResult {
  if (status >= 200 && status < 300) return { outcome: 'delivered' };
  const error = reply === '' ? `Slack answered ${status}` : `Slack answered ${status} ${reply}`;
  const passing = status === 408 || status === 429 || status >= 500;
  if (!passing) return { outcome: 'rejected', error };
  const retryAfterMs = readRetryAfter(retryAfter, Date.now());
  return { outcome: 'retry', error, ...(retryAfterMs !== null && { retryAfterMs }) };
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3), as milliseconds from now; null when there is none that makes sense. */
export function readRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000;
  // Date.parse takes much more than HTTP dates; those have letters.
  const at = /^[A-Z][a-z]/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

/**
 * Slack's reason where it is one, e.g. "no_service". Anything else is left out: an error page of a proxy may hold the
 * URL, which must not get into logs.
 */
async function readReply(response: Response): Promise<string> {
  let text = '';
  try {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > MOST_REPLY_BYTES) break;
    }
  } catch {
    // The status has been said; the rest matters little.
  }
  const reason = text.trim();
  return reason.length <= SHOWN_REPLY && /^[a-z][a-z_]*$/.test(reason) ? reason : '';
}

/** Fetch's own messages may hold the URL; the code beneath does not. */
function networkCode(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'cut off';
  const { cause } = error as { readonly cause?: { readonly code?: unknown } };
  return typeof cause?.code === 'string' && /^[A-Z0-9_]{1,40}$/.test(cause.code)
    ? cause.code
    : 'network error';
}
