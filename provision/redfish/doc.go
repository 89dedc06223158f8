// Package redfish is a session with a Redfish service (DMTF DSP0266): the way
// in, a bounded transport that trusts one controller and no other, documents as
// they were read, writes with their preconditions, tasks and settings objects.
// It knows no setting and decides nothing: what is to be read and written is
// said in package bmc.
//
// Connection and session are gofish's. What is written is built by the caller,
// because gofish's Update sends read-only members that OpenBMC refuses.
//
// It never prompts, never stores a secret, and tries a password once. Start
// reading at Open in session.go.
package redfish
