// Functions that the runner needs while cells run, as they were before a cell could replace them.

export const { parse, stringify } = JSON;
export const { compareExchange, load, notify, store, wait } = Atomics;
export const { apply } = Reflect;

/** Returns a method as a function of its object: calls of it look nothing up. */
export const uncurry: <T, A extends unknown[], R>(
  method: (this: T, ...args: A) => R,
) => (self: T, ...args: A) => R = Function.prototype.bind.bind(Function.prototype.call) as never;
