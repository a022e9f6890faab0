/** A thread that runs what it is handed, one after the other, and hands back what it came to. */
import { parentPort } from 'node:worker_threads';
import { measure, type Task } from './correlation-run.ts';

const port = parentPort;
if (!port) throw new Error('test/bench/correlation-worker.ts runs as a worker thread');
port.on('message', (task: Task) => port.postMessage(measure(task)));
