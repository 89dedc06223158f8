// Package server is the language between raiz and raiz-helper, the program on
// the server: requests, answers, and the manifest of a generation.
//
// It holds nouns and how they are written; it opens no connection, runs nothing
// and decides nothing. Both sides read bytes of the other that may be anything:
// a document is bounded, of a known version, and checked before it is used.
// Start reading at Request, Manifest and Answer.
package server
