// SPDX-License-Identifier: Apache-2.0
/** How is a row of the option table put into words, for the docs page and for the comments of ConsumerConfig? */
import type { Option } from '../../src/config/option.ts';

type Row = Option<unknown, unknown>;

/** `ms, 0 to 86400000`; undefined when there is nothing to say. */
export function unitAndRange({ kind }: Row): string | undefined {
  const parts = [kind.unit === 'none' ? undefined : kind.unit, kind.range].filter(part => part !== undefined);
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** The default as it would be written in a config, or in words. */
export function defaultText({ fallback }: Row): string {
  switch (fallback.kind) {
    case 'required':
      return 'none, it must be given here or in the environment';
    case 'absent':
    case 'derived':
      return fallback.text;
    case 'fixed':
      return literal(fallback.value);
  }
}

export function isLiteral({ fallback }: Row): boolean {
  return fallback.kind === 'fixed';
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}
