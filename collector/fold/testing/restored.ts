/** For tests: a fold's rows as they come back from a database or a snapshot. */
import type { Rows } from '../rows.ts';
import { numbers } from './random-log.ts';

/** Copies, in an order of `shuffle`'s choosing. */
export function restored(rows: Rows, shuffle: <T>(list: T[]) => T[]): Rows {
  const copy = <T>(list: Iterable<T>): T[] => shuffle(JSON.parse(JSON.stringify([...list])));
  const { global, hosts, incidents, crashes, notifications, changes, silences } = rows;
  return {
    global: JSON.parse(JSON.stringify(global)),
    hosts: copy(hosts).map(({ id, facts, state }) => ({
      id,
      facts,
      state: {
        ...state,
        signals: shuffle(state.signals),
        losses: shuffle(state.losses),
        streams: shuffle(state.streams),
      },
    })),
    incidents: copy(incidents),
    crashes: copy(crashes),
    notifications: copy(notifications),
    changes: copy(changes),
    silences: copy(silences),
  };
}

/** Shuffles lists in their place, the same way for the same seed. */
export function shuffler(seed: number) {
  const draw = numbers(seed);
  return <T>(list: T[]): T[] => {
    for (let i = list.length - 1; i > 0; i--) {
      const j = draw(i + 1);
      [list[i], list[j]] = [list[j] as T, list[i] as T];
    }
    return list;
  };
}
