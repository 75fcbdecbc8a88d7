// Interrupts for libraries: a cancelable event on Symbol.for("Jupyter.interrupt").

/** How long a library that asked for time may take to end gracefully, in milliseconds. */
export const GRACE = 2000;

const target = new EventTarget();
const dispatch = target.dispatchEvent.bind(target);
const Announcement = Event;

export function installInterrupts(): void {
  Object.defineProperty(globalThis, Symbol.for("Jupyter.interrupt"), { value: target });
}

/** Tells the listeners; returns whether one of them asked for time (preventDefault). */
export function announceInterrupt(): boolean {
  return !dispatch(new Announcement("interrupt", { cancelable: true }));
}
