import http = require('../http/index.js')
export = http
