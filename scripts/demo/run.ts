// SPDX-License-Identifier: Apache-2.0
/** How does a demo begin and end? Stage, view and Ctrl-C are put together here; whatever happens, the cursor comes back. */
import { play } from './show.ts';
import type { Stage } from './stage.ts';
import { viewFor } from './view.ts';

/** A terminal and the programs between it and us may each pass the same Ctrl-C on. Unit: ms. */
const oneAndTheSame = 500;

const exitCodes = { well: 0, failed: 1, interrupted: 130 } as const;

/** Plays on the stage that `raise` makes. Never rejects; resolves with the exit code. A second Ctrl-C ends it at once. */
export async function run(
  raise: () => Promise<Stage>,
  options: { readonly plain?: boolean } = {},
): Promise<number> {
  const view = viewFor(process.stdout, process.env, options.plain);
  const restore = (): void => view.restore();
  process.once('exit', restore);
  const interruption = new AbortController();
  let interruptedAt = Number.POSITIVE_INFINITY;
  const interrupt = (): void => {
    if (performance.now() - interruptedAt > oneAndTheSame) process.exit(exitCodes.interrupted);
    interruptedAt = Math.min(interruptedAt, performance.now());
    interruption.abort();
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    await using stage = await raise();
    const { isWell, lines } = await play({ stage, view, signal: interruption.signal });
    view.end(lines);
    if (interruption.signal.aborted) return exitCodes.interrupted;
    return isWell ? exitCodes.well : exitCodes.failed;
  } catch (error) {
    view.restore();
    console.error(whyNot(error));
    return exitCodes.failed;
  } finally {
    view.restore();
    process.off('exit', restore).off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

/** The error, its hint where it has one, and what caused it. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const hint = 'hint' in error && typeof error.hint === 'string' ? `\n${error.hint}` : '';
  const cause = error.cause instanceof Error ? `\n${error.cause.message}` : '';
  return `The demo could not run: ${error.message}${hint}${cause}`;
}
