// Package bmc reads, sets and proves the settings of a server's management
// controller over Redfish (DMTF DSP0266).
//
// Three outcomes are never mixed when reading: a value, absent, and
// unsupported; whatever could not be looked at is unknown, the fourth. When
// setting, the answer of the controller is a claim: what counts is what reads
// back, and after a change of address what the same controller answers at the
// new one.
//
// It uses links from the service root and never a fixed URI. Connection and
// session are gofish's; what is written is built here, one group of settings
// at a time, because gofish's Update sends read-only members that OpenBMC
// refuses. Where vendors differ, quirks.go says how and who saw it.
//
// It stands in layers, each of which knows nothing of those above: reader reads
// documents, resources know where things are, values are settings as they read;
// on these stand the groups, each of which reads and sets its own: accounts and
// factory, https, network, and setter for all others. Controller puts them
// together.
//
// It never prompts, never stores a secret, and tries a password once. Start
// reading at Open in open.go, then Controller.Read in read.go and Controller.Set in
// set.go.
package bmc
