import { looksMax, roundUp } from './rates.js'

const space = 'http://www.w3.org/2000/svg'
const width = 240
const height = 44

/** A line of the last minute, the newest at the right. Its numbers stand beside it, as text. */
export class Sparkline {
  readonly element = document.createElementNS(space, 'svg')
  readonly #line = document.createElementNS(space, 'polyline')
  readonly #area = document.createElementNS(space, 'polygon')

  constructor() {
    this.element.setAttribute('viewBox', `0 0 ${width} ${height}`)
    this.element.setAttribute('preserveAspectRatio', 'none')
    this.element.setAttribute('class', 'spark')
    this.element.setAttribute('aria-hidden', 'true')
    this.element.append(this.#area, this.#line)
  }

  update(values: readonly number[]): void {
    const top = roundUp(Math.max(1, ...values))
    const step = width / (looksMax - 1)
    const left = width - (values.length - 1) * step
    const points = values.map((value, i) => {
      const y = height - 1 - (value / top) * (height - 4)
      return `${(left + i * step).toFixed(1)},${y.toFixed(1)}`
    })
    this.#line.setAttribute('points', points.join(' '))
    const base = points.length === 0 ? [] : [`${width},${height}`, `${left.toFixed(1)},${height}`]
    this.#area.setAttribute('points', [...points, ...base].join(' '))
  }
}
