/** The rules that this release folds by. */
import { catalogDigest, counterRule, reasonRule } from '@netfall/catalog';
import Value from 'typebox/value';
import { FoldConfig, INITIAL_CONFIG } from './fold/config.ts';
import { FOLD_VERSION, type Rules } from './fold/fold.ts';
import type { DropClass } from './fold/rules.ts';

export function currentRules(cell: string): Rules {
  return {
    version: FOLD_VERSION,
    cell,
    catalogDigest,
    classify: reasonRule,
    classifyCounter,
    initialConfig: INITIAL_CONFIG,
    readConfig,
  };
}

/** The same rules, but for a configuration that holds whatever the log's epochs say. */
export function rulesWith(cell: string, config: FoldConfig): Rules {
  return { ...currentRules(cell), initialConfig: config, readConfig: () => config };
}

function classifyCounter(counter: string): DropClass | undefined {
  const rule = counterRule(counter);
  return rule?.unseen && rule.lost !== 'never' ? rule : undefined;
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
