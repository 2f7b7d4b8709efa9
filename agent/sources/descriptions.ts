/** What the keys of the protocols mean, for the published schema; docs/sources.md says more. */
export interface Descriptions {
  readonly source: Readonly<Record<string, string>>
  readonly point: Readonly<Record<string, string>>
}

export const descriptions: Readonly<Record<string, Descriptions>> = {
  modbus: {
    source: {
      transport: 'Tcp (the default), rtu (a serial port), rtu-over-tcp',
      address: 'Host, host:port (502 unless told), or a serial port below /dev',
      baudRate: 'Of a serial port: 19200, even, 8, 1 unless told',
      parity: 'Of a serial port: 19200, even, 8, 1 unless told',
      dataBits: 'Of a serial port: 19200, even, 8, 1 unless told',
      stopBits: 'Of a serial port: 19200, even, 8, 1 unless told',
      unit: 'The device behind the address, 0 to 255, on a bus 1 to 247; 1 unless told',
      interval: '"1s" unless told',
      timeout: 'For the answer to one request, 10 ms to 30 s; "1s" unless told',
      gap: 'Registers that are read along, unused, so that two points take one request; 4 unless told',
      maxRegisters: 'In one request, for devices that take fewer than 125',
      byteOrder: 'Big or little, for all points that say nothing else',
      wordOrder: 'Big or little, for all points that say nothing else',
    },
    point: {
      table: 'Coil, discrete, holding, input',
      address: 'As it is on the wire: the first is 0',
      type: 'Of registers: int16, uint16, int32, uint32, int64, uint64, float32, float64, bit, string',
      bit: '0 to 15, 0 the lowest; for bit',
      length: 'Bytes; for string',
      byteOrder: 'Within a register; big unless told',
      wordOrder: 'Of the registers of one value; big, the highest first, unless told',
      unit: 'Another device on the same bus or behind the same gateway',
    },
  },
  mqtt: {
    source: {
      payload: '"sparkplug": messages are Sparkplug B, and points name their metric',
      rebirth: 'true: an edge node whose metrics are not known is asked for a BIRTH',
    },
    point: {
      topic: 'Mqtt: one topic. mqtt-remote: + and # are taken; all that fits feeds the point',
      pointer: 'JSON pointer to the value. Without it the whole payload is the value (for STRING its text)',
      timePointer:
        'JSON pointer to the source time: RFC 3339 with a zone, or milliseconds since 1970. Without it: the time of receipt. Not there or no time: the value is Uncertain (no_source_time)',
      item: 'Where the value is an array, each element is a reading, at most 10 000',
      group: 'As in the topic spBv1.0/<group>/NDATA/<node> and in the BIRTH',
      node: 'As in the topic spBv1.0/<group>/NDATA/<node> and in the BIRTH',
      metric: 'As in the topic spBv1.0/<group>/NDATA/<node> and in the BIRTH',
      device: 'For metrics of a device; without it of the node itself',
    },
  },
  'mqtt-remote': {
    source: {
      url: 'Mqtts://host:port, wss://host/path; mqtt: and ws: for this machine only, unless clearText is true, for a broker that has nothing else. MQTT 3.1.1, through the proxy where there is one',
      clientId: 'As the broker is to know the box; without it another one at each connection',
      credential:
        'Name of a file below /etc/edgeward/credentials that holds one line user:password; read at each connection',
      ca: 'PEM of an authority that is trusted for this broker, besides the usual ones',
      qos: '0 or 1; 1 unless told',
      persistent:
        'The broker keeps messages of QoS 1 while the box is away; true with a clientId, else false',
      keepalive: '"30s" unless told',
      retained:
        'True: retained messages are taken, too. They are Uncertain (retained) unless timePointer says their time. Otherwise they are left out, as nobody knows how old they are',
      payload: '"sparkplug": messages are Sparkplug B, and points name their metric',
      rebirth: 'true: an edge node whose metrics are not known is asked for a BIRTH',
      clearText: 'true: mqtt: and ws: over the network; whoever is on it can read and alter what passes',
    },
    point: {
      topic: 'Mqtt: one topic. mqtt-remote: + and # are taken; all that fits feeds the point',
      pointer: 'JSON pointer to the value. Without it the whole payload is the value (for STRING its text)',
      timePointer:
        'JSON pointer to the source time: RFC 3339 with a zone, or milliseconds since 1970. Without it: the time of receipt. Not there or no time: the value is Uncertain (no_source_time)',
      item: 'Where the value is an array, each element is a reading, at most 10 000',
      group: 'As in the topic spBv1.0/<group>/NDATA/<node> and in the BIRTH',
      node: 'As in the topic spBv1.0/<group>/NDATA/<node> and in the BIRTH',
      metric: 'As in the topic spBv1.0/<group>/NDATA/<node> and in the BIRTH',
      device: 'For metrics of a device; without it of the node itself',
    },
  },
  http: {
    source: {
      url: 'Https:; http: for this machine only, unless clearText is true. No user or password in it',
      clearText:
        'True: http: over the network, for a device that has nothing else; whoever is on the network can read and alter what passes, the credential included',
      method: 'GET unless told; POST sends body',
      body: 'GET unless told; POST sends body',
      headers: 'By name; none that is a secret (Authorization, Cookie)',
      credential:
        'Name of a file below /etc/edgeward/credentials with a header a line: Authorization: Bearer …; read anew after each failure',
      ca: 'PEM of an authority that is trusted for this server, besides the usual ones',
      interval: '"10s" unless told',
      timeout: 'For the whole exchange; "10s" unless told',
    },
    point: {
      pointer: 'JSON pointer to the value. Without it the whole document is the value (for STRING its text)',
      timePointer:
        'JSON pointer to the source time: RFC 3339 with a zone, or milliseconds since 1970. Without it: the time of receipt. Not there or no time: the value is Uncertain (no_source_time)',
      item: 'Where the value is an array, each element is a reading, at most 10 000',
    },
  },
  file: {
    source: {
      path: 'Of the file; the user that edgeward runs as must be able to read it, and to list its directory',
      pattern:
        'Regular expression (JavaScript, with u) with named groups; lines that it does not fit are left out. Without it each line is a JSON document, and one that is not is a Bad reading',
      timeGroup:
        'The group that holds the time: ISO 8601 (also with a blank and a comma), or a number since 1970',
      timeUnit: 'Of a number: "ms" (the default) or "s"',
      utcOffset: 'Of a time without a zone; without it such a time is none, and the value is Uncertain',
      from: 'Where to begin in a file that was never read: "end" (the default) or "start"',
      encoding: '"utf-8" or "latin1"',
      interval: 'How often to look for new lines; "1s" unless told',
    },
    point: {
      group:
        'The group of the pattern that holds the value. Text is turned into the type of the point (12, -1.5e3, true, on, yes, 1); a group that took no part in the line gives no reading',
      pointer: 'For JSON lines, as for MQTT',
      timePointer: 'For JSON lines, as for MQTT',
      item: 'For JSON lines, as for MQTT',
    },
  },
  command: {
    source: {
      command: 'The program, by its path',
      arguments: 'A list; each reaches the program as it is',
      interval: '"60s" unless told',
      timeout: '"10s" unless told; then it is killed with all that it started',
    },
    point: {
      pointer: 'JSON pointer to the value. Without it the whole document is the value (for STRING its text)',
      timePointer:
        'JSON pointer to the source time: RFC 3339 with a zone, or milliseconds since 1970. Without it: the time of receipt. Not there or no time: the value is Uncertain (no_source_time)',
      item: 'Where the value is an array, each element is a reading, at most 10 000',
      exitCode: 'true: the value is the exit code of the program',
    },
  },
  system: {
    source: {
      interval: 'How often it is read; "10s" unless told',
    },
    point: {
      metric: 'What is measured; "edgeward source metrics" shows what this machine has',
      path: 'disk.*: a path on the file system meant; "/" unless told',
      core: 'cpu.*: a core by its number; all together unless told',
      device: 'disk.*: a block device such as mmcblk0',
      interface: 'network.*: an interface such as eth0',
      zone: 'A sensor by its directory or type; the first unless told',
    },
  },
  opcua: {
    source: {
      endpoint: 'opc.tcp://host:port/path, without a user',
      securityPolicy: 'None unless told',
      securityMode: 'SignAndEncrypt where there is a policy',
      user: 'Name of the user; credential holds the password',
      credential: 'Name of a file below /etc/edgeward/credentials that holds the password',
      userCertificate: 'Name of a credential: certificate of the user in PEM',
      userKey: 'Name of a credential: its key in PEM',
      allowUnprotected: 'true: the password is told to a server of which nothing proves who it is',
      mode: 'subscribe unless told: the server says what changes; poll: it is asked each interval',
      interval: 'Of polling',
      publishingInterval: 'How often the server sends what has changed',
      timeout: 'For the answer to one request; "10s" unless told',
    },
    point: {
      nodeId: 'ns=2;s=Press.Force, or nsu=http://plant;s=Press.Force, which outlives another numbering',
      indexRange: '3, 0:4 or 1,2: part of an array',
      samplingInterval: 'How often the server looks; the publishing interval unless told',
      queueSize: 'What the server keeps between two publishings, then the oldest goes; 10 unless told',
    },
  },
}

export const pipelineDescriptions: Readonly<Record<string, string>> = {
  scale:
    '{"factor": 0.1, "offset": -40}, or {"from": [4, 20], "to": [0, 100], "clamp": true}; for INT, LONG and DOUBLE',
  deadband:
    '{"type": "Absolute", "value": 0.5} in the unit of the point, or {"type": "Percent", "value": 1, "range": [0, 250]} in percent of the range',
  trigger: 'What lets a reading pass: Status, StatusValue (the default), StatusValueTimestamp',
  minInterval: 'No two values are sent in less: "500ms"',
  maxInterval: 'The newest value is sent at least this often while the point is read; "60s" unless told',
  sent: 'False: the point is there for its aggregates alone',
  aggregate:
    '{"of": "t1", "function": "Average", "window": "10s"}: the point is made of another one of its source',
}
