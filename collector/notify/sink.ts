/** What can be told of an incident: the one interface between the notifier and the services that people read. */
import type { Notification } from '../fold/model.ts';

/** What came of one attempt. `error` is for people and never holds a secret. */
export type SendResult =
  | { readonly outcome: 'delivered' }
  /** It may work later; not before `retryAfterMs` where the service said so. */
  | { readonly outcome: 'retry'; readonly error: string; readonly retryAfterMs?: number }
  /** It will never work. */
  | { readonly outcome: 'rejected'; readonly error: string };

export interface Sink {
  /** As configured; unique. */
  readonly name: string;
  /**
   * Makes one attempt, with the notification's id in it for the receiver to know a repetition by. Ends early, as a
   * retry, when the signal aborts. Never throws for what the other side does.
   */
  send(notification: Notification, signal: AbortSignal): Promise<SendResult>;
}
