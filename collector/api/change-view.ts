/** Announced changes as the API shows them. Pure. */
import type { Label } from '@netfall/proto';
import type { ChangeRecord } from '../fold/changes.ts';

export interface ChangeView extends Omit<ChangeRecord, 'attributes'> {
  /** By key. */
  readonly attributes: Readonly<Record<string, string>>;
}

export function changeView({ attributes, ...rest }: ChangeRecord): ChangeView {
  return { ...rest, attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, value])) };
}

/** Attributes by key as the log has them. */
export function labelsOf(attributes: Readonly<Record<string, string>>): Label[] {
  return Object.entries(attributes)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}
