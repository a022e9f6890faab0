/**
 * Names of drop reasons, as the running kernel has them: their numbers shift from version to version.
 *
 * The upper 16 bits of a reason are the subsystem that defines it (0 is the core's). The enum
 * `skb_drop_reason_subsys` names the subsystems; each keeps its reasons in an enum of its own called
 * `*_drop_reason`, in its module's BTF if it is one.
 */

import type { Btf } from '../kernel/btf.ts';

/** The reason of a kernel that gives none (before Linux 5.17), as later ones call it. */
export const NO_REASON = 'NOT_SPECIFIED';

const CORE_PREFIX = 'SKB_DROP_REASON_';
const SUBSYSTEM_PREFIX = 'SKB_DROP_REASON_SUBSYS_';

export class ReasonNames {
  readonly #names = new Map<number, string>();
  readonly #subsystems = new Map<number, string>();
  readonly #openModule: (subsystem: string) => Btf | undefined;
  readonly #opened = new Set<number>();

  /**
   * @param btf vmlinux's; not kept.
   * @param openModule finds the BTF of the module that a subsystem (`OPENVSWITCH`) lives in. Called when one of its
   *   reasons is first met: the module may be loaded long after the agent started.
   */
  constructor(btf: Btf, openModule: (subsystem: string) => Btf | undefined) {
    this.#openModule = openModule;
    for (const { name, value } of btf.enumerators('skb_drop_reason_subsys') ?? []) {
      this.#subsystems.set(value, name.replace(SUBSYSTEM_PREFIX, ''));
    }
    for (const { name, value } of btf.enumerators('skb_drop_reason') ?? []) {
      this.#add(value, name.replace(CORE_PREFIX, ''));
    }
    this.#addSubsystems(btf);
  }

  /** The name of a reason; `SUBSYSTEM/number` or `SUBSYS_number/number` for one that nothing describes. */
  name(reason: number): string {
    const subsystem = reason >>> 16;
    if (!this.#names.has(reason) && subsystem !== 0 && !this.#opened.has(subsystem)) {
      const module = this.#openModule(this.#subsystems.get(subsystem) ?? '');
      if (module !== undefined) {
        this.#opened.add(subsystem);
        this.#addSubsystems(module);
      }
    }
    const known = this.#names.get(reason);
    if (known !== undefined) return known;
    return `${this.#subsystems.get(subsystem) ?? `SUBSYS_${subsystem}`}/${reason & 0xffff}`;
  }

  /** The numbers of all reasons whose names satisfy `matches`, of the modules that are loaded too. */
  numbers(matches: (name: string) => boolean): number[] {
    for (const subsystem of this.#subsystems.keys()) this.name(subsystem * 65_536 + 0xffff);
    return [...this.#names].filter(([, name]) => matches(name)).map(([number]) => number);
  }

  #addSubsystems(btf: Btf): void {
    for (const name of btf.enumNames('_drop_reason')) {
      if (name === 'skb_drop_reason') continue;
      for (const { name: reason, value } of btf.enumerators(name) ?? []) {
        // mac80211 declares each a second time, for itself, with underscores in front.
        if (value >>> 16 !== 0) this.#add(value, reason.replace(/^_+/, ''));
      }
    }
  }

  /** The first name of a number is that of the reason; later ones mark ends of ranges. */
  #add(value: number, name: string): void {
    if (!this.#names.has(value >>> 0)) this.#names.set(value >>> 0, name);
  }
}
