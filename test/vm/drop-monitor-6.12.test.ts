import { testDropMonitor } from './drop-monitor.ts';

await testDropMonitor('6.12');
