/**
 * A port is an interface of the domain that a store plugin provides and another plugin uses: virtual keys, budgets, jobs.
 * It is not a key-value store. Write no caller that assumes a port is synchronous, local or free.
 *
 * The interfaces are in `ports/`; a plugin that provides one returns `ports: [bind(ledgerPort, implementation)]` and
 * names the port's capability in `provides`; a plugin that uses one names it in `requires` and calls `host.port(ledgerPort)`.
 */
export interface Port<T> {
  /** The capability, such as `port:ledger`. */
  readonly capability: string;
  /** Only carries the type. */
  readonly type?: T;
}

export interface PortBinding {
  readonly port: Port<unknown>;
  readonly implementation: unknown;
}

export function definePort<T>(name: string): Port<T> {
  return { capability: `port:${name}` };
}

export function bind<T>(port: Port<T>, implementation: T): PortBinding {
  return { port, implementation };
}
