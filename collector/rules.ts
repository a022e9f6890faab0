/** The rules that this release folds by. */
import { catalogDigest, reasonRule } from '@netfall/catalog';
import Value from 'typebox/value';
import { FoldConfig } from './fold/config.ts';
import { FOLD_VERSION, type Rules } from './fold/fold.ts';

export function currentRules(cell: string): Rules {
  return { version: FOLD_VERSION, cell, catalogDigest, classify: reasonRule, readConfig };
}

/** An epoch's configuration is complete, so that no default of a later release slips into an earlier epoch. */
function readConfig(json: string): FoldConfig | null {
  try {
    const config: unknown = JSON.parse(json);
    return Value.Check(FoldConfig, config) ? config : null;
  } catch {
    return null;
  }
}
