// SPDX-License-Identifier: Apache-2.0
/** What was seen, what was promised, and does the one hold the other? Figures in a table and in one line. */

export interface Row {
  readonly figure: string;
  readonly seen: string;
  readonly wanted: string;
  /** undefined: told, not judged. */
  readonly holds: boolean | undefined;
  /** Depends on how fast and how quiet the machine is: judged at full size only. */
  readonly isSpeed: boolean;
}

type Limit =
  | { readonly is: number | string | boolean }
  | { readonly atMost: number }
  | { readonly atLeast: number };

export class Report {
  readonly rows: Row[];
  readonly #prefix: string;

  constructor(rows: Row[] = [], prefix = '') {
    this.rows = rows;
    this.#prefix = prefix;
  }

  /** The same report, with that name before each figure. */
  part(name: string): Report {
    return new Report(this.rows, `${this.#prefix}${name}: `);
  }

  /** A figure that is told and not judged. */
  note(figure: string, seen: number | string): void {
    this.#add({ figure, seen: shown(seen), wanted: '', holds: undefined, isSpeed: false });
  }

  /** What must hold however slow the machine is. */
  check(figure: string, seen: number | string | boolean, limit: Limit): void {
    this.#judge(figure, seen, limit, false);
  }

  /** Something made of several figures, which holds when all of them do. */
  whole(figure: string, seen: string, holds: boolean): void {
    this.#add({ figure, seen, wanted: '', holds, isSpeed: false });
  }

  /** A time or a rate: judged at full size, only told in the share that continuous integration runs. */
  speed(figure: string, seen: number, limit: Limit): void {
    this.#judge(figure, seen, limit, true);
  }

  /** The rows that do not hold. */
  broken(withSpeed: boolean): readonly Row[] {
    return this.rows.filter(row => row.holds === false && (withSpeed || !row.isSpeed));
  }

  #judge(figure: string, seen: number | string | boolean, limit: Limit, isSpeed: boolean): void {
    const holds =
      'is' in limit
        ? seen === limit.is
        : 'atMost' in limit
          ? Number(seen) <= limit.atMost
          : Number(seen) >= limit.atLeast;
    this.#add({ figure, seen: shown(seen), wanted: wish(limit), holds, isSpeed });
  }

  #add(row: Row): void {
    this.rows.push({ ...row, figure: this.#prefix + row.figure });
  }
}

/** For the eye: aligned columns, a mark before what does not hold. */
export function table(rows: readonly Row[], withSpeed: boolean): string {
  const width = Math.max(...rows.map(row => row.figure.length));
  const seenWidth = Math.max(...rows.map(row => row.seen.length));
  return rows
    .map(row => {
      const mark = row.holds === undefined ? ' ' : row.holds ? '✓' : row.isSpeed && !withSpeed ? '~' : '✗';
      return `  ${mark} ${row.figure.padEnd(width)}  ${row.seen.padStart(seenWidth)}  ${row.wanted}`.trimEnd();
    })
    .join('\n');
}

/** For `grep`, in one line: how much holds, what does not, and the figures that have a limit or count losses. */
export function summary(rows: readonly Row[]): string {
  const judged = rows.filter(row => row.holds !== undefined);
  const told = judged.filter(
    ({ figure, wanted, holds }) => holds === false || /^[≤≥]/.test(wanted) || /\blost$/.test(figure),
  );
  const holding = judged.filter(row => row.holds === true).length;
  return [
    `${holding} of ${judged.length} hold`,
    ...told.map(({ figure, seen }) => `${figure}: ${seen}`),
  ].join(', ');
}

function wish(limit: Limit): string {
  if ('is' in limit) return `= ${shown(limit.is)}`;
  return 'atMost' in limit ? `≤ ${shown(limit.atMost)}` : `≥ ${shown(limit.atLeast)}`;
}

function shown(value: number | string | boolean): string {
  if (typeof value !== 'number') return String(value);
  return value.toLocaleString('en-US', { maximumFractionDigits: 1 });
}
