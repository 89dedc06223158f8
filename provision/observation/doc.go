// Package observation reads what a program says of itself. A component pack
// declares the command and what of its output counts, as patterns of lines or
// as paths into JSON; nothing in Go knows the program.
//
// Every output becomes records, each with named fields of one or more values.
// What a record means is for whoever asked. Start reading at Observation.
package observation
