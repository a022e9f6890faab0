/** Entry point: runs the command line and turns its outcome into an exit code: 0 done, 1 failed, 2 wrong usage. */
import { CommanderError } from 'commander';
import { describeError } from './errors.ts';
import { createProgram } from './program.ts';

// A reader that has seen enough (`netfall incidents | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    console.error(describeError(error));
    process.exitCode = 1;
  }
}
