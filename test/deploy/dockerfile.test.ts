import { readFileSync } from 'node:fs'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { expect, test } from 'vitest'

// Nobody here has built it.

const text = readFileSync(new URL('../../deploy/Dockerfile', import.meta.url), 'utf8')
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const file = DockerfileParser.parse(text)
const argumentsOf = (keyword: string) => {
  const all = file.getInstructions().filter((one) => one.getKeyword() === keyword)
  return all.map((one) => one.getArgumentsContent() ?? '')
}

test('a linter finds nothing in the Dockerfile', () => {
  expect(validate(text)).toEqual([])
  expect(validate(text.replace('USER', 'USSER'))).not.toEqual([])
  expect(validate(text.replace('WORKDIR /app', 'WORKDIR app'))).not.toEqual([])
})

test('the images that it is made of have versions that package.json takes', () => {
  const images = file.getFROMs().map((from) => from.getImage() ?? '')
  expect(images).toHaveLength(2)
  for (const image of images) expect(image).toMatch(/^node:22-bookworm/)
  expect(manifest.engines.node).toContain('>=22')
})

test('the image ends as a user that is not root, by a number that Kubernetes can read', () => {
  expect(argumentsOf('USER')).toEqual(['1000:1000'])
})

test('the image starts the program itself, which gets the signals', () => {
  const [entry = '[]'] = argumentsOf('ENTRYPOINT')
  const [node, program = ''] = JSON.parse(entry)
  expect(node).toBe('node')
  expect(program).toBe(`/app/node_modules/${manifest.name}/${manifest.bin.sluice}`)
  expect(argumentsOf('STOPSIGNAL')).toEqual(['SIGTERM'])
})

test('the scripts that the Dockerfile runs are there', () => {
  const scripts = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  expect(scripts).toEqual(['build', 'prebuild', 'pack:platforms'])
  expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(scripts))
})
