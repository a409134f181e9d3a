import path from 'node:path'

/** What a model is called: its file's base name, and of a split model that of all its parts. */
export function modelId(file: string): string {
  return path.basename(file).replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, '')
}
