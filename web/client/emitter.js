// @ts-check
// Handlers of events.

export class Emitter {
  /** @type {Map<string, Set<Function>>} */
  #handlers = new Map();

  /**
   * Calls a function at each event of a name, until the function that is returned
   * is called.
   *
   * @param {string} name
   * @param {Function} handler
   * @returns {() => void}
   */
  on(name, handler) {
    const handlers = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, handlers.add(handler));
    return () => void handlers.delete(handler);
  }

  /**
   * What a handler throws is the program's own affair and disturbs nobody here.
   *
   * @param {string} name
   * @param {...unknown} args
   */
  emit(name, ...args) {
    for (const handler of [...(this.#handlers.get(name) ?? [])]) {
      try {
        handler(...args);
      } catch (e) {
        queueMicrotask(() => {
          throw e;
        });
      }
    }
  }

  /**
   * Resolves as soon as a condition holds; it is asked now and at each event of a
   * name. What the condition throws is what the promise is rejected with.
   *
   * @param {string} name
   * @param {() => boolean} condition
   * @returns {Promise<void>}
   */
  until(name, condition) {
    return new Promise((resolve, reject) => {
      /** @type {() => void} */
      let off = () => {};
      const ask = () => {
        try {
          if (!condition()) return;
          resolve();
        } catch (e) {
          reject(e);
        }
        off();
      };
      off = this.on(name, ask);
      ask();
    });
  }
}
