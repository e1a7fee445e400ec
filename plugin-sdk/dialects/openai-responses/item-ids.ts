/** Item ids of one answer: the prefix tells the type, the rest comes from the request, so encoding again repeats them. */
export class ItemIds {
  readonly #request: string;
  #count = 0;

  constructor(requestId: string) {
    this.#request = requestId.replace(/[^\w]/g, '');
  }

  get response(): string {
    return `resp_${this.#request}`;
  }

  next(prefix: 'msg' | 'rs' | 'fc' | 'ctc' | 'ig'): string {
    return `${prefix}_${this.#request}_${this.#count++}`;
  }
}
