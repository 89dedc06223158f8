// Package simbmc is a management controller that exists only in memory: a
// Redfish service over TLS with the manners of one vendor, for rehearsal,
// tests and training.
//
// A BMC is a tree of resources, a rule for every property that may be
// written, and a personality: which links and properties there are, which
// ETags it hands out, when a changed address takes effect. Its trees are
// small and written by hand after what real controllers answer; nothing in
// them is copied. It refuses what the real one refuses, and Faults make it
// misbehave on purpose.
//
// It knows nothing of raiz and never opens a connection: when its addresses
// change it calls Config.Move, and whoever built it moves the real ones.
// Start reading at Config, then serve.go, then the personality of interest.
package simbmc
