// Package verdict is what a room found, as data: a stable code with named,
// typed arguments, and no sentence. provision/report has the words, one file a
// language; a program reads the code and the arguments.
//
// A room that has codes says them with New, the code and the names written out
// where they are used, and returns a Definition of each from a function. There
// is no registry: a test reads every call of New in the source and holds it
// against the definitions.
//
// Whatever the arguments hold was bounded and cleaned when they were made: it
// can be printed as it is.
package verdict
