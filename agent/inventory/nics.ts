/** The network interfaces that have a driver, from /sys/class/net. Firmware is known to ethtool alone, and left empty. */
import { LIMITS, type Nic } from '@netfall/proto';
import type { FileTree } from './tree.ts';

/** The interfaces by name: physical ones and those of virtual machines; not bridges, bonds, veth pairs and the like. */
export function readNics(tree: FileTree): Nic[] {
  const nics: Nic[] = [];
  for (const name of tree.names('sys/class/net')) {
    const folder = `sys/class/net/${name}`;
    const driver = tree.linkName(`${folder}/device/driver`);
    if (driver === '') continue;
    nics.push({
      name: name.slice(0, LIMITS.string),
      driver: driver.slice(0, LIMITS.string),
      // Drivers of the kernel's own tree have no version of their own any more; others still say theirs.
      driver_version: tree.line(`${folder}/device/driver/module/version`).slice(0, LIMITS.string),
      firmware: '',
      speed_mbps: parseSpeed(tree.line(`${folder}/speed`)),
    });
  }
  return nics;
}

/** Mbit/s. Interfaces without a link say -1, those without a speed nothing. */
export function parseSpeed(text: string): number {
  const speed = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  // What a link of unknown speed was before -1 became the rule.
  return speed === 65_535 ? 0 : speed;
}
