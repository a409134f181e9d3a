import { readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { PullError } from '../api/errors.js'

/** What the environment says of the Hub, by the variables of its own client. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string
  readonly token: string | undefined
  /** The folder of the cache that all tools share. */
  readonly cache: string
  readonly isOffline: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws PullError for an endpoint that is no address */
export function hubSettings(environment: Environment = process.env): HubSettings {
  return {
    endpoint: endpointOf(environment.HF_ENDPOINT || 'https://huggingface.co'),
    token: tokenOf(environment),
    cache: hubCache(environment),
    isOffline: isOn(environment.HF_HUB_OFFLINE) || isOn(environment.TRANSFORMERS_OFFLINE),
  }
}

/** Where models are kept. Needs no network and no token. */
export function hubCache(environment: Environment = process.env): string {
  const own = environment.HF_HUB_CACHE || environment.HUGGINGFACE_HUB_CACHE
  return path.resolve(own ? atHome(own) : path.join(hubHome(environment), 'hub'))
}

function hubHome(environment: Environment): string {
  if (environment.HF_HOME) return atHome(environment.HF_HOME)
  const caches = environment.XDG_CACHE_HOME
  return path.join(caches ? atHome(caches) : path.join(os.homedir(), '.cache'), 'huggingface')
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return text.replace(/\/+$/, '')
  throw new PullError(
    'unreachable',
    `HF_ENDPOINT: expected an address such as https://huggingface.co, but got '${text}'`,
  )
}

/** A token's file may be missing, or not ours to read: then there is no token. */
function tokenOf(environment: Environment): string | undefined {
  const own = environment.HF_TOKEN || environment.HUGGING_FACE_HUB_TOKEN
  const token = own || readToken(environment)
  // A header can hold nothing else, and a line's end in a file is none of the token.
  return token === undefined ? undefined : /^[\x21-\x7e]+$/.exec(token.trim())?.[0]
}

function readToken(environment: Environment): string | undefined {
  const file = environment.HF_TOKEN_PATH || path.join(hubHome(environment), 'token')
  try {
    return readFileSync(atHome(file), 'utf8')
  } catch {
    return undefined
  }
}

function atHome(place: string): string {
  return /^~(?=$|[/\\])/.test(place) ? path.join(os.homedir(), place.slice(1)) : place
}

function isOn(value: string | undefined): boolean {
  return ['1', 'ON', 'YES', 'TRUE'].includes(value?.trim().toUpperCase() ?? '')
}
