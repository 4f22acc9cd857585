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
  /** The feed left out some, of which nobody knows how many were for these viewers. */
  #isMore = false;
  #isSending = false;

  constructor(readonly question: LiveQuestion) {
    this.#predicate = filterPredicate(question.filter);
  }

  /** Shows a block to the viewers, behind those that wait. */
  show(block: LiveBlock): void {
    this.#blocks.push(block);
    const oldest = this.#blocks.length > MOST_BLOCKS ? this.#blocks.shift() : undefined;
    if (oldest) this.#leaveOut(oldest);
    if (this.#isSending) return;
    this.#send().catch((error: unknown) => {
      // What is wrong with a view must not come to those who brought the block.
      for (const { stream } of this.viewers) stream.destroy(error as Error);
    });
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    try {
      await this.#sendBlocks();
    } finally {
      this.#isSending = false;
    }
  }

  async #sendBlocks(): Promise<void> {
    for (let block = this.#blocks.shift(); block; block = this.#blocks.shift()) {
      this.#isMore ||= this.#isCut(block);
      for (const { text, records } of this.#pieces(block)) {
        const bytes = Buffer.from(text);
        const leftOut = { records: this.#dropped, isMore: this.#isMore };
        for (const viewer of this.viewers) viewer.show(bytes, records, leftOut);
        this.#dropped = 0;
        this.#isMore = false;
        await this.#room(bytes.length);
      }
    }
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
    if (records > 0 || this.#dropped > 0 || this.#isMore) yield { text, records };
  }

  #leaveOut(block: LiveBlock): void {
    const visible = this.#visible(block);
    this.#dropped += visible ? [...this.#passing(visible)].length : 0;
    this.#isMore ||= this.#isCut(block);
  }

  #isCut({ left }: LiveBlock): boolean {
    return left !== undefined && left[this.question.kind] > 0;
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
