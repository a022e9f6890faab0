/** What a relay can be told: the keys that both protocols have. It describes; see ../config.ts. */
import Type from 'typebox';

/** Whose datagrams are heard unless it is said: those of networks that are not the Internet's. */
const PRIVATE_NETWORKS = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];
const MIB = 1024 * 1024;

/** Addresses and networks. */
const networks = (description: string, standard: readonly string[]) =>
  Type.Array(Type.String({ pattern: '^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$' }), {
    default: [...standard],
    maxItems: 256,
    description,
  });

/** What both protocols by which other hosts are heard can be told. */
export const relayKeys = (port: number, what: string, mebibytes: number) => ({
  enabled: Type.Optional(Type.Boolean({ description: `Hear other hosts' ${what}. Default: false.` })),
  listen: Type.String({
    default: `[::]:${port}`,
    pattern: '^(\\[[0-9A-Fa-f:.]+\\]|[0-9.]+):[0-9]{1,5}$',
    description: 'ADDRESS:PORT of UDP; [::] is every address, of IPv4, too.',
  }),
  allow: networks(
    'Networks whose hosts are heard; datagrams of others are counted and dropped.',
    PRIVATE_NETWORKS,
  ),
  known: networks(
    'Networks, besides, whose hosts are heard whatever all others do: they are never limited together with them.',
    [],
  ),
  receive_buffer_bytes: Type.Integer({
    default: 32 * MIB,
    minimum: 64 * 1024,
    maximum: 1024 * MIB,
    description: 'What may wait for the agent to read it; what comes beyond is counted as socket_full.',
  }),
  max_bytes: Type.Integer({
    default: mebibytes * MIB,
    minimum: MIB,
    maximum: 4096 * MIB,
    description: 'What is kept of all hosts together; the least useful gives way.',
  }),
  max_senders: Type.Integer({
    default: 4096,
    minimum: 16,
    maximum: 1_000_000,
    description: 'Hosts of which something is kept at once; the least useful gives way.',
  }),
  max_new_senders_per_s: Type.Integer({
    default: 500,
    minimum: 1,
    maximum: 10_000_000,
    description:
      'New hosts a second that are heard in the long run, of `max_senders` at once; datagrams of more are counted as strangers_limited.',
  }),
  max_sender_datagrams_per_s: Type.Integer({
    default: 2000,
    minimum: 1,
    maximum: 10_000_000,
    description: 'Datagrams a second of one host in the long run; more are counted as sender_limited.',
  }),
  max_sender_burst: Type.Integer({
    default: 16_384,
    minimum: 1,
    maximum: 10_000_000,
    description: 'Datagrams that one host may send at once; a log of 4 MiB takes 12 288 of netoops.',
  }),
  max_datagrams_per_s: Type.Integer({
    default: 400_000,
    minimum: 1,
    maximum: 100_000_000,
    description: 'Datagrams a second of all hosts together; more are counted as total_limited.',
  }),
});

export const maxLogBytes = (description: string, mebibytes: number) =>
  Type.Integer({ default: mebibytes * MIB, minimum: 64 * 1024, maximum: 16 * MIB, description });
