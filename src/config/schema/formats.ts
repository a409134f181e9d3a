/**
 * GBNF for the content of strings in the formats of JSON Schema. Each writes a part of what its
 * format allows (no years before 0000, no quoted e-mail names), and nothing else.
 */

const twoDigits = { hour: '("2" [0-3] | [01] [0-9])', minute: '[0-5] [0-9]' }
const leapYear =
  '([0-9] [0-9] ("0" [48] | [2468] [048] | [13579] [26]) | ([02468] [048] | [13579] [26]) "00")'
const date =
  '([0-9]{4} "-" (("01" | "03" | "05" | "07" | "08" | "10" | "12") "-" ' +
  '("0" [1-9] | [12] [0-9] | "3" [01]) | ("04" | "06" | "09" | "11") "-" ' +
  '("0" [1-9] | [12] [0-9] | "30") | "02-" ("0" [1-9] | "1" [0-9] | "2" [0-8])) | ' +
  `${leapYear} "-02-29")`
const time =
  `${twoDigits.hour} ":" ${twoDigits.minute} ":" ${twoDigits.minute} ("." [0-9]{1,9})? ` +
  `("Z" | [-+] ${twoDigits.hour} ":" ${twoDigits.minute})`
const hex = '[0-9a-fA-F]'
const byte = '("25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9])'
const label = '[a-zA-Z0-9] ([a-zA-Z0-9-]{0,30} [a-zA-Z0-9])?'
const hostname = `${label} ("." ${label}){0,4}`
const count = '[0-9]{1,6}'

export const formats: Readonly<Record<string, string>> = {
  date,
  time,
  'date-time': `${date} "T" ${time}`,
  duration:
    `"P" (${count} "W" | ${count} "Y" (${count} "M")? (${count} "D")? | ${count} "M" ` +
    `(${count} "D")? | ${count} "D" | "T" (${count} "H" (${count} "M")? (${count} "S")? | ` +
    `${count} "M" (${count} "S")? | ${count} "S"))`,
  uuid: `${hex}{8} "-" ${hex}{4} "-" ${hex}{4} "-" ${hex}{4} "-" ${hex}{12}`,
  email: `[a-zA-Z0-9_]{1,24} ([.+-] [a-zA-Z0-9_]{1,24}){0,4} "@" ${label} ("." ${label}){1,4}`,
  hostname,
  ipv4: `${byte} "." ${byte} "." ${byte} "." ${byte}`,
  ipv6: `${hex}{1,4} (":" ${hex}{1,4}){7}`,
  uri:
    `("https" | "http") "://" ${hostname} ("/" [a-zA-Z0-9._~-]{0,64}){0,16} ` +
    '("?" [a-zA-Z0-9._~=&-]{0,256})?',
}
