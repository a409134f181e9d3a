#!/bin/sh
# Versions: node-llama-cpp 3.22.1 with its package for Linux x64, as npm has them.
#
# A context of llama.cpp that embeds keeps room for the logits of each row of its largest batch so
# far: rows x words of the vocabulary x 4 bytes, filled with zeros, until it is closed. It does so
# for text encoders too, which have no output matrix and so no logits. A made-up encoder whose
# vectors have 32 numbers takes 481 MiB more for its first input of 500 tokens where the vocabulary
# has 250,000 words, as those of multilingual encoders have, and 10 MiB where it has 5,000.
#
# Seen on 2026-11-30:
#   5000 words: 32 numbers, and 10 MiB more (10 are 500 x words x 4 bytes)
#   250000 words: 32 numbers, and 481 MiB more (477 are 500 x words x 4 bytes)
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat > model.mjs <<'EOF'
// Writes a text encoder of one layer with so many words: node model.mjs FILE WORDS
import { writeFileSync } from 'node:fs'
const [, , file, count] = process.argv
const words = Number(count)
const width = 32
const parts = []
const add = (bytes) => parts.push(bytes)
const u32 = (n) => add(Uint8Array.from(Buffer.alloc(4).fill(0).map((_, i) => (n >>> (8 * i)) & 255)))
const u64 = (n) => (u32(n), u32(0))
const f32 = (x) => add(Buffer.from(Float32Array.of(x).buffer))
const text = (s) => (u64(Buffer.byteLength(s)), add(Buffer.from(s)))
const keys = {
  'general.architecture': 'bert',
  'bert.block_count': 1,
  'bert.context_length': 512,
  'bert.embedding_length': width,
  'bert.feed_forward_length': width,
  'bert.attention.head_count': 1,
  'bert.attention.layer_norm_epsilon': [1e-12],
  'bert.attention.causal': false,
  'bert.pooling_type': 1,
  'tokenizer.ggml.model': 'bert',
  'tokenizer.ggml.token_type_count': 2,
}
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]']
Object.assign(keys, Object.fromEntries(
  ['padding', 'unknown', 'cls', 'seperator', 'mask'].map((n, i) => [`tokenizer.ggml.${n}_token_id`, i]),
))
const tokens = Array.from({ length: words }, (_, i) => special[i] ?? `\u2581w${i.toString(36)}`)
const tensors = [
  ['token_embd.weight', width, words],
  ['token_types.weight', width, 2],
  ['position_embd.weight', width, 512],
  ...['token_embd_norm', 'blk.0.attn_output_norm', 'blk.0.layer_output_norm'].flatMap((n) => [
    [`${n}.weight`, width],
    [`${n}.bias`, width],
  ]),
  ...['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_up', 'ffn_down'].map((n) => [
    `blk.0.${n}.weight`, width, width,
  ]),
]
add(Buffer.from('GGUF'))
u32(3)
u64(tensors.length)
u64(Object.keys(keys).length + 2)
for (const [key, value] of Object.entries(keys)) {
  text(key)
  if (typeof value === 'string') (u32(8), text(value))
  else if (typeof value === 'boolean') (u32(7), add(Uint8Array.of(Number(value))))
  else if (Array.isArray(value)) (u32(6), f32(value[0]))
  else (u32(4), u32(value))
}
text('tokenizer.ggml.tokens'), u32(9), u32(8), u64(words)
for (const token of tokens) text(token)
text('tokenizer.ggml.token_type'), u32(9), u32(5), u64(words)
for (let i = 0; i < words; i++) u32(i < special.length ? 3 : 1)
let offset = 0
for (const [name, ...shape] of tensors) {
  text(name)
  u32(shape.length)
  for (const size of shape) u64(size)
  u32(0)
  u64(offset)
  offset += 4 * shape.reduce((a, b) => a * b)
}
const header = parts.reduce((sum, part) => sum + part.length, 0)
add(Buffer.alloc((32 - (header % 32)) % 32))
for (const [, ...shape] of tensors) {
  const values = new Float32Array(shape.reduce((a, b) => a * b))
  for (let i = 0; i < values.length; i++) values[i] = Math.sin(i * 0.7) / 8
  add(Buffer.from(values.buffer))
}
writeFileSync(file, Buffer.concat(parts))
EOF
cat > grow.mjs <<'EOF'
import { getLlama } from 'node-llama-cpp'
const [, , modelPath, words] = process.argv
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' })
const model = await llama.loadModel({ modelPath })
const context = await model.createEmbeddingContext({ contextSize: 512, batchSize: 512, threads: 1 })
const resident = () => process.memoryUsage.rss() / 2 ** 20
await context.getEmbeddingFor(Array.from({ length: 8 }, (_, i) => 5 + i))
const before = resident()
const { vector } = await context.getEmbeddingFor(Array.from({ length: 500 }, (_, i) => 5 + i))
const grown = Math.round(resident() - before)
console.log(`${words} words: ${vector.length} numbers, and ${grown} MiB more (${Math.round(500 * words * 4 / 2 ** 20)} are 500 x words x 4 bytes)`)
EOF
npm install --silent --no-save --ignore-scripts --omit=optional node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1
for words in 5000 250000; do
  node model.mjs "$words.gguf" "$words"
  node grow.mjs "$words.gguf" "$words"
done > seen
cat seen
node -e '
  const grown = [...require("fs").readFileSync("seen", "utf8").matchAll(/and (\d+) MiB/g)].map(([, mib]) => Number(mib))
  if (!(grown[0] < 60 && grown[1] > 400)) throw new Error("this is no longer so")
'
