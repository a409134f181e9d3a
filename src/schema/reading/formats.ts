/**
 * What strings in the formats of JSON Schema look like, as patterns. Each says a part of what its
 * format allows (no years before 0000, no quoted e-mail names), and nothing else.
 */
export interface Format {
  /** What is written where nothing else is asked of the string. */
  readonly text: string
  /** Of few states, for where lengths have limits; `shortMax` is how long it may be at most. */
  readonly short?: string
  readonly shortMax?: number
  /** More of what the format allows, for where a pattern says which of it is meant. */
  readonly wide?: string
}

const hour = '(?:[01][0-9]|2[0-3])'
const leapYear = '(?:[0-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)'
const date =
  '(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|' +
  '(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|' +
  `${leapYear}-02-29)`
const time = `${hour}:[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,9})?(?:Z|[-+]${hour}:[0-5][0-9])`
const anyTime = `${hour}:[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?(?:[Zz]|[-+]${hour}:[0-5][0-9])`
const hex = '[0-9a-fA-F]'
const uuid = `${hex}{8}-${hex}{4}-${hex}{4}-${hex}{4}-${hex}{12}`
const byte = '(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
const ipv4 = `${byte}(?:[.]${byte}){3}`
const shortLabel = '[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*'
const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,30}[a-zA-Z0-9])?'
const anyLabel = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const hostname: Format = {
  text: `${label}(?:[.]${label}){0,4}`,
  short: `${shortLabel}(?:[.]${shortLabel})*`,
  shortMax: 63,
  wide:
    '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?' +
    '(?:[.][a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?){0,3}',
}
const atom = "[a-zA-Z0-9_'!#$%&*+/=?^`{|}~-]+"
const email: Format = {
  text: `[a-zA-Z0-9_]{1,24}(?:[.+-][a-zA-Z0-9_]{1,24}){0,4}@${label}(?:[.]${label}){1,4}`,
  short: `[a-zA-Z0-9_]+(?:[.+-][a-zA-Z0-9_]+)*@${shortLabel}(?:[.]${shortLabel})+`,
  wide: `${atom}(?:[.]${atom})*@${anyLabel}(?:[.]${anyLabel})+`,
}
const path = '(?:/[a-zA-Z0-9._~-]{0,64}){0,16}'
const query = '(?:[?][a-zA-Z0-9._~=&-]{0,256})?'
const shortTail = '(?:/[a-zA-Z0-9._~/-]*)?(?:[?][a-zA-Z0-9._~=&-]*)?'
const segment = "(?:[a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})"
const anyTail = `(?:/${segment}*)*(?:[?](?:${segment}|[/?])*)?(?:#(?:${segment}|[/?])*)?`
const authority = "(?:[a-zA-Z0-9._~!$&'()*+,;=:-]*@)?[a-zA-Z0-9._~-]*(?::[0-9]*)?"
const uri: Format = {
  text: `https?://${hostname.text}${path}${query}`,
  short: `https?://${hostname.short}${shortTail}`,
  wide: `[a-zA-Z][a-zA-Z0-9+.-]*:(?://${authority}|${segment}+)${anyTail}`,
}
const uriReference: Format = {
  text: `(?:https?://${hostname.text})?${path}${query}(?:#[a-zA-Z0-9._~-]{0,64})?`,
  short: `(?:https?://${hostname.short})?${shortTail}`,
  wide: `(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?(?://${authority})?${anyTail}`,
}
const count = '[0-9]{1,6}'
const pointer = '(?:/(?:[^~/]|~[01])*)*'
const plainAtom = '[A-Za-z0-9 _:;,@%&=~<>!"\'/-]'
const escapedAtom = '\\\\[dDwWsS.*+?^$|()\\[\\]{}/\\\\]'
const classAtom = '\\[\\^?(?:[A-Za-z0-9_ ]|a-z|A-Z|0-9|\\\\[dws])+\\]'
const regexAtom = `(?:${plainAtom}|${escapedAtom}|${classAtom}|[.])[*+?]?`

/** By name. Others bind nothing: JSON Schema wants them ignored. */
export const formats: Readonly<Record<string, Format>> = {
  date: { text: date },
  time: { text: time, wide: anyTime },
  'date-time': { text: `${date}T${time}`, wide: `${date}[Tt ]${anyTime}` },
  'iso-time': { text: time, wide: anyTime },
  'iso-date-time': { text: `${date}T${time}`, wide: `${date}[Tt ]${anyTime}` },
  duration: {
    text:
      `P(?:${count}W|${count}Y(?:${count}M)?(?:${count}D)?|${count}M(?:${count}D)?|${count}D|` +
      `T(?:${count}H(?:${count}M)?(?:${count}S)?|${count}M(?:${count}S)?|${count}S))`,
    short: 'P(?:[0-9]+[WDMY]|T[0-9]+[HMS])',
    wide:
      'P(?:[0-9]+W|(?=[0-9T])(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+D)?' +
      '(?:T(?=[0-9])(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+S)?)?)',
  },
  uuid: { text: uuid, wide: `(?:urn:uuid:)?${uuid}` },
  email,
  'idn-email': email,
  hostname,
  'idn-hostname': hostname,
  ipv4: { text: ipv4 },
  ipv6: { text: `${hex}{1,4}(?::${hex}{1,4}){7}`, wide: shortIpv6() },
  uri,
  iri: uri,
  url: {
    text: `https?://(?:${label}[.]){1,4}[a-z]{2,12}${path}${query}`,
    short: `https?://(?:${shortLabel}[.])+[a-z][a-z]+${shortTail}`,
  },
  'uri-reference': uriReference,
  'iri-reference': uriReference,
  'uri-template': {
    text: `https?://${hostname.text}(?:/(?:[a-zA-Z0-9._~-]{1,64}|[{][a-zA-Z0-9_]{1,32}[}])){0,16}`,
    short: `https?://${hostname.short}(?:/(?:[a-zA-Z0-9._~-]+|[{][a-zA-Z0-9_]+[}]))*`,
  },
  'json-pointer': { text: pointer },
  'relative-json-pointer': { text: `(?:0|[1-9][0-9]{0,3})(?:#|${pointer})` },
  regex: { text: `\\^?(?:${regexAtom})*[$]?` },
  byte: {
    text: '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?',
  },
}

/** All of them, with zeros left out once or not. */
function shortIpv6(): string {
  const group = `${hex}{1,4}`
  const gaps = [1, 2, 3, 4, 5, 6].map((i) => `(?:${group}:){1,${i}}(?::${group}){1,${7 - i}}`)
  const whole = `${group}(?::${group}){7}`
  return [whole, ...gaps, `(?:${group}:){1,7}:`, `:(?::${group}){1,7}`, '::'].join('|')
}

/** Of numbers: those that make them whole, and those that change nothing. */
export const numberFormats: Readonly<Record<string, 'whole' | 'any'>> = {
  int32: 'whole',
  int64: 'whole',
  float: 'any',
  double: 'any',
}
