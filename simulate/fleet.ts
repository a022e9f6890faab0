/**
 * The hosts of a synthetic fleet and what they have in common: racks behind switches, hardware bought together, images
 * rolled out to services. Immutable and made of a seed; must not know troubles or messages.
 */
import type { Inventory } from '@netfall/proto';
import type { Random } from './random.ts';

/** Attributes, by the keys that collectors give them. */
export const ATTRIBUTES = [
  ...(['rack', 'zone', 'pool', 'gateway_mac', 'subnet', 'vendor', 'product', 'cpu'] as const),
  ...(['microcode', 'nic', 'firmware', 'image', 'kernel', 'cmdline'] as const),
];
export type Attribute = (typeof ATTRIBUTES)[number];
export type Values = Readonly<Record<Attribute, string>>;

export interface Host {
  readonly index: number;
  readonly id: string;
  /** Its only one, and nobody else's. */
  readonly address: string;
  /** At the beginning. */
  readonly values: Values;
}

/** An attribute and its value, as truth.json has it. */
export interface Pair {
  readonly attribute: string;
  readonly value: string;
}

interface Sku {
  readonly vendor: string;
  readonly product: string;
  readonly cpu: string;
  readonly microcodes: readonly string[];
  readonly nic: string;
  readonly firmwares: readonly string[];
}

const XEON = 'Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz';
const OLD_XEON = 'Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz';
const EPYC = 'AMD EPYC 7543 32-Core Processor';
const NEW_EPYC = 'AMD EPYC 9454 48-Core Processor';
const XEON_CODE = ['0xd0003a5', '0xd0003d1'];
const EPYC_CODE = ['0xa0011d1', '0xa0011d5'];
const NEW_EPYC_CODE = ['0xa101148', '0xa10114c'];
const MLX = ['22.35.3006', '22.39.1002', '22.41.1000'];
const ICE = ['4.20', '4.40'];
const I40E = ['9.20', '9.40'];
const BNXT = ['227.0.131', '229.1.123'];

const SKUS: readonly Sku[] = [
  sku('Dell Inc.', 'PowerEdge R650', XEON, XEON_CODE, 'mlx5_core', MLX),
  sku('Dell Inc.', 'PowerEdge R6525', EPYC, EPYC_CODE, 'bnxt_en', BNXT),
  sku('Supermicro', 'SYS-120C-TN10R', XEON, XEON_CODE, 'ice', ICE),
  sku('HPE', 'ProLiant DL365 Gen11', NEW_EPYC, NEW_EPYC_CODE, 'mlx5_core', MLX),
  sku('Dell Inc.', 'PowerEdge R640', OLD_XEON, ['0x2007006'], 'i40e', I40E),
  sku('Lenovo', 'ThinkSystem SR645 V3', NEW_EPYC, NEW_EPYC_CODE, 'ice', ICE),
  sku('HPE', 'ProLiant DL360 Gen10', OLD_XEON, ['0x2007006', '0x2007108'], 'ixgbe', ['0x800006da']),
];

const IMAGES: readonly { readonly image: string; readonly kernels: readonly string[] }[] = [
  { image: 'Debian GNU/Linux 12 base 2025.11', kernels: ['6.1.0-41-amd64'] },
  { image: 'Debian GNU/Linux 12 base 2025.10', kernels: ['6.1.0-40-amd64'] },
  { image: 'Debian GNU/Linux 13 base 2025.11', kernels: ['6.12.57-amd64', '6.12.48-amd64'] },
  { image: 'Debian GNU/Linux 13 edge 2025.12', kernels: ['6.18.2-amd64'] },
];
const CMDLINES = ['3f1c09a7b2d4e586', '9be07d1142c8fa35', 'c2547ae91d06b38f'];
const POOLS = [
  ...['web', 'cache', 'db', 'queue', 'search', 'batch', 'ml', 'edge', 'auth', 'media', 'logs', 'build'],
  ...['mail', 'proxy', 'stream', 'feed'],
];

export class Fleet {
  readonly hosts: readonly Host[];
  /** Hosts that hear what others' dying kernels send, by index. */
  readonly relays: readonly number[];

  constructor(count: number, random: Random) {
    const places = new Places(count, random.fork('places'));
    const software = new Software(count, random.fork('software'));
    this.hosts = Array.from({ length: count }, (_, index) => ({
      index,
      id: `n${String(index).padStart(6, '0')}`,
      address: addressOf(index),
      values: { ...places.of(index), ...software.next() },
    }));
    const relays = Math.min(count, Math.max(2, Math.ceil(count / 2000)));
    this.relays = Array.from({ length: relays }, (_, i) => Math.floor((i * count) / relays));
  }

  /** Hosts by each value of an attribute at the beginning, or by each of several's, which a space parts. */
  by(...attributes: readonly Attribute[]): ReadonlyMap<string, readonly Host[]> {
    return Map.groupBy(this.hosts, ({ values }) => attributes.map((key) => values[key]).join(' '));
  }
}

/** Where hosts stand, and what was bought to stand there. */
class Places {
  readonly #rackSize: number;
  readonly #zones: number;
  readonly #racks: number;
  readonly #random: Random;
  #rack = -1;
  #sku = SKUS[0]!;
  /** Racks that the same order still fills. */
  #ordered = 0;
  #macs: readonly string[] = [];
  #switches = 0;
  #shared = false;
  #microcode = '';
  #firmware = '';

