export type * from './answer.ts';
export type * from './conversation.ts';
