/** A file of local data sources that is valid as it stands. */
export const exampleSources = `# Data sources of this box, beside those of the hub: one file or several in /etc/edgeward/sources.d.
# The same words as in the data source configuration of the hub. "edgeward config schema --sources" has
# all of them; "edgeward source test --file FILE" reads what a file says before it counts.

[[dataSources]]
name = "press"
description = "hydraulic press, hall 2"
customData = { protocol = "modbus", address = "10.0.0.5:502", unit = 1, interval = "1s" }

[[dataSources.dataPoints]]
id = "press-oil"                    # unique on the box
name = "oil temperature"
type = "DOUBLE"                     # INT, LONG, DOUBLE, BOOLEAN, STRING, BIG_STRING, TIMESTAMP
unit = "°C"
[dataSources.dataPoints.customData]
table = "holding"                   # coil, discrete, holding, input
address = 10                        # the first is 0; "40011" of a manual
type = "int16"
scale = { factor = 0.1 }            # raw 215 is 21.5
deadband = { type = "Absolute", value = 0.2 }

[[dataSources.dataPoints]]
id = "press-oil-mean"
name = "oil temperature, mean of a minute"
type = "DOUBLE"
unit = "°C"
customData = { aggregate = { of = "press-oil", function = "Average", window = "1m" } }

[[dataSources.dataPoints]]
id = "press-running"
name = "running"
type = "BOOLEAN"
customData = { table = "coil", address = 0 }

[[dataSources]]
name = "box"
customData = { protocol = "system", interval = "10s" }

[[dataSources.dataPoints]]
id = "box-load"
name = "load"
type = "DOUBLE"
customData = { metric = "load.1" }

[[dataSources]]
name = "app"
customData = { protocol = "mqtt" }  # what an app publishes on the broker of this box

[[dataSources.dataPoints]]
id = "app-strokes"
name = "strokes"
type = "LONG"
customData = { topic = "apps/press/measurements", pointer = "/strokes" }
`
