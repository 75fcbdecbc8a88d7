// Functions that the runner needs for every reply, as they were before a cell could replace them.
export const { parse, stringify } = JSON;
export const { compareExchange, load, notify, store, wait } = Atomics;
