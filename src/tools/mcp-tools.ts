import { InvalidRequestError } from '../api/errors.js'
import type { RunnableTool, ToolContext } from '../api/tool-types.js'
import { fromCaller } from '../engine/call-site.js'
import { guarded } from '../engine/callbacks.js'
import {
  abortSignal,
  aFunction,
  aString,
  type Check,
  type Checks,
  int32Max,
  milliseconds,
  parseFields,
  wrong,
} from '../options/checks.js'

/**
 * What of a client of the Model Context Protocol is used: the `Client` of
 * `@modelcontextprotocol/sdk` or of `@modelcontextprotocol/client`, or what has the same methods.
 */
export interface McpClient {
  listTools(
    params?: { cursor: string },
    options?: { signal?: AbortSignal },
  ): Promise<{ tools: readonly McpTool[]; nextCursor?: string | undefined }>
  // The second parameter of one package is the third of the other.
  // biome-ignore lint/suspicious/noExplicitAny: no type fits both
  callTool(params: McpCall, ...more: any[]): Promise<unknown>
}

interface McpCall {
  name: string
  arguments: Record<string, unknown>
}

/** A tool as a server lists it. */
export interface McpTool {
  readonly name: string
  readonly title?: string | undefined
  readonly description?: string | undefined
  readonly inputSchema: object
  /** What the server says of it, such as `readOnlyHint` and `destructiveHint`; hints only. */
  readonly annotations?: Readonly<Record<string, unknown>> | undefined
  readonly execution?: { readonly taskSupport?: string | undefined } | undefined
}

/** How far a call has come, as its server says. */
export interface McpProgress {
  readonly progress: number
  readonly total?: number | undefined
  readonly message?: string | undefined
}

export interface McpToolsOptions {
  /** Stands before each name, so that tools of several servers differ: 'files_'. Default: none. */
  readonly prefix?: string
  /** Which of the server's tools to take. Default: all that can be called. */
  readonly filter?: (tool: McpTool) => boolean
  /**
   * Milliseconds that one call may take, 1 to 2 ** 31 - 1. Default: the run's `timeoutMs`; without
   * one the client's own limit, which is 60,000 from the last progress on.
   */
  readonly timeoutMs?: number
  /** Called with the progress of calls, where the server tells it. */
  readonly onProgress?: (
    progress: McpProgress,
    call: { readonly name: string; readonly toolCallId: string },
  ) => void
  /** Abandons the listing. */
  readonly signal?: AbortSignal
}

const checks: Checks<McpToolsOptions> = {
  prefix: aString,
  filter: aFunction as Check<unknown> as Check<NonNullable<McpToolsOptions['filter']>>,
  timeoutMs: milliseconds,
  onProgress: aFunction as Check<NonNullable<McpToolsOptions['onProgress']>>,
  signal: abortSignal,
}

/** A server that lists more gives the same page again and again. */
const pagesMax = 1000

/**
 * The tools of an MCP server, for `runTools`. The client must be connected, and stays the caller's:
 * close it when done. Tools that are listed later are not among them; ask again before another run.
 *
 * Its tools answer with what the server says. The model reads its texts; structured content too,
 * unless the texts say the same; and a line in the place of images and sounds, which the program
 * finds in `toolResult.value`. Left out are tools that run as tasks only.
 *
 * Rejects as the client's `listTools` does, with ERR_INVALID_REQUEST for lists without an end or
 * with two tools of one name, and with ERR_INVALID_OPTION.
 */
export async function mcpTools(
  client: McpClient,
  options: McpToolsOptions = {},
): Promise<Record<string, RunnableTool>> {
  return fromCaller(() => toolsOf(client, options))
}

async function toolsOf(
  client: McpClient,
  options: McpToolsOptions,
): Promise<Record<string, RunnableTool>> {
  const given = parseFields<McpToolsOptions>(options, checks)
  const { prefix = '', filter = () => true } = given
  const { listTools, callTool } = (client ?? {}) as Partial<McpClient>
  if (typeof listTools !== 'function' || typeof callTool !== 'function') {
    throw wrong('client', 'a connected MCP client (with listTools() and callTool())', client)
  }
  const tools = new Map<string, RunnableTool>()
  for (const tool of await listed(client, given.signal)) {
    if (tool.execution?.taskSupport === 'required' || !filter(tool)) continue
    const name = `${prefix}${tool.name}`
    if (tools.has(name)) {
      throw new InvalidRequestError(`expected tools of different names, but two are ${name}`)
    }
    tools.set(name, runnable(client, tool, given))
  }
  return Object.fromEntries(tools)
}

async function listed(client: McpClient, signal: AbortSignal | undefined): Promise<McpTool[]> {
  const tools: McpTool[] = []
  let cursor: string | undefined
  for (let page = 0; page < pagesMax; page++) {
    const params = cursor === undefined ? undefined : { cursor }
    const { tools: more, nextCursor } = await client.listTools(params, signal && { signal })
    tools.push(...more)
    if (nextCursor === undefined || nextCursor === '' || nextCursor === cursor) return tools
    cursor = nextCursor
  }
  throw new InvalidRequestError(`expected a list of tools of at most ${pagesMax} pages, got more`)
}

function runnable(client: McpClient, tool: McpTool, options: McpToolsOptions): RunnableTool {
  const { name, description = tool.title, inputSchema } = tool
  const { timeoutMs, onProgress = () => undefined } = options
  const tell = guarded('onProgress', onProgress)
  return {
    ...(description === undefined ? {} : { description }),
    parameters: inputSchema,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    async run(given: Record<string, unknown>, context: ToolContext) {
      const { toolCallId, signal } = context
      const settings = {
        signal,
        // The call's own limit counts where it has one, not the client's.
        ...(context.timeoutMs === undefined ? {} : { timeout: int32Max }),
        onprogress: (progress: McpProgress) => tell(progress, { name, toolCallId }),
        resetTimeoutOnProgress: true,
      }
      return answered(await call(client, { name, arguments: given }, settings))
    },
  }
}

/** `@modelcontextprotocol/client` has the options second; the SDK has a schema there by default. */
function call(client: McpClient, params: McpCall, settings: object): Promise<unknown> {
  return client.callTool.length === 2
    ? client.callTool(params, settings)
    : client.callTool(params, undefined, settings)
}

/** Servers of the protocol's first version answer in one field. */
function answered(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result
  if ('toolResult' in result && !('content' in result)) return result.toolResult
  return { isError: false, ...result } // which also tells it from an object of a program's own
}
