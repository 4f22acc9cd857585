/** 128 and the number of the signal (signal(7)). */
const SIGPIPE_EXIT_CODE = 141;

/**
 * Ends the process when its output pipe is closed (`sonde observe … | head`), with the exit code of SIGPIPE, which
 * Node.js ignores. Commands that handle SIGTERM clean up first.
 */
export function exitOnBrokenPipe(output: NodeJS.WritableStream): void {
  let isEnding = false;
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (process.listenerCount('SIGTERM') === 0) process.exit(SIGPIPE_EXIT_CODE);
    if (!isEnding) process.kill(process.pid, 'SIGTERM');
    isEnding = true;
  });
}
