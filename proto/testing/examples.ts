/** An entry of each kind with every field set to a value of its own: for tests that must not miss a field. */
import type { CrashReading, Entry, Envelope, Item } from '../gen/types.ts';
import type { OnSubject } from './arbitrary.ts';

const MOST = Number.MAX_SAFE_INTEGER;

/** Of a crash within a module. */
const exampleReading: CrashReading = {
  title: 'BUG: unable to handle kernel NULL pointer dereference in nvme_queue_rq',
  alternates: ['bad-access in nvme_queue_rq'],
  type: 'null-pointer-dereference',
  bug: 'bad-access in nvme_queue_rq',
  corrupted: 'the stack trace is cut short',
  signature: '1:0123456789abcdef',
  place: 'nvme_queue_rq',
  frames: [
    {
      function: '_raw_spin_lock',
      offset: 19,
      module: 'spin',
      reliable: true,
      inline: true,
      passed: 'locking',
    },
    { function: 'nvme_queue_rq', offset: 0, module: 'nvme', reliable: true, inline: false, passed: '' },
    { function: 'blk_mq_dispatch', offset: null, module: '', reliable: false, inline: true, passed: '' },
  ],
  unlisted_frames: 4_294_967_290,
  guilty: 1,
  process: 'kworker/u8:2',
  pid: 77,
  cpu: 3,
  taint: 'GWOE',
  modules: ['nvme', 'nvme_core'],
  unlisted_modules: 4_294_967_289,
};

const exampleItems: readonly Item[] = [
  {
    inventory: {
      hostname: 'web-1.example',
      addresses: ['192.0.2.7', '2001:db8::7'],
      gateway: '192.0.2.1',
      gateway_mac: '02:00:5e:00:00:01',
      subnet: '192.0.2.0/24',
      kernel: '6.8.0-45-generic',
      image: 'Ubuntu 24.04.1 LTS',
      cmdline_digest: '0123456789abcdef',
      vendor: 'Vendor',
      product: 'R640 “rev 2”',
      cpu: 'CPU @ 2.40GHz',
      microcode: '0x5003604',
      nics: [
        {
          name: 'eth0',
          driver: 'mlx5_core',
          driver_version: '24.1',
          firmware: '16.35.2000',
          speed_mbps: 100_000,
        },
        {
          name: 'eth1',
          driver: 'ixgbe',
          driver_version: '5.1',
          firmware: '0x80000d',
          speed_mbps: 4_294_967_295,
        },
      ],
      labels: [
        { key: 'rack', value: 'r12' },
        { key: 'zone.a-b_c', value: 'ä' },
      ],
    },
  },
  {
    heartbeat: {
      agent_version: '0.1.0',
      interval_ms: 10_000,
      sources: [
        { name: 'counters', state: 1, detail: 'reads 210 counters', mend: 'nothing to mend' },
        { name: 'kfree-skb', state: 3, detail: 'bpf is not permitted', mend: 'grant CAP_BPF' },
      ],
      spool_messages: 4_294_967_294,
      spool_bytes: MOST,
    },
  },
  { goodbye: { reason: 'SIGTERM' } },
  {
    drop_report: {
      window_us: 1_000_001,
      received_packets: MOST - 1,
      sent_packets: MOST - 2,
      drops: [
        {
          reason: 'NO_SOCKET',
          function: '__udp4_lib_rcv',
          offset: 1234,
          module: 'udp_tunnel',
          protocol: 'IPv4',
          origin: 1,
          trap: 'ttl_value_is_too_small',
          events: MOST - 3,
          packets: MOST - 4,
          bytes: MOST - 5,
        },
      ],
      other: { kinds: 4_294_967_293, events: MOST - 6, packets: MOST - 7, bytes: MOST - 8 },
      samples: [
        {
          observed_us: 1_700_000_000_000_000,
          reason: 'NO_SOCKET',
          function: '__udp4_lib_rcv',
          origin: 1,
          trap: 'ttl_value_is_too_small',
          interface: 'eth0',
          namespace: 'container 3f2a',
          length: 1514,
          flows: [
            {
              source: '10.0.0.1',
              destination: '2001:db8::1',
              protocol: 'TCP',
              source_port: 65_535,
              destination_port: 443,
              vlans: [1, 4095],
              tunnel_id: 16_777_215,
              detail: 'SYN',
            },
          ],
          header: Uint8Array.of(1, 2, 255),
          ether_type: 2048,
        },
      ],
    },
  },
  {
    counter_report: {
      window_us: 10_000_000,
      counters: [{ name: 'rx_dropped', interface: 'eth0', delta: MOST - 9, namespace: 'pod shop/web-1' }],
      audit: {
        explained: [
          {
            reason: 'NO_SOCKET',
            function: '__udp4_lib_rcv',
            protocol: 'IPv4',
            counter: 'UdpNoPorts',
            events: 7,
          },
        ],
        unseen: [{ counter: 'rx_missed_errors', interface: 'eth0', count: 3, possible: true }],
        uncounted: [
          {
            reason: 'NEIGH_FAILED',
            function: 'neigh_timer_handler',
            protocol: 'ARP',
            counter: '',
            events: 2,
          },
        ],
        missed_events: 4,
        unlisted: 5,
      },
      sockets: [
        {
          protocol: 'UDP',
          local_address: '10.0.0.1',
          local_port: 8125,
          pid: 4242,
          process: 'statsd',
          owner: 'unit statsd.service',
          drops: 6,
        },
      ],
    },
  },
  {
    crash_witness: {
      record: 'netoops-6ba7b8109dad-1',
      source: 'netoops',
      sender: '2001:db8::7',
      first_us: 1_700_000_000_000_001,
      kernel: '6.8.0-45-generic',
      boot_id: '4294967295',
      kind: 'panic',
      line: 'Kernel panic - not syncing: sysrq triggered crash',
      uptime_us: MOST - 11,
    },
  },
  {
    crash_report: {
      witness: {
        record: 'pstore-0123abcd',
        source: 'pstore',
        sender: '',
        first_us: 1_700_000_000_000_002,
        kernel: '6.8.0-44-generic',
        boot_id: '6ba7b810-9dad-11d1-80b4-00c04fd430c9',
        kind: 'oops',
        line: 'BUG: kernel NULL pointer dereference, address: 0000000000000000',
        uptime_us: 1_758_426,
      },
      revision: 4_294_967_292,
      last_us: 1_700_000_000_000_003,
      last_uptime_us: 1_758_427,
      digest: '00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff',
      bytes: MOST - 12,
      complete: true,
      holes: [{ at: 1024, bytes: MOST - 13, exact: true }],
      unlisted_holes: 4_294_967_291,
      wrap_at: 2048,
      parts: MOST - 14,
      duplicates: MOST - 15,
      lost_messages: MOST - 16,
      hardware: 'Vendor R640/0X, BIOS 2.1',
      reading: exampleReading,
      parser_version: 4_294_967_288,
    },
  },
];

