/**
 * What drop_monitor's messages are made of: its names and numbers.
 *
 * Source: include/uapi/linux/net_dropmon.h. Types in some nests begin at 0, unlike elsewhere.
 */

/** The generic netlink family, and its multicast group of alerts, which takes CAP_NET_ADMIN and CAP_SYS_ADMIN. */
export const FAMILY = 'NET_DM';
export const ALERTS_GROUP = 'events';

export const Command = {
  summaryAlert: 1,
  config: 2,
  start: 3,
  stop: 4,
  packetAlert: 5,
  configGet: 6,
  configNew: 7,
  statsGet: 8,
  statsNew: 9,
} as const;

export const Attribute = {
  points: 0,
  mode: 1,
  pc: 2,
  symbol: 3,
  inPort: 4,
  timestamp: 5,
  protocol: 6,
  payload: 7,
  truncationBytes: 9,
  originalBytes: 10,
  queueLength: 11,
  stats: 12,
  hardwareStats: 13,
  origin: 14,
  trapGroup: 15,
  trap: 16,
  hardwareEntries: 17,
  hardwareEntry: 18,
  trapCount: 19,
  software: 20,
  hardware: 21,
  cookie: 22,
  reason: 23,
} as const;

export const PortAttribute = { index: 0, name: 1 } as const;
export const StatsAttribute = { dropped: 0 } as const;
