// The order of the site. test/docs/links.test.ts holds that every page has its place here.

/** @typedef {{ text: string, link?: string, items?: Entry[], collapsed?: boolean }} Entry */

/** @type {Entry[]} */
export const sidebar = [
  group('Begin', [
    ['Sluice', '/'],
    ['Getting started', '/docs/getting-started'],
    ['Packages and binaries', '/docs/packages'],
    ['Examples', '/examples/'],
    ['All pages', '/docs/'],
  ]),
  group('In a program', [
    ['In your program', '/docs/program'],
    ['Chat and history', '/docs/chat'],
    ['Tools', '/docs/tools'],
    ['Structured output', '/docs/structured-output'],
    ['Schemas', '/docs/schemas'],
    ['The AI SDK', '/docs/ai-sdk'],
    ['LangChain.js', '/docs/langchain'],
    ['Decisions', '/docs/decisions'],
    ['Embeddings and search', '/docs/embeddings'],
    ['Models from the Hugging Face Hub', '/docs/pull'],
    ['Errors', '/docs/errors'],
    ['Options', '/docs/options'],
  ]),
  group('As a server', [
    ['Serving', '/docs/serving'],
    ['The page', '/docs/page'],
    ['Several models', '/docs/several-models'],
    ['LoRA adapters', '/docs/lora'],
    ['The HTTP interface', '/docs/http-api'],
    ['Responses', '/docs/responses'],
    ["llama-server's routes", '/docs/llama-server'],
    ["Ollama's API, and LM Studio's lists", '/docs/ollama'],
    ["Anthropic's Messages", '/docs/messages'],
    ['Streaming to a browser', '/docs/browser'],
    ['Inside your app', '/docs/frameworks'],
    ['A web-standard handler', '/docs/fetch'],
    ['Clients', '/docs/clients'],
    ['A process of its own', '/docs/isolation'],
    ['Several replicas', '/docs/replicas'],
    ['Reliability', '/docs/reliability'],
    ['Kubernetes', '/docs/kubernetes'],
    ['Sizing', '/docs/sizing'],
    ['States on disk', '/docs/cache'],
    ['Metrics', '/docs/metrics'],
    ['The command line', '/docs/cli'],
  ]),
  group('Models and machines', [
    ['Which model files load', '/docs/models'],
    ['Devices', '/docs/devices'],
    ['One model over several machines', '/docs/several-machines'],
    ['GPU builds', '/docs/gpu'],
    ['Runtimes', '/docs/runtimes'],
    ['Bundlers and runners', '/docs/bundlers'],
    ['The embedded model', '/models/'],
  ]),
  group('How it works', [
    ['Architecture', '/ARCHITECTURE'],
    ['Chat templates', '/docs/templates'],
    ['From text to tokens', '/docs/tokens'],
    ['Benchmarks', '/docs/benchmarks'],
    ['Tools in chat templates', '/docs/internals/tool-templates'],
    ['What is shown', '/docs/internals/what-is-shown'],
    ['What cannot be caught', '/docs/internals/aborts'],
    ['Contributing', '/CONTRIBUTING'],
    ['Changes', '/CHANGELOG'],
    ['Third parties', '/THIRD-PARTY'],
  ]),
]

/**
 * @param {string} text
 * @param {[text: string, link: string][]} pages
 * @returns {Entry}
 */
function group(text, pages) {
  return { text, items: pages.map(([text, link]) => ({ text, link })) }
}
