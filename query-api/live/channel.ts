import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import type { Filter } from '@sonde/model/filter/filter';
import { filterPredicate } from '@sonde/model/filter/predicate';
import type { Records } from '@sonde/model/flow/columns';
import type { FieldDeclaration } from '@sonde/model/flow/field';
import type { Access } from '../access/access.js';
import { visibleDns, visibleFlows } from '../access/visible-columns.js';
import type { RecordKind } from '../records/question.js';
import type { LiveBlock } from './feed.js';
import { jsonRows } from './json-rows.js';
import type { Viewer } from './viewer.js';

/** What a live view shows. */
export interface LiveQuestion {
  readonly kind: RecordKind;
  readonly filter: Filter;
  readonly fields: readonly FieldDeclaration[];
  readonly access: Access;
}

/** Blocks that wait while viewers read; when more come, the oldest is left out. */
const MOST_BLOCKS = 2;

/** Events are sent in pieces of about this size, between which viewers may read. */
const PIECE_LENGTH = 1 << 17;

/** How long to wait before looking whether somebody has read. */
const PAUSE_MS = 10;

/**
 * Those who see the same of the same records. What a block has for them is worked out and written once, however many
 * they are, and their streams share the bytes. The fastest of them says how fast: it goes on while anybody has room, and
 * when newer blocks wait.
 */
export class Channel {
  readonly viewers = new Set<Viewer>();
  readonly #predicate: ReturnType<typeof filterPredicate>;
  readonly #blocks: LiveBlock[] = [];
  #dropped = 0;
  #isSending = false;

  constructor(readonly question: LiveQuestion) {
    this.#predicate = filterPredicate(question.filter);
  }

  /** Shows a block to the viewers, behind those that wait. */
  show(block: LiveBlock): void {
    this.#blocks.push(block);
    const oldest = this.#blocks.length > MOST_BLOCKS ? this.#blocks.shift() : undefined;
    if (oldest) this.#dropped += this.#rowsFor(oldest).length + (oldest.left?.[this.question.kind] ?? 0);
    if (!this.#isSending) void this.#send();
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    for (let block = this.#blocks.shift(); block; block = this.#blocks.shift()) {
      this.#dropped += block.left?.[this.question.kind] ?? 0;
      for (const { text, records } of this.#pieces(block)) {
        const bytes = Buffer.from(text);
        for (const viewer of this.viewers) viewer.show(bytes, records, this.#dropped);
        this.#dropped = 0;
        await this.#room(bytes.length);
      }
    }
    this.#isSending = false;
  }

  /** Waits until somebody can take as much again, unless something newer waits, or nobody is left. */
  async #room(length: number): Promise<void> {
    await immediate();
    while (this.viewers.size > 0 && this.#blocks.length === 0) {
      for (const viewer of this.viewers) if (viewer.hasRoom(length)) return;
      await delay(PAUSE_MS);
    }
  }

  /** What a block has for the viewers, as events; one piece at least if something was left out. */
  *#pieces(block: LiveBlock): Generator<{ text: string; records: number }> {
    const visible = this.#visible(block);
    let text = '';
    let records = 0;
    if (visible) {
      const json = jsonRows(this.question.fields, visible.columns);
      for (const row of this.#passing(visible)) {
        text += `data: ${json(row)}\n\n`;
        records += 1;
        if (text.length < PIECE_LENGTH) continue;
        yield { text, records };
        text = '';
        records = 0;
      }
    }
    if (records > 0 || this.#dropped > 0) yield { text, records };
  }

  #rowsFor(block: LiveBlock): number[] {
    const visible = this.#visible(block);
    return visible ? [...this.#passing(visible)] : [];
  }

  *#passing({ rows, columns }: Records): Generator<number> {
    if (rows === 0) return;
    const passes = this.#predicate(columns);
    for (let row = 0; row < rows; row++) if (passes(row)) yield row;
  }

  #visible({ flows, dns }: LiveBlock): Records | undefined {
    const { kind, access } = this.question;
    if (kind === 'flows') return flows && visibleFlows(flows, access);
    return dns && visibleDns(dns, access);
  }
}
