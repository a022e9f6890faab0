export { canonicalJson, FoldConfig, INITIAL_CONFIG } from './fold/config.ts';
