/**
 * What a straight line of x64 code has written to a piece of memory: enough of an interpreter for
 * the few instructions that fill a structure on the stack. Sound, not complete: what it does not
 * understand makes bytes unknown, never right.
 */

export interface Instruction {
  name: string
  operands: string[]
  /** Where `0x1234(%rip)` points. */
  target?: number
}

/** A byte, or undefined where the code does not say. */
export type Byte = number | undefined

/** Bytes of the file at an address. */
export type ReadOnly = (address: number, count: number) => number[]

const sizes: [pattern: RegExp, bytes: number][] = [
  [/^zmm/, 64],
  [/^ymm/, 32],
  [/^xmm/, 16],
  [/^(r[a-d]x|r[sd]i|r[sb]p|r\d+)$/, 8],
  [/^(e[a-d]x|e[sd]i|e[sb]p|r\d+d)$/, 4],
  [/^([a-d]x|[sd]i|[sb]p|r\d+w)$/, 2],
  [/^([a-d]l|[sd]il|[sb]pl|r\d+b)$/, 1],
]
const suffixes: Record<string, number> = { b: 1, w: 2, l: 4, q: 8 }
const moves = /^(mov|movabs|mov[bwlq]|v?mov(dq[au]|[au]p[sd]|q|d)(8|16|32|64)?)$/
const clears = /^(xor|v?pxor[dq]?|v?xorp[sd])$/
const onlyReads = /^(cmp|test|nop|prefetch)/

/** `objdump -d --no-show-raw-insn` of one instruction, in AT&T's syntax. */
export function parseInstruction(line: string): Instruction | undefined {
  const match = /^\s*[0-9a-f]+:\s+(\S+)\s*([^#]*?)\s*(?:#\s*([0-9a-f]+)\b.*)?$/.exec(line)
  if (!match) return undefined
  const [, name = '', rest = '', target] = match
  const operands = rest.split(/,(?![^(]*\))/).filter((operand) => operand !== '')
  return { name, operands, ...(target && { target: Number.parseInt(target, 16) }) }
}

/** The bytes at `place` (such as `0xc0(%rsp)`) after the instructions, in order. */
export function bytesAt(place: string, count: number, code: Instruction[], file: ReadOnly): Byte[] {
  const memory = new Memory(place, count)
  const registers = new Map<string, Byte[]>()
  for (const instruction of code) step(instruction, memory, registers, file)
  return memory.bytes
}

class Memory {
  readonly bytes: Byte[]
  readonly #base: string
  readonly #start: number

  constructor(place: string, count: number) {
    const { base, offset } = placeOf(place)
    this.bytes = Array.from({ length: count })
    this.#base = base
    this.#start = offset
  }

  write(place: string, bytes: Byte[] | undefined): void {
    const { base, offset } = placeOf(place)
    // Another register may hold the same address.
    if (base !== this.#base || bytes === undefined) this.bytes.fill(undefined)
    else for (const [i, byte] of bytes.entries()) this.#set(offset - this.#start + i, byte)
  }

  registerChanged(register: string): void {
    if (register === this.#base) this.bytes.fill(undefined)
  }

  #set(index: number, byte: Byte): void {
    if (index >= 0 && index < this.bytes.length) this.bytes[index] = byte
  }
}

type Registers = Map<string, Byte[]>

function step(instruction: Instruction, memory: Memory, registers: Registers, file: ReadOnly) {
  const { name, operands } = instruction
  const to = operands.at(-1)
  if (to === undefined || onlyReads.test(name)) {
    if (/^(call|syscall|push|pop|rep|ret|leave)/.test(name)) memory.bytes.fill(undefined)
    return
  }
  const known = givenBy(instruction, registers, file)
  if (/^(call|push|pop|j)/.test(name)) memory.bytes.fill(undefined)
  else if (to.includes('(')) memory.write(to, known)
  else {
    const register = fullName(to)
    registers.delete(register)
    if (known) registers.set(register, known)
    memory.registerChanged(register)
  }
}

/** What an instruction gives its last operand, if it is one of those known here. */
function givenBy(
  { name, operands, target }: Instruction,
  registers: Registers,
  file: ReadOnly,
): Byte[] | undefined {
  const [from = ''] = operands
  const to = operands.at(-1) ?? ''
  if (clears.test(name) && operands.slice(0, 2).every((one) => one === from) && from[0] === '%') {
    return new Array<Byte>(64).fill(0)
  }
  if (!moves.test(name) || operands.length !== 2) return undefined
  const size = sizeOf(from) ?? sizeOf(to) ?? suffixes[name.at(-1) ?? '']
  if (size === undefined) return undefined
  const unknown = new Array<Byte>(size).fill(undefined)
  const source = sourceBytes(from, size, target, registers, file) ?? unknown
  if (to.includes('(')) return source
  // What is left of a wider register becomes zero, except by moves of one or two bytes.
  if (size < 4) return undefined
  return [...source, ...new Array<Byte>(64 - size).fill(0)]
}

function sourceBytes(
  from: string,
  size: number,
  target: number | undefined,
  registers: Registers,
  file: ReadOnly,
): Byte[] | undefined {
  if (from.startsWith('$')) {
    const value = BigInt.asUintN(64, BigInt(from.slice(1).replace(/^-(.*)/, '$1')))
    const signed = from.startsWith('$-') ? BigInt.asUintN(64, -value) : value
    return Array.from({ length: size }, (_, i) => Number((signed >> BigInt(8 * i)) & 0xffn))
  }
  if (from.includes('(%rip)') && target !== undefined) return file(target, size)
  return registers.get(fullName(from))?.slice(0, size)
}

function placeOf(place: string) {
  const match = /^(-?)(?:0x([0-9a-f]+))?\(%(\w+)\)$/.exec(place)
  if (!match) return { base: 'another', offset: 0 }
  const [, sign, digits = '0', base = ''] = match
  const offset = Number.parseInt(digits, 16)
  return { base, offset: sign ? -offset : offset }
}

function sizeOf(operand: string): number | undefined {
  const name = operand.replace(/^%/, '')
  return operand.startsWith('%') ? sizes.find(([pattern]) => pattern.test(name))?.[1] : undefined
}

/** One name for a register, however much of it is meant: rax of eax, zmm0 of xmm0. */
function fullName(operand: string): string {
  const name = operand.replace(/^%/, '').replace(/\{.*/, '')
  if (/^[xyz]mm/.test(name)) return `zmm${name.slice(3)}`
  if (/^r\d+[dwb]?$/.test(name)) return name.replace(/[dwb]$/, '')
  const letters = /^[er]?([a-d])[xlh]$/.exec(name)
  if (letters) return `r${letters[1]}x`
  return `r${name.replace(/^[er]/, '').replace(/l$/, '')}`
}
