import { testRelay } from './relay.ts';

await testRelay('6.12');
