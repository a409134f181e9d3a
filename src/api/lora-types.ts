/** LoRA adapters: small files that change what a model says. */

export interface AdapterOptions {
  /** A GGUF file, as convert_lora_to_gguf.py of llama.cpp writes it. */
  readonly file: string | URL
  /** How strongly it is applied where it is asked for by its name alone, -100 to 100. Default 1. */
  readonly scale?: number
}

/** Adapters by their names, of 1 to 256 characters and not of digits alone. At most 64. */
export type AdaptersByName = Readonly<Record<string, string | URL | AdapterOptions>>

/** An adapter that an engine has. */
export interface AdapterSettings {
  readonly name: string
  /** Its path. */
  readonly file: string
  /** Where it is asked for by its name alone. */
  readonly scale: number
}
