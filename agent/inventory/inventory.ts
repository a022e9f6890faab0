/**
 * Who the host is: gathers the inventory from files under a root. What cannot be read is left empty, never guessed.
 * It must not know when the inventory is read or sent.
 */
import { createHash } from 'node:crypto';
import { type Inventory, LIMITS } from '@netfall/proto';
import { readNics } from './nics.ts';
import { readAddresses, readDefaultRoute } from './routes.ts';
import { FileTree } from './tree.ts';

/** What the host says of itself. */
export interface HostReader {
  /** The kernel's boot id; empty when there is none. */
  bootId(): string;
  inventory(): Inventory;
}

/** Reads the host under `root`, with the operator's labels. */
export function openHost(root: string, labels: Readonly<Record<string, string>>): HostReader {
  const tree = new FileTree(root);
  return {
    bootId: () => tree.line('proc/sys/kernel/random/boot_id').slice(0, LIMITS.string),
    inventory: () => readInventory(root, labels),
  };
}

/** Reads the inventory of the host under `root`. Takes a few milliseconds; never throws. */
export function readInventory(root: string, labels: Readonly<Record<string, string>> = {}): Inventory {
  const tree = new FileTree(root);
  const route = readDefaultRoute(tree);
  const cpu = parseCpuInfo(tree.text('proc/cpuinfo'));
  const commandLine = tree.line('proc/cmdline');
  const cut = (text: string) => text.slice(0, LIMITS.string);
  return {
    hostname: cut(tree.line('proc/sys/kernel/hostname')),
    addresses: readAddresses(tree).slice(0, LIMITS.addresses),
    gateway: route.gateway,
    gateway_mac: route.gatewayMac,
    subnet: route.subnet,
    kernel: cut(tree.line('proc/sys/kernel/osrelease')),
    image: cut(parseOsRelease(tree.text('etc/os-release') || tree.text('usr/lib/os-release'))),
    cmdline_digest: commandLine && createHash('sha256').update(commandLine).digest('hex').slice(0, 16),
    vendor: cut(tree.line('sys/class/dmi/id/sys_vendor')),
    product: cut(tree.line('sys/class/dmi/id/product_name')),
    cpu: cut(cpu.model),
    microcode: cut(cpu.microcode),
    nics: readNics(tree).slice(0, LIMITS.nics),
    labels: Object.entries(labels)
      .slice(0, LIMITS.labels)
      .map(([key, value]) => ({ key, value: cut(value) }))
      .sort((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/**
 * The image's name from os-release(5): PRETTY_NAME, followed by IMAGE_ID and IMAGE_VERSION where they exist. Quotes
 * are taken off; shell escapes within them are kept as they stand.
 */
export function parseOsRelease(text: string): string {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(?:"(.*)"|'(.*)'|(.*))$/.exec(line.trim());
    if (match) fields.set(match[1] ?? '', match[2] ?? match[3] ?? match[4] ?? '');
  }
  return ['PRETTY_NAME', 'IMAGE_ID', 'IMAGE_VERSION']
    .map((key) => fields.get(key) ?? '')
    .filter((value) => value !== '')
    .join(' ');
}

/** The first processor's model and microcode. Arm has neither name nor microcode there: its implementer and part stand in. */
export function parseCpuInfo(text: string): { model: string; microcode: string } {
  const field = (name: string) =>
    new RegExp(`^${name}[ \\t]*:[ \\t]*(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  const implementer = field('CPU implementer');
  const arm = implementer && `implementer ${implementer} part ${field('CPU part')}`;
  return { model: field('model name') || arm, microcode: field('microcode') };
}
