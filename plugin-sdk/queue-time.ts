import { defineSlot } from './slot.ts';

/** Milliseconds that an exchange waited for a place; set by the plugin that makes it wait, read for the outcome. */
export const queueMsSlot = defineSlot<number>('queue time');
