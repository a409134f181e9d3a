/** What the `data:` lines of an event stream carry, each as soon as it is whole. Pure. */
export class EventStream {
  #partial = ''

  feed(body: string): string[] {
    const frames = (this.#partial + body).split('\n\n')
    this.#partial = frames.pop() ?? ''
    return frames.filter((frame) => frame.startsWith('data: ')).map((frame) => frame.slice(6))
  }
}

/** Whether a chunk of a reply brings text; neither server writes spaces into its JSON. */
export function hasText(event: string): boolean {
  const at = event.indexOf('"content":"')
  return at >= 0 && event[at + '"content":"'.length] !== '"'
}
