import aiSdk = require('../ai-sdk/index.js')
export = aiSdk
