/** Makes the faults of a plan in a network that stands, and mends them. It must not know when. */
import { Network } from './network.ts';
import type { Fault, FaultName, Host } from './plan.ts';
import { type Command, PORT } from './service.ts';

export interface Stage {
  readonly network: Network;
  readonly hosts: readonly Host[];
  /** Tells the services of a host what to do. */
  tell(host: Host, command: Command): void;
}

/** What is done to one host, and undone. */
interface Deed {
  begin(stage: Stage, fault: Fault, host: Host): void;
  end(stage: Stage, fault: Fault, host: Host): void;
}

/** Datagrams a second to each host: above what the catalog calls alarming, and what a rule of a filter throws away. */
const FILTERED = 300;

/** Two others, which are not of the fault, send to the host. */
function burden(port: number, rate: number, bytes: number, sockets = 1): Deed {
  return {
    begin({ hosts, tell }, { id, hosts: struck }, host) {
      const to = [Network.address(host)];
      for (const peer of peersOf(hosts, struck, host)) {
        tell(peer, { do: 'send', id: `${id}-${host.name}`, to, port, rate: rate / 2, bytes, sockets });
      }
    },
    end({ hosts, tell }, { id, hosts: struck }, host) {
      for (const peer of peersOf(hosts, struck, host)) tell(peer, { do: 'stop', id: `${id}-${host.name}` });
    },
  };
}

function peersOf(hosts: readonly Host[], struck: Fault['hosts'], host: Host): readonly Host[] {
  const others = hosts.filter((one) => !struck.some(({ host }) => host === one));
  const first = hosts.indexOf(host) % others.length;
  return [others[first]!, others[(first + 1) % others.length]!];
}

/** A rule in a host's filter. */
function rule(text: string): Deed {
  return {
    begin: ({ network }, { id }, host) => {
      const chain = `add table ip ${id}; add chain ip ${id} in { type filter hook input priority 1; }`;
      network.inHost(host, 'nft', `${chain}; add rule ip ${id} in iif eth0 ${text}`);
    },
    end: ({ network }, { id }, host) => network.inHost(host, 'nft', `delete table ip ${id}`),
  };
}

function both(first: Deed, second: Deed): Deed {
  return {
    begin: (...all) => {
      first.begin(...all);
      second.begin(...all);
    },
    end: (...all) => {
      second.end(...all);
      first.end(...all);
    },
  };
}

export const deeds: Readonly<Record<FaultName, Deed>> = {
  // The rack's ports run at a fraction of their speed while its hosts send much.
  'rack-qdisc': {
    begin({ network, hosts, tell }, { id, hosts: struck }, host) {
      network.inHost(host, ...'tc qdisc add dev eth0 root tbf rate 400kbit burst 8kb limit 16kb'.split(' '));
      const to = peersOf(hosts, struck, host).map(Network.address);
      tell(host, { do: 'send', id, to, port: PORT.ingest, rate: 175, bytes: 1000 });
    },
    end({ network, tell }, { id }, host) {
      tell(host, { do: 'stop', id });
      network.inHost(host, ...'tc qdisc delete dev eth0 root'.split(' '));
    },
  },
  // A deployment forgets a port; clients ask again and again.
  'pool-filter': both(rule(`udp dport ${PORT.echo} drop`), burden(PORT.echo, FILTERED, 100)),
  'stalled-reader': both(
    {
      begin: ({ tell }, _, host) => tell(host, { do: 'stall', ms: 800 }),
      end: ({ tell }, _, host) => tell(host, { do: 'stall', ms: 0 }),
    },
    burden(PORT.ingest, 60, 500),
  ),
  'no-listener': burden(PORT.closed, 200, 100),
  'host-cut': {
    begin: ({ network }, _, host) => network.setHost(host, false),
    end: ({ network }, _, host) => network.setHost(host, true),
  },
  'rack-cut': {
    // With the first of its hosts.
    begin: ({ network }, { hosts }, host) => host === hosts[0]?.host && network.setRack(host.rack, false),
    end: ({ network }, { hosts }, host) => host === hosts[0]?.host && network.setRack(host.rack, true),
  },
  // So many connections at once and no more, as where a table of them is full.
  'zone-limit': both(rule('udp dport 7003 ct count over 20 drop'), burden(7003, 400, 100, 150)),
};
