import { byId, el, setText } from './dom.js'
import { EnginePanel } from './engine/panel.js'
import { KeyDialog } from './key-dialog.js'
import { Models } from './models.js'
import { Panels } from './panels.js'
import { Server, ServerError } from './server.js'
import { Settings } from './settings.js'
import { Chat } from './thread/chat.js'
import { Composer } from './thread/composer.js'
import { Conversation } from './thread/conversation.js'

/** How long it waits before it asks again a server that is loading its model, or is not there. */
const retryMs = 1500

const server = new Server()
const settings = new Settings(byId('settings', HTMLElement))
const engine = new EnginePanel(byId('engine', HTMLElement), server)
const models = new Models(() => void showModel())
const keys = new KeyDialog((key) => server.useKey(key))
const welcomeText = el('p', { class: 'note' })
const welcome = el(
  'section',
  { class: 'welcome' },
  el('h2', { text: 'What shall it write?' }),
  welcomeText,
)

const chat = new Chat({
  server,
  settings,
  conversation: new Conversation(),
  model: () => models.current?.id ?? 'default',
  onRunning: (isRunning) => {
    composer.running = isRunning
    if (!isRunning) void refresh()
  },
  onKeyWanted: () => keys.ask(server.hasKey),
  welcome,
})
const composer = new Composer({
  send: (text) => chat.send(text),
  stop: () => chat.stop(),
})
byId('new-chat', HTMLButtonElement).addEventListener('click', () => {
  chat.clear()
  composer.focus()
})
new Panels(() => engine.look()).begin()

/** The models there are, as often as it takes: the server may be loading, or want a key. */
async function begin(): Promise<void> {
  for (;;) {
    try {
      await listModels()
      return
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      setText(welcomeText, error.message)
      if (error.wantsKey && (await keys.ask(server.hasKey))) continue
      if (error.wantsKey) return // asked again with the first message
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

async function listModels(): Promise<void> {
  const [list, { models: known }] = await Promise.all([server.models(), server.engine()])
  models.show(list, new Set(known.flatMap(({ aliases }) => aliases)))
  await showModel()
}

/** Which are loaded may have changed. What keeps it from being known, the next request tells. */
async function refresh(): Promise<void> {
  await listModels().catch((error: unknown) => {
    if (!(error instanceof ServerError)) throw error
  })
}

async function showModel(): Promise<void> {
  const model = models.current
  if (model === undefined) {
    setText(welcomeText, 'None of the models here writes text. The panel at the side shows them.')
    return
  }
  const { id, state, max_model_len: context, capabilities = [] } = model
  const size =
    context === undefined ? '' : ` It has ${context.toLocaleString('en')} tokens of context.`
  setText(welcomeText, `${id} answers, on this server alone.${size}`)
  // To ask a model that is not loaded would load it.
  const defaults = state === 'loaded' ? await server.defaultsOf(id).catch(() => ({})) : {}
  settings.show({ context, canThink: capabilities.includes('thinking'), defaults })
}

composer.focus()
void begin()
