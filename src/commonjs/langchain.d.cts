import langchain = require('../langchain/index.js')
export = langchain
