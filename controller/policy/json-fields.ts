/** A JSON value read field by field: each mistake names the field by its path. Owns no meaning. */

import { OperatorError } from '../errors.js';

export class JsonField {
  constructor(
    readonly value: unknown,
    /** As in `queries[3].laddr`; empty for the whole. */
    readonly path: string,
  ) {}

  wrong(what: string): OperatorError {
    return new OperatorError('BAD_LINE', { what: `${this.path === '' ? 'the line' : `\`${this.path}\``} ${what}` });
  }

  /** A field of an object; missing ones have the value `undefined`. */
  get(name: string): JsonField {
    const { value } = this;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong('is no object');
    const found: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
    return new JsonField(found, this.path === '' ? name : `${this.path}.${name}`);
  }

  /** A field that is there and not null. */
  find(name: string): JsonField | undefined {
    const field = this.get(name);
    return field.isMissing || field.value === null ? undefined : field;
  }

  get isMissing(): boolean {
    return this.value === undefined;
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.wrong(this.isMissing ? 'is missing' : 'is no text');
    return this.value;
  }

  /** What lines are called by. */
  id(): string | number {
    const { value } = this;
    if (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw this.wrong(this.isMissing ? 'is missing' : 'is neither text nor number');
  }

  whole(least: number, most: number): number {
    const { value } = this;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.wrong(this.isMissing ? 'is missing' : `is no whole number from ${least} to ${most}`);
  }

  list(): JsonField[] {
    if (!Array.isArray(this.value)) throw this.wrong(this.isMissing ? 'is missing' : 'is no list');
    return this.value.map((one: unknown, i) => new JsonField(one, `${this.path}[${i}]`));
  }

  oneOf<const W extends string>(words: readonly W[]): W {
    const found = words.find((word) => word === this.value);
    if (found === undefined) throw this.wrong(`is not ${words.map((word) => `\`${word}\``).join(' or ')}`);
    return found;
  }
}
