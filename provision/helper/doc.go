// Package helper is the far side: what raiz-helper does on the server. It
// answers probes, and carries out the transaction by which a server gets a new
// generation, or comes back to what stood before.
//
// All that it knows of the operating system is the interface OS, so that the
// same code runs on a machine and in a simulation that crashes at any call.
// docs/transaction.md is the page that it follows. Start reading at Handle.
package helper
