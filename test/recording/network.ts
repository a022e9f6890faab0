/**
 * The network of a recording, of namespaces, bridges and veth pairs: a namespace a host, one a rack with its switch, one
 * for what joins the racks. It must not know what goes wrong in it.
 *
 * A rack's switch is the gateway of its hosts, and has an uplink. Beside it there is a second network for management, as
 * machines have, with an uplink of its own; the log is reached over that one.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import type { Host } from './plan.ts';

/** Of this machine in the management network: the log is there. */
export const HOME = '10.66.240.1';

export class Network implements Disposable {
  readonly #prefix = `nfrec${process.pid}`;
  readonly #namespaces: string[] = [];
  readonly #link = `nfrec${process.pid}`.slice(0, 15);

  /** Throws, and leaves nothing behind, when the kernel refuses one. */
  constructor(hosts: readonly Host[]) {
    const taken = execFileSync('ip', ['-o', 'address'], { encoding: 'utf8' }).includes(` ${HOME}/`);
    if (taken) throw new Error(`${HOME} is taken: another recording runs on this machine`);
    try {
      this.#build(hosts);
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** A host's address in the network of its rack. */
  static address({ rack, place }: Host): string {
    return `10.66.${rack}.${10 + place}`;
  }

  /** The namespace of a host. */
  namespace(host: Host): string {
    return `${this.#prefix}-${host.name}`;
  }

  /** Runs a program in a host's namespace. Throws with its own words. */
  inHost(host: Host, ...command: readonly string[]): void {
    execFileSync('ip', ['netns', 'exec', this.namespace(host), ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Cuts both uplinks of a rack, or mends them. */
  setRack(rack: number, up: boolean): void {
    this.#ip(this.#rack(rack), [`link set up0 ${word(up)}`, `link set up1 ${word(up)}`]);
    // Routes go with the link.
    if (up) this.#ip(this.#rack(rack), this.#routes(rack));
  }

  /** Cuts both ports of a host at its switch, or mends them. */
  setHost({ rack, place }: Host, up: boolean): void {
    this.#ip(this.#rack(rack), [`link set d${place} ${word(up)}`, `link set m${place} ${word(up)}`]);
  }

  [Symbol.dispose](): void {
    spawnSync('ip', ['link', 'delete', this.#link]);
    for (const name of this.#namespaces.splice(0)) spawnSync('ip', ['netns', 'delete', name]);
  }

  #rack(rack: number): string {
    return `${this.#prefix}-rack${rack}`;
  }

  #routes(rack: number): string[] {
    return this.#racks
      .filter((other) => other !== rack)
      .map((other) => `route replace 10.66.${other}.0/24 via 10.66.250.${other}`);
  }

  #racks: readonly number[] = [];

  #build(hosts: readonly Host[]): void {
    this.#racks = [...new Set(hosts.map(({ rack }) => rack))];
    const spine = `${this.#prefix}-spine`;
    this.#add(spine);
    this.#ip(spine, [
      ...bridge('data'),
      ...bridge('mgmt'),
      `link add home type veth peer name ${this.#link} netns ${process.pid}`,
      ...port('home', 'mgmt'),
    ]);
    execFileSync('ip', ['address', 'add', `${HOME}/24`, 'dev', this.#link]);
    execFileSync('ip', ['link', 'set', this.#link, 'up']);
    for (const rack of this.#racks) {
      const name = this.#rack(rack);
      this.#add(name);
      this.#ip(name, [
        ...bridge('tor'),
        ...bridge('mgmt'),
        `address add 10.66.${rack}.1/24 dev tor`,
        `link add up0 type veth peer name data${rack} netns ${spine}`,
        `link add up1 type veth peer name mgmt${rack} netns ${spine}`,
        `address add 10.66.250.${rack}/24 dev up0`,
        'link set up0 up',
        ...port('up1', 'mgmt'),
      ]);
      this.#ip(spine, [...port(`data${rack}`, 'data'), ...port(`mgmt${rack}`, 'mgmt')]);
      this.#sysctl(name, 'net.ipv4.ip_forward=1');
      for (const host of hosts) if (host.rack === rack) this.#addHost(host);
    }
    for (const rack of this.#racks) this.#ip(this.#rack(rack), this.#routes(rack));
  }

  #addHost(host: Host): void {
    const { rack, place } = host;
    const name = this.namespace(host);
    this.#add(name);
    this.#ip(this.#rack(rack), [
      `link add d${place} type veth peer name eth0 netns ${name}`,
      `link add m${place} type veth peer name eth1 netns ${name}`,
      ...port(`d${place}`, 'tor'),
      ...port(`m${place}`, 'mgmt'),
    ]);
    this.#ip(name, [
      `address add ${Network.address(host)}/24 dev eth0`,
      `address add 10.66.240.${rack * 20 + place}/24 dev eth1`,
      'link set eth0 up',
      'link set eth1 up',
      `route add default via 10.66.${rack}.1`,
    ]);
    // Every host tracks connections and throws away what belongs to none.
    const chain = 'add table ip host; add chain ip host in { type filter hook input priority 0; }';
    const rules = ['iif lo accept', 'ct state invalid drop'].map((rule) => `add rule ip host in ${rule}`);
    this.inHost(host, 'nft', [chain, ...rules].join('; '));
  }

  #add(name: string): void {
    execFileSync('ip', ['netns', 'add', name]);
    this.#namespaces.push(name);
    this.#sysctl(name, 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
    this.#ip(name, ['link set lo up']);
  }

  #sysctl(name: string, ...settings: readonly string[]): void {
    execFileSync('ip', ['netns', 'exec', name, 'sysctl', '-qw', ...settings]);
  }

  #ip(name: string, commands: readonly string[]): void {
    execFileSync('ip', ['-n', name, '-batch', '-'], {
      input: commands.join('\n'),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }
}

function bridge(name: string): string[] {
  return [`link add ${name} type bridge`, `link set ${name} up`];
}

function port(name: string, of: string): string[] {
  return [`link set ${name} master ${of}`, `link set ${name} up`];
}

function word(up: boolean): string {
  return up ? 'up' : 'down';
}
