// Counts the ways in which N queens can stand on a board of N x N without threatening each other:
// `queens N`.

import environment from "wasi:cli/environment@0.2.3";
import stdout from "wasi:cli/stdout@0.2.3";
import stderr from "wasi:cli/stderr@0.2.3";

const SIZE_MAX = 16;

// ASCII alone, and short: a write takes 4096 bytes.
function write(stream, text) {
  stream.blockingWriteAndFlush(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
}

// Bits are columns: taken, and threatened along both diagonals.
function count(all, columns, left, right) {
  if (columns === all) {
    return 1;
  }
  let ways = 0;
  for (let free = all & ~(columns | left | right); free !== 0; free &= free - 1) {
    const queen = free & -free;
    ways += count(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
  }
  return ways;
}

export const run = {
  run() {
    const size = Number(environment.getArguments()[1]);
    if (!Number.isInteger(size) || size < 1 || size > SIZE_MAX) {
      write(stderr.getStderr(), `queens: one number from 1 to ${SIZE_MAX} is allowed: queens N\n`);
      // A thrown value is the error of the result, and so exit code 1.
      throw undefined;
    }
    write(stdout.getStdout(), `${count((1 << size) - 1, 0, 0, 0)}\n`);
  },
};
