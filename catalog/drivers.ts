/**
 * Which counter a network driver's own statistic belongs to, by its name as `ethtool -S` shows it: one of the catalog's
 * `nic_` counters by the driver's file, or one under its own name when it sounds like a loss and no file knows it. For
 * agents; pure.
 */
import drivers from './gen/drivers.json' with { type: 'json' };
import { UNKNOWN_STATISTIC } from './rules.ts';

export interface DriverCounters {
  /** The counter that a statistic adds to; undefined for one that does not matter or is counted elsewhere. */
  counterOf(statistic: string): string | undefined;
}

interface DriverEntry {
  readonly counters: Readonly<Record<string, readonly string[]>>;
  readonly ignored: readonly string[];
}

const entries = new Map(Object.entries(drivers.drivers as Record<string, DriverEntry>));

/** Of `struct rtnl_link_stats64`, which is read for every interface anyway; some drivers show them once more. */
const STANDARD =
  /^([rt]x_(errors|dropped)|rx_(length|over|crc|frame|fifo|missed)_errors|tx_(aborted|carrier|fifo|heartbeat|window)_errors)$/;

/** Words of names of losses; `interrupts`, `deferred`, `permission`, `failover` and bytes are not meant. */
const LOSS =
  /^(?!.*bytes).*(?:drop|discard|err(?!upt|ed)|miss(?!ion)|fail(?!over)|no_?buf|over(run|flow)|out_?of_?(?:buf|mem|space|res|desc)|oob|oom|exceed|exhaust|timeout|abort|reject|lost|crc|fcs|jabber|runt|fragment|(under|over)size)/i;

/** The number of a queue, ring, channel or priority: a word of its own, or the end of such a word. */
const NUMBER =
  /(?<![a-z0-9])((?:[rt]x)?(?:q|queue|ring|ch|channel|prio|priority|pri|tc|cos)?|)\d+(?![a-z0-9])/gi;

/** @param driver as the kernel names it. Any name will do. */
export function driverCounters(driver: string): DriverCounters {
  const entry = entries.get(driver);
  const rows = Object.entries(entry?.counters ?? {}).map(
    ([name, patterns]) => [name, anyOf(patterns)] as const,
  );
  const ignored = anyOf(entry?.ignored ?? []);
  return {
    counterOf: (statistic) => {
      const row = rows.find(([, pattern]) => pattern.test(statistic));
      if (row) return row[0];
      if (ignored.test(statistic) || STANDARD.test(statistic) || !LOSS.test(statistic)) return undefined;
      return UNKNOWN_STATISTIC + withoutNumbers(statistic);
    },
  };
}

/** `[3]: rx_l4_drops` is `N_rx_l4_drops`: one name for all queues. */
function withoutNumbers(statistic: string): string {
  return statistic
    .replace(NUMBER, '$1N')
    .replace(/[^a-z0-9_.-]+/gi, '_')
    .replace(/^[_.-]+|[_.-]+$/g, '');
}

function anyOf(patterns: readonly string[]): RegExp {
  // Without a pattern it matches nothing.
  return new RegExp(patterns.length > 0 ? `^(?:${patterns.join('|')})$` : '^(?!)');
}
