/** A kernel with a drop monitor that sends what the test says. */

import type { AlertSocket } from '../alerts.ts';
import type { MonitorStats } from '../requests.ts';
import type { TapControl, TappedKernel } from '../tap.ts';
import { ALERTS_GROUP } from '../wire.ts';
import { FAMILY_ID } from './alert-writer.ts';
import { FakeMonitor } from './fake-monitor.ts';

const DATAGRAMS = 64;

export class FakeKernel implements TappedKernel {
  readonly monitor = new FakeMonitor();
  /** What the monitor says that it could not queue. */
  stats: MonitorStats = { software: 0, hardware: 0 };
  /** Messages that it says had no room in the socket. */
  dropped = 0;
  /** The alerts' multicast group. */
  group = 7;
  /** Groups that the socket joined. */
  readonly joined: number[] = [];
  /** Datagrams that wait in the socket. */
  readonly sent: Uint8Array[] = [];
  truncated = 0;
  /** Thrown instead of receiving. */
  failure: Error | undefined;
  /** What the event loop would call. */
  readable = () => {};
  readonly open = { controls: 0, sockets: 0 };

  /** Alerts that everybody in the group gets: copied, since writers use their buffers again. */
  send(...alerts: readonly Uint8Array[]): void {
    for (const alert of alerts) this.sent.push(alert.slice());
  }

  control(): TapControl {
    this.open.controls++;
    const { monitor } = this;
    const group = () => this.group;
    return {
      get family() {
        return { id: FAMILY_ID, groups: new Map([[ALERTS_GROUP, group()]]) };
      },
      stats: () => this.stats,
      config: () => monitor.config(),
      configure: (config) => monitor.configure(config),
      start: (drops) => monitor.start(drops),
      stop: (drops) => monitor.stop(drops),
      close: () => {
        this.open.controls--;
      },
    };
  }

  drops(): number {
    return this.dropped;
  }

  socket(datagramBytes: number): AlertSocket {
    this.open.sockets++;
    const kernel = this;
    const slab = new Uint8Array(DATAGRAMS * datagramBytes);
    const ends: number[] = [];
    return {
      slab,
      datagrams: DATAGRAMS,
      protocol: 16,
      portId: 1,
      overflows: 0,
      get truncated() {
        return kernel.truncated;
      },
      startOf: (i) => i * datagramBytes,
      endOf: (i) => ends[i] ?? 0,
      receive: () => {
        if (this.failure) throw this.failure;
        const received = this.sent.splice(0, DATAGRAMS);
        for (const [i, datagram] of received.entries()) {
          slab.set(datagram, i * datagramBytes);
          ends[i] = i * datagramBytes + datagram.length;
        }
        return received.length;
      },
      join: (group) => {
        this.joined.push(group);
      },
      onReadable: (handler) => {
        this.readable = handler;
      },
      close: () => {
        this.open.sockets--;
      },
    };
  }
}
