/** Owns the rig's honesty: whatever it does not know throws, with its name, instead of doing nothing. */

/** The object, on which asking for anything that it lacks throws. */
export function strict<Known extends object>(name: string, known: Known): Known {
  return new Proxy(known, {
    get(target, key) {
      // Promises, inspection and iteration ask every object.
      if (key in target || typeof key === 'symbol' || key === 'then' || key === 'toJSON') {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      throw new Error(`The Electron rig does not know ${name}.${key}.`);
    },
  });
}

/** Throws for options that the rig does not know: it would not do what they say. */
export function onlyKnown(what: string, options: object, known: readonly string[]): void {
  const other = Object.keys(options).filter(key => !known.includes(key));
  if (other.length > 0) throw new Error(`The Electron rig does not know ${what} with ${other.join(', ')}.`);
}

type Listener = (...args: never[]) => void;

/** Events by name, of a closed list; asking for another one throws. */
export class Events<Name extends string> {
  readonly #what: string;
  readonly #names: readonly Name[];
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(what: string, names: readonly Name[]) {
    this.#what = what;
    this.#names = names;
  }

  #of(name: string): Set<Listener> {
    if (!this.#names.some(known => known === name)) {
      throw new Error(`The Electron rig does not know the event ${name} of ${this.#what}.`);
    }
    const found = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, found);
    return found;
  }

  on(name: string, listener: Listener): void {
    this.#of(name).add(listener);
  }

  once(name: string, listener: Listener): void {
    const first: Listener = (...args) => {
      this.off(name, first);
      listener(...args);
    };
    this.on(name, first);
  }

  off(name: string, listener: Listener): void {
    this.#of(name).delete(listener);
  }

  emit(name: Name, ...args: unknown[]): void {
    for (const listener of [...this.#of(name)]) Reflect.apply(listener, undefined, args);
  }

  /** True where a listener called `preventDefault`. */
  emitPreventable(name: Name, details: object = {}, ...args: unknown[]): boolean {
    let isPrevented = false;
    const preventDefault = () => {
      isPrevented = true;
    };
    this.emit(name, { ...details, preventDefault }, ...args);
    return isPrevented;
  }
}
