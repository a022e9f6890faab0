/** One place that counters are read from: files of /proc, a netlink family, another network namespace. */
import type { Collector } from '../../source.ts';

export interface CounterReader {
  /** Reports what grew since the last reading. The first one is where growth is counted from. @throws any error */
  read(into: Collector): void;
  close(): void;
}

/** Takes no notice. */
export const NOWHERE: Collector = {
  drop() {},
  counter() {},
  wantsSample: () => false,
  sample() {},
  loss() {},
};
