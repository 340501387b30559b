/** Texts to small numbers: equal texts, equal numbers, and one value kept for each. */
export class Numbers<T> {
  readonly #known = new Map<string, number>();
  readonly values: T[] = [];

  of(key: string, make: () => T): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const number = this.values.length;
    this.#known.set(key, number);
    this.values.push(make());
    return number;
  }
}
