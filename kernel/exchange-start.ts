import type { Dialect, ExchangeRoute, GatewayRequest, Logger, Operation } from '../plugin-sdk/index.ts';

/** What is known of an exchange when it begins. */
export interface ExchangeStart {
  readonly id: string;
  readonly route: ExchangeRoute;
  readonly operation: Operation;
  readonly dialect: Dialect;
  readonly defaultProvider: string;
  readonly pathModel: string | undefined;
  /** See {@link ResolvedPath}. */
  readonly urlMembers: readonly string[] | undefined;
  /** The client asks for a WebSocket. */
  readonly upgrade: boolean;
  readonly request: GatewayRequest;
  readonly url: string;
  readonly clientAddress: string;
  readonly time: number;
  readonly startedAt: number;
  readonly log: Logger;
  readonly explain: boolean;
}
