/**
 * What an entry of the catalog holds. The entries are written in `entries/`, a YAML file a subject; `npm run generate`
 * checks them against this and writes `gen/`, which is what programs read. docs/catalog.md tells how to write one.
 */
import Type, { type Static } from 'typebox';

const strict = { additionalProperties: false };

/** A kernel's release, of the main line. */
const Release = Type.String({ pattern: '^[2-7]\\.[0-9]{1,2}(\\.[0-9]{1,2})?$' });

/** A sentence or a few, on one line. */
const Sentence = Type.String({ pattern: '^[A-Z‘“`0-9/].*[.?!]$', maxLength: 600 });

/** Where in the stack. */
export const Layer = Type.Enum([
  /** The device and its rings. */
  'device',
  /** The driver, and what it hands to the processor: softnet, backlog, memory. */
  'host',
  /** Frames: Ethernet, VLAN, bridge, Wi-Fi, neighbours, tunnels. */
  'link',
  /** Queueing disciplines and traffic control. */
  'qdisc',
  /** Netfilter, BPF, security modules: somebody's rules. */
  'filter',
  /** IP, ICMP, routing, fragments, IPsec. */
  'network',
  /** TCP, UDP, SCTP, MPTCP. */
  'transport',
  /** The socket and its application. */
  'socket',
]);

export const Direction = Type.Enum(['receive', 'transmit', 'forward', 'any']);

/** Packets (or events) a second on one host from which it is alarming; `never` is everyday at any rate. */
const Alarm = Type.Union([Type.Integer({ minimum: 0, maximum: 1_000_000_000 }), Type.Literal('never')]);

/**
 * A counter that counts a packet dropped for a reason. Without `function` and `protocol` it holds for all; rows that name
 * the function win over those that name none. All rows that are equally special apply together.
 */
const CountedBy = Type.Object(
  {
    counter: Type.String(),
    function: Type.Optional(Type.String()),
    /** As DropReport names it: IPv4, IPv6, ARP. */
    protocol: Type.Optional(Type.String()),
    /** Only some of these drops are counted there. */
    sometimes: Type.Optional(Type.Literal(true)),
  },
  strict,
);

const shared = {
  /** Whether what it counts is a packet that was lost to its receiver. */
  lost: Type.Enum(['always', 'sometimes', 'never']),
  /** When it is a loss, and when not: for `sometimes` alone. */
  condition: Type.Optional(Sentence),
  layer: Layer,
  direction: Direction,
  alarm: Alarm,
  /** Of the alarm; `info` goes with an alarm of `never`. */
  severity: Type.Enum(['info', 'warning', 'critical']),
  means: Sentence,
};

/** Commands that tell causes apart, and what to look for in what they print. */
const Check = Type.Object({ run: Type.String({ maxLength: 200 }), shows: Sentence }, strict);

const Cause = Type.Object(
  {
    /** What is wrong. The likeliest stands first. */
    cause: Sentence,
    /** How to know that it is this one. */
    tell: Type.Array(Check, { minItems: 1 }),
    /** What to do: a setting with its value, configuration, capacity. */
    mend: Sentence,
  },
  strict,
);

const more = {
  /** The first release that has it; absent for older than 4.18 (counters). */
  since: Type.Optional(Release),
  /** The last release that has it. */
  until: Type.Optional(Release),
  /** Names in earlier or later releases, of the same thing. */
  aliases: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  /** What else to look at: names in the catalog. */
  see: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
  causes: Type.Optional(Type.Array(Cause, { minItems: 1 })),
};

/** What a reason means when one function gives it, where that differs: what is not said here holds as above. */
const Place = Type.Object(
  {
    ...Type.Partial(Type.Object(shared)).properties,
    counted_by: Type.Optional(Type.Array(CountedBy)),
  },
  strict,
);

export const Reason = Type.Object(
  {
    ...shared,
    ...more,
    /** The counters that count it; an empty list says that no counter does. */
    counted_by: Type.Array(CountedBy),
    /** By function. */
    places: Type.Optional(Type.Record(Type.String({ pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' }), Place)),
  },
  strict,
);

export const Counter = Type.Object(
  {
    ...shared,
    ...more,
    /** A level or a setting: it does not count anything. */
    gauge: Type.Optional(Type.Literal(true)),
    /** Sums that grow with it: what it counts is counted there once more. */
    part_of: Type.Optional(Type.Array(Type.String(), { minItems: 1 })),
    /** Lost before or beside what makes drop events, so that no reason will ever show it. */
    unseen: Type.Optional(Type.Literal(true)),
  },
  strict,
);

export const Trap = Type.Object(
  {
    ...shared,
    ...more,
    /** The group of devlink's that it belongs to. */
    group: Type.String(),
    /** What the kernel would say, had the host's CPU and not the switch handled the packet. */
    reason: Type.Optional(Type.String()),
  },
  strict,
);

/** One file: entries of one kind, found at one place. */
const file = <K extends string, E extends Type.TSchema>(kind: K, entry: E) =>
  Type.Object(
    {
      kind: Type.Literal(kind),
      /** Where the names are to be seen: `/proc/net/snmp`, `drop reasons of the core`. */
      found_in: Type.String(),
      entries: Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]*$' }), entry),
    },
    strict,
  );

/** Anchored at both ends when it is matched. */
const Pattern = Type.String({ minLength: 1, maxLength: 200 });
const Patterns = Type.Array(Pattern, { minItems: 1 });

/** What a network driver's own statistics count, by the names that `ethtool -S` shows. */
export const DriverFile = Type.Object(
  {
    kind: Type.Literal('driver'),
    /** As `ethtool -i` names it. */
    driver: Type.String({ pattern: '^[a-z0-9_-]+$' }),
    /** Whether a real device was looked at, or the driver's sources and documentation alone. */
    from: Type.Enum(['test', 'documentation']),
    /** By counter: patterns of the statistics that are added up to it. */
    counters: Type.Record(Type.String({ pattern: '^nic_[a-z0-9_]+$' }), Patterns),
    /** Statistics that sound like a loss and are counted elsewhere, or are none. */
    ignored: Type.Optional(Patterns),
  },
  strict,
);

export const ReasonFile = file('reason', Reason);
export const CounterFile = file('counter', Counter);
export const TrapFile = file('trap', Trap);

export type Reason = Static<typeof Reason>;
export type Counter = Static<typeof Counter>;
export type Trap = Static<typeof Trap>;
export type DriverFile = Static<typeof DriverFile>;
export type CountedBy = Static<typeof CountedBy>;
export type Cause = Static<typeof Cause>;
export type Layer = Static<typeof Layer>;
export type Direction = Static<typeof Direction>;
