/**
 * What POST /lora-adapters has set: the adapters of requests that ask for none, by the model's own
 * name. It outlives the model's unloading, and ends with the server.
 */
export class AdapterDefaults {
  readonly #byModel = new Map<string, Readonly<Record<string, number>>>()

  of(model: string): Readonly<Record<string, number>> | undefined {
    return this.#byModel.get(model)
  }

  set(model: string, scales: Readonly<Record<string, number>>): void {
    this.#byModel.set(model, scales)
  }
}
