/**
 * What interfaces are called: those of the host's own namespace by their names, all others by their index. It must not
 * know what is said of them.
 */
import type { Links } from '../kernel/netlink/links.ts';

/**
 * An interface's name; `#7` where it has none here, because it is gone or in another namespace; empty for index 0, which
 * is no interface.
 * @param namespace empty for the host's own, which `links` are of.
 */
export function interfaceName(
  index: number,
  namespace: string,
  links: Pick<Links, 'name'> | undefined,
): string {
  if (index === 0) return '';
  return (namespace === '' ? links?.name(index) : undefined) ?? `#${index}`;
}

/** Whether a pattern is meant for interfaces that go by their index. */
export function isForIndices(pattern: RegExp): boolean {
  return pattern.source.startsWith('^#') || pattern.test('#1');
}