export const exampleEnvelope: Envelope = {
  cell: 'tor-12',
  host_id: 'web-1',
  incarnation: '0001k3-7f',
  seq: MOST,
  oldest_seq: MOST - 255,
  boot_id: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  observed_us: 1_700_000_000_123_456,
  items: exampleItems,
  losses: [{ source: 'kfree-skb', hop: 'map_overflow', count: MOST - 10 }],
};

function examples(): readonly OnSubject[] {
  const entries: [string, Entry][] = [
    ['host.web-1', { envelope: exampleEnvelope }],
    ['tick', { tick: { replica: 'r-0a1b2c' } }],
    [
      'epoch',
      {
        epoch: {
          fold_version: 4_294_967_295,
          config_digest: 'c0ffee',
          catalog_digest: 'cafe',
          config: '{"detect":{"floor_per_s":50}}',
        },
      },
    ],
    ['claim', { claim: { holder: 'r-0a1b2c', lease_us: 15_000_000 } }],
    [
      'delivered',
      {
        delivered: {
          notification_id: 'i7-0/firing',
          sink: 'chat',
          holder: 'r-0a1b2c',
          attempts: 3,
          error: 'the server answered 500',
        },
      },
    ],
    [
      'switches',
      {
        switches: {
          switches: [
            {
              source: 'kfree-skb',
              until_us: 1_700_003_600_000_000,
              hosts: ['web-1', 'web-2'],
              labels: [{ key: 'rack', value: 'r12' }],
              why: 'it costs too much',
              by: 'ann@console',
            },
          ],
          by: 'bob@console',
        },
      },
    ],
    ['reading', { reading: { digest: 'ab'.repeat(32), parser_version: 2, reading: exampleReading } }],
    [
      'change',
      {
        change: {
          id: 'deploy-api-231',
          kind: 'deployment',
          summary: 'api v2.31 → pool “api”',
          at_us: 1_700_000_000_000_005,
          attributes: [{ key: 'pool', value: 'api' }],
          hosts: ['web-3', 'web-4'],
          by: 'ci@build-7',
          url: 'https://ci.example/231',
        },
      },
    ],
    ['command', { command: { by: 'ann@console', comment: 'on it', acknowledge: { incident_id: 'i7-0' } } }],
    ['command', { command: { by: 'bob@console', comment: 'rebooted', resolve: { incident_id: 'i7-1' } } }],
    [
      'command',
      { command: { by: 'cleo@console', comment: 'seen before', comment_on: { incident_id: 'i7-2' } } },
    ],
    [
      'command',
      {
        command: {
          by: 'dan@console',
          comment: 'new switches',
          silence: {
            id: 's-0a1b2c',
            matchers: [{ name: 'rack', value: 'r1*', not: true }],
            from_us: 1_700_000_000_000_006,
            until_us: 1_700_003_600_000_007,
            maintenance: true,
          },
        },
      },
    ],
    ['command', { command: { by: 'eve@console', comment: 'done', end_silence: { id: 's-0a1b2d' } } }],
  ];
  return entries.map(([rest, entry]) => ({ subject: `netfall.tor-12.${rest}`, entry }));
}

/** One valid entry a kind, in the order of the oneof, and a command of each kind. */
export const exampleEntries: readonly OnSubject[] = examples();
