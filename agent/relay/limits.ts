/** How the configuration's keys of a relay bound whom it hears. */
import type { AdmissionLimits } from '@netfall/crash';

/** Seeds of the tables of senders are below it. */
export const MOST_SEED = 2 ** 32;

export interface RelayRates {
  readonly max_senders: number;
  readonly max_new_senders_per_s: number;
  readonly max_sender_datagrams_per_s: number;
  readonly max_sender_burst: number;
  readonly max_datagrams_per_s: number;
}

export function admissionLimits(rates: RelayRates): AdmissionLimits {
  return {
    senders: rates.max_senders,
    newSendersPerS: rates.max_new_senders_per_s,
    senderPerS: rates.max_sender_datagrams_per_s,
    senderBurst: rates.max_sender_burst,
    totalPerS: rates.max_datagrams_per_s,
  };
}
