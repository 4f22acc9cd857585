import type { Filter } from '@sonde/model/filter/filter';
import { filterPredicate } from '@sonde/model/filter/predicate';
import type { FlowColumn, Records } from '@sonde/model/flow/columns';
import type { FieldDeclaration } from '@sonde/model/flow/field';
import type { Access } from '../access/access.js';
import { visibleDns, visibleFlows } from '../access/visible-columns.js';
import type { RecordKind } from '../records/question.js';
import type { LiveBlock } from './feed.js';
import { jsonRows } from './json-rows.js';
import { MOST_WAITING_BYTES, type Viewer } from './viewer.js';

/** What a live view shows. */
export interface LiveQuestion {
  readonly kind: RecordKind;
  readonly filter: Filter;
  readonly fields: readonly FieldDeclaration[];
  readonly access: Access;
}

/**
 * Those who see the same of the same records. What a block has for them is worked out and written once, however many
 * they are, and their streams share the bytes.
 */
export class Channel {
  readonly viewers = new Set<Viewer>();
  readonly #predicate: ReturnType<typeof filterPredicate>;

  constructor(readonly question: LiveQuestion) {
    this.#predicate = filterPredicate(question.filter);
  }

  /** Shows a block to the viewers. A text no viewer would take at once is not written to its end. */
  show(block: LiveBlock): void {
    const { fields } = this.question;
    const records = this.#visible(block);
    let dropped = this.#leftOut(block);
    let shown = 0;
    let text = '';
    if (records && records.rows > 0) {
      const columns: Readonly<Record<string, FlowColumn>> = records.columns;
      const passes = this.#predicate(columns);
      const json = jsonRows(fields, columns);
      for (let row = 0; row < records.rows; row++) {
        if (!passes(row)) continue;
        if (text.length >= MOST_WAITING_BYTES / 4) {
          dropped++;
          continue;
        }
        text += `data: ${json(row)}\n\n`;
        shown++;
      }
    }
    if (shown + dropped === 0) return;
    const bytes = Buffer.from(text);
    for (const viewer of this.viewers) viewer.show(bytes, shown, dropped);
  }

  /**
   * How many records of the block were left out before anybody looked at them. Who may not see all is told of one
   * only: whose they were is not known, and how much goes on elsewhere is not theirs to know.
   */
  #leftOut({ left }: LiveBlock): number {
    const { kind, access } = this.question;
    const records = left?.[kind] ?? 0;
    return access.namespaces('view') === 'all' ? records : Math.min(records, 1);
  }

  #visible({ flows, dns }: LiveBlock): Records | undefined {
    const { kind, access } = this.question;
    if (kind === 'flows') return flows && visibleFlows(flows, access);
    return dns && visibleDns(dns, access);
  }
}
