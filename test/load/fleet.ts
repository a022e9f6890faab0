/**
 * Encoded messages of a large fleet, for benchmarks of the collector: hosts with 12 attributes and 8 sources, each with a
 * few drop signals and some with up to 40, reporting in turn.
 */
import {
  type Drop,
  type Envelope,
  encodeEntry,
  hostSubject,
  type Inventory,
  type Item,
} from '@netfall/proto';

const CELL = 'bench';
const START_US = 1_700_000_000_000_000;

export interface FleetOptions {
  readonly hosts: number;
  /** Signals on host i. */
  readonly signals: (host: number) => number;
}

/** Mostly 1 to 5 signals, on every tenth host up to 40. */
export function usualSignals(host: number): number {
  return host % 10 === 9 ? 11 + (host % 30) : 1 + (host % 5);
}

/** The cell that the messages belong to. */
export const FLEET_CELL = CELL;

/** The messages of round after round: every host once a round, with its inventory in the first one. */
export function* fleetMessages({
  hosts,
  signals,
}: FleetOptions): Generator<{ subject: string; data: Uint8Array }> {
  for (let round = 0; ; round++) {
    for (let host = 0; host < hosts; host++) {
      const id = `host-${host}`;
      const envelope: Envelope = {
        cell: CELL,
        host_id: id,
        incarnation: '000001',
        seq: round + 1,
        oldest_seq: round + 1,
        boot_id: '4c1b1c0e-0d5f-4d0a-9b0e-0b6f7e3c2a11',
        observed_us: START_US + round * 10_000_000,
        items: [
          ...(round === 0 ? [{ inventory: inventory(host) }] : []),
          heartbeat,
          drops(host, signals(host), round),
        ],
        losses: [],
      };
      yield { subject: hostSubject(CELL, id), data: encodeEntry({ envelope }) };
    }
  }
}

/** When round `n` begins, log time. */
export function roundUs(round: number): number {
  return START_US + round * 10_000_000;
}

const heartbeat: Item = {
  heartbeat: {
    agent_version: '0.1.0',
    interval_ms: 10_000,
    sources: Array.from({ length: 8 }, (_, i) => {
      return { name: `source-${i}`, state: 1, detail: 'counts everything that it should', mend: '' };
    }),
    spool_messages: 1,
    spool_bytes: 512,
  },
};

function drops(host: number, signals: number, round: number): Item {
  return {
    drop_report: {
      window_us: 10_000_000,
      received_packets: 100_000,
      sent_packets: 100_000,
      other: null,
      samples: [],
      drops: Array.from({ length: signals }, (_, i): Drop => {
        // Some reports leave a signal out, as real ones do; rates wander below the floor.
        const events = 20 + ((host * 7 + i * 13 + round * 29) % 100);
        return {
          reason: `REASON_${i}`,
          function: `kernel_function_${i}`,
          offset: 64 + i,
          module: '',
          protocol: i % 2 ? 'IPv6' : 'IPv4',
          origin: 1,
          trap: '',
          events,
          packets: events,
          bytes: events * 120,
        };
      }),
    },
  };
}

function inventory(host: number): Inventory {
  const rack = Math.floor(host / 40);
  return {
    hostname: `host-${host}`,
    addresses: [`10.${host >> 16}.${(host >> 8) & 255}.${host & 255}`],
    gateway: `10.${rack >> 8}.${rack & 255}.1`,
    gateway_mac: `02:00:00:00:${(rack >> 8).toString(16)}:${(rack & 255).toString(16)}`,
    subnet: `10.${rack >> 8}.${rack & 255}.0/24`,
    kernel: `6.12.${host % 7}`,
    image: `Debian ${12 + (host % 2)}`,
    cmdline_digest: (host % 3).toString(16).padStart(16, '0'),
    vendor: 'Vendor',
    product: `Model ${host % 4}`,
    cpu: `CPU ${host % 3}`,
    microcode: `0x${(host % 5).toString(16)}`,
    nics: [
      {
        name: 'eth0',
        driver: 'mlx5_core',
        driver_version: '',
        firmware: `22.${host % 6}`,
        speed_mbps: 100_000,
      },
    ],
    labels: [
      { key: 'pool', value: `pool-${host % 20}` },
      { key: 'rack', value: `r${rack}` },
      { key: 'zone', value: `z${rack % 4}` },
    ],
  };
}
