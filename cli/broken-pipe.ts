/**
 * Ends the command when whoever read its output has gone (`sonde up … | head`), as pipes end programs: what has
 * something to clean up does so as on SIGTERM.
 */
export function endWhenReaderLeaves(output: NodeJS.WritableStream): void {
  let isEnding = false;
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    if (!isEnding) process.kill(process.pid, 'SIGTERM');
    isEnding = true;
  });
}