  constructor(hosts: number, random: Random) {
    this.#random = random;
    this.#rackSize = hosts >= 800 ? 40 : Math.max(4, Math.round(hosts / 20));
    this.#racks = Math.ceil(hosts / this.#rackSize);
    this.#zones = Math.min(5, Math.max(2, Math.ceil(this.#racks / 50)));
  }

  /** Hosts are asked for in order. */
  of(index: number) {
    const rack = Math.floor(index / this.#rackSize);
    if (rack !== this.#rack) this.#enter(rack);
    const { vendor, product, cpu, microcodes, nic, firmwares } = this.#sku;
    const random = this.#random;
    // What was updated on its own.
    const microcode = random.chance(0.1) ? random.pick(microcodes) : this.#microcode;
    const firmware = random.chance(0.15) ? random.pick(firmwares) : this.#firmware;
    const half = (index % this.#rackSize) * 2 < this.#rackSize ? 0 : 1;
    return {
      rack: `r${String(rack).padStart(4, '0')}`,
      zone: `z${Math.floor((rack * this.#zones) / this.#racks) + 1}`,
      gateway_mac: this.#macs[half % this.#macs.length]!,
      subnet: subnetOf(index),
      ...{ vendor, product, cpu, microcode, nic, firmware: `${nic} ${firmware}` },
    };
  }

  #enter(rack: number): void {
    const random = this.#random;
    this.#rack = rack;
    if (this.#ordered-- === 0) {
      this.#ordered = random.below(Math.max(1, Math.min(12, this.#racks / 8)));
      this.#sku = SKUS[Math.floor(random.next() * random.next() * SKUS.length)]!;
      this.#microcode = random.pick(this.#sku.microcodes);
      this.#firmware = random.pick(this.#sku.firmwares);
    }
    // Most racks have a switch; some share one with the rack beside, some have two.
    if (this.#shared) {
      this.#shared = false;
      return;
    }
    const kind = random.next();
    this.#shared = kind < 0.12;
    this.#macs = kind > 0.9 ? [this.#nextMac(), this.#nextMac()] : [this.#nextMac()];
  }

  #nextMac(): string {
    const number = this.#switches++;
    return `02:5e:10:00:${hex(number >> 8)}:${hex(number & 255)}`;
  }
}

/** What runs on hosts: services, spread over all racks, each with the image that its owners like. */
class Software {
  readonly #random: Random;
  readonly #pools: readonly string[];
  readonly #favourites: ReadonlyMap<string, number>;

  constructor(hosts: number, random: Random) {
    this.#random = random;
    const count = Math.min(60, Math.max(4, Math.round(hosts / 250)));
    this.#pools = Array.from({ length: count }, (_, i) => {
      const again = Math.floor(i / POOLS.length);
      return `${POOLS[i % POOLS.length]}${again === 0 ? '' : `-${again + 1}`}`;
    });
    this.#favourites = new Map(
      this.#pools.map((pool) => [pool, Math.floor(random.next() * random.next() * IMAGES.length)]),
    );
  }

  next(): Pick<Values, 'pool' | 'image' | 'kernel' | 'cmdline'> {
    const random = this.#random;
    const most = Math.max(random.next(), random.next());
    const pool = this.#pools[Math.floor((1 - most) * this.#pools.length)] ?? this.#pools[0]!;
    const favourite = this.#favourites.get(pool) ?? 0;
    const { image, kernels } = IMAGES[random.chance(0.75) ? favourite : random.below(IMAGES.length)]!;
    const cmdline = CMDLINES[random.chance(0.8) ? favourite % 2 : random.below(CMDLINES.length)]!;
    return { pool, image, kernel: random.pick(kernels), cmdline };
  }
}

/** What a host's agent says of it. */
export function inventoryOf({ id, address }: Host, values: Values): Inventory {
  const { nic, firmware } = values;
  return {
    hostname: id,
    addresses: [address],
    gateway: values.subnet.replace(/0\/24$/, '1'),
    gateway_mac: values.gateway_mac,
    subnet: values.subnet,
    kernel: values.kernel,
    image: values.image,
    cmdline_digest: values.cmdline,
    ...{ vendor: values.vendor, product: values.product, cpu: values.cpu, microcode: values.microcode },
    nics: [
      {
        name: 'eth0',
        driver: nic,
        driver_version: values.kernel,
        firmware: firmware.slice(nic.length + 1),
        speed_mbps: 25_000,
      },
    ],
    labels: [
      { key: 'pool', value: values.pool },
      { key: 'rack', value: values.rack },
      { key: 'zone', value: values.zone },
    ],
  };
}

/** Hosts of a subnet. */
const SUBNET = 160;

function prefixOf(index: number): string {
  const subnet = Math.floor(index / SUBNET);
  return `10.${64 + (subnet >> 8)}.${subnet & 255}`;
}

function subnetOf(index: number): string {
  return `${prefixOf(index)}.0/24`;
}

function addressOf(index: number): string {
  return `${prefixOf(index)}.${10 + (index % SUBNET)}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function sku(
  vendor: string,
  product: string,
  cpu: string,
  microcodes: readonly string[],
  nic: string,
  firmwares: readonly string[],
): Sku {
  return { vendor, product, cpu, microcodes, nic, firmwares };
}
